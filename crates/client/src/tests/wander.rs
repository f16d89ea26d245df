//! A path that changes at random under a caller that drops its futures at random: nothing is
//! lost, doubled or out of order, whatever the transport by then.

use tokio::time::Instant;

use super::negotiate::{Path, World, negotiate};
use super::*;
use crate::Start;

/// `SplitMix64`: enough for a script that can be run again.
struct Random(u64);

impl Random {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % most
    }
}

const PATHS: [Path; 9] = [
    Path::Open,
    Path::StripsUpgrade,
    Path::Refuses(403),
    Path::CutsUpgrades,
    Path::SwallowsUpgrades,
    Path::Holds,
    Path::BuffersStreams,
    Path::FillsBuffers,
    Path::CutsIdle,
];

/// Publishes on a path that changes; gives the count of messages.
async fn change(world: World, mut random: Random) -> usize {
    let mut count = 0;
    for _ in 0..25 {
        world.roams(PATHS[usize::try_from(random.below(9)).unwrap()]);
        for _ in 0..random.below(30) {
            tokio::time::sleep(Duration::from_millis(random.below(9000))).await;
            count += 1;
            world.push(&count.to_string());
        }
    }
    world.roams(Path::Open);
    count += 1;
    world.push(&count.to_string());
    count
}

#[tokio::test(start_paused = true)]
async fn whatever_the_path_does_and_wherever_a_future_is_dropped_each_message_comes_once() {
    let mut transports = std::collections::HashSet::new();
    let (mut dropped, mut tries) = (0_u64, 0);
    for seed in 0..6 {
        let mut random = Random(seed);
        let (world, dialer) = World::new(PATHS[usize::try_from(seed % 9).unwrap()]);
        let mut subscription = negotiate(&dialer)
            .start(Start::Earliest)
            .open()
            .await
            .unwrap();
        let publisher = tokio::spawn(change(world.clone(), Random(seed ^ 0xff)));
        let mut got = 0;
        let mut last = Instant::now();
        loop {
            if publisher.is_finished() && world.len() == got {
                break;
            }
            assert!(
                last.elapsed() < HOUR,
                "seed {seed}: nothing behind {got}: {subscription:?}"
            );
            let patience = Duration::from_micros(random.below(3_000_000));
            let item = match random.below(10) {
                // Polled once and dropped.
                0 => {
                    tokio::time::sleep(patience / 100).await;
                    core::future::poll_fn(|cx| {
                        let next = core::pin::pin!(subscription.next());
                        core::task::Poll::Ready(match next.poll(cx) {
                            core::task::Poll::Ready(item) => Some(item),
                            core::task::Poll::Pending => None,
                        })
                    })
                    .await
                }
                1..5 => tokio::time::timeout(patience / 1000, subscription.next())
                    .await
                    .ok(),
                _ => tokio::time::timeout(patience, subscription.next())
                    .await
                    .ok(),
            };
            let Some(item) = item else {
                dropped += 1;
                continue;
            };
            match item.unwrap().unwrap() {
                Item::Message(message) => {
                    got += 1;
                    last = Instant::now();
                    let want = Data::Text(got.to_string());
                    assert_eq!(message.data, want, "seed {seed}: {subscription:?}");
                    assert_eq!(subscription.position(), message.id.as_deref());
                }
                Item::Transport(chosen) => {
                    assert_eq!(subscription.transport(), chosen.transport);
                    transports.insert(chosen.transport);
                }
                other => panic!("seed {seed}: {other:?}"),
            }
        }
        publisher.await.unwrap();
        tries += world.asked().len();
    }
    assert!(transports.len() >= 3, "{transports:?}");
    assert!(
        dropped > 5000 && tries > 150,
        "{dropped} dropped, {tries} requests"
    );
}
