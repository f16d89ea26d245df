//! An exchange told field by field, as JSON for a page that only draws it.

use core::ops::Range;

use serde_json::{Value, json};
use tidings_explain::{Fault, Protocol, Side, Span, explain};

use super::store::{Exchange, Lane, Piece};

/// One direction, told.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// An object a field. Fields of an event stream have `depth` 1 and stand behind the chunk that they lie in.
    pub(super) spans: Vec<Value>,
    pub(super) fault: Value,
    pub(super) awaits: Value,
}

/// Most fields of one direction that are told: a field of one octet is told by hundreds.
const MAX_FIELDS: usize = 4_096;

/// Tells both directions, and each piece from `first` on by one line.
pub(super) fn tell(exchange: &Exchange, first: usize) -> (Told, Told, Vec<Value>) {
    let is_head = exchange.client.octets.starts_with(b"HEAD ");
    let (mut client, client_spans) = side(Protocol::Requests, &exchange.client, false);
    let (mut server, server_spans) = side(Protocol::Responses, &exchange.server, is_head);
    if agreed_on_extension(&exchange.server, &server_spans) {
        // Frames are judged as if nothing had been agreed on; a compressed one breaks no rule here.
        client.fault = Value::Null;
        server.fault = Value::Null;
    }
    let pieces = exchange.pieces.iter().skip(first).map(|piece| {
        let (lane, spans, from) = match piece.from {
            Side::Client => (&exchange.client, &client_spans, "client"),
            Side::Server => (&exchange.server, &server_spans, "server"),
        };
        json!({
            "ms": piece.at.as_secs_f64() * 1e3,
            "from": from,
            "offset": piece.octets.start,
            "len": piece.octets.len(),
            "title": title(lane, spans, piece),
        })
    });
    let pieces = pieces.collect();
    (client, server, pieces)
}

/// A span, and how deep it lies.
type Deep = (u8, Span);

fn side(protocol: Protocol, lane: &Lane, without_content: bool) -> (Told, Vec<Deep>) {
    let trace = explain(protocol, &lane.octets);
    let mut spans = with_events(lane, trace.spans);
    spans.truncate(MAX_FIELDS);
    let told = spans.iter().map(|(depth, span)| {
        json!({
            "offset": span.octets.start,
            "len": span.octets.len(),
            "name": span.name,
            "meaning": meaning(lane, span),
            "section": span.section,
            "link": link(span.section),
            "depth": depth,
        })
    });
    let fault = |fault: Fault| {
        json!({
            "offset": fault.offset,
            "what": fault.what,
            "section": fault.section,
            "link": link(&fault.section),
            "answer": fault.answer,
        })
    };
    let told = Told {
        spans: told.collect(),
        fault: trace.fault.map_or(Value::Null, fault),
        // The answer to a HEAD tells the length of a content that never comes (RFC 9110 §9.3.2).
        awaits: trace.awaits.filter(|_| !without_content).into(),
    };
    (told, spans)
}

/// Whether the answer to a handshake agrees on an extension (RFC 6455 §9.1).
fn agreed_on_extension(lane: &Lane, spans: &[Deep]) -> bool {
    const NAME: &[u8] = b"sec-websocket-extensions:";
    spans.iter().any(|(_, span)| {
        let line = lane.octets.get(span.octets.clone()).unwrap_or_default();
        let name = line.get(..NAME.len()).unwrap_or_default();
        span.name == "field line" && name.eq_ignore_ascii_case(NAME)
    })
}

/// Tells the content of a response that is an event stream, too: its fields lie in the chunks.
fn with_events(lane: &Lane, spans: Vec<Span>) -> Vec<Deep> {
    let text = |span: &Span| lane.octets.get(span.octets.clone()).unwrap_or_default();
    let is_stream = spans.iter().any(|span| {
        span.name == "field line" && is_event_stream(&String::from_utf8_lossy(text(span)))
    });
    if !is_stream {
        return spans.into_iter().map(|span| (0, span)).collect();
    }
    let is_content = |span: &Span| matches!(span.name, "chunk data" | "content");
    let content: Vec<u8> = spans
        .iter()
        .filter(|span| is_content(span))
        .flat_map(text)
        .copied()
        .collect();
    let mut fields = explain(Protocol::Sse, &content)
        .spans
        .into_iter()
        .peekable();
    // Where the next content begins in the stream of all content.
    let mut begin = 0;
    let mut deep = Vec::new();
    for span in spans {
        let place = span.octets.clone();
        let is_content = is_content(&span);
        deep.push((0, span));
        if !is_content {
            continue;
        }
        let end = begin + place.len();
        while let Some(field) = fields.peek() {
            let (from, to) = (field.octets.start.max(begin), field.octets.end.min(end));
            if from >= end {
                break;
            }
            let octets = place.start + from - begin..place.start + to - begin;
            deep.push((
                1,
                Span {
                    octets,
                    ..field.clone()
                },
            ));
            if field.octets.end > end {
                break;
            }
            fields.next();
        }
        begin = end;
    }
    deep
}

fn is_event_stream(line: &str) -> bool {
    line.split_once(':').is_some_and(|(name, value)| {
        let value = value.trim().to_ascii_lowercase();
        name.eq_ignore_ascii_case("Content-Type") && value.starts_with("text/event-stream")
    })
}

/// What a span says, with the length of a credential in its place.
fn meaning(lane: &Lane, span: &Span) -> String {
    let inside =
        |place: &&Range<usize>| span.octets.start <= place.start && place.end <= span.octets.end;
    let mut hidden = lane.hidden.iter().filter(inside).peekable();
    if hidden.peek().is_none() {
        return span.meaning.clone();
    }
    let mut text = String::new();
    let mut at = span.octets.start;
    for place in hidden {
        let before = lane.octets.get(at..place.start).unwrap_or_default();
        text.push_str(&String::from_utf8_lossy(before));
        text.push_str(&format!("({} octets, not shown)", place.len()));
        at = place.end;
    }
    let behind = lane.octets.get(at..span.octets.end).unwrap_or_default();
    text.push_str(&String::from_utf8_lossy(behind));
    let text = text.trim_end();
    match span.name {
        "request target" => format!("what is asked for: {text}"),
        _ => text.to_owned(),
    }
}

/// One line for a piece: what of it a person looks for.
fn title(lane: &Lane, spans: &[Deep], piece: &Piece) -> String {
    let octets = |span: &Span| lane.octets.get(span.octets.clone()).unwrap_or_default();
    let text = |span: &Span| String::from_utf8_lossy(octets(span)).trim().to_owned();
    let mut parts: Vec<String> = Vec::new();
    let mut method = String::new();
    let mut event: Vec<&str> = Vec::new();
    let mut frame = None;
    let begins_here = |span: &&Deep| piece.octets.contains(&span.1.octets.start);
    let own: Vec<&Deep> = spans.iter().filter(begins_here).collect();
    let has_fields = own.iter().any(|(depth, _)| *depth > 0);
    for (depth, span) in own {
        let len = span.octets.len();
        match (depth, span.name) {
            (0, "method") => method = text(span),
            (0, "request target") => {
                let target = text(span);
                let path = target.split('?').next().unwrap_or_default();
                parts.push(format!("{method} {path}"));
            }
            (0, "field line") if piece.from == Side::Client => {
                parts.extend(turning_point(&text(span)));
            }
            (0, "status code") => parts.push(text(span)),
            (0, "reason phrase") => {
                if let Some(status) = parts.last_mut() {
                    status.push(' ');
                    status.push_str(&text(span));
                }
            }
            (0, "content") if !has_fields => parts.push(format!("{len} octets of content")),
            (0, "chunk data") if !has_fields => parts.push(format!("a chunk of {len} octets")),
            (0, "last chunk") => parts.push("last chunk".to_owned()),
            (0, "FIN, RSV, opcode") => frame = Some(opcode(octets(span))),
            (0, "MASK, payload length") => {
                let len = octets(span).first().map_or(0, |octet| octet & 0x7F);
                match (frame, len) {
                    (Some(kind), 126..) => parts.push(format!("{kind} frame")),
                    (Some(kind), len) => parts.push(format!("{kind} frame, {len} octets")),
                    (None, _) => {}
                }
            }
            (0, "extended payload length") => {
                if let Some(frame) = parts.last_mut() {
                    frame.push_str(&format!(", {}", span.meaning));
                }
            }
            (1, "blank line") if event.is_empty() => {}
            (1, "blank line") => {
                parts.push(format!("event stream: {}", event.join(", ")));
                event.clear();
            }
            (1, name) => event.push(name),
            (_, _) => {}
        }
    }
    if !event.is_empty() {
        parts.push(format!("event stream: {}", event.join(", ")));
    }
    if parts.is_empty() {
        return "more of the same".to_owned();
    }
    parts.join(" · ")
}

/// A field of a request by which it asks for one transport or another.
fn turning_point(line: &str) -> Option<String> {
    let (name, value) = line.split_once(':')?;
    let value = value.trim();
    match name.to_ascii_lowercase().as_str() {
        "if-none-match" => Some("If-None-Match".to_owned()),
        "last-event-id" => Some("Last-Event-ID".to_owned()),
        "prefer" => Some(format!("Prefer: {value}")),
        "upgrade" => Some(format!("Upgrade: {value}")),
        "accept" if value.contains("text/event-stream") => Some("text/event-stream".to_owned()),
        _ => None,
    }
}

/// The kind of a frame, by its first octet.
fn opcode(octets: &[u8]) -> &'static str {
    match octets.first().map(|octet| octet & 0x0F) {
        Some(0) => "Continuation",
        Some(1) => "Text",
        Some(2) => "Binary",
        Some(8) => "Close",
        Some(9) => "Ping",
        Some(10) => "Pong",
        Some(_) | None => "Reserved",
    }
}

/// Where a section can be read.
fn link(section: &str) -> Value {
    let Some((standard, number)) = section.split_once(" §") else {
        return Value::Null;
    };
    match (standard, number) {
        ("WHATWG HTML", "9.2.4") => {
            "https://html.spec.whatwg.org/multipage/server-sent-events.html#the-last-event-id-header".into()
        }
        ("WHATWG HTML", "9.2.5") => {
            "https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream".into()
        }
        ("WHATWG HTML", "9.2.6") => {
            "https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation".into()
        }
        (standard, number) => {
            // A section may be followed by an item of it.
            let number = number.split(' ').next().unwrap_or_default();
            standard.strip_prefix("RFC ").map_or(Value::Null, |rfc| {
                format!("https://www.rfc-editor.org/rfc/rfc{rfc}#section-{number}").into()
            })
        }
    }
}

#[cfg(test)]
mod tests;
