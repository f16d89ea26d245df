//! What the connection layer promises its handlers, over real sockets.
#![forbid(unsafe_code)]
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use core::future::{Future, pending};
use core::net::SocketAddr;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::sync::Arc;

use tidings_server::serve::{BodyError, Config, Request, Response, serve};
use tidings_server::sse::EventRef;
use tidings_server::websocket::{Message, SharedFrame};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

/// Longer than anything here takes, so that a hang is a failure and not a wait.
const PATIENCE: Duration = Duration::from_secs(10);

struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    ended: tokio::task::JoinHandle<()>,
}

async fn start<H, F>(config: Config, handler: H) -> Server
where
    H: Fn(Request) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let ended = tokio::spawn(async move {
        let until = async {
            let _ = stopped.await;
        };
        serve(listener, config, handler, until).await.unwrap();
    });
    Server {
        address,
        stop: Some(stop),
        ended,
    }
}

impl Server {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends octets and returns all that comes until the server closes.
    async fn ask(&self, octets: &[u8]) -> String {
        let mut socket = self.connect().await;
        socket.write_all(octets).await.unwrap();
        read_to_end(&mut socket).await
    }

    fn stop(&mut self) {
        let _ = self.stop.take().unwrap().send(());
    }
}

async fn read_to_end(socket: &mut TcpStream) -> String {
    let mut all = Vec::new();
    timeout(PATIENCE, socket.read_to_end(&mut all))
        .await
        .unwrap()
        .unwrap();
    String::from_utf8(all).unwrap()
}

/// Reads until what came ends with `end`.
async fn read_until(socket: &mut TcpStream, end: &str) -> String {
    let mut all = Vec::new();
    while !all.ends_with(end.as_bytes()) {
        let read = timeout(PATIENCE, socket.read_buf(&mut all)).await;
        let len = read
            .unwrap_or_else(|_| panic!("waited in vain, got {:?}", String::from_utf8_lossy(&all)));
        assert_ne!(
            len.unwrap(),
            0,
            "ended early, got {:?}",
            String::from_utf8_lossy(&all)
        );
    }
    String::from_utf8(all).unwrap()
}

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const LAST_GET: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

#[tokio::test]
async fn answers_to_pipelined_requests_come_in_order_and_in_one_write() {
    let count = Arc::new(AtomicUsize::new(0));
    let server = start(Config::default(), move |_| {
        let number = count.fetch_add(1, Ordering::Relaxed);
        async move { Response::text(200, format!("answer {number};")) }
    })
    .await;
    let mut socket = server.connect().await;
    socket.write_all(&GET.repeat(16)).await.unwrap();
    let mut first = vec![0; 64 << 10];
    let len = timeout(PATIENCE, socket.read(&mut first))
        .await
        .unwrap()
        .unwrap();
    let text = String::from_utf8_lossy(&first[..len]);
    let answers: Vec<usize> = (0..16)
        .map(|n| text.find(&format!("answer {n};")).unwrap())
        .collect();
    assert!(answers.is_sorted());
}

/// Tells through a channel when it is dropped.
struct Dropped(mpsc::UnboundedSender<()>);

impl Drop for Dropped {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

#[tokio::test]
async fn a_handler_is_dropped_when_its_client_leaves_even_while_pipelined_octets_lie_unread() {
    let (dropped, mut was_dropped) = mpsc::unbounded_channel();
    let (held, mut was_held) = mpsc::unbounded_channel();
    let server = start(Config::default(), move |_| {
        let (guard, held) = (Dropped(dropped.clone()), held.clone());
        async move {
            Response::held(async move {
                held.send(()).unwrap();
                let _guard = guard;
                pending::<Response>().await
            })
        }
    })
    .await;
    for more in [&b""[..], &GET.repeat(3)] {
        let mut socket = server.connect().await;
        socket.write_all(GET).await.unwrap();
        timeout(PATIENCE, was_held.recv()).await.unwrap().unwrap();
        socket.write_all(more).await.unwrap();
        assert!(was_dropped.try_recv().is_err());
        drop(socket);
        timeout(PATIENCE, was_dropped.recv())
            .await
            .unwrap()
            .unwrap();
    }
}

#[tokio::test]
async fn content_is_asked_for_only_when_the_handler_wants_it_rfc9110_10_1_1() {
    let server = start(Config::default(), |mut request: Request| async move {
        match request.body().collect(8).await {
            Ok(content) => Response::bytes(200, "text/plain", content),
            Err(error) => Response::problem(error.status(), &error.to_string()),
        }
    })
    .await;
    let mut socket = server.connect().await;
    let head = "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n";
    socket.write_all(head.as_bytes()).await.unwrap();
    assert_eq!(
        read_until(&mut socket, "\r\n\r\n").await,
        "HTTP/1.1 100 Continue\r\n\r\n"
    );
    socket.write_all(b"hello").await.unwrap();
    assert!(
        read_until(&mut socket, "hello")
            .await
            .starts_with("HTTP/1.1 200")
    );

    let too_long =
        "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n";
    let answer = server.ask(too_long.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains("Connection: close"), "{answer}");
}

#[tokio::test]
async fn content_over_the_limit_is_refused_by_its_length_and_by_the_sum_of_its_chunks() {
    let server = start(Config::default(), |mut request: Request| async move {
        match request.body().collect(4).await {
            Ok(content) => Response::bytes(200, "text/plain", content),
            Err(error) => Response::problem(error.status(), &error.to_string()),
        }
    })
    .await;
    let rows = [
        ("at the limit", "Content-Length: 4\r\n\r\nabcd", "200"),
        ("length over it", "Content-Length: 5\r\n\r\nabcde", "413"),
        (
            "chunks at it",
            "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n",
            "200",
        ),
        (
            "chunks over it",
            "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n",
            "413",
        ),
        (
            "a chunk that is announced and does not come",
            "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\nffffffffff\r\n",
            "413",
        ),
    ];
    for (name, rest, status) in rows {
        let request = format!("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{rest}");
        let answer = server.ask(request.as_bytes()).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{name}: {answer}"
        );
    }
}

#[tokio::test]
async fn unread_content_is_drained_up_to_the_limit_and_closes_beyond_it() {
    let mut config = Config::default();
    config.max_drain_len = 1000;
    let server = start(config, |_| async { Response::text(200, "done") }).await;
    let mut request = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n".to_vec();
    request.extend_from_slice(&[b'x'; 1000]);
    request.extend_from_slice(LAST_GET);
    assert_eq!(
        server.ask(&request).await.matches("HTTP/1.1 200").count(),
        2
    );

    let mut request = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n".to_vec();
    request.extend_from_slice(&[b'x'; 1001]);
    request.extend_from_slice(LAST_GET);
    let answer = server.ask(&request).await;
    assert_eq!(answer.matches("HTTP/1.1 200").count(), 1, "{answer}");
    assert!(answer.contains("Connection: close"), "{answer}");
}

#[tokio::test]
async fn a_refusal_is_not_drowned_by_the_upload_that_it_refuses_rfc9112_9_6() {
    let server = start(Config::default(), |mut request: Request| async move {
        match request.body().collect(1000).await {
            Ok(_) => Response::new(204),
            Err(error) => error.into(),
        }
    })
    .await;
    for framing in ["Content-Length: 5000000", "Transfer-Encoding: chunked"] {
        let mut socket = server.connect().await;
        let head = format!("POST / HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n4c4b40\r\n");
        socket.write_all(head.as_bytes()).await.unwrap();
        // A client that writes it all before it reads: a reset would eat the answer.
        socket.write_all(&vec![b'x'; 4_900_000]).await.unwrap();
        socket.shutdown().await.unwrap();
        let answer = read_to_end(&mut socket).await;
        assert!(answer.starts_with("HTTP/1.1 413 "), "{framing}: {answer}");
    }
}

#[tokio::test]
async fn unfinished_content_of_all_requests_has_one_allowance() {
    let mut config = Config::default();
    config.max_unfinished_len = 10;
    let server = start(config, |mut request: Request| async move {
        match request.body().collect(100).await {
            Ok(_) => Response::new(204),
            Err(error) => Response::problem(error.status(), &error.to_string()),
        }
    })
    .await;
    let mut first = server.connect().await;
    first
        .write_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n12345678")
        .await
        .unwrap();
    // The second is refused while the first holds its part, and not after it has ended.
    let second =
        b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 8\r\n\r\n12345678";
    let mut answer = String::new();
    for _ in 0..100 {
        answer = server.ask(second).await;
        if answer.starts_with("HTTP/1.1 503 ") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    first.write_all(b"9").await.unwrap();
    assert!(
        read_until(&mut first, "\r\n\r\n")
            .await
            .starts_with("HTTP/1.1 204 ")
    );
    assert!(server.ask(second).await.starts_with("HTTP/1.1 204 "));
}

#[tokio::test]
async fn a_head_or_content_that_stalls_is_408_and_an_idle_connection_ends_silently() {
    let mut config = Config::default();
    config.head_timeout = Duration::from_millis(100);
    config.idle_timeout = Duration::from_millis(100);
    config.progress_timeout = Duration::from_millis(100);
    let server = start(config, |mut request: Request| async move {
        let _ = request.body().collect(100).await;
        Response::new(204)
    })
    .await;
    assert_eq!(server.ask(b"").await, "");
    assert!(server.ask(b"GET / HTT").await.starts_with("HTTP/1.1 408 "));
    let stalled = server
        .ask(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n123")
        .await;
    assert!(stalled.starts_with("HTTP/1.1 408 "), "{stalled}");
    let answered = server.ask(GET).await;
    assert_eq!(answered.matches("HTTP/1.1").count(), 1, "{answered}");
}

#[tokio::test]
async fn a_connection_beyond_the_limit_is_answered_503_and_a_place_is_free_again_after_a_close() {
    for per_address in [false, true] {
        let mut config = Config::default();
        if per_address {
            config.max_connections_per_address = Some(1);
        } else {
            config.max_connections = 1;
        }
        let server = start(config, |_| async { Response::new(204) }).await;
        let mut first = server.connect().await;
        first.write_all(GET).await.unwrap();
        read_until(&mut first, "\r\n\r\n").await;
        let refused = server.ask(LAST_GET).await;
        assert!(refused.starts_with("HTTP/1.1 503 "), "{refused}");
        assert!(refused.contains("Retry-After: "), "{refused}");
        drop(first);
        let mut answer = String::new();
        for _ in 0..100 {
            answer = server.ask(LAST_GET).await;
            if answer.starts_with("HTTP/1.1 204 ") {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(answer.starts_with("HTTP/1.1 204 "), "{answer}");
    }
}

#[tokio::test]
async fn an_answer_that_http_does_not_allow_is_a_500_and_never_a_broken_head() {
    let rows: [(&'static str, &'static str); 4] = [
        ("X", "a\r\nY: b"),
        ("X Y", "a"),
        ("Content-Length", "5"),
        ("Transfer-Encoding", "chunked"),
    ];
    for (name, value) in rows {
        let server = start(Config::default(), move |_| async move {
            Response::text(200, "x").with(name, value)
        })
        .await;
        let answer = server.ask(LAST_GET).await;
        assert!(answer.starts_with("HTTP/1.1 500 "), "{name}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1").count(), 1);
    }
}

#[tokio::test]
async fn head_has_the_length_and_no_content_rfc9110_9_3_2() {
    let server = start(Config::default(), |_| async {
        Response::text(200, "hello")
    })
    .await;
    let answer = server
        .ask(b"HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .await;
    assert!(answer.contains("Content-Length: 5\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\n"), "{answer}");
}

#[tokio::test]
async fn a_stop_ends_idle_connections_at_once_and_finishes_answers_under_way() {
    let (release, mut released) = mpsc::channel::<()>(1);
    let release = Arc::new(release);
    let (held, mut was_held) = mpsc::unbounded_channel();
    let server_release = release.clone();
    let mut server = start(Config::default(), move |request: Request| {
        let (held, release) = (held.clone(), server_release.clone());
        async move {
            if request.head().path() == "/idle" {
                return Response::new(204);
            }
            held.send(()).unwrap();
            release.closed().await;
            Response::text(200, "finished")
        }
    })
    .await;
    let mut idle = server.connect().await;
    idle.write_all(b"GET /idle HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    read_until(&mut idle, "\r\n\r\n").await;
    let mut busy = server.connect().await;
    busy.write_all(GET).await.unwrap();
    timeout(PATIENCE, was_held.recv()).await.unwrap().unwrap();
    server.stop();
    assert_eq!(read_to_end(&mut idle).await, "");
    assert!(!server.ended.is_finished());
    released.close();
    let answer = read_to_end(&mut busy).await;
    assert!(
        answer.ends_with("finished") && answer.contains("Connection: close"),
        "{answer}"
    );
    drop((idle, busy));
    timeout(PATIENCE, server.ended).await.unwrap().unwrap();
    assert!(TcpStream::connect(server.address).await.is_err());
}

#[tokio::test]
async fn an_event_stream_is_one_chunk_an_event_and_beats_when_silent() {
    let mut config = Config::default();
    config.heartbeat = Duration::from_millis(50);
    let (left, mut has_left) = mpsc::unbounded_channel();
    let server = start(config, move |_| {
        let left = left.clone();
        async move {
            Response::events(move |mut events| async move {
                events.send(&EventRef::message("one\ntwo")).await.unwrap();
                events.keep_alive().await;
                left.send(()).unwrap();
            })
        }
    })
    .await;
    let mut socket = server.connect().await;
    socket.write_all(GET).await.unwrap();
    let stream = read_until(&mut socket, "3\r\n:\n\n\r\n3\r\n:\n\n\r\n").await;
    let (head, content) = stream.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("Content-Type: text/event-stream"), "{head}");
    assert!(head.contains("X-Accel-Buffering: no"), "{head}");
    assert!(
        content.starts_with("15\r\ndata: one\ndata: two\n\n\r\n3\r\n:\n\n\r\n"),
        "{content:?}"
    );
    drop(socket);
    timeout(PATIENCE, has_left.recv()).await.unwrap().unwrap();

    // To HTTP/1.0 the events go bare, and the end is the end of the connection.
    let mut socket = server.connect().await;
    socket.write_all(b"GET / HTTP/1.0\r\n\r\n").await.unwrap();
    let stream = read_until(&mut socket, "\n\n:\n\n").await;
    let (head, content) = stream.split_once("\r\n\r\n").unwrap();
    assert!(
        !head.contains("Transfer-Encoding") && head.contains("Connection: close"),
        "{head}"
    );
    assert_eq!(content, "data: one\ndata: two\n\n:\n\n");
}

const UPGRADE: &[u8] =
    b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

#[tokio::test]
async fn frames_that_came_with_the_handshake_are_answered_together_in_one_write() {
    let server = start(Config::default(), |request: Request| async move {
        Response::websocket(
            request.head(),
            &[],
            tidings_server::websocket::Config::default(),
            |mut ws| async move {
                while let Some(message) = ws.next().await {
                    ws.queue(&message).unwrap();
                }
            },
        )
    })
    .await;
    let mut socket = server.connect().await;
    let mut octets = UPGRADE.to_vec();
    // FIN text, masked with a key of zeros: "a" to "p".
    for letter in b'a'..=b'p' {
        octets.extend_from_slice(&[0x81, 0x81, 0, 0, 0, 0, letter]);
    }
    socket.write_all(&octets).await.unwrap();
    let mut first = vec![0; 4096];
    let len = timeout(PATIENCE, socket.read(&mut first))
        .await
        .unwrap()
        .unwrap();
    let head_end = first[..len]
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .unwrap()
        + 4;
    let head = String::from_utf8_lossy(&first[..head_end]).into_owned();
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    assert!(
        head.contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"),
        "{head}"
    );
    let want: Vec<u8> = (b'a'..=b'p').flat_map(|letter| [0x81, 1, letter]).collect();
    assert_eq!(
        &first[head_end..len],
        &want[..],
        "head and answers leave in one write"
    );
}

#[tokio::test]
async fn a_stop_closes_websockets_with_1012() {
    let mut server = start(Config::default(), |request: Request| async move {
        Response::websocket(
            request.head(),
            &[],
            tidings_server::websocket::Config::default(),
            |mut ws| async move { while ws.next().await.is_some() {} },
        )
    })
    .await;
    let mut socket = server.connect().await;
    socket.write_all(UPGRADE).await.unwrap();
    read_until(&mut socket, "\r\n\r\n").await;
    server.stop();
    let mut frame = [0; 4];
    timeout(PATIENCE, socket.read_exact(&mut frame))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(frame, [0x88, 2, 0x03, 0xf4]);
    // The peer's Close, masked; then the server closes TCP first.
    socket
        .write_all(&[0x88, 0x82, 0, 0, 0, 0, 0x03, 0xf4])
        .await
        .unwrap();
    assert_eq!(read_to_end(&mut socket).await, "");
    drop(socket);
    timeout(PATIENCE, server.ended).await.unwrap().unwrap();
}

#[tokio::test]
async fn malformed_octets_get_the_status_of_the_rule_and_the_next_client_is_served() {
    let server = start(Config::default(), |_| async { Response::new(204) }).await;
    let rows: [(&[u8], &str); 6] = [
        (b"GET / HTTP/1.1\r\n\r\n", "400"),
        (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", "505"),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "400"),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "501"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nExpect: x\r\nContent-Length: 1\r\n\r\n", "417"),
        (b"\x16\x03\x01\x02\x00\x01", "400"),
    ];
    for (octets, status) in rows {
        let answer = server.ask(octets).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{answer}"
        );
        assert!(
            answer.contains("Content-Type: application/problem+json"),
            "{answer}"
        );
        assert!(server.ask(LAST_GET).await.starts_with("HTTP/1.1 204 "));
    }
}

#[tokio::test]
async fn answers_that_wait_leave_though_the_next_octets_break_http() {
    let server = start(Config::default(), |request: Request| async move {
        Response::text(200, request.head().path().to_owned())
    })
    .await;
    // The second answer is finished before its content turns out to be no chunked coding.
    let octets = b"GET /one HTTP/1.1\r\nHost: a\r\n\r\n\
        POST /two HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nZ\r\n";
    let answers = server.ask(octets).await;
    assert_eq!(answers.matches("HTTP/1.1 200").count(), 2, "{answers}");
    assert!(
        answers.contains("/one") && answers.ends_with("/two"),
        "{answers}"
    );
}

#[tokio::test]
async fn a_body_that_outlives_its_answer_is_told_so() {
    let (told, mut was_told) = mpsc::unbounded_channel();
    let server = start(Config::default(), move |mut request: Request| {
        let told = told.clone();
        async move {
            tokio::spawn(async move {
                told.send(request.body().collect(100).await).unwrap();
            });
            Response::new(204)
        }
    })
    .await;
    let mut socket = server.connect().await;
    socket
        .write_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n123")
        .await
        .unwrap();
    let told = timeout(PATIENCE, was_told.recv()).await.unwrap().unwrap();
    assert_eq!(told, Err(BodyError::Gone));
}

#[tokio::test]
async fn a_wait_without_end_is_a_setting_like_any_other() {
    let mut config = Config::default();
    config.idle_timeout = Duration::MAX;
    config.head_timeout = Duration::MAX;
    config.progress_timeout = Duration::MAX;
    config.heartbeat = Duration::MAX;
    let server = start(config, |_| async { Response::new(204) }).await;
    assert!(server.ask(LAST_GET).await.starts_with("HTTP/1.1 204 "));
}

#[tokio::test]
async fn a_stop_gives_a_request_that_has_begun_a_second_and_no_more() {
    let mut server = start(Config::default(), |_| async { Response::new(204) }).await;
    let mut socket = server.connect().await;
    socket.write_all(b"GET / HT").await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    server.stop();
    let answer = read_to_end(&mut socket).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    drop(socket);
    timeout(Duration::from_secs(5), server.ended)
        .await
        .unwrap()
        .unwrap();
}

/// Changes one setting.
type Change = fn(&mut Config);

fn upgrade(limits: Change) -> impl Future<Output = Server> {
    let mut config = Config::default();
    limits(&mut config);
    start(config, |request: Request| async move {
        Response::upgrade(request.head(), |mut websocket| async move {
            while let Some(message) = websocket.next().await {
                let _ = websocket.feed(&message).await;
            }
        })
    })
}

/// Reads until a Close frame from the server and returns its code.
async fn close_code(socket: &mut TcpStream) -> u16 {
    let mut all = Vec::new();
    while timeout(PATIENCE, socket.read_buf(&mut all))
        .await
        .unwrap()
        .unwrap()
        > 0
    {}
    let close = all
        .windows(2)
        .rposition(|pair| pair[0] == 0x88 && pair[1] >= 2)
        .unwrap();
    u16::from_be_bytes([all[close + 2], all[close + 3]])
}

#[tokio::test]
async fn unfinished_messages_share_the_allowance_and_must_go_on() {
    let rows: [(&str, Change, u16); 2] = [
        (
            "more than all may hold",
            |config| config.max_unfinished_len = 1000,
            1013,
        ),
        (
            "no octet for the progress timeout",
            |config| config.progress_timeout = Duration::from_millis(100),
            1008,
        ),
    ];
    for (name, limits, want) in rows {
        let server = upgrade(limits).await;
        let mut socket = server.connect().await;
        socket.write_all(UPGRADE).await.unwrap();
        read_until(&mut socket, "\r\n\r\n").await;
        // A text frame of 5,000 octets, of which 4,000 come.
        let mut frame = vec![0x81, 0xfe, 0x13, 0x88, 0, 0, 0, 0];
        frame.extend_from_slice(&[b'x'; 4000]);
        socket.write_all(&frame).await.unwrap();
        assert_eq!(close_code(&mut socket).await, want, "{name}");
    }
}

#[tokio::test]
async fn single_octets_do_not_keep_a_large_message_alive() {
    let server = upgrade(|config| config.progress_timeout = Duration::from_millis(300)).await;
    let mut socket = server.connect().await;
    socket.write_all(UPGRADE).await.unwrap();
    read_until(&mut socket, "\r\n\r\n").await;
    // A binary frame of 60,000 octets, of which 20,000 come, and then one now and then.
    let mut frame = vec![0x82, 0xfe, 0xea, 0x60, 0, 0, 0, 0];
    frame.extend_from_slice(&[b'x'; 20_000]);
    socket.write_all(&frame).await.unwrap();
    let (mut reader, mut writer) = socket.into_split();
    let dripping = tokio::spawn(async move {
        while writer.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    let mut close = [0; 4];
    let read = timeout(Duration::from_secs(5), reader.read_exact(&mut close)).await;
    read.unwrap().unwrap();
    assert_eq!(
        close,
        [0x88, 26, 0x03, 0xF0],
        "1008, a message does not go on"
    );
    dripping.abort();
}

#[tokio::test]
async fn a_large_message_that_grows_steadily_goes_on_however_long_it_takes() {
    let server = upgrade(|config| config.progress_timeout = Duration::from_millis(400)).await;
    let mut socket = server.connect().await;
    socket.write_all(UPGRADE).await.unwrap();
    read_until(&mut socket, "\r\n\r\n").await;
    // A binary frame of 2,000,000 octets, of which 20,000 come at a time: half of them take longer than the timeout.
    socket
        .write_all(&[0x82, 0xff, 0, 0, 0, 0, 0, 0x1e, 0x84, 0x80, 0, 0, 0, 0])
        .await
        .unwrap();
    for _ in 0..100 {
        socket.write_all(&[b'x'; 20_000]).await.unwrap();
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let mut head = [0; 2];
    let read = timeout(Duration::from_secs(5), socket.read_exact(&mut head)).await;
    read.unwrap().unwrap();
    assert_eq!(head, [0x82, 127], "the message comes back");
}

#[tokio::test]
async fn large_messages_arrive_whole_however_they_are_cut() {
    let server = upgrade(|_| {}).await;
    let mut socket = server.connect().await;
    socket.write_all(UPGRADE).await.unwrap();
    read_until(&mut socket, "\r\n\r\n").await;
    for (len, cut, pause) in [
        (20_000_u16, 19_000, 2),
        (60_000, 5_000, 2),
        (60_000, 17_000, 0),
        (5_000, 4_500, 2),
        (60_000, 1, 0),
    ] {
        let payload: Vec<u8> = (0..=250).cycle().take(len.into()).collect();
        let mut frame = vec![0x82, 0xfe];
        frame.extend_from_slice(&len.to_be_bytes());
        frame.extend_from_slice(&[0; 4]);
        frame.extend_from_slice(&payload);
        // A message of one octet lies behind, in the same write.
        frame.extend_from_slice(&[0x82, 0x81, 0, 0, 0, 0, b'!']);
        let (first, rest) = frame.split_at(cut + 8);
        socket.write_all(first).await.unwrap();
        for piece in rest.chunks(9_000) {
            tokio::time::sleep(Duration::from_millis(pause)).await;
            socket.write_all(piece).await.unwrap();
        }
        let mut echo = vec![0; 4 + payload.len() + 3];
        let read = timeout(PATIENCE, socket.read_exact(&mut echo)).await;
        read.unwrap().unwrap();
        assert!(echo[4..].starts_with(&payload), "{len} octets cut at {cut}");
        assert_eq!(echo[4 + payload.len()..], *b"\x82\x01!");
    }
}

#[tokio::test]
async fn a_peer_that_sends_and_never_reads_is_dropped_after_the_progress_timeout() {
    let server = upgrade(|config| config.progress_timeout = Duration::from_millis(300)).await;
    let mut socket = server.connect().await;
    socket.write_all(UPGRADE).await.unwrap();
    read_until(&mut socket, "\r\n\r\n").await;
    // Echoes that nobody reads fill the socket; pings go on, and must not renew the deadline.
    let mut frame = vec![0x82, 0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0];
    frame.extend_from_slice(&[0; 0xffff]);
    let started = std::time::Instant::now();
    loop {
        let sent = timeout(Duration::from_millis(50), socket.write_all(&frame)).await;
        match sent {
            Ok(Err(_)) => break,
            Ok(Ok(())) => {}
            // A part of the frame may have been written: the rest is to follow, and is too late.
            Err(_) => {
                let ended = timeout(PATIENCE, socket.write_all(&frame.repeat(1000))).await;
                assert!(ended.unwrap().is_err());
                break;
            }
        }
        assert!(started.elapsed() < PATIENCE);
    }
}

#[tokio::test]
async fn the_wait_for_a_head_begins_with_its_first_octet_whatever_was_waited_for_before() {
    let mut config = Config::default();
    config.progress_timeout = Duration::from_millis(400);
    let server = start(config, |_| async { Response::new(204) }).await;
    let rows: [(&str, &[&[u8]]); 2] = [
        (
            "content that nobody wanted",
            &[
                b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n",
                b"12",
                b"34",
            ],
        ),
        (
            "the same, and the next head at once",
            &[
                b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n",
                b"12",
                b"34GE",
            ],
        ),
    ];
    for (name, pieces) in rows {
        let mut socket = server.connect().await;
        for piece in pieces {
            socket.write_all(piece).await.unwrap();
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        read_until(&mut socket, "\r\n\r\n").await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        let rest: &[u8] = if name.contains("next head") {
            b"T"
        } else {
            b"GET"
        };
        let _ = socket.write_all(rest).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        let _ = socket
            .write_all(b" / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            .await;
        let answer = read_to_end(&mut socket).await;
        assert!(answer.starts_with("HTTP/1.1 204 "), "{name}: {answer}");
    }
}

/// Octets that no socket takes at once from a peer that does not read.
const MORE_THAN_FITS: usize = 16 << 20;

#[tokio::test]
async fn what_a_peer_sends_while_it_is_written_to_goes_on_from_when_it_came() {
    let mut config = Config::default();
    config.progress_timeout = Duration::from_secs(1);
    let server = start(config, |request: Request| async move {
        Response::upgrade(request.head(), |mut websocket| async move {
            websocket.flush().await.unwrap();
            // Longer than a message may rest.
            tokio::time::sleep(Duration::from_millis(1300)).await;
            let long = Message::Binary(vec![0; MORE_THAN_FITS].into());
            websocket.send(&long).await.unwrap();
            while let Some(message) = websocket.next().await {
                let _ = websocket.feed(&message).await;
            }
        })
    })
    .await;
    let mut socket = server.connect().await;
    socket.write_all(UPGRADE).await.unwrap();
    read_until(&mut socket, "\r\n\r\n").await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    // A binary frame of 5,000 octets, of which 4,000 come while the server cannot write on.
    let mut frame = vec![0x82, 0xfe, 0x13, 0x88, 0, 0, 0, 0];
    frame.extend_from_slice(&[b'x'; 4000]);
    socket.write_all(&frame).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let mut long = vec![0; 10 + MORE_THAN_FITS];
    let read = timeout(PATIENCE, socket.read_exact(&mut long)).await;
    read.unwrap().unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    socket.write_all(&[b'x'; 1000]).await.unwrap();
    let mut echo = [0; 4];
    let read = timeout(PATIENCE, socket.read_exact(&mut echo)).await;
    let _ = read.unwrap();
    assert_eq!(echo, [0x82, 126, 0x13, 0x88], "the echo of 5,000 octets");
}

#[tokio::test]
async fn no_more_is_queued_than_may_wait_also_behind_shared_frames_that_wait() {
    let (told, mut tells) = mpsc::unbounded_channel();
    let server = start(Config::default(), move |request: Request| {
        let told = told.clone();
        async move {
            Response::upgrade(request.head(), |mut websocket| async move {
                let frame = SharedFrame::binary(&vec![0; MORE_THAN_FITS]);
                let sent = websocket.send_shared([frame]);
                assert!(timeout(Duration::from_millis(100), sent).await.is_err());
                let piece = Message::Binary(vec![0; 1 << 20].into());
                let queued = (0..8).filter(|_| websocket.queue(&piece).is_ok()).count();
                told.send(queued).unwrap();
            })
        }
    })
    .await;
    let mut socket = server.connect().await;
    socket.write_all(UPGRADE).await.unwrap();
    let queued = timeout(PATIENCE, tells.recv()).await.unwrap();
    assert_eq!(queued, Some(0));
}
