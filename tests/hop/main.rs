//! Readers that hop between the transports and are cut again and again lose nothing, or are told what.
//!
//! The seed of a run is printed when it fails; `TIDINGS_SEED` runs it again.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::type_complexity,
    clippy::cast_possible_truncation,
    reason = "tests: what is not as published fails the test at hand"
)]

mod gaps;
mod hops;
mod names;
mod publisher;
