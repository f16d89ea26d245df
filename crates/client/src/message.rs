//! What a subscription hands out: messages, and gaps where messages were lost.

use bytes::Bytes;

use crate::{Chosen, EndReason};

/// One thing that a subscription hands out.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Item {
    /// A message of the channel.
    Message(Message),
    /// Messages were lost; delivery goes on behind the loss.
    Gap(Gap),
    /// The subscription chose a transport, and says why. Told first, and at each change; never
    /// where the transport was given by [`Subscribe::via`](crate::Subscribe::via).
    Transport(Chosen),
    /// A joined channel is over; the others go on.
    Left(Left),
    /// A message that was [sent](crate::Subscription::send) was not published.
    Refused(Refused),
}

/// A joined channel that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Left {
    /// The name of the channel.
    pub channel: String,
    /// Why it is over.
    pub reason: EndReason,
}

/// The server's word on a message that it did not publish.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refused {
    /// The word that names the fault, such as `too_large`.
    pub code: String,
    /// The sentence that explains it.
    pub message: String,
}

/// One message, as it was published.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Message {
    /// The joined channel that the message is of. `None` for the channel of the URL.
    pub channel: Option<String>,
    /// The position of the message. `None` where the server gives none.
    pub id: Option<String>,
    /// The event name. `None` where none was given, which is `message`.
    pub event: Option<String>,
    /// The payload.
    pub data: Data,
}

impl Message {
    /// Makes a message that has data alone, as a bare WebSocket gives it.
    #[must_use]
    pub const fn new(data: Data) -> Self {
        Self {
            channel: None,
            id: None,
            event: None,
            data,
        }
    }
}

/// The payload of a message: text or binary, by its publisher's word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// UTF-8 text. CRLF and CR arrive as LF over Server-Sent Events.
    Text(String),
    /// Octets.
    Binary(Bytes),
}

/// A loss that the server told: which messages are missing, and where delivery goes on.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[non_exhaustive]
pub struct Gap {
    /// The joined channel that the loss is of. `None` for the channel of the URL.
    #[serde(skip)]
    pub channel: Option<String>,
    /// Why the position could not be resumed.
    pub reason: GapReason,
    /// The position that was asked for, where it could be read.
    pub asked: Option<String>,
    /// The offset of the first message lost, where it is known.
    pub first: Option<u64>,
    /// The offset of the last message lost, where it is known.
    pub last: Option<u64>,
    /// The position from which delivery goes on.
    pub next: String,
}

/// Why a position could not be resumed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(from = "String")]
#[non_exhaustive]
pub enum GapReason {
    /// The messages behind the position are no longer kept.
    Trimmed,
    /// The position is of another epoch: the channel was deleted, forgotten, or lost.
    Epoch,
    /// The position is beyond the channel's last message.
    Future,
    /// The server could not read the position.
    Unknown,
    /// A reason that this crate does not know.
    Other(String),
}

impl GapReason {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Trimmed => "trimmed",
            Self::Epoch => "epoch",
            Self::Future => "future",
            Self::Unknown => "unknown",
            Self::Other(word) => word,
        }
    }
}

impl From<String> for GapReason {
    fn from(word: String) -> Self {
        match word.as_str() {
            "trimmed" => Self::Trimmed,
            "epoch" => Self::Epoch,
            "future" => Self::Future,
            "unknown" => Self::Unknown,
            _ => Self::Other(word),
        }
    }
}
