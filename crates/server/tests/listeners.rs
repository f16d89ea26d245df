//! What a server does on other streams than TCP: Unix sockets, pipes, and streams that hold octets back.
#![forbid(unsafe_code)]
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use core::future::{Future, pending};
use core::net::{Ipv4Addr, SocketAddr};
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;
use std::io;
use std::sync::Arc;

use tidings_server::channels::{self, Channels};
use tidings_server::serve::{Config, Entropy, Listener, Request, Response, Socket, serve};
use tidings_server::sse::EventRef;
use tokio::io::{
    AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf, duplex,
};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(10);
const PEER: SocketAddr = SocketAddr::new(core::net::IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

/// Gives out the far ends of pipes.
struct Pipes(mpsc::UnboundedReceiver<Socket>);

impl Listener for Pipes {
    async fn accept(&mut self) -> io::Result<(Socket, SocketAddr)> {
        match self.0.recv().await {
            Some(socket) => Ok((socket, PEER)),
            None => pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(PEER)
    }
}

fn start<H, F>(config: Config, handler: H) -> mpsc::UnboundedSender<Socket>
where
    H: Fn(Request) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response> + Send + 'static,
{
    let (connect, pipes) = mpsc::unbounded_channel();
    tokio::spawn(serve(Pipes(pipes), config, handler, pending::<()>()));
    connect
}

/// Takes octets in, and passes them on when it is flushed, as far as the stream below has room.
struct Hoarder {
    below: DuplexStream,
    hoard: Vec<u8>,
}

impl AsyncRead for Hoarder {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.below).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Hoarder {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.hoard.len() > 4096 {
            ready!(self.as_mut().poll_flush(cx))?;
        }
        self.hoard.extend_from_slice(octets);
        Poll::Ready(Ok(octets.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { below, hoard } = &mut *self;
        while !hoard.is_empty() {
            let len = ready!(Pin::new(&mut *below).poll_write(cx, hoard))?;
            hoard.drain(..len);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.as_mut().poll_flush(cx))?;
        Pin::new(&mut self.below).poll_shutdown(cx)
    }
}

fn get(target: &str, fields: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n")
}

async fn read_until(near: &mut DuplexStream, end: &[u8]) -> Vec<u8> {
    let mut all = Vec::new();
    while !all.ends_with(end) {
        let read = timeout(PATIENCE, near.read_buf(&mut all)).await;
        let len = read
            .unwrap_or_else(|_| panic!("waited in vain, got {:?}", String::from_utf8_lossy(&all)));
        assert_ne!(len.unwrap(), 0, "{:?}", String::from_utf8_lossy(&all));
    }
    all
}

/// A handler for each kind of answer; `long` answers have 20,000 octets.
async fn every_kind(request: Request) -> Response {
    let long = "x".repeat(20_000);
    match request.head().path() {
        "/long" => Response::text(200, long + "END"),
        "/events" => Response::events(|mut events| async move {
            for _ in 0..5 {
                let data = Some(long.as_str());
                let event = EventRef {
                    data,
                    ..EventRef::default()
                };
                events.send(&event).await.unwrap();
            }
            events.finish().await;
        }),
        _ => Response::websocket(
            request.head(),
            &[],
            tidings_server::websocket::Config::default(),
            |mut websocket| async move {
                while let Some(message) = websocket.next().await {
                    websocket.feed(&message).await.unwrap();
                }
            },
        ),
    }
}

/// A text frame with a masking key of zeros.
fn frame(text: &str) -> Vec<u8> {
    let len = u8::try_from(text.len()).unwrap();
    [&[0x81, 0x80 | len, 0, 0, 0, 0], text.as_bytes()].concat()
}

#[tokio::test]
async fn every_kind_of_answer_gets_through_a_pipe_of_any_size_and_one_that_hoards() {
    let connect = start(Config::default(), every_kind);
    let socket = |kind: usize| -> (DuplexStream, Socket) {
        let (near, far) = duplex([1, 7, 1 << 16, 7][kind]);
        if kind < 3 {
            return (near, Socket::new(far));
        }
        let hoard = Vec::new();
        (near, Socket::new(Hoarder { below: far, hoard }))
    };
    for kind in 0..4 {
        let (mut near, far) = socket(kind);
        connect.send(far).unwrap();
        near.write_all(get("/long", "").as_bytes()).await.unwrap();
        let answer = read_until(&mut near, b"xEND").await;
        assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n") && answer.len() > 20_000);
        // The connection is kept.
        near.write_all(get("/events", "").as_bytes()).await.unwrap();
        let mut stream = Vec::new();
        timeout(PATIENCE, near.read_to_end(&mut stream))
            .await
            .unwrap()
            .unwrap();
        let xs = stream.iter().filter(|octet| **octet == b'x').count();
        assert!(
            stream.ends_with(b"0\r\n\r\n") && xs >= 5 * 20_000,
            "{kind}: {xs}"
        );

        let (mut near, far) = socket(kind);
        connect.send(far).unwrap();
        let fields = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
            Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
        near.write_all(get("/", fields).as_bytes()).await.unwrap();
        read_until(&mut near, b"\r\n\r\n").await;
        for text in ["one", "two", "three"] {
            near.write_all(&frame(text)).await.unwrap();
            let echo = read_until(&mut near, text.as_bytes()).await;
            assert_eq!(
                echo[..2],
                [0x81, u8::try_from(text.len()).unwrap()],
                "{kind}"
            );
        }
    }
}

#[tokio::test]
async fn a_held_answer_is_dropped_when_its_reader_leaves_a_pipe_even_behind_further_requests() {
    let (told, gone) = oneshot::channel::<()>();
    let told = Arc::new(std::sync::Mutex::new(Some(told)));
    let connect = start(Config::default(), move |_| {
        let told = told.clone();
        async move {
            let told = told.lock().unwrap().take();
            Response::held(async move {
                let _held = told;
                pending().await
            })
        }
    });
    let (mut near, far) = duplex(1 << 16);
    connect.send(Socket::new(far)).unwrap();
    let all = [get("/", ""), get("/", ""), get("/", "")].concat();
    near.write_all(all.as_bytes()).await.unwrap();
    tokio::task::yield_now().await;
    drop(near);
    // The sender is dropped with the answer.
    assert!(timeout(PATIENCE, gone).await.unwrap().is_err());
}

#[tokio::test]
async fn requests_behind_a_held_answer_are_answered_in_order() {
    let connect = start(Config::default(), |request: Request| async move {
        let path = request.head().path().to_owned();
        Response::held(async move {
            tokio::time::sleep(Duration::from_millis(20)).await;
            Response::text(200, path)
        })
    });
    let (mut near, far) = duplex(1 << 16);
    connect.send(Socket::new(far)).unwrap();
    near.write_all(get("/a", "").as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(5)).await;
    let rest = [get("/b", ""), get("/c", "")].concat();
    near.write_all(rest.as_bytes()).await.unwrap();
    let answers = read_until(&mut near, b"/c").await;
    let answers = String::from_utf8(answers).unwrap();
    let (a, b) = (answers.find("\r\n\r\n/a"), answers.find("\r\n\r\n/b"));
    assert!(a.is_some() && a < b, "{answers}");
}

#[tokio::test]
async fn one_address_may_have_so_many_pipes_and_the_next_is_turned_away() {
    let mut config = Config::default();
    config.max_connections_per_address = Some(1);
    let connect = start(config, |_| async { Response::text(200, "hello") });
    let ask = async |connect: &mpsc::UnboundedSender<Socket>| {
        let (mut near, far) = duplex(1 << 16);
        connect.send(Socket::new(far)).unwrap();
        near.write_all(get("/", "").as_bytes()).await.unwrap();
        let mut status = [0; 12];
        near.read_exact(&mut status).await.unwrap();
        (status, near)
    };
    let (first, kept) = ask(&connect).await;
    let (second, _) = ask(&connect).await;
    assert_eq!([first, second], [*b"HTTP/1.1 200", *b"HTTP/1.1 503"]);
    drop(kept);
}

#[cfg(unix)]
#[tokio::test]
async fn channels_are_served_over_a_unix_socket_whatever_the_host() {
    let path = std::env::temp_dir().join(format!("tidings-{}.sock", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    let mut config = channels::Config::default();
    config.entropy = Entropy::seeded(1);
    let channels = Channels::new(config);
    let handler = move |request| {
        let channels = channels.clone();
        async move { channels.handle(request).await }
    };
    tokio::spawn(serve(listener, Config::default(), handler, pending::<()>()));
    let mut socket = tokio::net::UnixStream::connect(&path).await.unwrap();
    let head =
        "POST /channels/news HTTP/1.1\r\nHost: any.example\r\nContent-Length: 5\r\n\r\nhello";
    let poll = "GET /channels/news?from=earliest HTTP/1.1\r\nHost: any.example\r\nConnection: close\r\n\r\n";
    socket.write_all(head.as_bytes()).await.unwrap();
    socket.write_all(poll.as_bytes()).await.unwrap();
    let mut answers = String::new();
    timeout(PATIENCE, socket.read_to_string(&mut answers))
        .await
        .unwrap()
        .unwrap();
    // The epoch follows from the seed.
    let first = Entropy::seeded(1).draw();
    assert!(
        answers.contains(&format!("{{\"id\":\"{first:016x}.1\"}}")),
        "{answers}"
    );
    assert!(answers.contains("\"data\":\"hello\""), "{answers}");
    std::fs::remove_file(&path).unwrap();
}

#[tokio::test]
async fn what_a_session_sends_into_a_full_pipe_leaves_when_there_is_room() {
    let (told, hear) = oneshot::channel();
    let told = Arc::new(std::sync::Mutex::new(Some(told)));
    let connect = start(Config::default(), move |request: Request| {
        let told = told.clone();
        async move {
            let config = tidings_server::websocket::Config::default();
            Response::websocket(request.head(), &[], config, |mut websocket| async move {
                for number in 0..100 {
                    let text = format!("{number:01000}");
                    websocket.send_text(&text).await.unwrap();
                }
                let told = told.lock().unwrap().take().unwrap();
                told.send(()).unwrap();
                websocket.next().await;
            })
        }
    });
    let (mut near, far) = duplex(512);
    connect.send(Socket::new(far)).unwrap();
    let fields = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    near.write_all(get("/", fields).as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(20)).await;
    let last = format!("{:01000}", 99);
    let all = read_until(&mut near, last.as_bytes()).await;
    let frames = all.windows(4).position(|at| at == b"\r\n\r\n").unwrap() + 4;
    assert_eq!(all.len() - frames, 100 * 1004);
    timeout(PATIENCE, hear).await.unwrap().unwrap();
}

/// A stream whose peer never takes what would end it.
struct Endless(DuplexStream);

impl AsyncRead for Endless {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Endless {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, octets)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

#[tokio::test]
async fn a_stream_whose_output_cannot_be_ended_is_let_go_after_the_progress_timeout() {
    let mut config = Config::default();
    config.progress_timeout = Duration::from_millis(50);
    let connect = start(config, every_kind);
    for target in ["/long", "/events"] {
        let (mut near, far) = duplex(1 << 18);
        connect.send(Socket::new(Endless(far))).unwrap();
        let request = get(target, "Connection: close\r\n");
        near.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let ended = timeout(PATIENCE, near.read_to_end(&mut answer)).await;
        assert!(ended.is_ok(), "{target} holds its place");
        assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n"));
    }
}
