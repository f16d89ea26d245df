//! The line in front of each chunk of the chunked coding (RFC 9112 §7.1).
//!
//! line = 1*HEXDIG [ blanks ";" extension ] CR LF; the size counts the octets of data that follow the line

/// The longest line that is read, without its CR LF. The RFC has no limit and tells a reader to have one (§7.1.1).
pub const MAX_LINE_LEN: usize = 64;

/// What can be wrong with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// An octet that must not stand in a size, or no size at all.
    Size,
    /// A size over 2^64 - 1.
    TooLarge,
    /// An octet that must not stand in an extension.
    Extension,
    /// An LF without a CR in front of it.
    BareLf,
    /// A CR without an LF behind it.
    BareCr,
    /// An octet other than CR behind `MAX_LINE_LEN` octets.
    TooLong,
}

/// A fault, and the offset of the octet that shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkError {
    pub fault: Fault,
    pub at: usize,
}

/// Decodes the chunk line at the start of `octets`: the size it announces, and how many octets the line takes.
///
/// `Ok(None)` is "not yet": what is there is fine, and more is needed. A fault is told as soon as the octet that shows
/// it is there, whatever follows.
pub fn chunk_line(octets: &[u8]) -> Result<Option<(u64, usize)>, ChunkError> {
    let mut state = State::Start;
    for (at, &octet) in octets.iter().enumerate() {
        let wrong = |fault| Err(ChunkError { fault, at });
        state = match (state, octet) {
            (State::Lf { size }, b'\n') => return Ok(Some((size, at + 1))),
            (State::Lf { .. }, _) => return wrong(Fault::BareCr),
            (State::Digits { size } | State::Extension { size }, b'\r') => State::Lf { size },
            (_, b'\n') => return wrong(Fault::BareLf),
            (_, _) if at >= MAX_LINE_LEN => return wrong(Fault::TooLong),
            (State::Digits { size } | State::Blank { size }, b' ' | b'\t') => State::Blank { size },
            (State::Digits { size } | State::Blank { size }, b';') => State::Extension { size },
            (State::Extension { size }, b'\t' | 0x20..=0x7e | 0x80..) => State::Extension { size },
            (State::Extension { .. }, _) => return wrong(Fault::Extension),
            (State::Start, octet) => match digit(octet) {
                Some(digit) => State::Digits { size: digit },
                None => return wrong(Fault::Size),
            },
            (State::Digits { size }, octet) => match digit(octet) {
                // Sixteen times this would be 2^64 or more.
                Some(_) if size >= 1 << 60 => return wrong(Fault::TooLarge),
                Some(digit) => State::Digits {
                    size: size << 4 | digit,
                },
                None => return wrong(Fault::Size),
            },
            (State::Blank { .. }, _) => return wrong(Fault::Size),
        };
    }
    Ok(None)
}

/// Where in the line the next octet stands. Each state carries the size read so far, where there is one.
#[derive(Clone, Copy)]
enum State {
    /// Before the first digit.
    Start,
    Digits {
        size: u64,
    },
    /// Behind a blank that follows the digits.
    Blank {
        size: u64,
    },
    Extension {
        size: u64,
    },
    /// Behind the CR.
    Lf {
        size: u64,
    },
}

/// The value of a hexadecimal digit.
fn digit(octet: u8) -> Option<u64> {
    char::from(octet).to_digit(16).map(u64::from)
}
