//! A connection as two buffers, and the way it is opened.

use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Waker};
use std::io;
use std::sync::Arc;

use bytes::{Buf as _, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::io::{ReadHalf, WriteHalf};
use tokio::net::TcpStream;

/// Room that every read finds, in octets.
const READ_LEN: usize = 16 * 1024;
/// Octets that may wait for a slow peer before its own octets are no longer read.
const MAX_OUT_LEN: usize = 64 * 1024;

/// An ordered stream of octets both ways. TLS would be one more kind of it.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A connection that is being opened.
pub(crate) type Dialing = Pin<Box<dyn Future<Output = io::Result<Box<dyn Stream>>> + Send>>;

/// Opens connections to a host and a port.
#[derive(Clone)]
pub(crate) struct Dialer(Arc<Dial>);

type Dial = dyn Fn(&str, u16) -> Dialing + Send + Sync;

impl Dialer {
    pub(crate) fn new(dial: impl Fn(&str, u16) -> Dialing + Send + Sync + 'static) -> Self {
        Self(Arc::new(dial))
    }

    pub(crate) fn tcp() -> Self {
        Self::new(|host, port| {
            let host = host.to_owned();
            Box::pin(async move {
                let stream = TcpStream::connect((host.as_str(), port)).await?;
                // Requests and frames are small and whole: waiting to join them only delays them.
                stream.set_nodelay(true)?;
                Ok(Box::new(stream) as Box<dyn Stream>)
            })
        })
    }

    pub(crate) fn dial(&self, host: &str, port: u16) -> Dialing {
        (self.0)(host, port)
    }
}

impl fmt::Debug for Dialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Dialer")
    }
}

/// An open connection, what was read of it, and what waits to be written.
///
/// Both buffers belong to the connection, so that a dropped [`progress`](Self::progress) loses
/// nothing: an octet is either in the socket or in a buffer.
pub(crate) struct Io {
    reader: ReadHalf<Box<dyn Stream>>,
    writer: WriteHalf<Box<dyn Stream>>,
    pub(crate) input: BytesMut,
    pub(crate) out: BytesMut,
    /// The peer will send no more; `input` may still hold octets.
    pub(crate) ended: bool,
}

impl Io {
    pub(crate) fn new(stream: Box<dyn Stream>) -> Self {
        let (reader, writer) = tokio::io::split(stream);
        Self {
            reader,
            writer,
            input: BytesMut::new(),
            out: BytesMut::new(),
            ended: false,
        }
    }

    /// Writes what waits and reads what comes, until one of both made progress.
    ///
    /// Cancel-safe.
    pub(crate) async fn progress(&mut self) -> io::Result<()> {
        self.input.reserve(READ_LEN);
        tokio::select! {
            written = self.writer.write_buf(&mut self.out), if !self.out.is_empty() => {
                if !written.is_ok_and(|len| len > 0) {
                    // The peer reads no more, but it may have said why: what it sent is read on,
                    // up to the end or the error that follows.
                    self.out.clear();
                }
            }
            read = self.reader.read_buf(&mut self.input), if self.out.len() < MAX_OUT_LEN => {
                self.ended = read? == 0;
            }
        }
        Ok(())
    }

    /// Whether nothing came since the last answer, neither octets nor an end: a connection that
    /// was kept and has lapsed shows it here, before a request is lost on it.
    pub(crate) fn is_at_rest(&mut self) -> bool {
        let mut cx = Context::from_waker(Waker::noop());
        self.input.reserve(READ_LEN);
        core::pin::pin!(self.reader.read_buf(&mut self.input))
            .poll(&mut cx)
            .is_pending()
    }

    /// Writes what the socket takes at once; a connection that is given up earns no wait.
    pub(crate) fn write_what_fits(&mut self) {
        let mut cx = Context::from_waker(Waker::noop());
        while !self.out.is_empty() {
            match Pin::new(&mut self.writer).poll_write(&mut cx, &self.out) {
                core::task::Poll::Ready(Ok(len)) if len > 0 => self.out.advance(len),
                core::task::Poll::Ready(_) | core::task::Poll::Pending => return,
            }
        }
    }
}

impl fmt::Debug for Io {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Io")
            .field("input_len", &self.input.len())
            .field("out_len", &self.out.len())
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}
