//! WebSocket: an upgraded connection, frames both ways (RFC 6455). What it costs: a held
//! connection with a state of its own, and 2 to 10 octets a message.
//!
//! A bare WebSocket carries payloads alone, so its reader sees no positions; one that agreed on
//! `tidings.v1` carries envelopes.

use core::sync::atomic::Ordering;

use tidings_hub::{
    ChannelName, Cursor, Gap, GapReason, Position, Publish, PublishError, Read, SubscribeError,
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
    let max = match form {
        Form::Bare => max,
        Form::Envelopes => max
            .saturating_mul(ENVELOPE_FACTOR)
            .saturating_add(ENVELOPE_ROOM),
    };
    let limits = Box::new(move |mut config: tidings_websocket::Config| {
        config.max_message_len = max;
        config.max_frame_len = max as u64;
        config
    });
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
        delivered: false,
        may_publish: channels
            .authorize(Verb::Publish, channel, head, request.peer())
            .is_ok(),
    };
    Response::upgraded(accepted, limits, move |mut websocket| async move {
        let mut held = Held::new(&channels, stats, Transport::WebSocket);
        websocket.leave_stop_to_session();
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
    /// Whether anything was delivered, so that a gap is one that opened since.
    delivered: bool,
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
        if let Err(end) = self.begin(websocket).await {
            return end;
        }
        let mut stop = websocket.stop();
        loop {
            let turned = tokio::select! {
                biased;
                () = stop.stopping() => {
                    return self.closing(CloseCode::SERVICE_RESTART, "restart");
                }
                turn = turn(&self.channels, &mut self.cursor, websocket) => match turn {
                    Turn::Received(Some(message)) => self.receive(websocket, message).await,
                    Turn::Received(None) => return End::Left,
                    Turn::Read(read) => self.deliver(websocket, read, held).await,
                },
                () = held.cut() => return End::Cut,
            };
            if let Err(end) = turned {
                return end;
            }
        }
    }

    /// Tells the position before the first message.
    async fn begin(&self, websocket: &mut WebSocket) -> Result<(), End> {
        if self.form == Form::Envelopes {
            let position = envelope::position(self.cursor.position());
            websocket.send_text(&position).await?;
        }
        Ok(())
    }

    async fn deliver(
        &mut self,
        websocket: &mut WebSocket,
        read: Read,
        held: &Held,
    ) -> Result<(), End> {
        match read {
            Read::Batch(batch) => {
                self.delivered = true;
                let form = self.form;
                let frames = batch.messages.iter().map(|message| match form {
                    Form::Bare => forms::frame(message),
                    Form::Envelopes => forms::envelope(message),
                });
                websocket.send_frames(frames).await?;
                held.count_messages(batch.messages.len());
                Ok(())
            }
            Read::Gap(gap) => {
                let lagged = self.delivered && gap.reason == GapReason::Trimmed;
                self.delivered = true;
                self.tell_gap(websocket, &gap, lagged).await
            }
            Read::Deleted => {
                if self.form == Form::Envelopes {
                    websocket.send_text(envelope::DELETED).await?;
                }
                Err(End::Close(code(DELETED), "deleted".into()))
            }
            Read::CaughtUp => Ok(()),
        }
    }

    async fn tell_gap(
        &self,
        websocket: &mut WebSocket,
        gap: &Gap,
        lagged: bool,
    ) -> Result<(), End> {
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
    async fn receive(&self, websocket: &mut WebSocket, message: Message) -> Result<(), End> {
        match (self.form, message) {
            (Form::Bare, Message::Text(text)) => self.publish_bare(Publish::text(text.as_str())),
            (Form::Bare, Message::Binary(data)) => self.publish_bare(Publish::binary(&data)),
            (Form::Envelopes, Message::Binary(_)) => Err(End::Close(
                CloseCode::UNSUPPORTED_DATA,
                "tidings.v1 is text: publish binary by publish_base64".into(),
            )),
            (Form::Envelopes, Message::Text(frame)) => {
                let (reference, command) = envelope::parse(frame.as_str());
                if let Ok(Command::Publish { .. }) = command {
                    self.check_publish()?;
                }
                match command.and_then(|command| self.carry_out(command)) {
                    Ok(id) => {
                        if let Some(reference) = reference {
                            websocket.feed_text(&envelope::ack(&reference, id)).await?;
                        }
                    }
                    Err(refusal) => {
                        let error = envelope::error(&refusal, reference.as_ref());
                        websocket.feed_text(&error).await?;
                    }
                }
                Ok(())
            }
        }
    }

    fn publish_bare(&self, publish: Publish<'_>) -> Result<(), End> {
        self.check_publish()?;
        match self.channels.publish(&self.channel, publish) {
            Ok(_) => Ok(()),
            Err(error) => Err(End::Close(CloseCode::TRY_AGAIN_LATER, error.to_string())),
        }
    }

    fn check_publish(&self) -> Result<(), End> {
        if self.may_publish {
            return Ok(());
        }
        let why = "publishing is not allowed".into();
        Err(End::Close(CloseCode::POLICY_VIOLATION, why))
    }

    /// Gives the position of what was published.
    fn carry_out(&self, command: Command) -> Result<Position, Refusal> {
        let refuse = |code, message| Err(Refusal { code, message });
        let alone = || "a connection carries the channel of its URL alone".to_owned();
        let (kind, payload, event, key) = match command {
            Command::Publish {
                kind,
                payload,
                event,
                key,
            } => (kind, payload, event, key),
            Command::Subscribe => return refuse(Code::Limit, alone()),
            Command::Unsubscribe => return refuse(Code::NotSubscribed, alone()),
        };
        let (len, max) = (payload.len(), self.channels.0.config.max_message_len);
        if len > max {
            let message = format!("a payload of {len} octets, the limit is {max}");
            return refuse(Code::TooLarge, message);
        }
        let publish = Publish {
            kind,
            event,
            payload: &payload,
            key: key.as_ref().map(String::as_bytes),
        };
        match self.channels.publish(&self.channel, publish) {
            Ok(published) => Ok(published.position),
            Err(error @ PublishError::KeyReused) => refuse(Code::Malformed, error.to_string()),
            Err(error) => refuse(Code::Limit, error.to_string()),
        }
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

/// Waits for whichever comes first. Neither side can starve the other. Nothing is delivered into a
/// closing connection.
async fn turn(channels: &Channels, cursor: &mut Cursor, websocket: &mut WebSocket) -> Turn {
    if !websocket.is_open() {
        return Turn::Received(websocket.next().await);
    }
    tokio::select! {
        message = websocket.next() => Turn::Received(message),
        read = super::next(channels, cursor, super::WRITE_LIMIT) => Turn::Read(read),
    }
}

/// A code of ours; all of them may be sent.
fn code(code: u16) -> CloseCode {
    CloseCode::new(code).unwrap_or(CloseCode::NORMAL)
}
