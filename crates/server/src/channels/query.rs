//! The query of a channel's URL: `after`, `from`, `wait`, `limit`, `event`, `gap`.
//!
//! A number out of form, an empty position or a parameter given twice is an error that says so;
//! unknown parameters are ignored.

use core::time::Duration;

use tidings_hub::{EventName, Position};

/// Where `?from` says to start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum From {
    Earliest,
    Latest,
    Back(u64),
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Query {
    pub(super) after: Option<Position>,
    pub(super) from: Option<From>,
    pub(super) wait: Option<Duration>,
    pub(super) limit: Option<usize>,
    pub(super) event: Option<EventName>,
    /// `?gap=skip`.
    pub(super) skip_gaps: bool,
}

impl Query {
    /// Reads the query of a request target.
    ///
    /// # Errors
    /// In one sentence, which parameter breaks which rule.
    pub(super) fn parse(query: &str) -> Result<Self, String> {
        let mut seen: Vec<String> = Vec::new();
        let mut parsed = Self::default();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            // An undecodable name is not one of ours.
            let Ok(name) = percent_decode(name) else {
                continue;
            };
            if !["after", "from", "wait", "limit", "event", "gap"].contains(&name.as_str()) {
                continue;
            }
            if seen.contains(&name) {
                return Err(format!("the parameter {name} is given twice"));
            }
            let value =
                percent_decode(value).map_err(|why| format!("the parameter {name} {why}"))?;
            parsed.take(&name, &value)?;
            seen.push(name);
        }
        Ok(parsed)
    }

    fn take(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "after" => {
                let position = value.parse().map_err(|_| {
                    "after is not a position, such as 9f3a61c2b0d4e877.42".to_owned()
                })?;
                self.after = Some(position);
            }
            "from" => self.from = Some(from(value)?),
            "wait" => {
                let seconds = digits(value).ok_or("wait is not a number of seconds")?;
                self.wait = Some(Duration::from_secs(seconds));
            }
            "limit" => match digits(value) {
                Some(limit @ 1..) => {
                    self.limit = Some(usize::try_from(limit).unwrap_or(usize::MAX));
                }
                Some(0) | None => return Err("limit is not a number of messages above 0".into()),
            },
            "event" => {
                self.event = EventName::parse(value).map_err(|why| format!("event: {why}"))?;
            }
            "gap" => match value {
                "skip" => self.skip_gaps = true,
                "close" => self.skip_gaps = false,
                _ => return Err("gap is neither skip nor close".into()),
            },
            _ => {}
        }
        Ok(())
    }
}

/// Where to start by words: `earliest`, `latest`, `-N`.
///
/// # Errors
/// In one sentence, what is allowed.
pub(super) fn from(value: &str) -> Result<From, String> {
    match value {
        "earliest" => Ok(From::Earliest),
        "latest" => Ok(From::Latest),
        _ => value
            .strip_prefix('-')
            .and_then(digits)
            .map(From::Back)
            .ok_or_else(|| "from is neither earliest, latest nor -N".into()),
    }
}

/// A decimal number of digits alone, saturating, so that a huge one is huge and not an error.
fn digits(value: &str) -> Option<u64> {
    if value.is_empty() || !value.bytes().all(|octet| octet.is_ascii_digit()) {
        return None;
    }
    Some(value.parse().unwrap_or(u64::MAX))
}

/// Percent-decodes one part of a URL (RFC 3986 §2.1).
///
/// # Errors
/// In half a sentence, what is wrong with it.
pub(super) fn percent_decode(part: &str) -> Result<String, &'static str> {
    let mut decoded = Vec::with_capacity(part.len());
    let mut rest = part.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = match (first, tail) {
            (b'%', [high, low, tail @ ..]) => {
                let (Some(high), Some(low)) = (hex(*high), hex(*low)) else {
                    return Err("has a % without two hex digits");
                };
                decoded.push(high << 4 | low);
                tail
            }
            (b'%', _) => return Err("has a % without two hex digits"),
            (octet, tail) => {
                decoded.push(*octet);
                tail
            }
        };
    }
    String::from_utf8(decoded).map_err(|_| "is not UTF-8")
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_out_of_form_and_doubled_parameters_are_errors() {
        for bad in [
            "wait=",
            "wait=-1",
            "wait=1.5",
            "wait=+1",
            "wait=1s",
            "limit=0",
            "limit=",
            "limit=x",
            "after=",
            "after=x",
            "after=9f3a61c2b0d4e877",
            "after=9F3A61C2B0D4E877.1",
            "from=",
            "from=now",
            "from=5",
            "from=-",
            "from=--1",
            "wait=1&wait=1",
            "from=latest&from=latest",
            "gap=no",
            "event=a%0Ab",
            "event=tidings.gap",
            "event=open",
            "event=error",
            "event=a%ZZ",
            "event=%FF",
        ] {
            assert!(Query::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn unknown_parameters_are_ignored() {
        assert_eq!(Query::parse("x=1&x=2&&=&a%ZZ=1"), Ok(Query::default()));
    }

    #[test]
    fn known_parameters_are_read() {
        let query =
            Query::parse("after=9f3a61c2b0d4e877.42&from=-5&wait=99&limit=7&event=score&gap=skip");
        let query = query.unwrap();
        assert_eq!(query.after.unwrap().to_string(), "9f3a61c2b0d4e877.42");
        assert_eq!(query.from, Some(From::Back(5)));
        assert_eq!(query.wait, Some(Duration::from_secs(99)));
        assert_eq!(query.limit, Some(7));
        assert_eq!(query.event.unwrap().as_str(), "score");
        assert!(query.skip_gaps);
        assert_eq!(Query::parse("event=message").unwrap().event, None);
    }

    #[test]
    fn percent_decoding_takes_only_pairs_of_hex_digits() {
        assert_eq!(percent_decode("a%20b%C3%A9+"), Ok("a bé+".to_owned()));
        for bad in ["%", "%4", "%4x", "%%41", "%FF"] {
            assert!(percent_decode(bad).is_err(), "{bad}");
        }
    }
}
