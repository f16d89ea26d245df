//! Reads into the room that `make_room` gives: the same events, no copy of a large message, and never more room than what
//! arrived pays for.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests"
)]

use core::time::Duration;

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use tidings_websocket::{
    Client, Config, Connection, DataKind, Event, FrameHeader, Message, Opcode, Server,
};

const NOW: Duration = Duration::ZERO;
const KIB: usize = 1 << 10;

/// The header of a server's binary frame.
fn header(fin: bool, len: usize) -> Bytes {
    let header = FrameHeader {
        fin,
        rsv1: false,
        opcode: Opcode::Binary,
        key: None,
        payload_len: len as u64,
    };
    Bytes::copy_from_slice(&header.encode())
}

/// One message in one frame.
fn frame(len: usize) -> Vec<u8> {
    let mut frame = header(true, len).to_vec();
    frame.extend((0..=255_u8).cycle().take(len));
    frame
}

/// Reads `wire` as a socket gives it, at most `most` octets at once.
fn read(
    client: &mut Connection<Client>,
    wire: &[u8],
    min: usize,
    mut most: impl FnMut() -> usize,
) -> Vec<Event> {
    let (mut input, mut events, mut rest) = (BytesMut::new(), Vec::new(), wire);
    while !rest.is_empty() {
        client.make_room(&mut input, min);
        let room = input.capacity() - input.len();
        assert!(room > 0, "a read without room is an end of input");
        let (read, after) = rest.split_at(room.min(most().max(1)).min(rest.len()));
        rest = after;
        let there = input.as_ptr();
        input.extend_from_slice(read);
        assert_eq!(input.as_ptr(), there, "a read fits in the room");
        while let Some(event) = client.next_event(&mut input, NOW) {
            events.push(event);
        }
        assert!(input.len() < 125, "less than one control frame stays");
    }
    events
}

fn client() -> Connection<Client> {
    Connection::new(Config::default(), NOW)
}

#[test]
fn the_room_is_at_most_what_is_asked_for_and_three_times_what_has_arrived_fr_14() {
    let min = 8 * KIB;
    let mut client = client();
    let mut input = BytesMut::new();
    let mut arrived = 0;
    client.make_room(&mut input, min);
    input.extend_from_slice(&header(true, 16 << 20));
    assert_eq!(client.next_event(&mut input, NOW), None);
    for read in [
        1,
        4 * KIB,
        8 * KIB,
        30 * KIB,
        100 * KIB,
        400 * KIB,
        1000 * KIB,
    ] {
        client.make_room(&mut input, min);
        let room = input.capacity();
        assert!(
            (min..=min + 3 * arrived).contains(&room),
            "{room} behind {arrived}"
        );
        let read = read.min(room);
        input.resize(read, 7);
        assert_eq!(client.next_event(&mut input, NOW), None);
        let before = arrived;
        arrived += read;
        assert_eq!(client.arrived_len(), arrived);
        assert!(
            (arrived..=min + 4 * before.max(read)).contains(&client.buffered_len()),
            "{} of {arrived}: what is there and the room behind it",
            client.buffered_len()
        );
    }
    assert!(arrived > 1000 * KIB, "the room grows with what arrives");
}

/// A client that was given the header of a frame of `len` octets and `there` of them, all the room that there was.
fn half_read(len: usize, there: usize) -> (Connection<Client>, BytesMut) {
    let mut client = client();
    let begin = &frame(len)[..header(true, len).len() + there];
    let mut input = BytesMut::with_capacity(begin.len());
    client.make_room(&mut input, 0);
    input.extend_from_slice(begin);
    assert_eq!(client.next_event(&mut input, NOW), None);
    (client, input)
}

#[test]
fn the_room_ends_with_the_frame_unless_a_read_is_longer() {
    let rows = [
        ("the rest of the frame", 100 * KIB, 70 * KIB, 30 * KIB),
        ("less than a read", 66 * KIB, 64 * KIB, 8 * KIB),
    ];
    for (name, len, there, want) in rows {
        let (mut client, mut input) = half_read(len, there);
        assert!(client.make_room(&mut input, 8 * KIB), "{name}");
        assert_eq!(input.capacity(), want, "{name}");
        assert_eq!(
            (client.arrived_len(), client.buffered_len()),
            (there, there + want),
            "{name}"
        );
    }
}

#[test]
fn who_throws_the_room_away_gets_what_is_asked_for_and_nothing_is_moved() {
    let (mut client, _) = half_read(100 * KIB, 70 * KIB);
    let mut input = BytesMut::new();
    assert!(!client.make_room(&mut input, 8 * KIB));
    assert_eq!(
        (input.capacity(), client.buffered_len()),
        (8 * KIB, header(true, 100 * KIB).len() + 70 * KIB)
    );
    input.extend_from_slice(&frame(100 * KIB)[header(true, 100 * KIB).len() + 70 * KIB..]);
    let want = Message::Binary(frame(100 * KIB).split_off(10).into());
    assert_eq!(
        client.next_event(&mut input, NOW),
        Some(Event::Message(want))
    );
}

#[test]
fn a_large_message_stays_where_it_was_read_into() {
    for (len, min) in [
        (100 * KIB, 64 * KIB),
        (1024 * KIB, 64 * KIB),
        (20 * KIB, 8 * KIB),
    ] {
        let mut client = client();
        let wire = frame(len);
        let (mut input, mut rest, mut last) = (BytesMut::new(), &wire[..], core::ptr::null());
        let message = loop {
            client.make_room(&mut input, min);
            let room = input.capacity() - input.len();
            let (read, after) = rest.split_at(room.min(rest.len()));
            rest = after;
            last = if rest.is_empty() {
                input.as_ptr_range().end
            } else {
                last
            };
            input.extend_from_slice(read);
            match client.next_event(&mut input, NOW) {
                Some(Event::Message(Message::Binary(data))) => break data,
                Some(event) => panic!("{event:?}"),
                None => assert!(!rest.is_empty()),
            }
        };
        assert_eq!(message, wire[wire.len() - len..]);
        assert!(
            message.as_ptr_range().contains(&last),
            "{len} octets lie around the last read"
        );
        assert_eq!(client.buffered_len(), 0);
    }
}

#[test]
fn reads_of_one_octet_cost_few_moves() {
    for min in [1, 100, 64 * KIB] {
        let mut client = client();
        let wire = frame(60 * KIB);
        let (mut input, mut moves) = (BytesMut::new(), 0);
        for (n, octet) in wire.iter().enumerate() {
            let end = input.as_ptr_range().end;
            client.make_room(&mut input, min);
            moves += usize::from(end != input.as_ptr_range().end);
            input.extend_from_slice(&[*octet]);
            assert_eq!(
                client.next_event(&mut input, NOW).is_some(),
                n + 1 == wire.len()
            );
        }
        // Below 4 KiB a message is copied into a buffer of its own.
        let small = if min < 4 * KIB {
            4 * KIB / min + 20
        } else {
            20
        };
        assert!(moves <= small, "{moves} with room for {min}");
    }
}

#[test]
fn small_fragments_behind_a_large_one_move_nothing() {
    let (mut client, mut input) = (client(), BytesMut::new());
    client.make_room(&mut input, 64 * KIB);
    input.extend_from_slice(&header(false, 32 * KIB));
    input.resize(input.len() + 32 * KIB, 7);
    assert_eq!(client.next_event(&mut input, NOW), None);
    for number in 1..=10 {
        // Its header lies between it and what is here; its second octet comes later.
        let fragment = [0x00, 2, 7, 7];
        client.make_room(&mut input, 64 * KIB);
        input.extend_from_slice(&fragment[..3]);
        assert_eq!(client.next_event(&mut input, NOW), None);
        let behind = client.make_room(&mut input, 64 * KIB);
        assert!(!behind && input.capacity() >= 64 * KIB, "{number}");
        input.extend_from_slice(&fragment[3..]);
        assert_eq!(client.next_event(&mut input, NOW), None);
        assert_eq!(client.arrived_len(), 32 * KIB + 2 * number);
    }
}

#[test]
fn a_message_pins_at_most_four_times_its_length() {
    let mut client = client();
    let wire = frame(5 * KIB);
    let mut input = BytesMut::new();
    let mut message = None;
    for read in [&wire[..100], &wire[100..]] {
        client.make_room(&mut input, 64 * KIB);
        input.extend_from_slice(read);
        message = client.next_event(&mut input, NOW);
    }
    let Some(Event::Message(Message::Binary(data))) = message else {
        panic!()
    };
    let there = data.as_ptr();
    let alone = data.try_into_mut().unwrap();
    assert_eq!(alone.as_ptr(), there);
    assert!(alone.capacity() <= 4 * 5 * KIB, "{}", alone.capacity());
}

/// Messages in one frame or several, with Pings between, and the events that they must be.
fn wire() -> impl Strategy<Value = Vec<u8>> {
    let len = prop_oneof![0..300_usize, 3000..9000_usize, 9000..150_000_usize];
    let fragment = (len, any::<u8>(), prop::bool::weighted(0.2));
    let message = prop::collection::vec(fragment, 1..4);
    prop::collection::vec(message, 1..4).prop_map(|messages| {
        let mut server = Connection::<Server>::new(Config::default(), NOW);
        let mut out = BytesMut::new();
        for message in messages {
            for (n, (len, fill, ping)) in message.iter().enumerate() {
                let (data, fin) = (vec![*fill; *len], n + 1 == message.len());
                let fragment = server.send_fragment(DataKind::Binary, &data, fin, (), &mut out);
                // A wire that is full ends with what there is.
                if fragment.is_ok() && *ping {
                    let _ = server.ping(b"between", (), &mut out);
                }
            }
        }
        out.to_vec()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_events_are_those_of_one_read(
        wire in wire(),
        reads in prop::collection::vec(prop_oneof![1..200_usize, 200..70_000_usize], 1..20),
        min in prop_oneof![1..50_usize, 1000..5000_usize, Just(64 * KIB)],
    ) {
        let mut input = BytesMut::from(&wire[..]);
        let mut whole = client();
        let want: Vec<Event> = core::iter::from_fn(|| whole.next_event(&mut input, NOW)).collect();
        let mut lens = reads.iter().copied().cycle();
        let got = read(&mut client(), &wire, min, || lens.next().unwrap());
        prop_assert!(got == want, "{} events of {}", got.len(), want.len());
    }
}

#[test]
fn what_was_read_before_into_the_same_memory_counts_fr_14() {
    let small = frame(100);
    for (name, there) in [("copied", 8 * KIB), ("in place", 100 * KIB)] {
        let (mut client, mut input) = (client(), BytesMut::new());
        client.make_room(&mut input, 256 * KIB);
        let memory = input.capacity();
        let before = (memory - there) / small.len();
        input.extend_from_slice(&small.repeat(before));
        input.extend_from_slice(&header(true, 1 << 20));
        input.resize(memory, 7);
        for _ in 0..before {
            assert!(client.next_event(&mut input, NOW).is_some(), "{name}");
        }
        assert_eq!(client.next_event(&mut input, NOW), None, "{name}");
        assert!(client.arrived_len() > there - 2 * small.len(), "{name}");
        // What is in the memory of the reads keeps all of it alive.
        let freed = input.try_reclaim(memory);
        let counted = client.buffered_len();
        assert!(freed || counted >= memory, "{name}: {counted} of {memory}");
        assert_eq!(freed, name == "copied");
    }
}
