//! Sockets and connections: requests in, responses out, and what a response may become.
//!
//! This layer knows no channels. A handler is an `async fn(Request) -> Response`; a response is
//! octets, a held answer, a stream of events, or a WebSocket.

mod alarm;
mod answer;
mod clock;
mod config;
mod connection;
mod content;
mod event_stream;
mod link;
mod listen;
mod meter;
mod pool;
mod request;
mod response;
mod stop;
mod tap;
mod websocket;

pub(crate) use clock::{entropy, uniform_seconds};
pub use config::Config;
pub use content::{Body, BodyError};
pub(crate) use event_stream::Quiet;
pub use event_stream::{EventStream, SharedEvent, StreamError};
pub use listen::serve;
pub use meter::Meter;
pub use request::Request;
pub use response::Response;
pub(crate) use response::accept;
pub use stop::Stop;
pub use tap::{Passed, Probe, Tap, Tapped};
pub use websocket::{WebSocket, WebSocketError};
