//! When to try again after a failure: full jitter, and the wait that a server asks for.

use core::time::Duration;

use tidings_polling::Backoff;

use crate::Error;
use crate::dice::Dice;

/// The attempts of one transport, or of one publish.
#[derive(Debug)]
pub(crate) struct Retry {
    backoff: Backoff,
}

impl Retry {
    pub(crate) fn new() -> Self {
        Self {
            backoff: Backoff::default(),
        }
    }

    /// The time of the next attempt after `error`.
    ///
    /// `Retry-After` is obeyed, with up to a half more (at least up to 1 s), so that clients that
    /// were refused together do not come back together.
    pub(crate) fn next(
        &mut self,
        error: &Error,
        now: Duration,
        dice: &mut Dice,
    ) -> Result<Duration, Error> {
        let delay = self.backoff.next(now, dice.number()?);
        let Some(asked) = error.retry_after() else {
            return Ok(now + delay);
        };
        let spread = (asked / 2).max(Duration::from_secs(1));
        Ok(now + asked + part(spread, dice.number()?))
    }

    /// Tells that the server served; after a good while failures are forgotten.
    pub(crate) fn good(&mut self, now: Duration) {
        self.backoff.good(now);
    }
}

/// A uniform part of `span`.
pub(crate) fn part(span: Duration, entropy: u64) -> Duration {
    let nanos = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
    let part = (u128::from(nanos) * u128::from(entropy)) >> 64;
    Duration::from_nanos(u64::try_from(part).unwrap_or(nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_a_floor_with_jitter_on_top() {
        let mut dice = Dice::new();
        let mut retry = Retry::new();
        let error = Error::Status {
            status: 503,
            detail: None,
            body: String::new(),
            retry_after: Some(Duration::from_secs(10)),
        };
        let now = Duration::from_secs(100);
        let mut seen = std::collections::HashSet::new();
        for _ in 0..100 {
            let at = retry.next(&error, now, &mut dice).unwrap();
            assert!(
                at >= Duration::from_secs(110) && at < Duration::from_secs(115),
                "{at:?}"
            );
            seen.insert(at);
        }
        assert!(seen.len() > 90);
    }

    #[test]
    fn a_failure_after_the_other_is_waited_for_longer_up_to_30_s() {
        let mut dice = Dice::new();
        let mut longest = [Duration::ZERO; 10];
        for _ in 0..300 {
            let mut retry = Retry::new();
            for longest in &mut longest {
                let at = retry.next(&Error::Cut, Duration::ZERO, &mut dice).unwrap();
                *longest = (*longest).max(at);
            }
        }
        assert!(longest[0] <= Duration::from_secs(1), "{longest:?}");
        assert!(longest[3] > Duration::from_secs(4), "{longest:?}");
        assert!(longest[9] > Duration::from_secs(20), "{longest:?}");
        assert!(longest[9] <= Duration::from_secs(30), "{longest:?}");
    }

    #[test]
    fn a_part_is_uniform_and_never_the_whole() {
        let span = Duration::from_secs(8);
        assert_eq!(part(span, 0), Duration::ZERO);
        assert_eq!(part(span, 1 << 63), Duration::from_secs(4));
        assert!(part(span, u64::MAX) < span);
    }
}
