//! The codecs fed piece by piece, and the events that they give.

use core::time::Duration;

use bytes::{Bytes, BytesMut};
use tidings_explain::Protocol;
use tidings_http1::{
    ClientConnection, ClientEvent, Content, Fields, Framing, Limits, Next, ServerConnection,
    ServerEvent,
};
use tidings_sse::{Decoder, Item};
use tidings_websocket::{Client, ClosedBy, Connection, Message, Role, Server};

/// Requests that responses are read as the answers to.
const GETS: usize = 64;
/// Characters of an event that are shown.
const MOST: usize = 400;

/// What a codec told, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Octets that the codec had been given when it told this.
    pub given: usize,
    /// The kind of event, such as `request`, `content`, `text`, `event`, `error`.
    pub name: &'static str,
    words: String,
    /// Content, which a codec hands on as it comes.
    piece: Option<Bytes>,
}

impl Event {
    fn new(name: &'static str, words: impl Into<String>) -> Self {
        Self {
            given: 0,
            name,
            words: words.into(),
            piece: None,
        }
    }

    fn piece(data: Bytes) -> Self {
        Self {
            piece: Some(data),
            ..Self::new("content", "")
        }
    }

    /// The event in words.
    #[must_use]
    pub fn what(&self) -> String {
        match &self.piece {
            Some(data) => sized(data),
            None => self.words.clone(),
        }
    }
}

/// Events without the time at which they came, pieces of one content put together: what no cutting may change.
pub(crate) fn joined(events: Vec<Event>) -> Vec<Event> {
    let mut out: Vec<Event> = Vec::new();
    for event in events {
        let last = out.last_mut().and_then(|last| last.piece.as_mut());
        match (last, &event.piece) {
            (Some(before), Some(data)) => *before = [&before[..], &data[..]].concat().into(),
            (Some(_) | None, _) => out.push(Event { given: 0, ..event }),
        }
    }
    out
}

/// Feeds a codec the pieces of `octets`, one after the other, and gives its events up to the first error.
///
/// What the other side of the connection did is read off the whole input: which side sends the frames, and whether the
/// client asked for an upgrade.
///
/// ```
/// use tidings_explain::Protocol;
/// use tidings_playground::events;
///
/// let octets = b"data: 1\n\n";
/// let told = events(Protocol::Sse, octets, &[&octets[..4], &octets[4..]]);
/// assert_eq!((told[0].given, told[0].name), (9, "event"));
/// assert_eq!(told[0].what(), "message: \"1\"");
/// ```
#[must_use]
pub fn events(protocol: Protocol, octets: &[u8], pieces: &[&[u8]]) -> Vec<Event> {
    let mut codec = Codec::new(protocol, octets);
    let (mut given, mut told) = (0, Vec::new());
    let mut input = BytesMut::new();
    for piece in pieces {
        given += piece.len();
        input.extend_from_slice(piece);
        while let Some(event) = codec.next_event(&mut input) {
            told.push(Event { given, ..event });
        }
    }
    told
}

#[derive(Debug)]
enum Codec {
    /// `upgrades`: the request at hand asks for a WebSocket.
    Requests {
        connection: Box<ServerConnection>,
        upgrades: bool,
    },
    Responses(Box<ClientConnection>),
    FromClient(Box<Connection<Server>>),
    FromServer(Box<Connection<Client>>),
    Sse {
        decoder: Box<Decoder>,
        input: Bytes,
    },
    /// No event follows.
    Over,
}

fn session<R: Role>() -> Box<Connection<R>> {
    Box::new(Connection::new(
        tidings_websocket::Config::default(),
        Duration::ZERO,
    ))
}

impl Codec {
    fn new(protocol: Protocol, octets: &[u8]) -> Self {
        match protocol {
            Protocol::Requests => Self::Requests {
                connection: Box::new(ServerConnection::new(Limits::default())),
                upgrades: false,
            },
            Protocol::Responses => Self::Responses(Box::new(asked(octets))),
            Protocol::WebSocket if octets.get(1).is_some_and(|octet| octet & 0x80 != 0) => {
                Self::FromClient(session())
            }
            Protocol::WebSocket => Self::FromServer(session()),
            Protocol::Sse => {
                let mut config = tidings_sse::Config::default();
                config.comments = true;
                Self::Sse {
                    decoder: Box::new(Decoder::with_config(config)),
                    input: Bytes::new(),
                }
            }
            // The crate of the protocols may know more of them than this one.
            _ => Self::Over,
        }
    }

    fn next_event(&mut self, input: &mut BytesMut) -> Option<Event> {
        match self {
            Self::Requests {
                connection,
                upgrades,
            } => {
                let event = match connection.next_event(input) {
                    Ok(event) => event?,
                    Err(error) => {
                        let words = format!("{} [{}]", error.explain(), error.section());
                        *self = Self::Over;
                        return Some(Event::new("error", words));
                    }
                };
                Some(match event {
                    ServerEvent::Request(head) => {
                        *upgrades = head.upgrades_to("websocket");
                        let line = format!("{} {}", head.method(), head.target());
                        Event::new("request", with(&line, head.fields(), head.framing()))
                    }
                    ServerEvent::Data(data) => Event::piece(data),
                    ServerEvent::Trailers(fields) => Event::new("trailers", lines(&fields)),
                    ServerEvent::End if *upgrades => {
                        *self = Self::FromClient(session());
                        Event::new("end", "of the request; behind its upgrade stand frames")
                    }
                    ServerEvent::End => {
                        answer(connection);
                        Event::new("end", "of the request, which a server answers here")
                    }
                    ServerEvent::Closed => {
                        *self = Self::Over;
                        Event::new("closed", "no further request is read")
                    }
                })
            }
            Self::Responses(connection) => {
                let event = match connection.next_event(input) {
                    Ok(event) => event?,
                    Err(error) => {
                        let words = format!("{} [{}]", error.explain(), error.section());
                        *self = Self::Over;
                        return Some(Event::new("error", words));
                    }
                };
                Some(match event {
                    ClientEvent::Informational(head) => {
                        let status = head.status().to_string();
                        Event::new("informational", with(&status, head.fields(), Framing::None))
                    }
                    ClientEvent::Response(head) => {
                        let status = head.status().to_string();
                        Event::new("response", with(&status, head.fields(), head.framing()))
                    }
                    ClientEvent::Data(data) => Event::piece(data),
                    ClientEvent::Trailers(fields) => Event::new("trailers", lines(&fields)),
                    ClientEvent::End(Next::Reuse) => {
                        Event::new("end", "of the response; the connection may be used again")
                    }
                    ClientEvent::End(Next::Close(_)) => {
                        Event::new("end", "of the response, and of the connection")
                    }
                    ClientEvent::Upgraded(head) => {
                        let status = head.status().to_string();
                        let words = with(&status, head.fields(), Framing::None);
                        *self = Self::FromServer(session());
                        Event::new("upgraded", words)
                    }
                    ClientEvent::Closed => {
                        *self = Self::Over;
                        Event::new("closed", "no further response is read")
                    }
                })
            }
            Self::FromClient(connection) => frame(connection, input),
            Self::FromServer(connection) => frame(connection, input),
            Self::Sse {
                decoder,
                input: rest,
            } => {
                // The decoder takes all that it is given, so nothing is left of the piece before.
                if !input.is_empty() {
                    *rest = input.split().freeze();
                }
                match decoder.next_event(rest) {
                    Ok(item) => item.map(|item| dispatched(&item, decoder.last_event_id())),
                    Err(error) => {
                        *self = Self::Over;
                        Some(Event::new("error", error.to_string()))
                    }
                }
            }
            Self::Over => None,
        }
    }
}

/// A client that has asked for what the responses answer.
fn asked(octets: &[u8]) -> ClientConnection {
    let mut connection = ClientConnection::new(Limits::default());
    let mut out = BytesMut::new();
    // A request that may be upgraded stands alone; others may wait for their answers together.
    let upgrade = octets.starts_with(b"HTTP/1.1 101");
    for _ in 0..if upgrade { 1 } else { GETS } {
        let mut fields = vec![("Host", &b"localhost"[..])];
        if upgrade {
            fields.extend([("Connection", &b"Upgrade"[..]), ("Upgrade", b"websocket")]);
        }
        let _ = connection.send_request("GET", "/", fields, Content::None, &mut out);
        let _ = connection.send_end(&mut out);
    }
    connection
}

/// The next request is read when this one is answered.
fn answer(connection: &mut ServerConnection) {
    let mut out = BytesMut::new();
    let none: [(&str, &[u8]); 0] = [];
    let _ = connection.send_response(204, none, Content::None, &mut out);
    let _ = connection.send_end(&mut out);
}

fn frame<R: Role>(connection: &mut Connection<R>, input: &mut BytesMut) -> Option<Event> {
    use tidings_websocket::Event as Received;

    Some(match connection.next_event(input, Duration::ZERO)? {
        Received::Message(Message::Text(text)) => Event::new("text", quoted(text.as_bytes())),
        Received::Message(Message::Binary(data)) => Event::new("binary", sized(&data)),
        Received::Chunk { data, .. } => Event::piece(data),
        Received::Ping(data) => Event::new("Ping", quoted(&data)),
        Received::Pong(data) => Event::new("Pong", quoted(&data)),
        Received::Closed(closed) => match closed.by {
            ClosedBy::Error(error) => Event::new("error", error.to_string()),
            ClosedBy::Peer | ClosedBy::Us | ClosedBy::Eof | ClosedBy::Timeout => {
                let reason = quoted(closed.reason.as_bytes());
                Event::new("closed", format!("{} {reason}", closed.code))
            }
        },
    })
}

fn dispatched(item: &Item, last_event_id: &str) -> Event {
    match item {
        Item::Event(event) => {
            let id = match event.id.as_bytes() {
                [] => String::new(),
                id => format!(", ID {}", quoted(id)),
            };
            let kind = shown(event.event_type().as_bytes());
            let words = format!("{kind}: {}{id}", quoted(event.data.as_bytes()));
            Event::new("event", words)
        }
        Item::Comment(text) => Event::new("comment", quoted(text.as_bytes())),
        Item::Retry(wait) => Event::new("retry", format!("{} ms", wait.as_millis())),
        Item::Id => Event::new("id", quoted(last_event_id.as_bytes())),
        Item::Skipped(error) => Event::new("skipped", error.to_string()),
    }
}

fn with(line: &str, fields: &Fields, framing: Framing) -> String {
    let content = match framing {
        Framing::None => "no content".to_owned(),
        Framing::Length(1) => "1 octet of content".to_owned(),
        Framing::Length(len) => format!("{len} octets of content"),
        Framing::Chunked => "content in chunks".to_owned(),
        Framing::UntilClose => "content up to the end of the connection".to_owned(),
        Framing::Tunnel => "a tunnel behind it".to_owned(),
    };
    let line = shown(line.as_bytes());
    match fields.len() {
        1 => format!("{line}, 1 field, {content}"),
        count => format!("{line}, {count} fields, {content}"),
    }
}

/// Octets behind their number.
fn sized(octets: &[u8]) -> String {
    let end = if octets.len() == 1 { "" } else { "s" };
    format!("{} octet{end}: {}", octets.len(), quoted(octets))
}

fn lines(fields: &Fields) -> String {
    let all: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("{name}: {}", shown(value)))
        .collect();
    all.join("; ")
}

fn quoted(octets: &[u8]) -> String {
    format!("\"{}\"", shown(octets))
}

/// Octets as one line of text: what cannot be shown is escaped, what is long is shortened.
fn shown(octets: &[u8]) -> String {
    let mut text = String::new();
    match core::str::from_utf8(octets) {
        Ok(whole) => {
            for c in whole.chars().take(MOST) {
                // Quotation marks are for the eye here.
                if matches!(c, '"' | '\'') {
                    text.push(c);
                } else {
                    text.extend(c.escape_debug());
                }
            }
        }
        Err(_) => {
            let some = octets.iter().take(MOST);
            text.extend(some.flat_map(|octet| octet.escape_ascii()).map(char::from));
        }
    }
    if octets.len() > MOST {
        text.push_str(" …");
    }
    text
}
