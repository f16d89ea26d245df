//! A push server on tokio: HTTP/1.1, SSE and WebSocket connections, and channels read four ways.
#![forbid(unsafe_code)]
