//! The octets of the README's table, counted by the server and compared with what the table says.

use core::time::Duration;

use tidings_tests::{Connection, EventStream, Server, WebSocket};

use crate::ADDRESS;
use crate::snippets::read;

/// What is sent: 32 octets.
const MESSAGE: &str = "thirty-two octets of plain text.";
const CHANNEL: &str = "/channels/news";
/// Field lines of curl 7.88.
const CURL: [(&str, &str); 3] = [
    ("Host", ADDRESS),
    ("User-Agent", "curl/7.88.1"),
    ("Accept", "*/*"),
];

/// The octets of one transport so far, both directions.
fn octets(server: &Server, transport: &str) -> u64 {
    let info = server.get("/channels/news/info").json();
    let wire = &info["wire"][transport];
    wire["octets_in"].as_u64().unwrap() + wire["octets_out"].as_u64().unwrap()
}

/// Waits until the server has counted more than `before`, and nothing more for a moment.
fn settled(server: &Server, transport: &str, before: u64) -> u64 {
    let mut last = before;
    for _ in 0..1000 {
        std::thread::sleep(Duration::from_millis(20));
        let now = octets(server, transport);
        if now > before && now == last {
            return now;
        }
        last = now;
    }
    panic!("{transport}: {last} octets, {before} before");
}

/// One poll: its octets.
fn poll(server: &Server, transport: &str, tag: &str, wait: Option<&str>) -> u64 {
    let before = octets(server, transport);
    let mut fields = CURL.to_vec();
    fields.push(("If-None-Match", tag));
    fields.extend(wait.map(|wait| ("Prefer", wait)));
    let answer = server.ask("GET", CHANNEL, &fields, b"");
    assert!(matches!(answer.status, 200 | 304), "{answer:?}");
    settled(server, transport, before) - before
}

/// Octets a message, and octets of a poll that brings nothing.
fn polls(transport: &str, wait: Option<&str>) -> (u64, u64) {
    let server = Server::start(&[]);
    let first = server.publish("news", MESSAGE);
    let second = server.publish("news", MESSAGE);
    let (first, second) = (format!("\"{first}\""), format!("\"{second}\""));
    let message = poll(&server, transport, &first, wait);
    // "wait=1" has a digit less than "wait=30", in the request and in the answer.
    let (short, more) = match wait {
        Some(_) => (Some("wait=1"), 2),
        None => (None, 0),
    };
    (message, poll(&server, transport, &second, short) + more)
}

/// Octets to begin, of a message, and of one sign of life.
type Held = (u64, u64, u64);

/// Publishes, and counts what it cost the one reader.
fn message(server: &Server, transport: &str, begun: u64) -> u64 {
    server.publish("news", MESSAGE);
    settled(server, transport, begun) - begun
}

fn events() -> Held {
    let server = Server::start(&[]);
    let mut fields = CURL[..2].to_vec();
    fields.extend([("Accept", "text/event-stream")]);
    let mut connection = Connection::open(server.address());
    connection.ask("GET", CHANNEL, &fields, b"");
    connection.head().expect("a head");
    connection.chunk().expect("the first block");
    let begun = settled(&server, "sse", 0);
    let message = message(&server, "sse", begun);
    connection.chunk().expect("the message");
    let before = octets(&server, "sse");
    connection.patience(Duration::from_secs(20));
    assert_eq!(
        connection.chunk().as_deref(),
        Some(&b":\n\n"[..]),
        "a heartbeat"
    );
    (begun, message, settled(&server, "sse", before) - before)
}

fn frames(server: &Server, subprotocol: &[(&str, &str)]) -> (WebSocket, u64, u64) {
    let mut fields = CURL.to_vec();
    fields.extend(subprotocol);
    let socket = WebSocket::open(server.address(), CHANNEL, &fields);
    let begun = settled(server, "websocket", 0);
    let message = message(server, "websocket", begun);
    (socket, begun, message)
}

fn websocket() -> Held {
    let server = Server::start(&[]);
    let (mut socket, begun, message) = frames(&server, &[]);
    assert_eq!(socket.text(), MESSAGE);
    let before = octets(&server, "websocket");
    socket.connection.patience(Duration::from_secs(30));
    let ping = socket.frame().expect("a ping");
    socket.send(tidings_tests::websocket::PONG, &ping.payload);
    let pinged = settled(&server, "websocket", before) - before;
    (begun, message, pinged)
}

fn enveloped() -> u64 {
    let server = Server::start(&[]);
    let (_socket, _, message) = frames(&server, &[("Sec-WebSocket-Protocol", "tidings.v1")]);
    message
}

/// Writes a number in groups of three digits.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[test]
fn numbers_are_grouped_by_three_digits() {
    for (number, want) in [
        (0, "0"),
        (999, "999"),
        (1000, "1,000"),
        (1_234_567, "1,234,567"),
    ] {
        assert_eq!(grouped(number), want);
    }
}

#[test]
fn the_table_of_the_readme_says_what_the_server_counts() {
    assert_eq!(MESSAGE.len(), 32);
    let events = std::thread::spawn(events);
    let websocket = std::thread::spawn(websocket);
    let (short_message, short_idle) = polls("short_poll", None);
    let (long_message, long_idle) = polls("long_poll", Some("wait=30"));
    let envelope = enveloped();
    let (events_begin, events_message, heartbeat) = events.join().expect("the event stream");
    let (frames_begin, frames_message, ping) = websocket.join().expect("the WebSocket");
    let hour = |seconds: u64, octets: u64| 3600 / seconds * octets;
    let rows = [
        ("to begin", [0, 0, events_begin, frames_begin]),
        (
            "a message of 32 octets",
            [short_message, long_message, events_message, frames_message],
        ),
        (
            "an hour of silence",
            [
                hour(1, short_idle),
                hour(30, long_idle),
                hour(15, heartbeat),
                hour(25, ping),
            ],
        ),
    ];
    let mut want: Vec<String> = rows
        .iter()
        .map(|(name, cells)| format!("| {name} | {} |", cells.map(grouped).join(" | ")))
        .collect();
    want.push(format!("costs {envelope} octets"));
    let readme = read("README.md");
    let missing: Vec<&String> = want.iter().filter(|line| !readme.contains(*line)).collect();
    assert!(missing.is_empty(), "README.md wants {missing:#?}");
}

#[test]
fn a_stream_begins_with_a_number_of_octets_that_chance_does_not_change() {
    let server = Server::start(&[]);
    let (stream, _) = EventStream::start(&server, CHANNEL, &[]);
    drop(stream);
    // `retry` is between 1000 and 5000: four digits in any case.
    for _ in 0..20 {
        let mut stream = EventStream::open(&server, CHANNEL, &[]);
        let retry = stream.block().unwrap().retry.unwrap();
        assert!((1000..=5000).contains(&retry), "{retry}");
    }
}
