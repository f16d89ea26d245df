//! Server-Sent Events: one request, one answer that does not end (WHATWG HTML 9.2).
//!
//! request: `GET` with `Accept: text/event-stream` and `Last-Event-ID: P`, first `?after=P` where
//! the URL is that of a channel. Answer: an event stream, whose `id:` is the position, whose
//! `event: tidings.gap` is a gap, and whose event types that end in `;base64` are binary.
//!
//! A request with another method or with content is made once: it may not be safe to repeat, and
//! what it asks for ends with its answer.
//!
//! A proxy that holds a stream back until its buffer is full lets a backlog through at once, and
//! what comes behind it late. So a negotiated stream that is to begin with a backlog is preceded
//! by a short one from the latest position: its first block must come alone. Later it is the
//! heartbeats that must come.
//!
//! Where this client departs from the standard: 408, 429, 500, 502, 503 and 504 are tried again,
//! since a proxy answers so while a server restarts; a browser would stay away for good.

use core::time::Duration;

use bytes::{Bytes, BytesMut};
use tidings_http1::{ClientConnection, ClientEvent, Content, ResponseHead};
use tidings_sse::{Config, Decoder, Event, FailReason, ReconnectConfig, Reconnection, Verdict};

use super::exchange::{Refusal, http_error};
use super::retry::part;
use super::{Context, Session, Step};
use crate::error::{FIRST_OCTETS, HEARTBEAT};
use crate::subscribe::{Ask, Start};
use crate::{Data, EndReason, Error, Item, Message, wire};

const GAP: &str = "tidings.gap";
const BINARY_SUFFIX: &str = ";base64";
/// Octets that are no full buffer of a proxy: the smallest hold 4 KiB, a packet 1.4 KiB.
const MAX_ALONE_LEN: usize = 1024;
/// Short streams whose first block may come with messages, as on a busy channel.
const MAX_TRIALS: u32 = 3;
/// A server that has a heartbeat every 15 s owes one after so long.
const TWO_HEARTBEATS: Duration = Duration::from_secs(30);

/// The event stream of a subscription.
#[derive(Debug)]
pub(super) struct Sse {
    source: Reconnection,
    http: ClientConnection,
    phase: Phase,
    /// The server gave a position, so that it is an id of this stream.
    identified: bool,
    proof: Proof,
    /// There were heartbeats, or a block with nothing but a position, as our server sends it.
    beats: bool,
}

/// Whether octets come when they are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Proof {
    /// It was shown, or is taken for granted.
    Given,
    /// What comes first shows it, where that is no backlog.
    Due,
    /// A short stream is to show it; so many may still fail.
    Trial { left: u32 },
}

#[derive(Debug)]
enum Phase {
    /// The head is due at `deadline`.
    Asked { deadline: Duration },
    /// The first block of a short stream is due at `deadline`.
    Trial { deadline: Duration },
    /// `chunk` holds the octets of the stream that the decoder has not taken.
    Open {
        decoder: Box<Decoder>,
        chunk: Bytes,
        /// Octets came.
        served: bool,
    },
    /// Some other answer, read for its explanation until `deadline`.
    Refused {
        refusal: Refusal,
        deadline: Duration,
    },
}

impl Sse {
    pub(super) fn session(ask: &Ask) -> Self {
        let mut config = ReconnectConfig::default();
        config.idle_timeout = Some(ask.limits.max_silence);
        Self {
            source: Reconnection::new(config),
            http: ClientConnection::new(tidings_http1::Limits::default()),
            phase: Phase::Asked {
                deadline: Duration::MAX,
            },
            identified: false,
            proof: if ask.proves && ask.url.channel_name().is_some() {
                Proof::Due
            } else {
                Proof::Given
            },
            beats: false,
        }
    }

    /// Tells whether the stream gave no octets that were taken.
    const fn is_first(&self) -> bool {
        match self.phase {
            Phase::Trial { .. } | Phase::Open { served: false, .. } => true,
            Phase::Asked { .. } | Phase::Open { served: true, .. } | Phase::Refused { .. } => false,
        }
    }

    /// Takes the first octets of a stream: `len` with what came behind them. Tells whether there
    /// is nothing left to prove.
    fn prove(&mut self, len: usize) -> bool {
        self.proof = match self.proof {
            Proof::Given => Proof::Given,
            Proof::Due | Proof::Trial { left: 1.. } if len < MAX_ALONE_LEN => Proof::Given,
            Proof::Due => Proof::Trial { left: MAX_TRIALS },
            Proof::Trial { left } => Proof::Trial {
                left: left.saturating_sub(1),
            },
        };
        self.proof == Proof::Given
    }

    fn answered(&mut self, head: ResponseHead, cx: &Context<'_>) -> Result<Option<Step>, Error> {
        let fields = head.fields();
        let (media_type, location) = (fields.get("Content-Type"), fields.get_str("Location"));
        if head.status() == 204 {
            return Err(Error::Ended {
                reason: EndReason::NoContent,
            });
        }
        if head.status() != 200 && Refusal::new(head.clone()).error().is_transient() {
            // The source would close on it for good, so it is not told.
            return Ok(self.refused(head, cx));
        }
        // RFC 9110 §15.4.4: what is there is for a GET, and the content is for nobody else.
        if matches!(head.status(), 301..=303) && cx.ask.is_made_once() {
            return Ok(self.refused(head, cx));
        }
        let location_octets = location.map(str::as_bytes);
        match self
            .source
            .handle_response(head.status(), media_type, location_octets, cx.now)
        {
            Verdict::Open if matches!(self.proof, Proof::Trial { .. }) => {
                let deadline = cx.now + cx.ask.limits.proof_timeout;
                self.phase = Phase::Trial { deadline };
                Ok(Some(Step::Opened { served: false }))
            }
            Verdict::Open => {
                let mut config = Config::default();
                config.comments = true;
                config.max_line_len = cx.ask.limits.max_message_len;
                config.max_event_len = cx.ask.limits.max_message_len;
                config.last_event_id = cx.position.as_deref().unwrap_or_default().into();
                let decoder = Box::new(Decoder::with_config(config));
                self.phase = Phase::Open {
                    decoder,
                    chunk: Bytes::new(),
                    served: false,
                };
                Ok(Some(Step::Opened { served: false }))
            }
            Verdict::Redirect { permanent } => {
                let url = cx.ask.url.join(location.unwrap_or_default().trim())?;
                Ok(Some(Step::Redirect { url, permanent }))
            }
            Verdict::Fail(FailReason::Status(_)) => Ok(self.refused(head, cx)),
            Verdict::Fail(FailReason::MediaType) => {
                Err(Error::Protocol("the answer is not text/event-stream"))
            }
            Verdict::Fail(FailReason::NoLocation) => {
                Err(Error::Protocol("a redirect names no location"))
            }
            Verdict::Fail(FailReason::TooManyRedirects { .. }) => {
                Err(Error::Protocol("too many redirects in a row"))
            }
            Verdict::Fail(FailReason::Closed) => Err(Error::Cut),
        }
    }

    fn refused(&mut self, head: ResponseHead, cx: &Context<'_>) -> Option<Step> {
        let deadline = cx.now + cx.ask.limits.answer_timeout;
        self.phase = Phase::Refused {
            refusal: Refusal::new(head),
            deadline,
        };
        None
    }
}

impl Session for Sse {
    fn begin(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        self.http = ClientConnection::new(tidings_http1::Limits::default());
        let ask = cx.ask;
        let has_backlog = cx.position.is_some()
            || ask.start != Start::Latest
            || ask.url.target_with(None) != ask.url.target();
        if self.proof == Proof::Due && has_backlog {
            self.proof = Proof::Trial { left: MAX_TRIALS };
        }
        let is_trial = matches!(self.proof, Proof::Trial { .. });
        // A start that the caller gave is asked for in the query, where the server says what is
        // wrong with it; in the field it would be a gap. Other servers know the field alone.
        let told = cx.position.is_some() && (self.identified || ask.url.channel_name().is_none());
        let told = told && !is_trial;
        let last_event_id = cx.position.as_deref().filter(|_| told);
        let last_event_id = last_event_id.and_then(Reconnection::last_event_id_field);
        let ours = [
            ("Accept", Some("text/event-stream")),
            ("Cache-Control", Some("no-cache")),
            ("Last-Event-ID", last_event_id),
        ];
        let authority = ask.url.authority();
        let ours = ours
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)));
        let fields = ask.fields(ours, &authority);
        let target = if is_trial {
            ask.url.target_with(Some(("from", "latest")))
        } else {
            ask.target(cx.position.as_deref(), told)
        };
        let content = ask.body.as_ref().map_or(Content::None, |body| {
            Content::Length(u64::try_from(body.len()).unwrap_or(u64::MAX))
        });
        self.http
            .send_request(&ask.method, &target, fields, content, cx.out)
            .map_err(Error::Request)?;
        if let Some(body) = &ask.body {
            self.http.send_data(body, cx.out).map_err(Error::Request)?;
        }
        self.http.send_end(cx.out).map_err(Error::Request)?;
        self.phase = Phase::Asked {
            deadline: cx.now + cx.ask.answer_timeout(),
        };
        Ok(())
    }

    fn receive(
        &mut self,
        input: &mut BytesMut,
        cx: &mut Context<'_>,
    ) -> Result<Option<Step>, Error> {
        loop {
            if let Phase::Open { decoder, chunk, .. } = &mut self.phase {
                while let Some(item) = decoder
                    .next_event(chunk)
                    .map_err(|error| too_large(error, cx.ask))?
                {
                    match item {
                        tidings_sse::Item::Event(event) => {
                            let item = read_event(event)?;
                            *cx.position = position(decoder);
                            self.identified |= cx.position.is_some();
                            return Ok(Some(Step::Item(item)));
                        }
                        tidings_sse::Item::Id => {
                            *cx.position = position(decoder);
                            self.identified |= cx.position.is_some();
                            self.beats = true;
                        }
                        tidings_sse::Item::Retry(time) => self.source.handle_retry(time),
                        tidings_sse::Item::Comment(_) => self.beats = true,
                        tidings_sse::Item::Skipped(_) => {}
                    }
                }
            }
            let Some(event) = self.http.next_event(input).map_err(http_error)? else {
                return Ok(None);
            };
            if let ClientEvent::Data(data) = &event
                && self.is_first()
                && !self.prove(data.len() + input.len())
                && matches!(self.phase, Phase::Open { .. })
            {
                return Ok(Some(Step::Reconnect { at: cx.now }));
            }
            match (&mut self.phase, event) {
                // Octets without proof are dropped, and silence is what they count for.
                (Phase::Trial { .. }, ClientEvent::Data(_)) => {
                    if self.proof != (Proof::Trial { left: 0 }) {
                        return Ok(Some(Step::Reconnect { at: cx.now }));
                    }
                }
                (Phase::Refused { refusal, .. }, event) => refusal.receive(event)?,
                (Phase::Asked { .. }, ClientEvent::Response(head)) => {
                    if let Some(step) = self.answered(head, cx)? {
                        return Ok(Some(step));
                    }
                }
                (Phase::Open { chunk, served, .. }, ClientEvent::Data(data)) => {
                    self.source.handle_octets(cx.now);
                    *chunk = data;
                    if !core::mem::replace(served, true) {
                        return Ok(Some(Step::Served));
                    }
                }
                (Phase::Open { .. }, ClientEvent::End(_)) if cx.ask.is_made_once() => {
                    return Err(Error::Ended {
                        reason: EndReason::Complete,
                    });
                }
                (_, ClientEvent::End(_) | ClientEvent::Closed) => return Err(Error::Cut),
                (_, ClientEvent::Upgraded(_)) => {
                    return Err(Error::Protocol("it switched protocols unasked"));
                }
                (_, ClientEvent::Informational(_) | ClientEvent::Trailers(_))
                | (Phase::Asked { .. }, ClientEvent::Data(_))
                | (Phase::Open { .. } | Phase::Trial { .. }, ClientEvent::Response(_)) => {}
            }
        }
    }

    fn receive_eof(
        &mut self,
        input: &mut BytesMut,
        cx: &mut Context<'_>,
    ) -> Result<Option<Step>, Error> {
        self.http.receive_eof();
        self.receive(input, cx)
    }

    fn cut(&mut self, error: &Error, cx: &mut Context<'_>) -> Result<Duration, Error> {
        // A wait that is over first becomes an attempt, whose failure is counted.
        self.source.handle_timeout(cx.now, cx.dice.number()?);
        self.source.handle_end(cx.now, cx.dice.number()?);
        let at = self.source.poll_timeout().unwrap_or(cx.now);
        let Some(asked) = error.retry_after() else {
            return Ok(at);
        };
        Ok(at.max(cx.now + asked + part(asked / 2, cx.dice.number()?)))
    }

    fn poll_timeout(&self) -> Option<Duration> {
        match &self.phase {
            Phase::Asked { deadline }
            | Phase::Trial { deadline }
            | Phase::Refused { deadline, .. } => Some(*deadline),
            Phase::Open { .. } => self.source.poll_timeout(),
        }
    }

    fn handle_timeout(&mut self, cx: &mut Context<'_>) -> Result<Option<Step>, Error> {
        let limits = &cx.ask.limits;
        Err(match &self.phase {
            Phase::Asked { .. } => Error::Timeout {
                what: "the head of the answer",
                after: cx.ask.answer_timeout(),
            },
            Phase::Trial { .. } => Error::Timeout {
                what: FIRST_OCTETS,
                after: limits.proof_timeout,
            },
            Phase::Open { .. } => Error::Timeout {
                what: if self.beats && limits.max_silence >= TWO_HEARTBEATS {
                    HEARTBEAT
                } else {
                    "a sign of life"
                },
                after: limits.max_silence,
            },
            Phase::Refused { refusal, .. } => refusal.error(),
        })
    }

    fn close(&mut self, _cx: &mut Context<'_>) -> Result<bool, Error> {
        Ok(false)
    }
}

/// The position of an event stream is its last event ID; an empty one is none.
fn position(decoder: &Decoder) -> Option<String> {
    let id = decoder.last_event_id();
    (!id.is_empty()).then(|| id.to_owned())
}

fn read_event(event: Event) -> Result<Item, Error> {
    let data = event.data.as_str();
    let id = (!event.id.is_empty()).then(|| event.id.as_str().to_owned());
    let name = event.event.as_ref().map(|name| name.as_str());
    if name == Some(GAP) {
        return wire::decode_gap(data).map(Item::Gap);
    }
    let binary = name
        .and_then(|name| name.strip_suffix(BINARY_SUFFIX))
        .and_then(|name| Some((name, wire::decode_base64(data)?)));
    Ok(Item::Message(match binary {
        Some((name, octets)) => Message {
            channel: None,
            id,
            event: (name != "message").then(|| name.to_owned()),
            data: Data::Binary(octets),
        },
        // A name of another server may end so by chance; then it is text.
        None => Message {
            channel: None,
            id,
            event: name.map(str::to_owned),
            data: Data::Text(data.to_owned()),
        },
    }))
}

fn too_large(error: tidings_sse::ReceiveError, ask: &Ask) -> Error {
    match error {
        tidings_sse::ReceiveError::LineTooLong { .. }
        | tidings_sse::ReceiveError::EventTooLong { .. } => Error::TooLarge {
            what: "an event",
            max: ask.limits.max_message_len,
        },
    }
}
