//! How long to wait after a failure: full jitter, so that clients that fell together come back apart.

use crate::prefer::seconds;
use core::time::Duration;

/// Reads the seconds of a Retry-After field (RFC 9110 §10.2.3). None for the date form, which needs
/// a clock, and for everything malformed.
///
/// ```
/// use core::time::Duration;
/// assert_eq!(tidings_polling::retry_after(b"30"), Some(Duration::from_secs(30)));
/// ```
#[must_use]
pub fn retry_after(value: &[u8]) -> Option<Duration> {
    seconds(value.trim_ascii())
}

/// The settings of a [`Backoff`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct BackoffConfig {
    /// Most of the first wait. Default 1 s. It doubles with each failure in a row.
    pub base: Duration,
    /// Most of any wait. Default 30 s.
    pub cap: Duration,
    /// How long all must go well before failures are forgotten. Default 60 s: one good answer
    /// between failures does not bring a troubled server all its clients back at once.
    pub good_period: Duration,
}

impl Default for BackoffConfig {
    fn default() -> Self {
        Self {
            base: Duration::from_secs(1),
            cap: Duration::from_secs(30),
            good_period: Duration::from_secs(60),
        }
    }
}

/// Waits after failures: uniform between zero and a span that doubles with each failure in a row.
///
/// ```
/// use core::time::Duration;
/// use tidings_polling::Backoff;
/// let mut backoff = Backoff::default();
/// let half = u64::MAX / 2 + 1; // the entropy that takes the middle of the span
/// let at = Duration::from_secs(0);
/// assert_eq!(backoff.next(at, half), Duration::from_millis(500));
/// assert_eq!(backoff.next(at, half), Duration::from_millis(1_000));
/// assert_eq!(backoff.next(at, half), Duration::from_millis(2_000));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Backoff {
    config: BackoffConfig,
    failures: u32,
    /// When the run of good answers began that has lasted since the last failure.
    good_since: Option<Duration>,
}

impl Backoff {
    /// Makes a backoff without a failure.
    #[must_use]
    pub fn new(config: BackoffConfig) -> Self {
        Self {
            config,
            failures: 0,
            good_since: None,
        }
    }

    /// Notes a good answer.
    pub fn good(&mut self, now: Duration) {
        self.good_since.get_or_insert(now);
    }

    /// Notes a failure and gives how long to wait from `now` on. `entropy` is 64 random bits.
    #[must_use]
    pub fn next(&mut self, now: Duration, entropy: u64) -> Duration {
        let good = self.good_since.take();
        if good.is_some_and(|since| now.saturating_sub(since) >= self.config.good_period) {
            self.failures = 0;
        }
        let doubled = 2u32.saturating_pow(self.failures);
        self.failures = self.failures.saturating_add(1);
        part(
            self.config
                .base
                .saturating_mul(doubled)
                .min(self.config.cap),
            entropy,
        )
    }
}

/// Gives a wait at least as long as the server asked for, and spread over half of it again or 1 s,
/// whichever is more: a server tells all its clients the same number.
pub(crate) fn after_refusal(retry_after: Duration, entropy: u64) -> Duration {
    let span = (retry_after / 2).max(Duration::from_secs(1));
    retry_after.saturating_add(part(span, entropy))
}

/// Gives the part of `span` that `entropy` says: uniform over its nanoseconds, never the whole.
pub(crate) fn part(span: Duration, entropy: u64) -> Duration {
    let nanos = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
    let scaled = (u128::from(nanos) * u128::from(entropy)) >> 64;
    Duration::from_nanos(u64::try_from(scaled).unwrap_or(nanos))
}

#[cfg(test)]
mod tests;
