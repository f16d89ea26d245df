//! What is told of octets that passed.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use core::net::SocketAddr;
use core::time::Duration;

use super::*;

/// An exchange of these pieces.
fn exchange(parts: &[Part<'_>]) -> Exchange {
    let mut exchange = Exchange {
        number: 1,
        connection: 1,
        peer: SocketAddr::from(([127, 0, 0, 1], 9)),
        kind: "other",
        client: Lane::default(),
        server: Lane::default(),
        pieces: Vec::new(),
        dropped: 0,
        closed: false,
        revision: 1,
    };
    for (from, octets) in parts {
        let lane = match from {
            Side::Client => &mut exchange.client,
            Side::Server => &mut exchange.server,
        };
        let begin = lane.octets.len();
        lane.octets.extend_from_slice(octets);
        let octets = begin..lane.octets.len();
        exchange.pieces.push(Piece {
            at: Duration::ZERO,
            from: *from,
            octets,
        });
    }
    exchange
}

type Part<'a> = (Side, &'a [u8]);

fn titles(parts: &[Part<'_>]) -> Vec<String> {
    let (_, _, pieces) = tell(&exchange(parts), 0);
    pieces
        .iter()
        .map(|piece| piece["title"].as_str().unwrap().to_owned())
        .collect()
}

/// Name, offset, length and depth of each field that the server sent.
fn fields(octets: &[u8]) -> Vec<(String, u64, u64, u64)> {
    let (_, server, _) = tell(&exchange(&[(Side::Server, octets)]), 0);
    let number = |span: &Value, name: &str| span[name].as_u64().unwrap();
    let spans = server.spans.iter();
    spans
        .map(|span| {
            let name = span["name"].as_str().unwrap().to_owned();
            (
                name,
                number(span, "offset"),
                number(span, "len"),
                number(span, "depth"),
            )
        })
        .collect()
}

#[test]
fn a_piece_is_told_by_what_a_person_looks_for() {
    use Side::{Client as C, Server as S};
    let rows: [(&[Part<'_>], &[&str]); 5] = [
        (
            &[
                (C, b"GET /channels/c?trace=*** HTTP/1.1\r\nHost: a\r\nPrefer: wait=25\r\nIf-None-Match: \"e.1\"\r\n\r\n"),
                (S, b"HTTP/1.1 304 Not Modified\r\n\r\n"),
            ],
            &["GET /channels/c · Prefer: wait=25 · If-None-Match", "304 Not Modified"],
        ),
        (
            &[
                (C, b"POST /channels/c HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n"),
                (C, b"hi"),
                (S, b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"),
            ],
            &["POST /channels/c", "2 octets of content", "200 OK · 3 octets of content"],
        ),
        (
            &[
                (C, b"GET /c HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n"),
                (S, b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n17\r\nretry: 2000\nid: e.1\n\n\n\n\r\n"),
                (S, b"12\r\nid: e.2\ndata: a"),
                (S, b"b\n\n\r\n"),
                (S, b"0\r\n\r\n"),
            ],
            &[
                "GET /c · text/event-stream",
                "200 OK · event stream: retry, id",
                "event stream: id, data",
                "more of the same",
                "last chunk",
            ],
        ),
        (
            &[
                (C, b"GET /c HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"),
                (S, b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n\x81\x05Hello"),
                (C, b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"),
                (S, b"\x89\x00\x88\x02\x03\xe8"),
            ],
            &[
                "GET /c · Upgrade: websocket",
                "101 Switching Protocols · Text frame, 5 octets",
                "Text frame, 5 octets",
                "Ping frame, 0 octets · Close frame, 2 octets",
            ],
        ),
        (&[(C, b"GET / HT"), (C, b"TP/1.1\r\nHo")], &["more of the same", "more of the same"]),
    ];
    for (parts, want) in rows {
        assert_eq!(titles(parts), want);
    }
}

#[test]
fn fields_of_an_event_stream_stand_behind_the_chunks_that_they_lie_in() {
    let head =
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
    // A line that goes on in the next chunk.
    let octets = [&head[..], b"9\r\nid: 1\ndat\r\n6\r\na: b\n\n\r\n"].concat();
    let begin = head.len() as u64;
    let told: Vec<_> = fields(&octets)
        .into_iter()
        .filter(|(_, offset, _, _)| *offset >= begin)
        .collect();
    let row = |name: &str, offset, len, depth| (name.to_owned(), begin + offset, len, depth);
    assert_eq!(
        told,
        [
            row("chunk size", 0, 3, 0),
            row("chunk data", 3, 9, 0),
            row("id", 3, 6, 1),
            row("data", 9, 3, 1),
            row("end of the chunk", 12, 2, 0),
            row("chunk size", 14, 3, 0),
            row("chunk data", 17, 6, 0),
            row("data", 17, 5, 1),
            row("blank line", 22, 1, 1),
            row("end of the chunk", 23, 2, 0),
        ]
    );
}

#[test]
fn another_content_is_not_told_as_an_event_stream() {
    let octets = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\nid: 1\n";
    assert!(fields(octets).iter().all(|(_, _, _, depth)| *depth == 0));
}

#[test]
fn a_credential_is_told_by_its_length() {
    let mut one = exchange(&[(
        Side::Client,
        b"GET /c?trace=*** HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ****\r\n\r\n",
    )]);
    one.client.hidden = vec![13..16, 58..62];
    let (client, _, _) = tell(&one, 0);
    let told: Vec<&str> = client
        .spans
        .iter()
        .map(|span| span["meaning"].as_str().unwrap())
        .collect();
    assert_eq!(told[1], "what is asked for: /c?trace=(3 octets, not shown)");
    assert_eq!(told[4], "Authorization: Bearer (4 octets, not shown)");
}

#[test]
fn the_answer_to_a_head_request_waits_for_nothing() {
    let answer: Part<'_> = (
        Side::Server,
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n",
    );
    for (request, want) in [
        (&b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"[..], Value::Null),
        (
            b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "the rest of the content".into(),
        ),
    ] {
        let (_, server, _) = tell(&exchange(&[(Side::Client, request), answer]), 0);
        assert_eq!(server.awaits, want);
    }
}

#[test]
fn a_compressed_frame_breaks_a_rule_only_where_no_extension_was_agreed_on() {
    let request: Part<'_> = (
        Side::Client,
        b"GET /c HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
          Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
    );
    for (line, is_fault) in [
        ("Sec-WebSocket-Extensions: permessage-deflate\r\n", false),
        ("", true),
    ] {
        let answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n{line}\r\n"
        );
        // RFC 7692 §7.2.3.1: "Hello", compressed.
        let frame = b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00";
        let octets = [answer.as_bytes(), frame].concat();
        let (_, server, _) = tell(&exchange(&[request, (Side::Server, &octets)]), 0);
        assert_eq!(server.fault != Value::Null, is_fault, "{:?}", server.fault);
        let payload = server.spans.last().unwrap();
        assert_eq!(
            (&payload["name"], &payload["section"]),
            (&json!("payload"), &json!("RFC 7692 §7.2"))
        );
    }
}

#[test]
fn a_section_is_linked_where_it_can_be_read() {
    let rows = [
        (
            "RFC 9112 §7.1",
            "https://www.rfc-editor.org/rfc/rfc9112#section-7.1",
        ),
        (
            "RFC 9112 §6.3 item 3",
            "https://www.rfc-editor.org/rfc/rfc9112#section-6.3",
        ),
        (
            "WHATWG HTML §9.2.6",
            "https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation",
        ),
    ];
    for (section, want) in rows {
        assert_eq!(link(section), want);
    }
    assert_eq!(link("of our own"), Value::Null);
}

#[test]
fn of_many_small_fields_the_first_are_told() {
    let pings = b"\x89\x80abcd".repeat(10_000);
    let request = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    let octets = [&request[..], &pings].concat();
    let (client, _, pieces) = tell(
        &exchange(&[(Side::Client, &octets), (Side::Client, b"\x89\x80abcd")]),
        1,
    );
    assert_eq!(client.spans.len(), MAX_FIELDS);
    assert_eq!(pieces.len(), 1, "the first piece was told");
}
