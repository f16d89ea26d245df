//! The hub: names to channels, the limits that all of them share, and what is done from time to
//! time.

use core::hash::BuildHasher as _;
use core::time::Duration;
use std::sync::Arc;

use crate::budget::Budget;
use crate::channel::{Channel, Outcome};
use crate::cursor::Cursor;
use crate::keys::Claim;
use crate::message::Draft;
use crate::shard::Shard;
use crate::sync::{AtomicU64, AtomicUsize, Mutex, Ordering, RandomState, lock};
use crate::{ChannelName, Config, Position, Publish, PublishError, Published, Start};

/// Parts of the map of channels. Two names share a lock, and only to be looked up, once in so many
/// times.
const SHARDS: u64 = 32;

/// Channels, messages and keys that one [`Hub::sweep`] visits or drops.
const SWEEP_WORK: usize = 8192;

/// Channels of a shard that a sweep takes out at a time.
const SWEEP_STEP: usize = 64;

/// Channels by name. A clone is a handle to the same channels.
#[derive(Clone, Debug)]
pub struct Hub {
    shared: Arc<Shared>,
}

/// What the handles share. Locks are taken in the order: sweep, one shard, one channel.
#[derive(Debug)]
pub(crate) struct Shared {
    config: Config,
    shards: Vec<Mutex<Shard>>,
    hasher: RandomState,
    budget: Arc<Budget>,
    channels: AtomicUsize,
    /// Counts uses of channels, so that the least recent is known.
    uses: AtomicU64,
    sweep: Mutex<Sweep>,
    /// The latest `now` of a sweep or a delete in milliseconds: the time of a cursor's drop, which
    /// has none.
    latest: AtomicU64,
}

/// Where the next sweep begins.
#[derive(Debug, Default)]
struct Sweep {
    shard: usize,
    slot: usize,
}

/// Why a cursor is refused.
#[derive(Copy, Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SubscribeError {
    /// The channel does not exist and the hub has `max_channels`. Answer 503.
    #[error("there are {max} channels, which is the limit")]
    TooManyChannels {
        /// The limit.
        max: usize,
    },
    /// The channel does not exist and the shared budget has no room for its record: it is used up, or the records of others
    /// take their half of it. Answer 503: the reader may come back.
    #[error("the budget of {max} octets for all channels has no room for this")]
    Budget {
        /// The limit.
        max: usize,
    },
}

/// The state of a channel.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub struct Info {
    /// The position of the newest message, kept or not.
    pub position: Position,
    /// The position of the oldest message kept.
    pub oldest: Option<Position>,
    /// Messages kept.
    pub messages: usize,
    /// Octets of payload kept.
    pub octets: usize,
    /// Octets that retention counts: payloads, event names and wire forms.
    pub held: usize,
    /// Open cursors.
    pub cursors: usize,
}

impl Hub {
    /// Makes a hub without channels.
    #[must_use]
    pub fn new(config: Config) -> Self {
        let shared = Shared {
            budget: Arc::new(Budget::new(config.max_total_octets)),
            config,
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            hasher: RandomState::default(),
            channels: AtomicUsize::new(0),
            uses: AtomicU64::new(0),
            sweep: Mutex::default(),
            latest: AtomicU64::new(0),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Puts a message at the end of a channel and wakes who waits for it.
    ///
    /// A channel that does not exist is created, with `entropy` as its epoch; else `entropy` is not
    /// used. It must be 64 fresh random bits at each call. The payload is copied and digested
    /// before any lock is taken.
    ///
    /// # Errors
    /// Says which limit is reached, or that the key stands for another message. Then nothing was
    /// published.
    ///
    /// ```
    /// use core::time::Duration;
    /// use tidings_hub::{ChannelName, Config, Hub, Kind, Publish};
    ///
    /// let hub = Hub::new(Config::default());
    /// let news = ChannelName::parse("news")?;
    /// let hello = Publish { kind: Kind::Text, event: None, payload: b"hello", key: None };
    /// let published = hub.publish(&news, hello, Duration::ZERO, 0x9f3a_61c2_b0d4_e877)?;
    /// assert_eq!(published.position.to_string(), "9f3a61c2b0d4e877.1");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn publish(
        &self,
        channel: &ChannelName,
        publish: Publish<'_>,
        now: Duration,
        entropy: u64,
    ) -> Result<Published, PublishError> {
        let shared = &*self.shared;
        let max = shared.config.max_total_octets;
        let Publish {
            kind,
            event,
            payload,
            key,
        } = publish;
        let mut draft = Draft::new(kind, event, payload);
        let claim = key.map(|key| Claim::new(key, &draft));
        loop {
            let used = shared.next_use();
            let found = lock(shared.shard(channel)).touch(channel, now, used);
            let Some((target, receivers)) = found else {
                shared.create(channel, now, entropy)?;
                continue;
            };
            let (position, duplicate) =
                match target.publish(&shared.config, &mut draft, claim.as_ref(), now) {
                    Outcome::Done {
                        position,
                        woken,
                        relist,
                    } => {
                        if relist {
                            lock(shared.shard(channel)).relist(&target, used);
                        }
                        woken.wake();
                        (position, false)
                    }
                    Outcome::Duplicate(position) => (position, true),
                    Outcome::KeyReused => return Err(PublishError::KeyReused),
                    Outcome::TooManyKeys => {
                        return Err(PublishError::TooManyKeys {
                            max: shared.config.max_keys,
                        });
                    }
                    Outcome::NoRoom(octets) if shared.make_room(octets, now) => continue,
                    Outcome::NoRoom(_) => return Err(PublishError::Budget { max }),
                    Outcome::Ended => continue,
                };
            return Ok(Published {
                position,
                duplicate,
                receivers,
            });
        }
    }

    /// Opens a cursor on a channel.
    ///
    /// A channel that does not exist is created, with `entropy` as its epoch, so that its position
    /// is known before its first message; else `entropy` is not used. It must be 64 fresh random
    /// bits at each call.
    ///
    /// # Errors
    /// Says which limit is reached. Only a channel that does not exist can be refused.
    pub fn subscribe(
        &self,
        channel: &ChannelName,
        start: Start,
        now: Duration,
        entropy: u64,
    ) -> Result<Cursor, SubscribeError> {
        let shared = &self.shared;
        loop {
            let Some(target) = lock(shared.shard(channel)).join(channel, now) else {
                shared.create(channel, now, entropy)?;
                continue;
            };
            if let Some(place) = target.place(&shared.config, start, now) {
                return Ok(Cursor::new(Arc::clone(shared), target, place, now));
            }
            // Ended between the two steps, and with it its count of cursors.
        }
    }

    /// Ends a channel; every cursor yields [`Read::Deleted`](crate::Read::Deleted). False where
    /// there is none.
    ///
    /// Who uses the name after that meets another channel, of another epoch.
    #[expect(clippy::must_use_candidate, reason = "it is called for what it does")]
    pub fn delete(&self, channel: &ChannelName, now: Duration) -> bool {
        let shared = &*self.shared;
        shared.saw(now);
        let mut shard = lock(shared.shard(channel));
        let Some((target, _)) = shard.find(channel) else {
            return false;
        };
        let target = Arc::clone(target);
        shard.remove(&target);
        let remains = target.end();
        if let Some(remains) = &remains {
            shard.retire(remains.epoch());
        }
        drop(shard);
        shared.channels.fetch_sub(1, Ordering::Relaxed);
        if let Some(remains) = remains {
            remains.wake();
        }
        true
    }

    /// The state of a channel; none where it does not exist. To ask is not a use of the channel.
    #[must_use]
    pub fn info(&self, channel: &ChannelName, now: Duration) -> Option<Info> {
        let (target, cursors) = {
            let shard = lock(self.shared.shard(channel));
            let (target, cursors) = shard.find(channel)?;
            (Arc::clone(target), cursors)
        };
        target.info(&self.shared.config, cursors, now)
    }

    /// Does what time brings: drops messages and keys whose time is over, forgets channels.
    ///
    /// Call it about once a second. A call does bounded work and the next goes on where it ended;
    /// reading and publishing see nothing that is over its time in any case.
    pub fn sweep(&self, now: Duration) {
        let shared = &*self.shared;
        shared.saw(now);
        let mut at = lock(&shared.sweep);
        let mut work = SWEEP_WORK;
        // One shard more than there are, to come round to the slots before the first.
        for _ in 0..=shared.shards.len() {
            let Some(shard) = shared.shards.get(at.shard) else {
                return;
            };
            loop {
                if work == 0 {
                    return;
                }
                let step = lock(shard).channels(at.slot, SWEEP_STEP.min(work));
                let Some((channels, next)) = step else { break };
                work = work.saturating_sub(next - at.slot);
                at.slot = next;
                for channel in channels {
                    if channel.sweep(&shared.config, now, &mut work) {
                        shared.forget(shard, &channel, now);
                    }
                }
            }
            *at = Sweep {
                shard: (at.shard + 1) % shared.shards.len(),
                slot: 0,
            };
        }
    }

    /// Channels.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.shared.channels.load(Ordering::Relaxed)
    }

    /// Octets that count in the budget: histories, wire forms, idempotency keys and records of
    /// channels.
    #[must_use]
    pub fn octets(&self) -> usize {
        self.shared.budget.used()
    }

    /// The settings.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.shared.config
    }
}

/// Why a channel cannot be created.
enum Refused {
    TooManyChannels(usize),
    Budget(usize),
}

impl From<Refused> for PublishError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::TooManyChannels(max) => Self::TooManyChannels { max },
            Refused::Budget(max) => Self::Budget { max },
        }
    }
}

impl From<Refused> for SubscribeError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::TooManyChannels(max) => Self::TooManyChannels { max },
            Refused::Budget(max) => Self::Budget { max },
        }
    }
}

impl Shared {
    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// One cursor of a channel is gone. `seen` is the latest time that the cursor knew.
    pub(crate) fn leave(&self, channel: &Arc<Channel>, seen: Duration) {
        let latest = Duration::from_millis(self.latest.load(Ordering::Relaxed));
        let used = self.next_use();
        lock(self.shard(&channel.name)).leave(channel, seen.max(latest), used);
    }

    fn saw(&self, now: Duration) {
        let millis = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        self.latest.fetch_max(millis, Ordering::Relaxed);
    }

    fn next_use(&self) -> u64 {
        self.uses.fetch_add(1, Ordering::Relaxed)
    }

    #[expect(
        clippy::indexing_slicing,
        reason = "a remainder by the count of shards is an index of one"
    )]
    fn shard(&self, name: &ChannelName) -> &Mutex<Shard> {
        let index = self.hasher.hash_one(name) % SHARDS;
        &self.shards[usize::try_from(index).unwrap_or(0)]
    }

    /// Creates the channel of a name, unless somebody else does.
    fn create(&self, name: &ChannelName, now: Duration, entropy: u64) -> Result<(), Refused> {
        let cost = Channel::cost(name);
        loop {
            let mut shard = lock(self.shard(name));
            if shard.find(name).is_some() {
                return Ok(());
            }
            if !self.budget.has_room_for_record(cost) {
                return Err(Refused::Budget(self.config.max_total_octets));
            }
            let max = self.config.max_channels;
            let one_more = |count: usize| (count < max).then_some(count + 1);
            if self
                .channels
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more)
                .is_err()
            {
                return Err(Refused::TooManyChannels(max));
            }
            if self.budget.try_charge_record(cost) {
                let epoch = shard.fresh_epoch(entropy);
                let budget = Arc::clone(&self.budget);
                let channel = Channel::new(name.clone(), shard.next_slot(), epoch, budget);
                shard.insert(Arc::new(channel), now);
                return Ok(());
            }
            self.channels.fetch_sub(1, Ordering::Relaxed);
            drop(shard);
            if !self.make_room(cost, now) {
                return Err(Refused::Budget(self.config.max_total_octets));
            }
        }
    }

    /// Trims histories without cursors, the least recently used first, until `octets` fit in the
    /// budget. False where nothing could be trimmed.
    fn make_room(&self, octets: usize, now: Duration) -> bool {
        if octets > self.budget.max() {
            return false;
        }
        let mut freed = 0;
        loop {
            let short = self.budget.short_of(octets);
            if short == 0 {
                return true;
            }
            let of = |shard| {
                let used = lock::<Shard>(shard).least_used()?;
                Some((used, shard))
            };
            let Some((_, shard)) = self
                .shards
                .iter()
                .filter_map(of)
                .min_by_key(|(used, _)| *used)
            else {
                return freed > 0;
            };
            freed += lock(shard).trim_least_used(short, now);
        }
    }

    fn forget(&self, shard: &Mutex<Shard>, channel: &Arc<Channel>, now: Duration) {
        let mut shard = lock(shard);
        if !shard.unused(channel, &self.config, now) {
            return;
        }
        let Some(remains) = channel.forget(&self.config, now) else {
            return;
        };
        shard.remove(channel);
        shard.retire(remains.epoch());
        drop(shard);
        self.channels.fetch_sub(1, Ordering::Relaxed);
        remains.wake();
    }
}
