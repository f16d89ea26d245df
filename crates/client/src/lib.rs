//! Subscribe over any of four transports, resume after a cut, publish.
//!
//! A channel is a log, a subscription is a cursor into it, and a transport is only the way the
//! cursor is asked. [`Subscribe`] opens a [`Subscription`] over short polling, long polling,
//! Server-Sent Events or a WebSocket; it hands out [`Item`]s: messages, and gaps where messages
//! were lost. A cut connection is opened again and goes on at the exact position.
//! [`Publisher`] sends messages; one that is sent again is not doubled.
//!
//! The crate runs on tokio. The protocols themselves are in `tidings-http1`,
//! `tidings-websocket`, `tidings-sse` and `tidings-polling`.
#![forbid(unsafe_code)]

mod dice;
mod error;
mod io;
mod message;
mod publish;
mod subscribe;
mod subscription;
mod transport;
mod url;
mod wire;

pub use error::{EndReason, Error};
pub use message::{Data, Gap, GapReason, Item, Message};
pub use publish::{Publish, Publisher};
pub use subscribe::{Limits, Start, Subscribe};
pub use subscription::Subscription;
pub use transport::{Transport, UnknownTransport};
pub use url::Url;

#[cfg(test)]
mod tests;

/// Holds the README to its word.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
