//! One connection from its first octet to its last: offsets over several messages, and why it ends.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use bytes::BytesMut;
use tidings_http1::{
    ClientConnection, ClientEvent, CloseReason, Content, ErrorKind, Limits, Next, ReceiveError,
    ServerConnection, ServerEvent,
};

/// Answers each request at once, and gives the reason of the close, if any.
fn serve(octets: &str, limits: Limits) -> Result<Next, ReceiveError> {
    let mut connection = ServerConnection::new(limits);
    let (mut input, mut out) = (BytesMut::from(octets), BytesMut::new());
    let mut next = Next::Reuse;
    while let Some(event) = connection.next_event(&mut input)? {
        if let ServerEvent::End = event {
            let content = Content::Length(0);
            connection
                .send_response(200, [], content, &mut out)
                .unwrap();
            next = connection.send_end(&mut out).unwrap();
        }
    }
    Ok(next)
}

/// Reads the answers to two requests, of which the first may say `close`.
fn read(octets: &str, says_close: bool, eof: bool) -> Result<Vec<Next>, ReceiveError> {
    let mut connection = ClientConnection::new(Limits::default());
    let (host, mut out) = (("Host", &b"a"[..]), BytesMut::new());
    if says_close {
        let fields = [host, ("Connection", b"close")];
        connection
            .send_request("GET", "/", fields, Content::None, &mut out)
            .unwrap();
    } else {
        for _ in 0..2 {
            connection
                .send_request("GET", "/", [host], Content::None, &mut out)
                .unwrap();
        }
    }
    let (mut input, mut ends) = (BytesMut::from(octets), Vec::new());
    if eof {
        connection.receive_eof();
    }
    while let Some(event) = connection.next_event(&mut input)? {
        if let ClientEvent::End(next) = event {
            ends.push(next);
        }
    }
    Ok(ends)
}

#[test]
fn an_offset_counts_from_the_first_octet_of_the_connection() {
    let requests = [
        ("no content", "GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        (
            "a length",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
        ),
        (
            "chunks",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\nabc\r\n0\r\n\r\n",
        ),
        (
            "trailers",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\n\r\n",
        ),
        (
            "blank lines",
            "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n\r\n",
        ),
    ];
    for (name, request) in requests {
        for times in [1, 2] {
            let front = request.repeat(times);
            let error = serve(&(front.clone() + "G@T"), Limits::default()).unwrap_err();
            let want = (ErrorKind::Method, front.len() as u64 + 1);
            assert_eq!((error.kind(), error.offset()), want, "{name}, {times}");
        }
    }
    let responses = [
        ("no content", "HTTP/1.1 204 \r\n\r\n"),
        ("1xx in front", "HTTP/1.1 100 \r\n\r\nHTTP/1.1 204 \r\n\r\n"),
        ("a length", "HTTP/1.1 200 \r\nContent-Length: 3\r\n\r\nabc"),
        (
            "chunks",
            "HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        ),
        (
            "trailers",
            "HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\n\r\n",
        ),
    ];
    for (name, front) in responses {
        let error = read(&format!("{front}HTTP/1.1 2x"), false, false).unwrap_err();
        let want = (ErrorKind::StatusLine, front.len() as u64 + 10);
        assert_eq!((error.kind(), error.offset()), want, "{name}");
    }
}

#[test]
fn a_truncated_message_ends_at_its_last_octet_rfc9112_8() {
    let post = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let rows = [
        ("in a head", "GET / HT"),
        (
            "in content",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc",
        ),
        ("in a size", "3"),
        ("in data", "3\r\nab"),
        ("in a trailer", "0\r\nA: b\r\nC"),
    ];
    for (name, octets) in rows {
        let octets = match octets.as_bytes() {
            [b'0'..=b'9', ..] => format!("{post}{octets}"),
            _ => octets.to_owned(),
        };
        let mut connection = ServerConnection::new(Limits::default());
        connection.receive_eof();
        let mut input = BytesMut::from(&*octets);
        let error = loop {
            match connection.next_event(&mut input) {
                Ok(Some(_)) => {}
                Ok(None) => panic!("{name}: it waits for more"),
                Err(error) => break error,
            }
        };
        let want = (ErrorKind::Truncated, octets.len() as u64);
        assert_eq!((error.kind(), error.offset()), want, "{name}");
    }
}

#[test]
fn chunks_may_be_small_as_long_as_data_is_a_third_of_their_framing_rfc9112_7_1_1() {
    let few = "1\r\nx\r\n".repeat(60);
    let many_then_few = &*format!("1e\r\n{}\r\n{few}", "x".repeat(30));
    let post = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    // The framing in front of the line feed of the last chunk: 5 + 5 + 2 octets.
    let rows = [
        (
            "four octets of data for twelve",
            12,
            "3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n",
            true,
        ),
        ("three of them", 12, "2\r\nab\r\n1\r\nc\r\n0\r\n\r\n", false),
        (
            "three of them, under the limit",
            13,
            "2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
            true,
        ),
        (
            "many of them",
            12,
            "7\r\nabcdefg\r\n1\r\nd\r\n0\r\n\r\n",
            true,
        ),
        (
            "many of them, and then too few for each chunk",
            12,
            many_then_few,
            false,
        ),
    ];
    for (name, limit, content, fits) in rows {
        let mut limits = Limits::default();
        limits.max_chunk_overhead = limit;
        let got = serve(&format!("{post}{content}"), limits).map_err(|error| error.kind());
        let want = if fits {
            Ok(Next::Reuse)
        } else {
            Err(ErrorKind::ChunkOverhead)
        };
        assert_eq!(got, want, "{name}");
    }
}

#[test]
fn a_server_tells_why_a_connection_ends_rfc9112_9_3() {
    let rows = [
        ("1.1", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", None),
        (
            "1.1, close",
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
            Some(CloseReason::PeerAsked),
        ),
        ("1.0", "GET / HTTP/1.0\r\n\r\n", Some(CloseReason::Http10)),
        (
            "1.0, close",
            "GET / HTTP/1.0\r\nConnection: close\r\n\r\n",
            Some(CloseReason::PeerAsked),
        ),
        (
            "1.0, keep-alive",
            "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
            None,
        ),
        (
            "1.0, both",
            "GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n",
            Some(CloseReason::PeerAsked),
        ),
    ];
    for (name, octets, reason) in rows {
        let want = reason.map_or(Next::Reuse, Next::Close);
        assert_eq!(serve(octets, Limits::default()), Ok(want), "{name}");
    }
}

#[test]
fn a_client_tells_why_a_connection_ends_rfc9112_9_3() {
    let rows = [
        ("1.1", false, "HTTP/1.1 204 \r\n\r\n", None),
        (
            "1.1, close",
            false,
            "HTTP/1.1 204 \r\nConnection: close\r\n\r\n",
            Some(CloseReason::PeerAsked),
        ),
        (
            "1.0",
            false,
            "HTTP/1.0 204 \r\n\r\n",
            Some(CloseReason::Http10),
        ),
        (
            "1.0, close",
            false,
            "HTTP/1.0 204 \r\nConnection: close\r\n\r\n",
            Some(CloseReason::PeerAsked),
        ),
        (
            "1.0, keep-alive",
            false,
            "HTTP/1.0 204 \r\nConnection: keep-alive\r\n\r\n",
            None,
        ),
        (
            "the request said close",
            true,
            "HTTP/1.1 204 \r\n\r\n",
            Some(CloseReason::WeAsked),
        ),
        (
            "both said close",
            true,
            "HTTP/1.1 204 \r\nConnection: close\r\n\r\n",
            Some(CloseReason::PeerAsked),
        ),
        (
            "to the end",
            false,
            "HTTP/1.1 200 \r\n\r\n",
            Some(CloseReason::UntilClose),
        ),
        (
            "to the end, close",
            false,
            "HTTP/1.1 200 \r\nConnection: close\r\n\r\n",
            Some(CloseReason::UntilClose),
        ),
        (
            "to the end, 1.0",
            false,
            "HTTP/1.0 200 \r\n\r\n",
            Some(CloseReason::UntilClose),
        ),
    ];
    for (name, says_close, octets, reason) in rows {
        let want = reason.map_or(Next::Reuse, Next::Close);
        assert_eq!(read(octets, says_close, true), Ok(vec![want]), "{name}");
    }
}

/// Fields whose names are as long as one that the codec acts on, with values that it would act on.
const LIKE_FRAMING: [(&str, &str); 6] = [
    ("Date", "a b"),
    ("Cookie", "x, 100-continue"),
    ("Referer", "x"),
    ("User-Agent", "close, keep-alive"),
    ("Accept-Charset", "x"),
    ("If-Modified-Since", "gzip"),
];

#[test]
fn a_field_that_is_as_long_as_one_that_frames_is_any_field_rfc9110_5_1() {
    for (name, value) in LIKE_FRAMING {
        let request =
            format!("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n{name}: {value}\r\n\r\n");
        assert_eq!(
            serve(&request, Limits::default()),
            Ok(Next::Reuse),
            "{name}"
        );
        let response = format!("HTTP/1.1 204 \r\n{name}: {value}\r\n\r\n");
        assert_eq!(
            read(&response, false, false),
            Ok(vec![Next::Reuse]),
            "{name}"
        );

        let mut server = ServerConnection::new(Limits::default());
        let (mut input, mut out) = (BytesMut::from(&*request), BytesMut::new());
        while server.next_event(&mut input).unwrap().is_some() {}
        let fields = [(name, value.as_bytes())];
        server
            .send_response(200, fields, Content::Length(0), &mut out)
            .unwrap();
        let want = format!("HTTP/1.1 200 OK\r\n{name}: {value}\r\nContent-Length: 0\r\n\r\n");
        assert_eq!(out, want.as_bytes(), "{name}");

        let mut client = ClientConnection::new(Limits::default());
        out.clear();
        let fields = [("Host", &b"a"[..]), (name, value.as_bytes())];
        client
            .send_request("GET", "/", fields, Content::None, &mut out)
            .unwrap();
        let want = format!("GET / HTTP/1.1\r\nHost: a\r\n{name}: {value}\r\n\r\n");
        assert_eq!(out, want.as_bytes(), "{name}");
    }
}

/// Feeds octet by octet, and gives how many requests came.
fn drip(octets: &str, limits: Limits) -> Result<usize, ReceiveError> {
    let mut connection = ServerConnection::new(limits);
    let (mut input, mut requests) = (BytesMut::new(), 0);
    for octet in octets.as_bytes() {
        input.extend_from_slice(&[*octet]);
        while let Some(event) = connection.next_event(&mut input)? {
            requests += usize::from(matches!(event, ServerEvent::Request(_)));
        }
    }
    Ok(requests)
}

#[test]
fn a_limit_holds_at_the_same_octet_when_a_head_comes_in_drops() {
    type Row = (
        &'static str,
        fn(&mut Limits),
        &'static str,
        &'static str,
        ErrorKind,
    );
    let rows: [Row; 4] = [
        (
            "method",
            |limits| limits.max_method_len = 4,
            "ABCD / HTTP/1.1\r\nHost: a\r\n\r\n",
            "ABCDE / HTTP/1.1\r\nHost: a\r\n\r\n",
            ErrorKind::MethodTooLong,
        ),
        (
            "target",
            |limits| limits.max_target_len = 4,
            "GET /abc HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET /abcd HTTP/1.1\r\nHost: a\r\n\r\n",
            ErrorKind::TargetTooLong,
        ),
        (
            "head",
            |limits| limits.max_head_len = 27,
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: ab\r\n\r\n",
            ErrorKind::HeadTooLong,
        ),
        (
            "fields",
            |limits| limits.max_fields = 1,
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nB: c\r\n\r\n",
            ErrorKind::TooManyFields,
        ),
    ];
    for (name, set, fits, exceeds, kind) in rows {
        let mut limits = Limits::default();
        set(&mut limits);
        assert_eq!(drip(fits, limits), Ok(1), "{name}");
        let error = drip(exceeds, limits).unwrap_err();
        assert_eq!(error.kind(), kind, "{name}");
        assert_eq!(
            serve(exceeds, limits).unwrap_err(),
            error,
            "{name} in one piece"
        );
    }
}

#[test]
fn a_client_that_asked_nothing_is_told_of_octets_and_of_the_end_rfc9112_9_2() {
    for (name, octets, eof, closed) in [
        ("nothing", "", false, false),
        ("octets", "H", false, true),
        ("the end", "", true, true),
        ("both", "H", true, true),
    ] {
        let mut connection = ClientConnection::new(Limits::default());
        let mut input = BytesMut::from(octets);
        if eof {
            connection.receive_eof();
        }
        let event = connection.next_event(&mut input).unwrap();
        assert_eq!(
            matches!(event, Some(ClientEvent::Closed)),
            closed,
            "{name}: {event:?}"
        );
        assert_eq!(connection.can_send(), !closed, "{name}");
        assert_eq!(input, octets.as_bytes(), "{name}");
    }
}

#[test]
fn a_detached_head_has_octets_of_its_own() {
    let mut connection = ServerConnection::new(Limits::default());
    let mut input = BytesMut::from("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    let Ok(Some(ServerEvent::Request(head))) = connection.next_event(&mut input) else {
        panic!()
    };
    let detached = head.detached();
    assert_eq!(detached.raw(), head.raw());
    assert_ne!(detached.raw().as_ptr(), head.raw().as_ptr());
    assert_eq!(head.clone().raw().as_ptr(), head.raw().as_ptr());
}

#[test]
fn a_status_line_without_its_space_still_ends_with_crlf_rfc9112_4() {
    assert_eq!(
        read("HTTP/1.1 204\r\n\r\n", false, false),
        Ok(vec![Next::Reuse])
    );
    let error = read("HTTP/1.1 204\n\n", false, false).unwrap_err();
    assert_eq!((error.kind(), error.offset()), (ErrorKind::BareLf, 12));
}
