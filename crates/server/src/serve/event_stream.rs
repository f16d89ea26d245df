//! A response that never ends: server-sent events, each written as it is sent (WHATWG HTML §9.2).
//!
//! One event is one chunk and one write. To an HTTP/1.0 request the events go out bare, and the
//! stream ends with the connection.

use core::fmt;
use core::future::{Future as _, poll_fn};
use core::ops::Range;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::io;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use tidings_http1::{LAST_CHUNK, encode_chunk};
use tidings_sse::{EventRef, HEARTBEAT, SendError};
use tokio::time::Instant;

use super::alarm::Alarm;
use super::clock::deadline;
use super::link::Link;
use super::listen::{Shared, Slot};
use super::stop::{KeptStop, Stop};

/// An event encoded once for all its readers: the event as an HTTP chunk, of which the bare event
/// is the middle. Cloning shares the octets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedEvent {
    chunk: Bytes,
    event: Range<usize>,
}

impl SharedEvent {
    /// Encodes an event.
    ///
    /// # Errors
    /// What the event stream format cannot carry: see [`SendError`].
    pub fn new(event: &EventRef<'_>) -> Result<Self, SendError> {
        let event = event.to_bytes()?;
        let mut chunk = BytesMut::with_capacity(event.len() + 16);
        encode_chunk(&event, &mut chunk);
        Ok(Self::of_chunk(chunk.freeze()))
    }

    /// Takes up a chunk that [`SharedEvent::chunk`] gave.
    pub(crate) fn of_chunk(chunk: Bytes) -> Self {
        let start = chunk
            .iter()
            .position(|octet| *octet == b'\n')
            .map_or(0, |end| end + 1);
        let end = chunk.len().saturating_sub(2).max(start);
        Self {
            event: start..end,
            chunk,
        }
    }

    /// The event as an HTTP chunk (RFC 9112 §7.1).
    #[must_use]
    pub fn chunk(&self) -> &Bytes {
        &self.chunk
    }

    /// The bare event.
    #[must_use]
    pub fn event(&self) -> Bytes {
        self.chunk.slice(self.event.clone())
    }
}

/// The writing end of an event stream, in a task of its own.
pub struct EventStream {
    /// Boxed, since a session's future has room for each place that a stream is moved to.
    state: Box<State>,
}

struct State {
    link: Link,
    chunked: bool,
    /// When octets were written last.
    wrote_at: Instant,
    /// Rings when the next heartbeat is due.
    alarm: Alarm,
    stopping: KeptStop,
    slot: Slot,
}

/// What happens to a stream that nobody writes to.
pub(crate) enum Quiet {
    Ended(StreamError),
    HeartbeatDue,
}

impl fmt::Debug for EventStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventStream")
            .field("link", &self.state.link)
            .field("chunked", &self.state.chunked)
            .finish_non_exhaustive()
    }
}

/// Why a stream cannot go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StreamError {
    /// The event cannot be put into the event stream format; nothing was written.
    #[error("the event cannot be encoded: {0}")]
    Event(SendError),
    /// The reader left, or took nothing for the progress timeout.
    #[error("the reader is gone: {0}")]
    Gone(io::Error),
    /// The server stops.
    #[error("the server stops")]
    Stopping,
}

impl EventStream {
    pub(crate) fn new(link: Link, chunked: bool, shared: &Arc<Shared>, slot: Slot) -> Self {
        Self {
            state: Box::new(State {
                link,
                chunked,
                wrote_at: Instant::now(),
                alarm: Alarm::default(),
                stopping: shared.stop.kept(),
                slot,
            }),
        }
    }

    /// Writes one event and waits until it has left. Cancel-safe: an event that was begun is
    /// finished by the next call.
    ///
    /// # Errors
    /// [`StreamError::Event`] where nothing was written and the stream goes on,
    /// [`StreamError::Gone`] where it has ended.
    pub async fn send(&mut self, event: &EventRef<'_>) -> Result<(), StreamError> {
        let event = event.to_bytes().map_err(StreamError::Event)?;
        self.push_block(&event);
        self.flush().await
    }

    /// Writes events that were encoded for all readers, in one vectored write and without a copy.
    ///
    /// # Errors
    /// [`StreamError::Gone`] where the stream has ended.
    pub async fn send_shared(
        &mut self,
        events: impl IntoIterator<Item = SharedEvent>,
    ) -> Result<(), StreamError> {
        let State { link, chunked, .. } = &mut *self.state;
        let all = events
            .into_iter()
            .map(|event| if *chunked { event.chunk } else { event.event() });
        link.push_all(all).map_err(StreamError::Gone)?;
        self.flush().await
    }

    /// Writes a heartbeat comment after each silence, and resolves when the reader has left or the
    /// server stops. Wait for it beside whatever brings the events. Cancel-safe.
    pub async fn keep_alive(&mut self) -> StreamError {
        loop {
            match poll_fn(|cx| self.state.poll_quiet(cx)).await {
                Quiet::Ended(error) => return error,
                Quiet::HeartbeatDue => {
                    if let Err(error) = self.heartbeat().await {
                        return error;
                    }
                }
            }
        }
    }

    /// Waits for what [`EventStream::keep_alive`] does; a heartbeat is the caller's to write.
    pub(crate) fn poll_quiet(&mut self, cx: &mut Context<'_>) -> Poll<Quiet> {
        self.state.poll_quiet(cx)
    }

    /// Writes a heartbeat comment.
    pub(crate) async fn heartbeat(&mut self) -> Result<(), StreamError> {
        self.push_block(HEARTBEAT);
        self.flush().await
    }

    /// Tells when the server stops, for waiting beside the stream.
    #[must_use]
    pub fn stop(&self) -> Stop {
        self.state.slot.shared().stop.clone()
    }

    /// Cuts the connection by a TCP reset, as if a cable had been pulled.
    pub fn reset(self) {
        self.state.link.reset();
    }

    /// Ends the stream in good order. A stream that is only dropped ends as if it had been cut.
    pub async fn finish(mut self) {
        let State {
            link,
            chunked,
            slot,
            ..
        } = &mut *self.state;
        if *chunked {
            link.append(|out| out.extend_from_slice(LAST_CHUNK));
        }
        let config = &slot.shared().config;
        link.linger(config.linger_timeout, config.max_linger_len)
            .await;
    }

    fn push_block(&mut self, block: &[u8]) {
        let chunked = self.state.chunked;
        self.state.link.append(|out| {
            if chunked {
                encode_chunk(block, out);
            } else {
                out.extend_from_slice(block);
            }
        });
    }

    async fn flush(&mut self) -> Result<(), StreamError> {
        let State { link, wrote_at, .. } = &mut *self.state;
        link.flush().await.map_err(StreamError::Gone)?;
        link.release();
        *wrote_at = Instant::now();
        Ok(())
    }
}

impl State {
    fn poll_quiet(&mut self, cx: &mut Context<'_>) -> Poll<Quiet> {
        if Pin::new(&mut self.stopping).poll(cx).is_ready() {
            return Poll::Ready(Quiet::Ended(StreamError::Stopping));
        }
        if let Poll::Ready(end) = self.link.poll_discard(cx) {
            return Poll::Ready(Quiet::Ended(StreamError::Gone(end)));
        }
        let due = deadline(self.wrote_at, self.slot.shared().config.heartbeat);
        self.alarm.poll(cx, due).map(|()| Quiet::HeartbeatDue)
    }
}
