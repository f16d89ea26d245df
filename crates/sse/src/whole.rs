//! The common case at one go: a block of single lines that lies whole inside a chunk.
//!
//! It is a short cut and no second set of rules: whatever is not the common case is left to the
//! decoder's line by line way. A block is looked at here once, so each octet at most twice.

use crate::line::Line;

/// The parts of a block at the front of a chunk, all of them UTF-8.
#[derive(Debug, Default)]
pub(crate) struct Whole<'a> {
    pub(crate) data: &'a [u8],
    /// The type as the line says it, `message` and nothing included.
    pub(crate) event: &'a [u8],
    pub(crate) id: Option<&'a [u8]>,
    /// Octets of the block with its blank line.
    pub(crate) len: usize,
}

impl<'a> Whole<'a> {
    /// Reads a block of one data line, and at most one type and one id, in any order. None where the
    /// block is anything else, is not UTF-8, has a line over `max_line_len`, or goes on behind the chunk.
    #[inline]
    pub(crate) fn read(chunk: &'a [u8], max_line_len: usize) -> Option<Self> {
        let (mut data, mut event, mut id) = (None, None, None);
        let mut rest = chunk;
        loop {
            let (line, end) = rest.split_at_checked(memchr::memchr2(b'\n', b'\r', rest)?)?;
            if line.len() > max_line_len {
                return None;
            }
            rest = match end {
                // An LF in a later chunk that belongs to a last CR ends an empty block: it says nothing.
                [b'\r', b'\n', rest @ ..] | [_, rest @ ..] => rest,
                [] => return None,
            };
            let part = match Line::parse(line) {
                Line::Data(value) => data.replace(value),
                Line::Event(value) => event.replace(value),
                Line::Id(value) if !value.contains(&0) => id.replace(value),
                Line::Blank => break,
                Line::Id(_) | Line::Retry(_) | Line::Comment(_) | Line::Unknown => return None,
            };
            if part.is_some() {
                return None;
            }
        }
        let len = chunk.len() - rest.len();
        // Lines and values are cut at ASCII octets, so the parts are UTF-8 where the whole is.
        core::str::from_utf8(chunk.get(..len)?).ok()?;
        let event = event.unwrap_or_default();
        Some(Self {
            data: data?,
            event,
            id,
            len,
        })
    }
}
