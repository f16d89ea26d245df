//! Channels as logs: positions, retention, cursors, gaps, waits. No HTTP, no sockets, no runtime.
#![forbid(unsafe_code)]
