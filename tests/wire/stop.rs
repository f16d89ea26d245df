//! SIGINT and SIGTERM: everyone is told, nobody is cut, and the exit code is 0.

use core::time::Duration;
use std::net::TcpStream;

use tidings_tests::{EventStream, Server, WebSocket};

#[test]
fn a_stop_answers_polls_ends_streams_and_closes_sockets() {
    for signal in ["INT", "TERM"] {
        let mut server = Server::start(&[]);
        let id = server.publish("a", "m1");
        let tag = format!("\"{id}\"");
        let mut idle = server.connect();
        assert_eq!(idle.request("GET", "/healthz", &[], b"").status, 200);
        let mut plain = server.connect();
        plain.ask("GET", "/channels/a?wait=50", &[], b"");
        let mut tagged = server.connect();
        tagged.ask(
            "GET",
            "/channels/a?wait=50",
            &[("If-None-Match", &tag)],
            b"",
        );
        let mut stream = EventStream::start(&server, "/channels/a", &[]).0;
        let mut bare = WebSocket::bare(&server, "/channels/a");
        let mut socket = WebSocket::envelopes(&server, "/channels/a").0;
        std::thread::sleep(Duration::from_millis(100));

        server.signal(signal);

        let answer = plain.answer();
        assert_eq!(
            (answer.status, answer.position()),
            (200, id.clone()),
            "{signal}"
        );
        assert!(
            answer.data().is_empty(),
            "{signal}: as if the wait had ended"
        );
        assert_eq!(tagged.answer().status, 304, "{signal}");
        let last = stream.block().expect("a last block");
        let retry = last.retry.expect("a retry");
        assert!((1000..=30_000).contains(&retry), "{signal}: {last:?}");
        assert_eq!(
            (last.data, stream.block()),
            (None, None),
            "{signal}: the stream ends"
        );
        let (code, reason) = bare.closed();
        let (word, position) = reason.split_once(" after=").expect("WORD after=P");
        assert_eq!((code, position), (1012, id.as_str()), "{signal}");
        assert!(!word.is_empty(), "{signal}");
        assert_eq!(socket.closed().0, 1012, "{signal}");
        assert!(idle.ends(), "{signal}: an idle connection is closed");
        let status = server.wait(Duration::from_secs(10));
        assert_eq!(status.code(), Some(0), "{signal}: {status}");
        assert!(
            TcpStream::connect(server.address()).is_err(),
            "{signal}: the port is free"
        );
    }
}

#[test]
fn a_request_at_hand_is_finished_before_the_end() {
    let mut server = Server::start(&[]);
    let mut connection = server.connect();
    connection.ask("POST", "/channels/a", &[("Content-Length", "4")], b"ha");
    std::thread::sleep(Duration::from_millis(100));
    server.signal("TERM");
    std::thread::sleep(Duration::from_millis(100));
    connection.send(b"lf");
    assert_eq!(
        connection.try_answer("POST").map(|answer| answer.status),
        Some(200)
    );
    assert_eq!(server.wait(Duration::from_secs(10)).code(), Some(0));
}
