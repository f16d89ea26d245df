#![allow(clippy::cast_possible_truncation, reason = "test lengths are small")]

mod closing;
mod deadlines;
mod receiving;
mod sending;

use alloc::vec::Vec;

use super::*;
use crate::{Client, Message, ReceiveErrorKind, Server};

const T0: Duration = Duration::ZERO;
const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

const fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn server() -> Connection<Server> {
    Connection::new(Config::default(), T0)
}

fn client() -> Connection<Client> {
    Connection::new(Config::default(), T0)
}

fn configured(change: impl FnOnce(&mut Config)) -> Connection<Server> {
    let mut config = Config::default();
    change(&mut config);
    Connection::new(config, T0)
}

/// A frame as a client sends it: `first` is octet 0.
fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = plain(first, payload);
    frame[1] |= 0x80;
    let payload_at = frame.len() - payload.len();
    crate::mask(&mut frame[payload_at..], KEY, 0);
    frame.splice(payload_at..payload_at, KEY);
    frame
}

/// A frame as a server sends it: `first` is octet 0.
fn plain(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = alloc::vec![first];
    match payload.len() {
        len @ 0..126 => frame.push(len as u8),
        len @ 126..65536 => {
            frame.push(126);
            frame.extend_from_slice(&(len as u16).to_be_bytes());
        }
        len => {
            frame.push(127);
            frame.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(payload);
    frame
}

/// Everything that `input` yields, given at once.
fn feed<R: Role>(connection: &mut Connection<R>, input: &[u8]) -> Vec<Event> {
    let mut input = BytesMut::from(input);
    let mut events = Vec::new();
    while let Some(event) = connection.next_event(&mut input, T0) {
        events.push(event);
    }
    events
}

/// Everything that `input` yields, given one octet at a time.
fn trickle<R: Role>(connection: &mut Connection<R>, input: &[u8]) -> Vec<Event> {
    let mut held = BytesMut::new();
    let mut events = Vec::new();
    for octet in input {
        held.extend_from_slice(&[*octet]);
        while let Some(event) = connection.next_event(&mut held, T0) {
            events.push(event);
        }
        assert!(held.len() <= 125, "less than one control frame stays");
    }
    events
}

/// The control frames that wait, as a server writes them.
fn sent(connection: &mut Connection<Server>) -> Vec<u8> {
    let mut out = BytesMut::new();
    while connection.transmit((), &mut out) {}
    out.to_vec()
}

/// The same of a client, its masking removed by a key of zeros.
fn sent_by_client(connection: &mut Connection<Client>) -> Vec<u8> {
    let mut out = BytesMut::new();
    while connection.transmit([0; 4], &mut out) {}
    out.to_vec()
}

fn text(text: &str) -> Event {
    Event::Message(Message::Text(Text::from(text)))
}

fn binary(data: &[u8]) -> Event {
    Event::Message(Message::Binary(Bytes::copy_from_slice(data)))
}

fn closed(code: u16, reason: &str, by: ClosedBy, clean: bool) -> Event {
    Event::Closed(Closed {
        code,
        reason: Text::from(reason),
        by,
        clean,
    })
}

fn fault(kind: ReceiveErrorKind, offset: u64) -> Event {
    closed(
        1006,
        "",
        ClosedBy::Error(ReceiveError::new(kind, offset)),
        false,
    )
}

#[test]
fn a_connection_is_at_most_256_octets() {
    assert!(
        size_of::<Connection<Server>>() <= 256,
        "{}",
        size_of::<Connection<Server>>()
    );
    assert!(
        size_of::<Connection<Client>>() <= 256,
        "{}",
        size_of::<Connection<Client>>()
    );
}
