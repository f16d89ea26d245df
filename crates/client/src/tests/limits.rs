//! What is too large is refused, said, and not gathered.

use super::*;
use crate::Limits;

fn small() -> Limits {
    Limits {
        max_message_len: 1000,
        max_page_len: 1000,
        ..Limits::default()
    }
}

#[tokio::test(start_paused = true)]
async fn data_beyond_the_limit_is_a_clear_error_and_ends() {
    let long = "x".repeat(2000);
    let half = "x".repeat(700);
    let rows: [(Transport, Vec<u8>, &str); 7] = [
        (
            Transport::ShortPoll,
            answer(200, "", &page("e.1", &[("e.1", &long)])).into_bytes(),
            "an answer is larger than 1000 octets",
        ),
        (
            Transport::LongPoll,
            // Announced, not sent.
            b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n{".to_vec(),
            "an answer is larger than 1000 octets",
        ),
        (
            Transport::LongPoll,
            format!(
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{}{}",
                chunk(&half),
                chunk(&half)
            )
            .into_bytes(),
            "an answer is larger than 1000 octets",
        ),
        (
            Transport::Sse,
            chunk(&format!("data: {long}\n\n")).into_bytes(),
            "an event is larger than 1000 octets",
        ),
        (
            Transport::Sse,
            chunk(&format!("data: {half}\ndata: {half}\n\n")).into_bytes(),
            "an event is larger than 1000 octets",
        ),
        (
            Transport::WebSocket,
            text_frame(&format!(r#"{{"id":"e.1","data":"{long}"}}"#)),
            "a message is larger than 1000 octets",
        ),
        (
            Transport::WebSocket,
            // 2^62 octets announced, none sent.
            vec![0x81, 127, 0x40, 0, 0, 0, 0, 0, 0, 0],
            "a message is larger than 1000 octets",
        ),
    ];
    for (transport, octets, want) in rows {
        let (dialer, mut server) = network();
        let peer = tokio::spawn(async move {
            let mut conn = server.accept().await;
            greet(&mut conn, transport).await;
            if matches!(transport, Transport::ShortPoll | Transport::LongPoll) {
                conn.request().await;
            }
            conn.send(octets).await;
            let goodbye = conn.drain().await;
            if transport == Transport::WebSocket {
                assert_eq!(goodbye[0], 0x88);
                let code = [goodbye[6] ^ goodbye[2], goodbye[7] ^ goodbye[3]];
                assert_eq!(code, 1009_u16.to_be_bytes());
            }
        });
        let mut subscription = subscribe(transport, &dialer)
            .limits(small())
            .open()
            .await
            .unwrap();
        let error = subscription.next().await.unwrap().unwrap_err();
        assert_eq!(error.to_string(), want, "{transport}");
        assert!(subscription.next().await.is_none());
        peer.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn data_at_the_limit_passes() {
    let data = "x".repeat(940);
    for transport in Transport::ALL {
        let (dialer, mut server) = network();
        let sent = data.clone();
        let peer = tokio::spawn(async move {
            let mut conn = server.accept().await;
            greet(&mut conn, transport).await;
            let octets = match transport {
                Transport::ShortPoll | Transport::LongPoll => {
                    conn.request().await;
                    answer(200, "", &page("e.1", &[("e.1", &sent[..900])])).into_bytes()
                }
                Transport::Sse => chunk(&format!("id: e.1\ndata: {sent}\n\n")).into_bytes(),
                Transport::WebSocket => text_frame(&format!(r#"{{"id":"e.1","data":"{sent}"}}"#)),
            };
            conn.send(octets).await;
            conn.drain().await;
        });
        let mut subscription = subscribe(transport, &dialer)
            .limits(small())
            .open()
            .await
            .unwrap();
        assert!(
            data.starts_with(&text(&mut subscription).await),
            "{transport}"
        );
        drop(subscription);
        peer.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn the_explanation_of_a_refusal_is_read_up_to_a_limit() {
    for transport in [Transport::Sse, Transport::WebSocket] {
        let (dialer, mut server) = network();
        let peer = tokio::spawn(async move {
            let mut conn = server.accept().await;
            conn.request().await;
            conn.send("HTTP/1.1 404 Not Found\r\nContent-Length: 99999999\r\n\r\n")
                .await;
            loop {
                let written = conn.stream.write_all(&[b'x'; 1000]).await;
                if written.is_err() {
                    return;
                }
            }
        });
        let error = open(transport, &dialer).await.unwrap_err();
        assert_eq!(error.to_string(), "the server answered 404", "{transport}");
        peer.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_field_that_cannot_be_written_is_refused_before_anything_is_sent() {
    for transport in Transport::ALL {
        let (dialer, mut server) = network();
        let subscribe = subscribe(transport, &dialer).field("X-Key", "a\r\nB: c");
        let error = subscribe.open().await.unwrap_err();
        assert!(matches!(error, Error::Request(_)), "{transport}: {error:?}");
        assert_eq!(server.accept().await.drain().await, b"");
    }
}
