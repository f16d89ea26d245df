//! What happened, in one number: two runs of one seed must give the same.

use std::sync::{Arc, Mutex};

use tokio::time::Instant;

/// A hash of every event so far and its time.
#[derive(Clone)]
pub(crate) struct Trace {
    origin: Instant,
    hash: Arc<Mutex<u64>>,
}

impl Trace {
    pub(crate) fn new() -> Self {
        Self {
            origin: Instant::now(),
            hash: Arc::new(Mutex::new(0)),
        }
    }

    pub(crate) fn add(&self, event: &[u64]) {
        let mut hash = self.hash.lock().unwrap();
        let at = self.origin.elapsed().as_nanos() as u64;
        for value in [at].iter().chain(event) {
            *hash = (*hash ^ value)
                .wrapping_mul(0x9E37_79B9_7F4A_7C15)
                .rotate_left(31);
        }
    }

    pub(crate) fn hash(&self) -> u64 {
        *self.hash.lock().unwrap()
    }
}
