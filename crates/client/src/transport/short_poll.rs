//! Short polling: ask, take the answer, wait an interval, ask again.

use core::time::Duration;

use tidings_polling::{Outcome, ShortPollSchedule};

use super::poll::{Pace, Polls};
use crate::subscribe::Ask;

/// The pace of short polling.
#[derive(Debug)]
pub(super) struct ShortPoll {
    schedule: ShortPollSchedule,
}

impl ShortPoll {
    pub(super) fn session(ask: &Ask) -> Polls<Self> {
        Polls::new(Self {
            schedule: ShortPollSchedule::fixed(ask.interval),
        })
    }
}

impl Pace for ShortPoll {
    fn wait(&self) -> Duration {
        Duration::ZERO
    }

    fn next(&mut self, outcome: Outcome, now: Duration, entropy: u64) -> Duration {
        self.schedule.next(now, outcome, entropy)
    }
}
