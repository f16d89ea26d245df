//! Silence, backoff, `retry:`, intervals, waits: on a paused clock.

use tokio::time::Instant;

use super::*;

#[tokio::test(start_paused = true)]
async fn heartbeats_keep_an_event_stream_and_40_s_of_silence_end_it() {
    let (dialer, mut server) = network();
    let peer = tokio::spawn(async move {
        let mut conn = server.accept().await;
        greet(&mut conn, Transport::Sse).await;
        for _ in 0..20 {
            tokio::time::sleep(Duration::from_secs(15)).await;
            conn.send(chunk(":\n\n")).await;
        }
        let last = Instant::now();
        let mut again = server.accept().await;
        // 40 s of silence, then the reconnection time of 3 s with up to a half more.
        let waited = last.elapsed();
        assert!(waited >= Duration::from_secs(43), "{waited:?}");
        assert!(waited <= Duration::from_secs(45), "{waited:?}");
        assert_eq!(field(&again.request().await, "Last-Event-ID"), Some("e.0"));
        assert_eq!(conn.drain().await, b"", "the silent connection is given up");
    });
    drive(open(Transport::Sse, &dialer).await.unwrap(), peer).await;
}

#[tokio::test(start_paused = true)]
async fn a_websocket_is_pinged_and_a_ping_without_answer_ends_it() {
    let (dialer, mut server) = network();
    let peer = tokio::spawn(async move {
        let mut conn = server.accept().await;
        greet(&mut conn, Transport::WebSocket).await;
        let mut keys = Vec::new();
        for _ in 0..5 {
            let asked = Instant::now();
            let ping = conn.read(6).await;
            assert_eq!(ping[..2], [0x89, 0x80], "a masked Ping");
            assert_eq!(asked.elapsed().as_secs(), 25);
            keys.push(ping[2..].to_vec());
            conn.send(frame(10, b"")).await;
        }
        keys.dedup();
        assert_eq!(keys.len(), 5, "a masking key is used once (RFC 6455 §5.3)");
        let asked = Instant::now();
        conn.read(6).await;
        let mut again = server.accept().await;
        let waited = asked.elapsed();
        assert!(waited >= Duration::from_secs(45), "{waited:?}");
        assert!(waited <= Duration::from_secs(47), "{waited:?}");
        assert!(
            again
                .request()
                .await
                .starts_with("GET /channels/c?after=e.0 ")
        );
    });
    drive(open(Transport::WebSocket, &dialer).await.unwrap(), peer).await;
}

#[tokio::test(start_paused = true)]
async fn a_ping_of_the_server_is_answered_rfc6455_5_5_3() {
    let (dialer, mut server) = network();
    let peer = tokio::spawn(async move {
        let mut conn = server.accept().await;
        greet(&mut conn, Transport::WebSocket).await;
        conn.send(frame(9, b"abc")).await;
        let pong = conn.read(9).await;
        assert_eq!(pong[..2], [0x8a, 0x83]);
        let data: Vec<_> = pong[6..]
            .iter()
            .zip(&pong[2..6])
            .map(|(a, b)| a ^ b)
            .collect();
        assert_eq!(data, b"abc");
    });
    drive(open(Transport::WebSocket, &dialer).await.unwrap(), peer).await;
}

#[tokio::test(start_paused = true)]
async fn retry_is_obeyed_within_limits_and_kept() {
    // (what the server says, least wait, most wait of a first failure)
    let rows = [
        ("retry: 5000\n", 5000, 7500),
        ("retry: 0\n", 100, 160),
        ("", 3000, 4500),
    ];
    for (retry, least, most) in rows {
        let (dialer, mut server) = network();
        let peer = tokio::spawn(async move {
            let mut conn = server.accept().await;
            conn.request().await;
            conn.send(format!(
                "{SSE_HEAD}{}",
                chunk(&format!("{retry}id: e.0\n\n"))
            ))
            .await;
            // Failures are forgotten after a good minute.
            for _ in 0..7 {
                tokio::time::sleep(Duration::from_secs(10)).await;
                conn.send(chunk(":\n\n")).await;
            }
            drop(conn);
            let cut = Instant::now();
            let mut conn = server.accept().await;
            let waited = cut.elapsed().as_millis();
            assert!((least..=most).contains(&waited), "{retry:?}: {waited}");
            conn.request().await;
            drop(conn);
            let cut = Instant::now();
            server.accept().await;
            assert!(cut.elapsed().as_millis() >= least, "{retry:?}");
        });
        drive(open(Transport::Sse, &dialer).await.unwrap(), peer).await;
    }
}

#[tokio::test(start_paused = true)]
async fn attempts_that_fail_come_ever_slower_but_never_end() {
    for transport in Transport::ALL {
        let (dialer, mut server) = network();
        let peer = tokio::spawn(async move {
            greet(&mut server.accept().await, transport).await;
            let begun = Instant::now();
            for _ in 0..30 {
                drop(server.accept().await);
            }
            let elapsed = begun.elapsed();
            // 30 full-jitter waits, most of them between 0 and 30 s: the mean is above 6 min.
            assert!(
                elapsed > Duration::from_secs(120),
                "{transport}: {elapsed:?}"
            );
            assert!(
                elapsed < Duration::from_secs(1200),
                "{transport}: {elapsed:?}"
            );
        });
        drive(open(transport, &dialer).await.unwrap(), peer).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_restart_spreads_those_who_come_back() {
    let mut waits = Vec::new();
    for _ in 0..40 {
        let (dialer, mut server) = network();
        let peer = tokio::spawn(async move {
            let mut conn = server.accept().await;
            greet(&mut conn, Transport::WebSocket).await;
            conn.send(close_frame(1012, "drain after=e.0")).await;
            let closed = Instant::now();
            drop(server.accept().await);
            closed.elapsed()
        });
        let mut subscription = open(Transport::WebSocket, &dialer).await.unwrap();
        tokio::select! {
            item = subscription.next() => panic!("{item:?}"),
            waited = peer => waits.push(waited.unwrap()),
        }
    }
    waits.sort();
    assert!(waits[5] < Duration::from_millis(2500), "{waits:?}");
    assert!(waits[35] > Duration::from_millis(3000), "{waits:?}");
    assert!(waits[39] < Duration::from_secs(6), "{waits:?}");
}

#[tokio::test(start_paused = true)]
async fn a_short_poll_asks_at_its_interval_over_one_connection() {
    let (dialer, mut server) = network();
    let peer = tokio::spawn(async move {
        let mut conn = server.accept().await;
        let first = greet(&mut conn, Transport::ShortPoll).await;
        assert!(first.starts_with("GET /channels/c HTTP/1.1\r\n"), "{first}");
        assert_eq!(field(&first, "If-None-Match"), None);
        assert_eq!(field(&first, "Accept"), Some("application/json"));
        for _ in 0..50 {
            let answered = Instant::now();
            let request = conn.request().await;
            let waited = answered.elapsed().as_millis();
            assert!((4500..=5501).contains(&waited), "{waited}");
            assert_eq!(field(&request, "If-None-Match"), Some("\"e.0\""));
            assert_eq!(field(&request, "Prefer"), None);
            conn.send(answer(304, "ETag: \"e.0\"\r\n", "")).await;
        }
    });
    let subscribe = subscribe(Transport::ShortPoll, &dialer).interval(Duration::from_secs(5));
    drive(subscribe.open().await.unwrap(), peer).await;
}

#[tokio::test(start_paused = true)]
async fn more_is_asked_for_at_once() {
    let (dialer, mut server) = network();
    let peer = tokio::spawn(async move {
        let mut conn = server.accept().await;
        greet(&mut conn, Transport::ShortPoll).await;
        conn.request().await;
        let begun = Instant::now();
        for n in 1..=3 {
            let page = page(&format!("e.{n}"), &[(&format!("e.{n}"), "x")]);
            conn.send(answer(200, "", &page.replace("false", "true")))
                .await;
            conn.request().await;
        }
        assert_eq!(begun.elapsed(), Duration::ZERO);
    });
    let mut subscription = open(Transport::ShortPoll, &dialer).await.unwrap();
    for _ in 0..3 {
        assert_eq!(text(&mut subscription).await, "x");
    }
    drive(subscription, peer).await;
}

#[tokio::test(start_paused = true)]
async fn a_long_poll_knows_its_position_before_it_waits() {
    let (dialer, mut server) = network();
    let peer = tokio::spawn(async move {
        let mut conn = server.accept().await;
        let first = greet(&mut conn, Transport::LongPoll).await;
        assert_eq!(
            field(&first, "Prefer"),
            None,
            "else a cut would start anew at latest"
        );
        for n in 0..5 {
            let request = conn.request().await;
            assert_eq!(field(&request, "Prefer"), Some("wait=25"));
            assert_eq!(field(&request, "If-None-Match"), Some("\"e.0\""));
            if n < 4 {
                tokio::time::sleep(Duration::from_secs(25)).await;
                conn.send(answer(304, "", "")).await;
            }
        }
        // An answer that does not come is given up 10 s after the wait.
        let asked = Instant::now();
        assert_eq!(conn.drain().await, b"");
        assert_eq!(asked.elapsed().as_secs(), 35);
    });
    drive(open(Transport::LongPoll, &dialer).await.unwrap(), peer).await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_hold_a_long_poll_is_not_hammered() {
    let (dialer, mut server) = network();
    let peer = tokio::spawn(async move {
        let mut conn = server.accept().await;
        greet(&mut conn, Transport::LongPoll).await;
        let begun = Instant::now();
        for _ in 0..20 {
            conn.request().await;
            conn.send(answer(304, "", "")).await;
        }
        assert!(
            begun.elapsed() >= Duration::from_secs(16),
            "{:?}",
            begun.elapsed()
        );
    });
    drive(open(Transport::LongPoll, &dialer).await.unwrap(), peer).await;
}

#[tokio::test(start_paused = true)]
async fn a_kept_connection_that_lapsed_is_no_failure_rfc9112_9_3_1() {
    let (dialer, mut server) = network();
    let peer = tokio::spawn(async move {
        let mut conn = server.accept().await;
        greet(&mut conn, Transport::LongPoll).await;
        conn.request().await;
        drop(conn);
        let cut = Instant::now();
        let mut conn = server.accept().await;
        assert_eq!(cut.elapsed(), Duration::ZERO);
        conn.request().await;
        conn.send(answer(304, "Connection: close\r\n", "")).await;
        drop(conn);
        let closed = Instant::now();
        let mut conn = server.accept().await;
        assert!(
            closed.elapsed() <= Duration::from_millis(1),
            "{:?}",
            closed.elapsed()
        );
        assert_eq!(
            field(&conn.request().await, "If-None-Match"),
            Some("\"e.0\"")
        );
    });
    drive(open(Transport::LongPoll, &dialer).await.unwrap(), peer).await;
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_stops_reading_is_given_up_although_it_sends() {
    let (dialer, mut server) = network();
    let peer = tokio::spawn(async move {
        let mut deaf = server.accept().await;
        greet(&mut deaf, Transport::WebSocket).await;
        let begun = Instant::now();
        let talk = async {
            loop {
                deaf.send(text_frame(r#"{"something":1}"#)).await;
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        };
        let mut again = tokio::select! {
            () = talk => unreachable!("it talks on"),
            again = server.accept() => again,
        };
        let waited = begun.elapsed();
        assert!(waited >= Duration::from_secs(20), "{waited:?}");
        assert!(waited <= Duration::from_secs(22), "{waited:?}");
        let request = again.request().await;
        assert!(
            request.starts_with("GET /channels/c?after=e.0 "),
            "{request}"
        );
    });
    let mut subscription = open(Transport::WebSocket, &dialer).await.unwrap();
    // The position first: only then does the test count.
    let quiet = tokio::time::timeout(Duration::from_millis(1), subscription.next());
    assert!(quiet.await.is_err());
    // More than a connection in memory holds, and more than may wait while octets are read.
    let long = Data::Text("x".repeat(300_000));
    subscription.send(&long).unwrap();
    drive(subscription, peer).await;
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_is_away_while_octets_wait_to_be_written_finds_the_connection() {
    let (dialer, mut server) = network();
    let peer = tokio::spawn(async move {
        let mut conn = server.accept().await;
        greet(&mut conn, Transport::WebSocket).await;
        // It reads a part, and the rest when there is room for it, which takes the caller.
        let mut rest = 300_000;
        while rest > 0 {
            rest -= conn.read(10_000).await.len();
        }
        conn.send(text_frame(r#"{"id":"e.1","data":"a"}"#)).await;
        conn.drain().await;
    });
    let mut subscription = open(Transport::WebSocket, &dialer).await.unwrap();
    let long = Data::Text("x".repeat(300_000));
    subscription.send(&long).unwrap();
    // It is polled, and then not for longer than a peer may be deaf.
    let soon = tokio::time::timeout(Duration::ZERO, subscription.next());
    assert!(soon.await.is_err());
    tokio::time::sleep(Duration::from_secs(24)).await;
    assert_eq!(text(&mut subscription).await, "a");
    drop(subscription);
    peer.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_long_poll_that_is_cut_while_it_is_held_asks_for_less() {
    // Cut without a word, or by a gateway that says why.
    for gateway in [false, true] {
        let (dialer, mut server) = network();
        let peer = tokio::spawn(async move {
            let mut conn = server.accept().await;
            greet(&mut conn, Transport::LongPoll).await;
            let mut waits = Vec::new();
            for wait in [25, 12, 6] {
                let request = conn.request().await;
                waits.push(field(&request, "Prefer").unwrap().to_owned());
                assert_eq!(field(&request, "If-None-Match"), Some("\"e.0\""), "{wait}");
                tokio::time::sleep(Duration::from_secs(5)).await;
                if gateway {
                    conn.send(answer(504, "", "<html>")).await;
                }
                drop(conn);
                let cut = Instant::now();
                conn = server.accept().await;
                assert!(cut.elapsed() <= Duration::from_millis(1), "at once");
            }
            for _ in 0..64 {
                let request = conn.request().await;
                waits.push(field(&request, "Prefer").unwrap().to_owned());
                tokio::time::sleep(Duration::from_secs(3)).await;
                conn.send(answer(304, "", "")).await;
            }
            waits.dedup();
            // Half after each cut; after a while of answers it grows.
            assert_eq!(waits, ["wait=25", "wait=12", "wait=6", "wait=3", "wait=4"]);
        });
        drive(open(Transport::LongPoll, &dialer).await.unwrap(), peer).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_does_not_come_is_given_up() {
    for transport in Transport::ALL {
        let (dialer, mut server) = network();
        let peer = tokio::spawn(async move {
            let mut conn = server.accept().await;
            conn.request().await;
            conn.send("HTTP/1.1 ").await;
            conn.drain().await;
        });
        let begun = Instant::now();
        let error = open(transport, &dialer).await.unwrap_err();
        assert!(
            matches!(error, Error::Timeout { .. }),
            "{transport}: {error:?}"
        );
        assert_eq!(begun.elapsed().as_secs(), 10, "{transport}");
        peer.await.unwrap();
    }
    let (dialer, _server) = network_with_delay(Duration::from_secs(99));
    let error = open(Transport::Sse, &dialer).await.unwrap_err();
    assert_eq!(error.to_string(), "connecting took more than 10 s");
}
