//! Times rivals in turn, round by round, and prints what each costs of the first.
//!
//! A machine that does other work too changes its speed from second to second. So a figure here is a
//! ratio of two turns of one round, and what is printed is the median and the range over the rounds.

use std::fmt::Write as _;
use std::time::Duration;

use cpu_time::ThreadTime;

/// One way to do the work.
pub struct Rival<'a> {
    name: &'a str,
    work: Box<dyn FnMut() + 'a>,
}

impl<'a> Rival<'a> {
    /// `work` does the whole work once; what it makes goes through [`std::hint::black_box`].
    pub fn new(name: &'a str, work: impl FnMut() + 'a) -> Self {
        Self {
            name,
            work: Box::new(work),
        }
    }
}

/// How long and how often to measure.
#[derive(Clone, Copy)]
pub struct Plan {
    /// Rounds, each with one turn of every rival. At least 5.
    pub rounds: usize,
    /// CPU time of one turn.
    pub turn: Duration,
}

impl Plan {
    /// Reads `--rounds N` and `--turn MS` from the command line; 7 rounds of 100 ms a turn without.
    ///
    /// # Panics
    ///
    /// Where the value of a flag is no number, or there are fewer than 5 rounds.
    pub fn from_args() -> Self {
        let args: Vec<String> = std::env::args().collect();
        let number = |flag: &str, otherwise: u64| {
            args.iter()
                .position(|arg| arg == flag)
                .map_or(otherwise, |at| {
                    let value = args.get(at + 1).expect("the flag has a value");
                    value.parse().expect("the value is a number")
                })
        };
        let rounds = number("--rounds", 7) as usize;
        assert!(rounds >= 5, "a range needs at least 5 rounds");
        Self {
            rounds,
            turn: Duration::from_millis(number("--turn", 100)),
        }
    }
}

/// The median, the least and the greatest of a figure over the rounds.
#[derive(Clone, Copy, Debug)]
pub struct Spread {
    pub median: f64,
    pub least: f64,
    pub most: f64,
}

impl Spread {
    fn of(mut figures: Vec<f64>) -> Self {
        figures.sort_by(f64::total_cmp);
        Self {
            median: figures[figures.len() / 2],
            least: figures[0],
            most: figures[figures.len() - 1],
        }
    }
}

/// What one rival cost.
#[derive(Clone, Debug)]
pub struct Cost {
    pub name: String,
    /// Nanoseconds of CPU time for one unit.
    pub nanoseconds: Spread,
    /// Of the first rival's in the same round.
    pub ratio: Spread,
}

/// Runs the rivals in turn and prints the table as Markdown. One call of a rival's work does `units` units,
/// called `unit` in the table ("octet", "request").
///
/// # Panics
///
/// Where there is no rival or no unit.
pub fn compare(
    title: &str,
    unit: &str,
    units: u64,
    plan: Plan,
    rivals: &mut [Rival<'_>],
) -> Vec<Cost> {
    assert!(!rivals.is_empty() && units > 0, "nothing to measure");
    let calls: Vec<u64> = rivals
        .iter_mut()
        .map(|rival| calls_in(plan.turn, &mut rival.work))
        .collect();
    let mut turns: Vec<Vec<f64>> = vec![Vec::new(); rivals.len()];
    for round in 0..plan.rounds {
        for step in 0..rivals.len() {
            // Each round begins with another rival, so that none always runs after the same one.
            let which = (round + step) % rivals.len();
            let begun = ThreadTime::now();
            for _ in 0..calls[which] {
                (rivals[which].work)();
            }
            let done = (calls[which] * units) as f64;
            turns[which].push(begun.elapsed().as_nanos() as f64 / done);
        }
    }
    let costs: Vec<Cost> = rivals
        .iter()
        .zip(&turns)
        .map(|(rival, figures)| Cost {
            name: rival.name.to_owned(),
            nanoseconds: Spread::of(figures.clone()),
            ratio: Spread::of(
                figures
                    .iter()
                    .zip(&turns[0])
                    .map(|(own, first)| own / first)
                    .collect(),
            ),
        })
        .collect();
    println!("{}", table(title, unit, plan, &costs));
    costs
}

fn calls_in(turn: Duration, work: &mut dyn FnMut()) -> u64 {
    let mut calls = 1;
    loop {
        let begun = ThreadTime::now();
        for _ in 0..calls {
            work();
        }
        let took = begun.elapsed();
        if took >= turn / 4 {
            let whole = turn.as_nanos() as f64 / took.as_nanos().max(1) as f64 * calls as f64;
            return (whole as u64).max(1);
        }
        calls *= 2;
    }
}

fn table(title: &str, unit: &str, plan: Plan, costs: &[Cost]) -> String {
    let mut text = format!(
        "### {title}\n\n{} rounds, ns of CPU for one {unit}: median (range).\n\n| | ns | of the first |\n|---|--:|--:|\n",
        plan.rounds
    );
    for Cost {
        name,
        nanoseconds,
        ratio,
    } in costs
    {
        let digits = if nanoseconds.median < 100.0 { 2 } else { 0 };
        let _ = writeln!(
            text,
            "| {name} | {:.digits$} ({:.digits$}–{:.digits$}) | {:.2} ({:.2}–{:.2}) |",
            nanoseconds.median,
            nanoseconds.least,
            nanoseconds.most,
            ratio.median,
            ratio.least,
            ratio.most
        );
    }
    text
}
