//! A socket with its two buffers: what was read and not parsed, what was encoded and not written.
//!
//! A connection that waits owns neither: buffers are taken when octets arrive and given back when
//! they are used up. What a cancelled write left over stays here and leaves first at the next one.

mod read;

use core::future::poll_fn;
use core::task::{Context, Poll, ready};
use core::time::Duration;
use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use tidings_http1::{ReceiveError, ServerConnection, ServerEvent};
#[cfg(target_os = "linux")]
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};

use super::clock::deadline;
use super::meter::Meter;
use super::pool::{self, MIN_READ_LEN};
use super::socket::Socket;
use super::tap::Watch;

/// Most pieces of one vectored write.
const MAX_PIECES: usize = 64;

#[derive(Debug)]
pub(crate) struct Link {
    socket: Socket,
    /// Read and not parsed.
    pub(crate) input: BytesMut,
    /// Whether the room of `input` is behind a message that is arriving, so that it stays while it is empty.
    pub(crate) keep_input: bool,
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
    /// Present where the server has a tap.
    pub(super) watch: Option<Box<Watch>>,
}

impl Link {
    pub(crate) fn new(socket: Socket, progress_timeout: Duration) -> Self {
        Self {
            socket,
            input: BytesMut::new(),
            keep_input: false,
            out: BytesMut::new(),
            pending: VecDeque::new(),
            pending_len: 0,
            received: 0,
            read_len: MIN_READ_LEN,
            progress_timeout,
            stalled_since: None,
            meter: None,
            unmetered: 0,
            watch: None,
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

    /// Octets received so far.
    pub(crate) fn received(&self) -> u64 {
        self.received
    }

    /// Octets parsed since the connection began.
    pub(crate) fn consumed(&self) -> u64 {
        self.received - self.input.len() as u64
    }

    pub(crate) fn progress_timeout(&self) -> Duration {
        self.progress_timeout
    }

    pub(crate) fn wants_write(&self) -> bool {
        self.has_octets() || self.socket.holds_octets()
    }

    fn has_octets(&self) -> bool {
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
            if self.out.capacity() == 0 {
                self.out = pool::take(MIN_READ_LEN);
            }
            return encode(&mut self.out);
        }
        // `out` leaves before what is pending, of which a part may have left already.
        let mut behind = BytesMut::new();
        let result = encode(&mut behind);
        self.push(behind.freeze());
        result
    }

    /// Gives emptied buffers back, so that a waiting connection owns none.
    pub(crate) fn release(&mut self) {
        if self.input.is_empty() && !self.keep_input {
            pool::give_back(core::mem::take(&mut self.input));
        }
        if self.out.is_empty() {
            pool::give_back(core::mem::take(&mut self.out));
        }
    }

    /// Writes all that waits. Fails when no octet leaves for the progress timeout. Cancel-safe:
    /// what did not leave is written first at the next call.
    pub(crate) async fn flush(&mut self) -> io::Result<()> {
        if self.try_flush()? {
            return Ok(());
        }
        // Boxed like all that seldom happens: each task would have room for it all its life.
        Box::pin(async {
            while !self.try_flush()? {
                let stalled = self.stall_deadline();
                let writable = poll_fn(|cx| self.socket.poll_write_ready(cx));
                match timeout_at(stalled, writable).await {
                    Ok(ready) => ready?,
                    Err(_) => return Err(io::ErrorKind::TimedOut.into()),
                }
            }
            Ok(())
        })
        .await
    }

    /// [`Link::flush`] that goes on reading meanwhile, up to `max` octets, so that two sides that
    /// both write do not wait for each other.
    pub(crate) async fn flush_and_read(&mut self, max: usize) -> io::Result<()> {
        if self.try_flush()? {
            return Ok(());
        }
        Box::pin(async {
            let mut open = true;
            while !self.try_flush()? {
                let read = open && self.input.len() < max;
                if self.progress(read).await? == Some(0) {
                    open = false;
                }
            }
            Ok(())
        })
        .await
    }

    /// When the peer must have taken something. Only octets that leave move it: neither those that
    /// come nor a call that is dropped and made again.
    pub(crate) fn stall_deadline(&mut self) -> Instant {
        deadline(
            *self.stalled_since.get_or_insert_with(Instant::now),
            self.progress_timeout,
        )
    }

    /// Writes until all has left (true) or the socket is full (false), without waiting.
    pub(crate) fn try_flush(&mut self) -> io::Result<bool> {
        while self.has_octets() {
            // A plain write costs the kernel less than a vectored one of a single piece.
            let written = match self.pending.front() {
                Some(_) if self.socket.is_vectored() => self.try_write_pieces(),
                Some(first) if self.out.is_empty() => self.socket.try_write(first),
                Some(_) | None => self.socket.try_write(&self.out),
            };
            match written {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(len) => {
                    if self.watch.is_some() {
                        self.tell_sent(len);
                    }
                    self.advance(len);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        self.socket.try_flush()
    }

    fn try_write_pieces(&mut self) -> io::Result<usize> {
        let Self {
            socket,
            out,
            pending,
            ..
        } = self;
        let mut pieces = [IoSlice::new(&[]); MAX_PIECES];
        let queued = core::iter::once(&out[..])
            .filter(|out| !out.is_empty())
            .chain(pending.iter().map(|octets| &octets[..]));
        let mut count = 0;
        for (piece, octets) in pieces.iter_mut().zip(queued) {
            *piece = IoSlice::new(octets);
            count += 1;
        }
        match pieces.split_at(count) {
            ([piece], _) => socket.try_write(piece),
            (pieces, _) => socket.try_write_vectored(pieces),
        }
    }

    /// Queues shared octets behind what waits. Where nothing waits, a first piece that is alone is written at once: most
    /// readers get one message at a time and need no queue.
    pub(crate) fn push_all(&mut self, mut all: impl Iterator<Item = Bytes>) -> io::Result<()> {
        let Some(mut first) = all.next() else {
            return Ok(());
        };
        let second = all.next();
        if second.is_none() && !self.wants_write() {
            match self.socket.try_write(&first) {
                Ok(len) => {
                    if let Some(watch) = &mut self.watch {
                        watch.sent(first.split_at(len).0);
                    }
                    first.advance(len);
                    self.count_sent(len);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        self.push(first);
        for octets in second.into_iter().chain(all) {
            self.push(octets);
        }
        Ok(())
    }

    /// Tells the tap which octets left, before they are let go.
    #[cold]
    fn tell_sent(&mut self, mut len: usize) {
        let Some(watch) = &mut self.watch else {
            return;
        };
        let queued =
            core::iter::once(&self.out[..]).chain(self.pending.iter().map(|octets| &octets[..]));
        let mut sent = BytesMut::with_capacity(len);
        for octets in queued {
            let (left, _) = octets.split_at(len.min(octets.len()));
            sent.extend_from_slice(left);
            len -= left.len();
        }
        watch.sent(&sent);
    }

    /// [`ServerConnection::next_event`] on what was read, where a tap may hear which octets it takes. Inlined, since an
    /// event is large to hand on.
    #[inline(always)]
    pub(crate) fn next_event(
        &mut self,
        http: &mut ServerConnection,
    ) -> Result<Option<ServerEvent>, ReceiveError> {
        if self
            .watch
            .as_ref()
            .is_some_and(|watch| watch.hears_parsed())
        {
            return self.next_event_told(http);
        }
        http.next_event(&mut self.input)
    }

    #[cold]
    fn next_event_told(
        &mut self,
        http: &mut ServerConnection,
    ) -> Result<Option<ServerEvent>, ReceiveError> {
        let Some(watch) = &mut self.watch else {
            return http.next_event(&mut self.input);
        };
        let before = self.input.len();
        // No more is copied than framing may have, since chunks may be many and small.
        let (framing, _) = self.input.split_at(before.min(watch.max_framing_len()));
        let mut framing = framing.to_vec();
        let event = http.next_event(&mut self.input);
        let taken = before - self.input.len();
        match &event {
            // Content is what an event takes last.
            Ok(Some(ServerEvent::Data(data))) => {
                framing.truncate(taken.saturating_sub(data.len()));
                if framing.is_empty() {
                    watch.parsed(data);
                } else {
                    framing.extend_from_slice(data);
                    watch.parsed(&framing);
                }
            }
            // Trailers may be what is wrong.
            Ok(Some(ServerEvent::Trailers(_))) | Err(_) => {
                framing.truncate(taken);
                watch.trailers(&framing);
            }
            Ok(Some(ServerEvent::End | ServerEvent::Closed)) => {
                framing.truncate(taken);
                watch.parsed(&framing);
                watch.request_ended();
            }
            Ok(Some(ServerEvent::Request(_)) | None) => {
                framing.truncate(taken);
                watch.parsed(&framing);
            }
        }
        event
    }

    /// Counts octets that left.
    fn count_sent(&mut self, len: usize) {
        self.stalled_since = None;
        let unmetered = len.min(self.unmetered);
        self.unmetered -= unmetered;
        if let Some(meter) = &self.meter {
            meter.add(0, (len - unmetered) as u64);
        }
    }

    fn advance(&mut self, mut len: usize) {
        self.count_sent(len);
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
    /// whichever comes first. `read` is false while the caller wants no more input. How long the
    /// peer may take nothing is the caller's to watch: see [`Link::stall_deadline`].
    pub(crate) fn poll_exchange(
        &mut self,
        cx: &mut Context<'_>,
        read: bool,
        mut make_room: impl FnMut(&mut Self),
    ) -> Poll<io::Result<Exchange>> {
        while self.wants_write() && !self.try_flush()? {
            if read && let Poll::Ready(len) = self.poll_read_into(cx, &mut make_room) {
                return Poll::Ready(len.map(Exchange::Read));
            }
            ready!(self.socket.poll_write_ready(cx))?;
        }
        if read {
            self.poll_read_into(cx, &mut make_room)
                .map_ok(Exchange::Read)
        } else {
            Poll::Ready(Ok(Exchange::Wrote))
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

    /// Resolves when the peer closed its side, even while octets of it lie unread; of another
    /// stream than TCP some are read for that. Cancel-safe.
    pub(crate) async fn peer_gone(&mut self) {
        match self.socket.tcp() {
            Some(socket) => tcp_peer_gone(socket).await,
            None => poll_fn(|cx| self.poll_read_to_end(cx)).await,
        }
    }

    /// Closes in stages, so that the last answer is not lost to a reset (RFC 9112 §9.6): ends the
    /// output, then reads away what still comes, for at most `linger` and `max` octets.
    pub(crate) async fn linger(&mut self, linger: Duration, max: usize) {
        Box::pin(async {
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
        })
        .await;
    }

    /// Makes the close of this connection a reset.
    pub(crate) fn reset(&self) {
        self.socket.reset();
    }

    async fn shutdown_write(&mut self) -> io::Result<()> {
        // A stream that writes something to end, as TLS does, may wait for a peer that takes nothing.
        let ended = poll_fn(|cx| self.socket.poll_shutdown(cx));
        match timeout(self.progress_timeout, ended).await {
            Ok(ended) => ended,
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }
}

#[cfg(target_os = "linux")]
async fn tcp_peer_gone(socket: &TcpStream) {
    // The readiness set behind the priority interest holds "read closed" and not "readable": the
    // one way to wait for the peer's end without being woken by octets that nobody reads.
    let _ = socket.ready(Interest::PRIORITY).await;
}

/// Waits until nothing of the peer lies unread.
#[cfg(not(target_os = "linux"))]
async fn tcp_peer_gone(socket: &TcpStream) {
    match socket.peek(&mut [0]).await {
        Ok(0) | Err(_) => {}
        Ok(_) => core::future::pending().await,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exchange {
    /// This many octets arrived; 0 is the peer's end of input.
    Read(usize),
    /// All that waited has left.
    Wrote,
}
