//! The listener: accepts, counts, turns away, and stops in good order.

use core::future::Future;
use core::net::{IpAddr, SocketAddr};
use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use super::config::Config;
use super::connection::Connection;
use super::content::Unfinished;
use super::link::Link;
use super::request::Request;
use super::response::Response;
use super::socket::Socket;
use super::stop::{self, Stop};

/// How long accepting pauses when the process is out of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// That of a peer without one.
#[cfg(unix)]
const NO_ADDRESS: SocketAddr = SocketAddr::new(IpAddr::V4(core::net::Ipv4Addr::UNSPECIFIED), 0);

/// What all connections of a server share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) listener: SocketAddr,
    pub(crate) stop: Stop,
    pub(crate) unfinished: Arc<Unfinished>,
    open: AtomicUsize,
    /// Connections that are being told that there are too many.
    turned_away: AtomicUsize,
    by_address: Mutex<HashMap<IpAddr, usize>>,
    left: Notify,
}

/// Most connections at a time that are told that there are too many. Beyond it they are only
/// closed, so that a flood of them cannot use up all descriptors.
const MAX_TURNED_AWAY: usize = 64;

/// A connection's place among those that the server takes; it is free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    shared: Arc<Shared>,
    kind: SlotKind,
}

#[derive(Debug, Clone, Copy)]
enum SlotKind {
    Served(IpAddr),
    TurnedAway,
}

impl Slot {
    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    fn serve(shared: &Arc<Shared>, address: IpAddr) -> Option<Self> {
        if !take(&shared.open, shared.config.max_connections) {
            return None;
        }
        if let Some(max) = shared.config.max_connections_per_address {
            let mut by_address = shared
                .by_address
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let count = by_address.get(&address).copied().unwrap_or_default();
            if count >= max {
                shared.open.fetch_sub(1, Ordering::Relaxed);
                return None;
            }
            by_address.insert(address, count + 1);
        }
        Some(Self {
            shared: shared.clone(),
            kind: SlotKind::Served(address),
        })
    }

    fn turn_away(shared: &Arc<Shared>) -> Option<Self> {
        take(&shared.turned_away, MAX_TURNED_AWAY).then(|| Self {
            shared: shared.clone(),
            kind: SlotKind::TurnedAway,
        })
    }
}

/// Counts one more, if that is at most `max`.
fn take(count: &AtomicUsize, max: usize) -> bool {
    let fits = count.fetch_add(1, Ordering::Relaxed) < max;
    if !fits {
        count.fetch_sub(1, Ordering::Relaxed);
    }
    fits
}

impl Drop for Slot {
    fn drop(&mut self) {
        let shared = &self.shared;
        let SlotKind::Served(address) = self.kind else {
            shared.turned_away.fetch_sub(1, Ordering::Relaxed);
            return;
        };
        if shared.config.max_connections_per_address.is_some() {
            let mut by_address = shared
                .by_address
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            if let Some(count) = by_address.get_mut(&address) {
                *count -= 1;
                if *count == 0 {
                    by_address.remove(&address);
                }
            }
        }
        shared.open.fetch_sub(1, Ordering::Release);
        shared.left.notify_one();
    }
}

/// Where the connections of a server come from.
///
/// TCP and, on Unix, Unix sockets are such. A listener of one's own brings what there is no other
/// way for: TLS that the program ends, sockets that a supervisor hands over, pipes in memory for
/// tests:
///
/// ```
/// use core::net::{Ipv4Addr, SocketAddr};
/// use std::io;
///
/// use tidings_server::serve::{Config, Listener, Response, Socket, serve};
/// use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
/// use tokio::sync::mpsc;
///
/// struct Pipes(mpsc::Receiver<DuplexStream>);
///
/// impl Listener for Pipes {
///     async fn accept(&mut self) -> io::Result<(Socket, SocketAddr)> {
///         match self.0.recv().await {
///             Some(pipe) => Ok((Socket::new(pipe), (Ipv4Addr::UNSPECIFIED, 0).into())),
///             None => core::future::pending().await,
///         }
///     }
///
///     fn local_addr(&self) -> io::Result<SocketAddr> {
///         Ok((Ipv4Addr::UNSPECIFIED, 0).into())
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> io::Result<()> {
/// let (connect, pipes) = mpsc::channel(1);
/// let hello = |_| async { Response::text(200, "hello") };
/// tokio::spawn(serve(Pipes(pipes), Config::default(), hello, core::future::pending::<()>()));
///
/// let (mut near, far) = tokio::io::duplex(4096);
/// assert!(connect.send(far).await.is_ok());
/// near.write_all(b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").await?;
/// let mut answer = String::new();
/// near.read_to_string(&mut answer).await?;
/// assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\nhello"));
/// # Ok(())
/// # }
/// ```
pub trait Listener: Send {
    /// Waits for the next connection, and gives it with the address of its peer.
    ///
    /// Where the peer has no address, as on a Unix socket, that is the unspecified one with port 0;
    /// [`Config::max_connections_per_address`] then counts all such together. Nobody else is
    /// accepted meanwhile, so that a handshake belongs into a task of its own, or into the stream.
    ///
    /// Must be cancel-safe: a connection that was taken is given.
    ///
    /// # Errors
    /// Accepting pauses for 100 ms, but for [`io::ErrorKind::ConnectionAborted`].
    fn accept(&mut self) -> impl Future<Output = io::Result<(Socket, SocketAddr)>> + Send;

    /// The address that is listened on, which requests show as [`Request::listener`]. On a loopback
    /// address, channels check `Host`; the unspecified one is none.
    ///
    /// # Errors
    /// Where it is not known; the server does not begin.
    fn local_addr(&self) -> io::Result<SocketAddr>;
}

impl Listener for TcpListener {
    async fn accept(&mut self) -> io::Result<(Socket, SocketAddr)> {
        let (socket, peer) = Self::accept(self).await?;
        Ok((socket.into(), peer))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Self::local_addr(self)
    }
}

#[cfg(unix)]
impl Listener for tokio::net::UnixListener {
    async fn accept(&mut self) -> io::Result<(Socket, SocketAddr)> {
        let (socket, _) = Self::accept(self).await?;
        Ok((Socket::new(socket), NO_ADDRESS))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(NO_ADDRESS)
    }
}

/// Serves `handler` on `listener` until `until` resolves, then stops in good order: no connection
/// is accepted, idle ones close, answers under way are finished, streams and WebSockets are told
/// by [`Stop`]. Returns when all have ended or the stop timeout is over. What `until` resolves to
/// is of no interest, so `tokio::signal::ctrl_c()` will do.
///
/// # Errors
/// Only where the listener itself fails; being out of descriptors pauses accepting.
pub async fn serve<H, F>(
    mut listener: impl Listener,
    config: Config,
    handler: H,
    until: impl Future,
) -> io::Result<()>
where
    H: Fn(Request) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response> + Send + 'static,
{
    let (stopper, stop) = stop::signal();
    let shared = Arc::new(Shared {
        listener: listener.local_addr()?,
        stop,
        unfinished: Arc::new(Unfinished {
            len: AtomicUsize::new(0),
            max: config.max_unfinished_len,
        }),
        open: AtomicUsize::new(0),
        turned_away: AtomicUsize::new(0),
        by_address: Mutex::default(),
        left: Notify::new(),
        config,
    });
    let accepting = async {
        loop {
            match listener.accept().await {
                Ok((socket, peer)) => welcome(socket, peer, &shared, &handler),
                // The peer left before it was accepted: no matter of the listener's.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) => {
                    tracing::warn!(%error, "accepting pauses");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    };
    tokio::select! {
        biased;
        _ = until => {}
        () = accepting => {}
    }
    drop(listener);
    stopper.stop();
    let all_left = async {
        while shared.open.load(Ordering::Acquire) > 0 {
            shared.left.notified().await;
        }
    };
    if timeout(shared.config.stop_timeout, all_left).await.is_err() {
        tracing::warn!(
            connections = shared.open.load(Ordering::Acquire),
            "stopped with connections that did not end in time"
        );
    }
    Ok(())
}

fn welcome<H, F>(socket: Socket, peer: SocketAddr, shared: &Arc<Shared>, handler: &H)
where
    H: Fn(Request) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response> + Send + 'static,
{
    let link = Link::new(socket, shared.config.progress_timeout);
    if let Some(slot) = Slot::serve(shared, peer.ip()) {
        let connection = Connection::new(link, shared.clone(), slot, peer);
        tokio::spawn(Box::new(connection).run(handler.clone()));
    } else if let Some(slot) = Slot::turn_away(shared) {
        tracing::debug!(%peer, "turned away: too many connections");
        let connection = Connection::new(link, shared.clone(), slot, peer);
        tokio::spawn(Box::new(connection).turn_away());
    }
}
