//! Entropy: masking keys, nonces, idempotency keys and jitter, drawn from the system in batches.

use crate::Error;

/// Octets that one call of the system yields. A masking key takes 4, so a call serves 64 frames.
const POOL_LEN: usize = 256;

/// A supply of unpredictable octets.
#[derive(Debug)]
pub(crate) struct Dice {
    pool: [u8; POOL_LEN],
    left: usize,
}

impl Dice {
    pub(crate) const fn new() -> Self {
        Self {
            pool: [0; POOL_LEN],
            left: 0,
        }
    }

    /// Takes `N` octets, each used once.
    pub(crate) fn take<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        const { assert!(N <= POOL_LEN) };
        if self.left < N {
            getrandom::fill(&mut self.pool).map_err(|error| Error::Entropy(error.into()))?;
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

#[cfg(test)]
mod tests {
    use super::*;

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
