//! Text and binary, and what each transport makes of them.

use tidings_tests::websocket::{BINARY, TEXT};
use tidings_tests::{EventStream, Server, WebSocket, base64};

#[test]
fn a_message_is_text_or_binary_by_its_publishers_word() {
    let server = Server::start(&[]);
    let octets = "application/octet-stream";
    let rows: [(&str, Option<&str>, &[u8], bool); 10] = [
        ("no type, UTF-8", None, b"text", false),
        ("no type, not UTF-8", None, b"\xFF\x00", true),
        ("text/plain", Some("text/plain"), "é".as_bytes(), false),
        (
            "text/plain, not UTF-8",
            Some("text/plain; charset=latin1"),
            b"\xE9",
            true,
        ),
        ("JSON", Some("application/json"), b"{}", false),
        (
            "a form, as curl -d says",
            Some("application/x-www-form-urlencoded"),
            b"a=b",
            false,
        ),
        ("octets", Some(octets), b"text", true),
        (
            "octets, with a parameter",
            Some("application/octet-stream; x=y"),
            b"text",
            true,
        ),
        (
            "octets, in capitals",
            Some("Application/Octet-Stream"),
            b"\x00",
            true,
        ),
        ("no octets at all", Some(octets), b"", true),
    ];
    let mut stream = EventStream::start(&server, "/channels/a", &[]).0;
    let mut bare = WebSocket::bare(&server, "/channels/a");
    let mut socket = WebSocket::envelopes(&server, "/channels/a").0;
    for (name, kind, payload, binary) in rows {
        let fields: Vec<(&str, &str)> = kind.iter().map(|kind| ("Content-Type", *kind)).collect();
        let id = server.publish_to("/channels/a", &fields, payload);
        let coded = base64::encode(payload);
        let (member, value) = if binary {
            ("data_base64", coded.clone())
        } else {
            ("data", String::from_utf8(payload.to_vec()).unwrap())
        };
        let want = serde_json::json!({"id": id, member: value});
        assert_eq!(
            server.get("/channels/a?from=-1").json()["messages"][0],
            want,
            "{name}: a poll"
        );
        assert_eq!(socket.json(), want, "{name}: tidings.v1");
        let event = stream.event().unwrap();
        assert_eq!(event.id.as_deref(), Some(id.as_str()), "{name}: SSE");
        assert_eq!(event.data, Some(value), "{name}: SSE");
        assert_eq!(
            event.event.as_deref(),
            binary.then_some("message;base64"),
            "{name}: SSE"
        );
        let frame = bare.message();
        let opcode = if binary { BINARY } else { TEXT };
        assert_eq!(
            (frame.opcode, frame.payload.as_slice()),
            (opcode, payload),
            "{name}: WebSocket"
        );
    }
}

#[test]
fn an_event_name_goes_with_the_message() {
    let server = Server::start(&[]);
    let mut stream = EventStream::start(&server, "/channels/a", &[]).0;
    let mut socket = WebSocket::envelopes(&server, "/channels/a").0;
    let longest = "e".repeat(64);
    for name in [
        "price",
        "A.b_c~d-9",
        "tidings",
        "opened",
        "ERROR",
        longest.as_str(),
    ] {
        server.publish_to(&format!("/channels/a?event={name}"), &[], b"x");
        assert_eq!(stream.event().unwrap().event.as_deref(), Some(name));
        assert_eq!(socket.json()["event"], name);
        assert_eq!(
            server.get("/channels/a?from=-1").json()["messages"][0]["event"],
            name
        );
    }
    let octets = [("Content-Type", "application/octet-stream")];
    server.publish_to("/channels/a?event=price", &octets, b"\xFF");
    let event = stream.event().unwrap();
    assert_eq!(event.event.as_deref(), Some("price;base64"));
    assert_eq!(event.data.as_deref(), Some("/w=="));
    assert_eq!(socket.json()["event"], "price");
    server.publish_to("/channels/a?event=message", &[], b"x");
    assert_eq!(
        stream.event().unwrap().event,
        None,
        "`message` is stored as none"
    );
    assert_eq!(socket.json().get("event"), None);
}

#[test]
fn text_arrives_as_it_was_sent() {
    let server = Server::start(&[]);
    let texts = [
        "",
        " ",
        "\n",
        "a\nb",
        "a\n",
        "\na",
        "\n\n",
        " lead",
        ": colon",
        "data: x\n\nevent: y",
        "\"quoted\" \\ / <b>",
        "\u{0}\u{1}\u{1F}\u{7F}",
        "\u{2028}\u{2029}\u{85}\u{FEFF}bom",
        "日本語 🎉",
        "\t",
    ];
    let mut stream = EventStream::start(&server, "/channels/a", &[]).0;
    let mut bare = WebSocket::bare(&server, "/channels/a");
    let mut socket = WebSocket::envelopes(&server, "/channels/a").0;
    for text in texts {
        server.publish("a", text);
        assert_eq!(server.get("/channels/a?from=-1").data(), [text]);
        assert_eq!(socket.json()["data"], text);
        assert_eq!(bare.text(), text);
        assert_eq!(
            stream.event().unwrap().data.as_deref(),
            Some(text),
            "SSE {text:?}"
        );
    }
    for (sent, normal) in [
        ("a\r\nb", "a\nb"),
        ("a\rb", "a\nb"),
        ("\r", "\n"),
        ("a\r\n\r\nb\r", "a\n\nb\n"),
    ] {
        server.publish("a", sent);
        assert_eq!(server.get("/channels/a?from=-1").data(), [sent]);
        assert_eq!(bare.text(), sent);
        assert_eq!(
            stream.event().unwrap().data.as_deref(),
            Some(normal),
            "SSE has LF only: {sent:?}"
        );
    }
}
