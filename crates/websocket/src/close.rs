//! What a Close frame says (RFC 6455 §5.5.1, §7.4).
//!
//! payload: empty | 2 octets status code, then 0 to 123 octets of reason in UTF-8

use alloc::boxed::Box;

use crate::header::MAX_CONTROL_LEN;
use crate::{ReceiveError, ReceiveErrorKind, Text};

/// A status code that may stand in a Close frame (RFC 6455 §7.4.1, §7.4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CloseCode(u16);

impl CloseCode {
    /// 1000: the purpose of the connection is fulfilled.
    pub const NORMAL: Self = Self(1000);
    /// 1001: the server stops, or a browser leaves the page.
    pub const GOING_AWAY: Self = Self(1001);
    /// 1002: the peer broke the protocol.
    pub const PROTOCOL_ERROR: Self = Self(1002);
    /// 1003: a kind of message that is not taken, such as binary where text is meant.
    pub const UNSUPPORTED_DATA: Self = Self(1003);
    /// 1007: data that is not what its message says, such as text that is not UTF-8.
    pub const INVALID_PAYLOAD: Self = Self(1007);
    /// 1008: not allowed, and no other code says why.
    pub const POLICY_VIOLATION: Self = Self(1008);
    /// 1009: a message too big.
    pub const TOO_BIG: Self = Self(1009);
    /// 1010: a client misses an extension. A server never begins with it.
    pub const MANDATORY_EXTENSION: Self = Self(1010);
    /// 1011: the server met a condition that it cannot go on in.
    pub const INTERNAL_ERROR: Self = Self(1011);
    /// 1012: the server restarts; come back after a random wait.
    pub const SERVICE_RESTART: Self = Self(1012);
    /// 1013: the server is overloaded; come back later, or elsewhere.
    pub const TRY_AGAIN_LATER: Self = Self(1013);
    /// 1014: a gateway got a bad answer from the server behind it.
    pub const BAD_GATEWAY: Self = Self(1014);

    /// Takes a code that may be sent: 1000 to 1003, 1007 to 1014, 3000 to 4999.
    ///
    /// 1005, 1006 and 1015 stand for what no Close frame said; 1004 and the rest below 3000 have no meaning.
    #[must_use]
    pub const fn new(code: u16) -> Option<Self> {
        match code {
            1000..=1003 | 1007..=1014 | 3000..=4999 => Some(Self(code)),
            _ => None,
        }
    }

    /// Gives the number.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl core::fmt::Display for CloseCode {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.fmt(f)
    }
}

/// The longest reason: a control frame less its status code.
const MAX_REASON_LEN: usize = MAX_CONTROL_LEN - 2;

/// The payload of a Close frame: `reason` is cut to 123 octets between two characters.
pub(crate) fn encode(code: CloseCode, reason: &str) -> Box<[u8]> {
    let mut end = reason.len().min(MAX_REASON_LEN);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    let reason = reason.as_bytes().get(..end).unwrap_or_default();
    [&code.get().to_be_bytes(), reason].concat().into()
}

/// Decodes the whole payload of a Close frame, which began at `offset`.
pub(crate) fn decode(
    payload: &[u8],
    offset: u64,
) -> Result<(Option<CloseCode>, Text), ReceiveError> {
    let fault = |kind, at: usize| Err(ReceiveError::new(kind, offset.saturating_add(at as u64)));
    let Some((code, reason)) = payload.split_first_chunk::<2>() else {
        return if payload.is_empty() {
            Ok((None, Text::default()))
        } else {
            fault(ReceiveErrorKind::CloseTruncated, 0)
        };
    };
    let number = u16::from_be_bytes(*code);
    let Some(code) = CloseCode::new(number) else {
        return fault(ReceiveErrorKind::CloseCode { code: number }, 0);
    };
    match core::str::from_utf8(reason) {
        Ok(reason) => Ok((Some(code), Text::from(reason))),
        Err(error) => fault(ReceiveErrorKind::NotUtf8, 2 + error.valid_up_to()),
    }
}

#[cfg(test)]
mod tests;
