//! What a reader that waits costs: the memory of a million of them, and the time of a publish that wakes ten thousand.
//!
//! `cargo run --release -p tidings-hub --example waiters`. Linux only: the memory is read from `/proc`.
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use core::error::Error;
use core::task::{Context, Waker};
use core::time::Duration;
use std::fs::read_to_string;
use std::sync::Arc;
use std::task::Wake;
use std::time::Instant;

use tidings_hub::{ChannelName, Config, Cursor, Hub, Kind, Limit, Publish, Start};

/// A waker that is as small as one can be: what a runtime's weighs is the runtime's.
struct Nobody;

impl Wake for Nobody {
    fn wake(self: Arc<Self>) {}
}

fn main() -> Result<(), Box<dyn Error>> {
    let hub = Hub::new(Config::default());
    let news = ChannelName::parse("news")?;
    let before = resident()?;
    let waiters = park(&hub, &news, 1_000_000)?;
    let octets = resident()? - before;
    println!(
        "{} waiters: {} octets each, {} MB",
        waiters.len(),
        octets / waiters.len(),
        octets / 1_000_000
    );
    drop(waiters);

    let mut times = Vec::new();
    for _ in 0..101 {
        let mut waiters = park(&hub, &news, 10_000)?;
        let before = Instant::now();
        let hello = Publish {
            kind: Kind::Text,
            event: None,
            payload: b"hello",
            key: None,
        };
        hub.publish(&news, hello, Duration::ZERO, 1)?;
        times.push(before.elapsed());
        waiters.clear();
    }
    times.sort_unstable();
    // Of a busy machine, the shortest is the one that was not interrupted.
    println!(
        "a publish that wakes 10000: {:?} at least, {:?} as the median of {}",
        times.first().copied().unwrap_or_default(),
        times.get(times.len() / 2).copied().unwrap_or_default(),
        times.len()
    );
    Ok(())
}

fn park(hub: &Hub, channel: &ChannelName, count: usize) -> Result<Vec<Cursor>, Box<dyn Error>> {
    let waker = Waker::from(Arc::new(Nobody));
    let mut waiters = Vec::with_capacity(count);
    for _ in 0..count {
        let mut cursor = hub.subscribe(channel, Start::Latest, Duration::ZERO, 1)?;
        let parked = cursor.poll_read(
            &mut Context::from_waker(&waker),
            Limit::default(),
            Duration::ZERO,
        );
        assert!(parked.is_pending());
        waiters.push(cursor);
    }
    Ok(waiters)
}

/// Octets of memory in use.
fn resident() -> Result<usize, Box<dyn Error>> {
    let statm = read_to_string("/proc/self/statm")?;
    let pages: usize = statm
        .split_whitespace()
        .nth(1)
        .ok_or("no resident pages")?
        .parse()?;
    Ok(pages * 4096)
}
