//! What a publisher gives and what it is told.

use crate::{EventName, Kind, Position};

/// What is published.
#[derive(Clone, Debug)]
pub struct Publish<'a> {
    /// Text or binary. Text that is not UTF-8 is kept as binary.
    pub kind: Kind,
    /// The event type, where one other than `message` is given.
    pub event: Option<EventName>,
    /// The payload. It is copied.
    pub payload: &'a [u8],
    /// The idempotency key: octets that are compared, nothing else. The caller checks their form.
    pub key: Option<&'a [u8]>,
}

impl<'a> Publish<'a> {
    /// A text message without event type and key.
    #[must_use]
    pub const fn text(text: &'a str) -> Self {
        Self {
            kind: Kind::Text,
            event: None,
            payload: text.as_bytes(),
            key: None,
        }
    }

    /// A binary message without event type and key.
    #[must_use]
    pub const fn binary(payload: &'a [u8]) -> Self {
        Self {
            kind: Kind::Binary,
            event: None,
            payload,
            key: None,
        }
    }
}

/// A publish that is in the log.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub struct Published {
    /// The position of the message.
    pub position: Position,
    /// Whether the idempotency key named this publish before, so that no second message was made.
    pub duplicate: bool,
    /// The cursors that the channel had.
    pub receivers: usize,
}

/// Why a publish is refused. Nothing was published.
#[derive(Copy, Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// The idempotency key named a publish of another body, event or kind. Answer 422.
    #[error("the idempotency key was used for another message")]
    KeyReused,
    /// The channel has `max_keys` live idempotency keys. Answer 429.
    #[error("the channel has {max} live idempotency keys, which is the limit")]
    TooManyKeys {
        /// The limit.
        max: usize,
    },
    /// The channel does not exist and the hub has `max_channels`. Answer 503.
    #[error("there are {max} channels, which is the limit")]
    TooManyChannels {
        /// The limit.
        max: usize,
    },
    /// The shared budget is used up and no history without subscribers is left to trim, or the channel does not exist and
    /// the records of others take their half of the budget. Answer 507.
    #[error("the budget of {max} octets for all channels has no room for this")]
    Budget {
        /// The limit.
        max: usize,
    },
}
