//! The common case at one go: a block that lies whole inside a chunk.
//!
//! It is a short cut and no second set of rules: whatever is not the common case is left to the
//! decoder's line by line way. A block is looked at here once, so each octet at most twice.

use crate::ends::Ends;
use crate::line::{DATA, Line};
use crate::text::Text;
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;
use bytestring::ByteString;
use core::ops::Range;

/// Most lines of data of a block that is taken at one go.
const MAX_LINES: usize = 8;

/// Length of the name of data with its colon and one space.
const SPACED: usize = DATA.len() + 1;

/// What stands at the front of a chunk that begins with a block.
#[derive(Debug)]
pub(crate) enum Front {
    /// A block of one data line and nothing else: where its data is, and its length with its blank line.
    Event { data: Range<usize>, len: usize },
    /// Any other block.
    Lines,
    /// A data line whose end is in a later chunk, or that of its name or colon.
    Open,
    /// Nothing.
    Empty,
}

impl Front {
    /// Looks at the first line. What is over a limit is left to whoever reads line by line.
    #[inline(always)]
    pub(crate) fn read(chunk: &[u8], max_line_len: usize, max_event_len: usize) -> Self {
        let [b'd', b'a', b't', b'a', b':', behind @ ..] = chunk else {
            return match chunk {
                [] => Self::Empty,
                _ if DATA.starts_with(chunk) => Self::Open,
                _ => Self::Lines,
            };
        };
        let Some((value, end)) = Ends::new(behind)
            .next()
            .and_then(|len| behind.split_at_checked(len))
        else {
            return Self::Open;
        };
        let stop = DATA.len() + value.len();
        let Some(end) = block_end(end) else {
            return Self::Lines;
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        if stop <= max_line_len && value.len() <= max_event_len {
            Self::Event {
                data: stop - value.len()..stop,
                len: stop + end,
            }
        } else {
            Self::Lines
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
    Some((Text::from(String::from_utf8(data).ok()?), stop + end))
}

/// The chunk that a block is cut from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source<'a> {
    /// Octets: each part is looked at when it is cut.
    Octets(&'a Bytes),
    /// Text, and where in it the block begins.
    Text(&'a ByteString, usize),
}

impl Source<'_> {
    /// Cuts a part out. None where it is not UTF-8.
    #[inline]
    pub(crate) fn window(self, part: Range<usize>) -> Option<Text> {
        match self {
            Self::Octets(chunk) => Text::checked_window(chunk, part),
            Self::Text(text, at) => Text::window(text, at + part.start..at + part.end),
        }
    }

    /// Joins lines by LF.
    #[inline]
    fn join(self, first: &Range<usize>, more: &[Range<usize>], len: usize) -> Option<Text> {
        let joined = match self {
            Self::Octets(chunk) => {
                let mut joined = Vec::with_capacity(len);
                joined.extend_from_slice(chunk.get(first.clone())?);
                for line in more {
                    joined.push(b'\n');
                    joined.extend_from_slice(chunk.get(line.clone())?);
                }
                String::from_utf8(joined).ok()?
            }
            Self::Text(text, at) => {
                let text = text.get(at..)?;
                let mut joined = String::with_capacity(len);
                joined.push_str(text.get(first.clone())?);
                for line in more {
                    joined.push('\n');
                    joined.push_str(text.get(line.clone())?);
                }
                joined
            }
        };
        Some(Text::from(joined))
    }
}

/// Where the parts of a block stand in the chunk that begins with it.
#[derive(Debug, Default)]
pub(crate) struct Whole {
    /// The lines of data, the first `lines` of the array.
    data: [Range<usize>; MAX_LINES],
    lines: usize,
    /// The type as the line says it, `message` and nothing included.
    pub(crate) event: Option<Range<usize>>,
    pub(crate) id: Option<Range<usize>>,
    /// Octets of the block with its blank line.
    pub(crate) len: usize,
}

impl Whole {
    /// Reads a block of types, ids and a few data lines, in any order. None where the block has anything
    /// else, has a line over `max_line_len`, or goes on behind the chunk.
    #[inline]
    pub(crate) fn read(&mut self, chunk: &[u8], max_line_len: usize) -> Option<()> {
        let mut ends = Ends::new(chunk);
        let mut at = 0;
        loop {
            let begin = at;
            let stop = ends.next()?;
            let line = chunk.get(begin..stop)?;
            if line.len() > max_line_len {
                return None;
            }
            at = stop + 1;
            if chunk.get(stop) == Some(&b'\r') && chunk.get(at) == Some(&b'\n') {
                ends.next();
                at += 1;
            }
            // The usual forms first: the rest of the work is small beside a parse of each line.
            if let [b'd', b'a', b't', b'a', b':', b' ', ..] = line {
                self.push(begin + SPACED..stop)?;
                continue;
            }
            let span = |value: &[u8]| stop - value.len()..stop;
            let parsed = match line {
                [b'i', b'd', b':', b' ', value @ ..] => Line::Id(value),
                [b'e', b'v', b'e', b'n', b't', b':', b' ', value @ ..] => Line::Event(value),
                _ => Line::parse(line),
            };
            match parsed {
                Line::Data(value) => self.push(span(value))?,
                // Of two the first one counts too, if it is over a limit: that is left to the way line by line.
                Line::Event(value) if self.event.is_none() => self.event = Some(span(value)),
                Line::Id(value) if value.contains(&0) => {}
                Line::Id(value) if self.id.is_none() => self.id = Some(span(value)),
                Line::Blank => {
                    // An LF in a later chunk that belongs to a last CR ends an empty block: it says nothing.
                    self.len = at;
                    return Some(());
                }
                Line::Event(_)
                | Line::Id(_)
                | Line::Retry(_)
                | Line::Comment(_)
                | Line::Unknown => return None,
            }
        }
    }

    #[inline]
    fn push(&mut self, line: Range<usize>) -> Option<()> {
        *self.data.get_mut(self.lines)? = line;
        self.lines += 1;
        Some(())
    }

    /// Gives the data, if there is some of no more than `max` octets: one line as it lies in `source`, several joined by LF.
    pub(crate) fn data(&self, source: Source<'_>, max: usize) -> Option<Text> {
        let (first, more) = self.data.get(..self.lines)?.split_first()?;
        let len = more
            .iter()
            .fold(first.len(), |len, line| len + 1 + line.len());
        if len > max {
            return None;
        }
        if more.is_empty() {
            return source.window(first.clone());
        }
        source.join(first, more, len)
    }
}
