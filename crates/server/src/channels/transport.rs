//! The four ways to read a channel, a file each and of one shape: open a cursor where the reader
//! starts, wait, encode, write, leave.

pub(super) mod long_poll;
mod page;
pub(super) mod short_poll;
pub(super) mod sse;
pub(super) mod websocket;

use core::future::poll_fn;

use tidings_hub::{Cursor, Limit, Read};

use super::Channels;

/// What one write carries at most, so that a reader that does not read costs little.
const WRITE_LIMIT: Limit = Limit {
    messages: 256,
    octets: 64 << 10,
};

/// Waits for what follows a cursor. Cancel-safe: nothing is taken from the log before it is ready.
async fn next(channels: &Channels, cursor: &mut Cursor, limit: Limit) -> Read {
    poll_fn(|cx| cursor.poll_read(cx, limit, channels.now())).await
}
