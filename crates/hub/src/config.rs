//! The limits of a hub.

use core::time::Duration;

/// What a hub keeps and how much of it.
///
/// ```
/// use core::time::Duration;
///
/// let mut config = tidings_hub::Config::default();
/// config.max_messages = 10;
/// assert_eq!(config.max_age, Some(Duration::from_secs(300)));
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Config {
    /// Messages kept a channel. Default 1,000. The newest is kept in any case.
    pub max_messages: usize,
    /// Octets kept a channel: payloads, event names and wire forms. Default 1 MiB. The newest
    /// message is kept whatever its size.
    pub max_octets: usize,
    /// How long a message is kept; `None` is without end. Default 5 minutes, longer than a phone
    /// sleeps in a tunnel and a laptop takes to reconnect.
    pub max_age: Option<Duration>,
    /// Channels. Default 100,000.
    pub max_channels: usize,
    /// How long a channel without message, key and cursor is remembered. Default 1 hour, well above
    /// `max_age`, so that a quiet client is not told of a gap that it did not have.
    pub forget_after: Duration,
    /// Octets of all channels: histories, wire forms, idempotency keys, records of channels. The
    /// records take at most half of them, so that made-up names leave room for messages. Default
    /// 256 MiB.
    pub max_total_octets: usize,
    /// How long an idempotency key is kept. Default 5 minutes, longer than a publisher retries.
    pub key_ttl: Duration,
    /// Live idempotency keys a channel. Default 10,000.
    pub max_keys: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_messages: 1000,
            max_octets: 1 << 20,
            max_age: Some(Duration::from_secs(5 * 60)),
            max_channels: 100_000,
            forget_after: Duration::from_secs(60 * 60),
            max_total_octets: 256 << 20,
            key_ttl: Duration::from_secs(5 * 60),
            max_keys: 10_000,
        }
    }
}
