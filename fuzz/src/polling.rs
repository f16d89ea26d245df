//! The fields of polling, read from hostile lines and beside slow readers; and what every schedule promises.

use core::time::Duration;

use tidings_polling::{
    Answer, Backoff, BackoffConfig, EntityTag, IfNoneMatch, LongPollSchedule, MAX_WAIT, Outcome,
    Poll, ShortPollSchedule, if_none_match, prefer_wait, retry_after, without_coding_suffix,
};

use crate::choices::Choices;
use crate::cut::Dice;

/// The rows of the input are the field lines of one name.
pub fn polling_fields(data: &[u8]) {
    let lines: Vec<&[u8]> = data.split(|octet| *octet == b'\n').collect();
    one_tag(data);
    tags(&lines);
    wait(&lines);
    let seconds = retry_after(data);
    assert_eq!(seconds, whole_seconds(data.trim_ascii()));
    schedules(data);
}

fn is_etagc(octet: &u8) -> bool {
    matches!(octet, 0x21 | 0x23..=0x7E | 0x80..)
}

fn one_tag(value: &[u8]) {
    let trimmed = value.trim_ascii();
    let quoted = trimmed.strip_prefix(b"W/").unwrap_or(trimmed);
    let inner = quoted
        .strip_prefix(b"\"")
        .and_then(|rest| rest.strip_suffix(b"\""));
    let legal = inner.filter(|inner| inner.iter().all(is_etagc));
    let legal = legal.and_then(|inner| core::str::from_utf8(inner).ok());
    match EntityTag::parse(value) {
        Ok(tag) => {
            assert_eq!(
                (Some(tag.opaque), tag.weak),
                (legal, quoted.len() < trimmed.len())
            );
            assert_eq!(
                tag.to_string().as_bytes(),
                trimmed,
                "a tag prints as it stood"
            );
            assert!(tag.weak_eq(&tag) && tag.strong_eq(&tag) != tag.weak);
            let short = without_coding_suffix(tag.opaque);
            assert!(tag.opaque.starts_with(short) && tag.opaque.len() - short.len() <= 8);
            let again = EntityTag::weak(short).expect("a part of a tag");
            assert!(if_none_match([again.to_string().as_bytes()]).matches(short));
        }
        Err(_) => assert_eq!(legal, None),
    }
}

/// If-None-Match by the grammar, slowly: elements parted by commas outside quotes, each `*` or one tag.
fn tags(lines: &[&[u8]]) {
    let found = if_none_match(lines.iter().copied());
    let elements: Vec<&[u8]> = lines
        .iter()
        .flat_map(|line| parts(line, b','))
        .map(<[u8]>::trim_ascii)
        .filter(|element| !element.is_empty())
        .collect();
    let is_tag = |element: &&[u8]| {
        let quoted = element.strip_prefix(b"W/").unwrap_or(element);
        let inner = quoted
            .strip_prefix(b"\"")
            .and_then(|rest| rest.strip_suffix(b"\""));
        inner.is_some_and(|inner| inner.iter().all(is_etagc))
    };
    match &found {
        IfNoneMatch::Absent => panic!("there is a line"),
        IfNoneMatch::Any => assert_eq!(elements, [b"*"]),
        IfNoneMatch::Malformed => {
            let any = elements == [b"*"];
            let list = !elements.is_empty() && elements.iter().all(is_tag);
            assert!(!any && !list, "{elements:?} is a list");
        }
        IfNoneMatch::Tags(tags) => {
            assert!(elements.iter().all(is_tag), "{elements:?}");
            assert_eq!(tags.count(), elements.len());
            assert!(tags.iter().count() <= 32, "bounded");
            assert_eq!(
                tags.only().is_some(),
                tags.count() == 1 && tags.iter().count() == 1
            );
            for tag in tags.iter() {
                assert!(found.matches(tag.opaque));
                assert!(found.matches(without_coding_suffix(tag.opaque)));
            }
            // What was read is written and read again as the same.
            let written: Vec<String> = tags.iter().map(ToString::to_string).collect();
            let written = written.join(", ");
            if let IfNoneMatch::Tags(again) = if_none_match([written.as_bytes()]) {
                assert!(again.iter().eq(tags.iter()));
            } else {
                assert!(written.is_empty(), "{written}");
            }
        }
    }
    let joined = lines.join(&b", "[..]);
    assert_eq!(
        if_none_match([&joined[..]]),
        found,
        "lines are one list (RFC 9110 §5.3)"
    );
    assert_eq!(if_none_match([]), IfNoneMatch::Absent);
}

/// The parts of a line; a separator inside quotes does not part. Tags know no backslash, words do.
fn parts(line: &[u8], at: u8) -> Vec<&[u8]> {
    let (mut parts, mut start, mut quoted) = (Vec::new(), 0, false);
    for (index, octet) in line.iter().enumerate() {
        if *octet == b'"' {
            quoted = !quoted;
        } else if *octet == at && !quoted {
            parts.push(&line[start..index]);
            start = index + 1;
        }
    }
    parts.push(&line[start..]);
    parts
}

fn whole_seconds(digits: &[u8]) -> Option<Duration> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = digits.iter().fold(0_u64, |number, digit| {
        number
            .saturating_mul(10)
            .saturating_add(u64::from(digit - b'0'))
    });
    Some(Duration::from_secs(number))
}

/// The first `wait` of Prefer (RFC 7240 §2), where no backslash makes quotes hard to read.
fn wait(lines: &[&[u8]]) {
    let got = prefer_wait(lines.iter().copied());
    if lines.iter().any(|line| line.contains(&b'\\')) {
        return;
    }
    let named = lines
        .iter()
        .flat_map(|line| parts(line, b','))
        .find_map(|preference| {
            let pair = parts(preference, b';')[0];
            let equals = pair
                .iter()
                .position(|octet| *octet == b'=')
                .unwrap_or(pair.len());
            let name = pair[..equals].trim_ascii();
            name.eq_ignore_ascii_case(b"wait")
                .then(|| pair.get(equals + 1..).unwrap_or_default())
        });
    let value = named.unwrap_or_default().trim_ascii();
    let unquoted = value
        .strip_prefix(b"\"")
        .and_then(|rest| rest.strip_suffix(b"\""));
    assert_eq!(got, whole_seconds(unquoted.unwrap_or(value)));
}

/// Times from the input: answers and waits are as they are promised, and nothing overflows.
fn schedules(data: &[u8]) {
    let mut choices = Choices::new(data);
    let mut dice = Dice::of(data);
    let poll = Poll {
        wait: Duration::from_millis(choices.number() >> choices.below(64)),
        started: Duration::from_millis(choices.number() >> choices.below(64)),
        tag_matches: choices.bit(),
    };
    let mut now = Duration::from_millis(choices.number() >> choices.below(64));
    assert_eq!(poll.answer(true, now), Answer::Now);
    match poll.answer(false, now) {
        Answer::Wait { until } => {
            assert!(until > now && until <= poll.started + MAX_WAIT);
            let over = if poll.tag_matches {
                Answer::NotModified
            } else {
                Answer::Empty
            };
            assert_eq!(poll.answer(false, until), over, "a wait ends");
        }
        Answer::NotModified => assert!(poll.tag_matches),
        Answer::Empty => assert!(!poll.tag_matches),
        Answer::Now => panic!("there is no news"),
    }

    let min = Duration::from_millis(choices.number() >> choices.below(64));
    let max = min.saturating_add(Duration::from_millis(u64::from(choices.octet()) << 8));
    let mut short = ShortPollSchedule::adaptive(min, max);
    let mut long = LongPollSchedule::new(min);
    let mut backoff = Backoff::new(BackoffConfig::default());
    let cap = BackoffConfig::default().cap;
    assert!(short.first(dice.next()) <= min);
    let mut at_once = 0;
    for _ in 0..40 {
        if choices.are_over() {
            break;
        }
        let asked = Duration::from_secs(choices.number() >> choices.below(64));
        let outcome = match choices.below(4) {
            0 => Outcome::News,
            1 => Outcome::Empty,
            2 => Outcome::Failed,
            _ => Outcome::Refused { retry_after: asked },
        };
        let waits = [
            short.next(now, outcome, dice.next()),
            long.next(now, outcome, dice.next()),
        ];
        let [short, long] = waits;
        assert!(
            short >= min - min / 10,
            "never faster than asked: {short:?} of {min:?}"
        );
        match outcome {
            Outcome::News => assert_eq!(long, Duration::ZERO),
            Outcome::Empty => {
                // A bucket of two: without time, the third empty answer in a row waits.
                at_once += u32::from(long.is_zero());
                assert!(at_once <= 2 || min.is_zero() || now > Duration::ZERO);
            }
            Outcome::Failed => assert!(long <= cap),
            Outcome::Refused { retry_after } => assert!(short.min(long) >= retry_after),
        }
        assert!(backoff.next(now, dice.next()) <= cap);
        if choices.bit() {
            backoff.good(now);
            now = now.saturating_add(long);
        }
    }
}
