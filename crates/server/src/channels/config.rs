//! What channels allow: sizes of messages and pages, waits, and who may ask.

use core::fmt;
use core::net::SocketAddr;
use core::time::Duration;
use std::sync::Arc;

use tidings_http1::RequestHead;
use tidings_hub::ChannelName;

use crate::serve::Entropy;

/// Every setting of the channels layer. Sizes count octets.
#[non_exhaustive]
pub struct Config {
    /// Histories, idempotency keys and the budget that they share.
    pub hub: tidings_hub::Config,
    /// Largest payload of a message. Default 256 KiB; more is 413, on a WebSocket 1009.
    pub max_message_len: usize,
    /// Most messages of one page of a poll, whatever `?limit` says. Default 1,000.
    pub max_page_messages: usize,
    /// Messages of a page where `?limit` is not given. Default 100.
    pub page_messages: usize,
    /// Most payload in one page. Default 1 MiB; a page holds at least one message.
    pub max_page_len: usize,
    /// Longest wait of a long poll. Default 55 s, under the 60 s after which common proxies cut a
    /// silent connection.
    pub max_wait: Duration,
    /// What becomes of a stream or WebSocket whose reader fell behind what is kept.
    pub lag: Lag,
    /// How hard messages are compressed for WebSockets whose client offers permessage-deflate (RFC
    /// 7692), 1 to 9; other values count as the nearest. Default `None`: nothing is compressed. A
    /// message is compressed once for all its readers, so without context takeover, and kept in
    /// the history beside its plain form. Messages under 128 octets go as they are. Not for
    /// channels that mix secrets with what strangers write (RFC 7692 §8).
    #[cfg(feature = "deflate")]
    pub deflate_level: Option<u8>,
    /// Whether [`super::Channels::cut`] works. Default no: it is for demonstrations and tests.
    pub allow_cut: bool,
    /// Foreign origins that may read and publish, as in `https://app.example`. Default none.
    pub allow_origins: Vec<String>,
    /// Names that `Host` may have on a loopback listener, beside `localhost` and IP literals.
    /// Default none.
    pub hosts: Vec<String>,
    /// Decides about each subscribe, publish, delete and info. Default: all are allowed.
    pub authorize: Arc<dyn Fn(&Access<'_>) -> Decision + Send + Sync>,
    /// Where epochs and random waits come from. Default: the system.
    pub entropy: Entropy,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            hub: tidings_hub::Config::default(),
            max_message_len: 256 << 10,
            max_page_messages: 1_000,
            page_messages: 100,
            max_page_len: 1 << 20,
            max_wait: Duration::from_secs(55),
            lag: Lag::Gap,
            #[cfg(feature = "deflate")]
            deflate_level: None,
            allow_cut: false,
            allow_origins: Vec::new(),
            hosts: Vec::new(),
            authorize: Arc::new(|_| Decision::Allow),
            entropy: Entropy::default(),
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("hub", &self.hub)
            .field("max_message_len", &self.max_message_len)
            .field("max_page_messages", &self.max_page_messages)
            .field("page_messages", &self.page_messages)
            .field("max_page_len", &self.max_page_len)
            .field("max_wait", &self.max_wait)
            .field("lag", &self.lag)
            .field("allow_cut", &self.allow_cut)
            .field("allow_origins", &self.allow_origins)
            .field("hosts", &self.hosts)
            .finish_non_exhaustive()
    }
}

/// What becomes of a reader that fell behind what is kept while it was connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lag {
    /// It is told the gap and goes on from what is kept.
    #[default]
    Gap,
    /// It is closed, resumably: a WebSocket with 4008, an event stream by its end.
    Close,
}

/// What a client wants to do with a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Read messages, by any transport.
    Subscribe,
    /// Add a message.
    Publish,
    /// End the channel.
    Delete,
    /// See counts of the channel.
    Info,
}

/// A question to the function that decides about access.
#[derive(Debug, Clone, Copy)]
pub struct Access<'a> {
    /// What is wanted.
    pub verb: Verb,
    /// Of which channel.
    pub channel: &'a ChannelName,
    /// The head of the request; for publishing over a WebSocket, that of its opening handshake.
    pub head: &'a RequestHead,
    /// Where the request came from.
    pub peer: SocketAddr,
}

/// The answer to a question of access.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It may.
    Allow,
    /// It may not; answer this status, such as 401, 403 or 404.
    Deny(u16),
}
