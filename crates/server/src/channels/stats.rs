//! What each channel's readers cost, by transport: the figures behind `/info`.

use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tidings_hub::ChannelName;

use crate::serve::Meter;

/// How many seconds a short poll counts as a subscriber.
const RECENT: usize = 10;

/// A way to read a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// The client asks again and again.
    ShortPoll,
    /// The server holds the request until there is news.
    LongPoll,
    /// Server-Sent Events: one response that never ends.
    Sse,
    /// An upgraded connection, frames both ways.
    WebSocket,
}

impl Transport {
    /// All four, in the order of the table that compares them.
    pub const ALL: [Self; 4] = [Self::ShortPoll, Self::LongPoll, Self::Sse, Self::WebSocket];

    /// The name in `/info`: `short_poll`, `long_poll`, `sse`, `websocket`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ShortPoll => "short_poll",
            Self::LongPoll => "long_poll",
            Self::Sse => "sse",
            Self::WebSocket => "websocket",
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct TransportStats {
    pub(super) requests: AtomicU64,
    pub(super) messages: AtomicU64,
    pub(super) meter: Arc<Meter>,
    open: AtomicUsize,
}

/// The figures of one channel.
#[derive(Debug, Default)]
pub(super) struct ChannelStats {
    transports: [TransportStats; 4],
    /// Short polls answered, by second modulo the window.
    recent: Mutex<[(u64, u64); RECENT]>,
}

impl ChannelStats {
    pub(super) fn of(&self, transport: Transport) -> &TransportStats {
        let [short_poll, long_poll, sse, websocket] = &self.transports;
        match transport {
            Transport::ShortPoll => short_poll,
            Transport::LongPoll => long_poll,
            Transport::Sse => sse,
            Transport::WebSocket => websocket,
        }
    }

    pub(super) fn count_poll(&self, second: u64) {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = usize::try_from(second).unwrap_or_default() % RECENT;
        if let Some((at, count)) = recent.get_mut(slot) {
            if *at != second {
                (*at, *count) = (second, 0);
            }
            *count += 1;
        }
    }

    /// Readers at this moment: connections held, and short polls of the last 10 s.
    pub(super) fn subscribers(&self, transport: Transport, second: u64) -> u64 {
        if transport != Transport::ShortPoll {
            return self.of(transport).open.load(Ordering::Relaxed) as u64;
        }
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let first = second.saturating_sub(RECENT as u64 - 1);
        recent
            .iter()
            .filter(|(at, _)| (first..=second).contains(at))
            .map(|(_, count)| count)
            .sum()
    }
}

/// Counts a held connection while it lives.
#[derive(Debug)]
pub(super) struct Held {
    stats: Arc<ChannelStats>,
    transport: Transport,
}

impl Held {
    pub(super) fn new(stats: Arc<ChannelStats>, transport: Transport) -> Self {
        stats.of(transport).open.fetch_add(1, Ordering::Relaxed);
        Self { stats, transport }
    }

    pub(super) fn count_messages(&self, count: usize) {
        self.stats
            .of(self.transport)
            .messages
            .fetch_add(count as u64, Ordering::Relaxed);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.stats
            .of(self.transport)
            .open
            .fetch_sub(1, Ordering::Relaxed);
    }
}

/// The figures of all channels that were read.
#[derive(Debug, Default)]
pub(super) struct Registry(Mutex<HashMap<ChannelName, Arc<ChannelStats>>>);

impl Registry {
    pub(super) fn of(&self, channel: &ChannelName) -> Arc<ChannelStats> {
        let mut channels = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(stats) = channels.get(channel) {
            return stats.clone();
        }
        channels.entry(channel.clone()).or_default().clone()
    }

    /// Drops the figures of channels that are no more. `lives` is asked without the lock, since
    /// every reader needs it.
    pub(super) fn retain(&self, lives: impl Fn(&ChannelName) -> bool) {
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let names: Vec<ChannelName> = lock().keys().cloned().collect();
        for name in names.iter().filter(|name| !lives(name)) {
            let mut channels = lock();
            if channels
                .get(name)
                .is_some_and(|stats| Arc::strong_count(stats) == 1)
            {
                channels.remove(name);
            }
        }
    }
}
