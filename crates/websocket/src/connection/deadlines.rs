//! What time does to a connection: Pings after silence, and waits that end (RFC 6455 §5.5.2, §7.1.1).

use core::time::Duration;

use super::{Connection, State, without_close};
use crate::{CloseCode, ClosedBy, Config, Event, Role};

/// How an open connection finds out that its peer is gone.
#[derive(Debug, Clone, Copy)]
pub(super) enum Watch {
    /// The peer is pinged at `ping_at`, if nothing comes before.
    Listening { ping_at: Option<Duration> },
    /// A Ping waits to be written. The peer owes nothing yet.
    PingQueued,
    /// It was handed out. The wait for its answer starts with the next time that is told.
    PingWritten,
    /// Any octet of the peer is an answer.
    AwaitingPong { until: Duration },
}

impl Watch {
    pub(super) fn listen(config: &Config, now: Duration) -> Self {
        Self::Listening {
            ping_at: config.ping_after.map(|after| now.saturating_add(after)),
        }
    }
}

impl<R: Role> Connection<R> {
    /// Gives the time at which [`handle_timeout`](Self::handle_timeout) is due; `None` while nothing is awaited.
    ///
    /// Ask again after every other call. After a Ping was handed out it is due at once, since only then the wait for the
    /// answer starts. While a Ping waits to be handed out, the peer owes nothing and nothing is due: that the peer takes no
    /// octets is for whoever writes to notice.
    #[must_use]
    pub const fn poll_timeout(&self) -> Option<Duration> {
        match self.state {
            State::Open(Watch::Listening { ping_at }) => ping_at,
            State::Open(Watch::PingQueued) | State::Ended => None,
            State::Open(Watch::PingWritten) => Some(Duration::ZERO),
            State::Open(Watch::AwaitingPong { until: due })
            | State::Closing { deadline: due }
            | State::Ending { deadline: due } => Some(due),
        }
    }

    /// Does what is due at `now`: queues a Ping, gives up on a peer that does not answer it, ends a closing handshake that
    /// takes too long. Does nothing before its time.
    pub fn handle_timeout(&mut self, now: Duration) -> Option<Event> {
        match self.state {
            State::Open(Watch::Listening {
                ping_at: Some(ping_at),
            }) if now >= ping_at => {
                self.state = State::Open(Watch::PingQueued);
                None
            }
            State::Open(Watch::PingWritten) => {
                let until = now.saturating_add(self.config.pong_timeout);
                self.state = State::Open(Watch::AwaitingPong { until });
                None
            }
            State::Open(Watch::AwaitingPong { until }) if now >= until => {
                Some(self.fail(ClosedBy::Timeout, CloseCode::INTERNAL_ERROR, now))
            }
            State::Closing { deadline } if now >= deadline => {
                self.abandon();
                Some(without_close(ClosedBy::Timeout))
            }
            State::Ending { deadline } if now >= deadline => {
                self.abandon();
                None
            }
            State::Open(
                Watch::Listening { .. } | Watch::PingQueued | Watch::AwaitingPong { .. },
            )
            | State::Closing { .. }
            | State::Ending { .. }
            | State::Ended => None,
        }
    }
}
