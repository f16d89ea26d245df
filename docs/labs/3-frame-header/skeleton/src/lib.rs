//! The 2 to 14 octets in front of a WebSocket frame's payload (RFC 6455 §5.2).
//!
//! octet 0: FIN(1) RSV(3) opcode(4) | octet 1: MASK(1) len7(7) | 0, 2 or 8 octets length | 0 or 4 octets key

/// What a frame is for (RFC 6455 §5.2). There is no variant for the other ten numbers: they are errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opcode {
    /// 0x0: goes on with the message that a frame before it began.
    Continuation,
    /// 0x1
    Text,
    /// 0x2
    Binary,
    /// 0x8
    Close,
    /// 0x9
    Ping,
    /// 0xA
    Pong,
}

impl Opcode {
    /// Gives the opcode of a number from 0 to 15, where it has a meaning.
    pub fn from_bits(bits: u8) -> Option<Self> {
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

    /// Tells Close, Ping and Pong, the control frames, from the others (RFC 6455 §5.5).
    pub fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}

/// A header that exists is a legal one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// This frame is the last of its message.
    pub fin: bool,
    pub opcode: Opcode,
    /// The masking key, where the MASK bit is set.
    pub key: Option<[u8; 4]>,
    /// The octets of payload that follow the header.
    pub payload_len: u64,
}

/// What can be wrong with a header. The order is that of the octets: the first octet first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// One of the three RSV bits is set (RFC 6455 §5.2).
    ReservedBits,
    /// An opcode without a meaning (RFC 6455 §5.2).
    ReservedOpcode,
    /// A control frame without FIN: it cannot be a fragment (RFC 6455 §5.5).
    ControlFragmented,
    /// A control frame with a payload over 125 octets (RFC 6455 §5.5).
    ControlTooLong,
    /// The first bit of a length of 8 octets is set (RFC 6455 §5.2).
    LengthTopBit,
    /// A length that would fit into a shorter form (RFC 6455 §5.2).
    LengthNotMinimal,
}

/// Decodes the header at the start of `octets`, and says how many octets it takes.
///
/// `Ok(None)` is "not yet": what is there is fine, and more is needed. A fault is told as soon as the octet that shows
/// it is there, whatever follows. Whether a length is in its shortest form is decided when the whole number is there.
pub fn decode(octets: &[u8]) -> Result<Option<(Header, usize)>, Fault> {
    let Some((&first, rest)) = octets.split_first() else {
        return Ok(None);
    };
    let fin = first & 0x80 != 0;
    if first & 0x70 != 0 {
        return Err(Fault::ReservedBits);
    }
    let Some(opcode) = Opcode::from_bits(first & 0x0f) else {
        return Err(Fault::ReservedOpcode);
    };
    todo!("FIN {fin}, {opcode:?}, and what follows the first octet: {rest:02x?}")
}
