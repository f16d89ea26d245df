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
            id: self.id,
            event: self.event,
            data,
        })
    }
}

/// One text frame of the subprotocol `tidings.v1`, from the server.
#[derive(Debug)]
pub(crate) enum Envelope {
    Position(String),
    Message(Message),
    Gap(Gap),
    Deleted,
    Error {
        code: String,
        message: String,
    },
    /// Of a channel that this subscription did not ask for, or of a kind that is not known.
    Ignored,
}

impl Envelope {
    pub(crate) fn decode(text: &str) -> Result<Self, Error> {
        #[derive(Deserialize)]
        struct Raw {
            channel: Option<String>,
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
        Ok(if raw.channel.is_some() || raw.ack.is_some() {
            Self::Ignored
        } else if let Some(error) = raw.error {
            Self::Error {
                code: error.code,
                message: error.message,
            }
        } else if let Some(gap) = raw.gap {
            Self::Gap(gap)
        } else if raw.deleted {
            Self::Deleted
        } else if let Some(position) = raw.position {
            Self::Position(position)
        } else if raw.message.data.is_some() || raw.message.data_base64.is_some() {
            Self::Message(raw.message.decode()?)
        } else {
            Self::Ignored
        })
    }
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

/// Reads what problem details say (RFC 9457 §3.1): the detail, else the title.
pub(crate) fn decode_problem(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Problem {
        detail: Option<String>,
        title: Option<String>,
    }
    let problem: Problem = serde_json::from_slice(body).ok()?;
    problem
        .detail
        .or(problem.title)
        .map(|text| crate::error::one_line(&text))
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
            (r#"{"position":"e.1"}"#, "Position(\"e.1\")"),
            (
                r#"{"id":"e.2","data":"x","new":{}}"#,
                "Message(Message { id: Some(\"e.2\"), event: None, data: Text(\"x\") })",
            ),
            (r#"{"deleted":true}"#, "Deleted"),
            (r#"{"ack":"r","id":"e.3"}"#, "Ignored"),
            (r#"{"channel":"other","id":"f.1","data":"x"}"#, "Ignored"),
            (r#"{"channel":"other","deleted":true}"#, "Ignored"),
            (r#"{"something":1}"#, "Ignored"),
            (
                r#"{"error":{"code":"position","message":"m"},"ref":null}"#,
                "Error { code: \"position\", message: \"m\" }",
            ),
        ];
        for (text, want) in rows {
            assert_eq!(format!("{:?}", Envelope::decode(text).unwrap()), want);
        }
        let gap =
            r#"{"gap":{"reason":"epoch","asked":null,"first":null,"last":null,"next":"f.0"}}"#;
        assert!(matches!(Envelope::decode(gap).unwrap(), Envelope::Gap(gap) if gap.next == "f.0"));
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
    fn a_reason_that_is_not_known_keeps_its_word() {
        let gap = decode_gap(r#"{"reason":"moved","next":"f.0"}"#).unwrap();
        assert_eq!(gap.reason.as_str(), "moved");
        assert_eq!((gap.asked, gap.first), (None, None));
    }

    #[test]
    fn problem_details_say_what_was_wrong_rfc9457_3_1() {
        assert_eq!(
            decode_problem(br#"{"title":"Bad","detail":"a\nb"}"#).as_deref(),
            Some("a b")
        );
        assert_eq!(
            decode_problem(br#"{"title":"Bad"}"#).as_deref(),
            Some("Bad")
        );
        assert_eq!(decode_problem(b"<html>"), None);
    }
}
