//! The command of Tidings.
#![forbid(unsafe_code)]

fn main() {}
