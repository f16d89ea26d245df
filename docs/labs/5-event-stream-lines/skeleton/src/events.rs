//! Lines to events (WHATWG HTML §9.2.6). It is given, and stands on the two functions that you write.

use crate::{Field, Lines, field};

/// What a page would get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The event type; `message` where the block named none.
    pub kind: String,
    pub data: String,
    /// The last event ID, which an event without an id of its own takes over.
    pub id: String,
}

/// Reads an event stream.
#[derive(Debug, Default)]
pub struct Events {
    lines: Lines,
    kind: String,
    data: Option<String>,
    /// The id of the block at hand.
    id: Option<String>,
    last_event_id: String,
}

impl Events {
    /// Takes a piece of the stream, and gives the events that it ends.
    pub fn feed(&mut self, piece: &[u8]) -> Vec<Event> {
        let lines = self.lines.feed(piece);
        lines.iter().filter_map(|line| self.line(line)).collect()
    }

    fn line(&mut self, line: &[u8]) -> Option<Event> {
        let text = |value| String::from_utf8_lossy(value).into_owned();
        match field(line) {
            Field::Blank => return self.dispatch(),
            Field::Data(value) => match &mut self.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(&text(value));
                }
                None => self.data = Some(text(value)),
            },
            Field::Event(value) => self.kind = text(value),
            // An id with NUL is ignored, since it could not be sent back in a field of HTTP.
            Field::Id(value) if value.contains(&0) => {}
            Field::Id(value) => self.id = Some(text(value)),
            Field::Retry(_) | Field::Comment(_) | Field::Unknown => {}
        }
        None
    }

    /// A blank line ends a block. One without data is no event, but its id counts.
    fn dispatch(&mut self) -> Option<Event> {
        if let Some(id) = self.id.take() {
            self.last_event_id = id;
        }
        let mut kind = std::mem::take(&mut self.kind);
        if kind.is_empty() {
            kind.push_str("message");
        }
        let data = self.data.take()?;
        Some(Event {
            kind,
            data,
            id: self.last_event_id.clone(),
        })
    }
}
