//! The demo page and tidings.js: what their resources answer, and both in a headless Chromium, driven from Node.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests: what is not as written fails the test at hand"
)]

mod negotiation;
mod page;
mod playground;
mod resources;
mod script;
mod wire;
