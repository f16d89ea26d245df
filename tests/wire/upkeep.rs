//! Health, the figures of a channel, and many names.

use tidings_tests::http::head;
use tidings_tests::{EventStream, Server, WebSocket};

#[test]
fn healthz_says_that_the_server_serves() {
    let server = Server::start(&[]);
    assert_eq!(server.get("/healthz").status, 200);
    assert_eq!(server.ask("HEAD", "/healthz", &[], b"").status, 200);
}

#[test]
fn info_tells_what_is_kept_who_reads_and_what_it_cost() {
    let server = Server::start(&["--history", "3"]);
    let ids = crate::publish_numbers(&server, "a", 5);
    let streams: Vec<_> = (0..2)
        .map(|_| EventStream::start(&server, "/channels/a", &[]))
        .collect();
    let sockets: Vec<_> = (0..3)
        .map(|_| WebSocket::bare(&server, "/channels/a"))
        .collect();
    let mut waiting = server.connect();
    waiting.ask("GET", "/channels/a?wait=30", &[], b"");
    assert_eq!(server.get("/channels/a?from=earliest").data().len(), 3);
    std::thread::sleep(core::time::Duration::from_millis(100));

    let answer = server.get("/channels/a/info");
    assert_eq!(
        (answer.status, answer.field("content-type")),
        (200, Some("application/json"))
    );
    let info = answer.json();
    assert_eq!(info["channel"], "a");
    assert_eq!(info["position"], ids[4].as_str());
    assert_eq!(info["oldest"], ids[2].as_str());
    assert_eq!(info["messages"], 3);
    assert!(
        info["octets"].as_u64().is_some_and(|octets| octets >= 6),
        "{info}"
    );
    let subscribers = &info["subscribers"];
    assert_eq!(
        (
            &subscribers["sse"],
            &subscribers["websocket"],
            &subscribers["long_poll"]
        ),
        (&2.into(), &3.into(), &1.into()),
        "{info}"
    );
    assert!(
        subscribers["short_poll"]
            .as_u64()
            .is_some_and(|count| count >= 1),
        "{info}"
    );
    for transport in ["short_poll", "long_poll", "sse", "websocket"] {
        for figure in ["requests", "messages", "octets_in", "octets_out"] {
            assert!(
                info["wire"][transport][figure].is_u64(),
                "{transport}.{figure}: {info}"
            );
        }
    }
    let wire = &info["wire"];
    assert_eq!(
        (&wire["sse"]["requests"], &wire["websocket"]["requests"]),
        (&2.into(), &3.into()),
        "{info}"
    );
    assert_eq!(wire["short_poll"]["messages"], 3, "{info}");
    assert!(
        wire["short_poll"]["octets_out"]
            .as_u64()
            .is_some_and(|octets| octets > 100),
        "{info}"
    );
    drop((streams, sockets));
}

#[test]
fn a_channel_without_messages_has_no_oldest() {
    let server = Server::start(&[]);
    let position = server.get("/channels/%C3%A9").position();
    let info = server.get("/channels/%C3%A9/info").json();
    assert_eq!(
        (&info["channel"], &info["position"]),
        (&"é".into(), &position.as_str().into())
    );
    assert_eq!(
        (&info["oldest"], &info["messages"]),
        (&serde_json::Value::Null, &0.into())
    );
}

#[test]
fn twenty_thousand_names_are_served_and_the_server_goes_on() {
    let server = Server::start(&[]);
    let mut connection = server.connect();
    for group in 0..100 {
        let mut octets = Vec::new();
        for number in 0..200 {
            let target = format!("/channels/n{}", group * 200 + number);
            octets.extend(head(server.address(), "POST", &target, &[], 1).into_bytes());
            octets.push(b'x');
        }
        connection.send(&octets);
        for _ in 0..200 {
            assert_eq!(connection.answer().status, 200);
        }
    }
    for number in [0, 9_999, 19_999] {
        assert_eq!(
            server
                .get(&format!("/channels/n{number}?from=earliest"))
                .data(),
            ["x"]
        );
    }
    server.assert_alive("20,000 names");
}
