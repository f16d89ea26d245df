//! DELETE ends a channel on every transport, and who comes back meets a new epoch.

use tidings_tests::{EventStream, Server, WebSocket};

#[test]
fn delete_ends_every_reader_and_a_new_epoch_begins() {
    let server = Server::start(&[]);
    let old = server.publish("a", "m1");
    let mut poll = server.connect();
    poll.ask("GET", "/channels/a?wait=30", &[], b"");
    let mut stream = EventStream::start(&server, "/channels/a", &[]).0;
    let mut bare = WebSocket::bare(&server, "/channels/a");
    let mut socket = WebSocket::envelopes(&server, "/channels/a").0;
    std::thread::sleep(core::time::Duration::from_millis(50));

    let answer = server.ask("DELETE", "/channels/a", &[], b"");
    assert_eq!(answer.status, 204, "{answer:?}");
    assert!(
        answer.field("content-length").is_none(),
        "RFC 9110 §8.6: {answer:?}"
    );

    let answer = poll.answer();
    answer.assert_problem(410, "deleted", "a waiting poll");
    answer.assert_channel_fields("410");
    assert_eq!(stream.event(), None, "the stream ends");
    assert_eq!(bare.closed().0, 4010);
    assert_eq!(socket.json(), serde_json::json!({"deleted": true}));
    assert_eq!(socket.closed().0, 4010);

    let new = server.get("/channels/a").position();
    assert_ne!(crate::epoch(&new), crate::epoch(&old));
    assert_eq!(crate::offset(&new), 0);
    let answer = server.get(&format!("/channels/a?after={old}"));
    let gap = &answer.json()["gap"];
    assert_eq!(
        (&gap["reason"], &gap["asked"]),
        (&"epoch".into(), &old.as_str().into()),
        "{gap}"
    );
    server.assert_alive("delete");
}

#[test]
fn delete_frees_idempotency_keys() {
    let server = Server::start(&[]);
    let key = [("Idempotency-Key", "k")];
    let first = server.publish_to("/channels/a", &key, b"x");
    assert_eq!(server.ask("DELETE", "/channels/a", &[], b"").status, 204);
    let second = server.publish_to("/channels/a", &key, b"y");
    assert_ne!(crate::epoch(&first), crate::epoch(&second));
}
