//! The same over sockets, on the clock of the world.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::{Publish, Publisher, Url};

async fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

#[tokio::test]
async fn a_stream_over_tcp_survives_a_reset() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let peer = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        head(&mut stream).await;
        let octets = format!(
            "{SSE_HEAD}{}",
            chunk("retry: 0\nid: 1\ndata: a\n\nid: 2\ndata: lo")
        );
        stream.write_all(octets.as_bytes()).await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
        // A reset, not an end.
        stream.set_zero_linger().unwrap();
        drop(stream);
        let (mut stream, _) = listener.accept().await.unwrap();
        assert_eq!(field(&head(&mut stream).await, "Last-Event-ID"), Some("1"));
        let octets = format!("{SSE_HEAD}{}", chunk("id: 2\ndata: b\n\n"));
        stream.write_all(octets.as_bytes()).await.unwrap();
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await.unwrap();
    });
    let subscribe = Subscribe::new(&url).unwrap().via(Transport::Sse);
    let mut subscription = subscribe.open().await.unwrap();
    assert_eq!(text(&mut subscription).await, "a");
    assert_eq!(text(&mut subscription).await, "b");
    subscription.close().await;
    peer.await.unwrap();
}

#[tokio::test]
async fn a_publish_over_tcp_is_repeated_under_its_key_after_a_reset() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    let peer = tokio::spawn(async move {
        let mut keys = Vec::new();
        for _ in 0..2 {
            let (mut stream, _) = listener.accept().await.unwrap();
            let head = head(&mut stream).await;
            keys.push(field(&head, "Idempotency-Key").unwrap().to_owned());
            let mut body = [0; 5];
            stream.read_exact(&mut body).await.unwrap();
            assert_eq!(&body, b"hello");
            if keys.len() == 1 {
                stream.set_zero_linger().unwrap();
            } else {
                let answer = answer(200, "", r#"{"id":"e.1"}"#);
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        }
        assert_eq!(keys[0], keys[1]);
    });
    let mut publisher = Publisher::to(Url::channel(&server, "c").unwrap());
    assert_eq!(
        publisher.publish(Publish::text("hello")).await.unwrap(),
        "e.1"
    );
    peer.await.unwrap();
}
