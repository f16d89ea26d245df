//! The memory of a message that arrives in pieces.
//!
//! copied: a buffer of its own that grows with what arrives | in place: the memory that its octets were read into

use alloc::boxed::Box;
use alloc::vec::Vec;

use bytes::{Buf as _, Bytes, BytesMut};

use super::Piece;

/// From this length on, octets may stay in the memory that they were read into.
pub(super) const SPLIT_FROM: usize = 4096;
/// How many times their own length they may keep in memory then.
pub(super) const MAX_PINNED: usize = 4;

/// What has arrived of a message.
#[derive(Debug)]
pub(super) enum Gathered {
    Copied(Vec<u8>),
    /// Nothing, and the caller reads into what [`make_room`](Self::make_room) gives.
    Nowhere(Memory),
    /// Boxed, since a connection at rest is to be small.
    InPlace(Box<InPlace>),
}

/// Octets in the memory that they were read into. Never empty.
#[derive(Debug)]
pub(super) struct InPlace {
    /// The input is the rest of the same memory, unless the caller changed that.
    octets: BytesMut,
    memory: Memory,
}

/// Memory that the caller reads into. What was taken off its front is alive with the rest, so it counts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Memory {
    /// The address of its end, by which it is known again; 0 for what is to be seen next.
    end: usize,
    len: usize,
}

impl Memory {
    /// Nothing was taken off it.
    const FRESH: Self = Self { end: 0, len: 0 };
    /// What was taken off it is not known, so nothing stays in it.
    const UNKNOWN: Self = Self {
        end: 0,
        len: usize::MAX,
    };

    /// Looks at the memory that `input` is the end of.
    fn see(self, input: &BytesMut) -> Self {
        let end = end_of(input);
        let seen = if self.end == end || self.end == 0 {
            self.len
        } else {
            0
        };
        Self {
            end,
            len: seen.max(input.capacity()),
        }
    }
}

/// The address behind the room of `input`, which no read and no split changes.
fn end_of(input: &BytesMut) -> usize {
    input.as_ptr().addr().saturating_add(input.capacity())
}

impl Default for Gathered {
    fn default() -> Self {
        Self::Copied(Vec::new())
    }
}

impl Gathered {
    pub(super) fn is_empty(&self) -> bool {
        self.octets().is_empty()
    }

    /// Octets that have arrived.
    pub(super) fn len(&self) -> usize {
        self.octets().len()
    }

    /// Octets in memory.
    pub(super) fn capacity(&self) -> usize {
        match self {
            Self::Copied(octets) => octets.capacity(),
            Self::Nowhere(_) => 0,
            Self::InPlace(place) => place.memory.len,
        }
    }

    fn octets(&self) -> &[u8] {
        match self {
            Self::Copied(octets) => octets,
            Self::Nowhere(_) => &[],
            Self::InPlace(place) => &place.octets,
        }
    }

    /// Takes a piece from the front of `input`. It stays where it was read into if that is right behind what is here, or if it
    /// is the first and the caller makes room for the others.
    pub(super) fn add(&mut self, piece: Piece, input: &mut BytesMut) {
        match self {
            Self::InPlace(place) if lies_behind(&place.octets, input) => {
                place.octets.unsplit(input.split_to(piece.len));
            }
            Self::Nowhere(memory)
                if memory.end == end_of(input) && may_stay(piece.len, memory.len) =>
            {
                *self = Self::InPlace(Box::new(InPlace {
                    octets: input.split_to(piece.len),
                    memory: *memory,
                }));
            }
            Self::Nowhere(_) => {
                *self = Self::default();
                self.add(piece, input);
            }
            Self::InPlace(place) => {
                let octets = &place.octets;
                let mut copied = Vec::with_capacity(room(octets.len(), octets.len(), piece));
                copied.extend_from_slice(octets);
                gather(
                    &mut copied,
                    input.get(..piece.len).unwrap_or_default(),
                    piece,
                );
                *self = Self::Copied(copied);
                input.advance(piece.len);
            }
            Self::Copied(octets) => {
                gather(octets, input.get(..piece.len).unwrap_or_default(), piece);
                input.advance(piece.len);
            }
        }
    }

    /// Gives `input` room for `min` octets, or for the `left` octets that a frame still owes if that is less: behind what is
    /// here, where there is more of the frame than a read brings, with room for up to three times what has arrived.
    ///
    /// What is here is moved when its room is used up, and then either the rest of the frame fits or the room is three times
    /// as long, so that reads of any length cost few copies. Where `input` is not the room behind what is here, no more than
    /// `min` octets are moved, and no more than are still to come. Tells whether the room is behind what is here.
    pub(super) fn make_room(&mut self, input: &mut BytesMut, min: usize, left: u64) -> bool {
        let held = self.octets();
        if held.is_empty() {
            let memory = match self {
                Self::Nowhere(memory) => *memory,
                Self::Copied(_) | Self::InPlace(_) => Memory::FRESH,
            };
            let memory = memory.see(input);
            input.reserve(min);
            *self = Self::Nowhere(memory.see(input));
            return false;
        }
        let left = usize::try_from(left).unwrap_or(usize::MAX);
        let is_behind = lies_behind(held, input);
        let is_large = left.saturating_add(held.len()) >= SPLIT_FROM;
        // To move what is here pays where as much is still to come: not for each of many small fragments.
        let pays = is_behind || (held.len() <= min && held.len() <= left);
        if left == 0 || !is_large || !input.is_empty() || !pays {
            input.reserve(min);
            return lies_behind(self.octets(), input);
        }
        if is_behind && input.capacity() >= left.min(min) {
            return true;
        }
        let most = held.len().saturating_mul(MAX_PINNED - 1);
        let room = left.min(most.saturating_add(min)).max(min);
        let mut moved = BytesMut::with_capacity(held.len().saturating_add(room));
        moved.extend_from_slice(held);
        let memory = Memory {
            end: end_of(&moved),
            len: moved.capacity(),
        };
        *input = moved.split_off(held.len());
        *self = Self::InPlace(Box::new(InPlace {
            octets: moved,
            memory,
        }));
        true
    }

    /// Gives what is here, and remembers that something was.
    pub(super) fn take(&mut self) -> Self {
        core::mem::replace(self, Self::Nowhere(Memory::UNKNOWN))
    }

    /// Gives the message.
    pub(super) fn finish(&mut self) -> Bytes {
        match self.take() {
            Self::Copied(octets) => Bytes::from(octets),
            Self::Nowhere(_) => Bytes::new(),
            Self::InPlace(place) => {
                let InPlace { octets, memory } = *place;
                *self = Self::Nowhere(memory);
                if may_stay(octets.len(), memory.len) {
                    octets.freeze()
                } else {
                    Bytes::copy_from_slice(&octets)
                }
            }
        }
    }

    /// The buffer that an inflater adds to.
    #[cfg(feature = "deflate")]
    pub(super) fn into_vec(self) -> Vec<u8> {
        match self {
            Self::Copied(octets) => octets,
            Self::Nowhere(_) => Vec::new(),
            Self::InPlace(place) => place.octets.into(),
        }
    }
}

/// Tells whether `len` octets may keep `capacity` in memory.
pub(super) const fn may_stay(len: usize, capacity: usize) -> bool {
    len >= SPLIT_FROM && len >= capacity / MAX_PINNED
}

/// Tells whether `input` begins where `octets` end. What is joined then costs no copy.
fn lies_behind(octets: &[u8], input: &BytesMut) -> bool {
    core::ptr::eq(octets.as_ptr_range().end, input.as_ptr())
}

/// Adds a piece to a buffer.
fn gather(gathered: &mut Vec<u8>, octets: &[u8], piece: Piece) {
    let capacity = room(gathered.len(), gathered.capacity(), piece);
    gathered.reserve_exact(capacity.saturating_sub(gathered.len()));
    gathered.extend_from_slice(octets);
}

/// Gives the capacity for a piece behind `len` octets: what has arrived or twice the capacity, whichever is more, but not
/// beyond the end of the message where that is known: a length announced and not sent costs nothing.
fn room(len: usize, capacity: usize, piece: Piece) -> usize {
    let needed = len.saturating_add(piece.len);
    if needed <= capacity {
        return capacity;
    }
    let left = usize::try_from(piece.frame_left).unwrap_or(usize::MAX);
    let end = if piece.fin {
        needed.saturating_add(left)
    } else {
        usize::MAX
    };
    capacity.saturating_mul(2).min(end).max(needed)
}

#[cfg(test)]
mod tests;
