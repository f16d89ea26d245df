//! The lock, the cell, the atomics and the hasher of this crate in one place, so that the
//! interleaving tests can put their own in.

pub(crate) use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
pub(crate) use std::collections::hash_map::RandomState;
pub(crate) use std::sync::{Mutex, MutexGuard, OnceLock};

use std::sync::PoisonError;

/// Locks. A panic elsewhere does not matter: no step under a lock runs code of the caller's.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
