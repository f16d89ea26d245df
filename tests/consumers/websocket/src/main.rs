//! A handshake and a message, octets handed over in memory: `tidings-websocket` and nothing else.

use std::error::Error;
use std::time::Duration;

use bytes::BytesMut;
use tidings_websocket::{Client, ClientHandshake, CloseCode, Config, Connection, Event};
use tidings_websocket::{ClosedBy, Message, Server, accept};

fn main() -> Result<(), Box<dyn Error>> {
    let asked = ClientHandshake::new(*b"the sample nonce", &["chat"])?;
    let request: Vec<_> = asked.fields().chain([("Host", &b"a"[..])]).collect();
    let accepted = accept("GET", (1, 1), request.into_iter(), &["chat"])?;
    let option = ("Connection", &b"Upgrade"[..]);
    let answer: Vec<_> = accepted.fields().chain([option]).collect();
    assert_eq!(
        asked.check(101, answer.into_iter())?.as_deref(),
        Some("chat")
    );

    let now = Duration::ZERO;
    let mut client = Connection::<Client>::new(Config::default(), now);
    let mut server = Connection::<Server>::new(Config::default(), now);
    let mut wire = BytesMut::new();
    client.send_text("Hello", [0x37, 0xfa, 0x21, 0x3d], &mut wire)?;
    let hello = Event::Message(Message::Text("Hello".into()));
    assert_eq!(server.next_event(&mut wire, now), Some(hello));
    server.close(CloseCode::NORMAL, "done", now);
    while server.transmit((), &mut wire) {}
    assert_eq!(wire, b"\x88\x06\x03\xe8done"[..]);
    let Some(Event::Closed(closed)) = client.next_event(&mut wire, now) else {
        return Err("no end".into());
    };
    assert_eq!((closed.code, closed.by), (1000, ClosedBy::Peer));
    Ok(())
}
