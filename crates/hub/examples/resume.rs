//! Publish, wait, go away, resume; then come back too late and be told what was lost.
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use core::task::{Context, Poll, Waker};
use std::sync::Arc;
use std::task::Wake;
use std::thread::{self, Thread};
use std::time::Instant;
use tidings_hub::{ChannelName, Config, Cursor, Hub, Kind, Limit, Publish, Read, Start};

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Reads, and parks the thread while there is nothing.
fn wait(mut cursor: Cursor, origin: Instant) -> Read {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut cx = Context::from_waker(&waker);
    loop {
        match cursor.poll_read(&mut cx, Limit::default(), origin.elapsed()) {
            Poll::Ready(read) => return read,
            Poll::Pending => thread::park(),
        }
    }
}

fn main() -> Result<(), Box<dyn core::error::Error>> {
    let origin = Instant::now();
    let mut config = Config::default();
    config.max_messages = 2;
    let (hub, news) = (Hub::new(config), ChannelName::parse("news")?);
    let entropy = 0x9f3a_61c2_b0d4_e877; // A program draws 64 fresh random bits for each call.
    let say = |payload| {
        let message = Publish {
            kind: Kind::Text,
            event: None,
            payload,
            key: None,
        };
        hub.publish(&news, message, origin.elapsed(), entropy)
    };
    let open = |start| hub.subscribe(&news, start, origin.elapsed(), entropy);

    let cursor = open(Start::Latest)?;
    let reader = thread::spawn(move || wait(cursor, origin));
    let resume = Start::After(say(b"one")?.position);
    println!("waited for {:?}", reader.join());

    say(b"two")?;
    println!("resumed with {:?}", wait(open(resume)?, origin));
    say(b"three")?;
    say(b"four")?;
    println!("too late: {:?}", wait(open(resume)?, origin));
    Ok(())
}
