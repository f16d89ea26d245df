//! The block that is being read: what its lines have said so far.

use crate::error::ReceiveError;
use crate::text::{Text, whole_chars};
use alloc::string::String;
use bytes::{Bytes, BytesMut};

/// The data lines of a block, joined by LF.
#[derive(Debug, Default)]
pub(crate) enum Data {
    /// No data line yet: the block dispatches nothing.
    #[default]
    None,
    /// One line, a window on the chunk it came in.
    One(Text),
    /// Several lines, copied together. Always UTF-8.
    Many(BytesMut),
}

/// Whether the block is read whole.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Fate {
    #[default]
    Whole,
    /// The data is full: further data lines are dropped, the event is dispatched.
    Cut,
    /// Data and type are dropped, the id still counts. The error is told at the blank line,
    /// unless it was told at once.
    Skip(Option<ReceiveError>),
}

/// Data, type and id of one block.
#[derive(Debug, Default)]
pub(crate) struct Block {
    pub(crate) data: Data,
    /// The event type; none for `message`.
    pub(crate) event: Option<Text>,
    /// The id that the blank line commits.
    pub(crate) id: Option<Text>,
    pub(crate) fate: Fate,
}

impl Block {
    pub(crate) fn len(&self) -> usize {
        let data = match &self.data {
            Data::None => 0,
            Data::One(text) => text.len(),
            Data::Many(lines) => lines.len(),
        };
        data + self.event.as_ref().map_or(0, Text::len) + self.id.as_ref().map_or(0, Text::len)
    }

    /// Drops what an event would be made of. Ids are kept, so that who resumes steps over it.
    pub(crate) fn skip(&mut self, told_later: Option<ReceiveError>) {
        self.data = Data::None;
        self.event = None;
        self.fate = Fate::Skip(told_later);
    }

    /// Adds a data line, a part of `source` if there is one. False: not all of it fitted into `max` octets.
    #[inline]
    pub(crate) fn push_data(&mut self, source: Option<&Bytes>, value: &[u8], max: usize) -> bool {
        if let Data::None = self.data {
            let mut line = Text::cut(source, value);
            let fits = line.len() <= max;
            if !fits {
                line.truncate(max);
            }
            self.data = Data::One(line);
            return fits;
        }
        self.push_line(value, max)
    }

    fn push_line(&mut self, value: &[u8], max: usize) -> bool {
        if let Data::One(first) = &self.data {
            let mut lines = BytesMut::new();
            append(&mut lines, first.as_bytes(), max);
            self.data = Data::Many(lines);
        }
        let Data::Many(lines) = &mut self.data else {
            return false;
        };
        let replaced;
        let value = if core::str::from_utf8(value).is_ok() {
            value
        } else {
            replaced = String::from_utf8_lossy(value);
            replaced.as_bytes()
        };
        let Some(room) = max.checked_sub(lines.len() + 1) else {
            return false;
        };
        let fits = value.len() <= room;
        let end = if fits {
            value.len()
        } else {
            whole_chars(value.get(..room).unwrap_or(value))
        };
        let value = value.get(..end).unwrap_or(value);
        append(lines, b"\n", max);
        append(lines, value, max);
        fits
    }
}

/// Adds octets to a buffer that never has to hold more than `max`. It doubles when it grows, but not above `max`.
pub(crate) fn append(buffer: &mut BytesMut, octets: &[u8], max: usize) {
    /// Lines that cross a chunk are short as a rule: one allocation serves several of them.
    const LEAST: usize = 256;
    let needed = buffer.len().saturating_add(octets.len());
    if buffer.capacity() < needed {
        let doubled = buffer.capacity().saturating_mul(2).max(LEAST).min(max);
        let mut grown = BytesMut::with_capacity(needed.max(doubled));
        grown.extend_from_slice(buffer);
        *buffer = grown;
    }
    buffer.extend_from_slice(octets);
}

#[cfg(test)]
mod tests {
    use super::{Block, Data, append};
    use bytes::{Bytes, BytesMut};

    #[test]
    fn a_buffer_doubles_and_never_allocates_above_its_limit() {
        // octets added one after the other, limit, capacity behind each
        let rows: [(&[usize], usize, &[usize]); 6] = [
            (&[1, 255, 1], 10_000, &[256, 256, 512]),
            (&[300, 1, 300], 10_000, &[300, 600, 1_200]),
            (&[1, 300], 400, &[256, 400]),
            (&[1, 99], 100, &[100, 100]),
            (&[0, 64, 36], 100, &[0, 100, 100]),
            (&[200, 150, 51], 401, &[256, 401, 401]),
        ];
        for (adds, max, want) in rows {
            let mut buffer = BytesMut::new();
            for (add, want) in adds.iter().zip(want) {
                append(&mut buffer, &[b'x'; 300][..*add], max);
                assert_eq!(buffer.capacity(), *want, "{adds:?} of {max}");
            }
            assert_eq!(buffer.len(), adds.iter().sum::<usize>());
        }
    }

    #[test]
    fn joined_lines_never_allocate_above_the_limit_of_an_event() {
        let source = Bytes::from_static(&[b'x'; 100]);
        let mut block = Block::default();
        while block.push_data(Some(&source), &source, 5_000) {}
        let Data::Many(lines) = &block.data else {
            panic!("one line")
        };
        assert_eq!(lines.len(), 5_000);
        assert!(lines.capacity() <= 5_000);
    }
}
