//! Cutting connections on purpose, so that a person or a test can see what a reader makes of it.
//!
//! A cut is a TCP reset from the server: the reader learns nothing, as when a cable is pulled.

use core::future::{Future, poll_fn};
use core::pin::Pin;
use core::sync::atomic::{AtomicBool, Ordering};
use core::task::{Context, Poll};
use std::sync::Arc;

use tokio::sync::Notify;

use super::stats::Transport;

/// The cuts that were asked for. Without [`super::Config::allow_cut`] there are none, and waiting
/// for them costs a connection nothing.
#[derive(Debug)]
pub(super) struct Cuts {
    allowed: bool,
    held: [Arc<Notify>; 4],
    /// No short poll is held, so the next one is cut.
    short_poll: AtomicBool,
}

/// Resolves when the connection is to be cut.
pub(super) type Cut = Option<Pin<Box<dyn Future<Output = ()> + Send + Sync>>>;

impl Cuts {
    pub(super) fn new(allowed: bool) -> Self {
        Self {
            allowed,
            held: Default::default(),
            short_poll: AtomicBool::new(false),
        }
    }

    /// Cuts all connections of a transport. False where cuts are not allowed.
    pub(super) fn cut(&self, transport: Transport) -> bool {
        if self.allowed {
            self.notify(transport).notify_waiters();
            if transport == Transport::ShortPoll {
                self.short_poll.store(true, Ordering::Relaxed);
            }
        }
        self.allowed
    }

    /// A connection that begins, to be cut from here on.
    pub(super) fn begin(&self, transport: Transport) -> Cut {
        self.allowed
            .then(|| -> Pin<Box<dyn Future<Output = ()> + Send + Sync>> {
                Box::pin(self.notify(transport).clone().notified_owned())
            })
    }

    /// Whether this short poll is to be cut.
    pub(super) fn takes_short_poll(&self) -> bool {
        self.allowed && self.short_poll.swap(false, Ordering::Relaxed)
    }

    fn notify(&self, transport: Transport) -> &Arc<Notify> {
        let [short_poll, long_poll, sse, websocket] = &self.held;
        match transport {
            Transport::ShortPoll => short_poll,
            Transport::LongPoll => long_poll,
            Transport::Sse => sse,
            Transport::WebSocket => websocket,
        }
    }
}

/// Waits for a cut. Cancel-safe.
pub(super) async fn wait(cut: &mut Cut) {
    poll_fn(|cx| poll(cut, cx)).await;
}

pub(super) fn poll(cut: &mut Cut, cx: &mut Context<'_>) -> Poll<()> {
    match cut {
        Some(cut) => cut.as_mut().poll(cx),
        None => Poll::Pending,
    }
}
