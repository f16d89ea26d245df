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

#[cfg(unix)]
#[tokio::test]
async fn a_unix_socket_is_reached_by_a_closure_that_is_told_host_and_port() {
    use tokio::net::{UnixListener, UnixStream};

    let path = std::env::temp_dir().join(format!("tidings-client-{}.sock", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path).unwrap();
    let peer = tokio::spawn(async move {
        let mut heads = Vec::new();
        for body in [r#"{"id":"e.1"}"#, &page("e.1", &[("e.1", "hello")])] {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            heads.push(String::from_utf8(head).unwrap());
            stream
                .write_all(answer(200, "Connection: close\r\n", body).as_bytes())
                .await
                .unwrap();
        }
        heads
    });
    let connect = {
        let path = path.clone();
        move |host: String, port| {
            assert_eq!((host.as_str(), port), ("tidings.example", 8080));
            UnixStream::connect(path.clone())
        }
    };
    let url = "http://tidings.example:8080/channels/c";
    let mut publisher = Publisher::new(url).unwrap().connect_with(connect.clone());
    let published = publisher.publish(Publish::text("hello")).await;
    assert_eq!(published.unwrap(), "e.1");
    let subscribe = Subscribe::new(url).unwrap().connect_with(connect);
    let subscribe = subscribe.via(Transport::ShortPoll);
    let mut subscription = subscribe.open().await.unwrap();
    assert_eq!(text(&mut subscription).await, "hello");
    for head in peer.await.unwrap() {
        assert_eq!(field(&head, "Host"), Some("tidings.example:8080"));
    }
    std::fs::remove_file(&path).unwrap();
}
