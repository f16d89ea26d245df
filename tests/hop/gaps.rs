//! The gap test: with little history each loss is told, once, with its exact range, on every hop.

use core::time::Duration;

use tidings_client::{GapReason, Item, Start, Subscribe, Transport};
use tidings_tests::proxy::{Cutting, Proxy};
use tidings_tests::published::{MAX, assert_is, message, publish};
use tidings_tests::random::Random;
use tidings_tests::{Server, peer};
use tokio::time::timeout;

const HISTORY: u64 = 50;
const ROUNDS: u64 = 200;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_loss_is_told_once_with_its_exact_range() {
    let seed = Random::seed();
    println!("TIDINGS_SEED={seed}");
    let (max, history) = (MAX.to_string(), HISTORY.to_string());
    let server = Server::start(&["--history", &history, "--max-message", &max]);
    let cutting = Cutting {
        answer_len: 20_000,
        request_len: 300,
        cuts: u64::MAX,
    };
    let proxy = Proxy::start(server.address(), seed, cutting).await;
    let mut cuts = proxy.cuts.clone();
    let mut random = Random::new(seed);
    let mut connection = server.connect();

    let mut subscription = Subscribe::new(&server.url("/channels/gap"))
        .unwrap()
        .via(Transport::LongPoll)
        .start(Start::Earliest)
        .open()
        .await
        .unwrap();
    // Its first position, by the straight way; then through the relay that cuts.
    publish(&mut connection, "/channels/gap", &[message(seed, 1)]);
    let first = subscription.next().await.unwrap().unwrap();
    assert_is(&first, seed, 1, "the first message");
    let after = subscription.position().unwrap().to_owned();
    let mut subscription = None;

    let (mut seen, mut total) = (1, 1);
    let (mut gaps, mut lost) = (0, 0);
    for round in 0..ROUNDS {
        let transport = Transport::ALL[random.below(4)];
        let burst = 1 + random.below(150) as u64;
        let messages: Vec<_> = (1..=burst)
            .map(|step| message(seed, total + step))
            .collect();
        let what = format!("round {round} on {transport}: {burst} messages");
        // Nobody is connected while the burst is published.
        if let Some(subscription) = &mut subscription {
            tidings_client::Subscription::switch(subscription, transport);
        }
        for part in messages.chunks(50) {
            publish(&mut connection, "/channels/gap", part);
        }
        total += burst;
        let oldest = total - HISTORY.min(total) + 1;
        let mut due = (seen + 1 < oldest).then_some((seen + 1, oldest - 1));
        while seen < total {
            let Some(open) = &mut subscription else {
                let asked = Subscribe::new(&proxy.url("/channels/gap")).unwrap();
                let asked = asked.via(transport).start(Start::After(after.clone()));
                subscription = asked.interval(Duration::from_millis(5)).open().await.ok();
                continue;
            };
            let item = tokio::select! {
                item = timeout(Duration::from_secs(30), open.next()) => {
                    item.unwrap_or_else(|_| panic!("{what}: nothing behind {seen} of {total}")).unwrap().unwrap()
                }
                changed = cuts.changed() => {
                    changed.unwrap();
                    open.switch(transport);
                    continue;
                }
            };
            let Item::Gap(gap) = &item else {
                assert_eq!(due, None, "{what}: a loss is told before {item:?}");
                seen += 1;
                assert_is(&item, seed, seen, &what);
                continue;
            };
            let told = gap.first.zip(gap.last);
            assert!(
                told.is_some() && told == due,
                "{what}: told {gap:?}, lost {due:?}"
            );
            assert_eq!(gap.reason, GapReason::Trimmed, "{what}");
            assert!(
                gap.next.ends_with(&format!(".{}", oldest - 1)),
                "{what}: {gap:?}"
            );
            due = None;
            gaps += 1;
            lost += oldest - 1 - seen;
            seen = oldest - 1;
        }
    }
    let cuts = *cuts.borrow();
    assert!(gaps > ROUNDS / 3 && cuts > 50, "{gaps} gaps, {cuts} cuts");
    peer::say(&format!(
        "gap: {total} messages, {gaps} gaps told the {lost} lost ones exactly, {cuts} cuts"
    ));
}
