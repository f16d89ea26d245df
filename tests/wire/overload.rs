//! Over the limit of connections: who comes is told when to come back, and is closed.

use core::time::Duration;

use tidings_tests::websocket::HANDSHAKE;
use tidings_tests::{Connection, Server};

#[test]
fn past_the_limit_of_connections_everyone_is_told_when_to_come_back() {
    let server = Server::start(&["--max-connections", "2"]);
    let mut held: Vec<Connection> = (0..2).map(|_| server.connect()).collect();
    for connection in &mut held {
        assert_eq!(connection.request("GET", "/healthz", &[], b"").status, 200);
    }
    let wait = |what: &str, seconds: Option<&str>| {
        let seconds: u64 = seconds
            .and_then(|text| text.parse().ok())
            .unwrap_or_else(|| panic!("{what}"));
        assert!((1..=30).contains(&seconds), "{what}: {seconds}");
    };
    let rows: [(&str, &str, &[(&str, &str)]); 3] = [
        ("a poll", "GET", &[]),
        ("publishing", "POST", &[]),
        ("a WebSocket", "GET", &HANDSHAKE),
    ];
    for (name, method, fields) in rows {
        let mut connection = server.connect();
        let answer = connection.request(method, "/channels/a", fields, b"");
        answer.assert_problem(503, "", name);
        wait(name, answer.field("retry-after"));
        assert!(connection.ends(), "{name}: closed");
    }
    drop(held);
    std::thread::sleep(Duration::from_millis(200));
    server.assert_alive("overload");
    assert!(
        server.get("/channels/a?from=earliest").data().is_empty(),
        "nothing refused was published"
    );
}
