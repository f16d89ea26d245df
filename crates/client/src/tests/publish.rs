//! Publishing: what is sent, one connection, and the key that makes a repetition safe.

use super::*;
use crate::{EndReason, Publish, Publisher};

fn publisher(dialer: &Dialer) -> Publisher {
    Publisher::new("http://h/channels/c")
        .unwrap()
        .dialer(dialer.clone())
}

/// Reads a POST: its head and its body.
async fn post(conn: &mut Conn) -> (String, Vec<u8>) {
    let head = conn.request().await;
    let len = field(&head, "Content-Length")
        .expect("a length")
        .parse()
        .unwrap();
    let body = conn.read(len).await;
    (head, body)
}

fn published(id: &str) -> String {
    answer(200, "", &format!(r#"{{"id":"{id}"}}"#))
}

#[tokio::test(start_paused = true)]
async fn messages_go_over_one_connection_each_under_its_own_key() {
    let (dialer, mut server) = network();
    let peer = tokio::spawn(async move {
        let mut conn = server.accept().await;
        let mut keys = std::collections::HashSet::new();
        for (n, target, media_type, body) in [
            (1, "/channels/c", "text/plain; charset=utf-8", &b"one\n"[..]),
            (
                2,
                "/channels/c?event=tick",
                "text/plain; charset=utf-8",
                b"",
            ),
            (3, "/channels/c", "application/octet-stream", b"\x00\xff"),
        ] {
            let (head, got) = post(&mut conn).await;
            assert!(
                head.starts_with(&format!("POST {target} HTTP/1.1\r\n")),
                "{head}"
            );
            assert_eq!(field(&head, "Content-Type"), Some(media_type));
            assert_eq!(field(&head, "Authorization"), Some("Bearer k"));
            assert_eq!(got, body);
            let key = field(&head, "Idempotency-Key").unwrap();
            assert_eq!(key.len(), 32);
            assert!(keys.insert(key.to_owned()));
            conn.send(published(&format!("e.{n}"))).await;
        }
        let (head, _) = post(&mut conn).await;
        assert_eq!(field(&head, "Idempotency-Key"), Some("mine"));
        conn.send(published("e.4")).await;
        conn.drain().await;
        assert!(server.incoming.try_recv().is_err());
    });
    let mut publisher = publisher(&dialer).field("Authorization", "Bearer k");
    let messages = [
        Publish::text("one\n"),
        Publish::text("").event("tick"),
        Publish::binary(&b"\x00\xff"[..]),
        Publish::text("x").key("mine"),
    ];
    for (n, message) in (1..).zip(messages) {
        assert_eq!(publisher.publish(message).await.unwrap(), format!("e.{n}"));
    }
    drop(publisher);
    peer.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_server_without_room_for_keys_gets_messages_without_and_none_of_unknown_fate_again() {
    let (dialer, mut server) = network();
    let peer = tokio::spawn(async move {
        let mut conn = server.accept().await;
        let (head, first) = post(&mut conn).await;
        assert!(field(&head, "Idempotency-Key").is_some());
        conn.send(answer(429, "Retry-After: 20\r\n", "")).await;
        let (head, again) = post(&mut conn).await;
        assert_eq!(field(&head, "Idempotency-Key"), None);
        assert_eq!(first, again);
        conn.send(published("e.1")).await;
        // Refused, so not in the channel: repeated.
        let (head, _) = post(&mut conn).await;
        assert_eq!(field(&head, "Idempotency-Key"), None);
        conn.send(answer(503, "Retry-After: 1\r\n", "")).await;
        post(&mut conn).await;
        conn.send(published("e.2")).await;
        // Cut after the request: nobody knows, so it is not.
        post(&mut conn).await;
        drop(conn);
        // Keys are tried again after their time.
        let mut conn = server.accept().await;
        let (head, _) = post(&mut conn).await;
        assert!(field(&head, "Idempotency-Key").is_some());
        conn.send(published("e.4")).await;
        conn.drain().await;
    });
    let mut publisher = publisher(&dialer);
    let started = tokio::time::Instant::now();
    assert_eq!(publisher.publish(Publish::text("1")).await.unwrap(), "e.1");
    assert_eq!(started.elapsed(), Duration::ZERO, "sent again at once");
    assert_eq!(publisher.publish(Publish::text("2")).await.unwrap(), "e.2");
    let error = publisher.publish(Publish::text("3")).await.unwrap_err();
    assert!(matches!(error, Error::Cut | Error::Io(_)), "{error:?}");
    tokio::time::sleep(Duration::from_secs(5 * 60)).await;
    assert_eq!(publisher.publish(Publish::text("4")).await.unwrap(), "e.4");
    drop(publisher);
    peer.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_message_without_a_key_that_a_gateway_may_have_passed_on_is_not_sent_again() {
    for status in [500, 502, 504] {
        let (dialer, mut server) = network();
        let peer = tokio::spawn(async move {
            let mut conn = server.accept().await;
            post(&mut conn).await;
            conn.send(answer(429, "", "")).await;
            post(&mut conn).await;
            conn.send(answer(status, "", "")).await;
            assert_eq!(conn.drain().await, b"", "{status}");
        });
        let mut publisher = publisher(&dialer);
        let error = publisher.publish(Publish::text("1")).await.unwrap_err();
        assert!(
            matches!(error, Error::Status { status: said, .. } if said == status),
            "{error:?}"
        );
        drop(publisher);
        peer.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_repeated_publish_carries_the_same_key() {
    let (dialer, mut server) = network();
    let peer = tokio::spawn(async move {
        // Cut without an answer; cut inside the answer; refused for a while; served.
        let mut conn = server.accept().await;
        let (first, body) = post(&mut conn).await;
        drop(conn);
        let mut conn = server.accept().await;
        let (second, _) = post(&mut conn).await;
        conn.send(&published("e.1").as_bytes()[..30]).await;
        drop(conn);
        let mut conn = server.accept().await;
        let (third, _) = post(&mut conn).await;
        conn.send(answer(503, "Retry-After: 3\r\n", "")).await;
        let refused = tokio::time::Instant::now();
        // The connection is kept, and lapses.
        drop(conn);
        let mut conn = server.accept().await;
        let (fourth, again) = post(&mut conn).await;
        assert!(refused.elapsed() >= Duration::from_secs(3));
        conn.send(published("e.1")).await;
        assert_eq!(body, again);
        let heads = [first, second, third, fourth];
        let keys: Vec<_> = heads
            .iter()
            .map(|head| field(head, "Idempotency-Key"))
            .collect();
        assert!(
            keys.iter().all(|key| key.is_some() && *key == keys[0]),
            "{keys:?}"
        );
        conn.drain().await;
    });
    let mut publisher = publisher(&dialer);
    assert_eq!(publisher.publish(Publish::text("x")).await.unwrap(), "e.1");
    drop(publisher);
    peer.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_kept_connection_that_lapsed_is_replaced_at_once() {
    let (dialer, mut server) = network();
    let peer = tokio::spawn(async move {
        let mut conn = server.accept().await;
        post(&mut conn).await;
        conn.send(published("e.1")).await;
        drop(conn);
        let mut conn = server.accept().await;
        post(&mut conn).await;
        conn.send(published("e.2")).await;
    });
    let mut publisher = publisher(&dialer);
    publisher.publish(Publish::text("x")).await.unwrap();
    let begun = tokio::time::Instant::now();
    assert_eq!(publisher.publish(Publish::text("y")).await.unwrap(), "e.2");
    assert_eq!(begun.elapsed(), Duration::ZERO);
    peer.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_said_and_not_repeated() {
    for status in [400, 401, 403, 404, 405, 413, 415, 422, 507] {
        let (dialer, mut server) = network();
        let peer = tokio::spawn(async move {
            let mut conn = server.accept().await;
            post(&mut conn).await;
            conn.send(answer(status, "", r#"{"detail":"no"}"#)).await;
            conn.drain().await;
            assert!(server.incoming.try_recv().is_err());
        });
        let mut publisher = publisher(&dialer);
        let error = publisher.publish(Publish::text("x")).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("the server answered {status}: no")
        );
        drop(publisher);
        peer.await.unwrap();
    }
    let (dialer, mut server) = network();
    let peer = tokio::spawn(async move {
        let mut conn = server.accept().await;
        post(&mut conn).await;
        conn.send(answer(410, "", "")).await;
    });
    let error = publisher(&dialer)
        .publish(Publish::text("x"))
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            Error::Ended {
                reason: EndReason::Deleted
            }
        ),
        "{error:?}"
    );
    peer.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_server_that_was_never_reached_is_not_tried_again() {
    let (dialer, server) = network();
    drop(server);
    let begun = tokio::time::Instant::now();
    let error = publisher(&dialer)
        .publish(Publish::text("x"))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Connect { .. }), "{error:?}");
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn attempts_are_counted() {
    let (dialer, mut server) = network();
    let peer = tokio::spawn(async move {
        let mut count = 0;
        while let Some(conn) = server.incoming.recv().await {
            post(&mut Conn::new(conn)).await;
            count += 1;
        }
        count
    });
    let mut publisher = publisher(&dialer);
    let error = publisher.publish(Publish::text("x")).await.unwrap_err();
    assert!(matches!(error, Error::Cut), "{error:?}");
    drop((publisher, dialer));
    assert_eq!(peer.await.unwrap(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_comes_before_the_body_is_read_is_understood() {
    let (dialer, mut server) = network();
    let peer = tokio::spawn(async move {
        let mut conn = server.accept().await;
        conn.request().await;
        conn.send(answer(
            413,
            "Connection: close\r\n",
            r#"{"detail":"too large"}"#,
        ))
        .await;
    });
    let message = Publish::text("x".repeat(1 << 20));
    let error = publisher(&dialer).publish(message).await.unwrap_err();
    assert_eq!(error.to_string(), "the server answered 413: too large");
    peer.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_dropped_publish_does_not_spoil_the_next() {
    let (dialer, mut server) = network();
    let peer = tokio::spawn(async move {
        let mut conn = server.accept().await;
        post(&mut conn).await;
        let mut again = server.accept().await;
        let (_, body) = post(&mut again).await;
        assert_eq!(body, b"y");
        again.send(published("e.2")).await;
        again.drain().await;
        drop(conn);
    });
    let mut publisher = publisher(&dialer);
    let second = Duration::from_secs(1);
    assert!(
        tokio::time::timeout(second, publisher.publish(Publish::text("x")))
            .await
            .is_err()
    );
    assert_eq!(publisher.publish(Publish::text("y")).await.unwrap(), "e.2");
    drop(publisher);
    peer.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn every_future_may_run_in_a_task_of_its_own() {
    let (dialer, server) = network();
    drop(server);
    let mut publisher = publisher(&dialer);
    let published = tokio::spawn(async move { publisher.publish(Publish::text("x")).await });
    assert!(published.await.unwrap().is_err());
    let subscribe = subscribe(Transport::Sse, &dialer);
    let followed = tokio::spawn(async move {
        let mut subscription = subscribe.open().await?;
        let _ = subscription.next().await;
        subscription.close().await;
        Ok::<(), Error>(())
    });
    assert!(followed.await.unwrap().is_err());
}
