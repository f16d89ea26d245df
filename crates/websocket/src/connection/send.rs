//! What a connection sends: whole frames, appended to the caller's out buffer (RFC 6455 §5.4, §5.5, §6.1).

use alloc::boxed::Box;
#[cfg(feature = "deflate")]
use alloc::vec::Vec;

use bytes::{Bytes, BytesMut};

use super::{Connection, State, Watch};
use crate::header::{HEADER_ROOM, MAX_CONTROL_LEN};
use crate::mask::append_masked;
use crate::{DataKind, FrameHeader, Message, Opcode, Role, SendError, Server, Utf8Validator};

/// Whether a fragmented message is being sent.
#[derive(Debug, Clone, Copy, Default)]
pub(super) enum Sending {
    /// No: the next data frame begins a message.
    #[default]
    Whole,
    /// Yes: the next data frame continues it.
    Fragments {
        kind: DataKind,
        utf8: Utf8Validator,
        /// RSV1 of its first frame (RFC 7692 §6).
        compressed: bool,
    },
}

/// The one Close that a connection sends.
#[derive(Debug)]
pub(super) enum CloseSlot {
    Empty,
    /// Its payload.
    Queued(Box<[u8]>),
    /// Handed out, or no longer of use.
    Written,
}

impl<R: Role> Connection<R> {
    /// Appends a whole message to `out`, in one frame: how to pass on what arrived. Costs one copy; text is not checked anew.
    ///
    /// `key` is `()` for a server; for a client a fresh value that the peer cannot predict, see [`Role::Key`].
    ///
    /// # Errors
    /// [`SendError::Closing`], [`SendError::Full`] or [`SendError::MessageOpen`]; `out` is unchanged.
    pub fn send_message(
        &mut self,
        message: &Message,
        key: R::Key,
        out: &mut BytesMut,
    ) -> Result<(), SendError> {
        match message {
            Message::Text(text) => self.send_whole(Opcode::Text, text.as_bytes(), key, out),
            Message::Binary(data) => self.send_whole(Opcode::Binary, data, key, out),
        }
    }

    /// Appends a text message to `out`, in one frame. Costs one copy and no allocation if `out` has room.
    ///
    /// `key` is `()` for a server; for a client a fresh value that the peer cannot predict, see [`Role::Key`].
    ///
    /// # Errors
    /// [`SendError::Closing`], [`SendError::Full`] or [`SendError::MessageOpen`]; `out` is unchanged.
    pub fn send_text(
        &mut self,
        text: &str,
        key: R::Key,
        out: &mut BytesMut,
    ) -> Result<(), SendError> {
        self.send_whole(Opcode::Text, text.as_bytes(), key, out)
    }

    /// Appends a binary message to `out`, in one frame. Costs one copy and no allocation if `out` has room.
    ///
    /// `key` is `()` for a server; for a client a fresh value that the peer cannot predict, see [`Role::Key`].
    ///
    /// # Errors
    /// [`SendError::Closing`], [`SendError::Full`] or [`SendError::MessageOpen`]; `out` is unchanged.
    pub fn send_binary(
        &mut self,
        data: &[u8],
        key: R::Key,
        out: &mut BytesMut,
    ) -> Result<(), SendError> {
        self.send_whole(Opcode::Binary, data, key, out)
    }

    #[cfg_attr(
        not(feature = "deflate"),
        expect(
            clippy::needless_pass_by_ref_mut,
            reason = "compressing changes the compressor"
        )
    )]
    fn send_whole(
        &mut self,
        opcode: Opcode,
        data: &[u8],
        key: R::Key,
        out: &mut BytesMut,
    ) -> Result<(), SendError> {
        self.refuse_whole(out)?;
        #[cfg(feature = "deflate")]
        if let Some(codec) = &mut self.deflate
            && let Some(payload) = codec.compressor.message(data)
        {
            append_frame(true, true, opcode, &payload, R::key(key), out);
            return Ok(());
        }
        append(true, opcode, data, R::key(key), out);
        Ok(())
    }

    /// Appends one fragment of a message to `out`: the first begins it, the one with `fin` ends it (RFC 6455 §5.4).
    ///
    /// Control frames may go between fragments, another message may not. A fragment may be empty, and may cut a character.
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use tidings_websocket::{Config, Connection, DataKind, Server};
    /// let mut server = Connection::<Server>::new(Config::default(), core::time::Duration::ZERO);
    /// let mut out = BytesMut::new();
    /// server.send_fragment(DataKind::Text, b"Hel", false, (), &mut out)?;
    /// server.send_fragment(DataKind::Text, b"lo", true, (), &mut out)?;
    /// assert_eq!(out, b"\x01\x03Hel\x80\x02lo"[..]); // RFC 6455 §5.7
    /// # Ok::<(), tidings_websocket::SendError>(())
    /// ```
    ///
    /// # Errors
    /// [`SendError::Closing`], [`SendError::Full`], [`SendError::KindDiffers`], or [`SendError::NotUtf8`] where the
    /// fragment makes a text message invalid; `out` and the message are unchanged. [`SendError::Deflate`] where the
    /// compressor fails.
    pub fn send_fragment(
        &mut self,
        kind: DataKind,
        data: &[u8],
        fin: bool,
        key: R::Key,
        out: &mut BytesMut,
    ) -> Result<(), SendError> {
        self.refuse(out)?;
        #[cfg(feature = "deflate")]
        let fresh = self.begins_compressed(fin.then_some(data.len()));
        #[cfg(not(feature = "deflate"))]
        let fresh = false;
        let (opcode, mut utf8, compressed) = match (self.sending, kind) {
            (Sending::Whole, DataKind::Text) => (Opcode::Text, Utf8Validator::new(), fresh),
            (Sending::Whole, DataKind::Binary) => (Opcode::Binary, Utf8Validator::new(), fresh),
            (
                Sending::Fragments {
                    kind: open,
                    utf8,
                    compressed,
                },
                _,
            ) if open == kind => (Opcode::Continuation, utf8, compressed),
            (Sending::Fragments { .. }, _) => return Err(SendError::KindDiffers),
        };
        if kind == DataKind::Text {
            utf8.feed(data).map_err(|_| SendError::NotUtf8)?;
            if fin {
                utf8.finish().map_err(|_| SendError::NotUtf8)?;
            }
        }
        #[cfg(feature = "deflate")]
        if compressed {
            let payload = self
                .compress_fragment(data, fin)
                .ok_or(SendError::Deflate)?;
            let begins = opcode != Opcode::Continuation;
            append_frame(fin, begins, opcode, &payload, R::key(key), out);
        } else {
            append(fin, opcode, data, R::key(key), out);
        }
        #[cfg(not(feature = "deflate"))]
        append(fin, opcode, data, R::key(key), out);
        self.sending = if fin {
            Sending::Whole
        } else {
            Sending::Fragments {
                kind,
                utf8,
                compressed,
            }
        };
        Ok(())
    }

    /// Tells whether a message is compressed, by its length where that is known.
    #[cfg(feature = "deflate")]
    fn begins_compressed(&self, len: Option<usize>) -> bool {
        self.deflate
            .as_ref()
            .is_some_and(|codec| codec.compressor.takes(len))
    }

    /// Gives the payload of a fragment; `None` where the compressor fails.
    #[cfg(feature = "deflate")]
    fn compress_fragment(&mut self, data: &[u8], fin: bool) -> Option<Vec<u8>> {
        self.deflate.as_mut()?.compressor.fragment(data, fin)
    }

    /// Appends a Ping of the caller's own to `out`; the peer's Pong arrives as an event with the same octets.
    ///
    /// # Errors
    /// [`SendError::ControlTooLong`] above 125 octets, [`SendError::Closing`] or [`SendError::Full`]; `out` is unchanged.
    pub fn ping(&mut self, data: &[u8], key: R::Key, out: &mut BytesMut) -> Result<(), SendError> {
        self.refuse(out)?;
        if data.len() > MAX_CONTROL_LEN {
            return Err(SendError::ControlTooLong { len: data.len() });
        }
        append(true, Opcode::Ping, data, R::key(key), out);
        Ok(())
    }

    fn refuse_whole(&self, out: &BytesMut) -> Result<(), SendError> {
        self.refuse(out)?;
        match self.sending {
            Sending::Whole => Ok(()),
            Sending::Fragments { .. } => Err(SendError::MessageOpen),
        }
    }

    fn refuse(&self, out: &BytesMut) -> Result<(), SendError> {
        if !self.may_send() {
            return Err(SendError::Closing);
        }
        let (held, max) = (out.len(), self.config.max_out_len);
        if held > max {
            Err(SendError::Full { held, max })
        } else {
            Ok(())
        }
    }

    /// Tells whether a Pong, a Ping or a Close waits for [`transmit`](Self::transmit).
    #[must_use]
    pub const fn wants_transmit(&self) -> bool {
        self.pong.is_some() || self.ping_queued() || matches!(self.close, CloseSlot::Queued(_))
    }

    const fn ping_queued(&self) -> bool {
        matches!(self.state, State::Open(Watch::PingQueued))
    }

    /// Appends one control frame that waits, a Pong, a Ping or a Close, to `out`, and tells whether there was one.
    ///
    /// Call it until `false`, each time with a fresh `key`. A Pong and a Ping wait on while `out` holds more than
    /// `max_out_len`, so that a peer that sends Pings and reads nothing cannot make it grow; a Close never waits.
    pub fn transmit(&mut self, key: R::Key, out: &mut BytesMut) -> bool {
        let key = R::key(key);
        let room = out.len() <= self.config.max_out_len;
        if room && let Some(data) = self.pong.take() {
            append(true, Opcode::Pong, &data, key, out);
            return true;
        }
        if room && self.ping_queued() {
            append(true, Opcode::Ping, b"", key, out);
            self.state = State::Open(Watch::PingWritten);
            return true;
        }
        match core::mem::replace(&mut self.close, CloseSlot::Written) {
            CloseSlot::Queued(payload) => {
                append(true, Opcode::Close, &payload, key, out);
                match self.state {
                    State::Ending { .. } | State::Ended => self.pong = None,
                    // RFC 6455 §5.5.2: Pings are answered until the peer's Close is there.
                    State::Open(_) | State::Closing { .. } => {}
                }
                true
            }
            slot @ (CloseSlot::Empty | CloseSlot::Written) => {
                self.close = slot;
                false
            }
        }
    }
}

impl Connection<Server> {
    /// Appends the header of a whole message to `out` and gives the payload that follows it, so that a large message goes out
    /// by a vectored write without a copy. From about 4 KiB on this is faster than [`send_message`](Self::send_message).
    ///
    /// The payload is the caller's to write, whole and right behind `out`: nothing may be appended to `out` in between.
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use tidings_websocket::{Config, Connection, Message, Server};
    /// let mut server = Connection::<Server>::new(Config::default(), core::time::Duration::ZERO);
    /// let mut out = BytesMut::new();
    /// let payload = server.send_header(&Message::Text("Hello".into()), &mut out)?;
    /// assert_eq!((&out[..], &payload[..]), (&b"\x81\x05"[..], &b"Hello"[..])); // RFC 6455 §5.7
    /// # Ok::<(), tidings_websocket::SendError>(())
    /// ```
    ///
    /// # Errors
    /// [`SendError::Closing`], [`SendError::Full`] or [`SendError::MessageOpen`]; `out` is unchanged.
    pub fn send_header(
        &mut self,
        message: &Message,
        out: &mut BytesMut,
    ) -> Result<Bytes, SendError> {
        let (opcode, data) = match message {
            Message::Text(text) => (Opcode::Text, text.as_bytes()),
            Message::Binary(data) => (Opcode::Binary, data),
        };
        self.refuse_whole(out)?;
        #[cfg(feature = "deflate")]
        if let Some(codec) = &mut self.deflate
            && let Some(payload) = codec.compressor.message(data)
        {
            append_header(true, true, opcode, payload.len(), None, out);
            return Ok(Bytes::from(payload));
        }
        append_header(true, false, opcode, data.len(), None, out);
        Ok(data.clone())
    }
}

/// Appends one frame that is not compressed.
pub(crate) fn append(
    fin: bool,
    opcode: Opcode,
    payload: &[u8],
    key: Option<[u8; 4]>,
    out: &mut BytesMut,
) {
    append_frame(fin, false, opcode, payload, key, out);
}

/// Appends one frame, with one reservation.
pub(crate) fn append_frame(
    fin: bool,
    rsv1: bool,
    opcode: Opcode,
    payload: &[u8],
    key: Option<[u8; 4]>,
    out: &mut BytesMut,
) {
    out.reserve(HEADER_ROOM + payload.len());
    append_header(fin, rsv1, opcode, payload.len(), key, out);
    match key {
        Some(key) => append_masked(payload, key, out),
        None => out.extend_from_slice(payload),
    }
}

fn append_header(
    fin: bool,
    rsv1: bool,
    opcode: Opcode,
    payload_len: usize,
    key: Option<[u8; 4]>,
    out: &mut BytesMut,
) {
    let header = FrameHeader {
        fin,
        rsv1,
        opcode,
        key,
        payload_len: payload_len as u64,
    };
    header.encode().append(out);
}
