//! HTTP/1.1 as octets in, events out: both roles, strict, no I/O.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;
