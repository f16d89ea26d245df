//! Publishing by POST: sizes, codings, event names and idempotency keys.

use core::time::Duration;

use tidings_tests::Server;
use tidings_tests::http::head;

#[test]
fn a_bad_event_name_is_400_and_publishes_nothing() {
    let server = Server::start(&[]);
    let long = "e".repeat(65);
    let rows = [
        ("empty", ""),
        ("a line feed", "%0A"),
        ("a field behind a line feed", "a%0Adata:%20x"),
        ("a carriage return", "a%0Db"),
        ("our own namespace", "tidings.x"),
        ("our own gap", "tidings.gap"),
        ("what EventSource fires itself", "open"),
        ("what EventSource fires itself", "error"),
        ("65 octets", &long),
        ("a space", "a%20b"),
        ("a plus sign", "a+b"),
        ("a semicolon", "a;base64"),
        ("beyond ASCII", "%C3%A9"),
        ("bad percent", "%zz"),
        ("NUL", "%00"),
    ];
    for (name, event) in rows {
        let answer = server.ask("POST", &format!("/channels/a?event={event}"), &[], b"x");
        answer.assert_problem(400, "event", name);
    }
    let answer = server.ask("POST", "/channels/a?event=a&event=a", &[], b"x");
    answer.assert_problem(400, "event", "doubled");
    assert!(server.get("/channels/a?from=earliest").data().is_empty());
    server.assert_alive("bad event names");
}

#[test]
fn a_content_encoding_is_415() {
    let server = Server::start(&[]);
    for coding in ["gzip", "br", "deflate", "x-unknown", "identity, gzip"] {
        let answer = server.ask("POST", "/channels/a", &[("Content-Encoding", coding)], b"x");
        answer.assert_problem(415, "encoding", coding);
    }
    assert!(server.get("/channels/a?from=earliest").data().is_empty());
    server.publish_to("/channels/a", &[("Content-Encoding", "identity")], b"plain");
    server.assert_alive("content encodings");
}

#[test]
fn a_body_over_the_limit_is_413_by_its_length_and_by_its_chunks() {
    let server = Server::start(&["--max-message", "1000"]);
    let (fits, over) = (vec![b'x'; 1000], vec![b'x'; 1001]);
    server.publish_to("/channels/a", &[], &fits);
    server
        .ask("POST", "/channels/a", &[], &over)
        .assert_problem(413, "1000", "one octet over");

    // The head alone says that it will be too much, so nothing more is read.
    for announced in ["1001", "100000000000", "18446744073709551615"] {
        let mut connection = server.connect();
        connection.ask("POST", "/channels/a", &[("Content-Length", announced)], b"");
        connection
            .answer()
            .assert_problem(413, "content", announced);
    }
    let chunked = |sizes: &[usize]| {
        let mut connection = server.connect();
        connection.ask(
            "POST",
            "/channels/a",
            &[("Transfer-Encoding", "chunked")],
            b"",
        );
        for size in sizes {
            connection.send(format!("{size:x}\r\n{}\r\n", "y".repeat(*size)).as_bytes());
        }
        connection.send(b"0\r\n\r\n");
        connection.answer()
    };
    assert_eq!(chunked(&[400, 400, 200]).status, 200, "the sum fits");
    chunked(&[400, 400, 201]).assert_problem(413, "1000", "the sum of three chunks");
    chunked(&[1001]).assert_problem(413, "1000", "one chunk");
    let mut connection = server.connect();
    let endless = [("Transfer-Encoding", "chunked")];
    connection.ask("POST", "/channels/a", &endless, b"ffffffffff\r\nxx");
    connection
        .answer()
        .assert_problem(413, "1000", "a chunk that is announced only");
    assert_eq!(
        server.get("/channels/a?from=earliest").data().len(),
        2,
        "only what fits is in the log"
    );
    server.assert_alive("bodies over the limit");
}

#[test]
fn after_413_the_connection_goes_on_or_says_that_it_closes() {
    let server = Server::start(&["--max-message", "1000"]);
    for size in [1001, 60_000, 1_000_000] {
        let mut connection = server.connect();
        let answer = connection.request("POST", "/channels/a", &[], &vec![b'x'; size]);
        answer.assert_problem(413, "1000", "over");
        if answer.field("connection") == Some("close") {
            assert!(connection.ends(), "{size} octets");
        } else {
            let next = connection.request("GET", "/healthz", &[], b"");
            assert_eq!(next.status, 200, "{size} octets");
        }
    }
}

#[test]
fn the_default_limit_is_256_kib_and_the_newest_message_is_kept_whatever_its_size() {
    let server = Server::start(&["--history-octets", "1000"]);
    let fits = vec![b'x'; 262_144];
    server.publish_to("/channels/a", &[], &fits);
    assert_eq!(
        server.get("/channels/a?from=earliest").data()[0].len(),
        262_144
    );
    let over = vec![b'x'; 262_145];
    server
        .ask("POST", "/channels/a", &[], &over)
        .assert_problem(413, "262144", "one octet over");
}

#[test]
fn expect_100_continue_is_answered_before_the_body() {
    let server = Server::start(&["--max-message", "1000"]);
    let mut connection = server.connect();
    let expects = [("Expect", "100-continue"), ("Content-Length", "5")];
    connection.ask("POST", "/channels/a", &expects, b"");
    assert_eq!(connection.head().unwrap().status, 100);
    connection.send(b"hello");
    assert_eq!(connection.answer().status, 200);
    let mut connection = server.connect();
    let expects = [("Expect", "100-continue"), ("Content-Length", "5000")];
    connection.ask("POST", "/channels/a", &expects, b"");
    connection
        .answer()
        .assert_problem(413, "1000", "no 100 to a body that will be refused");
}

#[test]
fn an_idempotency_key_gives_the_first_answer_again() {
    let server = Server::start(&[]);
    let key = [("Idempotency-Key", "k-1")];
    let first = server.ask("POST", "/channels/a?event=e", &key, b"body");
    assert_eq!(first.status, 200);
    let again = server.ask("POST", "/channels/a?event=e", &key, b"body");
    assert_eq!((again.status, &again.body), (200, &first.body));
    assert_eq!(
        server.get("/channels/a?from=earliest").data(),
        ["body"],
        "one message"
    );
    for (name, target, body) in [
        ("another body", "/channels/a?event=e", "other"),
        ("another event", "/channels/a?event=f", "body"),
        ("no event", "/channels/a", "body"),
        ("no body", "/channels/a?event=e", ""),
    ] {
        server
            .ask("POST", target, &key, body.as_bytes())
            .assert_problem(422, "key", name);
    }
    assert_eq!(
        server.get("/channels/a?from=earliest").data(),
        ["body"],
        "one message"
    );
    let other = server.ask("POST", "/channels/b?event=e", &key, b"body");
    assert_eq!(other.status, 200, "a key is a channel's own");
    assert_ne!(other.body, first.body);
    let longest = "k".repeat(255);
    for good in ["!", "\"quoted\"", "~", longest.as_str()] {
        server.publish_to("/channels/a", &[("Idempotency-Key", good)], b"x");
    }
}

#[test]
fn a_malformed_idempotency_key_is_400() {
    let server = Server::start(&[]);
    let long = "k".repeat(256);
    for key in ["", "a b", "a\tb", "é", &long] {
        let answer = server.ask("POST", "/channels/a", &[("Idempotency-Key", key)], b"x");
        answer.assert_problem(400, "key", &format!("key {key:.20}"));
    }
    assert!(server.get("/channels/a?from=earliest").data().is_empty());
    server.assert_alive("malformed keys");
}

#[test]
fn past_10_000_live_keys_a_channel_answers_429_never_a_silent_double() {
    let server = Server::start(&["--history", "20000"]);
    let mut connection = server.connect();
    for group in 0..101 {
        let mut octets = Vec::new();
        for number in 0..100 {
            let key = format!("k{}", group * 100 + number);
            let fields = [("Idempotency-Key", key.as_str())];
            octets.extend(head(server.address(), "POST", "/channels/a", &fields, 0).into_bytes());
        }
        connection.send(&octets);
        for number in 0..100 {
            let answer = connection.answer();
            let want = if group < 100 { 200 } else { 429 };
            assert_eq!(answer.status, want, "key {group}{number:02}: {answer:?}");
        }
    }
    let first = server.ask("POST", "/channels/a", &[("Idempotency-Key", "k0")], b"");
    assert_eq!(
        crate::offset(first.json()["id"].as_str().unwrap()),
        1,
        "a live key is still known"
    );
    server.publish("a", "without a key");
    assert_eq!(crate::offset(&server.get("/channels/a").position()), 10_001);
}

#[test]
fn a_body_that_is_cut_off_is_not_published() {
    let server = Server::start(&[]);
    let starts: [&[u8]; 3] = [
        b"Content-Length: 10\r\n\r\nhalf",
        b"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n8\r\nhalf",
    ];
    for start in starts {
        let mut connection = server.connect();
        connection.send(b"POST /channels/a HTTP/1.1\r\nHost: localhost\r\n");
        connection.send(start);
        connection.end();
        let said = connection.rest();
        assert!(
            !said.starts_with(b"HTTP/1.1 200"),
            "{}",
            String::from_utf8_lossy(&said)
        );
    }
    std::thread::sleep(Duration::from_millis(50));
    assert!(server.get("/channels/a?from=earliest").data().is_empty());
    server.assert_alive("cut bodies");
}
