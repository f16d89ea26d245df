//! Long polling: the wait, what ends it, and what was granted.

use core::time::Duration;
use std::time::Instant;

use tidings_tests::Server;

#[test]
fn a_message_ends_the_wait_at_once() {
    let server = Server::start(&[]);
    let position = server.get("/channels/a").position();
    let rows: [(&str, String, &[(&str, &str)], Option<&str>); 4] = [
        ("?wait", "?wait=30".into(), &[], None),
        (
            "Prefer",
            String::new(),
            &[("Prefer", "wait=30")],
            Some("wait=30"),
        ),
        (
            "Prefer, capped",
            String::new(),
            &[("Prefer", "wait=300")],
            Some("wait=55"),
        ),
        (
            "Prefer among others",
            String::new(),
            &[("Prefer", "respond-async, wait=30")],
            Some("wait=30"),
        ),
    ];
    let mut after = position;
    for (name, query, fields, granted) in rows {
        let mut connection = server.connect();
        let tag = format!("\"{after}\"");
        let fields = [fields, &[("If-None-Match", tag.as_str())]].concat();
        connection.ask("GET", &format!("/channels/a{query}"), &fields, b"");
        assert!(
            connection.silent(Duration::from_millis(200)),
            "{name}: it is held"
        );
        let id = server.publish("a", name);
        let start = Instant::now();
        let answer = connection.answer();
        assert!(start.elapsed() < Duration::from_secs(2), "{name}: late");
        assert_eq!(answer.data(), [name]);
        assert_eq!(answer.position(), id, "{name}");
        assert_eq!(
            answer.field("preference-applied"),
            granted,
            "{name}: {answer:?}"
        );
        answer.assert_channel_fields(name);
        after = id;
    }
}

#[test]
fn a_wait_that_ends_gives_304_to_who_holds_the_tag_else_an_empty_200() {
    let server = Server::start(&[]);
    let id = server.publish("a", "m1");
    let tag = format!("\"{id}\"");
    let rows: [(&str, &str, &[(&str, &str)], u16); 3] = [
        ("a tag", "?wait=1", &[("If-None-Match", &tag)], 304),
        ("no tag", "?wait=1", &[], 200),
        (
            "Prefer and a tag",
            "",
            &[("Prefer", "wait=1"), ("If-None-Match", &tag)],
            304,
        ),
    ];
    let mut connections = Vec::new();
    let start = Instant::now();
    for (name, query, fields, status) in rows {
        let mut connection = server.connect();
        connection.ask("GET", &format!("/channels/a{query}"), fields, b"");
        connections.push((name, status, connection));
    }
    for (name, status, mut connection) in connections {
        let answer = connection.answer();
        assert_eq!(answer.status, status, "{name}: {answer:?}");
        assert_eq!(answer.field("etag"), Some(tag.as_str()), "{name}");
        if name.starts_with("Prefer") {
            assert_eq!(answer.field("preference-applied"), Some("wait=1"), "{name}");
        }
        if status == 200 {
            assert!(answer.data().is_empty(), "{name}");
        }
        let waited = start.elapsed();
        assert!(
            (900..4000).contains(&waited.as_millis()),
            "{name}: waited {waited:?}"
        );
        // The connection is of use for the next poll.
        assert_eq!(
            connection.request("GET", "/healthz", &[], b"").status,
            200,
            "{name}"
        );
    }
}

#[test]
fn what_is_no_wait_is_a_short_poll() {
    let server = Server::start(&[]);
    let fields = [
        "wait=0",
        "wait=x",
        "wait",
        "wait=",
        "wait=-1",
        "wait=1.5",
        "respond-async",
        ";;,=",
        "",
    ];
    let start = Instant::now();
    for prefer in fields {
        let answer = server.ask("GET", "/channels/a", &[("Prefer", prefer)], b"");
        assert_eq!(answer.status, 200, "Prefer: {prefer}");
        assert!(answer.data().is_empty(), "Prefer: {prefer}");
        assert_eq!(answer.field("preference-applied"), None, "Prefer: {prefer}");
    }
    assert_eq!(server.get("/channels/a?wait=0").status, 200);
    assert!(start.elapsed() < Duration::from_secs(3), "nothing waits");
}

#[test]
fn messages_that_are_there_are_given_without_a_wait() {
    let server = Server::start(&[]);
    server.publish("a", "m1");
    let start = Instant::now();
    let fields = [("Prefer", "wait=30")];
    let answer = server.ask("GET", "/channels/a?from=earliest", &fields, b"");
    assert_eq!(answer.data(), ["m1"]);
    assert_eq!(answer.field("preference-applied"), Some("wait=30"));
    let answer = server.ask(
        "GET",
        &format!("/channels/a?after={}", crate::STRANGE),
        &fields,
        b"",
    );
    assert_eq!(
        answer.json()["gap"]["reason"],
        "epoch",
        "a gap is told without a wait"
    );
    assert!(start.elapsed() < Duration::from_secs(2));
}

#[test]
fn every_waiting_poll_gets_the_message() {
    let server = Server::start(&[]);
    let position = server.get("/channels/a").position();
    let mut waiting: Vec<_> = (0..20)
        .map(|_| {
            let mut connection = server.connect();
            connection.ask(
                "GET",
                &format!("/channels/a?after={position}&wait=30"),
                &[],
                b"",
            );
            connection
        })
        .collect();
    std::thread::sleep(Duration::from_millis(100));
    server.publish("a", "to all");
    for connection in &mut waiting {
        assert_eq!(connection.answer().data(), ["to all"]);
    }
}

#[test]
fn a_reader_that_goes_away_is_let_go() {
    let server = Server::start(&[]);
    server.publish("a", "m1");
    for _ in 0..3 {
        server.connect().ask("GET", "/channels/a?wait=50", &[], b"");
    }
    let waiting =
        |server: &Server| server.get("/channels/a/info").json()["subscribers"]["long_poll"].clone();
    let start = Instant::now();
    while waiting(&server) != 0 {
        assert!(
            start.elapsed() < Duration::from_secs(3),
            "long polls of closed connections stay"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}
