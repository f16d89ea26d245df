//! One message: immutable, shared, with the forms that transports write.

use core::time::Duration;
use core::{fmt, mem};
use std::sync::Arc;

use bytes::Bytes;

use crate::budget::Account;
use crate::sync::{AtomicUsize, OnceLock, Ordering};
use crate::{EventName, Position};

/// Whether a payload is text or binary, by its publisher's word.
#[derive(Copy, Clone, Debug, Eq, PartialEq, Hash)]
pub enum Kind {
    /// UTF-8.
    Text,
    /// Any octets.
    Binary,
}

/// Wire forms that a message can keep: slots 0 to 3, numbered by the caller.
pub const FORMS: usize = 4;

/// A message of a channel. It never changes; readers share it.
///
/// The payload is an allocation of its own, so that a message never keeps a larger buffer alive.
pub struct Message {
    position: Position,
    published_at: Duration,
    kind: Kind,
    event: Option<EventName>,
    payload: Bytes,
    /// `None` within: made when the budget was full, so not kept.
    forms: [OnceLock<Option<Bytes>>; FORMS],
    /// Octets that the channel counts for this message; [`RELEASED`] is added when the message
    /// leaves the log.
    counted: AtomicUsize,
    account: Arc<Account>,
}

/// The bit of `counted` that says that the message has left its log.
const RELEASED: usize = 1 << (usize::BITS - 1);

/// What a publisher gives, copied and checked before any lock is taken.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) kind: Kind,
    pub(crate) event: Option<EventName>,
    pub(crate) payload: Bytes,
}

impl Draft {
    pub(crate) fn new(kind: Kind, event: Option<EventName>, payload: &[u8]) -> Self {
        let kind = match kind {
            Kind::Text if core::str::from_utf8(payload).is_ok() => Kind::Text,
            Kind::Text | Kind::Binary => Kind::Binary,
        };
        Self {
            kind,
            event,
            payload: Bytes::copy_from_slice(payload),
        }
    }

    /// Octets that the retention of a channel counts.
    pub(crate) fn counted(&self) -> usize {
        self.payload.len() + self.event.as_ref().map_or(0, |event| event.as_str().len())
    }
}

impl Message {
    /// Octets that a message takes beside its payload, its event name and its forms: itself with
    /// the counts of its `Arc`, its place in the log (twice, since a ring grows by doubling), the
    /// counts that a shared payload gets, the headers of three allocations.
    pub(crate) const OVERHEAD: usize = (size_of::<Self>() + 16) + 16 + 24 + 48;

    /// Makes the message of a draft, whose payload it takes.
    pub(crate) fn new(
        draft: &mut Draft,
        position: Position,
        now: Duration,
        account: Arc<Account>,
    ) -> Self {
        Self {
            position,
            published_at: now,
            kind: draft.kind,
            counted: AtomicUsize::new(draft.counted()),
            event: draft.event.take(),
            payload: mem::take(&mut draft.payload),
            forms: Default::default(),
            account,
        }
    }

    /// The place of the message in its channel.
    #[must_use]
    pub fn position(&self) -> Position {
        self.position
    }

    /// The number of the message in its epoch, from 1.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.position.offset
    }

    /// Whether the payload is text. [`Kind::Text`] is always UTF-8.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The event type, where one other than `message` was given.
    #[must_use]
    pub fn event(&self) -> Option<&str> {
        self.event.as_ref().map(EventName::as_str)
    }

    /// The payload.
    #[must_use]
    pub fn payload(&self) -> &Bytes {
        &self.payload
    }

    /// The payload as text, where the kind is [`Kind::Text`]. Costs a pass over the payload.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self.kind {
            Kind::Text => core::str::from_utf8(&self.payload).ok(),
            Kind::Binary => None,
        }
    }

    /// When the message was published, since the caller's origin.
    #[must_use]
    pub fn published_at(&self) -> Duration {
        self.published_at
    }

    /// The wire form number `slot`, made at first use and shared after.
    ///
    /// Its length counts in the retention of the channel and in the budget of the hub. Where the
    /// budget is full the form is handed out and not kept, then made again at each call; so is that
    /// of a `slot` that is not below [`FORMS`]. Threads that ask for the same form at once wait for
    /// the one that makes it; `make` must not ask for its own form. Give a form an allocation of
    /// its own: what it is cut from is not counted.
    pub fn form(&self, slot: usize, make: impl FnOnce() -> Bytes) -> Bytes {
        let Some(cell) = self.forms.get(slot) else {
            return make();
        };
        let mut make = Some(make);
        let mut unkept = None;
        let kept = cell.get_or_init(|| {
            let form = make.take()?();
            if self.count(form.len()) {
                return Some(form);
            }
            unkept = Some(form);
            None
        });
        match kept {
            Some(form) => form.clone(),
            None => unkept
                .or_else(|| make.take().map(|make| make()))
                .unwrap_or_default(),
        }
    }

    /// Counts a form; false where the budget has no room for it.
    fn count(&self, octets: usize) -> bool {
        // The account is charged first and the message second, so that a release between the two
        // never takes away what was not added.
        if !self.account.try_charge(octets) {
            return false;
        }
        let add = |counted: usize| (counted & RELEASED == 0).then_some(counted + octets);
        if self
            .counted
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, add)
            .is_err()
        {
            // Out of the log, the message lives as long as its readers, and nobody counts it.
            self.account.release(octets);
        }
        true
    }

    /// Octets that the retention of the channel counts for this message.
    pub(crate) fn counted(&self) -> usize {
        self.counted.load(Ordering::Acquire) & !RELEASED
    }

    /// Ends the counting as the message leaves the log. Returns the octets that the budget gets
    /// back.
    pub(crate) fn release(&self) -> usize {
        let counted = self.counted.fetch_or(RELEASED, Ordering::AcqRel) & !RELEASED;
        self.account.let_go(counted);
        counted + Self::OVERHEAD
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("position", &self.position)
            .field("kind", &self.kind)
            .field("event", &self.event())
            .field("payload", &self.payload)
            .finish_non_exhaustive()
    }
}
