//! One line of an event stream to its field (HTML §9.2.6).
//!
//! `:` COMMENT | NAME | NAME `:` VALUE | NAME `: ` VALUE

use crate::error::Field;

/// What a line, taken without its end, says.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Line<'a> {
    /// The end of a block.
    Blank,
    Comment(&'a [u8]),
    Data(&'a [u8]),
    Event(&'a [u8]),
    Id(&'a [u8]),
    Retry(&'a [u8]),
    /// A field that the standard tells to ignore.
    Unknown,
}

impl<'a> Line<'a> {
    /// Reads a whole line. Names are compared octet by octet: case, blanks and NUL matter.
    #[inline]
    pub(crate) fn parse(line: &'a [u8]) -> Self {
        let Some(first) = line.first() else {
            return Self::Blank;
        };
        let known = match first {
            b'd' => value(line, b"data").map(Self::Data),
            b'e' => value(line, b"event").map(Self::Event),
            b'i' => value(line, b"id").map(Self::Id),
            b'r' => value(line, b"retry").map(Self::Retry),
            b':' => value(line, b"").map(Self::Comment),
            _ => None,
        };
        known.unwrap_or(Self::Unknown)
    }
}

/// Gives the value of a line of the field `name`: nothing where the line has no colon, and what
/// follows the colon less one space otherwise.
#[inline]
fn value<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    match line.strip_prefix(name)? {
        [] => Some(&[]),
        [b':', b' ', value @ ..] | [b':', value @ ..] => Some(value),
        _ => None,
    }
}

/// What a line of data begins with, if it says anything.
pub(crate) const DATA: &[u8] = b"data:";

/// The longest prefix that [`prefix_field`] needs to see: a name and its colon.
pub(crate) const PREFIX_LEN: usize = 6;

/// Gives the field that a line with this beginning can still turn out to be, if it is one to keep.
pub(crate) fn prefix_field(beginning: &[u8]) -> Option<Field> {
    let (name, field): (&[u8], _) = match beginning.first()? {
        b'd' => (b"data", Field::Data),
        b'e' => (b"event", Field::Event),
        b'i' => (b"id", Field::Id),
        b'r' => (b"retry", Field::Retry),
        b':' => return Some(Field::Comment),
        _ => return None,
    };
    let possible = match beginning.strip_prefix(name) {
        Some(rest) => matches!(rest, [] | [b':', ..]),
        None => name.starts_with(beginning),
    };
    possible.then_some(field)
}

/// Reads a reconnection time in milliseconds: ASCII digits and nothing else, base ten. A number
/// over 64 bits becomes the greatest one, for the client's limit to cut.
pub(crate) fn retry(value: &[u8]) -> Option<u64> {
    if value.is_empty() {
        return None;
    }
    value.iter().try_fold(0u64, |millis, octet| {
        let digit = octet.is_ascii_digit().then(|| u64::from(octet - b'0'))?;
        Some(millis.saturating_mul(10).saturating_add(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::{Field, Line, PREFIX_LEN, prefix_field, retry};

    #[test]
    fn the_first_colon_splits_and_one_space_goes_html_9_2_6() {
        let rows: [(&str, &[u8], Line<'_>); 19] = [
            ("blank", b"", Line::Blank),
            ("comment", b":c", Line::Comment(b"c")),
            ("comment with a space", b": c", Line::Comment(b"c")),
            ("two colons", b"::c", Line::Comment(b":c")),
            ("a bare colon", b":", Line::Comment(b"")),
            ("no colon", b"data", Line::Data(b"")),
            ("empty", b"data:", Line::Data(b"")),
            ("a space only", b"data: ", Line::Data(b"")),
            ("two spaces", b"data:  a", Line::Data(b" a")),
            ("a tab stays", b"data:\ta", Line::Data(b"\ta")),
            ("more colons", b"data:a:b", Line::Data(b"a:b")),
            ("event", b"event: t", Line::Event(b"t")),
            ("id", b"id:1", Line::Id(b"1")),
            ("retry", b"retry:1", Line::Retry(b"1")),
            ("case", b"Data:a", Line::Unknown),
            ("a longer name", b"datax:a", Line::Unknown),
            ("a shorter name", b"dat:a", Line::Unknown),
            ("a space before the colon", b"data :a", Line::Unknown),
            ("a NUL in the name", b"da\0ta:a", Line::Unknown),
        ];
        for (name, line, want) in rows {
            assert_eq!(Line::parse(line), want, "{name}");
        }
    }

    #[test]
    fn a_beginning_rules_a_field_out_only_when_no_line_could_be_it() {
        for line in [
            &b"data:a"[..],
            b"event:a",
            b"id:a",
            b"retry:a",
            b":a",
            b"data",
            b"id",
        ] {
            for end in 1..=line.len() {
                assert!(prefix_field(&line[..end]).is_some(), "{:?}", &line[..end]);
            }
        }
        for line in [
            &b"x"[..],
            b"dx",
            b"datax",
            b"ide",
            b"events",
            b"retri",
            b"data ",
            b"\0",
        ] {
            assert!(prefix_field(line).is_none(), "{line:?}");
        }
        assert_eq!(prefix_field(b"ret"), Some(Field::Retry));
        assert_eq!(PREFIX_LEN, b"event:".len());
    }

    #[test]
    fn a_reconnection_time_is_ascii_digits_only_html_9_2_6() {
        let rows: [(&str, &[u8], Option<u64>); 11] = [
            ("digits", b"1500", Some(1500)),
            ("zero", b"0", Some(0)),
            ("leading zeros are base ten", b"0010", Some(10)),
            ("the greatest", b"18446744073709551615", Some(u64::MAX)),
            ("over 64 bits", b"18446744073709551616", Some(u64::MAX)),
            ("empty", b"", None),
            ("sign", b"+1", None),
            ("minus", b"-1", None),
            ("blank behind", b"1 ", None),
            ("hex", b"0x1", None),
            (
                "letters behind many digits",
                b"99999999999999999999999x",
                None,
            ),
        ];
        for (name, value, want) in rows {
            assert_eq!(retry(value), want, "{name}");
        }
    }
}
