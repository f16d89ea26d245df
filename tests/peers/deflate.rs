//! permessage-deflate with Python `websockets` and Node `ws`, in both roles and over every kind of agreement.

use core::time::Duration;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;

use bytes::BytesMut;
use tidings_tests::{Server as Tidings, peer};
use tidings_websocket::{
    Client, ClientHandshake, CloseCode, Config, Connection, DataKind, DeflateAgreement,
    DeflateOptions, Event, IoAction, Message, Role, Server, accept,
};

const T0: Duration = Duration::ZERO;
const WAIT: Duration = Duration::from_secs(20);

/// What either side wants: takeover of the server and the client, then their windows.
const WANTED: [(bool, bool, u8, u8); 6] = [
    (false, false, 15, 15),
    (true, true, 15, 15),
    (true, false, 15, 12),
    (false, true, 12, 15),
    (true, true, 9, 9),
    (true, true, 10, 11),
];

fn options((server, client, server_bits, client_bits): (bool, bool, u8, u8)) -> DeflateOptions {
    let mut options = DeflateOptions::default();
    (options.server_takeover, options.client_takeover) = (server, client);
    (options.server_window_bits, options.client_window_bits) = (server_bits, client_bits);
    options.min_len = 0;
    options
}

/// The lines of a head, and what came behind it.
fn head(stream: &mut TcpStream) -> (Vec<String>, BytesMut) {
    let (mut octets, mut piece) = (Vec::new(), [0; 4096]);
    let end = loop {
        if let Some(end) = octets.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        let len = stream.read(&mut piece).unwrap();
        assert!(len > 0, "the head ends early");
        octets.extend_from_slice(&piece[..len]);
    };
    let text = String::from_utf8(octets[..end].to_vec()).unwrap();
    let lines = text.split("\r\n").map(str::to_owned).collect();
    (lines, BytesMut::from(&octets[end + 4..]))
}

fn fields(lines: &[String]) -> Vec<(&str, &[u8])> {
    lines[1..]
        .iter()
        .map(|line| line.split_once(':').unwrap())
        .map(|(name, value)| (name, value.as_bytes()))
        .collect()
}

/// Reads until an event, writing what is due.
fn next<R: Role>(
    connection: &mut Connection<R>,
    stream: &mut TcpStream,
    input: &mut BytesMut,
    key: R::Key,
) -> Option<Event> {
    loop {
        let event = connection.next_event(input, T0);
        let mut out = BytesMut::new();
        while connection.transmit(key, &mut out) {}
        stream.write_all(&out).unwrap();
        if event.is_some() {
            return event;
        }
        let mut piece = [0; 16_384];
        match stream.read(&mut piece) {
            Ok(len @ 1..) => input.extend_from_slice(&piece[..len]),
            Ok(0) | Err(_) => return None,
        }
    }
}

/// Echoes what a client sends, with the options that the number in its path names.
fn echo(mut stream: TcpStream) {
    stream.set_read_timeout(Some(WAIT)).unwrap();
    let (lines, mut input) = head(&mut stream);
    let path = lines[0].split(' ').nth(1).unwrap();
    let wanted = WANTED[path[1..].parse::<usize>().unwrap()];
    let request = fields(&lines);
    let accepted = accept("GET", (1, 1), request.iter().copied(), &[]).unwrap();
    let accepted = accepted.with_deflate(options(wanted), request.iter().copied());
    let mut answer = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n".to_vec();
    for (name, value) in accepted.fields() {
        answer.extend_from_slice(&[name.as_bytes(), b": ", value, b"\r\n"].concat());
    }
    answer.extend_from_slice(b"\r\n");
    stream.write_all(&answer).unwrap();
    let agreed = accepted.deflate();
    let mut connection = Connection::<Server>::with_deflate(Config::default(), agreed.as_ref(), T0);
    while let Some(event) = next(&mut connection, &mut stream, &mut input, ()) {
        let mut out = BytesMut::new();
        match event {
            Event::Message(message) => connection.send_message(&message, (), &mut out).unwrap(),
            Event::Closed(closed) => {
                assert!(closed.clean && closed.code == 1000, "{closed:?}");
                assert_eq!(connection.io_action(), IoAction::ShutdownWrite);
                break;
            }
            Event::Ping(_) | Event::Pong(_) => {}
            Event::Chunk { .. } => unreachable!("messages are whole"),
        }
        stream.write_all(&out).unwrap();
    }
}

/// Runs a script of clients against a server of ours.
fn clients(command: Option<Command>) {
    let Some(mut command) = command else { return };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            thread::spawn(move || echo(stream.unwrap()));
        }
    });
    command.arg("client").arg(address.to_string());
    let out = peer::run(command.arg(WANTED.len().to_string()));
    peer::say(&format!("peer {}", out.lines().last().unwrap()));
}

/// A server of others: a script that prints its port.
struct Theirs(Child, u16);

impl Theirs {
    fn start(command: Option<Command>) -> Option<Self> {
        let mut command = command?;
        let mut child = command
            .arg("server")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        Some(Self(child, line.trim().parse().unwrap()))
    }
}

impl Drop for Theirs {
    fn drop(&mut self) {
        let _gone = self.0.kill().and_then(|()| self.0.wait());
    }
}

/// Gives the messages that go there and back.
fn messages() -> Vec<Message> {
    let long = "Tidings of great joy. ".repeat(3000);
    let noise: Vec<u8> = (0..70_000_u32)
        .map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[1])
        .collect();
    vec![
        Message::Text("Hello".into()),
        Message::Text("".into()),
        Message::Text("Hello".into()),
        Message::Text(long.as_str().into()),
        Message::Binary(noise.into()),
        Message::Binary(vec![0; 100_000].into()),
        Message::Text(long.as_str().into()),
    ]
}

/// One of our clients against their server; tells what was agreed.
fn client(port: u16, wanted: (bool, bool, u8, u8)) -> DeflateAgreement {
    const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(WAIT)).unwrap();
    let handshake = ClientHandshake::new(*b"the sample nonce", &[]).unwrap();
    let handshake = handshake.offer_deflate(options(wanted));
    let mut request = format!("GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n").into_bytes();
    for (name, value) in handshake.fields() {
        request.extend_from_slice(&[name.as_bytes(), b": ", value, b"\r\n"].concat());
    }
    request.extend_from_slice(b"\r\n");
    stream.write_all(&request).unwrap();
    let (lines, mut input) = head(&mut stream);
    let status = lines[0].split(' ').nth(1).unwrap().parse().unwrap();
    let checked = handshake.check_deflate(status, fields(&lines).into_iter());
    let agreed = checked.unwrap().1.expect("they compress");
    let mut connection = Connection::<Client>::with_deflate(Config::default(), Some(&agreed), T0);
    for message in messages() {
        // Whole, and in three fragments with a Ping between.
        for pieces in [1, 3] {
            let mut out = BytesMut::new();
            let (kind, data) = match &message {
                Message::Text(text) => (DataKind::Text, &text.as_bytes()[..]),
                Message::Binary(data) => (DataKind::Binary, &data[..]),
            };
            if pieces == 1 {
                connection.send_message(&message, KEY, &mut out).unwrap();
            } else {
                let (front, rest) = data.split_at(data.len() / 3);
                let (middle, back) = rest.split_at(rest.len() / 2);
                for (piece, fin) in [(front, false), (middle, false), (back, true)] {
                    connection
                        .send_fragment(kind, piece, fin, KEY, &mut out)
                        .unwrap();
                    if !fin {
                        connection.ping(b"between", KEY, &mut out).unwrap();
                    }
                }
            }
            stream.write_all(&out).unwrap();
            let got = loop {
                match next(&mut connection, &mut stream, &mut input, KEY) {
                    Some(Event::Pong(_)) => {}
                    event => break event,
                }
            };
            assert_eq!(got, Some(Event::Message(message.clone())), "{wanted:?}");
        }
    }
    connection.close(CloseCode::NORMAL, "", T0);
    let end = next(&mut connection, &mut stream, &mut input, KEY);
    let clean = matches!(&end, Some(Event::Closed(closed)) if closed.clean && closed.code == 1000);
    assert!(clean, "{wanted:?}: {end:?}");
    agreed
}

/// Our client against a server of others, over all that may be wanted.
fn server(name: &str, command: Option<Command>) {
    let Some(Theirs(_, port)) = &Theirs::start(command) else {
        return;
    };
    for wanted in WANTED {
        let agreed = client(*port, wanted);
        assert!(wanted.0 || !agreed.server_takeover(), "{wanted:?}");
        assert!(wanted.1 || !agreed.client_takeover(), "{wanted:?}");
        assert!(agreed.server_window_bits() <= wanted.2, "{wanted:?}");
        assert!(agreed.client_window_bits() <= wanted.3, "{wanted:?}");
    }
    peer::say(&format!(
        "peer {name}: our client over {} agreements",
        WANTED.len()
    ));
}

#[test]
fn python_websockets_compresses_for_our_server() {
    clients(peer::python("deflate_peer.py"));
}

#[test]
fn python_websockets_inflates_what_our_client_sends() {
    server("websockets (Python)", peer::python("deflate_peer.py"));
}

#[test]
fn node_ws_compresses_for_our_server() {
    clients(peer::node("deflate_peer.mjs"));
}

#[test]
fn node_ws_inflates_what_our_client_sends() {
    server("ws (Node)", peer::node("deflate_peer.mjs"));
}

/// Runs a script of readers of a channel whose messages the command compresses.
fn readers(command: Option<Command>) {
    let Some(mut command) = command else { return };
    let server = Tidings::start(&["--deflate"]);
    for text in ["short", &"small ".repeat(200), &"large ".repeat(2000)] {
        server.publish("a", text);
    }
    command.arg("channel").arg(server.address().to_string());
    let out = peer::run(&mut command);
    peer::say(&format!("peer {}", out.lines().last().unwrap()));
}

#[test]
fn python_websockets_reads_what_a_channel_compressed_once() {
    readers(peer::python("deflate_peer.py"));
}

#[test]
fn node_ws_reads_what_a_channel_compressed_once() {
    readers(peer::node("deflate_peer.mjs"));
}
