#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use super::*;

/// Spans as `name: meaning`, after checking that they follow one another.
fn told(trace: &Trace) -> Vec<String> {
    let mut end = 0;
    for span in &trace.spans {
        assert_eq!(span.octets.start, end, "{trace:?}");
        assert!(
            span.octets.end > end && !span.section.is_empty(),
            "{span:?}"
        );
        end = span.octets.end;
    }
    trace
        .spans
        .iter()
        .map(|span| format!("{}: {}", span.name, span.meaning))
        .collect()
}

const INPUTS: [(Protocol, &[u8]); 8] = [
    (
        Protocol::Requests,
        b"\r\nPOST /a?b HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5;x=1\r\nhello\r\n0\r\nSum: 1\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",
    ),
    (
        Protocol::Requests,
        b"GET /chat HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58",
    ),
    (
        Protocol::Responses,
        b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 304 Not Modified\r\nETag: \"7\"\r\n\r\n",
    ),
    (
        Protocol::Responses,
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\x81\x05Hello\x88\x04\x03\xe8ok",
    ),
    (Protocol::WebSocket, b"\x81\x05Hello\x89\x00\x82\x7e\x00\x80"),
    (Protocol::WebSocket, b"\x88\x82\x00\x00\x00\x00\x03\xe8"),
    (Protocol::Sse, b"\xEF\xBB\xBF: hi\r\nretry: 10\rid: 7\nevent: x\ndata: a\ndata\n\nwhat: 1\ndata: lost"),
    (Protocol::Sse, b"data: 1\n\n"),
];

#[test]
fn every_octet_of_good_input_is_told() {
    for (protocol, octets) in INPUTS {
        let trace = explain(protocol, octets);
        assert_eq!(trace.fault, None, "{trace:?}");
        let _ = told(&trace);
        assert_eq!(trace.end(), octets.len(), "{trace:?}");
        assert_eq!(
            Protocol::detect(octets.strip_prefix(b"\r\n").unwrap_or(octets)),
            protocol
        );
    }
}

#[test]
fn input_that_is_cut_anywhere_is_told_as_far_as_it_goes() {
    for (protocol, octets) in INPUTS {
        for len in 0..octets.len() {
            let trace = explain(protocol, &octets[..len]);
            assert_eq!(trace.fault, None, "{protocol} cut at {len}: {trace:?}");
            let _ = told(&trace);
            assert!(trace.end() <= len);
        }
    }
}

#[test]
fn a_request_is_told_line_by_line() {
    let trace = explain(Protocol::Requests, INPUTS[0].1);
    assert_eq!(
        told(&trace)[..13],
        [
            "blank line: passed over before a request",
            "method: POST: sent again, it may act twice",
            "request target: what is asked for: /a?b",
            "version: HTTP/1.1",
            "field line: Host: h (the host that is meant)",
            "field line: Transfer-Encoding: chunked (the content comes in chunks)",
            "blank line: the head ends",
            "chunk size: 5 octets follow, with an extension",
            "chunk data: \"hello\"",
            "end of the chunk: CRLF",
            "last chunk: no more chunks",
            "trailer field: Sum: 1",
            "blank line: the content ends",
        ]
    );
}

#[test]
fn frames_stand_behind_an_upgrade_on_both_sides() {
    let trace = explain(Protocol::Requests, INPUTS[1].1);
    let lines = told(&trace);
    assert!(
        lines
            .iter()
            .any(|line| line.ends_with("must be s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")),
        "{lines:?}"
    );
    assert_eq!(lines.last().unwrap(), "payload: unmasked: \"Hello\"");
    let lines = told(&explain(Protocol::Responses, INPUTS[3].1));
    assert_eq!(
        lines[lines.len() - 2..],
        ["close code: 1000", "close reason: \"ok\""]
    );
}

#[test]
fn the_parts_of_a_frame_are_told_by_their_bits() {
    let trace = explain(Protocol::WebSocket, b"\x01\xFE\x01\x00\x01\x02\x03\x04ab");
    assert_eq!(
        told(&trace),
        [
            "FIN, RSV, opcode: more frames of its message follow, text (0x1)",
            "MASK, payload length: masked, as a client must; the length follows in 2 octets",
            "extended payload length: 256 octets",
            "masking key: octet i of the payload is XORed with octet i mod 4 of the key",
            "payload: unmasked: \"``\"",
        ]
    );
    assert_eq!(trace.awaits, Some("the rest of a payload"));
}

#[test]
fn a_stream_is_told_as_the_decoder_dispatches_it() {
    let trace = explain(Protocol::Sse, INPUTS[6].1);
    assert_eq!(
        told(&trace)[1..],
        [
            "comment: passed over; keeps the connection alive: \" hi\"",
            "retry: the reconnection time is 10 ms from here on",
            "id: the last event ID is 7 from here on",
            "event: the type of the event is x",
            "data: a line of data: \"a\"",
            "data: a line of data: \"\"",
            "blank line: dispatches an event of type x with data \"a\\n\" and ID \"7\"",
            "unknown field: passed over: \"what\" names no field",
            "data: a line of data: \"lost\"",
        ]
    );
}

#[test]
fn lines_before_a_fault_are_told() {
    let octets = b"GET / HTTP/1.1\r\nHost: h\r\nX : 1\r\n\r\n";
    let trace = explain(Protocol::Requests, octets);
    let lines = told(&trace);
    assert_eq!(lines[3], "field line: Host: h (the host that is meant)");
    assert_eq!(lines[4], "head: up to the fault: \"X\"");
    assert_eq!(trace.fault.unwrap().offset, trace.spans[4].octets.end);
}

#[test]
fn a_fault_tells_where_by_which_rule_and_what_is_answered() {
    let rows: [(Protocol, &[u8], usize, &str, &str); 7] = [
        (
            Protocol::Requests,
            b"GET /a b HTTP/1.1\r\nHost: h\r\n\r\n",
            7,
            "RFC 9112",
            "400",
        ),
        (
            Protocol::Requests,
            b"GET / HTTP/1.1\r\nHost : h\r\n\r\n",
            20,
            "RFC 9112",
            "400",
        ),
        (
            Protocol::Requests,
            b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nxx\r\n",
            56,
            "RFC 9112",
            "400",
        ),
        (
            Protocol::Responses,
            b"HTTP/1.1 2x0 OK\r\n\r\n",
            10,
            "RFC 9112",
            "nothing",
        ),
        (
            Protocol::WebSocket,
            b"\x81\x05Hello\x83\x00",
            7,
            "RFC 6455",
            "Close 1002",
        ),
        (
            Protocol::WebSocket,
            b"\x81\x02\xC3\x28",
            3,
            "RFC 6455",
            "Close 1007",
        ),
        (
            Protocol::WebSocket,
            b"\x81\x81\x00\x00\x00\x00a\x81\x01a",
            7,
            "RFC 6455",
            "Close 1002",
        ),
    ];
    for (protocol, octets, offset, section, answer) in rows {
        let trace = explain(protocol, octets);
        let _ = told(&trace);
        let fault = trace.fault.unwrap_or_else(|| panic!("{octets:?}"));
        assert_eq!(fault.offset, offset, "{fault:?}");
        assert!(
            fault.section.starts_with(section) && fault.answer.starts_with(answer),
            "{fault:?}"
        );
        assert!(fault.what.len() > 10);
    }
}

#[test]
fn what_stands_behind_a_close_is_no_frame_rfc6455_5_5_1() {
    let trace = explain(Protocol::WebSocket, b"\x88\x00\x81\x05Hello\x8f");
    assert_eq!(
        told(&trace).last().map(String::as_str),
        Some("octets behind the Close: not read, whatever they are")
    );
    assert_eq!(trace.spans.len(), 3);
    assert_eq!((trace.fault, trace.awaits), (None, None));
}
