//! A request as a handler gets it: the head at once, the content when it asks.

use core::net::SocketAddr;
use std::sync::Arc;

use tidings_http1::RequestHead;

use super::content::Body;
use super::listen::Shared;
use super::stop::Stop;

/// One request: its head, its content and where it came from.
#[derive(Debug)]
pub struct Request {
    /// Boxed, since the future of a handler has room for each place that a request is moved to.
    parts: Box<Parts>,
}

#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) head: RequestHead,
    pub(crate) body: Body,
    pub(crate) peer: SocketAddr,
    pub(crate) shared: Arc<Shared>,
}

impl Request {
    #[inline]
    pub(crate) fn new(parts: Parts) -> Self {
        Self {
            parts: Box::write(Box::new_uninit(), parts),
        }
    }

    /// Method, target, version and field lines.
    #[must_use]
    pub fn head(&self) -> &RequestHead {
        &self.parts.head
    }

    /// The address that the request came from: a proxy's where one stands in front.
    #[must_use]
    pub fn peer(&self) -> SocketAddr {
        self.parts.peer
    }

    /// The address that the server listens on.
    #[must_use]
    pub fn listener(&self) -> SocketAddr {
        self.parts.shared.listener
    }

    /// Tells when the server stops, for answers that take long.
    #[must_use]
    pub fn stop(&self) -> Stop {
        self.parts.shared.stop.clone()
    }

    /// The content, to be read piece by piece or collected.
    pub fn body(&mut self) -> &mut Body {
        &mut self.parts.body
    }
}
