//! Prints the events of standard input: `curl -sN -H 'Accept: text/event-stream' URL | cargo run --example tail`.

use std::io::{Read, stdin};

use lab::Events;

fn main() -> std::io::Result<()> {
    let (mut events, mut piece) = (Events::default(), [0; 1024]);
    loop {
        let len = stdin().read(&mut piece)?;
        if len == 0 {
            return Ok(());
        }
        for event in events.feed(&piece[..len]) {
            println!("{event:?}");
        }
    }
}
