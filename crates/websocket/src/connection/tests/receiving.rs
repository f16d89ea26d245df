use super::*;
use crate::{DataKind, Delivery};

/// What a whole input yields, and the Close that goes out for it.
type Row = (&'static str, Vec<u8>, Vec<Event>, &'static [u8]);

fn check(rows: Vec<Row>) {
    for (name, input, want, close) in rows {
        let mut whole = server();
        assert_eq!(feed(&mut whole, &input), want, "{name}");
        assert_eq!(sent(&mut whole), close, "{name}: sent");
        let mut cut = server();
        assert_eq!(
            trickle(&mut cut, &input),
            want,
            "{name}, one octet at a time"
        );
        assert_eq!(sent(&mut cut), close, "{name}: sent, one octet at a time");
    }
}

fn joined(frames: &[Vec<u8>]) -> Vec<u8> {
    frames.concat()
}

#[test]
fn messages_of_any_fragments_fg_01_fg_06_fr_15_u8_01() {
    check(vec_of([
        (
            "a text",
            masked(0x81, b"Hello"),
            [text("Hello")].into(),
            b"",
        ),
        (
            "a binary",
            masked(0x82, b"\xff\x00"),
            [binary(b"\xff\x00")].into(),
            b"",
        ),
        ("an empty text", masked(0x81, b""), [text("")].into(), b""),
        (
            "an empty binary",
            masked(0x82, b""),
            [binary(b"")].into(),
            b"",
        ),
        (
            "two fragments",
            joined(&[masked(0x01, b"Hel"), masked(0x80, b"lo")]),
            [text("Hello")].into(),
            b"",
        ),
        (
            "empty first, middle and last",
            joined(&[
                masked(0x02, b""),
                masked(0, b"ab"),
                masked(0, b""),
                masked(0, b"c"),
                masked(0x80, b""),
            ]),
            [binary(b"abc")].into(),
            b"",
        ),
        (
            "nothing in three",
            joined(&[masked(0x01, b""), masked(0, b""), masked(0x80, b"")]),
            [text("")].into(),
            b"",
        ),
        (
            "a character over three fragments",
            joined(&[
                masked(0x01, b"\xf0\x9f"),
                masked(0, b"\xa6"),
                masked(0x80, b"\x80"),
            ]),
            [text("🦀")].into(),
            b"",
        ),
        (
            "one after the other",
            joined(&[masked(0x81, b"a"), masked(0x82, b"b"), masked(0x81, b"c")]),
            [text("a"), binary(b"b"), text("c")].into(),
            b"",
        ),
    ]));
}

fn vec_of<const N: usize>(rows: [Row; N]) -> Vec<Row> {
    rows.into()
}

#[test]
fn lengths_at_every_border_arrive_whole_fr_05_fr_11() {
    for len in [0, 1, 125, 126, 127, 4095, 4096, 8192, 65535, 65536, 70000] {
        let payload: Vec<u8> = (0..len).map(|i: usize| (i * 7 % 251) as u8).collect();
        let input = masked(0x82, &payload);
        assert_eq!(
            feed(&mut server(), &input),
            [binary(&payload)],
            "{len} at once"
        );
        assert_eq!(
            feed(&mut client(), &plain(0x82, &payload)),
            [binary(&payload)],
            "{len}, client"
        );
        for step in [3, 1000, 5000] {
            let mut connection = server();
            let mut held = BytesMut::new();
            let mut events = Vec::new();
            for piece in input.chunks(step) {
                held.extend_from_slice(piece);
                events.extend(connection.next_event(&mut held, T0));
            }
            assert_eq!(events, [binary(&payload)], "{len} in steps of {step}");
        }
    }
}

#[test]
fn control_frames_between_fragments_fg_04_pp_01_pp_02_pp_03() {
    let ping = |data: &'static [u8]| Event::Ping(Bytes::from_static(data));
    let pong = |data: &'static [u8]| Event::Pong(Bytes::from_static(data));
    check(vec_of([
        (
            "a ping between fragments",
            joined(&[
                masked(0x01, b"Hel"),
                masked(0x89, b"p"),
                masked(0x80, b"lo"),
            ]),
            [ping(b"p"), text("Hello")].into(),
            b"\x8a\x01p",
        ),
        (
            "a ping inside a character",
            joined(&[
                masked(0x01, b"\xce"),
                masked(0x89, b""),
                masked(0x80, b"\xba"),
            ]),
            [ping(b""), text("κ")].into(),
            b"\x8a\x00",
        ),
        (
            "a pong that nobody asked for",
            masked(0x8a, b"x"),
            [pong(b"x")].into(),
            b"",
        ),
        (
            "a close between fragments",
            joined(&[masked(0x01, b"Hel"), masked(0x88, b"\x03\xe8")]),
            [closed(1000, "", ClosedBy::Peer, true)].into(),
            b"\x88\x02\x03\xe8",
        ),
    ]));
}

#[test]
fn a_ping_is_answered_with_its_own_octets_pp_01_pp_04() {
    for len in [0, 1, 124, 125] {
        let data: Vec<u8> = (0..len).collect();
        let mut connection = server();
        feed(&mut connection, &masked(0x89, &data));
        assert_eq!(sent(&mut connection), plain(0x8a, &data), "{len} octets");
    }
}

#[test]
fn of_many_pings_the_latest_is_answered_pp_11() {
    let mut connection = server();
    let flood: Vec<u8> = (0..1000_u16)
        .flat_map(|i| masked(0x89, &i.to_be_bytes()))
        .collect();
    assert_eq!(feed(&mut connection, &flood).len(), 1000);
    assert_eq!(sent(&mut connection), plain(0x8a, &999_u16.to_be_bytes()));
    assert!(connection.is_idle());
}

#[test]
fn an_answered_ping_flood_does_not_grow_a_full_out_buffer_pp_11_sd_05() {
    let mut connection = configured(|config| config.max_out_len = 100);
    let mut out = BytesMut::new();
    for _ in 0..1000 {
        feed(&mut connection, &masked(0x89, &[b'x'; 125]));
        while connection.transmit((), &mut out) {}
    }
    assert_eq!(out.len(), 127, "one pong, then they wait");
    assert!(connection.wants_transmit());
    out.clear();
    assert!(connection.transmit((), &mut out), "there is room once more");
    assert!(!connection.wants_transmit());
}

#[test]
fn bad_frames_fail_the_connection_with_1002_cl_11_fr_01_fr_02_fr_03_fr_04_fr_08_fr_12() {
    use ReceiveErrorKind as Kind;
    const CLOSE: &[u8] = b"\x88\x02\x03\xea";
    let bad = |name, input: &[u8], kind| (name, input.to_vec(), [fault(kind, 0)].into(), CLOSE);
    check(vec_of([
        bad("not masked", b"\x81\x05Hello", Kind::NotMasked),
        bad(
            "2 in 16 bits",
            b"\x81\xfe\x00\x02KEY!ab",
            Kind::LengthNotMinimal { len: 2 },
        ),
        bad(
            "2 in 64 bits",
            b"\x81\xff\0\0\0\0\0\0\0\x02KEY!ab",
            Kind::LengthNotMinimal { len: 2 },
        ),
        bad(
            "the top bit of 64",
            b"\x82\xff\x80\0\0\0\0\0\0\0",
            Kind::LengthTopBit,
        ),
        bad(
            "a pong of 126",
            &masked(0x8a, &[0; 126]),
            Kind::ControlTooLong,
        ),
        bad(
            "a ping of 126",
            &masked(0x89, &[0; 126]),
            Kind::ControlTooLong,
        ),
        bad(
            "a close of 126",
            &masked(0x88, &[0; 126]),
            Kind::ControlTooLong,
        ),
        bad("RSV1", &masked(0xc1, b"a"), Kind::ReservedBits { bits: 4 }),
        bad(
            "RSV1 on a ping",
            &masked(0xc9, b"a"),
            Kind::ReservedBits { bits: 4 },
        ),
        bad("RSV2", &masked(0xa1, b"a"), Kind::ReservedBits { bits: 2 }),
        bad(
            "opcode 3",
            &masked(0x83, b"a"),
            Kind::ReservedOpcode { opcode: 3 },
        ),
        bad(
            "opcode 15",
            &masked(0x8f, b"a"),
            Kind::ReservedOpcode { opcode: 15 },
        ),
        bad(
            "a ping without FIN",
            &masked(0x09, b"a"),
            Kind::ControlFragmented,
        ),
        bad(
            "nothing to continue",
            &masked(0x80, b"a"),
            Kind::NothingToContinue,
        ),
        bad(
            "nothing to continue, not the last",
            &masked(0x00, b"a"),
            Kind::NothingToContinue,
        ),
    ]));
}

#[test]
fn a_client_refuses_a_masked_frame_fr_09() {
    let mut connection = client();
    let want = [fault(ReceiveErrorKind::Masked, 0)];
    assert_eq!(feed(&mut connection, &masked(0x81, b"Hello")), want);
    assert_eq!(sent_by_client(&mut connection), b"\x88\x82\0\0\0\0\x03\xea");
}

#[test]
fn messages_never_interleave_fg_02_fg_03() {
    use ReceiveErrorKind as Kind;
    let first = masked(0x01, b"a");
    let at = first.len() as u64;
    const CLOSE: &[u8] = b"\x88\x02\x03\xea";
    check(vec_of([
        (
            "a text inside a text",
            joined(&[first.clone(), masked(0x81, b"b")]),
            [fault(Kind::MessageOpen, at)].into(),
            CLOSE,
        ),
        (
            "a binary inside a text",
            joined(&[first.clone(), masked(0x02, b"b")]),
            [fault(Kind::MessageOpen, at)].into(),
            CLOSE,
        ),
        (
            "a continuation after the end",
            joined(&[first, masked(0x80, b"b"), masked(0x80, b"c")]),
            [text("ab"), fault(Kind::NothingToContinue, 2 * at)].into(),
            CLOSE,
        ),
    ]));
}

#[test]
fn good_messages_before_a_bad_frame_come_first_cl_11() {
    let input = joined(&[
        masked(0x81, b"good"),
        masked(0x89, b"p"),
        masked(0x83, b"bad"),
        masked(0x81, b"late"),
    ]);
    let want = [
        text("good"),
        Event::Ping(Bytes::from_static(b"p")),
        fault(ReceiveErrorKind::ReservedOpcode { opcode: 3 }, 17),
    ];
    check(vec_of([(
        "in order",
        input,
        want.into(),
        b"\x8a\x01p\x88\x02\x03\xea",
    )]));
}

#[test]
fn text_that_is_not_utf8_fails_at_its_octet_u8_02_u8_03_u8_04_u8_10() {
    let bad = |offset| [fault(ReceiveErrorKind::NotUtf8, offset)].into();
    const CLOSE: &[u8] = b"\x88\x02\x03\xef";
    check(vec_of([
        ("FF", masked(0x81, b"ab\xff"), bad(8), CLOSE),
        ("cut at FIN", masked(0x81, b"ab\xce"), bad(9), CLOSE),
        (
            "cut at an empty FIN",
            joined(&[masked(0x01, b"\xce"), masked(0x80, b"")]),
            bad(13),
            CLOSE,
        ),
        (
            "6.4.1: in the second fragment, the third withheld",
            joined(&[masked(0x01, b"\xce\xba"), masked(0x00, b"\xf4\x90\x80\x80")]),
            bad(8 + 6 + 1),
            CLOSE,
        ),
        ("a surrogate", masked(0x81, b"\xed\xa0\x80"), bad(7), CLOSE),
        (
            "a close reason",
            masked(0x88, b"\x03\xe8\xff"),
            bad(8),
            CLOSE,
        ),
    ]));
    assert_eq!(
        feed(&mut server(), &masked(0x82, b"\xff")),
        [binary(b"\xff")],
        "binary is free"
    );
}

#[test]
fn text_fails_inside_a_frame_that_has_partly_arrived_u8_11_u8_12() {
    // Autobahn 6.4.3 and 6.4.4: the frame announces more, and the impossible octet decides.
    let rows: [(&str, &[u8], u64); 3] = [
        (
            "6.4.3",
            b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xf4\x90",
            6 + 12,
        ),
        (
            "6.4.4",
            b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xf4\x90\x80",
            6 + 12,
        ),
        ("at the start of 100 octets", b"\xff", 6),
    ];
    for (name, part, offset) in rows {
        let mut payload = part.to_vec();
        payload.resize(100, b'x');
        let input = masked(0x81, &payload);
        let mut connection = server();
        let events = feed(&mut connection, &input[..6 + part.len()]);
        assert_eq!(events, [fault(ReceiveErrorKind::NotUtf8, offset)], "{name}");
        assert_eq!(sent(&mut connection), b"\x88\x02\x03\xef", "{name}");
    }
}

#[test]
fn limits_at_minus_one_zero_plus_one_fr_13_fg_07_fg_08_sd_05() {
    use ReceiveErrorKind as Kind;
    let frame = |len: usize| masked(0x82, &vec_x(len));
    let two = |a: usize, b: usize| joined(&[masked(0x02, &vec_x(a)), masked(0x80, &vec_x(b))]);
    let many = |n: usize| {
        let mut frames = alloc::vec![masked(0x00, b""); n];
        frames[0] = masked(0x02, b"");
        frames[n - 1][0] |= 0x80;
        frames.concat()
    };
    let rows: [(&str, Vec<u8>, Result<usize, Kind>); 10] = [
        ("frame, limit - 1", frame(99), Ok(99)),
        ("frame, limit", frame(100), Ok(100)),
        (
            "frame, limit + 1",
            frame(101),
            Err(Kind::FrameTooLong { len: 101, max: 100 }),
        ),
        ("message, limit - 1", two(100, 49), Ok(149)),
        ("message, limit", two(100, 50), Ok(150)),
        (
            "message, limit + 1",
            two(100, 51),
            Err(Kind::MessageTooLong { len: 151, max: 150 }),
        ),
        ("fragments, limit - 1", many(3), Ok(0)),
        ("fragments, limit", many(4), Ok(0)),
        (
            "fragments, limit + 1, all empty",
            many(5),
            Err(Kind::TooManyFragments { max: 4 }),
        ),
        ("the count starts anew", [many(4), many(4)].concat(), Ok(0)),
    ];
    for delivery in [Delivery::Messages, Delivery::Chunks] {
        for (name, input, want) in &rows {
            let mut connection = configured(|config| {
                config.max_frame_len = 100;
                config.max_message_len = 150;
                config.max_fragments = 4;
                config.delivery = delivery;
            });
            let events = feed(&mut connection, input);
            let len: usize = events
                .iter()
                .map(|event| match event {
                    Event::Message(Message::Binary(data)) | Event::Chunk { data, .. } => data.len(),
                    _ => 0,
                })
                .sum();
            let failed = events.iter().find_map(|event| match event {
                Event::Closed(Closed {
                    by: ClosedBy::Error(error),
                    ..
                }) => Some(*error),
                _ => None,
            });
            match want {
                Ok(want) => assert_eq!((len, failed), (*want, None), "{name}"),
                Err(kind) => {
                    assert_eq!(failed.map(|error| error.kind()), Some(*kind), "{name}");
                    assert_eq!(sent(&mut connection), b"\x88\x02\x03\xf1", "{name}: 1009");
                }
            }
        }
    }
}

fn vec_x(len: usize) -> Vec<u8> {
    alloc::vec![b'x'; len]
}

#[test]
fn a_limit_is_decided_before_any_payload_fr_13() {
    let mut connection = configured(|config| config.max_message_len = 10);
    let header_only = &masked(0x82, &[0; 11])[..6];
    let want = [fault(
        ReceiveErrorKind::MessageTooLong { len: 11, max: 10 },
        0,
    )];
    assert_eq!(feed(&mut connection, header_only), want);
}

#[test]
fn an_announced_length_allocates_nothing_fr_14() {
    let mut connection = configured(|config| {
        config.max_frame_len = u64::MAX;
        config.max_message_len = usize::MAX;
    });
    let mut input = BytesMut::from(&b"\x82\xff\0\0\0\0\x40\0\0\0KEY!x"[..]); // 1 GiB, 1 octet there
    assert_eq!(connection.next_event(&mut input, T0), None);
    assert!(
        connection.assembly.capacity() <= 64,
        "{}",
        connection.assembly.capacity()
    );
    for _ in 0..100 {
        input.extend_from_slice(&[0; 100]);
        assert_eq!(connection.next_event(&mut input, T0), None);
    }
    assert!(
        connection.assembly.capacity() <= 2 * 10_001,
        "{}",
        connection.assembly.capacity()
    );
}

#[test]
fn an_idle_connection_holds_no_buffer() {
    let mut connection = server();
    assert!(connection.is_idle());
    for input in [
        masked(0x01, &vec_x(5000)),
        masked(0x80, b"y"),
        masked(0x89, b"ping"),
    ] {
        feed(&mut connection, &input);
        assert!(!connection.is_idle() || input[0] == 0x80);
        let held = connection.buffered_len();
        assert!(held >= 5000 || input[0] != 0x01, "{held}");
        sent(&mut connection);
    }
    assert!(connection.is_idle());
    assert_eq!(connection.assembly.capacity(), 0);
    assert_eq!(connection.buffered_len(), 0);
    assert!(connection.pong.is_none());
}

#[test]
fn chunks_are_handed_out_as_they_arrive_fg_10() {
    let chunk = |data: &'static [u8], first, last| Event::Chunk {
        kind: DataKind::Text,
        data: Bytes::from_static(data),
        first,
        last,
    };
    let chunks = || configured(|config| config.delivery = Delivery::Chunks);
    type Row = (&'static str, Vec<Vec<u8>>, Vec<Event>);
    let rows: [Row; 5] = [
        (
            "one frame",
            [masked(0x81, b"Hello")].into(),
            [chunk(b"Hello", true, true)].into(),
        ),
        (
            "empty",
            [masked(0x81, b"")].into(),
            [chunk(b"", true, true)].into(),
        ),
        (
            "a frame in two reads, cut inside a character",
            [
                masked(0x81, b"a\xce\xba")[..8].to_vec(),
                masked(0x81, b"a\xce\xba")[8..].to_vec(),
            ]
            .into(),
            [chunk(b"a\xce", true, false), chunk(b"\xba", false, true)].into(),
        ),
        (
            "two fragments",
            [masked(0x01, b"a"), masked(0x80, b"b")].into(),
            [chunk(b"a", true, false), chunk(b"b", false, true)].into(),
        ),
        (
            "empty fragments, of which only the last is told",
            [
                masked(0x01, b""),
                masked(0x00, b"a"),
                masked(0x00, b""),
                masked(0x80, b""),
            ]
            .into(),
            [chunk(b"a", true, false), chunk(b"", false, true)].into(),
        ),
    ];
    for (name, reads, want) in rows {
        let mut connection = chunks();
        let events: Vec<Event> = reads
            .iter()
            .flat_map(|read| feed(&mut connection, read))
            .collect();
        assert_eq!(events, want, "{name}");
        assert!(connection.is_idle(), "{name}");
        assert_eq!(
            connection.assembly.capacity(),
            0,
            "{name}: nothing is gathered"
        );
    }
    let events = feed(&mut chunks(), &masked(0x81, b"ab\xff"));
    assert_eq!(
        events,
        [fault(ReceiveErrorKind::NotUtf8, 8)],
        "no piece with the bad octet"
    );
}

#[test]
fn a_large_message_is_split_off_without_a_copy() {
    let frame = plain(0x82, &vec_x(100_000));
    let mut input = BytesMut::from(&frame[..]);
    let payload = input[10..].as_ptr();
    let Some(Event::Message(Message::Binary(data))) = client().next_event(&mut input, T0) else {
        panic!();
    };
    assert_eq!(data.as_ptr(), payload);
}
