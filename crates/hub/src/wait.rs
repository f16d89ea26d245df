//! The wait list of one channel: park, wake all and cancel in O(1), 16 octets a waiter.
//!
//! A slab of slots; the free ones are linked. Waking takes the whole slab, and begins a round in which the
//! tickets of the round before mean nothing.

use core::mem;
use core::task::Waker;

/// Waiters of one channel.
#[derive(Debug)]
pub(crate) struct WaitList {
    slots: Vec<Slot>,
    /// The first free slot; [`NONE`] where there is none.
    free: usize,
    waiting: usize,
    round: u64,
}

/// No slot.
const NONE: usize = usize::MAX;

/// Slots that an empty list keeps, so that a lone waiter does not allocate each time.
const KEPT: usize = 8;

#[derive(Debug)]
enum Slot {
    /// Free, with the next free slot.
    Free(usize),
    Waiting(Waker),
}

/// The place of one waiter.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Ticket {
    round: u64,
    slot: usize,
}

/// Wakers taken out of a list, to be called when no lock is held.
#[derive(Debug, Default)]
#[must_use = "waiters sleep on until they are woken"]
pub(crate) struct Woken(Vec<Slot>);

impl WaitList {
    pub(crate) const fn new() -> Self {
        Self {
            slots: Vec::new(),
            free: NONE,
            waiting: 0,
            round: 0,
        }
    }

    /// Parks, or parks again with another waker. Returns the waker that was there before, to be dropped when
    /// no lock is held.
    pub(crate) fn park(&mut self, ticket: &mut Option<Ticket>, waker: Waker) -> Option<Waker> {
        if let Some(Slot::Waiting(before)) = self.slot_of(*ticket) {
            return Some(mem::replace(before, waker));
        }
        let slot = self.free;
        let slot = match self.slots.get_mut(slot) {
            Some(free) => {
                if let Slot::Free(next) = mem::replace(free, Slot::Waiting(waker)) {
                    self.free = next;
                }
                slot
            }
            None => {
                self.slots.push(Slot::Waiting(waker));
                self.slots.len() - 1
            }
        };
        self.waiting += 1;
        *ticket = Some(Ticket {
            round: self.round,
            slot,
        });
        None
    }

    /// Ends a wait. Returns its waker, to be dropped when no lock is held.
    pub(crate) fn cancel(&mut self, ticket: &mut Option<Ticket>) -> Option<Waker> {
        let ticket = ticket.take()?;
        let free = self.free;
        let slot = self.slot_of(Some(ticket))?;
        let Slot::Waiting(waker) = mem::replace(slot, Slot::Free(free)) else {
            return None;
        };
        self.free = ticket.slot;
        self.waiting -= 1;
        if self.waiting == 0 {
            self.slots.clear();
            self.slots.shrink_to(KEPT);
            self.free = NONE;
            self.round += 1;
        }
        Some(waker)
    }

    /// Takes all waiters out.
    pub(crate) fn take(&mut self) -> Woken {
        if self.waiting == 0 {
            return Woken::default();
        }
        self.waiting = 0;
        self.free = NONE;
        self.round += 1;
        Woken(mem::take(&mut self.slots))
    }

    fn slot_of(&mut self, ticket: Option<Ticket>) -> Option<&mut Slot> {
        let ticket = ticket.filter(|ticket| ticket.round == self.round)?;
        self.slots.get_mut(ticket.slot)
    }
}

impl Woken {
    /// Calls the wakers.
    pub(crate) fn wake(self) {
        for slot in self.0 {
            match slot {
                Slot::Waiting(waker) => waker.wake(),
                Slot::Free(_) => {}
            }
        }
    }
}
