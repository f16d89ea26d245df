//! Compressed messages into octets, with a limit that holds while they grow (RFC 7692 §7.2.2, RFC 6455 §10.4).

use alloc::vec::Vec;

use zlib_rs::{Inflate, InflateFlush, Status};

use super::TAIL;
use super::negotiate::Direction;

/// The most room that one step makes for its output.
const MAX_STEP_LEN: usize = 64 << 10;

/// What the peer's messages go through. Holds a state between messages only where the peer keeps its context.
pub(crate) struct Inflater {
    state: Option<Inflate>,
    direction: Direction,
    /// Where the first frame of the message began.
    offset: u64,
    /// What the message has inflated to.
    made: usize,
}

/// Why a compressed message is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Not DEFLATE, or not ended as RFC 7692 §7.2.1 wants.
    Corrupt,
    /// It grows above the room that was given.
    TooLong,
}

impl Inflater {
    pub(crate) const fn new(direction: Direction) -> Self {
        Self {
            state: None,
            direction,
            offset: 0,
            made: 0,
        }
    }

    /// Begins a message, whose first frame began at `offset`.
    pub(crate) const fn begin(&mut self, offset: u64) {
        self.offset = offset;
        self.made = 0;
    }

    /// Where the first frame of the message began.
    pub(crate) const fn offset(&self) -> u64 {
        self.offset
    }

    #[cfg(test)]
    pub(crate) const fn holds_state(&self) -> bool {
        self.state.is_some()
    }

    /// Appends what a piece of a message inflates to; the whole message to at most `max` octets. `last` ends the message.
    ///
    /// On a fault, what was good before it is appended, so that the same fault of the text is found however it is cut.
    pub(crate) fn inflate(
        &mut self,
        piece: &[u8],
        last: bool,
        max: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let held = out.len();
        let limit = held.saturating_add(max.saturating_sub(self.made));
        let inflated = self.inflate_to(piece, last, limit, out);
        self.made = self.made.saturating_add(out.len() - held);
        inflated
    }

    fn inflate_to(
        &mut self,
        piece: &[u8],
        last: bool,
        limit: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let takeover = self.direction.takeover;
        // Without takeover the state is gone after the message, so its window need not be small: one of full size
        // forgives a peer that reaches back farther than agreed, whatever the cutting.
        let bits = if takeover {
            self.direction.bits.max(9)
        } else {
            15
        };
        let state = self.state.get_or_insert_with(|| Inflate::new(false, bits));
        run(state, piece, InflateFlush::NoFlush, limit, out)?;
        if last {
            // The octet behind the tail is not of the message. It stays untouched only where the tail ended a block.
            let mut tail = [0; 5];
            for (place, octet) in tail.iter_mut().zip(TAIL) {
                *place = octet;
            }
            if run(state, &tail, InflateFlush::Block, limit, out)? != 1 {
                return Err(Fault::Corrupt);
            }
            if !takeover {
                self.state = None;
            }
        }
        Ok(())
    }
}

/// Inflates until the input is used up, or with `Block` until a block ends; gives the number of octets left.
fn run(
    state: &mut Inflate,
    mut input: &[u8],
    flush: InflateFlush,
    limit: usize,
    out: &mut Vec<u8>,
) -> Result<usize, Fault> {
    // What is inflated ends here; the room behind it is kept from step to step, since a step may make nothing at all.
    let mut held = out.len();
    let left = loop {
        if held == out.len() {
            // One octet above the limit shows that there is more.
            let room = input
                .len()
                .saturating_mul(4)
                .clamp(64, MAX_STEP_LEN)
                .min(limit.saturating_add(1).saturating_sub(held));
            if held + room > out.capacity() {
                // Twice as much, so that growing is cheap, but nothing that the limit forbids to use; and not almost as
                // much as it allows, since the next step would move it all for an octet.
                let most = limit.saturating_add(1).max(held + room);
                let twice = out.capacity().saturating_mul(2).max(held + room);
                let capacity = if most.saturating_sub(twice) < MAX_STEP_LEN {
                    most
                } else {
                    twice
                };
                out.reserve_exact(capacity - held);
            }
            out.resize(held + room, 0);
        }
        let before = (state.total_in(), state.total_out());
        let status = state.decompress(input, out.get_mut(held..).unwrap_or_default(), flush);
        let used = usize::try_from(state.total_in() - before.0).unwrap_or(usize::MAX);
        let made = usize::try_from(state.total_out() - before.1).unwrap_or(usize::MAX);
        held = held.saturating_add(made);
        input = input.get(used..).unwrap_or_default();
        if held > limit {
            held = limit;
            break Err(Fault::TooLong);
        }
        match status {
            // A block with BFINAL ends a stream, not the message (RFC 7692 §7.2.3.4). Who sets it begins a window anew.
            Ok(Status::StreamEnd) => state.reset(false),
            Ok(Status::Ok | Status::BufError) => {
                let full = held == out.len();
                let stuck = used == 0 && made == 0;
                let at_block = matches!(flush, InflateFlush::Block);
                if stuck || (!full && (at_block || input.is_empty())) {
                    break Ok(input.len());
                }
            }
            Err(_) => break Err(Fault::Corrupt),
        }
    };
    out.truncate(held);
    left
}
