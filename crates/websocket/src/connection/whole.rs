//! The common case in one step: a message in one frame that lies whole in the input (RFC 6455 §5.6).
//!
//! Whatever else is there, a fault above all, is left to the general way, which finds the same.

use bytes::{Buf as _, BytesMut};

use super::Connection;
use crate::message::{Piece, check, message, take_bytes};
use crate::{DataKind, Delivery, Event, ReceiveError, Role};

impl<R: Role> Connection<R> {
    /// Takes a message of at most 65,535 octets from the front of `input`; `None` leaves it untouched.
    #[inline]
    pub(super) fn read_whole(
        &mut self,
        input: &mut BytesMut,
    ) -> Result<Option<Event>, ReceiveError> {
        let config = &self.config;
        if !self.assembly.is_idle()
            || config.delivery != Delivery::Messages
            || config.max_fragments == 0
        {
            return Ok(None);
        }
        let max = config.max_frame_len.min(config.max_message_len as u64);
        let Some(whole) = self.decoder.take_whole(input, max) else {
            return Ok(None);
        };
        input.advance(whole.header_len);
        if whole.kind == DataKind::Text {
            let piece = Piece {
                len: whole.len,
                offset: self.decoder.offset() - whole.len as u64,
                frame_left: 0,
                fin: true,
            };
            let octets = input.get(..whole.len).unwrap_or_default();
            check(&mut crate::Utf8Validator::new(), octets, piece)?;
        }
        let octets = take_bytes(input, whole.len);
        Ok(Some(Event::Message(message(whole.kind, octets))))
    }
}
