//! One text to 1,000 subscribers that agreed on permessage-deflate without context takeover, beside Node's `ws`.
//!
//! Both write to memory: what is compared is making the frames, not the kernel.

use std::hint::black_box;
use std::io::Write as _;
use std::process::Command;
use std::time::Duration;

use paired::Plan;
use tidings_websocket::{Accepted, Config, Connection, DeflateOptions, Server, SharedFrame};

use crate::wire::Wire;

const SUBSCRIBERS: usize = 1000;
/// As zlib's own and that of `ws`.
const LEVEL: u8 = 6;
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../node/broadcast.mjs");

pub fn run(plan: Plan) {
    println!(
        "### Broadcast to {SUBSCRIBERS} with deflate\n\n{} rounds, us of CPU for one broadcast: median (range).\n",
        plan.rounds
    );
    println!(
        "| | `tidings-websocket` | `ws` | times as much | octets each |\n|---|--:|--:|--:|--:|"
    );
    for len in [256, 1024, 16 << 10] {
        let text = orders(len);
        let mut rounds: Vec<[f64; 3]> = (0..plan.rounds)
            .map(|round| {
                // Each is first in every other round.
                let first = (round % 2 == 0).then(|| ours(&text, plan.turn));
                let (theirs, their_octets) = node(&text, plan.turn);
                let (ours, octets) = first.unwrap_or_else(|| ours(&text, plan.turn));
                let near = octets.abs_diff(their_octets) * 10 <= octets;
                assert!(near, "{octets} and {their_octets} octets");
                [ours / 1e3, theirs / 1e3, theirs / ours]
            })
            .collect();
        let mut spread = |which: usize, digits: usize| {
            rounds.sort_by(|a, b| a[which].total_cmp(&b[which]));
            let at = |place: usize| rounds[place][which];
            let (least, median, most) = (at(0), at(rounds.len() / 2), at(rounds.len() - 1));
            format!("{median:.digits$} ({least:.digits$}–{most:.digits$})")
        };
        let (ours, theirs, times) = (spread(0, 1), spread(1, 0), spread(2, 0));
        let (_, octets) = self::ours(&text, Duration::ZERO);
        let each = octets / SUBSCRIBERS;
        println!("| {len} B | {ours} | {theirs} | {times} | {each} |");
    }
    println!();
}

/// JSON whose numbers differ, so that it compresses as such messages do.
fn orders(len: usize) -> String {
    let mut text = String::new();
    let mut number = 1_u32;
    while text.len() < len {
        number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let (id, price, side) = (number >> 12, number % 9973, number >> 31);
        text += &format!(
            r#"{{"id":{id},"price":{price},"side":"{}"}},"#,
            ["buy", "sell"][side as usize]
        );
    }
    text.truncate(len);
    text
}

/// Nanoseconds of CPU for one broadcast, and its octets.
fn ours(text: &str, turn: Duration) -> (f64, usize) {
    let options = DeflateOptions::default();
    let agreed = accepted(options).deflate();
    let now = Duration::ZERO;
    let connect = || Connection::<Server>::with_deflate(Config::default(), agreed.as_ref(), now);
    let mut peers: Vec<_> = (0..SUBSCRIBERS)
        .map(|_| (connect(), Wire::writing(text.len() + 14)))
        .collect();
    let begun = cpu_time::ThreadTime::now();
    let mut count = 0;
    loop {
        let mut octets = 0;
        let frame = SharedFrame::text_deflated(text, LEVEL);
        for (connection, wire) in &mut peers {
            if connection.may_send() {
                octets += wire.write(connection.shared(&frame)).expect("written");
            }
        }
        black_box(&mut peers);
        count += 1;
        let took = begun.elapsed();
        if took >= turn {
            return (took.as_nanos() as f64 / f64::from(count), octets);
        }
    }
}

fn accepted(options: DeflateOptions) -> Accepted {
    let fields = [
        ("Host", &b"a"[..]),
        ("Connection", b"Upgrade"),
        ("Upgrade", b"websocket"),
        ("Sec-WebSocket-Version", b"13"),
        ("Sec-WebSocket-Key", b"dGhlIHNhbXBsZSBub25jZQ=="),
        ("Sec-WebSocket-Extensions", b"permessage-deflate"),
    ];
    let accepted = tidings_websocket::accept("GET", (1, 1), fields.into_iter(), &[]);
    accepted
        .expect("a handshake")
        .with_deflate(options, fields.into_iter())
}

fn node(text: &str, turn: Duration) -> (f64, usize) {
    // Long enough for its compiler to have seen the loop.
    let turn = (turn * 10).as_millis().to_string();
    let output = Command::new("node")
        .args([SCRIPT, text, &SUBSCRIBERS.to_string(), &turn])
        .output()
        .expect("node runs");
    let (output, errors) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    let mut figures = output
        .split_whitespace()
        .map(|figure| figure.parse().expect("a number"));
    match (figures.next(), figures.next()) {
        (Some(cpu), Some(octets)) => (cpu, octets as usize),
        _ => panic!("tests/peers/install.sh brings `ws`: {errors}"),
    }
}
