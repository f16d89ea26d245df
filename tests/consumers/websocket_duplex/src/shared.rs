//! A value under a mutex, and a way to wait for it to change.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

pub struct Shared<T> {
    value: Mutex<T>,
    changed: Condvar,
}

impl<T> Shared<T> {
    pub fn new(value: T) -> Self {
        let (value, changed) = (Mutex::new(value), Condvar::new());
        Self { value, changed }
    }

    /// Changes the value, and wakes whoever waits.
    pub fn with<A>(&self, change: impl FnOnce(&mut T) -> A) -> A {
        let answer = change(&mut self.lock());
        self.changed.notify_all();
        answer
    }

    /// Waits until `ready` gives something; it may change the value.
    pub fn wait<A>(&self, mut ready: impl FnMut(&mut T) -> Option<A>) -> A {
        let mut value = self.lock();
        loop {
            if let Some(answer) = ready(&mut value) {
                self.changed.notify_all();
                return answer;
            }
            value = self
                .changed
                .wait(value)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, T> {
        self.value.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
