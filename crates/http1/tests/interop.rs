//! Heads as types of the crate `http`, and back.
#![cfg(feature = "http")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use bytes::BytesMut;
use http::{Request, Response, request, response};
use tidings_http1::{
    ClientConnection, ClientEvent, Config, Content, ErrorKind, Framing, Leniency, Limits,
    RequestHead, ResponseHead, ServerConnection, ServerEvent, Version,
};

fn request_of(octets: &[u8]) -> RequestHead {
    let mut leniency = Leniency::default();
    leniency.ctl_in_values = true;
    let mut connection = ServerConnection::with_config(Config::new(Limits::default(), leniency));
    let Ok(Some(ServerEvent::Request(head))) = connection.next_event(&mut BytesMut::from(octets))
    else {
        panic!("{} is no request", octets.escape_ascii())
    };
    head
}

fn response_of(octets: &[u8]) -> ResponseHead {
    let mut connection = ClientConnection::new(Limits::default());
    let host = [("Host", &b"a"[..])];
    connection
        .send_request("GET", "/", host, Content::None, &mut BytesMut::new())
        .unwrap();
    let Ok(Some(ClientEvent::Response(head))) = connection.next_event(&mut BytesMut::from(octets))
    else {
        panic!("{} is no response", octets.escape_ascii())
    };
    head
}

#[test]
fn a_request_becomes_parts_that_share_its_octets() {
    let head = request_of(
        b"M-SEARCH /a%20b?c=d HTTP/1.0\r\nHost: h\r\nX-A: 1\r\nB:\r\nx-a: \xff\t2\r\n\r\n",
    );
    let parts = request::Parts::try_from(&head).unwrap();
    assert_eq!(parts.method, "M-SEARCH");
    assert_eq!(
        (parts.uri.path(), parts.uri.query()),
        ("/a%20b", Some("c=d"))
    );
    assert_eq!(parts.version, http::Version::HTTP_10);
    assert_eq!(parts.headers.len(), 4);
    let values: Vec<&[u8]> = parts
        .headers
        .get_all("X-A")
        .iter()
        .map(http::HeaderValue::as_bytes)
        .collect();
    assert_eq!(values, [&b"1"[..], b"\xff\t2"]);
    assert_eq!(parts.headers.get("b").unwrap(), "");
    let within = head.raw().as_ptr_range();
    for value in parts.headers.values().filter(|value| !value.is_empty()) {
        assert!(
            within.contains(&value.as_bytes().as_ptr()),
            "{value:?} is copied"
        );
    }
    assert!(
        within.contains(&parts.uri.path().as_ptr()),
        "the target is copied"
    );
}

#[test]
fn each_form_of_a_target_becomes_a_uri() {
    let rows = [
        ("GET", "/", None, "/"),
        ("GET", "http://h:1/x?y", Some("h:1"), "/x"),
        ("OPTIONS", "*", None, "*"),
        ("CONNECT", "h:443", Some("h:443"), ""),
    ];
    for (method, target, authority, path) in rows {
        let octets = format!("{method} {target} HTTP/1.1\r\nHost: h\r\n\r\n");
        let head = request_of(octets.as_bytes());
        let parts = request::Parts::try_from(&head).unwrap();
        let named = parts.uri.authority().map(http::uri::Authority::as_str);
        assert_eq!((named, parts.uri.path()), (authority, path), "{target}");
        let back = RequestHead::try_from(&parts).unwrap();
        assert_eq!((back.method(), back.target()), (method, target));
        assert_eq!(back.target_form(), head.target_form());
        assert_eq!(back.authority(), head.authority());
    }
}

#[test]
fn what_the_other_crate_does_not_take_is_an_error() {
    let head = request_of(b"GET / HTTP/1.1\r\nHost: h\r\nX: a\x01b\r\n\r\n");
    let error = request::Parts::try_from(&head).unwrap_err();
    assert!(error.is::<http::header::InvalidHeaderValue>(), "{error}");
    let head = request_of(b"GET /a<b HTTP/1.1\r\nHost: h\r\n\r\n");
    let error = request::Parts::try_from(&head).unwrap_err();
    assert!(error.is::<http::uri::InvalidUri>(), "{error}");
}

#[test]
fn a_response_becomes_parts_and_back() {
    let octets =
        b"HTTP/1.1 404 Nothing\r\nSet-Cookie: a\r\nContent-Length: 3\r\nSet-Cookie: b\r\n\r\n";
    let head = response_of(octets);
    let parts = response::Parts::try_from(&head).unwrap();
    assert_eq!((parts.status.as_u16(), parts.headers.len()), (404, 3));
    let within = head.raw().as_ptr_range();
    for value in parts.headers.values() {
        assert!(
            within.contains(&value.as_bytes().as_ptr()),
            "{value:?} is copied"
        );
    }
    let back = ResponseHead::try_from(&parts).unwrap();
    assert_eq!((back.status(), back.reason()), (404, &b"Not Found"[..]));
    assert_eq!(
        (back.framing(), back.version()),
        (Framing::Length(3), Version::Http11)
    );
    let cookies: Vec<&[u8]> = back.fields().get_all("Set-Cookie").collect();
    assert_eq!(cookies, [b"a", b"b"]);
}

#[test]
fn parts_become_a_head_by_the_rules_of_every_head() {
    let parts = |build: fn(request::Builder) -> request::Builder| {
        let request = build(Request::builder()).body(()).unwrap();
        RequestHead::try_from(&request.into_parts().0)
    };
    let head = parts(|request| {
        request
            .method("POST")
            .uri("/x?y")
            .header("Host", "h")
            .header("Expect", "100-continue")
            .header("Transfer-Encoding", "chunked")
    })
    .unwrap();
    assert_eq!(
        &head.raw()[..],
        b"POST /x?y HTTP/1.1\r\nhost: h\r\nexpect: 100-continue\r\ntransfer-encoding: chunked\r\n\r\n"
    );
    assert_eq!((head.framing(), head.authority()), (Framing::Chunked, "h"));
    assert!(head.expects_continue() && head.keep_alive());

    let kind = |result: Result<RequestHead, _>| {
        result
            .map_err(|error: tidings_http1::ReceiveError| error.kind())
            .map(|_| ())
    };
    assert_eq!(
        kind(parts(|request| request.uri("/"))),
        Err(ErrorKind::HostMissing)
    );
    assert_eq!(
        kind(parts(|request| request
            .header("Host", "h")
            .header("Host", "h"))),
        Err(ErrorKind::HostRepeated)
    );
    assert_eq!(
        kind(parts(|request| request
            .header("Host", "h")
            .header("Content-Length", "1")
            .header("Transfer-Encoding", "chunked"))),
        Err(ErrorKind::LengthAndCoding)
    );
    assert_eq!(
        kind(parts(|request| request
            .header("Host", "h")
            .version(http::Version::HTTP_2))),
        Err(ErrorKind::VersionUnsupported)
    );
    assert_eq!(
        kind(parts(|request| request
            .header("Host", "h")
            .header("X", "y".repeat(70_000)))),
        Err(ErrorKind::HeadTooLong)
    );

    let response = Response::builder()
        .status(200)
        .header("Content-Length", "+1");
    let parts = response.body(()).unwrap().into_parts().0;
    let error = ResponseHead::try_from(&parts).unwrap_err();
    assert_eq!(
        (error.kind(), error.offset()),
        (ErrorKind::LengthInvalid, 33)
    );
}

#[test]
fn parts_of_version_1_0_become_a_head_of_1_0() {
    let request = Request::builder().version(http::Version::HTTP_10).uri("/");
    let (parts, ()) = request.body(()).unwrap().into_parts();
    let head = RequestHead::try_from(&parts).unwrap();
    assert_eq!(
        (head.version(), head.keep_alive()),
        (Version::Http10, false)
    );
}

#[test]
fn parts_have_no_limit_on_the_method() {
    let method = "M".repeat(200);
    let request = Request::builder()
        .method(&*method)
        .uri("/")
        .header("host", "a");
    let (parts, ()) = request.body(()).unwrap().into_parts();
    let head = RequestHead::try_from(&parts).unwrap();
    assert_eq!(head.method(), method);
}
