//! A transport in memory that never waits, and a way to run futures over it.

use std::future::Future;
use std::io::{self, IoSlice, Read, Write};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Reading copies the same octets again and again, as many as the reader has room for up to where they repeat;
/// writing copies all that is written over what was written before: what a kernel does, without the kernel.
pub struct Wire {
    incoming: Vec<u8>,
    at: usize,
    outgoing: Vec<u8>,
}

impl Wire {
    pub fn reading(incoming: Vec<u8>) -> Self {
        Self {
            incoming,
            at: 0,
            outgoing: Vec::new(),
        }
    }

    pub fn writing(most: usize) -> Self {
        Self {
            incoming: Vec::new(),
            at: 0,
            outgoing: vec![0; most],
        }
    }

    /// What a read of `room` octets gives.
    pub fn take(&mut self, room: usize) -> &[u8] {
        let end = self.incoming.len().min(self.at + room);
        let octets = &self.incoming[self.at..end];
        self.at = if end == self.incoming.len() { 0 } else { end };
        octets
    }

    fn put(&mut self, slices: &[IoSlice<'_>]) -> usize {
        let mut at = 0;
        for octets in slices {
            self.outgoing[at..at + octets.len()].copy_from_slice(octets);
            at += octets.len();
        }
        std::hint::black_box(&mut self.outgoing);
        at
    }
}

impl Read for Wire {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let octets = self.take(room.len());
        room[..octets.len()].copy_from_slice(octets);
        Ok(octets.len())
    }
}

impl Write for Wire {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        Ok(self.put(&[IoSlice::new(octets)]))
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        Ok(self.put(slices))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        room: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let free = room.remaining();
        room.put_slice(self.get_mut().take(free));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(self.get_mut().put(&[IoSlice::new(octets)])))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(self.get_mut().put(slices)))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Polls a future that has nothing to wait for.
pub fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("the wire never waits"),
    }
}
