//! The rules of RFC 9112 that a receiver holds, in tables: octets, and the kind and offset of the error or what is read.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use bytes::BytesMut;
use tidings_http1::ErrorKind::{self, *};
use tidings_http1::{
    ClientConnection, ClientEvent, CloseReason, Content, Framing, Limits, Next, ReceiveError,
    RequestHead, ResponseHead, ServerConnection, ServerEvent, TargetForm, Version,
};

/// The head of the request at the front of `octets`, fed octet by octet.
fn request(octets: &[u8]) -> Result<Option<RequestHead>, ReceiveError> {
    request_with(octets, Limits::default())
}

fn request_with(octets: &[u8], limits: Limits) -> Result<Option<RequestHead>, ReceiveError> {
    let mut connection = ServerConnection::new(limits);
    let mut input = BytesMut::new();
    for octet in octets {
        input.extend_from_slice(&[*octet]);
        if let Some(ServerEvent::Request(head)) = connection.next_event(&mut input)? {
            return Ok(Some(head));
        }
    }
    Ok(None)
}

/// Reads the whole of one request and gives content, trailers seen, or the error.
fn exchange(octets: &[u8], limits: Limits) -> Result<(Vec<u8>, usize), ReceiveError> {
    let mut connection = ServerConnection::new(limits);
    let mut input = BytesMut::from(octets);
    let (mut content, mut trailers) = (Vec::new(), 0);
    while let Some(event) = connection.next_event(&mut input)? {
        match event {
            ServerEvent::Data(data) => content.extend_from_slice(&data),
            ServerEvent::Trailers(fields) => trailers += fields.len(),
            ServerEvent::Request(_) | ServerEvent::End | ServerEvent::Closed => {}
        }
    }
    Ok((content, trailers))
}

fn response(method: &str, octets: &[u8]) -> Result<Option<ResponseHead>, ReceiveError> {
    let mut connection = ClientConnection::new(Limits::default());
    let target = if method == "CONNECT" { "a:1" } else { "/" };
    connection
        .send_request(
            method,
            target,
            [("Host", &b"a"[..])],
            Content::None,
            &mut BytesMut::new(),
        )
        .unwrap();
    let mut input = BytesMut::from(octets);
    Ok(match connection.next_event(&mut input)? {
        Some(
            ClientEvent::Response(head)
            | ClientEvent::Informational(head)
            | ClientEvent::Upgraded(head),
        ) => Some(head),
        Some(event) => panic!("{event:?}"),
        None => None,
    })
}

fn refused<T: core::fmt::Debug>(
    name: &str,
    got: Result<T, ReceiveError>,
    kind: ErrorKind,
    offset: u64,
) {
    let error = got.map(|read| panic!("{name}: read {read:?}")).unwrap_err();
    assert_eq!((error.kind(), error.offset()), (kind, offset), "{name}");
}

#[test]
fn an_error_fits_into_32_octets() {
    assert!(size_of::<ReceiveError>() <= 32);
    assert!(size_of::<tidings_http1::SendError>() <= 32);
    assert!(size_of::<Result<(), tidings_http1::SendError>>() <= 32);
}

#[test]
fn an_error_reads_as_one_sentence_with_octet_and_section() {
    let error = request(b"GET / HTTP/1.1\nHost: a\r\n\r\n").unwrap_err();
    assert_eq!(
        error.to_string(),
        "a line must end with CRLF, not with LF alone (octet 14, RFC 9112 §2.2)"
    );
    assert_eq!(
        error.explain(),
        "a line must end with CRLF, not with LF alone"
    );
}

#[test]
fn a_request_line_is_three_parts_with_single_spaces_rfc9112_3() {
    let rows: [(&str, &[u8], ErrorKind, u64, u16); 30] = [
        ("no target", b"GET \r\n", Target, 4, 400),
        ("no target and no version", b"GET  \r\n", Target, 4, 400),
        ("TLS hello", b"\x16", NotHttp, 0, 400),
        ("SOCKS", b"\x05", NotHttp, 0, 400),
        ("leading space", b" GET / HTTP/1.1\r\n", NotHttp, 0, 400),
        ("bare LF first", b"\nGET / HTTP/1.1\r\n", BareLf, 0, 400),
        (
            "CR and no LF first",
            b"\rGET / HTTP/1.1\r\n",
            BareCr,
            0,
            400,
        ),
        ("@ in the method", b"G@T", Method, 1, 400),
        (
            "tab behind the method",
            b"GET\t/ HTTP/1.1\r\n",
            Method,
            3,
            400,
        ),
        ("CR behind the method", b"GET\r", Method, 3, 400),
        ("LF behind the method", b"GET\n", BareLf, 3, 400),
        ("two spaces", b"GET  / HTTP/1.1\r\n", Target, 4, 400),
        (
            "space in the target",
            b"GET /a b HTTP/1.1\r\n",
            Version,
            7,
            400,
        ),
        (
            "tab in the target",
            b"GET /a\tb HTTP/1.1\r\n",
            Target,
            6,
            400,
        ),
        ("NUL in the target", b"GET /\0 HTTP/1.1\r\n", Target, 5, 400),
        (
            "DEL in the target",
            b"GET /\x7f HTTP/1.1\r\n",
            Target,
            5,
            400,
        ),
        ("fragment", b"GET /a#b HTTP/1.1\r\n", Target, 6, 400),
        (
            "UTF-8 in the target",
            b"GET /\xc3\xa9 HTTP/1.1\r\n",
            Target,
            5,
            400,
        ),
        ("no version", b"GET /\r", Version, 5, 400),
        ("bare LF instead of a version", b"GET /\n", BareLf, 5, 400),
        ("lower case", b"GET / http/1.1\r\n", Version, 6, 400),
        ("no minor", b"GET / HTTP/1\r\n", Version, 12, 400),
        ("two digits", b"GET / HTTP/1.10\r\n", Version, 14, 400),
        ("two major digits", b"GET / HTTP/11.1\r\n", Version, 12, 400),
        (
            "space behind the version",
            b"GET / HTTP/1.1 \r\n",
            Version,
            14,
            400,
        ),
        ("bare CR", b"GET / HTTP/1.1\rHost", BareCr, 14, 400),
        ("major 2", b"GET / HTTP/2.0\r", VersionUnsupported, 6, 505),
        ("major 0", b"GET / HTTP/0.9\r", VersionUnsupported, 6, 505),
        (
            "HTTP/2 preface",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            Http2Preface,
            0,
            505,
        ),
        ("a response", b"HTTP/1.1 200 OK\r\n", Method, 4, 400),
    ];
    for (name, octets, kind, offset, status) in rows {
        refused(name, request(octets), kind, offset);
        assert_eq!(request(octets).unwrap_err().status(), status, "{name}");
    }
}

#[test]
fn the_octets_of_an_http2_preface_stay_in_the_input() {
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    let mut input = BytesMut::from(&preface[..]);
    let error = ServerConnection::new(Limits::default())
        .next_event(&mut input)
        .unwrap_err();
    assert_eq!((error.kind(), &input[..]), (Http2Preface, &preface[..]));
}

#[test]
fn a_target_has_the_form_that_its_method_allows_rfc9112_3_2() {
    use TargetForm::*;
    type Parts = (TargetForm, &'static str, &'static str, Option<&'static str>);
    let rows: [(&str, &str, Option<Parts>); 37] = [
        ("GET", "/", Some((Origin, "h", "/", None))),
        (
            "GET",
            "/a/b?c=d?e",
            Some((Origin, "h", "/a/b", Some("c=d?e"))),
        ),
        ("GET", "/?", Some((Origin, "h", "/", Some("")))),
        ("GET", "//x", Some((Origin, "h", "//x", None))),
        (
            "GET",
            "/{\"|^`<>\\}%zz",
            Some((Origin, "h", "/{\"|^`<>\\}%zz", None)),
        ),
        ("OPTIONS", "*", Some((Asterisk, "h", "*", None))),
        ("GET", "*", None),
        ("OPTIONS", "**", None),
        (
            "GET",
            "http://a.b/c?d",
            Some((Absolute, "a.b", "/c", Some("d"))),
        ),
        ("GET", "HTTPS://A:8/", Some((Absolute, "A:8", "/", None))),
        ("GET", "http://a", Some((Absolute, "a", "/", None))),
        ("GET", "http://a?q", Some((Absolute, "a", "/", Some("q")))),
        (
            "GET",
            "http://[::1]:80/",
            Some((Absolute, "[::1]:80", "/", None)),
        ),
        ("GET", "ftp://a/b", Some((Absolute, "a", "/b", None))),
        ("GET", "http:///x", None),
        ("GET", "http://:80/x", None),
        ("GET", "http://u:p@a/", None),
        ("GET", "http://a:99999/", None),
        ("GET", "http://[::g]/", None),
        ("GET", "http:/a", None),
        ("GET", "1http://a/", None),
        ("GET", "://a/", None),
        ("GET", "mailto:a", None),
        ("GET", "index.html", None),
        ("GET", "?q", None),
        ("GET", "a.b:80", None),
        ("CONNECT", "a.b:443", Some((Authority, "a.b:443", "", None))),
        (
            "CONNECT",
            "[2001:db8::1]:443",
            Some((Authority, "[2001:db8::1]:443", "", None)),
        ),
        ("CONNECT", "a.b", None),
        ("CONNECT", "a.b:", None),
        ("CONNECT", ":443", None),
        ("CONNECT", "a.b:x", None),
        ("CONNECT", "a.b:65536", None),
        ("CONNECT", "u@a.b:443", None),
        ("CONNECT", "/x", None),
        ("CONNECT", "http://a.b:443/", None),
        ("CONNECT", "*", None),
    ];
    for (method, target, want) in rows {
        let octets = format!("{method} {target} HTTP/1.1\r\nHost: h\r\n\r\n");
        match (request(octets.as_bytes()), want) {
            (Ok(Some(head)), Some((form, authority, path, query))) => {
                let got = (
                    head.target_form(),
                    head.authority(),
                    head.path(),
                    head.query(),
                );
                assert_eq!(got, (form, authority, path, query), "{method} {target}");
                assert_eq!((head.method(), head.target()), (method, target));
            }
            (got, None) => refused(target, got, Target, method.len() as u64 + 1),
            (got, Some(_)) => panic!("{method} {target}: {got:?}"),
        }
    }
}

#[test]
fn host_is_one_valid_authority_rfc9112_3_2() {
    let valid = [
        "",
        "a",
        "a.example:8080",
        "a:",
        "A-b_c~d",
        "127.0.0.1",
        "[::1]",
        "[::ffff:1.2.3.4]:8",
        "[v1f.a:b]",
        "a%41b",
        "a!$&'()*+,;=b",
        ":80",
        "a:65535",
    ];
    for host in valid {
        let octets = format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");
        let head = request(octets.as_bytes()).unwrap().unwrap();
        assert_eq!(head.authority(), host);
    }
    let invalid = [
        "a b",
        "a/b",
        "u@a",
        "a:80:90",
        "a:8x",
        "a:-1",
        "a:65536",
        "[::1",
        "::1",
        "[::1]x",
        "[1::2::3]",
        "[]",
        "[fe80::1%25eth0]",
        "[v.a]",
        "[v1.]",
        "[vg.a]",
        "a%4",
        "a%zz",
        "a#b",
        "a?b",
        "a\\b",
        "<a>",
        "\u{e9}",
        "a,\tb",
        "http://a",
    ];
    for host in invalid {
        for version in ["1.1", "1.0"] {
            let octets = format!("GET / HTTP/{version}\r\nHost: {host}\r\n\r\n");
            refused(host, request(octets.as_bytes()), HostInvalid, 22);
        }
    }
    refused("none", request(b"GET / HTTP/1.1\r\n\r\n"), HostMissing, 0);
    refused(
        "none beside absolute-form",
        request(b"GET http://a/ HTTP/1.1\r\n\r\n"),
        HostMissing,
        0,
    );
    refused(
        "two in 1.0",
        request(b"GET / HTTP/1.0\r\nHost: a\r\nhOST: a\r\n\r\n"),
        HostRepeated,
        25,
    );
    refused(
        "bad beside absolute-form",
        request(b"GET http://a/ HTTP/1.1\r\nHost: @\r\n\r\n"),
        HostInvalid,
        30,
    );
    let head = request(b"GET / HTTP/1.0\r\n\r\n").unwrap().unwrap();
    assert_eq!((head.version(), head.authority()), (Version::Http10, ""));
}

#[test]
fn a_field_line_is_name_colon_value_crlf_rfc9112_5() {
    let rows: [(&str, &[u8], ErrorKind, u64); 22] = [
        ("space before the colon", b"X : v\r\n", FieldName, 1),
        ("tab before the colon", b"X\t: v\r\n", FieldName, 1),
        ("no colon", b"Novalue\r", FieldName, 7),
        ("no name", b": v", FieldName, 0),
        ("NUL in a name", b"A\0: c", FieldName, 1),
        ("obs-text in a name", b"\xefoo: c", FieldName, 0),
        ("NEL behind a name", b"A\x85: c", FieldName, 1),
        ("brackets in a name", b"a[b]: c", FieldName, 1),
        ("LF behind a name", b"A\n", BareLf, 1),
        ("LF in a value", b"A: b\n", BareLf, 4),
        ("NUL in a value", b"A: b\0", FieldValue, 4),
        ("VT in a value", b"A: b\x0b", FieldValue, 4),
        ("DEL in a value", b"A: b\x7f", FieldValue, 4),
        (
            "ESC far into a value",
            b"A: 0123456789012345678901234\x1b",
            FieldValue,
            28,
        ),
        ("CR in a value", b"A: b\rc", BareCr, 4),
        ("CR CR LF", b"A: b\r\r\n", BareCr, 4),
        ("CR in front of the name", b"\rA: b", BareCr, 0),
        ("LF as blank line", b"A: b\r\n\n", BareLf, 6),
        ("fold", b"A: b\r\n c", ObsFold, 6),
        ("fold by tab", b"A: b\r\n\tc", ObsFold, 6),
        (
            "space before the first field",
            b" A: b",
            SpaceBeforeFields,
            0,
        ),
        (
            "tab before the first field",
            b"\tA: b",
            SpaceBeforeFields,
            0,
        ),
    ];
    for (name, line, kind, at) in rows {
        let octets = [b"GET / HTTP/1.1\r\n", line].concat();
        refused(name, request(&octets), kind, 16 + at);
    }
}

/// Reads a request that has `octet` at one place, and reports what the place says of it.
fn with_octet(before: &[u8], octet: u8, after: &[u8]) -> Result<(), (ErrorKind, u64)> {
    let octets = [before, &[octet], after].concat();
    match request(&octets) {
        Ok(Some(head)) => {
            assert_eq!(head.raw(), &octets[..]);
            Ok(())
        }
        Ok(None) => panic!("{} is unfinished", octets.escape_ascii()),
        Err(error) => Err((error.kind(), error.offset())),
    }
}

#[test]
fn every_octet_is_judged_by_its_place_rfc9110_5_6_2() {
    for octet in 0..=u8::MAX {
        let visible = matches!(octet, 0x21..=0x7e);
        let tchar = visible && !b"\"(),/:;<=>?@[\\]{}".contains(&octet);
        let or_lf = |kind| if octet == b'\n' { BareLf } else { kind };

        let got = with_octet(b"M", octet, b"M / HTTP/1.1\r\nHost: a\r\n\r\n");
        let want = match octet {
            b' ' => Err((Version, 4)),
            _ if tchar => Ok(()),
            _ => Err((or_lf(Method), 1)),
        };
        assert_eq!(got, want, "{octet:#x} in a method");

        let got = with_octet(b"GET /", octet, b"x HTTP/1.1\r\nHost: a\r\n\r\n");
        let want = match octet {
            b' ' => Err((Version, 6)),
            b'\r' => Err((Version, 5)),
            _ if visible && octet != b'#' => Ok(()),
            _ => Err((or_lf(Target), 5)),
        };
        assert_eq!(got, want, "{octet:#x} in a target");

        let got = with_octet(b"GET / HTTP/1.1\r\nHost: a\r\nN", octet, b"N: v\r\n\r\n");
        let want = match octet {
            _ if tchar => Ok(()),
            b':' => Ok(()),
            _ => Err((or_lf(FieldName), 26)),
        };
        assert_eq!(got, want, "{octet:#x} in a field name");

        let got = with_octet(b"GET / HTTP/1.1\r\nHost: a\r\nN: v", octet, b"v\r\n\r\n");
        let want = match octet {
            b'\r' => Err((BareCr, 29)),
            b'\t' | b' '..=0x7e | 0x80..=0xff => Ok(()),
            _ => Err((or_lf(FieldValue), 29)),
        };
        assert_eq!(got, want, "{octet:#x} in a field value");
    }
}

#[test]
fn only_space_and_tab_are_trimmed_from_a_value_rfc9112_5_1() {
    let rows: [(&[u8], &[u8]); 7] = [
        (b"v", b"v"),
        (b" \t v \t ", b"v"),
        (b"", b""),
        (b" \t", b""),
        (b" a\tb  c", b"a\tb  c"),
        (b" \xa0v\x85", b"\xa0v\x85"),
        (b" : ,;\"", b": ,;\""),
    ];
    for (sent, read) in rows {
        let octets = [b"GET / HTTP/1.1\r\nHost: a\r\nX:", sent, b"\r\n\r\n"].concat();
        let head = request(&octets).unwrap().unwrap();
        assert_eq!(head.fields().get("x"), Some(read));
        assert_eq!(head.raw(), &octets[..]);
    }
}

#[test]
fn fields_keep_order_case_and_duplicates_rfc9110_5_3() {
    let head =
        request(b"GET / HTTP/1.1\r\nHost: a\r\nsEt: 1, ,b\r\nSET:\r\nset: c ,D\r\nz: \xff\r\n\r\n");
    let head = head.unwrap().unwrap();
    let fields = head.fields();
    let names: Vec<&str> = fields.iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["Host", "sEt", "SET", "set", "z"]);
    assert_eq!(
        fields.get_all("Set").collect::<Vec<_>>(),
        [&b"1, ,b"[..], b"", b"c ,D"]
    );
    assert_eq!(
        fields.tokens("SET").collect::<Vec<_>>(),
        ["1", "b", "c", "D"]
    );
    assert!(fields.has_token("set", "d") && !fields.has_token("set", "c ,D"));
    assert_eq!(
        (fields.get("z"), fields.get_str("z"), fields.get("y")),
        (Some(&b"\xff"[..]), None, None)
    );
    assert_eq!((fields.len(), fields.is_empty()), (5, false));
}

#[test]
fn many_fields_are_read_like_few() {
    for count in [0, 1, 11, 12, 13, 31, 32, 33, 99] {
        let lines: String = (0..count)
            .map(|index| format!("F{index}: v{index}\r\n"))
            .collect();
        let octets = format!("GET / HTTP/1.1\r\nHost: a\r\n{lines}\r\n");
        let head = request(octets.as_bytes()).unwrap().unwrap();
        assert_eq!(head.fields().len(), count + 1);
        for index in 0..count {
            assert_eq!(
                head.fields().get_str(&format!("f{index}")),
                Some(&*format!("v{index}"))
            );
        }
        assert_eq!(head.clone().fields(), head.fields());
    }
}

#[test]
fn the_framing_of_a_request_is_one_ordered_match_rfc9112_6_3() {
    type Row = (&'static str, Result<Framing, (ErrorKind, u16)>);
    let rows: [Row; 34] = [
        ("", Ok(Framing::None)),
        ("Content-Length: 0\r\n", Ok(Framing::Length(0))),
        ("content-length: 007\r\n", Ok(Framing::Length(7))),
        (
            "Content-Length: 9223372036854775807\r\n",
            Ok(Framing::Length(i64::MAX as u64)),
        ),
        (
            "Content-Length: 9223372036854775808\r\n",
            Err((LengthTooLarge, 413)),
        ),
        (
            "Content-Length: 18446744073709551621\r\n",
            Err((LengthTooLarge, 413)),
        ),
        (
            "Content-Length: 99999999999999999999999999\r\n",
            Err((LengthTooLarge, 413)),
        ),
        ("Content-Length:\r\n", Err((LengthInvalid, 400))),
        ("Content-Length: +5\r\n", Err((LengthInvalid, 400))),
        ("Content-Length: -5\r\n", Err((LengthInvalid, 400))),
        ("Content-Length: 0x5\r\n", Err((LengthInvalid, 400))),
        ("Content-Length: 1_0\r\n", Err((LengthInvalid, 400))),
        ("Content-Length: 1 0\r\n", Err((LengthInvalid, 400))),
        ("Content-Length: 5, 5\r\n", Err((LengthInvalid, 400))),
        ("Content-Length: 5.0\r\n", Err((LengthInvalid, 400))),
        ("Content-Length: \u{665}\r\n", Err((LengthInvalid, 400))),
        (
            "Content-Length: 5\r\nContent-Length: 5\r\n",
            Err((LengthRepeated, 400)),
        ),
        (
            "Content-Length: 5\r\nContent-Length: 6\r\n",
            Err((LengthRepeated, 400)),
        ),
        ("Transfer-Encoding: chunked\r\n", Ok(Framing::Chunked)),
        ("Transfer-Encoding: , CHUNKED ,,\r\n", Ok(Framing::Chunked)),
        (
            "Transfer-Encoding:\r\nTransfer-Encoding: chunked\r\n",
            Ok(Framing::Chunked),
        ),
        (
            "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
            Err((LengthAndCoding, 400)),
        ),
        (
            "Content-Length: 5\r\nTransfer-Encoding: identity\r\n",
            Err((LengthAndCoding, 400)),
        ),
        ("Transfer-Encoding:\r\n", Err((CodingNotChunked, 400))),
        (
            "Transfer-Encoding: identity\r\n",
            Err((CodingNotChunked, 400)),
        ),
        (
            "Transfer-Encoding: xchunked\r\n",
            Err((CodingNotChunked, 400)),
        ),
        (
            "Transfer-Encoding: chunked, gzip\r\n",
            Err((CodingNotChunked, 400)),
        ),
        (
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n",
            Err((CodingNotChunked, 400)),
        ),
        (
            "Transfer-Encoding: gzip, chunked\r\n",
            Err((CodingUnknown, 501)),
        ),
        (
            "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n",
            Err((CodingUnknown, 501)),
        ),
        (
            "Transfer-Encoding: chunked, chunked\r\n",
            Err((CodingRepeated, 400)),
        ),
        (
            "Transfer-Encoding: chunked;a=b\r\n",
            Err((CodingInvalid, 400)),
        ),
        (
            "Transfer-Encoding: \"chunked\"\r\n",
            Err((CodingInvalid, 400)),
        ),
        (
            "Transfer-Encoding: \u{a0}chunked\r\n",
            Err((CodingInvalid, 400)),
        ),
    ];
    for (lines, want) in rows {
        let octets = format!("POST / HTTP/1.1\r\nHost: a\r\n{lines}\r\n");
        let got = request(octets.as_bytes()).map(|head| head.unwrap().framing());
        assert_eq!(
            got.map_err(|error| (error.kind(), error.status())),
            want,
            "{lines:?}"
        );
    }
    refused(
        "coding in 1.0",
        request(b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"),
        CodingInHttp10,
        17,
    );
}

#[test]
fn the_framing_of_a_response_depends_on_its_request_rfc9112_6_3() {
    use Framing::{Chunked, Length, Tunnel, UntilClose};
    type Row = (
        &'static str,
        &'static str,
        &'static str,
        Result<Framing, ErrorKind>,
    );
    let rows: [Row; 22] = [
        ("HEAD", "200", "Content-Length: 5\r\n", Ok(Framing::None)),
        (
            "HEAD",
            "200",
            "Transfer-Encoding: chunked\r\nContent-Length: x\r\n",
            Ok(Framing::None),
        ),
        ("GET", "204", "Content-Length: 5\r\n", Ok(Framing::None)),
        (
            "GET",
            "304",
            "Transfer-Encoding: chunked\r\n",
            Ok(Framing::None),
        ),
        ("GET", "103", "Content-Length: 5\r\n", Ok(Framing::None)),
        (
            "CONNECT",
            "200",
            "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
            Ok(Tunnel),
        ),
        ("CONNECT", "299", "", Ok(Tunnel)),
        ("CONNECT", "407", "Content-Length: 5\r\n", Ok(Length(5))),
        ("GET", "200", "Content-Length: 5\r\n", Ok(Length(5))),
        ("GET", "205", "", Ok(UntilClose)),
        ("GET", "999", "Content-Length: 0\r\n", Ok(Length(0))),
        ("GET", "200", "Transfer-Encoding: chunked\r\n", Ok(Chunked)),
        (
            "GET",
            "200",
            "Transfer-Encoding: gzip, chunked\r\n",
            Ok(Chunked),
        ),
        ("GET", "200", "Transfer-Encoding: gzip\r\n", Ok(UntilClose)),
        (
            "GET",
            "200",
            "Transfer-Encoding: chunked, gzip\r\n",
            Ok(UntilClose),
        ),
        (
            "GET",
            "200",
            "Transfer-Encoding: chunked, chunked\r\n",
            Err(CodingRepeated),
        ),
        (
            "GET",
            "200",
            "Transfer-Encoding: chunked;q=1\r\n",
            Err(CodingInvalid),
        ),
        (
            "GET",
            "200",
            "Transfer-Encoding: gzip;a=\"x, chunked\"\r\n",
            Err(CodingInvalid),
        ),
        (
            "GET",
            "200",
            "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
            Err(LengthAndCoding),
        ),
        (
            "GET",
            "200",
            "Content-Length: 5\r\nContent-Length: 5\r\n",
            Err(LengthRepeated),
        ),
        ("GET", "200", "Content-Length: +5\r\n", Err(LengthInvalid)),
        ("GET", "200", "", Ok(UntilClose)),
    ];
    for (method, status, lines, want) in rows {
        let octets = format!("HTTP/1.1 {status} x\r\n{lines}\r\n");
        let got = response(method, octets.as_bytes()).map(|head| head.unwrap().framing());
        assert_eq!(
            got.map_err(|error| error.kind()),
            want,
            "{method} {status} {lines:?}"
        );
    }
    let octets = b"HTTP/1.0 200 x\r\nTransfer-Encoding: chunked\r\n\r\n";
    refused("coding in 1.0", response("GET", octets), CodingInHttp10, 16);
}

#[test]
fn a_status_line_is_version_status_reason_rfc9112_4() {
    let reasons: [(&[u8], u16, &[u8]); 5] = [
        (b"HTTP/1.1 200 OK", 200, b"OK"),
        (b"HTTP/1.1 200 ", 200, b""),
        (b"HTTP/1.1 200", 200, b""),
        (b"HTTP/1.0 100 D\xe9j\xe0 \tvu", 100, b"D\xe9j\xe0 \tvu"),
        (b"HTTP/1.9 999 x", 999, b"x"),
    ];
    for (line, status, reason) in reasons {
        let head = response("GET", &[line, b"\r\n\r\n"].concat())
            .unwrap()
            .unwrap();
        assert_eq!((head.status(), head.reason()), (status, reason));
    }
    let rows: [(&str, &[u8], ErrorKind, u64); 14] = [
        ("0.9", b"<", Version, 0),
        ("ICY", b"I", Version, 0),
        ("blank line first", b"\r\nHTTP/1.1 200 OK\r\n", Version, 0),
        ("no minor", b"HTTP/2 200 OK\r\n", Version, 6),
        ("major 2", b"HTTP/2.0 ", VersionUnsupported, 0),
        ("tab", b"HTTP/1.1\t200 OK\r\n", Version, 8),
        ("two spaces", b"HTTP/1.1  200 OK\r\n", StatusLine, 9),
        ("two digits", b"HTTP/1.1 20 OK\r\n", StatusLine, 11),
        ("four digits", b"HTTP/1.1 2000 OK\r\n", StatusLine, 12),
        ("letter", b"HTTP/1.1 2x0 OK\r\n", StatusLine, 10),
        ("below 100", b"HTTP/1.1 099 OK\r\n", StatusLine, 9),
        (
            "NUL in the reason",
            b"HTTP/1.1 200 O\0K\r\n",
            StatusLine,
            14,
        ),
        ("LF", b"HTTP/1.1 200 OK\n", BareLf, 15),
        ("CR in the reason", b"HTTP/1.1 200 O\rK\r\n", BareCr, 14),
    ];
    for (name, octets, kind, offset) in rows {
        refused(name, response("GET", octets), kind, offset);
    }
}

#[test]
fn a_fold_in_a_response_is_worth_one_space_rfc9112_5_2() {
    let rows: [(&[u8], &[u8]); 6] = [
        (b"a\r\n b", b"a b"),
        (b"a \t\r\n \t b", b"a b"),
        (b"a\r\n b\r\n\tc", b"a b c"),
        (b"\r\n a", b"a"),
        (b"a\r\n ", b"a"),
        (b"a\r\n \r\n b", b"a b"),
    ];
    for (sent, read) in rows {
        let octets = [
            b"HTTP/1.1 200 OK\r\nX: ",
            sent,
            b"\r\nContent-Length: 3\r\n\r\n",
        ]
        .concat();
        let head = response("GET", &octets).unwrap().unwrap();
        assert_eq!(
            head.fields().get("x"),
            Some(read),
            "{}",
            sent.escape_ascii()
        );
        assert_eq!(
            (head.framing(), head.fields().len()),
            (Framing::Length(3), 2)
        );
    }
    refused(
        "first line",
        response("GET", b"HTTP/1.1 200 OK\r\n X: a\r\n\r\n"),
        SpaceBeforeFields,
        17,
    );
    // The offset is that of the octets on the wire, not of the joined head.
    let bad = b"HTTP/1.1 200 OK\r\nX: a\r\n  \t b\r\nContent-Length: x\r\n\r\n";
    let error = response("GET", bad).unwrap_err();
    assert_eq!((error.kind(), error.offset()), (LengthInvalid, 46));
}

#[test]
fn a_chunk_is_size_crlf_data_crlf_rfc9112_7_1() {
    let good: [(&str, &[u8], &[u8], usize); 13] = [
        (
            "lower case",
            b"a\r\n0123456789\r\n0\r\n\r\n",
            b"0123456789",
            0,
        ),
        ("leading zeros", b"0001\r\nx\r\n000\r\n\r\n", b"x", 0),
        (
            "forty zeros",
            b"00000000000000000000000000000000000000001\r\nx\r\n0\r\n\r\n",
            b"x",
            0,
        ),
        ("name only", b"1;a\r\nx\r\n0;b;c\r\n\r\n", b"x", 0),
        ("token value", b"1;a=b;c=d\r\nx\r\n0\r\n\r\n", b"x", 0),
        (
            "quoted value",
            b"1;a=\"; \\\"\xff\t\"\r\nx\r\n0\r\n\r\n",
            b"x",
            0,
        ),
        ("empty quoted value", b"1;a=\"\"\r\nx\r\n0\r\n\r\n", b"x", 0),
        (
            "white space",
            b"1 \t; a = b ; c\t=\"d\" ;e\r\nx\r\n0\r\n\r\n",
            b"x",
            0,
        ),
        (
            "CRLF as data",
            b"4\r\n\r\n\r\n\r\n0\r\n\r\n",
            b"\r\n\r\n",
            0,
        ),
        ("largest size", b"FFFFFFFFFFFFFFFF\r\nx", b"x", 0),
        ("trailers", b"1\r\nx\r\n0\r\nA: 1\r\nB:\r\n\r\n", b"x", 2),
        ("no data", b"0\r\n\r\n", b"", 0),
        (
            "content fields in trailers",
            b"0\r\nContent-Type: a/b\r\nVary: *\r\n\r\n",
            b"",
            2,
        ),
    ];
    for (name, content, data, trailers) in good {
        let octets = [
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
            content,
        ]
        .concat();
        assert_eq!(
            exchange(&octets, Limits::default()),
            Ok((data.to_vec(), trailers)),
            "{name}"
        );
    }
    let bad: [(&str, &[u8], ErrorKind, u64); 35] = [
        ("no size", b"\r\n", ChunkSize, 0),
        ("no size, extension", b";a\r\n", ChunkSize, 0),
        ("plus", b"+1\r\n", ChunkSize, 0),
        ("minus", b"-0\r\n", ChunkSize, 0),
        ("0x", b"0x1\r\n", ChunkSize, 1),
        ("underscore", b"1_0\r\n", ChunkSize, 1),
        ("leading space", b" 1\r\n", ChunkSize, 0),
        ("trailing space", b"1 \r\n", ChunkSize, 2),
        ("junk", b"5g\r\n", ChunkSize, 1),
        ("comma", b"5,5\r\n", ChunkSize, 1),
        ("2^64", b"10000000000000000\r\n", ChunkSizeTooLarge, 16),
        ("LF behind the size", b"1\nx", ChunkSize, 1),
        ("CR alone behind the size", b"1\rx", BareCr, 2),
        ("CR CR", b"1\r\r\n", BareCr, 2),
        ("extension without name", b"1;\r\n", ChunkExtension, 2),
        (
            "extension of two semicolons",
            b"1;;a\r\n",
            ChunkExtension,
            2,
        ),
        ("extension without value", b"1;a=\r\n", ChunkExtension, 4),
        (
            "extension with two values",
            b"1;a=b=c\r\n",
            ChunkExtension,
            5,
        ),
        ("space at the end", b"1;a \r\n", ChunkExtension, 4),
        ("space behind the value", b"1;a=b \r\n", ChunkExtension, 6),
        ("two words", b"1;a b\r\n", ChunkExtension, 4),
        ("text behind a quote", b"1;a=\"b\"c\r\n", ChunkExtension, 7),
        ("LF in an extension", b"1;a\nx", ChunkExtension, 3),
        ("LF in a quoted value", b"1;a=\"\n", ChunkExtension, 5),
        ("CRLF in a quoted value", b"1;a=\"\r\n", ChunkExtension, 5),
        ("escaped CR", b"1;a=\"\\\r", ChunkExtension, 6),
        ("NUL", b"1;a=\0", ChunkExtension, 4),
        ("no CRLF behind data", b"1\r\nxy", ChunkEnd, 4),
        ("LF behind data", b"1\r\nx\n", ChunkEnd, 4),
        ("CR alone behind data", b"1\r\nx\ry", ChunkEnd, 5),
        ("LF behind the last chunk", b"0\r\n\n", BareLf, 3),
        (
            "trailer with space before the colon",
            b"0\r\nA : 1\r\n",
            FieldName,
            4,
        ),
        ("folded trailer", b"0\r\nA: 1\r\n 2\r\n\r\n", ObsFold, 9),
        (
            "Content-Length in trailers",
            b"0\r\nA: 1\r\ncontent-length: 1\r\n\r\n",
            TrailerForbidden,
            9,
        ),
        (
            "Host in trailers",
            b"0\r\nHost: a\r\n\r\n",
            TrailerForbidden,
            3,
        ),
    ];
    let head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (name, content, kind, at) in bad {
        let octets = [&head[..], content].concat();
        refused(
            name,
            exchange(&octets, Limits::default()),
            kind,
            head.len() as u64 + at,
        );
    }
}

#[test]
fn a_client_joins_folded_trailers_rfc9112_5_2() {
    let mut connection = ClientConnection::new(Limits::default());
    connection
        .send_request(
            "GET",
            "/",
            [("Host", &b"a"[..])],
            Content::None,
            &mut BytesMut::new(),
        )
        .unwrap();
    let mut input = BytesMut::from(
        &b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: 1\r\n 2\r\n\r\n"[..],
    );
    connection.next_event(&mut input).unwrap();
    let Some(ClientEvent::Trailers(fields)) = connection.next_event(&mut input).unwrap() else {
        panic!()
    };
    assert_eq!(fields.get("a"), Some(&b"1 2"[..]));
}

/// Each row: how the limit is set, octets that just fit, and what one more octet gives.
#[test]
fn a_limit_holds_at_its_edge_and_refuses_one_more() {
    type Row = (
        &'static str,
        fn(&mut Limits),
        Vec<u8>,
        Vec<u8>,
        ErrorKind,
        u64,
        u16,
    );
    let post = |content: &str| {
        format!("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{content}")
            .into_bytes()
    };
    let get = |line: &str, fields: &str| {
        format!("{line} HTTP/1.1\r\nHost: a\r\n{fields}\r\n").into_bytes()
    };
    let at = post("").len() as u64;
    let rows: [Row; 11] = [
        (
            "method",
            |limits| limits.max_method_len = 4,
            get("ABCD /", ""),
            get("ABCDE /", ""),
            MethodTooLong,
            4,
            501,
        ),
        (
            "target",
            |limits| limits.max_target_len = 4,
            get("GET /abc", ""),
            get("GET /abcd", ""),
            TargetTooLong,
            8,
            414,
        ),
        (
            "head",
            |limits| limits.max_head_len = 35,
            get("GET /", "A: 123\r\n"),
            get("GET /", "A: 1234\r\n"),
            HeadTooLong,
            35,
            431,
        ),
        (
            "fields",
            |limits| limits.max_fields = 2,
            get("GET /", "A: 1\r\n"),
            get("GET /", "A: 1\r\nB: 2\r\n"),
            TooManyFields,
            31,
            431,
        ),
        (
            "blank lines",
            |limits| limits.max_blank_lines = 2,
            [b"\r\n\r\n", &get("GET /", "")[..]].concat(),
            [b"\r\n\r\n\r\n", &get("GET /", "")[..]].concat(),
            TooManyBlankLines,
            4,
            400,
        ),
        (
            "chunk line",
            |limits| limits.max_chunk_line_len = 4,
            post("1;ab\r\nx\r\n0\r\n\r\n"),
            post("1;abc\r\nx\r\n0\r\n\r\n"),
            ChunkLineTooLong,
            at + 4,
            400,
        ),
        (
            "chunk size digits",
            |limits| limits.max_chunk_line_len = 4,
            post("0001\r\nx\r\n0\r\n\r\n"),
            post("00001\r\nx\r\n0\r\n\r\n"),
            ChunkLineTooLong,
            at + 4,
            400,
        ),
        (
            "chunk extensions",
            |limits| limits.max_chunk_ext_len = 4,
            post("1;a\r\nx\r\n0;b\r\n\r\n"),
            post("1;a\r\nx\r\n0;bc\r\n\r\n"),
            ChunkExtensionsTooLong,
            at + 11,
            400,
        ),
        (
            "trailer section",
            |limits| limits.max_trailer_len = 8,
            post("0\r\nA: b\r\n\r\n"),
            post("0\r\nA: bc\r\n\r\n"),
            TrailersTooLong,
            at + 11,
            431,
        ),
        (
            "trailer fields",
            |limits| limits.max_trailer_fields = 1,
            post("0\r\nA: b\r\n\r\n"),
            post("0\r\nA: b\r\nC: d\r\n\r\n"),
            TooManyTrailers,
            at + 9,
            431,
        ),
        (
            "chunk overhead",
            |limits| limits.max_chunk_overhead = 13,
            post("1\r\nx\r\n1\r\nx\r\n0\r\n\r\n"),
            post("1\r\nx\r\n1\r\nx\r\n1\r\nx\r\n0\r\n\r\n"),
            ChunkOverhead,
            at + 20,
            400,
        ),
    ];
    for (name, set, fits, exceeds, kind, offset, status) in rows {
        let mut limits = Limits::default();
        set(&mut limits);
        assert!(
            exchange(&fits, limits).is_ok(),
            "{name}: {:?}",
            exchange(&fits, limits)
        );
        refused(name, exchange(&exceeds, limits), kind, offset);
        assert_eq!(
            exchange(&exceeds, limits).unwrap_err().status(),
            status,
            "{name}"
        );
    }
}

#[test]
fn the_default_limits_take_a_request_line_of_8000_octets_rfc9112_3() {
    let target = format!("/{}", "a".repeat(8_000));
    let octets = format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(
        request(octets.as_bytes()).unwrap().unwrap().target(),
        target
    );
}

#[test]
fn no_limit_lifts_the_width_of_a_field_position() {
    let mut limits = Limits::default();
    limits.max_head_len = usize::MAX;
    let octets = format!("GET / HTTP/1.1\r\nHost: a\r\nA: {}", "a".repeat(70_000));
    let mut input = BytesMut::from(octets.as_bytes());
    refused(
        "capped",
        ServerConnection::new(limits).next_event(&mut input),
        HeadTooLong,
        65_535,
    );
    let longest = format!(
        "GET / HTTP/1.1\r\nHost: a\r\nA: {}\r\n\r\n",
        "b".repeat(65_535 - 32)
    );
    let head = request_with(longest.as_bytes(), limits).unwrap().unwrap();
    assert_eq!(head.fields().get("a").map(<[u8]>::len), Some(65_535 - 32));
}

#[test]
fn the_first_broken_octet_decides_when_two_rules_are_broken() {
    let mut limits = Limits::default();
    limits.max_target_len = 3;
    refused(
        "character before length",
        request_with(b"GET /\x01aaaa", limits),
        Target,
        5,
    );
    refused(
        "length before character",
        request_with(b"GET /aaa\x01", limits),
        TargetTooLong,
        7,
    );
    limits.max_head_len = 10;
    refused(
        "head before version",
        request_with(b"GET /a HTTX", limits),
        HeadTooLong,
        10,
    );
}

#[test]
fn persistence_follows_version_and_connection_rfc9112_9_3() {
    let rows: [(&str, &str, bool); 10] = [
        ("1.1", "", true),
        ("1.1", "Connection: close\r\n", false),
        ("1.1", "Connection: a, CLOSE\r\n", false),
        (
            "1.1",
            "Connection: close\r\nConnection: keep-alive\r\n",
            false,
        ),
        ("1.1", "Connection: closed, x-close\r\n", true),
        ("1.2", "", true),
        ("1.0", "", false),
        ("1.0", "Connection: Keep-Alive\r\n", true),
        ("1.0", "Connection: keep-alive, close\r\n", false),
        ("1.0", "Keep-Alive: 5\r\n", false),
    ];
    for (version, lines, persists) in rows {
        let octets = format!("GET / HTTP/{version}\r\nHost: a\r\n{lines}\r\n");
        assert_eq!(
            request(octets.as_bytes()).unwrap().unwrap().keep_alive(),
            persists,
            "{version} {lines}"
        );
        let octets = format!("HTTP/{version} 200 OK\r\nContent-Length: 0\r\n{lines}\r\n");
        assert_eq!(
            response("GET", octets.as_bytes())
                .unwrap()
                .unwrap()
                .keep_alive(),
            persists,
            "{version} {lines}"
        );
    }
}

#[test]
fn an_upgrade_counts_in_1_1_with_its_connection_option_rfc9110_7_8() {
    let rows: [(&str, &str, bool); 6] = [
        (
            "1.1",
            "Connection: keep-alive, Upgrade\r\nUpgrade: h2c, WebSocket\r\n",
            true,
        ),
        ("1.1", "Upgrade: websocket\r\n", false),
        ("1.1", "Connection: upgrade\r\n", false),
        (
            "1.1",
            "Connection: upgrades\r\nUpgrade: websocket\r\n",
            false,
        ),
        (
            "1.1",
            "Connection: upgrade\r\nUpgrade: websocket2\r\n",
            false,
        ),
        (
            "1.0",
            "Connection: upgrade\r\nUpgrade: websocket\r\n",
            false,
        ),
    ];
    for (version, lines, offered) in rows {
        let octets = format!("GET / HTTP/{version}\r\nHost: a\r\n{lines}\r\n");
        assert_eq!(
            request(octets.as_bytes())
                .unwrap()
                .unwrap()
                .upgrades_to("websocket"),
            offered,
            "{lines}"
        );
    }
}

#[test]
fn an_expectation_counts_in_1_1_with_content_rfc9110_10_1_1() {
    let rows: [(&str, &str, bool); 6] = [
        ("1.1", "Expect: 100-Continue\r\nContent-Length: 1\r\n", true),
        (
            "1.1",
            "Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n",
            true,
        ),
        (
            "1.1",
            "Expect: 100-continue\r\nContent-Length: 0\r\n",
            false,
        ),
        ("1.1", "Expect: 100-continue\r\n", false),
        (
            "1.0",
            "Expect: 100-continue\r\nContent-Length: 1\r\n",
            false,
        ),
        ("1.0", "Expect: something\r\nContent-Length: 1\r\n", false),
    ];
    for (version, lines, waits) in rows {
        let octets = format!("POST / HTTP/{version}\r\nHost: a\r\n{lines}\r\n");
        assert_eq!(
            request(octets.as_bytes())
                .unwrap()
                .unwrap()
                .expects_continue(),
            waits,
            "{lines}"
        );
    }
    for value in ["something", "100-continue, x", "100-continue=1"] {
        let octets = format!("POST / HTTP/1.1\r\nHost: a\r\nExpect: {value}\r\n\r\n");
        refused(value, request(octets.as_bytes()), Expectation, 26);
        assert_eq!(request(octets.as_bytes()).unwrap_err().status(), 417);
    }
}

#[test]
fn informational_responses_are_bounded_and_consume_no_request_rfc9110_15_2() {
    for (count, want) in [(0, None), (16, None), (17, Some(TooManyInformational))] {
        let mut connection = ClientConnection::new(Limits::default());
        connection
            .send_request(
                "GET",
                "/",
                [("Host", &b"a"[..])],
                Content::None,
                &mut BytesMut::new(),
            )
            .unwrap();
        let octets = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n".repeat(count)
            + "HTTP/1.1 204 No Content\r\n\r\n";
        let mut input = BytesMut::from(octets.as_bytes());
        let mut seen = 0;
        let outcome = loop {
            match connection.next_event(&mut input) {
                Ok(Some(ClientEvent::Informational(head))) => {
                    assert_eq!((head.status(), connection.unanswered()), (103, 1));
                    seen += 1;
                }
                Ok(Some(ClientEvent::End(next))) => {
                    assert_eq!(next, Next::Reuse);
                    break None;
                }
                Ok(Some(_)) => {}
                Ok(None) => panic!("stalled"),
                Err(error) => break Some(error.kind()),
            }
        };
        assert_eq!((outcome, seen), (want, count.min(16)));
    }
}

#[test]
fn octets_that_no_request_asked_for_end_the_connection_rfc9112_9_2() {
    let mut connection = ClientConnection::new(Limits::default());
    let mut out = BytesMut::new();
    let host = [("Host", &b"a"[..])];
    connection
        .send_request("GET", "/", host, Content::None, &mut out)
        .unwrap();
    let mut input = BytesMut::from(&b"HTTP/1.1 204 x\r\n\r\nHTTP/1.1 200 evil\r\n\r\n"[..]);
    connection.next_event(&mut input).unwrap();
    let end = connection.next_event(&mut input).unwrap();
    assert!(
        matches!(end, Some(ClientEvent::End(Next::Reuse))),
        "{end:?}"
    );
    assert!(!connection.can_send());
    let refusal = connection.send_request("GET", "/", host, Content::None, &mut out);
    assert_eq!(refusal, Err(tidings_http1::SendError::Closed));
    assert!(matches!(
        connection.next_event(&mut input),
        Ok(Some(ClientEvent::Closed))
    ));
    assert!(matches!(connection.next_event(&mut input), Ok(None)));
    assert_eq!(&input[..], b"HTTP/1.1 200 evil\r\n\r\n");
}

#[test]
fn the_end_of_input_completes_only_what_it_delimits_rfc9112_8() {
    let rows: [(&str, &str, Option<CloseReason>); 5] = [
        (
            "until close",
            "HTTP/1.1 200 OK\r\n\r\nhello",
            Some(CloseReason::UntilClose),
        ),
        (
            "until close, nothing",
            "HTTP/1.1 200 OK\r\n\r\n",
            Some(CloseReason::UntilClose),
        ),
        (
            "length",
            "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello",
            None,
        ),
        (
            "chunked",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
            None,
        ),
        ("head", "HTTP/1.1 200 OK\r\n\r", None),
    ];
    for (name, octets, want) in rows {
        let mut connection = ClientConnection::new(Limits::default());
        connection
            .send_request(
                "GET",
                "/",
                [("Host", &b"a"[..])],
                Content::None,
                &mut BytesMut::new(),
            )
            .unwrap();
        let mut input = BytesMut::from(octets.as_bytes());
        connection.receive_eof();
        let outcome = loop {
            match connection.next_event(&mut input) {
                Ok(Some(ClientEvent::End(Next::Close(reason)))) => break Ok(reason),
                Ok(Some(_)) => {}
                Ok(None) => panic!("{name} stalled"),
                Err(error) => break Err((error.kind(), error.offset())),
            }
        };
        assert_eq!(
            outcome,
            want.ok_or((Truncated, octets.len() as u64)),
            "{name}"
        );
    }
}

#[test]
fn what_is_announced_and_not_here_is_known_rfc9112_7_1() {
    let rows: [(&str, &[u8], u64); 5] = [
        ("length", b"Content-Length: 10\r\n\r\nabc", 7),
        ("chunk", b"Transfer-Encoding: chunked\r\n\r\nff\r\nab", 0xfd),
        (
            "between chunks",
            b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n",
            0,
        ),
        ("half a size", b"Transfer-Encoding: chunked\r\n\r\nff", 0),
        ("none", b"\r\n", 0),
    ];
    for (name, rest, want) in rows {
        let mut input = BytesMut::from(&b"POST / HTTP/1.1\r\nHost: a\r\n"[..]);
        input.extend_from_slice(rest);
        let mut connection = ServerConnection::new(Limits::default());
        while let Some(_event) = connection.next_event(&mut input).unwrap() {}
        assert_eq!(connection.announced_len(), want, "{name}");
    }
}
