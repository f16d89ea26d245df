//! The two ends of a connection. Each takes octets in, gives events out, and writes octets for the peer.

mod client;
mod server;

use bytes::{Buf, Bytes, BytesMut};

use crate::error::{ErrorKind, ReceiveError};
use crate::head::RequestHead;
use crate::leniency::Config;
use crate::plain;
use crate::scan::{Fault, Part, Scanner};

pub use client::{ClientConnection, ClientEvent};
pub use server::{ServerConnection, ServerEvent};

/// What becomes of the connection once a message is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Next {
    /// It may carry another request.
    Reuse,
    /// It must be closed: first the writing side, then the rest after a short wait for the
    /// peer's last octets (RFC 9112 §9.6), or a reset may destroy the response on its way.
    Close(CloseReason),
}

/// Why a connection cannot be used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CloseReason {
    /// The peer sent `Connection: close`.
    PeerAsked,
    /// We sent, or were told to send, `Connection: close`.
    WeAsked,
    /// The peer speaks HTTP/1.0 and did not ask for `keep-alive`.
    Http10,
    /// The close of the connection delimits the content.
    UntilClose,
    /// The peer broke a rule, so its octets cannot be told apart any more.
    PeerFailed,
    /// The client waits for `100 Continue`: whether its content follows the final response is open.
    ExpectationUnmet,
    /// The response came before the request was sent in full.
    RequestUnfinished,
    /// Content-Length stood beside Transfer-Encoding, and [`te_over_cl`](crate::Leniency::te_over_cl)
    /// let it pass (RFC 9112 §6.1).
    LengthAndCoding,
}

/// A head that is being looked for at the front of the input.
#[derive(Debug)]
pub(crate) struct HeadSearch {
    scan: Scanner,
    part: Part,
    blank_lines: usize,
    /// Offset of the first octet of the input.
    at: u64,
}

impl HeadSearch {
    pub(crate) fn new(part: Part, at: u64) -> Self {
        Self {
            scan: Scanner::new(part),
            part,
            blank_lines: 0,
            at,
        }
    }

    /// Takes one octet more that decides nothing.
    #[inline]
    fn goes_on(&mut self, input: &[u8]) -> bool {
        self.scan.goes_on(input)
    }

    /// Whether no octet was looked at and there are enough for a head: what came in parts was looked at.
    fn may_be_whole(&self, input: &[u8]) -> bool {
        self.scan.scanned() == 0 && input.len() >= plain::SHORTEST
    }

    /// The request whose head is `raw`, once [`find`](Self::find) has found its end.
    pub(crate) fn request(&self, raw: Bytes, config: &Config) -> Result<RequestHead, ReceiveError> {
        self.judge(RequestHead::parse(raw, &self.scan, config.leniency))
    }

    /// The length of the head at the front of `input`, once it is all there.
    pub(crate) fn find(
        &mut self,
        input: &mut BytesMut,
        config: &Config,
    ) -> Result<Option<usize>, ReceiveError> {
        // RFC 9112 §2.2: a server skips blank lines in front of a request line.
        while self.part == Part::Request && input.first() == Some(&b'\r') {
            if self.blank_lines >= config.limits.max_blank_lines {
                return Err(ReceiveError::new(ErrorKind::TooManyBlankLines, self.at));
            }
            match input.get(1) {
                None => return Ok(None),
                Some(b'\n') => {
                    input.advance(2);
                    self.at += 2;
                    self.blank_lines += 1;
                }
                Some(_) => return Err(ReceiveError::new(ErrorKind::BareCr, self.at)),
            }
        }
        let end = self.scan.scan(input, config);
        self.judge(end)
    }

    /// A verdict on the head, with offsets of the connection.
    pub(crate) fn judge<T>(&self, verdict: Result<T, Fault>) -> Result<T, ReceiveError> {
        verdict.map_err(|Fault { kind, at }| ReceiveError::new(kind, self.at + at as u64))
    }

    /// The error of an input that ends with `input`.
    fn truncated(&self, input: &BytesMut) -> ReceiveError {
        ReceiveError::new(ErrorKind::Truncated, self.at + input.len() as u64)
    }
}
