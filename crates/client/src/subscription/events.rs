//! What a subscription does about each thing that happens: to the connection in use, to those of
//! joined channels, to a better one on trial, and to the clock.

use tokio::time::Instant;

use super::{Event, Subscription, Trial};
use crate::error::{FIRST_OCTETS, one_line};
use crate::negotiate::{Due, HOLD, Verdict};
use crate::transport::Step;
use crate::{EndReason, Error, Item, Left, Transport, Why};

impl Subscription {
    /// Acts on what happened.
    pub(super) fn handle(&mut self, event: Event) -> Result<Option<Item>, Error> {
        match event {
            Event::Main(Ok(step)) => self.step(step),
            Event::Main(Err(error)) => self.fail(error),
            Event::Branch(at, Ok(step)) => {
                Ok(self
                    .branches
                    .get_mut(at)
                    .and_then(|(name, link)| match link.follow(step)? {
                        Item::Message(mut message) => {
                            message.channel = Some(name.clone());
                            Some(Item::Message(message))
                        }
                        Item::Gap(mut gap) => {
                            gap.channel = Some(name.clone());
                            Some(Item::Gap(gap))
                        }
                        item @ (Item::Transport(_) | Item::Left(_) | Item::Refused(_)) => {
                            Some(item)
                        }
                    }))
            }
            Event::Branch(at, Err(error)) => self.fail_branch(at, error),
            Event::Trial(step) => self.step_trial(step).map(|()| None),
            Event::Due => self.act_on_time(),
        }
    }

    fn step(&mut self, step: Step) -> Result<Option<Item>, Error> {
        let now = self.now();
        let (served, bare) = match step {
            Step::Opened { served } => (served, served && self.transport() == Transport::WebSocket),
            Step::Served => (true, false),
            Step::Item(_) | Step::Redirect { .. } => return Ok(self.main.follow(step)),
            Step::Reconnect { .. } => {
                if let Some(choice) = &mut self.choice {
                    choice.reconnects();
                }
                return Ok(self.main.follow(step));
            }
        };
        self.main.follow(step);
        if bare {
            // A server without tidings.v1 has one channel a connection.
            let names: Vec<_> = self
                .main
                .core
                .joins
                .iter()
                .map(|join| join.name.clone())
                .collect();
            for channel in names {
                self.leave(&channel);
                let reason = EndReason::Refused {
                    code: "subprotocol".to_owned(),
                    message: "the server does not speak tidings.v1".to_owned(),
                };
                self.ready.push_back(Item::Left(Left { channel, reason }));
            }
        }
        let Some(choice) = &mut self.choice else {
            self.opening = false;
            return Ok(None);
        };
        let told = if served {
            self.tried.clear();
            choice.served(now, self.main.core.dice.number()?)
        } else {
            choice.opened(now)
        };
        Ok(told.map(|chosen| {
            self.opening = false;
            tracing::info!(url = %self.main.url(), "via {chosen}");
            Item::Transport(chosen)
        }))
    }

    /// The connection of the main link is gone.
    fn fail(&mut self, error: Error) -> Result<Option<Item>, Error> {
        let now = self.now();
        let verdict = match &mut self.choice {
            Some(choice) => choice.failed(&error, now),
            None if error.is_transient() && !self.main.core.ask.is_made_once() => Verdict::Stay,
            None => Verdict::End,
        };
        self.obey(verdict, error).map(|()| None)
    }

    fn obey(&mut self, verdict: Verdict, error: Error) -> Result<(), Error> {
        match (verdict, &self.choice) {
            (Verdict::Stay, _) if !self.opening => self.main.wait_after(&error),
            (Verdict::Change, Some(choice)) => {
                let transport = choice.chosen().transport;
                tracing::info!(
                    error = &error as &dyn core::error::Error,
                    url = %self.main.url(),
                    "{} does not get through, {transport} is tried",
                    self.transport(),
                );
                self.tried.push((self.transport(), error));
                self.change(transport);
                Ok(())
            }
            (Verdict::Stay | Verdict::Change | Verdict::End, _) => Err(self.give_up(error)),
        }
    }

    /// Says what ends the subscription: the error, or all of those where each transport has its
    /// own.
    fn give_up(&mut self, error: Error) -> Error {
        let of_the_path = matches!(
            error,
            Error::Cut
                | Error::Io(_)
                | Error::Timeout { .. }
                | Error::Http(_)
                | Error::Handshake(_)
                | Error::WebSocket(_)
                | Error::Sse(_)
                | Error::Json { .. }
                | Error::Protocol(_)
        );
        if !of_the_path || self.tried.is_empty() {
            return error;
        }
        let mut tried = core::mem::take(&mut self.tried);
        tried.push((self.transport(), error));
        Error::NoTransport { tried }
    }

    fn act_on_time(&mut self) -> Result<Option<Item>, Error> {
        let now = self.now();
        if let Some(trial) = self.trial.take_if(|trial| trial.until <= Instant::now()) {
            let transport = trial.link.transport();
            match &mut self.choice {
                Some(choice) if trial.serves => {
                    choice.tried_well(transport);
                    self.change(transport);
                }
                Some(_) => self.try_next(transport)?,
                None => {}
            }
        }
        let due = match &mut self.choice {
            Some(choice) => choice.handle_timeout(now),
            None => None,
        };
        match due {
            None => {}
            Some(Due::Silence(verdict)) => {
                let error = Error::Timeout {
                    what: FIRST_OCTETS,
                    after: self.main.core.ask.limits.proof_timeout,
                };
                self.obey(verdict, error)?;
            }
            Some(Due::Try(transport)) => self.try_beside(transport)?,
        }
        Ok(None)
    }

    fn try_beside(&mut self, transport: Transport) -> Result<(), Error> {
        if self.main.core.position.is_none() {
            // Without a position a change would lose what is published meanwhile.
            return self.try_next(transport);
        }
        let limits = &self.main.core.ask.limits;
        let most = limits.connect_timeout + limits.answer_timeout + self.main.core.ask.wait;
        self.trial = Some(Trial {
            link: self.main.beside(transport),
            until: Instant::now() + most,
            serves: false,
        });
        Ok(())
    }

    fn try_next(&mut self, transport: Transport) -> Result<(), Error> {
        let now = self.now();
        let entropy = self.main.core.dice.number()?;
        let next = self
            .choice
            .as_mut()
            .and_then(|choice| choice.tried_in_vain(transport, now, entropy));
        match next {
            Some(next) => self.try_beside(next),
            None => Ok(()),
        }
    }

    fn step_trial(&mut self, step: Result<Step, Error>) -> Result<(), Error> {
        let Some(trial) = &mut self.trial else {
            return Ok(());
        };
        let transport = trial.link.transport();
        let serves = match &step {
            Ok(Step::Opened { served }) => {
                if *served && transport == Transport::WebSocket {
                    // Its frames have no positions: it cannot go on where this one is.
                    self.trial = None;
                    return self.try_next(transport);
                }
                trial.until = Instant::now() + self.main.core.ask.limits.proof_timeout;
                *served
            }
            Ok(Step::Served) => true,
            Ok(Step::Item(_) | Step::Reconnect { .. } | Step::Redirect { .. }) => false,
            Err(_) => {
                self.trial = None;
                return self.try_next(transport);
            }
        };
        if serves && !trial.serves {
            trial.serves = true;
            trial.until = Instant::now() + HOLD;
        }
        if let Ok(step) = step {
            // What it hands out, the main link hands out too.
            trial.link.follow(step);
        }
        Ok(())
    }

    fn fail_branch(&mut self, at: usize, error: Error) -> Result<Option<Item>, Error> {
        if at >= self.branches.len() {
            return Ok(None);
        }
        if error.is_transient() {
            if let Some((_, link)) = self.branches.get_mut(at) {
                link.wait_after(&error)?;
            }
            return Ok(None);
        }
        let (channel, _) = self.branches.remove(at);
        self.main.core.joins.leave(&channel);
        let reason = match error {
            Error::Ended { reason } => reason,
            Error::Status { status, .. } => EndReason::Refused {
                code: status.to_string(),
                message: one_line(&error.to_string()),
            },
            error => EndReason::Refused {
                code: "error".to_owned(),
                message: one_line(&error.to_string()),
            },
        };
        Ok(Some(Item::Left(Left { channel, reason })))
    }

    /// Goes on over another transport, with all channels.
    pub(super) fn change(&mut self, transport: Transport) {
        self.trial = None;
        self.main.core.ask.proves = self
            .choice
            .as_ref()
            .is_some_and(|choice| choice.chosen().why != Why::Quiet);
        self.main.switch(transport);
        for (name, link) in core::mem::take(&mut self.branches) {
            if let Some(position) = &link.core.position {
                self.main.core.joins.moved(&name, position);
            }
        }
        if transport != Transport::WebSocket {
            let names: Vec<_> = self
                .main
                .core
                .joins
                .iter()
                .map(|join| join.name.clone())
                .collect();
            for name in names {
                self.branch(&name);
            }
        }
    }

    pub(super) fn branch(&mut self, channel: &str) {
        let Some(join) = self.main.core.joins.get(channel) else {
            return;
        };
        let (start, position) = (join.start.clone(), join.position.clone());
        if let Some(link) = self.main.branch(channel, start, position) {
            self.branches.push((channel.to_owned(), link));
            return;
        }
        // A redirect for good may lead to a URL that names no channel, and so has none beside it.
        self.main.core.joins.leave(channel);
        self.ready.push_back(Item::Left(Left {
            channel: channel.to_owned(),
            reason: EndReason::Refused {
                code: "error".to_owned(),
                message: "the URL that the server moved to names no channel".to_owned(),
            },
        }));
    }
}
