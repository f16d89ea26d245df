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
    /// The last octet was a CR, which has ended its line: an LF that comes next belongs to it.
    after_cr: bool,
    /// A line has ended, so that no BOM can come.
    begun: bool,
}

impl Lines {
    /// Takes a piece of the stream, and gives the lines that it ends, without their ends.
    pub fn feed(&mut self, piece: &[u8]) -> Vec<Vec<u8>> {
        let mut lines = Vec::new();
        for &octet in piece {
            let second_half = self.after_cr && octet == b'\n';
            self.after_cr = octet == b'\r';
            if second_half {
                continue;
            }
            if octet != b'\n' && octet != b'\r' {
                self.unfinished.push(octet);
                continue;
            }
            let mut line = std::mem::take(&mut self.unfinished);
            // The first line is whole by now, however many pieces the BOM came in.
            if !self.begun && line.starts_with(b"\xef\xbb\xbf") {
                line.drain(..3);
            }
            self.begun = true;
            lines.push(line);
        }
        lines
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
    if line.is_empty() {
        return Field::Blank;
    }
    let (name, value) = match line.iter().position(|&octet| octet == b':') {
        Some(colon) => (&line[..colon], &line[colon + 1..]),
        // Without a colon the whole line is the name.
        None => (line, &[][..]),
    };
    let value = value.strip_prefix(b" ").unwrap_or(value);
    match name {
        b"" => Field::Comment(value),
        b"data" => Field::Data(value),
        b"event" => Field::Event(value),
        b"id" => Field::Id(value),
        b"retry" => Field::Retry(value),
        _ => Field::Unknown,
    }
}
