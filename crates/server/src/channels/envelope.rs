//! The messages of the subprotocol `tidings.v1`: JSON text frames, both ways.
//!
//! server: `{"position":P}` first, `{"id","event","data"}`, `{"gap":{…}}`, `{"ack":REF,"id":P}`,
//! `{"position":P,"channel":C,"ref":REF}`, `{"unsubscribed":C,"ref":REF}`,
//! `{"error":{"code","message"},"ref":REF}`, `{"deleted":true}`; what concerns another channel than
//! the URL's begins with `"channel":C`
//!
//! client: `{"publish":TEXT}` or `{"publish_base64":TEXT}`, with `event`, `key` and `ref`;
//! `{"subscribe":C,"after":P}` or with `"from":WORD` instead, `{"unsubscribe":C}`, both with `ref`

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map, Value};
use tidings_hub::{ChannelName, EventName, Kind, Position, Start};

use super::forms::json_string;
use super::publish::is_key;
use super::query::{From, from};

/// The name of the subprotocol in the opening handshake.
pub(super) const SUBPROTOCOL: &str = "tidings.v1";

/// Longest `ref` in octets.
const MAX_REF_LEN: usize = 64;

/// What a client sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Command {
    Publish {
        kind: Kind,
        payload: Vec<u8>,
        event: Option<EventName>,
        key: Option<String>,
    },
    Subscribe {
        channel: ChannelName,
        start: Start,
    },
    Unsubscribe {
        channel: ChannelName,
    },
}

/// Why a command was not carried out, as the protocol names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) code: Code,
    pub(super) message: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Code {
    Malformed,
    TooLarge,
    Channel,
    Position,
    Already,
    NotSubscribed,
    Limit,
}

impl Code {
    fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::TooLarge => "too_large",
            Self::Channel => "channel",
            Self::Position => "position",
            Self::Already => "already",
            Self::NotSubscribed => "not_subscribed",
            Self::Limit => "limit",
        }
    }
}

fn malformed(message: impl Into<String>) -> Refusal {
    Refusal {
        code: Code::Malformed,
        message: message.into(),
    }
}

/// A name that the client gave its command, a string or an integer, as JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ref(String);

/// Reads a frame of the client's: the `ref` where it has a good one, and the command or what is
/// wrong with it.
pub(super) fn parse(frame: &str) -> (Option<Ref>, Result<Command, Refusal>) {
    let members = match serde_json::from_str(frame) {
        Ok(Value::Object(members)) => members,
        Ok(_) => return (None, Err(malformed("the frame is not a JSON object"))),
        Err(error) => {
            return (
                None,
                Err(malformed(format!("the frame is not JSON: {error}"))),
            );
        }
    };
    match reference(&members) {
        Ok(reference) => (reference, command(members)),
        Err(refusal) => (None, Err(refusal)),
    }
}

fn reference(members: &Map<String, Value>) -> Result<Option<Ref>, Refusal> {
    match members.get("ref") {
        None => Ok(None),
        Some(Value::String(text)) if text.len() <= MAX_REF_LEN => Ok(Some(Ref(json_string(text)))),
        Some(Value::Number(number)) if number.is_i64() || number.is_u64() => {
            Ok(Some(Ref(number.to_string())))
        }
        Some(_) => Err(malformed(
            "ref is neither an integer nor a string of at most 64 octets",
        )),
    }
}

fn command(mut members: Map<String, Value>) -> Result<Command, Refusal> {
    let verbs = ["publish", "publish_base64", "subscribe", "unsubscribe"];
    let mut given = verbs
        .into_iter()
        .filter_map(|verb| Some((verb, members.remove(verb)?)));
    let (verb, value) = match (given.next(), given.next()) {
        (Some(given), None) => given,
        (None, _) => {
            return Err(malformed(
                "the frame has none of publish, publish_base64, subscribe, unsubscribe",
            ));
        }
        (Some((one, _)), Some((other, _))) => {
            return Err(malformed(format!("the frame has both {one} and {other}")));
        }
    };
    drop(given);
    let Value::String(value) = value else {
        return Err(malformed(format!("{verb} is not a string")));
    };
    let (kind, payload) = match verb {
        "publish" => (Kind::Text, value.into_bytes()),
        "publish_base64" => {
            let octets = BASE64
                .decode(value)
                .map_err(|error| malformed(format!("publish_base64 is not base64: {error}")))?;
            (Kind::Binary, octets)
        }
        _ => {
            let channel = ChannelName::parse(&value).map_err(|error| Refusal {
                code: Code::Channel,
                message: error.to_string(),
            })?;
            return if verb == "subscribe" {
                let start = start(&members)?;
                Ok(Command::Subscribe { channel, start })
            } else {
                Ok(Command::Unsubscribe { channel })
            };
        }
    };
    let event = match members.remove("event") {
        None | Some(Value::Null) => None,
        Some(Value::String(name)) => {
            EventName::parse(&name).map_err(|error| malformed(format!("event: {error}")))?
        }
        Some(_) => return Err(malformed("event is not a string")),
    };
    let key = match members.remove("key") {
        None | Some(Value::Null) => None,
        Some(Value::String(key)) if is_key(key.as_bytes()) => Some(key),
        Some(_) => return Err(malformed("key is not a string of 1 to 255 visible octets")),
    };
    Ok(Command::Publish {
        kind,
        payload,
        event,
        key,
    })
}

/// Where a subscription starts: `after`, else `from`, else `latest`.
fn start(members: &Map<String, Value>) -> Result<Start, Refusal> {
    let refuse = |message: &str| {
        Err(Refusal {
            code: Code::Position,
            message: message.into(),
        })
    };
    match (members.get("after"), members.get("from")) {
        (Some(Value::String(after)), _) => match after.parse() {
            Ok(position) => Ok(Start::After(position)),
            Err(_) => refuse("after is not a position, such as 9f3a61c2b0d4e877.42"),
        },
        (Some(_), _) => refuse("after is not a string"),
        (None, Some(Value::String(word))) => match from(word) {
            Ok(From::Earliest) => Ok(Start::Earliest),
            Ok(From::Latest) => Ok(Start::Latest),
            Ok(From::Back(count)) => Ok(Start::Back(count)),
            Err(why) => refuse(&why),
        },
        (None, Some(_)) => refuse("from is not a string"),
        (None, None) => Ok(Start::Latest),
    }
}

pub(super) fn position(position: Position) -> String {
    format!(r#"{{"position":"{position}"}}"#)
}

pub(super) fn gap(gap: &str, channel: Option<&ChannelName>) -> String {
    format!(r#"{{{}"gap":{gap}}}"#, channel_member(channel))
}

pub(super) fn deleted(channel: Option<&ChannelName>) -> String {
    format!(r#"{{{}"deleted":true}}"#, channel_member(channel))
}

/// The member that names a channel other than the URL's, with a comma behind it.
pub(super) fn channel_member(channel: Option<&ChannelName>) -> String {
    match channel {
        Some(channel) => format!(r#""channel":{},"#, json_string(channel.as_str())),
        None => String::new(),
    }
}

pub(super) fn subscribed(
    channel: &ChannelName,
    position: Position,
    reference: Option<&Ref>,
) -> String {
    let channel = json_string(channel.as_str());
    let reference = ref_member(reference);
    format!(r#"{{"position":"{position}","channel":{channel}{reference}}}"#)
}

pub(super) fn unsubscribed(channel: &ChannelName, reference: Option<&Ref>) -> String {
    let channel = json_string(channel.as_str());
    format!(r#"{{"unsubscribed":{channel}{}}}"#, ref_member(reference))
}

/// The member that names the command an answer is to, with a comma before it.
fn ref_member(reference: Option<&Ref>) -> String {
    reference.map_or_else(String::new, |Ref(reference)| {
        format!(r#","ref":{reference}"#)
    })
}

pub(super) fn ack(reference: &Ref, id: Position) -> String {
    format!(r#"{{"ack":{},"id":"{id}"}}"#, reference.0)
}

pub(super) fn error(refusal: &Refusal, reference: Option<&Ref>) -> String {
    format!(
        r#"{{"error":{{"code":"{}","message":{}}}{}}}"#,
        refusal.code.name(),
        json_string(&refusal.message),
        ref_member(reference),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_out_of_form_are_malformed_and_keep_a_good_ref() {
        let rows = [
            ("", None),
            ("[]", None),
            ("{}", None),
            (r#"{"ref":1}"#, Some("1")),
            (r#"{"publish":1,"ref":"a"}"#, Some("\"a\"")),
            (r#"{"publish":"x","publish_base64":"","ref":2}"#, Some("2")),
            (r#"{"publish_base64":"*","ref":-3}"#, Some("-3")),
            (r#"{"publish":"x","event":"open","ref":4}"#, Some("4")),
            (r#"{"publish":"x","event":5}"#, None),
            (r#"{"publish":"x","key":""}"#, None),
            (r#"{"publish":"x","ref":1.5}"#, None),
            (r#"{"publish":"x","ref":null}"#, None),
        ];
        for (frame, want) in rows {
            let (reference, command) = parse(frame);
            assert_eq!(command.unwrap_err().code, Code::Malformed, "{frame}");
            assert_eq!(
                reference.map(|reference| reference.0).as_deref(),
                want,
                "{frame}"
            );
        }
        let long = format!(r#"{{"publish":"x","ref":"{}"}}"#, "r".repeat(65));
        assert!(parse(&long).1.is_err());
    }

    #[test]
    fn a_publish_is_read_with_its_members_and_unknown_ones_are_ignored() {
        let (reference, command) =
            parse(r#"{"publish":"hi","event":"greeting","key":"k","ref":"r","x":[1]}"#);
        assert_eq!(reference, Some(Ref("\"r\"".into())));
        let Ok(Command::Publish {
            kind,
            payload,
            event,
            key,
        }) = command
        else {
            panic!("{command:?}");
        };
        assert_eq!(
            (kind, &payload[..], key.as_deref()),
            (Kind::Text, &b"hi"[..], Some("k"))
        );
        assert_eq!(event.unwrap().as_str(), "greeting");
        let (_, binary) = parse(r#"{"publish_base64":"AP8="}"#);
        let Ok(Command::Publish { kind, payload, .. }) = binary else {
            panic!("{binary:?}")
        };
        assert_eq!((kind, &payload[..]), (Kind::Binary, &[0, 255][..]));
    }
}
