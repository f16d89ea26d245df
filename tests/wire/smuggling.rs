//! Requests whose end two readers could see at different places are refused, and nothing behind them is read.

use tidings_tests::Server;

/// Sends `request` with a second request behind it, in one write: what came back, answer by answer.
fn statuses(server: &Server, request: &str) -> Vec<u16> {
    let mut connection = server.connect();
    let hidden = "POST /channels/hidden HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx";
    connection.send(request.as_bytes());
    connection.send(hidden.as_bytes());
    connection.end();
    let mut statuses = Vec::new();
    while let Some(answer) = connection.try_answer("GET") {
        statuses.push(answer.status);
    }
    statuses
}

#[test]
fn an_ambiguous_request_is_refused_and_the_connection_closed() {
    let server = Server::start(&[]);
    let post = |fields: &str, body: &str| {
        format!("POST /channels/a HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n{body}")
    };
    let get = |line: &str, fields: &str| format!("{line}\r\n{fields}\r\n");
    let host = "Host: localhost\r\n";
    let te = "Transfer-Encoding: chunked\r\n";
    let rows: Vec<(&str, String, &[u16])> = vec![
        (
            "length and chunked",
            post(&format!("Content-Length: 4\r\n{te}"), "0\r\n\r\n"),
            &[400],
        ),
        (
            "chunked and length",
            post(&format!("{te}Content-Length: 4\r\n"), "0\r\n\r\n"),
            &[400],
        ),
        (
            "two lengths",
            post("Content-Length: 1\r\nContent-Length: 2\r\n", "xx"),
            &[400],
        ),
        (
            "a list of lengths",
            post("Content-Length: 1, 2\r\n", "xx"),
            &[400],
        ),
        (
            "a signed length",
            post("Content-Length: +1\r\n", "x"),
            &[400],
        ),
        (
            "a negative length",
            post("Content-Length: -1\r\n", ""),
            &[400],
        ),
        (
            "a length in hex",
            post("Content-Length: 0x1\r\n", "x"),
            &[400],
        ),
        ("an empty length", post("Content-Length: \r\n", ""), &[400]),
        (
            "a length with a space",
            post("Content-Length: 1 1\r\n", "x"),
            &[400],
        ),
        (
            "a length beyond u64",
            post("Content-Length: 18446744073709551616\r\n", ""),
            &[400, 413],
        ),
        (
            "chunked twice",
            post("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n"),
            &[400, 501],
        ),
        (
            "chunked on two lines",
            post(&format!("{te}{te}"), "0\r\n\r\n"),
            &[400, 501],
        ),
        (
            "chunked not last",
            post("Transfer-Encoding: chunked, identity\r\n", ""),
            &[400, 501],
        ),
        (
            "another coding",
            post("Transfer-Encoding: gzip\r\n", ""),
            &[400, 501],
        ),
        (
            "almost chunked",
            post("Transfer-Encoding: xchunked\r\n", ""),
            &[400, 501],
        ),
        (
            "chunked in quotes",
            post("Transfer-Encoding: \"chunked\"\r\n", ""),
            &[400, 501],
        ),
        (
            "chunked behind VT",
            post("Transfer-Encoding: \u{b}chunked\r\n", ""),
            &[400, 501],
        ),
        (
            "a space before the colon",
            post("Content-Length : 1\r\n", "x"),
            &[400],
        ),
        (
            "a space before the name",
            post(" Content-Length: 1\r\n", "x"),
            &[400],
        ),
        ("a folded field", post("X: a\r\n b\r\n", ""), &[400]),
        (
            "a bare CR in a field",
            post("X: a\rContent-Length: 1\r\n", "x"),
            &[400],
        ),
        (
            "a bare LF ends a field",
            post("X: a\nContent-Length: 1\r\n", "x"),
            &[400],
        ),
        ("NUL in a field", post("X: a\0b\r\n", ""), &[400]),
        ("an empty name", post(": x\r\n", ""), &[400]),
        ("no colon", post("X\r\n", ""), &[400]),
        (
            "a chunk size in 0x",
            post(te, "0x1\r\nx\r\n0\r\n\r\n"),
            &[400],
        ),
        (
            "a signed chunk size",
            post(te, "+1\r\nx\r\n0\r\n\r\n"),
            &[400],
        ),
        (
            "an empty chunk size",
            post(te, "\r\nx\r\n0\r\n\r\n"),
            &[400],
        ),
        (
            "a chunk size beyond u64",
            post(te, "10000000000000000\r\nx\r\n"),
            &[400, 413],
        ),
        (
            "a chunk line that ends in LF",
            post(te, "1\nx\r\n0\r\n\r\n"),
            &[400],
        ),
        (
            "LF in a chunk extension",
            post(te, "1;a\nb\r\nx\r\n0\r\n\r\n"),
            &[400],
        ),
        (
            "no CRLF behind a chunk",
            post(te, "1\r\nxx0\r\n\r\n"),
            &[400],
        ),
        ("no Host", get("GET /channels/a HTTP/1.1", ""), &[400]),
        (
            "two Hosts",
            get("GET /channels/a HTTP/1.1", &host.repeat(2)),
            &[400],
        ),
        (
            "two names in Host",
            get("GET /channels/a HTTP/1.1", "Host: a, b\r\n"),
            &[400],
        ),
        (
            "a space in Host",
            get("GET /channels/a HTTP/1.1", "Host: a b\r\n"),
            &[400],
        ),
        (
            "a user in Host",
            get("GET /channels/a HTTP/1.1", "Host: u@localhost\r\n"),
            &[400],
        ),
        (
            "chunked in HTTP/1.0",
            "POST /channels/a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".into(),
            &[400],
        ),
        (
            "a space in the target",
            get("GET /channels/a b HTTP/1.1", host),
            &[400],
        ),
        ("two spaces", get("GET  /channels/a HTTP/1.1", host), &[400]),
        ("a tab", get("GET\t/channels/a HTTP/1.1", host), &[400]),
        ("no version", get("GET /channels/a", host), &[400, 505]),
        (
            "a version in lower case",
            get("GET /channels/a http/1.1", host),
            &[400],
        ),
        (
            "a longer version",
            get("GET /channels/a HTTP/1.10", host),
            &[400],
        ),
        ("HTTP/2", get("GET /channels/a HTTP/2.0", host), &[505]),
        (
            "the preface of HTTP/2",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".into(),
            &[400, 505],
        ),
        (
            "a fragment",
            get("GET /channels/a#b HTTP/1.1", host),
            &[400],
        ),
        ("no slash", get("GET channels/a HTTP/1.1", host), &[400]),
        ("an asterisk", get("GET * HTTP/1.1", host), &[400]),
        (
            "a method with a colon",
            get("GE:T /channels/a HTTP/1.1", host),
            &[400],
        ),
        (
            "octets of TLS",
            "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0".into(),
            &[400],
        ),
        (
            "an LF alone between lines",
            "GET /channels/a HTTP/1.1\nHost: localhost\n\n".into(),
            &[400],
        ),
    ];
    for (name, request, wanted) in rows {
        let got = statuses(&server, &request);
        assert_eq!(
            got.len(),
            1,
            "{name}: one answer, then the end; got {got:?}"
        );
        assert!(
            wanted.contains(&got[0]),
            "{name}: wanted {wanted:?}, got {got:?}"
        );
    }
    assert!(
        server
            .get("/channels/hidden?from=earliest")
            .data()
            .is_empty(),
        "nothing hidden was read"
    );
    assert!(
        server.get("/channels/a?from=earliest").data().is_empty(),
        "nothing ambiguous was published"
    );
    server.assert_alive("ambiguous requests");
}

#[test]
fn a_refusal_says_what_was_wrong() {
    let server = Server::start(&[]);
    let rows = [
        (
            "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding",
        ),
        (
            "Content-Length: 1\r\nContent-Length: 2\r\n",
            "Content-Length",
        ),
        ("Host: localhost\r\n", "Host"),
    ];
    for (fields, word) in rows {
        let mut connection = server.connect();
        connection.send(
            format!("POST /channels/a HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n").as_bytes(),
        );
        let answer = connection.answer();
        answer.assert_problem(400, word, fields);
        assert_eq!(answer.field("connection"), Some("close"), "{answer:?}");
        assert!(connection.ends());
    }
}

#[test]
fn a_body_that_nobody_asked_for_is_not_the_next_request() {
    let server = Server::start(&[]);
    let inner = "POST /channels/hidden HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx";
    for path in [
        "/channels/a",
        "/healthz",
        "/nothing",
        "/channels/%2F",
        "/channels/a?after=x",
    ] {
        for method in ["GET", "PUT", "HEAD", "DELETE"] {
            let mut connection = server.connect();
            connection.ask(method, path, &[], inner.as_bytes());
            let answer = connection.try_answer(method).expect("an answer");
            if answer.field("connection") != Some("close") {
                let next = connection.request("GET", "/healthz", &[], b"");
                assert_eq!(next.status, 200, "{method} {path}");
                assert_eq!(
                    next.field("content-type"),
                    server.get("/healthz").field("content-type")
                );
            }
        }
    }
    assert!(
        server
            .get("/channels/hidden?from=earliest")
            .data()
            .is_empty()
    );
}
