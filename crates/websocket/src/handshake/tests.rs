use alloc::string::String;
use alloc::vec::Vec;

use super::*;
use crate::SendError;

type Fields = Vec<(&'static str, &'static [u8])>;

const KEY: &[u8] = b"dGhlIHNhbXBsZSBub25jZQ==";

fn good() -> Fields {
    [
        ("Host", &b"server.example.com"[..]),
        ("Upgrade", b"websocket"),
        ("Connection", b"Upgrade"),
        ("Sec-WebSocket-Key", KEY),
        ("Sec-WebSocket-Version", b"13"),
    ]
    .into()
}

/// The good request without the field `name`, and with `more`.
fn with(name: &str, more: &[(&'static str, &'static [u8])]) -> Fields {
    let mut fields = good();
    fields.retain(|(field, _)| *field != name);
    fields.extend_from_slice(more);
    fields
}

fn ask(method: &str, version: (u8, u8), fields: &Fields) -> Result<Accepted, HandshakeError> {
    accept(method, version, fields.iter().copied(), &[])
}

#[test]
fn the_vector_of_rfc6455_1_3_hs_09_hs_10() {
    let accepted = ask("GET", (1, 1), &good()).unwrap();
    let fields: Vec<_> = accepted.fields().collect();
    assert_eq!(
        fields,
        [
            ("Upgrade", &b"websocket"[..]),
            ("Sec-WebSocket-Accept", b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
        ]
    );
    assert_eq!(
        &accept_key(b" \t dGhlIHNhbXBsZSBub25jZQ== "),
        b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    );
}

#[test]
fn a_good_request_in_every_legal_form_is_accepted_hs_03_hs_04_hs_12_hs_14() {
    let rows: [(&str, Fields); 13] = [
        ("as in the RFC", good()),
        (
            "Upgrade: h2c, websocket",
            with("Upgrade", &[("Upgrade", b"h2c, websocket")]),
        ),
        (
            "Connection: keep-alive, Upgrade",
            with("Connection", &[("Connection", b"keep-alive, Upgrade")]),
        ),
        (
            "two Connection fields",
            with(
                "Connection",
                &[("Connection", b"keep-alive"), ("Connection", b"Upgrade")],
            ),
        ),
        (
            "two Upgrade fields",
            with("Upgrade", &[("Upgrade", b"h2c"), ("Upgrade", b"websocket")]),
        ),
        (
            "tokens in any case",
            with("Upgrade", &[("Upgrade", b"WebSocket")]),
        ),
        (
            "upgrade in lower case",
            with("Connection", &[("Connection", b"upgrade")]),
        ),
        (
            "field names in any case",
            with("Sec-WebSocket-Key", &[("sec-websocket-KEY", KEY)]),
        ),
        (
            "white space around values",
            with(
                "Sec-WebSocket-Version",
                &[("Sec-WebSocket-Version", b" \t13 ")],
            ),
        ),
        (
            "empty list elements",
            with("Connection", &[("Connection", b", ,\tUpgrade,,")]),
        ),
        (
            "unknown fields",
            with(
                "",
                &[("X-Whatever", b"1"), ("Origin", b"http://example.com")],
            ),
        ),
        (
            "offered extensions",
            with(
                "",
                &[("Sec-WebSocket-Extensions", b"permessage-deflate; \"")],
            ),
        ),
        (
            "bits of the key that carry nothing",
            with(
                "Sec-WebSocket-Key",
                &[("Sec-WebSocket-Key", b"dGhlIHNhbXBsZSBub25jZR==")],
            ),
        ),
    ];
    for (name, fields) in rows {
        assert!(ask("GET", (1, 1), &fields).is_ok(), "{name}");
    }
    assert!(ask("GET", (1, 2), &good()).is_ok(), "a later HTTP/1");
}

#[test]
fn the_method_is_get_and_the_version_http_1_1_hs_01() {
    let rows = [
        ("POST", (1, 1), 405),
        ("HEAD", (1, 1), 405),
        ("get", (1, 1), 405),
        ("", (1, 1), 405),
        ("GET", (1, 0), 505),
        ("GET", (0, 9), 505),
        ("GET", (2, 0), 505),
        ("POST", (1, 0), 505),
    ];
    for (method, version, status) in rows {
        let error = ask(method, version, &good()).unwrap_err();
        assert_eq!(error.status(), status, "{method} {version:?}");
    }
}

/// Bad requests and the status of the answer.
fn bad() -> Vec<(&'static str, u16, Fields)> {
    let key = |value: &'static [u8]| with("Sec-WebSocket-Key", &[("Sec-WebSocket-Key", value)]);
    let version =
        |value: &'static [u8]| with("Sec-WebSocket-Version", &[("Sec-WebSocket-Version", value)]);
    let connection = |value: &'static [u8]| with("Connection", &[("Connection", value)]);
    let upgrade = |value: &'static [u8]| with("Upgrade", &[("Upgrade", value)]);
    [
        ("no Host", 400, with("Host", &[])),
        ("two Host", 400, with("", &[("Host", b"other")])),
        ("no Upgrade", 426, with("Upgrade", &[])),
        ("Upgrade: h2c", 426, upgrade(b"h2c")),
        ("Upgrade: websocketx", 426, upgrade(b"websocketx")),
        ("Upgrade: websocket/13", 426, upgrade(b"websocket/13")),
        ("Upgrade: web socket", 426, upgrade(b"web socket")),
        ("empty Upgrade", 426, upgrade(b"")),
        ("no Connection", 400, with("Connection", &[])),
        ("Connection: not-upgrade", 400, connection(b"not-upgrade")),
        ("Connection: keep-alive", 400, connection(b"keep-alive")),
        ("Connection: upgraded", 400, connection(b"upgraded")),
        ("no key", 400, with("Sec-WebSocket-Key", &[])),
        (
            "two keys",
            400,
            with("", &[("Sec-WebSocket-Key", b"AQIDBAUGBwgJCgsMDQ4PEA==")]),
        ),
        (
            "the same key twice",
            400,
            with("", &[("Sec-WebSocket-Key", KEY)]),
        ),
        ("key of 0 octets", 400, key(b"")),
        ("key of 15 octets", 400, key(b"dGhlIHNhbXBsZSBub25j")),
        ("key of 17 octets", 400, key(b"dGhlIHNhbXBsZSBub25jZTE=")),
        ("key of 18 octets", 400, key(b"dGhlIHNhbXBsZSBub25jZTEy")),
        ("key without padding", 400, key(b"dGhlIHNhbXBsZSBub25jZQ")),
        (
            "key with half the padding",
            400,
            key(b"dGhlIHNhbXBsZSBub25jZQ="),
        ),
        (
            "key with three signs of padding",
            400,
            key(b"dGhlIHNhbXBsZSBub25jZ==="),
        ),
        (
            "key with padding inside",
            400,
            key(b"dGhlIHNhbXBsZSBub25jZ=Q="),
        ),
        (
            "key in the other alphabet",
            400,
            key(b"-_hlIHNhbXBsZSBub25jZQ=="),
        ),
        ("key not base64", 400, key(b"!!!!!!!!!!!!!!!!!!!!!!==")),
        (
            "junk behind the key",
            400,
            key(b"dGhlIHNhbXBsZSBub25jZQ==x"),
        ),
        (
            "white space inside the key",
            400,
            key(b"dGhlIHNhbXBs ZSBub25jZQ=="),
        ),
        ("a list of keys", 400, key(b"dGhlIHNhbXBsZSBub25jZQ==, x")),
        ("no version", 426, with("Sec-WebSocket-Version", &[])),
        ("version 12", 426, version(b"12")),
        ("version 8", 426, version(b"8")),
        ("version 14", 426, version(b"14")),
        ("version 013", 426, version(b"013")),
        ("version 13, 8", 426, version(b"13, 8")),
        ("empty version", 426, version(b"")),
        (
            "version 13 twice",
            426,
            with("", &[("Sec-WebSocket-Version", b"13")]),
        ),
    ]
    .into()
}

#[test]
fn bad_requests_are_answered_and_never_accepted_hs_02_hs_03_hs_04_hs_05_hs_06_hs_07() {
    for (name, status, fields) in bad() {
        let error = ask("GET", (1, 1), &fields).unwrap_err();
        assert_eq!(error.status(), status, "{name}: {error}");
        assert!(error.section().starts_with("RFC "));
    }
}

#[test]
fn an_answer_says_what_is_supported_hs_08_hs_23() {
    type Lines = [(&'static str, &'static str)];
    let upgrade = [("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13")];
    let rows: [(HandshakeError, u16, &Lines); 6] = [
        (HandshakeError::Version, 426, &upgrade),
        (HandshakeError::Upgrade, 426, &upgrade),
        (HandshakeError::Method, 405, &[("Allow", "GET")]),
        (HandshakeError::Key, 400, &[]),
        (HandshakeError::HttpVersion { major: 1, minor: 0 }, 505, &[]),
        (HandshakeError::AnswerAccept, 502, &[]),
    ];
    for (error, status, fields) in rows {
        assert_eq!(
            (error.status(), error.fields()),
            (status, fields),
            "{error}"
        );
    }
}

#[test]
fn the_subprotocol_is_the_servers_first_that_the_client_listed_hs_11_hs_12_hs_22() {
    type Row = (
        &'static str,
        &'static [&'static str],
        &'static [&'static [u8]],
        Option<&'static str>,
    );
    let rows: [Row; 9] = [
        ("none asked", &["a"], &[], None),
        ("none known", &[], &[b"a"], None),
        ("no match", &["a"], &[b"b, c"], None),
        ("a match", &["a"], &[b"b, a"], Some("a")),
        ("the server's order", &["a", "b"], &[b"b, a"], Some("a")),
        ("over two fields", &["c", "b"], &[b"a", b"b"], Some("b")),
        ("octet for octet", &["A"], &[b"a"], None),
        ("no part of a name", &["chat"], &[b"superchat, chat2"], None),
        ("empty elements", &["a"], &[b",, a ,"], Some("a")),
    ];
    for (name, ours, theirs, want) in rows {
        let mut fields = good();
        fields.extend(
            theirs
                .iter()
                .map(|value| ("Sec-WebSocket-Protocol", *value)),
        );
        let accepted = accept("GET", (1, 1), fields.into_iter(), ours).unwrap();
        assert_eq!(accepted.subprotocol(), want, "{name}");
        let answered: Vec<_> = accepted
            .fields()
            .filter(|(name, _)| *name == "Sec-WebSocket-Protocol")
            .collect();
        let expected: Vec<_> = want
            .iter()
            .map(|name| ("Sec-WebSocket-Protocol", name.as_bytes()))
            .collect();
        assert_eq!(answered, expected, "{name}: at most one field");
    }
}

#[test]
fn extensions_are_never_accepted_hs_13() {
    let fields = with("", &[("Sec-WebSocket-Extensions", b"permessage-deflate")]);
    let accepted = ask("GET", (1, 1), &fields).unwrap();
    assert!(
        accepted
            .fields()
            .all(|(name, _)| name != "Sec-WebSocket-Extensions")
    );
}

fn client(subprotocols: &[&str]) -> ClientHandshake {
    ClientHandshake::new(*b"the sample nonce", subprotocols).unwrap()
}

#[test]
fn the_request_carries_key_version_and_subprotocols_hc_03_hc_04() {
    let handshake = client(&["tidings.v1", "chat"]);
    let fields: Vec<_> = handshake.fields().collect();
    assert_eq!(
        fields,
        [
            ("Upgrade", &b"websocket"[..]),
            ("Connection", b"Upgrade"),
            ("Sec-WebSocket-Key", KEY),
            ("Sec-WebSocket-Version", b"13"),
            ("Sec-WebSocket-Protocol", b"tidings.v1, chat"),
        ]
    );
    assert_eq!(client(&[]).fields().count(), 4);
}

#[test]
fn subprotocols_are_tokens_and_unique_hc_05() {
    let rows: [(&str, &[&str], Option<usize>); 8] = [
        ("one", &["chat"], None),
        ("two", &["chat", "Chat"], None),
        ("every sign of a token", &["!#$%&'*+-.^_`|~09azAZ"], None),
        ("twice", &["a", "b", "a"], Some(2)),
        ("empty", &["a", ""], Some(1)),
        ("a comma", &["a,b"], Some(0)),
        ("a space", &["a b"], Some(0)),
        ("beyond ASCII", &["é"], Some(0)),
    ];
    for (name, subprotocols, want) in rows {
        let got = ClientHandshake::new([0; 16], subprotocols).err();
        assert_eq!(
            got,
            want.map(|index| SendError::Subprotocol { index }),
            "{name}"
        );
    }
}

fn answer() -> Fields {
    [
        ("Upgrade", &b"websocket"[..]),
        ("Connection", b"Upgrade"),
        ("Sec-WebSocket-Accept", b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
    ]
    .into()
}

fn answer_with(name: &str, more: &[(&'static str, &'static [u8])]) -> Fields {
    let mut fields = answer();
    fields.retain(|(field, _)| *field != name);
    fields.extend_from_slice(more);
    fields
}

#[test]
fn a_fitting_answer_opens_the_connection() {
    let rows: [(&str, Fields); 6] = [
        ("as in the RFC", answer()),
        (
            "any case",
            answer_with("Upgrade", &[("upgrade", b"WebSocket")]),
        ),
        (
            "Upgrade in a list",
            answer_with("Connection", &[("Connection", b"keep-alive, upgrade")]),
        ),
        (
            "two Connection fields",
            answer_with("", &[("Connection", b"keep-alive")]),
        ),
        (
            "white space around the accept",
            answer_with(
                "Sec-WebSocket-Accept",
                &[("Sec-WebSocket-Accept", b"\ts3pPLMBiTxaQ9kYGzzhZRbK+xOo= ")],
            ),
        ),
        (
            "an empty list of extensions",
            answer_with("", &[("Sec-WebSocket-Extensions", b"")]),
        ),
    ];
    for (name, fields) in rows {
        assert_eq!(
            client(&[]).check(101, fields.into_iter()),
            Ok(None),
            "{name}"
        );
    }
}

#[test]
fn an_answer_that_does_not_fit_fails_hc_07_hc_08_hc_09_hc_10_hc_11() {
    let accept = "Sec-WebSocket-Accept";
    let rows: [(&str, u16, Fields, HandshakeError); 16] = [
        ("200", 200, answer(), HandshakeError::Status { status: 200 }),
        ("302", 302, answer(), HandshakeError::Status { status: 302 }),
        ("401", 401, answer(), HandshakeError::Status { status: 401 }),
        (
            "no Upgrade",
            101,
            answer_with("Upgrade", &[]),
            HandshakeError::AnswerUpgrade,
        ),
        (
            "another Upgrade",
            101,
            answer_with("Upgrade", &[("Upgrade", b"h2c")]),
            HandshakeError::AnswerUpgrade,
        ),
        (
            "a list",
            101,
            answer_with("Upgrade", &[("Upgrade", b"h2c, websocket")]),
            HandshakeError::AnswerUpgrade,
        ),
        (
            "two Upgrade",
            101,
            answer_with("", &[("Upgrade", b"websocket")]),
            HandshakeError::AnswerUpgrade,
        ),
        (
            "no Connection",
            101,
            answer_with("Connection", &[]),
            HandshakeError::AnswerConnection,
        ),
        (
            "close",
            101,
            answer_with("Connection", &[("Connection", b"close")]),
            HandshakeError::AnswerConnection,
        ),
        (
            "not-upgrade",
            101,
            answer_with("Connection", &[("Connection", b"not-upgrade")]),
            HandshakeError::AnswerConnection,
        ),
        (
            "no accept",
            101,
            answer_with(accept, &[]),
            HandshakeError::AnswerAccept,
        ),
        (
            "empty accept",
            101,
            answer_with(accept, &[(accept, b"")]),
            HandshakeError::AnswerAccept,
        ),
        (
            "the key itself",
            101,
            answer_with(accept, &[(accept, KEY)]),
            HandshakeError::AnswerAccept,
        ),
        (
            "the accept in another case",
            101,
            answer_with(accept, &[(accept, b"S3PPLMBITXAQ9KYGZZHZRBK+XOO=")]),
            HandshakeError::AnswerAccept,
        ),
        (
            "the accept twice",
            101,
            answer_with("", &[(accept, b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")]),
            HandshakeError::AnswerAccept,
        ),
        (
            "an extension",
            101,
            answer_with("", &[("Sec-WebSocket-Extensions", b"permessage-deflate")]),
            HandshakeError::AnswerExtension,
        ),
    ];
    for (name, status, fields, want) in rows {
        assert_eq!(
            client(&[]).check(status, fields.into_iter()),
            Err(want),
            "{name}"
        );
    }
}

#[test]
fn the_chosen_subprotocol_was_asked_for_once_hc_12() {
    let refused = Err(HandshakeError::AnswerSubprotocol);
    type Chosen = Result<Option<&'static str>, HandshakeError>;
    type Row = (
        &'static str,
        &'static [&'static str],
        &'static [&'static [u8]],
        Chosen,
    );
    let rows: [Row; 8] = [
        ("asked, chosen", &["a", "b"], &[b"b"], Ok(Some("b"))),
        ("asked, none chosen", &["a"], &[], Ok(None)),
        ("asked, another chosen", &["a"], &[b"b"], refused),
        ("asked, another case", &["a"], &[b"A"], refused),
        ("none asked, one chosen", &[], &[b"a"], refused),
        ("none asked, an empty one", &[], &[b""], refused),
        ("two fields", &["a", "b"], &[b"a", b"b"], refused),
        ("two in one field", &["a", "b"], &[b"a, b"], refused),
    ];
    for (name, asked, chosen, want) in rows {
        let mut fields = answer();
        fields.extend(
            chosen
                .iter()
                .map(|value| ("Sec-WebSocket-Protocol", *value)),
        );
        let got = client(asked).check(101, fields.into_iter());
        assert_eq!(got, want.map(|name| name.map(String::from)), "{name}");
    }
}

#[test]
fn both_sides_agree() {
    let handshake = client(&["x", "tidings.v1"]);
    let request = handshake
        .fields()
        .chain([("Host", &b"h"[..])])
        .collect::<Vec<_>>();
    let accepted = accept("GET", (1, 1), request.into_iter(), &["tidings.v1"]).unwrap();
    let answer = accepted
        .fields()
        .chain([("Connection", &b"Upgrade"[..])])
        .collect::<Vec<_>>();
    let chosen = handshake.check(101, answer.into_iter());
    assert_eq!(chosen, Ok(Some(String::from("tidings.v1"))));
}

#[test]
fn errors_are_at_most_32_octets() {
    assert!(size_of::<HandshakeError>() <= 32);
}

#[test]
fn an_error_counts_the_fields_and_names_the_section() {
    let key: &[u8] = b"dGhlIHNhbXBsZSBub25jZQ==";
    for count in [0, 2, 3] {
        let name = "Sec-WebSocket-Key";
        let fields = with(name, &[(name, key); 3][..count]);
        let error = ask("GET", (1, 1), &fields).unwrap_err();
        assert_eq!(error, HandshakeError::KeyCount { count });
        let fields = with("Host", &[("Host", &b"a"[..]); 3][..count]);
        let error = ask("GET", (1, 1), &fields).unwrap_err();
        assert_eq!(error, HandshakeError::Host { count });
    }
    let (major, minor) = (2, 0);
    let rows = [
        (
            "RFC 6455 §4.2.1",
            HandshakeError::HttpVersion { major, minor },
        ),
        ("RFC 6455 §4.2.1", HandshakeError::Host { count: 0 }),
        ("RFC 6455 §4.2.1", HandshakeError::Key),
        ("RFC 6455 §4.4", HandshakeError::Version),
        ("RFC 6455 §4.1", HandshakeError::Status { status: 200 }),
        ("RFC 6455 §4.1", HandshakeError::AnswerAccept),
        ("RFC 7692 §7.1", HandshakeError::AnswerDeflate),
    ];
    for (section, error) in rows {
        assert_eq!(error.section(), section, "{error}");
    }
}
