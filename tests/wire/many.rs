//! Several channels on one connection of `tidings.v1`.

use serde_json::{Value, json};
use tidings_tests::{Server, WebSocket};

#[test]
fn a_connection_carries_several_channels_and_names_all_but_that_of_its_url() {
    let server = Server::start(&[]);
    server.publish_to("/channels/b", &[], b"before");
    let (mut socket, _) = WebSocket::envelopes(&server, "/channels/a");
    socket.send_json(&json!({"subscribe": "b", "from": "earliest", "ref": 1}));
    let subscribed = socket.json();
    assert_eq!(
        (&subscribed["channel"], &subscribed["ref"]),
        (&json!("b"), &json!(1))
    );
    assert!(
        subscribed["position"].as_str().unwrap().ends_with(".0"),
        "{subscribed}"
    );
    let before = socket.json();
    assert_eq!(
        (&before["channel"], &before["data"]),
        (&json!("b"), &json!("before"))
    );

    server.publish_to("/channels/a", &[], b"own");
    let own = socket.json();
    assert_eq!((own.get("channel"), &own["data"]), (None, &json!("own")));
    let binary = [("Content-Type", "application/octet-stream")];
    server.publish_to("/channels/b?event=e", &binary, b"\x00\xff");
    let other = socket.json();
    let id = other["id"].clone();
    assert_eq!(
        other,
        json!({"channel": "b", "id": id, "event": "e", "data_base64": "AP8="})
    );

    // What is published goes to the channel of the URL.
    socket.send_json(&json!({"publish": "mine", "ref": 2}));
    let got = [socket.json(), socket.json()];
    assert!(
        got.iter().any(|envelope| envelope["data"] == "mine"),
        "{got:?}"
    );
    assert!(
        got.iter().all(|envelope| envelope.get("channel").is_none()),
        "{got:?}"
    );
}

#[test]
fn a_subscription_resumes_at_its_position_or_is_told_its_gap() {
    let server = Server::start(&["--history", "2"]);
    let first = server.publish_to("/channels/b", &[], b"1");
    let (mut socket, _) = WebSocket::envelopes(&server, "/channels/a");
    socket.send_json(&json!({"subscribe": "b", "after": first}));
    let subscribed = socket.json();
    assert_eq!(subscribed, json!({"position": first, "channel": "b"}));
    for text in ["2", "3"] {
        server.publish_to("/channels/b", &[], text.as_bytes());
        assert_eq!(socket.json()["data"], text);
    }
    socket.send_json(&json!({"unsubscribe": "b", "ref": "r"}));
    assert_eq!(socket.json(), json!({"unsubscribed": "b", "ref": "r"}));
    // Nothing of it follows.
    server.publish_to("/channels/b", &[], b"4");
    server.publish_to("/channels/a", &[], b"own");
    assert_eq!(socket.json()["data"], "own");

    socket.send_json(&json!({"subscribe": "b", "after": first, "ref": 2}));
    assert_eq!(socket.json()["position"], json!(first));
    let gap = socket.json();
    assert_eq!(gap["channel"], "b");
    assert_eq!(gap["gap"]["reason"], "trimmed", "{gap}");
    assert_eq!(
        (&gap["gap"]["first"], &gap["gap"]["last"]),
        (&json!(2), &json!(2)),
        "{gap}"
    );
    assert_eq!(
        [&socket.json()["data"], &socket.json()["data"]],
        [&json!("3"), &json!("4")]
    );
}

#[test]
fn a_subscription_that_cannot_be_is_an_error_with_its_code() {
    let server = Server::start(&[]);
    let (mut socket, _) = WebSocket::envelopes(&server, "/channels/a");
    socket.send_json(&json!({"subscribe": "b", "ref": 0}));
    assert_eq!(socket.json()["channel"], "b");
    let rows: [(Value, &str); 10] = [
        (json!({"subscribe": "b"}), "already"),
        (json!({"subscribe": "a"}), "already"),
        (json!({"subscribe": ".."}), "channel"),
        (json!({"subscribe": "x/y"}), "channel"),
        (json!({"unsubscribe": ""}), "channel"),
        (json!({"subscribe": "c", "after": "x"}), "position"),
        (json!({"subscribe": "c", "after": 1}), "position"),
        (json!({"subscribe": "c", "from": "yesterday"}), "position"),
        (json!({"unsubscribe": "c"}), "not_subscribed"),
        (json!({"unsubscribe": "a"}), "not_subscribed"),
    ];
    for (number, (mut command, code)) in (1..).zip(rows) {
        command["ref"] = json!(number);
        socket.send_json(&command);
        let error = socket.json();
        assert_eq!(
            (&error["error"]["code"], &error["ref"]),
            (&json!(code), &json!(number)),
            "{command}"
        );
    }
    // With that of the URL and `b`, 98 more make 100.
    for number in 0..98 {
        socket.send_json(&json!({"subscribe": format!("c{number}")}));
        assert!(socket.json()["position"].is_string(), "{number}");
    }
    socket.send_json(&json!({"subscribe": "one more", "ref": "r"}));
    assert_eq!(socket.json()["error"]["code"], "limit");
    server.publish_to("/channels/c97", &[], b"last");
    let last = socket.json();
    assert_eq!(
        (&last["channel"], &last["data"]),
        (&json!("c97"), &json!("last"))
    );
}

#[test]
fn a_deleted_channel_ends_its_subscription_and_not_the_connection() {
    let server = Server::start(&[]);
    let (mut socket, _) = WebSocket::envelopes(&server, "/channels/a");
    socket.send_json(&json!({"subscribe": "b"}));
    let position = socket.json()["position"].clone();
    assert_eq!(server.ask("DELETE", "/channels/b", &[], b"").status, 204);
    assert_eq!(socket.json(), json!({"channel": "b", "deleted": true}));
    socket.send_json(&json!({"subscribe": "b", "after": position}));
    let again = socket.json();
    assert_eq!(again["channel"], "b", "{again}");
    assert_eq!(socket.json()["gap"]["reason"], "epoch");
    assert_eq!(server.ask("DELETE", "/channels/a", &[], b"").status, 204);
    assert_eq!(socket.json(), json!({"deleted": true}));
    assert_eq!(socket.closed().0, 4010);
}
