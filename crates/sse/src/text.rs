//! Octets known to be UTF-8, shared and cut without a copy.

use alloc::borrow::Cow;
use alloc::string::String;
use bytes::Bytes;
use bytestring::ByteString;
use core::ops::Range;
use core::{cmp, fmt, hash, ops};

/// A piece of text that shares the allocation it was cut from.
///
/// A clone costs a count at most, never an allocation. A `Text` of a [`Decoder`](crate::Decoder) is a window on the
/// chunk it came in and keeps that chunk alive: copy the text where it is kept for long. One of up to 23 octets is
/// held in place and keeps nothing alive.
///
/// ```
/// use tidings_sse::Text;
/// let text = Text::from("ok");
/// assert_eq!(text.as_str(), "ok");
/// assert_eq!(text.into_bytes(), &b"ok"[..]);
/// ```
#[derive(Clone)]
pub struct Text(Kind);

#[derive(Clone)]
enum Kind {
    /// Held in place.
    Short(Short),
    Shared(ByteString),
}

/// Most octets that are held in place: what fits beside the tag into the size of a shared text, less one for the length.
const SHORT: usize = 23;

/// UTF-8 in the first octets, as many as the last octet says; what is between says nothing. It is made of words, not of
/// octets, so that it moves in registers.
#[derive(Clone, Copy, Default)]
struct Short([u64; 3]);

impl Short {
    /// Takes the first `len` octets. The last one gives way to the length.
    #[inline]
    fn new(octets: &[u8; SHORT + 1], len: u8) -> Self {
        let mut words = [0; 3];
        for (word, octets) in words.iter_mut().zip(octets.as_chunks().0) {
            *word = u64::from_ne_bytes(*octets);
        }
        let [first, second, third] = words;
        let [a, b, c, d, e, f, g, _] = third.to_ne_bytes();
        Self([
            first,
            second,
            u64::from_ne_bytes([a, b, c, d, e, f, g, len]),
        ])
    }

    #[inline]
    fn as_bytes(&self) -> &[u8] {
        let [octets @ .., len] = bytemuck::bytes_of(&self.0) else {
            return &[];
        };
        octets.get(..usize::from(*len)).unwrap_or_default()
    }
}

impl Default for Text {
    #[inline]
    fn default() -> Self {
        Self(Kind::Short(Short::default()))
    }
}

impl Text {
    /// Makes a text of a constant, at no cost.
    #[must_use]
    pub const fn from_static(text: &'static str) -> Self {
        Self(Kind::Shared(ByteString::from_static(text)))
    }

    /// Takes octets out of `source` where they are UTF-8, and copies them where there is no source; else each
    /// maximal part of a malformed sequence becomes one U+FFFD (Encoding Standard, UTF-8 decode).
    pub(crate) fn cut(source: Option<&Bytes>, value: &[u8]) -> Self {
        let text = match source {
            Some(source) if value.len() > SHORT => {
                ByteString::try_from(source.slice_ref(value)).map(|text| Self(Kind::Shared(text)))
            }
            Some(_) | None => core::str::from_utf8(value).map(Self::from),
        };
        text.unwrap_or_else(|_| Self::from(String::from_utf8_lossy(value).into_owned()))
    }

    /// Cuts a part out of text. None where it would cut a character.
    #[inline]
    pub(crate) fn window(source: &ByteString, part: Range<usize>) -> Option<Self> {
        let behind = source.get(part.start..)?;
        let text = behind.get(..part.end.checked_sub(part.start)?)?;
        if let Some(short) = Self::short(behind.as_bytes(), text) {
            return Some(short);
        }
        Some(Self(Kind::Shared(source.slice_ref(text))))
    }

    /// Cuts a part out of octets. None where it is not UTF-8.
    #[inline]
    pub(crate) fn checked_window(source: &Bytes, part: Range<usize>) -> Option<Self> {
        if part.len() <= SHORT {
            let behind = source.get(part.start..)?;
            return Self::short(behind, core::str::from_utf8(source.get(part)?).ok()?);
        }
        let text = ByteString::try_from(source.slice(part)).ok()?;
        Some(Self(Kind::Shared(text)))
    }

    /// Takes octets that are known to be UTF-8, after one more look.
    pub(crate) fn from_utf8_octets(octets: Bytes) -> Self {
        let text = Self::try_from(octets);
        debug_assert!(text.is_ok(), "octets come from text");
        text.unwrap_or_default()
    }

    /// Copies a short text, which `behind` begins with.
    #[inline]
    fn short(behind: &[u8], text: &str) -> Option<Self> {
        let len = u8::try_from(text.len()).ok()?;
        if text.len() > SHORT {
            return None;
        }
        // A copy of a length known beforehand costs less than one of the right length.
        if let Some(octets) = behind.first_chunk() {
            return Some(Self(Kind::Short(Short::new(octets, len))));
        }
        let mut octets = [0; SHORT + 1];
        octets
            .get_mut(..text.len())?
            .copy_from_slice(text.as_bytes());
        Some(Self(Kind::Short(Short::new(&octets, len))))
    }

    /// Gives the text. One held in place takes a look over its octets, 23 at most.
    #[inline]
    #[must_use]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            // Every constructor takes UTF-8, so the default is never taken.
            Kind::Short(_) => core::str::from_utf8(self.as_bytes()).unwrap_or_default(),
            Kind::Shared(text) => text,
        }
    }

    /// Gives the octets of the text, at no cost.
    #[inline]
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Kind::Short(short) => short.as_bytes(),
            Kind::Shared(text) => text.as_bytes(),
        }
    }

    /// Gives the octets of the text with their allocation. One held in place is copied into an allocation.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        match self.0 {
            Kind::Short(_) => Bytes::copy_from_slice(self.as_bytes()),
            Kind::Shared(text) => text.into_bytes(),
        }
    }

    /// Gives the length in octets.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.as_bytes().len()
    }

    /// Tells whether the text has no octets.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.as_bytes().is_empty()
    }

    /// Copies the text, in place or into an allocation of its own size, so that it keeps nothing else alive.
    #[must_use]
    pub fn detached(&self) -> Self {
        Self::from(self.as_str())
    }

    /// Cuts the text to at most `max` octets, between characters.
    pub(crate) fn truncate(&mut self, max: usize) {
        let text = self.as_str();
        let cut = whole_chars(text.as_bytes().get(..max).unwrap_or(text.as_bytes()));
        *self = match &self.0 {
            Kind::Short(_) => Self::from(text.get(..cut).unwrap_or(text)),
            Kind::Shared(source) => Self::window(source, 0..cut).unwrap_or_default(),
        };
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
        Self::short(text.as_bytes(), text)
            .unwrap_or_else(|| Self(Kind::Shared(ByteString::from(text))))
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(Kind::Shared(ByteString::from(text)))
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
        Ok(Self(Kind::Shared(ByteString::try_from(octets)?)))
    }
}

impl Eq for Text {}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
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
    use super::{Text, whole_chars};
    use alloc::borrow::Cow;
    use alloc::string::String;
    use alloc::{format, vec};
    use bytes::Bytes;
    use bytestring::ByteString;
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
    fn a_cut_falls_between_characters() {
        let text = "aé€😀";
        // The second is no longer held in place.
        for (text, max) in [text, &text.repeat(4)]
            .into_iter()
            .flat_map(|text| (0..=text.len() + 1).map(move |max| (text, max)))
        {
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
        for source in [Some(&source), None] {
            let octets = b"x\xF0\x9F\x98y\xC0\xAF";
            let value = source.map_or(&octets[..], |source| source);
            assert_eq!(Text::cut(source, value), "x\u{FFFD}y\u{FFFD}\u{FFFD}");
        }
        let source = Bytes::from_static(b"twenty-four octets or so");
        let cut = Text::cut(Some(&source), &source);
        assert_eq!(cut.as_bytes().as_ptr(), source.as_ptr());
        let copied = Text::cut(None, &source);
        assert_eq!(copied, cut);
        assert_ne!(copied.as_bytes().as_ptr(), source.as_ptr());
        let malformed = Bytes::from_static(b"\xFFtwenty-four octets or so");
        assert_eq!(
            Text::cut(Some(&malformed), &malformed),
            "\u{FFFD}twenty-four octets or so"
        );
    }

    #[test]
    fn a_part_is_the_same_by_every_way_and_never_half_a_character() {
        // With two characters of two octets, so that some parts are not text.
        let text = "abcdefghijklmnopqrs\u{E9}tuvwxyz\u{E9}0123456789";
        let (octets, known) = (Bytes::from(text), ByteString::from(text));
        for start in 0..=text.len() {
            for end in start..=text.len() {
                let want = text.get(start..end);
                let parts = [
                    Text::window(&known, start..end),
                    Text::checked_window(&octets, start..end),
                ];
                // Nothing at all is text also where it lies within a character.
                let valid = core::str::from_utf8(&octets[start..end]).ok();
                for (part, want) in parts.iter().zip([want, valid]) {
                    assert_eq!(part.as_ref().map(Text::as_str), want, "{start}..{end}");
                }
                if let Some(want) = want {
                    for part in [parts[0].clone().unwrap(), Text::from(want)] {
                        assert_eq!(part.len(), want.len());
                        assert_eq!(part.into_bytes(), want);
                    }
                }
            }
        }
        assert_eq!(Text::window(&known, 3..text.len() + 1), None);
        assert_eq!(Text::window(&known, text.len() + 1..text.len() + 2), None);
    }

    #[test]
    fn a_text_has_the_size_of_its_octets_handle() {
        assert_eq!(size_of::<Text>(), size_of::<Bytes>());
    }
}
