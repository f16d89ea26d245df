//! The publish key, and listening beyond loopback.

use core::time::Duration;
use std::path::PathBuf;

use serde_json::json;
use tidings_tests::websocket::{CLOSE, TEXT};
use tidings_tests::{Answer, EventStream, Server, WebSocket, command};

const KEY: &str = "correct-horse-battery-staple";

fn key_file(name: &str, content: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("tidings-{}-{name}", std::process::id()));
    std::fs::write(&path, content).unwrap();
    path
}

/// The answer without what may differ from one to the next.
fn constant(answer: &Answer) -> (u16, Vec<(String, String)>, Vec<u8>) {
    let fields = answer
        .fields
        .iter()
        .filter(|(name, _)| name != "date")
        .cloned()
        .collect();
    (answer.status, fields, answer.body.clone())
}

#[test]
fn with_a_publish_key_who_does_not_hold_it_only_reads() {
    let file = key_file("key", &format!("{KEY}\n"));
    let server = Server::start(&["--publish-key", file.to_str().unwrap()]);
    let rows: [(&str, Option<String>); 9] = [
        ("no field", None),
        ("another key", Some("Bearer wrong".into())),
        ("a prefix of the key", Some(format!("Bearer {}", &KEY[..5]))),
        ("the key and more", Some(format!("Bearer {KEY}x"))),
        (
            "the key in capitals",
            Some(format!("Bearer {}", KEY.to_uppercase())),
        ),
        ("no key", Some("Bearer ".into())),
        ("the key alone", Some(KEY.into())),
        ("another scheme", Some(format!("Basic {KEY}"))),
        ("two keys", Some(format!("Bearer {KEY}, Bearer {KEY}"))),
    ];
    let mut answers = Vec::new();
    for (name, value) in &rows {
        let fields: Vec<(&str, &str)> = value
            .iter()
            .map(|value| ("Authorization", value.as_str()))
            .collect();
        for method in ["POST", "DELETE"] {
            let answer = server.ask(method, "/channels/a", &fields, b"");
            answer.assert_problem(401, "", &format!("{method}: {name}"));
            let asked = answer.field("www-authenticate").expect("RFC 9110 §15.5.2");
            assert!(asked.starts_with("Bearer"), "{asked}");
            answers.push((name, answer));
        }
    }
    for (name, answer) in &answers {
        assert_eq!(
            constant(answer),
            constant(&answers[0].1),
            "{name}: the answer tells nothing"
        );
    }
    assert_eq!(
        server.get("/channels/a?from=earliest").status,
        200,
        "reading needs no key"
    );

    let key = format!("Bearer {KEY}");
    let fields = [("Authorization", key.as_str())];
    server.publish_to("/channels/a", &fields, b"m1");
    assert_eq!(server.get("/channels/a?from=earliest").data(), ["m1"]);

    let (mut stream, _) = EventStream::start(&server, "/channels/a?from=earliest", &[]);
    assert_eq!(stream.event().unwrap().data.as_deref(), Some("m1"));
    let mut reader = WebSocket::bare(&server, "/channels/a?from=earliest");
    assert_eq!(reader.text(), "m1", "reading needs no key");
    reader.send(TEXT, b"forbidden");
    assert_eq!(
        reader.closed().0,
        1008,
        "publishing over a bare WebSocket without the key"
    );
    let mut socket = WebSocket::envelopes(&server, "/channels/a").0;
    socket.send_json(&json!({"publish": "forbidden", "ref": 1}));
    let refused = socket.message();
    let code = refused
        .payload
        .first_chunk::<2>()
        .map(|code| u16::from_be_bytes(*code));
    let told = refused.opcode == TEXT && refused.text().contains("\"error\"");
    assert!(
        told || (refused.opcode == CLOSE && code == Some(1008)),
        "{refused:?}"
    );

    let mut writer = WebSocket::open(&server, "/channels/a", &fields);
    writer.send(TEXT, b"m2");
    assert_eq!(writer.text(), "m2");
    assert_eq!(server.get("/channels/a?from=earliest").data(), ["m1", "m2"]);
    assert_eq!(
        server.ask("DELETE", "/channels/a", &fields, b"").status,
        204
    );
    assert!(!server.log().contains(KEY), "the key stays out of the log");
    std::fs::remove_file(file).unwrap();
    server.assert_alive("wrong keys");
}

#[test]
fn a_key_file_that_is_missing_or_empty_lets_nobody_in() {
    let missing = std::env::temp_dir().join("tidings-no-such-key");
    let empty = key_file("empty", "\n");
    for file in [&missing, &empty] {
        let name = file.to_str().unwrap();
        let arguments = ["serve", "--listen", "127.0.0.1:0", "--publish-key", name];
        let (code, _, said) = command::run(&arguments, Duration::from_secs(5));
        assert!(
            code.is_some_and(|code| code != 0),
            "{name}: exit code {code:?}\n{said}"
        );
        assert!(
            said.contains(name) || said.contains("key"),
            "{name}: {said}"
        );
    }
    std::fs::remove_file(empty).unwrap();
}

#[test]
fn listening_beyond_loopback_needs_a_key_or_open() {
    for listen in ["0.0.0.0:0", "[::]:0"] {
        let (code, out, said) =
            command::run(&["serve", "--listen", listen], Duration::from_secs(5));
        assert_eq!(code, Some(1), "{listen}: {said}");
        assert!(
            said.contains("--open") && said.contains("--publish-key"),
            "{listen}: {said}"
        );
        assert!(!out.contains("listening"), "{listen}: {out}");
    }
    let open = Server::start_at(&["--listen", "0.0.0.0:0", "--open"]);
    open.assert_alive("--open");
    let file = key_file("beyond", KEY);
    let keyed = Server::start_at(&[
        "--listen",
        "0.0.0.0:0",
        "--publish-key",
        file.to_str().unwrap(),
    ]);
    keyed.assert_alive("--publish-key");
    // Beyond loopback a name is whatever the world calls this machine.
    let named = open
        .connect()
        .request("GET", "/channels/a", &[("Host", "push.example")], b"");
    assert_eq!(named.status, 200);
    std::fs::remove_file(file).unwrap();
}
