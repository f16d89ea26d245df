//! Independent peers: curl, Python, Node, Chromium, nginx and Caddy understand the server as it is.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::type_complexity,
    reason = "tests: what is not as written fails the test at hand"
)]

mod behind_nginx;
mod curl;
mod deflate;
mod negotiated;
mod over_tls;
mod scripts;
mod tshark;
