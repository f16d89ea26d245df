//! All of WebSocket that the server needs. It echoes messages until the closing handshake is done.

use std::time::{Duration, Instant};

use bytes::BytesMut;
use tidings_websocket::{Closed, Config, Connection, Event, IoAction, Server};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use crate::Result;

/// What waits is written before it becomes more than these many octets and a message.
const ENOUGH: usize = 64 * 1024;

/// Serves an upgraded connection to its end.
pub async fn echo(mut io: impl AsyncRead + AsyncWrite + Unpin) -> Result<Option<Closed>> {
    let begun = Instant::now();
    let (mut input, mut out, mut end) = (BytesMut::new(), BytesMut::new(), None);
    let mut connection = Connection::<Server>::new(Config::default(), begun.elapsed());
    loop {
        while let Some(event) = connection.next_event(&mut input, begun.elapsed()) {
            match event {
                Event::Message(message) => connection.send_message(&message, (), &mut out)?,
                Event::Closed(closed) => end = Some(closed),
                Event::Chunk { .. } | Event::Ping(_) | Event::Pong(_) => {}
            }
            if out.len() > ENOUGH {
                io.write_all_buf(&mut out).await?;
            }
        }
        while connection.transmit((), &mut out) {}
        io.write_all_buf(&mut out).await?;
        match connection.io_action() {
            IoAction::Continue => {}
            IoAction::ShutdownWrite => io.shutdown().await?,
            IoAction::Close => return Ok(end),
        }
        let due = connection.poll_timeout().unwrap_or(Duration::MAX);
        let wait = due.saturating_sub(begun.elapsed());
        let event = match timeout(wait, io.read_buf(&mut input)).await {
            Ok(Ok(1..)) => None,
            Ok(Ok(0) | Err(_)) => connection.receive_eof(begun.elapsed()),
            Err(_) => connection.handle_timeout(begun.elapsed()),
        };
        if let Some(Event::Closed(closed)) = event {
            end = Some(closed);
        }
    }
}
