//! Many channels in one subscription: over one WebSocket, else over a request each.

use serde_json::{Value, json};

use super::*;
use crate::{EndReason, Start};

/// Reads a masked text frame of a client.
async fn command(conn: &mut Conn) -> Value {
    loop {
        let head = conn.read(2).await;
        let len = match head[1] & 0x7f {
            126 => {
                let len = conn.read(2).await;
                usize::from(u16::from_be_bytes([len[0], len[1]]))
            }
            len => usize::from(len),
        };
        let key = conn.read(4).await;
        let masked = conn.read(len).await;
        if head[0] == 0x81 {
            let text: Vec<_> = masked
                .iter()
                .zip(key.iter().cycle())
                .map(|(a, b)| a ^ b)
                .collect();
            return serde_json::from_slice(&text).unwrap();
        }
    }
}

async fn say(conn: &mut Conn, envelope: Value) {
    conn.send(text_frame(&envelope.to_string())).await;
}

fn many(transport: Transport, dialer: &Dialer) -> Subscribe {
    subscribe(transport, dialer)
        .start(Start::Earliest)
        .join("b", Start::Earliest)
        .join("x/y", Start::After("f.3".into()))
}

/// The channel and the text of the next message.
async fn of_channel(subscription: &mut Subscription) -> (Option<String>, Data) {
    let message = message(subscription).await;
    (message.channel, message.data)
}

fn text_of(channel: Option<&str>, data: &str) -> (Option<String>, Data) {
    (channel.map(str::to_owned), Data::Text(data.to_owned()))
}

#[tokio::test(start_paused = true)]
async fn one_websocket_carries_all_channels_and_resumes_each_at_its_own_position() {
    let (dialer, mut server) = network();
    let peer = tokio::spawn(async move {
        let mut conn = server.accept().await;
        greet(&mut conn, Transport::WebSocket).await;
        let first = command(&mut conn).await;
        assert_eq!(first["subscribe"], "b");
        assert_eq!(
            (&first["from"], &first["after"]),
            (&json!("earliest"), &Value::Null)
        );
        let second = command(&mut conn).await;
        assert_eq!(
            (&second["subscribe"], &second["after"]),
            (&json!("x/y"), &json!("f.3"))
        );
        assert_ne!(first["ref"], second["ref"]);
        say(
            &mut conn,
            json!({"channel": "b", "id": "g.9", "data": "of an earlier life"}),
        )
        .await;
        say(
            &mut conn,
            json!({"position": "g.0", "channel": "b", "ref": first["ref"]}),
        )
        .await;
        say(
            &mut conn,
            json!({"channel": "b", "id": "g.1", "data": "b1"}),
        )
        .await;
        say(&mut conn, json!({"id": "e.1", "data": "a1"})).await;
        say(
            &mut conn,
            json!({"position": "f.3", "channel": "x/y", "ref": second["ref"]}),
        )
        .await;
        let gap =
            json!({"reason": "trimmed", "asked": "f.3", "first": 4, "last": 5, "next": "f.5"});
        say(&mut conn, json!({"channel": "x/y", "gap": gap})).await;
        say(
            &mut conn,
            json!({"channel": "nobody's", "id": "h.1", "data": "x"}),
        )
        .await;
        drop(conn);

        let mut conn = server.accept().await;
        let request = greet(&mut conn, Transport::WebSocket).await;
        assert!(
            request.starts_with("GET /channels/c?after=e.1 "),
            "{request}"
        );
        let (b, xy) = (command(&mut conn).await, command(&mut conn).await);
        assert_eq!((&b["subscribe"], &b["after"]), (&json!("b"), &json!("g.1")));
        assert_eq!(
            (&xy["subscribe"], &xy["after"]),
            (&json!("x/y"), &json!("f.5"))
        );
        say(
            &mut conn,
            json!({"position": "g.1", "channel": "b", "ref": b["ref"]}),
        )
        .await;
        say(
            &mut conn,
            json!({"channel": "b", "id": "g.2", "data_base64": "AA=="}),
        )
        .await;
        say(&mut conn, json!({"channel": "b", "deleted": true})).await;
        say(
            &mut conn,
            json!({"error": {"code": "channel", "message": "no"}, "ref": xy["ref"]}),
        )
        .await;
        say(&mut conn, json!({"id": "e.2", "data": "a2"})).await;
        let more = command(&mut conn).await;
        assert_eq!(
            (&more["subscribe"], &more["from"]),
            (&json!("d"), &json!("-5"))
        );
        say(
            &mut conn,
            json!({"position": "i.0", "channel": "d", "ref": more["ref"]}),
        )
        .await;
        say(
            &mut conn,
            json!({"channel": "d", "id": "i.1", "data": "d1"}),
        )
        .await;
        assert_eq!(command(&mut conn).await, json!({"unsubscribe": "d"}));
        say(
            &mut conn,
            json!({"channel": "d", "id": "i.2", "data": "too late"}),
        )
        .await;
        say(&mut conn, json!({"unsubscribed": "d"})).await;
        say(&mut conn, json!({"id": "e.3", "data": "a3"})).await;
        conn.drain().await;
    });
    let mut subscription = many(Transport::WebSocket, &dialer).open().await.unwrap();
    assert_eq!(
        of_channel(&mut subscription).await,
        text_of(Some("b"), "b1")
    );
    assert_eq!(of_channel(&mut subscription).await, text_of(None, "a1"));
    let Some(Ok(Item::Gap(gap))) = subscription.next().await else {
        panic!("a gap is due")
    };
    assert_eq!((gap.channel.as_deref(), gap.first), (Some("x/y"), Some(4)));
    assert_eq!(subscription.position(), Some("e.1"));
    assert_eq!(subscription.position_of("b"), Some("g.1"));
    assert_eq!(subscription.position_of("x/y"), Some("f.5"));
    assert_eq!(subscription.position_of("d"), None);
    let binary = (
        Some("b".to_owned()),
        Data::Binary(bytes::Bytes::from_static(b"\0")),
    );
    assert_eq!(of_channel(&mut subscription).await, binary);
    for (channel, reason) in [
        ("b", EndReason::Deleted),
        (
            "x/y",
            EndReason::Refused {
                code: "channel".into(),
                message: "no".into(),
            },
        ),
    ] {
        let Some(Ok(Item::Left(left))) = subscription.next().await else {
            panic!("{channel} is left")
        };
        assert_eq!((left.channel.as_str(), left.reason), (channel, reason));
    }
    assert_eq!(of_channel(&mut subscription).await, text_of(None, "a2"));
    subscription.join("d", Start::Back(5)).unwrap();
    assert_eq!(
        of_channel(&mut subscription).await,
        text_of(Some("d"), "d1")
    );
    assert!(subscription.leave("d") && !subscription.leave("d"));
    assert_eq!(of_channel(&mut subscription).await, text_of(None, "a3"));
    drop(subscription);
    peer.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn without_a_websocket_each_channel_has_a_request_of_its_own() {
    for transport in [Transport::Sse, Transport::LongPoll, Transport::ShortPoll] {
        let (dialer, mut server) = network();
        let peer = tokio::spawn(async move {
            let mut targets = Vec::new();
            let mut conns = Vec::new();
            for _ in 0..3 {
                let mut conn = server.accept().await;
                let request = conn.request().await;
                let target = request.split(' ').nth(1).unwrap().to_owned();
                let octets = match (transport, target.starts_with("/channels/x%2Fy")) {
                    (_, true) => answer(403, "", r#"{"detail":"not for you"}"#),
                    (Transport::Sse, false) => {
                        let event = format!("id: e.7\ndata: {target}\n\n");
                        format!("{SSE_HEAD}{}", chunk(&event))
                    }
                    (_, false) => answer(200, "", &page("e.7", &[("e.7", &target)])),
                };
                conn.send(octets).await;
                targets.push(target);
                conns.push(conn);
            }
            targets.sort();
            targets
        });
        let mut subscription = many(transport, &dialer).open().await.unwrap();
        let (mut own, mut joined, mut left) = (0, 0, 0);
        while own + joined + left < 3 {
            match subscription.next().await.unwrap().unwrap() {
                Item::Message(message) if message.channel.is_none() => own += 1,
                Item::Message(message) => {
                    assert_eq!(message.channel.as_deref(), Some("b"));
                    assert_eq!(message.data, Data::Text("/channels/b?from=earliest".into()));
                    joined += 1;
                }
                Item::Left(gone) => {
                    assert_eq!(gone.channel, "x/y");
                    let said = gone.reason.to_string();
                    assert!(
                        said.contains("403") && said.contains("not for you"),
                        "{said}"
                    );
                    left += 1;
                }
                other => panic!("{transport}: {other:?}"),
            }
        }
        assert_eq!((own, joined, left), (1, 1, 1), "{transport}");
        assert_eq!(subscription.position_of("b"), Some("e.7"), "{transport}");
        assert_eq!(
            peer.await.unwrap(),
            [
                "/channels/b?from=earliest",
                "/channels/c?from=earliest",
                "/channels/x%2Fy?after=f.3"
            ],
            "{transport}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_of_transport_takes_every_channel_with_its_position() {
    let (dialer, mut server) = network();
    let peer = tokio::spawn(async move {
        let mut conn = server.accept().await;
        greet(&mut conn, Transport::WebSocket).await;
        let asked = command(&mut conn).await;
        say(
            &mut conn,
            json!({"position": "g.0", "channel": "b", "ref": asked["ref"]}),
        )
        .await;
        say(
            &mut conn,
            json!({"channel": "b", "id": "g.1", "data": "b1"}),
        )
        .await;
        conn.drain().await;
        let mut conns = Vec::new();
        for _ in 0..2 {
            let mut conn = server.accept().await;
            let request = conn.request().await;
            let event = if request.starts_with("GET /channels/b") {
                assert!(request.contains("after=g.1"), "{request}");
                "id: g.2\ndata: b2\n\n"
            } else {
                "id: e.0\n\n"
            };
            conn.send(format!("{SSE_HEAD}{}", chunk(event))).await;
            conns.push(conn);
        }
        for mut conn in conns {
            conn.drain().await;
        }
        let mut conn = server.accept().await;
        greet(&mut conn, Transport::WebSocket).await;
        let asked = command(&mut conn).await;
        assert_eq!(asked["after"], "g.2");
        say(
            &mut conn,
            json!({"position": "g.2", "channel": "b", "ref": asked["ref"]}),
        )
        .await;
        say(
            &mut conn,
            json!({"channel": "b", "id": "g.3", "data": "b3"}),
        )
        .await;
        conn.drain().await;
    });
    let subscribe = subscribe(Transport::WebSocket, &dialer).join("b", Start::Latest);
    let mut subscription = subscribe.open().await.unwrap();
    assert_eq!(
        of_channel(&mut subscription).await,
        text_of(Some("b"), "b1")
    );
    subscription.switch(Transport::Sse);
    assert_eq!(
        of_channel(&mut subscription).await,
        text_of(Some("b"), "b2")
    );
    subscription.switch(Transport::WebSocket);
    assert_eq!(
        of_channel(&mut subscription).await,
        text_of(Some("b"), "b3")
    );
    drop(subscription);
    peer.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_channel_that_cannot_be_joined_is_refused_at_once() {
    let (dialer, _server) = network();
    let rows = [
        ("http://h/channels/c", "c", "is the channel of the URL"),
        ("http://h/channels/c", "", "1 to 255 octets"),
        ("http://h/feed", "b", "names no channel"),
    ];
    for (url, channel, want) in rows {
        let mut subscribe = Subscribe::new(url).unwrap().join(channel, Start::Latest);
        subscribe.dialer = dialer.clone();
        let error = subscribe.open().await.unwrap_err().to_string();
        assert!(error.contains(want), "{error}");
    }
    let mut subscribe = Subscribe::new("http://h/channels/c").unwrap().body("x");
    subscribe.dialer = dialer;
    let error = subscribe.join("b", Start::Latest).open().await.unwrap_err();
    assert!(error.to_string().contains("is for one channel"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_server_without_tidings_v1_leaves_the_joined_channels() {
    let (dialer, mut server) = network();
    let peer = tokio::spawn(async move {
        let mut conn = server.accept().await;
        let request = conn.request().await;
        conn.send(upgrade(&request, None)).await;
        conn.send(text_frame("a")).await;
        conn.drain().await;
    });
    let subscribe = subscribe(Transport::WebSocket, &dialer).join("b", Start::Latest);
    let mut subscription = subscribe.open().await.unwrap();
    let Some(Ok(Item::Left(left))) = subscription.next().await else {
        panic!("b is left")
    };
    assert!(left.reason.to_string().contains("tidings.v1"), "{left:?}");
    assert_eq!(text(&mut subscription).await, "a");
    drop(subscription);
    peer.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_channel_that_has_no_url_after_a_move_is_left() {
    let (dialer, mut server) = network();
    let peer = tokio::spawn(async move {
        let mut moved = server.accept().await;
        moved.request().await;
        moved.send(answer(308, "Location: /feed\r\n", "")).await;
        let mut main = server.accept().await;
        assert!(main.request().await.starts_with("GET /feed?"));
        main.send(SSE_HEAD).await;
        let mut polled = server.accept().await;
        assert!(polled.request().await.starts_with("GET /feed?"));
        polled
            .send(answer(200, "", &page("e.1", &[("e.1", "a")])))
            .await;
        polled.drain().await;
    });
    let mut subscription = many(Transport::Sse, &dialer).open().await.unwrap();
    subscription.switch(Transport::LongPoll);
    for name in ["b", "x/y"] {
        let Some(Ok(Item::Left(left))) = subscription.next().await else {
            panic!("{name} is left")
        };
        assert_eq!(left.channel, name);
        assert!(
            left.reason.to_string().contains("names no channel"),
            "{left:?}"
        );
        assert!(!subscription.leave(name), "it is not joined any more");
    }
    assert_eq!(of_channel(&mut subscription).await, text_of(None, "a"));
    let again = subscription.join("b", Start::Latest).unwrap_err();
    assert!(again.to_string().contains("names no channel"), "{again}");
    drop(subscription);
    peer.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_sent_is_a_publish_and_what_is_refused_is_told() {
    let (dialer, mut server) = network();
    let peer = tokio::spawn(async move {
        let mut conn = server.accept().await;
        greet(&mut conn, Transport::WebSocket).await;
        let first = command(&mut conn).await;
        assert_eq!(first["publish"], "a");
        let second = command(&mut conn).await;
        assert_eq!(second["publish_base64"], "AP8=");
        let refused = json!({"error": {"code": "too_large", "message": "m"}, "ref": second["ref"]});
        say(&mut conn, json!({"ack": first["ref"], "id": "e.1"})).await;
        say(&mut conn, refused).await;
        say(&mut conn, json!({"id": "e.1", "data": "a"})).await;
        conn.drain().await;
    });
    let mut subscription = open(Transport::WebSocket, &dialer).await.unwrap();
    assert!(subscription.can_send());
    subscription.send(&Data::Text("a".into())).unwrap();
    let binary = Data::Binary(bytes::Bytes::from_static(b"\x00\xff"));
    subscription.send(&binary).unwrap();
    let Some(Ok(Item::Refused(refused))) = subscription.next().await else {
        panic!("a refusal is due")
    };
    assert_eq!(
        (refused.code.as_str(), refused.message.as_str()),
        ("too_large", "m")
    );
    assert_eq!(text(&mut subscription).await, "a");
    drop(subscription);
    peer.await.unwrap();
}
