//! The subprotocol `tidings.v1`: envelopes of JSON in text frames.

use serde_json::{Value, json};
use tidings_tests::websocket::{BINARY, TEXT};
use tidings_tests::{Server, WebSocket, base64};

/// Reads `count` envelopes; acks and own messages come in any order.
fn envelopes(socket: &mut WebSocket, count: usize) -> Vec<Value> {
    (0..count).map(|_| socket.json()).collect()
}

fn find<'a>(envelopes: &'a [Value], member: &str) -> &'a Value {
    let found = envelopes
        .iter()
        .find(|envelope| envelope.get(member).is_some());
    found.unwrap_or_else(|| panic!("no `{member}` in {envelopes:?}"))
}

#[test]
fn a_publish_is_acknowledged_and_comes_back() {
    let server = Server::start(&[]);
    let mut socket = WebSocket::envelopes(&server, "/channels/a").0;
    for reference in [
        json!("r-1"),
        json!(""),
        json!(17),
        json!(-3),
        json!("é".repeat(32)),
    ] {
        socket.send_json(&json!({"publish": "text", "event": "price", "ref": reference}));
        let got = envelopes(&mut socket, 2);
        let ack = find(&got, "ack");
        let own = find(&got, "data");
        assert_eq!(ack["ack"], reference);
        assert_eq!(
            *own,
            json!({"id": ack["id"], "event": "price", "data": "text"})
        );
    }
    socket.send_json(&json!({"publish_base64": "AP8=", "ref": 2, "unknown": {"member": 1}}));
    let got = envelopes(&mut socket, 2);
    let own = find(&got, "data_base64");
    assert_eq!(
        *own,
        json!({"id": find(&got, "ack")["id"], "data_base64": "AP8="})
    );
    // Nobody asked for an acknowledgement.
    socket.send_json(&json!({"publish": "quiet"}));
    assert_eq!(socket.json()["data"], "quiet");
    assert_eq!(
        server.get("/channels/a?from=earliest").json()["messages"]
            .as_array()
            .unwrap()
            .len(),
        7
    );
}

#[test]
fn a_key_makes_publishing_again_harmless() {
    let server = Server::start(&[]);
    let mut socket = WebSocket::envelopes(&server, "/channels/a").0;
    socket.send_json(&json!({"publish": "once", "key": "k", "ref": 1}));
    let first = envelopes(&mut socket, 2);
    let id = find(&first, "ack")["id"].clone();
    socket.send_json(&json!({"publish": "once", "key": "k", "ref": 2}));
    assert_eq!(socket.json(), json!({"ack": 2, "id": id}));
    let again = server.ask("POST", "/channels/a", &[("Idempotency-Key", "k")], b"once");
    assert_eq!(again.json()["id"], id, "one key, whatever the transport");
    socket.send_json(&json!({"publish": "other", "key": "k", "ref": 3}));
    let refused = socket.json();
    assert_eq!(refused["ref"], 3, "{refused}");
    assert!(
        refused["error"]["code"].is_string() && refused["error"]["message"].is_string(),
        "{refused}"
    );
    assert_eq!(server.get("/channels/a?from=earliest").data(), ["once"]);
}

#[test]
fn what_is_asked_badly_is_told_by_code_and_the_session_goes_on() {
    let server = Server::start(&[]);
    let mut socket = WebSocket::envelopes(&server, "/channels/a").0;
    let long_key = json!({"publish": "x", "key": "k".repeat(256)}).to_string();
    let long_ref = json!({"publish": "x", "ref": "r".repeat(65)}).to_string();
    let long_event = json!({"publish": "x", "event": "e".repeat(65)}).to_string();
    let rows: [(&str, &str); 24] = [
        ("no JSON", "hello"),
        ("nothing", ""),
        ("half of it", "{\"publish\":\"x\""),
        ("two of it", "{\"publish\":\"x\"}{\"publish\":\"y\"}"),
        ("a list", "[]"),
        ("a text", "\"publish\""),
        ("null", "null"),
        ("no verb", "{}"),
        ("an unknown verb", "{\"shout\":\"x\"}"),
        (
            "two verbs",
            "{\"publish\":\"x\",\"publish_base64\":\"eA==\"}",
        ),
        ("a number", "{\"publish\":1}"),
        ("null", "{\"publish\":null}"),
        ("bad base64", "{\"publish_base64\":\"!\"}"),
        ("base64 cut short", "{\"publish_base64\":\"AAA\"}"),
        (
            "base64 of the other alphabet",
            "{\"publish_base64\":\"_w==\"}",
        ),
        (
            "an event that is ours",
            "{\"publish\":\"x\",\"event\":\"tidings.x\"}",
        ),
        (
            "an event with a line feed",
            "{\"publish\":\"x\",\"event\":\"a\\nb\"}",
        ),
        (
            "an event that EventSource fires",
            "{\"publish\":\"x\",\"event\":\"open\"}",
        ),
        ("a long event", &long_event),
        ("an empty event", "{\"publish\":\"x\",\"event\":\"\"}"),
        ("a key with a space", "{\"publish\":\"x\",\"key\":\"a b\"}"),
        ("a long key", &long_key),
        ("a long ref", &long_ref),
        (
            "a ref that is no integer",
            "{\"publish\":\"x\",\"ref\":1.5}",
        ),
    ];
    for (name, sent) in rows {
        socket.send(TEXT, sent.as_bytes());
        let got = socket.json();
        assert_eq!(
            got["error"]["code"], "malformed",
            "{name}: {sent} got {got}"
        );
        let message = got["error"]["message"].as_str().unwrap_or_default();
        assert!(!message.is_empty(), "{name}: says what was wrong: {got}");
    }
    socket.send_json(&json!({"publish": "x", "event": "open", "ref": "mine"}));
    assert_eq!(socket.json()["ref"], "mine", "an error names the request");
    assert!(server.get("/channels/a?from=earliest").data().is_empty());
    socket.send_json(&json!({"publish": "still here"}));
    assert_eq!(socket.json()["data"], "still here");
    server.assert_alive("malformed envelopes");
}

#[test]
fn the_limit_counts_the_payload_not_its_envelope() {
    let server = Server::start(&["--max-message", "1000"]);
    let mut socket = WebSocket::envelopes(&server, "/channels/a").0;
    let fits = [
        ("plain", json!({"publish": "x".repeat(1000)})),
        ("escapes", json!({"publish": "\u{1}".repeat(1000)})),
        (
            "base64",
            json!({"publish_base64": base64::encode(&[0xFF; 1000])}),
        ),
    ];
    for (name, envelope) in fits {
        socket.send_json(&envelope);
        let got = socket.json();
        assert!(got.get("id").is_some(), "{name}: {got}");
    }
    let over = [
        ("plain", json!({"publish": "x".repeat(1001), "ref": 1})),
        (
            "base64",
            json!({"publish_base64": base64::encode(&[0xFF; 1001]), "ref": 1}),
        ),
    ];
    for (name, envelope) in over {
        socket.send_json(&envelope);
        let got = socket.json();
        assert_eq!(
            (&got["error"]["code"], &got["ref"]),
            (&"too_large".into(), &1.into()),
            "{name}: {got}"
        );
    }
    socket.send(
        TEXT,
        json!({"publish": "x".repeat(100_000)})
            .to_string()
            .as_bytes(),
    );
    assert_eq!(socket.closed().0, 1009, "a frame that no envelope needs");
    server.assert_alive("large envelopes");
}

#[test]
fn a_binary_frame_closes_with_1003() {
    let server = Server::start(&[]);
    let mut socket = WebSocket::envelopes(&server, "/channels/a").0;
    socket.send(BINARY, b"{\"publish\":\"x\"}");
    assert_eq!(socket.closed().0, 1003);
    assert!(server.get("/channels/a?from=earliest").data().is_empty());
}

#[test]
fn envelopes_of_the_urls_channel_do_not_name_it() {
    let server = Server::start(&[]);
    let mut socket = WebSocket::open(
        &server,
        "/channels/a",
        &[("Sec-WebSocket-Protocol", "tidings.v1")],
    );
    let id = server.publish("a", "x");
    let position = format!("{}.0", crate::epoch(&id));
    assert_eq!(socket.json(), json!({"position": position}));
    assert_eq!(socket.json(), json!({"id": id, "data": "x"}));
}
