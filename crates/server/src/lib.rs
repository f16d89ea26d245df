//! A push server on tokio: HTTP/1.1, SSE and WebSocket connections, and channels read four ways.
//!
//! Two layers. [`serve`](mod@serve) has sockets and connections and runs an
//! `async fn(Request) -> Response`; it knows no channels, so a program can have its own event
//! streams, long polls and WebSockets with it alone. [`channels`] is a handler on top: one URL that
//! is read by short polling, long polling, Server-Sent Events and WebSocket.
#![forbid(unsafe_code)]

pub mod channels;
pub mod serve;

pub use tidings_http1 as http1;
pub use tidings_hub as hub;
pub use tidings_polling as polling;
pub use tidings_sse as sse;
pub use tidings_websocket as websocket;
