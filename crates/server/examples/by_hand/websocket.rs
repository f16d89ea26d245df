//! WebSocket by hand: one upgrade, then a frame for each message, from either side.
//! `GET /?after=2 Upgrade: websocket` gets `101`; `81 05 68 65 6c 6c 6f` is the message `hello`.
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use core::{error::Error, time::Duration};
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Condvar, Mutex};
use std::thread;

use bytes::BytesMut;
use tidings_http1::{Limits, RequestHead, ServerConnection, ServerEvent};
use tidings_websocket::{Config, Connection, Event, IoAction, Message, Server, accept};

/// All messages. A client's position is how many of them it has.
static LOG: Mutex<Vec<String>> = Mutex::new(Vec::new());
static NEWS: Condvar = Condvar::new();
const TICK: Duration = Duration::from_millis(20);

fn main() -> Result<(), Box<dyn Error>> {
    // 1. Listen. Each line typed here is a message.
    let address = std::env::args().nth(1);
    let listener = TcpListener::bind(address.as_deref().unwrap_or("127.0.0.1:8080"))?;
    let at = listener.local_addr()?;
    println!("listening on http://{at}\ntry: websocat ws://{at}/?after=0");
    thread::spawn(|| io::stdin().lines().map_while(Result::ok).for_each(publish));
    for socket in listener.incoming().flatten() {
        thread::spawn(|| serve(socket).inspect_err(|error| println!("{error}")).ok());
    }
    Ok(())
}

fn publish(message: String) {
    let _ = LOG.lock().map(|mut log| log.push(message));
    NEWS.notify_all();
}

fn serve(mut socket: TcpStream) -> Result<(), Box<dyn Error>> {
    // 2. Read a head.
    let (mut http, head) = read_head(&mut socket)?;
    // 3. Decide what the client has.
    let has = |count: &usize| head.query() == Some(&format!("after={count}"));
    let mut position = (0..=LOG.lock()?.len()).rev().find(has).unwrap_or(0);
    let fields: Vec<_> = head.fields().iter().collect();
    let accepted = accept(head.method(), (1, 1), fields.into_iter(), &[])?;
    let (mut input, mut out) = (BytesMut::new(), BytesMut::new());
    http.send_upgrade(accepted.fields(), &mut out)?;
    socket.write_all(&out.split())?;
    socket.set_read_timeout(Some(Duration::from_millis(1)))?;
    let mut session = Connection::<Server>::new(Config::default(), Duration::ZERO);
    while session.io_action() == IoAction::Continue {
        // 4. Wait for the next message.
        let (log, _) = NEWS.wait_timeout_while(LOG.lock()?, TICK, |log| log.len() == position)?;
        // 5. Encode.
        for message in log.iter().skip(position) {
            session.send_text(message, (), &mut out)?;
            position += 1;
        }
        drop(log);
        // The other way; a thread cannot wait for this and for `NEWS` at once.
        let mut octets = [0; 4096];
        match socket.read(&mut octets) {
            Ok(len @ 1..) => input.extend(octets.iter().take(len)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Ok(_) | Err(_) => return Ok(()),
        }
        while let Some(event) = session.next_event(&mut input, Duration::ZERO) {
            if let Event::Message(Message::Text(text)) = event {
                publish(text.to_string());
            }
        }
        while session.transmit((), &mut out) {}
        // 6. Write.
        socket.write_all(&out.split())?;
    }
    Ok(())
}

fn read_head(socket: &mut TcpStream) -> Result<(ServerConnection, RequestHead), Box<dyn Error>> {
    let mut http = ServerConnection::new(Limits::default());
    http.close_after_response();
    let mut input = BytesMut::new();
    loop {
        if let Some(ServerEvent::Request(head)) = http.next_event(&mut input)? {
            http.next_event(&mut input)?; // A GET ends with its head.
            return Ok((http, head));
        }
        // Octet by octet, so that what follows the head stays in the socket.
        let mut octet = [0];
        socket.read_exact(&mut octet)?;
        input.extend(octet);
    }
}
