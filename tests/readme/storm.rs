//! A reconnection storm, simulated: the curve and the table of the book's chapter.
//!
//! All readers lose their server at second 0. It is away for 2 s, and takes so many a second from then on. The same
//! seed gives the same storm, so the picture is compared octet for octet; `TIDINGS_DRAW=1` draws it anew.

use core::cmp::Reverse;
use core::fmt::Write as _;
use core::time::Duration;
use std::collections::BinaryHeap;
use std::fs;

use tidings_polling::{Backoff, LongPollSchedule, Outcome};
use tidings_tests::command::workspace;
use tidings_tests::random::Random;

use crate::snippets::read;

const READERS: usize = 10_000;
/// How long the server is away.
const AWAY: Duration = Duration::from_secs(2);
/// Readers that it takes in a second.
const TAKEN_A_SECOND: u32 = 500;
/// Seconds that are drawn.
const DRAWN: usize = 60;
const PICTURE: &str = "docs/book/src/storm.svg";
const CHAPTER: &str = "docs/book/src/storms.md";

/// When a reader comes back.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Plan {
    /// After 1, 2, 4, … 30 s, all at the same time.
    NoJitter,
    /// At random within 1, 2, 4, … 30 s.
    FullJitter,
    /// When the server said, which draws a time from 1 to 30 s for each: before it went, and with each refusal.
    Told,
}

impl Plan {
    const ALL: [Self; 3] = [Self::NoJitter, Self::FullJitter, Self::Told];

    const fn name(self) -> &'static str {
        match self {
            Self::NoJitter => "no jitter",
            Self::FullJitter => "full jitter",
            Self::Told => "told by the server",
        }
    }

    /// Stroke and dashes of its line.
    const fn line(self) -> &'static str {
        match self {
            Self::NoJitter => "stroke=\"#b3261e\" stroke-dasharray=\"2 3\"",
            Self::FullJitter => "stroke=\"#9a6700\" stroke-dasharray=\"8 3\"",
            Self::Told => "stroke=\"#0b6bcb\"",
        }
    }
}

/// Attempts in each second, and when the last reader was back.
struct Storm {
    attempts: Vec<u32>,
    back: Duration,
}

/// A time from 1 to 30 s, as `retry:` and Retry-After are drawn.
fn drawn(dice: &mut Random) -> Duration {
    Duration::from_millis(1000 + dice.below(29_001) as u64)
}

fn storm(plan: Plan) -> Storm {
    let mut dice = Random::new(1);
    let mut readers: Vec<(Backoff, LongPollSchedule)> =
        (0..READERS).map(|_| Default::default()).collect();
    let mut due = BinaryHeap::new();
    let start = Duration::ZERO;
    for (number, (backoff, _)) in readers.iter_mut().enumerate() {
        let wait = match plan {
            Plan::NoJitter => backoff.next(start, u64::MAX),
            Plan::FullJitter => backoff.next(start, dice.number()),
            Plan::Told => drawn(&mut dice),
        };
        due.push(Reverse((wait, number)));
    }
    let (mut attempts, mut taken, mut back) = (Vec::new(), Vec::<u32>::new(), start);
    while let Some(Reverse((now, number))) = due.pop() {
        let second = now.as_secs() as usize;
        attempts.resize(second + 1, 0);
        taken.resize(second + 1, 0);
        attempts[second] += 1;
        let is_back = now >= AWAY;
        if is_back && taken[second] < TAKEN_A_SECOND {
            taken[second] += 1;
            back = now;
            continue;
        }
        let (backoff, schedule) = &mut readers[number];
        let wait = match plan {
            Plan::NoJitter => backoff.next(now, u64::MAX),
            Plan::FullJitter => backoff.next(now, dice.number()),
            Plan::Told if is_back => {
                let retry_after = drawn(&mut dice);
                schedule.next(now, Outcome::Refused { retry_after }, dice.number())
            }
            Plan::Told => schedule.next(now, Outcome::Failed, dice.number()),
        };
        due.push(Reverse((now + wait, number)));
    }
    Storm { attempts, back }
}

/// The height of a number of attempts: a step for each power of ten.
fn height(attempts: u32) -> f64 {
    340.0 - 75.0 * f64::from(attempts.max(1)).log10()
}

fn across(second: usize) -> usize {
    60 + 10 * second
}

fn draw(storms: &[(Plan, Storm)]) -> String {
    let mut svg = String::from(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 700 400\" font-family=\"sans-serif\" font-size=\"13\" \
         role=\"img\">\n<title>Attempts in each second after 10,000 readers lost their server</title>\n\
         <rect width=\"700\" height=\"400\" fill=\"#fff\"/>\n",
    );
    for power in 0..5 {
        let attempts = 10_u32.pow(power);
        let y = height(attempts);
        let _ = writeln!(
            svg,
            "<path d=\"M60 {y:.0}H660\" stroke=\"#ddd\"/><text x=\"52\" y=\"{:.0}\" text-anchor=\"end\">{attempts}</text>",
            y + 4.0
        );
    }
    for second in (0..=DRAWN).step_by(10) {
        let x = across(second);
        let _ = writeln!(
            svg,
            "<text x=\"{x}\" y=\"358\" text-anchor=\"middle\">{second}</text>"
        );
    }
    svg.push_str(
        "<text x=\"360\" y=\"378\" text-anchor=\"middle\">seconds since the server went</text>\n",
    );
    svg.push_str(
        "<text x=\"60\" y=\"20\">attempts in a second, and the 500 that the server takes</text>\n",
    );
    let y = height(TAKEN_A_SECOND);
    let _ = writeln!(
        svg,
        "<path d=\"M60 {y:.0}H660\" stroke=\"#444\" stroke-width=\".7\"/>"
    );
    for (row, (plan, storm)) in storms.iter().enumerate() {
        let mut path = String::new();
        for second in 0..DRAWN {
            let attempts = storm.attempts.get(second).copied().unwrap_or_default();
            let sign = if second == 0 { 'M' } else { 'L' };
            let (x, y) = (across(second), height(attempts));
            let _ = write!(path, "{sign}{x} {y:.0}H{}", across(second + 1));
        }
        let line = plan.line();
        let _ = writeln!(
            svg,
            "<path d=\"{path}\" fill=\"none\" stroke-width=\"2\" {line}/>"
        );
        let y = 40 + 20 * row;
        let _ = writeln!(
            svg,
            "<path d=\"M480 {y}H520\" stroke-width=\"2\" {line}/><text x=\"528\" y=\"{}\">{}</text>",
            y + 4,
            plan.name()
        );
    }
    svg.push_str("</svg>\n");
    svg
}

fn thousands(number: u32) -> String {
    match number {
        0..1000 => number.to_string(),
        _ => format!("{},{:03}", number / 1000, number % 1000),
    }
}

fn storms() -> Vec<(Plan, Storm)> {
    Plan::ALL.map(|plan| (plan, storm(plan))).into()
}

#[test]
fn the_curve_of_the_storm_is_the_one_in_the_book() {
    let svg = draw(&storms());
    if std::env::var_os("TIDINGS_DRAW").is_some() {
        fs::write(workspace().join(PICTURE), &svg).expect("the picture is written");
    }
    assert!(svg == read(PICTURE), "TIDINGS_DRAW=1 draws {PICTURE} anew");
}

#[test]
fn the_figures_of_the_storm_are_those_in_the_book() {
    let chapter = read(CHAPTER);
    let mut missing = Vec::new();
    for (plan, storm) in storms() {
        let most = storm.attempts.iter().max().copied().unwrap_or_default();
        let all: u32 = storm.attempts.iter().sum();
        let row = format!(
            "| {} | {} | {} | {:.0} s |",
            plan.name(),
            thousands(most),
            thousands(all),
            storm.back.as_secs_f64()
        );
        if !chapter.contains(&row) {
            missing.push(row);
        }
    }
    assert!(missing.is_empty(), "{CHAPTER} has no row {missing:#?}");
}

#[test]
fn who_is_told_when_to_come_back_asks_seldom_and_spread() {
    let [(_, none), (_, full), (_, told)] = &storms()[..] else {
        panic!("three plans")
    };
    let most = |storm: &Storm| storm.attempts.iter().max().copied().unwrap_or_default();
    let all = |storm: &Storm| storm.attempts.iter().sum::<u32>();
    assert_eq!(most(none), READERS as u32, "all at the same time");
    assert!(most(full) > READERS as u32, "the first spans are short");
    assert!(most(told) < READERS as u32 / 10, "{}", most(told));
    assert!(
        full.back < none.back / 4,
        "{:?} and {:?}",
        full.back,
        none.back
    );
    assert!(all(told) < all(full) / 4, "{} and {}", all(told), all(full));
}
