//! The bodies of the fuzz targets, as plain functions.
//!
//! Each takes any octets and panics where a property does not hold: what is encoded decodes to itself; cutting the
//! input changes neither events nor the error and its offset; a prefix tells a prefix; nothing is held above the
//! limits. `fuzz_targets/` hands them to libFuzzer, `tests/replay.rs` gives them every file of `corpus/`.
//!
//! An input is what stands on the wire wherever that can be: how it is cut follows from its hash, see [`cut`].

mod choices;
mod cut;
mod http1;
mod hub;
mod polling;
mod sse;
mod websocket;

pub use http1::{
    http1_chunked, http1_differential, http1_forward, http1_request, http1_response,
    http1_round_trip,
};
pub use hub::hub_model;
pub use polling::polling_fields;
pub use sse::{sse_decode, sse_round_trip};
pub use websocket::{
    websocket_connection, websocket_deflate, websocket_frames, websocket_handshake, websocket_roles,
};

/// The body of a target.
pub type Target = fn(&[u8]);

/// Every target with its body.
pub const TARGETS: [(&str, Target); 15] = [
    ("http1_request", http1_request),
    ("http1_response", http1_response),
    ("http1_chunked", http1_chunked),
    ("http1_round_trip", http1_round_trip),
    ("http1_differential", http1_differential),
    ("http1_forward", http1_forward),
    ("websocket_frames", websocket_frames),
    ("websocket_connection", websocket_connection),
    ("websocket_handshake", websocket_handshake),
    ("websocket_roles", websocket_roles),
    ("websocket_deflate", websocket_deflate),
    ("sse_decode", sse_decode),
    ("sse_round_trip", sse_round_trip),
    ("polling_fields", polling_fields),
    ("hub_model", hub_model),
];
