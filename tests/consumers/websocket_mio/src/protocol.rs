//! All of WebSocket that the server needs: it echoes messages as they come.

use std::time::Duration;

use bytes::BytesMut;
use tidings_websocket::{Connection, Event, IoAction, SendError, Server};

/// What a socket has to tell.
pub enum Told {
    /// Octets came, or could be written.
    Octets,
    /// No more octets will come.
    Ended,
    /// Time went by.
    Time,
}

/// Takes what is in `input` until `out` has `enough` octets, and says what is to be done with the socket once `out` is
/// written.
pub fn echo(
    connection: &mut Connection<Server>,
    (input, out): (&mut BytesMut, &mut BytesMut),
    told: Told,
    enough: usize,
    now: Duration,
) -> Result<IoAction, SendError> {
    let _ = match told {
        Told::Octets => None,
        Told::Ended => connection.receive_eof(now),
        Told::Time if connection.poll_timeout() <= Some(now) => connection.handle_timeout(now),
        Told::Time => None,
    };
    while out.len() < enough {
        match connection.next_event(input, now) {
            Some(Event::Message(message)) => connection.send_message(&message, (), out)?,
            Some(Event::Closed(_) | Event::Chunk { .. } | Event::Ping(_) | Event::Pong(_)) => {}
            None => break,
        }
    }
    while connection.transmit((), out) {}
    Ok(connection.io_action())
}
