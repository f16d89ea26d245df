//! Octets known to be UTF-8, shared and cut without a copy.

use alloc::borrow::Cow;
use alloc::string::String;
use bytes::Bytes;
use core::ops::Range;
use core::{cmp, fmt, hash, ops};

/// A piece of text that shares the allocation it was cut from.
///
/// A clone costs a count, never a copy. A `Text` of a [`Decoder`](crate::Decoder) is a window on the
/// chunk it came in and keeps that chunk alive: copy the text where it is kept for long.
///
/// [`as_str`](Self::as_str) costs a look over the octets, since the crate has no `unsafe`: take the
/// `&str` once and keep it.
///
/// ```
/// use tidings_sse::Text;
/// let text = Text::from("ok");
/// assert_eq!(text.as_str(), "ok");
/// assert_eq!(text.into_bytes(), &b"ok"[..]);
/// ```
#[derive(Default, Eq, PartialEq)]
pub struct Text(Bytes);

impl Clone for Text {
    #[inline]
    fn clone(&self) -> Self {
        // Not `clone`, which costs a call also where there is nothing to share.
        Self(self.0.slice(..))
    }
}

impl Text {
    /// Makes a text of a constant, at no cost.
    #[must_use]
    pub const fn from_static(text: &'static str) -> Self {
        Self(Bytes::from_static(text.as_bytes()))
    }

    /// Cuts `value` out of `source` without a copy where it is UTF-8, and copies it where there is no source; else each
    /// maximal part of a malformed sequence becomes one U+FFFD (Encoding Standard, UTF-8 decode).
    pub(crate) fn cut(source: Option<&Bytes>, value: &[u8]) -> Self {
        if !is_utf8(value) {
            return Self::from(String::from_utf8_lossy(value).into_owned());
        }
        Self(source.map_or_else(
            || Bytes::copy_from_slice(value),
            |source| source.slice_ref(value),
        ))
    }

    /// Cuts a part of `source` that is known to be UTF-8.
    #[inline]
    pub(crate) fn window(source: &Bytes, part: Range<usize>) -> Self {
        Self::from_utf8_octets(source.slice(part))
    }

    /// Takes octets that are known to be UTF-8.
    #[inline]
    pub(crate) fn from_utf8_octets(octets: Bytes) -> Self {
        debug_assert!(
            core::str::from_utf8(&octets).is_ok(),
            "octets come from text"
        );
        Self(octets)
    }

    /// Gives the text, after a look over its octets.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Every constructor takes UTF-8, so the default is never taken.
        core::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Gives the octets of the text, at no cost.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Gives the octets of the text with their allocation, at no cost.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.0
    }

    /// Gives the length in octets.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Tells whether the text has no octets.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Copies the text into an allocation of its own size, so that it keeps nothing else alive.
    #[must_use]
    pub fn detached(&self) -> Self {
        Self(Bytes::copy_from_slice(&self.0))
    }

    /// Cuts the text to at most `max` octets, between characters.
    pub(crate) fn truncate(&mut self, max: usize) {
        let len = whole_chars(self.0.get(..max).unwrap_or(&self.0));
        self.0.truncate(len);
    }
}

/// Gives the length of `octets` without the unfinished character at its end, if there is one.
pub(crate) fn whole_chars(octets: &[u8]) -> usize {
    for (back, octet) in octets.iter().rev().take(3).enumerate() {
        let wanted = match octet {
            0x80..=0xBF => continue,
            0xC2..=0xDF => 2,
            0xE0..=0xEF => 3,
            0xF0..=0xF4 => 4,
            0x00..=0x7F | 0xC0..=0xC1 | 0xF5..=0xFF => 1,
        };
        let cut = if wanted > back + 1 { back + 1 } else { 0 };
        return octets.len() - cut;
    }
    octets.len()
}

/// Tells whether octets are UTF-8, fast where they are ASCII.
#[inline]
pub(crate) fn is_utf8(octets: &[u8]) -> bool {
    const STRIDE: usize = size_of::<u128>();
    const HIGH: u128 = u128::from_ne_bytes([0x80; STRIDE]);
    let Some(last) = octets.last_chunk::<STRIDE>() else {
        return core::str::from_utf8(octets).is_ok();
    };
    // The last stride may overlap the one before: it costs less than octets one by one.
    let mut seen = u128::from_ne_bytes(*last);
    for stride in octets.as_chunks::<STRIDE>().0 {
        seen |= u128::from_ne_bytes(*stride);
    }
    seen & HIGH == 0 || core::str::from_utf8(octets).is_ok()
}

impl ops::Deref for Text {
    type Target = str;
    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
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

impl From<Cow<'_, str>> for Text {
    fn from(text: Cow<'_, str>) -> Self {
        match text {
            Cow::Borrowed(text) => Self::from(text),
            Cow::Owned(text) => Self::from(text),
        }
    }
}

impl TryFrom<Bytes> for Text {
    type Error = core::str::Utf8Error;
    fn try_from(octets: Bytes) -> Result<Self, Self::Error> {
        core::str::from_utf8(&octets)?;
        Ok(Self(octets))
    }
}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl PartialOrd for Text {
    fn partial_cmp(&self, other: &Self) -> Option<cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Text {
    fn cmp(&self, other: &Self) -> cmp::Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl hash::Hash for Text {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::{Text, is_utf8, whole_chars};
    use alloc::borrow::Cow;
    use alloc::string::String;
    use alloc::{format, vec};
    use bytes::Bytes;
    use core::{cmp, hash};

    #[test]
    fn a_text_is_its_octets_whatever_it_was_made_of() {
        let texts = [
            Text::from("aé"),
            Text::from(String::from("aé")),
            Text::from(Cow::Borrowed("aé")),
            Text::from(Cow::Owned(String::from("aé"))),
            Text::from_static("aé"),
            Text::try_from(Bytes::from_static(b"a\xC3\xA9")).unwrap(),
            Text::from("aé").detached(),
        ];
        let other = Text::from("b");
        for text in &texts {
            assert_eq!((text.as_str(), text.as_bytes()), ("aé", &b"a\xC3\xA9"[..]));
            assert_eq!((text.len(), text.is_empty()), (3, false));
            assert_eq!((&**text, AsRef::<str>::as_ref(text)), ("aé", "aé"));
            assert_eq!(text.clone().into_bytes(), &b"a\xC3\xA9"[..]);
            assert!(*text == *"aé" && *text == "aé" && *text == texts[0]);
            assert!(*text != *"b" && *text != "b" && *text != other);
            assert_eq!(
                (format!("{text}"), format!("{text:?}")),
                ("aé".into(), "\"aé\"".into())
            );
        }
        assert_eq!(
            (Text::default().len(), Text::default().is_empty()),
            (0, true)
        );
        assert!(Text::try_from(Bytes::from_static(b"\xC3")).is_err());
    }

    /// Keeps what it is given.
    #[derive(Default)]
    struct Seen(vec::Vec<u8>);

    impl hash::Hasher for Seen {
        fn write(&mut self, octets: &[u8]) {
            self.0.extend_from_slice(octets);
        }
        fn finish(&self) -> u64 {
            0
        }
    }

    #[test]
    fn texts_are_ordered_and_hashed_by_their_octets() {
        let (a, b) = (Text::from("a"), Text::from("b"));
        assert_eq!(a.cmp(&b), cmp::Ordering::Less);
        assert_eq!(b.partial_cmp(&a), Some(cmp::Ordering::Greater));
        assert_eq!(a.cmp(&a.detached()), cmp::Ordering::Equal);
        let hash = |text: &Text| {
            let mut seen = Seen::default();
            hash::Hash::hash(text, &mut seen);
            seen.0
        };
        assert_eq!(hash(&a), hash(&a.detached()));
        assert_ne!(hash(&a), hash(&b));
    }

    #[test]
    fn octets_are_utf8_or_not_wherever_the_fault_is_and_whatever_the_length() {
        for len in 0..70 {
            let ascii = vec![b'x'; len];
            assert!(is_utf8(&ascii), "{len}");
            for at in 0..len {
                let mut octets = ascii.clone();
                octets[at] = 0xC3;
                assert!(!is_utf8(&octets), "{at} of {len}");
                if at + 1 < len {
                    octets[at + 1] = 0xA9;
                    assert!(is_utf8(&octets), "{at} of {len}");
                }
            }
        }
    }

    #[test]
    fn a_cut_falls_between_characters() {
        let text = "aé€😀";
        for max in 0..=text.len() + 1 {
            let mut cut = Text::from(text);
            cut.truncate(max);
            let want = (0..=max).rev().find_map(|end| text.get(..end)).unwrap();
            assert_eq!(cut, want, "{max}");
        }
    }

    #[test]
    fn only_an_unfinished_character_is_cut_off() {
        let rows: [(&str, &[u8], usize); 8] = [
            ("empty", b"", 0),
            ("ascii", b"ab", 2),
            ("whole", "€".as_bytes(), 3),
            ("one of three", b"a\xE2", 1),
            ("two of three", b"a\xE2\x82", 1),
            ("three of four", b"a\xF0\x9F\x98", 1),
            ("never a lead", b"a\xFF", 2),
            ("tails without a lead", b"\x80\x80\x80\x80", 4),
        ];
        for (name, octets, want) in rows {
            assert_eq!(whole_chars(octets), want, "{name}");
        }
    }

    #[test]
    fn a_valid_cut_shares_and_a_malformed_one_is_replaced_by_maximal_parts() {
        let source = Bytes::from_static(b"x\xF0\x9F\x98y\xC0\xAF");
        assert_eq!(
            Text::cut(Some(&source), &source),
            "x\u{FFFD}y\u{FFFD}\u{FFFD}"
        );
        let cut = Text::cut(Some(&source), &source[..1]);
        assert_eq!(cut.as_bytes().as_ptr(), source.as_ptr());
    }
}
