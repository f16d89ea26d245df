//! A part of the map of channels: names, how many cursors each channel has, and the order of last
//! use of those without cursors.

use core::time::Duration;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crate::channel::Channel;
use crate::sync::RandomState;
use crate::{ChannelName, Config};

/// No entry.
const NONE: usize = usize::MAX;

/// Ended epochs that a shard remembers.
const RETIRED: usize = 64;

/// Channels by name; entries in a slab.
#[derive(Debug, Default)]
pub(crate) struct Shard {
    by_name: HashMap<ChannelName, usize, RandomState>,
    entries: Vec<Option<Entry>>,
    free: Vec<usize>,
    idle: Ends,
    retired: VecDeque<u64>,
}

#[derive(Debug)]
struct Entry {
    channel: Arc<Channel>,
    cursors: usize,
    /// Latest `now` of a use.
    seen: Duration,
    link: Link,
}

/// The place in the order of last use. Only channels without cursors have one: their histories can
/// go.
#[derive(Copy, Clone, Debug)]
enum Link {
    Out,
    In {
        used: u64,
        before: usize,
        after: usize,
    },
}

/// The least and the most recently used entry.
#[derive(Debug)]
struct Ends {
    least: usize,
    most: usize,
}

impl Default for Ends {
    fn default() -> Self {
        Self {
            least: NONE,
            most: NONE,
        }
    }
}

impl Shard {
    /// The channel of a name, with how many cursors it has.
    pub(crate) fn find(&self, name: &ChannelName) -> Option<(&Arc<Channel>, usize)> {
        let entry = self.entry(*self.by_name.get(name)?)?;
        Some((&entry.channel, entry.cursors))
    }

    /// The channel of a name, used by a publisher. `used` counts all uses of the hub.
    pub(crate) fn touch(
        &mut self,
        name: &ChannelName,
        now: Duration,
        used: u64,
    ) -> Option<(Arc<Channel>, usize)> {
        let slot = *self.by_name.get(name)?;
        let entry = self.entry_mut(slot)?;
        entry.seen = entry.seen.max(now);
        let found = (Arc::clone(&entry.channel), entry.cursors);
        if found.1 == 0 {
            self.unlink(slot);
            self.link(slot, used);
        }
        Some(found)
    }

    /// The channel of a name, used by one more cursor.
    pub(crate) fn join(&mut self, name: &ChannelName, now: Duration) -> Option<Arc<Channel>> {
        let slot = *self.by_name.get(name)?;
        let entry = self.entry_mut(slot)?;
        entry.seen = entry.seen.max(now);
        entry.cursors += 1;
        let channel = Arc::clone(&entry.channel);
        self.unlink(slot);
        Some(channel)
    }

    /// One cursor less. A channel that was ended meanwhile is not here, and nothing happens.
    pub(crate) fn leave(&mut self, channel: &Arc<Channel>, now: Duration, used: u64) {
        let slot = channel.slot;
        let Some(entry) = self
            .entry_mut(slot)
            .filter(|e| Arc::ptr_eq(&e.channel, channel))
        else {
            return;
        };
        entry.seen = entry.seen.max(now);
        entry.cursors = entry.cursors.saturating_sub(1);
        if entry.cursors == 0 {
            self.link(slot, used);
        }
    }

    /// Puts a channel back into the order, which it left when its history was found empty.
    pub(crate) fn relist(&mut self, channel: &Arc<Channel>, used: u64) {
        let slot = channel.slot;
        let entry = self
            .entry(slot)
            .filter(|e| Arc::ptr_eq(&e.channel, channel));
        if entry.is_some_and(|e| e.cursors == 0 && matches!(e.link, Link::Out)) {
            self.link(slot, used);
        }
    }

    /// The slot that the next channel gets.
    pub(crate) fn next_slot(&self) -> usize {
        self.free.last().copied().unwrap_or(self.entries.len())
    }

    /// Adds a channel that was made for [`Shard::next_slot`].
    pub(crate) fn insert(&mut self, channel: Arc<Channel>, now: Duration) {
        let slot = channel.slot;
        self.by_name.insert(channel.name.clone(), slot);
        let entry = Some(Entry {
            channel,
            cursors: 0,
            seen: now,
            link: Link::Out,
        });
        if self.free.pop().is_none() {
            self.entries.push(entry);
        } else if let Some(place) = self.entries.get_mut(slot) {
            *place = entry;
        }
    }

    /// Takes a channel out.
    pub(crate) fn remove(&mut self, channel: &Channel) {
        self.unlink(channel.slot);
        self.by_name.remove(&channel.name);
        if let Some(place) = self.entries.get_mut(channel.slot) {
            *place = None;
            self.free.push(channel.slot);
        }
    }

    /// The epoch of a channel that is created: `entropy`, unless that served lately.
    pub(crate) fn fresh_epoch(&self, entropy: u64) -> u64 {
        let mut epoch = entropy;
        while self.retired.contains(&epoch) {
            // An odd step visits every u64, and the remembered epochs are few.
            epoch = epoch.wrapping_add(0x9e37_79b9_7f4a_7c15);
        }
        epoch
    }

    /// Remembers the epoch of a channel that has ended.
    pub(crate) fn retire(&mut self, epoch: u64) {
        if self.retired.len() == RETIRED {
            self.retired.pop_front();
        }
        self.retired.push_back(epoch);
    }

    /// Whether a channel is still here, without cursors, and unused for `forget_after`.
    pub(crate) fn unused(&self, channel: &Arc<Channel>, config: &Config, now: Duration) -> bool {
        self.entry(channel.slot).is_some_and(|entry| {
            Arc::ptr_eq(&entry.channel, channel)
                && entry.cursors == 0
                && entry.seen.saturating_add(config.forget_after) <= now
        })
    }

    /// When the least recently used channel without cursors was used, if there is one.
    pub(crate) fn least_used(&self) -> Option<u64> {
        match self.entry(self.idle.least)?.link {
            Link::In { used, .. } => Some(used),
            Link::Out => None,
        }
    }

    /// Trims the history that was least recently used. Returns the octets freed; 0 where it was
    /// empty.
    pub(crate) fn trim_least_used(&mut self, octets: usize, now: Duration) -> usize {
        let slot = self.idle.least;
        let Some(entry) = self.entry(slot) else {
            return 0;
        };
        let (freed, empty) = entry.channel.evict(octets, now);
        if empty {
            self.unlink(slot);
        }
        freed
    }

    /// Up to `count` channels from slot `from`, and the slot that follows them; none at the end.
    pub(crate) fn channels(&self, from: usize, count: usize) -> Option<(Vec<Arc<Channel>>, usize)> {
        let rest = self.entries.get(from..).filter(|rest| !rest.is_empty())?;
        let some = rest.iter().take(count);
        let next = from + some.len();
        Some((
            some.flatten()
                .map(|entry| Arc::clone(&entry.channel))
                .collect(),
            next,
        ))
    }

    fn entry(&self, slot: usize) -> Option<&Entry> {
        self.entries.get(slot)?.as_ref()
    }

    fn entry_mut(&mut self, slot: usize) -> Option<&mut Entry> {
        self.entries.get_mut(slot)?.as_mut()
    }

    /// Puts an entry that is out of the order at its most recent end.
    fn link(&mut self, slot: usize, used: u64) {
        let before = self.idle.most;
        if let Some(entry) = self.entry_mut(slot) {
            entry.link = Link::In {
                used,
                before,
                after: NONE,
            };
            self.set_after(before, slot);
            self.idle.most = slot;
        }
    }

    fn unlink(&mut self, slot: usize) {
        let Some(entry) = self.entry_mut(slot) else {
            return;
        };
        let Link::In { before, after, .. } = entry.link else {
            return;
        };
        entry.link = Link::Out;
        self.set_after(before, after);
        self.set_before(after, before);
    }

    /// Lets `slot`, or the least recent end, be followed by `next`.
    fn set_after(&mut self, slot: usize, next: usize) {
        match self.entry_mut(slot).map(|entry| &mut entry.link) {
            Some(Link::In { after, .. }) => *after = next,
            Some(Link::Out) | None => self.idle.least = next,
        }
    }

    /// Lets `slot`, or the most recent end, be preceded by `next`.
    fn set_before(&mut self, slot: usize, next: usize) {
        match self.entry_mut(slot).map(|entry| &mut entry.link) {
            Some(Link::In { before, .. }) => *before = next,
            Some(Link::Out) | None => self.idle.most = next,
        }
    }
}
