//! A head read alone and in one piece is the head that a connection finds octet by octet.

use bytes::{Bytes, BytesMut};
use tidings_http1::{
    Config, Framing, Limits, ReceiveError, RequestHead, ServerConnection, ServerEvent,
};

/// What a connection makes of octets that come one by one.
fn dripped(octets: &[u8]) -> Result<Option<RequestHead>, ReceiveError> {
    let mut connection = ServerConnection::new(Limits::default());
    let mut input = BytesMut::new();
    for octet in octets {
        input.extend_from_slice(&[*octet]);
        if let Some(ServerEvent::Request(head)) = connection.next_event(&mut input)? {
            return Ok(Some(head));
        }
    }
    Ok(None)
}

/// All that a head says.
fn said(head: &RequestHead) -> (String, [String; 5], Framing, [bool; 3]) {
    let parts = [
        head.method(),
        head.target(),
        head.path(),
        head.authority(),
        head.query().unwrap_or("-"),
    ];
    let flags = [
        head.keep_alive(),
        head.expects_continue(),
        head.offers_upgrade(),
    ];
    let whole = format!("{head:?} {:?}", head.version());
    (whole, parts.map(str::to_owned), head.framing(), flags)
}

#[test]
fn a_head_in_one_piece_is_judged_as_one_in_parts() {
    let fields = |count: usize| {
        format!(
            "GET / HTTP/1.1\r\nHost: a\r\n{}\r\n",
            "B: c\r\n".repeat(count - 1)
        )
    };
    let method = |len: usize| format!("{} / HTTP/1.1\r\nHost: a\r\n\r\n", "M".repeat(len));
    let target = |len: usize| format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "t".repeat(len - 1));
    let head = |len: usize| {
        format!(
            "GET / HTTP/1.1\r\nHost: a\r\nB: {}\r\n\r\n",
            "c".repeat(len - 32)
        )
    };
    let rows = [
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
        "G / HTTP/1.0\r\n\r\n".to_owned(),
        "GET /a?b HTTP/1.0\r\nConnection: keep-alive\r\n\r\nmore".to_owned(),
        "GET http://a:1/b?c HTTP/1.1\r\nHost: d\r\n\r\n".to_owned(),
        "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n".to_owned(),
        "OPTIONS * HTTP/1.1\r\nHost:\r\nA:\t \r\nB:c \t\r\n\r\n".to_owned(),
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n"
            .to_owned(),
        "GET / HTTP/1.1\r\nHost: a\r\nA: b\tc\u{e9}\r\n\r\n".to_owned(),
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: b\r\n\r\n".to_owned(),
        "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
        "GET / HTTP/1.9\r\nHost: a\r\n\r\n".to_owned(),
        fields(12),
        fields(13),
        fields(100),
        fields(101),
        method(32),
        method(33),
        target(8_192),
        target(8_193),
        head(32_768),
        head(32_769),
        " / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
        "GET /#a HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
        "GET /\u{e9} HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
        "GET a HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
        "GET  / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
        "GET / HTTP/1.1\nHost: a\n\n".to_owned(),
        "GET / HTTP/1.1\r\nHost: a\r\n\n".to_owned(),
        "GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n".to_owned(),
        "GET / HTTP/1.1\r\nHost: a\r\nA : b\r\n\r\n".to_owned(),
        "GET / HTTP/1.1\r\nHost: a\r\nA: b\rc\r\n\r\n".to_owned(),
        "GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n".to_owned(),
        "GET / HTTP/1.1\r\nA: b\r\n\r\n".to_owned(),
        "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: \t\r\n\r\n".to_owned(),
        "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n".to_owned(),
        "GET / HTTP/1.1\r\nHost: a\r\n\r".to_owned(),
    ];
    for row in rows {
        let octets = Bytes::from(row.clone().into_bytes());
        let whole = RequestHead::decode(&octets, &Config::default());
        let parts = dripped(&octets);
        let said =
            |read: Result<Option<RequestHead>, _>| read.map(|head| head.map(|head| said(&head)));
        assert_eq!(said(whole), said(parts), "{row:.80}");
    }
}

#[test]
fn a_head_read_alone_leaves_what_is_behind_it() {
    let octets = Bytes::from_static(b"GET / HTTP/1.1\r\nHost: a\r\n\r\nmore");
    let head = RequestHead::decode(&octets, &Config::default());
    let head = head.unwrap().unwrap();
    assert_eq!(head.raw(), &b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"[..]);
}
