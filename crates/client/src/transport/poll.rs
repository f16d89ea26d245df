//! What short and long polling share: one poll after the other over a kept connection.
//!
//! request: `GET /channels/C` with `If-None-Match: "P"`, or `?after=P` or `?from=…` until the
//! server gave a position. Answer: `200` with a page, or `304`.

use core::time::Duration;
use std::vec;

use bytes::BytesMut;
use tidings_polling::Outcome;

use super::{Context, Exchange, Session, Step, status_error};
use crate::wire::{Page, RawMessage};
use crate::{Error, Gap, Item};

/// When polls are asked, and how long a server may hold them.
pub(super) trait Pace: Send {
    /// How long the server may hold a poll.
    fn wait(&self) -> Duration;

    /// How long to wait after a poll that ended so.
    fn next(&mut self, outcome: Outcome, now: Duration, entropy: u64) -> Duration;

    /// Takes that a poll was cut after it was held for so long; tells whether a shorter wait may
    /// mend it.
    fn cut(&mut self, _held: Duration) -> bool {
        false
    }
}

/// The polls of a subscription.
#[derive(Debug)]
pub(super) struct Polls<P> {
    pace: P,
    exchange: Exchange,
    phase: Phase,
    /// The server gave a position, so that it is an entity tag of this resource.
    tagged: bool,
    page: Option<Unread>,
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    /// A poll is out; its answer is due at `deadline`, `limit` after it was asked.
    Asked {
        deadline: Duration,
        limit: Duration,
        /// It is the first on its connection.
        first: bool,
    },
    /// The next poll is due at `until`.
    Paused { until: Duration },
}

/// What is left of a page.
#[derive(Debug)]
struct Unread {
    gap: Option<Gap>,
    messages: vec::IntoIter<RawMessage>,
    position: String,
}

impl<P: Pace> Polls<P> {
    pub(super) fn new(pace: P) -> Self {
        Self {
            pace,
            exchange: Exchange::new(0),
            phase: Phase::Paused {
                until: Duration::ZERO,
            },
            tagged: false,
            page: None,
        }
    }

    fn ask(&mut self, first: bool, cx: &mut Context<'_>) -> Result<(), Error> {
        // A poll that waits and has no position would start anew at `latest` after a cut and
        // lose what came meanwhile: the first one only fetches the position.
        let seconds = if cx.position.is_some() {
            self.pace.wait().as_secs()
        } else {
            0
        };
        let position = cx.position.as_deref();
        let tag = position
            .filter(|_| self.tagged)
            .map(|position| format!("\"{position}\""));
        let prefer = (seconds > 0).then(|| format!("wait={seconds}"));
        let ours = [
            ("Accept", Some("application/json")),
            ("Cache-Control", Some("no-cache")),
            ("If-None-Match", tag.as_deref()),
            ("Prefer", prefer.as_deref()),
        ];
        let authority = cx.ask.url.authority();
        let ours = ours
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)));
        let fields = cx.ask.fields(ours, &authority);
        let target = cx.ask.target(position, tag.is_some());
        self.exchange.ask("GET", &target, &fields, None, cx.out)?;
        let limit = cx.ask.limits.answer_timeout + Duration::from_secs(seconds);
        self.phase = Phase::Asked {
            deadline: cx.now + limit,
            limit,
            first,
        };
        Ok(())
    }

    /// Takes the next item of the page at hand; at its end the position becomes the page's.
    fn next_item(&mut self, cx: &mut Context<'_>) -> Result<Option<Item>, Error> {
        let Some(page) = &mut self.page else {
            return Ok(None);
        };
        if let Some(gap) = page.gap.take() {
            *cx.position = Some(gap.next.clone());
            return Ok(Some(Item::Gap(gap)));
        }
        if let Some(message) = page.messages.next() {
            let message = message.decode()?;
            if message.id.is_none() {
                return Err(Error::Protocol("a message of a poll has no id"));
            }
            cx.position.clone_from(&message.id);
            return Ok(Some(Item::Message(message)));
        }
        *cx.position = self.page.take().map(|page| page.position);
        Ok(None)
    }

    /// Reads the answer of a poll and plans the next.
    fn answer(&mut self, status: u16, body: &[u8], cx: &mut Context<'_>) -> Result<(), Error> {
        let mut outcome = Outcome::Empty;
        let mut at_once = false;
        if status == 200 {
            let page = Page::decode(body)?;
            // An answer that leads nowhere is none, whatever it holds: it must not make a loop.
            if page.gap.is_some() || cx.position.as_ref() != Some(&page.position) {
                outcome = Outcome::News;
                at_once = page.more;
            }
            self.tagged = is_tag(&page.position);
            self.page = Some(Unread {
                gap: page.gap,
                messages: page.messages.into_iter(),
                position: page.position,
            });
        }
        let pause = self.pace.next(outcome, cx.now, cx.dice.number()?);
        let pause = if at_once { Duration::ZERO } else { pause };
        self.phase = Phase::Paused {
            until: cx.now + pause,
        };
        Ok(())
    }

    fn advance(
        &mut self,
        input: &mut BytesMut,
        eof: bool,
        cx: &mut Context<'_>,
    ) -> Result<Option<Step>, Error> {
        if let Some(item) = self.next_item(cx)? {
            return Ok(Some(Step::Item(item)));
        }
        let Phase::Asked { first, .. } = self.phase else {
            return Ok(None);
        };
        let answer = if eof {
            self.exchange.receive_eof(input)
        } else {
            self.exchange.receive(input)
        }?;
        let Some(answer) = answer else {
            return Ok(None);
        };
        match answer.head.status() {
            status @ 200 => self.answer(status, &answer.body, cx)?,
            status @ 304 if self.tagged => self.answer(status, &answer.body, cx)?,
            _ => return Err(status_error(&answer.head, &answer.body)),
        }
        if first {
            return Ok(Some(Step::Opened { served: true }));
        }
        Ok(self.next_item(cx)?.map(Step::Item))
    }
}

impl<P: Pace> Session for Polls<P> {
    fn begin(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        self.exchange = Exchange::new(cx.ask.limits.max_page_len);
        self.ask(true, cx)
    }

    fn receive(
        &mut self,
        input: &mut BytesMut,
        cx: &mut Context<'_>,
    ) -> Result<Option<Step>, Error> {
        self.advance(input, false, cx)
    }

    fn receive_eof(
        &mut self,
        input: &mut BytesMut,
        cx: &mut Context<'_>,
    ) -> Result<Option<Step>, Error> {
        if let Some(step) = self.advance(input, true, cx)? {
            return Ok(Some(step));
        }
        match self.phase {
            Phase::Asked { .. } => Err(Error::Cut),
            // Between two polls the end is no failure.
            Phase::Paused { until } => Ok(Some(Step::Reconnect { at: until })),
        }
    }

    fn forgive(&mut self, error: &Error, cx: &mut Context<'_>) -> Option<Step> {
        let Phase::Asked {
            deadline, limit, ..
        } = self.phase
        else {
            return None;
        };
        let held = cx.now.saturating_sub(deadline.saturating_sub(limit));
        let is_cut = match error {
            Error::Cut | Error::Io(_) => true,
            // Who answers for a server that is silent for too long says so.
            Error::Status {
                status,
                retry_after,
                ..
            } => *status == 504 && retry_after.is_none(),
            _ => false,
        };
        (is_cut && self.pace.cut(held)).then_some(Step::Reconnect { at: cx.now })
    }

    fn cut(&mut self, error: &Error, cx: &mut Context<'_>) -> Result<Duration, Error> {
        // RFC 9112 §9.3.1: a server may end a kept connection at any time, also just as a
        // request comes. A GET is safe to send again, and that is no failure.
        if self.exchange.lapsed(error) {
            return Ok(cx.now);
        }
        let outcome = match error.retry_after() {
            Some(retry_after) => Outcome::Refused { retry_after },
            None => Outcome::Failed,
        };
        Ok(cx.now + self.pace.next(outcome, cx.now, cx.dice.number()?))
    }

    fn poll_timeout(&self) -> Option<Duration> {
        match self.phase {
            Phase::Asked { deadline, .. } => Some(deadline),
            Phase::Paused { until } => Some(until),
        }
    }

    fn handle_timeout(&mut self, cx: &mut Context<'_>) -> Result<Option<Step>, Error> {
        match self.phase {
            Phase::Asked { limit, .. } => Err(Error::Timeout {
                what: "the answer of a poll",
                after: limit,
            }),
            Phase::Paused { .. } if self.exchange.is_reusable() => {
                self.ask(false, cx).map(|()| None)
            }
            Phase::Paused { until } => Ok(Some(Step::Reconnect { at: until })),
        }
    }

    fn close(&mut self, _cx: &mut Context<'_>) -> Result<bool, Error> {
        Ok(false)
    }
}

/// Tells whether a position can stand between the quotes of an entity tag (RFC 9110 §8.8.3).
fn is_tag(position: &str) -> bool {
    position
        .bytes()
        .all(|octet| matches!(octet, 0x21 | 0x23..=0x7e))
}
