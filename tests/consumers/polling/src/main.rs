//! One long poll decided, and the next one timed: `tidings-polling` and nothing else.

use std::time::Duration;

use tidings_polling::{Answer, LongPollSchedule, Outcome, Poll, if_none_match, prefer_wait};

fn main() {
    let now = Duration::from_secs(100);
    let poll = Poll {
        wait: prefer_wait([&b"wait=25"[..]]).unwrap_or_default(),
        started: now,
        tag_matches: if_none_match([&b"W/\"e.42-gzip\""[..]]).matches("e.42"),
    };
    let until = Duration::from_secs(125);
    assert_eq!(poll.answer(false, now), Answer::Wait { until });
    assert_eq!(poll.answer(true, now), Answer::Now);
    assert_eq!(poll.answer(false, until), Answer::NotModified);

    let mut schedule = LongPollSchedule::default();
    assert_eq!(schedule.next(until, Outcome::News, 7), Duration::ZERO);
    assert!(schedule.next(until, Outcome::Failed, 7) < Duration::from_secs(1));
}
