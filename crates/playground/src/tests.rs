#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use super::*;

/// What was told, as `given name: words`.
fn lines(protocol: Protocol, octets: &[u8], cut: usize) -> Vec<String> {
    let (before, behind) = octets.split_at(cut);
    events(protocol, octets, &[before, behind])
        .iter()
        .map(|event| format!("{} {}: {}", event.given, event.name, event.what()))
        .collect()
}

const CHUNKED: &[u8] = b"POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nSum: 1\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n";
const UPGRADE: &[u8] = b"GET /chat HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58\x88\x80\x00\x00\x00\x00";
const SWITCHED: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\x89\x02hi\x82\x01\xff";
const RESPONSES: &[u8] = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 200 OK\r\nConnection: close\r\n\r\nto the end";
const STREAM: &[u8] = b"\xEF\xBB\xBFretry: 10\rid: 7\n\n:hi\ndata: a\nevent: x\ndata\n\ndata: lost";

#[test]
fn requests_are_told_with_what_the_codec_had_by_then() {
    assert_eq!(
        lines(Protocol::Requests, CHUNKED, 62),
        [
            "62 request: POST /a, 2 fields, content in chunks",
            "62 content: 2 octets: \"he\"",
            "107 content: 3 octets: \"llo\"",
            "107 trailers: Sum: 1",
            "107 end: of the request, which a server answers here",
            "107 request: GET /, 1 field, no content",
            "107 end: of the request, which a server answers here",
        ]
    );
}

#[test]
fn frames_follow_an_upgrade_on_both_sides() {
    assert_eq!(
        lines(Protocol::Requests, UPGRADE, 0)[1..],
        [
            "89 end: of the request; behind its upgrade stand frames",
            "89 text: \"Hello\"",
            "89 closed: 1005 \"\"",
        ]
    );
    assert_eq!(
        lines(Protocol::Responses, SWITCHED, 0),
        [
            "84 upgraded: 101, 2 fields, no content",
            "84 Ping: \"hi\"",
            "84 binary: 1 octet: \"\\xff\"",
        ]
    );
}

#[test]
fn responses_are_told_to_the_end_of_the_connection() {
    assert_eq!(
        lines(Protocol::Responses, RESPONSES, 0)[..5],
        [
            "128 informational: 103, 1 field, no content",
            "128 response: 200, 1 field, 2 octets of content",
            "128 content: 2 octets: \"hi\"",
            "128 end: of the response; the connection may be used again",
            "128 response: 200, 1 field, content up to the end of the connection",
        ]
    );
}

#[test]
fn a_stream_is_told_as_it_is_dispatched() {
    assert_eq!(
        lines(Protocol::Sse, STREAM, 13),
        [
            "13 retry: 10 ms",
            "57 id: \"7\"",
            "57 comment: \"hi\"",
            "57 event: x: \"a\\n\", ID \"7\"",
        ]
    );
}

#[test]
fn no_cutting_changes_what_is_told() {
    let bad: &[u8] = b"GET / HTTP/1.1\r\nHost: h\r\n\r\nGET /a b HTTP/1.1\r\n\r\n";
    let not_utf8: &[u8] = b"\x81\x02\xC3\x28";
    let rows = [
        (1, CHUNKED),
        (1, UPGRADE),
        (1, bad),
        (2, RESPONSES),
        (2, SWITCHED),
        (3, not_utf8),
        (4, STREAM),
    ];
    for (protocol, octets) in rows {
        let guess = Guess::from_number(protocol);
        for cut in 0..=octets.len() + 1 {
            let json = told(guess, octets, cut);
            let at = cut.min(octets.len());
            let (_, said) = json.split_once("\"cut\":").unwrap_or_default();
            assert!(said.starts_with(&format!("{{\"at\":{at},")), "{json}");
            assert!(said.ends_with("\"same\":true}}"), "{cut}: {json}");
        }
    }
}

#[test]
fn another_number_leaves_the_protocol_to_the_octets() {
    for (number, word) in [(0, "sse"), (1, "requests"), (4, "sse"), (5, "sse")] {
        let json = told(Guess::from_number(number), b"data: 1\n\n", 0);
        assert!(
            json.starts_with(&format!("{{\"protocol\":\"{word}\"")),
            "{json}"
        );
    }
}

#[test]
fn a_fault_has_its_place_and_its_answer() {
    let json = told(
        Guess::from_number(0),
        b"GET / HTTP/1.1\r\nHost : h\r\n\r\n",
        0,
    );
    assert!(json.contains("\"fault\":{\"offset\":20,"), "{json}");
    assert!(
        json.contains("\"answer\":\"400, and the connection is closed\""),
        "{json}"
    );
    assert!(
        json.contains("\"events\":[{\"given\":28,\"name\":\"error\","),
        "{json}"
    );
}

#[test]
fn text_is_escaped_by_rfc8259_7() {
    let mut out = Writer::default();
    out.list(&["a\"b\\c", "\u{0}\n\u{1f}\u{7f}é"], |out, text| {
        out.text(text);
    });
    assert_eq!(
        out.finish(),
        "[\"a\\\"b\\\\c\",\"\\u0000\\u000a\\u001f\u{7f}é\"]"
    );
}

#[test]
fn longer_input_is_passed_over() {
    let octets = vec![b':'; MAX_INPUT_LEN + 10];
    let json = told(Guess::from_number(4), &octets, usize::MAX);
    assert!(
        json.contains(&format!("\"cut\":{{\"at\":{MAX_INPUT_LEN},")),
        "{json}"
    );
}
