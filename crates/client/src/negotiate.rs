//! Which transport, and why: a state machine without I/O and without a clock.
//!
//! ```text
//!           accepted            octets came            HOLD is over on a connection beside it
//! Asked --------------> Mute ------------------> Served ----------------------> Asked, one better
//!   |                    | PROOF is over           | cut again and again
//!   +--------------------+-------------------------+----> Asked, one plainer
//! ```
//!
//! It begins with the richest transport. What does not get through gives way to the next plainer
//! one: a refused upgrade, an answer that is something else, silence where octets are due, a
//! connection that is cut again and again, heartbeats that stay away. What is the server's affair and not the path's does
//! not count: nobody listens, it restarts, it asks to come back later. A plain transport that
//! serves is not the end: the better ones are tried again beside it, in growing pauses.

use core::fmt;
use core::time::Duration;

use crate::error::{CONNECTING, HEARTBEAT, is_transient_status};
use crate::transport::part;
use crate::{EndReason, Error, Transport};

/// The order in which transports are chosen.
pub(crate) const LADDER: [Transport; 4] = [
    Transport::WebSocket,
    Transport::Sse,
    Transport::LongPoll,
    Transport::ShortPoll,
];

/// A connection that lived so long was no failure of the path: twice the heartbeat of a server.
const GOOD: Duration = Duration::from_secs(30);
/// Failures in a row, each of a shorter life, that a transport is given.
const MAX_CUTS: u32 = 3;
/// How long a better transport must hold beside the one in use: two of the 5 s after which the
/// strictest proxies cut what is idle.
pub(crate) const HOLD: Duration = Duration::from_secs(10);
/// The pause before better transports are tried again. It doubles with each time in vain.
const FIRST_PAUSE: Duration = Duration::from_secs(60);
const MAX_PAUSE: Duration = Duration::from_secs(3600);

/// The transport that a subscription chose, and why.
///
/// ```
/// # use tidings_client::{Chosen, Item};
/// fn tell(item: &Item) {
///     if let Item::Transport(chosen) = item {
///         eprintln!("via {chosen}"); // such as "via sse: websocket was refused with 426"
///     }
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Chosen {
    /// The transport.
    pub transport: Transport,
    /// Why this one.
    pub why: Why,
}

/// Why a transport was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Why {
    /// It is the first choice.
    First,
    /// The server, or a proxy, refused a better one with a status.
    Refused {
        /// The better one.
        transport: Transport,
        /// The status code.
        status: u16,
    },
    /// The answer to a better one was something else.
    Unfit {
        /// The better one.
        transport: Transport,
    },
    /// Nothing came over a better one although octets were due: a proxy holds them back.
    Silent {
        /// The better one.
        transport: Transport,
    },
    /// A better one was cut again and again.
    Cut {
        /// The better one.
        transport: Transport,
    },
    /// It gets through, and is better than what was in use.
    Better,
    /// The server is silent, and has nothing but this.
    Quiet,
}

impl fmt::Display for Chosen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { transport, why } = self;
        match why {
            Why::First => write!(f, "{transport}"),
            Why::Refused {
                transport: other,
                status,
            } => {
                write!(f, "{transport}: {other} was refused with {status}")
            }
            Why::Unfit { transport: other } => {
                write!(f, "{transport}: the answer was no {other}")
            }
            Why::Silent { transport: other } => {
                write!(f, "{transport}: nothing came by {other}")
            }
            Why::Cut { transport: other } => {
                write!(f, "{transport}: {other} was cut again and again")
            }
            Why::Better => write!(f, "{transport}: it gets through"),
            Why::Quiet => write!(f, "{transport}: the server is silent, and has nothing else"),
        }
    }
}

/// What to do after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Come back by the same transport, when its own schedule says.
    Stay,
    /// Go on at once over the transport that is chosen by now.
    Change,
    /// Nothing helps.
    End,
}

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    /// The stream is silent although octets are due: what to do.
    Silence(Verdict),
    /// This transport is to be tried on a connection beside the one in use.
    Try(Transport),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The request is out, or about to be.
    Asked,
    /// It was accepted. Octets are due at `deadline`.
    Mute { deadline: Option<Duration> },
    /// Octets came first at `since`.
    Served { since: Duration },
}

/// The choice of a subscription.
#[derive(Debug, Clone)]
pub(crate) struct Negotiation {
    /// How long an accepted stream may be silent at its start.
    proof: Duration,
    chosen: Chosen,
    told: bool,
    phase: Phase,
    /// The transports that served once.
    served: [bool; LADDER.len()],
    /// Failures in a row of the transport in use.
    failures: u32,
    /// The status that the transport before this one was refused with.
    refused: Option<u16>,
    /// The event stream was silent; where nothing plainer is understood, that is its way.
    quiet: bool,
    /// Where to go back to, where a better transport that was chosen since fails.
    home: Option<Transport>,
    pause: Duration,
    next_try: Option<Duration>,
}

impl Negotiation {
    /// Begins with the first choice.
    pub(crate) const fn new(proof: Duration) -> Self {
        Self {
            proof,
            chosen: Chosen {
                transport: LADDER[0],
                why: Why::First,
            },
            told: false,
            phase: Phase::Asked,
            served: [false; LADDER.len()],
            failures: 0,
            refused: None,
            quiet: false,
            home: None,
            pause: FIRST_PAUSE,
            next_try: None,
        }
    }

    pub(crate) const fn chosen(&self) -> &Chosen {
        &self.chosen
    }

    /// A server accepted the request: octets are due from here on. Gives the choice where none
    /// ever come, and it was not told.
    pub(crate) fn opened(&mut self, now: Duration) -> Option<Chosen> {
        let quiet = self.chosen.why == Why::Quiet;
        self.phase = Phase::Mute {
            deadline: (!quiet).then(|| now.saturating_add(self.proof)),
        };
        (quiet && !core::mem::replace(&mut self.told, true)).then_some(self.chosen)
    }

    /// Octets of the stream came: the transport serves. Gives the choice where it was not told.
    pub(crate) fn served(&mut self, now: Duration, entropy: u64) -> Option<Chosen> {
        self.phase = Phase::Served { since: now };
        self.refused = None;
        let rung = rung(self.chosen.transport);
        if let Some(served) = self.served.get_mut(rung) {
            *served = true;
        }
        if rung == 0 {
            self.next_try = None;
        } else if self.next_try.is_none() {
            self.plan(now, entropy);
        }
        (!core::mem::replace(&mut self.told, true)).then_some(self.chosen)
    }

    /// A connection more is needed, as nothing failed: no octets are due meanwhile.
    pub(crate) fn reconnects(&mut self) {
        match self.phase {
            Phase::Mute { .. } => self.phase = Phase::Asked,
            Phase::Asked | Phase::Served { .. } => {}
        }
    }

    /// The connection is gone because of `error`.
    pub(crate) fn failed(&mut self, error: &Error, now: Duration) -> Verdict {
        let lived = match self.phase {
            Phase::Served { since } => Some(now.saturating_sub(since)),
            Phase::Asked | Phase::Mute { .. } => None,
        };
        self.phase = Phase::Asked;
        if lived.is_some_and(|lived| lived >= GOOD) {
            self.failures = 0;
            // It proved itself: there is no way back to what was before it.
            if self.home.take().is_some() {
                self.pause = FIRST_PAUSE;
            }
        }
        let transport = self.chosen.transport;
        match blame(error, lived.is_some()) {
            Blame::Nobody => Verdict::Stay,
            Blame::Caller => Verdict::End,
            // There is nothing else.
            Blame::Silent | Blame::Cut if self.chosen.why == Why::Quiet => Verdict::Stay,
            Blame::Unfit => self.step(Why::Unfit { transport }),
            Blame::Silent => self.step(Why::Silent { transport }),
            Blame::Cut => self.step_after_some(Why::Cut { transport }),
            Blame::Status(status) => self.refuse(status, error.is_transient()),
        }
    }

    /// Tells whether octets are due on a connection that was accepted.
    pub(crate) const fn is_mute(&self) -> bool {
        match self.phase {
            Phase::Mute { .. } => true,
            Phase::Asked | Phase::Served { .. } => false,
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    pub(crate) fn poll_timeout(&self) -> Option<Duration> {
        match self.phase {
            Phase::Asked => None,
            Phase::Mute { deadline } => deadline,
            Phase::Served { .. } => self.next_try,
        }
    }

    /// Acts on a time that has come.
    pub(crate) fn handle_timeout(&mut self, now: Duration) -> Option<Due> {
        if self.poll_timeout().is_none_or(|at| now < at) {
            return None;
        }
        match self.phase {
            Phase::Asked => None,
            Phase::Mute { .. } => {
                let transport = self.chosen.transport;
                self.phase = Phase::Asked;
                Some(Due::Silence(self.step(Why::Silent { transport })))
            }
            Phase::Served { .. } => {
                self.next_try = None;
                Some(Due::Try(LADDER[0]))
            }
        }
    }

    /// A better transport did not get through: gives the next one to try, if there is one.
    pub(crate) fn tried_in_vain(
        &mut self,
        transport: Transport,
        now: Duration,
        entropy: u64,
    ) -> Option<Transport> {
        let next = LADDER.get(rung(transport) + 1).copied();
        let next = next.filter(|next| rung(*next) < rung(self.chosen.transport));
        if next.is_none() {
            self.pause = self.pause.saturating_mul(2).min(MAX_PAUSE);
            self.plan(now, entropy);
        }
        next
    }

    /// A better transport held: it is chosen.
    pub(crate) fn tried_well(&mut self, transport: Transport) {
        self.home = Some(self.chosen.transport);
        // Should it fail, the next time is later.
        self.pause = self.pause.saturating_mul(2).min(MAX_PAUSE);
        self.choose(transport, Why::Better);
    }

    fn plan(&mut self, now: Duration, entropy: u64) {
        let jitter = part(self.pause / 4, entropy);
        self.next_try = Some(now.saturating_add(self.pause).saturating_add(jitter));
    }

    fn choose(&mut self, transport: Transport, why: Why) {
        self.chosen = Chosen { transport, why };
        self.told = false;
        self.phase = Phase::Asked;
        self.failures = 0;
        self.next_try = None;
    }

    /// Goes to the next plainer transport, or back to the one that served before this.
    fn step(&mut self, why: Why) -> Verdict {
        let from = self.chosen.transport;
        if let Some(home) = self.home.take() {
            self.choose(home, why);
            return Verdict::Change;
        }
        match (from, why) {
            (Transport::Sse, Why::Silent { .. }) => self.quiet = true,
            // Not even JSON: a server of another kind, whose event stream was only silent.
            (Transport::LongPoll | Transport::ShortPoll, Why::Unfit { .. })
                if !self.has_served(from) =>
            {
                return self.go_quiet();
            }
            (Transport::LongPoll | Transport::ShortPoll, Why::Refused { status, .. })
                if !self.has_served(from) && !is_transient_status(status) =>
            {
                return self.go_quiet();
            }
            (
                Transport::ShortPoll | Transport::LongPoll | Transport::Sse | Transport::WebSocket,
                _,
            ) => {}
        }
        match LADDER.get(rung(from) + 1) {
            Some(next) => {
                self.choose(*next, why);
                Verdict::Change
            }
            // There is nothing plainer: what may be mended by time is left to time.
            None => match why {
                Why::Silent { .. } | Why::Cut { .. } => Verdict::Stay,
                Why::First | Why::Refused { .. } | Why::Unfit { .. } | Why::Better | Why::Quiet => {
                    Verdict::End
                }
            },
        }
    }

    /// Goes back to the event stream, if all that was wrong with it was its silence.
    fn go_quiet(&mut self) -> Verdict {
        if core::mem::take(&mut self.quiet) && self.chosen.transport != Transport::Sse {
            self.choose(Transport::Sse, Why::Quiet);
            Verdict::Change
        } else {
            Verdict::End
        }
    }

    /// Goes on after a failure that a transport is allowed a few times, once it has served.
    fn step_after_some(&mut self, why: Why) -> Verdict {
        self.failures = self.failures.saturating_add(1);
        if self.has_served(self.chosen.transport) && self.failures < MAX_CUTS {
            Verdict::Stay
        } else {
            self.step(why)
        }
    }

    /// A refusal that the next transport repeats is about the resource, not about the transport.
    fn refuse(&mut self, status: u16, transient: bool) -> Verdict {
        let transport = self.chosen.transport;
        let why = Why::Refused { transport, status };
        let repeated = self.refused == Some(status);
        if transient && (repeated || rung(transport) + 1 == LADDER.len()) {
            Verdict::Stay
        } else if repeated {
            self.go_quiet()
        } else if transient && self.has_served(transport) {
            let verdict = self.step_after_some(why);
            if verdict == Verdict::Change {
                self.refused = Some(status);
            }
            verdict
        } else {
            self.refused = Some(status);
            self.step(why)
        }
    }

    fn has_served(&self, transport: Transport) -> bool {
        self.served
            .get(rung(transport))
            .is_some_and(|served| *served)
    }
}

/// How far from the first choice a transport is.
pub(crate) const fn rung(transport: Transport) -> usize {
    match transport {
        Transport::WebSocket => 0,
        Transport::Sse => 1,
        Transport::LongPoll => 2,
        Transport::ShortPoll => 3,
    }
}

/// Whose fault a failure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Blame {
    /// The server is away, or asks to come back.
    Nobody,
    /// What was asked for cannot be had by any transport.
    Caller,
    /// The answer was something else than this transport.
    Unfit,
    /// No answer came, or no octet of the stream.
    Silent,
    /// The connection broke.
    Cut,
    /// The request was refused.
    Status(u16),
}

fn blame(error: &Error, served: bool) -> Blame {
    match error {
        Error::Connect { .. } => Blame::Nobody,
        Error::Timeout { what, .. } if *what == CONNECTING => Blame::Nobody,
        // Who says when to come back, or that it restarts, knows what it says.
        Error::Status {
            retry_after: Some(_),
            ..
        }
        | Error::Ended {
            reason: EndReason::Closed { .. },
        } if error.is_transient() => Blame::Nobody,
        Error::Status { status, .. } => Blame::Status(*status),
        // It is not cut, so what is due is held back.
        Error::Timeout { what, .. } if *what == HEARTBEAT => Blame::Silent,
        Error::Timeout { .. } if !served => Blame::Silent,
        Error::Timeout { .. } | Error::Io(_) | Error::Cut => Blame::Cut,
        Error::Http(_)
        | Error::Handshake(_)
        | Error::WebSocket(_)
        | Error::Sse(_)
        | Error::Json { .. }
        | Error::Protocol(_) => Blame::Unfit,
        Error::Ended { .. }
        | Error::Url { .. }
        | Error::Request(_)
        | Error::Refused { .. }
        | Error::TooLarge { .. }
        | Error::NoTransport { .. }
        | Error::Certificate { .. }
        | Error::Join { .. }
        | Error::Unsent { .. }
        | Error::Setting(_)
        | Error::Entropy(_) => Blame::Caller,
    }
}

#[cfg(test)]
mod tests;
