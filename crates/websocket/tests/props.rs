//! The properties that the codec proves, through its public interface: what is encoded decodes to itself, cutting the input
//! changes nothing, a prefix tells a prefix, and nothing is kept above the limits.
#![allow(
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "tests"
)]

use core::time::Duration;

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use tidings_websocket::{
    Client, CloseCode, Closed, ClosedBy, Config, Connection, DataKind, Delivery, Event,
    FrameDecoder, FrameEvent, FrameHeader, Message, Opcode, Role, Server, Utf8Validator, mask,
};

const NOW: Duration = Duration::ZERO;

/// Keys that differ from frame to frame, so that a key kept from the frame before shows.
fn key(counter: &mut u32) -> [u8; 4] {
    *counter = counter.wrapping_add(1);
    counter.wrapping_mul(0x9e37_79b9).to_be_bytes()
}

// ---- strategies

fn opcode() -> impl Strategy<Value = Opcode> {
    prop::sample::select(vec![
        Opcode::Continuation,
        Opcode::Text,
        Opcode::Binary,
        Opcode::Close,
        Opcode::Ping,
        Opcode::Pong,
    ])
}

fn payload_len() -> impl Strategy<Value = u64> {
    prop_oneof![
        0..300_u64,
        65_500..65_600_u64,
        Just(0x7fff_ffff_ffff_ffff_u64),
        0..0x8000_0000_0000_0000_u64
    ]
}

/// A header that RFC 6455 allows.
fn legal_header() -> impl Strategy<Value = FrameHeader> {
    (
        any::<bool>(),
        opcode(),
        any::<Option<[u8; 4]>>(),
        payload_len(),
    )
        .prop_map(|(fin, opcode, key, payload_len)| {
            let control = opcode.is_control();
            let payload_len = if control {
                payload_len % 126
            } else {
                payload_len
            };
            FrameHeader {
                fin: fin || control,
                rsv1: false,
                opcode,
                key,
                payload_len,
            }
        })
}

/// What one side does.
#[derive(Debug, Clone)]
enum Act {
    Whole(Message),
    /// Each fragment with a ping before it, or none.
    Fragments(DataKind, Vec<(Vec<u8>, Option<Vec<u8>>)>),
    Ping(Vec<u8>),
}

fn octets(max: usize) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => prop::collection::vec(any::<u8>(), 0..max.min(200)),
        1 => (0..max, any::<u8>()).prop_map(|(len, octet)| vec![octet; len]),
    ]
}

fn act() -> impl Strategy<Value = Act> {
    let ping = || prop::collection::vec(any::<u8>(), 0..=125);
    let cuts = || {
        prop::collection::vec(
            (any::<prop::sample::Index>(), prop::option::of(ping())),
            1..5,
        )
    };
    prop_oneof![
        "\\PC{0,40}".prop_map(|text| Act::Whole(Message::Text(text.into()))),
        octets(70_000).prop_map(|data| Act::Whole(Message::Binary(data.into()))),
        ping().prop_map(Act::Ping),
        ("\\PC{0,40}", cuts())
            .prop_map(|(text, cuts)| Act::Fragments(DataKind::Text, cut(text.as_bytes(), cuts))),
        (octets(10_000), cuts())
            .prop_map(|(data, cuts)| Act::Fragments(DataKind::Binary, cut(&data, cuts))),
    ]
}

/// Cuts anywhere, inside characters too.
fn cut(
    data: &[u8],
    cuts: Vec<(prop::sample::Index, Option<Vec<u8>>)>,
) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
    let mut places: Vec<usize> = cuts
        .iter()
        .map(|(at, _)| at.index(data.len() + 1))
        .collect();
    places.sort_unstable();
    let ends = places.iter().copied().skip(1).chain([data.len()]);
    let starts = [0].into_iter().chain(places.iter().copied().skip(1));
    starts
        .zip(ends)
        .zip(cuts)
        .map(|((start, end), (_, ping))| (data[start..end].to_vec(), ping))
        .collect()
}

/// Performs the acts and gives the events that the other side must see.
fn perform<R: Role>(
    connection: &mut Connection<R>,
    acts: &[Act],
    mut key: impl FnMut() -> R::Key,
    out: &mut BytesMut,
) -> Vec<Event> {
    let mut want = Vec::new();
    for act in acts {
        match act {
            Act::Whole(message) => {
                match message {
                    Message::Text(text) => connection.send_text(text, key(), out).unwrap(),
                    Message::Binary(data) => connection.send_binary(data, key(), out).unwrap(),
                }
                want.push(Event::Message(message.clone()));
            }
            Act::Ping(data) => {
                connection.ping(data, key(), out).unwrap();
                want.push(Event::Ping(data.clone().into()));
            }
            Act::Fragments(kind, fragments) => {
                let mut whole = Vec::new();
                for (i, (data, ping)) in fragments.iter().enumerate() {
                    if let Some(ping) = ping {
                        connection.ping(ping, key(), out).unwrap();
                        want.push(Event::Ping(ping.clone().into()));
                    }
                    let fin = i + 1 == fragments.len();
                    connection
                        .send_fragment(*kind, data, fin, key(), out)
                        .unwrap();
                    whole.extend_from_slice(data);
                }
                want.push(Event::Message(match kind {
                    DataKind::Text => Message::Text(String::from_utf8(whole).unwrap().into()),
                    DataKind::Binary => Message::Binary(whole.into()),
                }));
            }
        }
    }
    want
}

/// The lengths of the reads that an input arrives in; the rest comes at once.
fn reads() -> impl Strategy<Value = Vec<usize>> {
    prop_oneof![
        Just(vec![1; 400]),
        prop::collection::vec(0..9_usize, 0..60),
        prop::collection::vec(0..5000_usize, 0..10),
    ]
}

/// Gives `input` in the reads named, and everything it yields.
fn receive<R: Role>(connection: &mut Connection<R>, input: &[u8], reads: &[usize]) -> Vec<Event> {
    let mut held = BytesMut::new();
    let mut events = Vec::new();
    let mut rest = input;
    let all = reads.iter().copied().chain([usize::MAX]);
    for read in all {
        let (piece, after) = rest.split_at(read.min(rest.len()));
        rest = after;
        held.extend_from_slice(piece);
        while let Some(event) = connection.next_event(&mut held, NOW) {
            events.push(event);
        }
        assert!(held.len() < 125, "less than one control frame stays");
    }
    events
}

/// Frames that look right often enough to get far, whole inputs of a server.
fn wire() -> impl Strategy<Value = Vec<u8>> {
    let frame = (
        prop_oneof![
            12 => prop::sample::select(vec![0x81_u8, 0x01, 0x80, 0x00, 0x82, 0x02, 0x89, 0x8a]),
            1 => Just(0x88_u8),
            1 => any::<u8>(),
        ],
        prop_oneof![
            4 => "\\PC{0,20}".prop_map(String::into_bytes),
            2 => prop::collection::vec(any::<u8>(), 0..140),
            1 => Just(vec![0x03, 0xe8]),
            1 => Just(b"\xf4\x90".to_vec()),
        ],
        any::<[u8; 4]>(),
        prop::bool::weighted(0.02),
    )
        .prop_map(|(first, payload, key, plain)| {
            let header = FrameHeader {
                fin: true,
                rsv1: false,
                opcode: Opcode::Binary,
                key: (!plain).then_some(key),
                payload_len: payload.len() as u64,
            };
            let mut frame = header.encode().to_vec();
            frame[0] = first;
            let at = frame.len();
            frame.extend_from_slice(&payload);
            mask(&mut frame[at..], if plain { [0; 4] } else { key }, 0);
            frame
        });
    prop::collection::vec(frame, 0..8).prop_map(|frames| frames.concat())
}

fn small_limits(delivery: Delivery) -> Connection<Server> {
    let mut config = Config::default();
    config.max_frame_len = 130;
    config.max_message_len = 200;
    config.max_fragments = 4;
    config.delivery = delivery;
    Connection::new(config, NOW)
}

/// Joins the chunks of each message, so that only what cutting may not change remains.
fn joined(events: Vec<Event>) -> Vec<Event> {
    let mut out: Vec<Event> = Vec::new();
    let mut open: Option<Vec<u8>> = None;
    for event in events {
        match event {
            Event::Chunk {
                kind,
                data,
                first,
                last,
            } => {
                assert_eq!(
                    first,
                    open.is_none(),
                    "the first piece says so, and no other"
                );
                let whole = [&open.take().unwrap_or_default()[..], &data].concat();
                if last {
                    let data = Bytes::from(whole);
                    out.push(Event::Chunk {
                        kind,
                        data,
                        first: true,
                        last: true,
                    });
                } else {
                    open = Some(whole);
                }
            }
            event => out.push(event),
        }
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_legal_header_decodes_to_itself(header in legal_header(), behind in octets(20)) {
        let encoded = header.encode();
        let input = [&encoded[..], &behind].concat();
        prop_assert_eq!(FrameHeader::decode(&input), Ok(Some((header, encoded.len()))));
        for len in 0..encoded.len() {
            prop_assert_eq!(FrameHeader::decode(&encoded[..len]), Ok(None));
        }
    }

    #[test]
    fn any_octets_decode_as_a_header_or_fail_for_good(input in prop::collection::vec(any::<u8>(), 0..20)) {
        let whole = FrameHeader::decode(&input);
        for len in 0..input.len() {
            match FrameHeader::decode(&input[..len]) {
                Ok(None) => {}
                told => prop_assert_eq!(told, whole, "what a prefix tells stays"),
            }
        }
        if let Ok(Some((header, used))) = whole {
            prop_assert_eq!(&header.encode()[..], &input[..used], "one form for one header");
        }
    }

    #[test]
    fn frames_decode_to_their_payload_however_cut(
        payload in octets(300), key in any::<[u8; 4]>(), step in 1..40_usize,
    ) {
        let header = FrameHeader {
            fin: true, rsv1: false, opcode: Opcode::Binary, key: Some(key), payload_len: payload.len() as u64,
        };
        let mut wire = header.encode().to_vec();
        let at = wire.len();
        wire.extend_from_slice(&payload);
        mask(&mut wire[at..], key, 0);
        let mut decoder = FrameDecoder::<Server>::new();
        let (mut held, mut got, mut ends) = (Vec::new(), Vec::new(), 0);
        for piece in wire.chunks(step) {
            held.extend_from_slice(piece);
            while let Some((event, used)) = decoder.decode(&mut held).unwrap() {
                match event {
                    FrameEvent::Header(decoded) => prop_assert_eq!(decoded, header),
                    FrameEvent::Payload { octets, last, .. } => {
                        got.extend_from_slice(octets);
                        ends += u32::from(last);
                    }
                }
                held.drain(..used);
            }
        }
        prop_assert_eq!((got, ends), (payload, 1));
        prop_assert_eq!(decoder.offset(), wire.len() as u64);
    }

    #[test]
    fn masking_twice_is_the_identity_in_every_phase(
        plain in octets(300), key in any::<[u8; 4]>(), phase in 0..8_usize, at in any::<prop::sample::Index>(),
    ) {
        let mut whole = plain.clone();
        mask(&mut whole, key, phase);
        let mut pieces = plain.clone();
        let (front, back) = pieces.split_at_mut(at.index(plain.len() + 1));
        let next = mask(front, key, phase);
        mask(back, key, next);
        prop_assert_eq!(&pieces, &whole, "in two pieces");
        for (i, (octet, was)) in whole.iter().zip(&plain).enumerate() {
            prop_assert_eq!(*octet, was ^ key[(phase + i) % 4]);
        }
        mask(&mut whole, key, phase);
        prop_assert_eq!(whole, plain);
    }

    #[test]
    fn text_is_judged_as_the_standard_library_does_for_every_cut(
        text in prop_oneof![
            "\\PC{0,12}".prop_map(String::into_bytes),
            prop::collection::vec(prop_oneof![any::<u8>(), 0x80..0xc0_u8, 0xe0..0xf8_u8], 0..8),
        ],
        at in any::<prop::sample::Index>(),
        octet in prop::option::of(any::<u8>()),
    ) {
        let mut text = text;
        if let (Some(octet), false) = (octet, text.is_empty()) {
            let at = at.index(text.len());
            text[at] = octet;
        }
        let judge = |pieces: &mut dyn Iterator<Item = &[u8]>| {
            let (mut validator, mut before) = (Utf8Validator::new(), 0);
            for piece in pieces {
                validator.feed(piece).map_err(|error| before + error.at)?;
                before += piece.len();
            }
            validator.finish().map_err(|_| before)
        };
        let want = judge(&mut [&text[..]].into_iter());
        prop_assert_eq!(want.is_ok(), core::str::from_utf8(&text).is_ok());
        if let Err(at) = want {
            // Up to the octet at fault, the text could still have become valid.
            let error = core::str::from_utf8(&text[..at]).err();
            prop_assert!(error.is_none_or(|error| error.error_len().is_none()));
        }
        for first in 0..=text.len() {
            for second in first..=text.len() {
                let pieces = [&text[..first], &text[first..second], &text[second..]];
                prop_assert_eq!(judge(&mut pieces.into_iter()), want);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn what_a_client_sends_is_what_a_server_receives(
        acts in prop::collection::vec(act(), 0..6), reads in reads(), seed in any::<u32>(),
    ) {
        let mut client = Connection::<Client>::new(Config::default(), NOW);
        let (mut wire, mut seed) = (BytesMut::new(), seed);
        let mut want = perform(&mut client, &acts, || key(&mut seed), &mut wire);
        client.close(CloseCode::NORMAL, "done", NOW);
        while client.transmit(key(&mut seed), &mut wire) {}
        want.push(Event::Closed(Closed {
            code: 1000, reason: "done".into(), by: ClosedBy::Peer, clean: true,
        }));
        let mut server = Connection::<Server>::new(Config::default(), NOW);
        prop_assert_eq!(receive(&mut server, &wire, &reads), want);
    }

    #[test]
    fn what_a_server_sends_is_what_a_client_receives(
        acts in prop::collection::vec(act(), 0..6), reads in reads(),
    ) {
        let mut server = Connection::<Server>::new(Config::default(), NOW);
        let mut wire = BytesMut::new();
        let want = perform(&mut server, &acts, || (), &mut wire);
        let mut client = Connection::<Client>::new(Config::default(), NOW);
        prop_assert_eq!(receive(&mut client, &wire, &reads), want);
        prop_assert!(client.may_send());
    }

    #[test]
    fn cutting_the_input_changes_nothing(wire in wire(), reads in reads()) {
        let (mut whole, mut cut) = (small_limits(Delivery::Messages), small_limits(Delivery::Messages));
        let want = receive(&mut whole, &wire, &[]);
        prop_assert_eq!(receive(&mut cut, &wire, &reads), want, "events, offsets and the end");
        let (mut out, mut out_cut) = (BytesMut::new(), BytesMut::new());
        while whole.transmit((), &mut out) {}
        while cut.transmit((), &mut out_cut) {}
        prop_assert_eq!(out, out_cut, "and what goes out");
    }

    #[test]
    fn cutting_the_input_changes_nothing_in_chunks(wire in wire(), reads in reads()) {
        let (mut whole, mut cut) = (small_limits(Delivery::Chunks), small_limits(Delivery::Chunks));
        let want = joined(receive(&mut whole, &wire, &[]));
        prop_assert_eq!(joined(receive(&mut cut, &wire, &reads)), want);
    }

    #[test]
    fn the_events_of_a_prefix_are_a_prefix_of_the_events(wire in wire(), at in any::<prop::sample::Index>()) {
        let whole = receive(&mut small_limits(Delivery::Messages), &wire, &[]);
        let prefix = &wire[..at.index(wire.len() + 1)];
        let mut connection = small_limits(Delivery::Messages);
        let events = receive(&mut connection, prefix, &[]);
        prop_assert!(whole.starts_with(&events));
        let ends = events.iter().filter(|event| matches!(event, Event::Closed(_))).count();
        prop_assert_eq!(ends, usize::from(!connection.may_send()), "one end, and it is told");
        let told = connection.receive_eof(NOW);
        prop_assert_eq!(told.is_some(), ends == 0, "the end of octets is told if nothing was");
    }

    #[test]
    fn nothing_above_the_limits_is_handed_out(wire in wire(), reads in reads()) {
        for event in receive(&mut small_limits(Delivery::Messages), &wire, &reads) {
            let len = match event {
                Event::Message(Message::Text(text)) => text.len(),
                Event::Message(Message::Binary(data)) => data.len(),
                Event::Ping(data) | Event::Pong(data) => data.len() + 75,
                Event::Chunk { .. } => 201,
                Event::Closed(closed) => closed.reason.len(),
            };
            prop_assert!(len <= 200);
        }
    }
}
