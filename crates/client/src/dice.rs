//! Entropy: masking keys, nonces, idempotency keys and jitter, drawn from the system in batches, or
//! from a seed.

use crate::Error;

/// Octets that one call of the system yields. A masking key takes 4, so a call serves 64 frames.
const POOL_LEN: usize = 256;

/// A supply of unpredictable octets.
#[derive(Debug)]
pub(crate) struct Dice {
    pool: [u8; POOL_LEN],
    left: usize,
    source: Source,
}

#[derive(Debug)]
enum Source {
    System,
    /// The state of a `SplitMix64`.
    Seed(u64),
}

impl Dice {
    pub(crate) const fn new() -> Self {
        Self::from(Source::System)
    }

    pub(crate) const fn seeded(seed: u64) -> Self {
        Self::from(Source::Seed(seed))
    }

    pub(crate) fn of(seed: Option<u64>) -> Self {
        seed.map_or_else(Self::new, Self::seeded)
    }

    const fn from(source: Source) -> Self {
        Self {
            pool: [0; POOL_LEN],
            left: 0,
            source,
        }
    }

    /// Makes dice of the same kind, which give other octets.
    pub(crate) fn fork(&mut self) -> Self {
        match &mut self.source {
            Source::System => Self::new(),
            Source::Seed(state) => Self::seeded(split_mix(state)),
        }
    }

    /// Takes `N` octets, each used once.
    pub(crate) fn take<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        const { assert!(N <= POOL_LEN) };
        if self.left < N {
            match &mut self.source {
                Source::System => {
                    getrandom::fill(&mut self.pool)
                        .map_err(|error| Error::Entropy(error.into()))?;
                }
                Source::Seed(state) => {
                    for octets in self.pool.as_chunks_mut::<8>().0 {
                        *octets = split_mix(state).to_le_bytes();
                    }
                }
            }
            self.left = POOL_LEN;
        }
        match self
            .pool
            .get(..self.left)
            .and_then(<[u8]>::split_last_chunk::<N>)
        {
            Some((rest, taken)) => {
                self.left = rest.len();
                Ok(*taken)
            }
            None => Err(Error::Entropy("the pool is short".into())),
        }
    }

    /// Draws a number for jitter.
    pub(crate) fn number(&mut self) -> Result<u64, Error> {
        self.take().map(u64::from_le_bytes)
    }
}

fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let value = (*state ^ (*state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_one_sequence_and_a_fork_another() {
        let draw = |dice: &mut Dice| [(); 100].map(|()| dice.number().unwrap());
        let (mut one, mut same) = (Dice::seeded(7), Dice::seeded(7));
        assert_eq!(draw(&mut one), draw(&mut same));
        let (mut fork, mut other) = (one.fork(), one.fork());
        assert_eq!(draw(&mut fork), draw(&mut same.fork()));
        assert_ne!(draw(&mut other), draw(&mut one));
        assert_ne!(draw(&mut Dice::new()), draw(&mut Dice::new().fork()));
    }

    #[test]
    fn no_octet_is_handed_out_twice() {
        let mut dice = Dice::new();
        let mut seen = std::collections::HashSet::new();
        for _ in 0..1000 {
            assert!(seen.insert(dice.take::<16>().unwrap()));
        }
    }

    #[test]
    fn a_pool_with_too_few_octets_left_is_filled_again() {
        let mut dice = Dice::new();
        dice.take::<7>().unwrap();
        for _ in 0..POOL_LEN {
            dice.take::<16>().unwrap();
            assert!(dice.left <= POOL_LEN - 16);
        }
    }
}
