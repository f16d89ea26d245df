//! Heads at and over their limits, many requests a write, and what becomes of the connection.

use tidings_tests::Server;
use tidings_tests::http::{Connection, head};

#[test]
fn a_head_over_a_limit_is_told_which() {
    let server = Server::start(&[]);
    let request = |target: &str, fields: &str| {
        format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n")
    };
    let target = format!("/channels/a?x={}", "y".repeat(9000));
    let long = format!("X: {}\r\n", "y".repeat(33_000));
    let many: String = (0..101)
        .map(|number| format!("X-{number}: y\r\n"))
        .collect();
    let rows = [
        ("a target of 9,000 octets", request(&target, ""), 414),
        (
            "a field of 33,000 octets",
            request("/channels/a", &long),
            431,
        ),
        ("102 fields", request("/channels/a", &many), 431),
        (
            "a method of 40 octets",
            format!(
                "{} /channels/a HTTP/1.1\r\nHost: localhost\r\n\r\n",
                "M".repeat(40)
            ),
            501,
        ),
    ];
    for (name, octets, status) in rows {
        let mut connection = server.connect();
        connection.send(octets.as_bytes());
        connection.answer().assert_problem(status, "", name);
        assert!(connection.ends(), "{name}");
    }
    // A head that never ends is refused while it comes.
    let mut connection = server.connect();
    connection.send(b"GET /channels/a HTTP/1.1\r\nX: ");
    connection.send(&vec![b'y'; 60_000]);
    connection
        .answer()
        .assert_problem(431, "", "a head without an end");
    // At the limits nothing is refused.
    let target = format!("/channels/a?x={}", "y".repeat(8000));
    assert_eq!(server.get(&target).status, 200, "a target of 8,000 octets");
    let filler = "y".repeat(30_000);
    assert_eq!(
        server
            .ask("GET", "/channels/a", &[("X", &filler)], b"")
            .status,
        200,
        "a head of 30,000"
    );
    let names: Vec<String> = (0..99).map(|number| format!("X-{number}")).collect();
    let fields: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "y")).collect();
    assert_eq!(
        server.ask("GET", "/channels/a", &fields, b"").status,
        200,
        "100 fields"
    );
    server.assert_alive("heads over their limits");
}

#[test]
fn pipelined_requests_are_answered_in_order_and_few_writes() {
    let server = Server::start(&[]);
    let mut octets = Vec::new();
    for number in 0..8 {
        let body = format!("m{number}");
        octets.extend(head(server.address(), "POST", "/channels/a", &[], body.len()).into_bytes());
        octets.extend(body.into_bytes());
        let target = format!("/channels/a?from=-1&number={number}");
        octets.extend(head(server.address(), "GET", &target, &[], 0).into_bytes());
    }
    let mut connection = server.connect();
    connection.send(&octets);
    for number in 0..8 {
        let published = connection.answer();
        assert_eq!(
            crate::offset(published.json()["id"].as_str().unwrap()),
            number + 1
        );
        assert_eq!(
            connection.answer().data(),
            [format!("m{number}")],
            "in order"
        );
    }
    assert!(
        connection.reads() <= 4,
        "16 answers came in {} reads",
        connection.reads()
    );
}

#[test]
fn pipelined_requests_behind_a_wait_are_answered_after_it() {
    let server = Server::start(&[]);
    let mut octets = head(server.address(), "GET", "/channels/a?wait=30", &[], 0).into_bytes();
    octets.extend(head(server.address(), "GET", "/healthz", &[], 0).into_bytes());
    let mut connection = server.connect();
    connection.send(&octets);
    assert!(connection.silent(core::time::Duration::from_millis(100)));
    server.publish("a", "m1");
    assert_eq!(connection.answer().data(), ["m1"]);
    assert_eq!(connection.answer().status, 200);
}

#[test]
fn a_head_may_come_octet_by_octet() {
    let server = Server::start(&[]);
    let mut connection = server.connect();
    let mut octets = head(server.address(), "POST", "/channels/a", &[], 2).into_bytes();
    octets.extend(b"m1");
    for octet in octets {
        connection.send(&[octet]);
    }
    assert_eq!(connection.answer().status, 200);
    assert_eq!(server.get("/channels/a?from=earliest").data(), ["m1"]);
}

fn version(connection: &mut Connection, request: &str) -> (u16, Option<String>) {
    connection.send(request.as_bytes());
    let answer = connection.answer();
    (
        answer.status,
        answer.field("connection").map(str::to_lowercase),
    )
}

#[test]
fn a_connection_lives_as_long_as_both_want() {
    let server = Server::start(&[]);
    let mut kept = server.connect();
    for _ in 0..3 {
        let (status, said) = version(
            &mut kept,
            "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
        );
        assert_eq!((status, said), (200, None), "HTTP/1.1 stays open");
    }
    let mut closed = server.connect();
    let (_, said) = version(
        &mut closed,
        "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: Close\r\n\r\n",
    );
    assert_eq!(said.as_deref(), Some("close"));
    assert!(closed.ends());
    let mut old = server.connect();
    old.send(b"GET /healthz HTTP/1.0\r\n\r\n");
    assert_eq!(
        old.head().map(|answer| answer.status),
        Some(200),
        "HTTP/1.0 needs no Host"
    );
    let mut old = server.connect();
    old.send(b"GET /channels/a HTTP/1.0\r\nHost: localhost\r\n\r\n");
    assert_eq!(old.answer().status, 200);
    assert!(old.ends(), "HTTP/1.0 closes");
    let mut old = server.connect();
    let keep = "GET /channels/a HTTP/1.0\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n";
    for _ in 0..2 {
        assert_eq!(
            version(&mut old, keep),
            (200, Some("keep-alive".to_owned()))
        );
    }
    let mut half = server.connect();
    half.ask("GET", "/healthz", &[], b"");
    half.end();
    assert_eq!(
        half.answer().status,
        200,
        "a client that ended its direction is answered"
    );
}

#[test]
fn the_absolute_form_names_the_host() {
    let server = Server::start(&[]);
    let mut connection = server.connect();
    connection.send(b"GET http://localhost/channels/a HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!(connection.answer().status, 200);
    // RFC 9112 §3.2.2: the target's authority goes before Host, so Host cannot launder it.
    let mut connection = server.connect();
    connection.send(b"GET http://evil.example/channels/a HTTP/1.1\r\nHost: localhost\r\n\r\n");
    connection
        .answer()
        .assert_problem(421, "host", "a foreign authority");
}
