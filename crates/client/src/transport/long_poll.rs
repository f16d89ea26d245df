//! Long polling: ask, let the server hold the answer until there is news, ask again at once.
//!
//! The request carries `Prefer: wait=SECONDS` (RFC 7240).

use core::time::Duration;

use tidings_polling::{LongPollSchedule, Outcome};

use super::poll::{Pace, Polls};
use crate::subscribe::Ask;

/// The pace of long polling.
#[derive(Debug)]
pub(super) struct LongPoll {
    schedule: LongPollSchedule,
    wait: Duration,
}

impl LongPoll {
    pub(super) fn session(ask: &Ask) -> Polls<Self> {
        Polls::new(Self {
            schedule: LongPollSchedule::default(),
            wait: ask.wait,
        })
    }
}

impl Pace for LongPoll {
    fn wait(&self) -> Duration {
        self.wait
    }

    fn next(&mut self, outcome: Outcome, now: Duration, entropy: u64) -> Duration {
        self.schedule.next(now, outcome, entropy)
    }
}
