//! The server's clock, for a page that measures how late a message is.

use std::time::{SystemTime, UNIX_EPOCH};

use tidings_server::serve::Response;

/// Milliseconds since 1970, to the microsecond.
pub(crate) fn now() -> f64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    (since.as_secs_f64() * 1e6).round() / 1e3
}

/// Tells the time at the moment of answering.
pub(crate) fn answer() -> Response {
    Response::bytes(200, "application/json", format!("{{\"now\":{}}}\n", now()))
        .with("Cache-Control", "no-store")
}
