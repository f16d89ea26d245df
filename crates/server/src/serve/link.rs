//! A socket with its two buffers: what was read and not parsed, what was encoded and not written.
//!
//! A connection that waits owns neither: buffers are taken when octets arrive and given back when
//! they are used up. What a cancelled write left over stays here and leaves first at the next one.

use core::cell::RefCell;
use core::future::{Future, poll_fn};
use core::pin::pin;
use core::task::{Context, Poll};
use core::time::Duration;
use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
#[cfg(target_os = "linux")]
use tokio::io::Interest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};

use super::clock::deadline;
use super::meter::Meter;

/// First size of a read buffer.
const MIN_READ_LEN: usize = 16 << 10;
/// A read that fills its buffer doubles the next one up to this size, so that a large message
/// takes few system calls.
const MAX_READ_LEN: usize = 256 << 10;
/// Spare buffers a thread keeps for its connections, and the largest that is worth keeping.
const MAX_SPARE: usize = 64;
const MAX_SPARE_LEN: usize = 64 << 10;
/// Most pieces of one vectored write.
const MAX_PIECES: usize = 64;

thread_local! {
    static SPARE: RefCell<Vec<BytesMut>> = const { RefCell::new(Vec::new()) };
}

/// Keeps an emptied buffer for the next connection of this thread that reads.
fn give_back(mut buffer: BytesMut) {
    SPARE.with_borrow_mut(|spare| {
        // `try_reclaim` tells whether the whole of it is free: parts may be in use elsewhere.
        if spare.len() < MAX_SPARE
            && buffer.try_reclaim(MIN_READ_LEN)
            && buffer.capacity() <= MAX_SPARE_LEN
        {
            spare.push(buffer);
        }
    });
}

#[derive(Debug)]
pub(crate) struct Link {
    socket: TcpStream,
    /// Read and not parsed.
    pub(crate) input: BytesMut,
    /// Encoded and not written; leaves before `pending`.
    out: BytesMut,
    /// Shared octets that follow `out`, written from where they lie.
    pending: VecDeque<Bytes>,
    /// Octets in `pending`.
    pending_len: usize,
    /// Octets read since the connection began.
    received: u64,
    read_len: usize,
    progress_timeout: Duration,
    /// Since when the peer takes nothing of what waits.
    stalled_since: Option<Instant>,
    meter: Option<Arc<Meter>>,
    /// Octets in front of `out` that are not the meter's.
    unmetered: usize,
}

impl Link {
    pub(crate) fn new(socket: TcpStream, progress_timeout: Duration) -> Self {
        Self {
            socket,
            input: BytesMut::new(),
            out: BytesMut::new(),
            pending: VecDeque::new(),
            pending_len: 0,
            received: 0,
            read_len: MIN_READ_LEN,
            progress_timeout,
            stalled_since: None,
            meter: None,
            unmetered: 0,
        }
    }

    /// From here on, what is read and written counts for `meter`; so do the octets that wait,
    /// but for the first `unmetered` of them.
    pub(crate) fn set_meter(&mut self, meter: Option<Arc<Meter>>, unmetered: usize) {
        self.meter = meter;
        self.unmetered = unmetered;
    }

    /// Counts what was read already for the meter.
    pub(crate) fn count_input(&self) {
        if let Some(meter) = &self.meter {
            meter.add(self.input.len() as u64, 0);
        }
    }

    /// Octets parsed since the connection began.
    pub(crate) fn consumed(&self) -> u64 {
        self.received - self.input.len() as u64
    }

    pub(crate) fn progress_timeout(&self) -> Duration {
        self.progress_timeout
    }

    pub(crate) fn wants_write(&self) -> bool {
        !self.out.is_empty() || !self.pending.is_empty()
    }

    /// Octets that wait to be written.
    pub(crate) fn waiting_len(&self) -> usize {
        self.out.len() + self.pending_len
    }

    /// Queues octets without copying them.
    pub(crate) fn push(&mut self, octets: Bytes) {
        if !octets.is_empty() {
            self.pending_len += octets.len();
            self.pending.push_back(octets);
        }
    }

    /// Lets `encode` append octets behind all that waits.
    pub(crate) fn append<T>(&mut self, encode: impl FnOnce(&mut BytesMut) -> T) -> T {
        if self.pending.is_empty() {
            return encode(&mut self.out);
        }
        // `out` leaves before what is pending, of which a part may have left already.
        let mut behind = BytesMut::new();
        let result = encode(&mut behind);
        self.push(behind.freeze());
        result
    }

    /// Gives emptied buffers back, so that a waiting connection owns none. Their capacity is no
    /// guide: a buffer that was filled to its end has none left and is owned all the same.
    pub(crate) fn release(&mut self) {
        if self.input.is_empty() {
            give_back(core::mem::take(&mut self.input));
            self.read_len = MIN_READ_LEN;
        }
        if self.out.is_empty() {
            give_back(core::mem::take(&mut self.out));
        }
    }

    /// Reads what is there; 0 is the peer's end of input. Cancel-safe.
    pub(crate) async fn read(&mut self) -> io::Result<usize> {
        poll_fn(|cx| self.poll_read(cx)).await
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        match self.socket.poll_read_ready(cx) {
            Poll::Ready(ready) => ready?,
            Poll::Pending => {
                self.release();
                return Poll::Pending;
            }
        }
        if self.input.is_empty()
            && self.input.capacity() < MIN_READ_LEN
            && let Some(buffer) = SPARE.with_borrow_mut(Vec::pop)
        {
            self.input = buffer;
        }
        self.input.reserve(self.read_len);
        let room = self.input.capacity() - self.input.len();
        // `read_buf`, since it learns from a short read that the socket is empty and spares the
        // system call that would only say so.
        let read = pin!(self.socket.read_buf(&mut self.input)).poll(cx);
        let len = match read {
            Poll::Ready(len) => len?,
            Poll::Pending => {
                self.release();
                return Poll::Pending;
            }
        };
        self.received += len as u64;
        if let Some(meter) = &self.meter {
            meter.add(len as u64, 0);
        }
        if len == room {
            self.read_len = (self.read_len * 2).min(MAX_READ_LEN);
        }
        Poll::Ready(Ok(len))
    }

    /// Writes all that waits. Fails when no octet leaves for the progress timeout. Cancel-safe:
    /// what did not leave is written first at the next call.
    pub(crate) async fn flush(&mut self) -> io::Result<()> {
        while !self.try_flush()? {
            match timeout_at(self.stall_deadline(), self.socket.writable()).await {
                Ok(ready) => ready?,
                Err(_) => return Err(io::ErrorKind::TimedOut.into()),
            }
        }
        Ok(())
    }

    /// [`Link::flush`] that goes on reading meanwhile, up to `max` octets, so that two sides that
    /// both write do not wait for each other.
    pub(crate) async fn flush_and_read(&mut self, max: usize) -> io::Result<()> {
        let mut open = true;
        while !self.try_flush()? {
            let read = open && self.input.len() < max;
            if self.progress(read).await? == Some(0) {
                open = false;
            }
        }
        Ok(())
    }

    /// When the peer must have taken something. Only octets that leave move it: neither those that
    /// come nor a call that is dropped and made again.
    fn stall_deadline(&mut self) -> Instant {
        deadline(
            *self.stalled_since.get_or_insert_with(Instant::now),
            self.progress_timeout,
        )
    }

    /// Writes until all has left (true) or the socket is full (false), without waiting.
    pub(crate) fn try_flush(&mut self) -> io::Result<bool> {
        while self.wants_write() {
            let mut pieces = [IoSlice::new(&[]); MAX_PIECES];
            let queued = core::iter::once(&self.out[..])
                .filter(|out| !out.is_empty())
                .chain(self.pending.iter().map(|octets| &octets[..]));
            let mut count = 0;
            for (piece, octets) in pieces.iter_mut().zip(queued) {
                *piece = IoSlice::new(octets);
                count += 1;
            }
            let (pieces, _) = pieces.split_at(count);
            // A plain write costs the kernel less than a vectored one of a single piece.
            let written = match pieces {
                [piece] => self.socket.try_write(piece),
                pieces => self.socket.try_write_vectored(pieces),
            };
            match written {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(len) => self.advance(len),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    fn advance(&mut self, mut len: usize) {
        self.stalled_since = None;
        let unmetered = len.min(self.unmetered);
        self.unmetered -= unmetered;
        if let Some(meter) = &self.meter {
            meter.add(0, (len - unmetered) as u64);
        }
        let from_out = len.min(self.out.len());
        self.out.advance(from_out);
        len -= from_out;
        self.pending_len -= len;
        while len > 0 {
            let Some(front) = self.pending.front_mut() else {
                return;
            };
            if front.len() > len {
                front.advance(len);
                return;
            }
            len -= front.len();
            self.pending.pop_front();
        }
        if self.pending.is_empty() {
            // An idle connection keeps no queue.
            self.pending = VecDeque::new();
        }
    }

    /// Waits until octets are there (and reads them) or what waits can leave (and writes it),
    /// whichever comes first. `read` is false while the caller wants no more input.
    pub(crate) async fn exchange(&mut self, read: bool) -> io::Result<Exchange> {
        loop {
            if !self.wants_write() || self.try_flush()? {
                if !read {
                    return Ok(Exchange::Wrote);
                }
                return self.read().await.map(Exchange::Read);
            }
            if let Some(len) = self.progress(read).await? {
                return Ok(Exchange::Read(len));
            }
        }
    }

    /// Waits until the socket takes octets again (`None`) or, where `read`, some were read.
    async fn progress(&mut self, read: bool) -> io::Result<Option<usize>> {
        let stalled = self.stall_deadline();
        let step = poll_fn(|cx| {
            if read && let Poll::Ready(len) = self.poll_read(cx) {
                return Poll::Ready(len.map(Some));
            }
            self.socket.poll_write_ready(cx).map_ok(|()| None)
        });
        match timeout_at(stalled, step).await {
            Ok(progress) => progress,
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }

    /// Reads away what comes, which nobody wants, until the peer's end. Cancel-safe.
    pub(crate) async fn discard(&mut self) -> io::Error {
        loop {
            self.input.clear();
            match self.read().await {
                Ok(0) => return io::ErrorKind::ConnectionReset.into(),
                Ok(_) => tokio::task::coop::consume_budget().await,
                Err(error) => return error,
            }
        }
    }

    /// Resolves when the peer closed its side, even while octets of it lie unread. Cancel-safe.
    #[cfg(target_os = "linux")]
    pub(crate) async fn peer_gone(&self) {
        // The readiness set behind the priority interest holds "read closed" and not "readable":
        // the one way to wait for the peer's end without being woken by octets that nobody reads.
        let _ = self.socket.ready(Interest::PRIORITY).await;
    }

    /// Resolves when the peer closed its side and nothing of it lies unread. Cancel-safe.
    #[cfg(not(target_os = "linux"))]
    pub(crate) async fn peer_gone(&self) {
        match self.socket.peek(&mut [0]).await {
            Ok(0) | Err(_) => {}
            Ok(_) => core::future::pending().await,
        }
    }

    /// Closes in stages, so that the last answer is not lost to a reset (RFC 9112 §9.6): ends the
    /// output, then reads away what still comes, for at most `linger` and `max` octets.
    pub(crate) async fn linger(&mut self, linger: Duration, max: usize) {
        if self.flush().await.is_err() || self.shutdown_write().await.is_err() {
            return;
        }
        let _ = timeout(linger, async {
            let mut left = max;
            loop {
                self.input.clear();
                match self.read().await {
                    Ok(len @ 1..) if len <= left => left -= len,
                    Ok(_) | Err(_) => return,
                }
            }
        })
        .await;
    }

    /// Makes the close of this connection a reset.
    pub(crate) fn reset(&self) {
        let _ = self.socket.set_zero_linger();
    }

    pub(crate) async fn shutdown_write(&mut self) -> io::Result<()> {
        self.socket.shutdown().await
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exchange {
    /// This many octets arrived; 0 is the peer's end of input.
    Read(usize),
    /// All that waited has left.
    Wrote,
}
