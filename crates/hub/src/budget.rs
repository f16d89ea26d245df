//! The octets that one hub may hold, and what of them one channel holds.

use std::sync::Arc;

use crate::sync::{AtomicUsize, Ordering};

/// Octets in use by all channels of a hub. Never above `max`, and the records of channels never
/// above half of it: names that strangers make up leave room for what is published.
#[derive(Debug)]
pub(crate) struct Budget {
    used: AtomicUsize,
    /// What of it the records take.
    records: AtomicUsize,
    max: usize,
}

impl Budget {
    pub(crate) fn new(max: usize) -> Self {
        Self {
            used: AtomicUsize::new(0),
            records: AtomicUsize::new(0),
            max,
        }
    }

    pub(crate) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    pub(crate) fn max(&self) -> usize {
        self.max
    }

    /// Takes `octets`, or nothing where they do not fit.
    pub(crate) fn try_charge(&self, octets: usize) -> bool {
        self.used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                used.checked_add(octets).filter(|&sum| sum <= self.max)
            })
            .is_ok()
    }

    /// Whether one more record of so many octets leaves the half that is not for records.
    pub(crate) fn has_room_for_record(&self, octets: usize) -> bool {
        let records = self.records.load(Ordering::Relaxed);
        records.saturating_add(octets) <= self.max / 2
    }

    /// Takes the octets of a record, or nothing where they do not fit.
    pub(crate) fn try_charge_record(&self, octets: usize) -> bool {
        let half = self.max / 2;
        let more = |records: usize| records.checked_add(octets).filter(|&sum| sum <= half);
        let counted = self
            .records
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more)
            .is_ok();
        let fits = counted && self.try_charge(octets);
        if counted && !fits {
            self.records.fetch_sub(octets, Ordering::Relaxed);
        }
        fits
    }

    pub(crate) fn release_record(&self, octets: usize) {
        self.records.fetch_sub(octets, Ordering::Relaxed);
        self.release(octets);
    }

    /// Octets that must be freed before `octets` fit.
    pub(crate) fn short_of(&self, octets: usize) -> usize {
        self.used().saturating_add(octets).saturating_sub(self.max)
    }

    pub(crate) fn release(&self, octets: usize) {
        self.used.fetch_sub(octets, Ordering::Relaxed);
    }
}

/// What the messages of one channel hold: payloads, event names and wire forms. It is shared with
/// the messages, which charge the forms they make.
#[derive(Debug)]
pub(crate) struct Account {
    held: AtomicUsize,
    budget: Arc<Budget>,
}

impl Account {
    pub(crate) fn new(budget: Arc<Budget>) -> Self {
        Self {
            held: AtomicUsize::new(0),
            budget,
        }
    }

    pub(crate) fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    pub(crate) fn budget(&self) -> &Budget {
        &self.budget
    }

    /// Counts a message that the budget was charged for already.
    pub(crate) fn hold(&self, octets: usize) {
        self.held.fetch_add(octets, Ordering::Relaxed);
    }

    /// Ends the counting of a message; the caller settles with the budget.
    pub(crate) fn let_go(&self, octets: usize) {
        self.held.fetch_sub(octets, Ordering::Relaxed);
    }

    /// Charges a wire form to the channel and the budget.
    pub(crate) fn try_charge(&self, octets: usize) -> bool {
        let fits = self.budget.try_charge(octets);
        if fits {
            self.hold(octets);
        }
        fits
    }

    /// Takes a charge of [`Account::try_charge`] back.
    pub(crate) fn release(&self, octets: usize) {
        self.let_go(octets);
        self.budget.release(octets);
    }
}
