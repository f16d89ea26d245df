//! The 2 to 14 octets in front of a frame's payload (RFC 6455 §5.2).
//!
//! octet 0: FIN(1) RSV(3) opcode(4) | octet 1: MASK(1) len7(7) | 0, 2 or 8 octets length | 0 or 4 octets key

use core::ops::Deref;

use bytes::BytesMut;

use crate::{ReceiveError, ReceiveErrorKind};

const FIN: u8 = 0x80;
const RSV1: u8 = 0x40;
const RSV2_RSV3: u8 = 0x30;
const OPCODE: u8 = 0x0F;
const MASK: u8 = 0x80;
const LEN7: u8 = 0x7F;
/// In `len7`: the length follows in 2 octets.
const LEN16: u8 = 126;
/// In `len7`: the length follows in 8 octets.
const LEN64: u8 = 127;
/// The longest payload of a control frame (RFC 6455 §5.5).
pub(crate) const MAX_CONTROL_LEN: usize = 125;
const KEY_LEN: u8 = 4;
/// The room for a header: of 2 octets, 8 of length and 4 of key at most, and two to spare, so that it is one word.
pub(crate) const HEADER_ROOM: usize = 16;

/// What a frame is for (RFC 6455 §5.2, §11.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Opcode {
    /// 0x0: goes on with the message that a frame before it began.
    Continuation,
    /// 0x1: begins a text message.
    Text,
    /// 0x2: begins a binary message.
    Binary,
    /// 0x8: begins or answers the closing handshake.
    Close,
    /// 0x9: asks for a Pong with the same payload.
    Ping,
    /// 0xA: answers a Ping, or says unasked that its sender is alive.
    Pong,
}

impl Opcode {
    const fn decode(bits: u8) -> Option<Self> {
        match bits {
            0x0 => Some(Self::Continuation),
            0x1 => Some(Self::Text),
            0x2 => Some(Self::Binary),
            0x8 => Some(Self::Close),
            0x9 => Some(Self::Ping),
            0xA => Some(Self::Pong),
            _ => None,
        }
    }

    const fn encode(self) -> u8 {
        match self {
            Self::Continuation => 0x0,
            Self::Text => 0x1,
            Self::Binary => 0x2,
            Self::Close => 0x8,
            Self::Ping => 0x9,
            Self::Pong => 0xA,
        }
    }

    /// Tells Close, Ping and Pong from the frames that carry messages (RFC 6455 §5.5).
    #[must_use]
    pub const fn is_control(self) -> bool {
        match self {
            Self::Continuation | Self::Text | Self::Binary => false,
            Self::Close | Self::Ping | Self::Pong => true,
        }
    }
}

/// The fields in front of a frame's payload (RFC 6455 §5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameHeader {
    /// True on the last frame of a message, and on every control frame.
    pub fin: bool,
    /// The bit of permessage-deflate (RFC 7692 §6), which [`FrameDecoder`](crate::FrameDecoder) refuses unless told that it
    /// may stand; RSV2 and RSV3, which no registered extension defines, are refused by [`decode`](Self::decode) itself.
    pub rsv1: bool,
    /// What the frame is for.
    pub opcode: Opcode,
    /// The masking key: present in a client's frames only.
    pub key: Option<[u8; 4]>,
    /// The octets of payload that follow.
    pub payload_len: u64,
}

/// What a reader of headers requires beyond what holds for every frame.
#[derive(Clone, Copy)]
pub(crate) struct Rules {
    /// Where RSV1 has a meaning.
    pub(crate) rsv1: Rsv1,
    /// Whether frames must carry a key, or must not.
    pub(crate) masked: Option<bool>,
}

/// Where RSV1 may be set.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Rsv1 {
    Nowhere,
    /// RFC 7692 §6: where a data message begins.
    FirstOfMessage,
    Anywhere,
}

impl FrameHeader {
    /// Decodes a header and tells how many octets it took, 2 to 14; `None` means that more octets are needed.
    ///
    /// A fault is told as soon as the octet that holds it is there, whatever follows. Whether a key must be there depends
    /// on who reads, so it is not checked here.
    ///
    /// ```
    /// use tidings_websocket::{FrameHeader, Opcode};
    /// let (header, used) = FrameHeader::decode(b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f")?.unwrap();
    /// assert_eq!((header.opcode, header.payload_len, used), (Opcode::Text, 5, 6));
    /// assert_eq!(header.key, Some([0x37, 0xfa, 0x21, 0x3d]));
    /// assert_eq!(FrameHeader::decode(b"\x81")?, None);
    /// # Ok::<(), tidings_websocket::ReceiveError>(())
    /// ```
    ///
    /// # Errors
    /// Bits, opcodes and lengths that RFC 6455 §5.2 and §5.5 forbid. The offset is 0, the header's own start.
    pub fn decode(octets: &[u8]) -> Result<Option<(Self, usize)>, ReceiveError> {
        Self::decode_by(
            octets,
            Rules {
                rsv1: Rsv1::Anywhere,
                masked: None,
            },
        )
    }

    /// The checks stand in the order of the octets, so that the same fault is told however the octets are cut.
    pub(crate) fn decode_by(
        octets: &[u8],
        rules: Rules,
    ) -> Result<Option<(Self, usize)>, ReceiveError> {
        let Some((&first, rest)) = octets.split_first() else {
            return Ok(None);
        };
        let (fin, rsv1, opcode) = Self::decode_first(first, rules)?;

        let Some((&second, rest)) = rest.split_first() else {
            return Ok(None);
        };
        let masked = second & MASK != 0;
        match rules.masked {
            Some(true) if !masked => return fault(ReceiveErrorKind::NotMasked),
            Some(false) if masked => return fault(ReceiveErrorKind::Masked),
            Some(_) | None => {}
        }
        let len7 = second & LEN7;
        if opcode.is_control() && len7 >= LEN16 {
            return fault(ReceiveErrorKind::ControlTooLong);
        }

        let Some((payload_len, rest)) = Self::decode_len(len7, rest)? else {
            return Ok(None);
        };
        let (key, rest) = if masked {
            let Some((key, rest)) = rest.split_first_chunk::<4>() else {
                return Ok(None);
            };
            (Some(*key), rest)
        } else {
            (None, rest)
        };
        Ok(Some((
            Self {
                fin,
                rsv1,
                opcode,
                key,
                payload_len,
            },
            octets.len() - rest.len(),
        )))
    }

    fn decode_first(first: u8, rules: Rules) -> Result<(bool, bool, Opcode), ReceiveError> {
        let reserved = fault(ReceiveErrorKind::ReservedBits {
            bits: (first & (RSV1 | RSV2_RSV3)) >> 4,
        });
        let undefined = match rules.rsv1 {
            Rsv1::Nowhere => RSV1 | RSV2_RSV3,
            Rsv1::FirstOfMessage | Rsv1::Anywhere => RSV2_RSV3,
        };
        if first & undefined != 0 {
            return reserved;
        }
        let Some(opcode) = Opcode::decode(first & OPCODE) else {
            return fault(ReceiveErrorKind::ReservedOpcode {
                opcode: first & OPCODE,
            });
        };
        match (rules.rsv1, opcode) {
            (
                Rsv1::FirstOfMessage,
                Opcode::Continuation | Opcode::Close | Opcode::Ping | Opcode::Pong,
            ) if first & RSV1 != 0 => return reserved,
            (Rsv1::Nowhere | Rsv1::FirstOfMessage | Rsv1::Anywhere, _) => {}
        }
        let fin = first & FIN != 0;
        if opcode.is_control() && !fin {
            return fault(ReceiveErrorKind::ControlFragmented);
        }
        Ok((fin, first & RSV1 != 0, opcode))
    }

    fn decode_len(len7: u8, rest: &[u8]) -> Result<Option<(u64, &[u8])>, ReceiveError> {
        let (len, least, rest) = match len7 {
            LEN64 => {
                // RFC 6455 §5.2: network order, the most significant bit 0.
                if rest.first().is_some_and(|&octet| octet & 0x80 != 0) {
                    return fault(ReceiveErrorKind::LengthTopBit);
                }
                let Some((len, rest)) = rest.split_first_chunk::<8>() else {
                    return Ok(None);
                };
                (u64::from_be_bytes(*len), 1 << 16, rest)
            }
            LEN16 => {
                let Some((len, rest)) = rest.split_first_chunk::<2>() else {
                    return Ok(None);
                };
                (u64::from(u16::from_be_bytes(*len)), u64::from(LEN16), rest)
            }
            len => (u64::from(len), 0, rest),
        };
        if len < least {
            return fault(ReceiveErrorKind::LengthNotMinimal { len });
        }
        Ok(Some((len, rest)))
    }

    /// Encodes the header in its shortest form, without allocation.
    ///
    /// It writes what it is told, legal or not: that is what tools and tests need. A
    /// [`Connection`](crate::Connection) sends legal frames only.
    ///
    /// ```
    /// use tidings_websocket::{FrameHeader, Opcode};
    /// let header =
    ///     FrameHeader { fin: true, rsv1: false, opcode: Opcode::Binary, key: None, payload_len: 256 };
    /// assert_eq!(*header.encode(), *b"\x82\x7e\x01\x00"); // RFC 6455 §5.7
    /// ```
    #[must_use]
    #[inline]
    pub fn encode(&self) -> EncodedHeader {
        let fin = if self.fin { FIN } else { 0 };
        let rsv1 = if self.rsv1 { RSV1 } else { 0 };
        let mask = if self.key.is_some() { MASK } else { 0 };
        let first = u128::from(fin | rsv1 | self.opcode.encode());
        // Gathered in one word, the first octet lowest, since octets that are stored one by one are slow to read as a whole.
        let (second, len) = match (
            u8::try_from(self.payload_len),
            u16::try_from(self.payload_len),
        ) {
            (Ok(len), _) if len < LEN16 => (u128::from(mask | len), 2),
            (_, Ok(len)) => {
                let extended = u128::from(len.swap_bytes());
                (u128::from(mask | LEN16) | extended << 8, 4)
            }
            (_, Err(_)) => {
                let extended = u128::from(self.payload_len.swap_bytes());
                (u128::from(mask | LEN64) | extended << 8, 10)
            }
        };
        let word = first | second << 8;
        let (word, len) = match self.key {
            Some(key) => {
                let key = u128::from(u32::from_le_bytes(key));
                (word | key << (8 * len), len + KEY_LEN)
            }
            None => (word, len),
        };
        EncodedHeader {
            octets: word.to_le_bytes(),
            len,
        }
    }
}

fn fault<T>(kind: ReceiveErrorKind) -> Result<T, ReceiveError> {
    Err(ReceiveError::new(kind, 0))
}

/// An encoded header: 2 to 14 octets, to be read as a slice.
#[derive(Debug, Clone, Copy)]
pub struct EncodedHeader {
    /// The header and zeros behind it.
    octets: [u8; HEADER_ROOM],
    len: u8,
}

impl EncodedHeader {
    /// Appends the header to `out`: by one copy of a fixed length, which needs no call.
    #[inline]
    pub(crate) fn append(&self, out: &mut BytesMut) {
        let end = out.len() + usize::from(self.len);
        out.extend_from_slice(&self.octets);
        out.truncate(end);
    }
}

impl Deref for EncodedHeader {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.octets.get(..usize::from(self.len)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
