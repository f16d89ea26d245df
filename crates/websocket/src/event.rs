//! What a connection tells its caller.

use bytes::Bytes;

use crate::{ReceiveError, Text};

/// The kind of a message (RFC 6455 §5.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DataKind {
    /// UTF-8.
    Text,
    /// Any octets.
    Binary,
}

/// A whole message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// A text message, known to be UTF-8.
    Text(Text),
    /// A binary message.
    Binary(Bytes),
}

/// What [`Connection::next_event`](crate::Connection::next_event) and its sisters found. Owned: it borrows nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A whole message, with [`Delivery::Messages`](crate::Delivery::Messages).
    Message(Message),
    /// A piece of a message, with [`Delivery::Chunks`](crate::Delivery::Chunks).
    Chunk {
        /// The kind of the message.
        kind: DataKind,
        /// The piece. Text may be cut inside a character; what has arrived of it is known to be able to become UTF-8.
        data: Bytes,
        /// True on the first piece of a message.
        first: bool,
        /// True on the last piece of a message; it may be empty.
        last: bool,
    },
    /// A Ping. Its Pong is queued already, see [`transmit`](crate::Connection::transmit).
    Ping(Bytes),
    /// A Pong, asked for or not.
    Pong(Bytes),
    /// The end, told once.
    Closed(Closed),
}

/// How a connection ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// The status code in the peer's Close; 1005 if that held none; 1006 if no valid Close arrived (RFC 6455 §7.1.5).
    pub code: u16,
    /// The reason in the peer's Close (RFC 6455 §7.1.6).
    pub reason: Text,
    /// Who or what ended it.
    pub by: ClosedBy,
    /// True if both sides sent Close, our answer to the peer's being queued (RFC 6455 §7.1.4).
    pub clean: bool,
}

/// Who or what ended a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClosedBy {
    /// The peer's Close came before ours was written.
    Peer,
    /// The peer's Close came after ours.
    Us,
    /// The peer's octets ended without a Close.
    Eof,
    /// The peer broke a rule; it is told by a Close with [`ReceiveError::close_code`].
    Error(ReceiveError),
    /// The peer let a deadline pass: for its Pong, or for its Close.
    Timeout,
}

/// What is to be done with the transport (RFC 6455 §7.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IoAction {
    /// Read and write on.
    Continue,
    /// Write what was handed out, end the sending side, then read on until the peer's octets end or time is up: a socket
    /// closed with octets unread may take the Close frame down with it.
    ShutdownWrite,
    /// Close the transport, once what was handed out is written. Do not wait for a peer that does not read.
    Close,
}
