//! The rules that have a clock. One test runs them side by side, so that their waits are one wait.

use core::time::Duration;
use std::thread;
use std::time::Instant;

use tidings_tests::{EventStream, Server, WebSocket};

fn a_head_has_10_seconds(server: &Server) {
    let mut connection = server.connect();
    connection.send(b"GET /channels/a HTTP/1.1\r\nHost: localhost\r\n");
    let start = Instant::now();
    // Octets that drip in do not buy time.
    let mut dripped = 0;
    while connection.silent(Duration::from_secs(1)) && dripped < 20 {
        connection.send(b"X: y\r\n");
        dripped += 1;
    }
    connection.answer().assert_problem(408, "", "a slow head");
    let waited = start.elapsed().as_secs();
    assert!((9..=13).contains(&waited), "after {waited} s");
    assert!(connection.ends());
}

fn a_silent_stream_has_a_comment_every_15_seconds(server: &Server) {
    let mut stream = EventStream::start(server, "/channels/quiet", &[]).0;
    let start = Instant::now();
    let block = stream.block().expect("a heartbeat");
    assert!(block.comment && block.data.is_none(), "{block:?}");
    let waited = start.elapsed().as_secs();
    assert!((13..=18).contains(&waited), "after {waited} s");
}

fn a_quiet_reader_keeps_its_connection(server: &Server) {
    let mut socket = WebSocket::bare(server, "/channels/quiet-socket");
    thread::sleep(Duration::from_secs(13));
    server.publish("quiet-socket", "m1");
    assert_eq!(socket.text(), "m1");
}

#[test]
fn slow_heads_get_408_and_silent_streams_get_comments() {
    let server = Server::start(&[]);
    thread::scope(|scope| {
        scope.spawn(|| a_head_has_10_seconds(&server));
        scope.spawn(|| a_silent_stream_has_a_comment_every_15_seconds(&server));
        scope.spawn(|| a_quiet_reader_keeps_its_connection(&server));
    });
    server.assert_alive("slow clients");
}
