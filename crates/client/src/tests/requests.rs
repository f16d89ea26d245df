//! Requests of a caller's own making: content, subprotocols, what is sent, what an error holds.

use super::*;
use crate::{Start, Unsent};

async fn read_request(conn: &mut Conn) -> (String, String) {
    let head = conn.request().await;
    let len = field(&head, "Content-Length").map_or(0, |len| len.parse().unwrap());
    let body = String::from_utf8(conn.read(len).await).unwrap();
    (head, body)
}

fn ask(dialer: &Dialer) -> Subscribe {
    let mut subscribe = Subscribe::new("http://h/v1/messages")
        .unwrap()
        .field("Content-Type", "application/json")
        .field("X-Api-Key", "secret")
        .body(r#"{"stream":true}"#);
    subscribe.dialer = dialer.clone();
    subscribe
}

#[tokio::test(start_paused = true)]
async fn a_request_with_content_is_made_once_and_ends_with_its_answer() {
    let (dialer, mut server) = network();
    let peer = tokio::spawn(async move {
        let mut conn = server.accept().await;
        let (head, body) = read_request(&mut conn).await;
        assert!(head.starts_with("POST /v1/messages HTTP/1.1\r\n"), "{head}");
        assert_eq!(field(&head, "Accept"), Some("text/event-stream"));
        assert_eq!(field(&head, "Content-Type"), Some("application/json"));
        assert_eq!(field(&head, "X-Api-Key"), Some("secret"));
        assert_eq!(field(&head, "Upgrade"), None);
        assert_eq!(body, r#"{"stream":true}"#);
        let events = "event: delta\ndata: a\n\n:\n\ndata: [DONE]\n\n";
        conn.send(format!("{SSE_HEAD}{}0\r\n\r\n", chunk(events)))
            .await;
        drop(conn);
        server
    });
    let mut subscription = ask(&dialer).open().await.unwrap();
    assert_eq!(text(&mut subscription).await, "a");
    assert_eq!(text(&mut subscription).await, "[DONE]");
    assert!(subscription.next().await.is_none(), "the answer is whole");
    assert!(subscription.next().await.is_none());
    assert!(
        peer.await.unwrap().incoming.try_recv().is_err(),
        "made twice"
    );
}

#[tokio::test(start_paused = true)]
async fn a_redirect_that_asks_for_a_get_does_not_take_the_content_along_rfc9110_15_4_4() {
    for (status, is_followed) in [
        (301, false),
        (302, false),
        (303, false),
        (307, true),
        (308, true),
    ] {
        let (dialer, mut server) = network();
        let peer = tokio::spawn(async move {
            let mut conn = server.accept().await;
            read_request(&mut conn).await;
            conn.send(answer(status, "Location: http://g/there\r\n", ""))
                .await;
            let next = tokio::time::timeout(Duration::from_secs(60), server.accept()).await;
            let Ok(mut conn) = next else { return false };
            let (head, body) = read_request(&mut conn).await;
            assert!(head.starts_with("POST /there "), "{head}");
            assert_eq!(body, "secret");
            true
        });
        let mut asked = subscribe(Transport::Sse, &dialer);
        asked = asked.body("secret");
        let opened = tokio::time::timeout(Duration::from_secs(30), asked.open()).await;
        if !is_followed {
            let error = opened.unwrap().unwrap_err();
            assert!(
                matches!(error, Error::Status { status: said, .. } if said == status),
                "{error:?}"
            );
        }
        assert_eq!(peer.await.unwrap(), is_followed, "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_with_content_that_is_cut_is_not_repeated() {
    let (dialer, mut server) = network();
    let peer = tokio::spawn(async move {
        let mut conn = server.accept().await;
        read_request(&mut conn).await;
        conn.send(format!("{SSE_HEAD}{}", chunk("data: a\n\n")))
            .await;
        drop(conn);
        server
    });
    let mut subscription = ask(&dialer).open().await.unwrap();
    assert_eq!(text(&mut subscription).await, "a");
    let error = subscription.next().await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Cut), "{error:?}");
    assert!(subscription.next().await.is_none());
    assert!(
        peer.await.unwrap().incoming.try_recv().is_err(),
        "made twice"
    );
}

#[tokio::test(start_paused = true)]
async fn an_error_holds_the_body_of_the_answer_up_to_8_kib() {
    let json = r#"{"type":"error","error":{"type":"overloaded_error","message":"try later"}}"#;
    let long = "x".repeat(20_000);
    for (body, len, want) in [
        (json, json.len(), "the server answered 529: try later"),
        (&long, 8192, "the server answered 529"),
    ] {
        let (dialer, mut server) = network();
        let sent = body.to_owned();
        let peer = tokio::spawn(async move {
            let mut conn = server.accept().await;
            read_request(&mut conn).await;
            conn.send(answer(529, "Content-Type: application/json\r\n", &sent))
                .await;
            conn.drain().await;
        });
        let error = ask(&dialer).open().await.unwrap_err();
        assert_eq!(error.to_string(), want);
        let Error::Status { body: held, .. } = error else {
            panic!("{error:?}")
        };
        assert_eq!(held, body[..len]);
        peer.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn settings_that_do_not_fit_together_are_refused_before_anything_is_asked() {
    let (dialer, mut server) = network();
    let at = |url: &str| {
        let mut subscribe = Subscribe::new(url).unwrap();
        subscribe.dialer = dialer.clone();
        subscribe
    };
    let rows = [
        at("http://h/").body("x").via(Transport::LongPoll),
        at("ws://h/").body("x"),
        at("http://h/").method("QUERY").via(Transport::WebSocket),
        at("http://h/").subprotocol("p").via(Transport::Sse),
        at("http://h/channels/a")
            .subprotocol("p")
            .join("b", Start::Latest),
    ];
    for subscribe in rows {
        let error = subscribe.open().await.unwrap_err();
        assert!(matches!(error, Error::Setting(_)), "{error:?}");
    }
    let error = at("ws://h/").subprotocol("a b").open().await.unwrap_err();
    assert!(matches!(error, Error::Setting(_)), "{error:?}");
    drop(server.incoming.try_recv());
}

#[tokio::test(start_paused = true)]
async fn a_subprotocol_of_the_callers_takes_the_place_of_ours() {
    let (dialer, mut server) = network();
    let peer = tokio::spawn(async move {
        let mut conn = server.accept().await;
        let request = conn.request().await;
        assert_eq!(
            field(&request, "Sec-WebSocket-Protocol"),
            Some("mqtt, chat")
        );
        conn.send(upgrade(&request, Some("chat"))).await;
        let frame = conn.read(6 + 2).await;
        assert_eq!(frame[..2], [0x81, 0x82], "a frame as it is");
        conn.send(text_frame(r#"{"position":"e.1"}"#)).await;
        conn.drain().await;
    });
    let mut subscribe = Subscribe::new("http://h/chat")
        .unwrap()
        .subprotocol("mqtt")
        .subprotocol("chat");
    subscribe.dialer = dialer;
    let mut subscription = subscribe.open().await.unwrap();
    subscription.send(&Data::Text("hi".into())).unwrap();
    assert_eq!(text(&mut subscription).await, r#"{"position":"e.1"}"#);
    drop(subscription);
    peer.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_sent_is_handed_back() {
    for transport in [Transport::ShortPoll, Transport::LongPoll, Transport::Sse] {
        let (dialer, mut server) = network();
        let peer = tokio::spawn(async move {
            let mut conn = server.accept().await;
            greet(&mut conn, transport).await;
            conn.drain().await;
        });
        let mut subscription = open(transport, &dialer).await.unwrap();
        assert!(!subscription.can_send());
        let error = subscription.send(&Data::Text(String::new())).unwrap_err();
        let Error::Unsent { why } = error else {
            panic!("{error:?}")
        };
        assert_eq!(why, Unsent::NotWebSocket, "{transport}");
        drop(subscription);
        peer.await.unwrap();
    }
    let (dialer, mut server) = network();
    let peer = tokio::spawn(async move {
        let mut conn = server.accept().await;
        greet(&mut conn, Transport::WebSocket).await;
        drop(conn);
        server.accept().await
    });
    let mut subscription = open(Transport::WebSocket, &dialer).await.unwrap();
    let piece = Data::Text("x".repeat(300_000));
    let mut count = 0;
    while subscription.can_send() {
        subscription.send(&piece).unwrap();
        count += 1;
    }
    assert_eq!(count, 4, "more than 1 MiB waits");
    let full = subscription.send(&piece).unwrap_err();
    assert!(
        matches!(full, Error::Unsent { why: Unsent::Full }),
        "{full:?}"
    );
    tokio::select! {
        item = subscription.next() => panic!("{item:?}"),
        conn = peer => drop(conn.unwrap()),
    }
    assert!(!subscription.can_send());
    let error = subscription.send(&piece).unwrap_err();
    assert!(
        matches!(
            error,
            Error::Unsent {
                why: Unsent::NotOpen
            }
        ),
        "{error:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_start_that_is_given_is_asked_for_in_the_query_over_every_transport() {
    for transport in Transport::ALL {
        let (dialer, mut server) = network();
        let peer = tokio::spawn(async move {
            let mut conn = server.accept().await;
            let request = conn.request().await;
            let target = "GET /channels/c?after=no%20position HTTP/1.1\r\n";
            assert!(request.starts_with(target), "{request}");
            assert_eq!(field(&request, "Last-Event-ID"), None);
            assert_eq!(field(&request, "If-None-Match"), None);
            conn.send(answer(400, "", r#"{"detail":"after is out of form"}"#))
                .await;
            conn.drain().await;
        });
        let subscribe = subscribe(transport, &dialer).start(Start::After("no position".into()));
        let error = subscribe.open().await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "the server answered 400: after is out of form",
            "{transport}"
        );
        peer.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_foreign_event_stream_is_started_by_its_own_field() {
    let (dialer, mut server) = network();
    let peer = tokio::spawn(async move {
        let request = server.accept().await.request().await;
        assert!(request.starts_with("GET /feed HTTP/1.1\r\n"), "{request}");
        assert_eq!(field(&request, "Last-Event-ID"), Some("42"));
    });
    let mut subscribe = Subscribe::new("http://h/feed").unwrap().via(Transport::Sse);
    subscribe.dialer = dialer;
    let error = subscribe
        .start(Start::After("42".into()))
        .open()
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Cut), "{error:?}");
    peer.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn polls_and_streams_ask_for_no_cached_answer() {
    for transport in [Transport::ShortPoll, Transport::LongPoll, Transport::Sse] {
        let (dialer, mut server) = network();
        let peer = tokio::spawn(async move {
            let mut conn = server.accept().await;
            let request = greet(&mut conn, transport).await;
            assert_eq!(
                field(&request, "Cache-Control"),
                Some("no-cache"),
                "{transport}"
            );
        });
        open(transport, &dialer).await.unwrap();
        peer.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_was_away_finds_what_came_and_not_a_silence() {
    let (dialer, mut server) = network();
    let peer = tokio::spawn(async move {
        let mut conn = server.accept().await;
        greet(&mut conn, Transport::Sse).await;
        for n in 1..=10 {
            tokio::time::sleep(Duration::from_secs(15)).await;
            conn.send(chunk(&format!("id: e.{n}\ndata: {n}\n\n"))).await;
        }
        tokio::select! {
            _ = server.accept() => panic!("it came back"),
            _ = conn.drain() => {}
        }
    });
    let mut subscription = open(Transport::Sse, &dialer).await.unwrap();
    for away in [100, 46] {
        tokio::time::sleep(Duration::from_secs(away)).await;
        let n = text(&mut subscription).await;
        assert_eq!(subscription.position().unwrap(), format!("e.{n}"));
    }
    drop(subscription);
    peer.await.unwrap();
}

#[cfg(feature = "deflate")]
#[tokio::test(start_paused = true)]
async fn compression_is_offered_where_it_is_switched_on_rfc7692_5() {
    for on in [false, true] {
        let (dialer, mut server) = network();
        let peer = tokio::spawn(async move {
            let mut conn = server.accept().await;
            let request = conn.request().await;
            let offer = field(&request, "Sec-WebSocket-Extensions");
            assert_eq!(offer.is_some(), on);
            let mut octets = upgrade(&request, None);
            if let Some(offer) = offer {
                assert!(offer.starts_with("permessage-deflate"), "{offer}");
                let at = octets.len() - 2;
                let answer = "Sec-WebSocket-Extensions: permessage-deflate; \
                    server_no_context_takeover; client_no_context_takeover\r\n";
                octets.splice(at..at, answer.bytes());
                // RFC 7692 §7.2.3.1: "Hello", compressed.
                octets.extend(b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00");
            } else {
                octets.extend(text_frame("Hello"));
            }
            conn.send(octets).await;
            if on {
                let frame = conn.read(2).await;
                assert_eq!(frame[0], 0xc1, "compressed");
            }
            conn.drain().await;
        });
        let mut subscribe = Subscribe::new("ws://h/feed").unwrap().deflate(on);
        subscribe.dialer = dialer;
        let mut subscription = subscribe.open().await.unwrap();
        assert_eq!(text(&mut subscription).await, "Hello");
        subscription.send(&Data::Text("x".repeat(1000))).unwrap();
        subscription.close().await;
        peer.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn messages_come_though_the_peer_takes_nothing_before_they_are_read() {
    let (dialer, mut server) = network();
    let (sent, was_sent) = tokio::sync::oneshot::channel();
    let (delivered, was_delivered) = tokio::sync::oneshot::channel();
    let peer = tokio::spawn(async move {
        let mut conn = server.accept().await;
        greet(&mut conn, Transport::WebSocket).await;
        was_sent.await.unwrap();
        conn.send(text_frame(r#"{"id":"e.1","data":"a"}"#)).await;
        was_delivered.await.unwrap();
        conn.drain().await;
    });
    let mut subscription = open(Transport::WebSocket, &dialer).await.unwrap();
    // More than the connection holds.
    subscription.send(&Data::Text("x".repeat(300_000))).unwrap();
    sent.send(()).unwrap();
    let came = tokio::time::timeout(Duration::from_secs(5), subscription.next()).await;
    assert!(matches!(came, Ok(Some(Ok(Item::Message(_))))), "{came:?}");
    delivered.send(()).unwrap();
    drop(subscription);
    peer.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_drawn_follows_from_the_seed() {
    let (dialer, mut server) = network();
    let mut keys = Vec::new();
    for seed in [Some(1), Some(1), Some(2), None, None] {
        let mut asked = subscribe(Transport::WebSocket, &dialer);
        if let Some(seed) = seed {
            asked = asked.seed(seed);
        }
        let opening = tokio::spawn(asked.open());
        let mut conn = server.accept().await;
        let request = greet(&mut conn, Transport::WebSocket).await;
        keys.push(field(&request, "Sec-WebSocket-Key").unwrap().to_owned());
        opening.await.unwrap().unwrap();

        let mut publisher = crate::Publisher::new("http://h/channels/c").unwrap();
        publisher = publisher.dialer(dialer.clone());
        if let Some(seed) = seed {
            publisher = publisher.seed(seed);
        }
        let publishing = tokio::spawn(async move {
            let message = crate::Publish::text("");
            publisher.publish(message).await.unwrap();
        });
        let mut conn = server.accept().await;
        let request = conn.request().await;
        keys.push(field(&request, "Idempotency-Key").unwrap().to_owned());
        conn.send(answer(200, "", r#"{"id":"e.1"}"#)).await;
        publishing.await.unwrap();
    }
    assert_eq!(keys[..2], keys[2..4]);
    let distinct: std::collections::BTreeSet<_> = keys[2..].iter().collect();
    assert_eq!(distinct.len(), keys.len() - 2, "{keys:?}");
}
