//! The two errors of the crate: what the stream did wrong, and what the caller asked wrong.

use core::fmt;

/// Names a part of an event in an error.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Field {
    /// The field `data`.
    Data,
    /// The field `event`: the event type.
    Event,
    /// The field `id`: the last event ID.
    Id,
    /// The field `retry`: the reconnection time.
    Retry,
    /// A comment: a line that begins with a colon.
    Comment,
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Data => "data",
            Self::Event => "event",
            Self::Id => "id",
            Self::Retry => "retry",
            Self::Comment => "comment",
        })
    }
}

/// What the sender of the stream did wrong: it went over a limit of the decoder.
///
/// The standard itself knows no malformed stream: what it cannot read it ignores or replaces.
/// `offset` counts the octets of the stream, from its first one, that were taken when the limit
/// was passed. It does not depend on how the stream was cut.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
pub enum ReceiveError {
    /// A line of a known field is longer than `Config::max_line_len`.
    #[error("a {field} line is longer than {max} octets, at octet {offset} of the stream")]
    LineTooLong {
        /// The field of the line.
        field: Field,
        /// Octets taken of the stream.
        offset: u64,
        /// The limit in octets.
        max: usize,
    },
    /// The data of an event is longer than `Config::max_event_len`.
    #[error("the data of an event is longer than {max} octets, at octet {offset} of the stream")]
    EventTooLong {
        /// Octets taken of the stream.
        offset: u64,
        /// The limit in octets.
        max: usize,
    },
}

/// What the caller asked to encode that an event stream cannot carry. Nothing was written.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
pub enum SendError {
    /// A CR or LF where the value must be one line: it would begin a field of its own.
    #[error("the {field} holds a line end at octet {at}")]
    LineEnd {
        /// The field that holds it.
        field: Field,
        /// Index of the first CR or LF in the value.
        at: usize,
    },
    /// A NUL in an id: every receiver ignores such an id (HTML §9.2.6).
    #[error("the id holds U+0000 at octet {at}")]
    NulInId {
        /// Index of the first NUL in the id.
        at: usize,
    },
    /// An id that cannot come back whole in the field Last-Event-ID: a control, or a blank at an end.
    #[error("the id holds an octet at {at} that does not survive in the field Last-Event-ID")]
    IdNotHeaderSafe {
        /// Index of the first octet at fault.
        at: usize,
    },
    /// An id longer than 128 octets: browsers ask leave (a preflight) before they send it back.
    #[error("the id has {len} octets, more than {max}")]
    IdTooLong {
        /// Octets of the id.
        len: usize,
        /// The limit in octets.
        max: usize,
    },
    /// A reconnection time of more than `u64::MAX` milliseconds.
    #[error("the reconnection time has more milliseconds than 64 bits hold")]
    RetryTooLong,
    /// The output has no room; only outputs of a fixed size fail so.
    #[error("{needed} octets do not fit into the {room} that the output has")]
    NoRoom {
        /// Octets that the encoding takes.
        needed: usize,
        /// Octets that the output takes.
        room: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::{Field, ReceiveError, SendError};
    use alloc::string::ToString;

    #[test]
    fn errors_are_small_and_copy() {
        fn is_copy<T: Copy>() {}
        is_copy::<ReceiveError>();
        is_copy::<SendError>();
        assert!(size_of::<ReceiveError>() <= 32);
        assert!(size_of::<SendError>() <= 32);
    }

    #[test]
    fn an_error_names_its_field_and_its_limit() {
        let rows = [
            (Field::Data, "data"),
            (Field::Event, "event"),
            (Field::Id, "id"),
            (Field::Retry, "retry"),
            (Field::Comment, "comment"),
        ];
        for (field, name) in rows {
            let error = ReceiveError::LineTooLong {
                field,
                offset: 15,
                max: 10,
            };
            assert_eq!(
                error.to_string(),
                alloc::format!("a {name} line is longer than 10 octets, at octet 15 of the stream")
            );
        }
    }
}
