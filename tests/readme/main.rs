//! The documents, run: every command, program, page and configuration that they show does what they say.
//!
//! A snippet is a fenced block whose info string is a language and a name, such as "sh publish". It runs as it
//! stands; only the server's address is exchanged for that of the server under test.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "tests: what is not as written fails the test at hand"
)]

mod book;
mod browser;
mod commands;
mod crates;
mod flags;
mod octets;
mod operations;
mod page;
mod paths;
mod snippets;
mod storm;

/// Where the documents say that the server is.
const ADDRESS: &str = "127.0.0.1:8080";
