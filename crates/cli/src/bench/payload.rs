//! What is sent: a number, a time, and octets that follow from both, so that each can be checked.
//!
//! `NUMBER TIME FILLER`: 10 digits, 16 digits of microseconds since the run began, letters.

use core::time::Duration;

/// Digits of both numbers and their separators.
pub(crate) const MIN_LEN: usize = 28;
const LETTERS: &[u8; 52] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// Makes message `number`, at least [`MIN_LEN`] octets long.
pub(crate) fn make(number: u64, sent: Duration, len: usize) -> String {
    let micros = sent.as_micros();
    let mut text = format!("{number:010} {micros:016} ");
    text.extend(filler(number).take(len.saturating_sub(text.len())));
    text
}

fn filler(number: u64) -> impl Iterator<Item = char> {
    let begin = usize::try_from(number % 52).unwrap_or_default();
    LETTERS
        .iter()
        .cycle()
        .skip(begin)
        .map(|letter| char::from(*letter))
}

/// Reads a message back. `None` where an octet is not as it was made.
pub(crate) fn read(octets: &[u8], len: usize) -> Option<(u64, Duration)> {
    let text = core::str::from_utf8(octets).ok()?;
    let (number, rest) = text.split_once(' ')?;
    let (micros, rest) = rest.split_once(' ')?;
    let (number, micros) = (number.parse().ok()?, micros.parse().ok()?);
    let whole =
        octets.len() == len.max(MIN_LEN) && filler(number).take(rest.len()).eq(rest.chars());
    whole.then_some((number, Duration::from_micros(micros)))
}

/// Follows the numbers of one reader.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sequence {
    last: u64,
    pub(crate) received: u64,
    pub(crate) lost: u64,
    /// Received a second time, or behind a later one.
    pub(crate) doubled: u64,
}

impl Sequence {
    /// Begins behind message `last`.
    pub(crate) fn after(last: u64) -> Self {
        Self {
            last,
            ..Self::default()
        }
    }

    pub(crate) fn take(&mut self, number: u64) {
        if number <= self.last {
            self.doubled += 1;
            return;
        }
        self.lost += number - self.last - 1;
        self.received += 1;
        self.last = number;
    }

    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    /// What never came counts as lost.
    pub(crate) fn end(&mut self, published: u64) {
        self.lost += published.saturating_sub(self.last);
        self.last = self.last.max(published);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_read_as_it_was_made_and_not_otherwise() {
        let sent = Duration::from_micros(123_456);
        for len in [0, MIN_LEN, MIN_LEN + 1, 128, 5000] {
            let text = make(77, sent, len);
            assert_eq!(text.len(), len.max(MIN_LEN));
            assert_eq!(read(text.as_bytes(), len), Some((77, sent)));
            assert_eq!(read(text.as_bytes(), len + MIN_LEN + 1), None);
        }
        let text = make(77, sent, 64);
        for at in 28..64 {
            let mut octets = text.clone().into_bytes();
            octets[at] ^= 1;
            assert_eq!(read(&octets, 64), None, "octet {at}");
        }
    }

    #[test]
    fn losses_and_doubles_are_counted() {
        let mut sequence = Sequence::after(3);
        for number in [4, 5, 5, 8, 7] {
            sequence.take(number);
        }
        sequence.end(10);
        assert_eq!(
            (sequence.received, sequence.lost, sequence.doubled),
            (3, 4, 2)
        );
    }
}
