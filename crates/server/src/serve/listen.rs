//! The listener: accepts, counts, turns away, and stops in good order.

use core::future::Future;
use core::net::{IpAddr, SocketAddr};
use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use super::config::Config;
use super::connection::{Connection, turn_away};
use super::link::Link;
use super::request::{Request, Unfinished};
use super::response::Response;
use super::stop::{self, Stop};

/// How long accepting pauses when the process is out of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What all connections of a server share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) listener: SocketAddr,
    pub(crate) stop: Stop,
    pub(crate) unfinished: Arc<Unfinished>,
    open: AtomicUsize,
    by_address: Mutex<HashMap<IpAddr, usize>>,
    left: Notify,
}

/// A connection's place among those that the server takes; it is free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    shared: Arc<Shared>,
    address: IpAddr,
}

impl Slot {
    fn take(shared: &Arc<Shared>, address: IpAddr) -> Option<Self> {
        if shared.open.fetch_add(1, Ordering::Relaxed) >= shared.config.max_connections {
            shared.open.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        if let Some(max) = shared.config.max_connections_per_address {
            let mut by_address = shared
                .by_address
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let count = by_address.entry(address).or_default();
            if *count >= max {
                drop(by_address);
                shared.open.fetch_sub(1, Ordering::Relaxed);
                return None;
            }
            *count += 1;
        }
        Some(Self {
            shared: shared.clone(),
            address,
        })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if self.shared.config.max_connections_per_address.is_some() {
            let mut by_address = self
                .shared
                .by_address
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            if let Some(count) = by_address.get_mut(&self.address) {
                *count -= 1;
                if *count == 0 {
                    by_address.remove(&self.address);
                }
            }
        }
        self.shared.open.fetch_sub(1, Ordering::Release);
        self.shared.left.notify_one();
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
    listener: TcpListener,
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
        () = accepting => {}
        _ = until => {}
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

fn welcome<H, F>(socket: TcpStream, peer: SocketAddr, shared: &Arc<Shared>, handler: &H)
where
    H: Fn(Request) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response> + Send + 'static,
{
    // Answers are joined before they are written: waiting for more would only delay them.
    let _ = socket.set_nodelay(true);
    let link = Link::new(socket, shared.config.progress_timeout);
    match Slot::take(shared, peer.ip()) {
        Some(slot) => {
            let connection = Connection::new(link, shared.clone(), slot, peer);
            tokio::spawn(connection.run(handler.clone()));
        }
        None => {
            tracing::debug!(%peer, "turned away: too many connections");
            tokio::spawn(turn_away(link, shared.clone()));
        }
    }
}
