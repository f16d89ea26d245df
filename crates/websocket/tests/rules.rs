//! Rules that hold over the whole public interface: what is sent stands in whole frames, and every limit is finite.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use core::time::Duration;

use bytes::BytesMut;
use tidings_websocket::{
    Client, CloseCode, Config, Connection, DataKind, Event, FrameDecoder, FrameEvent, Role, Server,
};

const T0: Duration = Duration::ZERO;

fn configured<R: Role>(change: impl FnOnce(&mut Config)) -> Connection<R> {
    let mut config = Config::default();
    change(&mut config);
    Connection::new(config, T0)
}

/// Counts the frames in what a server has sent; they leave nothing over.
fn whole_frames(sent: &[u8]) -> usize {
    let mut decoder = FrameDecoder::<Client>::new();
    let mut left = BytesMut::from(sent);
    let mut frames = 0;
    while !left.is_empty() {
        let decoded = decoder.decode(&mut left).unwrap();
        let (event, used) = decoded.unwrap();
        frames += usize::from(matches!(event, FrameEvent::Payload { last: true, .. }));
        left = left.split_off(used);
        // A frame without payload has an empty piece, which takes nothing.
        while let (Some((_, 0)), true) = (decoder.awaits(), left.is_empty()) {
            decoder.decode(&mut left).unwrap();
            frames += 1;
        }
    }
    assert_eq!(decoder.awaits(), None, "a frame is cut");
    frames
}

type Call = fn(&mut Connection<Server>, &mut BytesMut) -> bool;

#[test]
fn every_call_appends_whole_frames_or_nothing_sd_03_sd_04() {
    // What is called, how, and whether a frame is written.
    let calls: [(&str, Call, bool); 13] = [
        (
            "a text",
            |c, out| c.send_text("Hello", (), out).is_ok(),
            true,
        ),
        (
            "an empty text",
            |c, out| c.send_text("", (), out).is_ok(),
            true,
        ),
        (
            "70,000 octets",
            |c, out| c.send_binary(&[7; 70_000], (), out).is_ok(),
            true,
        ),
        ("a ping", |c, out| c.ping(b"p", (), out).is_ok(), true),
        (
            "a ping that is too long",
            |c, out| c.ping(&[0; 126], (), out).is_ok(),
            false,
        ),
        (
            "a first fragment",
            |c, out| {
                c.send_fragment(DataKind::Text, b"a\xCE", false, (), out)
                    .is_ok()
            },
            true,
        ),
        (
            "a message between fragments",
            |c, out| c.send_text("x", (), out).is_ok(),
            false,
        ),
        (
            "a ping between fragments",
            |c, out| c.ping(b"", (), out).is_ok(),
            true,
        ),
        (
            "a fragment that is not UTF-8",
            |c, out| {
                c.send_fragment(DataKind::Text, b"\xFF", true, (), out)
                    .is_ok()
            },
            false,
        ),
        (
            "a last fragment",
            |c, out| {
                c.send_fragment(DataKind::Text, b"\xBA", true, (), out)
                    .is_ok()
            },
            true,
        ),
        ("nothing that waits", |c, out| c.transmit((), out), false),
        (
            "a close",
            |c, out| {
                c.close(CloseCode::NORMAL, "bye", T0);
                c.transmit((), out)
            },
            true,
        ),
        (
            "a text after it",
            |c, out| c.send_text("x", (), out).is_ok(),
            false,
        ),
    ];
    let mut server = configured::<Server>(|_| {});
    let mut out = BytesMut::new();
    for (name, call, want) in calls {
        let before = out.len();
        assert_eq!(call(&mut server, &mut out), want, "{name}");
        assert_eq!(whole_frames(&out[before..]), usize::from(want), "{name}");
    }
}

#[test]
fn what_is_sent_may_be_written_in_any_pieces_sd_03() {
    let mut server = configured::<Server>(|_| {});
    let mut out = BytesMut::new();
    for text in ["one", "two", "three"] {
        server.send_text(text, (), &mut out).unwrap();
    }
    let mut client = configured::<Client>(|_| {});
    let mut input = BytesMut::new();
    let mut texts = Vec::new();
    // The socket takes one octet at a time; the next is the one behind it.
    while !out.is_empty() {
        input.extend_from_slice(&out.split_to(1));
        while let Some(event) = client.next_event(&mut input, T0) {
            let Event::Message(message) = event else {
                panic!("{event:?}")
            };
            texts.push(message);
        }
    }
    let want = ["one", "two", "three"].map(|text| tidings_websocket::Message::Text(text.into()));
    assert_eq!(texts, want);
}

#[test]
fn a_length_of_more_than_32_bits_is_refused_and_not_cut_fr_04_fr_13() {
    // Cut to 32 bits each would be 5.
    for len in [(1_u64 << 32) + 5, (1 << 62) + 5] {
        let mut server = configured::<Server>(|config| {
            config.max_frame_len = u64::MAX;
            config.max_message_len = 100;
        });
        let mut input = BytesMut::from(&b"\x82\xff"[..]);
        input.extend_from_slice(&len.to_be_bytes());
        input.extend_from_slice(b"\0\0\0\0Hello");
        let event = server.next_event(&mut input, T0);
        assert!(matches!(event, Some(Event::Closed(_))), "{len}: {event:?}");
        let mut out = BytesMut::new();
        assert!(server.transmit((), &mut out));
        assert_eq!(out, b"\x88\x02\x03\xf1"[..], "{len}: 1009");
    }
}

#[test]
fn every_limit_and_every_wait_has_a_finite_default_sd_05() {
    let config = Config::default();
    let lens = [
        ("a frame", u128::from(config.max_frame_len), 16 << 20),
        ("a message", config.max_message_len as u128, 16 << 20),
        ("fragments", config.max_fragments as u128, 131_072),
        ("what waits to be sent", config.max_out_len as u128, 1 << 20),
    ];
    for (name, got, want) in lens {
        assert_eq!(got, want, "{name}");
    }
    let waits = [
        config.ping_after.unwrap(),
        config.pong_timeout,
        config.close_timeout,
    ];
    assert_eq!(waits.map(|wait| wait.as_secs()), [25, 20, 10]);
}
