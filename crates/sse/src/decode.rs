//! Octets to events by the algorithm of HTML §9.2.6, over any cutting of the stream.
//!
//! [BOM] *( *( comment / field ) blank-line ); lines end in CRLF, LF or CR. The last block counts
//! only with its blank line.
//!
//! A line that lies inside one chunk is read where it lies. The beginning of a line that crosses
//! chunks is carried over, unless nobody wants the line: then it is dropped as it comes. The work is
//! linear in the octets, however they are cut.

use crate::block::{Block, Data, Fate, append};
use crate::config::{Config, Oversize};
use crate::error::{Field, ReceiveError};
use crate::item::{Event, Item, named};
use crate::line::{self, Line, PREFIX_LEN, prefix_field};
use crate::text::{Text, whole_chars};

use bytes::{Buf, Bytes, BytesMut};
use core::mem;
use core::time::Duration;
use front::{View, Way};

mod front;

/// What becomes of the octets up to the next line end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Scan {
    /// They are carried over.
    Keep,
    /// The carried beginning is what the line will be; the rest is dropped.
    Cut,
    /// The whole line is dropped.
    Drop,
}

/// Up to here a copy of a carried line costs less than what a part of the buffer costs to share.
const SHORT: usize = 1024;

const BOM: &[u8] = b"\xEF\xBB\xBF";

/// Decodes one event stream after the other of a source.
///
/// An event with one data line inside one chunk takes no allocation: its texts are windows on the
/// chunk, or held in place where they are short. What is held between calls is at most
/// `max_event_len` octets of data and three times `max_line_len` (an unfinished line, the type, the
/// id), and a handle on the chunk until its end is reached. Of these the texts of over 23 octets, and
/// such a last event ID, are windows that keep the chunks alive which they came in.
#[derive(Debug)]
pub struct Decoder {
    config: Config,
    /// What is still to come of the byte order mark that a stream may begin with.
    bom: &'static [u8],
    /// The last line ended in CR: an LF that follows belongs to it, in whatever chunk it comes.
    skip_lf: bool,
    scan: Scan,
    /// The beginning of a line that crosses chunks.
    carry: BytesMut,
    block: Block,
    way: Way,
    /// Of the chunk that blocks are taken from; empty between chunks.
    view: View,
    /// The error that stands until the caller says how to go on.
    failed: Option<ReceiveError>,
    /// Octets of the stream taken so far.
    offset: u64,
    last_event_id: Text,
    reconnection_time: Option<Duration>,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Decoder {
    /// Makes a decoder with the default [`Config`].
    #[must_use]
    pub fn new() -> Self {
        Self::with_config(Config::default())
    }

    /// Makes a decoder.
    #[must_use]
    pub fn with_config(mut config: Config) -> Self {
        config.max_line_len = config.max_line_len.max(PREFIX_LEN);
        Self {
            last_event_id: mem::take(&mut config.last_event_id),
            config,
            bom: BOM,
            skip_lf: false,
            scan: Scan::Keep,
            carry: BytesMut::new(),
            block: Block::default(),
            way: Way::Lines,
            view: View::default(),
            failed: None,
            offset: 0,
            reconnection_time: None,
        }
    }

    /// Takes octets off the front of `input` up to the end of the next item, and gives the item.
    /// `None` says that the input is used up and more is needed.
    ///
    /// # Errors
    ///
    /// A line or an event is over its limit, under [`Oversize::Error`]. No further octet is taken
    /// until [`skip_event`](Self::skip_event) or [`finish`](Self::finish).
    ///
    /// ```
    /// use bytes::Bytes;
    /// use tidings_sse::{Decoder, Item};
    /// let mut decoder = Decoder::new();
    /// // A CR ends its line at once; the LF may come in a later chunk.
    /// let mut input = Bytes::from_static(b"id:7\r\ndata:a\r\n\r");
    /// let Some(Item::Event(event)) = decoder.next_event(&mut input)? else { panic!("no event") };
    /// assert_eq!((event.event_type(), &*event.data, &*event.id), ("message", "a", "7"));
    /// assert_eq!(decoder.next_event(&mut Bytes::from_static(b"\nretry:5\n"))?,
    ///     Some(Item::Retry(core::time::Duration::from_millis(5))));
    /// # Ok::<(), tidings_sse::ReceiveError>(())
    /// ```
    #[inline(always)]
    pub fn next_event(&mut self, input: &mut Bytes) -> Result<Option<Item>, ReceiveError> {
        self.front_item(input)
    }

    /// Goes line by line.
    fn next_item(&mut self, input: &mut Bytes) -> Result<Option<Item>, ReceiveError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        if !self.bom.is_empty() {
            self.skip_bom(input);
        }
        loop {
            if self.skip_lf {
                match input.first() {
                    None => return Ok(None),
                    Some(b'\n') => self.take(input, 1),
                    Some(_) => {}
                }
                self.skip_lf = false;
            }
            let end = memchr::memchr2(b'\n', b'\r', input);
            let item = match end {
                Some(len)
                    if self.scan == Scan::Keep
                        && self.carry.is_empty()
                        && len <= self.config.max_line_len =>
                {
                    let rest = input.get(len);
                    self.skip_lf = rest == Some(&b'\r');
                    self.offset = self.offset.wrapping_add(len as u64 + 1);
                    let line = input.get(..len).unwrap_or_default();
                    let item = self.read_line(Some(input), line, false);
                    input.advance(len + 1);
                    item?
                }
                _ => {
                    if !self.carry_line(input, end.unwrap_or(input.len()))? {
                        continue;
                    }
                    if end.is_none() {
                        return Ok(None);
                    }
                    self.skip_lf = input.first() == Some(&b'\r');
                    self.take(input, 1);
                    let cut = mem::replace(&mut self.scan, Scan::Keep);
                    self.read_carried(cut)?
                }
            };
            if self.skip_lf && input.first() == Some(&b'\n') {
                self.take(input, 1);
                self.skip_lf = false;
            }
            match item {
                None => {}
                Some(Item::Event(_) | Item::Id | Item::Skipped(_)) => {
                    self.way = Way::Between;
                    return Ok(item);
                }
                Some(Item::Comment(_) | Item::Retry(_)) => return Ok(item),
            }
        }
    }

    /// Reads the line that was carried over, of which `scan` says how much of it is there.
    fn read_carried(&mut self, scan: Scan) -> Result<Option<Item>, ReceiveError> {
        let (len, cut) = match scan {
            Scan::Drop => return Ok(None),
            Scan::Cut => (whole_chars(&self.carry), true),
            Scan::Keep => (self.carry.len(), false),
        };
        if self.carry.len() > SHORT {
            let line = self.carry.split().freeze();
            return self.read_line(Some(&line), line.get(..len).unwrap_or_default(), cut);
        }
        let mut line = mem::take(&mut self.carry);
        let item = self.read_line(None, line.get(..len).unwrap_or_default(), cut);
        line.clear();
        self.carry = line;
        item
    }

    /// Goes on after an error: the rest of the block that went over a limit is dropped, up to its
    /// blank line. Its id is committed. Without an error it does nothing.
    pub fn skip_event(&mut self) {
        self.failed = None;
    }

    /// Ends the stream: the unfinished block is dropped with its id, and the decoder is ready for
    /// the next stream of the same source. Last event ID and reconnection time are kept.
    pub fn finish(&mut self) {
        *self = Self {
            config: self.config.clone(),
            // The window would keep the chunk alive for as long as there is no stream.
            last_event_id: self.last_event_id.detached(),
            reconnection_time: self.reconnection_time,
            ..Self::new()
        };
    }

    /// Gives the last event ID, as the last blank line left it; empty where there is none.
    #[must_use]
    pub fn last_event_id(&self) -> &str {
        self.last_event_id.as_str()
    }

    /// Gives the reconnection time that the source set last, as it said it: no limit is applied.
    #[must_use]
    pub fn reconnection_time(&self) -> Option<Duration> {
        self.reconnection_time
    }

    /// Gives the octets held: the unfinished line, and data, type and id of the unfinished block.
    #[must_use]
    pub fn buffered_len(&self) -> usize {
        self.carry.len() + self.block.len()
    }

    #[inline]
    fn take(&mut self, input: &mut Bytes, len: usize) {
        input.advance(len);
        self.offset = self.offset.wrapping_add(len as u64);
    }

    /// Drops exactly one byte order mark at the start of the stream (Encoding Standard, UTF-8
    /// decode). A part of one is a malformed sequence, so its line is of no known field.
    fn skip_bom(&mut self, input: &mut Bytes) {
        while let (Some((want, rest)), Some(got)) = (self.bom.split_first(), input.first()) {
            if got == want {
                self.bom = rest;
                self.take(input, 1);
            } else {
                if self.bom.len() < BOM.len() {
                    self.scan = Scan::Drop;
                }
                self.bom = &[];
            }
        }
    }

    /// Takes `len` octets of a line that crosses chunks or is too long. False: the line passed its
    /// limit on the way, and what is left of it is to be taken again.
    fn carry_line(&mut self, input: &mut Bytes, len: usize) -> Result<bool, ReceiveError> {
        if self.scan != Scan::Keep {
            self.take(input, len);
            return Ok(true);
        }
        let max = self.config.max_line_len;
        let part = len.min(max - self.carry.len());
        append(&mut self.carry, input.get(..part).unwrap_or_default(), max);
        self.take(input, part);
        if self.carry.is_empty() {
            return Ok(true);
        }
        match prefix_field(&self.carry) {
            Some(Field::Comment) if self.config.comments => {
                if part < len {
                    self.scan = Scan::Cut;
                }
            }
            None | Some(Field::Comment) => self.drop_line(),
            Some(Field::Data) if self.block.fate != Fate::Whole => {
                if matches!(self.carry.get(4), Some(b':')) {
                    self.drop_line();
                }
            }
            Some(field) => {
                if part < len {
                    self.line_too_long(field)?;
                }
            }
        }
        Ok(part == len)
    }

    fn drop_line(&mut self) {
        self.carry.clear();
        self.scan = Scan::Drop;
    }

    fn line_too_long(&mut self, field: Field) -> Result<(), ReceiveError> {
        if field == Field::Data && self.config.oversize == Oversize::Truncate {
            self.scan = Scan::Cut;
            return Ok(());
        }
        self.drop_line();
        let (offset, max) = (self.offset, self.config.max_line_len);
        self.too_long(ReceiveError::LineTooLong { field, offset, max })
    }

    /// Applies the policy to a block that is over a limit and cannot be cut.
    fn too_long(&mut self, error: ReceiveError) -> Result<(), ReceiveError> {
        if let Fate::Skip(_) = self.block.fate {
            return Ok(());
        }
        match self.config.oversize {
            Oversize::Error => {
                self.block.skip(None);
                self.failed = Some(error);
                Err(error)
            }
            Oversize::SkipEvent | Oversize::Truncate => {
                self.block.skip(Some(error));
                Ok(())
            }
        }
    }

    /// Reads a whole line, a part of `source` or copied, `cut` where more of it was dropped.
    #[inline]
    fn read_line(
        &mut self,
        source: Option<&Bytes>,
        line: &[u8],
        cut: bool,
    ) -> Result<Option<Item>, ReceiveError> {
        match Line::parse(line) {
            Line::Blank => Ok(self.dispatch()),
            Line::Data(value) => {
                self.read_data(source, value, cut)?;
                Ok(None)
            }
            Line::Event(value) => {
                self.read_event(source, value)?;
                Ok(None)
            }
            Line::Id(value) => {
                self.read_id(source, value)?;
                Ok(None)
            }
            Line::Retry(value) => {
                let Some(millis) = line::retry(value) else {
                    return Ok(None);
                };
                let time = Duration::from_millis(millis);
                self.reconnection_time = Some(time);
                Ok(Some(Item::Retry(time)))
            }
            Line::Comment(text) if self.config.comments => {
                Ok(Some(Item::Comment(Text::cut(source, text))))
            }
            Line::Comment(_) | Line::Unknown => Ok(None),
        }
    }

    #[inline]
    fn read_data(
        &mut self,
        source: Option<&Bytes>,
        value: &[u8],
        cut: bool,
    ) -> Result<(), ReceiveError> {
        if self.block.fate != Fate::Whole {
            return Ok(());
        }
        let max = self.config.max_event_len;
        if !self.block.push_data(source, value, max) {
            if self.config.oversize == Oversize::Truncate {
                self.block.fate = Fate::Cut;
                return Ok(());
            }
            return self.too_long(ReceiveError::EventTooLong {
                offset: self.offset,
                max,
            });
        }
        if cut {
            self.block.fate = Fate::Cut;
        }
        Ok(())
    }

    #[inline]
    fn read_event(&mut self, source: Option<&Bytes>, value: &[u8]) -> Result<(), ReceiveError> {
        if let Fate::Skip(_) = self.block.fate {
            return Ok(());
        }
        let text = Text::cut(source, value);
        if self.value_fits(Field::Event, &text)? {
            self.block.event = named(text.as_bytes()).then_some(text);
        }
        Ok(())
    }

    #[inline]
    fn read_id(&mut self, source: Option<&Bytes>, value: &[u8]) -> Result<(), ReceiveError> {
        if memchr::memchr(0, value).is_some() {
            return Ok(());
        }
        let text = Text::cut(source, value);
        if self.value_fits(Field::Id, &text)? {
            self.block.id = Some(text);
        }
        Ok(())
    }

    /// Holds a type or an id to the limit of a line also where replacement made it longer.
    #[inline]
    fn value_fits(&mut self, field: Field, text: &Text) -> Result<bool, ReceiveError> {
        let (offset, max) = (self.offset, self.config.max_line_len);
        if text.len() <= max {
            return Ok(true);
        }
        self.too_long(ReceiveError::LineTooLong { field, offset, max })?;
        Ok(false)
    }

    /// Ends the block. The id is committed before the data is looked at (HTML §9.2.6).
    #[inline]
    fn dispatch(&mut self) -> Option<Item> {
        let id = self.block.id.take();
        let event = self.block.event.take();
        let data = mem::take(&mut self.block.data);
        let fate = mem::take(&mut self.block.fate);
        let moved = id.is_some();
        if let Some(id) = id {
            self.last_event_id = id;
        }
        if let Fate::Skip(Some(error)) = fate {
            return Some(Item::Skipped(error));
        }
        let data = match data {
            Data::None => return moved.then_some(Item::Id),
            Data::One(line) => line,
            Data::Many(lines) => Text::from_utf8_octets(lines.freeze()),
        };
        let id = self.last_event_id.clone();
        Some(Item::Event(Event {
            event,
            data,
            id,
            truncated: fate == Fate::Cut,
        }))
    }
}

#[cfg(test)]
mod tests;
