//! The demo page: what its resources answer, and the page itself in a headless Chromium, driven from Node.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests: what is not as written fails the test at hand"
)]

mod page;
mod resources;
