//! Long polling by hand: the client asks, is answered when there is news, and asks again.
//! `GET / If-None-Match: "2" Prefer: wait=50` gets `200 ETag: "3"` once there is a third message.
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use core::error::Error;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Condvar, Mutex};
use std::thread;

use bytes::BytesMut;
use tidings_http1::{Content, Limits, RequestHead, ServerConnection, ServerEvent};
use tidings_polling::{MAX_WAIT, if_none_match, prefer_wait};

/// All messages. A client's position is how many of them it has.
static LOG: Mutex<Vec<String>> = Mutex::new(Vec::new());
static NEWS: Condvar = Condvar::new();

fn main() -> Result<(), Box<dyn Error>> {
    // 1. Listen. Each line typed here is a message.
    let address = std::env::args().nth(1);
    let listener = TcpListener::bind(address.as_deref().unwrap_or("127.0.0.1:8080"))?;
    let at = listener.local_addr()?;
    println!("listening on http://{at}");
    println!("try: curl -i http://{at} -H 'Prefer: wait=50' -H 'If-None-Match: \"0\"'");
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
    // 3. Decide what the client has, and how long it would wait for more.
    let tags = if_none_match(head.fields().get_all("If-None-Match"));
    let has = |count: &usize| tags.matches(&count.to_string());
    let wait = prefer_wait(head.fields().get_all("Prefer")).unwrap_or_default();
    // 4. Wait for the next message.
    let wait = wait.min(MAX_WAIT);
    let (log, _) = NEWS.wait_timeout_while(LOG.lock()?, wait, |log| has(&log.len()))?;
    // 5. Encode.
    let position = (0..=log.len()).rev().find(has).unwrap_or(0);
    let news = log.iter().skip(position);
    let page: String = news.map(|message| format!("{message}\n")).collect();
    let etag = format!("\"{}\"", log.len());
    let (status, content) = match has(&log.len()) {
        true => (304, Content::None),
        false => (200, Content::Length(page.len() as u64)),
    };
    let mut out = BytesMut::new();
    http.send_response(status, [("ETag", etag.as_bytes())], content, &mut out)?;
    http.send_data(page.as_bytes(), &mut out)?;
    http.send_end(&mut out)?;
    drop(log);
    // 6. Write.
    Ok(socket.write_all(&out)?)
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
