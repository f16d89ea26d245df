//! The command `compare`: what the table of the four says is what is measured.

use core::time::Duration;
use std::fs;

use serde_json::Value;
use tidings_tests::{Server, command};

const LIMIT: Duration = Duration::from_secs(60);

fn compare(arguments: &[&str]) -> Vec<Value> {
    let (code, out, said) = command::run(&[&["compare", "--json"], arguments].concat(), LIMIT);
    assert_eq!(code, Some(0), "{arguments:?}: {said}");
    serde_json::from_str(&out).unwrap()
}

fn number(value: &Value, name: &str) -> f64 {
    value[name]
        .as_f64()
        .unwrap_or_else(|| panic!("{name} in {value}"))
}

#[test]
fn the_medians_stand_in_the_order_of_the_table() {
    let load = ["--subscribers", "4", "--seconds", "2", "--rtt", "80"];
    let found = compare(&load);
    let names: Vec<_> = found
        .iter()
        .map(|one| one["via"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["short-poll", "long-poll", "sse", "websocket"]);
    let median = |at: usize| found[at]["latency"]["p50_us"].as_f64().unwrap() / 1000.0;
    let medians = [median(0), median(1), median(2), median(3)];
    assert!(
        medians[0] > medians[1] && medians[1] > medians[2],
        "{medians:?}"
    );
    // Half of the round trip, and what the machine adds.
    assert!(
        medians[3] >= 40.0 && (medians[2] - medians[3]).abs() < 20.0,
        "{medians:?}"
    );
    for one in &found {
        assert_eq!(
            (&one["lost"], &one["doubled"]),
            (&0.into(), &0.into()),
            "{one}"
        );
        assert_eq!(one["deliveries"], 160, "{one}");
    }
    let overhead = |at: usize| number(&found[at], "overhead_per_delivery");
    assert!(overhead(3) < 8.0, "{}", overhead(3));
    assert!(
        overhead(2) > overhead(3) && overhead(1) > overhead(2),
        "{found:?}"
    );
    assert!(number(&found[1], "requests_per_delivery") > 0.2);
    assert_eq!(number(&found[2], "requests_per_delivery"), 0.0);
}

#[test]
fn a_slow_rate_makes_empty_answers_of_short_polls_only() {
    let load = [
        "--subscribers",
        "2",
        "--seconds",
        "2",
        "--rate",
        "1",
        "--interval",
        "100",
        "--rtt",
        "0",
    ];
    let found = compare(&load);
    assert!(number(&found[0], "empty_answers") > 10.0, "{}", found[0]);
    assert!(
        number(&found[0], "overhead_per_delivery") > number(&found[1], "overhead_per_delivery")
    );
    for one in &found[1..] {
        assert_eq!(number(one, "empty_answers"), 0.0, "{one}");
        assert_eq!(one["connections_held"], 2, "{one}");
    }
    assert_eq!(found[0]["connections_held"], 0);
}

#[test]
fn troubles_of_the_way_come_out_as_figures() {
    let load = ["--subscribers", "2", "--seconds", "1", "--rtt", "0"];
    let found = compare(&[&load[..], &["--path", "no-upgrade"]].concat());
    assert!(
        found[3]["failed"].as_str().unwrap().contains("status 200"),
        "{}",
        found[3]
    );
    assert_eq!(found[2]["lost"], 0);

    let found = compare(&[&load[..], &["--path", "buffering"]].concat());
    assert!(found[2]["failed"].is_string(), "{}", found[2]);
    assert_eq!(
        (&found[1]["lost"], &found[3]["lost"]),
        (&0.into(), &0.into())
    );

    let found = compare(&[&load[..], &["--path", "two-servers"]].concat());
    assert!(
        found[3]["failed"].as_str().unwrap().starts_with("1 of 2"),
        "{}",
        found[3]
    );

    // Cut three times a second, and nothing is lost: each comes back at its position.
    let found = compare(&[
        "--subscribers",
        "3",
        "--seconds",
        "2",
        "--rtt",
        "0",
        "--cut",
        "0.3",
    ]);
    for one in &found {
        assert_eq!(
            (&one["lost"], &one["doubled"]),
            (&0.into(), &0.into()),
            "{one}"
        );
    }
}

#[test]
fn the_table_is_text_csv_and_a_picture() {
    let server = Server::start(&[]);
    let root = server.url("");
    let file = std::env::temp_dir().join(format!("tidings-compare-{}.svg", std::process::id()));
    let path = file.to_str().unwrap();
    let load = [
        "compare",
        &root,
        "--subscribers",
        "2",
        "--seconds",
        "1",
        "--rtt",
        "0",
    ];
    let (code, text, said) = command::run(&[&load[..], &["--plot", path]].concat(), LIMIT);
    assert_eq!(code, Some(0), "{said}");
    for word in [
        "short-poll",
        "the table says",
        "high: agrees",
        "best for",
        "chat: ",
    ] {
        assert!(text.contains(word), "{word} in {text}");
    }
    let picture = fs::read_to_string(&file).unwrap();
    fs::remove_file(&file).unwrap();
    assert!(
        picture.starts_with("<svg") && picture.contains("websocket"),
        "{picture}"
    );

    let (code, text, said) = command::run(&[&load[..], &["--csv"]].concat(), LIMIT);
    assert_eq!(code, Some(0), "{said}");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 5, "{text}");
    assert!(
        lines[0].starts_with("via,rtt_ms,deliveries,p50_us"),
        "{text}"
    );
    for line in &lines {
        assert_eq!(line.split(',').count(), 14, "{line}");
    }
}
