//! A connection as two buffers, and the way it is opened.

use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use std::io;
use std::sync::Arc;

use bytes::{Buf as _, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::io::{ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::Url;
#[cfg(feature = "tls")]
use crate::tls::Tls;

/// Room that every read finds, in octets.
const READ_LEN: usize = 16 * 1024;

/// An ordered stream of octets both ways: TCP, or TLS over it.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A connection that is being opened.
pub(crate) type Dialing = Pin<Box<dyn Future<Output = io::Result<Box<dyn Stream>>> + Send>>;

/// Opens connections to the host and port of a URL, through TLS where its scheme says so.
#[derive(Clone)]
pub(crate) struct Dialer {
    dial: Arc<Dial>,
    #[cfg(feature = "tls")]
    pub(crate) tls: Tls,
}

type Dial = dyn Fn(String, u16) -> Dialing + Send + Sync;

impl Dialer {
    pub(crate) fn tcp() -> Self {
        Self {
            dial: boxed(async |host: String, port| {
                let stream = TcpStream::connect((host.as_str(), port)).await?;
                // Requests and frames are small and whole: waiting to join them only delays them.
                stream.set_nodelay(true)?;
                Ok(stream)
            }),
            #[cfg(feature = "tls")]
            tls: Tls::default(),
        }
    }

    /// Opens connections by other means; TLS lies over them as over TCP.
    pub(crate) fn connect_with<F, S>(
        &mut self,
        connect: impl Fn(String, u16) -> F + Send + Sync + 'static,
    ) where
        F: Future<Output = io::Result<S>> + Send + 'static,
        S: Stream + 'static,
    {
        self.dial = boxed(connect);
    }

    pub(crate) fn dial(&self, url: &Url) -> Dialing {
        let dialing = (self.dial)(url.host().to_owned(), url.port());
        #[cfg(feature = "tls")]
        if url.is_tls() {
            return self.tls.clone().wrap(dialing, url.host());
        }
        dialing
    }
}

fn boxed<F, S>(connect: impl Fn(String, u16) -> F + Send + Sync + 'static) -> Arc<Dial>
where
    F: Future<Output = io::Result<S>> + Send + 'static,
    S: Stream + 'static,
{
    Arc::new(move |host, port| {
        let connecting = connect(host, port);
        Box::pin(async move { Ok(Box::new(connecting.await?) as Box<dyn Stream>) })
    })
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
    /// What was written may wait in the stream, as TLS has records of its own.
    unflushed: bool,
    /// Since when the stream took nothing of what waits.
    stalled: Option<Instant>,
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
            unflushed: false,
            stalled: None,
        }
    }

    /// Since when the stream takes nothing of what waits to be written; from here on, where it
    /// was not asked before. None where nothing waits.
    pub(crate) fn stalled(&mut self) -> Option<Instant> {
        let waits = !self.out.is_empty() || self.unflushed;
        if waits && self.stalled.is_none() {
            self.stalled = Some(Instant::now());
        }
        self.stalled.filter(|_| waits)
    }

    /// Writes what waits and reads what comes, until one of both made progress.
    ///
    /// Cancel-safe.
    pub(crate) async fn progress(&mut self) -> io::Result<()> {
        self.input.reserve(READ_LEN);
        let waits = !self.out.is_empty() || self.unflushed;
        tokio::select! {
            // What waits to be written comes to an end; what comes to be read may not.
            biased;
            written = write(&mut self.writer, &mut self.out), if waits => {
                self.stalled = None;
                match written {
                    Ok(Written::Octets) => self.unflushed = true,
                    Ok(Written::Flushed) => self.unflushed = false,
                    Err(_) => {
                        // The peer reads no more, but it may have said why: what it sent is read
                        // on, up to the end or the error that follows.
                        self.out.clear();
                        self.unflushed = false;
                    }
                }
            }
            // Whatever waits to be written: a peer may take it only when its own octets are taken.
            read = self.reader.read_buf(&mut self.input) => {
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

    /// Takes what has arrived, without a wait; tells whether that is anything.
    pub(crate) fn read_what_is_there(&mut self) -> io::Result<bool> {
        let mut cx = Context::from_waker(Waker::noop());
        self.input.reserve(READ_LEN);
        match core::pin::pin!(self.reader.read_buf(&mut self.input)).poll(&mut cx) {
            Poll::Ready(read) => {
                self.ended = read? == 0;
                Ok(true)
            }
            Poll::Pending => Ok(false),
        }
    }

    /// Writes what the stream takes at once, without a wait; tells whether there was progress.
    pub(crate) fn write_what_fits(&mut self) -> bool {
        let mut cx = Context::from_waker(Waker::noop());
        let mut progress = false;
        while !self.out.is_empty() {
            match Pin::new(&mut self.writer).poll_write(&mut cx, &self.out) {
                Poll::Ready(Ok(len)) if len > 0 => {
                    self.out.advance(len);
                    self.unflushed = true;
                    progress = true;
                }
                // What the peer said before it left is read on.
                Poll::Ready(_) => {
                    self.out.clear();
                    self.unflushed = false;
                    progress = true;
                }
                Poll::Pending => break,
            }
        }
        if self.out.is_empty() && self.unflushed {
            self.unflushed = Pin::new(&mut self.writer).poll_flush(&mut cx).is_pending();
            progress |= !self.unflushed;
        }
        if progress {
            self.stalled = None;
        }
        progress
    }
}

enum Written {
    Octets,
    Flushed,
}

/// Writes what waits, or lets the stream write what it holds of its own. Cancel-safe.
async fn write(writer: &mut WriteHalf<Box<dyn Stream>>, out: &mut BytesMut) -> io::Result<Written> {
    if out.is_empty() {
        writer.flush().await?;
        return Ok(Written::Flushed);
    }
    match writer.write_buf(out).await? {
        0 => Err(io::ErrorKind::WriteZero.into()),
        _ => Ok(Written::Octets),
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
