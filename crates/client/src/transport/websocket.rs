//! A WebSocket: one upgrade, then frames (RFC 6455), in the subprotocol `tidings.v1`.
//!
//! request: `GET …?after=P` with `Sec-WebSocket-Protocol: tidings.v1`. Then text frames, each a
//! JSON envelope. A server that does not choose the subprotocol sends messages as bare frames,
//! without positions: they are resumed by connecting again.
//!
//! Under `tidings.v1` the connection carries the joined channels too, and what is sent is
//! published. permessage-deflate (RFC 7692) is offered where the caller switched it on.

use core::time::Duration;

use bytes::BytesMut;
use tidings_http1::{ClientConnection, ClientEvent, Content};
use tidings_websocket::{
    Client, ClientHandshake, CloseCode, Closed, ClosedBy, Config, Connection, Event,
    Message as WsMessage, ReceiveErrorKind, SendError,
};

use super::envelope;
use super::exchange::{Refusal, http_error};
use super::retry::{Retry, part};
use super::{Context, Session, Step};
use crate::error::one_line;
use crate::joins::Order;
use crate::{Data, EndReason, Error, Item, Message, Unsent, wire};

const SUBPROTOCOL: &str = "tidings.v1";
/// The close code of a deleted channel.
const DELETED: u16 = 4010;
/// RFC 6455 §7.2.3: after a stop that hits all clients at once, the first wait is up to 5 s.
const RESTART_SPREAD: Duration = Duration::from_secs(5);

/// The WebSocket of a subscription.
pub(super) struct WebSocket {
    phase: Phase,
    retry: Retry,
}

enum Phase {
    Idle,
    /// The answer to the opening handshake is due at `deadline`.
    Asked {
        http: Box<ClientConnection>,
        handshake: ClientHandshake,
        deadline: Duration,
    },
    /// An answer that is no upgrade, read for its explanation until `deadline`.
    Refused {
        http: Box<ClientConnection>,
        refusal: Refusal,
        deadline: Duration,
    },
    Open {
        connection: Box<Connection<Client>>,
        speech: Speech,
        /// The first message, of which was told that it came.
        first: Option<WsMessage>,
    },
}

/// What the frames hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Speech {
    /// A message a frame.
    Bare,
    /// Envelopes of `tidings.v1`; the first, with the position, is due.
    Greeting,
    /// Envelopes of `tidings.v1`.
    Envelopes,
}

impl WebSocket {
    pub(super) const fn session(retry: Retry) -> Self {
        Self {
            phase: Phase::Idle,
            retry,
        }
    }

    /// Takes the answer to the opening handshake.
    fn handshake(&mut self, input: &mut BytesMut, cx: &Context<'_>) -> Result<Option<Step>, Error> {
        loop {
            let event = match &mut self.phase {
                Phase::Asked { http, .. } | Phase::Refused { http, .. } => http.next_event(input),
                Phase::Idle | Phase::Open { .. } => return Ok(None),
            };
            let Some(event) = event.map_err(http_error)? else {
                return Ok(None);
            };
            match (core::mem::replace(&mut self.phase, Phase::Idle), event) {
                (
                    Phase::Refused {
                        http,
                        mut refusal,
                        deadline,
                    },
                    event,
                ) => {
                    refusal.receive(event)?;
                    self.phase = Phase::Refused {
                        http,
                        refusal,
                        deadline,
                    };
                }
                (Phase::Asked { handshake, .. }, ClientEvent::Upgraded(head)) => {
                    let fields: Vec<_> = head.fields().iter().collect();
                    let fields = fields.into_iter();
                    #[cfg(feature = "deflate")]
                    let checked = handshake.check_deflate(head.status(), fields);
                    #[cfg(not(feature = "deflate"))]
                    let checked = handshake
                        .check(head.status(), fields)
                        .map(|chosen| (chosen, ()));
                    let (chosen, agreed) = checked.map_err(Error::Handshake)?;
                    let mut config = Config::default();
                    config.max_message_len = cx.ask.limits.max_message_len;
                    config.max_frame_len =
                        u64::try_from(config.max_message_len).unwrap_or(u64::MAX);
                    config.close_timeout = cx.ask.limits.close_timeout;
                    let speech = match chosen {
                        Some(name) if name == SUBPROTOCOL => Speech::Greeting,
                        Some(_) | None => Speech::Bare,
                    };
                    self.phase = Phase::Open {
                        connection: Box::new(open(config, agreed, cx.now)),
                        speech,
                        first: None,
                    };
                    self.retry.good(cx.now);
                    let served = speech == Speech::Bare;
                    return Ok(Some(Step::Opened { served }));
                }
                (Phase::Asked { .. }, ClientEvent::Response(head)) if head.status() == 200 => {
                    // An answer to a plain GET, that may be a stream without end.
                    return Err(Refusal::new(head).error());
                }
                (Phase::Asked { http, .. }, ClientEvent::Response(head)) => {
                    let deadline = cx.now + cx.ask.answer_timeout();
                    self.phase = Phase::Refused {
                        http,
                        refusal: Refusal::new(head),
                        deadline,
                    };
                }
                (_, ClientEvent::End(_) | ClientEvent::Closed) => return Err(Error::Cut),
                (
                    phase,
                    ClientEvent::Informational(_)
                    | ClientEvent::Trailers(_)
                    | ClientEvent::Data(_)
                    | ClientEvent::Upgraded(_)
                    | ClientEvent::Response(_),
                ) => self.phase = phase,
            }
        }
    }
}

impl Session for WebSocket {
    fn begin(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        let named: Vec<_> = cx.ask.subprotocols.iter().map(String::as_str).collect();
        let subprotocols = if named.is_empty() {
            &[SUBPROTOCOL]
        } else {
            &named[..]
        };
        let handshake = ClientHandshake::new(cx.dice.take()?, subprotocols)
            .map_err(|_| Error::Setting("a subprotocol is no token, or is named twice"))?;
        #[cfg(feature = "deflate")]
        let handshake = if cx.ask.deflate {
            handshake.offer_deflate(tidings_websocket::DeflateOptions::default())
        } else {
            handshake
        };
        cx.joins.reconnected();
        let authority = cx.ask.url.authority();
        let mut fields = cx.ask.fields([], &authority);
        fields.extend(handshake.fields());
        let target = cx.ask.target(cx.position.as_deref(), false);
        let mut http = Box::new(ClientConnection::new(tidings_http1::Limits::default()));
        http.send_request("GET", &target, fields, Content::None, cx.out)
            .map_err(Error::Request)?;
        http.send_end(cx.out).map_err(Error::Request)?;
        let deadline = cx.now + cx.ask.answer_timeout();
        self.phase = Phase::Asked {
            http,
            handshake,
            deadline,
        };
        Ok(())
    }

    fn receive(
        &mut self,
        input: &mut BytesMut,
        cx: &mut Context<'_>,
    ) -> Result<Option<Step>, Error> {
        let Phase::Open {
            connection,
            speech,
            first,
        } = &mut self.phase
        else {
            return self.handshake(input, cx);
        };
        loop {
            let event = match first.take() {
                Some(message) => Some(Event::Message(message)),
                None => connection.next_event(input, cx.now),
            };
            // Pongs and the answer to a Close are due whatever the event is.
            transmit(connection, cx)?;
            let message = match event {
                None => return Ok(None),
                Some(Event::Message(message)) => message,
                Some(Event::Closed(closed)) => return Err(end(closed, cx)),
                Some(Event::Chunk { .. } | Event::Ping(_) | Event::Pong(_)) => continue,
            };
            let read = match speech {
                Speech::Bare => return Ok(Some(Step::Item(bare(message)))),
                Speech::Greeting => {
                    *speech = Speech::Envelopes;
                    // A message is handed out with the next call, and only then is its position
                    // that of the subscription.
                    if !envelope::read_position(&message, cx) {
                        *first = Some(message);
                    }
                    return Ok(Some(Step::Served));
                }
                Speech::Envelopes => envelope::read(&message, cx),
            };
            match read {
                Ok(None) => {}
                Ok(Some(item)) => return Ok(Some(Step::Item(item))),
                Err(error) => {
                    connection.close(CloseCode::POLICY_VIOLATION, &error.to_string(), cx.now);
                    transmit(connection, cx)?;
                    return Err(error);
                }
            }
        }
    }

    fn prepare(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        match &mut self.phase {
            Phase::Open {
                connection,
                speech: Speech::Envelopes,
                ..
            } => write_orders(connection, cx),
            Phase::Open { .. } | Phase::Asked { .. } | Phase::Refused { .. } | Phase::Idle => {
                Ok(())
            }
        }
    }

    fn send(&mut self, data: &Data, cx: &mut Context<'_>) -> Result<(), Error> {
        let Phase::Open {
            connection, speech, ..
        } = &mut self.phase
        else {
            let why = Unsent::NotOpen;
            return Err(Error::Unsent { why });
        };
        let key = cx.dice.take()?;
        let sent = match (speech, data) {
            (Speech::Bare, Data::Text(text)) => connection.send_text(text, key, cx.out),
            (Speech::Bare, Data::Binary(octets)) => connection.send_binary(octets, key, cx.out),
            (Speech::Greeting | Speech::Envelopes, data) => {
                let frame = wire::encode_publish(data, cx.joins.reference());
                connection.send_text(&frame, key, cx.out)
            }
        };
        sent.map_err(unsent)
    }

    fn can_send(&self, out_len: usize) -> bool {
        matches!(self.phase, Phase::Open { .. }) && out_len < Config::default().max_out_len
    }

    fn receive_eof(
        &mut self,
        input: &mut BytesMut,
        cx: &mut Context<'_>,
    ) -> Result<Option<Step>, Error> {
        match &mut self.phase {
            Phase::Asked { http, .. } | Phase::Refused { http, .. } => {
                http.receive_eof();
                self.handshake(input, cx)
            }
            Phase::Open { connection, .. } => match connection.receive_eof(cx.now) {
                Some(Event::Closed(closed)) => Err(end(closed, cx)),
                _ => Err(Error::Cut),
            },
            Phase::Idle => Err(Error::Cut),
        }
    }

    fn cut(&mut self, error: &Error, cx: &mut Context<'_>) -> Result<Duration, Error> {
        self.phase = Phase::Idle;
        let at = self.retry.next(error, cx.now, cx.dice)?;
        let restarts = matches!(
            error,
            Error::Ended { reason: EndReason::Closed { code, .. } }
                if *code == CloseCode::SERVICE_RESTART.get()
        );
        if restarts {
            Ok(at + part(RESTART_SPREAD, cx.dice.number()?))
        } else {
            Ok(at)
        }
    }

    fn poll_timeout(&self) -> Option<Duration> {
        match &self.phase {
            Phase::Asked { deadline, .. } | Phase::Refused { deadline, .. } => Some(*deadline),
            Phase::Open { connection, .. } => connection.poll_timeout(),
            Phase::Idle => None,
        }
    }

    fn handle_timeout(&mut self, cx: &mut Context<'_>) -> Result<Option<Step>, Error> {
        match &mut self.phase {
            Phase::Asked { .. } => Err(Error::Timeout {
                what: "the answer to the opening handshake",
                after: cx.ask.answer_timeout(),
            }),
            Phase::Refused { refusal, .. } => Err(refusal.error()),
            Phase::Open { connection, .. } => {
                let event = connection.handle_timeout(cx.now);
                transmit(connection, cx)?;
                match event {
                    Some(Event::Closed(closed)) => Err(end(closed, cx)),
                    _ => Ok(None),
                }
            }
            Phase::Idle => Ok(None),
        }
    }

    fn close(&mut self, cx: &mut Context<'_>) -> Result<bool, Error> {
        let Phase::Open { connection, .. } = &mut self.phase else {
            return Ok(false);
        };
        connection.close(CloseCode::NORMAL, "", cx.now);
        transmit(connection, cx)?;
        Ok(true)
    }
}

/// Writes the control frames that wait, each under a masking key of its own (RFC 6455 §5.3).
fn transmit(connection: &mut Connection<Client>, cx: &mut Context<'_>) -> Result<(), Error> {
    while connection.wants_transmit() && connection.transmit(cx.dice.take()?, cx.out) {}
    Ok(())
}

/// Tells the server of the channels that were joined and left, once there is room for all.
fn write_orders(connection: &mut Connection<Client>, cx: &mut Context<'_>) -> Result<(), Error> {
    if cx.out.len() > Config::default().max_out_len / 2 {
        return Ok(());
    }
    for order in cx.joins.orders() {
        let frame = match &order {
            Order::Subscribe {
                name,
                start,
                reference,
            } => {
                let start = start.as_ref().map(|(word, value)| (*word, value.as_str()));
                wire::encode_subscribe(name, start, *reference)
            }
            Order::Unsubscribe { name } => wire::encode_unsubscribe(name),
        };
        match connection.send_text(&frame, cx.dice.take()?, cx.out) {
            // A connection that closes needs to know no more.
            Ok(()) | Err(SendError::Closing) => {}
            Err(error) => return Err(unsent(error)),
        }
    }
    Ok(())
}

#[cfg(feature = "deflate")]
fn open(
    config: Config,
    agreed: Option<tidings_websocket::DeflateAgreement>,
    now: Duration,
) -> Connection<Client> {
    Connection::with_deflate(config, agreed.as_ref(), now)
}

#[cfg(not(feature = "deflate"))]
fn open(config: Config, (): (), now: Duration) -> Connection<Client> {
    Connection::new(config, now)
}

fn unsent(error: SendError) -> Error {
    let why = match error {
        SendError::Full { .. } => Unsent::Full,
        _ => Unsent::NotOpen,
    };
    Error::Unsent { why }
}

fn bare(message: WsMessage) -> Item {
    let data = match message {
        WsMessage::Text(text) => Data::Text(text.as_str().to_owned()),
        WsMessage::Binary(octets) => Data::Binary(octets),
    };
    Item::Message(Message::new(data))
}

fn end(closed: Closed, cx: &Context<'_>) -> Error {
    match closed.by {
        ClosedBy::Eof => Error::Cut,
        ClosedBy::Timeout => Error::Timeout {
            what: "the answer to a ping",
            after: Config::default().pong_timeout,
        },
        ClosedBy::Error(error) => match error.kind() {
            ReceiveErrorKind::FrameTooLong { .. } | ReceiveErrorKind::MessageTooLong { .. } => {
                Error::TooLarge {
                    what: "a message",
                    max: cx.ask.limits.max_message_len,
                }
            }
            _ => Error::WebSocket(error),
        },
        ClosedBy::Peer | ClosedBy::Us if closed.code == DELETED => Error::Ended {
            reason: EndReason::Deleted,
        },
        ClosedBy::Peer | ClosedBy::Us => Error::Ended {
            reason: EndReason::Closed {
                code: closed.code,
                reason: one_line(closed.reason.as_str()),
            },
        },
    }
}
