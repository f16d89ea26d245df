//! `tidings-websocket`.

use core::time::Duration;

use bytes::BytesMut;
use tidings_websocket::{
    Client, ClosedBy, Config, Connection, Event as Seen, FrameHeader, Message, Opcode, Role, Server,
};

use crate::session::{End, Event, Told};

const NOW: Duration = Duration::ZERO;

/// What a role tells of octets that arrive in these reads.
pub(crate) fn read(pieces: &[&[u8]], server: bool) -> Told {
    if server {
        told::<Server>(pieces, ())
    } else {
        told::<Client>(pieces, [0; 4])
    }
}

/// What the peer of the writer reads.
pub(crate) fn read_messages(wire: &[u8], server: bool) -> Vec<Event> {
    read(&[wire], server).events
}

fn told<R: Role>(pieces: &[&[u8]], key: R::Key) -> Told {
    let mut connection = Connection::<R>::new(Config::default(), NOW);
    let (mut input, mut out) = (BytesMut::new(), BytesMut::new());
    let (mut events, mut end) = (Vec::new(), End::Open);
    for piece in pieces {
        input.extend_from_slice(piece);
        while let Some(seen) = connection.next_event(&mut input, NOW) {
            match seen {
                Seen::Message(Message::Text(text)) => {
                    events.push(Event::Text(text.as_str().to_owned()))
                }
                Seen::Message(Message::Binary(data)) => events.push(Event::Binary(data.to_vec())),
                Seen::Ping(data) => events.push(Event::Ping(data.to_vec())),
                Seen::Pong(data) => events.push(Event::Pong(data.to_vec())),
                Seen::Chunk { .. } => unreachable!("messages are whole"),
                Seen::Closed(closed) => {
                    end = match closed.by {
                        ClosedBy::Error(error) => End::Refused(error.kind()),
                        _ if closed.code == 1005 => End::Closed(None),
                        _ => End::Closed(Some((closed.code, closed.reason.as_str().to_owned()))),
                    };
                }
            }
            while connection.transmit(key, &mut out) {}
        }
    }
    Told {
        events,
        pongs: pongs(&out),
        end,
    }
}

/// The payloads of the Pongs among frames, which are masked with zeros or not at all.
pub(crate) fn pongs(mut wire: &[u8]) -> Vec<Vec<u8>> {
    let mut pongs = Vec::new();
    while let Ok(Some((header, used))) = FrameHeader::decode(wire) {
        let (frame, rest) = wire.split_at(used + header.payload_len as usize);
        if header.opcode == Opcode::Pong {
            let mut payload = frame[used..].to_vec();
            tidings_websocket::mask(&mut payload, header.key.unwrap_or_default(), 0);
            pongs.push(payload);
        }
        wire = rest;
    }
    pongs
}

/// The octets of messages, as a role sends them.
pub(crate) fn write(messages: &[Event], server: bool) -> Vec<u8> {
    if server {
        written::<Server>(messages, ())
    } else {
        written::<Client>(messages, [0x37, 0xfa, 0x21, 0x3d])
    }
}

fn written<R: Role>(messages: &[Event], key: R::Key) -> Vec<u8> {
    let mut connection = Connection::<R>::new(Config::default(), NOW);
    let mut out = BytesMut::new();
    for message in messages {
        let sent = match message {
            Event::Text(text) => connection.send_text(text, key, &mut out),
            Event::Binary(data) => connection.send_binary(data, key, &mut out),
            Event::Ping(data) | Event::Pong(data) => connection.ping(data, key, &mut out),
        };
        sent.expect("an open connection with room");
    }
    out.to_vec()
}
