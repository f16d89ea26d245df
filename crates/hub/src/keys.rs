//! Idempotency keys of one channel: which publish they named, for how long. Pure.
//!
//! A digest of kind, event and body is kept, not the body.

use core::time::Duration;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::message::Draft;
use crate::sync::RandomState;
use crate::{Kind, Position};

/// SHA-256 of what a key stands for.
pub(crate) type Digest = [u8; 32];

/// A key with the digest of its publish.
#[derive(Debug)]
pub(crate) struct Claim<'a> {
    pub(crate) key: &'a [u8],
    digest: Digest,
}

impl<'a> Claim<'a> {
    pub(crate) fn new(key: &'a [u8], draft: &Draft) -> Self {
        let event = draft.event.as_ref().map_or("", |event| event.as_str());
        let kind = match draft.kind {
            Kind::Text => b't',
            Kind::Binary => b'b',
        };
        // An event name holds no NUL, so no two publishes run into one text.
        let digest = Sha256::new()
            .chain_update([kind])
            .chain_update(event)
            .chain_update([0])
            .chain_update(&draft.payload)
            .finalize();
        Self {
            key,
            digest: digest.into(),
        }
    }

    /// Octets of the budget that the key takes: itself, its record, twice its place in a table that
    /// grows by doubling, its place in the order of expiry.
    pub(crate) fn cost(&self) -> usize {
        cost(self.key)
    }
}

fn cost(key: &[u8]) -> usize {
    key.len() + 272
}

/// What is known of a key.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub(crate) enum Known {
    /// The same publish was made under it.
    Same(Position),
    /// Another publish was made under it.
    Other,
    /// Nothing.
    Nothing,
}

/// Live keys. All live equally long, so they expire in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    by_key: HashMap<Arc<[u8]>, (Digest, Position), RandomState>,
    order: VecDeque<(Duration, Arc<[u8]>)>,
    octets: usize,
}

impl Keys {
    pub(crate) fn len(&self) -> usize {
        self.order.len()
    }

    /// Octets of the budget that all keys take.
    pub(crate) fn octets(&self) -> usize {
        self.octets
    }

    pub(crate) fn find(&self, claim: &Claim<'_>) -> Known {
        match self.by_key.get(claim.key) {
            Some((digest, position)) if *digest == claim.digest => Known::Same(*position),
            Some(_) => Known::Other,
            None => Known::Nothing,
        }
    }

    /// Keeps a key that is not known until `ends_at`.
    pub(crate) fn insert(&mut self, claim: &Claim<'_>, position: Position, ends_at: Duration) {
        let key: Arc<[u8]> = claim.key.into();
        // `now` of two threads may come in either order; the order of expiry must not.
        let ends_at = self
            .order
            .back()
            .map_or(ends_at, |(last, _)| ends_at.max(*last));
        self.by_key
            .insert(Arc::clone(&key), (claim.digest, position));
        self.order.push_back((ends_at, key));
        self.octets += claim.cost();
    }

    /// Drops keys whose time is over, at most `allowance`, which it lessens. Returns the octets
    /// freed.
    pub(crate) fn expire(&mut self, now: Duration, allowance: &mut usize) -> usize {
        let mut freed = 0;
        while *allowance > 0
            && self
                .order
                .front()
                .is_some_and(|(ends_at, _)| *ends_at <= now)
        {
            let Some((_, key)) = self.order.pop_front() else {
                break;
            };
            self.by_key.remove(&key);
            freed += cost(&key);
            *allowance -= 1;
        }
        self.octets = self.octets.saturating_sub(freed);
        freed
    }

    /// Gives back the memory of places that no key uses.
    pub(crate) fn shrink(&mut self) {
        self.order.shrink_to(self.len().saturating_mul(2));
        self.by_key.shrink_to(self.len().saturating_mul(2));
    }
}
