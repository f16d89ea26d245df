//! The log of one channel: what is kept, what is trimmed, where a position leads. Pure: no lock, no
//! clock.
//!
//! epoch | top offset | oldest kept … newest kept; the newest kept has the top offset, and where
//! none is kept, epoch and top offset stay.

use core::time::Duration;
use std::collections::VecDeque;
use std::sync::Arc;

use crate::budget::Account;
use crate::message::Draft;
use crate::{Batch, Config, Gap, GapReason, Limit, Message, Messages, Position, Read, Start};

/// A log that is read by places and written at its end.
#[derive(Debug)]
pub(crate) struct Log {
    epoch: u64,
    top: u64,
    messages: VecDeque<Arc<Message>>,
    payload_octets: usize,
    /// The latest `now` of a publish: messages are never younger than those before them.
    published_at: Duration,
    /// When the last message went.
    emptied_at: Duration,
    account: Arc<Account>,
}

/// Where a reader stands.
#[derive(Copy, Clone, Debug)]
pub(crate) enum Place {
    /// All up to here was handed out or told as a gap.
    At(Position),
    /// The place asked for is not one of this log; the next read says so.
    Lost {
        /// Why.
        reason: GapReason,
        /// What was asked, where it could be read.
        asked: Option<Position>,
        /// A position that this log does not have.
        elsewhere: Position,
    },
}

/// The oldest messages that must go so that another fits.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub(crate) struct Trim {
    pub(crate) count: usize,
    /// At least so many octets of the budget come free.
    pub(crate) octets: usize,
}

impl Log {
    pub(crate) fn new(epoch: u64, account: Arc<Account>) -> Self {
        Self {
            epoch,
            top: 0,
            messages: VecDeque::new(),
            payload_octets: 0,
            published_at: Duration::ZERO,
            emptied_at: Duration::ZERO,
            account,
        }
    }

    pub(crate) fn epoch(&self) -> u64 {
        self.epoch
    }

    pub(crate) fn len(&self) -> usize {
        self.messages.len()
    }

    pub(crate) fn payload_octets(&self) -> usize {
        self.payload_octets
    }

    pub(crate) fn messages(&self) -> impl Iterator<Item = &Message> {
        self.messages.iter().map(AsRef::as_ref)
    }

    pub(crate) fn account(&self) -> &Account {
        &self.account
    }

    /// The place of the newest message.
    pub(crate) fn position(&self) -> Position {
        self.at(self.top)
    }

    /// The place of the oldest message kept.
    pub(crate) fn oldest(&self) -> Option<Position> {
        self.messages.front().map(|message| message.position())
    }

    /// Since when nothing is kept; none while something is.
    pub(crate) fn empty_since(&self) -> Option<Duration> {
        self.messages.is_empty().then_some(self.emptied_at)
    }

    fn at(&self, offset: u64) -> Position {
        Position {
            epoch: self.epoch,
            offset,
        }
    }

    /// The offset just before the oldest message kept.
    fn before_oldest(&self) -> u64 {
        self.messages
            .front()
            .map_or(self.top, |oldest| oldest.offset().saturating_sub(1))
    }

    /// What a message of `counted` octets pushes out by count and octets.
    pub(crate) fn trim_for(&self, counted: usize, config: &Config) -> Trim {
        let mut trim = Trim {
            count: 0,
            octets: 0,
        };
        let mut left = self.len();
        let mut held = self.account.held().saturating_add(counted);
        for message in &self.messages {
            // The newest message is kept whatever the limits, so the last one in may push out all
            // others.
            if left < config.max_messages.max(1) && held <= config.max_octets {
                break;
            }
            let octets = message.counted();
            held = held.saturating_sub(octets);
            left = left.saturating_sub(1);
            trim.count += 1;
            trim.octets += octets + Message::OVERHEAD;
        }
        trim
    }

    /// Drops the oldest `count` messages. Returns the octets that the caller gives back to the
    /// budget.
    pub(crate) fn drop_oldest(&mut self, count: usize) -> usize {
        let dropped = self.messages.drain(..count.min(self.messages.len()));
        let mut released = 0;
        for message in dropped {
            self.payload_octets = self.payload_octets.saturating_sub(message.payload().len());
            released += message.release();
        }
        released
    }

    /// Drops the oldest message, gives its octets back to the budget and returns how many they
    /// were.
    fn drop_one(&mut self, emptied_at: Duration) -> usize {
        let released = self.drop_oldest(1);
        self.account.budget().release(released);
        self.emptied_at = self.emptied_at.max(emptied_at);
        released
    }

    /// Puts the message of a draft at the end. The budget was charged for it.
    pub(crate) fn append(&mut self, draft: &mut Draft, now: Duration) -> Position {
        self.published_at = self.published_at.max(now);
        self.top = self.top.saturating_add(1);
        let position = self.position();
        self.account.hold(draft.counted());
        self.payload_octets += draft.payload.len();
        let message = Message::new(
            draft,
            position,
            self.published_at,
            Arc::clone(&self.account),
        );
        self.messages.push_back(Arc::new(message));
        position
    }

    /// Drops what is older than `max_age`, at most `allowance` messages, which it lessens.
    pub(crate) fn expire(&mut self, config: &Config, now: Duration, allowance: &mut usize) {
        let Some(max_age) = config.max_age else {
            return;
        };
        while let Some(oldest) = self.messages.front() {
            let ends_at = oldest.published_at().saturating_add(max_age);
            if ends_at > now || *allowance == 0 {
                return;
            }
            *allowance -= 1;
            self.drop_one(ends_at);
        }
    }

    /// Drops what wire forms, made since the last publish, pushed over `max_octets`; the newest
    /// stays.
    pub(crate) fn fit(&mut self, config: &Config, now: Duration, allowance: &mut usize) {
        while self.len() > 1 && self.account.held() > config.max_octets && *allowance > 0 {
            *allowance -= 1;
            self.drop_one(now);
        }
    }

    /// Drops the oldest until `octets` of the budget came free, or nothing is left. Returns the
    /// octets freed.
    pub(crate) fn evict(&mut self, octets: usize, now: Duration) -> usize {
        let mut freed = 0;
        while freed < octets && !self.messages.is_empty() {
            freed += self.drop_one(now);
        }
        freed
    }

    /// Gives back the memory of places that a trimmed log does not use.
    pub(crate) fn shrink(&mut self) {
        self.messages.shrink_to(self.len().saturating_mul(2));
    }

    /// The place that a start names.
    pub(crate) fn place(&self, start: Start) -> Place {
        // The complement of a random epoch is as unlikely to be in use as any other number.
        let elsewhere = Position {
            epoch: !self.epoch,
            offset: 0,
        };
        let lost = |reason, asked| Place::Lost {
            reason,
            asked,
            elsewhere,
        };
        match start {
            Start::Latest => Place::At(self.position()),
            Start::Earliest => Place::At(self.at(self.before_oldest())),
            Start::Back(count) => {
                Place::At(self.at(self.top.saturating_sub(count).max(self.before_oldest())))
            }
            Start::After(asked) if asked.epoch != self.epoch => lost(GapReason::Epoch, Some(asked)),
            Start::After(asked) if asked.offset > self.top => lost(GapReason::Future, Some(asked)),
            Start::After(asked) => Place::At(asked),
            Start::Unknown => lost(GapReason::Unknown, None),
        }
    }

    /// What follows a place: messages, a gap, or nothing (then `None`). The place moves on behind
    /// it.
    pub(crate) fn read(&self, place: &mut Place, limit: Limit) -> Option<Read> {
        let next = self.at(self.before_oldest());
        let gap = |reason, asked, first, last| Gap {
            reason,
            asked,
            first,
            last,
            next,
        };
        let told = match *place {
            Place::Lost { reason, asked, .. } => gap(reason, asked, None, None),
            Place::At(asked) if asked.offset < next.offset => gap(
                GapReason::Trimmed,
                Some(asked),
                Some(asked.offset + 1),
                Some(next.offset),
            ),
            Place::At(from) => {
                let batch = self.batch(from, limit)?;
                *place = Place::At(batch.position);
                return Some(Read::Batch(batch));
            }
        };
        *place = Place::At(next);
        Some(Read::Gap(told))
    }

    /// The messages after `from`, which is not before what is kept.
    fn batch(&self, from: Position, limit: Limit) -> Option<Batch> {
        let skip = usize::try_from(from.offset.checked_sub(self.before_oldest())?).ok()?;
        let waiting = self
            .len()
            .checked_sub(skip)
            .filter(|&waiting| waiting > 0)?;
        // A reader that keeps up finds one message, which is handed out whatever the limits.
        let mut fit = 1;
        if waiting > 1 {
            let mut octets = 0_usize;
            let fits = |message: &&Arc<Message>| {
                octets = octets.saturating_add(message.payload().len());
                octets <= limit.octets
            };
            let most = self.messages.range(skip..).take(limit.messages);
            fit = most.take_while(fits).count().max(1);
        }
        let messages = self.messages.range(skip..).map(Arc::clone);
        let messages = Messages::take(messages, fit)?;
        let position = messages.last()?.position();
        Some(Batch {
            more: messages.len() < waiting,
            messages,
            position,
        })
    }
}
