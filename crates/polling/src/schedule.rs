//! When a client asks again.

use crate::backoff::{Backoff, BackoffConfig, after_refusal, part};
use core::time::Duration;

/// How a poll ended, for the schedule of the next one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// An answer with something that the client did not have.
    News,
    /// An answer without: 304, an empty list, or only what the client had.
    Empty,
    /// No answer, or one that says that the server is in trouble.
    Failed,
    /// A refusal that says when to come back, as 429 or 503 with Retry-After.
    Refused {
        /// The least wait that the server asks for.
        retry_after: Duration,
    },
}

/// When to send the next short poll: after an interval, give or take a tenth.
///
/// ```
/// use core::time::Duration;
/// use tidings_polling::{Outcome, ShortPollSchedule};
/// let half = u64::MAX / 2 + 1; // the entropy that takes the middle of each span
/// let mut schedule = ShortPollSchedule::fixed(Duration::from_secs(4));
/// let now = Duration::ZERO;
/// assert_eq!(schedule.first(half), Duration::from_secs(2));
/// assert_eq!(schedule.next(now, Outcome::Empty, half), Duration::from_secs(4));
/// let refused = Outcome::Refused { retry_after: Duration::from_secs(10) };
/// assert!(schedule.next(now, refused, half) >= Duration::from_secs(10));
/// ```
#[derive(Clone, Debug)]
pub struct ShortPollSchedule {
    min: Duration,
    max: Duration,
    interval: Duration,
    backoff: Backoff,
}

impl ShortPollSchedule {
    /// Makes a schedule with one interval.
    #[must_use]
    pub fn fixed(interval: Duration) -> Self {
        Self::adaptive(interval, interval)
    }

    /// Makes a schedule whose interval begins at `min`, is halved after news and grows by half after
    /// an empty answer, between `min` and `max`. A `max` below `min` counts as `min`.
    #[must_use]
    pub fn adaptive(min: Duration, max: Duration) -> Self {
        Self {
            min,
            max: max.max(min),
            interval: min,
            backoff: Backoff::default(),
        }
    }

    /// Sets how failures are backed off from. The wait after a failure is never shorter than the
    /// interval.
    #[must_use]
    pub fn with_backoff(self, config: BackoffConfig) -> Self {
        Self {
            backoff: Backoff::new(config),
            ..self
        }
    }

    /// Gives the wait before the first poll: anywhere in an interval, so that clients that start
    /// together do not ask together.
    #[must_use]
    pub fn first(&self, entropy: u64) -> Duration {
        part(self.interval, entropy)
    }

    /// Takes how the poll ended at `now` and gives the wait until the next. `entropy` is 64 random
    /// bits.
    #[must_use]
    pub fn next(&mut self, now: Duration, outcome: Outcome, entropy: u64) -> Duration {
        match outcome {
            Outcome::News => {
                self.backoff.good(now);
                self.interval = (self.interval / 2).max(self.min);
            }
            Outcome::Empty => {
                self.backoff.good(now);
                self.interval = self
                    .interval
                    .saturating_add(self.interval / 2)
                    .min(self.max);
            }
            Outcome::Failed => {
                let backoff = self.backoff.next(now, entropy);
                return backoff.max(self.around_interval(entropy));
            }
            Outcome::Refused { retry_after } => {
                return after_refusal(retry_after, entropy).max(self.around_interval(entropy));
            }
        }
        self.around_interval(entropy)
    }

    fn around_interval(&self, entropy: u64) -> Duration {
        let tenth = self.interval / 10;
        (self.interval - tenth).saturating_add(part(tenth.saturating_mul(2), entropy))
    }
}

/// When to send the next long poll: at once after an answer, but not in a hot loop.
///
/// An answer with news is followed by the next poll at once. An empty one takes a token from a
/// bucket that holds two and gets one back each `spacing`: a server that holds no request open is
/// asked twice, and then once per spacing. Report an answer that repeats what the client has as
/// [`Outcome::Empty`], so that such a server too is spared.
///
/// ```
/// use core::time::Duration;
/// use tidings_polling::{LongPollSchedule, Outcome};
/// let mut schedule = LongPollSchedule::default();
/// let now = Duration::from_secs(9);
/// assert_eq!(schedule.next(now, Outcome::News, 0), Duration::ZERO);
/// assert_eq!(schedule.next(now, Outcome::Empty, 0), Duration::ZERO);
/// assert_eq!(schedule.next(now, Outcome::Empty, 0), Duration::ZERO);
/// assert_eq!(schedule.next(now, Outcome::Empty, 0), Duration::from_secs(1));
/// ```
#[derive(Clone, Debug)]
pub struct LongPollSchedule {
    spacing: Duration,
    /// When the bucket is full again. Each token taken moves it on by one spacing.
    full_at: Duration,
    backoff: Backoff,
}

/// Tokens in a full bucket.
const BURST: u32 = 2;

impl Default for LongPollSchedule {
    /// Makes a schedule with a spacing of 1 s.
    fn default() -> Self {
        Self::new(Duration::from_secs(1))
    }
}

impl LongPollSchedule {
    /// Makes a schedule. `spacing` is the time from one empty answer's poll to the next, in the long
    /// run.
    #[must_use]
    pub fn new(spacing: Duration) -> Self {
        Self {
            spacing,
            full_at: Duration::ZERO,
            backoff: Backoff::default(),
        }
    }

    /// Sets how failures are backed off from.
    #[must_use]
    pub fn with_backoff(self, config: BackoffConfig) -> Self {
        Self {
            backoff: Backoff::new(config),
            ..self
        }
    }

    /// Takes how the poll ended at `now` and gives the wait until the next. `entropy` is 64 random
    /// bits.
    #[must_use]
    pub fn next(&mut self, now: Duration, outcome: Outcome, entropy: u64) -> Duration {
        match outcome {
            Outcome::News => {
                self.backoff.good(now);
                Duration::ZERO
            }
            Outcome::Empty => {
                self.backoff.good(now);
                self.full_at = self.full_at.max(now).saturating_add(self.spacing);
                let burst = self.spacing.saturating_mul(BURST);
                self.full_at.saturating_sub(burst).saturating_sub(now)
            }
            Outcome::Failed => self.backoff.next(now, entropy),
            Outcome::Refused { retry_after } => after_refusal(retry_after, entropy),
        }
    }
}

#[cfg(test)]
mod tests;
