//! WebSocket: an upgraded connection, frames both ways (RFC 6455). What it costs: a held
//! connection with a state of its own, and 2 to 10 octets a message.
//!
//! A bare WebSocket carries payloads alone, so its reader sees no positions; one that agreed on
//! `tidings.v1` carries envelopes.

use core::sync::atomic::Ordering;

use tidings_hub::{
    ChannelName, Cursor, Gap, GapReason, Kind, Publish, PublishError, Read, SubscribeError,
};
use tidings_websocket::{CloseCode, Message};

use super::super::config::{Lag, Verb};
use super::super::envelope::{self, Code, Command, Refusal, SUBPROTOCOL};
use super::super::query::Query;
use super::super::stats::{Held, Transport};
use super::super::{Channels, forms, refused};
use crate::serve::{self, Request, Response, WebSocket, WebSocketError};

const GAP: u16 = 4001;
const TOO_SLOW: u16 = 4008;
const DELETED: u16 = 4010;

/// What JSON and base64 can make of one octet of payload, and room for the other members.
const ENVELOPE_FACTOR: usize = 6;
const ENVELOPE_ROOM: usize = 4 << 10;

pub(in super::super) fn answer(
    channels: &Channels,
    request: &Request,
    channel: &ChannelName,
    query: &Query,
    open: impl FnOnce() -> Result<Cursor, SubscribeError>,
) -> Response {
    let head = request.head();
    let accepted = match serve::accept(head, &[SUBPROTOCOL]) {
        Ok(accepted) => accepted,
        Err(error) => return Response::handshake_error(error),
    };
    let cursor = match open() {
        Ok(cursor) => cursor,
        Err(error) => return refused(error),
    };
    let form = match accepted.subprotocol() {
        Some(_) => Form::Envelopes,
        None => Form::Bare,
    };
    let max = channels.0.config.max_message_len;
    let mut config = tidings_websocket::Config::default();
    config.max_message_len = match form {
        Form::Bare => max,
        Form::Envelopes => max
            .saturating_mul(ENVELOPE_FACTOR)
            .saturating_add(ENVELOPE_ROOM),
    };
    config.max_frame_len = config.max_message_len as u64;
    let stats = channels.0.stats.of(channel);
    let of = stats.of(Transport::WebSocket);
    of.requests.fetch_add(1, Ordering::Relaxed);
    let meter = of.meter.clone();
    let channels = channels.clone();
    let session = Session {
        channels: channels.clone(),
        channel: channel.clone(),
        cursor,
        form,
        skips_gaps: query.skip_gaps,
        may_publish: channels
            .authorize(Verb::Publish, channel, head, request.peer())
            .is_ok(),
    };
    Response::upgraded(accepted, Some(config), move |mut websocket| async move {
        let mut held = Held::new(&channels, stats, Transport::WebSocket);
        websocket.watch_stop_yourself();
        let end = session.run(&mut websocket, &mut held).await;
        match end {
            End::Close(code, reason) => websocket.close(code, &reason).await,
            End::Left => {}
            End::Cut => websocket.reset(),
        }
    })
    .metered(meter)
}

/// What goes into a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Bare,
    Envelopes,
}

struct Session {
    channels: Channels,
    channel: ChannelName,
    cursor: Cursor,
    form: Form,
    skips_gaps: bool,
    may_publish: bool,
}

/// How a session ends.
enum End {
    /// The server closes.
    Close(CloseCode, String),
    /// The client left, or broke the protocol and was told.
    Left,
    /// The connection is reset on purpose.
    Cut,
}

impl From<WebSocketError> for End {
    fn from(error: WebSocketError) -> Self {
        tracing::debug!(%error, "a WebSocket ended");
        Self::Left
    }
}

impl Session {
    async fn run(mut self, websocket: &mut WebSocket, held: &mut Held) -> End {
        match self.serve(websocket, held).await {
            Ok(never) => match never {},
            Err(end) => end,
        }
    }

    async fn serve(
        &mut self,
        websocket: &mut WebSocket,
        held: &mut Held,
    ) -> Result<core::convert::Infallible, End> {
        let mut stop = websocket.stop();
        let mut started = false;
        if self.form == Form::Envelopes {
            websocket
                .send_text(&envelope::position(self.cursor.position()))
                .await?;
        }
        loop {
            let read = tokio::select! {
                biased;
                () = stop.stopping() => {
                    return Err(self.closing(CloseCode::SERVICE_RESTART, "restart"));
                }
                turn = turn(&self.channels, &mut self.cursor, websocket) => match turn {
                    Turn::Received(None) => return Err(End::Left),
                    Turn::Received(Some(message)) => {
                        self.receive(websocket, message)?;
                        continue;
                    }
                    Turn::Read(read) => read,
                },
                () = held.cut() => return Err(End::Cut),
            };
            match read {
                Read::Batch(batch) => {
                    held.count_messages(batch.messages.len());
                    let form = self.form;
                    let frames = batch.messages.iter().map(|message| match form {
                        Form::Bare => forms::frame(message),
                        Form::Envelopes => forms::envelope(message),
                    });
                    websocket.send_frames(frames).await?;
                }
                Read::Gap(gap) => self.tell_gap(websocket, &gap, started).await?,
                Read::Deleted => {
                    if self.form == Form::Envelopes {
                        websocket.send_text(envelope::DELETED).await?;
                    }
                    return Err(End::Close(code(DELETED), "deleted".into()));
                }
                Read::CaughtUp => {}
            }
            started = true;
        }
    }

    async fn tell_gap(
        &self,
        websocket: &mut WebSocket,
        gap: &Gap,
        started: bool,
    ) -> Result<(), End> {
        let lagged = started && gap.reason == GapReason::Trimmed;
        if lagged && self.channels.lag() == Lag::Close {
            tracing::info!(
                channel = self.channel.as_str(),
                "a WebSocket was closed: its reader was too slow"
            );
            // It resumes behind what it has, and is told the gap then.
            let after = gap.asked.unwrap_or(gap.next);
            return Err(End::Close(code(TOO_SLOW), format!("slow after={after}")));
        }
        match self.form {
            Form::Envelopes => {
                websocket
                    .send_text(&envelope::gap(&forms::gap(gap)))
                    .await?;
                Ok(())
            }
            Form::Bare if self.skips_gaps => Ok(()),
            Form::Bare => Err(End::Close(code(GAP), format!("gap after={}", gap.next))),
        }
    }

    /// Carries out what the client sent. Answers are queued, to leave with others.
    fn receive(&self, websocket: &mut WebSocket, message: Message) -> Result<(), End> {
        match (self.form, message) {
            (Form::Bare, Message::Text(text)) => {
                self.publish_bare(Kind::Text, text.as_str().as_bytes())
            }
            (Form::Bare, Message::Binary(data)) => self.publish_bare(Kind::Binary, &data),
            (Form::Envelopes, Message::Binary(_)) => Err(End::Close(
                CloseCode::UNSUPPORTED_DATA,
                "tidings.v1 is text: publish binary by publish_base64".into(),
            )),
            (Form::Envelopes, Message::Text(frame)) => {
                let (reference, command) = envelope::parse(frame.as_str());
                let answer = match command.map(|command| self.carry_out(command)) {
                    Ok(Ok(Ok(id))) => reference.map(|reference| envelope::ack(&reference, id)),
                    Ok(Ok(Err(refusal))) | Err(refusal) => {
                        Some(envelope::error(&refusal, reference.as_ref()))
                    }
                    Ok(Err(end)) => return Err(end),
                };
                if let Some(answer) = answer {
                    websocket.queue_text(&answer)?;
                }
                Ok(())
            }
        }
    }

    fn publish_bare(&self, kind: Kind, payload: &[u8]) -> Result<(), End> {
        self.check_publish()?;
        let publish = Publish {
            kind,
            event: None,
            payload,
            key: None,
        };
        match self.channels.publish(&self.channel, publish) {
            Ok(_) => Ok(()),
            Err(error) => Err(End::Close(CloseCode::TRY_AGAIN_LATER, error.to_string())),
        }
    }

    fn check_publish(&self) -> Result<(), End> {
        if self.may_publish {
            return Ok(());
        }
        Err(End::Close(
            CloseCode::POLICY_VIOLATION,
            "publishing is not allowed".into(),
        ))
    }

    /// Gives the position of what was published.
    fn carry_out(&self, command: Command) -> Result<Result<tidings_hub::Position, Refusal>, End> {
        let (kind, payload, event, key) = match command {
            Command::Publish {
                kind,
                payload,
                event,
                key,
            } => (kind, payload, event, key),
            Command::Subscribe => {
                return Ok(Err(Refusal {
                    code: Code::Limit,
                    message: "a connection carries the channel of its URL alone".into(),
                }));
            }
            Command::Unsubscribe => {
                return Ok(Err(Refusal {
                    code: Code::NotSubscribed,
                    message: "a connection carries the channel of its URL alone".into(),
                }));
            }
        };
        self.check_publish()?;
        let max = self.channels.0.config.max_message_len;
        if payload.len() > max {
            return Ok(Err(Refusal {
                code: Code::TooLarge,
                message: format!("a payload of {} octets, the limit is {max}", payload.len()),
            }));
        }
        let publish = Publish {
            kind,
            event,
            payload: &payload,
            key: key.as_ref().map(String::as_bytes),
        };
        Ok(self
            .channels
            .publish(&self.channel, publish)
            .map(|published| published.position)
            .map_err(|error| Refusal {
                code: match error {
                    PublishError::KeyReused => Code::Malformed,
                    _ => Code::Limit,
                },
                message: error.to_string(),
            }))
    }

    /// Closes with a reason that says where to resume.
    fn closing(&self, code: CloseCode, word: &str) -> End {
        End::Close(code, format!("{word} after={}", self.cursor.position()))
    }
}

/// What a turn of the loop brought.
enum Turn {
    /// A message of the client's; `None` at the end of the connection.
    Received(Option<Message>),
    Read(Read),
}

/// Waits for whichever comes first. Neither side can starve the other.
async fn turn(channels: &Channels, cursor: &mut Cursor, websocket: &mut WebSocket) -> Turn {
    tokio::select! {
        message = websocket.next() => Turn::Received(message),
        read = super::next(channels, cursor) => Turn::Read(read),
    }
}

/// A code of ours; all of them may be sent.
fn code(code: u16) -> CloseCode {
    CloseCode::new(code).unwrap_or(CloseCode::NORMAL)
}
