//! What passed over one connection, with times, and its picture: a Mermaid sequence diagram.

use core::fmt::Write as _;
use core::time::Duration;

use bytes::{Bytes, BytesMut};
use tidings_http1::{
    ClientConnection, ClientEvent, Content, Fields, Limits, RequestHead, ResponseHead,
    ServerConnection, ServerEvent,
};
use tidings_sse::{Decoder, Item};
use tidings_websocket::{Client, Config, Connection, Event, Message, Role, Server};

use crate::show;

/// A pause that is worth a note.
const PAUSE: Duration = Duration::from_millis(100);

/// Who sent a part of a [`Recording`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// The end that asked.
    Client,
    /// The end that answered.
    Server,
}

/// Octets that were seen at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Since the connection began.
    pub at: Duration,
    /// Who sent them.
    pub from: Side,
    /// The octets, in any cutting.
    pub octets: Bytes,
}

/// One connection from its first octet on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recording {
    /// In the order of time.
    pub parts: Vec<Part>,
}

impl Recording {
    /// Draws the connection as a sequence diagram in the language of Mermaid: requests and answers, what was
    /// held and for how long, answers without news, events, and frames both ways behind an upgrade.
    ///
    /// ```
    /// use core::time::Duration;
    /// use tidings_explain::{Part, Recording, Side};
    ///
    /// let part = |ms, from, octets: &'static [u8]| Part {
    ///     at: Duration::from_millis(ms),
    ///     from,
    ///     octets: octets.into(),
    /// };
    /// let recording = Recording {
    ///     parts: vec![
    ///         part(0, Side::Client, b"GET /news HTTP/1.1\r\nHost: a\r\n\r\n"),
    ///         part(1500, Side::Server, b"HTTP/1.1 304 Not Modified\r\n\r\n"),
    ///     ],
    /// };
    /// assert_eq!(
    ///     recording.to_mermaid(),
    ///     "sequenceDiagram\n    participant C as Client\n    participant S as Server\n\
    ///      \x20   C->>S: GET /news\n    Note over S: holds it for 1.50 s\n    S-->>C: 304 Not Modified, no news\n"
    /// );
    /// ```
    #[must_use]
    pub fn to_mermaid(&self) -> String {
        let mut diagram = Diagram::new();
        let mut phase = Phase::Http(Box::new(Exchange::new()));
        for part in &self.parts {
            phase = phase.take(part, &mut diagram);
        }
        diagram.out
    }
}

/// The text of a diagram, and what its notes need to know.
struct Diagram {
    out: String,
    last: Duration,
}

impl Diagram {
    fn new() -> Self {
        let out = "sequenceDiagram\n    participant C as Client\n    participant S as Server\n";
        Self {
            out: out.to_owned(),
            last: Duration::ZERO,
        }
    }

    fn line(&mut self, arrow: &str, text: &str) {
        // A semicolon ends a statement, a number sign begins an entity.
        let text = text.replace('#', "#35;").replace(';', "#59;");
        let _ = writeln!(self.out, "    {arrow}: {text}");
    }

    /// Notes the time since the last line, where it is long.
    fn pause(&mut self, over: &str, what: &str, at: Duration) {
        let pause = at.saturating_sub(self.last);
        if pause >= PAUSE {
            self.line(
                &format!("Note over {over}"),
                &format!("{what} {:.2} s", pause.as_secs_f64()),
            );
        }
        self.last = at;
    }
}

/// What the connection speaks.
enum Phase {
    Http(Box<Exchange>),
    Frames(Box<Frames>),
    /// It cannot be followed any further.
    Lost,
}

impl Phase {
    fn take(self, part: &Part, diagram: &mut Diagram) -> Self {
        match self {
            Self::Http(mut exchange) => {
                let went_on = match part.from {
                    Side::Client => exchange.requests(part, diagram),
                    Side::Server => exchange.responses(part, diagram),
                };
                match went_on {
                    None => Self::Lost,
                    Some(false) => Self::Http(exchange),
                    Some(true) => {
                        let mut frames = Frames::new(exchange.upgraded());
                        frames.tell(part.at, diagram);
                        Self::Frames(Box::new(frames))
                    }
                }
            }
            Self::Frames(mut frames) => {
                frames.input(part.from).extend_from_slice(&part.octets);
                frames.tell(part.at, diagram);
                Self::Frames(frames)
            }
            Self::Lost => Self::Lost,
        }
    }
}

/// Requests and their answers.
struct Exchange {
    server: ServerConnection,
    client: ClientConnection,
    from_client: BytesMut,
    from_server: BytesMut,
    answer: Option<ResponseHead>,
    body: BytesMut,
    /// Decodes the content, where that is an event stream.
    events: Option<Decoder>,
}

impl Exchange {
    fn new() -> Self {
        Self {
            server: ServerConnection::new(Limits::default()),
            client: ClientConnection::new(Limits::default()),
            from_client: BytesMut::new(),
            from_server: BytesMut::new(),
            answer: None,
            body: BytesMut::new(),
            events: None,
        }
    }

    /// `None` where the octets are no HTTP.
    fn requests(&mut self, part: &Part, diagram: &mut Diagram) -> Option<bool> {
        self.from_client.extend_from_slice(&part.octets);
        loop {
            match self.server.next_event(&mut self.from_client) {
                Ok(Some(ServerEvent::Request(head))) => {
                    diagram.pause("C", "waits for", part.at);
                    diagram.line("C->>S", &asked(&head));
                    self.expect(&head)?;
                }
                Ok(Some(ServerEvent::Data(data))) => {
                    diagram.line("C->>S", &format!("content \"{}\"", show(&data)));
                }
                Ok(Some(ServerEvent::Trailers(_) | ServerEvent::End | ServerEvent::Closed)) => {}
                Ok(None) => return Some(false),
                Err(error) => {
                    diagram.line(
                        "Note over C",
                        &format!("breaks a rule: {}", error.explain()),
                    );
                    return None;
                }
            }
        }
    }

    /// Tells the client's end that the request was sent, so that it knows the answer.
    fn expect(&mut self, head: &RequestHead) -> Option<()> {
        let mut out = BytesMut::new();
        let mut fields = vec![("Host", &b"recorded"[..])];
        if let Some(upgrade) = head.fields().get("Upgrade") {
            fields.extend([("Connection", &b"Upgrade"[..]), ("Upgrade", upgrade)]);
        }
        let sent = self.client.send_request(
            head.method(),
            head.target(),
            fields,
            Content::None,
            &mut out,
        );
        sent.and_then(|()| self.client.send_end(&mut out)).ok()
    }

    /// True where the connection is upgraded.
    fn responses(&mut self, part: &Part, diagram: &mut Diagram) -> Option<bool> {
        self.from_server.extend_from_slice(&part.octets);
        loop {
            match self.client.next_event(&mut self.from_server) {
                Ok(Some(ClientEvent::Informational(head))) => {
                    diagram.line("S-->>C", &status(&head));
                }
                Ok(Some(ClientEvent::Response(head))) => {
                    diagram.pause("S", "holds it for", part.at);
                    let kind = head.fields().get("Content-Type").unwrap_or_default();
                    self.events = tidings_sse::is_event_stream(kind).then(Decoder::new);
                    if self.events.is_some() {
                        diagram.line("S-->>C", &format!("{}, text/event-stream", status(&head)));
                    }
                    self.answer = Some(head);
                }
                Ok(Some(ClientEvent::Data(data))) => match &mut self.events {
                    Some(decoder) => events(decoder, data, part.at, diagram)?,
                    None => self.body.extend_from_slice(&data),
                },
                Ok(Some(ClientEvent::End(_))) => self.end(diagram)?,
                Ok(Some(ClientEvent::Upgraded(head))) => {
                    diagram.pause("S", "holds it for", part.at);
                    diagram.line("S-->>C", &status(&head));
                    return Some(true);
                }
                Ok(Some(ClientEvent::Trailers(_) | ClientEvent::Closed)) => {}
                Ok(None) => return Some(false),
                Err(error) => {
                    diagram.line(
                        "Note over S",
                        &format!("breaks a rule: {}", error.explain()),
                    );
                    return None;
                }
            }
        }
    }

    /// The answer is whole: the server's end goes on to the next request.
    fn end(&mut self, diagram: &mut Diagram) -> Option<()> {
        let head = self.answer.take()?;
        let body = self.body.split();
        if self.events.take().is_none() {
            diagram.line("S-->>C", &answered(&head, &body));
        }
        let mut out = BytesMut::new();
        let none: [(&str, &[u8]); 0] = [];
        let sent = self
            .server
            .send_response(204, none, Content::None, &mut out);
        sent.and_then(|()| self.server.send_end(&mut out))
            .ok()
            .map(|_| ())
    }

    /// What both ends had read when the connection became another.
    fn upgraded(self) -> (BytesMut, BytesMut) {
        (self.from_client, self.from_server)
    }
}

/// Method, target, and the fields that make a poll or a resumption.
fn asked(head: &RequestHead) -> String {
    let mut text = format!("{} {}", head.method(), show(head.target().as_bytes()));
    for name in [
        "Accept",
        "If-None-Match",
        "Prefer",
        "Last-Event-ID",
        "Upgrade",
    ] {
        if let Some(value) = field(head.fields(), name)
            && value != "*/*"
        {
            let _ = write!(text, ", {name}: {value}");
        }
    }
    text
}

fn field(fields: &Fields, name: &str) -> Option<String> {
    fields.get(name).map(show)
}

fn status(head: &ResponseHead) -> String {
    format!("{} {}", head.status(), show(head.reason()))
}

fn answered(head: &ResponseHead, body: &[u8]) -> String {
    const EMPTY: &[u8] = b"\"messages\":[]";
    let status = status(head);
    if head.status() == 304 || body.windows(EMPTY.len()).any(|window| window == EMPTY) {
        format!("{status}, no news")
    } else if body.is_empty() {
        status
    } else {
        format!("{status}, {}", show(body))
    }
}

/// `None` where the stream is out of form.
fn events(
    decoder: &mut Decoder,
    mut content: Bytes,
    at: Duration,
    diagram: &mut Diagram,
) -> Option<()> {
    while let Some(item) = decoder.next_event(&mut content).ok()? {
        let Item::Event(event) = item else {
            continue;
        };
        diagram.pause("S", "nothing for", at);
        let (kind, data) = (event.event_type(), show(event.data.as_bytes()));
        let id = if event.id.is_empty() {
            String::new()
        } else {
            format!(", id {}", show(event.id.as_bytes()))
        };
        diagram.line("S-)C", &format!("event {kind} \"{data}\"{id}"));
    }
    Some(())
}

/// Frames both ways.
struct Frames {
    from_client: BytesMut,
    from_server: BytesMut,
    server: Connection<Server>,
    client: Connection<Client>,
}

impl Frames {
    fn new((from_client, from_server): (BytesMut, BytesMut)) -> Self {
        Self {
            from_client,
            from_server,
            server: Connection::new(Config::default(), Duration::ZERO),
            client: Connection::new(Config::default(), Duration::ZERO),
        }
    }

    fn input(&mut self, from: Side) -> &mut BytesMut {
        match from {
            Side::Client => &mut self.from_client,
            Side::Server => &mut self.from_server,
        }
    }

    fn tell(&mut self, at: Duration, diagram: &mut Diagram) {
        received(&mut self.server, &mut self.from_client, "C-)S", at, diagram);
        received(&mut self.client, &mut self.from_server, "S-)C", at, diagram);
    }
}

fn received<R: Role>(
    connection: &mut Connection<R>,
    input: &mut BytesMut,
    arrow: &str,
    at: Duration,
    diagram: &mut Diagram,
) {
    while let Some(event) = connection.next_event(input, Duration::ZERO) {
        let text = match event {
            Event::Message(Message::Text(text)) => format!("text \"{}\"", show(text.as_bytes())),
            Event::Message(Message::Binary(octets)) => format!("binary, {} octets", octets.len()),
            Event::Chunk { .. } => continue,
            Event::Ping(_) => "Ping".to_owned(),
            Event::Pong(_) => "Pong".to_owned(),
            Event::Closed(closed) => format!(
                "Close {} \"{}\"",
                closed.code,
                show(closed.reason.as_bytes())
            ),
        };
        diagram.pause("C,S", "nothing for", at);
        diagram.line(arrow, &text);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    fn recording(parts: &[(u64, Side, &'static [u8])], cut: usize) -> Recording {
        let parts = parts.iter().flat_map(|(ms, from, octets)| {
            octets.chunks(cut).map(|octets| Part {
                at: Duration::from_millis(*ms),
                from: *from,
                octets: Bytes::from_static(octets),
            })
        });
        Recording {
            parts: parts.collect(),
        }
    }

    #[test]
    fn each_transport_is_drawn_the_same_however_it_was_cut() {
        use Side::{Client as C, Server as S};
        let polls: &[(u64, Side, &[u8])] = &[
            (0, C, b"GET /c HTTP/1.1\r\nHost: a\r\nIf-None-Match: \"e.1\"\r\nPrefer: wait=5\r\n\r\n"),
            (2500, S, b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 14\r\n\r\n{\"messages\":1}"),
            (2501, C, b"GET /c HTTP/1.1\r\nHost: a\r\n\r\n"),
            (2502, S, b"HTTP/1.1 304 Not Modified\r\n\r\n"),
            (3502, C, b"GET /c HTTP/1.1\r\nHost: a\r\n\r\n"),
        ];
        let stream: &[(u64, Side, &[u8])] = &[
            (0, C, b"GET /c HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n"),
            (1, S, b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"),
            (2, S, b"8\r\nid: e.1\n\r\n1\r\n\n\r\n"),
            (502, S, b"1c\r\nid: e.2\nevent: x\ndata: a;b\n\n\r\n"),
        ];
        let frames: &[(u64, Side, &[u8])] = &[
            (0, C, b"GET /c HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"),
            (1, S, b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x05Hello"),
            (2, C, b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58\x88\x82\0\0\0\0\x03\xe8"),
            (3, S, b"\x88\x02\x03\xe8"),
        ];
        let rows = [
            (
                polls,
                "C->>S: GET /c, If-None-Match: \"e.1\", Prefer: wait=5\n\
                 Note over S: holds it for 2.50 s\n\
                 S-->>C: 200 OK, {\"messages\":1}\n\
                 C->>S: GET /c\n\
                 S-->>C: 304 Not Modified, no news\n\
                 Note over C: waits for 1.00 s\n\
                 C->>S: GET /c\n",
            ),
            (
                stream,
                "C->>S: GET /c, Accept: text/event-stream\n\
                 S-->>C: 200 OK, text/event-stream\n\
                 Note over S: nothing for 0.50 s\n\
                 S-)C: event x \"a#59;b\", id e.2\n",
            ),
            (
                frames,
                "C->>S: GET /c, Upgrade: websocket\n\
                 S-->>C: 101 Switching Protocols\n\
                 S-)C: text \"Hello\"\n\
                 C-)S: text \"Hello\"\n\
                 C-)S: Close 1000 \"\"\n\
                 S-)C: Close 1000 \"\"\n",
            ),
        ];
        for (parts, want) in rows {
            for cut in [1, 7, 100_000] {
                let drawn = recording(parts, cut).to_mermaid();
                let lines: Vec<&str> = drawn.lines().skip(3).map(str::trim_start).collect();
                assert_eq!(lines.join("\n") + "\n", want, "cut by {cut}");
            }
        }
    }

    #[test]
    fn octets_out_of_form_end_the_diagram_with_a_note() {
        let drawn = recording(
            &[
                (0, Side::Client, b"GET /a b HTTP/1.1\r\n\r\n"),
                (1, Side::Client, b"x"),
            ],
            99,
        );
        let drawn = drawn.to_mermaid();
        assert_eq!(drawn.lines().count(), 4, "{drawn}");
        assert!(
            drawn
                .lines()
                .last()
                .unwrap()
                .contains("Note over C: breaks a rule: "),
            "{drawn}"
        );
    }
}
