//! The server's end of a WebSocket, in a task of its own (RFC 6455).
//!
//! Answers that are queued leave together, when all that was read is worked off; control frames
//! are answered and deadlines kept while somebody waits in [`WebSocket::next`].

use core::time::Duration;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use tidings_websocket::{
    CloseCode, Closed, Config, Connection, Event, IoAction, Message, SendError, Server, SharedFrame,
};
use tokio::time::{Instant, sleep_until};

use super::link::{Exchange, Link};
use super::listen::{Shared, Slot};
use super::stop::Stop;

/// Input is not read while more than this waits to be written: who sends and never reads is held
/// back by TCP.
const MAX_WAITING_LEN: usize = 1 << 20;

/// What [`WebSocket::feed`] gathers before it writes.
const FEED_LEN: usize = 64 << 10;

/// A WebSocket that a handler accepted.
///
/// A session that only drops it sends a Close with 1000 where the socket takes it at once; to wait
/// for the closing handshake, call [`WebSocket::close`].
#[derive(Debug)]
pub struct WebSocket {
    link: Link,
    session: Connection<Server>,
    subprotocol: Option<&'static str>,
    /// Where the session's time begins.
    origin: Instant,
    stop: Stop,
    linger: (Duration, usize),
    closed: Option<Closed>,
    closes_on_stop: bool,
    /// Whether nothing more comes or goes.
    ended: bool,
    _slot: Slot,
}

/// Why a message could not be sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WebSocketError {
    /// The message was refused; nothing of it was sent.
    #[error("the message cannot be sent: {0}")]
    Refused(SendError),
    /// The peer left, or took nothing for the progress timeout.
    #[error("the peer is gone: {0}")]
    Gone(io::Error),
}

impl WebSocket {
    pub(crate) fn new(
        link: Link,
        config: Config,
        subprotocol: Option<&'static str>,
        shared: &Arc<Shared>,
        slot: Slot,
    ) -> Self {
        Self {
            link,
            session: Connection::new(config, Duration::ZERO),
            subprotocol,
            origin: Instant::now(),
            stop: shared.stop.clone(),
            linger: (shared.config.linger_timeout, shared.config.max_linger_len),
            closed: None,
            closes_on_stop: true,
            ended: false,
            _slot: slot,
        }
    }

    /// The subprotocol that the handshake agreed on.
    #[must_use]
    pub fn subprotocol(&self) -> Option<&'static str> {
        self.subprotocol
    }

    /// How the connection ended, once [`WebSocket::next`] has given `None`.
    #[must_use]
    pub fn closed(&self) -> Option<&Closed> {
        self.closed.as_ref()
    }

    /// Tells when the server stops, for waiting beside the messages.
    #[must_use]
    pub fn stop(&self) -> Stop {
        self.stop.clone()
    }

    /// The next message; `None` when the connection has ended, see [`WebSocket::closed`].
    ///
    /// What was queued is written before this waits. When the server stops, the connection is
    /// closed with 1012 (service restart). Cancel-safe.
    pub async fn next(&mut self) -> Option<Message> {
        loop {
            if let Some(message) = self.decode() {
                return Some(message);
            }
            if self.ended || self.drive().await.is_err() {
                self.ended = true;
                return None;
            }
        }
    }

    /// The next message among the octets that are at hand.
    fn decode(&mut self) -> Option<Message> {
        while self.closed.is_none() {
            let now = self.origin.elapsed();
            match self.session.next_event(&mut self.link.input, now)? {
                Event::Message(message) => {
                    self.transmit();
                    return Some(message);
                }
                Event::Closed(closed) => self.closed = Some(closed),
                // Chunks come only where the configuration asks for them; here it does not.
                Event::Ping(_) | Event::Pong(_) | Event::Chunk { .. } => {}
            }
            self.transmit();
        }
        None
    }

    fn transmit(&mut self) {
        let session = &mut self.session;
        self.link.append(|out| while session.transmit((), out) {});
    }

    /// Waits for octets, room or a deadline. `Err` when the connection has ended.
    async fn drive(&mut self) -> Result<(), End> {
        self.transmit();
        match self.session.io_action() {
            IoAction::Continue => {}
            IoAction::ShutdownWrite | IoAction::Close => {
                let (linger, max) = self.linger;
                self.link.linger(linger, max).await;
                if self.closed.is_none() {
                    let now = self.origin.elapsed();
                    if let Some(Event::Closed(closed)) = self.session.receive_eof(now) {
                        self.closed = Some(closed);
                    }
                }
                return Err(End);
            }
        }
        let due = self.session.poll_timeout().map(|due| self.origin + due);
        let read = self.link.pending_len() < MAX_WAITING_LEN;
        let watch_stop = self.closes_on_stop && self.session.may_send();
        let exchanged = tokio::select! {
            exchanged = self.link.exchange(read) => exchanged,
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                let now = self.origin.elapsed();
                if let Some(Event::Closed(closed)) = self.session.handle_timeout(now) {
                    self.closed = Some(closed);
                }
                return Ok(());
            }
            () = self.stop.stopping(), if watch_stop => {
                let now = self.origin.elapsed();
                self.session.close(CloseCode::SERVICE_RESTART, "", now);
                return Ok(());
            }
        };
        match exchanged {
            Ok(Exchange::Read(1..) | Exchange::Wrote) => Ok(()),
            Ok(Exchange::Read(0)) | Err(_) => {
                let now = self.origin.elapsed();
                if let Some(Event::Closed(closed)) = self.session.receive_eof(now)
                    && self.closed.is_none()
                {
                    self.closed = Some(closed);
                }
                Err(End)
            }
        }
    }

    /// Queues a message, to leave together with others: at [`WebSocket::flush`], or when
    /// [`WebSocket::next`] has nothing more to give.
    ///
    /// # Errors
    /// [`WebSocketError::Refused`] where the connection is closing or too much waits.
    pub fn queue(&mut self, message: &Message) -> Result<(), WebSocketError> {
        let session = &mut self.session;
        self.link
            .append(|out| session.send_message(message, (), out))
            .map_err(WebSocketError::Refused)
    }

    /// Queues a message, and waits for room first where much waits already: how to answer each of
    /// many messages. Cancel-safe: what was not queued was not taken.
    ///
    /// # Errors
    /// As [`WebSocket::send`].
    pub async fn feed(&mut self, message: &Message) -> Result<(), WebSocketError> {
        if self.link.pending_len() >= FEED_LEN {
            self.flush().await?;
        }
        self.queue(message)
    }

    /// Queues a text message. See [`WebSocket::queue`].
    ///
    /// # Errors
    /// As [`WebSocket::queue`].
    pub fn queue_text(&mut self, text: &str) -> Result<(), WebSocketError> {
        let session = &mut self.session;
        self.link
            .append(|out| session.send_text(text, (), out))
            .map_err(WebSocketError::Refused)
    }

    /// Sends a message and waits until it has left. Cancel-safe: a message that was begun is
    /// finished by the next call of any method that writes.
    ///
    /// # Errors
    /// [`WebSocketError::Refused`] where nothing was sent, [`WebSocketError::Gone`] where the
    /// connection has ended.
    pub async fn send(&mut self, message: &Message) -> Result<(), WebSocketError> {
        self.queue(message)?;
        self.flush().await
    }

    /// Sends a text message. See [`WebSocket::send`].
    ///
    /// # Errors
    /// As [`WebSocket::send`].
    pub async fn send_text(&mut self, text: &str) -> Result<(), WebSocketError> {
        self.queue_text(text)?;
        self.flush().await
    }

    /// Sends frames that were encoded once for all readers, in one vectored write and without a
    /// copy.
    ///
    /// # Errors
    /// As [`WebSocket::send`].
    pub async fn send_shared(
        &mut self,
        frames: impl IntoIterator<Item = SharedFrame>,
    ) -> Result<(), WebSocketError> {
        self.send_frames(frames.into_iter().map(|frame| frame.as_bytes().clone()))
            .await
    }

    /// Sends whole frames that a [`SharedFrame`] gave.
    pub(crate) async fn send_frames(
        &mut self,
        frames: impl Iterator<Item = Bytes>,
    ) -> Result<(), WebSocketError> {
        if !self.session.may_send() {
            return Err(WebSocketError::Refused(SendError::Closing));
        }
        for frame in frames {
            self.link.push(frame);
        }
        self.flush().await
    }

    /// Leaves the end of the server to the session, which watches [`WebSocket::stop`].
    pub fn watch_stop_yourself(&mut self) {
        self.closes_on_stop = false;
    }

    /// Writes what was queued.
    ///
    /// # Errors
    /// [`WebSocketError::Gone`] where the connection has ended.
    pub async fn flush(&mut self) -> Result<(), WebSocketError> {
        self.link.flush().await.map_err(WebSocketError::Gone)
    }

    /// Cuts the connection by a TCP reset, as if a cable had been pulled.
    pub fn reset(mut self) {
        // Nothing more is to be said, neither by `Drop`.
        self.session.receive_eof(self.origin.elapsed());
        self.link.reset();
    }

    /// Closes with a status code and a reason of at most 123 octets, and waits for the end of the
    /// closing handshake or its deadline (RFC 6455 §7.1.2). What the peer still sends is dropped.
    pub async fn close(&mut self, code: CloseCode, reason: &str) {
        self.session.close(code, reason, self.origin.elapsed());
        while self.next().await.is_some() {}
    }
}

/// The connection has ended.
struct End;

impl Drop for WebSocket {
    fn drop(&mut self) {
        if self.session.may_send() {
            self.session
                .close(CloseCode::NORMAL, "", self.origin.elapsed());
            self.transmit();
            let _ = self.link.try_flush();
        }
    }
}
