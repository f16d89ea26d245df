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
mod entropy;
mod event_stream;
mod link;
mod listen;
mod meter;
mod pool;
mod request;
mod response;
mod socket;
mod stop;
mod tap;
mod websocket;

pub use config::Config;
pub use content::{Body, BodyError};
pub use entropy::Entropy;
pub(crate) use event_stream::Quiet;
pub use event_stream::{EventStream, SharedEvent, StreamError};
pub use listen::{Listener, serve};
pub use meter::Meter;
pub use request::Request;
pub use response::Response;
pub(crate) use response::accept;
pub use socket::Socket;
pub use stop::Stop;
pub use tap::{Passed, Probe, Tap, Tapped};
pub use websocket::{WebSocket, WebSocketError};
