//! The opening handshake, over plain field lines of any HTTP parser (RFC 6455 §4).
//!
//! request: GET, HTTP/1.1, Host, `Upgrade: websocket`, `Connection: Upgrade`, Sec-WebSocket-Key, Sec-WebSocket-Version: 13
//! response: 101, `Upgrade: websocket`, `Connection: Upgrade`, Sec-WebSocket-Accept

mod client;
mod server;

pub use client::ClientHandshake;
pub use server::{Accepted, accept};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};

/// RFC 6455 §1.3: what a server that does not speak WebSocket would never append.
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Computes Sec-WebSocket-Accept from the value of Sec-WebSocket-Key: base64 of SHA-1 over the key's text and a fixed GUID
/// (RFC 6455 §4.2.2 step 5). White space around the key does not count.
///
/// ```
/// let accept = tidings_websocket::accept_key(b"dGhlIHNhbXBsZSBub25jZQ=="); // RFC 6455 §1.3
/// assert_eq!(&accept, b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
/// ```
#[must_use]
pub fn accept_key(key: &[u8]) -> [u8; 28] {
    let hash: [u8; 20] = Sha1::new()
        .chain_update(trim(key))
        .chain_update(GUID)
        .finalize()
        .into();
    let mut accept = [b'='; 28];
    // 20 octets are 28 characters of base64, so they fit.
    let _ = STANDARD.encode_slice(hash, &mut accept);
    accept
}

/// What is wrong with an opening handshake (RFC 6455 §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HandshakeError {
    /// A request of another HTTP version than 1.1 (RFC 6455 §4.2.1 item 1). Answer 505.
    #[error("HTTP/{major}.{minor} cannot be upgraded")]
    HttpVersion {
        /// The number before the point.
        major: u8,
        /// The number after it.
        minor: u8,
    },
    /// A method other than GET (RFC 6455 §4.2.1 item 1). Answer 405.
    #[error("only GET can be upgraded")]
    Method,
    /// Not exactly one Host (RFC 6455 §4.2.1 item 2). Answer 400.
    #[error("{count} Host fields, not one")]
    Host {
        /// How many there are.
        count: usize,
    },
    /// No token `websocket` in Upgrade (RFC 6455 §4.2.1 item 3). Answer 426.
    #[error("Upgrade does not name websocket")]
    Upgrade,
    /// No token `Upgrade` in Connection (RFC 6455 §4.2.1 item 4). Answer 400.
    #[error("Connection does not name Upgrade")]
    Connection,
    /// Not exactly one Sec-WebSocket-Key (RFC 6455 §4.2.1 item 5, §11.3.1). Answer 400.
    #[error("{count} Sec-WebSocket-Key fields, not one")]
    KeyCount {
        /// How many there are.
        count: usize,
    },
    /// A Sec-WebSocket-Key that is not base64 of 16 octets (RFC 6455 §4.2.1 item 5). Answer 400.
    #[error("Sec-WebSocket-Key is not base64 of 16 octets")]
    Key,
    /// Not exactly one Sec-WebSocket-Version of 13 (RFC 6455 §4.2.1 item 6, §4.4). Answer 426.
    #[error("Sec-WebSocket-Version is not 13, once")]
    Version,
    /// A response other than 101 (RFC 6455 §4.1 item 1 of the response): it is an answer of HTTP, to be read as such.
    #[error("the server answered {status}, not 101")]
    Status {
        /// The status.
        status: u16,
    },
    /// A response without exactly `Upgrade: websocket` (RFC 6455 §4.1).
    #[error("the server's Upgrade is not websocket")]
    AnswerUpgrade,
    /// A response without the token `Upgrade` in Connection (RFC 6455 §4.1).
    #[error("the server's Connection does not name Upgrade")]
    AnswerConnection,
    /// A response without exactly one Sec-WebSocket-Accept that fits the key (RFC 6455 §4.1).
    #[error("the server's Sec-WebSocket-Accept does not fit the key")]
    AnswerAccept,
    /// A response with an extension; none was offered (RFC 6455 §4.1).
    #[error("the server chose an extension that was not offered")]
    AnswerExtension,
    /// A response that does not fit the offer of permessage-deflate (RFC 6455 §9.1, RFC 7692 §7).
    #[error("the server's permessage-deflate does not fit the offer")]
    AnswerDeflate,
    /// A response with a subprotocol that was not asked for, or with two (RFC 6455 §4.1, §11.3.4).
    #[error("the server chose a subprotocol that was not asked for")]
    AnswerSubprotocol,
}

impl HandshakeError {
    /// Gives the status with which a server answers: 400, 405, 426 or 505. For a fault in a server's own answer it is 502,
    /// what a gateway in front of it would answer.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::HttpVersion { .. } => 505,
            Self::Method => 405,
            Self::Host { .. } | Self::Connection | Self::KeyCount { .. } | Self::Key => 400,
            Self::Upgrade | Self::Version => 426,
            Self::Status { .. }
            | Self::AnswerUpgrade
            | Self::AnswerConnection
            | Self::AnswerAccept
            | Self::AnswerExtension
            | Self::AnswerDeflate
            | Self::AnswerSubprotocol => 502,
        }
    }

    /// Gives the field lines that the answer must carry: Allow with 405, Upgrade and Sec-WebSocket-Version with 426.
    #[must_use]
    pub const fn fields(&self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Method => &[("Allow", "GET")],
            Self::Upgrade | Self::Version => {
                &[("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13")]
            }
            Self::HttpVersion { .. }
            | Self::Host { .. }
            | Self::Connection
            | Self::KeyCount { .. }
            | Self::Key
            | Self::Status { .. }
            | Self::AnswerUpgrade
            | Self::AnswerConnection
            | Self::AnswerAccept
            | Self::AnswerExtension
            | Self::AnswerDeflate
            | Self::AnswerSubprotocol => &[],
        }
    }

    /// Names the document and the section that hold the rule, as in "RFC 6455 §4.1".
    #[must_use]
    pub const fn section(&self) -> &'static str {
        match self {
            Self::HttpVersion { .. }
            | Self::Method
            | Self::Host { .. }
            | Self::Upgrade
            | Self::Connection
            | Self::KeyCount { .. }
            | Self::Key => "RFC 6455 §4.2.1",
            Self::Version => "RFC 6455 §4.4",
            Self::Status { .. }
            | Self::AnswerUpgrade
            | Self::AnswerConnection
            | Self::AnswerAccept
            | Self::AnswerExtension
            | Self::AnswerSubprotocol => "RFC 6455 §4.1",
            Self::AnswerDeflate => "RFC 7692 §7.1",
        }
    }
}

/// The values of every field line of that name, without white space around them.
pub(crate) fn values<'a>(
    fields: impl Iterator<Item = (&'a str, &'a [u8])>,
    name: &str,
) -> impl Iterator<Item = &'a [u8]> {
    fields
        .filter(move |(field, _)| field.eq_ignore_ascii_case(name))
        .map(|(_, value)| trim(value))
}

/// The only value of that name, or how many there are.
fn single<'a>(
    fields: impl Iterator<Item = (&'a str, &'a [u8])>,
    name: &str,
) -> Result<&'a [u8], usize> {
    let mut all = values(fields, name);
    match (all.next(), all.count()) {
        (Some(value), 0) => Ok(value),
        (None, _) => Err(0),
        (Some(_), more) => Err(1 + more),
    }
}

/// The elements of every field line of that name as one list (RFC 9110 §5.6.1): empty elements do not count.
fn elements<'a>(
    fields: impl Iterator<Item = (&'a str, &'a [u8])>,
    name: &str,
) -> impl Iterator<Item = &'a [u8]> {
    values(fields, name)
        .flat_map(|value| value.split(|octet| *octet == b','))
        .map(trim)
        .filter(|element| !element.is_empty())
}

/// Tells whether a list names a token, in any case.
fn names<'a>(fields: impl Iterator<Item = (&'a str, &'a [u8])>, name: &str, token: &str) -> bool {
    elements(fields, name).any(|element| element.eq_ignore_ascii_case(token.as_bytes()))
}

/// Cuts spaces and tabs off both ends.
fn trim(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

/// RFC 9110 §5.6.2.
pub(crate) fn is_token(name: &[u8]) -> bool {
    !name.is_empty()
        && name
            .iter()
            .all(|octet| octet.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(octet))
}

#[cfg(test)]
mod tests;
