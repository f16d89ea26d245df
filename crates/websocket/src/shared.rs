//! A message encoded once for many clients (RFC 6455 §5.2, RFC 7692 §7.2.1).

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
pub struct SharedFrame {
    plain: Bytes,
    /// The same message compressed, and the window that it needs.
    #[cfg(feature = "deflate")]
    deflated: Option<(Bytes, u8)>,
}

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
        Self {
            plain: frame.freeze(),
            #[cfg(feature = "deflate")]
            deflated: None,
        }
    }

    /// Gives the frame's octets, header and payload.
    #[must_use]
    pub const fn as_bytes(&self) -> &Bytes {
        &self.plain
    }
}

#[cfg(feature = "deflate")]
mod deflated {
    use super::{Bytes, BytesMut, Opcode, SharedFrame};
    use crate::connection::append_frame;
    use crate::deflate::{compress_alone, window_for};
    use crate::{Connection, Server};

    impl SharedFrame {
        /// Encodes a text message, as it is and compressed, each once. The compressed form is kept where it is shorter.
        /// `level` is 1 to 9, other values count as the nearest.
        ///
        /// ```
        /// let frame = tidings_websocket::SharedFrame::text_deflated(&"tidings ".repeat(100), 6);
        /// assert_eq!(frame.deflated().unwrap()[0], 0xC1); // FIN, RSV1, text
        /// assert!(frame.deflated().unwrap().len() < 32);
        /// ```
        #[must_use]
        pub fn text_deflated(text: &str, level: u8) -> Self {
            Self::deflate(Opcode::Text, text.as_bytes(), level)
        }

        /// Encodes a binary message as [`text_deflated`](Self::text_deflated) does.
        #[must_use]
        pub fn binary_deflated(data: &[u8], level: u8) -> Self {
            Self::deflate(Opcode::Binary, data, level)
        }

        fn deflate(opcode: Opcode, data: &[u8], level: u8) -> Self {
            let bits = window_for(data.len());
            let payload = compress_alone(data, level.clamp(1, 9), bits);
            let deflated = payload
                .filter(|payload| payload.len() < data.len())
                .map(|payload| {
                    let mut frame = BytesMut::new();
                    append_frame(true, true, opcode, &payload, None, &mut frame);
                    (frame.freeze(), bits)
                });
            Self {
                deflated,
                ..Self::encode(opcode, data)
            }
        }

        /// Gives the compressed frame's octets. They may go only where [`Connection::shared`] gives them.
        #[must_use]
        pub fn deflated(&self) -> Option<&Bytes> {
            self.deflated.as_ref().map(|(frame, _)| frame)
        }
    }

    impl Connection<Server> {
        /// Gives the octets of `frame` that may go to this connection: the compressed ones where permessage-deflate was
        /// agreed without context takeover of the server, and with a window that holds them.
        #[must_use]
        pub fn shared<'f>(&self, frame: &'f SharedFrame) -> &'f Bytes {
            match &frame.deflated {
                Some((deflated, bits)) if self.takes_shared(*bits) => deflated,
                Some(_) | None => frame.as_bytes(),
            }
        }
    }
}
