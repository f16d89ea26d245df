//! What a proxy passes on: the heads that come in, and what goes out behind it.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use bytes::BytesMut;
use tidings_http1::{
    ClientConnection, ClientEvent, Content, Limits, RequestHead, ResponseHead, ServerConnection,
    ServerEvent,
};

fn request(head: &str) -> RequestHead {
    let mut connection = ServerConnection::new(Limits::default());
    match connection.next_event(&mut BytesMut::from(head)) {
        Ok(Some(ServerEvent::Request(head))) => head,
        other => panic!("{head}: {other:?}"),
    }
}

fn response(method: &str, head: &str) -> ResponseHead {
    let mut connection = ClientConnection::new(Limits::default());
    let fields = [("Host", &b"a"[..])];
    let mut out = BytesMut::new();
    connection
        .send_request(method, "/", fields, Content::None, &mut out)
        .unwrap();
    match connection.next_event(&mut BytesMut::from(head)) {
        Ok(Some(ClientEvent::Response(head))) => head,
        other => panic!("{head}: {other:?}"),
    }
}

#[test]
fn a_target_is_forwarded_in_origin_form_rfc9112_3_2_1() {
    let rows = [
        ("origin", "GET /a?b", "/a?b"),
        ("absolute", "GET http://h/a", "/a"),
        ("absolute with query", "GET http://h/a?b?c", "/a?b?c"),
        ("absolute with an empty query", "GET http://h/a?", "/a?"),
        ("absolute without path", "GET http://h", "/"),
        ("absolute with a query alone", "GET http://h?b", "/?b"),
        ("asterisk", "OPTIONS *", "*"),
        (
            "the options of a server, by way of a proxy",
            "OPTIONS http://h",
            "*",
        ),
        ("with a port", "OPTIONS http://h:80", "*"),
        ("the options of its root", "OPTIONS http://h/", "/"),
        (
            "of a path that looks like the host",
            "OPTIONS http://h/h",
            "/h",
        ),
        ("of a query", "OPTIONS http://h?b", "/?b"),
        ("authority", "CONNECT h:1", "h:1"),
    ];
    for (name, line, want) in rows {
        let head = request(&format!("{line} HTTP/1.1\r\nHost: x\r\n\r\n"));
        assert_eq!(head.forwarded_target(), want, "{name}");
    }
}

#[test]
fn fields_of_one_connection_are_not_forwarded_rfc9110_7_6_1() {
    let rows: [(&str, &str, &[(&str, &str)]); 8] = [
        (
            "end to end, in order and case",
            "b: 1\r\nA: 2\r\nb: 3\r\n",
            &[("b", "1"), ("A", "2"), ("b", "3")],
        ),
        (
            "known ones, in any case",
            "KEEP-alive: 1\r\nproxy-connection: x\r\nte: trailers\r\nUpgrade: x\r\nconnection: x\r\n",
            &[],
        ),
        (
            "named by Connection, over its lines",
            "Connection: a\r\nA: 1\r\nB: 2\r\nConnection: c, b\r\n",
            &[],
        ),
        (
            "a name that begins like one",
            "Connection: ab\r\nA: 1\r\nABC: 2\r\nTEa: 3\r\n",
            &[("A", "1"), ("ABC", "2"), ("TEa", "3")],
        ),
        (
            "the length, which is written anew",
            "Content-Length: 1\r\nA: 1\r\n",
            &[("A", "1")],
        ),
        (
            "the coding, which is written anew",
            "Transfer-Encoding: chunked\r\nA: 1\r\n",
            &[("A", "1")],
        ),
        (
            "an expectation that counts",
            "Expect: 100-continue\r\nContent-Length: 1\r\n",
            &[("Expect", "100-continue")],
        ),
        (
            "one that does not, for want of content",
            "Expect: 100-continue\r\n",
            &[],
        ),
    ];
    for (name, lines, want) in rows {
        let head = request(&format!(
            "POST http://target/ HTTP/1.1\r\nHost: field\r\n{lines}\r\n"
        ));
        let mut fields = head.forwarded_fields();
        assert_eq!(fields.next(), Some(("Host", &b"target"[..])), "{name}");
        let want: Vec<_> = want
            .iter()
            .map(|(name, value)| (*name, value.as_bytes()))
            .collect();
        assert_eq!(fields.collect::<Vec<_>>(), want, "{name}");
        if !lines.contains("Expect") {
            let head = response("GET", &format!("HTTP/1.1 200 \r\n{lines}\r\n"));
            assert_eq!(head.forwarded_fields().collect::<Vec<_>>(), want, "{name}");
        }
    }
}

#[test]
fn content_is_forwarded_with_the_length_it_had_rfc9110_8_6() {
    let rows = [
        ("none", "", Content::None),
        ("a length", "Content-Length: 3\r\n", Content::Length(3)),
        (
            "a length of zero",
            "Content-Length: 0\r\n",
            Content::Length(0),
        ),
        ("chunks", "Transfer-Encoding: chunked\r\n", Content::Unknown),
    ];
    for (name, lines, want) in rows {
        let head = request(&format!("POST / HTTP/1.1\r\nHost: a\r\n{lines}\r\n"));
        assert_eq!(head.content(), want, "{name}");
    }
    let rows = [
        ("to the end", "GET", "200 \r\n", Content::Unknown),
        (
            "a length",
            "GET",
            "200 \r\nContent-Length: 3\r\n",
            Content::Length(3),
        ),
        (
            "chunks",
            "GET",
            "200 \r\nTransfer-Encoding: chunked\r\n",
            Content::Unknown,
        ),
        (
            "HEAD has the length of GET",
            "HEAD",
            "200 \r\nContent-Length: 3\r\n",
            Content::Length(3),
        ),
        ("HEAD of unknown length", "HEAD", "200 \r\n", Content::None),
        (
            "HEAD of a list of lengths",
            "HEAD",
            "200 \r\nContent-Length: 3, 3\r\n",
            Content::None,
        ),
        (
            "HEAD of a signed length",
            "HEAD",
            "200 \r\nContent-Length: +3\r\n",
            Content::None,
        ),
        (
            "304 has the length of 200",
            "GET",
            "304 \r\nContent-Length: 3\r\n",
            Content::Length(3),
        ),
        (
            "204 has none, whatever it says",
            "GET",
            "204 \r\nContent-Length: 3\r\n",
            Content::None,
        ),
        (
            "205 of no length is zero",
            "HEAD",
            "205 \r\n",
            Content::None,
        ),
        (
            "203, beside 204",
            "HEAD",
            "203 \r\nContent-Length: 3\r\n",
            Content::Length(3),
        ),
        (
            "205, beside 204",
            "HEAD",
            "205 \r\nContent-Length: 0\r\n",
            Content::Length(0),
        ),
    ];
    for (name, method, lines, want) in rows {
        let head = response(method, &format!("HTTP/1.1 {lines}\r\n"));
        assert_eq!(head.content(), want, "{name}");
    }
}
