//! A WebSocket: one upgrade, then frames (RFC 6455), in the subprotocol `tidings.v1`.
//!
//! request: `GET …?after=P` with `Sec-WebSocket-Protocol: tidings.v1`. Then text frames, each a
//! JSON envelope. A server that does not choose the subprotocol sends messages as bare frames,
//! without positions: they are resumed by connecting again.

use core::time::Duration;

use bytes::BytesMut;
use tidings_http1::{ClientConnection, ClientEvent, Content};
use tidings_websocket::{
    Client, ClientHandshake, CloseCode, Closed, ClosedBy, Config, Connection, Event,
    Message as WsMessage, ReceiveErrorKind,
};

use super::exchange::{Refusal, http_error};
use super::retry::{Retry, part};
use super::{Context, Session, Step};
use crate::error::one_line;
use crate::wire::Envelope;
use crate::{Data, EndReason, Error, Item, Message};

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
        /// The server chose our subprotocol.
        enveloped: bool,
    },
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
                    let chosen = handshake
                        .check(head.status(), fields.into_iter())
                        .map_err(Error::Handshake)?;
                    let mut config = Config::default();
                    config.max_message_len = cx.ask.limits.max_message_len;
                    config.max_frame_len =
                        u64::try_from(config.max_message_len).unwrap_or(u64::MAX);
                    config.close_timeout = cx.ask.limits.close_timeout;
                    self.phase = Phase::Open {
                        connection: Box::new(Connection::new(config, cx.now)),
                        enveloped: chosen.is_some(),
                    };
                    self.retry.good(cx.now);
                    return Ok(Some(Step::Opened));
                }
                (Phase::Asked { http, .. }, ClientEvent::Response(head)) => {
                    let deadline = cx.now + cx.ask.limits.answer_timeout;
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
        let handshake = ClientHandshake::new(cx.dice.take()?, &[SUBPROTOCOL])
            .map_err(|_| Error::Protocol("the handshake cannot be written"))?;
        let authority = cx.ask.url.authority();
        let mut fields = cx.ask.fields([], &authority);
        fields.extend(handshake.fields());
        let target = cx.ask.target(cx.position.as_deref(), false);
        let mut http = Box::new(ClientConnection::new(tidings_http1::Limits::default()));
        http.send_request("GET", &target, fields, Content::None, cx.out)
            .map_err(Error::Request)?;
        http.send_end(cx.out).map_err(Error::Request)?;
        let deadline = cx.now + cx.ask.limits.answer_timeout;
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
            enveloped,
        } = &mut self.phase
        else {
            return self.handshake(input, cx);
        };
        loop {
            let event = connection.next_event(input, cx.now);
            // Pongs and the answer to a Close are due whatever the event is.
            transmit(connection, cx)?;
            let read = match event {
                None => return Ok(None),
                Some(Event::Message(message)) if *enveloped => read_envelope(message, cx),
                Some(Event::Message(message)) => Ok(Some(bare(message))),
                Some(Event::Closed(closed)) => return Err(end(closed, cx)),
                Some(Event::Chunk { .. } | Event::Ping(_) | Event::Pong(_)) => Ok(None),
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
                after: cx.ask.limits.answer_timeout,
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

fn read_envelope(message: WsMessage, cx: &mut Context<'_>) -> Result<Option<Item>, Error> {
    let text = match &message {
        WsMessage::Text(text) => text.as_str(),
        WsMessage::Binary(_) => return Err(Error::Protocol("a binary frame under tidings.v1")),
    };
    Ok(match Envelope::decode(text)? {
        Envelope::Position(position) => {
            *cx.position = Some(position);
            None
        }
        Envelope::Message(message) => {
            if message.id.is_none() {
                return Err(Error::Protocol("a message under tidings.v1 has no id"));
            }
            cx.position.clone_from(&message.id);
            Some(Item::Message(message))
        }
        Envelope::Gap(gap) => {
            *cx.position = Some(gap.next.clone());
            Some(Item::Gap(gap))
        }
        Envelope::Deleted => {
            return Err(Error::Ended {
                reason: EndReason::Deleted,
            });
        }
        Envelope::Error { code, message } => {
            return Err(Error::Refused {
                code: one_line(&code),
                message: one_line(&message),
            });
        }
        Envelope::Ignored => None,
    })
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
