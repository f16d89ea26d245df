//! Random numbers: epochs, and the waits that keep clients from coming back together.

use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::sync::Arc;

use super::clock;

/// Where a server takes its random numbers from. Default: the random source of the system.
///
/// ```
/// use tidings_server::serve::Entropy;
///
/// let (one, same) = (Entropy::seeded(7), Entropy::seeded(7));
/// assert_eq!([one.draw(), one.draw()], [same.draw(), same.draw()]);
/// ```
#[derive(Debug, Clone, Default)]
pub struct Entropy(Option<Arc<AtomicU64>>);

impl Entropy {
    /// Numbers that follow from a seed, for a test or a simulation that is to run the same twice.
    /// Clones share one sequence.
    ///
    /// Not for a server that others reach: an epoch that comes again makes a position of the
    /// process before name a message of this one, and a loss is not told.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self(Some(Arc::new(AtomicU64::new(seed))))
    }

    /// The next number.
    #[must_use]
    pub fn draw(&self) -> u64 {
        /// `SplitMix64` steps by the golden ratio, and mixes by these.
        const STEP: u64 = 0x9E37_79B9_7F4A_7C15;
        const MIX: [u64; 2] = [0xBF58_476D_1CE4_E5B9, 0x94D0_49BB_1331_11EB];
        let Some(state) = &self.0 else {
            return clock::entropy();
        };
        let [first, second] = MIX;
        let value = state.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        let value = (value ^ (value >> 30)).wrapping_mul(first);
        let value = (value ^ (value >> 27)).wrapping_mul(second);
        value ^ (value >> 31)
    }

    /// Uniform between `low` and `high` seconds, to the millisecond.
    pub(crate) fn uniform_seconds(&self, low: u64, high: u64) -> Duration {
        let span = (high - low) * 1000 + 1;
        Duration::from_millis(low * 1000 + self.draw() % span)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_one_sequence_and_clones_go_on_in_it() {
        let (one, same, other) = (Entropy::seeded(1), Entropy::seeded(1), Entropy::seeded(2));
        let sequence = [one.draw(), one.clone().draw(), one.draw()];
        assert_eq!(sequence, [same.draw(), same.draw(), same.draw()]);
        assert_ne!(sequence, [other.draw(), other.draw(), other.draw()]);
        assert_ne!(Entropy::default().draw(), Entropy::default().draw());
        for _ in 0..1000 {
            let wait = one.uniform_seconds(1, 5);
            assert!((1..=5).contains(&wait.as_secs()) && wait <= Duration::from_secs(5));
        }
    }
}
