//! A TCP connection with its two buffers, which counts what passes.

use std::io;

use bytes::{Buf as _, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::Endpoint;

/// Room that a read finds, in octets.
const READ_LEN: usize = 16 << 10;

/// Octets that went over a connection, heads and frames included, and the calls that took them.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Traffic {
    pub(crate) up: u64,
    pub(crate) down: u64,
    pub(crate) reads: u64,
}

impl Traffic {
    pub(crate) fn add(&mut self, other: Self) {
        self.up += other.up;
        self.down += other.down;
        self.reads += other.reads;
    }
}

/// One connection of the load.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: TcpStream,
    pub(crate) input: BytesMut,
    pub(crate) out: BytesMut,
    pub(crate) traffic: Traffic,
}

impl Socket {
    pub(crate) async fn open(endpoint: &Endpoint) -> io::Result<Self> {
        let stream = TcpStream::connect(endpoint.address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            input: BytesMut::new(),
            out: BytesMut::new(),
            traffic: Traffic::default(),
        })
    }

    /// Writes all that waits.
    pub(crate) async fn flush(&mut self) -> io::Result<()> {
        while !self.out.is_empty() {
            let len = self.stream.write(&self.out).await?;
            if len == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            self.traffic.up += len as u64;
            self.out.advance(len);
        }
        Ok(())
    }

    /// Reads what has come; the end of the stream is an error, since no load expects it.
    pub(crate) async fn read(&mut self) -> io::Result<()> {
        self.input.reserve(READ_LEN);
        let len = self.stream.read_buf(&mut self.input).await?;
        if len == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.traffic.down += len as u64;
        self.traffic.reads += 1;
        Ok(())
    }

    /// A connection that waits needs no room to read into.
    pub(crate) fn shrink(&mut self) {
        if self.input.is_empty() {
            self.input = BytesMut::new();
        }
        if self.out.is_empty() {
            self.out = BytesMut::new();
        }
    }

    /// Cuts the connection by a reset.
    pub(crate) fn cut(self) {
        // Where it cannot be set, the connection ends in the ordinary way.
        let _ = self.stream.set_zero_linger();
    }
}
