//! Octets told field by field, with the rule of each.
//!
//! [`explain`] walks what a codec accepts and names every part of it: its octets, what it means here,
//! and the section that defines it. Verdicts are the codecs' own: where one of them refuses the
//! input, the [`Fault`] tells the offset, the rule, and what the other end answers.
#![forbid(unsafe_code)]

mod http1;
mod recording;
mod sse;
mod websocket;

use core::fmt;
use core::ops::Range;
use core::str::FromStr;

pub use recording::{Part, Recording, Side};

/// What the octets are, and which side sent them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Protocol {
    /// HTTP/1.1 requests, one behind the other; WebSocket frames of the client behind an upgrade.
    Requests,
    /// HTTP/1.1 responses, each to a GET; WebSocket frames of the server behind a 101.
    Responses,
    /// WebSocket frames; the MASK bit of the first tells which side sent them (RFC 6455 §5.1).
    WebSocket,
    /// An event stream (WHATWG HTML §9.2).
    Sse,
}

impl Protocol {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Requests, Self::Responses, Self::WebSocket, Self::Sse];

    /// The word for it on a command line: `requests`, `responses`, `websocket` or `sse`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Responses => "responses",
            Self::WebSocket => "websocket",
            Self::Sse => "sse",
        }
    }

    /// Guesses from the first octets: a status line, a request line, a line of an event stream, else frames.
    ///
    /// ```
    /// use tidings_explain::Protocol;
    ///
    /// assert_eq!(Protocol::detect(b"GET / HTTP/1.1\r\n"), Protocol::Requests);
    /// assert_eq!(Protocol::detect(b"data: 21\n\n"), Protocol::Sse);
    /// assert_eq!(Protocol::detect(b"\x81\x05Hello"), Protocol::WebSocket);
    /// ```
    #[must_use]
    pub fn detect(octets: &[u8]) -> Self {
        const FIELDS: [&[u8]; 5] = [b":", b"data", b"event", b"id", b"retry"];
        let line = octets.split(|octet| matches!(octet, b'\r' | b'\n')).next();
        let line = line.unwrap_or_default();
        let words: Vec<&[u8]> = line.split(|octet| *octet == b' ').collect();
        let method = words.first().copied().unwrap_or_default();
        let stream = octets.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(octets);
        let field = |name: &&[u8]| {
            let rest = stream.strip_prefix(*name);
            rest.is_some_and(|rest| {
                name.len() == 1 || matches!(rest.first(), Some(b':' | b'\r' | b'\n'))
            })
        };
        if line.starts_with(b"HTTP/") {
            Self::Responses
        } else if words.len() > 1 && !method.is_empty() && method.iter().all(u8::is_ascii_uppercase)
        {
            Self::Requests
        } else if FIELDS.iter().any(field) {
            Self::Sse
        } else {
            Self::WebSocket
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The word names no protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownProtocol;

impl fmt::Display for UnknownProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a protocol is requests, responses, websocket or sse")
    }
}

impl core::error::Error for UnknownProtocol {}

impl FromStr for Protocol {
    type Err = UnknownProtocol;

    fn from_str(word: &str) -> Result<Self, UnknownProtocol> {
        Self::ALL
            .into_iter()
            .find(|protocol| protocol.as_str() == word)
            .ok_or(UnknownProtocol)
    }
}

/// One part of the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// Where it stands in the input. Spans follow one another; together they cover what was accepted.
    pub octets: Range<usize>,
    /// What the standard calls it.
    pub name: &'static str,
    /// What it says here.
    pub meaning: String,
    /// The section that defines it, such as `RFC 9112 §3`.
    pub section: &'static str,
}

/// Where the input breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The octet at which it is known, counted from the beginning of the input.
    pub offset: usize,
    /// What is wrong.
    pub what: String,
    /// The rule that it breaks, such as `RFC 9112 §3`.
    pub section: String,
    /// What the other end does.
    pub answer: String,
}

/// The input, told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Trace {
    /// Part by part, in order.
    pub spans: Vec<Span>,
    /// Where it breaks, if it does.
    pub fault: Option<Fault>,
    /// What the codec waits for at the end of the input, if it is in the middle of something.
    pub awaits: Option<&'static str>,
}

impl Trace {
    /// The first octet that no span covers yet.
    fn end(&self) -> usize {
        self.spans.last().map_or(0, |span| span.octets.end)
    }

    fn push(
        &mut self,
        len: usize,
        name: &'static str,
        meaning: impl Into<String>,
        section: &'static str,
    ) {
        if len == 0 {
            return;
        }
        let begin = self.end();
        self.spans.push(Span {
            octets: begin..begin + len,
            name,
            meaning: meaning.into(),
            section,
        });
    }

    /// Appends another trace whose offset 0 is the end of this one.
    fn append(&mut self, other: Self) {
        let base = self.end();
        self.spans.extend(other.spans.into_iter().map(|span| Span {
            octets: span.octets.start + base..span.octets.end + base,
            ..span
        }));
        self.fault = other.fault.map(|fault| Fault {
            offset: fault.offset + base,
            ..fault
        });
        self.awaits = other.awaits;
    }
}

/// Tells the octets of one side of a connection.
///
/// ```
/// use tidings_explain::{Protocol, explain};
///
/// let trace = explain(Protocol::Sse, b"id: 7\ndata: hello\n\n");
/// let told: Vec<_> = trace.spans.iter().map(|span| (span.name, span.meaning.as_str())).collect();
/// assert_eq!(told[0], ("id", "the last event ID is 7 from here on"));
/// assert_eq!(told[2].1, "dispatches an event of type message with data \"hello\" and ID \"7\"");
/// ```
#[must_use]
pub fn explain(protocol: Protocol, octets: &[u8]) -> Trace {
    match protocol {
        Protocol::Requests => http1::requests(octets),
        Protocol::Responses => http1::responses(octets),
        Protocol::WebSocket => websocket::frames(octets),
        Protocol::Sse => sse::stream(octets),
    }
}

/// Octets as one line of text: what cannot be shown is escaped, what is long is shortened.
fn show(octets: &[u8]) -> String {
    const MOST: usize = 60;
    let quote = |c: &char| matches!(c, '"' | '\'');
    let mut text = String::new();
    match core::str::from_utf8(octets) {
        Ok(whole) => {
            for c in whole.chars().take(MOST) {
                if quote(&c) {
                    text.push(c);
                } else {
                    text.extend(c.escape_debug());
                }
            }
        }
        Err(_) => {
            let shown = octets
                .iter()
                .take(MOST)
                .flat_map(|octet| octet.escape_ascii());
            text.extend(shown.map(char::from));
        }
    }
    if octets.len() > MOST {
        text.push_str(" …");
    }
    text
}

/// Holds the README to its word.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(test)]
mod tests;
