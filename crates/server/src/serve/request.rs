//! A request as a handler gets it: the head at once, the content when it asks.
//!
//! The connection reads content only while somebody waits for it, so a handler that refuses a
//! request by its head never makes the client send the content (RFC 9110 §10.1.1).

use core::future::poll_fn;
use core::net::SocketAddr;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::task::{Poll, Waker};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tidings_http1::{Framing, RequestHead};

use super::stop::Stop;

/// One request: its head, its content and where it came from.
#[derive(Debug)]
pub struct Request {
    pub(crate) head: RequestHead,
    pub(crate) body: Body,
    pub(crate) peer: SocketAddr,
    pub(crate) listener: SocketAddr,
    pub(crate) stop: Stop,
}

impl Request {
    /// Method, target, version and field lines.
    #[must_use]
    pub fn head(&self) -> &RequestHead {
        &self.head
    }

    /// The address that the request came from: a proxy's where one stands in front.
    #[must_use]
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// The address that the server listens on.
    #[must_use]
    pub fn listener(&self) -> SocketAddr {
        self.listener
    }

    /// Tells when the server stops, for answers that take long.
    #[must_use]
    pub fn stop(&self) -> Stop {
        self.stop.clone()
    }

    /// The content, to be read piece by piece or collected.
    pub fn body(&mut self) -> &mut Body {
        &mut self.body
    }
}

/// The content of a request, read from the connection as it is asked for.
#[derive(Debug)]
pub struct Body {
    framing: Framing,
    /// `None` where there is no content.
    pipe: Option<Arc<Pipe>>,
    unfinished: Arc<Unfinished>,
    /// What this request holds of the server's allowance for unfinished content.
    held: usize,
}

/// Why content could not be had. A content that breaks HTTP never gets here: the connection
/// answers that by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BodyError {
    /// The content is longer than the caller takes. Answer 413.
    #[error("the content is longer than {max} octets")]
    TooLarge {
        /// The caller's limit in octets.
        max: usize,
    },
    /// The server holds too much unfinished content of all requests together. Answer 503.
    #[error("the server holds too much unfinished content, at most {max} octets")]
    Overloaded {
        /// The server's limit in octets.
        max: usize,
    },
    /// The connection ended before the content did.
    #[error("the connection ended before the content did")]
    Gone,
}

impl BodyError {
    /// The status that tells the client (RFC 9110 §15).
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::TooLarge { .. } => 413,
            Self::Overloaded { .. } => 503,
            Self::Gone => 400,
        }
    }
}

impl Body {
    pub(crate) fn new(
        framing: Framing,
        pipe: Option<Arc<Pipe>>,
        unfinished: Arc<Unfinished>,
    ) -> Self {
        Self {
            framing,
            pipe,
            unfinished,
            held: 0,
        }
    }

    /// The next piece, as it arrived; `None` at the end. Cancel-safe.
    ///
    /// # Errors
    /// [`BodyError::Gone`] where the connection ended first.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, BodyError> {
        self.next(None).await
    }

    /// The next piece, where no more than `room` octets may be announced.
    async fn next(&self, room: Option<usize>) -> Result<Option<Bytes>, BodyError> {
        let Some(pipe) = &self.pipe else {
            return Ok(None);
        };
        poll_fn(|cx| {
            let mut state = pipe.lock();
            state.room = room;
            if let Some(data) = state.data.take() {
                return Poll::Ready(Ok(Some(data)));
            }
            match state.end {
                Some(End::Whole) => Poll::Ready(Ok(None)),
                Some(End::Cut) => Poll::Ready(Err(BodyError::Gone)),
                Some(End::TooLarge) => Poll::Ready(Err(BodyError::TooLarge {
                    max: room.unwrap_or_default(),
                })),
                None => {
                    state.reader = Some(cx.waker().clone());
                    let connection = state.connection.take();
                    drop(state);
                    if let Some(waker) = connection {
                        waker.wake();
                    }
                    Poll::Pending
                }
            }
        })
        .await
    }

    /// The whole content, which is at most `max` octets. A single piece is not copied.
    ///
    /// # Errors
    /// [`BodyError::TooLarge`] as soon as it is known, which is before any of the content is read
    /// where the request gave its length; the others as they happen.
    pub async fn collect(&mut self, max: usize) -> Result<Bytes, BodyError> {
        if let Framing::Length(len) = self.framing
            && usize::try_from(len).map_or(true, |len| len > max)
        {
            return Err(BodyError::TooLarge { max });
        }
        let Some(first) = self.piece(max, 0).await? else {
            return Ok(Bytes::new());
        };
        let Some(second) = self.piece(max, first.len()).await? else {
            return Ok(first);
        };
        let mut whole = BytesMut::from(&first[..]);
        let mut next = Some(second);
        while let Some(data) = next {
            whole.extend_from_slice(&data);
            next = self.piece(max, whole.len()).await?;
        }
        Ok(whole.freeze())
    }

    /// The next piece of content that is `max` octets at most, of which `before` are here.
    async fn piece(&mut self, max: usize, before: usize) -> Result<Option<Bytes>, BodyError> {
        match self.next(Some(max - before)).await {
            Ok(Some(data)) => {
                self.hold(data.len(), max, before)?;
                Ok(Some(data))
            }
            Ok(None) => Ok(None),
            // Of the piece; the caller's limit is of the whole.
            Err(BodyError::TooLarge { .. }) => Err(BodyError::TooLarge { max }),
            Err(error) => Err(error),
        }
    }

    fn hold(&mut self, len: usize, max: usize, before: usize) -> Result<(), BodyError> {
        if before + len > max {
            return Err(BodyError::TooLarge { max });
        }
        self.held += len;
        if self.unfinished.len.fetch_add(len, Ordering::Relaxed) + len > self.unfinished.max {
            return Err(BodyError::Overloaded {
                max: self.unfinished.max,
            });
        }
        Ok(())
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        self.unfinished.len.fetch_sub(self.held, Ordering::Relaxed);
    }
}

/// The server's allowance for unfinished content of all requests.
#[derive(Debug)]
pub(crate) struct Unfinished {
    pub(crate) len: AtomicUsize,
    pub(crate) max: usize,
}

/// Joins the reader of a body with the connection that feeds it.
#[derive(Debug, Default)]
pub(crate) struct Pipe(Mutex<PipeState>);

#[derive(Debug, Default)]
struct PipeState {
    data: Option<Bytes>,
    end: Option<End>,
    /// What the reader takes at most of what follows; `None`: all.
    room: Option<usize>,
    /// Set while somebody waits for data.
    reader: Option<Waker>,
    /// Set while the connection waits for a reader.
    connection: Option<Waker>,
}

#[derive(Debug, Clone, Copy)]
enum End {
    Whole,
    Cut,
    /// More is announced than the reader takes.
    TooLarge,
}

impl Pipe {
    fn lock(&self) -> MutexGuard<'_, PipeState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a reader waits for data.
    pub(crate) fn is_wanted(&self) -> bool {
        let state = self.lock();
        state.reader.is_some() && state.end.is_none()
    }

    /// Resolves when a reader waits for data.
    pub(crate) async fn wanted(&self) {
        poll_fn(|cx| {
            let mut state = self.lock();
            if state.reader.is_some() && state.end.is_none() {
                return Poll::Ready(());
            }
            state.connection = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }

    pub(crate) fn push(&self, data: Bytes) {
        let mut state = self.lock();
        state.data = Some(data);
        wake_reader(state);
    }

    pub(crate) fn finish(&self) {
        let mut state = self.lock();
        state.end = Some(End::Whole);
        wake_reader(state);
    }

    /// Refuses content of which more is announced than the reader takes. True where it is so.
    pub(crate) fn refuse(&self, announced: u64) -> bool {
        let mut state = self.lock();
        let too_large = state.room.is_some_and(|room| announced > room as u64);
        if too_large {
            state.end = Some(End::TooLarge);
            wake_reader(state);
        }
        too_large
    }

    pub(crate) fn cut(&self) {
        let mut state = self.lock();
        if state.end.is_none() {
            state.end = Some(End::Cut);
        }
        wake_reader(state);
    }
}

fn wake_reader(mut state: MutexGuard<'_, PipeState>) {
    let reader = state.reader.take();
    drop(state);
    if let Some(waker) = reader {
        waker.wake();
    }
}
