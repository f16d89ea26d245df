//! One reader of the load, over any of the four transports: the codecs on a bare socket.
//!
//! It asks as a plain client does and follows whatever server answers: an event stream, frames with or without
//! the envelopes of `tidings.v1`, or polls that answer with a page of messages or with one message as it is.

use core::time::Duration;
use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use serde_json::Value;
use tidings_client::Transport;
use tidings_http1::{ClientConnection, ClientEvent, Content, Limits, Next, ResponseHead};
use tidings_sse::{Decoder, Item};
use tidings_websocket::{Client, Connection, Event, Message};
use tokio::time::sleep;

use super::{Endpoint, Fault, Socket, Traffic, frames};

/// What a long poll asks to be held for, in seconds.
const WAIT: &str = "25";
/// Largest answer to a poll, in octets.
const MAX_ANSWER_LEN: usize = 64 << 20;

/// How to read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct How {
    pub(crate) via: Transport,
    /// Between two short polls.
    pub(crate) interval: Duration,
    /// Ask for the envelopes of `tidings.v1` on a WebSocket, which carry positions.
    pub(crate) positions: bool,
}

/// One reader and its connection.
pub(crate) struct Reader {
    endpoint: Endpoint,
    how: How,
    socket: Socket,
    wire: Wire,
    /// Messages that were received and not handed out, each with its position where it has one.
    queue: VecDeque<(Bytes, Option<String>)>,
    position: Option<String>,
    pub(crate) requests: u64,
    /// Answers without a message.
    pub(crate) empty: u64,
    /// Octets of connections before this one.
    before: Traffic,
}

enum Wire {
    Events {
        http: Box<ClientConnection>,
        decoder: Box<Decoder>,
        content: Bytes,
    },
    Frames {
        connection: Box<Connection<Client>>,
        enveloped: bool,
    },
    Poll {
        http: Box<ClientConnection>,
        validators: Validators,
        /// The last answer said that there is more, or had something.
        at_once: bool,
    },
}

/// What the next poll sends back of the last answer.
#[derive(Default)]
struct Validators {
    etag: Option<String>,
    modified: Option<String>,
}

impl Reader {
    /// Connects and asks, from a position or from what is published next.
    pub(crate) async fn open(
        endpoint: &Endpoint,
        how: How,
        position: Option<String>,
    ) -> Result<Self, Fault> {
        let mut socket = Socket::open(endpoint).await?;
        let mut requests = 1;
        let wire = match how.via {
            Transport::Sse => events(endpoint, position.as_deref(), &mut socket).await?,
            Transport::WebSocket => {
                let target = match &position {
                    Some(position) => endpoint.with("after", position),
                    None => endpoint.target.clone(),
                };
                let subprotocols: &[&str] = if how.positions { &["tidings.v1"] } else { &[] };
                let (connection, chosen) =
                    frames::open(endpoint, &target, subprotocols, &mut socket).await?;
                Wire::Frames {
                    connection,
                    enveloped: chosen,
                }
            }
            Transport::ShortPoll | Transport::LongPoll => {
                requests = 0;
                Wire::Poll {
                    http: Box::new(ClientConnection::new(Limits::default())),
                    validators: Validators {
                        etag: position.as_ref().map(|position| format!("\"{position}\"")),
                        modified: None,
                    },
                    at_once: true,
                }
            }
        };
        let mut reader = Self {
            endpoint: endpoint.clone(),
            how,
            socket,
            wire,
            queue: VecDeque::new(),
            position,
            requests,
            empty: 0,
            before: Traffic::default(),
        };
        // The first answer to a poll says where it starts.
        if matches!(how.via, Transport::ShortPoll | Transport::LongPoll)
            && reader.position.is_none()
        {
            reader.poll(false).await?;
        }
        Ok(reader)
    }

    /// The next message. A reader whose `next` was dropped is done for: part of an answer may be lost.
    pub(crate) async fn next(&mut self) -> Result<Bytes, Fault> {
        loop {
            if let Some((message, position)) = self.queue.pop_front() {
                if position.is_some() {
                    self.position = position;
                }
                return Ok(message);
            }
            match &mut self.wire {
                Wire::Events {
                    http,
                    decoder,
                    content,
                } => {
                    while let Some(item) = decoder.next_event(content).map_err(Fault::Events)? {
                        let id = decoder.last_event_id();
                        let position = (!id.is_empty()).then(|| id.to_owned());
                        match item {
                            Item::Event(event) => {
                                self.queue.push_back((event.data.into_bytes(), position));
                            }
                            // Behind what waits it would pass over that.
                            Item::Id if self.queue.is_empty() => self.position = position,
                            Item::Id | Item::Comment(_) | Item::Retry(_) | Item::Skipped(_) => {}
                        }
                    }
                    if !self.queue.is_empty() {
                        continue;
                    }
                    match http
                        .next_event(&mut self.socket.input)
                        .map_err(Fault::Http)?
                    {
                        Some(ClientEvent::Data(data)) => *content = data,
                        Some(ClientEvent::End(_) | ClientEvent::Closed) => {
                            return Err(Fault::Ended);
                        }
                        Some(_) => {}
                        None => self.socket.read().await?,
                    }
                }
                Wire::Frames {
                    connection,
                    enveloped,
                } => {
                    // No deadline of the connection is in use: the time stands still for it.
                    let event = connection.next_event(&mut self.socket.input, Duration::ZERO);
                    frames::answer(connection, &mut self.socket.out);
                    match event {
                        Some(Event::Message(message)) => {
                            let message = match message {
                                Message::Text(text) => text.into_bytes(),
                                Message::Binary(octets) => octets,
                            };
                            if *enveloped {
                                let frame =
                                    serde_json::from_slice(&message).map_err(Fault::Json)?;
                                if let Some(found) = enveloped_message(&frame) {
                                    self.queue.push_back(found);
                                } else if let Some(position) = text(&frame, "position") {
                                    self.position = Some(position);
                                }
                            } else {
                                self.queue.push_back((message, None));
                            }
                        }
                        Some(Event::Closed(_)) => return Err(Fault::Ended),
                        Some(_) => {}
                        None => {
                            self.socket.flush().await?;
                            self.socket.read().await?;
                        }
                    }
                }
                Wire::Poll { at_once, .. } => {
                    if self.how.via == Transport::ShortPoll && !*at_once {
                        sleep(self.how.interval).await;
                    }
                    self.poll(self.how.via == Transport::LongPoll).await?;
                }
            }
        }
    }

    /// Sends a poll, where none is out.
    pub(crate) async fn ask(&mut self, wait: bool) -> Result<(), Fault> {
        let Wire::Poll {
            http, validators, ..
        } = &mut self.wire
        else {
            return Ok(());
        };
        if http.unanswered() > 0 {
            return Ok(());
        }
        let target = if wait {
            self.endpoint.with("wait", WAIT)
        } else {
            self.endpoint.target.clone()
        };
        let mut fields = vec![("Host", self.endpoint.authority.as_bytes())];
        let known = [
            ("If-None-Match", &validators.etag),
            ("If-Modified-Since", &validators.modified),
        ];
        for (name, value) in known {
            if let Some(value) = value {
                fields.push((name, value.as_bytes()));
            }
        }
        http.send_request("GET", &target, fields, Content::None, &mut self.socket.out)
            .map_err(Fault::Request)?;
        http.send_end(&mut self.socket.out)
            .map_err(Fault::Request)?;
        self.requests += 1;
        self.socket.flush().await?;
        Ok(())
    }

    /// One poll and its answer.
    async fn poll(&mut self, wait: bool) -> Result<(), Fault> {
        self.ask(wait).await?;
        let Wire::Poll {
            http,
            validators,
            at_once,
        } = &mut self.wire
        else {
            return Ok(());
        };
        let (head, body) = answer(http, &mut self.socket).await?;
        let seen = |name| head.fields().get_str(name).map(str::to_owned);
        let position = seen("ETag").map(|etag| etag.trim_matches('"').to_owned());
        validators.etag = seen("ETag");
        validators.modified = seen("Last-Modified");
        let paged = seen("Content-Type").is_some_and(|kind| kind.starts_with("application/json"));
        *at_once = false;
        match head.status() {
            200 if paged => {
                let page: Value = serde_json::from_slice(&body).map_err(Fault::Json)?;
                *at_once = page.get("more").and_then(Value::as_bool).unwrap_or(false);
                let messages = page.get("messages").and_then(Value::as_array);
                self.queue
                    .extend(messages.into_iter().flatten().filter_map(enveloped_message));
            }
            200 if !body.is_empty() => self.queue.push_back((body, None)),
            200 | 204 | 304 | 408 => {}
            status => return Err(Fault::Status(status)),
        }
        if self.queue.is_empty() {
            self.empty += 1;
            self.position = position.or_else(|| self.position.take());
        }
        Ok(())
    }

    /// Cuts the connection; what is known of the position stays.
    pub(crate) fn cut(self) -> Absent {
        let traffic = self.traffic();
        self.socket.cut();
        Absent {
            endpoint: self.endpoint,
            how: self.how,
            position: self.position,
            requests: self.requests,
            empty: self.empty,
            traffic,
        }
    }

    /// Drops the buffers of a reader that waits.
    pub(crate) fn shrink(&mut self) {
        self.socket.shrink();
    }

    pub(crate) fn traffic(&self) -> Traffic {
        let mut traffic = self.before;
        traffic.add(self.socket.traffic);
        traffic
    }
}

/// A reader without a connection.
#[derive(Clone)]
pub(crate) struct Absent {
    endpoint: Endpoint,
    how: How,
    position: Option<String>,
    requests: u64,
    empty: u64,
    traffic: Traffic,
}

impl Absent {
    /// Comes back behind the last message that was handed out.
    pub(crate) async fn reopen(self) -> Result<Reader, Fault> {
        let mut reader = Reader::open(&self.endpoint, self.how, self.position).await?;
        reader.before = self.traffic;
        reader.requests += self.requests;
        reader.empty += self.empty;
        Ok(reader)
    }
}

/// Asks for an event stream and waits for its head.
async fn events(
    endpoint: &Endpoint,
    position: Option<&str>,
    socket: &mut Socket,
) -> Result<Wire, Fault> {
    let mut http = Box::new(ClientConnection::new(Limits::default()));
    let mut fields = vec![
        ("Host", endpoint.authority.as_bytes()),
        ("Accept", b"text/event-stream"),
    ];
    if let Some(position) = position {
        fields.push(("Last-Event-ID", position.as_bytes()));
    }
    http.send_request(
        "GET",
        &endpoint.target,
        fields,
        Content::None,
        &mut socket.out,
    )
    .map_err(Fault::Request)?;
    http.send_end(&mut socket.out).map_err(Fault::Request)?;
    socket.flush().await?;
    loop {
        match http.next_event(&mut socket.input).map_err(Fault::Http)? {
            Some(ClientEvent::Response(head)) if head.status() == 200 => break,
            Some(ClientEvent::Response(head)) => return Err(Fault::Status(head.status())),
            Some(ClientEvent::Closed | ClientEvent::End(_)) => return Err(Fault::Ended),
            Some(_) => {}
            None => socket.read().await?,
        }
    }
    Ok(Wire::Events {
        http,
        decoder: Box::new(Decoder::new()),
        content: Bytes::new(),
    })
}

/// Reads one whole answer.
pub(crate) async fn answer(
    http: &mut ClientConnection,
    socket: &mut Socket,
) -> Result<(ResponseHead, Bytes), Fault> {
    let mut head = None;
    let mut body = BytesMut::new();
    loop {
        match http.next_event(&mut socket.input).map_err(Fault::Http)? {
            Some(ClientEvent::Response(found)) => head = Some(found),
            Some(ClientEvent::Data(data)) => {
                body.extend_from_slice(&data);
                if body.len() > MAX_ANSWER_LEN {
                    return Err(Fault::TooLong);
                }
            }
            Some(ClientEvent::End(next)) => {
                let head = head.ok_or(Fault::Ended)?;
                if !matches!(next, Next::Reuse) {
                    return Err(Fault::NoKeepAlive);
                }
                return Ok((head, body.freeze()));
            }
            Some(ClientEvent::Closed) => return Err(Fault::Ended),
            Some(_) => {}
            None => socket.read().await?,
        }
    }
}

fn text(value: &Value, name: &str) -> Option<String> {
    value.get(name).and_then(Value::as_str).map(str::to_owned)
}

/// The data and the position of a message as JSON.
fn enveloped_message(value: &Value) -> Option<(Bytes, Option<String>)> {
    let data = text(value, "data")?;
    Some((Bytes::from(data), text(value, "id")))
}
