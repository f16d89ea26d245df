//! Publishes lines: `publish http://127.0.0.1:8080/channels/news`, each line of standard input.
//!
//! Prints the position of each message. All go over one connection, in order.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "an example talks to its terminal"
)]

use core::error::Error;
use std::process::ExitCode;

use tidings_client::{Publish, Publisher};

#[tokio::main]
async fn main() -> ExitCode {
    let Some(url) = std::env::args().nth(1) else {
        eprintln!("usage: publish URL < LINES");
        return ExitCode::from(2);
    };
    match publish(&url).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn publish(url: &str) -> Result<(), Box<dyn Error>> {
    let mut publisher = Publisher::new(url)?;
    for line in std::io::stdin().lines() {
        println!("{}", publisher.publish(Publish::text(line?)).await?);
    }
    Ok(())
}
