//! A publisher that is cut sends again, and the message is in the channel once.

use tidings_client::{Publish, Publisher};
use tidings_tests::proxy::{Cutting, Proxy};
use tidings_tests::random::Random;
use tidings_tests::{Server, peer};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_publisher_that_is_cut_publishes_each_message_once() {
    let seed = Random::seed();
    println!("TIDINGS_SEED={seed}");
    let server = Server::start(&[]);
    let cutting = Cutting {
        answer_len: 1500,
        request_len: 1500,
        cuts: 25,
    };
    let proxy = Proxy::start(server.address(), seed, cutting).await;
    let mut publisher = Publisher::new(&proxy.url("/channels/once")).unwrap();
    let mut want = Vec::new();
    for number in 0..200 {
        let text = format!("message {number}");
        let mut attempts = 0;
        let key = format!("key-{number}");
        // A server that was never reached is not tried again by itself.
        while let Err(error) = publisher
            .publish(Publish::text(text.clone()).key(key.clone()))
            .await
        {
            attempts += 1;
            assert!(attempts < 10, "{text}: {error}");
        }
        want.push(text);
    }
    let page = server.get("/channels/once?from=earliest&limit=1000");
    assert_eq!(page.data(), want);
    let cuts = *proxy.cuts.borrow();
    assert!(cuts > 10, "{cuts} cuts");
    peer::say(&format!("publisher: 200 messages once each, {cuts} cuts"));
}
