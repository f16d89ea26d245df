//! The blocks that are taken at one go, without the line by line way: those that lie whole inside a chunk, and those whose
//! only line crosses chunks.

use super::{Decoder, SHORT};
use crate::block::append;
use crate::item::{Event, Item, named};
use crate::line::DATA;
use crate::text::Text;
use crate::whole::{self, Front, Whole};
use bytes::Bytes;

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

impl Decoder {
    /// Takes a block at the front of the input, if it is of a common kind. Without one it leaves the way that says why: of
    /// lines, to go on line by line, and else there is no input left.
    #[inline]
    pub(super) fn at_one_go(&mut self, input: &mut Bytes) -> Option<Item> {
        if self.way == Way::Open {
            return self.open_event(input).map(Item::Event);
        }
        match Front::read(input, self.config.max_line_len, self.config.max_event_len) {
            Front::Event { data, len } => {
                let data = Text::window(input, data);
                return Some(Item::Event(self.data_event(input, data, len)));
            }
            Front::Lines(first) => {
                if let Some(event) = self.whole_event(input, first) {
                    return Some(Item::Event(event));
                }
                self.way = Way::Lines;
            }
            Front::Open => self.open(input),
            Front::Empty => {}
        }
        None
    }

    /// Takes a block that lies whole at the front of the input, if it is of the common kind.
    #[inline(never)]
    fn whole_event(&mut self, input: &mut Bytes, first: Option<usize>) -> Option<Event> {
        let mut block = Whole::default();
        block.read(input, first, self.config.max_line_len)?;
        let data = block.data(input, self.config.max_event_len)?;
        let event =
            named(input.get(block.event.clone())?).then(|| Text::window(input, block.event));
        if let Some(id) = block.id {
            self.last_event_id = Text::window(input, id);
        }
        self.skip_lf = false;
        self.take(input, block.len);
        Some(Event {
            event,
            data,
            id: self.last_event_id.clone(),
            truncated: false,
        })
    }

    /// Carries over a chunk that is a part of the first line of a block, if the line is a short one so far.
    #[inline(never)]
    fn open(&mut self, input: &mut Bytes) {
        let max = self.config.max_line_len.min(SHORT);
        if self.carry.len() + input.len() > max {
            self.way = Way::Lines;
            return;
        }
        self.skip_lf = false;
        append(&mut self.carry, input, self.config.max_line_len);
        self.take(input, input.len());
        self.way = Way::Open;
    }

    /// Takes the rest of a block whose only line began in an earlier chunk, if its blank line is there.
    #[inline(never)]
    fn open_event(&mut self, input: &mut Bytes) -> Option<Event> {
        if let Some(missing @ [_, ..]) = DATA.get(self.carry.len()..) {
            if !input.starts_with(missing) {
                self.way = Way::Lines;
                return None;
            }
            append(&mut self.carry, missing, self.config.max_line_len);
            self.take(input, missing.len());
        }
        let Some(stop) = memchr::memchr2(b'\n', b'\r', input) else {
            self.open(input);
            return None;
        };
        let (config, carry) = (&self.config, &self.carry);
        let max_line_len = config.max_line_len.min(SHORT);
        let Some((data, len)) = whole::join(carry, input, stop, max_line_len, config.max_event_len)
        else {
            self.way = Way::Lines;
            return None;
        };
        self.carry.clear();
        self.way = Way::Between;
        Some(self.data_event(input, data, len))
    }

    /// Takes the `len` octets that end a block of nothing but data.
    #[inline]
    fn data_event(&mut self, input: &mut Bytes, data: Text, len: usize) -> Event {
        self.skip_lf = false;
        self.take(input, len);
        Event {
            event: None,
            data,
            id: self.last_event_id.clone(),
            truncated: false,
        }
    }
}
