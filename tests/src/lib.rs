//! The harness of the whole-system tests: the command under test, and peers that share no code with it.
//!
//! Everything here speaks from raw sockets of `std::net`. The HTTP, event stream and WebSocket readers are
//! written by hand, plain and slow, so that a fault of a codec cannot hide behind the same fault here.
//! What the harness cannot do fails the test at hand: it panics and says what it was about to do.
#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    reason = "a harness of tests: what it cannot do fails the test at hand"
)]

pub mod base64;
pub mod command;
pub mod event_stream;
pub mod http;
pub mod nginx;
pub mod peer;
pub mod proxy;
pub mod published;
pub mod random;
pub mod tls_proxy;
pub mod websocket;

pub use command::Server;
pub use event_stream::EventStream;
pub use http::{Answer, Connection};
pub use websocket::WebSocket;
