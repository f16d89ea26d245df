//! What `tidings-http1` costs beside a bare tokenizer, beside the types of the crate `http`, and beside `memcpy`.
//!
//! Run with `cargo run --release -p peers-http1` in `tests/peers/rust`; one section with its name behind `--`.

mod chunked;
mod drip;
mod exchange;
mod head;
mod inputs;

use paired::Plan;

/// The sections and their names.
const SECTIONS: [(&str, fn(Plan)); 4] = [
    ("head", head::run),
    ("exchange", exchange::run),
    ("drip", drip::run),
    ("chunked", chunked::run),
];

fn main() {
    let plan = Plan::from_args();
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let named = |name: &str| wanted.iter().any(|arg| arg == name);
    let all = !SECTIONS.iter().any(|(name, _)| named(name));
    for (name, run) in SECTIONS {
        if all || named(name) {
            run(plan);
        }
    }
}
