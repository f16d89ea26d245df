//! Follows a channel: `subscribe http://127.0.0.1:8080/channels/news [TRANSPORT [POSITION]]`.
//!
//! Prints each message with its position, from which a later run can go on. Without a transport
//! it finds by itself which gets through.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "an example talks to its terminal"
)]

use core::error::Error;
use std::process::ExitCode;

use tidings_client::{Data, Item, Start, Subscribe, Subscription};

#[tokio::main]
async fn main() -> ExitCode {
    let Some(url) = std::env::args().nth(1) else {
        eprintln!("usage: subscribe URL [short-poll|long-poll|sse|websocket [POSITION]]");
        return ExitCode::from(2);
    };
    match follow(&url).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn follow(url: &str) -> Result<(), Box<dyn Error>> {
    let mut subscribe = Subscribe::new(url)?;
    if let Some(transport) = std::env::args().nth(2) {
        subscribe = subscribe.via(transport.parse()?);
    }
    if let Some(position) = std::env::args().nth(3) {
        subscribe = subscribe.start(Start::After(position));
    }
    let mut subscription: Subscription = subscribe.open().await?;
    while let Some(item) = subscription.next().await {
        match item? {
            Item::Message(message) => {
                let id = message.id.as_deref().unwrap_or("-");
                match message.data {
                    Data::Text(text) => println!("{id} {text}"),
                    Data::Binary(octets) => println!("{id} {} octets", octets.len()),
                }
            }
            Item::Gap(gap) => eprintln!("lost: {gap:?}"),
            Item::Transport(chosen) => eprintln!("via {chosen}"),
            other => eprintln!("{other:?}"),
        }
    }
    Ok(())
}
