//! Wall-clock time and randomness, which the codecs take as values.

use core::cell::{Cell, RefCell};
use core::hash::{BuildHasher, Hasher};
use core::time::Duration;
use std::hash::RandomState;
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// How many values one call of the system's random source fills.
const POOL_LEN: usize = 32;

thread_local! {
    static POOL: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
    static DATE: Cell<(u64, [u8; 29])> = const { Cell::new((u64::MAX, [0; 29])) };
}

/// The value of the Date field (RFC 9110 §6.6.1), made once a second and thread.
pub(super) fn http_date() -> [u8; 29] {
    let seconds = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let (made, date) = DATE.get();
    if made == seconds {
        return date;
    }
    let date = tidings_http1::date::format(seconds);
    DATE.set((seconds, date));
    date
}

/// A time that is never too far away to be told.
pub(super) fn deadline(from: Instant, after: Duration) -> Instant {
    const FAR: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);
    from.checked_add(after).unwrap_or_else(|| from + FAR)
}

/// 64 bits from the system's random source, asked for in bulk: a system call for each would be
/// what a poll costs most.
pub(super) fn entropy() -> u64 {
    POOL.with_borrow_mut(|pool| {
        if pool.is_empty() {
            let mut octets = [0; 8 * POOL_LEN];
            if getrandom::fill(&mut octets).is_ok() {
                let (values, _) = octets.as_chunks::<8>();
                pool.extend(values.iter().copied().map(u64::from_ne_bytes));
            }
        }
        // The source fails only on systems that have none; a hash seed is the best that is left.
        pool.pop()
            .unwrap_or_else(|| RandomState::new().build_hasher().finish())
    })
}
