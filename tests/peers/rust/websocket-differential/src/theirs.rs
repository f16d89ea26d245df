//! `tungstenite`.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};

use tidings_websocket::ReceiveErrorKind;
use tungstenite::error::{CapacityError, ProtocolError};
use tungstenite::protocol::{Role, WebSocketConfig};
use tungstenite::{Error, Message, WebSocket};

use crate::ours::pongs;
use crate::session::{End, Event, Told};

/// A transport that reads what is laid in, one piece a call, and keeps what is written.
#[derive(Default)]
struct Wire {
    input: VecDeque<Vec<u8>>,
    out: Vec<u8>,
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(mut piece) = self.input.pop_front() else {
            return Err(ErrorKind::WouldBlock.into());
        };
        let len = piece.len().min(buffer.len());
        buffer[..len].copy_from_slice(&piece[..len]);
        let rest = piece.split_off(len);
        if !rest.is_empty() {
            self.input.push_front(rest);
        }
        Ok(len)
    }
}

impl Write for Wire {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.out.extend_from_slice(octets);
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn open(wire: Wire, server: bool) -> WebSocket<Wire> {
    let role = if server { Role::Server } else { Role::Client };
    let config = WebSocketConfig::default()
        .max_message_size(Some(16 << 20))
        .max_frame_size(Some(16 << 20));
    WebSocket::from_raw_socket(wire, role, Some(config))
}

/// What a role tells of octets that arrive in these reads.
pub(crate) fn read(pieces: &[&[u8]], server: bool) -> Told {
    let wire = Wire {
        // A read of nothing would be the end.
        input: pieces
            .iter()
            .filter(|piece| !piece.is_empty())
            .map(|piece| piece.to_vec())
            .collect(),
        out: Vec::new(),
    };
    let mut socket = open(wire, server);
    let mut events = Vec::new();
    let end = loop {
        match socket.read() {
            Ok(Message::Text(text)) => events.push(Event::Text(text.as_str().to_owned())),
            Ok(Message::Binary(data)) => events.push(Event::Binary(data.to_vec())),
            Ok(Message::Ping(data)) => events.push(Event::Ping(data.to_vec())),
            Ok(Message::Pong(data)) => events.push(Event::Pong(data.to_vec())),
            Ok(Message::Frame(frame)) => unreachable!("{frame:?} is not told"),
            Ok(Message::Close(close)) => {
                break End::Closed(
                    close.map(|close| (close.code.into(), close.reason.as_str().to_owned())),
                );
            }
            Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => break End::Open,
            Err(error) => break End::Refused(named(&error)),
        }
    };
    Told {
        events,
        pongs: pongs(&socket.get_ref().out),
        end,
    }
}

/// The name that we have for an error; it is printed, not compared.
fn named(error: &Error) -> ReceiveErrorKind {
    match error {
        Error::Utf8(_) => ReceiveErrorKind::NotUtf8,
        Error::Capacity(CapacityError::MessageTooLong { size, max_size }) => {
            ReceiveErrorKind::MessageTooLong {
                len: *size as u64,
                max: *max_size as u64,
            }
        }
        Error::Protocol(ProtocolError::UnmaskedFrameFromClient) => ReceiveErrorKind::NotMasked,
        Error::Protocol(ProtocolError::MaskedFrameFromServer) => ReceiveErrorKind::Masked,
        Error::Protocol(ProtocolError::NonZeroReservedBits) => {
            ReceiveErrorKind::ReservedBits { bits: 0 }
        }
        Error::Protocol(ProtocolError::FragmentedControlFrame) => {
            ReceiveErrorKind::ControlFragmented
        }
        Error::Protocol(ProtocolError::ControlFrameTooBig) => ReceiveErrorKind::ControlTooLong,
        Error::Protocol(ProtocolError::UnexpectedContinueFrame) => {
            ReceiveErrorKind::NothingToContinue
        }
        Error::Protocol(ProtocolError::ExpectedFragment(_)) => ReceiveErrorKind::MessageOpen,
        Error::Protocol(ProtocolError::InvalidCloseSequence) => ReceiveErrorKind::CloseTruncated,
        Error::Protocol(
            ProtocolError::UnknownControlFrameType(opcode)
            | ProtocolError::UnknownDataFrameType(opcode)
            | ProtocolError::InvalidOpcode(opcode),
        ) => ReceiveErrorKind::ReservedOpcode { opcode: *opcode },
        error => panic!("an error of another kind: {error:?}"),
    }
}

/// What the peer of the writer reads.
pub(crate) fn read_messages(wire: &[u8], server: bool) -> Vec<Event> {
    read(&[wire], server).events
}

/// The octets of messages, as a role sends them.
pub(crate) fn write(messages: &[Event], server: bool) -> Vec<u8> {
    let mut socket = open(Wire::default(), server);
    for message in messages {
        let sent = socket.write(match message.clone() {
            Event::Text(text) => Message::text(text),
            Event::Binary(data) => Message::binary(data),
            Event::Ping(data) | Event::Pong(data) => Message::Ping(data.into()),
        });
        sent.expect("an open socket with room");
    }
    socket.flush().expect("a wire that takes all");
    socket.get_ref().out.clone()
}
