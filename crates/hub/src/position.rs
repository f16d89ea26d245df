//! The place of a message in a channel, on the wire as `9f3a61c2b0d4e877.42`.
//!
//! 16 lower-case hex digits of the epoch | `.` | the offset in decimal without leading zeros, 1 to
//! 20 digits

use core::fmt;
use core::str::FromStr;

/// A place in the log of one channel; it means "everything up to and including this offset".
///
/// Offsets are contiguous from 1 within an epoch; offset 0 is the place before the first message.
/// An epoch is 64 fresh random bits, so that a position of a channel that was deleted, forgotten or
/// lost with its process never names a message of the channel that has the name after it.
///
/// ```
/// use tidings_hub::Position;
///
/// let position: Position = "9f3a61c2b0d4e877.42".parse()?;
/// assert_eq!(position, Position { epoch: 0x9f3a_61c2_b0d4_e877, offset: 42 });
/// assert_eq!(position.to_string(), "9f3a61c2b0d4e877.42");
/// # Ok::<(), tidings_hub::PositionError>(())
/// ```
#[derive(Copy, Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct Position {
    /// The life of the channel that the offset counts in.
    pub epoch: u64,
    /// The number of the message, from 1; 0 before the first.
    pub offset: u64,
}

impl Position {
    /// The length of the longest token in octets.
    pub const MAX_LEN: usize = EPOCH_LEN + 1 + 20;
}

/// Hex digits of an epoch.
const EPOCH_LEN: usize = 16;

/// What keeps a text from being a position.
#[derive(Copy, Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PositionError {
    /// The epoch is not 16 lower-case hex digits.
    #[error("a position begins with 16 lower-case hex digits")]
    Epoch,
    /// No full stop follows the epoch.
    #[error("a full stop follows the 16 digits of a position")]
    Separator,
    /// The offset is empty, has another octet than digits, a leading zero, or is above 2^64 - 1.
    #[error("the offset of a position is a decimal number below 2^64 without leading zeros")]
    Offset,
}

impl FromStr for Position {
    type Err = PositionError;

    fn from_str(text: &str) -> Result<Self, PositionError> {
        let (epoch, rest) = text
            .split_at_checked(EPOCH_LEN)
            .ok_or(PositionError::Epoch)?;
        // `from_str_radix` takes a sign and capitals too.
        if !epoch
            .bytes()
            .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        {
            return Err(PositionError::Epoch);
        }
        let epoch = u64::from_str_radix(epoch, 16).map_err(|_| PositionError::Epoch)?;
        let offset = rest.strip_prefix('.').ok_or(PositionError::Separator)?;
        let digits = offset.bytes().all(|b| b.is_ascii_digit());
        if !digits || (offset.len() > 1 && offset.starts_with('0')) {
            return Err(PositionError::Offset);
        }
        let offset = offset.parse().map_err(|_| PositionError::Offset)?;
        Ok(Self { epoch, offset })
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}.{}", self.epoch, self.offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Row = (
        &'static str,
        &'static str,
        Result<(u64, u64), PositionError>,
    );

    #[test]
    fn a_position_has_exactly_one_text() {
        let rows: [Row; 15] = [
            (
                "plain",
                "9f3a61c2b0d4e877.42",
                Ok((0x9f3a_61c2_b0d4_e877, 42)),
            ),
            (
                "leading zeros of the epoch stay",
                "000000000000000a.0",
                Ok((10, 0)),
            ),
            (
                "largest",
                "ffffffffffffffff.18446744073709551615",
                Ok((u64::MAX, u64::MAX)),
            ),
            (
                "offset above u64",
                "ffffffffffffffff.18446744073709551616",
                Err(PositionError::Offset),
            ),
            ("empty", "", Err(PositionError::Epoch)),
            ("short epoch", "9f3a.42", Err(PositionError::Epoch)),
            (
                "capital digits",
                "9F3A61C2B0D4E877.42",
                Err(PositionError::Epoch),
            ),
            (
                "a sign in the epoch",
                "+f3a61c2b0d4e877.42",
                Err(PositionError::Epoch),
            ),
            (
                "a letter cut in two",
                "9f3a61c2b0d4e87é.42",
                Err(PositionError::Epoch),
            ),
            (
                "no full stop",
                "9f3a61c2b0d4e87742",
                Err(PositionError::Separator),
            ),
            (
                "long epoch",
                "9f3a61c2b0d4e8770.42",
                Err(PositionError::Separator),
            ),
            ("no offset", "9f3a61c2b0d4e877.", Err(PositionError::Offset)),
            (
                "a leading zero",
                "9f3a61c2b0d4e877.042",
                Err(PositionError::Offset),
            ),
            (
                "a sign in the offset",
                "9f3a61c2b0d4e877.+42",
                Err(PositionError::Offset),
            ),
            (
                "white space",
                "9f3a61c2b0d4e877.42 ",
                Err(PositionError::Offset),
            ),
        ];
        for (name, text, want) in rows {
            let want = want.map(|(epoch, offset)| Position { epoch, offset });
            assert_eq!(text.parse::<Position>(), want, "{name}");
        }
    }

    proptest! {
        #[test]
        fn a_position_reads_back_as_written(epoch: u64, offset: u64) {
            let position = Position { epoch, offset };
            let text = position.to_string();
            prop_assert!(text.len() <= Position::MAX_LEN);
            prop_assert_eq!(text.parse(), Ok(position));
        }

        #[test]
        fn a_text_that_is_taken_is_the_text_of_its_position(text in "[0-9a-f]{15,17}[.]?0?[0-9]{0,21}") {
            if let Ok(position) = text.parse::<Position>() {
                prop_assert_eq!(position.to_string(), text);
            }
        }
    }
}
