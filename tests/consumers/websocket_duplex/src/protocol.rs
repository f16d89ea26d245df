//! All of WebSocket for one connection under two threads, in either role: one reads, one writes, any may send.
//!
//! The connection lies under a mutex that nobody holds while a socket makes it wait, so neither direction stops the other.

use std::time::Duration;

use bytes::BytesMut;
use tidings_websocket::{Closed, Connection, Event, IoAction, Message, Role, SendError};

use crate::shared::Shared;

/// A connection and the octets that it wants written.
pub type Session<R> = Shared<(Connection<R>, BytesMut)>;

/// A sender waits while more than this many octets do.
const ENOUGH: usize = 64 * 1024;

/// Sends a message, once there is room.
pub fn send<R: Role>(
    session: &Session<R>,
    message: &Message,
    key: R::Key,
) -> Result<(), SendError> {
    session.wait(|(connection, out)| {
        let room = out.len() < ENOUGH || !connection.may_send();
        room.then(|| connection.send_message(message, key, out))
    })
}

/// Takes octets that were read, none at their end, and gives the end of the connection once it is told.
pub fn receive<R: Role>(
    session: &Session<R>,
    (input, ended, now): (&mut BytesMut, bool, Duration),
    mut got: impl FnMut(Message),
) -> Option<Closed> {
    loop {
        let event = session.with(|(connection, _)| {
            let event = connection.next_event(input, now);
            event.or_else(|| ended.then(|| connection.receive_eof(now)).flatten())
        });
        match event {
            Some(Event::Message(message)) => got(message),
            Some(Event::Closed(closed)) => return Some(closed),
            Some(Event::Chunk { .. } | Event::Ping(_) | Event::Pong(_)) => {}
            None => return None,
        }
    }
}

/// Waits for octets to write, and says what is to be done with the socket after them.
pub fn transmit<R: Role>(session: &Session<R>, key: fn() -> R::Key) -> (BytesMut, IoAction) {
    session.wait(|(connection, out)| {
        while connection.transmit(key(), out) {}
        let action = connection.io_action();
        (!out.is_empty() || action != IoAction::Continue).then(|| (out.split(), action))
    })
}
