//! An open subscription: a link that moves octets, links beside it for what it cannot carry, and
//! the choice of the transport.
//!
//! | link | is there | hands out |
//! |---|---|---|
//! | main | always | the channel of the URL; over a WebSocket the joined channels too |
//! | a branch each | for joined channels, where main is no WebSocket | its channel |
//! | trial | while a better transport is tried | nothing |
//!
//! All state is in the [`Subscription`]; the future of `next` holds none, as those of the links.

mod events;

use core::fmt;
use core::future::{Future as _, pending, poll_fn};
use core::pin::pin;
use core::task::Poll;
use core::time::Duration;
use std::collections::VecDeque;

use tokio::time::{Instant, sleep_until};

use crate::dice::Dice;
use crate::error::one_line;
use crate::link::Link;
use crate::negotiate::Negotiation;
use crate::subscribe::{Start, Subscribe};
use crate::transport::Step;
use crate::{Chosen, Data, EndReason, Error, Item, Transport};

/// A subscription that is open: a stream of messages and gaps that survives cuts.
pub struct Subscription {
    main: Link,
    branches: Vec<(String, Link)>,
    /// The branch that is asked first, by turns.
    turn: usize,
    /// What is looked at first, by turns: each could have something at all times.
    first: Source,
    choice: Option<Negotiation>,
    trial: Option<Trial>,
    /// What is told before all else: no messages.
    ready: VecDeque<Item>,
    /// The transports that gave way since one served, and what became of them.
    tried: Vec<(Transport, Error)>,
    opening: bool,
}

/// A better transport on a connection beside the one in use.
struct Trial {
    link: Link,
    /// When it has held, or failed.
    until: Instant,
    /// Its first octets came.
    serves: bool,
}

/// What happened.
enum Event {
    Main(Result<Step, Error>),
    Branch(usize, Result<Step, Error>),
    Trial(Result<Step, Error>),
    Due,
}

/// Where an event comes from.
#[derive(Debug, Clone, Copy)]
enum Source {
    Main,
    Branches,
    Trial,
    Clock,
}

impl Source {
    const fn next(self) -> Self {
        match self {
            Self::Main => Self::Branches,
            Self::Branches => Self::Trial,
            Self::Trial => Self::Clock,
            Self::Clock => Self::Main,
        }
    }
}

impl Subscription {
    pub(crate) async fn open(subscribe: Subscribe) -> Result<Self, Error> {
        let Subscribe {
            mut ask,
            transport,
            joins,
            dialer,
            seed,
        } = subscribe;
        // What one transport alone can carry is no matter of choice.
        let transport = match transport {
            Some(transport) => Some(transport),
            None if ask.is_made_once() => Some(Transport::Sse),
            None if !ask.subprotocols.is_empty() => Some(Transport::WebSocket),
            None => None,
        };
        if ask.is_made_once() && transport != Some(Transport::Sse) {
            return Err(Error::Setting(
                "a request with a method or content of its own is read by sse alone",
            ));
        }
        let carried = transport == Some(Transport::WebSocket) && joins.is_empty();
        if !ask.subprotocols.is_empty() && !carried {
            return Err(Error::Setting(
                "a subprotocol is for a websocket, and joined channels need that of Tidings",
            ));
        }
        ask.negotiated = transport.is_none();
        ask.proves = ask.negotiated;
        let choice = ask
            .negotiated
            .then(|| Negotiation::new(ask.limits.proof_timeout));
        let first = transport.unwrap_or(Transport::WebSocket);
        let dice = Dice::of(seed);
        let mut subscription = Self {
            main: Link::new(ask, first, dialer, dice, Instant::now()),
            branches: Vec::new(),
            turn: 0,
            first: Source::Main,
            choice,
            trial: None,
            ready: VecDeque::new(),
            tried: Vec::new(),
            opening: true,
        };
        for (channel, start) in joins {
            subscription.join(&channel, start)?;
        }
        while subscription.opening {
            let event = subscription.event().await;
            // While it opens, no link hands out a message.
            let told = subscription.handle(event)?;
            subscription.ready.extend(told);
        }
        Ok(subscription)
    }

    /// Waits for the next item: a message, a gap, or a word on the subscription itself.
    ///
    /// A cut is not told: the subscription connects again, with jittered backoff, for as long as
    /// it takes, and resumes at its position. `None` comes after an error, and for ever.
    ///
    /// Nothing is read while nobody waits: a slow caller slows the server down and holds no more
    /// than the buffers of one connection. It should come back within the 45 s after which a
    /// server gives up on a WebSocket; else the subscription connects again and resumes.
    ///
    /// Cancel-safe: a dropped future loses nothing, the next call goes on where it was.
    ///
    /// # Errors
    ///
    /// An error that another attempt cannot mend ends the subscription.
    pub async fn next(&mut self) -> Option<Result<Item, Error>> {
        loop {
            if let Some(item) = self.ready.pop_front() {
                return Some(Ok(item));
            }
            if self.main.is_closed() {
                return None;
            }
            let event = self.event().await;
            match self.handle(event) {
                Ok(None) => {}
                Ok(Some(item)) => return Some(Ok(item)),
                Err(error) => {
                    self.end();
                    return match error {
                        Error::Ended {
                            reason: EndReason::Complete,
                        } => None,
                        error => Some(Err(error)),
                    };
                }
            }
        }
    }

    /// The position of what was handed out last of the channel of the URL. `None` where the
    /// server gives no positions.
    #[must_use]
    pub fn position(&self) -> Option<&str> {
        self.main.core.position.as_deref()
    }

    /// The position of what was handed out last of a joined channel. `None` where it is not
    /// joined, and as long as the server gave none.
    #[must_use]
    pub fn position_of(&self, channel: &str) -> Option<&str> {
        match self.branches.iter().find(|(name, _)| name == channel) {
            Some((_, link)) => link.core.position.as_deref(),
            None => self.main.core.joins.get(channel)?.position.as_deref(),
        }
    }

    /// The transport in use.
    #[must_use]
    pub const fn transport(&self) -> Transport {
        self.main.transport()
    }

    /// The choice of the transport and its reason; `None` where the transport was given.
    #[must_use]
    pub fn chosen(&self) -> Option<&Chosen> {
        self.choice.as_ref().map(Negotiation::chosen)
    }

    /// Goes on at the same position over another transport. There is no negotiation from then on.
    ///
    /// Messages that were received and not handed out are asked for again. The subscription
    /// stays closed where it is closed.
    pub fn switch(&mut self, transport: Transport) {
        if !self.main.is_closed() {
            self.choice = None;
            self.main.core.ask.negotiated = false;
            self.change(transport);
        }
    }

    /// Reads one more channel of the same server: see [`Subscribe::join`].
    ///
    /// # Errors
    ///
    /// [`Error::Join`] where the URL names no channel, the request has content of its own, the
    /// channel is read already, its name has not 1 to 255 octets, or 99 are joined.
    pub fn join(&mut self, channel: &str, start: Start) -> Result<(), Error> {
        let refuse = |why| {
            let channel = one_line(channel);
            Err(Error::Join { channel, why })
        };
        match self.main.url().channel_name() {
            None => return refuse("the URL names no channel"),
            Some(own) if own == channel => return refuse("it is the channel of the URL"),
            Some(_) if self.main.core.ask.is_made_once() => {
                return refuse("a request with a method or content of its own is for one channel");
            }
            Some(_) => {}
        }
        self.main.core.joins.join(channel, start)?;
        if self.transport() != Transport::WebSocket {
            self.branch(channel);
        }
        Ok(())
    }

    /// Reads a joined channel no longer. `false` where it is not joined.
    pub fn leave(&mut self, channel: &str) -> bool {
        self.branches.retain(|(name, _)| name != channel);
        self.main.core.joins.leave(channel)
    }

    /// Sends a message over the WebSocket: a frame, or, where the server speaks `tidings.v1`, a
    /// publish to the channel of the URL.
    ///
    /// It is written by the calls of [`next`](Self::next) that follow. A connection that is cut
    /// meanwhile may lose it: a publish that must arrive, once, is a
    /// [`Publisher`](crate::Publisher)'s.
    ///
    /// # Errors
    ///
    /// [`Error::Unsent`]: the message was not taken. Try again when
    /// [`can_send`](Self::can_send) says so.
    pub fn send(&mut self, data: &Data) -> Result<(), Error> {
        self.main.send(data)
    }

    /// Tells whether [`send`](Self::send) would take a message: a WebSocket is open, and less
    /// than 1 MiB waits to be written.
    #[must_use]
    pub fn can_send(&self) -> bool {
        self.main.can_send()
    }

    /// Ends the subscription: a WebSocket is closed with a handshake, in bounded time.
    pub async fn close(self) {
        self.main.close().await;
    }

    fn end(&mut self) {
        self.main.end();
        self.branches.clear();
        self.trial = None;
    }

    fn now(&self) -> Duration {
        self.main.core.origin.elapsed()
    }

    /// Waits until something happens. Cancel-safe, as each link is.
    async fn event(&mut self) -> Event {
        let origin = self.main.core.origin;
        let choice = self.choice.as_ref();
        let due = choice.and_then(Negotiation::poll_timeout);
        let is_mute = choice.is_some_and(Negotiation::is_mute);
        let due = due
            .map(|due| origin + due)
            .into_iter()
            .chain(self.trial.as_ref().map(|trial| trial.until))
            .min();
        let Self {
            main,
            branches,
            trial,
            turn,
            first,
            opening,
            ..
        } = self;
        let branches: &mut [_] = if *opening { &mut [] } else { branches };
        let event = {
            let mut main = pin!(main.advance());
            let mut branches = pin!(any(branches, *turn));
            let mut trial = pin!(async {
                match trial {
                    Some(trial) => trial.link.advance().await,
                    None => pending().await,
                }
            });
            let mut clock = pin!(async {
                match due {
                    Some(due) => sleep_until(due).await,
                    None => pending().await,
                }
            });
            poll_fn(|cx| {
                let mut source = *first;
                for _ in 0..4 {
                    let event = match source {
                        Source::Main => main.as_mut().poll(cx).map(Event::Main),
                        Source::Branches => {
                            let step = branches.as_mut().poll(cx);
                            step.map(|(at, step)| Event::Branch(at, step))
                        }
                        Source::Trial => trial.as_mut().poll(cx).map(Event::Trial),
                        Source::Clock => clock.as_mut().poll(cx).map(|()| Event::Due),
                    };
                    source = source.next();
                    if event.is_ready() {
                        *first = source;
                        return event;
                    }
                }
                Poll::Pending
            })
            .await
        };
        if let Event::Branch(at, _) = event {
            *turn = at + 1;
        }
        if matches!(event, Event::Due) && is_mute {
            // A caller that was away for long finds what came meanwhile, not a silence.
            let mut step = pin!(main.advance());
            return match poll_fn(|cx| Poll::Ready(step.as_mut().poll(cx))).await {
                Poll::Ready(step) => Event::Main(step),
                Poll::Pending => event,
            };
        }
        event
    }
}

/// Waits for a step of any branch, `first` of all that of this number.
async fn any(branches: &mut [(String, Link)], first: usize) -> (usize, Result<Step, Error>) {
    let mut steps: Vec<_> = branches
        .iter_mut()
        .map(|(_, link)| Box::pin(link.advance()))
        .collect();
    let count = steps.len();
    poll_fn(|cx| {
        for at in (first..first + count).map(|at| at % count) {
            if let Some(step) = steps.get_mut(at)
                && let Poll::Ready(step) = step.as_mut().poll(cx)
            {
                return Poll::Ready((at, step));
            }
        }
        Poll::Pending
    })
    .await
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("main", &self.main)
            .field("branches", &self.branches)
            .field("choice", &self.choice)
            .finish_non_exhaustive()
    }
}
