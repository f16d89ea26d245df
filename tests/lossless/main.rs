//! No loss: readers that hop between the transports, are cut at random octets and fall behind on purpose get the log as the hub
//! acknowledged it, or are told exactly what retention had dropped.
//!
//! `simulated` runs server, clients and network in memory, on a clock and dice that a seed determines: the seed of a failure is
//! printed, and `TIDINGS_SEED` runs it again, octet for octet. `sockets` is the same crowd over TCP.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "tests: what is not as published fails the test at hand"
)]

mod crowd;
mod log;
mod network;
mod simulated;
mod sockets;
mod trace;
