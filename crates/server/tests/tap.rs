//! What a tap sees of a connection, over real sockets: all octets of the requests that it wants, none of others.
#![forbid(unsafe_code)]
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use core::net::SocketAddr;
use core::time::Duration;
use std::sync::{Arc, Mutex};

use tidings_server::serve::{Config, Passed, Probe, Request, Response, Tap, WebSocket, serve};
use tidings_server::sse::EventRef;
use tidings_server::websocket::Config as Limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Heard {
    Asked(String),
    Received(String),
    Trailers(String),
    Sent(String),
    Closed,
}

type Log = Arc<Mutex<Vec<(u64, Heard)>>>;

/// Hears each request whose path begins with `/seen`.
fn tap(log: &Log) -> Tap {
    let log = log.clone();
    Tap::new(move |request| {
        let number = request.connection;
        let note = {
            let log = log.clone();
            move |heard| log.lock().unwrap().push((number, heard))
        };
        note(Heard::Asked(request.head.path().to_owned()));
        request.head.path().starts_with("/seen").then(|| -> Probe {
            Box::new(move |passed| {
                let text = |octets: &[u8]| octets.escape_ascii().to_string();
                note(match passed {
                    Passed::Received(octets) => Heard::Received(text(octets)),
                    Passed::Trailers(octets) => Heard::Trailers(text(octets)),
                    Passed::Sent(octets) => Heard::Sent(text(octets)),
                    Passed::Closed => Heard::Closed,
                    other => panic!("{other:?}"),
                });
            })
        })
    })
}

async fn handle(mut request: Request) -> Response {
    match request.head().path() {
        "/seen/events" => Response::events(async |mut stream| {
            stream.send(&EventRef::message("one")).await.unwrap();
            stream.finish().await;
        }),
        "/seen/websocket" => Response::websocket(
            request.head(),
            &[],
            Limits::default(),
            async |mut websocket: WebSocket| {
                while let Some(message) = websocket.next().await {
                    websocket.send(&message).await.unwrap();
                }
            },
        ),
        "/seen/content" => {
            let content = request.body().collect(1_000_000).await.unwrap();
            Response::text(200, String::from_utf8(content.to_vec()).unwrap())
        }
        path => Response::text(200, path.to_owned()),
    }
}

async fn start(log: &Log) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut config = Config::default();
    config.tap = Some(tap(log));
    tokio::spawn(serve(
        listener,
        config,
        handle,
        core::future::pending::<()>(),
    ));
    address
}

/// Sends octets, ends the sending side where `ends`, and gives what came until the server closed.
async fn ask(address: SocketAddr, octets: &[u8]) -> String {
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(octets).await.unwrap();
    let mut all = Vec::new();
    timeout(PATIENCE, socket.read_to_end(&mut all))
        .await
        .unwrap()
        .unwrap();
    all.escape_ascii().to_string()
}

/// What was heard in one direction, whatever the cutting.
fn joined(log: &Log, sent: bool) -> String {
    let log = log.lock().unwrap();
    log.iter()
        .filter_map(|(_, heard)| match heard {
            Heard::Sent(octets) if sent => Some(octets.as_str()),
            Heard::Received(octets) | Heard::Trailers(octets) if !sent => Some(octets.as_str()),
            _ => None,
        })
        .collect()
}

/// Waits until the last thing heard is the end of a connection.
async fn await_closed(log: &Log) {
    timeout(PATIENCE, async {
        while log.lock().unwrap().last().map(|(_, heard)| heard) != Some(&Heard::Closed) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_request_and_its_answer_are_heard_to_the_octet() {
    let log = Log::default();
    let address = start(&log).await;
    let request = b"POST /seen/content HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n\
                    2\r\nab\r\n1\r\nc\r\n0\r\n\r\n";
    let answer = ask(address, request).await;
    await_closed(&log).await;
    assert_eq!(joined(&log, false), request.escape_ascii().to_string());
    assert_eq!(joined(&log, true), answer);
    let log = log.lock().unwrap();
    assert_eq!(
        log.first().unwrap().1,
        Heard::Asked("/seen/content".to_owned())
    );
    assert!(
        matches!(&log[1].1, Heard::Received(head) if head.ends_with("close\\r\\n\\r\\n")),
        "{log:?}"
    );
}

#[tokio::test]
async fn small_chunks_and_large_ones_are_heard_to_the_octet_and_trailers_as_such() {
    let head = "POST /seen/content HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
    let small = "2\r\nab\r\n".repeat(100_000);
    let large = format!("30D40\r\n{}\r\n", "x".repeat(200_000));
    let long = format!("1;a=\"{}\"\r\nc\r\n", "y".repeat(1_000));
    for (content, trailers) in [
        (small, "A: b\r\nX-Token: s3cret\r\n"),
        (large, ""),
        (long, "X-Token: s3cret\r\n"),
        // Refused.
        (
            "1\r\nc\r\n".to_owned(),
            "X-Token: s3cret\r\nContent-Length: 1\r\n",
        ),
    ] {
        let log = Log::default();
        let address = start(&log).await;
        let request = format!("{head}{content}0\r\n{trailers}\r\n");
        ask(address, request.as_bytes()).await;
        await_closed(&log).await;
        assert!(joined(&log, false) == request.as_bytes().escape_ascii().to_string());
        let heard = log.lock().unwrap();
        for (_, heard) in &*heard {
            if let Heard::Received(octets) = heard {
                assert!(!octets.contains("s3cret"), "{octets}");
            }
        }
    }
}

#[tokio::test]
async fn of_a_request_that_is_not_wanted_nothing_is_heard_though_it_shares_the_connection() {
    let log = Log::default();
    let address = start(&log).await;
    let request = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
    let last = "GET /other/3 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    // In one write, so that each is in the buffer while the one before it is answered.
    let all = [
        &request("/other/1"),
        &request("/seen/1"),
        &request("/other/2"),
        &request("/seen/2"),
        last,
    ]
    .concat();
    let answers = ask(address, all.as_bytes()).await;
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 5, "{answers}");

    let escaped = |path| request(path).as_bytes().escape_ascii().to_string();
    assert_eq!(
        joined(&log, false),
        escaped("/seen/1") + &escaped("/seen/2")
    );
    let sent = joined(&log, true);
    assert_eq!(sent.matches("HTTP/1.1 200 OK").count(), 2, "{sent}");
    assert!(
        sent.contains("/seen/1HTTP/1.1") && sent.ends_with("/seen/2") && !sent.contains("/other"),
        "{sent}"
    );
    let log = log.lock().unwrap();
    assert!(
        log.iter().all(|(number, _)| *number == log[0].0),
        "one number a connection"
    );
    assert!(
        !log.iter().any(|(_, heard)| *heard == Heard::Closed),
        "it ended as another's: {log:?}"
    );
    let asked = log
        .iter()
        .filter(|(_, heard)| matches!(heard, Heard::Asked(_)))
        .count();
    assert_eq!(asked, 5);
}

#[tokio::test]
async fn an_event_stream_is_heard_to_its_end_and_nothing_that_the_client_sends_beside_it() {
    let log = Log::default();
    let address = start(&log).await;
    let request = "GET /seen/events HTTP/1.1\r\nHost: a\r\n\r\n";
    let answer = ask(
        address,
        format!("{request}GET /other HTTP/1.1\r\n").as_bytes(),
    )
    .await;
    await_closed(&log).await;
    assert_eq!(
        joined(&log, false),
        request.as_bytes().escape_ascii().to_string()
    );
    assert_eq!(joined(&log, true), answer);
    assert!(answer.contains("data: one"), "{answer}");
}

#[tokio::test]
async fn frames_are_heard_both_ways_as_they_came() {
    let log = Log::default();
    let address = start(&log).await;
    let handshake = b"GET /seen/websocket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                      Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    // RFC 6455 §5.7: "Hello", masked; then Close 1000.
    let frames = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58\x88\x82\0\0\0\0\x03\xe8";
    let answer = ask(address, &[&handshake[..], frames].concat()).await;
    await_closed(&log).await;
    let sent = [&handshake[..], frames].concat();
    assert_eq!(joined(&log, false), sent.escape_ascii().to_string());
    assert_eq!(joined(&log, true), answer);
    assert!(
        answer.ends_with("\\x81\\x05Hello\\x88\\x02\\x03\\xe8"),
        "{answer}"
    );
}
