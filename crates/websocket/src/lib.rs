//! WebSocket (RFC 6455) as octets in, events out: both roles, strict, no I/O.
//!
//! No socket, no clock, no randomness: the caller reads and writes, tells the time as a [`Duration`](core::time::Duration)
//! since an origin of its own, and hands in masking keys and nonces. Three layers, each of use alone:
//!
//! | layer | what | costs |
//! |---|---|---|
//! | handshake | [`accept`], [`ClientHandshake`] over plain field lines | no HTTP parser is implied |
//! | frames | [`FrameHeader`], [`FrameDecoder`], [`mask()`], [`Utf8Validator`] over slices | no allocation |
//! | connection | [`Connection`]: messages, Ping and Pong, closing handshake, deadlines | one allocation a small message |
//!
//! # The loop around a connection
//!
//! ```text
//!              read                                          write
//!   transport ──────▶ input ─▶ next_event ─▶ Event            out ──────▶ transport
//!       │                      receive_eof ─▶ Event            ▲
//!       │ end of octets ──────────▲                            ├── send_text, send_binary, send_fragment, ping
//!       │                                                      │
//!     clock ─── poll_timeout ─▶ handle_timeout ─▶ Event        └── transmit (Pong, Ping, Close)
//! ```
//!
//! 1. Read into `input`; call [`next_event`](Connection::next_event) until `None`, answering each event into `out`. Where
//!    messages are large, let [`make_room`](Connection::make_room) give the room for each read: it saves a copy or two.
//! 2. Call [`transmit`](Connection::transmit) until `false`; write `out`.
//! 3. Do what [`io_action`](Connection::io_action) says.
//! 4. Sleep until there is something to read or [`poll_timeout`](Connection::poll_timeout) is due; then call
//!    [`handle_timeout`](Connection::handle_timeout), or [`receive_eof`](Connection::receive_eof) when the octets end.
//!
//! No call waits, so dropping a future around the loop loses nothing and leaves no half-written frame in `out`.
//!
//! # Bounded
//!
//! A length that a peer announces allocates nothing: buffers grow with what arrives, and what is above a limit of [`Config`]
//! is refused from its header, with 1009. Of many Pings only the latest is answered. Bad input closes the connection with
//! 1002, 1007 or 1009, and [`ReceiveError`] names the rule and the octet.
//!
//! A compressed message is held at its limit while it inflates: [`Config::max_message_len`] octets at most. Its buffer lies
//! twice in memory while it grows, so the peak is one and a half times the limit and 128 KiB for the inflater.
//!
//! # Compression
//!
//! The feature `deflate` adds permessage-deflate (RFC 7692) for both roles: `Accepted::with_deflate` and
//! `ClientHandshake::offer_deflate` agree on it, `Connection::with_deflate` does it, `SharedFrame::text_deflated` compresses
//! once for all. Nothing is compressed unless the handshake was told to; then without context takeover unless asked for. The
//! feature needs std, since the allocator of zlib-rs does. A block with BFINAL ends the context: what is behind it cannot
//! refer to what is in front of it.
//!
//! # The types of the crate `http`
//!
//! The feature `http` adds the handshake over `http::Request` and `http::Response`, for servers and clients that have them:
//! `accept_request` with `Accepted::response` and `HandshakeError::response`; `ClientHandshake::request` and
//! `ClientHandshake::check_response`; `header_fields` for what else takes field lines. It needs std, as `http` does.
//!
//! # Wide words
//!
//! The feature `simd` masks and checks UTF-8 by the widest words of the processor at hand, which `fearless_simd` and
//! `simdutf8` choose while the program runs, once a process. It changes no result and no error, and adds these two crates. The
//! gain begins at 512 octets of a masked payload and at 64 of text that is not ASCII. It needs std, which knows the processor.
//!
//! # Not supported
//!
//! Extensions but permessage-deflate: offers are ignored, as RFC 6455 §9.1 allows, and RSV bits are refused. WebSocket over
//! HTTP/2 (RFC 8441) and versions of the protocol before 13.
//!
//! ```
//! use bytes::BytesMut;
//! use core::time::Duration;
//! use tidings_websocket::{Closed, ClosedBy, Config, Connection, Event, IoAction, Server};
//!
//! let mut server = Connection::<Server>::new(Config::default(), Duration::ZERO);
//! let mut input = BytesMut::from(&b"\x88\x82\x00\x00\x00\x00\x03\xe8"[..]); // Close, 1000, with a key of zeros
//! let Some(Event::Closed(closed)) = server.next_event(&mut input, Duration::ZERO) else { panic!() };
//! assert_eq!((closed.code, closed.by, closed.clean), (1000, ClosedBy::Peer, true));
//!
//! let mut out = BytesMut::new();
//! assert!(server.transmit((), &mut out));
//! assert_eq!(out, b"\x88\x02\x03\xe8"[..]);
//! assert_eq!(server.io_action(), IoAction::ShutdownWrite);
//! ```
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod close;
mod config;
mod connection;
#[cfg(feature = "deflate")]
mod deflate;
mod error;
mod event;
mod frame;
mod handshake;
mod header;
#[cfg(feature = "http")]
mod interop;
mod mask;
mod message;
mod role;
mod shared;
#[cfg(feature = "simd")]
mod simd;
mod text;
mod utf8;

pub use close::CloseCode;
pub use config::{Config, Delivery};
pub use connection::Connection;
#[cfg(feature = "deflate")]
pub use deflate::{DeflateAgreement, DeflateOptions};
pub use error::{ReceiveError, ReceiveErrorKind, SendError};
pub use event::{Closed, ClosedBy, DataKind, Event, IoAction, Message};
pub use frame::{FrameDecoder, FrameEvent};
pub use handshake::{Accepted, ClientHandshake, HandshakeError, accept, accept_key};
pub use header::{EncodedHeader, FrameHeader, Opcode};
#[cfg(feature = "http")]
pub use interop::{accept_request, header_fields};
pub use mask::mask;
pub use role::{Client, Role, Server};
pub use shared::SharedFrame;
pub use text::Text;
pub use utf8::{Utf8Error, Utf8Validator};
