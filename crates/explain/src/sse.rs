//! An event stream: lines, fields, and what each blank line dispatches.

use bytes::Bytes;
use tidings_sse::{Decoder, Item};

use crate::{Fault, Trace, show};

const LINES: &str = "WHATWG HTML §9.2.5";
const FIELDS: &str = "WHATWG HTML §9.2.6";
const BOM: &[u8] = b"\xEF\xBB\xBF";

/// Tells the lines of a stream.
pub(crate) fn stream(octets: &[u8]) -> Trace {
    let mut trace = Trace::default();
    let mut decoder = Decoder::new();
    let mut rest = octets;
    if let Some(behind) = rest.strip_prefix(BOM) {
        trace.push(
            BOM.len(),
            "byte order mark",
            "passed over, once at the beginning",
            LINES,
        );
        rest = behind;
        // What it decodes begins with the mark too.
        let _ = decoder.next_event(&mut Bytes::copy_from_slice(BOM));
    }
    while !rest.is_empty() {
        let (line, end) = line(rest);
        let (taken, behind) = rest.split_at(line.len() + end);
        rest = behind;
        let whole = end > 0;
        let mut input = Bytes::copy_from_slice(taken);
        let mut items = Vec::new();
        loop {
            match decoder.next_event(&mut input) {
                Ok(Some(item)) => items.push(item),
                Ok(None) => break,
                Err(error) => {
                    trace.fault = Some(Fault {
                        offset: trace.end(),
                        what: error.to_string(),
                        section: LINES.to_owned(),
                        answer: "the reader gives the stream up, or skips the event".to_owned(),
                    });
                    return trace;
                }
            }
        }
        tell(line, taken.len(), &items, &mut trace);
        if !whole {
            trace.awaits = Some("the end of a line");
        }
    }
    if trace.awaits.is_none() && decoder.buffered_len() > 0 {
        trace.awaits = Some(
            "the blank line that dispatches the event; at the end of the stream it is dropped",
        );
    }
    trace
}

/// The first line without its end, and how long the end is.
fn line(octets: &[u8]) -> (&[u8], usize) {
    let end = octets
        .iter()
        .position(|octet| matches!(octet, b'\r' | b'\n'));
    let Some(end) = end else {
        return (octets, 0);
    };
    let (line, rest) = octets.split_at(end);
    (line, if rest.starts_with(b"\r\n") { 2 } else { 1 })
}

fn tell(line: &[u8], len: usize, items: &[Item], trace: &mut Trace) {
    if line.is_empty() {
        let meaning = items
            .iter()
            .find_map(dispatched)
            .unwrap_or_else(|| "dispatches nothing: there was no data".to_owned());
        trace.push(len, "blank line", meaning, FIELDS);
        return;
    }
    let colon = line.iter().position(|octet| *octet == b':');
    let (name, value) = match colon {
        Some(0) => {
            let text = line.get(1..).unwrap_or_default();
            let meaning = format!(
                "passed over; keeps the connection alive: \"{}\"",
                show(text)
            );
            trace.push(len, "comment", meaning, LINES);
            return;
        }
        Some(at) => {
            let (name, value) = line.split_at(at);
            let value = value.get(1..).unwrap_or_default();
            (name, value.strip_prefix(b" ").unwrap_or(value))
        }
        None => (line, &b""[..]),
    };
    let shown = show(value);
    let (name, meaning) = match name {
        b"data" => ("data", format!("a line of data: \"{shown}\"")),
        b"event" if value.is_empty() => ("event", "the type is message again".to_owned()),
        b"event" => ("event", format!("the type of the event is {shown}")),
        b"id" if value.contains(&0) => ("id", "passed over: it holds NUL".to_owned()),
        b"id" if value.is_empty() => ("id", "there is no last event ID from here on".to_owned()),
        b"id" => ("id", format!("the last event ID is {shown} from here on")),
        b"retry" if !value.is_empty() && value.iter().all(u8::is_ascii_digit) => (
            "retry",
            format!("the reconnection time is {shown} ms from here on"),
        ),
        b"retry" => ("retry", "passed over: it is not all digits".to_owned()),
        other => (
            "unknown field",
            format!("passed over: \"{}\" names no field", show(other)),
        ),
    };
    trace.push(len, name, meaning, FIELDS);
}

fn dispatched(item: &Item) -> Option<String> {
    match item {
        Item::Event(event) => {
            let id = if event.id.is_empty() {
                String::new()
            } else {
                format!(" and ID \"{}\"", show(event.id.as_bytes()))
            };
            Some(format!(
                "dispatches an event of type {} with data \"{}\"{id}",
                show(event.event_type().as_bytes()),
                show(event.data.as_bytes())
            ))
        }
        Item::Id => Some("dispatches nothing, but the last event ID stands".to_owned()),
        Item::Comment(_) | Item::Retry(_) | Item::Skipped(_) => None,
    }
}
