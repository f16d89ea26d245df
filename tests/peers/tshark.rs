//! tshark, beside the readers of `compare`: both count the same octets.

use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::collections::{HashMap, HashSet};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread::sleep;

use serde_json::Value;
use tidings_tests::{Server, command, peer};

#[test]
fn compare_counts_the_octets_that_tshark_sees() {
    let Some(tshark) = peer::program("tshark") else {
        return;
    };
    let server = Server::start(&[]);
    let port = server.address().port();
    let mut capture = Command::new(tshark)
        .args([
            "-i",
            "lo",
            "-n",
            "-l",
            "-B",
            "64",
            "-f",
            &format!("tcp port {port}"),
        ])
        .args([
            "-d",
            &format!("tcp.port=={port},http"),
            "-T",
            "fields",
            "-E",
            "separator=,",
        ])
        .args(["-e", "tcp.stream", "-e", "tcp.len"])
        .args([
            "-e",
            "tcp.srcport",
            "-e",
            "tcp.seq",
            "-e",
            "http.request.method",
        ])
        .args(["-e", "http.request.uri"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(capture.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("Capturing") {
        line.clear();
        assert!(
            said.read_line(&mut line).unwrap() > 0,
            "tshark cannot capture on lo (is this root?)"
        );
    }
    let stdout = BufReader::new(capture.stdout.take().unwrap());
    let seen = Arc::new(AtomicBool::new(false));
    let reading = {
        let seen = Arc::clone(&seen);
        std::thread::spawn(move || {
            let mut text = String::new();
            for line in stdout.lines() {
                text.push_str(&line.unwrap());
                text.push('\n');
                seen.store(true, Ordering::Relaxed);
            }
            text
        })
    };
    // It says that it captures a while before it does.
    while !seen.load(Ordering::Relaxed) {
        assert_eq!(server.get("/healthz").status, 200);
        sleep(Duration::from_millis(100));
    }

    let root = server.url("");
    let load = [
        "--subscribers",
        "5",
        "--seconds",
        "2",
        "--rate",
        "50",
        "--rtt",
        "0",
        "--json",
    ];
    let (code, out, error) = command::run(
        &[&["compare", &root], &load[..]].concat(),
        Duration::from_secs(60),
    );
    assert_eq!(code, Some(0), "{error}");
    // What was captured is still on its way through tshark's buffers.
    sleep(Duration::from_secs(2));
    let interrupted = Command::new("kill")
        .args(["-INT", &capture.id().to_string()])
        .status();
    assert!(interrupted.unwrap().success());
    let text = reading.join().unwrap();
    capture.wait().unwrap();

    // The first request of a connection says whose it is.
    let mut owners: HashMap<&str, String> = HashMap::new();
    let mut octets: HashMap<&str, u64> = HashMap::new();
    let mut seen_at = HashSet::new();
    for line in text.lines() {
        let cells: Vec<&str> = line.split(',').collect();
        let [stream, len, source, sequence, method, uri] = cells[..] else {
            panic!("{line}");
        };
        if !method.is_empty() {
            owners
                .entry(stream)
                .or_insert_with(|| format!("{method} {uri}"));
        }
        // What is sent again has the same place, and counts once.
        if seen_at.insert((stream, source, sequence, len)) {
            *octets.entry(stream).or_default() += len.parse::<u64>().unwrap_or(0);
        }
    }
    for found in serde_json::from_str::<Vec<Value>>(&out).unwrap() {
        let via = found["via"].as_str().unwrap();
        let mut seen = 0;
        for (stream, owner) in &owners {
            let path = owner.split(['?', ' ']).nth(1).unwrap();
            if owner.starts_with("GET") && path.ends_with(&format!("-{via}")) {
                seen += octets[stream];
            }
        }
        let count = |name: &str| found[name].as_u64().unwrap();
        let counted = count("octets_up_in_all") + count("octets_down_in_all");
        let apart = counted.abs_diff(seen) as f64 / seen as f64;
        assert!(
            seen > 0 && apart < 0.01,
            "{via}: {counted} counted, tshark saw {seen}"
        );
    }
}
