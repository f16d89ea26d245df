//! What the channels layer promises, where the whole-system tests cannot set what they would need.
#![forbid(unsafe_code)]
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use core::future::pending;
use core::net::SocketAddr;
use core::time::Duration;

use tidings_server::channels::{Channels, Config, Lag};
use tidings_server::hub::{ChannelName, Publish};
use tidings_server::serve::{self, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(10);

async fn start(connections: serve::Config, config: Config) -> (SocketAddr, Channels) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let channels = Channels::new(config);
    let handling = channels.clone();
    let handler = move |request| {
        let channels = handling.clone();
        async move { channels.handle(request).await }
    };
    tokio::spawn(serve(listener, connections, handler, pending::<()>()));
    (address, channels)
}

async fn send(address: SocketAddr, octets: &str) -> TcpStream {
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(octets.as_bytes()).await.unwrap();
    socket
}

async fn read_until(socket: &mut TcpStream, end: &str) -> String {
    let mut all = Vec::new();
    while !all.ends_with(end.as_bytes()) {
        let read = timeout(PATIENCE, socket.read_buf(&mut all)).await;
        let so_far = String::from_utf8_lossy(&all).into_owned();
        let len = read.unwrap_or_else(|_| panic!("waited in vain, got {so_far:?}"));
        assert_ne!(len.unwrap(), 0, "ended early, got {so_far:?}");
    }
    String::from_utf8_lossy(&all).into_owned()
}

fn get(target: &str, fields: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n")
}

fn upgrade(target: &str) -> String {
    let fields = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    get(target, fields)
}

fn name(name: &str) -> ChannelName {
    ChannelName::parse(name).unwrap()
}

#[tokio::test]
async fn a_long_poll_that_waited_keeps_to_its_limit() {
    let (address, channels) = start(serve::Config::default(), Config::default()).await;
    let mut socket = send(address, &get("/channels/a?wait=9&limit=1", "")).await;
    let waits = || {
        channels
            .hub()
            .info(&name("a"), channels.now())
            .is_some_and(|i| i.cursors > 0)
    };
    while !waits() {
        tokio::task::yield_now().await;
    }
    for text in ["one", "two", "three"] {
        channels.publish(&name("a"), Publish::text(text)).unwrap();
    }
    let answer = read_until(&mut socket, "}\n").await;
    assert!(answer.contains("\"data\":\"one\"}]"), "{answer}");
    assert!(answer.contains("\"more\":true"), "{answer}");
}

#[tokio::test]
async fn a_large_page_is_whole_and_the_answers_behind_it_follow() {
    let (address, channels) = start(serve::Config::default(), Config::default()).await;
    let text = "x".repeat(30_000);
    for _ in 0..10 {
        channels.publish(&name("a"), Publish::text(&text)).unwrap();
    }
    let ask = get("/channels/a?from=earliest", "");
    let last = get("/channels/a?from=-1", "Connection: close\r\n");
    let mut socket = send(address, &format!("{ask}{ask}{last}")).await;
    let mut all = String::new();
    timeout(PATIENCE, socket.read_to_string(&mut all))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(all.matches("HTTP/1.1 200").count(), 3);
    assert_eq!(all.matches(&format!("\"data\":\"{text}\"")).count(), 21);
    assert_eq!(all.matches("],\"more\":false}\n").count(), 3);
}

#[tokio::test]
async fn the_websocket_settings_of_the_server_hold_for_channels() {
    let mut connections = serve::Config::default();
    connections.websocket.ping_after = Some(Duration::from_millis(50));
    let (address, _) = start(connections, Config::default()).await;
    let mut socket = send(address, &upgrade("/channels/a")).await;
    read_until(&mut socket, "\r\n\r\n").await;
    let mut ping = [0; 1];
    timeout(PATIENCE, socket.read_exact(&mut ping))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(ping, [0x89]);
}

#[tokio::test]
async fn octets_count_for_the_transport_that_they_belong_to() {
    let (address, channels) = start(serve::Config::default(), Config::default()).await;
    let poll = get("/channels/a", "");
    let events = get("/channels/a", "Accept: text/event-stream\r\n");
    let mut socket = send(address, &format!("{}{events}", poll.repeat(3))).await;
    let all = read_until(&mut socket, "\n\n\r\n").await;
    let stream_at = all.rfind("HTTP/1.1 200").unwrap();
    let mut socket = send(address, &get("/channels/a/info", "")).await;
    let info = read_until(&mut socket, "}\n").await;
    let want = |name: &str, received: usize, sent: usize| {
        let part = format!("\"octets_in\":{received},\"octets_out\":{sent}");
        let from = info.rfind(&format!("\"{name}\":{{")).unwrap();
        assert!(
            info[from..].split('}').next().unwrap().contains(&part),
            "{name} {part}: {info}"
        );
    };
    want("short_poll", 3 * poll.len(), stream_at);
    want("sse", events.len(), all.len() - stream_at);
    drop(channels);
}

#[tokio::test]
async fn a_reader_that_fell_behind_is_closed_resumably_where_the_setting_says_so() {
    let mut config = Config::default();
    config.hub.max_messages = 2;
    config.lag = Lag::Close;
    let (address, channels) = start(serve::Config::default(), config).await;
    channels.publish(&name("a"), Publish::text("0")).unwrap();
    let mut websocket = send(address, &upgrade("/channels/a?from=earliest")).await;
    read_until(&mut websocket, "\u{1}0").await;
    let events = get("/channels/a?from=earliest", "Accept: text/event-stream\r\n");
    let mut events = send(address, &events).await;
    let so_far = read_until(&mut events, "data: 0\n\n\r\n").await;
    let position = so_far
        .rsplit("id: ")
        .next()
        .unwrap()
        .split('\n')
        .next()
        .unwrap();
    // Without a wait in between, so that the readers cannot keep up.
    for text in ["1", "2", "3", "4"] {
        channels.publish(&name("a"), Publish::text(text)).unwrap();
    }
    let reason = format!("slow after={position}");
    let mut close = vec![0; 4 + reason.len()];
    let read = timeout(PATIENCE, websocket.read_exact(&mut close)).await;
    read.unwrap().unwrap();
    assert_eq!(
        &close[..4],
        [0x88, u8::try_from(reason.len()).unwrap() + 2, 0x0f, 0xa8]
    );
    assert_eq!(&close[4..], reason.as_bytes());
    assert_eq!(read_until(&mut events, "0\r\n\r\n").await, "0\r\n\r\n");
}
