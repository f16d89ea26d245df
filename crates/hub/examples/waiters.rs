//! What readers that wait cost: the memory of a million, and the time of a publish that wakes ten thousand.
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use core::error::Error;
use core::task::{Context, Waker};
use core::time::Duration;
use std::time::Instant;
use tidings_hub::{ChannelName, Config, Cursor, Hub, Limit, Publish, Start};

const NOW: Duration = Duration::ZERO;

fn park(hub: &Hub, news: &ChannelName, count: usize) -> Result<Vec<Cursor>, Box<dyn Error>> {
    let mut waiters = Vec::with_capacity(count);
    for _ in 0..count {
        let mut cursor = hub.subscribe(news, Start::Latest, NOW, 1)?;
        // What a waker weighs, and what it does, is the runtime's.
        let mut cx = Context::from_waker(Waker::noop());
        assert!(
            cursor
                .poll_read(&mut cx, Limit::default(), NOW)
                .is_pending()
        );
        waiters.push(cursor);
    }
    Ok(waiters)
}

/// Octets of memory in use, on Linux.
fn resident() -> Result<usize, Box<dyn Error>> {
    let statm = std::fs::read_to_string("/proc/self/statm")?;
    let pages = statm.split(' ').nth(1).ok_or("no resident pages")?;
    Ok(4096 * pages.parse::<usize>()?)
}

fn main() -> Result<(), Box<dyn Error>> {
    let (hub, news) = (Hub::new(Config::default()), ChannelName::parse("news")?);
    let before = resident()?;
    let waiters = park(&hub, &news, 1_000_000)?;
    println!("octets a waiter: {}", (resident()? - before) / 1_000_000);
    drop(waiters);
    // Of a busy machine, the shortest is the one that was not interrupted.
    let mut shortest = Duration::MAX;
    for _ in 0..100 {
        let _waiters = park(&hub, &news, 10_000)?;
        let before = Instant::now();
        hub.publish(&news, Publish::text("hello"), NOW, 1)?;
        shortest = shortest.min(before.elapsed());
    }
    println!("a publish that wakes 10000: {shortest:?}");
    Ok(())
}
