//! The dates of HTTP (RFC 9110 §5.6.7).
//!
//! `Sun, 06 Nov 1994 08:49:37 GMT` (IMF-fixdate, the only one sent) | `Sunday, 06-Nov-94 08:49:37 GMT`
//! (RFC 850) | `Sun Nov  6 08:49:37 1994` (asctime)

const DAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];
const MONTHS: [&[u8; 3]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];
const DAY: u64 = 86_400;
/// The last second of the year 9999, after which four digits no longer do.
const LAST: u64 = 253_402_300_799;

/// Writes a time, in seconds since 1970 UTC, as IMF-fixdate; times after the year 9999 read as its last second.
///
/// ```
/// assert_eq!(&tidings_http1::date::format(784_111_777), b"Sun, 06 Nov 1994 08:49:37 GMT");
/// ```
#[must_use]
pub fn format(unix_seconds: u64) -> [u8; 29] {
    let time = unix_seconds.min(LAST);
    let (year, month, day) = civil(time / DAY);
    // 1970-01-01 was a Thursday, the fourth of the list.
    let weekday = nth(&DAYS, (time / DAY + 3) % 7).map_or(&b""[..], |name| name.as_bytes());
    let month_name = nth(&MONTHS, month - 1).map_or(&b""[..], |name| &name[..]);
    let second = time % DAY;
    let pairs = [
        day,
        year / 100,
        year % 100,
        second / 3_600,
        second / 60 % 60,
        second % 60,
    ];
    let [day, century, year, hour, minute, second] = pairs.map(two_digits);
    let mut text = *b"Sun, 06 Nov 1994 08:49:37 GMT";
    let parts: [(usize, &[u8]); 8] = [
        (0, weekday.get(..3).unwrap_or_default()),
        (5, &day),
        (8, month_name),
        (12, &century),
        (14, &year),
        (17, &hour),
        (20, &minute),
        (23, &second),
    ];
    for (at, part) in parts {
        if let Some(slot) = text.get_mut(at..at + part.len()) {
            slot.copy_from_slice(part);
        }
    }
    text
}

/// The date of the second at hand, written once and kept until another second is asked for.
///
/// ```
/// let mut date = tidings_http1::date::Cached::default();
/// assert_eq!(date.at(784_111_777), b"Sun, 06 Nov 1994 08:49:37 GMT");
/// assert_eq!(date.at(784_111_778), b"Sun, 06 Nov 1994 08:49:38 GMT");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Cached {
    second: u64,
    text: [u8; 29],
}

impl Cached {
    /// What [`format`] writes for that time, in seconds since 1970 UTC.
    pub fn at(&mut self, unix_seconds: u64) -> &[u8; 29] {
        if unix_seconds != self.second {
            self.second = unix_seconds;
            self.text = format(unix_seconds);
        }
        &self.text
    }
}

/// Holds the first second of 1970.
impl Default for Cached {
    fn default() -> Self {
        Self {
            second: 0,
            text: format(0),
        }
    }
}

/// Reads a date in any of the three forms, as seconds since 1970 UTC.
///
/// `None` for anything else, a date before 1970, and a day of the week that does not fit the date.
/// A leap second reads as the first second of the next minute. A two-digit year up to 75 is in the
/// century in which the day of the week fits, a later one is in the past (counted from the year 2025).
///
/// ```
/// use tidings_http1::date::parse;
/// assert_eq!(parse(b"Sunday, 06-Nov-94 08:49:37 GMT"), Some(784_111_777));
/// assert_eq!(parse(b"Sun Nov  6 08:49:37 1994"), Some(784_111_777));
/// ```
#[must_use]
pub fn parse(value: &[u8]) -> Option<u64> {
    if let Some(comma) = value.iter().position(|octet| *octet == b',') {
        let (name, rest) = value.split_at_checked(comma)?;
        return match rest {
            [
                b',',
                b' ',
                d1,
                d2,
                b' ',
                m1,
                m2,
                m3,
                b' ',
                y1,
                y2,
                y3,
                y4,
                b' ',
                time @ ..,
            ] => {
                let time = time.strip_suffix(b" GMT")?;
                let weekday = DAYS
                    .iter()
                    .position(|day| day.as_bytes().get(..3) == Some(name))?;
                let year = number(&[*y1, *y2, *y3, *y4])?;
                timestamp(weekday, year, &[*m1, *m2, *m3], number(&[*d1, *d2])?, time)
            }
            [
                b',',
                b' ',
                d1,
                d2,
                b'-',
                m1,
                m2,
                m3,
                b'-',
                y1,
                y2,
                b' ',
                time @ ..,
            ] => {
                let time = time.strip_suffix(b" GMT")?;
                let weekday = DAYS.iter().position(|day| day.as_bytes() == name)?;
                let (short, day) = (number(&[*y1, *y2])?, number(&[*d1, *d2])?);
                // The day of the week tells the centuries apart; a year over 50 years ahead is past.
                let centuries: &[u64] = if short > 75 {
                    &[1_900]
                } else {
                    &[2_000, 1_900]
                };
                centuries.iter().find_map(|century| {
                    timestamp(weekday, century + short, &[*m1, *m2, *m3], day, time)
                })
            }
            _ => None,
        };
    }
    let [w1, w2, w3, b' ', m1, m2, m3, b' ', d1, d2, b' ', rest @ ..] = value else {
        return None;
    };
    let (time, year) = rest.split_at_checked(8)?;
    let [b' ', year @ ..] = year else { return None };
    let weekday = DAYS
        .iter()
        .position(|day| day.as_bytes().get(..3) == Some(&[*w1, *w2, *w3]))?;
    let day = if *d1 == b' ' {
        number(&[*d2])?
    } else {
        number(&[*d1, *d2])?
    };
    let year = (year.len() == 4).then(|| number(year)).flatten()?;
    timestamp(weekday, year, &[*m1, *m2, *m3], day, time)
}

fn timestamp(weekday: usize, year: u64, month: &[u8; 3], day: u64, time: &[u8]) -> Option<u64> {
    let [h1, h2, b':', m1, m2, b':', s1, s2] = time else {
        return None;
    };
    let (hour, minute, second) = (
        number(&[*h1, *h2])?,
        number(&[*m1, *m2])?,
        number(&[*s1, *s2])?,
    );
    let month = MONTHS.iter().position(|name| *name == month)? as u64 + 1;
    if year < 1970 || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let days = days_since_1970(year, month, day);
    let real_day = day > 0 && civil(days) == (year, month, day);
    let real_weekday = (days + 3) % 7 == weekday as u64;
    (real_day && real_weekday).then_some(days * DAY + hour * 3_600 + minute * 60 + second)
}

/// The days from 1970-01-01 to a date of the Gregorian calendar, counted in years that begin in March.
fn days_since_1970(year: u64, month: u64, day: u64) -> u64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year / 400, year % 400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day.saturating_sub(1);
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Year, month and day of the day so many days after 1970-01-01.
fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 {
        march_month + 3
    } else {
        march_month - 9
    };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

fn number(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0, |number, octet| {
        octet
            .is_ascii_digit()
            .then(|| number * 10 + u64::from(octet - b'0'))
    })
}

fn two_digits(number: u64) -> [u8; 2] {
    [number / 10 % 10, number % 10].map(|digit| b'0' + u8::try_from(digit).unwrap_or_default())
}

fn nth<T: Copy>(list: &[T], index: u64) -> Option<T> {
    list.get(usize::try_from(index).ok()?).copied()
}
