//! One exchange through all four codecs, without std: what a microcontroller or a browser would link.
//!
//! Whoever loads the library calls [`proof`] and reads `proof_len` octets at the address that it returns.
#![no_std]

extern crate alloc;

mod heap;

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write as _;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;

use bytes::{Bytes, BytesMut};
use tidings_http1::{Content, Limits, ServerConnection, ServerEvent};
use tidings_polling::{Poll, if_none_match, prefer_wait};
use tidings_sse::{Decoder, EventRef, Item};
use tidings_websocket::{Config, Connection, Event, Message, Server, accept};

const POLL: &[u8] =
    b"GET /channels/news HTTP/1.1\r\nHost: a\r\nPrefer: wait=25\r\nIf-None-Match: \"e.41\"\r\n\r\n";
const UPGRADE: &[u8] =
    b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n\
    \x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";

/// A poll and its answer: `tidings-http1`, `tidings-polling`.
fn poll(log: &mut String) -> Option<()> {
    let mut connection = ServerConnection::new(Limits::default());
    let mut input = BytesMut::from(POLL);
    let ServerEvent::Request(head) = connection.next_event(&mut input).ok()?? else {
        return None;
    };
    let poll = Poll {
        wait: prefer_wait(head.fields().get_all("prefer")).unwrap_or_default(),
        started: Duration::ZERO,
        tag_matches: if_none_match(head.fields().get_all("if-none-match")).matches("e.41"),
    };
    let answer = poll.answer(false, Duration::ZERO);
    writeln!(log, "{} {} {answer:?}", head.method(), head.path()).ok()?;
    let mut out = BytesMut::new();
    connection
        .send_response(304, [("ETag", &b"\"e.41\""[..])], Content::None, &mut out)
        .ok()?;
    writeln!(log, "{}", out.escape_ascii()).ok()
}

/// A handshake, its answer, and the frame behind it: `tidings-http1`, `tidings-websocket`.
fn upgrade(log: &mut String) -> Option<()> {
    let mut connection = ServerConnection::new(Limits::default());
    let mut input = BytesMut::from(UPGRADE);
    let ServerEvent::Request(head) = connection.next_event(&mut input).ok()?? else {
        return None;
    };
    let ServerEvent::End = connection.next_event(&mut input).ok()?? else {
        return None;
    };
    let fields: Vec<(&str, &[u8])> = head.fields().iter().collect();
    let accepted = accept(head.method(), (1, 1), fields.into_iter(), &[]).ok()?;
    let mut out = BytesMut::new();
    connection.send_upgrade(accepted.fields(), &mut out).ok()?;
    writeln!(log, "{}", out.escape_ascii()).ok()?;
    let mut frames = Connection::<Server>::new(Config::default(), Duration::ZERO);
    let Event::Message(Message::Text(text)) = frames.next_event(&mut input, Duration::ZERO)? else {
        return None;
    };
    writeln!(log, "{text}").ok()
}

/// An event there and back: `tidings-sse`.
fn events(log: &mut String) -> Option<()> {
    let event = EventRef {
        id: Some("e.42"),
        ..EventRef::message("two\nlines")
    };
    let mut wire: Bytes = event.to_bytes().ok()?;
    writeln!(log, "{}", wire.escape_ascii()).ok()?;
    let Item::Event(event) = Decoder::new().next_event(&mut wire).ok()?? else {
        return None;
    };
    writeln!(log, "{} {:?}", event.id, event.data.as_str()).ok()
}

static LEN: AtomicUsize = AtomicUsize::new(0);

/// Runs the exchange and returns the address of what it logged, as UTF-8.
#[unsafe(no_mangle)]
pub extern "C" fn proof() -> *const u8 {
    let mut log = String::new();
    let done = poll(&mut log)
        .and_then(|()| upgrade(&mut log))
        .and_then(|()| events(&mut log));
    if done.is_none() {
        log.push_str("failed behind this\n");
    }
    LEN.store(log.len(), Ordering::Relaxed);
    log.leak().as_ptr()
}

/// The length of what [`proof`] logged, in octets.
#[unsafe(no_mangle)]
pub extern "C" fn proof_len() -> usize {
    LEN.load(Ordering::Relaxed)
}

#[cfg(any(target_family = "wasm", feature = "own-panic-handler"))]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
