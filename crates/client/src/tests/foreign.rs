//! Servers that are not of Tidings: event streams by WHATWG HTML 9.2, bare WebSockets.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_foreign_event_stream_is_read_by_the_rules_of_whatwg() {
    let (dialer, mut server) = network();
    let peer = tokio::spawn(async move {
        let mut conn = server.accept().await;
        let request = conn.request().await;
        assert!(
            request.starts_with("GET /channels/c HTTP/1.1\r\n"),
            "{request}"
        );
        assert_eq!(field(&request, "Accept"), Some("text/event-stream"));
        assert_eq!(field(&request, "Last-Event-ID"), None);
        // Delimited by the end, CR line ends, no ids, an event without its blank line.
        conn.send(
            "HTTP/1.1 200 OK\r\nContent-Type: Text/Event-Stream;charset=utf-8\r\n\r\n\
             \u{feff}:hi\rdata:a\r\rdata: b\revent:x;base64\r\rid: \u{e9} 7\rdata\r\rid: no\rdata: lost",
        )
        .await;
        drop(conn);
        let mut conn = server.accept().await;
        assert_eq!(
            field(&conn.request().await, "Last-Event-ID"),
            Some("\u{e9} 7")
        );
        // The last event ID outlives the connection; an empty one resets it.
        conn.send(format!("{SSE_HEAD}{}", chunk("data: c\n\nid\ndata: d\n\n")))
            .await;
        drop(conn);
        assert_eq!(
            field(&server.accept().await.request().await, "Last-Event-ID"),
            None
        );
    });
    let mut subscription = open(Transport::Sse, &dialer).await.unwrap();
    let id = Some("\u{e9} 7");
    let rows = [
        (None, None, "a"),
        (None, Some("x;base64"), "b"),
        (id, None, ""),
        (id, None, "c"),
        (None, None, "d"),
    ];
    for (id, event, data) in rows {
        let message = message(&mut subscription).await;
        assert_eq!(message.id.as_deref(), id, "{data}");
        assert_eq!(message.event.as_deref(), event, "{data}");
        assert_eq!(message.data, Data::Text(data.into()));
        assert_eq!(subscription.position(), id);
    }
    drive(subscription, peer).await;
}

#[tokio::test(start_paused = true)]
async fn redirects_are_followed_and_only_permanent_ones_are_remembered_rfc9110_15_4() {
    for (status, remembered) in [
        (301, true),
        (302, false),
        (303, false),
        (307, false),
        (308, true),
    ] {
        let (dialer, mut server) = network();
        let peer = tokio::spawn(async move {
            let mut conn = server.accept().await;
            assert_eq!(field(&conn.request().await, "X-Key"), Some("secret"));
            conn.send(answer(status, "Location: //other:81/moved?x=1\r\n", ""))
                .await;
            let mut conn = server.accept().await;
            let request = conn.request().await;
            assert!(
                request.starts_with("GET /moved?x=1 HTTP/1.1\r\n"),
                "{request}"
            );
            assert_eq!(field(&request, "Host"), Some("other:81"));
            assert_eq!(
                field(&request, "X-Key"),
                None,
                "a secret is for its own host"
            );
            conn.send(format!("{SSE_HEAD}{}", chunk("data: a\n\n")))
                .await;
            drop(conn);
            let request = server.accept().await.request().await;
            let (host, key) = if remembered {
                ("other:81", None)
            } else {
                ("h", Some("secret"))
            };
            assert_eq!(field(&request, "Host"), Some(host), "{status}");
            assert_eq!(field(&request, "X-Key"), key, "{status}");
        });
        let subscribe = subscribe(Transport::Sse, &dialer).field("X-Key", "secret");
        let mut subscription = subscribe.open().await.unwrap();
        assert_eq!(text(&mut subscription).await, "a");
        drive(subscription, peer).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_loop_of_redirects_ends() {
    let (dialer, mut server) = network();
    let peer = tokio::spawn(async move {
        let mut count = 0;
        while let Some(conn) = server.incoming.recv().await {
            count += 1;
            let mut conn = Conn::new(conn);
            conn.request().await;
            conn.send(answer(307, "Location: /again\r\n", "")).await;
        }
        count
    });
    let error = open(Transport::Sse, &dialer).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the server breaks the wire contract: too many redirects in a row"
    );
    drop(dialer);
    assert_eq!(peer.await.unwrap(), 21);
}

#[tokio::test(start_paused = true)]
async fn a_bare_websocket_gives_messages_without_ids_and_is_resumed_by_connecting_again() {
    let (dialer, mut server) = network();
    let peer = tokio::spawn(async move {
        let mut conn = server.accept().await;
        let request = conn.request().await;
        assert!(
            request.starts_with("GET /feed?x=1 HTTP/1.1\r\n"),
            "{request}"
        );
        assert_eq!(field(&request, "Host"), Some("foreign:9001"));
        assert_eq!(
            field(&request, "Sec-WebSocket-Protocol"),
            Some("tidings.v1")
        );
        assert_eq!(request.matches("Connection:").count(), 1, "{request}");
        // Frames in the same write as the 101 are delivered.
        let mut octets = upgrade(&request, None);
        octets.extend(text_frame(r#"{"position":"no envelope"}"#));
        octets.extend(frame(2, b"\x00\xff"));
        conn.send(octets).await;
        drop(conn);
        let mut conn = server.accept().await;
        let request = conn.request().await;
        assert!(
            request.starts_with("GET /feed?x=1 HTTP/1.1\r\n"),
            "{request}"
        );
        conn.send(upgrade(&request, None)).await;
        // A message in fragments, with a Ping between them (RFC 6455 §5.4).
        conn.send([0x01, 1, b'a']).await;
        conn.send(frame(9, b"")).await;
        conn.send([0x80, 1, b'b']).await;
        conn.drain().await;
    });
    let mut subscribe = Subscribe::new("ws://foreign:9001/feed?x=1").unwrap();
    assert_eq!(
        subscribe.transport,
        Some(Transport::WebSocket),
        "the scheme implies it"
    );
    subscribe.dialer = dialer;
    let mut subscription = subscribe.open().await.unwrap();
    let want = [
        Data::Text(r#"{"position":"no envelope"}"#.into()),
        Data::Binary(bytes::Bytes::from_static(b"\x00\xff")),
        Data::Text("ab".into()),
    ];
    for data in want {
        let message = message(&mut subscription).await;
        assert_eq!(
            (message.id, message.event, message.data),
            (None, None, data)
        );
        assert_eq!(subscription.position(), None);
    }
    drop(subscription);
    peer.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_breaks_the_handshake_is_refused_without_a_close_rfc6455_7_1_7() {
    let (dialer, mut server) = network();
    let peer = tokio::spawn(async move {
        let mut conn = server.accept().await;
        let request = conn.request().await;
        let mut octets = upgrade(&request, None);
        let at = octets
            .windows(8)
            .position(|window| window == b"Accept: ")
            .unwrap();
        octets[at + 8] ^= 1;
        conn.send(octets).await;
        assert_eq!(conn.drain().await, b"");
    });
    let error = open(Transport::WebSocket, &dialer).await.unwrap_err();
    assert!(matches!(error, Error::Handshake(_)), "{error:?}");
    peer.await.unwrap();
}
