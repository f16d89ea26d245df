//! The two octet streams of a connection: TCP by its readiness, all others by their wakers.
//!
//! A connection that waits has no buffer, and it writes what fits without waiting. TCP tells when octets are there and when
//! there is room. Any other stream only wakes who asked it in vain: a [`Gate`] keeps that for the next attempt.

use core::fmt;
use core::pin::Pin;
use core::pin::pin;
use core::sync::atomic::{AtomicBool, Ordering};
use core::task::{Context, Poll, Waker, ready};
use std::io::{self, IoSlice};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Wake;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::task::coop::consume_budget;

/// What a connection is read from and written to: a TCP socket, or any other stream of octets.
///
/// TCP costs nothing more than itself. Another stream is boxed; while its connection waits, a read buffer is lent for each
/// attempt and taken back.
pub struct Socket(Kind);

enum Kind {
    Tcp(TcpStream),
    /// Boxed, so that a TCP connection has no room for it.
    Other(Box<Other>),
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

struct Other {
    stream: Box<dyn Stream>,
    gate: Arc<Gate>,
    /// What `gate` looks like to the stream.
    waker: Waker,
    /// The stream holds nothing of what it took.
    flushed: bool,
}

impl Socket {
    /// Takes a stream of octets, such as a TLS session, a tunnel, or a pipe in memory.
    ///
    /// To end its output the stream is shut down, and it is dropped when the connection is over. A reset, where a handler
    /// asks for one, is a drop too.
    #[must_use]
    pub fn new(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) -> Self {
        let gate = Arc::new(Gate {
            open: AtomicBool::new(true),
            waiter: Mutex::default(),
        });
        Self(Kind::Other(Box::new(Other {
            stream: Box::new(stream),
            waker: Waker::from(gate.clone()),
            gate,
            flushed: true,
        })))
    }

    /// Resolves when octets may be there. A stream of another kind than TCP is to be asked.
    pub(super) fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &self.0 {
            Kind::Tcp(socket) => socket.poll_read_ready(cx),
            Kind::Other(_) => Poll::Ready(Ok(())),
        }
    }

    /// Resolves when there may be room.
    #[expect(
        clippy::needless_pass_by_ref_mut,
        reason = "a shared borrow over a wait would ask every stream to be Sync"
    )]
    pub(super) fn poll_write_ready(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &self.0 {
            Kind::Tcp(socket) => socket.poll_write_ready(cx),
            Kind::Other(other) => other.gate.poll_open(cx).map(Ok),
        }
    }

    /// Writes what fits; [`io::ErrorKind::WouldBlock`] where that is nothing.
    pub(super) fn try_write(&mut self, octets: &[u8]) -> io::Result<usize> {
        match &mut self.0 {
            Kind::Tcp(socket) => socket.try_write(octets),
            Kind::Other(other) => other.try_write(&[IoSlice::new(octets)]),
        }
    }

    /// Whether many pieces leave in one write.
    pub(super) fn is_vectored(&self) -> bool {
        match &self.0 {
            Kind::Tcp(_) => true,
            Kind::Other(other) => other.stream.is_write_vectored(),
        }
    }

    /// [`Socket::try_write`] of many pieces.
    pub(super) fn try_write_vectored(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        match &mut self.0 {
            Kind::Tcp(socket) => socket.try_write_vectored(pieces),
            Kind::Other(other) => other.try_write(pieces),
        }
    }

    /// Whether the stream holds octets that it took and did not pass on, as TLS does.
    pub(super) fn holds_octets(&self) -> bool {
        match &self.0 {
            Kind::Tcp(_) => false,
            Kind::Other(other) => !other.flushed,
        }
    }

    /// Lets the stream pass on what it holds: whether it holds nothing more.
    pub(super) fn try_flush(&mut self) -> io::Result<bool> {
        match &mut self.0 {
            Kind::Tcp(_) => Ok(true),
            Kind::Other(other) => other.try_flush(),
        }
    }

    /// Ends the output.
    pub(super) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.0 {
            Kind::Tcp(socket) => Pin::new(socket).poll_shutdown(cx),
            Kind::Other(other) => Pin::new(&mut *other.stream).poll_shutdown(cx),
        }
    }

    /// Makes the close a reset, where the stream has such a thing.
    pub(super) fn reset(&self) {
        match &self.0 {
            Kind::Tcp(socket) => drop(socket.set_zero_linger()),
            Kind::Other(_) => {}
        }
    }

    /// The TCP socket, if it is one.
    pub(super) fn tcp(&self) -> Option<&TcpStream> {
        match &self.0 {
            Kind::Tcp(socket) => Some(socket),
            Kind::Other(_) => None,
        }
    }
}

impl From<TcpStream> for Socket {
    /// Takes a TCP socket, and has it write at once (`TCP_NODELAY`): answers are joined before they are written, and
    /// waiting for more would only delay them.
    fn from(socket: TcpStream) -> Self {
        let _ = socket.set_nodelay(true);
        Self(Kind::Tcp(socket))
    }
}

impl AsyncRead for Socket {
    // Instantiated where it is read from, which spares TCP a call.
    #[inline]
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.0 {
            Kind::Tcp(socket) => Pin::new(socket).poll_read(cx, buffer),
            Kind::Other(other) => {
                // A stream that always has something must not hold up the other tasks of its thread.
                ready!(pin!(consume_budget()).poll(cx));
                Pin::new(&mut *other.stream).poll_read(cx, buffer)
            }
        }
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Tcp(socket) => socket.fmt(f),
            Kind::Other(_) => f.write_str("Socket"),
        }
    }
}

impl Other {
    fn try_write(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        let stream = Pin::new(&mut *self.stream);
        let waker = &self.waker;
        let written = self.gate.attempt(waker, |cx| match pieces {
            [piece] => stream.poll_write(cx, piece),
            pieces => stream.poll_write_vectored(cx, pieces),
        })?;
        self.flushed &= written == 0;
        Ok(written)
    }

    fn try_flush(&mut self) -> io::Result<bool> {
        if self.flushed {
            return Ok(true);
        }
        let stream = Pin::new(&mut *self.stream);
        match self.gate.attempt(&self.waker, |cx| stream.poll_flush(cx)) {
            Ok(()) => {
                self.flushed = true;
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// Whether an attempt to write is worth it: it is closed by one that was made in vain, and opened by the waker that this
/// one left behind.
#[derive(Debug)]
struct Gate {
    open: AtomicBool,
    waiter: Mutex<Option<Waker>>,
}

impl Gate {
    /// Makes an attempt; [`io::ErrorKind::WouldBlock`] where it was in vain.
    fn attempt<T>(
        &self,
        waker: &Waker,
        attempt: impl FnOnce(&mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> io::Result<T> {
        // Before the attempt, which may wake at once.
        self.open.store(false, Ordering::Release);
        match attempt(&mut Context::from_waker(waker)) {
            Poll::Ready(done) => {
                self.open.store(true, Ordering::Release);
                done
            }
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    fn poll_open(&self, cx: &Context<'_>) -> Poll<()> {
        let waker = Some(cx.waker().clone());
        *self.waiter.lock().unwrap_or_else(PoisonError::into_inner) = waker;
        // Behind the waker, so that who opens in between is either seen or wakes.
        if self.open.load(Ordering::Acquire) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}

impl Wake for Gate {
    fn wake(self: Arc<Self>) {
        self.open.store(true, Ordering::Release);
        let waiter = self
            .waiter
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(waiter) = waiter {
            waiter.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use core::sync::atomic::AtomicUsize;

    use super::*;

    #[test]
    fn a_connection_pays_nothing_for_the_streams_that_it_is_not() {
        assert_eq!(size_of::<Socket>(), size_of::<TcpStream>());
    }

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[tokio::test]
    async fn who_wrote_in_vain_is_woken_once_when_there_is_room() {
        let (mut near, far) = tokio::io::duplex(4);
        let mut socket = Socket::new(far);
        let count = Arc::new(Count::default());
        let waker = Waker::from(count.clone());
        let mut cx = Context::from_waker(&waker);
        assert!(socket.poll_write_ready(&mut cx).is_ready());
        let pieces = [IoSlice::new(b"ab"), IoSlice::new(b"cdef")];
        assert_eq!(socket.try_write_vectored(&pieces).unwrap(), 4);
        assert!(socket.holds_octets() && socket.try_flush().unwrap() && !socket.holds_octets());
        let full = socket.try_write(b"ef").unwrap_err();
        assert_eq!(full.kind(), io::ErrorKind::WouldBlock);
        assert!(socket.poll_write_ready(&mut cx).is_pending());
        assert_eq!(count.0.load(Ordering::Relaxed), 0);
        let mut octets = [0; 2];
        tokio::io::AsyncReadExt::read_exact(&mut near, &mut octets)
            .await
            .unwrap();
        assert_eq!(count.0.load(Ordering::Relaxed), 1);
        assert!(socket.poll_write_ready(&mut cx).is_ready());
        assert_eq!(socket.try_write(b"ef").unwrap(), 2);
    }
}
