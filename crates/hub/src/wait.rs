//! The wait list of one channel: park, wake all and cancel in O(1), 16 octets a waiter.
//!
//! A slab of slots; the free ones are linked. Waking takes the whole slab, and begins a round in
//! which the tickets of the round before mean nothing.

use core::mem;
use core::num::NonZeroU32;
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
    /// Which waker lies there, by its address: it cannot be that of another while the list holds it.
    waker: usize,
    /// The low half of the address of what the waker does.
    action: u32,
    /// One more than the number of the slot.
    slot: NonZeroU32,
}

impl Ticket {
    /// Whether `waker` waits in this round, so that to park it once more would change nothing.
    pub(crate) fn holds(&self, waker: &Waker, round: u64) -> bool {
        self.round == round && (self.waker, self.action) == identity(waker)
    }

    fn index(self) -> usize {
        self.slot.get() as usize - 1
    }
}

/// By what a waker is known again.
#[expect(
    clippy::cast_possible_truncation,
    reason = "half of an address is enough"
)]
fn identity(waker: &Waker) -> (usize, u32) {
    let action: *const _ = waker.vtable();
    (waker.data().addr(), action.addr() as u32)
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

    /// In which round who parks waits: it ends when all are woken.
    pub(crate) fn round(&self) -> u64 {
        self.round
    }

    /// Parks, or parks again with another waker. Returns the waker that was there before, to be
    /// dropped when no lock is held.
    pub(crate) fn park(&mut self, ticket: &mut Option<Ticket>, waker: Waker) -> Option<Waker> {
        let identity = identity(&waker);
        if let Some(Slot::Waiting(before)) = self.slot_of(*ticket) {
            let before = mem::replace(before, waker);
            if let Some(ticket) = ticket {
                (ticket.waker, ticket.action) = identity;
            }
            return Some(before);
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
            waker: identity.0,
            action: identity.1,
            // So many waiters that this is too small would take 64 GiB for their list alone.
            slot: NonZeroU32::MIN.saturating_add(u32::try_from(slot).unwrap_or(u32::MAX)),
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
        self.free = ticket.index();
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
        self.slots.get_mut(ticket.index())
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

#[cfg(test)]
mod tests {
    use super::*;
    use core::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::Arc;
    use std::task::Wake;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    impl Count {
        fn calls(&self) -> usize {
            self.0.load(Ordering::Relaxed)
        }
    }

    fn waker() -> (Arc<Count>, Waker) {
        let count = Arc::new(Count::default());
        (Arc::clone(&count), Waker::from(count))
    }

    #[test]
    fn a_waiter_takes_16_octets_and_its_ticket_24() {
        assert_eq!(size_of::<Slot>(), 16);
        assert_eq!(size_of::<Option<Ticket>>(), 24);
    }

    #[test]
    fn a_ticket_knows_its_waker_until_its_round_is_over() {
        let mut list = WaitList::new();
        let ((_, first), (_, second)) = (waker(), waker());
        let mut ticket = None;
        let holds = |ticket: &Option<Ticket>, waker: &Waker, list: &WaitList| {
            ticket.is_some_and(|ticket| ticket.holds(waker, list.round()))
        };
        list.park(&mut ticket, first.clone());
        assert!(holds(&ticket, &first, &list) && !holds(&ticket, &second, &list));
        list.park(&mut ticket, second.clone());
        assert!(holds(&ticket, &second, &list) && !holds(&ticket, &first, &list));
        list.take().wake();
        assert!(!holds(&ticket, &second, &list));
    }

    #[test]
    fn all_who_wait_are_woken_once() {
        let mut list = WaitList::new();
        let waiters: Vec<_> = (0..100).map(|_| waker()).collect();
        for (_, waker) in &waiters {
            list.park(&mut None, waker.clone());
        }
        list.take().wake();
        list.take().wake();
        assert!(waiters.iter().all(|(count, _)| count.calls() == 1));
    }

    #[test]
    fn a_cancelled_waiter_is_not_woken_and_its_slot_serves_again() {
        let mut list = WaitList::new();
        let ((gone, waker_1), (stays, waker_2), (later, waker_3)) = (waker(), waker(), waker());
        let mut ticket = None;
        list.park(&mut ticket, waker_1);
        list.park(&mut None, waker_2);
        assert!(list.cancel(&mut ticket).is_some() && ticket.is_none());
        list.park(&mut ticket, waker_3);
        assert_eq!(list.slots.len(), 2);
        list.take().wake();
        assert_eq!((gone.calls(), stays.calls(), later.calls()), (0, 1, 1));
    }

    #[test]
    fn a_ticket_of_an_earlier_round_cancels_nobody() {
        let mut list = WaitList::new();
        let ((_, waker_1), (stays, waker_2)) = (waker(), waker());
        let mut stale = None;
        list.park(&mut stale, waker_1);
        list.take().wake();
        list.park(&mut None, waker_2);
        assert!(list.cancel(&mut stale).is_none());
        list.take().wake();
        assert_eq!(stays.calls(), 1);
    }

    #[test]
    fn the_latest_waker_of_a_waiter_counts() {
        let mut list = WaitList::new();
        let ((first, waker_1), (second, waker_2)) = (waker(), waker());
        let mut ticket = None;
        list.park(&mut ticket, waker_1);
        assert!(list.park(&mut ticket, waker_2).is_some());
        list.take().wake();
        assert_eq!((first.calls(), second.calls()), (0, 1));
    }

    #[test]
    fn slots_do_not_grow_while_waiters_come_and_go() {
        let mut list = WaitList::new();
        let (_, waker) = waker();
        let mut tickets = [None; 4];
        for turn in 0..1000_usize {
            let ticket = &mut tickets[turn % 4];
            list.cancel(ticket);
            list.park(ticket, waker.clone());
        }
        assert!(list.slots.len() <= 4);
        for ticket in &mut tickets {
            list.cancel(ticket);
        }
        assert_eq!((list.waiting, list.slots.len()), (0, 0));
    }
}
