//! An echo server over `mio`: one thread, no blocking call, each client as slow as it likes.
//!
//! The opening handshake is HTTP's and done before (`uses-websocket_hyper` shows one); the clients are ours, over
//! blocking sockets.

mod protocol;

use std::collections::HashMap;
use std::error::Error;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream as StdStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use protocol::Told;
use tidings_websocket::{Client, CloseCode, Config, Connection, Event, IoAction, Message, Server};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// A client that reads nothing is not read from beyond these many octets.
const ENOUGH: usize = 64 * 1024;
const LISTENER: Token = Token(0);

struct Peer {
    socket: TcpStream,
    connection: Connection<Server>,
    input: BytesMut,
    out: BytesMut,
    ended: bool,
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

    let begun = Instant::now();
    let (mut events, mut peers, mut last) = (Events::with_capacity(64), HashMap::new(), 0);
    while !done.load(Ordering::Acquire) || !peers.is_empty() {
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "the program hangs"
        );
        poll.poll(&mut events, Some(Duration::from_millis(50)))?;
        for event in &events {
            if event.token() == LISTENER {
                while let Some((mut socket, _)) = unless_blocked(listener.accept())? {
                    last += 1;
                    let both = Interest::READABLE | Interest::WRITABLE;
                    poll.registry().register(&mut socket, Token(last), both)?;
                    peers.insert(Token(last), Peer::new(socket, begun.elapsed()));
                }
            } else if let Some(peer) = peers.get_mut(&event.token())
                && !peer.go_on(Told::Octets, begun).unwrap_or(false)
            {
                peers.remove(&event.token());
            }
        }
        peers.retain(|_, peer| peer.go_on(Told::Time, begun).unwrap_or(false));
    }
    clients.join().map_err(|_| "a client panicked")?
}

impl Peer {
    fn new(socket: TcpStream, now: Duration) -> Self {
        Self {
            socket,
            connection: Connection::new(Config::default(), now),
            input: BytesMut::new(),
            out: BytesMut::new(),
            ended: false,
        }
    }

    fn serve(&mut self, told: Told, begun: Instant) -> Result<IoAction> {
        let buffers = (&mut self.input, &mut self.out);
        let now = begun.elapsed();
        Ok(protocol::echo(
            &mut self.connection,
            buffers,
            told,
            ENOUGH,
            now,
        )?)
    }

    /// Reads, answers and writes until the socket blocks. False when the client is done with.
    fn go_on(&mut self, mut told: Told, begun: Instant) -> Result<bool> {
        let mut octets = [0; 16 * 1024];
        loop {
            let mut stuck = true;
            if !self.ended && self.out.len() < ENOUGH {
                match unless_blocked(self.socket.read(&mut octets))? {
                    Some(0) => (self.ended, told, stuck) = (true, Told::Ended, false),
                    Some(len) => {
                        self.input.extend_from_slice(&octets[..len]);
                        stuck = false;
                    }
                    None => {}
                }
            }
            let action = self.serve(told, begun)?;
            told = Told::Octets;
            while !self.out.is_empty() {
                let Some(len) = unless_blocked(self.socket.write(&self.out))? else {
                    break;
                };
                drop(self.out.split_to(len));
                stuck = false;
            }
            match action {
                _ if !self.out.is_empty() => {}
                IoAction::Continue => {}
                IoAction::ShutdownWrite => drop(self.socket.shutdown(Shutdown::Write)),
                IoAction::Close => return Ok(false),
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
    let big = Message::Binary(vec![0xff; 3_000_000].into());
    let small = |text: &str| Message::Text(text.into());
    let rows = [
        (
            "small ones in one write",
            vec![small("a"), small(""), small("κόσμε")],
            usize::MAX,
        ),
        ("an octet at a time", vec![small("slow"), small("down")], 1),
        (
            "larger than any buffer",
            vec![big.clone(), small("then"), big],
            usize::MAX,
        ),
    ];
    for (name, messages, step) in rows {
        let got = exchange(address, &messages, step)?;
        assert!(got == messages, "{name}: {} messages", got.len());
    }
    drop(idle);

    // A text that is not UTF-8 is told by 1007, behind the answer to the message before it.
    let mut socket = StdStream::connect(address)?;
    socket.write_all(b"\x81\x81\0\0\0\0a\x81\x81\0\0\0\0\xff")?;
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer)?;
    assert_eq!(answer, b"\x81\x01a\x88\x02\x03\xef");
    Ok(())
}

/// Sends the messages in pieces of `step` octets, and gives those that come back until the closing handshake is done.
fn exchange(address: SocketAddr, messages: &[Message], step: usize) -> Result<Vec<Message>> {
    let now = Duration::ZERO;
    let mut config = Config::default();
    config.max_out_len = usize::MAX;
    let mut connection = Connection::<Client>::new(config, now);
    let (mut out, mut input, mut got) = (BytesMut::new(), BytesMut::new(), Vec::new());
    for (number, message) in messages.iter().enumerate() {
        connection.send_message(message, [number as u8, 3, 5, 7], &mut out)?;
    }
    connection.close(CloseCode::NORMAL, "", now);
    connection.transmit([1, 2, 3, 4], &mut out);

    let socket = StdStream::connect(address)?;
    socket.set_nodelay(true)?;
    let mut writer = socket.try_clone()?;
    let writing = thread::spawn(move || {
        out.chunks(step)
            .try_for_each(|piece| writer.write_all(piece))
    });
    let mut octets = [0; 16 * 1024];
    loop {
        let len = (&socket).read(&mut octets)?;
        input.extend_from_slice(&octets[..len]);
        while let Some(event) = connection.next_event(&mut input, now) {
            match event {
                Event::Message(message) => got.push(message),
                Event::Closed(closed) => {
                    assert!(closed.clean && closed.code == 1000, "{closed:?}");
                    writing.join().map_err(|_| "the writer panicked")??;
                    return Ok(got);
                }
                Event::Chunk { .. } | Event::Ping(_) | Event::Pong(_) => {}
            }
        }
        assert!(len > 0, "no Close");
    }
}
