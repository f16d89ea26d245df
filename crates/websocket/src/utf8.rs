//! UTF-8 that arrives in pieces (RFC 6455 §8.1, RFC 3629).
//!
//! 1 octet 00-7F | 2 octets C2-DF 80-BF | 3 octets E0-EF, no surrogates | 4 octets F0-F4, at most U+10FFFF

/// Checks text that arrives in pieces and fails at the first octet that no later octet can mend (RFC 6455 §8.1).
///
/// Four octets of state: the start of a code point that the next piece must finish. All else is checked many octets at a
/// time, by comparisons that the compiler turns into the widest words of the target; the place of a fault is then looked
/// for with [`core::str::from_utf8`].
///
/// ```
/// use tidings_websocket::Utf8Validator;
/// let mut text = Utf8Validator::new();
/// assert_eq!(text.feed(b"\xf4"), Ok(())); // may become U+100000
/// assert_eq!(text.feed(b"\x90").unwrap_err().at, 0); // but F4 90 is above U+10FFFF
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Utf8Validator {
    held: [u8; 3],
    held_len: u8,
}

/// An octet that makes text invalid (RFC 6455 §8.1). Answer 1007.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not UTF-8 from octet {at} of the piece on")]
pub struct Utf8Error {
    /// The place, in the piece just fed, of the first octet that cannot stand there; the length of the piece where text
    /// ended inside a code point.
    pub at: usize,
}

impl Utf8Validator {
    /// Starts at a border between two code points.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            held: [0; 3],
            held_len: 0,
        }
    }

    /// Takes the next piece of the text.
    ///
    /// # Errors
    /// [`Utf8Error`] at the first octet after which the text can never be valid. The validator is of no use afterwards.
    pub fn feed(&mut self, piece: &[u8]) -> Result<(), Utf8Error> {
        let mut at = 0;
        let mut rest = piece;
        while self.held_len > 0 {
            let Some((&octet, after)) = rest.split_first() else {
                return Ok(());
            };
            self.push(octet).map_err(|()| Utf8Error { at })?;
            rest = after;
            at += 1;
        }
        let good = good_front(rest);
        at += good;
        let rest = rest.get(good..).unwrap_or_default();
        let Err(error) = core::str::from_utf8(rest) else {
            return Ok(());
        };
        let tail = rest.get(error.valid_up_to()..).unwrap_or_default();
        match (error.error_len(), tail) {
            // The piece ends inside a code point that may still become valid.
            (None, _) => {
                for (place, octet) in self.held.iter_mut().zip(tail) {
                    *place = *octet;
                    self.held_len += 1;
                }
                Ok(())
            }
            // An octet that starts nothing is itself at fault.
            (Some(_), [0x80..=0xC1 | 0xF5..=0xFF, ..]) => Err(Utf8Error {
                at: at + error.valid_up_to(),
            }),
            // `len` octets were a good start; the one behind them is at fault.
            (Some(len), _) => Err(Utf8Error {
                at: at + error.valid_up_to() + len,
            }),
        }
    }

    /// Ends the text.
    ///
    /// # Errors
    /// [`Utf8Error`] where the last code point is not complete; its `at` is 0, the octet that did not come.
    pub const fn finish(&self) -> Result<(), Utf8Error> {
        if self.held_len == 0 {
            Ok(())
        } else {
            Err(Utf8Error { at: 0 })
        }
    }

    /// Adds one octet to the code point that is held.
    fn push(&mut self, octet: u8) -> Result<(), ()> {
        let mut sequence = [0; 4];
        let mut sequence_len = 0;
        let held = self.held.iter().take(usize::from(self.held_len));
        for (place, octet) in sequence.iter_mut().zip(held.chain([&octet])) {
            *place = *octet;
            sequence_len += 1;
        }
        match core::str::from_utf8(sequence.get(..sequence_len).unwrap_or_default()) {
            Ok(_) => *self = Self::new(),
            Err(error) if error.error_len().is_none() => {
                let [a, b, c, _] = sequence;
                *self = Self {
                    held: [a, b, c],
                    held_len: self.held_len + 1,
                };
            }
            Err(_) => return Err(()),
        }
        Ok(())
    }
}

/// The octets that are checked at a time: few enough that little is checked twice where one is at fault.
const BLOCK: usize = 128;

/// Counts octets at the front of `text`, which begins between two code points, that are valid and end between two code
/// points: as many as are found without a look at each.
fn good_front(text: &[u8]) -> usize {
    #[cfg(feature = "simd")]
    if let Some(good) = crate::simd::good_front(text) {
        return good;
    }
    if text.is_ascii() {
        text.len()
    } else {
        good_blocks(text)
    }
}

/// Counts as [`good_front`] does: three octets and whole blocks, less a code point that the last of them cuts.
fn good_blocks(text: &[u8]) -> usize {
    let Some([a, b, c]) = text.first_chunk() else {
        return 0;
    };
    if text.len() < 3 + BLOCK || faults(&[0, 0, 0, *a, *b, *c]) != 0 {
        return 0;
    }
    let mut good = 3;
    let mut last = [*a, *b, *c];
    for block in text.windows(3 + BLOCK).step_by(BLOCK) {
        if !block.is_ascii() && faults(block) != 0 {
            break;
        }
        good += BLOCK;
        last = block.last_chunk().copied().unwrap_or_default();
    }
    good - cut_len(last)
}

/// Counts the octets of a code point that text which ends like this cuts.
pub(crate) const fn cut_len(last: [u8; 3]) -> usize {
    match last {
        [_, _, 0xC0..=0xFF] => 1,
        [_, 0xE0..=0xFF, _] => 2,
        [0xF0..=0xFF, _, _] => 3,
        _ => 0,
    }
}

/// Gives 0 where each octet but the first three may stand behind the three before it. Faults are gathered as a number: a
/// compiler that sees no early end looks at 16 octets and more at once.
#[inline]
fn faults(octets: &[u8]) -> u8 {
    let mut faults = 0;
    for octets in octets.windows(4) {
        if let &[third, second, first, octet] = octets {
            faults |= u8::from(!may_stand([third, second, first], octet));
        }
    }
    faults
}

/// The table of RFC 3629 §4 as comparisons without a branch, for an octet and the three before it.
#[inline]
const fn may_stand([third, second, first]: [u8; 3], octet: u8) -> bool {
    let owed = (first >= 0xC0) | (second >= 0xE0) | (third >= 0xF0);
    let continues = octet & 0xC0 == 0x80;
    let overlong = ((first == 0xE0) & (octet < 0xA0)) | ((first == 0xF0) & (octet < 0x90));
    let surrogate = (first == 0xED) & (octet > 0x9F);
    let too_high = (first == 0xF4) & (octet > 0x8F);
    let starts_nothing = (octet & 0xFE == 0xC0) | (octet > 0xF4);
    (owed == continues) & !overlong & !surrogate & !too_high & !starts_nothing
}

#[cfg(test)]
mod tests;
