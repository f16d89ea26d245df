#![allow(clippy::cast_possible_truncation, reason = "test lengths are small")]

mod agreeing;
mod messages;
mod props;

use alloc::vec::Vec;
use core::time::Duration;

use bytes::BytesMut;

use super::*;
use crate::{
    Client, Closed, ClosedBy, Config, Connection, Event, Message, ReceiveErrorKind, Server,
};

const T0: Duration = Duration::ZERO;

fn options(change: impl FnOnce(&mut DeflateOptions)) -> DeflateOptions {
    let mut options = DeflateOptions {
        min_len: 0,
        ..DeflateOptions::default()
    };
    change(&mut options);
    options
}

/// What a server of these options and a client of the same agree on.
fn agreed(options: DeflateOptions) -> DeflateAgreement {
    let offer = options.offer();
    let field = [("Sec-WebSocket-Extensions", offer.as_bytes())];
    let chosen = options
        .choose(&extensions(field.into_iter()).unwrap())
        .unwrap();
    let answer = chosen.answer();
    let field = [("Sec-WebSocket-Extensions", answer.as_bytes())];
    let seen = options
        .check(&extensions(field.into_iter()).unwrap())
        .unwrap();
    assert_eq!((seen.server, seen.client), (chosen.server, chosen.client));
    chosen
}

fn takeover(options: &mut DeflateOptions) {
    options.server_takeover = true;
    options.client_takeover = true;
}

fn client_with(change: impl FnOnce(&mut Config), options: DeflateOptions) -> Connection<Client> {
    let mut config = Config::default();
    change(&mut config);
    Connection::with_deflate(config, Some(&agreed(options)), T0)
}

fn server(options: DeflateOptions) -> Connection<Server> {
    Connection::with_deflate(Config::default(), Some(&agreed(options)), T0)
}

/// Everything that `input` yields in pieces of `step` octets.
fn feed<R: Role>(connection: &mut Connection<R>, input: &[u8], step: usize) -> Vec<Event> {
    let mut held = BytesMut::new();
    let mut events = Vec::new();
    for piece in input.chunks(step) {
        held.extend_from_slice(piece);
        while let Some(event) = connection.next_event(&mut held, T0) {
            events.push(event);
        }
    }
    events
}

fn text(text: &str) -> Event {
    Event::Message(Message::Text(text.into()))
}

fn fault(kind: ReceiveErrorKind, offset: u64) -> Event {
    Event::Closed(Closed {
        code: 1006,
        reason: crate::Text::default(),
        by: ClosedBy::Error(crate::ReceiveError::new(kind, offset)),
        clean: false,
    })
}

/// A frame as a server sends it: `first` is octet 0.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = alloc::vec![first];
    match payload.len() {
        len @ 0..126 => frame.push(len as u8),
        len => {
            frame.push(126);
            frame.extend_from_slice(&u16::try_from(len).unwrap().to_be_bytes());
        }
    }
    frame.extend_from_slice(payload);
    frame
}
