//! The crowd over TCP, on the clock of the world, through relays that cut by a reset.
//!
//! A plain run is a slice of some seconds. `TIDINGS_MESSAGES` makes it as long as one likes; what happens is told every 10 s.

use core::time::Duration;
use std::sync::Arc;
use std::time::Instant;

use tidings_client::{Publisher, Subscribe};
use tidings_server::channels::{self, Channels};
use tidings_server::serve::{self, serve};
use tidings_tests::peer;
use tidings_tests::proxy::{Cutting, Proxy};
use tidings_tests::random::Random;
use tokio::net::TcpListener;
use tokio::time::sleep;

use crate::crowd::{Pace, Reader, Told, publish};
use crate::log::{CHANNEL, Log};

const PUBLISHERS: u64 = 3;
const READERS: usize = 50;
/// A plain run.
const SLICE: u64 = 800;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_sockets_each_reader_gets_the_log_or_is_told_what_retention_dropped() {
    let messages = match std::env::var("TIDINGS_MESSAGES") {
        Ok(messages) => messages
            .parse()
            .expect("TIDINGS_MESSAGES is a decimal number"),
        Err(_) => SLICE,
    };
    let seed = Random::seed();
    println!("TIDINGS_SEED={seed}");
    let mut random = Random::new(seed);
    let begun = Instant::now();
    let is_long = messages > 20 * SLICE;
    let history = (messages * 3 / 4).min(20_000);
    let pace = Pace {
        publish: Duration::ZERO,
        // Who comes back from a cut waits; a slice does not wait for it.
        lead: is_long.then_some(history / 2),
        nap: Duration::from_millis(300),
        tick: Duration::from_millis(100),
        patience: Duration::from_secs(120),
    };
    let mut config = channels::Config::default();
    config.hub.max_messages = history as usize;
    config.hub.max_octets = usize::MAX;
    config.hub.max_age = None;
    config.hub.max_keys = messages as usize;
    config.hub.max_total_octets = usize::MAX;
    let channels = Channels::new(config);
    let log = Arc::new(Log::new(
        seed,
        history,
        PUBLISHERS,
        READERS,
        channels.clone(),
    ));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let handler = move |request| {
        let channels = channels.clone();
        async move { channels.handle(request).await }
    };
    let ever = core::future::pending::<()>();
    tokio::spawn(serve(listener, serve::Config::default(), handler, ever));

    // A connection carries a few hundred messages in a slice, and ten thousand in a long run; of a publisher, some, and some
    // hundreds.
    let answer_len = (messages as usize * 20).clamp(60_000, 4_000_000);
    let cutting = Cutting {
        answer_len,
        request_len: answer_len / 100,
        cuts: u64::MAX,
    };
    let relay = Proxy::start(address, random.number(), cutting).await;
    let url = relay.url(&format!("/channels/{CHANNEL}"));
    let mut publishers = Vec::new();
    for publisher in 0..PUBLISHERS {
        let via = Publisher::new(&url).unwrap();
        let numbers = (publisher..messages).step_by(PUBLISHERS as usize);
        let dice = Random::new(random.number());
        publishers.push(tokio::spawn(publish(log.clone(), via, numbers, pace, dice)));
    }
    let mut readers = Vec::new();
    for number in 0..READERS {
        let url = url.clone();
        let subscribe = move || {
            let subscribe = Subscribe::new(&url).unwrap();
            let subscribe = subscribe.interval(Duration::from_millis(50));
            subscribe.wait(Duration::from_secs(5))
        };
        let reader = Reader {
            number,
            log: log.clone(),
            random: Random::new(random.number()),
            pace,
            subscribe,
            is_slow: number % 5 == 0,
            transports: 4,
            told: Told::default(),
            seen: None,
            position: None,
            asked_at: 0,
        };
        readers.push(tokio::spawn(reader.run()));
    }
    let telling = {
        let (log, cuts) = (log.clone(), relay.cuts.clone());
        tokio::spawn(async move {
            loop {
                sleep(Duration::from_secs(10)).await;
                peer::say(&format!(
                    "lossless: {:?}: {} of {messages} published, {} handed out, {} cuts",
                    begun.elapsed(),
                    log.top(),
                    log.delivered(),
                    *cuts.borrow()
                ));
            }
        })
    };
    for publisher in publishers {
        publisher.await.unwrap();
    }
    let mut told = Told::default();
    for reader in readers {
        told.add(&reader.await.unwrap());
    }
    telling.abort();
    log.verify(messages);
    let cuts = *relay.cuts.borrow();
    peer::say(&format!(
        "lossless: seed {seed}: {messages} messages to {READERS} readers over sockets: {told:?}, {cuts} cuts, {:?}",
        begun.elapsed()
    ));
    let enough = told.items > messages * READERS as u64 / 4;
    assert!(
        enough && cuts > 50 && told.hops > 200,
        "{told:?}, {cuts} cuts"
    );
}
