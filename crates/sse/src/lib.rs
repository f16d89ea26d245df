//! Server-Sent Events by the whole WHATWG standard: decode, encode, reconnect, no I/O.
//!
//! What is on the wire (HTML §9.2.5): lines of UTF-8 that end in LF, CR or CRLF. A blank line ends a
//! block, and a block with at least one `data` line is an event.
//!
//! ```text
//! : a comment                 ignored
//! retry: 2000                 the client waits 2000 ms before it reconnects
//! id: 42                      the last event ID, sent back as the field Last-Event-ID
//! event: price                the event type; `message` where there is none
//! data: {"eur":1}             the data; several lines are joined by LF
//!                             the blank line dispatches
//! ```
//!
//! The crate has three parts, none of which does I/O, reads a clock or rolls dice:
//!
//! - [`Decoder`]: octets in, [`Item`]s out. Any cutting of the stream gives the same items.
//! - [`EventRef`]: one event to octets, all or nothing, with no way to smuggle a field into another.
//! - [`Reconnection`]: when a client connects again, and when it never does.
//!
//! ```
//! use bytes::Bytes;
//! use tidings_sse::{Decoder, EventRef, Item};
//!
//! let wire = EventRef { id: Some("42"), ..EventRef::message("two\nlines") }.to_bytes()?;
//! assert_eq!(wire, "id: 42\ndata: two\ndata: lines\n\n");
//!
//! let mut input: Bytes = wire;
//! let mut decoder = Decoder::new();
//! let Some(Item::Event(event)) = decoder.next_event(&mut input)? else { panic!("no event") };
//! assert_eq!(event.data, "two\nlines");
//! assert_eq!(event.id, "42");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Not supported: encodings other than UTF-8 (the standard has none), and octets that are not text
//! (the format cannot carry them: encode them first, as base64 for instance).
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod block;
mod config;
mod decode;
mod encode;
mod ends;
mod error;
mod item;
mod line;
mod media_type;
mod reconnect;
mod text;
mod whole;

pub use config::{Config, Oversize};
pub use decode::Decoder;
pub use encode::{EventRef, HEARTBEAT, IdPolicy, encode_comment, encode_padding};
pub use error::{Field, ReceiveError, SendError};
pub use item::{Event, Item};
pub use media_type::{MEDIA_TYPE, is_event_stream};
pub use reconnect::{FailReason, ReconnectConfig, Reconnection, State, Verdict};
pub use text::Text;

/// The examples of the README are held to what the crate does.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
