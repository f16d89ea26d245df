//! The wait that a client prefers (RFC 7240 §4.3).
//!
//! `Prefer: token [ "=" word ] *( ";" parameter ), …` in one field line or several.

use core::time::Duration;

/// Reads how long a client would wait for an answer, out of all `Prefer` field lines of a request.
///
/// The first `wait` counts and later ones do not (RFC 7240 §2), though the first be malformed: its
/// value must be whole seconds, as a token or in quotes. What is malformed is ignored, as are other
/// preferences. A number over 64 bits is the greatest one; the caller applies its own limit.
///
/// ```
/// use core::time::Duration;
/// use tidings_polling::prefer_wait;
/// let lines = [&b"respond-async"[..], b"wait=10, wait=20"];
/// assert_eq!(prefer_wait(lines), Some(Duration::from_secs(10)));
/// assert_eq!(prefer_wait([&b"wait=soon"[..]]), None);
/// ```
#[must_use]
pub fn prefer_wait<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> Option<Duration> {
    let mut preferences = values.into_iter().flat_map(|value| Parts {
        rest: value,
        at: b',',
    });
    let value = preferences.find_map(|preference| {
        // What follows a semicolon are parameters; `wait` has none that are known.
        let pair = Parts {
            rest: preference,
            at: b';',
        }
        .next()?;
        let mut halves = pair.splitn(2, |octet| *octet == b'=');
        let name = halves.next()?.trim_ascii();
        name.eq_ignore_ascii_case(b"wait")
            .then(|| halves.next().unwrap_or_default())
    })?;
    seconds(unquoted(value.trim_ascii()))
}

/// The parts of a list. A separator inside quotes does not part.
struct Parts<'a> {
    rest: &'a [u8],
    at: u8,
}

impl<'a> Iterator for Parts<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let (mut quoted, mut escaped) = (false, false);
        let end = self.rest.iter().position(|octet| {
            if escaped {
                escaped = false;
            } else if quoted && *octet == b'\\' {
                escaped = true;
            } else if *octet == b'"' {
                quoted = !quoted;
            }
            !quoted && *octet == self.at
        });
        let (part, rest) = self.rest.split_at_checked(end.unwrap_or(self.rest.len()))?;
        self.rest = rest.get(1..).unwrap_or_default();
        Some(part)
    }
}

/// Takes a pair of quotes off. A backslash inside is no digit, so it needs no reading.
fn unquoted(word: &[u8]) -> &[u8] {
    match word {
        [b'"', inner @ .., b'"'] => inner,
        _ => word,
    }
}

/// Reads whole seconds: digits and nothing else. A number over 64 bits is the greatest one.
pub(crate) fn seconds(digits: &[u8]) -> Option<Duration> {
    if digits.is_empty() {
        return None;
    }
    let number = digits.iter().try_fold(0u64, |number, octet| {
        let digit = octet.is_ascii_digit().then(|| u64::from(octet - b'0'))?;
        Some(number.saturating_mul(10).saturating_add(digit))
    })?;
    Some(Duration::from_secs(number))
}

#[cfg(test)]
mod tests {
    use super::prefer_wait;
    use core::time::Duration;

    /// What is proven, the field lines, the seconds.
    type Row = (&'static str, &'static [&'static [u8]], Option<u64>);

    #[test]
    fn the_first_wait_counts_rfc7240_2() {
        let rows: [Row; 27] = [
            ("no field", &[], None),
            ("empty", &[b""], None),
            ("alone", &[b"wait=10"], Some(10)),
            ("zero", &[b"wait=0"], Some(0)),
            ("quoted", &[b"wait=\"10\""], Some(10)),
            ("blanks around", &[b" \twait = 10 "], Some(10)),
            ("case", &[b"WAIT=10"], Some(10)),
            ("behind another", &[b"respond-async, wait=10"], Some(10)),
            ("in another line", &[b"respond-async", b"wait=10"], Some(10)),
            ("empty elements", &[b",, ,wait=10,"], Some(10)),
            ("with parameters", &[b"wait=10; a=1;b"], Some(10)),
            ("twice", &[b"wait=10, wait=20"], Some(10)),
            ("twice over lines", &[b"wait=10", b"wait=20"], Some(10)),
            ("the first is malformed", &[b"wait=x, wait=20"], None),
            ("no value", &[b"wait"], None),
            ("empty value", &[b"wait="], None),
            ("empty quotes", &[b"wait=\"\""], None),
            ("one quote", &[b"wait=\""], None),
            ("sign", &[b"wait=-1"], None),
            ("fraction", &[b"wait=1.5"], None),
            ("two equal signs", &[b"wait==1"], None),
            ("another name", &[b"waits=10, xwait=5"], None),
            ("wait as a parameter", &[b"foo; wait=10"], None),
            ("wait inside quotes", &[b"foo=\"a, wait=10\""], None),
            (
                "an escaped quote",
                &[b"foo=\"a\\\", wait=1\", wait=2"],
                Some(2),
            ),
            (
                "a quote that stays open",
                &[b"foo=\"a, wait=1", b"wait=2"],
                Some(2),
            ),
            (
                "over 64 bits",
                &[b"wait=99999999999999999999"],
                Some(u64::MAX),
            ),
        ];
        for (name, lines, want) in rows {
            let wait = prefer_wait(lines.iter().copied());
            assert_eq!(wait, want.map(Duration::from_secs), "{name}");
        }
    }
}
