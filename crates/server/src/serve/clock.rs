//! Wall-clock time and randomness, which the codecs take as values.

use core::cell::Cell;
use std::time::{SystemTime, UNIX_EPOCH};

thread_local! {
    static DATE: Cell<(u64, [u8; 29])> = const { Cell::new((u64::MAX, [0; 29])) };
}

/// The value of the Date field (RFC 9110 §6.6.1), made once a second and thread.
pub(crate) fn http_date() -> [u8; 29] {
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

/// 64 bits from the system's random source.
pub(crate) fn entropy() -> u64 {
    // The source fails only on systems that have none; the hash seed is the best that is left.
    getrandom::u64().unwrap_or_else(|_| {
        use core::hash::{BuildHasher, Hasher};
        std::collections::hash_map::RandomState::new()
            .build_hasher()
            .finish()
    })
}

/// Uniform between `low` and `high` seconds, to the millisecond.
pub(crate) fn uniform_seconds(low: u64, high: u64) -> core::time::Duration {
    let span = (high - low) * 1000 + 1;
    core::time::Duration::from_millis(low * 1000 + entropy() % span)
}
