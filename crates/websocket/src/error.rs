//! The errors: what the peer did wrong, what the caller asked wrong. (What a handshake did wrong stands beside it.)

use crate::CloseCode;

/// What the peer did wrong, and where. [`close_code`](Self::close_code) says how to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{kind}, at octet {offset} ({section})", section = self.section())]
pub struct ReceiveError {
    kind: ReceiveErrorKind,
    offset: u64,
}

impl ReceiveError {
    pub(crate) const fn new(kind: ReceiveErrorKind, offset: u64) -> Self {
        Self { kind, offset }
    }

    pub(crate) const fn behind(self, octets: u64) -> Self {
        Self {
            kind: self.kind,
            offset: self.offset.saturating_add(octets),
        }
    }

    /// Names the rule that was broken, with the value and the limit.
    #[must_use]
    pub const fn kind(&self) -> ReceiveErrorKind {
        self.kind
    }

    /// Counts the octets, since the frames began, before the frame at fault or, where its payload is at fault, before the
    /// octet that is.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// Names the document and the section that hold the rule, as in "RFC 6455 §5.2".
    #[must_use]
    pub const fn section(&self) -> &'static str {
        match self.kind {
            ReceiveErrorKind::NotMasked | ReceiveErrorKind::Masked => "RFC 6455 §5.1",
            ReceiveErrorKind::ReservedBits { .. }
            | ReceiveErrorKind::ReservedOpcode { .. }
            | ReceiveErrorKind::LengthNotMinimal { .. }
            | ReceiveErrorKind::LengthTopBit => "RFC 6455 §5.2",
            ReceiveErrorKind::NothingToContinue | ReceiveErrorKind::MessageOpen => "RFC 6455 §5.4",
            ReceiveErrorKind::ControlFragmented | ReceiveErrorKind::ControlTooLong => {
                "RFC 6455 §5.5"
            }
            ReceiveErrorKind::CloseTruncated => "RFC 6455 §5.5.1",
            ReceiveErrorKind::CloseCode { .. } => "RFC 6455 §7.4",
            ReceiveErrorKind::Deflate => "RFC 7692 §7.2.2",
            ReceiveErrorKind::NotUtf8 => "RFC 6455 §8.1",
            ReceiveErrorKind::FrameTooLong { .. }
            | ReceiveErrorKind::MessageTooLong { .. }
            | ReceiveErrorKind::TooManyFragments { .. } => "RFC 6455 §10.4",
        }
    }

    /// Gives the status code of the Close frame that answers it: 1002, 1007 or 1009 (RFC 6455 §7.4.1).
    #[must_use]
    pub const fn close_code(&self) -> CloseCode {
        match self.kind {
            ReceiveErrorKind::NotUtf8 | ReceiveErrorKind::Deflate => CloseCode::INVALID_PAYLOAD,
            ReceiveErrorKind::FrameTooLong { .. }
            | ReceiveErrorKind::MessageTooLong { .. }
            | ReceiveErrorKind::TooManyFragments { .. } => CloseCode::TOO_BIG,
            ReceiveErrorKind::NotMasked
            | ReceiveErrorKind::Masked
            | ReceiveErrorKind::ReservedBits { .. }
            | ReceiveErrorKind::ReservedOpcode { .. }
            | ReceiveErrorKind::LengthNotMinimal { .. }
            | ReceiveErrorKind::LengthTopBit
            | ReceiveErrorKind::NothingToContinue
            | ReceiveErrorKind::MessageOpen
            | ReceiveErrorKind::ControlFragmented
            | ReceiveErrorKind::ControlTooLong
            | ReceiveErrorKind::CloseTruncated
            | ReceiveErrorKind::CloseCode { .. } => CloseCode::PROTOCOL_ERROR,
        }
    }
}

/// The rule that a peer broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReceiveErrorKind {
    /// A client's frame without a masking key (RFC 6455 §5.1). Answer 1002.
    #[error("a client's frame is not masked")]
    NotMasked,
    /// A server's frame with a masking key (RFC 6455 §5.1). Answer 1002.
    #[error("a server's frame is masked")]
    Masked,
    /// RSV bits that no extension in use defines (RFC 6455 §5.2). Answer 1002.
    #[error("reserved bits {bits:03b} are set without an extension")]
    ReservedBits {
        /// RSV1 counts 4, RSV2 counts 2, RSV3 counts 1.
        bits: u8,
    },
    /// An opcode that is not defined, 3 to 7 or 11 to 15 (RFC 6455 §5.2). Answer 1002.
    #[error("opcode {opcode:#x} is reserved")]
    ReservedOpcode {
        /// The four bits.
        opcode: u8,
    },
    /// A length in more octets than it needs (RFC 6455 §5.2). Answer 1002.
    #[error("a length of {len} is not in its shortest form")]
    LengthNotMinimal {
        /// The announced length.
        len: u64,
    },
    /// A 64-bit length with its top bit set (RFC 6455 §5.2). Answer 1002.
    #[error("a length has its top bit set")]
    LengthTopBit,
    /// A continuation frame with no message open (RFC 6455 §5.4). Answer 1002.
    #[error("a continuation frame continues nothing")]
    NothingToContinue,
    /// A text or binary frame inside another message (RFC 6455 §5.4). Answer 1002.
    #[error("a message begins inside another")]
    MessageOpen,
    /// A control frame without FIN (RFC 6455 §5.5). Answer 1002.
    #[error("a control frame is fragmented")]
    ControlFragmented,
    /// A control frame of more than 125 octets (RFC 6455 §5.5). Answer 1002.
    #[error("a control frame is longer than 125 octets")]
    ControlTooLong,
    /// A Close frame of one octet, half a status code (RFC 6455 §5.5.1). Answer 1002.
    #[error("a Close frame holds half a status code")]
    CloseTruncated,
    /// A status code that may not be sent (RFC 6455 §7.4). Answer 1002.
    #[error("status code {code} may not be sent")]
    CloseCode {
        /// The code.
        code: u16,
    },
    /// A text message or a close reason that is not UTF-8 (RFC 6455 §8.1). Answer 1007.
    #[error("text is not UTF-8")]
    NotUtf8,
    /// A compressed message that is not DEFLATE, or does not end as it must (RFC 7692 §7.2.2). Answer 1007.
    #[error("a compressed message cannot be inflated")]
    Deflate,
    /// A data frame above `max_frame_len` (RFC 6455 §10.4). Answer 1009.
    #[error("a frame of {len} octets, the limit is {max}")]
    FrameTooLong {
        /// The announced length.
        len: u64,
        /// The limit.
        max: u64,
    },
    /// A message above `max_message_len` (RFC 6455 §10.4). Answer 1009.
    #[error("a message of at least {len} octets, the limit is {max}")]
    MessageTooLong {
        /// What its frames announced together so far.
        len: u64,
        /// The limit.
        max: u64,
    },
    /// A message in more than `max_fragments` frames, empty ones counted (RFC 6455 §10.4). Answer 1009.
    #[error("a message of more than {max} fragments")]
    TooManyFragments {
        /// The limit.
        max: usize,
    },
}

/// What the caller asked for and may not have. Nothing was written or changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The closing handshake has begun, so no data may follow (RFC 6455 §5.5.1, §6.1).
    #[error("the closing handshake has begun")]
    Closing,
    /// The caller's out buffer holds more than `max_out_len`: write it to the peer first.
    #[error("{held} octets wait to be written, the limit is {max}")]
    Full {
        /// What waits.
        held: usize,
        /// The limit.
        max: usize,
    },
    /// A fragmented message is being sent; end it first (RFC 6455 §5.4).
    #[error("a fragmented message is being sent")]
    MessageOpen,
    /// The fragment is of another kind than the message it continues (RFC 6455 §5.4).
    #[error("a fragment differs in kind from its message")]
    KindDiffers,
    /// A fragment makes its text message invalid UTF-8 (RFC 6455 §5.6).
    #[error("text is not UTF-8")]
    NotUtf8,
    /// The compressor failed within a fragmented message; the connection is of no more use.
    #[error("the compressor failed")]
    Deflate,
    /// A control frame holds at most 125 octets (RFC 6455 §5.5).
    #[error("a control frame of {len} octets, the limit is 125")]
    ControlTooLong {
        /// What was asked.
        len: usize,
    },
    /// A subprotocol that is not a token, or is named twice (RFC 6455 §4.1 item 10).
    #[error("subprotocol number {index} is not a token or stands twice")]
    Subprotocol {
        /// Its place in the list, from 0.
        index: usize,
    },
    /// A URI that is not absolute, or of another scheme than ws, wss, http and https (RFC 6455 §3).
    #[error("the URI has no host, or its scheme is not that of a WebSocket")]
    Uri,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_at_most_32_octets() {
        assert!(
            size_of::<ReceiveError>() <= 32,
            "{}",
            size_of::<ReceiveError>()
        );
        assert!(size_of::<SendError>() <= 32, "{}", size_of::<SendError>());
    }

    #[test]
    fn an_error_names_the_rule_the_value_and_the_limit() {
        use alloc::string::ToString;
        let error = ReceiveError::new(ReceiveErrorKind::FrameTooLong { len: 11, max: 10 }, 7);
        assert_eq!(
            error.to_string(),
            "a frame of 11 octets, the limit is 10, at octet 7 (RFC 6455 §10.4)"
        );
        let deflate = ReceiveError::new(ReceiveErrorKind::Deflate, 0);
        assert_eq!(deflate.section(), "RFC 7692 §7.2.2");
        let full = SendError::Full { held: 9, max: 8 };
        assert_eq!(
            full.to_string(),
            "9 octets wait to be written, the limit is 8"
        );
    }
}
