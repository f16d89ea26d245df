//! Full duplex over two std threads a side: both sides send more than the sockets hold before they read an answer.

mod protocol;
mod shared;

use std::error::Error;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use protocol::{Session, receive, send, transmit};
use shared::Shared;
use tidings_websocket::{
    Client, CloseCode, Closed, ClosedBy, Config, Connection, IoAction, Message, Role, Server,
};

/// A program that talks to strangers takes its keys from the system's randomness (RFC 6455 §10.3).
fn key() -> [u8; 4] {
    static NUMBER: AtomicU32 = AtomicU32::new(1);
    let number = NUMBER.fetch_add(0x9E37_79B9, Ordering::Relaxed);
    number.to_be_bytes()
}

const MESSAGES: usize = 40;

fn message(number: usize) -> Message {
    Message::Binary(vec![number as u8; 200_000].into())
}

/// Sends all and reads all; a side that `closes` does so then. Gives the end of the connection.
fn side<R: Role + Send + Sync>(socket: &TcpStream, key: fn() -> R::Key, closes: bool) -> Closed {
    let begun = Instant::now();
    let connection = Connection::<R>::new(Config::default(), Duration::ZERO);
    let session = Shared::new((connection, BytesMut::new()));
    let halves = AtomicUsize::new(0);
    let half_done = || {
        if halves.fetch_add(1, Ordering::AcqRel) == 1 && closes {
            session.with(|(connection, _)| {
                connection.close(CloseCode::NORMAL, "", begun.elapsed());
            });
        }
    };
    thread::scope(|scope| {
        let writing = scope.spawn(|| write(socket, &session, key));
        let sending = scope.spawn(|| {
            for number in 0..MESSAGES {
                send(&session, &message(number), key()).expect("the connection is open");
            }
            half_done();
        });
        let mut count = 0;
        let end = read(socket, &session, begun, |got| {
            assert!(got == message(count), "message {count}");
            count += 1;
            if count == MESSAGES {
                half_done();
            }
        });
        assert_eq!(count, MESSAGES);
        sending.join().expect("all is sent");
        let written = writing.join().expect("no panic");
        assert!(written.is_ok(), "{written:?}");
        end.expect("an end")
    })
}

fn read<R: Role>(
    mut socket: &TcpStream,
    session: &Session<R>,
    begun: Instant,
    mut got: impl FnMut(Message),
) -> Option<Closed> {
    let (mut input, mut octets, mut end) = (BytesMut::new(), [0; 16 * 1024], None);
    loop {
        let len = socket.read(&mut octets).unwrap_or(0);
        input.extend_from_slice(&octets[..len]);
        let read = (&mut input, len == 0, begun.elapsed());
        end = receive(session, read, &mut got).or(end);
        if len == 0 {
            return end;
        }
    }
}

fn write<R: Role>(
    mut socket: &TcpStream,
    session: &Session<R>,
    key: fn() -> R::Key,
) -> io::Result<()> {
    loop {
        let (octets, action) = transmit(session, key);
        socket.write_all(&octets)?;
        match action {
            IoAction::Continue => {}
            IoAction::ShutdownWrite => return socket.shutdown(Shutdown::Write),
            IoAction::Close => {
                // The peer may have closed it before us.
                drop(socket.shutdown(Shutdown::Both));
                return Ok(());
            }
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let client = TcpStream::connect(listener.local_addr()?)?;
    let (server, _) = listener.accept()?;
    let server = thread::spawn(move || side::<Server>(&server, || (), false));
    let closed = side::<Client>(&client, key, true);
    assert_eq!(
        (closed.code, closed.by, closed.clean),
        (1000, ClosedBy::Us, true)
    );
    let closed = server.join().map_err(|_| "the server panicked")?;
    assert_eq!(
        (closed.code, closed.by, closed.clean),
        (1000, ClosedBy::Peer, true)
    );
    Ok(())
}
