//! Messages and gaps as lines: for eyes, or one JSON object each.
//!
//! text: the data, controls escaped (LF is `\n`), or `base64:…`
//! JSON: `{"id":…,"event":…,"data":…}`, `{"id":…,"event":…,"data_base64":…}`, `{"gap":{…}}`

use core::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};
use tidings_client::{Data, Gap, Message};

/// Escapes what would break a line or steer a terminal: controls, line and paragraph separators,
/// and marks of writing direction. All else, the backslash too, stays as it is.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() || steers(c) => {
                // Writing to a String does not fail.
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}

const fn steers(c: char) -> bool {
    matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A message as a line for eyes.
pub(crate) fn text_line(message: &Message) -> String {
    match &message.data {
        Data::Text(text) => escape(text),
        Data::Binary(octets) => format!("base64:{}", BASE64.encode(octets)),
    }
}

/// A message as a JSON object; `id` and `event` are null where there is none.
pub(crate) fn json_line(message: &Message) -> String {
    let (name, data) = match &message.data {
        Data::Text(text) => ("data", Value::from(text.as_str())),
        Data::Binary(octets) => ("data_base64", Value::from(BASE64.encode(octets))),
    };
    let (id, event) = (json!(message.id), json!(message.event));
    format!(r#"{{"id":{id},"event":{event},"{name}":{data}}}"#)
}

/// A gap as a sentence.
pub(crate) fn gap_text(gap: &Gap) -> String {
    let lost = match (gap.first, gap.last) {
        (Some(first), Some(last)) => format!("messages {first} to {last} are lost"),
        _ => String::from("messages may be lost"),
    };
    escape(&format!(
        "gap ({}): {lost}, going on after {}",
        gap.reason.as_str(),
        gap.next
    ))
}

/// A gap as a JSON object.
pub(crate) fn gap_json(gap: &Gap) -> String {
    let (reason, asked) = (json!(gap.reason.as_str()), json!(gap.asked));
    let (first, last, next) = (json!(gap.first), json!(gap.last), json!(gap.next));
    format!(
        r#"{{"gap":{{"reason":{reason},"asked":{asked},"first":{first},"last":{last},"next":{next}}}}}"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_breaks_a_line_or_steers_a_terminal_is_escaped() {
        let rows = [
            (
                "plain \u{fc} \u{1f600} \\ \"",
                "plain \u{fc} \u{1f600} \\ \"",
            ),
            ("a\nb\r\tc", "a\\nb\\r\\tc"),
            ("\0\u{1b}[2J\u{7f}", "\\u{0}\\u{1b}[2J\\u{7f}"),
            ("\u{85}\u{9b}", "\\u{85}\\u{9b}"),
            ("\u{2028}\u{202e}\u{2066}", "\\u{2028}\\u{202e}\\u{2066}"),
            ("", ""),
        ];
        for (text, want) in rows {
            assert_eq!(escape(text), want);
        }
    }

    fn message(id: Option<&str>, event: Option<&str>, data: Data) -> Message {
        let mut message = Message::new(data);
        message.id = id.map(String::from);
        message.event = event.map(String::from);
        message
    }

    #[test]
    fn a_message_is_one_line() {
        let rows = [
            (
                message(Some("e.1"), Some("n"), Data::Text("a\nb\"\0".into())),
                "a\\nb\"\\u{0}",
                r#"{"id":"e.1","event":"n","data":"a\nb\"\u0000"}"#,
            ),
            (
                message(Some("e.2"), None, Data::Binary(vec![0, 0xff].into())),
                "base64:AP8=",
                r#"{"id":"e.2","event":null,"data_base64":"AP8="}"#,
            ),
            (
                message(None, None, Data::Text(String::new())),
                "",
                r#"{"id":null,"event":null,"data":""}"#,
            ),
        ];
        for (message, text, json) in rows {
            assert_eq!(text_line(&message), text);
            assert_eq!(json_line(&message), json);
            assert!(serde_json::from_str::<Value>(json).is_ok());
        }
    }

    #[test]
    fn a_gap_is_a_sentence_or_an_object() {
        let wire = r#"{"reason":"trimmed","asked":"e.2","first":3,"last":7,"next":"e.7"}"#;
        let gap: Gap = serde_json::from_str(wire).unwrap();
        assert_eq!(
            gap_text(&gap),
            "gap (trimmed): messages 3 to 7 are lost, going on after e.7"
        );
        assert_eq!(gap_json(&gap), format!(r#"{{"gap":{wire}}}"#));
        let gap: Gap = serde_json::from_str(r#"{"reason":"epoch","next":"f.0"}"#).unwrap();
        assert_eq!(
            gap_text(&gap),
            "gap (epoch): messages may be lost, going on after f.0"
        );
        assert_eq!(
            gap_json(&gap),
            r#"{"gap":{"reason":"epoch","asked":null,"first":null,"last":null,"next":"f.0"}}"#
        );
    }
}
