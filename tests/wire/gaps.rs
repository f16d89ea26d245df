//! A loss is always told, with its exact range, on every transport.

use serde_json::{Value, json};
use tidings_tests::{EventStream, Server, WebSocket};

use crate::{STRANGE, offset, publish_numbers, read_on};

/// Asks every transport to go on after `asked`: each must tell `want` and then give `data`.
fn assert_gap_everywhere(server: &Server, asked: &str, want: &Value, data: &[String]) {
    let target = format!("/channels/a?after={asked}");
    let next = want["next"].as_str().unwrap();

    let (gap, got) = read_on(server, "a", server.get(&target));
    assert_eq!(
        (gap.as_ref(), got.as_slice()),
        (Some(want), data),
        "short poll"
    );

    let first = server.ask("GET", &target, &[("Prefer", "wait=30")], b"");
    let (gap, got) = read_on(server, "a", first);
    assert_eq!(
        (gap.as_ref(), got.as_slice()),
        (Some(want), data),
        "long poll"
    );

    let tag = format!("\"{asked}\"");
    let first = server.ask("GET", "/channels/a", &[("If-None-Match", &tag)], b"");
    let (gap, got) = read_on(server, "a", first);
    assert_eq!(
        (gap.as_ref(), got.as_slice()),
        (Some(want), data),
        "If-None-Match"
    );

    let mut stream = EventStream::start(server, "/channels/a", &[("Last-Event-ID", asked)]).0;
    let event = stream.event().unwrap();
    assert_eq!(event.event.as_deref(), Some("tidings.gap"), "SSE");
    assert_eq!(event.id.as_deref(), Some(next), "SSE");
    assert_eq!(
        serde_json::from_str::<Value>(&event.data.unwrap()).unwrap(),
        *want,
        "SSE"
    );
    for text in data {
        assert_eq!(stream.event().unwrap().data.as_ref(), Some(text), "SSE");
    }

    let mut socket = WebSocket::envelopes(server, &target).0;
    assert_eq!(socket.json(), json!({"gap": want}), "tidings.v1");
    for text in data {
        assert_eq!(socket.json()["data"], text.as_str(), "tidings.v1");
    }

    let (code, reason) = WebSocket::bare(server, &target).closed();
    let (word, position) = reason.split_once(" after=").expect("WORD after=P");
    assert_eq!((code, position), (4001, next), "bare WebSocket");
    assert!(
        !word.is_empty() && !word.contains(' '),
        "bare WebSocket: {reason}"
    );

    let mut skipping = WebSocket::bare(server, &format!("{target}&gap=skip"));
    for text in data {
        assert_eq!(skipping.text(), *text, "bare WebSocket that skips");
    }
}

fn numbers(range: core::ops::RangeInclusive<u64>) -> Vec<String> {
    range.map(|number| format!("m{number}")).collect()
}

#[test]
fn what_was_trimmed_is_told_with_its_range() {
    let server = Server::start(&["--history", "5"]);
    let ids = publish_numbers(&server, "a", 12);
    let want = json!({"reason": "trimmed", "asked": ids[1], "first": 3, "last": 7, "next": ids[6]});
    assert_gap_everywhere(&server, &ids[1], &want, &numbers(8..=12));
    // At the edge of what is kept nothing was lost.
    let answer = server.get(&format!("/channels/a?after={}", ids[6]));
    assert_eq!(
        (answer.json().get("gap"), answer.data()),
        (None, numbers(8..=12))
    );
    let answer = server.get(&format!("/channels/a?after={}", ids[5]));
    assert_eq!(
        answer.json()["gap"]["first"],
        answer.json()["gap"]["last"],
        "one message lost"
    );
}

#[test]
fn a_position_of_another_epoch_is_told() {
    let server = Server::start(&["--history", "5"]);
    let ids = publish_numbers(&server, "a", 12);
    let want =
        json!({"reason": "epoch", "asked": STRANGE, "first": null, "last": null, "next": ids[6]});
    assert_gap_everywhere(&server, STRANGE, &want, &numbers(8..=12));
}

#[test]
fn a_position_of_the_future_is_told() {
    let server = Server::start(&["--history", "5"]);
    let ids = publish_numbers(&server, "a", 12);
    let asked = format!("{}.13", crate::epoch(&ids[0]));
    let want =
        json!({"reason": "future", "asked": asked, "first": null, "last": null, "next": ids[6]});
    assert_gap_everywhere(&server, &asked, &want, &numbers(8..=12));
    let asked = format!("{}.18446744073709551615", crate::epoch(&ids[0]));
    let want =
        json!({"reason": "future", "asked": asked, "first": null, "last": null, "next": ids[6]});
    assert_gap_everywhere(&server, &asked, &want, &numbers(8..=12));
}

#[test]
fn a_gap_on_an_empty_channel_is_told_too() {
    let server = Server::start(&[]);
    let position = server.get("/channels/a").position();
    let want =
        json!({"reason": "epoch", "asked": STRANGE, "first": null, "last": null, "next": position});
    assert_gap_everywhere(&server, STRANGE, &want, &[]);
}

#[test]
fn what_aged_out_is_told_and_a_quiet_reader_at_the_top_is_told_nothing() {
    let server = Server::start(&["--history-age", "1"]);
    let ids = publish_numbers(&server, "a", 3);
    let start = std::time::Instant::now();
    let aged = loop {
        let answer = server.get(&format!("/channels/a?after={}", ids[0]));
        if answer.json().get("gap").is_some() {
            break answer;
        }
        assert!(
            start.elapsed().as_secs() < 6,
            "messages older than 1 s are kept: {answer:?}"
        );
        std::thread::sleep(core::time::Duration::from_millis(100));
    };
    let want = json!({"reason": "trimmed", "asked": ids[0], "first": 2, "last": 3, "next": ids[2]});
    assert_eq!(aged.json()["gap"], want);
    let answer = server.get(&format!("/channels/a?after={}", ids[2]));
    assert_eq!(
        (answer.json().get("gap"), answer.position()),
        (None, ids[2].clone())
    );
    let id = server.publish("a", "m4");
    assert_eq!(offset(&id), 4, "the offset outlives the messages");
    assert_eq!(
        server.get(&format!("/channels/a?after={}", ids[2])).data(),
        ["m4"]
    );
}

#[test]
fn a_restart_is_told_as_another_epoch() {
    let first = Server::start(&[]);
    let id = first.publish("a", "m1");
    drop(first);
    let second = Server::start(&[]);
    let new = second.publish("a", "n1");
    assert_ne!(crate::epoch(&id), crate::epoch(&new));
    let (gap, data) = read_on(&second, "a", second.get(&format!("/channels/a?after={id}")));
    assert_eq!(gap.unwrap()["reason"], "epoch");
    assert_eq!(data, ["n1"]);
}
