//! A subscriber: a place in a log, and at most one wait.

use core::fmt;
use core::task::{Context, Poll};
use core::time::Duration;
use std::sync::Arc;

use crate::channel::Channel;
use crate::hub::Shared;
use crate::log::Place;
use crate::wait::Ticket;
use crate::{Limit, Position, Read};

/// A reader of one channel. It holds no message: a slow reader falls behind in the log at no cost.
///
/// Dropping it ends its wait in O(1).
pub struct Cursor {
    shared: Arc<Shared>,
    channel: Arc<Channel>,
    place: Place,
    ticket: Option<Ticket>,
    /// The latest `now` that was told.
    seen: Duration,
}

impl Cursor {
    pub(crate) fn new(
        shared: Arc<Shared>,
        channel: Arc<Channel>,
        place: Place,
        now: Duration,
    ) -> Self {
        Self {
            shared,
            channel,
            place,
            ticket: None,
            seen: now,
        }
    }

    /// The position up to which everything was handed out or told as a gap.
    ///
    /// Until a gap is read, this is the position that was asked for, and where that could not be
    /// read, one that no channel has: who resumes from it is told of a gap again.
    #[must_use]
    pub fn position(&self) -> Position {
        match self.place {
            Place::At(position)
            | Place::Lost {
                asked: Some(position),
                ..
            } => position,
            Place::Lost {
                asked: None,
                elsewhere,
                ..
            } => elsewhere,
        }
    }

    /// Reads what follows, without waiting.
    pub fn read(&mut self, limit: Limit, now: Duration) -> Read {
        self.seen = now;
        self.channel
            .read(self.shared.config(), &mut self.place, limit, now)
    }

    /// Reads what follows, or waits for it: the waker of `cx` is called once there is something to
    /// read.
    ///
    /// Looking and parking are one step under one lock, so that no message slips between the two. A
    /// cursor waits once: the latest waker counts. Never ready with [`Read::CaughtUp`].
    ///
    /// Who is handed the newest message waits for the next one from that moment, so the waker may
    /// be called before this is called again; [`Cursor::cancel`] ends that.
    pub fn poll_read(&mut self, cx: &mut Context<'_>, limit: Limit, now: Duration) -> Poll<Read> {
        self.seen = now;
        if self.channel.waits(self.ticket.as_ref(), cx.waker()) {
            return Poll::Pending;
        }
        // Cloned here, since to clone a waker is to run code of the caller's.
        let waker = cx.waker().clone();
        let (place, ticket) = (&mut self.place, &mut self.ticket);
        self.channel
            .read_or_park(self.shared.config(), place, ticket, waker, limit, now)
    }

    /// Ends the wait that a [`Cursor::poll_read`] began, where there is one. O(1).
    pub fn cancel(&mut self) {
        self.channel.cancel(&mut self.ticket);
    }
}

impl Drop for Cursor {
    fn drop(&mut self) {
        self.cancel();
        self.shared.leave(&self.channel, self.seen);
    }
}

impl fmt::Debug for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cursor")
            .field("channel", &self.channel.name)
            .field("position", &self.position())
            .field("waits", &self.ticket.is_some())
            .finish_non_exhaustive()
    }
}
