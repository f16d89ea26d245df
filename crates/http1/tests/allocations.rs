//! What a request costs in allocations once the buffers of its connection are warm.

use allocation_counter::measure;
use bytes::BytesMut;
use tidings_http1::{Content, Limits, Next, ServerConnection, ServerEvent};

const FIELDS: [(&str, &[u8]); 2] = [
    ("Content-Type", b"text/plain"),
    ("Date", b"Sun, 06 Nov 1994 08:49:37 GMT"),
];
const CONTENT: &[u8] = b"Hello, world!";

/// A connection with the two buffers that its caller keeps.
struct Peer {
    connection: ServerConnection,
    input: BytesMut,
    out: BytesMut,
}

impl Peer {
    fn new() -> Self {
        Self {
            connection: ServerConnection::new(Limits::default()),
            input: BytesMut::with_capacity(16 << 10),
            out: BytesMut::with_capacity(16 << 10),
        }
    }

    /// Takes the requests that `octets` hold, answers each, and returns how many there were.
    fn serve(&mut self, octets: &[u8]) -> Result<usize, Box<dyn core::error::Error>> {
        let Self {
            connection,
            input,
            out,
        } = self;
        out.clear();
        input.extend_from_slice(octets);
        let mut requests = 0;
        while let Some(event) = connection.next_event(input)? {
            if let ServerEvent::End = event {
                requests += 1;
                let content = Content::Length(CONTENT.len() as u64);
                connection.send_response(200, FIELDS, content, out)?;
                connection.send_data(CONTENT, out)?;
                assert_eq!(connection.send_end(out), Ok(Next::Reuse));
            }
        }
        Ok(requests)
    }
}

#[test]
fn a_request_in_steady_state_allocates_at_most_once() {
    let browser = b"GET /a?b HTTP/1.1\r\nHost: a\r\nUser-Agent: b/1\r\nAccept: c\r\nAccept-Language: d\r\n\
        Accept-Encoding: e\r\nReferer: http://a/f\r\nConnection: keep-alive\r\nCookie: g=h\r\nIf-None-Match: \"i\"\r\n\r\n";
    let many = [
        &b"GET / HTTP/1.1\r\nHost: a\r\n"[..],
        &b"X-Y: z\r\n".repeat(20)[..],
        b"\r\n",
    ]
    .concat();
    let rows: [(&str, &[u8], u64); 5] = [
        ("GET", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 0),
        ("GET of a browser, 9 fields", browser, 0),
        (
            "POST with a length",
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
            0,
        ),
        (
            "POST in chunks",
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
            1,
        ),
        ("GET with 21 fields", &many, 1),
    ];
    for (name, octets, most) in rows {
        for pipelined in [1, 16] {
            let batch = octets.repeat(pipelined);
            let mut peer = Peer::new();
            // The first batch makes the input a shared buffer.
            assert_eq!(peer.serve(&batch).unwrap(), pipelined);
            let rounds = 50;
            let allocated = measure(|| {
                for _ in 0..rounds {
                    assert_eq!(peer.serve(&batch).unwrap(), pipelined);
                }
            });
            let requests = rounds * pipelined as u64;
            let each = format!(
                "{name}: {} for {requests} requests, {pipelined} in a batch",
                allocated.count_total
            );
            assert!(allocated.count_total <= most * requests, "{each}");
            assert_eq!(allocated.count_current, 0, "{each}");
        }
    }
}

#[test]
fn a_head_that_comes_octet_by_octet_allocates_nothing() {
    let octets = b"GET /a?b HTTP/1.1\r\nHost: a\r\nAccept: b\r\n\r\n";
    let mut peer = Peer::new();
    peer.serve(octets).unwrap();
    let mut requests = 0;
    let allocated = measure(|| {
        for octet in octets {
            requests += peer.serve(&[*octet]).unwrap();
        }
    });
    assert_eq!((requests, allocated.count_total), (1, 0));
}

#[test]
fn of_a_head_over_its_limit_no_more_than_the_limit_is_gathered() {
    let octets = [
        &b"GET / HTTP/1.1\r\nHost: a\r\n"[..],
        &b"b:\r\n".repeat(250_000)[..],
    ]
    .concat();
    let mut connection = ServerConnection::new(Limits::default());
    let mut input = BytesMut::from(&octets[..]);
    let mut verdict = Ok(None);
    let allocated = measure(|| verdict = connection.next_event(&mut input));
    assert_eq!(verdict.map_err(|error| error.offset()).err(), Some(421));
    assert!(allocated.bytes_max < 250_000, "{allocated:?}");
}
