use alloc::borrow::ToOwned;

use http::{HeaderValue, Method};

use super::*;

const NONCE: [u8; 16] = *b"the sample nonce";

fn handshake(subprotocols: &[&str]) -> ClientHandshake {
    ClientHandshake::new(NONCE, subprotocols).unwrap()
}

/// A good request for `uri`.
fn request(uri: &'static str) -> Request<()> {
    handshake(&[]).request(&Uri::from_static(uri)).unwrap()
}

fn names(headers: &HeaderMap) -> Vec<&str> {
    let fields = header_fields(headers).into_iter();
    let mut names: Vec<&str> = fields.map(|(name, _)| name).collect();
    names.sort_unstable();
    names
}

#[test]
fn both_sides_agree_over_the_types_of_http() {
    let handshake = handshake(&["b", "a"]);
    let uri = Uri::from_static("ws://example.com/chat");
    let request = handshake.request(&uri).unwrap();
    let accepted = accept_request(&request, &["a", "b"]).unwrap();
    assert_eq!(accepted.subprotocol(), Some("a"));
    let answer = accepted.response().unwrap();
    assert_eq!(answer.status(), 101);
    let want = [
        "connection",
        "sec-websocket-accept",
        "sec-websocket-protocol",
        "upgrade",
    ];
    assert_eq!(names(answer.headers()), want);
    assert_eq!(answer.headers()["Connection"], "Upgrade");
    assert_eq!(handshake.check_response(&answer), Ok(Some("a".to_owned())));
}

#[test]
fn the_request_has_a_target_of_path_and_query_and_host_a_port_that_is_not_the_default_hc_01_hc_02()
{
    // The URI, the target, Host.
    let rows: [(&str, &str, &str); 10] = [
        ("ws://example.com", "/", "example.com"),
        ("ws://example.com?a=b", "/?a=b", "example.com"),
        ("ws://example.com/x/y?a=b&c", "/x/y?a=b&c", "example.com"),
        ("ws://example.com:80/", "/", "example.com"),
        ("ws://example.com:443/", "/", "example.com:443"),
        ("wss://example.com:443/", "/", "example.com"),
        ("wss://example.com:80/", "/", "example.com:80"),
        ("http://example.com:8080/", "/", "example.com:8080"),
        ("https://me:secret@[::1]:8443/", "/", "[::1]:8443"),
        ("ws://[::1]/#part", "/", "[::1]"),
    ];
    for (uri, target, host) in rows {
        let request = request(uri);
        assert_eq!(request.method(), Method::GET, "{uri}");
        assert_eq!(request.version(), Version::HTTP_11, "{uri}");
        assert_eq!(request.uri(), target, "{uri}");
        let hosts: Vec<_> = request.headers().get_all("Host").iter().collect();
        assert_eq!(hosts, [host], "{uri}");
        assert!(accept_request(&request, &[]).is_ok(), "{uri}");
    }
    for uri in ["/chat", "example.com:80", "ftp://example.com/", "*"] {
        let uri = Uri::from_static(uri);
        let refused = handshake(&[]).request(&uri);
        assert_eq!(refused.unwrap_err(), SendError::Uri, "{uri}");
    }
}

#[test]
fn a_bad_request_is_answered_with_its_status_and_fields_hs_07_hs_08() {
    type Change = fn(&mut Request<()>);
    let rows: [(&str, Change, u16, &[&str]); 9] = [
        ("POST", |r| *r.method_mut() = Method::POST, 405, &["allow"]),
        ("0.9", |r| *r.version_mut() = Version::HTTP_09, 505, &[]),
        ("1.0", |r| *r.version_mut() = Version::HTTP_10, 505, &[]),
        ("2", |r| *r.version_mut() = Version::HTTP_2, 505, &[]),
        ("3", |r| *r.version_mut() = Version::HTTP_3, 505, &[]),
        (
            "two keys",
            |r| {
                let key = HeaderValue::from_static("dGhlIHNhbXBsZSBub25jZQ==");
                r.headers_mut().append("Sec-WebSocket-Key", key);
            },
            400,
            &[],
        ),
        (
            "version 12",
            |r| {
                let version = HeaderValue::from_static("12");
                r.headers_mut().insert("Sec-WebSocket-Version", version);
            },
            426,
            &["connection", "sec-websocket-version", "upgrade"],
        ),
        (
            "no Upgrade",
            |r| {
                r.headers_mut().remove("Upgrade");
            },
            426,
            &["connection", "sec-websocket-version", "upgrade"],
        ),
        (
            "no Host",
            |r| {
                r.headers_mut().remove("Host");
            },
            400,
            &[],
        ),
    ];
    for (name, change, status, fields) in rows {
        let mut request = request("ws://example.com/");
        change(&mut request);
        let answer = accept_request(&request, &[]).unwrap_err().response();
        let answer = answer.unwrap();
        assert_eq!(answer.status(), status, "{name}");
        assert_eq!(names(answer.headers()), fields, "{name}");
    }
}

#[test]
fn the_version_of_http_is_told_as_it_came_hs_01() {
    let rows = [
        (Version::HTTP_09, 0, 9),
        (Version::HTTP_10, 1, 0),
        (Version::HTTP_2, 2, 0),
        (Version::HTTP_3, 3, 0),
    ];
    for (version, major, minor) in rows {
        let mut request = request("ws://example.com/");
        *request.version_mut() = version;
        let want = HandshakeError::HttpVersion { major, minor };
        assert_eq!(accept_request(&request, &[]).unwrap_err(), want);
    }
}

#[test]
fn an_answer_of_http_is_told_by_its_status_hc_07() {
    let answer = Response::builder().status(401).body("who are you?");
    assert_eq!(
        handshake(&[]).check_response(&answer.unwrap()),
        Err(HandshakeError::Status { status: 401 })
    );
}

#[test]
fn a_subprotocol_that_cannot_stand_in_a_field_gives_no_response() {
    // Not what a client of ours could ask for, nor what HTTP could carry.
    let fields: Vec<(&str, &[u8])> = [
        ("Host", &b"a"[..]),
        ("Upgrade", b"websocket"),
        ("Connection", b"Upgrade"),
        ("Sec-WebSocket-Key", b"dGhlIHNhbXBsZSBub25jZQ=="),
        ("Sec-WebSocket-Version", b"13"),
        ("Sec-WebSocket-Protocol", b"a\nb"),
    ]
    .into();
    let accepted = accept("GET", (1, 1), fields.into_iter(), &["a\nb"]).unwrap();
    assert!(accepted.response().is_err());
}

#[cfg(feature = "deflate")]
#[test]
fn permessage_deflate_is_agreed_on_through_the_headers_rfc7692_5() {
    let options = crate::DeflateOptions::default();
    let handshake = handshake(&[]).offer_deflate(options);
    let uri = Uri::from_static("ws://example.com/");
    let request = handshake.request(&uri).unwrap();
    let accepted = accept_request(&request, &[])
        .unwrap()
        .with_deflate(options, header_fields(request.headers()).into_iter());
    let answer = accepted.response().unwrap();
    let fields = header_fields(answer.headers());
    let (subprotocol, agreed) = handshake.check_deflate(101, fields.into_iter()).unwrap();
    assert_eq!(subprotocol, None);
    assert_eq!(agreed, accepted.deflate());
    assert!(agreed.is_some());
}
