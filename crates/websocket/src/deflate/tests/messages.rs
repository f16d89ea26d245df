use super::*;
use crate::{DataKind, Delivery, Opcode, SharedFrame};
use alloc::format;
use bytes::Bytes;

#[test]
fn a_header_goes_with_the_compressed_payload() {
    let text = Message::Text("tidings ".repeat(50).as_str().into());
    let (mut whole, mut parts) = (BytesMut::new(), BytesMut::new());
    let mut sender = server(options(takeover));
    sender.send_message(&text, (), &mut whole).unwrap();
    sender.send_message(&text, (), &mut whole).unwrap();
    let mut sender = server(options(takeover));
    for _ in 0..2 {
        let payload = sender.send_header(&text, &mut parts).unwrap();
        parts.extend_from_slice(&payload);
    }
    assert_eq!(parts, whole);
    assert_eq!(parts[0], 0xC1);
}

#[test]
fn the_examples_of_rfc7692_7_2_3_are_hello() {
    let hello = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    let rows: [(&str, Vec<u8>, &[&str]); 8] = [
        ("§7.2.3.1, one frame", frame(0xC1, &hello), &["Hello"]),
        (
            "§7.2.3.1, two frames",
            [frame(0x41, &hello[..3]), frame(0x80, &hello[3..])].concat(),
            &["Hello"],
        ),
        (
            "§7.2.3.2, context takeover",
            [
                frame(0xC1, &hello),
                frame(0xC1, &[0xf2, 0x00, 0x11, 0x00, 0x00]),
            ]
            .concat(),
            &["Hello", "Hello"],
        ),
        (
            "§7.2.3.3, a stored block",
            frame(
                0xC1,
                &[
                    0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00,
                ],
            ),
            &["Hello"],
        ),
        (
            "§7.2.3.4, BFINAL",
            frame(0xC1, &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00]),
            &["Hello"],
        ),
        (
            "§7.2.3.5, two blocks",
            frame(
                0xC1,
                &[
                    0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00,
                ],
            ),
            &["Hello"],
        ),
        ("§7.2.3.6, empty", frame(0xC1, &[0x00]), &[""]),
        (
            "uncompressed between two that share a context",
            [
                frame(0xC1, &hello),
                frame(0x81, b"plain"),
                frame(0xC1, &[0xf2, 0x00, 0x11, 0x00, 0x00]),
            ]
            .concat(),
            &["Hello", "plain", "Hello"],
        ),
    ];
    for (name, input, want) in rows {
        for step in [1, 2, input.len()] {
            let mut client = client_with(|_| {}, options(takeover));
            let want: Vec<_> = want.iter().map(|message| text(message)).collect();
            assert_eq!(feed(&mut client, &input, step), want, "{name}, step {step}");
        }
    }
}

#[test]
fn hello_compresses_as_in_rfc7692_7_2_3() {
    let mut out = BytesMut::new();
    let mut keeps = server(options(takeover));
    for message in ["Hello", "Hello", ""] {
        keeps.send_text(message, (), &mut out).unwrap();
    }
    let want = [
        &b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00"[..],
        b"\xc1\x05\xf2\x00\x11\x00\x00",
        b"\xc1\x01\x00",
    ];
    assert_eq!(out, want.concat()[..]);
}

#[test]
fn bad_compressed_messages_close_rfc7692_6_and_7_2_2() {
    let hello = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    let bits = ReceiveErrorKind::ReservedBits { bits: 4 };
    let rows: [(&str, Vec<u8>, Event); 11] = [
        (
            "RSV1 on a continuation",
            [frame(0x41, &hello[..3]), frame(0xC0, &hello[3..])].concat(),
            fault(bits, 5),
        ),
        ("RSV1 on a Ping", frame(0xC9, b""), fault(bits, 0)),
        ("RSV1 on a Pong", frame(0xCA, b""), fault(bits, 0)),
        ("RSV1 on a Close", frame(0xC8, b""), fault(bits, 0)),
        (
            "RSV2",
            frame(0xE1, &hello),
            fault(ReceiveErrorKind::ReservedBits { bits: 6 }, 0),
        ),
        (
            "no DEFLATE",
            [frame(0x81, b""), frame(0xC1, &[0xFF; 9])].concat(),
            fault(ReceiveErrorKind::Deflate, 2),
        ),
        (
            "cut inside a block",
            frame(0xC1, &hello[..4]),
            fault(ReceiveErrorKind::Deflate, 0),
        ),
        (
            "the tail was sent too",
            frame(0xC1, b"\xf2\x48\xcd\xc9\xc9\x07\x00\x00\x00\xff\xff"),
            fault(ReceiveErrorKind::Deflate, 0),
        ),
        (
            "no octet at all",
            frame(0xC1, b""),
            fault(ReceiveErrorKind::Deflate, 0),
        ),
        (
            "reaches in front of the message",
            frame(0xC1, &[0xf2, 0x00, 0x11, 0x00, 0x00]),
            fault(ReceiveErrorKind::Deflate, 0),
        ),
        (
            "inflates to no UTF-8",
            frame(0xC1, &[0x00, 0x02, 0x00, 0xfd, 0xff, 0xC3, 0x28, 0x00]),
            fault(ReceiveErrorKind::NotUtf8, 0),
        ),
    ];
    for (name, input, want) in rows {
        for step in [1, input.len()] {
            let mut client = client_with(|_| {}, options(|_| {}));
            let events = feed(&mut client, &input, step);
            assert_eq!(events.last(), Some(&want), "{name}, step {step}");
            let mut out = BytesMut::new();
            assert!(client.transmit([0; 4], &mut out));
            let code = match want {
                Event::Closed(Closed {
                    by: ClosedBy::Error(error),
                    ..
                }) => error.close_code().get(),
                _ => 0,
            };
            assert_eq!(out[6..], code.to_be_bytes(), "{name}");
        }
    }
}

#[test]
fn rsv1_is_refused_where_nothing_was_agreed_rfc6455_5_2() {
    let mut plain = Connection::<Client>::with_deflate(Config::default(), None, T0);
    let want = fault(ReceiveErrorKind::ReservedBits { bits: 4 }, 0);
    assert_eq!(feed(&mut plain, &frame(0xC1, &[0x00]), 1), [want]);
}

#[test]
fn text_fails_at_the_octet_that_inflates_to_no_utf8_rfc6455_8_1() {
    // A frame that never ends.
    let input = [0x41, 100, 0x00, 0x02, 0x00, 0xfd, 0xff, 0xC3, 0x28];
    let mut client = client_with(|_| {}, options(|_| {}));
    let want = fault(ReceiveErrorKind::NotUtf8, 0);
    assert_eq!(feed(&mut client, &input, 1), [want]);
}

#[test]
fn a_bomb_is_stopped_at_the_limit_rfc6455_10_4() {
    let payload = compress_alone(&alloc::vec![b'a'; 16 << 20], 9, 15).unwrap();
    assert!(payload.len() < 20_000, "{}", payload.len());
    let bomb = frame(0xC1, &payload);
    for (max, step) in [
        (1 << 20, 1024),
        (1 << 20, bomb.len()),
        (1000, 1),
        (0, bomb.len()),
    ] {
        let mut client = client_with(|config| config.max_message_len = max, options(|_| {}));
        let mut held = BytesMut::new();
        let mut events = Vec::new();
        for piece in bomb.chunks(step) {
            held.extend_from_slice(piece);
            while let Some(event) = client.next_event(&mut held, T0) {
                events.push(event);
            }
            let buffered = client.buffered_len();
            assert!(buffered <= max + 1, "{buffered} for {max}");
        }
        let (len, max) = (max as u64 + 1, max as u64);
        let want = fault(ReceiveErrorKind::MessageTooLong { len, max }, 0);
        assert_eq!(events, [want], "{max}, step {step}");
    }
}

#[test]
fn a_message_may_inflate_to_exactly_the_limit() {
    let payload = compress_alone(&[b'a'; 1000], 6, 15).unwrap();
    for (max, good) in [(1000, true), (999, false)] {
        let mut client = client_with(|config| config.max_message_len = max, options(|_| {}));
        let events = feed(&mut client, &frame(0xC1, &payload), 1);
        assert_eq!(matches!(events[..], [Event::Message(_)]), good, "{max}");
    }
}

#[test]
fn each_window_of_9_to_15_is_kept_by_who_compresses_rfc7692_7_1_2() {
    // Noise, then the same again: it shrinks where the window reaches back over it, but for the 262 octets that DEFLATE
    // itself needs of it.
    let noise = |len: usize| {
        let mut seed = 1_u32;
        let mut octet = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 24) as u8
        };
        (0..len).map(|_| octet()).collect::<Vec<u8>>()
    };
    for bits in 9..=15_u8 {
        for keeps in [false, true] {
            let options = options(|options| {
                (options.server_takeover, options.client_takeover) = (keeps, keeps);
                (options.server_window_bits, options.client_window_bits) = (bits, bits);
            });
            for (len, shrinks) in [((1 << bits) - 262, true), (1 << bits, false)] {
                let data = noise(len).repeat(2);
                let name = format!("{bits} bits, {len} octets twice, takeover {keeps}");
                let (mut server, mut client) = (server(options), client_with(|_| {}, options));
                let (mut down, mut up) = (BytesMut::new(), BytesMut::new());
                server.send_binary(&data, (), &mut down).unwrap();
                client.send_binary(&data, [1, 2, 3, 4], &mut up).unwrap();
                for wire in [&down, &up] {
                    assert_eq!(wire.len() < len * 3 / 2, shrinks, "{name}: {}", wire.len());
                }
                let want = [Event::Message(Message::Binary(data.into()))];
                assert_eq!(feed(&mut client, &down, 1000), want, "{name}");
                assert_eq!(feed(&mut server, &up, 1000), want, "{name}");
            }
        }
    }
}

#[test]
fn many_final_blocks_are_cheap_and_empty() {
    let payload = [&b"\x03\x00".repeat(30_000)[..], b"\x00"].concat();
    let mut client = client_with(|_| {}, options(takeover));
    let input = frame(0xC1, &payload);
    assert_eq!(feed(&mut client, &input, 4096), [text("")]);
}

#[test]
fn an_idle_connection_without_takeover_owns_no_compressor() {
    for (keeps, change) in [
        (false, (|_| {}) as fn(&mut DeflateOptions)),
        (true, takeover),
    ] {
        let options = options(change);
        let (mut server, mut client) = (server(options), client_with(|_| {}, options));
        let mut wire = BytesMut::new();
        server.send_text("Hello", (), &mut wire).unwrap();
        for (data, fin) in [(&b"Hel"[..], false), (b"lo", true)] {
            let sent = server.send_fragment(DataKind::Text, data, fin, (), &mut wire);
            sent.unwrap();
        }
        assert_eq!(feed(&mut client, &wire, 1), [text("Hello"), text("Hello")]);
        let sends = server.codec().unwrap().compressor.holds_state();
        let receives = client.codec().unwrap().inflater.holds_state();
        assert_eq!((sends, receives), (keeps, keeps));
    }
}

#[test]
fn control_frames_stand_between_compressed_fragments_and_are_not_compressed_rfc7692_6() {
    let mut server = server(options(takeover));
    let mut wire = BytesMut::new();
    let hello = "Hello ".repeat(50);
    for piece in [&hello[..100], "", &hello[100..]] {
        let sent = server.send_fragment(DataKind::Text, piece.as_bytes(), false, (), &mut wire);
        sent.unwrap();
        server.ping(b"alive", (), &mut wire).unwrap();
    }
    let sent = server.send_fragment(DataKind::Text, b"", true, (), &mut wire);
    sent.unwrap();
    assert_eq!(wire[0], 0x41, "RSV1 on the first fragment");
    let pings = wire.windows(7).filter(|seen| *seen == b"\x89\x05alive");
    assert_eq!(pings.count(), 3, "a Ping goes as it is");
    let mut client = client_with(|_| {}, options(takeover));
    let ping = || Event::Ping(Bytes::from_static(b"alive"));
    let want = [ping(), ping(), ping(), text(&hello)];
    assert_eq!(feed(&mut client, &wire, 1), want);
}

#[test]
fn short_messages_and_those_that_do_not_shrink_go_as_they_are() {
    let mut options = options(|_| {});
    options.min_len = 128;
    let mut server = server(options);
    let noise: Vec<u8> = (0..=255_u8).collect();
    for (data, first) in [(&[0; 127][..], 0x82), (&[0; 128], 0xC2), (&noise, 0x82)] {
        let mut out = BytesMut::new();
        server.send_binary(data, (), &mut out).unwrap();
        assert_eq!(out[0], first, "{} octets", data.len());
    }
}

#[test]
fn a_shared_frame_goes_compressed_where_nothing_is_kept_and_the_window_holds_it() {
    let text = "tidings ".repeat(500);
    let shared = SharedFrame::text_deflated(&text, 6);
    let noise = SharedFrame::binary_deflated(&[7], 6);
    let rows: [(&str, DeflateOptions, bool); 4] = [
        ("no takeover", options(|_| {}), true),
        ("takeover", options(takeover), false),
        (
            "a window of 4 KiB",
            options(|o| o.server_window_bits = 12),
            true,
        ),
        (
            "a window of 2 KiB",
            options(|o| o.server_window_bits = 11),
            false,
        ),
    ];
    for (name, options, compressed) in rows {
        let server = server(options);
        let octets = server.shared(&shared);
        assert_eq!(octets.len() < 100, compressed, "{name}");
        let mut client = client_with(|_| {}, options);
        assert_eq!(feed(&mut client, octets, 7), [super::text(&text)], "{name}");
        assert_eq!(server.shared(&noise), noise.as_bytes(), "{name}");
        let wants = shared.deflated().filter(|_| compressed);
        assert_eq!(octets, wants.unwrap_or(shared.as_bytes()), "{name}");
    }
    let plain = Connection::<Server>::new(Config::default(), T0);
    assert_eq!(plain.shared(&shared), shared.as_bytes());
}

#[test]
fn chunks_of_a_compressed_message_join_to_the_whole() {
    let data: Vec<u8> = (0..50_000_u32).map(|n| (n / 7) as u8).collect();
    let mut server = server(options(takeover));
    let mut wire = BytesMut::new();
    server.send_binary(&data, (), &mut wire).unwrap();
    let mut client = client_with(
        |config| config.delivery = Delivery::Chunks,
        options(takeover),
    );
    let (mut whole, mut marks) = (Vec::new(), Vec::new());
    for event in feed(&mut client, &wire, 100) {
        let Event::Chunk {
            kind,
            data,
            first,
            last,
        } = event
        else {
            panic!("{event:?}")
        };
        assert_eq!(kind, DataKind::Binary);
        whole.extend_from_slice(&data);
        marks.push((first, last));
    }
    assert_eq!(whole, data);
    assert_eq!(marks.iter().filter(|mark| mark.0).count(), 1);
    assert_eq!(marks.iter().filter(|mark| mark.1).count(), 1);
    assert!(marks.first().unwrap().0 && marks.last().unwrap().1);
    assert_eq!(
        Opcode::Binary,
        crate::FrameHeader::decode(&wire).unwrap().unwrap().0.opcode
    );
}

#[test]
fn a_message_that_comes_out_as_long_as_it_is_goes_uncompressed() {
    // Runs of one octet pass from longer to shorter, so that one of them comes out as long as it is.
    let mut as_long = 0;
    for len in 1..40 {
        let data = alloc::vec![b'a'; len];
        let payload = compress_alone(&data, 6, 15).unwrap();
        as_long += u32::from(payload.len() == len);
        let shrinks = payload.len() < len;
        let mut out = BytesMut::new();
        let mut server = server(options(|_| {}));
        server.send_binary(&data, (), &mut out).unwrap();
        assert_eq!(out[0] == 0xC2, shrinks, "{len}");
        let shared = SharedFrame::binary_deflated(&data, 6);
        assert_eq!(shared.deflated().is_some(), shrinks, "{len}");
    }
    assert!(as_long > 0);
}

#[test]
fn an_empty_first_fragment_has_no_payload_and_the_last_ends_a_block_rfc7692_7_2_3_6() {
    let mut server = server(options(takeover));
    let mut wire = BytesMut::new();
    for fin in [false, true] {
        let sent = server.send_fragment(DataKind::Binary, b"", fin, (), &mut wire);
        sent.unwrap();
    }
    assert_eq!(wire[..2], *b"\x42\x00");
    let mut client = client_with(|_| {}, options(takeover));
    let want = [Event::Message(Message::Binary(Bytes::new()))];
    assert_eq!(feed(&mut client, &wire, 1), want);
}

#[test]
fn a_character_may_be_cut_by_compressed_fragments_but_not_by_the_end_rfc6455_8_1() {
    // "é" as two stored blocks of one octet.
    let (first, second) = (b"\x00\x01\x00\xfe\xff\xc3", b"\x00\x01\x00\xfe\xff\xa9");
    let whole = [
        frame(0x41, first),
        frame(0x00, second),
        frame(0x80, b"\x00"),
    ]
    .concat();
    let cut = [frame(0x41, first), frame(0x80, b"\x00")].concat();
    let not_utf8 = fault(ReceiveErrorKind::NotUtf8, 0);
    for (wire, want) in [(whole, text("é")), (cut, not_utf8)] {
        for step in [1, wire.len()] {
            let mut client = client_with(|_| {}, options(|_| {}));
            assert_eq!(feed(&mut client, &wire, step), core::slice::from_ref(&want));
        }
    }
}

#[test]
fn a_connection_says_in_its_debug_form_whether_it_compresses() {
    let with = format!("{:?}", server(options(|_| {})));
    assert!(with.contains("deflate: Some(Codec"), "{with}");
    let without = format!("{:?}", Connection::<Server>::new(Config::default(), T0));
    assert!(without.contains("deflate: None"), "{without}");
}

#[test]
fn few_octets_may_inflate_to_many_however_they_are_cut() {
    for len in [300, 5000, 20_000, 200_000] {
        let data = alloc::vec![b'a'; len];
        let payload = compress_alone(&data, 9, 15).unwrap();
        let wire = frame(0xC2, &payload);
        for step in [1, 2, 7, wire.len()] {
            let mut client = client_with(|_| {}, options(|_| {}));
            let want = Event::Message(Message::Binary(data.clone().into()));
            assert!(feed(&mut client, &wire, step) == [want], "{len} by {step}");
        }
    }
}
