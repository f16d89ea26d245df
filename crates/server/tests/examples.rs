//! Each example is started on a free port and asked for what it promises, over plain sockets.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use core::time::Duration;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

use bytes::BytesMut;
use serde_json::Value;
use tidings_websocket::{Client, Config, Connection, Event, Message};

const EMBEDDED: [&str; 5] = ["hello", "game", "tokens", "store", "moderated_chat"];
const BY_HAND: [&str; 4] = ["short_poll", "long_poll", "sse", "websocket"];

/// A running example. It ends with this.
struct Example {
    process: Child,
    typed: ChildStdin,
    printed: BufReader<ChildStdout>,
    address: String,
}

impl Example {
    fn start(name: &str) -> Self {
        // The test stands in target/PROFILE/deps, the examples in target/PROFILE/examples.
        let test = std::env::current_exe().unwrap();
        let program = test.ancestors().nth(2).unwrap().join("examples").join(name);
        let mut process = Command::new(&program)
            .arg("127.0.0.1:0")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| {
                panic!(
                    "{}: {error}; `cargo build --examples` makes it",
                    program.display()
                )
            });
        let mut example = Self {
            typed: process.stdin.take().unwrap(),
            printed: BufReader::new(process.stdout.take().unwrap()),
            process,
            address: String::new(),
        };
        let line = example.line();
        let address = line.strip_prefix("listening on http://");
        example.address = address.expect(&line).to_owned();
        example
    }

    /// The next line that it prints, after what it tells to try.
    fn line(&mut self) -> String {
        let mut lines = self.printed.by_ref().lines().map(Result::unwrap);
        let line = lines.find(|line| !line.starts_with("try: "));
        line.expect("a line, for as long as the example runs")
    }

    fn say(&mut self, message: &str) {
        writeln!(self.typed, "{message}").unwrap();
    }

    fn connect(&self) -> TcpStream {
        let socket = TcpStream::connect(&self.address).unwrap();
        socket
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        socket
    }

    /// Sends a request, given by its request line and fields, and leaves the answer to be read.
    fn send(&self, head: &str, content: &str) -> TcpStream {
        let mut socket = self.connect();
        let len = match content.len() {
            0 => String::new(),
            len => format!("Content-Length: {len}\r\n"),
        };
        let head = head
            .replacen('\n', " HTTP/1.1\nHost: localhost\n", 1)
            .replace('\n', "\r\n");
        write!(socket, "{head}{len}\r\n{content}").unwrap();
        socket
    }

    /// One request, one answer, on a connection of its own.
    fn ask(&self, head: &str, content: &str) -> Answer {
        Answer::read(self.send(&format!("{head}Connection: close\n"), content))
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

struct Answer {
    status: u16,
    fields: String,
    content: String,
}

impl Answer {
    /// Reads to the end of the connection.
    fn read(mut socket: TcpStream) -> Self {
        let mut octets = String::new();
        socket.read_to_string(&mut octets).unwrap();
        let (head, content) = octets.split_once("\r\n\r\n").expect("a head");
        let (line, fields) = head.split_once("\r\n").unwrap_or((head, ""));
        Self {
            status: line.split(' ').nth(1).unwrap().parse().unwrap(),
            fields: fields.to_owned(),
            content: content.to_owned(),
        }
    }

    fn field(&self, name: &str) -> Option<&str> {
        self.fields
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find_map(|(field, value)| field.eq_ignore_ascii_case(name).then_some(value))
    }

    fn is(&self, status: u16, tag: Option<&str>, content: &str) {
        let got = (self.status, self.field("ETag"), &*self.content);
        assert_eq!(got, (status, tag, content));
    }
}

/// Reads exactly these octets.
fn expect(socket: &mut impl Read, octets: &[u8]) {
    let mut got = vec![0; octets.len()];
    socket.read_exact(&mut got).unwrap();
    assert_eq!(
        got.escape_ascii().to_string(),
        octets.escape_ascii().to_string()
    );
}

const HANDSHAKE: &str = "Upgrade: websocket\nConnection: Upgrade\nSec-WebSocket-Version: 13\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n";

/// The client's end of a WebSocket.
struct Player {
    socket: TcpStream,
    input: BytesMut,
    session: Connection<Client>,
}

impl Player {
    fn join(example: &Example) -> Self {
        let mut socket = example.send(&format!("GET /\n{HANDSHAKE}"), "");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut octet = [0];
            socket.read_exact(&mut octet).unwrap();
            head.extend(octet);
        }
        let head = String::from_utf8(head).unwrap();
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        assert!(
            head.contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"),
            "{head}"
        );
        Self {
            socket,
            input: BytesMut::new(),
            session: Connection::new(Config::default(), Duration::ZERO),
        }
    }

    /// The name by which the game knows the player.
    fn name(&self) -> String {
        self.socket.local_addr().unwrap().port().to_string()
    }

    fn press(&mut self, input: &str) {
        let mut out = BytesMut::new();
        self.session
            .send_text(input, [1, 2, 3, 4], &mut out)
            .unwrap();
        self.socket.write_all(&out).unwrap();
    }

    /// The next state of the world.
    fn see(&mut self) -> Value {
        loop {
            match self.session.next_event(&mut self.input, Duration::ZERO) {
                Some(Event::Message(Message::Text(text))) => {
                    return serde_json::from_str(text.as_str()).unwrap();
                }
                Some(event) => panic!("{event:?}"),
                None => {
                    let mut octets = [0; 4096];
                    let len = self.socket.read(&mut octets).unwrap();
                    assert_ne!(len, 0, "the game hung up");
                    self.input.extend(octets.iter().take(len));
                }
            }
        }
    }

    /// The first state in which the players stand so, within 20 s of ticks.
    fn see_players(&mut self, players: &Value) -> Value {
        let states = core::iter::repeat_with(|| self.see()).take(400);
        let mut so = states.filter(|state| state.get("players") == Some(players));
        so.next().expect("the world never came to be so")
    }
}

#[test]
fn hello_answers_its_own_route_and_leaves_the_rest_to_channels() {
    let example = Example::start("hello");
    example
        .ask("GET /hello\n", "")
        .is(200, None, "Hello, world!");
    assert_eq!(example.ask("POST /channels/news\n", "first").status, 200);
    let news = example.ask("GET /channels/news?from=earliest\n", "");
    assert_eq!(news.status, 200);
    let news: Value = serde_json::from_str(&news.content).unwrap();
    assert_eq!(
        news.pointer("/messages/0/data"),
        Some(&Value::from("first"))
    );
    assert_eq!(example.ask("GET /nothing\n", "").status, 404);
}

#[test]
fn game_shows_one_world_to_all_and_moves_nobody_by_more_than_a_step() {
    let example = Example::start("game");
    let (mut ann, mut bob) = (Player::join(&example), Player::join(&example));
    ann.press("1000");
    bob.press("-1");
    let players = serde_json::json!({ ann.name(): 1, bob.name(): -1 });
    let (mut seen_by_ann, mut seen_by_bob) = (ann.see_players(&players), bob.see_players(&players));
    let tick = |state: &Value| state.get("tick").and_then(Value::as_u64).unwrap();
    while tick(&seen_by_ann) != tick(&seen_by_bob) {
        if tick(&seen_by_ann) < tick(&seen_by_bob) {
            seen_by_ann = ann.see();
        } else {
            seen_by_bob = bob.see();
        }
    }
    assert_eq!(seen_by_ann, seen_by_bob);

    // Who leaves is taken out of the world.
    let left = serde_json::json!({ bob.name(): -1 });
    drop(ann);
    bob.see_players(&left);
    assert_eq!(example.ask("GET /\n", "").status, 426);
}

#[test]
fn tokens_stream_one_by_one_and_stop_when_the_client_leaves() {
    let mut example = Example::start("tokens");
    let whole = example.ask("POST /\n", "to be");
    let content = "b\r\ndata: to \n\n\r\na\r\ndata: be\n\n\r\n0\r\n\r\n";
    whole.is(200, None, content);
    assert_eq!(whole.field("Content-Type"), Some("text/event-stream"));
    assert_eq!(example.line(), "the answer is complete");

    let mut socket = BufReader::new(example.send("POST /\n", &"word ".repeat(200)));
    let mut line = String::new();
    while line != "data: word \n" {
        line.clear();
        socket.read_line(&mut line).unwrap();
    }
    drop(socket);
    let line = example.line();
    assert!(line.starts_with("the client left after "), "{line}");
    let made: usize = line.split(' ').find_map(|word| word.parse().ok()).unwrap();
    assert!((1..200).contains(&made), "{line}");
}

#[test]
fn store_answers_a_long_poll_when_there_is_another_version() {
    let example = Example::start("store");
    assert_eq!(example.ask("GET /celsius\n", "").status, 404);
    example.ask("PUT /celsius\n", "21").is(204, None, "");
    example
        .ask("GET /celsius\n", "")
        .is(200, Some("\"1\""), "21");
    example
        .ask("GET /celsius\nIf-None-Match: \"1\"\n", "")
        .is(304, Some("\"1\""), "");

    let begun = Instant::now();
    let poll = "GET /celsius\nIf-None-Match: \"1\"\nPrefer: wait=1\n";
    example.ask(poll, "").is(304, Some("\"1\""), "");
    assert!(
        begun.elapsed() >= Duration::from_secs(1),
        "the wait was cut short"
    );

    let poll = "GET /celsius\nIf-None-Match: \"1\"\nPrefer: wait=50\nConnection: close\n";
    let held = example.send(poll, "");
    example.ask("PUT /fahrenheit\n", "70").is(204, None, "");
    example.ask("PUT /celsius\n", "22").is(204, None, "");
    Answer::read(held).is(200, Some("\"2\""), "22");

    let refused = example.ask("DELETE /celsius\n", "");
    assert_eq!(
        (refused.status, refused.field("Allow")),
        (405, Some("GET, HEAD, PUT"))
    );
    assert_eq!(example.ask("PUT /much\n", &"x".repeat(100_000)).status, 413);
}

#[test]
fn moderated_chat_delivers_what_the_program_let_through() {
    let example = Example::start("moderated_chat");
    let head = "GET /channels/chat?from=earliest\nAccept: text/event-stream\n";
    let mut events = BufReader::new(example.send(head, "")).lines();
    let rows: [(&str, &str, &str, u16); 7] = [
        ("an advertisement", "POST /say\n", "BUY gold", 422),
        ("no text", "POST /say\n", "", 422),
        ("too long", "POST /say\n", &"x".repeat(1_001), 413),
        ("past the program", "POST /channels/chat\n", "BUY gold", 403),
        ("the end of it", "DELETE /channels/chat\n", "", 403),
        (
            "a page of another site",
            "POST /say\nOrigin: http://a.example\n",
            "hi",
            403,
        ),
        ("a good one", "POST /say\n", "Good morning", 204),
    ];
    for (name, head, content, status) in rows {
        assert_eq!(example.ask(head, content).status, status, "{name}");
    }
    let first = events.find(|line| line.as_ref().unwrap().starts_with("data: "));
    assert_eq!(first.unwrap().unwrap(), "data: Good morning");
}

#[test]
fn short_poll_by_hand_answers_at_once() {
    let mut example = Example::start("by_hand_short_poll");
    example.ask("GET /\n", "").is(200, Some("\"0\""), "");
    example
        .ask("GET /\nIf-None-Match: \"0\"\nPrefer: wait=50\n", "")
        .is(304, Some("\"0\""), "");
    example.say("one");
    example.say("two");
    // What a short poll is: ask until there is something.
    let is_full = |answer: &Answer| answer.field("ETag") == Some("\"2\"");
    let poll = || example.ask("GET /\nIf-None-Match: \"0\"\n", "");
    let answer = core::iter::repeat_with(poll)
        .take(50_000)
        .find(is_full)
        .unwrap();
    answer.is(200, Some("\"2\""), "one\ntwo\n");
    example
        .ask("GET /\nIf-None-Match: \"1\"\n", "")
        .is(200, Some("\"2\""), "two\n");
    example
        .ask("GET /\nIf-None-Match: \"2\"\n", "")
        .is(304, Some("\"2\""), "");
    // A position of another run is none of this one: all there is follows.
    example
        .ask("GET /\nIf-None-Match: \"9\"\n", "")
        .is(200, Some("\"2\""), "one\ntwo\n");
}

#[test]
fn long_poll_by_hand_answers_when_there_is_a_message() {
    let mut example = Example::start("by_hand_long_poll");
    example
        .ask("GET /\nPrefer: wait=50\n", "")
        .is(200, Some("\"0\""), "");
    let held = example.send("GET /\nIf-None-Match: \"0\"\nPrefer: wait=50\n", "");
    example.say("one");
    Answer::read(held).is(200, Some("\"1\""), "one\n");

    let begun = Instant::now();
    example
        .ask("GET /\nIf-None-Match: \"1\"\nPrefer: wait=1\n", "")
        .is(304, Some("\"1\""), "");
    assert!(
        begun.elapsed() >= Duration::from_secs(1),
        "the wait was cut short"
    );
}

#[test]
fn sse_by_hand_sends_an_event_for_each_message() {
    const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\
        Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
    let mut example = Example::start("by_hand_sse");
    let mut first = example.send("GET /\n", "");
    expect(&mut first, HEAD);
    example.say("one");
    expect(&mut first, b"11\r\nid: 1\ndata: one\n\n\r\n");
    example.say("two");
    expect(&mut first, b"11\r\nid: 2\ndata: two\n\n\r\n");
    let mut second = example.send("GET /\nLast-Event-ID: 1\n", "");
    expect(&mut second, HEAD);
    expect(&mut second, b"11\r\nid: 2\ndata: two\n\n\r\n");
}

#[test]
fn websocket_by_hand_sends_frames_both_ways_and_closes_cleanly() {
    const HEAD: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nConnection: Upgrade\r\n\r\n";
    let mut example = Example::start("by_hand_websocket");
    let mut first = example.send(&format!("GET /\n{HANDSHAKE}"), "");
    expect(&mut first, HEAD);
    example.say("one");
    expect(&mut first, b"\x81\x03one");
    let mut second = example.send(&format!("GET /?after=1\n{HANDSHAKE}"), "");
    expect(&mut second, HEAD);
    // A text of the client, masked by a key of zeros, goes to all.
    second.write_all(b"\x81\x83\0\0\0\0two").unwrap();
    expect(&mut second, b"\x81\x03two");
    expect(&mut first, b"\x81\x03two");
    // Ping and Pong, Close and Close, and the end.
    second
        .write_all(b"\x89\x81\0\0\0\0?\x88\x82\0\0\0\0\x03\xe8")
        .unwrap();
    expect(&mut second, b"\x8a\x01?\x88\x02\x03\xe8");
    assert_eq!(second.read(&mut [0]).unwrap(), 0);
}

fn source(path: &str) -> String {
    let examples = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("examples");
    fs::read_to_string(examples.join(path)).unwrap()
}

#[test]
fn an_embedding_has_fewer_than_60_lines() {
    for name in EMBEDDED {
        let lines = source(&format!("{name}.rs")).lines().count();
        assert!(lines < 60, "{name}: {lines}");
    }
}

#[test]
fn the_servers_by_hand_have_the_same_steps_in_at_most_80_lines() {
    let part = |source: &str, start: &str| {
        let from = source.find(start).expect(start);
        let len = source[from..].find("\n}\n").unwrap();
        source[from..from + len].to_owned()
    };
    let read_head = part(&source("by_hand/sse.rs"), "fn read_head");
    for name in BY_HAND {
        let source = source(&format!("by_hand/{name}.rs"));
        assert!(source.lines().count() <= 80, "{name}");
        assert_eq!(part(&source, "fn read_head"), read_head, "{name}");
        let steps = ["Listen", "Read", "Decide", "Wait", "Encode", "Write"];
        let mut comments = source.lines().map(str::trim);
        for (number, step) in (1..).zip(steps) {
            let step = format!("// {number}. {step}");
            assert!(
                comments.any(|line| line.starts_with(&step)),
                "{name}: {step}"
            );
        }
    }
}
