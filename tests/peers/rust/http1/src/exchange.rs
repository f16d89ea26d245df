//! A request and its answer on a connection that stays: octets copied in, events out, an answer of 13 octets written.

use std::hint::black_box;

use bytes::BytesMut;
use paired::{Plan, Rival, compare};
use tidings_http1::{Content, Limits, Next, ServerConnection, ServerEvent};

use crate::inputs::{LONG, SHORT};

const FIELDS: [(&str, &[u8]); 2] = [
    ("Content-Type", b"text/plain"),
    ("Date", b"Sun, 06 Nov 1994 08:49:37 GMT"),
];

pub fn run(plan: Plan) {
    let heads = [("68 octets", SHORT.to_vec()), ("703 octets", LONG.to_vec())];
    for (name, octets) in heads {
        // An HTTP/1.0 connection would not stay.
        let text = String::from_utf8(octets)
            .expect("ASCII")
            .replace("/1.0", "/1.1");
        let octets = text.as_bytes();
        let mut input = BytesMut::new();
        let mut copied = BytesMut::new();
        let mut connection = ServerConnection::new(Limits::default());
        let mut out = BytesMut::new();
        compare(
            &format!("Request of {name} and its answer"),
            "exchange",
            1,
            plan,
            &mut [
                Rival::new("copy and httparse", || {
                    copied.clear();
                    copied.extend_from_slice(black_box(octets));
                    let mut lines = [httparse::EMPTY_HEADER; 16];
                    let mut request = httparse::Request::new(&mut lines);
                    let parsed = request.parse(&copied);
                    assert_eq!(parsed, Ok(httparse::Status::Complete(octets.len())));
                    black_box(&request);
                }),
                Rival::new("tidings", || {
                    out.clear();
                    input.extend_from_slice(black_box(octets));
                    exchange(&mut connection, &mut input, &mut out);
                    black_box(&out);
                }),
            ],
        );
    }
}

fn exchange(connection: &mut ServerConnection, input: &mut BytesMut, out: &mut BytesMut) {
    let Ok(Some(ServerEvent::Request(head))) = connection.next_event(input) else {
        panic!("not a request");
    };
    black_box(head.path());
    let Ok(Some(ServerEvent::End)) = connection.next_event(input) else {
        panic!("not the end of a request");
    };
    let content = b"Hello, world!";
    let len = Content::Length(content.len() as u64);
    connection
        .send_response(200, FIELDS, len, out)
        .expect("a legal answer");
    connection.send_data(content, out).expect("as long as said");
    assert_eq!(connection.send_end(out), Ok(Next::Reuse));
}
