//! The crowd on a network in memory, with a clock that waits for nobody: one seed, one run.

use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::sync::Arc;

use tidings_client::{Publisher, Subscribe};
use tidings_server::channels::{self, Channels};
use tidings_server::serve::{self, Entropy, serve};
use tidings_tests::peer;
use tidings_tests::random::Random;
use tokio::time::sleep;

use crate::crowd::{Pace, Reader, Told, publish};
use crate::log::{CHANNEL, Log};
use crate::network::{Fates, Network};
use crate::trace::Trace;

const PUBLISHERS: u64 = 3;
const READERS: usize = 50;
/// Seeds of a plain run.
const ROUNDS: u64 = 3;
const PACE: Pace = Pace {
    publish: Duration::from_millis(80),
    lead: None,
    nap: Duration::from_secs(5),
    tick: Duration::from_secs(3),
    patience: Duration::from_secs(15 * 60),
};

/// How large a run is.
#[derive(Debug, Clone, Copy)]
struct Size {
    messages: u64,
    readers: usize,
    history: u64,
}

struct Ran {
    told: Told,
    fates: Fates,
    restarts: u64,
    trace: u64,
    lasted: Duration,
}

/// Runs a seed in a thread of its own: what a thread keeps, such as spare buffers, is no part of the next run.
fn run(seed: u64, size: Size) -> Ran {
    let simulation = move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(simulate(seed, size))
    };
    let thread = std::thread::Builder::new().name(format!("TIDINGS_SEED={seed}"));
    let ran = thread.spawn(simulation).unwrap().join();
    ran.unwrap_or_else(|_| panic!("the run of TIDINGS_SEED={seed} failed, see above"))
}

async fn simulate(seed: u64, size: Size) -> Ran {
    let mut random = Random::new(seed);
    let trace = Trace::new();
    let begun = tokio::time::Instant::now();
    let network = Network::new(random.number(), trace.clone());
    let mut config = channels::Config::default();
    config.hub.max_messages = size.history as usize;
    config.hub.max_octets = usize::MAX;
    config.hub.max_age = None;
    config.hub.max_keys = size.messages as usize;
    config.hub.key_ttl = Duration::from_secs(60 * 60);
    config.entropy = Entropy::seeded(random.number());
    let channels = Channels::new(config);
    let log = Arc::new(Log::new(
        seed,
        size.history,
        PUBLISHERS,
        size.readers,
        channels.clone(),
    ));
    let restarts = Arc::new(AtomicU64::new(0));
    let dice = Random::new(random.number());
    let server = tokio::spawn(keep_serving(
        network.clone(),
        channels,
        dice,
        restarts.clone(),
    ));
    let quiet = tokio::spawn(keep_quiet_now_and_then(
        log.clone(),
        Random::new(random.number()),
    ));

    let url = format!("http://tidings.example/channels/{CHANNEL}");
    let mut crowd = Vec::new();
    for publisher in 0..PUBLISHERS {
        let network = network.clone();
        let via = Publisher::new(&url)
            .unwrap()
            .seed(random.number())
            .connect_with(move |_, _| network.clone().dial(true));
        let numbers = (publisher..size.messages).step_by(PUBLISHERS as usize);
        let dice = Random::new(random.number());
        crowd.push(tokio::spawn(publish(log.clone(), via, numbers, PACE, dice)));
    }
    let mut readers = Vec::new();
    for number in 0..size.readers {
        let (network, url) = (network.clone(), url.clone());
        let seeds = core::cell::RefCell::new(Random::new(random.number()));
        let upgrades = number % 5 != 1;
        let subscribe = move || {
            let network = network.clone();
            let seed = seeds.borrow_mut().number();
            Subscribe::new(&url)
                .unwrap()
                .seed(seed)
                .interval(Duration::from_secs(2))
                .wait(Duration::from_secs(20))
                .connect_with(move |_, _| network.clone().dial(upgrades))
        };
        let reader = Reader {
            number,
            log: log.clone(),
            random: Random::new(random.number()),
            pace: PACE,
            subscribe,
            is_slow: number % 5 == 0,
            transports: if upgrades { 4 } else { 3 },
            told: Told::default(),
            seen: None,
            position: None,
            asked_at: 0,
        };
        readers.push(tokio::spawn(reader.run()));
    }
    for publisher in crowd {
        publisher.await.unwrap();
    }
    let mut told = Told::default();
    for reader in readers {
        let one = reader.await.unwrap();
        trace.add(&[3, one.items, one.gaps, one.lost, one.hops]);
        told.add(&one);
    }
    log.verify(size.messages);
    quiet.abort();
    server.abort();
    Ran {
        told,
        fates: network.fates(),
        restarts: restarts.load(Ordering::Relaxed),
        trace: trace.hash(),
        lasted: begun.elapsed(),
    }
}

/// Serves, and stops in good order now and then, with the same channels.
async fn keep_serving(
    network: Network,
    channels: Channels,
    mut random: Random,
    restarts: Arc<AtomicU64>,
) {
    loop {
        let port = network.listen();
        let mut config = serve::Config::default();
        config.entropy = Entropy::seeded(random.number());
        let handling = channels.clone();
        let handler = move |request| {
            let channels = handling.clone();
            async move { channels.handle(request).await }
        };
        let up = Duration::from_secs(20 + random.below(60) as u64);
        let until = async {
            sleep(up).await;
            network.hang_up();
        };
        serve(port, config, handler, until).await.unwrap();
        restarts.fetch_add(1, Ordering::Relaxed);
        sleep(Duration::from_millis(random.below(2000) as u64)).await;
    }
}

/// Nobody publishes for a while, now and then, so that what a late reader has lost is known exactly.
async fn keep_quiet_now_and_then(log: Arc<Log>, mut random: Random) {
    loop {
        sleep(Duration::from_secs(5 + random.below(10) as u64)).await;
        log.be_quiet(true);
        sleep(Duration::from_secs(4)).await;
        log.be_quiet(false);
    }
}

fn say(seed: u64, ran: &Ran) {
    let Ran { told, fates, .. } = ran;
    let by: Vec<_> = tidings_client::Transport::ALL
        .iter()
        .zip(told.by)
        .map(|(transport, count)| format!("{transport} {count}"))
        .collect();
    peer::say(&format!(
        "lossless: seed {seed}: {} items ({}), {} gaps of {} messages ({} in a silence), {} hops, {} subscriptions ({} failed first), \
         {} connections, {} cuts ({} without a word), {} restarts, {:?} simulated, trace {:016x}",
        told.items,
        by.join(", "),
        told.gaps,
        told.lost,
        told.exact,
        told.hops,
        told.reopened,
        told.failed_opens,
        fates.dialed,
        fates.cuts(),
        fates.holes,
        ran.restarts,
        ran.lasted,
        ran.trace,
    ));
}

#[test]
fn each_reader_gets_the_log_or_is_told_exactly_what_retention_dropped() {
    let size = Size {
        messages: 1200,
        readers: READERS,
        history: 350,
    };
    let rounds = match std::env::var("TIDINGS_ROUNDS") {
        Ok(rounds) => rounds.parse().expect("TIDINGS_ROUNDS is a decimal number"),
        Err(_) if std::env::var("TIDINGS_SEED").is_ok() => 1,
        Err(_) => ROUNDS,
    };
    let (first, next) = (Random::seed(), AtomicU64::new(0));
    println!("TIDINGS_SEED={first} TIDINGS_ROUNDS={rounds}");
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                loop {
                    let round = next.fetch_add(1, Ordering::Relaxed);
                    if round >= rounds {
                        return;
                    }
                    let seed = first.wrapping_add(round);
                    let ran = run(seed, size);
                    say(seed, &ran);
                    assert_is_worth_it(seed, &ran);
                }
            });
        }
    });
}

/// A run in which nothing went wrong proves nothing.
fn assert_is_worth_it(seed: u64, ran: &Ran) {
    let Told {
        by,
        gaps,
        exact,
        hops,
        ..
    } = ran.told;
    let Fates {
        refused,
        resets,
        ends,
        holes,
        ..
    } = ran.fates;
    let least = [
        refused,
        resets,
        ends,
        holes,
        gaps,
        exact,
        hops / 50,
        by.map(|one| one / 500).into_iter().min().unwrap_or(0),
    ];
    assert!(
        least.into_iter().all(|count| count > 2),
        "seed {seed}: {least:?}"
    );
}

#[test]
fn one_seed_is_one_run() {
    let size = Size {
        messages: 300,
        readers: 12,
        history: 60,
    };
    let seed = Random::seed();
    println!("TIDINGS_SEED={seed}");
    let (one, same, other) = (run(seed, size), run(seed, size), run(seed + 1, size));
    assert_eq!((one.trace, one.lasted), (same.trace, same.lasted));
    assert_ne!(one.trace, other.trace);
}
