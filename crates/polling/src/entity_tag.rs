//! Entity tags and the lists of them in If-None-Match (RFC 9110 §8.8.3, §13.1.2).
//!
//! `If-None-Match: *` or `[ "W/" ] DQUOTE *etagc DQUOTE` *( `,` … ), etagc = %x21 / %x23-7E / %x80-FF

use alloc::vec::Vec;
use core::fmt;

/// An entity tag: the name of one state of a resource.
///
/// It prints as it stands on the wire.
///
/// ```
/// use tidings_polling::EntityTag;
/// let tag = EntityTag::parse(b"W/\"9f3a.42\"")?;
/// assert_eq!((tag.weak, tag.opaque), (true, "9f3a.42"));
/// assert_eq!(tag.to_string(), "W/\"9f3a.42\"");
/// assert_eq!(EntityTag::strong("9f3a.42")?.to_string(), "\"9f3a.42\"");
/// # Ok::<(), tidings_polling::TagError>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub struct EntityTag<'a> {
    /// Whether the tag stands for equal meaning rather than equal octets. Proxies that compress
    /// weaken a tag.
    pub weak: bool,
    /// What stands between the quotes. May be empty.
    pub opaque: &'a str,
}

/// Why octets are not an entity tag.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
pub enum TagError {
    /// The quotes are missing, or something stands around them (RFC 9110 §8.8.3).
    #[error("an entity tag stands in double quotes, after W/ or nothing")]
    NotQuoted,
    /// A quote, a blank or a control inside.
    #[error("the octet {octet:#04x} cannot stand in an entity tag")]
    Octet {
        /// The octet.
        octet: u8,
    },
    /// Octets above ASCII that are not UTF-8. The rule allows them; nothing of ours sends them.
    #[error("the entity tag is not UTF-8")]
    NotUtf8,
}

impl<'a> EntityTag<'a> {
    /// Makes a strong tag.
    ///
    /// # Errors
    ///
    /// The text holds an octet that cannot stand in a tag.
    pub fn strong(opaque: &'a str) -> Result<Self, TagError> {
        check(opaque.as_bytes())?;
        Ok(Self {
            weak: false,
            opaque,
        })
    }

    /// Makes a weak tag.
    ///
    /// # Errors
    ///
    /// The text holds an octet that cannot stand in a tag.
    pub fn weak(opaque: &'a str) -> Result<Self, TagError> {
        Ok(Self {
            weak: true,
            ..Self::strong(opaque)?
        })
    }

    /// Reads one tag, as the value of an `ETag` field.
    ///
    /// # Errors
    ///
    /// The value is not one entity tag, or not UTF-8.
    pub fn parse(value: &'a [u8]) -> Result<Self, TagError> {
        let value = value.trim_ascii();
        let (weak, quoted) = match value {
            [b'W', b'/', quoted @ ..] => (true, quoted),
            _ => (false, value),
        };
        let [b'"', opaque @ .., b'"'] = quoted else {
            return Err(TagError::NotQuoted);
        };
        check(opaque)?;
        let opaque = core::str::from_utf8(opaque).map_err(|_| TagError::NotUtf8)?;
        Ok(Self { weak, opaque })
    }

    /// Compares two tags where equal meaning is enough, as If-None-Match asks (RFC 9110 §8.8.3.2).
    #[must_use]
    pub fn weak_eq(&self, other: &EntityTag<'_>) -> bool {
        self.opaque == other.opaque
    }

    /// Compares two tags where equal octets are wanted: neither may be weak (RFC 9110 §8.8.3.2).
    #[must_use]
    pub fn strong_eq(&self, other: &EntityTag<'_>) -> bool {
        !self.weak && !other.weak && self.opaque == other.opaque
    }
}

impl fmt::Display for EntityTag<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let weakness = if self.weak { "W/" } else { "" };
        write!(f, "{weakness}\"{}\"", self.opaque)
    }
}

fn is_etagc(octet: u8) -> bool {
    matches!(octet, 0x21 | 0x23..=0x7E | 0x80..=0xFF)
}

fn check(opaque: &[u8]) -> Result<(), TagError> {
    match opaque.iter().copied().find(|octet| !is_etagc(*octet)) {
        Some(octet) => Err(TagError::Octet { octet }),
        None => Ok(()),
    }
}

/// Cuts off what a compressing proxy appends inside the quotes: `-gzip` or `;gzip`, and the same for
/// the codings `br`, `deflate` and `zstd`.
///
/// ```
/// use tidings_polling::without_coding_suffix;
/// assert_eq!(without_coding_suffix("9f3a.42-gzip"), "9f3a.42");
/// assert_eq!(without_coding_suffix("9f3a.42"), "9f3a.42");
/// ```
#[must_use]
pub fn without_coding_suffix(opaque: &str) -> &str {
    ["gzip", "br", "deflate", "zstd"]
        .iter()
        .find_map(|coding| opaque.strip_suffix(coding)?.strip_suffix(['-', ';']))
        .unwrap_or(opaque)
}

/// What the If-None-Match field lines of a request say.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum IfNoneMatch<'a> {
    /// There is no such field.
    Absent,
    /// `*`: any state of the resource.
    Any,
    /// These tags, at least one.
    Tags(EntityTags<'a>),
    /// Neither of these: an empty list, a tag without quotes, a `*` beside a tag.
    Malformed,
}

impl IfNoneMatch<'_> {
    /// Tells whether the field names a state by weak comparison, so that 304 is the answer to a GET
    /// (RFC 9110 §13.1.2). `opaque` is the answer's tag; a coding's suffix on a client's is cut off.
    #[must_use]
    pub fn matches(&self, opaque: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Tags(tags) => tags
                .iter()
                .any(|tag| tag.opaque == opaque || without_coding_suffix(tag.opaque) == opaque),
            Self::Absent | Self::Malformed => false,
        }
    }
}

/// The tags of a list.
///
/// Of a longer list the first 32 are kept, and of those the ones that are UTF-8; the others are
/// counted. A tag that is not kept matches nothing, which costs an answer that could be spared.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct EntityTags<'a> {
    kept: Vec<EntityTag<'a>>,
    others: usize,
}

const MAX_TAGS: usize = 32;

impl<'a> EntityTags<'a> {
    /// Gives the tags that are kept, in order.
    pub fn iter(&self) -> impl Iterator<Item = &EntityTag<'a>> {
        self.kept.iter()
    }

    /// Gives the number of tags in the list, kept or not.
    #[must_use]
    pub fn count(&self) -> usize {
        self.kept.len() + self.others
    }

    /// Gives the tag where the list is exactly one.
    #[must_use]
    pub fn only(&self) -> Option<EntityTag<'a>> {
        match (self.kept.as_slice(), self.others) {
            ([tag], 0) => Some(*tag),
            _ => None,
        }
    }

    fn add(&mut self, tag: Option<EntityTag<'a>>) {
        match tag {
            Some(tag) if self.count() < MAX_TAGS => self.kept.push(tag),
            Some(_) | None => self.others += 1,
        }
    }
}

/// Reads all If-None-Match field lines of a request as one list.
///
/// Empty elements are passed over (RFC 9110 §5.6.1.2), but a list of nothing else is malformed.
///
/// ```
/// use tidings_polling::{IfNoneMatch, if_none_match};
/// let IfNoneMatch::Tags(tags) = if_none_match([&b"\"a\", W/\"b\""[..], b"\"c\""]) else {
///     panic!("tags");
/// };
/// assert!(tags.iter().map(|tag| tag.opaque).eq(["a", "b", "c"]));
/// assert_eq!(if_none_match([&b"*"[..]]), IfNoneMatch::Any);
/// assert_eq!(if_none_match([]), IfNoneMatch::Absent);
/// ```
#[must_use]
pub fn if_none_match<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> IfNoneMatch<'a> {
    let mut found = IfNoneMatch::Absent;
    for value in values {
        found = match read_line(value, found) {
            // A field without an element so far: only one with an element makes a list.
            Some(IfNoneMatch::Absent) => IfNoneMatch::Tags(EntityTags::default()),
            Some(found) => found,
            None => return IfNoneMatch::Malformed,
        };
    }
    match found {
        IfNoneMatch::Tags(tags) if tags.count() == 0 => IfNoneMatch::Malformed,
        found => found,
    }
}

/// Reads one field line into what earlier lines have said. None where it is malformed.
fn read_line<'a>(mut rest: &'a [u8], mut found: IfNoneMatch<'a>) -> Option<IfNoneMatch<'a>> {
    loop {
        rest = rest.trim_ascii_start();
        rest = match rest {
            [] => return Some(found),
            [b',', rest @ ..] => rest,
            [b'*', rest @ ..] => {
                let alone = match &found {
                    IfNoneMatch::Absent => true,
                    IfNoneMatch::Tags(tags) => tags.count() == 0,
                    IfNoneMatch::Any | IfNoneMatch::Malformed => false,
                };
                if !alone {
                    return None;
                }
                found = IfNoneMatch::Any;
                after_element(rest)?
            }
            element => {
                let (tag, rest) = read_tag(element)?;
                found = match found {
                    IfNoneMatch::Absent => {
                        let mut tags = EntityTags::default();
                        tags.add(tag);
                        IfNoneMatch::Tags(tags)
                    }
                    IfNoneMatch::Tags(mut tags) => {
                        tags.add(tag);
                        IfNoneMatch::Tags(tags)
                    }
                    IfNoneMatch::Any | IfNoneMatch::Malformed => return None,
                };
                after_element(rest)?
            }
        };
    }
}

/// Takes the blanks behind an element, which only a comma or the end may follow.
fn after_element(rest: &[u8]) -> Option<&[u8]> {
    let rest = rest.trim_ascii_start();
    matches!(rest, [] | [b',', ..]).then_some(rest)
}

/// Takes one tag off the front. The tag is none where it is legal but not UTF-8.
fn read_tag(element: &[u8]) -> Option<(Option<EntityTag<'_>>, &[u8])> {
    let quoted = element.strip_prefix(b"W/").unwrap_or(element);
    let inner_len = quoted
        .strip_prefix(b"\"")?
        .iter()
        .position(|octet| *octet == b'"')?;
    let tag_len = element.len() - quoted.len() + inner_len + 2;
    let (tag, rest) = element.split_at_checked(tag_len)?;
    match EntityTag::parse(tag) {
        Ok(tag) => Some((Some(tag), rest)),
        Err(TagError::NotUtf8) => Some((None, rest)),
        Err(TagError::NotQuoted | TagError::Octet { .. }) => None,
    }
}

#[cfg(test)]
mod tests;
