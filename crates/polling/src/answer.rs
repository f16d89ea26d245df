//! The answer of one poll as a value.

use core::time::Duration;

/// The longest wait that is granted: 55 s, under the 60 s after which common proxies give up.
pub const MAX_WAIT: Duration = Duration::from_secs(55);

/// What to answer a poll.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Answer {
    /// 200 with what is new.
    Now,
    /// 304: nothing is new and the client has named the answer's tag.
    NotModified,
    /// 200 with an empty list: nothing is new, but the client does not have the answer's tag.
    Empty,
    /// Nothing yet. Decide again when something is new, and at `until` in any case.
    Wait {
        /// When the wait is over.
        until: Duration,
    },
}

/// One poll, as its request states it.
///
/// ```
/// use core::time::Duration;
/// use tidings_polling::{Answer, Poll};
/// let poll = Poll { wait: Duration::ZERO, started: Duration::ZERO, tag_matches: false };
/// assert_eq!(poll.answer(false, Duration::ZERO), Answer::Empty);
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Poll {
    /// How long the client would wait. Zero is a short poll; more than [`MAX_WAIT`] counts as that.
    pub wait: Duration,
    /// When the request came.
    pub started: Duration,
    /// Whether a tag of If-None-Match equals the answer's `ETag` by weak comparison.
    pub tag_matches: bool,
}

impl Poll {
    /// Gives the wait that is granted, as `Preference-Applied` states it.
    #[must_use]
    pub fn granted(&self) -> Duration {
        self.wait.min(MAX_WAIT)
    }

    /// Decides the answer. News, a gap included, is told at once; without it the poll waits, and a
    /// wait that is over ends in 304 or an empty 200.
    #[must_use]
    pub fn answer(&self, has_news: bool, now: Duration) -> Answer {
        let until = self.started.saturating_add(self.granted());
        match (has_news, now < until, self.tag_matches) {
            (true, ..) => Answer::Now,
            (false, true, _) => Answer::Wait { until },
            (false, false, true) => Answer::NotModified,
            (false, false, false) => Answer::Empty,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, MAX_WAIT, Poll};
    use core::time::Duration;

    #[test]
    fn one_poll_has_one_answer() {
        const fn s(seconds: u64) -> Duration {
            Duration::from_secs(seconds)
        }
        let until = |seconds| Answer::Wait { until: s(seconds) };
        // name, wait, tag matches, news, now (the request came at 100), answer
        let rows = [
            ("short, news", 0, true, true, 100, Answer::Now),
            ("short, none, tag", 0, true, false, 100, Answer::NotModified),
            ("short, none, no tag", 0, false, false, 100, Answer::Empty),
            ("long, news at once", 25, true, true, 100, Answer::Now),
            ("long, none yet", 25, true, false, 100, until(125)),
            ("long, no tag waits too", 25, false, false, 100, until(125)),
            (
                "long, just before the end",
                25,
                true,
                false,
                124,
                until(125),
            ),
            ("long, over, tag", 25, true, false, 125, Answer::NotModified),
            ("long, over, no tag", 25, false, false, 125, Answer::Empty),
            (
                "long, over late",
                25,
                true,
                false,
                1_000,
                Answer::NotModified,
            ),
            ("news at the last moment", 25, true, true, 125, Answer::Now),
            ("the wait is capped", 3_600, true, false, 100, until(155)),
            (
                "the longest wait of all",
                u64::MAX,
                true,
                false,
                155,
                Answer::NotModified,
            ),
            (
                "a clock behind the request",
                25,
                true,
                false,
                99,
                until(125),
            ),
        ];
        for (name, wait, tag_matches, news, now, want) in rows {
            let poll = Poll {
                wait: s(wait),
                started: s(100),
                tag_matches,
            };
            assert_eq!(poll.answer(news, s(now)), want, "{name}");
            assert!(poll.granted() <= MAX_WAIT);
        }
    }
}
