//! Frames as they arrive: a header, then its payload in as many pieces as the input was cut into (RFC 6455 §5.2).
//!
//! header (2 to 14 octets) | payload (0 to 2^63 - 1 octets, masked by a client)

use core::marker::PhantomData;

use crate::header::{Rsv1, Rules};
use crate::{DataKind, FrameHeader, Opcode, ReceiveError, Role, mask};

/// Decodes frames without storing any: at most 32 octets of state, payload handed out as it arrives, unmasked in place.
///
/// `R` is who reads: a [`Server`](crate::Server) requires masked frames, a [`Client`](crate::Client) requires that they are
/// not. A header that has only partly arrived stays in the caller's input. Nothing is kept, so there is no limit here: who
/// gathers payload decides by the header's `payload_len`.
///
/// ```
/// use tidings_websocket::{Client, FrameDecoder, FrameEvent};
/// let mut decoder = FrameDecoder::<Client>::new();
/// let mut input = *b"\x81\x05Hel"; // of "Hello", two octets are still on their way
/// let Some((FrameEvent::Header(header), used)) = decoder.decode(&mut input)? else { panic!() };
/// assert_eq!((header.payload_len, used), (5, 2));
/// let Some((FrameEvent::Payload { octets, last, .. }, 3)) = decoder.decode(&mut input[used..])? else { panic!() };
/// assert_eq!((&*octets, last), (&b"Hel"[..], false));
/// # Ok::<(), tidings_websocket::ReceiveError>(())
/// ```
#[derive(Debug)]
pub struct FrameDecoder<R: Role> {
    state: State,
    offset: u64,
    role: PhantomData<R>,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Header,
    /// `left` octets of payload are still to come; `key` begins with the octet that masks the next of them.
    Payload {
        left: u64,
        key: [u8; 4],
        opcode: Opcode,
        fin: bool,
    },
}

/// What [`FrameDecoder::decode`] found.
#[derive(Debug, PartialEq, Eq)]
pub enum FrameEvent<'b> {
    /// A frame begins.
    Header(FrameHeader),
    /// The next octets of its payload, unmasked. A frame without payload has one empty piece.
    Payload {
        /// The opcode of the frame.
        opcode: Opcode,
        /// FIN of the frame.
        fin: bool,
        /// The piece, within the input.
        octets: &'b mut [u8],
        /// True where the frame ends with this piece.
        last: bool,
    },
}

impl<R: Role> Default for FrameDecoder<R> {
    fn default() -> Self {
        Self::new()
    }
}

/// A message in one frame, unmasked in its place.
pub(crate) struct Whole {
    pub(crate) kind: DataKind,
    /// The octets in front of the payload.
    pub(crate) header_len: usize,
    pub(crate) len: usize,
}

impl<R: Role> FrameDecoder<R> {
    /// Starts in front of a frame.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            state: State::Header,
            offset: 0,
            role: PhantomData,
        }
    }

    /// Counts the octets decoded since the frames began.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// Tells the frame whose payload is not complete, with the octets that are still to come; `None` in front of a header.
    #[must_use]
    pub const fn awaits(&self) -> Option<(Opcode, u64)> {
        match self.state {
            State::Header => None,
            State::Payload { left, opcode, .. } => Some((opcode, left)),
        }
    }

    /// Takes the next header or piece of payload from the front of `input` and tells how many octets it took.
    ///
    /// `None` means that more octets are needed: keep what is there (at most 13 octets, a part of a header) and add to it.
    /// The work is proportional to the octets taken; nothing is allocated.
    ///
    /// # Errors
    /// The first rule broken, told by the header alone. Every later call with the same input gives the same error.
    pub fn decode<'b>(
        &mut self,
        input: &'b mut [u8],
    ) -> Result<Option<(FrameEvent<'b>, usize)>, ReceiveError> {
        self.decode_with(input, false)
    }

    /// Decodes as [`decode`](Self::decode) does. With `rsv1`, that bit may be set where a data message begins: what it means
    /// under permessage-deflate (RFC 7692 §6) is up to the caller.
    ///
    /// # Errors
    /// As of [`decode`](Self::decode).
    pub fn decode_with<'b>(
        &mut self,
        input: &'b mut [u8],
        rsv1: bool,
    ) -> Result<Option<(FrameEvent<'b>, usize)>, ReceiveError> {
        match self.state {
            State::Header => self.decode_header(input, rsv1),
            State::Payload {
                left,
                key,
                opcode,
                fin,
            } => {
                let used = usize::try_from(left).unwrap_or(usize::MAX).min(input.len());
                let left = left - used as u64;
                if used == 0 && left > 0 {
                    return Ok(None);
                }
                let octets = input.get_mut(..used).unwrap_or_default();
                let phase = mask(octets, key, 0);
                self.offset = self.offset.saturating_add(used as u64);
                let last = left == 0;
                self.state = if last {
                    State::Header
                } else {
                    let mut key = key;
                    key.rotate_left(phase);
                    State::Payload {
                        left,
                        key,
                        opcode,
                        fin,
                    }
                };
                Ok(Some((
                    FrameEvent::Payload {
                        opcode,
                        fin,
                        octets,
                        last,
                    },
                    used,
                )))
            }
        }
    }

    /// Decodes a frame that is a message of its own, not compressed, of at most `max` octets and at most 65,535, if it lies
    /// whole at the front of `input`. `None` leaves all as it is: [`decode_with`](Self::decode_with) finds out why.
    #[inline]
    pub(crate) fn take_whole(&mut self, input: &mut [u8], max: u64) -> Option<Whole> {
        let State::Header = self.state else {
            return None;
        };
        let (kind, second, rest) = match input {
            [0x81, second, rest @ ..] => (DataKind::Text, *second, rest),
            [0x82, second, rest @ ..] => (DataKind::Binary, *second, rest),
            _ => return None,
        };
        if (second & 0x80 != 0) != R::IS_SERVER {
            return None;
        }
        let (len, len_len, rest) = match second & 0x7F {
            127 => return None,
            126 => {
                let (len, rest) = rest.split_first_chunk_mut::<2>()?;
                (u16::from_be_bytes(*len), 2, rest)
            }
            len => (u16::from(len), 0, rest),
        };
        if u64::from(len) > max || (len_len == 2 && len < 126) {
            return None;
        }
        let (key, key_len, rest) = if R::IS_SERVER {
            let (key, rest) = rest.split_first_chunk_mut::<4>()?;
            (*key, 4, rest)
        } else {
            ([0; 4], 0, rest)
        };
        let len = usize::from(len);
        mask(rest.get_mut(..len)?, key, 0);
        let header_len = 2 + len_len + key_len;
        self.offset = self.offset.saturating_add((header_len + len) as u64);
        Some(Whole {
            kind,
            header_len,
            len,
        })
    }

    fn decode_header<'b>(
        &mut self,
        input: &[u8],
        rsv1: bool,
    ) -> Result<Option<(FrameEvent<'b>, usize)>, ReceiveError> {
        let rules = Rules {
            rsv1: if rsv1 {
                Rsv1::FirstOfMessage
            } else {
                Rsv1::Nowhere
            },
            masked: Some(R::IS_SERVER),
        };
        let decoded =
            FrameHeader::decode_by(input, rules).map_err(|error| error.behind(self.offset))?;
        let Some((header, used)) = decoded else {
            return Ok(None);
        };
        self.offset = self.offset.saturating_add(used as u64);
        self.state = State::Payload {
            left: header.payload_len,
            key: header.key.unwrap_or_default(),
            opcode: header.opcode,
            fin: header.fin,
        };
        Ok(Some((FrameEvent::Header(header), used)))
    }
}

#[cfg(test)]
mod tests;
