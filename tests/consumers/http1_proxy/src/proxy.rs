//! One client and one server behind a proxy: two sockets that never block, four buffers that never grow.

use std::error::Error;
use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::BytesMut;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use tidings_http1::{ClientConnection, Limits, ServerConnection};

use crate::protocol::{self, Side};

/// Octets in a buffer beyond which its source is not read.
const ENOUGH: usize = 64 * 1024;
const BOTH: Interest = Interest::READABLE.add(Interest::WRITABLE);

impl<C> Side<C> {
    fn new(socket: TcpStream, connection: C) -> Self {
        Self {
            socket,
            connection,
            input: BytesMut::new(),
            out: BytesMut::new(),
            ended: false,
        }
    }

    /// Reads once, unless the other side is slow. True when anything came.
    fn read(&mut self, other_out: usize) -> io::Result<bool> {
        if self.ended || self.input.len() >= ENOUGH || other_out >= ENOUGH {
            return Ok(false);
        }
        let mut octets = [0; 16 * 1024];
        let len = unless_blocked(self.socket.read(&mut octets))?;
        self.ended = len == Some(0);
        self.input.extend_from_slice(&octets[..len.unwrap_or(0)]);
        Ok(len.is_some())
    }

    /// Writes what the socket takes. True when it took anything.
    fn write(&mut self) -> io::Result<bool> {
        if self.out.is_empty() {
            return Ok(false);
        }
        let len = unless_blocked(self.socket.write(&self.out))?;
        drop(self.out.split_to(len.unwrap_or(0)));
        Ok(len.is_some())
    }
}

fn unless_blocked(outcome: io::Result<usize>) -> io::Result<Option<usize>> {
    match outcome {
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
        outcome => outcome.map(Some),
    }
}

/// Carries exchanges until one end closes. `most` learns how many octets were held at once.
pub fn carry(
    mut client: TcpStream,
    mut server: TcpStream,
    most: &AtomicUsize,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let (mut poll, mut events) = (Poll::new()?, Events::with_capacity(8));
    poll.registry().register(&mut client, Token(0), BOTH)?;
    poll.registry().register(&mut server, Token(1), BOTH)?;
    let mut near = Side::new(client, ServerConnection::new(Limits::default()));
    let mut far = Side::new(server, ClientConnection::new(Limits::default()));
    // It is this proxy's own server.
    far.connection.assume_http11();
    let mut open = true;
    loop {
        let mut moved = near.read(far.out.len())? | far.read(near.out.len())?;
        if near.ended {
            near.connection.receive_eof();
        }
        if far.ended {
            far.connection.receive_eof();
        }
        if open {
            open = match protocol::forward(&mut near, &mut far, ENOUGH) {
                Ok(open) => open && !(far.ended && !near.connection.awaits_response()),
                Err(status) => {
                    protocol::refuse(&mut near, status)?;
                    false
                }
            };
        }
        let held = near.input.len() + near.out.len() + far.input.len() + far.out.len();
        most.fetch_max(held, Ordering::Relaxed);
        moved |= near.write()? | far.write()?;
        if !open && near.out.is_empty() {
            return linger(&mut near.socket);
        }
        if !moved {
            poll.poll(&mut events, Some(Duration::from_secs(30)))?;
            if events.is_empty() {
                return Err("both ends are silent".into());
            }
        }
    }
}

/// A socket that closes with octets unread resets the connection, and the answer with it.
fn linger(socket: &mut TcpStream) -> Result<(), Box<dyn Error + Send + Sync>> {
    socket.shutdown(Shutdown::Write)?;
    let mut octets = [0; 16 * 1024];
    for _ in 0..100 {
        match unless_blocked(socket.read(&mut octets)) {
            Ok(Some(0)) | Err(_) => break,
            Ok(Some(_)) => {}
            Ok(None) => std::thread::sleep(Duration::from_millis(10)),
        }
    }
    Ok(())
}
