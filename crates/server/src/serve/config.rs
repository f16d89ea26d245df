//! What a server allows a connection: counts, sizes and waits, each with its default and the reason for it.

use core::time::Duration;

use tidings_http1::Limits;
use tidings_websocket::Config as WebSocketConfig;

use super::entropy::Entropy;

use super::tap::Tap;

/// Every limit of the connection layer. Sizes count octets.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// Most connections at a time. Default 10,000. One more is accepted, answered 503 and closed,
    /// so that the client learns the reason.
    pub max_connections: usize,
    /// Most connections of one peer address at a time. Default `None`: no such limit, since a
    /// proxy in front makes all peers look like one.
    pub max_connections_per_address: Option<usize>,
    /// Limits of request heads and chunked content.
    pub http: Limits,
    /// Longest time from a request's first octet to the end of its head. Default 10 s; then 408.
    pub head_timeout: Duration,
    /// Longest silence between two requests. Default 60 s; then the connection closes silently.
    pub idle_timeout: Duration,
    /// Longest time without a single octet of progress while content is read or an answer is
    /// written. Default 30 s.
    pub progress_timeout: Duration,
    /// Most octets of unfinished request content in memory, over all connections. Default 16 MiB;
    /// past it a request is answered 503.
    pub max_unfinished_len: usize,
    /// Most octets of unread request content that are read away so that the connection can go on.
    /// Default 64 KiB; past it the connection closes after the answer.
    pub max_drain_len: usize,
    /// How long a closing connection still reads, so that the peer gets the last answer instead of
    /// a reset (RFC 9112 §9.6). Default 2 s.
    pub linger_timeout: Duration,
    /// Most octets that a closing connection reads away. Default 16 MiB: an upload that was refused
    /// must not drown its own refusal.
    pub max_linger_len: usize,
    /// How long a stop waits for connections to end by themselves. Default 10 s.
    pub stop_timeout: Duration,
    /// Longest silence on an event stream before a heartbeat comment. Default 15 s, as the
    /// WHATWG standard's authoring notes advise (HTML §9.2.7).
    pub heartbeat: Duration,
    /// Limits and deadlines of WebSocket connections.
    pub websocket: WebSocketConfig,
    /// Who sees the octets of which connections. Default `None`: nobody, of none.
    pub tap: Option<Tap>,
    /// Where random waits come from. Default: the system.
    pub entropy: Entropy,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_connections: 10_000,
            max_connections_per_address: None,
            http: Limits::default(),
            head_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(60),
            progress_timeout: Duration::from_secs(30),
            max_unfinished_len: 16 << 20,
            max_drain_len: 64 << 10,
            linger_timeout: Duration::from_secs(2),
            max_linger_len: 16 << 20,
            stop_timeout: Duration::from_secs(10),
            tap: None,
            heartbeat: Duration::from_secs(15),
            websocket: WebSocketConfig::default(),
            entropy: Entropy::default(),
        }
    }
}
