//! The server's end of a WebSocket, in a task of its own (RFC 6455).
//!
//! Answers that are queued leave together, when all that was read is worked off; control frames
//! are answered and deadlines kept while somebody waits in [`WebSocket::next`].

mod drive;

use core::fmt;
use core::future::poll_fn;
use core::task::{Context, Poll};
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use tidings_websocket::{Accepted, CloseCode, Closed, Config, Message, SendError, SharedFrame};

use self::drive::Drive;
use super::link::Link;
use super::listen::{Shared, Slot};
use super::stop::{KeptStop, Stop};

/// What [`WebSocket::feed`] gathers before it writes.
const FEED_LEN: usize = 64 << 10;

/// A message from this length on is written from where it lies instead of copied.
const COPY_BELOW: usize = 16 << 10;

/// What is read ahead while what waits to be written does not leave.
const READ_AHEAD_LEN: usize = 64 << 10;

/// A WebSocket that a handler accepted.
///
/// A session that only drops it sends a Close where the socket takes it at once: 1000, or 1011
/// after a panic, or 1012 where the server stops. To wait for the closing handshake, call
/// [`WebSocket::close`].
pub struct WebSocket {
    /// Boxed, since a session's future has room for each place that a WebSocket is moved to.
    drive: Box<Drive>,
}

impl fmt::Debug for WebSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocket")
            .field("link", &self.drive.link)
            .field("session", &self.drive.session)
            .field("subprotocol", &self.drive.subprotocol)
            .finish_non_exhaustive()
    }
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
        accepted: &Accepted,
        shared: &Arc<Shared>,
        slot: Slot,
    ) -> Self {
        Self {
            drive: Box::new(Drive::new(link, config, accepted, shared, slot)),
        }
    }

    /// The subprotocol that the handshake agreed on.
    #[must_use]
    pub fn subprotocol(&self) -> Option<&'static str> {
        self.drive.subprotocol
    }

    /// How the connection ended, once [`WebSocket::next`] has given `None`.
    #[must_use]
    pub fn closed(&self) -> Option<&Closed> {
        self.drive.closed()
    }

    /// Whether messages can be sent: no Close was sent or received.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.drive.session.may_send()
    }

    /// Tells when the server stops, for waiting beside the messages.
    #[must_use]
    pub fn stop(&self) -> Stop {
        self.drive.stop()
    }

    /// The next message; `None` when the connection has ended, see [`WebSocket::closed`].
    ///
    /// What was queued is written before this waits. When the server stops, the connection is
    /// closed with 1012 (service restart). Cancel-safe.
    pub async fn next(&mut self) -> Option<Message> {
        match poll_fn(|cx| self.poll_next(cx)).await {
            Some(message) => Some(message),
            None => {
                self.drive.finish().await;
                None
            }
        }
    }

    /// The next message; `None` when there is none to come, and [`WebSocket::next`] is to be called for the end.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Message>> {
        self.drive.poll_next(cx)
    }

    /// Queues a message, to leave together with others: at [`WebSocket::flush`], or when
    /// [`WebSocket::next`] has nothing more to give.
    ///
    /// # Errors
    /// [`WebSocketError::Refused`] where the connection is closing or too much waits.
    pub fn queue(&mut self, message: &Message) -> Result<(), WebSocketError> {
        let len = match message {
            Message::Text(text) => text.as_bytes().len(),
            Message::Binary(data) => data.len(),
        };
        let drive = &mut self.drive;
        let queued = if len < COPY_BELOW {
            drive.queue(|session, out| session.send_message(message, (), out))
        } else {
            drive
                .queue(|session, out| session.send_header(message, out))
                .map(|payload| drive.link.push(payload))
        };
        queued.map_err(WebSocketError::Refused)
    }

    /// Queues a message, and waits for room first where much waits already: how to answer each of
    /// many messages. Cancel-safe: what was not queued was not taken.
    ///
    /// # Errors
    /// As [`WebSocket::send`].
    pub async fn feed(&mut self, message: &Message) -> Result<(), WebSocketError> {
        if self.drive.link.waiting_len() >= FEED_LEN {
            self.flush().await?;
        }
        self.queue(message)
    }

    /// Queues a text message, as [`WebSocket::feed`] does.
    ///
    /// # Errors
    /// As [`WebSocket::send`].
    pub async fn feed_text(&mut self, text: &str) -> Result<(), WebSocketError> {
        if self.drive.link.waiting_len() >= FEED_LEN {
            self.flush().await?;
        }
        self.queue_text(text)
    }

    /// Queues a text message. See [`WebSocket::queue`].
    ///
    /// # Errors
    /// As [`WebSocket::queue`].
    pub fn queue_text(&mut self, text: &str) -> Result<(), WebSocketError> {
        self.drive
            .queue(|session, out| session.send_text(text, (), out))
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
        if !self.is_open() {
            return Err(WebSocketError::Refused(SendError::Closing));
        }
        let queued = self.drive.link.push_all(frames);
        queued.map_err(WebSocketError::Gone)?;
        self.flush().await
    }

    /// Leaves the end of the server to the session, which watches [`WebSocket::stop`] itself and
    /// closes with a reason of its own.
    pub fn leave_stop_to_session(&mut self) {
        self.drive.stopping = None;
    }

    /// [`WebSocket::leave_stop_to_session`], with what is to be watched.
    pub(crate) fn take_stop(&mut self) -> KeptStop {
        let stopping = self.drive.stopping.take();
        stopping.unwrap_or_else(|| self.drive.stop().kept())
    }

    /// Writes what was queued.
    ///
    /// # Errors
    /// [`WebSocketError::Gone`] where the connection has ended.
    pub async fn flush(&mut self) -> Result<(), WebSocketError> {
        let link = &mut self.drive.link;
        link.flush_and_read(READ_AHEAD_LEN)
            .await
            .map_err(WebSocketError::Gone)
    }

    /// Cuts the connection by a TCP reset, as if a cable had been pulled.
    pub fn reset(self) {
        self.drive.reset();
    }

    /// Closes with a status code and a reason of at most 123 octets, and waits for the end of the
    /// closing handshake or its deadline (RFC 6455 §7.1.2). What the peer still sends is dropped.
    pub async fn close(&mut self, code: CloseCode, reason: &str) {
        self.drive.close(code, reason);
        while self.next().await.is_some() {}
    }
}
