//! A message encoded once for many clients (RFC 6455 §5.2).

use bytes::{Bytes, BytesMut};

use crate::Opcode;
use crate::connection::append;

/// A whole message as an unmasked frame, encoded once. Its clones share the octets.
///
/// Only a server may send it, since a client must mask each frame anew. Before writing the octets to a connection, ask its
/// [`may_send`](crate::Connection::may_send), and do not put them between the fragments of another message.
///
/// ```
/// let frame = tidings_websocket::SharedFrame::text("Hello");
/// assert_eq!(frame.as_bytes(), &b"\x81\x05Hello"[..]); // RFC 6455 §5.7
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedFrame(Bytes);

impl SharedFrame {
    /// Encodes a text message. Costs one copy and one allocation.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::encode(Opcode::Text, text.as_bytes())
    }

    /// Encodes a binary message. Costs one copy and one allocation.
    #[must_use]
    pub fn binary(data: &[u8]) -> Self {
        Self::encode(Opcode::Binary, data)
    }

    fn encode(opcode: Opcode, payload: &[u8]) -> Self {
        let mut frame = BytesMut::new();
        append(true, opcode, payload, None, &mut frame);
        Self(frame.freeze())
    }

    /// Gives the frame's octets, header and payload.
    #[must_use]
    pub const fn as_bytes(&self) -> &Bytes {
        &self.0
    }
}
