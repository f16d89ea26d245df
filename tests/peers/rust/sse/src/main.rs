//! `tidings-sse` beside what else reads and writes event streams: `sse-stream`, `eventsource-stream` and the
//! `Event` of axum.
//!
//! The rivals that are streams are polled in memory, with a waker that does nothing: no runtime, no socket.
//! Every reader has the same chunks, shared and not copied, and looks at the data of each event as a `&str`.

mod decode;
mod encode;
mod streams;

use paired::Plan;

fn main() {
    let plan = Plan::from_args();
    decode::compare(plan);
    encode::compare(plan);
}
