//! A server over `mio`: one thread, no blocking call, each client as slow as it likes.
//!
//! The clients are plain std sockets that write and compare octets.

mod protocol;

use std::collections::HashMap;
use std::error::Error;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream as StdStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use bytes::BytesMut;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use tidings_http1::{Limits, ServerConnection};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// A client that reads nothing is not read from beyond these many octets.
const ENOUGH: usize = 64 * 1024;
const LISTENER: Token = Token(0);

struct Client {
    socket: TcpStream,
    connection: ServerConnection,
    input: BytesMut,
    out: BytesMut,
    stage: Stage,
}

#[derive(Clone, Copy, PartialEq)]
enum Stage {
    Open,
    /// The client sends no more.
    Ended,
    /// The last answer is being written.
    Last,
    /// All is written; octets of the client are dropped until it closes, lest a reset eat the answer.
    Lingering,
}

fn main() -> Result<()> {
    let mut poll = Poll::new()?;
    let mut listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    let address = listener.local_addr()?;
    let registry = poll.registry();
    registry.register(&mut listener, LISTENER, Interest::READABLE)?;
    let done = Arc::new(AtomicBool::new(false));
    let clients = {
        let done = done.clone();
        thread::spawn(move || {
            let outcome = clients(address);
            done.store(true, Ordering::Release);
            outcome
        })
    };

    let (mut events, mut connected, mut last) = (Events::with_capacity(64), HashMap::new(), 0);
    while !done.load(Ordering::Acquire) {
        poll.poll(&mut events, Some(Duration::from_millis(50)))?;
        for event in &events {
            if event.token() == LISTENER {
                while let Some((mut socket, _)) = unless_blocked(listener.accept())? {
                    last += 1;
                    let both = Interest::READABLE | Interest::WRITABLE;
                    poll.registry().register(&mut socket, Token(last), both)?;
                    connected.insert(Token(last), Client::new(socket));
                }
            } else if let Some(client) = connected.get_mut(&event.token())
                && !client.go_on().unwrap_or(false)
            {
                connected.remove(&event.token());
            }
        }
    }
    clients.join().map_err(|_| "a client panicked")?
}

impl Client {
    fn new(socket: TcpStream) -> Self {
        Self {
            socket,
            connection: ServerConnection::new(Limits::default()),
            input: BytesMut::new(),
            out: BytesMut::new(),
            stage: Stage::Open,
        }
    }

    /// Reads, answers and writes until the socket blocks. False when the client is done with.
    fn go_on(&mut self) -> Result<bool> {
        let mut octets = [0; 16 * 1024];
        loop {
            let mut stuck = true;
            if matches!(self.stage, Stage::Open | Stage::Lingering) && self.out.len() < ENOUGH {
                match unless_blocked(self.socket.read(&mut octets))? {
                    Some(0) if self.stage == Stage::Lingering => return Ok(false),
                    Some(0) => {
                        self.connection.receive_eof();
                        self.stage = Stage::Ended;
                    }
                    Some(len) if self.stage == Stage::Open => {
                        self.input.extend_from_slice(&octets[..len]);
                        stuck = false;
                    }
                    Some(_) => stuck = false,
                    None => {}
                }
            }
            if matches!(self.stage, Stage::Open | Stage::Ended) {
                let buffers = (&mut self.input, &mut self.out);
                if !protocol::echo(&mut self.connection, buffers, ENOUGH)? {
                    self.stage = Stage::Last;
                }
            }
            while !self.out.is_empty() {
                let Some(len) = unless_blocked(self.socket.write(&self.out))? else {
                    break;
                };
                drop(self.out.split_to(len));
                stuck = false;
            }
            if self.stage == Stage::Last && self.out.is_empty() {
                self.socket.shutdown(Shutdown::Write)?;
                (self.stage, stuck) = (Stage::Lingering, false);
            }
            if stuck {
                return Ok(true);
            }
        }
    }
}

fn unless_blocked<T>(outcome: std::io::Result<T>) -> std::io::Result<Option<T>> {
    match outcome {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error),
    }
}

fn clients(address: SocketAddr) -> Result<()> {
    // A client that says nothing must not keep the others from being served.
    let idle = StdStream::connect(address)?;
    for (name, sent, wanted, delay) in exchanges() {
        let mut socket = StdStream::connect(address)?;
        socket.set_nodelay(true)?;
        let mut reader = socket.try_clone()?;
        let got = thread::spawn(move || {
            let mut octets = Vec::new();
            reader.read_to_end(&mut octets).map(|_| octets)
        });
        match delay {
            None => socket.write_all(&sent)?,
            Some(delay) => {
                for octet in &sent {
                    socket.write_all(&[*octet])?;
                    thread::sleep(delay);
                }
            }
        }
        let got = got.join().map_err(|_| "the reader panicked")??;
        let same = decoded(&got) == wanted;
        assert!(same, "{name}: {}", got[..got.len().min(400)].escape_ascii());
    }
    drop(idle);
    Ok(())
}

type Exchange = (&'static str, Vec<u8>, Vec<u8>, Option<Duration>);

fn exchanges() -> [Exchange; 5] {
    const HEAD: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    const LAST: &str = "HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
    let get = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n";
    let close = "GET /b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let big = vec![b'x'; 3_000_000];
    let big_head = format!(
        "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        big.len()
    );
    let slow = "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n\
                3\r\nabc\r\n0\r\n\r\n";
    let (pause, none) = (Some(Duration::from_micros(300)), None);
    [
        (
            "ten requests in one write",
            [get.repeat(9).as_bytes(), close.as_bytes()].concat(),
            [HEAD.repeat(9).as_bytes(), LAST.as_bytes()].concat(),
            none,
        ),
        ("an octet at a time", slow.into(), [LAST, "abc"].concat().into(), pause),
        (
            "content larger than any buffer",
            [big_head.as_bytes(), &big].concat(),
            [LAST.as_bytes(), &big].concat(),
            none,
        ),
        (
            "a client that waits",
            "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi".into(),
            ["HTTP/1.1 100 Continue\r\n\r\n", LAST, "hi"].concat().into(),
            none,
        ),
        (
            "a bad request behind a good one",
            [get, "GET / HTTP/1.1\r\nHost : a\r\n\r\n", get].concat().into(),
            [HEAD, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"].concat().into(),
            none,
        ),
    ]
}

/// The heads as they came, and the content without its chunks.
fn decoded(mut octets: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    while let Some(end) = octets.windows(4).position(|four| four == b"\r\n\r\n") {
        let (head, rest) = octets.split_at(end + 4);
        text.extend_from_slice(head);
        octets = rest;
        let chunked = head.windows(7).any(|seven| seven == b"chunked");
        while chunked {
            let Some(end) = octets.iter().position(|octet| *octet == b'\n') else {
                break;
            };
            let digits = String::from_utf8_lossy(&octets[..end]);
            let len = usize::from_str_radix(digits.trim(), 16).unwrap_or_default();
            text.extend_from_slice(&octets[end + 1..end + 1 + len]);
            octets = &octets[end + 3 + len..];
            if len == 0 {
                break;
            }
        }
    }
    text
}
