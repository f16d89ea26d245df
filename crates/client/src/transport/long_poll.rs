//! Long polling: ask, let the server hold the answer until there is news, ask again at once.
//!
//! The request carries `Prefer: wait=SECONDS` (RFC 7240). Where something between cuts what is
//! silent, it asks for less: half the wait after each cut of an answer that was held, and more
//! again, by half, after answers that came.

use core::time::Duration;

use tidings_polling::{LongPollSchedule, Outcome};

use super::poll::{Pace, Polls};
use crate::subscribe::Ask;

/// The shortest wait that cuts lead to: below it, long polling is short polling.
const MIN_WAIT: Duration = Duration::from_secs(2);
/// A poll that was cut earlier was not cut because of its silence.
const MIN_HELD: Duration = Duration::from_secs(1);
/// Empty answers in a row after which a wait that was cut grows. Each cut doubles the count.
const FIRST_TRUST: u32 = 4;
const MAX_TRUST: u32 = 128;

/// The pace of long polling.
#[derive(Debug)]
pub(super) struct LongPoll {
    schedule: LongPollSchedule,
    wait: Duration,
    /// The wait that the caller asked for.
    max_wait: Duration,
    /// Empty answers since the wait changed.
    whole: u32,
    trust: u32,
}

impl LongPoll {
    pub(super) fn session(ask: &Ask) -> Polls<Self> {
        Polls::new(Self::new(ask.wait))
    }

    fn new(wait: Duration) -> Self {
        Self {
            schedule: LongPollSchedule::default(),
            wait,
            max_wait: wait,
            whole: 0,
            trust: FIRST_TRUST,
        }
    }

    /// An answer came although nothing was published: the wait is not too long.
    fn grow(&mut self) {
        self.whole += 1;
        if self.wait < self.max_wait && self.whole >= self.trust {
            self.whole = 0;
            self.wait = (self.wait + self.wait / 2).min(self.max_wait);
            if self.wait == self.max_wait {
                self.trust = FIRST_TRUST;
            }
        }
    }
}

impl Pace for LongPoll {
    fn wait(&self) -> Duration {
        self.wait
    }

    fn next(&mut self, outcome: Outcome, now: Duration, entropy: u64) -> Duration {
        if outcome == Outcome::Empty {
            self.grow();
        }
        self.schedule.next(now, outcome, entropy)
    }

    fn cut(&mut self, held: Duration) -> bool {
        if held < MIN_HELD || self.wait <= MIN_WAIT {
            return false;
        }
        self.wait = (self.wait / 2).max(MIN_WAIT);
        self.whole = 0;
        self.trust = (self.trust * 2).min(MAX_TRUST);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_halves_where_answers_are_cut_and_grows_where_they_come() {
        let seconds = Duration::from_secs;
        let mut pace = LongPoll::new(seconds(25));
        let mut waits = Vec::new();
        while pace.cut(seconds(2)) {
            waits.push(pace.wait().as_secs());
        }
        assert_eq!(waits, [12, 6, 3, 2], "down to 2 s, and no further");
        assert_eq!(pace.wait(), MIN_WAIT);
        let mut answers = Vec::new();
        let mut count = 0;
        while pace.wait() < seconds(25) {
            let before = pace.wait();
            let _ = pace.next(Outcome::Empty, seconds(1000), 0);
            count += 1;
            if pace.wait() > before {
                answers.push((count, pace.wait().as_millis()));
                count = 0;
            }
        }
        let want = [3000, 4500, 6750, 10_125, 15_187, 22_781, 25_000];
        assert_eq!(answers, want.map(|millis| (64, millis)), "ever up to 25 s");
        let _ = pace.next(Outcome::Empty, seconds(1000), 0);
        assert_eq!(pace.wait(), seconds(25));
        assert!(pace.cut(seconds(20)), "and it is trusted anew");
        for _ in 0..8 {
            assert_eq!(pace.wait(), seconds(25) / 2);
            let _ = pace.next(Outcome::Empty, seconds(1000), 0);
        }
        assert!(pace.wait() > seconds(25) / 2);
    }

    #[test]
    fn news_and_failures_say_nothing_of_the_wait() {
        let mut pace = LongPoll::new(Duration::from_secs(25));
        assert!(pace.cut(Duration::from_secs(5)));
        for _ in 0..100 {
            for outcome in [Outcome::News, Outcome::Failed] {
                let _ = pace.next(outcome, Duration::from_secs(1000), 0);
            }
        }
        assert_eq!(pace.wait(), Duration::from_millis(12_500));
        assert!(!pace.cut(Duration::from_millis(999)), "not held");
        assert!(pace.cut(Duration::from_secs(1)));
    }

    #[test]
    fn a_wait_of_the_caller_below_the_floor_stays() {
        let mut pace = LongPoll::new(Duration::from_secs(1));
        assert!(!pace.cut(Duration::from_secs(1)));
        assert_eq!(pace.wait(), Duration::from_secs(1));
    }
}
