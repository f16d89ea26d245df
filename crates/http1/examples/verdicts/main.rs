//! Reads cases of HTTP/1.1 as JSON lines and prints what the codec makes of each, for comparison with other readers.
//!
//! Run with `cargo run -q -p tidings-http1 --example verdicts < crates/http1/tests/corpus/http1.jsonl`.
#![expect(
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "showing the verdicts is the purpose; a JSON value indexed by name gives null at worst"
)]

mod client;
mod server;

use bytes::BytesMut;
use serde_json::{Value, json};
use tidings_http1::ErrorKind;

fn main() -> Result<(), Box<dyn core::error::Error>> {
    for line in std::io::stdin().lines() {
        let case: Value = serde_json::from_str(&line?)?;
        let text = case["bytes"].as_str().unwrap_or_default().chars();
        let octets: Vec<u8> = text.map(|c| u8::try_from(c).unwrap_or(b'?')).collect();
        let (input, mut count) = (BytesMut::from(&octets[..]), 0);
        let read = if case["role"] == "server" {
            server::requests(input, case["eof"] == true, &mut count)
        } else {
            client::responses(input, &case, &mut count)
        };
        let (verdict, reason) = match read {
            Ok(whole) if whole && count > 0 => ("accept", String::new()),
            Ok(_) => ("incomplete", String::new()),
            Err(error) if error.kind() == ErrorKind::Truncated => ("incomplete", error.to_string()),
            Err(error) => ("reject", error.to_string()),
        };
        println!(
            "{}",
            json!({"id": case["id"], "verdict": verdict, "messages": count, "reason": reason})
        );
    }
    Ok(())
}
