//! WebSocket by hand: one upgrade, then a frame for each message, from either side.
//! `GET /?after=2 Upgrade: websocket` gets `101`; `81 05 68 65 6c 6c 6f` is the message `hello`.
#![expect(clippy::print_stdout, reason = "an example shows what it does")]
use bytes::BytesMut;
use core::{error::Error, time::Duration};
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::{sync::Mutex, thread};
use tidings_http1::{Limits, RequestHead, ServerConnection, ServerEvent};
use tidings_websocket::{Config, Connection, Event, IoAction, Message, Server, accept};

/// All messages. A client's position is how many of them it has.
static LOG: Mutex<Vec<String>> = Mutex::new(Vec::new());

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
}

fn serve(mut socket: TcpStream) -> Result<(), Box<dyn Error>> {
    // 2. Read a head.
    let (mut http, head) = read_head(&mut socket)?;
    // 3. Decide what the client has.
    let has = |count: &usize| head.query() == Some(&format!("after={count}"));
    let mut position = (0..=LOG.lock()?.len()).rev().find(has).unwrap_or(0);
    let accepted = accept(head.method(), (1, 1), head.fields().iter(), &[])?;
    let (mut input, mut out, mut octets) = (BytesMut::new(), BytesMut::new(), [0; 4096]);
    http.send_upgrade(accepted.fields(), &mut out)?;
    let mut session = Connection::<Server>::new(Config::default(), Duration::ZERO);
    socket.set_read_timeout(Some(Duration::from_millis(20)))?;
    while session.io_action() == IoAction::Continue {
        // 4. Wait for the next message, from either side: the log is looked at after each silence.
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
        // 5. Encode.
        for message in LOG.lock()?.iter().skip(position) {
            session.send_text(message, (), &mut out)?;
            position += 1;
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
        let mut octet = [0]; // One at a time: what follows the head stays in the socket.
        socket.read_exact(&mut octet)?;
        input.extend(octet);
    }
}
