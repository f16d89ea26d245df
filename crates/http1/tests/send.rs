//! What a sender writes, octet by octet, and what it refuses to write.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use bytes::BytesMut;
use tidings_http1::{
    ClientConnection, ClientEvent, CloseReason, Content, Framing, LAST_CHUNK, Limits, Next,
    SendError, ServerConnection, ServerEvent, encode_chunk,
};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const GET_10: &str = "GET / HTTP/1.0\r\n\r\n";
const GET_10_KEPT: &str = "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
const GET_CLOSE: &str = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
const HEAD: &str = "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n";
const CONNECT: &str = "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n";
const UPGRADE: &str =
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c, websocket\r\n\r\n";
const EXPECT: &str =
    "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";

type Lines<'a> = &'a [(&'a str, &'a str)];

fn pairs<'a>(lines: Lines<'a>) -> impl Iterator<Item = (&'a str, &'a [u8])> {
    lines.iter().map(|(name, value)| (*name, value.as_bytes()))
}

/// A server that has read all of `request`, and what it left in the input.
fn server(request: &str) -> (ServerConnection, BytesMut) {
    let mut connection = ServerConnection::new(Limits::default());
    let mut input = BytesMut::from(request.as_bytes());
    while connection.next_event(&mut input).unwrap().is_some() {}
    (connection, input)
}

fn text(out: &BytesMut) -> &str {
    core::str::from_utf8(out).unwrap()
}

fn client() -> ClientConnection {
    ClientConnection::new(Limits::default())
}

/// The head that answers `request`, and what comes after the response.
fn answer(
    request: &str,
    status: u16,
    lines: Lines<'_>,
    content: Content,
) -> Result<(String, Next), SendError> {
    let (mut connection, _) = server(request);
    let mut out = BytesMut::new();
    connection.send_response(status, pairs(lines), content, &mut out)?;
    let head = text(&out).to_owned();
    if let Content::Length(len @ 1..) = content
        && connection.response_framing() == Framing::Length(len)
    {
        connection.send_data(&vec![b'x'; usize::try_from(len).unwrap()], &mut out)?;
    }
    Ok((head, connection.send_end(&mut out)?))
}

#[test]
fn the_codec_writes_the_fields_that_frame_a_response_rfc9112_6() {
    use Content::{Length, None, Unknown};
    let closes = Next::Close;
    let rows: [(&str, u16, Lines<'_>, Content, &str, Next); 21] = [
        (
            GET,
            200,
            &[("A", "b")],
            Length(2),
            "200 OK\r\nA: b\r\nContent-Length: 2\r\n\r\n",
            Next::Reuse,
        ),
        (
            GET,
            200,
            &[],
            None,
            "200 OK\r\nContent-Length: 0\r\n\r\n",
            Next::Reuse,
        ),
        (
            GET,
            200,
            &[],
            Unknown,
            "200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            Next::Reuse,
        ),
        (
            GET,
            599,
            &[],
            None,
            "599 \r\nContent-Length: 0\r\n\r\n",
            Next::Reuse,
        ),
        (GET, 204, &[], None, "204 No Content\r\n\r\n", Next::Reuse),
        (
            GET,
            204,
            &[],
            Length(0),
            "204 No Content\r\n\r\n",
            Next::Reuse,
        ),
        (
            GET,
            304,
            &[("ETag", "\"x\"")],
            None,
            "304 Not Modified\r\nETag: \"x\"\r\n\r\n",
            Next::Reuse,
        ),
        (
            GET,
            304,
            &[],
            Length(9),
            "304 Not Modified\r\nContent-Length: 9\r\n\r\n",
            Next::Reuse,
        ),
        (
            HEAD,
            200,
            &[],
            Length(9),
            "200 OK\r\nContent-Length: 9\r\n\r\n",
            Next::Reuse,
        ),
        (HEAD, 200, &[], Unknown, "200 OK\r\n\r\n", Next::Reuse),
        (
            CONNECT,
            403,
            &[],
            Length(1),
            "403 Forbidden\r\nContent-Length: 1\r\n\r\n",
            Next::Reuse,
        ),
        (
            GET_10,
            200,
            &[],
            Length(1),
            "200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\n",
            closes(CloseReason::Http10),
        ),
        (
            GET_10_KEPT,
            200,
            &[],
            Length(1),
            "200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\n",
            Next::Reuse,
        ),
        (
            GET_10_KEPT,
            200,
            &[],
            Unknown,
            "200 OK\r\nConnection: close\r\n\r\n",
            closes(CloseReason::UntilClose),
        ),
        (
            GET_10,
            200,
            &[],
            Unknown,
            "200 OK\r\nConnection: close\r\n\r\n",
            closes(CloseReason::Http10),
        ),
        (
            GET_CLOSE,
            204,
            &[],
            None,
            "204 No Content\r\nConnection: close\r\n\r\n",
            closes(CloseReason::PeerAsked),
        ),
        (
            GET_CLOSE,
            204,
            &[("cOnnection", "a, Close")],
            None,
            "204 No Content\r\ncOnnection: a, Close\r\n\r\n",
            closes(CloseReason::PeerAsked),
        ),
        (
            GET,
            204,
            &[("Connection", "close")],
            None,
            "204 No Content\r\nConnection: close\r\n\r\n",
            closes(CloseReason::WeAsked),
        ),
        (
            GET,
            426,
            &[("Upgrade", "websocket")],
            None,
            "426 Upgrade Required\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 0\r\n\r\n",
            Next::Reuse,
        ),
        (
            GET_CLOSE,
            426,
            &[("Upgrade", "x")],
            None,
            "426 Upgrade Required\r\nUpgrade: x\r\nConnection: Upgrade, close\r\nContent-Length: 0\r\n\r\n",
            closes(CloseReason::PeerAsked),
        ),
        (
            EXPECT,
            417,
            &[],
            None,
            "417 Expectation Failed\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
            closes(CloseReason::ExpectationUnmet),
        ),
    ];
    for (request, status, lines, content, head, next) in rows {
        let want = Ok((format!("HTTP/1.1 {head}"), next));
        assert_eq!(
            answer(request, status, lines, content),
            want,
            "{status} {content:?} to {request}"
        );
    }
}

#[test]
fn a_refused_head_leaves_no_octet_behind_rfc9110_5() {
    use SendError::*;
    let rows: [(&str, Lines<'_>, SendError); 26] = [
        ("E01", &[("A", "a\r\nSet-Cookie: x")], InvalidValue),
        ("E01", &[("A", "a\nb")], InvalidValue),
        ("E01", &[("A", "a\rb")], InvalidValue),
        ("E01", &[("A", "a\0b")], InvalidValue),
        ("E01", &[("A", "a\x7fb")], InvalidValue),
        ("E01", &[("A", "\x1b")], InvalidValue),
        ("outer space", &[("A", " a")], InvalidValue),
        ("outer tab", &[("A", "a\t")], InvalidValue),
        ("E02", &[("X: y", "")], InvalidName),
        ("E02", &[(" X", "")], InvalidName),
        ("E02", &[("", "")], InvalidName),
        ("E02", &[("X\r\n", "")], InvalidName),
        ("E02", &[("X\u{e9}", "")], InvalidName),
        ("E08", &[("Transfer-Encoding", "chunked")], FramingField),
        ("E08", &[("transfer-encoding", "")], FramingField),
        ("E08", &[("Content-Length", "1")], FramingField),
        ("E08", &[("CONTENT-LENGTH", "1")], FramingField),
        (
            "keep-alive",
            &[("Connection", "a, keep-alive")],
            FramingField,
        ),
        ("second of two", &[("A", "b"), ("C", "\n")], InvalidValue),
        (
            "name in the second",
            &[("A", "b"), ("C D", "e")],
            InvalidName,
        ),
        ("426", &[], UpgradeMissing),
        ("99", &[], InvalidStatus(99)),
        ("101", &[], InvalidStatus(101)),
        ("199", &[], InvalidStatus(199)),
        ("1000", &[], InvalidStatus(1_000)),
        ("0", &[], InvalidStatus(0)),
    ];
    for (name, lines, want) in rows {
        let status = name.parse().unwrap_or(200);
        let (mut connection, _) = server(GET);
        let mut out = BytesMut::from(&b"before"[..]);
        let refusal = connection.send_response(status, pairs(lines), Content::Length(1), &mut out);
        assert_eq!(
            (refusal, &out[..]),
            (Err(want), &b"before"[..]),
            "{name} {lines:?}"
        );
        assert!(
            connection.can_respond() && connection.awaits_response(),
            "{name}"
        );
        connection
            .send_response(200, [], Content::None, &mut out)
            .unwrap();
        assert_eq!(connection.send_end(&mut out), Ok(Next::Reuse), "{name}");
    }
}

#[test]
fn lines_are_written_one_by_one_and_never_joined_rfc9110_5_3() {
    let lines: Lines<'_> = &[
        ("Set-Cookie", "a=1, b"),
        ("Vary", "Origin"),
        ("set-cookie", "c=2"),
        ("Vary", "Accept"),
    ];
    let written = "Set-Cookie: a=1, b\r\nVary: Origin\r\nset-cookie: c=2\r\nVary: Accept\r\n\r\n";
    let want = Ok((format!("HTTP/1.1 204 No Content\r\n{written}"), Next::Reuse));
    assert_eq!(answer(GET, 204, lines, Content::None), want);
    let mut out = BytesMut::new();
    let lines = pairs(&[("Host", "h")]).chain(pairs(lines));
    client()
        .send_request("GET", "/", lines, Content::None, &mut out)
        .unwrap();
    assert_eq!(
        text(&out),
        format!("GET / HTTP/1.1\r\nHost: h\r\n{written}")
    );
}

#[test]
fn an_obs_text_value_is_sent_as_it_is_rfc9110_5_5() {
    let (mut connection, _) = server(GET);
    let mut out = BytesMut::new();
    let lines = [("A", &b"\xe9 \t\xff"[..]), ("B", b"")];
    connection
        .send_response(204, lines, Content::None, &mut out)
        .unwrap();
    assert_eq!(
        &out[..],
        b"HTTP/1.1 204 No Content\r\nA: \xe9 \t\xff\r\nB: \r\n\r\n"
    );
}

#[test]
fn content_is_exactly_as_long_as_its_length_says_rfc9112_6_2() {
    let (mut connection, _) = server(GET);
    let mut out = BytesMut::new();
    connection
        .send_response(200, [], Content::Length(5), &mut out)
        .unwrap();
    out.clear();
    assert_eq!(
        connection.send_data(b"123456", &mut out),
        Err(SendError::TooMuchBody { left: 5, len: 6 })
    );
    assert_eq!(connection.send_data(b"1234", &mut out), Ok(()));
    assert_eq!(connection.response_framing(), Framing::Length(1));
    assert_eq!(
        connection.send_end(&mut out),
        Err(SendError::ShortBody { left: 1 })
    );
    assert_eq!(
        connection.send_data(b"56", &mut out),
        Err(SendError::TooMuchBody { left: 1, len: 2 })
    );
    assert_eq!(
        connection.send_trailers([], &mut out),
        Err(SendError::TrailersNeedChunked)
    );
    assert!(connection.awaits_response());
    assert_eq!(connection.send_data(b"5", &mut out), Ok(()));
    assert_eq!(connection.send_end(&mut out), Ok(Next::Reuse));
    assert_eq!(&out[..], b"12345");
    assert_eq!(connection.send_end(&mut out), Err(SendError::WrongState));
}

#[test]
fn a_message_without_content_takes_no_data_rfc9112_6_3() {
    for (request, status, content) in [
        (GET, 204, Content::None),
        (GET, 304, Content::None),
        (GET, 304, Content::Length(5)),
        (HEAD, 200, Content::Length(5)),
        (HEAD, 200, Content::Unknown),
    ] {
        let (mut connection, _) = server(request);
        let mut out = BytesMut::new();
        connection
            .send_response(status, [], content, &mut out)
            .unwrap();
        out.clear();
        assert_eq!(
            connection.send_data(b"x", &mut out),
            Err(SendError::BodyNotAllowed),
            "{status}"
        );
        assert_eq!(connection.send_data(b"", &mut out), Ok(()));
        assert_eq!(connection.send_end(&mut out), Ok(Next::Reuse));
        assert!(out.is_empty());
    }
    for content in [Content::Length(1), Content::Unknown] {
        for status in [204, 205] {
            let refusal = server(GET)
                .0
                .send_response(status, [], content, &mut BytesMut::new());
            assert_eq!(refusal, Err(SendError::BodyNotAllowed), "{status}");
        }
        for (method, target) in [("CONNECT", "a:1"), ("TRACE", "/")] {
            let host = [("Host", &b"a"[..])];
            let refusal =
                client().send_request(method, target, host, content, &mut BytesMut::new());
            assert_eq!(refusal, Err(SendError::BodyNotAllowed), "{method}");
        }
    }
}

#[test]
fn chunks_are_lower_case_hex_and_never_empty_rfc9112_7_1() {
    let mut out = BytesMut::new();
    encode_chunk(&[b'x'; 171], &mut out);
    assert!(out.starts_with(b"ab\r\nxx") && out.ends_with(b"x\r\n") && out.len() == 177);
    let (mut connection, _) = server(GET);
    connection
        .send_response(200, [("Trailer", &b"Sum"[..])], Content::Unknown, &mut out)
        .unwrap();
    out.clear();
    connection.send_data(b"hello", &mut out).unwrap();
    connection.send_data(b"", &mut out).unwrap();
    let refusals = [
        ("Content-Length", &b"1"[..], SendError::ForbiddenTrailer),
        ("HOST", b"a", SendError::ForbiddenTrailer),
        ("Set-Cookie", b"a", SendError::ForbiddenTrailer),
        ("Content-Type", b"a", SendError::ForbiddenTrailer),
        ("a b", b"1", SendError::InvalidName),
        ("a", b"\r", SendError::InvalidValue),
    ];
    for (name, value, want) in refusals {
        assert_eq!(
            connection.send_trailers([("Sum", &b"1"[..]), (name, value)], &mut out),
            Err(want)
        );
    }
    assert_eq!(&out[..], b"5\r\nhello\r\n");
    assert_eq!(
        connection.send_trailers([("Sum", &b"9"[..])], &mut out),
        Ok(Next::Reuse)
    );
    assert_eq!(&out[..], b"5\r\nhello\r\n0\r\nSum: 9\r\n\r\n");
    assert_eq!(LAST_CHUNK, b"0\r\n\r\n");
}

#[test]
fn informational_responses_precede_the_final_one_in_1_1_only_rfc9110_15_2() {
    let (mut connection, _) = server(EXPECT);
    let mut out = BytesMut::new();
    assert!(connection.wants_continue());
    connection
        .send_informational(103, [("Link", &b"x"[..])], &mut out)
        .unwrap();
    assert!(
        connection.wants_continue(),
        "only 100 answers the expectation"
    );
    connection.send_informational(100, [], &mut out).unwrap();
    assert!(!connection.wants_continue());
    connection.send_informational(102, [], &mut out).unwrap();
    for status in [99, 101, 200] {
        let refusal = connection.send_informational(status, [], &mut out);
        assert_eq!(refusal, Err(SendError::InvalidStatus(status)));
    }
    let framing = connection.send_informational(103, [("Content-Length", &b"0"[..])], &mut out);
    assert_eq!(framing, Err(SendError::FramingField));
    let want = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n";
    assert_eq!(text(&out), want);
    let mut input = BytesMut::from(&b"hi"[..]);
    while connection.next_event(&mut input).unwrap().is_some() {}
    connection
        .send_response(204, [], Content::None, &mut out)
        .unwrap();
    assert_eq!(
        connection.send_informational(103, [], &mut out),
        Err(SendError::WrongState)
    );
    assert_eq!(connection.send_end(&mut out), Ok(Next::Reuse));

    let (mut connection, _) = server(GET_10);
    let refusal = connection.send_informational(100, [], &mut out);
    assert_eq!(refusal, Err(SendError::InformationalToHttp10));
}

#[test]
fn content_that_came_ends_the_wait_for_100_rfc9110_10_1_1() {
    let mut connection = ServerConnection::new(Limits::default());
    let mut input = BytesMut::from(EXPECT.as_bytes());
    input.extend_from_slice(b"h");
    connection.next_event(&mut input).unwrap();
    assert!(connection.wants_continue());
    connection.next_event(&mut input).unwrap();
    assert!(!connection.wants_continue() && connection.request_unread());
    let mut out = BytesMut::new();
    connection
        .send_response(204, [], Content::None, &mut out)
        .unwrap();
    assert_eq!(connection.send_end(&mut out), Ok(Next::Reuse));
    assert!(connection.request_unread());
}

#[test]
fn a_switch_of_protocols_names_one_that_was_offered_rfc9110_7_8() {
    let (mut connection, _) = server(UPGRADE);
    let mut out = BytesMut::new();
    assert_eq!(
        connection.send_upgrade([], &mut out),
        Err(SendError::UpgradeMissing)
    );
    assert_eq!(
        connection.send_upgrade([("Upgrade", &b"foo"[..])], &mut out),
        Err(SendError::NotOffered)
    );
    assert_eq!(
        connection.send_upgrade([("Upgrade", &b"a\r\n"[..])], &mut out),
        Err(SendError::InvalidValue)
    );
    assert!(out.is_empty());
    connection
        .send_upgrade([("upgrade", &b"WebSocket"[..]), ("A", b"b")], &mut out)
        .unwrap();
    let want = "HTTP/1.1 101 Switching Protocols\r\nupgrade: WebSocket\r\nA: b\r\nConnection: Upgrade\r\n\r\n";
    assert_eq!(text(&out), want);
    let mut input = BytesMut::from(&b"\x81\x00GET / HTTP/1.1\r\n\r\n"[..]);
    assert!(matches!(connection.next_event(&mut input), Ok(None)));
    assert_eq!(input.len(), 20, "these octets belong to the other protocol");
    assert_eq!(
        connection.send_response(200, [], Content::None, &mut out),
        Err(SendError::WrongState)
    );

    let (mut connection, _) = server(GET);
    assert_eq!(
        connection.send_upgrade([("Upgrade", &b"websocket"[..])], &mut out),
        Err(SendError::NotOffered)
    );
    let (mut connection, _) = server(UPGRADE);
    connection
        .send_response(200, [], Content::None, &mut out)
        .unwrap();
    assert_eq!(
        connection.send_end(&mut out),
        Ok(Next::Reuse),
        "an offer may be ignored"
    );
}

#[test]
fn a_caller_may_write_the_upgrade_option_itself() {
    let (mut connection, _) = server(UPGRADE);
    let mut out = BytesMut::new();
    let lines = [("Connection", &b"upgrade"[..]), ("Upgrade", b"h2c")];
    connection.send_upgrade(lines, &mut out).unwrap();
    assert_eq!(
        text(&out),
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n"
    );
}

#[test]
fn the_switch_waits_for_the_whole_request_rfc9110_7_8() {
    let request = "POST / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\nContent-Length: 2\r\n\r\nh";
    let (mut connection, mut input) = server(request);
    let mut out = BytesMut::new();
    let fields = [("Upgrade", &b"x"[..])];
    assert_eq!(
        connection.send_upgrade(fields, &mut out),
        Err(SendError::RequestUnread)
    );
    input.extend_from_slice(b"iXX");
    while connection.next_event(&mut input).unwrap().is_some() {}
    connection.send_upgrade(fields, &mut out).unwrap();
    assert_eq!(&input[..], b"XX");
}

#[test]
fn a_tunnel_is_opened_by_a_2xx_without_framing_rfc9110_9_3_6() {
    let (mut connection, _) = server(CONNECT);
    let mut out = BytesMut::new();
    let refusal = connection.send_response(200, [], Content::None, &mut out);
    assert_eq!(refusal, Err(SendError::InvalidStatus(200)));
    connection
        .send_upgrade([("Via", &b"x"[..])], &mut out)
        .unwrap();
    assert_eq!(text(&out), "HTTP/1.1 200 OK\r\nVia: x\r\n\r\n");
}

#[test]
fn a_broken_request_is_answered_once_and_closed_rfc9112_9_6() {
    let mut connection = ServerConnection::new(Limits::default());
    let mut input = BytesMut::from(&b"GET / HTTP/2.0\r\n\r\n"[..]);
    let error = connection.next_event(&mut input).unwrap_err();
    let mut out = BytesMut::new();
    assert!(connection.can_respond() && !connection.awaits_response());
    connection
        .send_response(error.status(), [], Content::None, &mut out)
        .unwrap();
    assert_eq!(
        connection.send_end(&mut out),
        Ok(Next::Close(CloseReason::PeerFailed))
    );
    assert_eq!(
        text(&out),
        "HTTP/1.1 505 HTTP Version Not Supported\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    );
    assert_eq!(
        connection.send_response(400, [], Content::None, &mut out),
        Err(SendError::WrongState)
    );
    assert_eq!(connection.next_event(&mut input).unwrap_err(), error);
}

#[test]
fn broken_content_can_be_answered_until_a_response_was_begun() {
    let request = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx";
    for begun in [false, true] {
        let mut connection = ServerConnection::new(Limits::default());
        let mut input = BytesMut::from(request.as_bytes());
        let mut out = BytesMut::new();
        connection.next_event(&mut input).unwrap();
        if begun {
            connection
                .send_response(200, [], Content::Unknown, &mut out)
                .unwrap();
        }
        connection.next_event(&mut input).unwrap_err();
        assert_eq!(connection.can_respond(), !begun);
        if !begun {
            connection
                .send_response(400, [], Content::None, &mut out)
                .unwrap();
            assert!(text(&out).contains("Connection: close\r\n"));
        }
        assert_eq!(
            connection.send_end(&mut out),
            Ok(Next::Close(CloseReason::PeerFailed))
        );
    }
}

#[test]
fn pipelined_requests_wait_for_the_response_before_them_rfc9112_9_3_2() {
    let mut connection = ServerConnection::new(Limits::default());
    let mut input = BytesMut::from([GET, GET_CLOSE, "garbage\0"].concat().as_bytes());
    let mut out = BytesMut::new();
    let mut events = Vec::new();
    for turn in 0..2 {
        while let Some(event) = connection.next_event(&mut input).unwrap() {
            events.push(match event {
                ServerEvent::Request(_) => "request",
                ServerEvent::End => "end",
                _ => "other",
            });
        }
        assert_eq!(events.len(), 2 * (turn + 1), "nothing is parsed ahead");
        connection
            .send_response(204, [], Content::None, &mut out)
            .unwrap();
        assert_eq!(
            matches!(connection.send_end(&mut out), Ok(Next::Close(_))),
            turn == 1
        );
    }
    assert!(matches!(
        connection.next_event(&mut input),
        Ok(Some(ServerEvent::Closed))
    ));
    assert!(matches!(connection.next_event(&mut input), Ok(None)));
    assert_eq!(
        &input[..],
        b"garbage\0",
        "octets behind `close` are never looked at"
    );
}

#[test]
fn unread_content_follows_a_response_that_came_first_rfc9112_9_3() {
    let mut connection = ServerConnection::new(Limits::default());
    let mut input = BytesMut::from(&b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n"[..]);
    let mut out = BytesMut::new();
    connection.next_event(&mut input).unwrap();
    connection
        .send_response(413, [], Content::None, &mut out)
        .unwrap();
    assert_eq!(connection.send_end(&mut out), Ok(Next::Reuse));
    assert!(connection.request_unread() && !connection.awaits_response());
    input.extend_from_slice([&b"abc"[..], GET.as_bytes()].concat().as_slice());
    assert!(
        matches!(connection.next_event(&mut input), Ok(Some(ServerEvent::Data(data))) if data == "abc")
    );
    assert!(matches!(
        connection.next_event(&mut input),
        Ok(Some(ServerEvent::End))
    ));
    assert!(matches!(
        connection.next_event(&mut input),
        Ok(Some(ServerEvent::Request(_)))
    ));
    assert!(connection.awaits_response());
}

#[test]
fn the_end_of_input_is_clean_between_requests_only_rfc9112_8() {
    let rows: [(&str, bool); 7] = [
        ("", true),
        ("\r\n\r\n", true),
        ("\r", false),
        ("G", false),
        ("GET / HTTP/1.1\r\nHost: a\r\n\r", false),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n",
            false,
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\n",
            false,
        ),
    ];
    for (octets, clean) in rows {
        let mut connection = ServerConnection::new(Limits::default());
        let mut input = BytesMut::from(octets.as_bytes());
        connection.receive_eof();
        let last = loop {
            match connection.next_event(&mut input) {
                Ok(Some(ServerEvent::Request(_))) => {}
                last => break last,
            }
        };
        match last {
            Ok(Some(ServerEvent::Closed)) if clean => {}
            Err(error) if !clean => assert_eq!(error.offset(), octets.len() as u64, "{octets:?}"),
            other => panic!("{octets:?}: {other:?}"),
        }
    }
}

#[test]
fn requests_before_the_end_of_input_are_still_served() {
    let mut connection = ServerConnection::new(Limits::default());
    let mut input = BytesMut::from([GET, GET].concat().as_bytes());
    let mut out = BytesMut::new();
    connection.receive_eof();
    let mut served = 0;
    while let Some(event) = connection.next_event(&mut input).unwrap() {
        match event {
            ServerEvent::End => {
                served += 1;
                connection
                    .send_response(204, [], Content::None, &mut out)
                    .unwrap();
                connection.send_end(&mut out).unwrap();
            }
            ServerEvent::Closed => assert_eq!(served, 2),
            _ => {}
        }
    }
    assert_eq!(served, 2);
}

#[test]
fn a_server_can_end_the_connection_after_the_response_at_hand_rfc9112_9_6() {
    let (mut connection, mut input) = server(GET);
    let mut out = BytesMut::new();
    connection.close_after_response();
    connection
        .send_response(204, [], Content::None, &mut out)
        .unwrap();
    assert_eq!(
        connection.send_end(&mut out),
        Ok(Next::Close(CloseReason::WeAsked))
    );
    assert_eq!(
        text(&out),
        "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"
    );
    input.extend_from_slice(GET.as_bytes());
    assert!(matches!(
        connection.next_event(&mut input),
        Ok(Some(ServerEvent::Closed))
    ));
    assert_eq!(&input[..], GET.as_bytes());
}

#[test]
fn nothing_is_sent_without_a_request() {
    let mut connection = ServerConnection::new(Limits::default());
    let mut out = BytesMut::new();
    let wrong = Err(SendError::WrongState);
    assert_eq!(
        connection.send_response(200, [], Content::None, &mut out),
        wrong
    );
    assert_eq!(connection.send_informational(100, [], &mut out), wrong);
    assert_eq!(connection.send_upgrade([], &mut out), wrong);
    assert_eq!(connection.send_data(b"x", &mut out), wrong);
    assert_eq!(connection.send_end(&mut out), Err(SendError::WrongState));
    assert_eq!(
        connection.send_trailers([], &mut out),
        Err(SendError::WrongState)
    );
    assert!(out.is_empty() && !connection.can_respond() && !connection.wants_continue());
}

#[test]
fn a_client_writes_the_framing_of_its_requests_rfc9112_6() {
    use Content::{Length, None, Unknown};
    let rows: [(&str, &str, Lines<'_>, Content, &str); 12] = [
        (
            "GET",
            "/a?b",
            &[],
            None,
            "GET /a?b HTTP/1.1\r\nHost: h\r\n\r\n",
        ),
        (
            "GET",
            "/",
            &[("A", "b")],
            Length(0),
            "GET / HTTP/1.1\r\nHost: h\r\nA: b\r\n\r\n",
        ),
        (
            "POST",
            "/",
            &[],
            None,
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n",
        ),
        (
            "PUT",
            "/",
            &[],
            Length(0),
            "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n",
        ),
        (
            "POST",
            "/",
            &[],
            Length(12),
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 12\r\n\r\n",
        ),
        (
            "POST",
            "/",
            &[],
            Unknown,
            "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n",
        ),
        (
            "GET",
            "http://h/x",
            &[],
            None,
            "GET http://h/x HTTP/1.1\r\nHost: h\r\n\r\n",
        ),
        (
            "OPTIONS",
            "*",
            &[],
            None,
            "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n",
        ),
        (
            "CONNECT",
            "h:443",
            &[],
            None,
            "CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n",
        ),
        (
            "GET",
            "/",
            &[("Upgrade", "x")],
            None,
            "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
        ),
        (
            "GET",
            "/",
            &[("Connection", "close")],
            None,
            "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
        ),
        (
            "PUT",
            "/",
            &[("Expect", "100-continue")],
            Length(1),
            "PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n",
        ),
    ];
    for (method, target, lines, content, want) in rows {
        let mut connection = client();
        connection.assume_http11();
        let mut out = BytesMut::new();
        let lines = pairs(&[("Host", "h")]).chain(pairs(lines));
        connection
            .send_request(method, target, lines, content, &mut out)
            .unwrap();
        assert_eq!(text(&out), want);
        assert_eq!(connection.unanswered(), 1);
    }
}

#[test]
fn a_client_refuses_a_bad_request_rfc9112_3() {
    use SendError::*;
    let host: Lines<'_> = &[("Host", "h")];
    let rows: [(&str, &str, Lines<'_>, Content, SendError); 24] = [
        ("", "/", host, Content::None, InvalidMethod),
        ("G T", "/", host, Content::None, InvalidMethod),
        ("GET\r\n", "/", host, Content::None, InvalidMethod),
        ("GET", "", host, Content::None, InvalidTarget),
        ("GET", "/a b", host, Content::None, InvalidTarget),
        ("GET", "/a\r\n", host, Content::None, InvalidTarget),
        ("GET", "/\u{ff}", host, Content::None, InvalidTarget),
        ("GET", "/a#b", host, Content::None, InvalidTarget),
        ("GET", "/{a}", host, Content::None, InvalidTarget),
        ("GET", "a", host, Content::None, InvalidTarget),
        ("GET", "*", host, Content::None, InvalidTarget),
        ("CONNECT", "h", host, Content::None, InvalidTarget),
        ("CONNECT", "/", host, Content::None, InvalidTarget),
        ("GET", "http://u@h/", host, Content::None, InvalidTarget),
        ("GET", "/", &[], Content::None, Host),
        (
            "GET",
            "/",
            &[("Host", "h"), ("host", "h")],
            Content::None,
            Host,
        ),
        ("GET", "/", &[("Host", "u@h")], Content::None, Host),
        (
            "GET",
            "/",
            &[("Host", "h"), ("A", "\n")],
            Content::None,
            InvalidValue,
        ),
        (
            "GET",
            "/",
            &[("Host", "h"), ("A:", "")],
            Content::None,
            InvalidName,
        ),
        (
            "GET",
            "/",
            &[("Host", "h"), ("Content-Length", "3")],
            Content::None,
            FramingField,
        ),
        (
            "GET",
            "/",
            &[("Host", "h"), ("Transfer-Encoding", "x")],
            Content::None,
            FramingField,
        ),
        (
            "GET",
            "/",
            &[("Host", "h"), ("Connection", "Keep-Alive")],
            Content::None,
            FramingField,
        ),
        ("POST", "/", host, Content::Unknown, NeedLength),
        (
            "GET",
            "/",
            &[("Host", "h"), ("Expect", "100-Continue")],
            Content::None,
            ExpectWithoutContent,
        ),
    ];
    for (method, target, lines, content, want) in rows {
        let mut connection = client();
        let mut out = BytesMut::from(&b"before"[..]);
        let refusal = connection.send_request(method, target, pairs(lines), content, &mut out);
        assert_eq!(
            (refusal, &out[..]),
            (Err(want), &b"before"[..]),
            "{method} {target} {lines:?}"
        );
        assert_eq!((connection.unanswered(), connection.can_send()), (0, true));
    }
}

#[test]
fn the_version_of_a_response_decides_whether_requests_may_be_chunked_rfc9112_6_1() {
    for (version, want) in [("1.1", Ok(())), ("1.0", Err(SendError::NeedLength))] {
        let mut connection = client();
        let mut out = BytesMut::new();
        let host = [("Host", &b"h"[..])];
        connection
            .send_request("GET", "/", host, Content::None, &mut out)
            .unwrap();
        let response = format!("HTTP/{version} 204 x\r\nConnection: keep-alive\r\n\r\n");
        let mut input = BytesMut::from(response.as_bytes());
        while connection.next_event(&mut input).unwrap().is_some() {}
        assert_eq!(
            connection.send_request("POST", "/", host, Content::Unknown, &mut out),
            want
        );
        if want.is_ok() {
            out.clear();
            connection.send_data(b"hi", &mut out).unwrap();
            connection
                .send_trailers([("A", &b"b"[..])], &mut out)
                .unwrap();
            assert_eq!(text(&out), "2\r\nhi\r\n0\r\nA: b\r\n\r\n");
        }
    }
}

#[test]
fn a_client_sends_one_content_at_a_time_and_exactly_its_length() {
    let mut connection = client();
    let mut out = BytesMut::new();
    let host = [("Host", &b"h"[..])];
    connection
        .send_request("POST", "/", host, Content::Length(2), &mut out)
        .unwrap();
    out.clear();
    let second = connection.send_request("GET", "/", host, Content::None, &mut out);
    assert_eq!(second, Err(SendError::WrongState));
    assert_eq!(
        connection.send_data(b"abc", &mut out),
        Err(SendError::TooMuchBody { left: 2, len: 3 })
    );
    assert_eq!(
        connection.send_end(&mut out),
        Err(SendError::ShortBody { left: 2 })
    );
    assert_eq!(
        connection.send_trailers([], &mut out),
        Err(SendError::TrailersNeedChunked)
    );
    connection.send_data(b"ab", &mut out).unwrap();
    connection.send_end(&mut out).unwrap();
    assert_eq!(&out[..], b"ab");
    connection
        .send_request("GET", "/", host, Content::None, &mut out)
        .unwrap();
    assert_eq!(
        connection.send_data(b"x", &mut out),
        Err(SendError::WrongState)
    );
    assert_eq!(
        (connection.send_end(&mut out), connection.unanswered()),
        (Ok(()), 2)
    );
}

#[test]
fn no_request_follows_one_that_may_switch_or_says_close() {
    let rows: [(&str, Lines<'_>, SendError); 3] = [
        ("CONNECT", &[("Host", "h")], SendError::WrongState),
        (
            "GET",
            &[("Host", "h"), ("Upgrade", "x")],
            SendError::WrongState,
        ),
        (
            "GET",
            &[("Host", "h"), ("Connection", "close")],
            SendError::Closed,
        ),
    ];
    for (method, lines, want) in rows {
        let mut connection = client();
        let mut out = BytesMut::new();
        let target = if method == "CONNECT" { "h:1" } else { "/" };
        connection
            .send_request(method, target, pairs(lines), Content::None, &mut out)
            .unwrap();
        let second =
            connection.send_request("GET", "/", pairs(&[("Host", "h")]), Content::None, &mut out);
        assert_eq!(second, Err(want));
        let mut input = BytesMut::from(&b"HTTP/1.1 404 x\r\nContent-Length: 0\r\n\r\n"[..]);
        let mut last = None;
        while let Some(event) = connection.next_event(&mut input).unwrap() {
            if let ClientEvent::End(next) = event {
                last = Some(next);
            }
        }
        let closes = want == SendError::Closed;
        assert_eq!(
            last,
            Some(if closes {
                Next::Close(CloseReason::WeAsked)
            } else {
                Next::Reuse
            })
        );
        assert_eq!(connection.can_send(), !closes);
    }
}

#[test]
fn a_switched_client_leaves_the_input_alone_rfc9110_7_8() {
    let rows = [
        (
            "GET",
            "/",
            "HTTP/1.1 101 x\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        ),
        (
            "CONNECT",
            "h:1",
            "HTTP/1.1 200 x\r\nContent-Length: 3\r\n\r\n",
        ),
    ];
    for (method, target, response) in rows {
        let mut connection = client();
        let lines = pairs(&[("Host", "h"), ("Upgrade", "x")]);
        connection
            .send_request(method, target, lines, Content::None, &mut BytesMut::new())
            .unwrap();
        let mut input = BytesMut::from([response.as_bytes(), b"\x16\x03\x01"].concat().as_slice());
        assert!(matches!(
            connection.next_event(&mut input),
            Ok(Some(ClientEvent::Upgraded(_)))
        ));
        connection.receive_eof();
        assert!(matches!(connection.next_event(&mut input), Ok(None)));
        assert_eq!(
            (&input[..], connection.unanswered()),
            (&b"\x16\x03\x01"[..], 0)
        );
        assert!(!connection.can_send());
    }
}

#[test]
fn an_answer_before_the_end_of_the_request_ends_the_connection_rfc9112_9_3() {
    let mut connection = client();
    let mut out = BytesMut::new();
    connection
        .send_request(
            "POST",
            "/",
            [("Host", &b"h"[..])],
            Content::Length(5),
            &mut out,
        )
        .unwrap();
    let mut input = BytesMut::from(&b"HTTP/1.1 413 x\r\nContent-Length: 0\r\n\r\n"[..]);
    connection.next_event(&mut input).unwrap();
    let end = connection.next_event(&mut input).unwrap();
    assert!(
        matches!(
            end,
            Some(ClientEvent::End(Next::Close(
                CloseReason::RequestUnfinished
            )))
        ),
        "{end:?}"
    );
    assert!(!connection.can_send());
}

#[test]
fn unanswered_requests_are_counted_when_the_server_leaves_rfc9112_9_6() {
    let mut connection = client();
    let mut out = BytesMut::new();
    for _ in 0..3 {
        connection
            .send_request("GET", "/", [("Host", &b"h"[..])], Content::None, &mut out)
            .unwrap();
    }
    let mut input = BytesMut::from(&b"HTTP/1.1 204 x\r\n\r\n"[..]);
    connection.receive_eof();
    let mut closed = false;
    while let Some(event) = connection.next_event(&mut input).unwrap() {
        closed |= matches!(event, ClientEvent::Closed);
    }
    assert_eq!((closed, connection.unanswered()), (true, 2));
}

#[test]
fn content_that_the_caller_writes_itself_counts_like_any_other_rfc9112_6_2() {
    let respond = |content| {
        let mut connection = ServerConnection::new(Limits::default());
        let mut input = BytesMut::from(&b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"[..]);
        while let Some(_event) = connection.next_event(&mut input).unwrap() {}
        let mut out = BytesMut::new();
        let none: [(&str, &[u8]); 0] = [];
        connection
            .send_response(200, none, content, &mut out)
            .unwrap();
        (connection, out)
    };
    let (mut connection, mut out) = respond(Content::Length(5));
    assert_eq!(
        connection.count_data(6),
        Err(SendError::TooMuchBody { left: 5, len: 6 })
    );
    assert_eq!(connection.count_data(4), Ok(()));
    assert_eq!(
        connection.send_end(&mut out),
        Err(SendError::ShortBody { left: 1 })
    );
    assert_eq!(connection.count_data(1), Ok(()));
    assert_eq!(connection.send_end(&mut out), Ok(Next::Reuse));
    let (mut connection, _) = respond(Content::Unknown);
    assert_eq!(connection.count_data(1), Err(SendError::WrongState));
}

#[test]
fn a_client_that_is_not_served_is_told_so_rfc9110_15_5_9() {
    for begun in [&b""[..], b"GET / HT"] {
        let mut connection = ServerConnection::new(Limits::default());
        let mut input = BytesMut::from(begun);
        assert!(matches!(connection.next_event(&mut input), Ok(None)));
        connection.stop_receiving();
        let mut out = BytesMut::new();
        let none: [(&str, &[u8]); 0] = [];
        connection
            .send_response(408, none, Content::Length(0), &mut out)
            .unwrap();
        assert!(matches!(connection.send_end(&mut out), Ok(Next::Close(_))));
        assert_eq!(
            &out[..],
            b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        );
        input.extend_from_slice(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        assert!(matches!(connection.next_event(&mut input), Ok(None)));
    }
}
