//! What ends a subscription for good, what does not, and what it says.

use super::*;
use crate::EndReason;

#[tokio::test(start_paused = true)]
async fn a_first_attempt_that_fails_is_final() {
    for transport in Transport::ALL {
        let (dialer, server) = network();
        drop(server);
        let error = open(transport, &dialer).await.unwrap_err();
        assert!(
            matches!(error, Error::Connect { .. }),
            "{transport}: {error:?}"
        );

        let (dialer, mut server) = network();
        let peer = tokio::spawn(async move {
            let mut conn = server.accept().await;
            conn.request().await;
            drop(conn);
            server
        });
        let error = open(transport, &dialer).await.unwrap_err();
        assert!(matches!(error, Error::Cut), "{transport}: {error:?}");
        assert!(
            peer.await.unwrap().incoming.try_recv().is_err(),
            "{transport}: tried twice"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_status_on_the_first_attempt_says_what_was_wrong() {
    let problem = r#"{"status":0,"title":"T","detail":"the reason"}"#;
    for transport in Transport::ALL {
        for status in [400, 401, 403, 404, 405, 421, 426, 500, 503] {
            let (dialer, mut server) = network();
            let peer = tokio::spawn(async move {
                let mut conn = server.accept().await;
                conn.request().await;
                let fields = "Content-Type: application/problem+json\r\nUpgrade: websocket\r\n";
                conn.send(answer(status, fields, problem)).await;
                conn.drain().await;
            });
            let error = open(transport, &dialer).await.unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("the server answered {status}: the reason"),
                "{transport}"
            );
            peer.await.unwrap();
        }
    }
}

/// Opens, is cut, and is answered `answer` on the way back.
async fn come_back_to(transport: Transport, octets: String) -> Error {
    let (dialer, mut server) = network();
    let peer = tokio::spawn(async move {
        greet(&mut server.accept().await, transport).await;
        let mut conn = server.accept().await;
        conn.request().await;
        conn.send(octets).await;
        conn.drain().await;
        server
    });
    let mut subscription = open(transport, &dialer).await.unwrap();
    let error = subscription.next().await.unwrap().unwrap_err();
    assert!(
        subscription.next().await.is_none(),
        "{transport}: an end is an end"
    );
    assert!(
        peer.await.unwrap().incoming.try_recv().is_err(),
        "{transport}: came back"
    );
    error
}

#[tokio::test(start_paused = true)]
async fn terminal_statuses_end_a_subscription_that_was_open() {
    for transport in Transport::ALL {
        for status in [400, 401, 403, 404, 405] {
            let error = come_back_to(transport, answer(status, "", "")).await;
            assert!(
                matches!(error, Error::Status { status: got, .. } if got == status),
                "{transport}: {error:?}"
            );
        }
        let error = come_back_to(transport, answer(410, "", "")).await;
        assert!(
            matches!(
                error,
                Error::Ended {
                    reason: EndReason::Deleted
                }
            ),
            "{transport}: {error:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_stream_ends_for_good_with_204_and_with_another_type_html_9_2_3() {
    let error = come_back_to(Transport::Sse, answer(204, "", "")).await;
    assert!(
        matches!(
            error,
            Error::Ended {
                reason: EndReason::NoContent
            }
        ),
        "{error:?}"
    );
    let error = come_back_to(
        Transport::Sse,
        answer(200, "Content-Type: text/html\r\n", "x"),
    )
    .await;
    assert!(matches!(error, Error::Protocol(_)), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_poll_that_is_no_json_ends() {
    let error = come_back_to(Transport::LongPoll, answer(200, "", "<html>")).await;
    assert!(matches!(error, Error::Json { .. }), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn transient_statuses_are_tried_again_with_the_wait_that_is_asked() {
    for transport in Transport::ALL {
        for status in [429, 502, 503, 504] {
            let (dialer, mut server) = network();
            let peer = tokio::spawn(async move {
                greet(&mut server.accept().await, transport).await;
                let mut conn = server.accept().await;
                conn.request().await;
                conn.send(answer(status, "Retry-After: 7\r\n", "busy"))
                    .await;
                let refused = tokio::time::Instant::now();
                drop(conn);
                let mut conn = server.accept().await;
                let waited = refused.elapsed();
                assert!(
                    waited >= Duration::from_secs(7),
                    "{transport} {status}: {waited:?}"
                );
                assert!(
                    waited < Duration::from_secs(11),
                    "{transport} {status}: {waited:?}"
                );
                conn.request().await;
            });
            let subscription = open(transport, &dialer).await.unwrap();
            drive(subscription, peer).await;
        }
    }
}

/// Opens a WebSocket that is closed with `code`; tells what `next` says, and if it came back.
async fn close_with(code: u16) -> (Option<Error>, bool) {
    let (dialer, mut server) = network();
    let peer = tokio::spawn(async move {
        let mut conn = server.accept().await;
        greet(&mut conn, Transport::WebSocket).await;
        conn.send(close_frame(code, "why\n")).await;
        // FIN and Close, masked, two octets of code.
        let reply = conn.read(8).await;
        assert_eq!(reply[..2], [0x88, 0x82]);
        let code_back = [reply[6] ^ reply[2], reply[7] ^ reply[3]];
        assert_eq!(code_back, code.to_be_bytes());
        drop(conn);
        match tokio::time::timeout(Duration::from_secs(100), server.accept()).await {
            Ok(mut conn) => {
                let request = conn.request().await;
                assert!(
                    request.starts_with("GET /channels/c?after=e.0 "),
                    "{request}"
                );
                conn.send(answer(404, "", "")).await;
                conn.drain().await;
                true
            }
            Err(_) => false,
        }
    });
    let mut subscription = open(Transport::WebSocket, &dialer).await.unwrap();
    let error = subscription.next().await.unwrap().err();
    (error, peer.await.unwrap())
}

#[tokio::test(start_paused = true)]
async fn close_codes_resume_or_end() {
    for code in [1001, 1011, 1012, 1013, 4008] {
        let (error, came_back) = close_with(code).await;
        assert!(came_back, "{code}");
        assert!(
            matches!(error, Some(Error::Status { status: 404, .. })),
            "{code}: {error:?}"
        );
    }
    for code in [1000, 1002, 1003, 1007, 1008, 1009, 3000] {
        let (error, came_back) = close_with(code).await;
        assert!(!came_back, "{code}");
        let want = EndReason::Closed {
            code,
            reason: "why ".into(),
        };
        assert!(
            matches!(&error, Some(Error::Ended { reason }) if *reason == want),
            "{code}: {error:?}"
        );
    }
    let (error, came_back) = close_with(4010).await;
    assert!(!came_back);
    assert!(
        matches!(
            error,
            Some(Error::Ended {
                reason: EndReason::Deleted
            })
        ),
        "{error:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn envelopes_that_end_a_subscription_close_it_with_a_reason() {
    let rows: [(&[u8], &str); 5] = [
        (
            &text_frame(r#"{"deleted":true}"#),
            "the channel was deleted",
        ),
        (
            &text_frame(r#"{"error":{"code":"limit","message":"m"}}"#),
            "refused (limit): m",
        ),
        (&text_frame("nonsense"), "an envelope is not the JSON"),
        (&text_frame(r#"{"data":"no id"}"#), "has no id"),
        (&frame(2, b"x"), "a binary frame under tidings.v1"),
    ];
    for (octets, want) in rows {
        let octets = octets.to_vec();
        let (dialer, mut server) = network();
        let peer = tokio::spawn(async move {
            let mut conn = server.accept().await;
            greet(&mut conn, Transport::WebSocket).await;
            conn.send(octets).await;
            let goodbye = conn.drain().await;
            assert_eq!(goodbye[0], 0x88, "a Close frame");
        });
        let mut subscription = open(Transport::WebSocket, &dialer).await.unwrap();
        let error = subscription.next().await.unwrap().unwrap_err();
        assert!(error.to_string().contains(want), "{error}");
        assert!(subscription.next().await.is_none());
        peer.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn close_says_goodbye_on_a_websocket_rfc6455_7_1_2() {
    let (dialer, mut server) = network();
    let peer = tokio::spawn(async move {
        let mut conn = server.accept().await;
        greet(&mut conn, Transport::WebSocket).await;
        let goodbye = conn.read(8).await;
        assert_eq!(goodbye[..2], [0x88, 0x82]);
        conn.send(text_frame(r#"{"id":"e.1","data":"late"}"#)).await;
        conn.send(close_frame(1000, "")).await;
        assert_eq!(conn.drain().await, b"");
    });
    open(Transport::WebSocket, &dialer)
        .await
        .unwrap()
        .close()
        .await;
    peer.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn close_waits_a_bounded_time() {
    for transport in Transport::ALL {
        let (dialer, mut server) = network();
        let peer = tokio::spawn(async move {
            let mut conn = server.accept().await;
            greet(&mut conn, transport).await;
            conn.drain().await;
        });
        let subscription = open(transport, &dialer).await.unwrap();
        let begun = tokio::time::Instant::now();
        subscription.close().await;
        assert!(
            begun.elapsed() <= Duration::from_millis(2100),
            "{transport}"
        );
        peer.await.unwrap();
    }
}
