//! A look at the octets of connections, for who teaches, records or searches a fault.
//!
//! A tap is asked at each request whether it wants to see it. Of a request that it does not want it sees
//! nothing, even where another one on the same connection is seen: a proxy sends the requests of many people
//! over one connection.

use core::fmt;
use core::net::SocketAddr;
use core::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;

use tidings_http1::{Limits, RequestHead};

/// Hears what passes, in the order in which it passes. It is called on the connection's own task, so it
/// must not block for long. It is dropped when the next request of the connection is another's, or with
/// the connection.
pub type Probe = Box<dyn FnMut(Passed<'_>) + Send + Sync>;

/// A request that a tap may want to see.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Tapped<'a> {
    /// Method, target, version and field lines.
    pub head: &'a RequestHead,
    /// The address that the connection came from.
    pub peer: SocketAddr,
    /// The number of the connection, which no other of this process has.
    pub connection: u64,
}

/// What a [`Probe`] hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Passed<'a> {
    /// Octets from the client: first the whole head, in one piece; then content as it is read; behind an upgrade all
    /// that arrives.
    Received(&'a [u8]),
    /// Octets from the client, too: the field lines behind chunked content, with what of the framing stands around them.
    Trailers(&'a [u8]),
    /// Octets to the client that the socket took in one go.
    Sent(&'a [u8]),
    /// The connection ended while it was heard.
    Closed,
}

type Ask = dyn Fn(Tapped<'_>) -> Option<Probe> + Send + Sync;

/// Decides which requests are seen, and by whom.
///
/// Where [`Config::tap`](super::Config::tap) is `None`, a connection pays one test a read and a write for the
/// possibility. What is seen is all that was sent, credentials too.
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use tidings_server::serve::{self, Passed, Response, Tap};
/// use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let sent = Arc::new(Mutex::new(Vec::new()));
/// let heard = sent.clone();
/// let mut config = serve::Config::default();
/// config.tap = Some(Tap::new(move |request| {
///     let heard = heard.clone();
///     (request.head.path() == "/hello").then(|| -> serve::Probe {
///         Box::new(move |passed| {
///             if let Passed::Sent(octets) = passed {
///                 heard.lock().unwrap().extend_from_slice(octets);
///             }
///         })
///     })
/// }));
///
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
/// let address = listener.local_addr()?;
/// let handler = |_| async { Response::text(200, "Hello\n") };
/// let client = async {
///     let mut socket = tokio::net::TcpStream::connect(address).await?;
///     socket.write_all(b"GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await?;
///     socket.read_to_end(&mut Vec::new()).await
/// };
/// serve::serve(listener, config, handler, client).await?;
/// assert!(sent.lock().unwrap().starts_with(b"HTTP/1.1 200 OK\r\n"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Tap(Arc<Ask>);

impl Tap {
    /// Makes a tap of a function that is asked once a request, when its head was read and before it is handled.
    #[must_use]
    pub fn new(ask: impl Fn(Tapped<'_>) -> Option<Probe> + Send + Sync + 'static) -> Self {
        Self(Arc::new(ask))
    }
}

impl fmt::Debug for Tap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tap").finish_non_exhaustive()
    }
}

/// Length of what ends a line.
const CRLF_LEN: usize = 2;

/// The number of the connection that is counted next.
static NEXT: AtomicU64 = AtomicU64::new(1);

/// What a connection of a server with a tap keeps.
pub(crate) struct Watch {
    number: u64,
    max_framing_len: usize,
    probe: Option<Probe>,
    inward: Inward,
}

/// Which octets from the client belong to the request that is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inward {
    /// Those that are parsed: behind them others wait.
    Parsed,
    /// All that is read: the connection became a WebSocket.
    Read,
    /// None more.
    Over,
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch")
            .field("number", &self.number)
            .field("is_heard", &self.probe.is_some())
            .field("inward", &self.inward)
            .finish()
    }
}

impl Watch {
    pub(crate) fn new(limits: &Limits) -> Self {
        let line = limits.max_chunk_line_len.saturating_add(2 * CRLF_LEN);
        Self {
            number: NEXT.fetch_add(1, Ordering::Relaxed),
            max_framing_len: line.saturating_add(limits.max_trailer_len),
            probe: None,
            inward: Inward::Over,
        }
    }

    /// A request begins: asks whether it is to be heard.
    pub(crate) fn ask(&self, tap: &Tap, head: &RequestHead, peer: SocketAddr) -> Option<Probe> {
        let connection = self.number;
        (tap.0)(Tapped {
            head,
            peer,
            connection,
        })
    }

    /// Whether somebody hears the request before.
    pub(crate) fn is_heard(&self) -> bool {
        self.probe.is_some()
    }

    /// From here on another probe hears, or none: the head first.
    pub(crate) fn begin(&mut self, probe: Option<Probe>, head: &RequestHead) {
        self.probe = probe;
        self.inward = Inward::Parsed;
        self.parsed(head.raw());
    }

    /// Whether octets that are parsed are to be told.
    pub(crate) fn hears_parsed(&self) -> bool {
        self.probe.is_some() && self.inward == Inward::Parsed
    }

    /// Most octets that are parsed at one time and are no content.
    pub(crate) fn max_framing_len(&self) -> usize {
        self.max_framing_len
    }

    pub(crate) fn parsed(&mut self, octets: &[u8]) {
        if self.inward == Inward::Parsed {
            self.tell(Passed::Received(octets));
        }
    }

    pub(crate) fn trailers(&mut self, octets: &[u8]) {
        if self.inward == Inward::Parsed && !octets.is_empty() {
            self.tell(Passed::Trailers(octets));
        }
    }

    /// The request is whole: what is parsed from here on is another's.
    pub(crate) fn request_ended(&mut self) {
        self.inward = Inward::Over;
    }

    /// The connection is a WebSocket: all that is read is told, `waiting` first.
    pub(crate) fn upgraded(&mut self, waiting: &[u8]) {
        self.inward = Inward::Read;
        self.read(waiting);
    }

    pub(crate) fn read(&mut self, octets: &[u8]) {
        if self.inward == Inward::Read {
            self.tell(Passed::Received(octets));
        }
    }

    pub(crate) fn sent(&mut self, octets: &[u8]) {
        self.tell(Passed::Sent(octets));
    }

    fn tell(&mut self, passed: Passed<'_>) {
        if let Some(probe) = &mut self.probe
            && passed != Passed::Received(b"")
        {
            probe(passed);
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.tell(Passed::Closed);
    }
}
