//! The JSON of the wire contract: the page of a poll, the envelope of `tidings.v1`, a gap.
//!
//! page: `{"position":P,"messages":[{"id":P,"event":…,"data":…}],"more":false,"gap":{…}}`
//! envelope: `{"position":P}` | `{"id","event","data"}` | `{"gap":{…}}` | `{"error":{…}}` | …
//!
//! Members that are not known are ignored.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use serde::Deserialize;

use crate::{Data, Error, Gap, Message};

/// The answer of one poll.
#[derive(Debug, Deserialize)]
pub(crate) struct Page {
    pub(crate) position: String,
    #[serde(default)]
    pub(crate) messages: Vec<RawMessage>,
    #[serde(default)]
    pub(crate) more: bool,
    pub(crate) gap: Option<Gap>,
}

impl Page {
    pub(crate) fn decode(body: &[u8]) -> Result<Self, Error> {
        serde_json::from_slice(body).map_err(|error| Error::json("the answer of a poll", error))
    }
}

/// A message in JSON: `data` for text, `data_base64` for binary.
#[derive(Debug, Deserialize)]
pub(crate) struct RawMessage {
    id: Option<String>,
    event: Option<String>,
    data: Option<String>,
    data_base64: Option<String>,
}

impl RawMessage {
    pub(crate) fn decode(self) -> Result<Message, Error> {
        let data = match (self.data, self.data_base64) {
            (Some(text), None) => Data::Text(text),
            (None, Some(text)) => Data::Binary(
                decode_base64(&text).ok_or(Error::Protocol("`data_base64` is not base64"))?,
            ),
            (None, None) | (Some(_), Some(_)) => {
                return Err(Error::Protocol(
                    "a message holds `data` or `data_base64`, one of them",
                ));
            }
        };
        Ok(Message {
            channel: None,
            id: self.id,
            event: self.event,
            data,
        })
    }
}

/// One text frame of the subprotocol `tidings.v1`, from the server.
#[derive(Debug)]
pub(crate) struct Envelope {
    /// The joined channel that it concerns; `None` for that of the URL.
    pub(crate) channel: Option<String>,
    /// The number that the client gave the command that this answers.
    pub(crate) reference: Option<u64>,
    pub(crate) said: Said,
}

/// What an envelope says.
#[derive(Debug)]
pub(crate) enum Said {
    Position(String),
    Message(Message),
    Gap(Gap),
    Deleted,
    Error {
        code: String,
        message: String,
    },
    /// Of a kind that asks nothing of a reader.
    Nothing,
}

impl Envelope {
    pub(crate) fn decode(text: &str) -> Result<Self, Error> {
        #[derive(Deserialize)]
        struct Raw {
            channel: Option<String>,
            #[serde(rename = "ref")]
            reference: Option<serde_json::Value>,
            position: Option<String>,
            gap: Option<Gap>,
            #[serde(default)]
            deleted: bool,
            error: Option<RawError>,
            ack: Option<serde_json::Value>,
            #[serde(flatten)]
            message: RawMessage,
        }
        #[derive(Deserialize)]
        struct RawError {
            code: String,
            #[serde(default)]
            message: String,
        }
        let raw: Raw =
            serde_json::from_str(text).map_err(|error| Error::json("an envelope", error))?;
        let said = if raw.ack.is_some() {
            Said::Nothing
        } else if let Some(error) = raw.error {
            Said::Error {
                code: error.code,
                message: error.message,
            }
        } else if let Some(gap) = raw.gap {
            Said::Gap(gap)
        } else if raw.deleted {
            Said::Deleted
        } else if let Some(position) = raw.position {
            Said::Position(position)
        } else if raw.message.data.is_some() || raw.message.data_base64.is_some() {
            Said::Message(raw.message.decode()?)
        } else {
            Said::Nothing
        };
        Ok(Self {
            channel: raw.channel,
            reference: raw.reference.and_then(|number| number.as_u64()),
            said,
        })
    }
}

/// Writes the frame that reads one more channel.
pub(crate) fn encode_subscribe(
    channel: &str,
    start: Option<(&str, &str)>,
    reference: u64,
) -> String {
    let mut frame = serde_json::json!({"subscribe": channel, "ref": reference});
    if let (Some((name, value)), Some(members)) = (start, frame.as_object_mut()) {
        members.insert(name.to_owned(), value.into());
    }
    frame.to_string()
}

/// Writes the frame that reads a channel no longer.
pub(crate) fn encode_unsubscribe(channel: &str) -> String {
    serde_json::json!({"unsubscribe": channel}).to_string()
}

/// Writes the frame that publishes.
pub(crate) fn encode_publish(data: &Data, reference: u64) -> String {
    match data {
        Data::Text(text) => serde_json::json!({"publish": text, "ref": reference}),
        Data::Binary(octets) => {
            serde_json::json!({"publish_base64": BASE64.encode(octets), "ref": reference})
        }
    }
    .to_string()
}

/// Reads the data of an event `tidings.gap`.
pub(crate) fn decode_gap(text: &str) -> Result<Gap, Error> {
    serde_json::from_str(text).map_err(|error| Error::json("a gap", error))
}

/// Reads the answer of a publish: `{"id":P}`.
pub(crate) fn decode_published(body: &[u8]) -> Result<String, Error> {
    #[derive(Deserialize)]
    struct Published {
        id: String,
    }
    let published: Published = serde_json::from_slice(body)
        .map_err(|error| Error::json("the answer of a publish", error))?;
    Ok(published.id)
}

/// Reads what the body of an error says, for one line: the detail of problem details, else their
/// title (RFC 9457 §3.1), else the message of an `error`, else all of a JSON object.
pub(crate) fn decode_problem(body: &[u8]) -> Option<String> {
    let problem: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(body).ok()?;
    let error = problem.get("error");
    let said = [
        problem.get("detail"),
        problem.get("title"),
        error.and_then(|error| error.get("message")),
        error,
        problem.get("message"),
    ];
    let said = said.into_iter().flatten().find_map(|said| said.as_str());
    Some(match said {
        Some(text) => crate::error::one_line(text),
        None => crate::error::one_line(&String::from_utf8_lossy(body)),
    })
}

pub(crate) fn decode_base64(text: &str) -> Option<Bytes> {
    BASE64.decode(text).ok().map(Bytes::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::GapReason;

    #[test]
    fn a_page_holds_messages_a_gap_and_a_position() {
        let page = Page::decode(
            br#"{"position":"e.3","messages":[{"id":"e.2","data":"a"},{"id":"e.3","event":"n","data_base64":"AP8="}],"more":true,"gap":{"reason":"trimmed","asked":"e.0","first":1,"last":1,"next":"e.1"},"later":1}"#,
        )
        .unwrap();
        assert_eq!(page.position, "e.3");
        assert!(page.more);
        let gap = page.gap.unwrap();
        assert_eq!(gap.reason, GapReason::Trimmed);
        assert_eq!(
            (gap.first, gap.last, gap.next.as_str()),
            (Some(1), Some(1), "e.1")
        );
        let messages: Vec<_> = page
            .messages
            .into_iter()
            .map(|message| message.decode().unwrap())
            .collect();
        assert_eq!(messages[0].data, Data::Text("a".into()));
        assert_eq!(messages[1].event.as_deref(), Some("n"));
        assert_eq!(
            messages[1].data,
            Data::Binary(Bytes::from_static(b"\x00\xff"))
        );
    }

    #[test]
    fn envelopes_are_told_apart_by_their_members() {
        let rows = [
            (r#"{"position":"e.1"}"#, "None None Position(\"e.1\")"),
            (
                r#"{"id":"e.2","data":"x","new":{}}"#,
                "None None Message(Message { channel: None, id: Some(\"e.2\"), event: None, data: Text(\"x\") })",
            ),
            (r#"{"deleted":true}"#, "None None Deleted"),
            (r#"{"ack":"r","id":"e.3"}"#, "None None Nothing"),
            (
                r#"{"channel":"other","deleted":true}"#,
                "Some(\"other\") None Deleted",
            ),
            (
                r#"{"position":"f.1","channel":"other","ref":7}"#,
                "Some(\"other\") Some(7) Position(\"f.1\")",
            ),
            (r#"{"something":1}"#, "None None Nothing"),
            (
                r#"{"unsubscribed":"other","ref":null}"#,
                "None None Nothing",
            ),
            (
                r#"{"error":{"code":"position","message":"m"},"ref":3}"#,
                "None Some(3) Error { code: \"position\", message: \"m\" }",
            ),
        ];
        for (text, want) in rows {
            let Envelope {
                channel,
                reference,
                said,
            } = Envelope::decode(text).unwrap();
            assert_eq!(format!("{channel:?} {reference:?} {said:?}"), want);
        }
        let gap =
            r#"{"gap":{"reason":"epoch","asked":null,"first":null,"last":null,"next":"f.0"}}"#;
        assert!(matches!(Envelope::decode(gap).unwrap().said, Said::Gap(gap) if gap.next == "f.0"));
        for text in ["", "[]", "{", "{\"position\":1}"] {
            assert!(
                matches!(Envelope::decode(text), Err(Error::Json { .. })),
                "{text}"
            );
        }
        for text in [
            r#"{"data":"a","data_base64":"YQ=="}"#,
            r#"{"data_base64":"*"}"#,
        ] {
            assert!(
                matches!(Envelope::decode(text), Err(Error::Protocol(_))),
                "{text}"
            );
        }
    }

    #[test]
    fn commands_are_objects_with_a_number() {
        let start = Some(("after", "e.1"));
        let rows = [
            (
                encode_subscribe("a\"b", start, 4),
                r#"{"after":"e.1","ref":4,"subscribe":"a\"b"}"#,
            ),
            (
                encode_subscribe("c", None, 5),
                r#"{"ref":5,"subscribe":"c"}"#,
            ),
            (encode_unsubscribe("c"), r#"{"unsubscribe":"c"}"#),
            (
                encode_publish(&Data::Text("\n".into()), 6),
                r#"{"publish":"\n","ref":6}"#,
            ),
            (
                encode_publish(&Data::Binary(Bytes::from_static(b"\x00\xff")), 7),
                r#"{"publish_base64":"AP8=","ref":7}"#,
            ),
        ];
        for (frame, want) in rows {
            let frame: serde_json::Value = serde_json::from_str(&frame).unwrap();
            assert_eq!(
                frame,
                serde_json::from_str::<serde_json::Value>(want).unwrap()
            );
        }
    }

    #[test]
    fn a_reason_that_is_not_known_keeps_its_word() {
        let gap = decode_gap(r#"{"reason":"moved","next":"f.0"}"#).unwrap();
        assert_eq!(gap.reason.as_str(), "moved");
        assert_eq!((gap.asked, gap.first), (None, None));
    }

    #[test]
    fn an_error_says_what_was_wrong_rfc9457_3_1() {
        let rows: [(&[u8], Option<&str>); 7] = [
            (br#"{"title":"Bad","detail":"a\nb"}"#, Some("a b")),
            (br#"{"title":"Bad"}"#, Some("Bad")),
            (
                br#"{"error":{"type":"overloaded","message":"try later"}}"#,
                Some("try later"),
            ),
            (br#"{"error":"no model"}"#, Some("no model")),
            (br#"{"message":"no key"}"#, Some("no key")),
            (br#"{"code":7}"#, Some(r#"{"code":7}"#)),
            (b"<html>", None),
        ];
        for (body, want) in rows {
            assert_eq!(decode_problem(body).as_deref(), want);
        }
    }
}
