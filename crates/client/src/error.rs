//! What can go wrong, and whether another attempt can mend it.

use core::fmt;
use core::time::Duration;
use std::io;

use crate::Transport;

/// Why a subscription ended, an attempt failed, or a publish was refused.
///
/// The display is one line; what lies beneath is in [`source`](core::error::Error::source).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The URL cannot be used.
    #[error("the URL `{url}` cannot be used: {why}")]
    Url {
        /// The URL as it was given.
        url: String,
        /// The rule that it breaks.
        why: &'static str,
    },
    /// No connection came about.
    #[error("cannot connect to {authority}")]
    Connect {
        /// Host and port.
        authority: String,
        /// What the system said.
        source: io::Error,
    },
    /// An open connection broke.
    #[error("the connection broke")]
    Io(#[from] io::Error),
    /// The peer stayed silent for too long.
    #[error("{what} took more than {} s", after.as_secs_f64())]
    Timeout {
        /// What was waited for.
        what: &'static str,
        /// The limit that passed.
        after: Duration,
    },
    /// The stream ended in the middle: the server stopped, or a proxy cut it.
    #[error("the server ended the stream")]
    Cut,
    /// The server answered with a status that is no success.
    #[error("the server answered {status}{}", Detail(detail.as_deref()))]
    Status {
        /// The status code.
        status: u16,
        /// What the body said, on one line: the `detail` or `title` of problem details (RFC 9457),
        /// the `message` of an `error` as model servers have it, else all of a JSON body.
        detail: Option<String>,
        /// The body, up to 8 KiB of it; what is not UTF-8 is replaced.
        body: String,
        /// The wait that `Retry-After` asked for.
        retry_after: Option<Duration>,
    },
    /// The server ended the stream with a reason.
    #[error("the stream ended: {reason}")]
    Ended {
        /// The reason.
        reason: EndReason,
    },
    /// The peer broke the rules of HTTP/1.1.
    #[error("the server breaks HTTP/1.1")]
    Http(#[source] tidings_http1::ReceiveError),
    /// The request cannot be written: a field name or value is out of form.
    #[error("the request cannot be written")]
    Request(#[source] tidings_http1::SendError),
    /// The answer to the opening handshake breaks RFC 6455.
    #[error("the opening handshake failed")]
    Handshake(#[source] tidings_websocket::HandshakeError),
    /// The peer broke the rules of WebSocket.
    #[error("the server breaks WebSocket")]
    WebSocket(#[source] tidings_websocket::ReceiveError),
    /// The event stream is beyond what the decoder accepts.
    #[error("the event stream cannot be read")]
    Sse(#[source] tidings_sse::ReceiveError),
    /// Something that should be JSON of the wire contract is not.
    #[error("{what} is not the JSON that it should be")]
    Json {
        /// What was read.
        what: &'static str,
        /// What the parser said.
        source: Box<dyn core::error::Error + Send + Sync>,
    },
    /// The server said something that the wire contract does not allow.
    #[error("the server breaks the wire contract: {0}")]
    Protocol(&'static str),
    /// The server refused with an error envelope.
    #[error("the server refused ({code}): {message}")]
    Refused {
        /// The word that names the error, such as `position`.
        code: String,
        /// The sentence that explains it.
        message: String,
    },
    /// Something is larger than the limit.
    #[error("{what} is larger than {max} octets")]
    TooLarge {
        /// What was too large.
        what: &'static str,
        /// The limit, in octets.
        max: usize,
    },
    /// No transport gets through: each was refused in its own way.
    #[error("no transport gets through: {}", Tried(tried))]
    NoTransport {
        /// What was tried, in this order, and what became of it.
        tried: Vec<(Transport, Self)>,
    },
    /// A certificate cannot be used, or there is none to trust.
    #[error("{what}")]
    Certificate {
        /// What is wrong.
        what: &'static str,
        /// What the parser or the system said.
        source: Option<Box<dyn core::error::Error + Send + Sync>>,
    },
    /// A channel cannot be joined.
    #[error("the channel `{channel}` cannot be joined: {why}")]
    Join {
        /// The name of the channel.
        channel: String,
        /// The rule that stands against it.
        why: &'static str,
    },
    /// A message cannot be sent now.
    #[error("the message was not sent: {why}")]
    Unsent {
        /// What stands against it.
        why: Unsent,
    },
    /// What was asked of a subscription does not fit together.
    #[error("{0}")]
    Setting(&'static str),
    /// The system yields no entropy.
    #[error("the system yields no entropy")]
    Entropy(#[source] Box<dyn core::error::Error + Send + Sync>),
}

/// The reason that a server gave for an end.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum EndReason {
    /// The channel was deleted: polls get 410, WebSockets close with 4010.
    Deleted,
    /// An event stream was answered 204, which says "do not come back" (WHATWG HTML 9.2.1).
    NoContent,
    /// The answer is whole, to a request that is made once
    /// ([`Subscribe::body`](crate::Subscribe::body)).
    Complete,
    /// The server refused a joined channel.
    Refused {
        /// The word or the status that names the fault, such as `position` or `403`.
        code: String,
        /// The sentence that explains it.
        message: String,
    },
    /// A WebSocket was closed with this status code and reason.
    Closed {
        /// The status code; 1005 stands for a Close frame without one.
        code: u16,
        /// The reason, without control characters.
        reason: String,
    },
}

impl fmt::Display for EndReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deleted => f.write_str("the channel was deleted"),
            Self::NoContent => f.write_str("the server answered 204, which asks to stay away"),
            Self::Complete => f.write_str("the answer is whole"),
            Self::Refused { code, message } => write!(f, "refused ({code}): {message}"),
            Self::Closed { code, reason } if reason.is_empty() => write!(f, "closed with {code}"),
            Self::Closed { code, reason } => write!(f, "closed with {code} ({reason})"),
        }
    }
}

/// Why a message cannot be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unsent {
    /// Only a WebSocket carries messages both ways.
    #[error("the transport is not a WebSocket")]
    NotWebSocket,
    /// The connection is being opened.
    #[error("no connection is open")]
    NotOpen,
    /// What was sent before waits for a slow peer: 1 MiB or more.
    #[error("the peer is too slow")]
    Full,
}

impl Error {
    /// Tells whether the same request may succeed later.
    ///
    /// These are broken connections, timeouts, the statuses 408, 429, 500, 502, 503 and 504, and
    /// closes with 1001, 1006, 1011, 1012, 1013, 1014 and 4008. All else ends a subscription.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Connect { .. }
            | Self::Io(_)
            | Self::Timeout { .. }
            | Self::Cut
            | Self::Unsent { .. } => true,
            Self::Status { status, .. } => is_transient_status(*status),
            Self::Ended {
                reason: EndReason::Closed { code, .. },
            } => {
                matches!(code, 1001 | 1006 | 1011..=1014 | 4008)
            }
            Self::Ended {
                reason:
                    EndReason::Deleted
                    | EndReason::NoContent
                    | EndReason::Complete
                    | EndReason::Refused { .. },
            }
            | Self::Url { .. }
            | Self::Http(_)
            | Self::Request(_)
            | Self::Handshake(_)
            | Self::WebSocket(_)
            | Self::Sse(_)
            | Self::Json { .. }
            | Self::Protocol(_)
            | Self::Refused { .. }
            | Self::TooLarge { .. }
            | Self::NoTransport { .. }
            | Self::Certificate { .. }
            | Self::Join { .. }
            | Self::Setting(_)
            | Self::Entropy(_) => false,
        }
    }

    /// The wait that the server asked for, if it did.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    pub(crate) fn json(what: &'static str, source: serde_json::Error) -> Self {
        Self::Json {
            what,
            source: source.into(),
        }
    }
}

/// The detail of a status, behind a colon; nothing where there is none.
struct Detail<'a>(Option<&'a str>);

impl fmt::Display for Detail<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |detail| write!(f, ": {detail}"))
    }
}

/// Tells whether a status says that the same request may succeed later.
pub(crate) const fn is_transient_status(status: u16) -> bool {
    matches!(status, 408 | 429 | 500 | 502 | 503 | 504)
}

/// What [`Error::Timeout`] waited for where a stream began with silence.
pub(crate) const FIRST_OCTETS: &str = "the first octets of the stream";

/// What [`Error::Timeout`] waited for where a stream that shows its life went silent.
pub(crate) const HEARTBEAT: &str = "the heartbeat of an event stream";

/// What [`Error::Timeout`] waited for where no connection came about.
pub(crate) const CONNECTING: &str = "connecting";

/// What became of each transport, and why.
struct Tried<'a>(&'a [(Transport, Error)]);

impl fmt::Display for Tried<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (transport, error)) in self.0.iter().enumerate() {
            let mark = if index == 0 { "" } else { "; " };
            write!(f, "{mark}{transport}: {error}")?;
        }
        Ok(())
    }
}

/// Makes text of a peer fit for one line: control characters become spaces, length is bounded.
pub(crate) fn one_line(text: &str) -> String {
    const MAX_CHARS: usize = 300;
    text.chars()
        .take(MAX_CHARS)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_is_one_line_and_says_what_the_server_said() {
        let rows = [
            (
                Error::Status {
                    status: 400,
                    detail: Some("after: bad".into()),
                    body: String::new(),
                    retry_after: None,
                },
                "the server answered 400: after: bad",
            ),
            (
                Error::Status {
                    status: 404,
                    detail: None,
                    body: String::new(),
                    retry_after: None,
                },
                "the server answered 404",
            ),
            (
                Error::Ended {
                    reason: EndReason::Deleted,
                },
                "the stream ended: the channel was deleted",
            ),
            (
                Error::Timeout {
                    what: "the answer",
                    after: Duration::from_millis(1500),
                },
                "the answer took more than 1.5 s",
            ),
        ];
        for (error, want) in rows {
            assert_eq!(error.to_string(), want);
        }
    }

    #[test]
    fn terminal_statuses_are_not_transient() {
        for status in [
            204, 301, 400, 401, 403, 404, 405, 410, 413, 415, 421, 422, 426, 501, 507,
        ] {
            let error = Error::Status {
                status,
                detail: None,
                body: String::new(),
                retry_after: None,
            };
            assert!(!error.is_transient(), "{status}");
        }
        for status in [408, 429, 500, 502, 503, 504] {
            let error = Error::Status {
                status,
                detail: None,
                body: String::new(),
                retry_after: None,
            };
            assert!(error.is_transient(), "{status}");
        }
    }

    #[test]
    fn close_codes_that_invite_to_come_back_are_transient() {
        let closed = |code| Error::Ended {
            reason: EndReason::Closed {
                code,
                reason: String::new(),
            },
        };
        for code in [1001, 1006, 1011, 1012, 1013, 1014, 4008] {
            assert!(closed(code).is_transient(), "{code}");
        }
        for code in [
            1000, 1002, 1003, 1005, 1007, 1008, 1009, 1010, 3000, 4001, 4010,
        ] {
            assert!(!closed(code).is_transient(), "{code}");
        }
    }

    #[test]
    fn text_of_a_peer_stays_on_one_line() {
        assert_eq!(one_line("a\r\nb\u{1b}[2Jc"), "a  b [2Jc");
        assert_eq!(one_line(&"x".repeat(5000)).len(), 300);
    }
}
