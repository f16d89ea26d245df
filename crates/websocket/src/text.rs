//! Octets that are known to be UTF-8.

use alloc::string::String;
use core::fmt;
use core::ops::Deref;

use bytes::Bytes;

/// Shared octets that were found to be UTF-8.
///
/// A clone shares the octets. Reading them as `str` checks them once more, which over ASCII costs about as much as copying
/// them; [`as_bytes`](Self::as_bytes) and [`into_bytes`](Self::into_bytes) cost nothing.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Text(Bytes);

impl Text {
    /// Wraps octets that the caller has checked.
    pub(crate) const fn checked(octets: Bytes) -> Self {
        Self(octets)
    }

    /// Reads the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        #[cfg(feature = "simd")]
        return simdutf8::basic::from_utf8(&self.0).unwrap_or_default();
        #[cfg(not(feature = "simd"))]
        core::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Gives the octets.
    #[must_use]
    pub const fn as_bytes(&self) -> &Bytes {
        &self.0
    }

    /// Takes the octets out, without a copy.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.0
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(Bytes::copy_from_slice(text.as_bytes()))
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(Bytes::from(text))
    }
}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        self.0 == other.as_bytes()
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        self.0 == other.as_bytes()
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    #[test]
    fn text_reads_as_what_it_was_made_of() {
        let text = Text::from("κόσμε");
        assert_eq!(text, "κόσμε");
        assert_eq!(text, *"κόσμε");
        assert!(text != "κόσμο" && text != *"κόσμ");
        assert_eq!(text.len(), 10);
        assert_eq!(format!("{text} {text:?}"), "κόσμε \"κόσμε\"");
        assert_eq!(text, Text::from(String::from("κόσμε")));
        assert_eq!(text.clone().into_bytes(), text.as_bytes());
    }
}
