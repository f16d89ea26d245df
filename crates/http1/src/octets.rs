//! The octet classes of RFC 9110 §5.6 and RFC 3986, and the search for the end of a field value.

/// `tchar`, the octets of methods and field names (RFC 9110 §5.6.2).
pub(crate) const TCHAR: u8 = 1;
/// What a received target may hold: visible ASCII without `#`.
///
/// Wider than RFC 3986, because browsers send `{`, `|`, `"` and `^` raw; the target stays opaque.
pub(crate) const TARGET: u8 = 2;
/// What a sent target may hold: the octets of RFC 3986 without `#`.
const URI: u8 = 4;
/// `unreserved / sub-delims` of RFC 3986 §2.
pub(crate) const REG_NAME: u8 = 8;
/// Field values and reason phrases: HTAB, SP, VCHAR and obs-text (RFC 9110 §5.5).
pub(crate) const VALUE: u8 = 16;

/// The classes of each octet.
#[expect(
    clippy::indexing_slicing,
    reason = "runs at compile time, where a panic is a build error"
)]
static CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut octet = 0_u8;
    loop {
        classes[octet as usize] = classes_of(octet);
        if octet == u8::MAX {
            break classes;
        }
        octet += 1;
    }
};

const fn classes_of(octet: u8) -> u8 {
    let mark = matches!(octet, b'-' | b'.' | b'_' | b'~');
    let token = octet.is_ascii_alphanumeric()
        || mark
        || matches!(
            octet,
            b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'^' | b'`' | b'|'
        );
    let sub_delim = matches!(
        octet,
        b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'='
    );
    let target = matches!(octet, 0x21..=0x7E) && octet != b'#';
    let outside_uri = matches!(
        octet,
        b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}'
    );
    let value = octet == b'\t' || (octet >= 0x20 && octet != 0x7F);
    let reg_name = octet.is_ascii_alphanumeric() || mark || sub_delim;
    (if token { TCHAR } else { 0 })
        | (if target { TARGET } else { 0 })
        | (if target && !outside_uri { URI } else { 0 })
        | (if reg_name { REG_NAME } else { 0 })
        | (if value { VALUE } else { 0 })
}

/// Whether `octet` is in one of `classes`.
#[inline]
pub(crate) fn is(octet: u8, classes: u8) -> bool {
    CLASSES
        .get(usize::from(octet))
        .is_some_and(|known| known & classes != 0)
}

/// Whether all of `text` is of one class. Each octet is looked at, since to leave early would cost more in short texts.
#[inline]
pub(crate) fn all(text: &[u8], class: u8) -> bool {
    let classes = |octet: &u8| CLASSES.get(usize::from(*octet)).copied();
    let common = |common, octet| common & classes(octet).unwrap_or_default();
    text.iter().fold(class, common) != 0
}

#[inline]
pub(crate) fn is_tchar(octet: u8) -> bool {
    is(octet, TCHAR)
}

#[inline]
pub(crate) fn is_target(octet: u8) -> bool {
    is(octet, TARGET)
}

#[inline]
pub(crate) fn is_uri(octet: u8) -> bool {
    is(octet, URI)
}

#[inline]
pub(crate) fn is_reg_name(octet: u8) -> bool {
    is(octet, REG_NAME)
}

#[inline]
pub(crate) fn is_value(octet: u8) -> bool {
    is(octet, VALUE)
}

/// SP and HTAB, the only white space of HTTP.
#[inline]
pub(crate) fn is_blank(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t')
}

/// The value without SP and HTAB around it; no other octet is ever trimmed.
pub(crate) fn trim(mut value: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = value
        && is_blank(*first)
    {
        value = rest;
    }
    while let [rest @ .., last] = value
        && is_blank(*last)
    {
        value = rest;
    }
    value
}

/// The members of a comma list, trimmed, empty ones skipped (RFC 9110 §5.6.1.2).
pub(crate) fn members(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value
        .split(|octet| *octet == b',')
        .map(trim)
        .filter(|member| !member.is_empty())
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// Marks the octets of `word` that are zero. The lowest mark is exact; a borrow can only add marks above a real one.
const fn zeros(word: u64) -> u64 {
    word.wrapping_sub(ONES) & !word & HIGH
}

/// How many octets precede the first one for which `found` holds, or that `marks` marks in a word of
/// eight octets (the first in the lowest bits).
#[inline(always)]
fn before(text: &[u8], marks: impl Fn(u64) -> u64, found: impl Fn(u8) -> bool) -> usize {
    let (words, rest) = text.as_chunks::<8>();
    let mut passed = 0;
    for word in words {
        let marked = marks(u64::from_le_bytes(*word));
        if marked != 0 {
            return passed + (marked.trailing_zeros() / 8) as usize;
        }
        passed += 8;
    }
    let found = rest.iter().position(|octet| found(*octet));
    passed + found.unwrap_or(rest.len())
}

/// How many octets of `text` precede the first one under 0x20 or equal to 0x7F.
///
/// HTAB counts as found, too; the caller steps over it. Eight octets are looked at in one go.
#[inline]
pub(crate) fn before_control(text: &[u8]) -> usize {
    before(
        text,
        |word| {
            let low = word.wrapping_sub(ONES * 0x20) & !word & HIGH;
            low | zeros(word ^ (ONES * 0x7F))
        },
        |octet| octet < 0x20 || octet == 0x7F,
    )
}

/// Where the first `octet` of `text` stands.
#[inline]
pub(crate) fn find(octet: u8, text: &[u8]) -> Option<usize> {
    let pattern = ONES * u64::from(octet);
    let at = before(text, |word| zeros(word ^ pattern), |other| other == octet);
    (at < text.len()).then_some(at)
}

/// How many octets of `text` precede the first one that a target must not hold.
#[inline]
pub(crate) fn before_non_target(text: &[u8]) -> usize {
    before(
        text,
        |word| {
            let low = word.wrapping_sub(ONES * 0x21) & !word & HIGH;
            let hash = zeros(word ^ (ONES * 0x23));
            let del = zeros(word ^ (ONES * 0x7F));
            low | hash | del | (word & HIGH)
        },
        |octet| !is_target(octet),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_control_octet_is_found_at_every_place() {
        for octet in 0..=u8::MAX {
            for (before, after) in [(0, 20), (3, 0), (7, 9), (8, 8), (15, 1), (16, 0), (19, 2)] {
                for filler in [b' ', b'a', 0x80, 0xFF] {
                    let mut text = alloc::vec![filler; before];
                    text.push(octet);
                    text.resize(text.len() + after, filler);
                    let control = octet < 0x20 || octet == 0x7F;
                    let want = if control { before } else { text.len() };
                    assert_eq!(before_control(&text), want, "{octet:#x} after {before}");
                }
            }
        }
    }

    #[test]
    fn all_octets_of_a_text_are_of_a_class_or_one_is_not() {
        for octet in 0..=u8::MAX {
            for class in [TCHAR, TARGET, URI, REG_NAME, VALUE] {
                for at in 0..9 {
                    let mut text = [b'a'; 9];
                    if let Some(slot) = text.get_mut(at) {
                        *slot = octet;
                    }
                    assert_eq!(all(&text, class), is(octet, class), "{octet:#x} at {at}");
                }
            }
        }
        assert!(all(b"", TCHAR));
    }

    #[test]
    fn the_first_of_two_control_octets_is_found() {
        for first in 0..8 {
            for second in first..8 {
                let mut text = [b' '; 8];
                for at in [first, second] {
                    if let Some(slot) = text.get_mut(at) {
                        *slot = 0x7F;
                    }
                }
                assert_eq!(before_control(&text), first);
            }
        }
    }
}
