//! Names of channels and of events. A name that exists is legal.

use core::fmt;
use std::sync::Arc;

/// The name of a channel: one decoded path segment.
///
/// 1 to 255 octets of UTF-8, not `.` or `..`, without `/`, `\` and the controls C0, DEL and C1.
/// Octets are compared; nothing is normalised. A clone shares the text.
///
/// ```
/// use tidings_hub::{ChannelName, NameError};
///
/// assert_eq!(ChannelName::parse("news")?.as_str(), "news");
/// assert_eq!(ChannelName::parse("a/b"), Err(NameError::Forbidden { at: 1 }));
/// # Ok::<(), NameError>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct ChannelName(Arc<str>);

impl ChannelName {
    /// The longest name in octets.
    pub const MAX_LEN: usize = 255;

    /// Takes a text that is a channel name.
    ///
    /// # Errors
    /// Says which rule of [`ChannelName`] the text breaks.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        check_len(text, Self::MAX_LEN)?;
        // Clients and proxies resolve these two away before they send a path (RFC 3986 §5.2.4).
        if matches!(text, "." | "..") {
            return Err(NameError::Reserved);
        }
        match text
            .char_indices()
            .find(|&(_, c)| matches!(c, '/' | '\\') || c.is_control())
        {
            Some((at, _)) => Err(NameError::Forbidden { at }),
            None => Ok(Self(text.into())),
        }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ChannelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The type of an event: 1 to 64 of `[A-Za-z0-9._~-]`.
///
/// Names that begin with `tidings.` are the server's own; `open` and `error` are events that an
/// `EventSource` fires itself. `message` is the type of an event without one.
///
/// ```
/// use tidings_hub::{EventName, NameError};
///
/// assert_eq!(EventName::parse("price")?.as_ref().map(EventName::as_str), Some("price"));
/// assert_eq!(EventName::parse("message")?, None);
/// assert_eq!(EventName::parse("tidings.gap"), Err(NameError::Reserved));
/// # Ok::<(), NameError>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct EventName(Arc<str>);

impl EventName {
    /// The longest name in octets.
    pub const MAX_LEN: usize = 64;

    /// Takes a text that is an event name; `message` gives none.
    ///
    /// # Errors
    /// Says which rule of [`EventName`] the text breaks.
    pub fn parse(text: &str) -> Result<Option<Self>, NameError> {
        check_len(text, Self::MAX_LEN)?;
        let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '~' | '-');
        if let Some(at) = text.find(|c| !legal(c)) {
            return Err(NameError::Forbidden { at });
        }
        match text {
            "open" | "error" => Err(NameError::Reserved),
            "message" => Ok(None),
            own if own.starts_with("tidings.") => Err(NameError::Reserved),
            other => Ok(Some(Self(other.into()))),
        }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EventName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What keeps a text from being a name.
#[derive(Copy, Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// The text is empty.
    #[error("the name is empty")]
    Empty,
    /// The text is too long.
    #[error("the name has {len} octets, at most {max} are allowed")]
    TooLong {
        /// Octets of the text.
        len: usize,
        /// The limit.
        max: usize,
    },
    /// A character that names do not have.
    #[error("the character at octet {at} of the name is not allowed")]
    Forbidden {
        /// Octets before the character.
        at: usize,
    },
    /// The name means something else already.
    #[error("the name is reserved")]
    Reserved,
}

fn check_len(text: &str, max: usize) -> Result<(), NameError> {
    match text.len() {
        0 => Err(NameError::Empty),
        len if len > max => Err(NameError::TooLong { len, max }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_name_is_one_clean_path_segment() {
        let long = "x".repeat(255);
        let too_long = "x".repeat(256);
        let rows: [(&str, &str, Result<(), NameError>); 18] = [
            ("one letter", "a", Ok(())),
            ("255 octets", &long, Ok(())),
            (
                "256 octets",
                &too_long,
                Err(NameError::TooLong { len: 256, max: 255 }),
            ),
            ("empty", "", Err(NameError::Empty)),
            ("a dot", ".", Err(NameError::Reserved)),
            ("two dots", "..", Err(NameError::Reserved)),
            ("three dots", "...", Ok(())),
            ("dots within", "a..b", Ok(())),
            ("slash", "a/b", Err(NameError::Forbidden { at: 1 })),
            ("backslash", "ab\\", Err(NameError::Forbidden { at: 2 })),
            ("NUL", "\0", Err(NameError::Forbidden { at: 0 })),
            ("last of C0", "a\x1f", Err(NameError::Forbidden { at: 1 })),
            ("space is no control", "a b", Ok(())),
            ("DEL", "a\x7f", Err(NameError::Forbidden { at: 1 })),
            (
                "first of C1",
                "é\u{80}",
                Err(NameError::Forbidden { at: 2 }),
            ),
            ("last of C1", "\u{9f}", Err(NameError::Forbidden { at: 0 })),
            ("after C1", "\u{a0}", Ok(())),
            ("any script", "новости-新聞", Ok(())),
        ];
        for (name, text, want) in rows {
            assert_eq!(ChannelName::parse(text).map(|_| ()), want, "{name}");
        }
    }

    #[test]
    fn channel_names_are_compared_by_octets() {
        let composed = ChannelName::parse("\u{e9}");
        let combined = ChannelName::parse("e\u{301}");
        assert!(composed.is_ok() && combined.is_ok());
        assert_ne!(composed, combined);
    }

    type Want<'a> = Result<Option<&'a str>, NameError>;

    #[test]
    fn an_event_name_is_an_unreserved_token() {
        let long = "e".repeat(64);
        let too_long = "e".repeat(65);
        let rows: [(&str, &str, Want<'_>); 14] = [
            ("plain", "price", Ok(Some("price"))),
            ("every kind of character", "aZ09._~-", Ok(Some("aZ09._~-"))),
            ("64 octets", &long, Ok(Some(&long))),
            (
                "65 octets",
                &too_long,
                Err(NameError::TooLong { len: 65, max: 64 }),
            ),
            ("empty", "", Err(NameError::Empty)),
            ("the default type", "message", Ok(None)),
            ("a name is compared exactly", "Message", Ok(Some("Message"))),
            (
                "fired by EventSource: open",
                "open",
                Err(NameError::Reserved),
            ),
            (
                "fired by EventSource: error",
                "error",
                Err(NameError::Reserved),
            ),
            ("ours", "tidings.gap", Err(NameError::Reserved)),
            ("not ours", "tidings", Ok(Some("tidings"))),
            (
                "the mark of base64",
                "a;base64",
                Err(NameError::Forbidden { at: 1 }),
            ),
            ("line end", "a\n", Err(NameError::Forbidden { at: 1 })),
            ("not ASCII", "é", Err(NameError::Forbidden { at: 0 })),
        ];
        for (name, text, want) in rows {
            let got = EventName::parse(text);
            assert_eq!(
                got.as_ref().map(|e| e.as_ref().map(EventName::as_str)),
                want.as_ref().map(|e| *e),
                "{name}"
            );
        }
    }

    #[test]
    fn errors_are_small() {
        assert!(size_of::<NameError>() <= 32);
    }
}
