//! What a proxy passes on: the heads that come in, and what goes out behind it.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use bytes::BytesMut;
use tidings_http1::{
    ClientConnection, ClientEvent, Content, Limits, RequestHead, ResponseHead, SendError,
    ServerConnection, ServerEvent,
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

/// What it is, the field lines that came, and those that go on.
type Row<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)]);

#[test]
fn fields_of_one_connection_are_not_forwarded_rfc9110_7_6_1() {
    let rows: [Row<'_>; 8] = [
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

const VIA: [(&str, &[u8]); 1] = [("Via", b"1.1 p")];

/// Both ends of a proxy: what the client and then the server sent, and what each of them gets.
fn proxied(from_client: &str, from_server: &str) -> Result<(String, String), SendError> {
    let mut server = ServerConnection::new(Limits::default());
    let mut client = ClientConnection::new(Limits::default());
    client.assume_http11();
    let (mut to_server, mut to_client) = (BytesMut::new(), BytesMut::new());
    let mut input = BytesMut::from(from_client);
    while let Some(event) = server.next_event(&mut input).unwrap() {
        client.forward(&event, VIA, &mut to_server)?;
    }
    let mut input = BytesMut::from(from_server);
    while let Some(event) = client.next_event(&mut input).unwrap() {
        server.forward(&event, VIA, &mut to_client)?;
    }
    let text = |octets: &[u8]| String::from_utf8(octets.to_vec()).unwrap();
    Ok((text(&to_server), text(&to_client)))
}

#[test]
fn a_proxy_passes_on_each_event_rfc9110_7_6() {
    const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    const GOT: &str = "GET / HTTP/1.1\r\nHost: a\r\nVia: 1.1 p\r\n\r\n";
    const GET_10: &str = "GET / HTTP/1.0\r\nHost: a\r\n\r\n";
    let rows: [(&str, &str, &str, &str, &str); 10] = [
        (
            "lengths",
            "POST http://b/x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nA: b\r\n\r\nhi",
            "POST /x HTTP/1.1\r\nHost: b\r\nA: b\r\nVia: 1.1 p\r\nContent-Length: 2\r\n\r\nhi",
            "HTTP/1.1 201 Made\r\nContent-Length: 2\r\nKeep-Alive: x\r\n\r\nho",
            "HTTP/1.1 201 Created\r\nVia: 1.1 p\r\nContent-Length: 2\r\n\r\nho",
        ),
        (
            "chunks with trailers",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nhi\r\n0\r\nT: u\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nVia: 1.1 p\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nT: u\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nho\r\n0\r\nV: w\r\n\r\n",
            "HTTP/1.1 200 OK\r\nVia: 1.1 p\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nho\r\n0\r\nV: w\r\n\r\n",
        ),
        (
            "trailers that must not be sent",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nCookie: u\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nVia: 1.1 p\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nho\r\n0\r\nSet-Cookie: w\r\n\r\n",
            "HTTP/1.1 200 OK\r\nVia: 1.1 p\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nho\r\n0\r\n\r\n",
        ),
        (
            "informational responses",
            GET,
            GOT,
            "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 103 Early Hints\r\nLink: x\r\nVia: 1.1 p\r\n\r\n\
             HTTP/1.1 200 OK\r\nVia: 1.1 p\r\nContent-Length: 0\r\n\r\n",
        ),
        (
            "neither trailers nor 1xx to HTTP/1.0",
            GET_10,
            GOT,
            "HTTP/1.1 103 \r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nho\r\n0\r\nV: w\r\n\r\n",
            "HTTP/1.1 200 OK\r\nVia: 1.1 p\r\nConnection: close\r\n\r\nho",
        ),
        (
            "a server that closes",
            GET,
            GOT,
            "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nho",
            "HTTP/1.1 200 OK\r\nVia: 1.1 p\r\nConnection: close\r\nContent-Length: 2\r\n\r\nho",
        ),
        (
            "a server of HTTP/1.0 that stays",
            GET,
            GOT,
            "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nho",
            "HTTP/1.1 200 OK\r\nVia: 1.1 p\r\nContent-Length: 2\r\n\r\nho",
        ),
        (
            "a client that closes asks nothing of the server",
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
            GOT,
            OK,
            "HTTP/1.1 200 OK\r\nVia: 1.1 p\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        ),
        (
            "an answer to HEAD",
            "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n",
            "HEAD / HTTP/1.1\r\nHost: a\r\nVia: 1.1 p\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n",
            "HTTP/1.1 200 OK\r\nVia: 1.1 p\r\nContent-Length: 7\r\n\r\n",
        ),
        (
            "an offer to switch is for one connection",
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n",
            GOT,
            OK,
            "HTTP/1.1 200 OK\r\nVia: 1.1 p\r\nContent-Length: 0\r\n\r\n",
        ),
    ];
    for (name, from_client, to_server, from_server, to_client) in rows {
        let got = proxied(from_client, from_server).unwrap();
        assert_eq!(got, (to_server.to_owned(), to_client.to_owned()), "{name}");
    }
}

#[test]
fn a_proxy_tells_what_it_cannot_forward_rfc9110_7_8() {
    const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let rows = [
        (
            "a tunnel",
            "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n",
            "HTTP/1.1 200 OK\r\n\r\n",
            SendError::WrongState,
        ),
        (
            "a switch that was not asked for",
            GET,
            "HTTP/1.1 101 \r\nUpgrade: x\r\n\r\n",
            SendError::WrongState,
        ),
        (
            "content of 205",
            GET,
            "HTTP/1.1 205 \r\nContent-Length: 1\r\n\r\nx",
            SendError::BodyNotAllowed,
        ),
    ];
    for (name, from_client, from_server, want) in rows {
        assert_eq!(proxied(from_client, from_server), Err(want), "{name}");
    }
}

#[test]
fn a_server_that_closed_without_an_answer_is_an_error_rfc9110_15_6_3() {
    let mut server = ServerConnection::new(Limits::default());
    let mut out = BytesMut::new();
    let idle = server.forward(&ClientEvent::Closed, VIA, &mut out);
    assert_eq!(idle, Ok(()), "nobody waits");
    let mut input = BytesMut::from("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    while server.next_event(&mut input).unwrap().is_some() {}
    let closed = server.forward(&ClientEvent::Closed, VIA, &mut out);
    assert_eq!((closed, out.len()), (Err(SendError::Closed), 0));
    let mut client = ClientConnection::new(Limits::default());
    assert_eq!(client.forward(&ServerEvent::Closed, VIA, &mut out), Ok(()));
    assert!(out.is_empty(), "the end of a client is nothing to write");
}

#[test]
fn what_is_out_of_place_is_told_not_left_out() {
    let mut client = ClientConnection::new(Limits::default());
    let (mut out, mut input) = (BytesMut::new(), BytesMut::from("HTTP/1.1 103 \r\n\r\n"));
    let host = [("Host", &b"a"[..])];
    client
        .send_request("GET", "/", host, Content::None, &mut out)
        .unwrap();
    let early = client.next_event(&mut input).unwrap().unwrap();
    let mut idle = ServerConnection::new(Limits::default());
    assert_eq!(
        idle.forward(&early, VIA, &mut out),
        Err(SendError::WrongState)
    );
}
