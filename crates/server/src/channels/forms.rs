//! The forms in which a message goes out, each made once at first use and shared by all readers:
//! a WebSocket frame, a `tidings.v1` envelope (whose payload is also the JSON of a poll), and an
//! event as an HTTP chunk.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use core::fmt::Write;
use tidings_hub::{ChannelName, Gap, GapReason, Kind, Message};
use tidings_sse::EventRef;
use tidings_websocket::FrameHeader;

use super::deflate::Deflate;
use super::envelope::channel_member;
use crate::serve::SharedEvent;

const FRAME: usize = 0;
const ENVELOPE: usize = 1;
const CHUNK: usize = 2;
const NAMED_ENVELOPE: usize = 3;

/// The message as a frame of a bare WebSocket, by its kind.
pub(super) fn frame(message: &Message, deflate: Deflate) -> Bytes {
    deflate.pick(message.form(FRAME, || match message.text() {
        Some(text) => deflate.text(text),
        None => deflate.binary(message.payload()),
    }))
}

/// The message as a frame of `tidings.v1`.
pub(super) fn envelope(message: &Message, deflate: Deflate) -> Bytes {
    deflate.pick(message.form(ENVELOPE, || deflate.text(&json(message, None))))
}

/// The message as a frame of `tidings.v1` on a connection whose URL names another channel. All
/// readers of a message know its channel by the same name, so that it too is made once.
pub(super) fn named_envelope(message: &Message, channel: &ChannelName, deflate: Deflate) -> Bytes {
    deflate.pick(message.form(NAMED_ENVELOPE, || {
        deflate.text(&json(message, Some(channel)))
    }))
}

/// The message as JSON: the payload of its envelope, for a reader that takes plain frames.
pub(super) fn fragment(message: &Message, deflate: Deflate) -> Bytes {
    let envelope = envelope(message, deflate);
    match FrameHeader::decode(&envelope) {
        Ok(Some((_, header_len))) => envelope.slice(header_len..),
        // Our own frames have a header.
        Ok(None) | Err(_) => Bytes::new(),
    }
}

fn json(message: &Message, channel: Option<&ChannelName>) -> String {
    let mut json = String::with_capacity(message.payload().len() + 80);
    let _ = write!(
        json,
        r#"{{{}"id":"{}""#,
        channel_member(channel),
        message.position()
    );
    if let Some(event) = message.event() {
        // Event names are of characters that JSON does not escape.
        let _ = write!(json, r#","event":"{event}""#);
    }
    match message.text() {
        Some(text) => {
            json.push_str(r#","data":"#);
            json.push_str(&json_string(text));
        }
        None => {
            json.push_str(r#","data_base64":""#);
            BASE64.encode_string(message.payload(), &mut json);
            json.push('"');
        }
    }
    json.push('}');
    json
}

/// A JSON string with its quotes.
pub(super) fn json_string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The message as a server-sent event. SSE is text, so binary goes as base64 and the event type
/// says so.
pub(super) fn event(message: &Message) -> SharedEvent {
    SharedEvent::of_chunk(message.form(CHUNK, || {
        let id = message.position().to_string();
        let binary;
        let name;
        let (event, data) = match message.text() {
            Some(text) => (message.event(), text),
            None => {
                binary = BASE64.encode(message.payload());
                name = format!("{};base64", message.event().unwrap_or("message"));
                (Some(name.as_str()), binary.as_str())
            }
        };
        let event = EventRef {
            event,
            id: Some(&id),
            data: Some(data),
            ..EventRef::default()
        };
        // Positions and event names are always legal in an event stream.
        SharedEvent::new(&event).map_or_else(|_| Bytes::new(), |event| event.chunk().clone())
    }))
}

/// A gap as JSON.
pub(super) fn gap(gap: &Gap) -> String {
    let or_null = |value: Option<String>| value.unwrap_or_else(|| "null".into());
    format!(
        r#"{{"reason":"{}","asked":{},"first":{},"last":{},"next":"{}"}}"#,
        match gap.reason {
            GapReason::Trimmed => "trimmed",
            GapReason::Epoch => "epoch",
            GapReason::Future => "future",
            GapReason::Unknown => "unknown",
        },
        or_null(gap.asked.map(|asked| format!("\"{asked}\""))),
        or_null(gap.first.map(|first| first.to_string())),
        or_null(gap.last.map(|last| last.to_string())),
        gap.next,
    )
}

/// The kind of a payload that a `Content-Type` describes.
pub(super) fn kind(content_type: Option<&[u8]>) -> Kind {
    let essence = content_type
        .unwrap_or_default()
        .split(|octet| *octet == b';')
        .next();
    let octet_stream = essence.is_some_and(|essence| {
        essence
            .trim_ascii()
            .eq_ignore_ascii_case(b"application/octet-stream")
    });
    // All else is text where it is UTF-8, which the hub checks.
    if octet_stream {
        Kind::Binary
    } else {
        Kind::Text
    }
}
