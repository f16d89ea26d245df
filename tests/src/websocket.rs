//! A WebSocket client (RFC 6455) from a raw socket, by hand: whole messages out, frames in.

use core::net::SocketAddr;

use serde_json::Value;

use crate::http::{Answer, Connection};

/// The key of RFC 6455 §1.3, and what a server must answer to it.
pub const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
/// See [`KEY`].
pub const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// Opcode of a text frame.
pub const TEXT: u8 = 1;
/// Opcode of a binary frame.
pub const BINARY: u8 = 2;
/// Opcode of a Close frame.
pub const CLOSE: u8 = 8;
/// Opcode of a Ping frame.
pub const PING: u8 = 9;
/// Opcode of a Pong frame.
pub const PONG: u8 = 10;

/// One frame of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Octet 0: FIN and the three reserved bits.
    pub flags: u8,
    /// The low half of octet 0.
    pub opcode: u8,
    /// The payload.
    pub payload: Vec<u8>,
}

impl Frame {
    /// Gives the payload as text.
    #[must_use]
    pub fn text(&self) -> &str {
        core::str::from_utf8(&self.payload).expect("a payload in UTF-8")
    }
}

/// One open WebSocket.
#[derive(Debug)]
pub struct WebSocket {
    /// The head of the 101.
    pub head: Answer,
    /// The connection under it.
    pub connection: Connection,
}

/// The field lines of a good handshake.
pub const HANDSHAKE: [(&str, &str); 4] = [
    ("Connection", "Upgrade"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", KEY),
];

impl WebSocket {
    /// Opens a WebSocket without a subprotocol.
    #[must_use]
    pub fn bare(server: impl Into<SocketAddr>, target: &str) -> Self {
        Self::open(server, target, &[])
    }

    /// Opens a WebSocket of `tidings.v1`, and takes its first envelope: the socket and the position.
    #[must_use]
    pub fn envelopes(server: impl Into<SocketAddr>, target: &str) -> (Self, String) {
        let mut socket = Self::open(server, target, &[("Sec-WebSocket-Protocol", "tidings.v1")]);
        assert_eq!(
            socket.head.field("sec-websocket-protocol"),
            Some("tidings.v1")
        );
        let first = socket.json();
        let position = first["position"].as_str();
        let position = position
            .unwrap_or_else(|| panic!("first envelope {first}"))
            .to_owned();
        (socket, position)
    }

    /// Opens a WebSocket with more field lines, and checks the 101.
    #[must_use]
    pub fn open(server: impl Into<SocketAddr>, target: &str, fields: &[(&str, &str)]) -> Self {
        let mut connection = Connection::open(server.into());
        connection.ask("GET", target, &[&HANDSHAKE, fields].concat(), b"");
        let head = connection.head().expect("the head of a handshake");
        assert_eq!(head.status, 101, "{head:?} {:?}", connection.rest());
        assert_eq!(head.field("sec-websocket-accept"), Some(ACCEPT), "{head:?}");
        assert!(
            head.field("upgrade")
                .is_some_and(|token| token.eq_ignore_ascii_case("websocket"))
        );
        // RFC 9110 §8.6: a 101 has no content, so it carries no length.
        assert!(head.field("content-length").is_none(), "{head:?}");
        Self { head, connection }
    }

    /// Reads one frame; `None` at the end of input.
    pub fn frame(&mut self) -> Option<Frame> {
        let head = self.connection.take(2)?;
        assert_eq!(head[1] & 0x80, 0, "a server never masks (RFC 6455 §5.1)");
        let length = match head[1] {
            126 => u64::from(u16::from_be_bytes(
                self.connection.take(2)?.try_into().unwrap(),
            )),
            127 => u64::from_be_bytes(self.connection.take(8)?.try_into().unwrap()),
            short => u64::from(short),
        };
        let payload = self.connection.take(length as usize)?;
        Some(Frame {
            flags: head[0] & 0xF0,
            opcode: head[0] & 0x0F,
            payload,
        })
    }

    /// Reads one whole message or Close; pings are answered on the way.
    pub fn message(&mut self) -> Frame {
        loop {
            let frame = self.frame().expect("a message before the end of input");
            match frame.opcode {
                PING => self.send(PONG, &frame.payload),
                PONG => {}
                TEXT | BINARY | CLOSE => {
                    assert_eq!(frame.flags, 0x80, "one whole frame: {frame:?}");
                    return frame;
                }
                other => panic!("opcode {other}: {frame:?}"),
            }
        }
    }

    /// Reads one text message.
    pub fn text(&mut self) -> String {
        let frame = self.message();
        assert_eq!(frame.opcode, TEXT, "{frame:?}");
        frame.text().to_owned()
    }

    /// Reads one envelope.
    pub fn json(&mut self) -> Value {
        let text = self.text();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// Reads up to Close, answers it, and sees the connection end: the code and the reason.
    pub fn closed(&mut self) -> (u16, String) {
        loop {
            let frame = self.message();
            if frame.opcode == CLOSE {
                self.send(CLOSE, &frame.payload);
                let (code, reason) = frame
                    .payload
                    .split_first_chunk::<2>()
                    .expect("a close code");
                let reason = String::from_utf8(reason.to_vec()).expect("a reason in UTF-8");
                assert!(
                    self.connection.ends(),
                    "the server ends the connection after Close"
                );
                return (u16::from_be_bytes(*code), reason);
            }
        }
    }

    /// Sends one masked frame with FIN.
    pub fn send(&mut self, opcode: u8, payload: &[u8]) {
        let frame = frame(0x80 | opcode, payload);
        self.connection.send(&frame);
    }

    /// Sends one envelope.
    pub fn send_json(&mut self, value: &Value) {
        self.send(TEXT, value.to_string().as_bytes());
    }
}

/// Writes one masked frame; `first` is octet 0.
#[must_use]
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let key = [0x37, 0xFA, 0x21, 0x3D];
    let mut out = vec![first];
    match payload.len() {
        length @ 0..=125 => out.push(0x80 | length as u8),
        length @ 126..=65_535 => {
            out.push(0x80 | 126);
            out.extend((length as u16).to_be_bytes());
        }
        length => {
            out.push(0x80 | 127);
            out.extend((length as u64).to_be_bytes());
        }
    }
    out.extend(key);
    out.extend(
        payload
            .iter()
            .zip(key.iter().cycle())
            .map(|(octet, mask)| octet ^ mask),
    );
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_hello_is_the_sample_of_rfc6455_5_7() {
        let want = [
            0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58,
        ];
        assert_eq!(frame(0x81, b"Hello"), want);
    }
}
