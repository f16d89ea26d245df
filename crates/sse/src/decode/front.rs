//! The blocks that are taken at one go, without the line by line way: those that lie whole inside a chunk, and those whose
//! only line crosses chunks.

use super::{Decoder, SHORT};
use crate::block::append;
use crate::ends::Ends;
use crate::error::ReceiveError;
use crate::item::{Event, Item, named};
use crate::line::DATA;
use crate::whole::{self, Front, Source, Whole};
use bytes::Bytes;
use bytestring::ByteString;
use core::ptr;

/// What is held when a chunk comes, and so which way its first block is tried.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Way {
    /// Nothing is held, no error stands and no line has begun: the next block is tried at one go.
    Between,
    /// Nothing is held but the beginning of a block, in `carry`: a part of a data line, or of its name and colon.
    Open,
    /// Anything else may be held.
    Lines,
}

/// The text that a chunk begins with, looked at once for all of its blocks.
#[derive(Debug, Default)]
pub(super) struct View {
    text: ByteString,
    /// Octets of the chunk, those behind the text included.
    len: usize,
}

impl View {
    /// Below this the handle of a view costs more than a look at each block.
    const LEAST: usize = 512;

    /// Looks at the chunk that `input` is the rest of, if it was not looked at before.
    #[inline]
    fn source<'a>(&'a mut self, input: &'a Bytes) -> Source<'a> {
        let mut at = self.at(input);
        if at.is_none() && input.len() >= Self::LEAST {
            self.look(input);
            at = Some(0);
        }
        match at {
            Some(at) => Source::Text(&self.text, at),
            None => Source::Octets(input),
        }
    }

    /// Tells where `input` begins in the text. The handle keeps the allocation, so the same place has the same octets.
    #[inline]
    fn at(&self, input: &Bytes) -> Option<usize> {
        let at = self.len.checked_sub(input.len())?;
        let rest = self.text.as_bytes().get(at..)?;
        (!rest.is_empty() && ptr::eq(rest.as_ptr(), input.as_ptr())).then_some(at)
    }

    #[inline(never)]
    fn look(&mut self, input: &Bytes) {
        self.len = input.len();
        self.text = ByteString::try_from(input.clone())
            .or_else(|error| ByteString::try_from(input.slice(..error.valid_up_to())))
            .unwrap_or_default();
    }

    /// Lets the chunk go.
    #[inline]
    pub(super) fn clear(&mut self) {
        if self.len > 0 {
            *self = Self::default();
        }
    }
}

// Each way builds the item where it is returned: to move an item costs as much as to find one.
impl Decoder {
    /// Takes the next item, at one go where a block at the front of the input is of a common kind.
    // Into each caller, so that an event is not moved to it; all but the shortest way stays apart.
    #[inline(always)]
    pub(super) fn front_item(&mut self, input: &mut Bytes) -> Result<Option<Item>, ReceiveError> {
        match self.way {
            Way::Between => {
                match Front::read(input, self.config.max_line_len, self.config.max_event_len) {
                    Front::Event { data, len } => {
                        if let Some(data) = self.view.source(input).window(data) {
                            self.way_on(input, len);
                            return Ok(Some(Item::Event(Event {
                                event: None,
                                data,
                                id: self.last_event_id.clone(),
                                truncated: false,
                            })));
                        }
                        self.lines(input)
                    }
                    Front::Lines => self.whole_item(input),
                    Front::Open => self.open(input),
                    Front::Empty => {
                        self.view.clear();
                        Ok(None)
                    }
                }
            }
            Way::Open => self.open_item(input),
            Way::Lines => self.lines(input),
        }
    }

    /// Leaves it to the way line by line.
    #[inline(never)]
    fn lines(&mut self, input: &mut Bytes) -> Result<Option<Item>, ReceiveError> {
        self.way = Way::Lines;
        let item = self.next_item(input);
        if input.is_empty() {
            self.view.clear();
        }
        item
    }

    /// Takes a block that lies whole at the front of the input, if it is of the common kind.
    #[inline(never)]
    fn whole_item(&mut self, input: &mut Bytes) -> Result<Option<Item>, ReceiveError> {
        let mut block = Whole::default();
        if block.read(input, self.config.max_line_len).is_none() {
            return self.lines(input);
        }
        let source = self.view.source(input);
        let Some(data) = block.data(source, self.config.max_event_len) else {
            return self.lines(input);
        };
        let event = match block.event {
            None => None,
            Some(event) => {
                let Some(event) = source.window(event) else {
                    return self.lines(input);
                };
                named(event.as_bytes()).then_some(event)
            }
        };
        if let Some(id) = block.id {
            let Some(id) = source.window(id) else {
                return self.lines(input);
            };
            self.last_event_id = id;
        }
        self.way_on(input, block.len);
        Ok(Some(Item::Event(Event {
            event,
            data,
            id: self.last_event_id.clone(),
            truncated: false,
        })))
    }

    /// Carries over a chunk that is a part of the first line of a block, if the line is a short one so far.
    #[inline(never)]
    fn open(&mut self, input: &mut Bytes) -> Result<Option<Item>, ReceiveError> {
        let max = self.config.max_line_len.min(SHORT);
        if self.carry.len() + input.len() > max {
            return self.lines(input);
        }
        self.view.clear();
        append(&mut self.carry, input, self.config.max_line_len);
        self.way_on(input, input.len());
        self.way = Way::Open;
        Ok(None)
    }

    /// Takes the rest of a block whose only line began in an earlier chunk, if its blank line is there.
    #[inline(never)]
    fn open_item(&mut self, input: &mut Bytes) -> Result<Option<Item>, ReceiveError> {
        if let Some(missing @ [_, ..]) = DATA.get(self.carry.len()..) {
            if !input.starts_with(missing) {
                return self.lines(input);
            }
            append(&mut self.carry, missing, self.config.max_line_len);
            self.take(input, missing.len());
        }
        let Some(stop) = Ends::new(input).next() else {
            return self.open(input);
        };
        let (config, carry) = (&self.config, &self.carry);
        let max_line_len = config.max_line_len.min(SHORT);
        let Some((data, len)) = whole::join(carry, input, stop, max_line_len, config.max_event_len)
        else {
            return self.lines(input);
        };
        self.carry.clear();
        self.way = Way::Between;
        self.way_on(input, len);
        Ok(Some(Item::Event(Event {
            event: None,
            data,
            id: self.last_event_id.clone(),
            truncated: false,
        })))
    }

    /// Takes octets, of which the last is no CR that an LF may follow.
    #[inline]
    fn way_on(&mut self, input: &mut Bytes, len: usize) {
        self.skip_lf = false;
        self.take(input, len);
    }
}
