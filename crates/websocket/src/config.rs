//! The limits and waits of a connection (RFC 6455 §10.4, §5.5.2, §7.1.1).

use core::time::Duration;

/// How messages are handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Delivery {
    /// Whole, as [`Event::Message`](crate::Event::Message).
    #[default]
    Messages,
    /// In pieces as they arrive, as [`Event::Chunk`](crate::Event::Chunk): nothing is gathered.
    Chunks,
}

/// The limits and waits of a [`Connection`](crate::Connection).
///
/// ```
/// let mut config = tidings_websocket::Config::default();
/// config.max_message_len = 256 * 1024;
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// The longest payload that one data frame may announce, in octets; beyond it the peer gets 1009. Default 16 MiB.
    pub max_frame_len: u64,
    /// The longest message, all its frames together, in octets; beyond it the peer gets 1009, before any octet of the frame
    /// that exceeds it is kept. It holds for [`Delivery::Chunks`] too. Default 16 MiB.
    pub max_message_len: usize,
    /// The most frames of one message, empty ones counted; beyond it the peer gets 1009. Default 131,072: twice what a
    /// message of 64 MiB in frames of 1 KiB takes.
    pub max_fragments: usize,
    /// Sending is refused, and pongs wait, while the caller's out buffer holds more than this many octets. Default 1 MiB.
    pub max_out_len: usize,
    /// The longest silence of the peer before it is pinged; `None` never pings. Default 25 s, under the 30 s idle cut of
    /// common proxies.
    pub ping_after: Option<Duration>,
    /// The longest wait, from the ping on, for any octet of the peer. Default 20 s.
    pub pong_timeout: Duration,
    /// The longest wait for the peer's Close after ours, and then for the end of its octets. Default 10 s.
    pub close_timeout: Duration,
    /// Whether messages are handed out whole or in pieces. Default whole.
    pub delivery: Delivery,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_frame_len: 16 << 20,
            max_message_len: 16 << 20,
            max_fragments: 131_072,
            max_out_len: 1 << 20,
            ping_after: Some(Duration::from_secs(25)),
            pong_timeout: Duration::from_secs(20),
            close_timeout: Duration::from_secs(10),
            delivery: Delivery::Messages,
        }
    }
}
