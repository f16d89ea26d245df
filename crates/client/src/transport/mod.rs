//! The four ways to read a channel, each a state machine without I/O.
//!
//! | file | asks | resumes by |
//! |---|---|---|
//! | `short_poll` | again and again, at an interval | `If-None-Match`, first `?after=` |
//! | `long_poll` | again at once; the server holds the answer | `If-None-Match`, first `?after=` |
//! | `sse` | once; one answer that does not end | `Last-Event-ID` |
//! | `websocket` | once; frames after an upgrade | `?after=` and `tidings.v1` |
//!
//! All have the shape of [`Session`]. `exchange` is one request and its whole answer, `poll` is
//! what both polls share, `envelope` is what `tidings.v1` says in frames.

mod envelope;
mod exchange;
mod long_poll;
mod poll;
mod retry;
mod short_poll;
mod sse;
mod websocket;

use core::fmt;
use core::str::FromStr;
use core::time::Duration;

use bytes::BytesMut;

pub(crate) use exchange::{Answer, Exchange, status_error};
pub(crate) use retry::{Retry, part};

use crate::dice::Dice;
use crate::joins::Joins;
use crate::subscribe::Ask;
use crate::{Data, Error, Item, Unsent, Url};

/// The way a channel is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transport {
    /// A request at every interval, answered at once.
    ShortPoll,
    /// A request that the server holds until there is news.
    LongPoll,
    /// Server-Sent Events: one answer that does not end.
    Sse,
    /// A WebSocket.
    WebSocket,
}

impl Transport {
    /// All four, from the plainest to the richest.
    pub const ALL: [Self; 4] = [Self::ShortPoll, Self::LongPoll, Self::Sse, Self::WebSocket];

    /// The word for it on a command line: `short-poll`, `long-poll`, `sse` or `websocket`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ShortPoll => "short-poll",
            Self::LongPoll => "long-poll",
            Self::Sse => "sse",
            Self::WebSocket => "websocket",
        }
    }

    pub(crate) fn session(self, ask: &Ask) -> Box<dyn Session> {
        match self {
            Self::ShortPoll => Box::new(short_poll::ShortPoll::session(ask)),
            Self::LongPoll => Box::new(long_poll::LongPoll::session(ask)),
            Self::Sse => Box::new(sse::Sse::session(ask)),
            Self::WebSocket => Box::new(websocket::WebSocket::session(Retry::new())),
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The word names no transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a transport is short-poll, long-poll, sse or websocket")]
pub struct UnknownTransport;

impl FromStr for Transport {
    type Err = UnknownTransport;

    fn from_str(word: &str) -> Result<Self, UnknownTransport> {
        Self::ALL
            .into_iter()
            .find(|transport| transport.as_str() == word)
            .ok_or(UnknownTransport)
    }
}

/// What a session is given at every call.
pub(crate) struct Context<'a> {
    pub(crate) ask: &'a Ask,
    /// Everything up to here was handed out. A session moves it with each item that it returns.
    pub(crate) position: &'a mut Option<String>,
    /// The channels that a WebSocket carries besides.
    pub(crate) joins: &'a mut Joins,
    /// Octets to write.
    pub(crate) out: &'a mut BytesMut,
    pub(crate) dice: &'a mut Dice,
    /// Time since the origin of the subscription.
    pub(crate) now: Duration,
}

/// What a session has to say.
#[derive(Debug)]
pub(crate) enum Step {
    /// The server accepted the request. Said once a connection, before its items.
    Opened {
        /// No octets are due before the first message: what can be known is known.
        served: bool,
    },
    /// The first octets of the stream came, where they are due. Said once a connection.
    Served,
    /// Something to hand out.
    Item(Item),
    /// All is well, and a fresh connection is needed at `at`.
    Reconnect { at: Duration },
    /// The resource lives elsewhere; for good where `permanent`.
    Redirect { url: Url, permanent: bool },
}

/// One transport: octets in, steps out. It lives as long as the subscription, over many
/// connections, and keeps its own schedule of attempts.
///
/// An error that [is transient](Error::is_transient) means that the connection is done for:
/// [`cut`](Self::cut) then tells when to connect again. Any other error ends the subscription.
pub(crate) trait Session: Send {
    /// A connection is open: writes the request.
    fn begin(&mut self, cx: &mut Context<'_>) -> Result<(), Error>;

    /// Writes what the caller asked for since.
    fn prepare(&mut self, _cx: &mut Context<'_>) -> Result<(), Error> {
        Ok(())
    }

    /// Writes a message of the caller's, where the transport carries messages both ways.
    fn send(&mut self, _data: &Data, _cx: &mut Context<'_>) -> Result<(), Error> {
        let why = Unsent::NotWebSocket;
        Err(Error::Unsent { why })
    }

    /// Tells whether [`send`](Self::send) would take a message while `out_len` octets wait.
    fn can_send(&self, _out_len: usize) -> bool {
        false
    }

    /// Takes octets off `input`. `None` needs more of them.
    fn receive(
        &mut self,
        input: &mut BytesMut,
        cx: &mut Context<'_>,
    ) -> Result<Option<Step>, Error>;

    /// The peer ended its side and `receive` said all that it could.
    fn receive_eof(
        &mut self,
        input: &mut BytesMut,
        cx: &mut Context<'_>,
    ) -> Result<Option<Step>, Error>;

    /// Gives the step in place of an error that is no failure of the transport, but of what it
    /// asked for.
    fn forgive(&mut self, _error: &Error, _cx: &mut Context<'_>) -> Option<Step> {
        None
    }

    /// The connection is gone because of `error`: returns the time to connect again.
    fn cut(&mut self, error: &Error, cx: &mut Context<'_>) -> Result<Duration, Error>;

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    fn poll_timeout(&self) -> Option<Duration>;

    /// Acts on a time that has come.
    fn handle_timeout(&mut self, cx: &mut Context<'_>) -> Result<Option<Step>, Error>;

    /// The caller wants no more: writes the goodbye, if the protocol has one, and tells whether
    /// the peer's goodbye is worth a wait.
    fn close(&mut self, cx: &mut Context<'_>) -> Result<bool, Error>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transport_is_read_as_it_is_shown() {
        for transport in Transport::ALL {
            assert_eq!(transport.to_string().parse(), Ok(transport));
        }
        assert_eq!("SSE".parse::<Transport>(), Err(UnknownTransport));
    }
}
