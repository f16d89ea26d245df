//! `tidings-websocket` beside an unsafe mask, tungstenite, fastwebsockets and tokio-websockets.
//!
//! `websocket-rivals [mask] [decode] [encode] [broadcast] [--rounds N] [--turn MS]`; all without a name.

mod broadcast;
mod decode;
mod encode;
mod masking;
mod sample;
mod wire;

use paired::Plan;

fn main() {
    let plan = Plan::from_args();
    let parts = [
        ("mask", masking::run as fn(Plan)),
        ("decode", decode::run),
        ("encode", encode::run),
        ("broadcast", broadcast::run),
    ];
    let named = |name: &str| std::env::args().any(|arg| arg == name);
    let all = !parts.iter().any(|(name, _)| named(name));
    for (name, run) in parts {
        if all || named(name) {
            run(plan);
        }
    }
}
