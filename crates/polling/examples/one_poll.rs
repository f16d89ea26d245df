//! Decides one long poll step by step, with a clock that this program makes up.
//!
//! `cargo run -p tidings-polling --example one_poll`
#![forbid(unsafe_code)]

use core::time::Duration;
use std::io::{self, Write};
use tidings_polling::{
    Answer, EntityTag, LongPollSchedule, Outcome, Poll, if_none_match, prefer_wait,
};

fn main() -> Result<(), Box<dyn core::error::Error>> {
    let mut out = io::stdout().lock();
    let tag = EntityTag::strong("9f3a61c2b0d4e877.42")?;
    let request: [(&str, &[u8]); 2] = [
        ("If-None-Match", b"W/\"9f3a61c2b0d4e877.42-gzip\""),
        ("Prefer", b"wait=25"),
    ];
    let lines = |name| {
        request
            .iter()
            .filter(move |line| line.0 == name)
            .map(|line| line.1)
    };

    let started = Duration::from_secs(100);
    let poll = Poll {
        wait: prefer_wait(lines("Prefer")).unwrap_or_default(),
        started,
        tag_matches: if_none_match(lines("If-None-Match")).matches(tag.opaque),
    };
    let granted = poll.granted().as_secs();
    writeln!(out, "the answer's tag is {tag}, {granted} s are granted")?;

    for (seconds, has_news) in [(0, false), (10, false), (25, false), (12, true)] {
        let now = started + Duration::from_secs(seconds);
        let news = if has_news { "news" } else { "nothing new" };
        let answer = match poll.answer(has_news, now) {
            Answer::Now => "200 with the news".to_owned(),
            Answer::NotModified => "304".to_owned(),
            Answer::Empty => "200 with an empty list".to_owned(),
            Answer::Wait { until } => format!("wait until second {}", (until - started).as_secs()),
        };
        writeln!(out, "second {seconds}, {news}: {answer}")?;
    }

    let mut schedule = LongPollSchedule::default();
    let outcomes = [Outcome::News, Outcome::Empty, Outcome::Empty];
    for outcome in outcomes {
        let delay = schedule.next(started, outcome, 0);
        writeln!(out, "after {outcome:?} the client asks again in {delay:?}")?;
    }
    Ok(())
}
