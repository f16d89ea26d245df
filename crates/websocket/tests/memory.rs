//! What a connection holds in memory, counted at the allocator: a stream of any length passes in constant memory, an announced
//! length costs nothing, a bomb stops at its limit, and who is idle holds nothing.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests"
)]

use core::time::Duration;
use std::sync::{Mutex, MutexGuard};

use bytes::BytesMut;
use peak_alloc::PeakAlloc;
use tidings_websocket::{
    Client, Config, Connection, DataKind, Delivery, Event, FrameHeader, Opcode, Role, Server, mask,
};

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

const T0: Duration = Duration::ZERO;
const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// One test at a time: the allocator is that of the whole process.
fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// The most octets in memory at once while `work` runs, beyond those before it.
fn peak<T>(work: impl FnOnce() -> T) -> (usize, T) {
    HEAP.reset_peak_usage();
    let before = HEAP.current_usage();
    let done = work();
    (HEAP.peak_usage() - before, done)
}

fn in_chunks<R: Role>() -> Connection<R> {
    let mut config = Config::default();
    config.max_message_len = usize::MAX;
    config.delivery = Delivery::Chunks;
    Connection::new(config, T0)
}

/// Sends one message of `len` octets in fragments of 64 KiB and reads it in chunks, through a wire that holds one fragment.
fn stream<S: Role, R: Role>(key: S::Key, len: usize) {
    let (mut sender, mut reader) = (in_chunks::<S>(), in_chunks::<R>());
    let piece: Vec<u8> = (0..=255).cycle().take(64 * KIB).collect();
    let (mut out, mut input) = (BytesMut::new(), BytesMut::new());
    let (mut sent, mut got) = (0, 0);
    while sent < len {
        sent += piece.len();
        sender
            .send_fragment(DataKind::Binary, &piece, sent >= len, key, &mut out)
            .unwrap();
        input.extend_from_slice(&out);
        out.clear();
        while let Some(event) = reader.next_event(&mut input, T0) {
            let Event::Chunk { data, last, .. } = event else {
                panic!("{event:?}")
            };
            let at = got % piece.len();
            assert!(
                data == piece[at..at + data.len()],
                "the octets are those that were sent"
            );
            got += data.len();
            assert_eq!(last, got == len);
            assert!(input.len() < 14);
        }
    }
    assert_eq!(got, len);
    assert!(reader.is_idle() && sender.is_idle());
}

/// Both ways, in `max` octets of memory.
fn streams_both_ways(len: usize, max: usize) {
    let (down, ()) = peak(|| stream::<Server, Client>((), len));
    let (up, ()) = peak(|| stream::<Client, Server>(KEY, len));
    assert!(down <= max && up <= max, "{down} down, {up} up");
}

#[test]
fn a_message_of_8_mib_streams_both_ways_in_512_kib_of_memory_fg_09_fg_10() {
    let _alone = alone();
    streams_both_ways(8 * MIB, 512 * KIB);
}

#[test]
#[ignore = "the same of 100 MiB, for a release build"]
fn a_message_of_100_mib_streams_both_ways_in_512_kib_of_memory() {
    let _alone = alone();
    streams_both_ways(100 * MIB, 512 * KIB);
}

/// A frame of `len` octets that announces 2^30, and what stays in memory once it was read.
fn announced(delivery: Delivery) -> (usize, usize) {
    let mut config = Config::default();
    (config.max_frame_len, config.max_message_len) = (u64::MAX, usize::MAX);
    config.delivery = delivery;
    let header = FrameHeader {
        fin: true,
        rsv1: false,
        opcode: Opcode::Binary,
        key: Some(KEY),
        payload_len: 1 << 30,
    };
    let mut input = BytesMut::with_capacity(64);
    let mut server = Connection::<Server>::new(config, T0);
    let (peak, ()) = peak(|| {
        input.extend_from_slice(&header.encode());
        input.extend_from_slice(b"x");
        while server.next_event(&mut input, T0).is_some() {}
    });
    (peak, server.buffered_len())
}

#[test]
fn a_gibibyte_that_is_announced_costs_less_than_4_kib_fr_14() {
    let _alone = alone();
    for delivery in [Delivery::Messages, Delivery::Chunks] {
        let (peak, buffered) = announced(delivery);
        assert!(
            peak < 4 * KIB && buffered <= 64,
            "{peak}, {buffered} of it for the message"
        );
    }
}

#[test]
fn an_idle_connection_holds_nothing_after_large_messages() {
    let _alone = alone();
    let mut server = Connection::<Server>::new(Config::default(), T0);
    let mut payload = vec![7; MIB];
    mask(&mut payload, KEY, 0);
    let before = HEAP.current_usage();
    for first in [0x82, 0x02, 0x80] {
        let mut frame = vec![first, 0xFF];
        frame.extend_from_slice(&(MIB as u64).to_be_bytes());
        frame.extend_from_slice(&KEY);
        frame.extend_from_slice(&payload);
        for piece in frame.chunks(10_000) {
            let mut input = BytesMut::from(piece);
            while server.next_event(&mut input, T0).is_some() {}
            assert!(input.is_empty());
        }
    }
    assert!(server.is_idle());
    let held = HEAP.current_usage().saturating_sub(before);
    assert!(
        held < KIB,
        "{held}: no more than the test itself writes meanwhile"
    );
}

#[test]
fn a_frame_takes_the_room_that_it_needs() {
    let _alone = alone();
    for len in [0, 100, 1000, 100_000] {
        let mut out = BytesMut::new();
        let mut server = Connection::<Server>::new(Config::default(), T0);
        server.send_binary(&vec![0; len], (), &mut out).unwrap();
        assert!(
            out.capacity() <= 2 * len + 64,
            "{} for {len}",
            out.capacity()
        );
    }
}

#[cfg(feature = "deflate")]
mod deflate {
    use super::*;
    use tidings_websocket::{
        ClientHandshake, Closed, ClosedBy, DeflateAgreement, DeflateOptions, ReceiveErrorKind,
        SharedFrame, accept,
    };

    /// What two sides with these options agree on.
    fn agreed(options: DeflateOptions) -> DeflateAgreement {
        let client = ClientHandshake::new([0; 16], &[])
            .unwrap()
            .offer_deflate(options);
        let request: Vec<_> = client.fields().chain([("Host", &b"a"[..])]).collect();
        let accepted = accept("GET", (1, 1), request.iter().copied(), &[]).unwrap();
        let accepted = accepted.with_deflate(options, request.iter().copied());
        accepted.deflate().unwrap()
    }

    /// What a server and a client hold between messages, beyond their own sizes: the mean of many, since the harness of the
    /// tests allocates as well.
    fn idle_cost(options: DeflateOptions, pairs: usize) -> [usize; 2] {
        let agreed = agreed(options);
        let before = HEAP.current_usage();
        let mut servers = Vec::with_capacity(pairs);
        let mut clients = Vec::with_capacity(pairs);
        let empty = HEAP.current_usage();
        for _ in 0..pairs {
            let (server, client) = busy_then_idle(&agreed);
            servers.push(server);
            clients.push(client);
        }
        let both = HEAP.current_usage();
        servers.clear();
        let of_clients = HEAP.current_usage() - empty;
        drop((servers, clients));
        assert!(
            HEAP.current_usage() < before + 16 * KIB,
            "a connection frees what it held"
        );
        [(both - empty - of_clients) / pairs, of_clients / pairs]
    }

    #[test]
    fn an_idle_connection_that_agreed_on_deflate_costs_at_most_320_octets() {
        let _alone = alone();
        let [server, client] = idle_cost(DeflateOptions::default(), 500);
        assert!(server <= 320 && client <= 320, "{server}, {client}");
    }

    #[test]
    fn takeover_costs_at_most_400_kib_to_compress_and_48_kib_to_inflate() {
        let _alone = alone();
        let mut options = DeflateOptions::default();
        options.server_takeover = true;
        let [server, client] = idle_cost(options, 20);
        assert!(
            (100 * KIB..400 * KIB).contains(&server),
            "{server} to compress"
        );
        assert!(
            (32 * KIB..48 * KIB).contains(&client),
            "{client} to inflate"
        );
        options.server_window_bits = 9;
        let [small, _] = idle_cost(options, 20);
        assert!(small < 256 * KIB, "{small} in a window of 512 octets");
    }

    /// Two sides that sent each other three compressed messages.
    fn busy_then_idle(agreed: &DeflateAgreement) -> (Connection<Server>, Connection<Client>) {
        let mut server = Connection::<Server>::with_deflate(Config::default(), Some(agreed), T0);
        let mut client = Connection::<Client>::with_deflate(Config::default(), Some(agreed), T0);
        let (text, mut down, mut up) = ("tidings ".repeat(1000), BytesMut::new(), BytesMut::new());
        for _ in 0..3 {
            server.send_text(&text, (), &mut down).unwrap();
            client.send_text(&text, KEY, &mut up).unwrap();
            assert!(down.len() < 200 && up.len() < 200, "they are compressed");
            assert!(matches!(
                client.next_event(&mut down, T0),
                Some(Event::Message(_))
            ));
            assert!(matches!(
                server.next_event(&mut up, T0),
                Some(Event::Message(_))
            ));
        }
        (server, client)
    }

    #[test]
    fn a_bomb_costs_its_limit_and_the_state_of_the_inflater_rfc6455_10_4() {
        let _alone = alone();
        let frame = SharedFrame::binary_deflated(&vec![0; 64 * MIB], 9);
        let bomb = frame.deflated().unwrap();
        assert!(bomb.len() < 64 * MIB / 1000, "a thousand to one");
        let mut config = Config::default();
        config.max_message_len = MIB;
        let mut client = Connection::<Client>::with_deflate(
            config,
            Some(&agreed(DeflateOptions::default())),
            T0,
        );
        let mut input = BytesMut::from(&bomb[..]);
        let (peak, event) = peak(|| client.next_event(&mut input, T0));
        let Some(Event::Closed(Closed {
            by: ClosedBy::Error(error),
            ..
        })) = event
        else {
            panic!("{event:?}")
        };
        assert!(matches!(
            error.kind(),
            ReceiveErrorKind::MessageTooLong { .. }
        ));
        assert_eq!(error.close_code().get(), 1009);
        // A buffer that grows lies twice in memory while it is moved.
        assert!(peak <= MIB + MIB / 2 + 128 * KIB, "{peak}");
        assert!(client.buffered_len() == 0);
    }

    #[test]
    fn an_inflated_message_pins_at_most_twice_its_length() {
        let _alone = alone();
        let agreed = agreed(DeflateOptions::default());
        for len in [200, 1000, 10_000, 16 * KIB, 100_000, MIB] {
            // Seven bits of noise an octet: it hardly shrinks, so the room for it is far too large.
            let mut seed = 1_u32;
            let mut octet = || {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                seed.to_be_bytes()[0] >> 1
            };
            let data: Vec<u8> = (0..len).map(|_| octet()).collect();
            let frame = SharedFrame::binary_deflated(&data, 6);
            let octets = frame.deflated().unwrap_or(frame.as_bytes());
            let mut input = BytesMut::from(&octets[..]);
            let mut client =
                Connection::<Client>::with_deflate(Config::default(), Some(&agreed), T0);
            let before = HEAP.current_usage();
            let event = client.next_event(&mut input, T0);
            let held = HEAP.current_usage().saturating_sub(before);
            assert!(matches!(event, Some(Event::Message(_))));
            assert!(held <= 2 * len + KIB, "{held} for {len}");
        }
    }

    #[test]
    fn a_compressed_message_streams_in_constant_memory() {
        let _alone = alone();
        let mut config = Config::default();
        config.max_message_len = usize::MAX;
        config.delivery = Delivery::Chunks;
        let agreed = agreed(DeflateOptions::default());
        let piece: Vec<u8> = (0..64 * KIB)
            .map(|n| u8::try_from(n % 251).unwrap())
            .collect();
        let (peak, got) = peak(|| {
            let mut server = Connection::<Server>::with_deflate(config, Some(&agreed), T0);
            let mut client = Connection::<Client>::with_deflate(config, Some(&agreed), T0);
            let (mut wire, mut got) = (BytesMut::new(), 0);
            for number in 1..=64 {
                let last = number == 64;
                server
                    .send_fragment(DataKind::Binary, &piece, last, (), &mut wire)
                    .unwrap();
                while let Some(event) = client.next_event(&mut wire, T0) {
                    let Event::Chunk { data, .. } = event else {
                        panic!("{event:?}")
                    };
                    got += data.len();
                }
            }
            got
        });
        assert_eq!(got, 64 * piece.len());
        assert!(peak <= MIB, "{peak}");
    }
}
