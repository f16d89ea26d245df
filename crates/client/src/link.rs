//! One connection after the other over one transport: moves octets, connects again.
//!
//! Waiting -> Connecting -> Open -> Waiting …, and Closed for good.
//!
//! All state is in the [`Link`]; the future of `advance` holds none. Every await is on something
//! that may be dropped and asked again: a time, a connection attempt that is kept in the state,
//! or a read and a write into buffers of the connection.

use core::fmt;

use bytes::BytesMut;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::dice::Dice;
use crate::error::CONNECTING;
use crate::io::{Dialer, Dialing, Io};
use crate::joins::Joins;
use crate::subscribe::{Ask, Start};
use crate::transport::{Context, Session, Step};
use crate::{Data, Error, Item, Transport, Unsent, Url};

/// A cursor into one channel, or into several over a WebSocket, and the connection that moves it.
pub(crate) struct Link {
    pub(crate) core: Core,
    /// Where to go back to when a temporary redirect has served (RFC 9110 §15.4): the URL, and
    /// the field lines that are meant for it.
    home: (Url, Vec<(String, String)>),
    transport: Transport,
    session: Box<dyn Session>,
    state: State,
    dialer: Dialer,
}

/// What a session is given at every call, apart from the buffers.
pub(crate) struct Core {
    pub(crate) ask: Ask,
    pub(crate) position: Option<String>,
    pub(crate) joins: Joins,
    pub(crate) dice: Dice,
    pub(crate) origin: Instant,
}

impl Core {
    fn context<'a>(&'a mut self, out: &'a mut BytesMut) -> Context<'a> {
        Context {
            ask: &self.ask,
            position: &mut self.position,
            joins: &mut self.joins,
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

impl Link {
    /// Makes a link whose first attempt is due at once. `origin` is that of its times.
    pub(crate) fn new(
        ask: Ask,
        transport: Transport,
        dialer: Dialer,
        dice: Dice,
        origin: Instant,
    ) -> Self {
        let position = match &ask.start {
            Start::After(position) => Some(position.clone()),
            Start::Latest | Start::Earliest | Start::Back(_) => None,
        };
        Self {
            home: (ask.url.clone(), ask.fields.clone()),
            transport,
            session: transport.session(&ask),
            state: State::Waiting {
                until: Instant::now(),
            },
            dialer,
            core: Core {
                ask,
                position,
                joins: Joins::default(),
                dice,
                origin,
            },
        }
    }

    /// Makes a link beside this one: the same question, from the same position.
    pub(crate) fn beside(&mut self, transport: Transport) -> Self {
        let mut ask = self.core.ask.clone();
        (ask.url, ask.fields) = self.home.clone();
        let mut link = self.like(ask, transport);
        link.core.position.clone_from(&self.core.position);
        link
    }

    /// Makes a link for another channel of the same server.
    pub(crate) fn branch(
        &mut self,
        name: &str,
        start: Start,
        position: Option<String>,
    ) -> Option<Self> {
        let mut ask = self.core.ask.clone();
        ask.fields.clone_from(&self.home.1);
        ask.url = self.home.0.sibling(name)?;
        ask.start = start;
        // The main link is on the same path.
        ask.proves = false;
        let mut link = self.like(ask, self.transport);
        link.core.position = position;
        Some(link)
    }

    fn like(&mut self, ask: Ask, transport: Transport) -> Self {
        let Core { dice, origin, .. } = &mut self.core;
        Self::new(ask, transport, self.dialer.clone(), dice.fork(), *origin)
    }

    pub(crate) const fn transport(&self) -> Transport {
        self.transport
    }

    /// The URL that was asked for, not one that a redirect led to.
    pub(crate) const fn url(&self) -> &Url {
        &self.home.0
    }

    pub(crate) const fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    /// Goes on at the same position over another transport, at once.
    pub(crate) fn switch(&mut self, transport: Transport) {
        self.transport = transport;
        self.session = transport.session(&self.core.ask);
        (self.core.ask.url, self.core.ask.fields) = self.home.clone();
        self.hang_up(State::Waiting {
            until: Instant::now(),
        });
    }

    /// Writes a message, whole or not at all.
    pub(crate) fn send(&mut self, data: &Data) -> Result<(), Error> {
        if self.transport != Transport::WebSocket {
            let why = Unsent::NotWebSocket;
            return Err(Error::Unsent { why });
        }
        match &mut self.state {
            State::Open(io) => self.session.send(data, &mut self.core.context(&mut io.out)),
            State::Waiting { .. } | State::Connecting { .. } | State::Closed => {
                let why = Unsent::NotOpen;
                Err(Error::Unsent { why })
            }
        }
    }

    /// Tells whether a message would be taken.
    pub(crate) fn can_send(&self) -> bool {
        match &self.state {
            State::Open(io) => self.session.can_send(io.out.len()),
            State::Waiting { .. } | State::Connecting { .. } | State::Closed => false,
        }
    }

    /// Ends it: a WebSocket is closed with a handshake, in bounded time.
    pub(crate) async fn close(mut self) {
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
        self.end();
    }

    /// Ends it at once.
    pub(crate) fn end(&mut self) {
        self.hang_up(State::Closed);
    }

    /// Goes on until there is a step. Cancel-safe: a dropped future loses nothing.
    pub(crate) async fn advance(&mut self) -> Result<Step, Error> {
        loop {
            match &mut self.state {
                State::Waiting { until } => {
                    sleep_until(*until).await;
                    let Ask { url, limits, .. } = &self.core.ask;
                    self.state = State::Connecting {
                        dialing: self.dialer.dial(url),
                        deadline: Instant::now() + limits.connect_timeout,
                    };
                }
                State::Connecting { dialing, deadline } => {
                    let dialed = timeout_at(*deadline, dialing).await;
                    let Ask { url, limits, .. } = &self.core.ask;
                    let stream = dialed
                        .map_err(|_| Error::Timeout {
                            what: CONNECTING,
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
                State::Open(io) => match turn(io, self.session.as_mut(), &mut self.core).await {
                    Ok(Some(step)) => return Ok(step),
                    Ok(None) => {}
                    Err(error) => {
                        let mut cx = self.core.context(&mut io.out);
                        return self.session.forgive(&error, &mut cx).ok_or(error);
                    }
                },
                State::Closed => return Err(Error::Cut),
            }
        }
    }

    /// Acts on a step; an item is the caller's.
    pub(crate) fn follow(&mut self, step: Step) -> Option<Item> {
        match step {
            Step::Opened { .. } => {
                tracing::debug!(url = %self.core.ask.url, transport = %self.transport, "open");
            }
            Step::Served => {}
            Step::Item(item) => return Some(item),
            Step::Reconnect { at } => {
                self.hang_up(State::Waiting {
                    until: self.core.origin + at,
                });
            }
            Step::Redirect { url, permanent } => {
                let ask = &mut self.core.ask;
                if !url.is_same_origin(&ask.url) {
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
    pub(crate) fn wait_after(&mut self, error: &Error) -> Result<(), Error> {
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
    session.prepare(&mut cx)?;
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
        // A caller that was away for long finds what came meanwhile, not a silence.
        if io.read_what_is_there()? {
            return Ok(None);
        }
        let mut cx = core.context(&mut io.out);
        return session.handle_timeout(&mut cx);
    }
    let write_timeout = core.ask.limits.write_timeout;
    let stalled = io.stalled().map(|since| since + write_timeout);
    if stalled.is_some_and(|until| until <= Instant::now()) {
        // Nor is it the peer's fault that a caller was away.
        return if io.write_what_fits() {
            Ok(None)
        } else {
            Err(Error::Timeout {
                what: "the peer's reading",
                after: write_timeout,
            })
        };
    }
    let until = due.map(|due| core.origin + due).into_iter().chain(stalled);
    let progress = io.progress();
    match until.min() {
        Some(until) => match timeout_at(until, progress).await {
            Ok(progress) => progress?,
            // The next turn acts on the time that has come.
            Err(_) => return Ok(None),
        },
        None => progress.await?,
    }
    Ok(None)
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Waiting { .. } => "waiting",
            State::Connecting { .. } => "connecting",
            State::Open(_) => "open",
            State::Closed => "closed",
        };
        f.debug_struct("Link")
            .field("url", &self.core.ask.url)
            .field("transport", &self.transport)
            .field("position", &self.core.position)
            .field("state", &state)
            .finish_non_exhaustive()
    }
}
