//! Messages and gaps as lines: for eyes, or one JSON object each.
//!
//! text: the data, controls escaped (LF is `\n`), or `base64:…`
//! JSON: `{"id":…,"event":…,"data":…}`, `{"id":…,"event":…,"data_base64":…}`, `{"gap":{…}}`
//!
//! Where there are several channels a line begins with `NAME: `, an object with `"channel":NAME`.

use core::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};
use tidings_client::{Data, Gap, Left, Message};

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
pub(crate) fn text_line(message: &Message, channel: Option<&str>) -> String {
    let name = channel.map(|name| format!("{}: ", escape(name)));
    let name = name.unwrap_or_default();
    match &message.data {
        Data::Text(text) => format!("{name}{}", escape(text)),
        Data::Binary(octets) => format!("{name}base64:{}", BASE64.encode(octets)),
    }
}

/// The data of a message as it is.
pub(crate) fn raw(message: &Message) -> &[u8] {
    match &message.data {
        Data::Text(text) => text.as_bytes(),
        Data::Binary(octets) => octets,
    }
}

/// The first member of an object of several channels.
fn json_channel(channel: Option<&str>) -> String {
    channel.map_or_else(String::new, |name| format!(r#""channel":{},"#, json!(name)))
}

/// A message as a JSON object; `id` and `event` are null where there is none.
pub(crate) fn json_line(message: &Message, channel: Option<&str>) -> String {
    let (name, data) = match &message.data {
        Data::Text(text) => ("data", Value::from(text.as_str())),
        Data::Binary(octets) => ("data_base64", Value::from(BASE64.encode(octets))),
    };
    let (id, event) = (json!(message.id), json!(message.event));
    let channel = json_channel(channel);
    format!(r#"{{{channel}"id":{id},"event":{event},"{name}":{data}}}"#)
}

/// A gap as a sentence.
pub(crate) fn gap_text(gap: &Gap, channel: Option<&str>) -> String {
    let lost = match (gap.first, gap.last) {
        (Some(first), Some(last)) => format!("messages {first} to {last} are lost"),
        _ => String::from("messages may be lost"),
    };
    let of = channel.map_or_else(String::new, |name| format!(" of {name}"));
    escape(&format!(
        "gap{of} ({}): {lost}, going on after {}",
        gap.reason.as_str(),
        gap.next
    ))
}

/// A gap as a JSON object.
pub(crate) fn gap_json(gap: &Gap, channel: Option<&str>) -> String {
    let channel = json_channel(channel);
    let (reason, asked) = (json!(gap.reason.as_str()), json!(gap.asked));
    let (first, last, next) = (json!(gap.first), json!(gap.last), json!(gap.next));
    format!(
        r#"{{{channel}"gap":{{"reason":{reason},"asked":{asked},"first":{first},"last":{last},"next":{next}}}}}"#
    )
}

/// A channel that is over, as a JSON object.
pub(crate) fn left_json(left: &Left) -> String {
    let (channel, reason) = (json!(left.channel), json!(left.reason.to_string()));
    format!(r#"{{"channel":{channel},"left":{reason}}}"#)
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
            assert_eq!(text_line(&message, None), text);
            assert_eq!(json_line(&message, None), json);
            assert!(serde_json::from_str::<Value>(json).is_ok());
        }
    }

    #[test]
    fn a_gap_is_a_sentence_or_an_object() {
        let wire = r#"{"reason":"trimmed","asked":"e.2","first":3,"last":7,"next":"e.7"}"#;
        let gap: Gap = serde_json::from_str(wire).unwrap();
        assert_eq!(
            gap_text(&gap, None),
            "gap (trimmed): messages 3 to 7 are lost, going on after e.7"
        );
        assert_eq!(gap_json(&gap, None), format!(r#"{{"gap":{wire}}}"#));
        let gap: Gap = serde_json::from_str(r#"{"reason":"epoch","next":"f.0"}"#).unwrap();
        assert_eq!(
            gap_text(&gap, None),
            "gap (epoch): messages may be lost, going on after f.0"
        );
        assert_eq!(
            gap_json(&gap, None),
            r#"{"gap":{"reason":"epoch","asked":null,"first":null,"last":null,"next":"f.0"}}"#
        );
    }

    #[test]
    fn several_channels_are_told_apart() {
        let message = message(Some("e.1"), None, Data::Text("x".into()));
        assert_eq!(text_line(&message, Some("a\nb")), "a\\nb: x");
        assert_eq!(
            json_line(&message, Some("a\nb")),
            r#"{"channel":"a\nb","id":"e.1","event":null,"data":"x"}"#
        );
        let gap: Gap = serde_json::from_str(r#"{"reason":"epoch","next":"f.0"}"#).unwrap();
        assert_eq!(
            gap_text(&gap, Some("a")),
            "gap of a (epoch): messages may be lost, going on after f.0"
        );
        assert!(gap_json(&gap, Some("a")).starts_with(r#"{"channel":"a","gap":{"#));
    }

    #[test]
    fn raw_data_is_as_it_is() {
        assert_eq!(raw(&Message::new(Data::Text("a\n\0".into()))), b"a\n\0");
        assert_eq!(raw(&Message::new(Data::Binary(vec![0xff].into()))), b"\xff");
    }
}
