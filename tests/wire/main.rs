//! The wire contract, by raw octets: what is asked well is answered as written, what is asked badly is told
//! what was wrong, and the next client is served.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::type_complexity,
    clippy::cast_possible_truncation,
    reason = "tests: what is not as written fails the test at hand"
)]

mod access;
mod bench;
mod commands;
mod compare;
mod delete;
mod diagrams;
mod gaps;
mod heads;
mod kinds;
mod long_polls;
mod many;
mod names;
mod origins;
mod overload;
mod polls;
mod publish;
mod sessions;
mod slow;
mod smuggling;
mod start;
mod stop;
mod streams;
mod subscribe;
mod upkeep;
mod websockets;

use serde_json::Value;
use tidings_tests::http::head;
use tidings_tests::{Answer, Server};

/// A position that this server never gave.
const STRANGE: &str = "0123456789abcdef.7";

/// Publishes `texts` on one connection, many requests a write: the positions.
fn publish_all(server: &Server, channel: &str, texts: &[String]) -> Vec<String> {
    let mut connection = server.connect();
    let target = format!("/channels/{channel}");
    let mut ids = Vec::new();
    for group in texts.chunks(100) {
        let mut octets = Vec::new();
        for text in group {
            let head = head(server.address(), "POST", &target, &[], text.len());
            octets.extend_from_slice(head.as_bytes());
            octets.extend_from_slice(text.as_bytes());
        }
        connection.send(&octets);
        for _ in group {
            let answer = connection.answer();
            assert_eq!(answer.status, 200, "{answer:?}");
            ids.push(answer.json()["id"].as_str().unwrap().to_owned());
        }
    }
    ids
}

/// Publishes `count` numbered messages: the positions.
fn publish_numbers(server: &Server, channel: &str, count: usize) -> Vec<String> {
    let texts: Vec<String> = (1..=count).map(|number| format!("m{number}")).collect();
    publish_all(server, channel, &texts)
}

/// Reads all that is kept, page by page, from the answer at hand: the gap of the first page, and the data.
fn read_on(server: &Server, channel: &str, first: Answer) -> (Option<Value>, Vec<String>) {
    let gap = first.json().get("gap").cloned();
    let (mut page, mut data) = (first, Vec::new());
    loop {
        data.extend(page.data());
        if page.json()["more"] == false {
            return (gap, data);
        }
        page = server.get(&format!("/channels/{channel}?after={}", page.position()));
        assert!(
            page.json().get("gap").is_none(),
            "one loss is told once: {page:?}"
        );
    }
}

/// Gives the part of a position before the point.
fn epoch(position: &str) -> &str {
    position.split_once('.').expect("EPOCH.OFFSET").0
}

/// Gives the part of a position behind the point.
fn offset(position: &str) -> u64 {
    position
        .split_once('.')
        .expect("EPOCH.OFFSET")
        .1
        .parse()
        .expect("an offset")
}
