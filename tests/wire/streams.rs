//! Server-Sent Events: the first block, the octets of an event, HTTP/1.0.

use core::time::Duration;
use std::collections::BTreeSet;

use tidings_tests::{EventStream, Server};

#[test]
fn a_stream_begins_at_once_with_retry_and_the_position() {
    let server = Server::start(&[]);
    let id = server.publish("a", "m1");
    let mut retries = BTreeSet::new();
    for _ in 0..20 {
        let mut stream = EventStream::open(&server, "/channels/a", &[]);
        let first = stream.block().unwrap();
        assert_eq!(first.id.as_deref(), Some(id.as_str()), "{first:?}");
        assert_eq!(
            (&first.data, &first.event),
            (&None, &None),
            "it dispatches nothing: {first:?}"
        );
        let retry = first.retry.expect("a retry");
        assert!((1000..=5000).contains(&retry), "{retry}");
        retries.insert(retry);
    }
    assert!(
        retries.len() > 5,
        "each connection has its own: {retries:?}"
    );
}

#[test]
fn the_head_of_a_stream_keeps_caches_and_buffers_away() {
    let server = Server::start(&[]);
    let stream = EventStream::open(&server, "/channels/a", &[]);
    stream.head.assert_channel_fields("a stream");
    assert_eq!(stream.head.field("content-type"), Some("text/event-stream"));
    assert_eq!(stream.head.field("x-accel-buffering"), Some("no"));
    assert_eq!(stream.head.field("transfer-encoding"), Some("chunked"));
    assert_eq!(stream.head.field("content-length"), None);
    assert_eq!(stream.head.field("content-encoding"), None);
}

#[test]
fn one_event_is_one_chunk() {
    let server = Server::start(&[]);
    let mut stream = EventStream::start(&server, "/channels/a", &[]).0;
    let rows = [
        ("", "text", "data: text\n\n"),
        ("?event=price", "a\nb", "event: price\ndata: a\ndata: b\n\n"),
        ("", "a\n", "data: a\ndata: \n\n"),
        ("", " lead", "data:  lead\n\n"),
        ("", "", "data: \n\n"),
    ];
    for (query, text, want) in rows {
        let id = server.publish_to(&format!("/channels/a{query}"), &[], text.as_bytes());
        let chunk = stream.connection.chunk().expect("a chunk");
        let got = String::from_utf8(chunk).unwrap();
        // An empty value may stand with or without the space.
        let normal = |text: &str| text.replace("data: \n", "data:\n");
        assert_eq!(
            normal(&got),
            normal(&format!("id: {id}\n{want}")),
            "{text:?}"
        );
    }
}

#[test]
fn what_is_kept_comes_first_and_then_what_is_live() {
    let server = Server::start(&[]);
    let mut ids = crate::publish_numbers(&server, "a", 300);
    let mut stream = EventStream::start(&server, "/channels/a?from=earliest", &[]).0;
    ids.push(server.publish("a", "m301"));
    for (number, id) in ids.iter().enumerate() {
        let event = stream.event().unwrap();
        assert_eq!(event.id.as_ref(), Some(id));
        assert_eq!(event.data, Some(format!("m{}", number + 1)));
    }
}

#[test]
fn http_1_0_gets_a_stream_that_is_not_chunked_and_ends_by_close() {
    let server = Server::start(&[]);
    for keep in ["", "Connection: keep-alive\r\n"] {
        let channel = format!("c{}", keep.len());
        let mut connection = server.connect();
        let request = format!(
            "GET /channels/{channel} HTTP/1.0\r\nHost: localhost\r\n{keep}Accept: text/event-stream\r\n\r\n"
        );
        connection.send(request.as_bytes());
        let head = connection.head().unwrap();
        assert_eq!(head.status, 200, "{head:?}");
        assert_eq!(head.field("transfer-encoding"), None, "{head:?}");
        assert_eq!(head.field("content-length"), None, "{head:?}");
        assert_ne!(head.field("connection"), Some("keep-alive"), "{head:?}");
        let first = connection.until(b"\n\n").unwrap();
        assert!(
            first.starts_with(b"retry: ") || first.starts_with(b"id: "),
            "{first:?}"
        );
        let id = server.publish(&channel, "m1");
        let event = connection.until(b"\n\n").unwrap();
        assert_eq!(
            String::from_utf8(event).unwrap(),
            format!("id: {id}\ndata: m1\n\n")
        );
        assert_eq!(
            server
                .ask("DELETE", &format!("/channels/{channel}"), &[], b"")
                .status,
            204
        );
        assert!(connection.ends(), "the stream ends with the connection");
    }
}

#[test]
fn a_stream_goes_before_a_wait() {
    let server = Server::start(&[]);
    let stream = EventStream::open(&server, "/channels/a?wait=1", &[("Prefer", "wait=1")]);
    assert_eq!(stream.head.field("preference-applied"), None);
}

#[test]
fn a_stream_whose_reader_left_is_let_go() {
    let server = Server::start(&[]);
    for _ in 0..3 {
        drop(EventStream::start(&server, "/channels/a", &[]));
    }
    let start = std::time::Instant::now();
    while server.get("/channels/a/info").json()["subscribers"]["sse"] != 0 {
        assert!(
            start.elapsed() < Duration::from_secs(3),
            "streams of closed connections stay"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_slow_reader_is_told_what_it_missed_and_stops_nobody() {
    let server = Server::start(&["--history", "20", "--history-octets", "100000000"]);
    let mut slow = EventStream::start(&server, "/channels/a", &[]).0;
    let mut quick = EventStream::start(&server, "/channels/a", &[]).0;
    let text = "x".repeat(200_000);
    for number in 0..100 {
        server.publish("a", &format!("{number} {text}"));
        let event = quick.event().unwrap();
        assert!(
            event.data.unwrap().starts_with(&format!("{number} ")),
            "the quick one gets all"
        );
    }
    // 20 MB do not fit the socket buffers, so what was trimmed is told; then all that is kept follows.
    let (mut next, mut gaps) = (1, 0);
    while next <= 100 {
        let event = slow.event().unwrap();
        let offset = crate::offset(event.id.as_deref().unwrap());
        if event.event.as_deref() == Some("tidings.gap") {
            let gap: serde_json::Value =
                serde_json::from_str(event.data.as_deref().unwrap()).unwrap();
            assert_eq!(
                (&gap["reason"], &gap["first"]),
                (&"trimmed".into(), &next.into()),
                "{gap}"
            );
            assert_eq!(gap["last"], offset, "{gap}");
            gaps += 1;
        } else {
            assert_eq!(offset, next, "no silent loss");
        }
        next = offset + 1;
    }
    assert!(gaps > 0, "a reader this slow loses something");
}
