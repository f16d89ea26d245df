//! What `src/sync.rs` gives, from shuttle: every lock and every atomic is a point where it may
//! switch threads.

use core::hash::BuildHasherDefault;
use std::collections::hash_map::DefaultHasher;
use std::sync::OnceLock as Cell;

pub(crate) use shuttle::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
pub(crate) use shuttle::sync::{Mutex, MutexGuard};

/// Hashes alike in every run, so that a schedule can be run again.
pub(crate) type RandomState = BuildHasherDefault<DefaultHasher>;

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap()
}

/// A cell whose making thread may be switched away from.
#[derive(Debug)]
pub(crate) struct OnceLock<T> {
    cell: Cell<T>,
    making: Mutex<()>,
}

impl<T> Default for OnceLock<T> {
    fn default() -> Self {
        Self {
            cell: Cell::new(),
            making: Mutex::new(()),
        }
    }
}

impl<T> OnceLock<T> {
    pub(crate) fn get_or_init(&self, make: impl FnOnce() -> T) -> &T {
        if self.cell.get().is_none() {
            let _making = lock(&self.making);
            if self.cell.get().is_none() {
                assert!(self.cell.set(make()).is_ok());
            }
        }
        self.cell.get().unwrap()
    }
}
