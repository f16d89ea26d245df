//! HTTP/1.1 as octets in, events out: both roles, strict, no I/O.
//!
//! The crate knows the protocol and nothing else: no socket, no clock, no runtime. The caller reads
//! octets into a buffer and hands it over; events come out, and octets to write.
//!
//! ```text
//!            input: BytesMut                              out: BytesMut
//! socket ──read──> [ GET / HTTP/1.1.. ]            [ HTTP/1.1 200 OK.. ] ──write──> socket
//!                        │  next_event                    ▲  send_response
//!                        ▼                                │  send_data, send_end
//!                 Request, Data, Trailers, End ──> your answer
//! ```
//!
//! The run loop of a server:
//!
//! 1. Call [`ServerConnection::next_event`] until it yields `None`, and act on each event.
//! 2. Answer a request with [`send_response`](ServerConnection::send_response),
//!    [`send_data`](ServerConnection::send_data) and [`send_end`](ServerConnection::send_end), which
//!    says whether the connection goes on.
//! 3. Write `out`, read into `input`, tell [`receive_eof`](ServerConnection::receive_eof) at the end
//!    of input, and start again.
//!
//! [`ClientConnection`] is the other end. Rules are those of RFC 9110 and RFC 9112, in their strict
//! reading: what they allow to be refused is refused. A broken rule is a [`ReceiveError`] with the
//! octet at fault, the section and the status to answer, and it is the same error however the input
//! was cut. Limits are in [`Limits`]; nothing is stored beyond them. What a caller wants to take all
//! the same is switched on by name, in [`Leniency`].
//!
//! The feature `http`, off by default, converts heads to and from the types of the crate `http`.
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod body;
mod chunked;
mod connection;
pub mod date;
mod encode;
mod error;
mod fields;
mod forward;
mod framing;
mod head;
#[cfg(feature = "http")]
mod interop;
mod leniency;
mod limits;
mod octets;
mod plain;
mod reason;
mod scan;
mod target;

pub use body::{BodyDecoder, BodyEvent};
pub use connection::{
    ClientConnection, ClientEvent, CloseReason, Next, ServerConnection, ServerEvent,
};
pub use encode::{Content, LAST_CHUNK, encode_chunk};
pub use error::{ErrorKind, ReceiveError, SendError};
pub use fields::Fields;
pub use framing::Framing;
pub use head::{RequestHead, ResponseHead, Version};
pub use leniency::{Config, Leniency};
pub use limits::Limits;
pub use reason::reason_phrase;
pub use target::TargetForm;
