//! The lines of an event stream (WHATWG HTML §9.2.6).
//!
//! stream = [ BOM ] *line; a line ends in LF, in CR, or in CRLF, which is one end and not two

mod events;

pub use events::{Event, Events};

/// Cuts a stream, which comes in pieces, into lines. What it must remember between two pieces are its fields.
#[derive(Debug, Default)]
pub struct Lines {
    /// The beginning of a line that has no end yet.
    unfinished: Vec<u8>,
    // Add what else must be remembered.
}

impl Lines {
    /// Takes a piece of the stream, and gives the lines that it ends, without their ends.
    pub fn feed(&mut self, piece: &[u8]) -> Vec<Vec<u8>> {
        todo!("feed `{}`, had {:?}", piece.escape_ascii(), self.unfinished)
    }
}

/// What a line says. The value is what follows the colon, without one space right behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field<'a> {
    /// An empty line: it ends a block.
    Blank,
    /// A line that begins with a colon. A reader of events ignores it, and its text comes without one space too.
    Comment(&'a [u8]),
    Data(&'a [u8]),
    Event(&'a [u8]),
    Id(&'a [u8]),
    Retry(&'a [u8]),
    /// Any other name: to be ignored.
    Unknown,
}

/// Reads a line, which comes without its end.
pub fn field(line: &[u8]) -> Field<'_> {
    todo!("step 5: what `{}` says", line.escape_ascii())
}
