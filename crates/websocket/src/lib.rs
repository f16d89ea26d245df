//! WebSocket (RFC 6455) as octets in, events out: both roles, strict, no I/O.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;
