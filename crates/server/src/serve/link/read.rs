//! What a link reads, and the room for it.

use core::future::{Future, poll_fn};
use core::pin::pin;
use core::task::{Context, Poll, ready};
use std::io;

use tokio::io::AsyncReadExt;

use super::Link;
use crate::serve::pool::{self, MAX_READ_LEN, MIN_READ_LEN};

/// What is read at most of a stream whose end is waited for, where only reading tells it.
const READ_AHEAD_LEN: usize = 64 << 10;

impl Link {
    /// Reads what is there; 0 is the peer's end of input. Cancel-safe.
    pub(crate) async fn read(&mut self) -> io::Result<usize> {
        poll_fn(|cx| self.poll_read(cx)).await
    }

    pub(crate) fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.poll_read_into(cx, Self::make_room)
    }

    /// Gives `input` room for a read of the usual length, from the spare buffers.
    pub(crate) fn make_room(&mut self) {
        if self.keep_input && self.input.capacity() > self.input.len() {
            return;
        }
        if self.input.is_empty() && self.input.capacity() < self.read_len {
            self.input = pool::take(self.read_len);
        }
        self.input.reserve(self.read_len);
    }

    /// The length for which a read wants room.
    pub(crate) fn read_len(&self) -> usize {
        self.read_len
    }

    /// Reads into the room that `make_room` gives once there is something to read.
    pub(super) fn poll_read_into(
        &mut self,
        cx: &mut Context<'_>,
        make_room: impl FnOnce(&mut Self),
    ) -> Poll<io::Result<usize>> {
        match self.socket.poll_read_ready(cx) {
            Poll::Ready(ready) => ready?,
            Poll::Pending => {
                self.release();
                return Poll::Pending;
            }
        }
        make_room(self);
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
        if let Some(watch) = &mut self.watch {
            let (_, read) = self.input.split_at(self.input.len() - len);
            watch.read(read);
        }
        // A read that fills its buffer doubles the next one, so that a large message takes few
        // system calls; small ones take the size back.
        if len == room {
            self.read_len = (self.read_len * 2).min(MAX_READ_LEN);
        } else if len < self.read_len / 4 {
            self.read_len = (self.read_len / 2).max(MIN_READ_LEN);
        }
        Poll::Ready(Ok(len))
    }

    /// Reads away what comes, which nobody wants, until the peer's end.
    pub(crate) fn poll_discard(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        loop {
            self.input.clear();
            // A read takes from the task's budget, so that a peer that never ends cannot hold up others.
            match ready!(self.poll_read(cx)) {
                Ok(0) => return Poll::Ready(io::ErrorKind::ConnectionReset.into()),
                Ok(_) => {}
                Err(error) => return Poll::Ready(error),
            }
        }
    }

    pub(super) fn poll_read_to_end(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while self.input.len() < READ_AHEAD_LEN {
            match ready!(self.poll_read(cx)) {
                Ok(1..) => {}
                Ok(0) | Err(_) => return Poll::Ready(()),
            }
        }
        Poll::Pending
    }
}
