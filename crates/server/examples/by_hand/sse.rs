//! Server-Sent Events by hand: one answer that never ends, an event for each message.
//! `GET / Last-Event-ID: 2` gets `200` and then `id: 3`, `data: the third message`, a blank line.
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use core::error::Error;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Condvar, Mutex};
use std::thread;

use bytes::BytesMut;
use tidings_http1::{Content, Limits, RequestHead, ServerConnection, ServerEvent};
use tidings_sse::{EventRef, MEDIA_TYPE};

/// All messages. A client's position is how many of them it has.
static LOG: Mutex<Vec<String>> = Mutex::new(Vec::new());
static NEWS: Condvar = Condvar::new();

fn main() -> Result<(), Box<dyn Error>> {
    // 1. Listen. Each line typed here is a message.
    let address = std::env::args().nth(1);
    let listener = TcpListener::bind(address.as_deref().unwrap_or("127.0.0.1:8080"))?;
    let at = listener.local_addr()?;
    println!("listening on http://{at}\ntry: curl -N http://{at} -H 'Last-Event-ID: 0'");
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
    let has = |count: &usize| head.fields().get_str("Last-Event-ID") == Some(&count.to_string());
    let mut position = (0..=LOG.lock()?.len()).rev().find(has).unwrap_or(0);
    let mut out = BytesMut::new();
    let fields = [("Content-Type", MEDIA_TYPE.as_bytes())];
    http.send_response(200, fields, Content::Unknown, &mut out)?;
    socket.write_all(&out.split())?;
    loop {
        // 4. Wait for the next message. A heartbeat in between would find out who left.
        let log = NEWS.wait_while(LOG.lock()?, |log| log.len() == position)?;
        // 5. Encode.
        for message in log.iter().skip(position) {
            position += 1;
            let id = position.to_string();
            let mut event = EventRef::message(message);
            event.id = Some(&id);
            http.send_data(&event.to_bytes()?, &mut out)?;
        }
        drop(log);
        // 6. Write.
        socket.write_all(&out.split())?;
    }
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
