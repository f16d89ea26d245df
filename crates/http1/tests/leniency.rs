//! Each switch of `Leniency`: what it takes, what it reads out of it, and what stays refused.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use bytes::BytesMut;
use tidings_http1::{
    ClientConnection, ClientEvent, CloseReason, Config, Content, ErrorKind, Framing, Leniency,
    Limits, Next, ReceiveError, RequestHead, ResponseHead, ServerConnection, ServerEvent,
};

type Switch = fn(&mut Leniency);

fn with(switch: Switch) -> Config {
    let mut leniency = Leniency::default();
    switch(&mut leniency);
    Config::new(Limits::default(), leniency)
}

fn strict() -> Config {
    Config::from(Limits::default())
}

fn everything() -> Config {
    with(|leniency| {
        leniency.bare_lf = true;
        leniency.fold_to_sp = true;
        leniency.space_before_colon = true;
        leniency.equal_content_lengths = true;
        leniency.te_over_cl = true;
        leniency.missing_reason_sp = true;
        leniency.ctl_in_values = true;
        leniency.space_after_chunk_size = true;
    })
}

/// A message as far as it was read: its head, its content or fate, or the error and its offset.
type Read<H, B> = Result<(H, B), ReceiveError>;

fn read_request(pieces: &[&[u8]], config: Config) -> Read<RequestHead, Vec<u8>> {
    let mut connection = ServerConnection::with_config(config);
    let (mut input, mut head, mut data) = (BytesMut::new(), None, Vec::new());
    for piece in pieces {
        input.extend_from_slice(piece);
        while let Some(event) = connection.next_event(&mut input)? {
            match event {
                ServerEvent::Request(request) => head = Some(request),
                ServerEvent::Data(octets) => data.extend_from_slice(&octets),
                ServerEvent::Trailers(_) => {}
                ServerEvent::End => return Ok((head.unwrap(), data)),
                ServerEvent::Closed => panic!("closed without a request"),
            }
        }
    }
    panic!("no whole request")
}

fn read_response(pieces: &[&[u8]], config: Config) -> Read<ResponseHead, Next> {
    let mut connection = ClientConnection::with_config(config);
    let host = [("Host", &b"a"[..])];
    connection
        .send_request("GET", "/", host, Content::None, &mut BytesMut::new())
        .unwrap();
    let (mut input, mut head) = (BytesMut::new(), None);
    for piece in pieces {
        input.extend_from_slice(piece);
        while let Some(event) = connection.next_event(&mut input)? {
            match event {
                ClientEvent::Response(response) => head = Some(response),
                ClientEvent::End(next) => return Ok((head.unwrap(), next)),
                _ => {}
            }
        }
    }
    panic!("no whole response")
}

/// Reads the octets in one piece, and cut at each place: the same comes out.
fn request(octets: &[u8], config: Config) -> Result<(RequestHead, Vec<u8>), ErrorKind> {
    let whole = read_request(&[octets], config);
    for at in 0..octets.len() {
        let (front, rest) = octets.split_at(at);
        let cut = read_request(&[front, rest], config);
        assert_eq!(format!("{cut:?}"), format!("{whole:?}"), "cut at {at}");
    }
    whole.map_err(|error| error.kind())
}

/// Reads the octets in one piece, and cut at each place: the same comes out.
fn response(octets: &[u8], config: Config) -> Result<(ResponseHead, Next), ErrorKind> {
    let whole = read_response(&[octets], config);
    for at in 0..octets.len() {
        let (front, rest) = octets.split_at(at);
        let cut = read_response(&[front, rest], config);
        assert_eq!(format!("{cut:?}"), format!("{whole:?}"), "cut at {at}");
    }
    whole.map_err(|error| error.kind())
}

#[test]
fn nothing_is_relaxed_by_default() {
    assert_eq!(Config::default(), strict());
    assert_eq!(strict().leniency, Leniency::default());
    let octets = b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(
        response(octets, strict()).map(|_| ()),
        Err(ErrorKind::StatusLine)
    );
}

#[test]
fn a_switch_reads_what_the_strict_reader_refuses_in_a_request() {
    type Row = (
        &'static str,
        Switch,
        &'static str,
        ErrorKind,
        &'static str,
        &'static [u8],
        &'static [u8],
    );
    let rows: [Row; 10] = [
        (
            "LF ends each line",
            |leniency| leniency.bare_lf = true,
            "GET / HTTP/1.1\nHost: a\nX:\tb \nY:\n\n",
            ErrorKind::BareLf,
            "X",
            b"b",
            b"",
        ),
        (
            "LF among CRLF",
            |leniency| leniency.bare_lf = true,
            "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\n",
            ErrorKind::BareLf,
            "X",
            b"b",
            b"",
        ),
        (
            "a fold in front of Host",
            |leniency| leniency.fold_to_sp = true,
            "GET / HTTP/1.1\r\nX: a\r\n \t b\r\n\tc\r\nHost:\r\n a\r\n\r\n",
            ErrorKind::ObsFold,
            "X",
            b"a b c",
            b"",
        ),
        (
            "a folded trailer",
            |leniency| leniency.fold_to_sp = true,
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n chunked\r\n\r\n1\r\nx\r\n0\r\nA: b\r\n c\r\n\r\n",
            ErrorKind::ObsFold,
            "Transfer-Encoding",
            b"chunked",
            b"x",
        ),
        (
            "two equal lengths",
            |leniency| leniency.equal_content_lengths = true,
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\ncontent-length: 2, 2\r\n\r\nhi",
            ErrorKind::LengthRepeated,
            "Content-Length",
            b"2",
            b"hi",
        ),
        (
            "a list of equal lengths",
            |leniency| leniency.equal_content_lengths = true,
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2 ,2\r\n\r\nhi",
            ErrorKind::LengthInvalid,
            "Content-Length",
            b"2 ,2",
            b"hi",
        ),
        (
            "a coding beside a length",
            |leniency| leniency.te_over_cl = true,
            "POST / HTTP/1.1\r\nContent-Length: 9\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
            ErrorKind::LengthAndCoding,
            "Host",
            b"a",
            b"x",
        ),
        (
            "controls in a value",
            |leniency| leniency.ctl_in_values = true,
            "GET / HTTP/1.1\r\nHost: a\r\nX: \x01\x0b b\x7f\r\n\r\n",
            ErrorKind::FieldValue,
            "X",
            b"\x01\x0b b\x7f",
            b"",
        ),
        (
            "space behind the chunk size",
            |leniency| leniency.space_after_chunk_size = true,
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1 \t\r\nx\r\n0 \r\n\r\n",
            ErrorKind::ChunkSize,
            "Host",
            b"a",
            b"x",
        ),
        (
            "controls in one of many lines",
            |leniency| leniency.ctl_in_values = true,
            "GET / HTTP/1.1\r\nHost: a\r\n1:\r\n2:\r\n3:\r\n4:\r\n5:\r\n6:\r\n7:\r\n8:\r\n9:\r\n10:\r\n11:\r\n12: \x02\r\n13: z:\r\n\r\n",
            ErrorKind::FieldValue,
            "13",
            b"z:",
            b"",
        ),
    ];
    for (name, switch, octets, refused, field, value, content) in rows {
        let octets = octets.as_bytes();
        assert_eq!(
            request(octets, strict()).map(|_| ()),
            Err(refused),
            "{name}"
        );
        for config in [with(switch), everything()] {
            let (head, data) = request(octets, config).unwrap();
            assert_eq!(head.fields().get(field), Some(value), "{name}");
            assert_eq!(
                (head.authority(), &data[..]),
                ("a", content),
                "{name}: {head:?}"
            );
        }
    }
}

#[test]
fn a_switch_reads_what_the_strict_reader_refuses_in_a_response() {
    type Row = (
        &'static str,
        Switch,
        &'static str,
        ErrorKind,
        &'static [u8],
        Option<&'static [u8]>,
    );
    let rows: [Row; 6] = [
        (
            "no space, no reason",
            |leniency| leniency.missing_reason_sp = true,
            "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
            ErrorKind::StatusLine,
            b"",
            None,
        ),
        (
            "LF behind the reason",
            |leniency| leniency.bare_lf = true,
            "HTTP/1.1 200 OK\nX: b\nContent-Length: 0\n\n",
            ErrorKind::BareLf,
            b"OK",
            Some(b"b"),
        ),
        (
            "LF behind the status",
            |leniency| (leniency.bare_lf, leniency.missing_reason_sp) = (true, true),
            "HTTP/1.1 200\nContent-Length: 0\n\n",
            ErrorKind::BareLf,
            b"",
            None,
        ),
        (
            "LF and a fold",
            |leniency| leniency.bare_lf = true,
            "HTTP/1.1 200 OK\nX: a\n b\r\n c\nContent-Length: 0\r\n\n",
            ErrorKind::BareLf,
            b"OK",
            Some(b"a b c"),
        ),
        (
            "white space in front of the colon",
            |leniency| leniency.space_before_colon = true,
            "HTTP/1.1 200 OK\r\nX \t: a\r\nContent-Length : 0\r\n\r\n",
            ErrorKind::FieldName,
            b"OK",
            Some(b"a"),
        ),
        (
            "such a trailer",
            |leniency| leniency.space_before_colon = true,
            "HTTP/1.1 200 OK\r\nX: c\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA : b\r\n\r\n",
            ErrorKind::FieldName,
            b"OK",
            Some(b"c"),
        ),
    ];
    for (name, switch, octets, refused, reason, value) in rows {
        let octets = octets.as_bytes();
        assert_eq!(
            response(octets, strict()).map(|_| ()),
            Err(refused),
            "{name}"
        );
        for config in [with(switch), everything()] {
            let (head, next) = response(octets, config).unwrap();
            assert_eq!((head.status(), head.reason()), (200, reason), "{name}");
            assert_eq!(
                (head.fields().get("x"), next),
                (value, Next::Reuse),
                "{name}"
            );
        }
    }
}

#[test]
fn what_no_switch_names_stays_refused_with_all_of_them_on() {
    let chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let get = |lines: &str| format!("GET / HTTP/1.1\r\nHost: a\r\n{lines}\r\n\r\n");
    let rows: [(&str, String, ErrorKind); 18] = [
        ("space before a colon", get("X : b"), ErrorKind::FieldName),
        ("NUL", get("X: \0"), ErrorKind::FieldValue),
        ("CR in a value", get("X: a\rb"), ErrorKind::BareCr),
        ("CR CR LF", get("X: a\r"), ErrorKind::BareCr),
        (
            "space before the first field",
            "GET / HTTP/1.1\r\n X: b\r\nHost: a\r\n\r\n".to_owned(),
            ErrorKind::SpaceBeforeFields,
        ),
        (
            "lengths that differ",
            get("Content-Length: 1\r\nContent-Length: 2"),
            ErrorKind::LengthRepeated,
        ),
        (
            "the same number in other digits",
            get("Content-Length: 1\r\nContent-Length: 01"),
            ErrorKind::LengthRepeated,
        ),
        (
            "a list of two",
            get("Content-Length: 1, 2"),
            ErrorKind::LengthInvalid,
        ),
        (
            "an empty member",
            get("Content-Length: 1,,1"),
            ErrorKind::LengthInvalid,
        ),
        (
            "no number beside a coding",
            get("Content-Length: x\r\nTransfer-Encoding: chunked"),
            ErrorKind::LengthInvalid,
        ),
        (
            "a length beside a coding that is not chunked",
            get("Content-Length: 1\r\nTransfer-Encoding: gzip"),
            ErrorKind::CodingNotChunked,
        ),
        (
            "a coding in 1.0",
            "POST / HTTP/1.0\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned(),
            ErrorKind::CodingInHttp10,
        ),
        (
            "LF in front of a request",
            "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
            ErrorKind::BareLf,
        ),
        (
            "LF behind the target",
            "GET /\n".to_owned(),
            ErrorKind::BareLf,
        ),
        (
            "LF behind a chunk size",
            format!("{chunked}1\nx\r\n0\r\n\r\n"),
            ErrorKind::ChunkSize,
        ),
        (
            "LF behind a chunk size and a space",
            format!("{chunked}1 \nx\r\n0\r\n\r\n"),
            ErrorKind::ChunkSize,
        ),
        (
            "space before a chunk size",
            format!("{chunked} 1\r\nx\r\n0\r\n\r\n"),
            ErrorKind::ChunkSize,
        ),
        (
            "LF behind a trailer",
            format!("{chunked}0\r\nA: b\n\r\n"),
            ErrorKind::BareLf,
        ),
    ];
    for (name, octets, kind) in rows {
        let refusal = request(octets.as_bytes(), everything()).map(|_| ());
        assert_eq!(refusal, Err(kind), "{name}");
    }
}

#[test]
fn a_coding_that_wins_drops_the_length_and_the_connection_rfc9112_6_3() {
    let config = with(|leniency| leniency.te_over_cl = true);
    let lines = "Content-Length: 3\r\nA: b\r\nTransfer-Encoding: chunked\r\ncontent-length: 3\r\n";
    let octets = format!(
        "POST / HTTP/1.1\r\nHost: a\r\n{}\r\n1\r\nx\r\n0\r\n\r\nGET /evil HTTP/1.1\r\n",
        lines.trim_end_matches("content-length: 3\r\n")
    );
    let mut connection = ServerConnection::with_config(config);
    let (mut input, mut out) = (BytesMut::from(octets.as_bytes()), BytesMut::new());
    let Ok(Some(ServerEvent::Request(head))) = connection.next_event(&mut input) else {
        panic!("a request")
    };
    assert_eq!(head.framing(), Framing::Chunked);
    assert!(!head.keep_alive());
    let names: Vec<&str> = head.fields().iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["Host", "A", "Transfer-Encoding"]);
    while connection.next_event(&mut input).unwrap().is_some() {}
    connection
        .send_response(204, [], Content::None, &mut out)
        .unwrap();
    assert_eq!(
        connection.send_end(&mut out),
        Ok(Next::Close(CloseReason::LengthAndCoding))
    );
    assert_eq!(
        &out[..],
        b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"
    );
    assert!(matches!(
        connection.next_event(&mut input),
        Ok(Some(ServerEvent::Closed))
    ));
    assert_eq!(&input[..], b"GET /evil HTTP/1.1\r\n");

    let octets = format!("HTTP/1.1 200 OK\r\n{lines}\r\n1\r\nx\r\n0\r\n\r\n");
    let refusal = response(octets.as_bytes(), config).map(|_| ());
    assert_eq!(refusal, Err(ErrorKind::LengthRepeated));
    let (head, next) = response(octets.as_bytes(), everything()).unwrap();
    assert_eq!(next, Next::Close(CloseReason::LengthAndCoding));
    assert!(!head.keep_alive());
    assert_eq!(head.fields().get("content-length"), None);
    assert_eq!(head.fields().len(), 2);
}
