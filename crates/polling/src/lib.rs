//! Short and long polling: entity tags, Prefer, the answer of one poll, schedules, no I/O.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;
