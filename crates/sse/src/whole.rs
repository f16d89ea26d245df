//! The common case at one go: a block that lies whole inside a chunk.
//!
//! It is a short cut and no second set of rules: whatever is not the common case is left to the
//! decoder's line by line way. A block is looked at here once, so each octet at most twice.

use crate::line::{DATA, Line, line_end};
use crate::text::{Text, is_utf8};
use alloc::vec::Vec;
use bytes::Bytes;
use core::ops::Range;

/// Most lines of data of a block that is taken at one go.
const MAX_LINES: usize = 8;

/// What stands at the front of a chunk that begins with a block.
#[derive(Debug)]
pub(crate) enum Front {
    /// A block of one data line and nothing else, UTF-8: where its data is, and its length with its blank line.
    Event { data: Range<usize>, len: usize },
    /// Any other block, and how long its first line is where that is known.
    Lines(Option<usize>),
    /// A data line whose end is in a later chunk, or that of its name or colon.
    Open,
    /// Nothing.
    Empty,
}

impl Front {
    /// Looks at the first line. What is over a limit is left to whoever reads line by line.
    #[inline]
    pub(crate) fn read(chunk: &[u8], max_line_len: usize, max_event_len: usize) -> Self {
        let [b'd', b'a', b't', b'a', b':', behind @ ..] = chunk else {
            return match chunk {
                [] => Self::Empty,
                _ if DATA.starts_with(chunk) => Self::Open,
                _ => Self::Lines(None),
            };
        };
        let Some((value, end)) =
            memchr::memchr2(b'\n', b'\r', behind).and_then(|len| behind.split_at_checked(len))
        else {
            return Self::Open;
        };
        let stop = DATA.len() + value.len();
        let Some(end) = block_end(end) else {
            return Self::Lines(Some(stop));
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        if stop <= max_line_len && value.len() <= max_event_len && is_utf8(value) {
            Self::Event {
                data: stop - value.len()..stop,
                len: stop + end,
            }
        } else {
            Self::Lines(Some(stop))
        }
    }
}

/// Gives the length of the two line ends that end a block, as LF or CRLF.
#[inline]
fn block_end(end: &[u8]) -> Option<usize> {
    match end {
        [b'\n', b'\n', ..] => Some(2),
        [b'\r', b'\n', b'\r', b'\n', ..] => Some(4),
        _ => None,
    }
}

/// Reads the end of a block at the front of `chunk`, whose only line began with `carry`, with its colon, and ends at `stop`.
/// Gives the data and the octets taken. None where it is another block, not UTF-8, or over a limit.
#[inline]
pub(crate) fn join(
    carry: &[u8],
    chunk: &[u8],
    stop: usize,
    max_line_len: usize,
    max_event_len: usize,
) -> Option<(Text, usize)> {
    let (rest, end) = chunk.split_at_checked(stop)?;
    let end = block_end(end)?;
    let (beginning, rest) = match carry.strip_prefix(DATA)? {
        [] => (&[][..], rest.strip_prefix(b" ").unwrap_or(rest)),
        [b' ', value @ ..] | value => (value, rest),
    };
    let len = beginning.len() + rest.len();
    if carry.len() + stop > max_line_len || len > max_event_len {
        return None;
    }
    let mut data = Vec::with_capacity(len);
    data.extend_from_slice(beginning);
    data.extend_from_slice(rest);
    is_utf8(&data).then(|| (Text::from_utf8_octets(Bytes::from(data)), stop + end))
}

/// Where the parts of a block stand in the chunk that begins with it, all of them UTF-8.
#[derive(Debug, Default)]
pub(crate) struct Whole {
    /// The lines of data, the first `lines` of the array.
    data: [Range<usize>; MAX_LINES],
    lines: usize,
    /// The type as the line says it, `message` and nothing included.
    pub(crate) event: Range<usize>,
    pub(crate) id: Option<Range<usize>>,
    /// Octets of the block with its blank line.
    pub(crate) len: usize,
}

impl Whole {
    /// Reads a block of types, ids and a few data lines, in any order. None where the block has anything
    /// else, is not UTF-8, has a line over `max_line_len`, or goes on behind the chunk. `first` is the length of the first line,
    /// where it is known.
    #[inline]
    pub(crate) fn read(
        &mut self,
        chunk: &[u8],
        mut first: Option<usize>,
        max_line_len: usize,
    ) -> Option<()> {
        let mut at = 0;
        loop {
            let rest = chunk.get(at..)?;
            // An LF in a later chunk that belongs to a last CR ends an empty block: it says nothing.
            match rest {
                [b'\r', b'\n', ..] => {
                    self.len = at + 2;
                    break;
                }
                [b'\n' | b'\r', ..] => {
                    self.len = at + 1;
                    break;
                }
                _ => {}
            }
            let len = match first.take() {
                Some(len) => len,
                None => line_end(rest)?,
            };
            if len > max_line_len {
                return None;
            }
            let (line, end) = rest.split_at_checked(len)?;
            let stop = at + len;
            let span = |value: &[u8]| stop - value.len()..stop;
            let parsed = match line {
                [b'd', b'a', b't', b'a', b':', b' ', value @ ..] => Line::Data(value),
                _ => Line::parse(line),
            };
            match parsed {
                Line::Data(value) => {
                    *self.data.get_mut(self.lines)? = span(value);
                    self.lines += 1;
                }
                Line::Event(value) => self.event = span(value),
                Line::Id(value) if value.contains(&0) => {}
                Line::Id(value) => self.id = Some(span(value)),
                Line::Blank | Line::Retry(_) | Line::Comment(_) | Line::Unknown => return None,
            }
            at = stop + if end.starts_with(b"\r\n") { 2 } else { 1 };
        }
        // Lines and values are cut at ASCII octets, so the parts are UTF-8 where the whole is.
        is_utf8(chunk.get(..self.len)?).then_some(())
    }

    /// Gives the data, if there is some of no more than `max` octets: one line as it lies in `chunk`, several joined by LF.
    pub(crate) fn data(&self, chunk: &Bytes, max: usize) -> Option<Text> {
        let (first, more) = self.data.get(..self.lines)?.split_first()?;
        let len = more
            .iter()
            .fold(first.len(), |len, line| len + 1 + line.len());
        if len > max {
            return None;
        }
        if more.is_empty() {
            return Some(Text::window(chunk, first.clone()));
        }
        let mut joined = Vec::with_capacity(len);
        joined.extend_from_slice(chunk.get(first.clone())?);
        for line in more {
            joined.push(b'\n');
            joined.extend_from_slice(chunk.get(line.clone())?);
        }
        Some(Text::from_utf8_octets(Bytes::from(joined)))
    }
}
