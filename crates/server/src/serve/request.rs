//! A request as a handler gets it: the head at once, the content when it asks.

use core::net::SocketAddr;

use tidings_http1::RequestHead;

use super::content::Body;
use super::stop::Stop;

/// One request: its head, its content and where it came from.
#[derive(Debug)]
pub struct Request {
    pub(crate) head: RequestHead,
    pub(crate) body: Body,
    pub(crate) peer: SocketAddr,
    pub(crate) listener: SocketAddr,
    pub(crate) stop: Stop,
}

impl Request {
    /// Method, target, version and field lines.
    #[must_use]
    pub fn head(&self) -> &RequestHead {
        &self.head
    }

    /// The address that the request came from: a proxy's where one stands in front.
    #[must_use]
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// The address that the server listens on.
    #[must_use]
    pub fn listener(&self) -> SocketAddr {
        self.listener
    }

    /// Tells when the server stops, for answers that take long.
    #[must_use]
    pub fn stop(&self) -> Stop {
        self.stop.clone()
    }

    /// The content, to be read piece by piece or collected.
    pub fn body(&mut self) -> &mut Body {
        &mut self.body
    }
}
