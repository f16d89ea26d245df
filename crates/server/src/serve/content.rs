//! The content of a request, on its way from the connection to the handler.
//!
//! The connection reads content only while somebody waits for it, so a handler that refuses a
//! request by its head never makes the client send the content (RFC 9110 §10.1.1).

use core::future::poll_fn;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::task::{Poll, Waker};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};
use tidings_http1::{Framing, ReceiveError, ServerConnection, ServerEvent};
use tokio::time::timeout;

use super::link::Link;

/// The content of a request, read from the connection as it is asked for.
#[derive(Debug)]
pub struct Body {
    framing: Framing,
    /// `None` where there is no content.
    inflow: Option<Inflow>,
}

/// The reader's end of a content.
#[derive(Debug)]
struct Inflow {
    pipe: Arc<Pipe>,
    /// What this request holds of the server's allowance for unfinished content.
    held: Share,
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
    /// The connection ended before the content did, or the request was answered before.
    #[error("the connection ended, or was answered, before the content was read")]
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
        feeder: Option<&Feeder>,
        unfinished: &Arc<Unfinished>,
    ) -> Self {
        let inflow = feeder.map(|feeder| Inflow {
            pipe: feeder.0.clone(),
            held: Share::new(unfinished.clone()),
        });
        Self { framing, inflow }
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
        let Some(Inflow { pipe, .. }) = &self.inflow else {
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
        let Some(Inflow { held, .. }) = &mut self.inflow else {
            return Ok(());
        };
        if held.set(held.len + len) {
            Ok(())
        } else {
            Err(BodyError::Overloaded { max: held.of.max })
        }
    }
}

/// The server's allowance for unfinished content of all requests and unfinished messages of all
/// WebSockets.
#[derive(Debug)]
pub(crate) struct Unfinished {
    pub(crate) len: AtomicUsize,
    pub(crate) max: usize,
}

/// What one connection holds of it.
#[derive(Debug)]
pub(crate) struct Share {
    of: Arc<Unfinished>,
    len: usize,
}

impl Share {
    pub(crate) fn new(of: Arc<Unfinished>) -> Self {
        Self { of, len: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Makes it `len` octets. False where that is more than the allowance has.
    pub(crate) fn set(&mut self, len: usize) -> bool {
        let before = core::mem::replace(&mut self.len, len);
        // Most requests hold nothing: no write to what all threads share.
        if len == before {
            return true;
        }
        if len < before {
            self.of.len.fetch_sub(before - len, Ordering::Relaxed);
            return true;
        }
        let more = len - before;
        self.of.len.fetch_add(more, Ordering::Relaxed) + more <= self.of.max
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.set(0);
    }
}

/// What joins the two ends of a content.
#[derive(Debug, Default)]
struct Pipe(Mutex<PipeState>);

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
    /// The connection has ended, or has answered and reads no more for this request.
    Cut,
    /// More is announced than the reader takes.
    TooLarge,
}

impl Pipe {
    fn lock(&self) -> MutexGuard<'_, PipeState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state and wakes the reader, unless that is `own`: the task that runs at this
    /// moment and asks its reader next. To wake it would put it behind all other tasks of its
    /// thread once more, and a publisher's next request would wait until all readers are served.
    fn change(&self, own: Option<&Waker>, change: impl FnOnce(&mut PipeState)) {
        let mut state = self.lock();
        change(&mut state);
        let reader = state.reader.take();
        drop(state);
        if let Some(waker) = reader
            && !own.is_some_and(|own| own.will_wake(&waker))
        {
            waker.wake();
        }
    }
}

/// The connection's end of a content. Dropping it ends what its reader waits for.
#[derive(Debug)]
pub(crate) struct Feeder(Arc<Pipe>);

/// What of a content was handed to its reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fed {
    Some,
    All,
}

/// Why a content does not go on.
#[derive(Debug)]
pub(crate) enum FeedError {
    /// The peer left, or the socket failed.
    Left,
    /// The peer broke HTTP.
    Malformed(ReceiveError),
    /// No octet came for the progress timeout.
    Stalled,
}

impl Feeder {
    /// `None` where there is no content.
    pub(crate) fn new(framing: Framing) -> Option<Self> {
        match framing {
            Framing::None | Framing::Length(0) => None,
            Framing::Length(_) | Framing::Chunked | Framing::UntilClose | Framing::Tunnel => {
                Some(Self(Arc::default()))
            }
        }
    }

    /// Waits until the reader wants content and hands it the next piece. Cancel-safe. The caller
    /// polls the handler next.
    pub(crate) async fn feed(
        &self,
        link: &mut Link,
        http: &mut ServerConnection,
    ) -> Result<Fed, FeedError> {
        if !self.is_wanted() {
            link.flush().await.map_err(|_| FeedError::Left)?;
            self.wanted().await;
        }
        let own = poll_fn(|cx| Poll::Ready(cx.waker().clone())).await;
        loop {
            match link.next_event(http) {
                Ok(Some(ServerEvent::Data(data))) => {
                    self.0.change(Some(&own), |state| state.data = Some(data));
                    return Ok(Fed::Some);
                }
                Ok(Some(ServerEvent::Trailers(_))) => {}
                // Nothing but content and its end comes before the answer.
                Ok(Some(ServerEvent::End | ServerEvent::Request(_) | ServerEvent::Closed)) => {
                    let whole = |state: &mut PipeState| state.end = Some(End::Whole);
                    self.0.change(Some(&own), whole);
                    return Ok(Fed::All);
                }
                Ok(None) if self.refuses(http.announced_len(), &own) => return Ok(Fed::All),
                Ok(None) => {
                    if http.wants_continue() {
                        let none: [(&str, &[u8]); 0] = [];
                        let _ = link.append(|out| http.send_informational(100, none, out));
                    }
                    link.flush().await.map_err(|_| FeedError::Left)?;
                    match timeout(link.progress_timeout(), link.read()).await {
                        Ok(Ok(0)) => http.receive_eof(),
                        Ok(Ok(_)) => {}
                        Ok(Err(_)) => return Err(FeedError::Left),
                        Err(_) => return Err(FeedError::Stalled),
                    }
                }
                Err(error) => return Err(FeedError::Malformed(error)),
            }
        }
    }

    /// Whether a reader waits for data.
    fn is_wanted(&self) -> bool {
        let state = self.0.lock();
        state.reader.is_some() && state.end.is_none()
    }

    /// Resolves when a reader waits for data.
    async fn wanted(&self) {
        poll_fn(|cx| {
            if self.is_wanted() {
                return Poll::Ready(());
            }
            self.0.lock().connection = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// Ends a content of which more is announced than the reader takes. True where it is so.
    fn refuses(&self, announced: u64, own: &Waker) -> bool {
        let too_large = self
            .0
            .lock()
            .room
            .is_some_and(|room| announced > room as u64);
        if too_large {
            let too_large = |state: &mut PipeState| state.end = Some(End::TooLarge);
            self.0.change(Some(own), too_large);
        }
        too_large
    }
}

impl Drop for Feeder {
    fn drop(&mut self) {
        self.0.change(None, |state| {
            state.end.get_or_insert(End::Cut);
        });
    }
}

#[cfg(test)]
mod tests {
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn content_wakes_its_reader_unless_that_is_the_task_at_work() {
        let (pipe, count) = (Pipe::default(), Arc::new(Count::default()));
        let reader = Waker::from(count.clone());
        let own = Waker::from(Arc::new(Count::default()));
        for (by, wakes) in [(Some(&reader), 0), (Some(&own), 1), (None, 2)] {
            pipe.lock().reader = Some(reader.clone());
            pipe.change(by, |state| state.data = Some(Bytes::new()));
            assert_eq!(count.0.load(Ordering::Relaxed), wakes);
            assert!(pipe.lock().reader.is_none());
        }
    }
}
