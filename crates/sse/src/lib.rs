//! Server-Sent Events by the whole WHATWG standard: decode, encode, reconnect, no I/O.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;
