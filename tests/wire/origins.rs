//! Who may ask: `Host` on a loopback listener, `Origin`, and the fields of CORS.

use tidings_tests::websocket::HANDSHAKE;
use tidings_tests::{Answer, EventStream, Server};

const EXPOSED: &str = "ETag, Preference-Applied, Retry-After";

#[test]
fn a_foreign_host_name_on_a_loopback_listener_is_421() {
    let server = Server::start(&["--host", "my.example", "--host", "other.example"]);
    let rows = [
        ("localhost", 200),
        ("LOCALHOST:8080", 200),
        ("127.0.0.1", 200),
        ("127.0.0.1:9", 200),
        ("192.0.2.7", 200),
        ("[::1]", 200),
        ("[::1]:8080", 200),
        ("my.example", 200),
        ("My.Example:99", 200),
        ("other.example", 200),
        ("evil.example", 421),
        ("localhost.evil.example", 421),
        ("evil-localhost", 421),
        ("my.example.evil.example", 421),
        ("sub.my.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("evil.example:8080", 421),
        ("", 421),
    ];
    for (host, status) in rows {
        for path in ["/channels/a", "/channels/a/info", "/healthz"] {
            // The channel must exist before its info is asked.
            server.publish("a", "x");
            let answer = server
                .connect()
                .request("GET", path, &[("Host", host)], b"");
            if status == 421 {
                answer.assert_problem(421, "host", &format!("Host: {host} on {path}"));
            } else {
                assert_eq!(answer.status, status, "Host: {host} on {path}: {answer:?}");
            }
        }
    }
    let fields = [&HANDSHAKE[..], &[("Host", "evil.example")]].concat();
    server
        .ask("GET", "/channels/a", &fields, b"")
        .assert_problem(421, "host", "a WebSocket");
    let rebound = [("Host", "evil.example"), ("Origin", "http://evil.example")];
    let answer = server.ask("POST", "/channels/b", &rebound, b"x");
    assert_eq!(answer.status, 421, "the same origin by name is not enough");
    assert!(server.get("/channels/b?from=earliest").data().is_empty());
    server.assert_alive("foreign hosts");
}

/// Asks by every verb and transport; what was published must be nothing where `status` is not 200.
fn ask_all_ways(server: &Server, fields: &[(&str, &str)]) -> Vec<(&'static str, Answer)> {
    let stream = [fields, &[("Accept", "text/event-stream")]].concat();
    let long = [fields, &[("Prefer", "wait=1")]].concat();
    let socket = [&HANDSHAKE[..], fields].concat();
    let head = |fields: &[(&str, &str)]| {
        let mut connection = server.connect();
        connection.ask("GET", "/channels/a?from=earliest", fields, b"");
        let mut answer = connection.head().unwrap();
        if answer.status >= 400 {
            let length = answer
                .field("content-length")
                .expect("a length")
                .parse()
                .unwrap();
            answer.body = connection.take(length).unwrap();
        }
        answer
    };
    vec![
        ("a poll", server.ask("GET", "/channels/a", fields, b"")),
        (
            "publishing",
            server.ask("POST", "/channels/a", fields, b"x"),
        ),
        (
            "a long poll",
            server.ask("GET", "/channels/a?from=earliest", &long, b""),
        ),
        ("a stream", head(&stream)),
        ("a WebSocket", head(&socket)),
        ("info", server.ask("GET", "/channels/a/info", fields, b"")),
        ("deleting", server.ask("DELETE", "/channels/a", fields, b"")),
    ]
}

#[test]
fn the_own_origin_and_no_origin_are_allowed() {
    let server = Server::start(&[]);
    let own = format!("http://{}", server.address());
    let behind_tls = format!("https://{}", server.address());
    let rows: [(&str, Vec<(&str, &str)>); 7] = [
        ("no origin", vec![]),
        ("the own origin", vec![("Origin", &own)]),
        ("the own origin behind TLS", vec![("Origin", &behind_tls)]),
        (
            "the default port of http",
            vec![("Origin", "http://localhost"), ("Host", "localhost:80")],
        ),
        (
            "the default port of https",
            vec![("Origin", "https://localhost"), ("Host", "localhost:443")],
        ),
        (
            "no origin, asked by the user",
            vec![("Sec-Fetch-Site", "none")],
        ),
        (
            "no origin, same site",
            vec![("Sec-Fetch-Site", "same-origin")],
        ),
    ];
    for (name, fields) in rows {
        server.publish("a", "kept");
        for (way, answer) in ask_all_ways(&server, &fields) {
            assert!(
                [200, 204, 101].contains(&answer.status),
                "{name}, {way}: {answer:?}"
            );
        }
    }
}

#[test]
fn a_foreign_origin_is_403() {
    let server = Server::start(&["--allow-origin", "http://app.example"]);
    let other_port = format!("http://127.0.0.1:{}", server.address().port() ^ 1);
    let prefix = format!("http://{}.evil.example", server.address());
    let rows: [(&str, Vec<(&str, &str)>); 10] = [
        ("another host", vec![("Origin", "http://evil.example")]),
        ("another port", vec![("Origin", &other_port)]),
        ("the default port", vec![("Origin", "http://127.0.0.1")]),
        ("a name that begins alike", vec![("Origin", &prefix)]),
        ("null", vec![("Origin", "null")]),
        ("no URL", vec![("Origin", "garbage")]),
        ("nothing", vec![("Origin", "")]),
        (
            "the allowed host by another scheme",
            vec![("Origin", "https://app.example")],
        ),
        (
            "the allowed host at another port",
            vec![("Origin", "http://app.example:81")],
        ),
        (
            "no origin, across sites",
            vec![("Sec-Fetch-Site", "cross-site")],
        ),
    ];
    server.publish("a", "kept");
    for (name, fields) in rows {
        for (way, answer) in ask_all_ways(&server, &fields) {
            answer.assert_problem(403, "", &format!("{name}, {way}"));
            assert_eq!(
                answer.field("access-control-allow-origin"),
                None,
                "{name}, {way}"
            );
        }
    }
    assert_eq!(
        server.get("/channels/a?from=earliest").data(),
        ["kept"],
        "nothing came in"
    );
    server.assert_alive("foreign origins");
}

#[test]
fn an_allowed_origin_is_named_on_every_answer() {
    let server = Server::start(&[
        "--allow-origin",
        "http://app.example",
        "--allow-origin",
        "null",
    ]);
    for origin in ["http://app.example", "null"] {
        let check = |what: &str, answer: &Answer| {
            let named = answer.field("access-control-allow-origin");
            assert_eq!(named, Some(origin), "{what}: {answer:?}");
            let exposed = answer.field("access-control-expose-headers");
            assert_eq!(exposed, Some(EXPOSED), "{what}: {answer:?}");
            assert_eq!(
                answer.field("vary"),
                Some("Origin, Accept, Prefer"),
                "{what}: {answer:?}"
            );
        };
        server.publish("a", "kept");
        let fields = [("Origin", origin), ("Sec-Fetch-Site", "cross-site")];
        for (way, answer) in ask_all_ways(&server, &fields) {
            assert!(
                [200, 204, 101].contains(&answer.status),
                "{way}: {answer:?}"
            );
            if answer.status != 101 {
                check(way, &answer);
            }
        }
        let gap = format!("/channels/a?after={}", crate::STRANGE);
        let long = vec![b'x'; 300_000];
        let rows: [(&str, &str, &str, &[(&str, &str)], &[u8], u16); 7] = [
            ("a gap", "GET", &gap, &[], b"", 200),
            ("a bad name", "GET", "/channels/%2F", &[], b"", 400),
            (
                "a bad parameter",
                "GET",
                "/channels/a?after=x",
                &[],
                b"",
                400,
            ),
            ("a wrong method", "PUT", "/channels/a", &[], b"", 405),
            (
                "a coding",
                "POST",
                "/channels/a",
                &[("Content-Encoding", "gzip")],
                b"x",
                415,
            ),
            ("a body too large", "POST", "/channels/a", &[], &long, 413),
            (
                "a faulty handshake",
                "GET",
                "/channels/a",
                &HANDSHAKE[..3],
                b"",
                400,
            ),
        ];
        for (name, method, target, more, body, status) in rows {
            let answer = server.ask(method, target, &[&fields[..], more].concat(), body);
            assert_eq!(answer.status, status, "{name}: {answer:?}");
            check(name, &answer);
        }
        let id = server.publish("a", "kept");
        let tag = format!("\"{id}\"");
        let answer = server.ask(
            "GET",
            "/channels/a",
            &[&fields[..], &[("If-None-Match", &tag)]].concat(),
            b"",
        );
        assert_eq!(answer.status, 304);
        check("304", &answer);
        let stream = EventStream::open(&server, &gap, &fields);
        check("a stream with a gap", &stream.head);
    }
}

#[test]
fn a_preflight_is_answered_for_allowed_origins_only() {
    let server = Server::start(&["--allow-origin", "http://app.example"]);
    let fields = [
        ("Origin", "http://app.example"),
        ("Access-Control-Request-Method", "POST"),
        (
            "Access-Control-Request-Headers",
            "idempotency-key, last-event-id",
        ),
    ];
    let answer = server.ask("OPTIONS", "/channels/a", &fields, b"");
    assert_eq!(answer.status, 204, "{answer:?}");
    assert_eq!(
        answer.field("access-control-allow-origin"),
        Some("http://app.example")
    );
    assert_eq!(answer.field("access-control-max-age"), Some("600"));
    let methods = answer
        .field("access-control-allow-methods")
        .expect("methods");
    for method in ["GET", "POST", "DELETE"] {
        assert!(
            methods.split(", ").any(|named| named == method),
            "{method} in {methods}"
        );
    }
    let headers = answer
        .field("access-control-allow-headers")
        .expect("headers")
        .to_lowercase();
    for name in [
        "content-type",
        "if-none-match",
        "last-event-id",
        "prefer",
        "idempotency-key",
        "authorization",
    ] {
        assert!(
            headers.split(", ").any(|named| named == name),
            "{name} in {headers}"
        );
    }
    for origin in ["http://evil.example", "null"] {
        let fields = [
            ("Origin", origin),
            ("Access-Control-Request-Method", "POST"),
        ];
        let answer = server.ask("OPTIONS", "/channels/a", &fields, b"");
        answer.assert_problem(403, "", origin);
        assert_eq!(
            answer.field("access-control-allow-origin"),
            None,
            "{origin}"
        );
    }
    server.assert_alive("preflights");
}
