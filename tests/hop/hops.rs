//! The hop test: one reader on all four transports by turns, four that stay, and cuts for all of them.

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use core::time::Duration;
use std::sync::Arc;
use std::time::Instant;

use tidings_client::{Start, Subscribe, Subscription, Transport};
use tidings_tests::proxy::{Cutting, Proxy};
use tidings_tests::published::{MAX, assert_is, message, publish};
use tidings_tests::random::Random;
use tidings_tests::{Connection, Server, peer};
use tokio::time::{sleep, timeout};

const MESSAGES: u64 = 20_000;
const CUTS: u64 = 500;
const HOPS_A_PAIR: u32 = 50;
const TICK: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_secs(30);

async fn subscribe(proxy: &Proxy, transport: Transport) -> Subscription {
    let open = || {
        Subscribe::new(&proxy.url("/channels/hop"))
            .unwrap()
            .via(transport)
            .start(Start::Earliest)
            .interval(Duration::from_millis(5))
            .wait(Duration::from_secs(5))
            .open()
    };
    // The first attempt may be cut as any other; a failure of it is told, not mended.
    for _ in 0..50 {
        if let Ok(subscription) = open().await {
            return subscription;
        }
    }
    panic!("{transport}: 50 first attempts were cut");
}

/// How often the reader hopped from each transport to each other.
#[derive(Default)]
struct Hops([[u32; 4]; 4]);

impl Hops {
    /// Chooses the hop that was made least often from here.
    fn next(&mut self, from: Transport, random: &mut Random) -> Transport {
        let here = from as usize;
        let turn = random.below(4);
        let there = (0..4)
            .map(|step| (turn + step) % 4)
            .filter(|there| *there != here)
            .min_by_key(|there| self.0[here][*there])
            .unwrap();
        self.0[here][there] += 1;
        Transport::ALL[there]
    }

    fn pairs(&self) -> impl Iterator<Item = u32> {
        (0..4).flat_map(move |from| {
            (0..4)
                .filter(move |to| *to != from)
                .map(move |to| self.0[from][to])
        })
    }

    fn enough(&self) -> bool {
        self.pairs().all(|count| count >= HOPS_A_PAIR)
    }
}

/// Publishes a little ahead of the hopping reader until it has had enough: the count.
fn keep_ahead(server: &Server, seed: u64, seen: &Arc<AtomicU64>, enough: &AtomicBool) -> u64 {
    let mut connection = Connection::open(server.address());
    let mut random = Random::new(seed ^ 1);
    let mut published = 0;
    while published < MESSAGES || !enough.load(Ordering::Relaxed) {
        assert!(Arc::strong_count(seen) > 1, "the reader has failed");
        if published > seen.load(Ordering::Relaxed) + 60 {
            std::thread::sleep(Duration::from_micros(200));
            continue;
        }
        let batch = 1 + random.below(20) as u64;
        let messages: Vec<_> = (1..=batch)
            .map(|step| message(seed, published + step))
            .collect();
        publish(&mut connection, "/channels/hop", &messages);
        published += batch;
        assert!(published < 4 * MESSAGES, "cuts and hops do not come");
    }
    published
}

/// Reads to the end on one transport; the client comes back from each cut by itself.
async fn stay(server: &Server, seed: u64, transport: Transport, total: &AtomicU64) -> u64 {
    let cutting = Cutting {
        answer_len: 500_000,
        request_len: 4000,
        cuts: 6,
    };
    let proxy = Proxy::start(server.address(), seed ^ transport as u64, cutting).await;
    let mut subscription = subscribe(&proxy, transport).await;
    let what = format!("staying on {transport}");
    let mut seen = 0;
    let mut last = Instant::now();
    while seen < total.load(Ordering::Relaxed) {
        // `next` may be dropped: whether this is the end must be looked at again.
        let Ok(item) = timeout(TICK, subscription.next()).await else {
            assert!(last.elapsed() < PATIENCE, "{what}: nothing behind {seen}");
            continue;
        };
        last = Instant::now();
        seen += 1;
        assert_is(&item.unwrap().unwrap(), seed, seen, &what);
    }
    *proxy.cuts.borrow()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_hops_and_is_cut_gets_every_message_once_and_in_order() {
    let seed = Random::seed();
    println!("TIDINGS_SEED={seed}");
    let max = MAX.to_string();
    let all = [
        "--history",
        "1000000",
        "--history-octets",
        "1000000000",
        "--max-message",
        &max,
    ];
    let server = Arc::new(Server::start(&all));
    let seen = Arc::new(AtomicU64::new(0));
    let enough = Arc::new(AtomicBool::new(false));
    let total = Arc::new(AtomicU64::new(u64::MAX));

    let stayers: Vec<_> = Transport::ALL
        .into_iter()
        .map(|transport| {
            let (server, total) = (Arc::clone(&server), Arc::clone(&total));
            tokio::spawn(async move { stay(&server, seed, transport, &total).await })
        })
        .collect();
    let publisher = {
        let (server, seen, enough, total) = (
            Arc::clone(&server),
            Arc::clone(&seen),
            Arc::clone(&enough),
            Arc::clone(&total),
        );
        tokio::task::spawn_blocking(move || {
            let published = keep_ahead(&server, seed, &seen, &enough);
            total.store(published, Ordering::Relaxed);
        })
    };

    let cutting = Cutting {
        answer_len: 20_000,
        request_len: 600,
        cuts: u64::MAX,
    };
    let proxy = Proxy::start(server.address(), seed, cutting).await;
    let mut cuts = proxy.cuts.clone();
    let mut random = Random::new(seed ^ 2);
    let mut hops = Hops::default();
    let mut switches = 0_u32;
    let mut subscription = subscribe(&proxy, Transport::ALL[random.below(4)]).await;
    let (mut left, mut cut) = (20_usize, false);
    let mut number = 0;
    let mut last = Instant::now();
    while number < total.load(Ordering::Relaxed) {
        let what = format!("hop {switches} on {}", subscription.transport());
        tokio::select! {
            item = subscription.next() => {
                last = Instant::now();
                number += 1;
                assert_is(&item.unwrap().unwrap(), seed, number, &what);
                seen.store(number, Ordering::Relaxed);
                left = left.saturating_sub(1);
            }
            changed = cuts.changed() => {
                changed.unwrap();
                // Half of the time what came before the cut is handed out first.
                left = left.min(if random.percent(50) { 0 } else { random.below(20) });
                cut = true;
            }
            // The client waits before it comes back by itself; a hop does not.
            () = sleep(Duration::from_millis(2)), if cut => left = 0,
            () = sleep(TICK) => {
                assert!(last.elapsed() < PATIENCE, "{what}: nothing behind {number}: {subscription:?}");
            }
        }
        if left == 0 {
            left = 1 + random.below(60);
            cut = false;
            switches += 1;
            // One in ten comes back by the transport it was on.
            let next = if random.percent(10) {
                subscription.transport()
            } else {
                hops.next(subscription.transport(), &mut random)
            };
            subscription.switch(next);
            enough.store(hops.enough() && *cuts.borrow() >= CUTS, Ordering::Relaxed);
        }
    }
    publisher.await.unwrap();
    subscription.close().await;

    let cuts = *cuts.borrow();
    assert!(
        number >= MESSAGES && cuts >= CUTS,
        "{number} messages, {cuts} cuts"
    );
    let fewest = hops.pairs().min().unwrap();
    assert!(
        fewest >= HOPS_A_PAIR,
        "the rarest hop was made {fewest} times"
    );
    let mut own = 0;
    for stayer in stayers {
        own += stayer.await.unwrap();
    }
    peer::say(&format!(
        "hop: {number} messages, {cuts} cuts, {switches} switches, each of 12 hops at least {fewest} times; \
         4 readers that stayed came back from {own} cuts"
    ));
}
