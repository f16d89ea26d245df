//! A dropped future of `next` loses nothing, wherever it was.

use super::*;
use crate::Start;

/// Serves two messages over each of many connections, one octet a millisecond.
async fn drip(server: &mut Server, transport: Transport) {
    for n in (1..).step_by(2) {
        let mut conn = server.accept().await;
        let request = conn.request().await;
        let (a, b) = (n, n + 1);
        let octets = match transport {
            Transport::ShortPoll | Transport::LongPoll => {
                let page = page(
                    &format!("e.{b}"),
                    &[
                        (&format!("e.{a}"), &a.to_string()),
                        (&format!("e.{b}"), &b.to_string()),
                    ],
                );
                answer(200, "Connection: close\r\n", &page).into_bytes()
            }
            Transport::Sse => format!(
                "{SSE_HEAD}{}{}",
                chunk(&format!("retry: 100\nid: e.{a}\ndata: {a}\n\n")),
                chunk(&format!("id: e.{b}\ndata: {b}\n\n"))
            )
            .into_bytes(),
            Transport::WebSocket => {
                let mut octets = upgrade(&request, Some("tidings.v1"));
                for n in [a, b] {
                    octets.extend(text_frame(&format!(r#"{{"id":"e.{n}","data":"{n}"}}"#)));
                    octets.extend(frame(9, b"ping"));
                }
                octets
            }
        };
        for octet in octets {
            conn.send([octet]).await;
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_future_dropped_at_every_await_loses_nothing() {
    for transport in Transport::ALL {
        // Connecting takes longer than any one call of `next` lives.
        let (dialer, mut server) = network_with_delay(Duration::from_millis(20));
        let peer = tokio::spawn(async move { drip(&mut server, transport).await });
        let subscribe = subscribe(transport, &dialer)
            .start(Start::Earliest)
            .interval(Duration::from_millis(10));
        let mut subscription = subscribe.open().await.unwrap();
        let mut dropped = 0_u32;
        let mut got = Vec::new();
        while got.len() < 8 {
            tokio::select! {
                biased;
                item = subscription.next() => match item {
                    Some(Ok(Item::Message(Message { data: Data::Text(text), .. }))) => got.push(text),
                    other => panic!("{transport}: {other:?}"),
                },
                () = tokio::time::sleep(Duration::from_millis(1)) => dropped += 1,
            }
        }
        assert_eq!(got, ["1", "2", "3", "4", "5", "6", "7", "8"], "{transport}");
        assert!(dropped > 400, "{transport}: {dropped}");
        peer.abort();
    }
}

#[tokio::test(start_paused = true)]
async fn a_future_polled_once_and_dropped_loses_nothing() {
    for transport in Transport::ALL {
        let (dialer, mut server) = network();
        let peer = tokio::spawn(async move { drip(&mut server, transport).await });
        let subscribe = subscribe(transport, &dialer)
            .start(Start::Earliest)
            .interval(Duration::from_millis(10));
        let mut subscription = subscribe.open().await.unwrap();
        let mut got = Vec::new();
        while got.len() < 6 {
            let polled = core::future::poll_fn(|cx| {
                let next = core::pin::pin!(subscription.next());
                core::task::Poll::Ready(next.poll(cx))
            })
            .await;
            match polled {
                core::task::Poll::Pending => tokio::time::sleep(Duration::from_micros(700)).await,
                core::task::Poll::Ready(Some(Ok(Item::Message(message)))) => got.push(message.data),
                core::task::Poll::Ready(other) => panic!("{transport}: {other:?}"),
            }
        }
        let want: Vec<_> = (1..=6).map(|n| Data::Text(n.to_string())).collect();
        assert_eq!(got, want, "{transport}");
        peer.abort();
    }
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_was_away_finds_the_first_octets_and_not_a_silence() {
    for _ in 0..8 {
        let (dialer, mut server) = network();
        let peer = tokio::spawn(async move {
            let mut conn = server.accept().await;
            greet(&mut conn, Transport::WebSocket).await;
            drop(conn);
            let mut conn = server.accept().await;
            let request = conn.request().await;
            conn.send(upgrade(&request, Some("tidings.v1"))).await;
            tokio::time::sleep(Duration::from_secs(3)).await;
            conn.send(text_frame(r#"{"position":"e.0"}"#)).await;
            conn.send(text_frame(r#"{"id":"e.1","data":"a"}"#)).await;
            conn.drain().await;
        });
        let mut asked = Subscribe::new("http://h/channels/c").unwrap();
        asked.dialer = dialer;
        let mut subscription = asked.open().await.unwrap();
        let chosen = subscription.next().await.unwrap().unwrap();
        assert!(matches!(chosen, Item::Transport(_)));
        // It is cut, connects again, and is accepted.
        let poll = tokio::time::timeout(Duration::from_millis(1100), subscription.next());
        assert!(poll.await.is_err());
        tokio::time::sleep(Duration::from_secs(10)).await;
        assert_eq!(text(&mut subscription).await, "a");
        drop(subscription);
        peer.await.unwrap();
    }
}
