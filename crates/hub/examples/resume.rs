//! Publish, wait, go away, resume; then come back too late and be told what was lost.
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use core::task::{Context, Poll, Waker};
use core::time::Duration;
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
fn wait(cursor: &mut Cursor, now: impl Fn() -> Duration) -> Read {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    loop {
        match cursor.poll_read(&mut Context::from_waker(&waker), Limit::default(), now()) {
            Poll::Ready(read) => return read,
            Poll::Pending => thread::park(),
        }
    }
}

fn main() -> Result<(), Box<dyn core::error::Error>> {
    let origin = Instant::now();
    let now = || origin.elapsed();
    let mut config = Config::default();
    config.max_messages = 2;
    let hub = Hub::new(config);
    let news = ChannelName::parse("news")?;
    let entropy = 0x9f3a_61c2_b0d4_e877; // A program draws 64 fresh random bits for each call.
    let say = |payload| {
        let message = Publish {
            kind: Kind::Text,
            event: None,
            payload,
            key: None,
        };
        hub.publish(&news, message, now(), entropy)
    };

    let mut cursor = hub.subscribe(&news, Start::Latest, now(), entropy)?;
    let speaker = thread::scope(|scope| {
        let speaker = scope.spawn(|| say(b"one"));
        println!("waited for {:?}", wait(&mut cursor, now));
        speaker.join()
    });
    let resume = Start::After(cursor.position());
    drop(cursor);
    println!("{:?} while nobody reads", say(b"two")?);
    println!(
        "resumed with {:?}",
        wait(&mut hub.subscribe(&news, resume, now(), entropy)?, now)
    );
    say(b"three")?;
    say(b"four")?;
    println!(
        "too late: {:?}",
        wait(&mut hub.subscribe(&news, resume, now(), entropy)?, now)
    );
    speaker
        .map_err(|_| "the speaker panicked")?
        .map(drop)
        .map_err(Into::into)
}
