//! Messages through DEFLATE (RFC 7692 §7.2.1).

use alloc::vec::Vec;

use zlib_rs::{Deflate, DeflateFlush, Status};

use super::TAIL;
use super::negotiate::Direction;

/// What a sync flush and block headers may add; zlib asks for more than 6 octets of room at a flush.
const OVERHEAD_LEN: usize = 64;

/// What our messages go through. Holds a state between messages only where we keep our context.
pub(crate) struct Compressor {
    state: Option<Deflate>,
    direction: Direction,
    level: u8,
    min_len: usize,
}

impl Compressor {
    pub(crate) const fn new(direction: Direction, level: u8, min_len: usize) -> Self {
        Self {
            state: None,
            direction,
            level,
            min_len,
        }
    }

    #[cfg(test)]
    pub(crate) const fn holds_state(&self) -> bool {
        self.state.is_some()
    }

    /// Tells whether a message of this length, or of unknown length, is compressed.
    pub(crate) fn takes(&self, len: Option<usize>) -> bool {
        len.is_none_or(|len| len >= self.min_len)
    }

    /// The window of a frame that another compressor made must fit, and our own must not have a memory of its own.
    pub(crate) const fn allows_shared(&self, bits: u8) -> bool {
        !self.direction.takeover && bits <= self.direction.bits
    }

    /// Compresses a whole message. `None` where it is better sent as it is.
    pub(crate) fn message(&mut self, data: &[u8]) -> Option<Vec<u8>> {
        if !self.takes(Some(data.len())) {
            return None;
        }
        if self.direction.takeover {
            return self.fragment(data, true);
        }
        let bits = window_for(data.len()).min(self.direction.bits);
        let payload = compress_alone(data, self.level, bits)?;
        // RFC 7692 §6: each message may go uncompressed, but a message that changed the context must go.
        (payload.len() < data.len() || data.is_empty()).then_some(payload)
    }

    /// Compresses a fragment. `None` where the compressor fails, which ends its context: a fresh one refers to nothing.
    pub(crate) fn fragment(&mut self, data: &[u8], fin: bool) -> Option<Vec<u8>> {
        let (level, bits) = (i32::from(self.level), self.direction.bits);
        let state = self
            .state
            .get_or_insert_with(|| Deflate::new(level, false, bits));
        let payload = if data.is_empty() && !fin {
            Some(Vec::new())
        } else {
            run(state, data)
        };
        if payload.is_none() || (fin && !self.direction.takeover) {
            self.state = None;
        }
        let payload = payload?;
        Some(if fin { without_tail(payload) } else { payload })
    }
}

/// Compresses a message that refers to nothing before it, in a window of `bits`.
pub(crate) fn compress_alone(data: &[u8], level: u8, bits: u8) -> Option<Vec<u8>> {
    let mut state = Deflate::new(i32::from(level), false, bits);
    run(&mut state, data).map(without_tail)
}

/// The smallest window that reaches over `len` octets: it costs less memory, and every agreement allows a smaller one.
pub(crate) fn window_for(len: usize) -> u8 {
    (9..15).find(|bits| len <= 1 << bits).unwrap_or(15)
}

/// Gives all that the input compresses to, up to an octet's border. `None` where zlib reports a failure.
fn run(state: &mut Deflate, mut input: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    loop {
        let start = out.len();
        let room = input.len() / 2 + OVERHEAD_LEN;
        out.resize(start + room, 0);
        let before = (state.total_in(), state.total_out());
        let free = out.get_mut(start..).unwrap_or_default();
        let status = state.compress(input, free, DeflateFlush::SyncFlush).ok()?;
        let used = usize::try_from(state.total_in() - before.0).ok()?;
        let made = usize::try_from(state.total_out() - before.1).ok()?;
        out.truncate(start + made);
        input = input.get(used..)?;
        match status {
            Status::Ok | Status::BufError if made == room => {}
            Status::Ok | Status::BufError | Status::StreamEnd => {
                return input.is_empty().then_some(out);
            }
        }
    }
}

/// Drops the tail of the last block (RFC 7692 §7.2.1 step 3). A flush that had nothing to say gave no block: an empty one
/// begins with the octet 00 (RFC 7692 §7.2.3.6).
fn without_tail(mut payload: Vec<u8>) -> Vec<u8> {
    if payload.ends_with(&TAIL) {
        payload.truncate(payload.len() - TAIL.len());
    } else {
        payload.push(0);
    }
    payload
}
