//! An open subscription: moves octets between a connection and a session, and connects again.
//!
//! Waiting -> Connecting -> Open -> Waiting …, and Closed for good.
//!
//! All state is in the [`Subscription`]; the future of `next` holds none. Every await is on
//! something that may be dropped and asked again: a time, a connection attempt that is kept in
//! the state, or a read and a write into buffers of the connection.

use core::fmt;

use bytes::BytesMut;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::dice::Dice;
use crate::io::{Dialer, Dialing, Io};
use crate::subscribe::{Ask, Start, Subscribe};
use crate::transport::{Context, Session, Step};
use crate::{Error, Item, Transport, Url};

/// A subscription that is open: a stream of messages and gaps that survives cuts.
pub struct Subscription {
    core: Core,
    /// Where to go back to when a temporary redirect has served (RFC 9110 §15.4): the URL, and
    /// the field lines that are meant for it.
    home: (Url, Vec<(String, String)>),
    transport: Transport,
    session: Box<dyn Session>,
    state: State,
    dialer: Dialer,
}

/// What a session is given at every call, apart from the buffers.
struct Core {
    ask: Ask,
    position: Option<String>,
    dice: Dice,
    origin: Instant,
}

impl Core {
    fn context<'a>(&'a mut self, out: &'a mut BytesMut) -> Context<'a> {
        Context {
            ask: &self.ask,
            position: &mut self.position,
            out,
            dice: &mut self.dice,
            now: self.origin.elapsed(),
        }
    }
}

enum State {
    /// The next attempt is due at `until`.
    Waiting {
        until: Instant,
    },
    /// The attempt is kept here, so that it goes on when a call of `next` is dropped.
    Connecting {
        dialing: Dialing,
        deadline: Instant,
    },
    Open(Io),
    Closed,
}

impl Subscription {
    pub(crate) async fn open(subscribe: Subscribe) -> Result<Self, Error> {
        let Subscribe {
            ask,
            transport,
            dialer,
        } = subscribe;
        let origin = Instant::now();
        let position = match &ask.start {
            Start::After(position) => Some(position.clone()),
            Start::Latest | Start::Earliest | Start::Back(_) => None,
        };
        let mut subscription = Self {
            home: (ask.url.clone(), ask.fields.clone()),
            transport,
            session: transport.session(&ask),
            state: State::Waiting { until: origin },
            dialer,
            core: Core {
                ask,
                position,
                dice: Dice::new(),
                origin,
            },
        };
        loop {
            let step = subscription.advance().await?;
            let opened = matches!(step, Step::Opened);
            subscription.follow(step);
            if opened {
                return Ok(subscription);
            }
        }
    }

    /// Waits for the next message or gap.
    ///
    /// A cut is not told: the subscription connects again, with jittered backoff, for as long as
    /// it takes, and resumes at its position. `None` comes after an error, and for ever.
    ///
    /// Cancel-safe: a dropped future loses nothing, the next call goes on where it was.
    ///
    /// # Errors
    ///
    /// An error that another attempt cannot mend ends the subscription.
    pub async fn next(&mut self) -> Option<Result<Item, Error>> {
        loop {
            if matches!(self.state, State::Closed) {
                return None;
            }
            let result = match self.advance().await {
                Ok(step) => Ok(self.follow(step)),
                Err(error) if error.is_transient() => self.wait_after(&error).map(|()| None),
                Err(error) => Err(error),
            };
            match result {
                Ok(None) => {}
                Ok(Some(item)) => return Some(Ok(item)),
                Err(error) => {
                    self.hang_up(State::Closed);
                    return Some(Err(error));
                }
            }
        }
    }

    /// The position of what was handed out last. `None` where the server gives no positions.
    #[must_use]
    pub fn position(&self) -> Option<&str> {
        self.core.position.as_deref()
    }

    /// The transport in use.
    #[must_use]
    pub const fn transport(&self) -> Transport {
        self.transport
    }

    /// Goes on at the same position over another transport.
    ///
    /// Messages that were received and not handed out are asked for again. The subscription
    /// stays closed where it is closed.
    pub fn switch(&mut self, transport: Transport) {
        if !matches!(self.state, State::Closed) {
            self.transport = transport;
            self.session = transport.session(&self.core.ask);
            self.hang_up(State::Waiting {
                until: Instant::now(),
            });
        }
    }

    /// Ends the subscription: a WebSocket is closed with a handshake, in bounded time.
    pub async fn close(mut self) {
        let deadline = Instant::now() + self.core.ask.limits.close_timeout;
        let State::Open(io) = &mut self.state else {
            return;
        };
        if matches!(
            self.session.close(&mut self.core.context(&mut io.out)),
            Ok(true)
        ) {
            // Messages may stand before the peer's goodbye; any error is that end.
            while let Ok(Ok(_)) = timeout_at(deadline, self.advance()).await {}
        }
        self.hang_up(State::Closed);
    }

    /// Goes on until there is a step. Cancel-safe, as `next` is.
    async fn advance(&mut self) -> Result<Step, Error> {
        loop {
            match &mut self.state {
                State::Waiting { until } => {
                    sleep_until(*until).await;
                    let Ask { url, limits, .. } = &self.core.ask;
                    self.state = State::Connecting {
                        dialing: self.dialer.dial(url.host(), url.port()),
                        deadline: Instant::now() + limits.connect_timeout,
                    };
                }
                State::Connecting { dialing, deadline } => {
                    let dialed = timeout_at(*deadline, dialing).await;
                    let Ask { url, limits, .. } = &self.core.ask;
                    let stream = dialed
                        .map_err(|_| Error::Timeout {
                            what: "connecting",
                            after: limits.connect_timeout,
                        })?
                        .map_err(|source| Error::Connect {
                            authority: url.authority(),
                            source,
                        })?;
                    let mut io = Io::new(stream);
                    self.session.begin(&mut self.core.context(&mut io.out))?;
                    self.state = State::Open(io);
                }
                State::Open(io) => {
                    if let Some(step) = turn(io, self.session.as_mut(), &mut self.core).await? {
                        return Ok(step);
                    }
                }
                State::Closed => return Err(Error::Cut),
            }
        }
    }

    /// Acts on a step; an item is the caller's.
    fn follow(&mut self, step: Step) -> Option<Item> {
        match step {
            Step::Opened => {
                tracing::debug!(url = %self.core.ask.url, transport = %self.transport, "open");
            }
            Step::Item(item) => return Some(item),
            Step::Reconnect { at } => {
                self.hang_up(State::Waiting {
                    until: self.core.origin + at,
                });
            }
            Step::Redirect { url, permanent } => {
                let ask = &mut self.core.ask;
                if url.authority() != ask.url.authority() {
                    // They may be credentials, and they were given for another host.
                    ask.fields.clear();
                }
                ask.url = url;
                if permanent {
                    self.home = (ask.url.clone(), ask.fields.clone());
                }
                self.hang_up(State::Waiting {
                    until: Instant::now(),
                });
            }
        }
        None
    }

    /// Plans the next attempt after a cut.
    fn wait_after(&mut self, error: &Error) -> Result<(), Error> {
        let mut unsent = BytesMut::new();
        let mut cx = self.core.context(&mut unsent);
        let at = self.session.cut(error, &mut cx)?;
        tracing::warn!(
            error = error as &dyn core::error::Error,
            url = %cx.ask.url,
            wait_ms = at.saturating_sub(cx.now).as_millis(),
            "the subscription was cut, it connects again"
        );
        (self.core.ask.url, self.core.ask.fields) = self.home.clone();
        self.hang_up(State::Waiting {
            until: self.core.origin + at,
        });
        Ok(())
    }

    /// Leaves the connection, with a last chance for a goodbye that waits to be written.
    fn hang_up(&mut self, next: State) {
        if let State::Open(io) = &mut self.state {
            io.write_what_fits();
        }
        self.state = next;
    }
}

/// One turn of an open connection: what is in the buffers, else the end, else the clock, else
/// the wire.
async fn turn(
    io: &mut Io,
    session: &mut dyn Session,
    core: &mut Core,
) -> Result<Option<Step>, Error> {
    let mut cx = core.context(&mut io.out);
    if let Some(step) = session.receive(&mut io.input, &mut cx)? {
        return Ok(Some(step));
    }
    if io.ended {
        return match session.receive_eof(&mut io.input, &mut cx)? {
            Some(step) => Ok(Some(step)),
            None => Err(Error::Cut),
        };
    }
    let due = session.poll_timeout();
    if due.is_some_and(|due| due <= cx.now) {
        return session.handle_timeout(&mut cx);
    }
    let progress = io.progress();
    match due {
        Some(due) => match timeout_at(core.origin + due, progress).await {
            Ok(progress) => progress?,
            // The next turn acts on the time that has come.
            Err(_) => return Ok(None),
        },
        None => progress.await?,
    }
    Ok(None)
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Waiting { .. } => "waiting",
            State::Connecting { .. } => "connecting",
            State::Open(_) => "open",
            State::Closed => "closed",
        };
        f.debug_struct("Subscription")
            .field("url", &self.core.ask.url)
            .field("transport", &self.transport)
            .field("position", &self.core.position)
            .field("state", &state)
            .finish_non_exhaustive()
    }
}
