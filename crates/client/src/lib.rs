//! Subscribe over any of four transports, resume after a cut, publish.
//!
//! A channel is a log, a subscription is a cursor into it, and a transport is only the way the
//! cursor is asked. [`Subscribe`] opens a [`Subscription`] over a WebSocket, Server-Sent Events,
//! long polling or short polling, the first of them that gets through; it hands out [`Item`]s:
//! messages, and gaps where messages were lost. A cut connection is opened again and goes on at
//! the exact position. [`Publisher`] sends messages; one that is sent again is not doubled.
//!
//! | feature | adds |
//! |---|---|
//! | `tls` | `https` and `wss`, by rustls with ring and the roots of the system |
//! | `deflate` | permessage-deflate on WebSockets of a subscription that asks for it |
//!
//! Neither is on by default.
//!
//! The crate runs on tokio. The protocols themselves are in `tidings-http1`,
//! `tidings-websocket`, `tidings-sse` and `tidings-polling`.
#![forbid(unsafe_code)]

mod dice;
mod error;
mod io;
mod joins;
mod link;
mod message;
mod negotiate;
mod publish;
mod subscribe;
mod subscription;
#[cfg(feature = "tls")]
mod tls;
mod transport;
mod url;
mod wire;

pub use error::{EndReason, Error, Unsent};
pub use message::{Data, Gap, GapReason, Item, Left, Message, Refused};
pub use negotiate::{Chosen, Why};
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
