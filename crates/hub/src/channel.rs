//! One channel: a log, its keys and its waiters under one lock.

use core::mem;
use core::task::{Poll, Waker};
use core::time::Duration;
use std::sync::Arc;

use crate::budget::{Account, Budget};
use crate::keys::{Claim, Keys, Known};
use crate::log::{Log, Place};
use crate::message::Draft;
use crate::sync::{AtomicU64, Mutex, MutexGuard, Ordering, lock};
use crate::wait::{Ticket, WaitList, Woken};
use crate::{Batch, ChannelName, Config, Info, Limit, Message, Position, Read, Start};

/// A channel, alive or ended. Who holds an ended one looks its name up again, or stops.
#[derive(Debug)]
pub(crate) struct Channel {
    pub(crate) name: ChannelName,
    /// Where the hub keeps it.
    pub(crate) slot: usize,
    /// None once deleted or forgotten.
    state: Mutex<Option<Live>>,
    /// The round of its waits, to be looked at without the lock; [`NO_ROUND`] once it has ended.
    round: AtomicU64,
}

/// No wait is of this round.
const NO_ROUND: u64 = u64::MAX;

#[derive(Debug)]
struct Live {
    log: Log,
    keys: Keys,
    waits: WaitList,
    /// False from when the hub took the history, found empty, out of the order of last use.
    listed: bool,
}

/// What came of a publish.
#[derive(Debug)]
pub(crate) enum Outcome {
    Done {
        position: Position,
        woken: Woken,
        /// The history is to be put back into the order of last use.
        relist: bool,
    },
    /// The key named the same publish before.
    Duplicate(Position),
    /// The key named another publish before.
    KeyReused,
    TooManyKeys,
    /// The budget lacks room for so many octets.
    NoRoom(usize),
    /// The channel has ended.
    Ended,
}

/// An ended channel: what is to be dropped and woken when no lock is held.
#[derive(Debug)]
pub(crate) struct Remains {
    live: Live,
}

impl Remains {
    pub(crate) fn epoch(&self) -> u64 {
        self.live.log.epoch()
    }

    pub(crate) fn wake(mut self) {
        self.live.waits.take().wake();
    }
}

impl Channel {
    /// Octets of the budget that a channel takes when it is empty: itself, its account, its name,
    /// and twice its places in the tables of the hub, which grow by doubling.
    pub(crate) fn cost(name: &ChannelName) -> usize {
        size_of::<Self>() + size_of::<Account>() + 64 + 16 + name.as_str().len() + 2 * (32 + 88)
    }

    pub(crate) fn new(name: ChannelName, slot: usize, epoch: u64, budget: Arc<Budget>) -> Self {
        let log = Log::new(epoch, Arc::new(Account::new(budget)));
        let live = Live {
            log,
            keys: Keys::default(),
            waits: WaitList::new(),
            listed: true,
        };
        Self {
            name,
            slot,
            state: Mutex::new(Some(live)),
            round: AtomicU64::new(0),
        }
    }

    pub(crate) fn publish(
        &self,
        config: &Config,
        draft: &mut Draft,
        claim: Option<&Claim<'_>>,
        now: Duration,
    ) -> Outcome {
        let mut state = lock(&self.state);
        let Some(live) = state.as_mut() else {
            return Outcome::Ended;
        };
        live.refresh(config, now);
        if let Some(claim) = claim {
            match live.keys.find(claim) {
                Known::Same(position) => return Outcome::Duplicate(position),
                Known::Other => return Outcome::KeyReused,
                Known::Nothing if live.keys.len() >= config.max_keys => {
                    return Outcome::TooManyKeys;
                }
                Known::Nothing => {}
            }
        }
        let cost = draft.counted() + Message::OVERHEAD + claim.map_or(0, Claim::cost);
        let trim = live.log.trim_for(draft.counted(), config);
        let charge = cost.saturating_sub(trim.octets);
        if !live.budget().try_charge(charge) {
            return Outcome::NoRoom(charge);
        }
        // What was trimmed pays for the rest. It can only have grown since, by a form that was just
        // made.
        let released = live.log.drop_oldest(trim.count);
        live.budget()
            .release(released.saturating_sub(cost - charge));
        let position = live.log.append(draft, now);
        if let Some(claim) = claim {
            live.keys
                .insert(claim, position, now.saturating_add(config.key_ttl));
        }
        let relist = !mem::replace(&mut live.listed, true);
        let woken = live.waits.take();
        self.round.store(live.waits.round(), Ordering::Release);
        Outcome::Done {
            position,
            woken,
            relist,
        }
    }

    /// The place that a start names; none where the channel has ended.
    pub(crate) fn place(&self, config: &Config, start: Start, now: Duration) -> Option<Place> {
        let mut state = lock(&self.state);
        let live = state.as_mut()?;
        live.refresh(config, now);
        Some(live.log.place(start))
    }

    /// Reads without waiting.
    pub(crate) fn read(
        &self,
        config: &Config,
        place: &mut Place,
        limit: Limit,
        now: Duration,
    ) -> Read {
        let mut state = lock(&self.state);
        let Some(live) = state.as_mut() else {
            return Read::Deleted;
        };
        live.refresh(config, now);
        live.log.read(place, limit).unwrap_or(Read::CaughtUp)
    }

    /// Whether the wait of `ticket` goes on and wakes `waker`: then nothing was published since it
    /// began. What is published during this look calls the waker.
    pub(crate) fn waits(&self, ticket: Option<&Ticket>, waker: &Waker) -> bool {
        ticket.is_some_and(|ticket| ticket.holds(waker, self.round.load(Ordering::Acquire)))
    }

    /// Reads, or parks where there is nothing, in one step under the lock: a publish comes before,
    /// and is read, or after, and wakes. Who is handed the newest message parks at the same time,
    /// so that a reader that comes back for more need not lock to learn that there is none.
    pub(crate) fn read_or_park(
        &self,
        config: &Config,
        place: &mut Place,
        ticket: &mut Option<Ticket>,
        waker: Waker,
        limit: Limit,
        now: Duration,
    ) -> Poll<Read> {
        let mut state = lock(&self.state);
        let Some(live) = state.as_mut() else {
            return Poll::Ready(Read::Deleted);
        };
        live.refresh(config, now);
        let read = live.log.read(place, limit);
        let stale = match &read {
            None | Some(Read::Batch(Batch { more: false, .. })) => live.waits.park(ticket, waker),
            Some(_) => live.waits.cancel(ticket),
        };
        self.round.store(live.waits.round(), Ordering::Release);
        // A waker's drop is code of the caller's.
        drop(state);
        drop(stale);
        read.map_or(Poll::Pending, Poll::Ready)
    }

    /// Ends a wait.
    pub(crate) fn cancel(&self, ticket: &mut Option<Ticket>) {
        if ticket.is_none() {
            return;
        }
        let mut state = lock(&self.state);
        let waker = state.as_mut().and_then(|live| {
            let waker = live.waits.cancel(ticket);
            self.round.store(live.waits.round(), Ordering::Release);
            waker
        });
        drop(state);
        drop(waker);
    }

    pub(crate) fn info(&self, config: &Config, cursors: usize, now: Duration) -> Option<Info> {
        let mut state = lock(&self.state);
        let live = state.as_mut()?;
        live.refresh(config, now);
        Some(Info {
            position: live.log.position(),
            oldest: live.log.oldest(),
            messages: live.log.len(),
            octets: live.log.payload_octets(),
            held: live.log.account().held(),
            cursors,
        })
    }

    /// Drops the oldest messages until `octets` came free. Returns the octets freed, and whether
    /// nothing is left; the next publish then asks for its place in the order of last use.
    pub(crate) fn evict(&self, octets: usize, now: Duration) -> (usize, bool) {
        let mut state = lock(&self.state);
        let Some(live) = state.as_mut() else {
            return (0, true);
        };
        let freed = live.log.evict(octets, now);
        live.log.shrink();
        live.listed = live.log.len() > 0;
        (freed, !live.listed)
    }

    /// Drops what is over its time or above the limits, within `work`. Says whether the channel is
    /// empty for `forget_after`.
    pub(crate) fn sweep(&self, config: &Config, now: Duration, work: &mut usize) -> bool {
        let mut state = lock(&self.state);
        let Some(live) = state.as_mut() else {
            return false;
        };
        let before = *work;
        live.expire(config, now, work);
        live.log.fit(config, now, work);
        if *work != before {
            live.log.shrink();
            live.keys.shrink();
        }
        live.forgettable(config, now)
    }

    /// Ends a channel that is empty for `forget_after` still.
    pub(crate) fn forget(&self, config: &Config, now: Duration) -> Option<Remains> {
        let state = lock(&self.state);
        let idle = state
            .as_ref()
            .is_some_and(|live| live.forgettable(config, now));
        if idle { self.take(state) } else { None }
    }

    /// Ends the channel.
    pub(crate) fn end(&self) -> Option<Remains> {
        self.take(lock(&self.state))
    }

    fn take(&self, mut state: MutexGuard<'_, Option<Live>>) -> Option<Remains> {
        self.round.store(NO_ROUND, Ordering::Release);
        state.take().map(|live| live.settle(&self.name))
    }
}

impl Live {
    fn budget(&self) -> &Budget {
        self.log.account().budget()
    }

    /// Drops all that is over its time, so that no reader sees it.
    fn refresh(&mut self, config: &Config, now: Duration) {
        let mut all = usize::MAX;
        self.expire(config, now, &mut all);
    }

    fn expire(&mut self, config: &Config, now: Duration, allowance: &mut usize) {
        self.log.expire(config, now, allowance);
        let freed = self.keys.expire(now, allowance);
        self.budget().release(freed);
    }

    // A key that outlives the messages must hold its channel, or its publish would be made twice.
    fn forgettable(&self, config: &Config, now: Duration) -> bool {
        let since = self.log.empty_since().filter(|_| self.keys.len() == 0);
        since.is_some_and(|since| since.saturating_add(config.forget_after) <= now)
    }

    /// Gives all octets back to the budget.
    fn settle(self, name: &ChannelName) -> Remains {
        let mut messages = 0;
        for message in self.log.messages() {
            messages += message.release();
        }
        self.budget().release(messages + self.keys.octets());
        self.budget().release_record(Channel::cost(name));
        Remains { live: self }
    }
}
