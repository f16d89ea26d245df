//! What a reader asks and what it is told.

use core::ops::Deref;
use core::{iter, option, slice};
use std::sync::Arc;
use std::vec;

use crate::{Message, Position};

/// Where a cursor begins.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub enum Start {
    /// After the newest message.
    Latest,
    /// Before the oldest message kept.
    Earliest,
    /// So many messages before the end, or all that is kept where that is fewer.
    Back(u64),
    /// After a position. One of another epoch, of the future, or older than what is kept gives a
    /// gap.
    After(Position),
    /// After a position that could not be read: a gap of reason [`GapReason::Unknown`].
    Unknown,
}

/// The most that one read hands out. At least one message is handed out whatever the limits.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub struct Limit {
    /// Messages.
    pub messages: usize,
    /// Octets of payload.
    pub octets: usize,
}

impl Default for Limit {
    /// 100 messages, 1 MiB of payload.
    fn default() -> Self {
        Self {
            messages: 100,
            octets: 1 << 20,
        }
    }
}

/// The answer of one read.
#[derive(Clone, Debug)]
pub enum Read {
    /// Messages that follow the place of the cursor without a hole.
    Batch(Batch),
    /// Something was lost; delivery goes on behind it.
    Gap(Gap),
    /// There is nothing newer. Only [`Cursor::read`](crate::Cursor::read) says so, since
    /// [`Cursor::poll_read`](crate::Cursor::poll_read) waits.
    CaughtUp,
    /// The channel was deleted. Nothing follows; subscribe again to meet the channel that has the
    /// name next.
    Deleted,
}

/// Messages in order, at least one.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The messages, with contiguous offsets.
    pub messages: Messages,
    /// Whether more messages wait already.
    pub more: bool,
    /// The position of the last message.
    pub position: Position,
}

/// Messages that were read together: a slice of them, at least one.
///
/// A reader that keeps up reads one at a time, so one alone takes no allocation.
#[derive(Clone, Debug)]
pub struct Messages(Few);

#[derive(Clone, Debug)]
enum Few {
    One(Arc<Message>),
    Many(Vec<Arc<Message>>),
}

impl Messages {
    /// Takes up to `max` messages, at least one; none where there is none.
    pub(crate) fn take(
        mut messages: impl ExactSizeIterator<Item = Arc<Message>>,
        max: usize,
    ) -> Option<Self> {
        let first = messages.next()?;
        let rest = messages.len().min(max.saturating_sub(1));
        if rest == 0 {
            return Some(Self(Few::One(first)));
        }
        let mut many = Vec::with_capacity(1 + rest);
        many.push(first);
        many.extend(messages.take(rest));
        Some(Self(Few::Many(many)))
    }
}

impl Deref for Messages {
    type Target = [Arc<Message>];

    fn deref(&self) -> &Self::Target {
        match &self.0 {
            Few::One(message) => slice::from_ref(message),
            Few::Many(messages) => messages,
        }
    }
}

impl IntoIterator for Messages {
    type Item = Arc<Message>;
    type IntoIter = iter::Chain<option::IntoIter<Arc<Message>>, vec::IntoIter<Arc<Message>>>;

    fn into_iter(self) -> Self::IntoIter {
        let (one, many) = match self.0 {
            Few::One(message) => (Some(message), Vec::new()),
            Few::Many(messages) => (None, messages),
        };
        one.into_iter().chain(many)
    }
}

impl<'a> IntoIterator for &'a Messages {
    type Item = &'a Arc<Message>;
    type IntoIter = slice::Iter<'a, Arc<Message>>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl From<Messages> for Vec<Arc<Message>> {
    fn from(messages: Messages) -> Self {
        match messages.0 {
            Few::One(message) => vec![message],
            Few::Many(messages) => messages,
        }
    }
}

/// A loss, told.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub struct Gap {
    /// Why.
    pub reason: GapReason,
    /// The position that cannot be resumed from; none where it could not be read.
    pub asked: Option<Position>,
    /// The first offset lost, where known ([`GapReason::Trimmed`]).
    pub first: Option<u64>,
    /// The last offset lost, where known ([`GapReason::Trimmed`]).
    pub last: Option<u64>,
    /// Where delivery goes on: just before the oldest message kept, so all that is kept follows.
    pub next: Position,
}

/// Why a position does not resume.
#[derive(Copy, Clone, Debug, Eq, PartialEq, Hash)]
pub enum GapReason {
    /// What follows it was trimmed by count, octets or age.
    Trimmed,
    /// It is of another epoch: the channel was deleted, forgotten, or lost with its process.
    Epoch,
    /// It is of this epoch and past the newest message.
    Future,
    /// It could not be read.
    Unknown,
}
