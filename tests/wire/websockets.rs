//! WebSocket: the handshake, frames out of form, and the bare form of a channel.

use core::time::Duration;

use tidings_tests::websocket::{BINARY, CLOSE, HANDSHAKE, KEY, PING, PONG, TEXT, frame};
use tidings_tests::{Server, WebSocket, http};

#[test]
fn a_faulty_handshake_is_400_and_a_wrong_version_426() {
    let server = Server::start(&[]);
    let upgrade = [("Connection", "Upgrade"), ("Upgrade", "websocket")];
    let version = ("Sec-WebSocket-Version", "13");
    let rows: [(&str, &[(&str, &str)], u16, &str); 9] = [
        ("no key", &[version], 400, "key"),
        (
            "an empty key",
            &[version, ("Sec-WebSocket-Key", "")],
            400,
            "key",
        ),
        (
            "a key that is not base64",
            &[version, ("Sec-WebSocket-Key", "!!!")],
            400,
            "key",
        ),
        (
            "15 octets",
            &[version, ("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAA")],
            400,
            "key",
        ),
        (
            "17 octets",
            &[version, ("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAAA=")],
            400,
            "key",
        ),
        (
            "two keys",
            &[
                version,
                ("Sec-WebSocket-Key", KEY),
                ("Sec-WebSocket-Key", KEY),
            ],
            400,
            "key",
        ),
        (
            "version 12",
            &[("Sec-WebSocket-Version", "12"), ("Sec-WebSocket-Key", KEY)],
            426,
            "version",
        ),
        (
            "version 8",
            &[("Sec-WebSocket-Version", "8"), ("Sec-WebSocket-Key", KEY)],
            426,
            "version",
        ),
        (
            "version 14",
            &[("Sec-WebSocket-Version", "14"), ("Sec-WebSocket-Key", KEY)],
            426,
            "version",
        ),
    ];
    for (name, fields, status, word) in rows {
        let answer = server.ask("GET", "/channels/a", &[&upgrade, fields].concat(), b"");
        answer.assert_problem(status, word, name);
        if status == 426 {
            assert_eq!(
                answer.field("sec-websocket-version"),
                Some("13"),
                "{name}: {answer:?}"
            );
            assert!(
                answer.field("upgrade").is_some(),
                "RFC 9110 §15.5.22: {answer:?}"
            );
        }
    }
    let unnamed = server.ask(
        "GET",
        "/channels/a",
        &[&upgrade[..], &[("Sec-WebSocket-Key", KEY)]].concat(),
        b"",
    );
    assert!(
        [400, 426].contains(&unnamed.status),
        "no version: {unnamed:?}"
    );
    let method = server.ask("PUT", "/channels/a", &HANDSHAKE, b"");
    method.assert_problem(405, "", "a handshake by PUT");
    server.assert_alive("faulty handshakes");
}

#[test]
fn other_upgrades_are_ignored() {
    let server = Server::start(&[]);
    for upgrade in ["h2c", "TLS/1.0", "websocket2", "x-websocket, h2c"] {
        let fields = [("Connection", "Upgrade"), ("Upgrade", upgrade)];
        assert_eq!(
            server.ask("GET", "/channels/a", &fields, b"").status,
            200,
            "{upgrade}"
        );
    }
    let mut connection = server.connect();
    let mut request = String::from("GET /channels/a HTTP/1.0\r\nHost: localhost\r\n");
    for (name, value) in HANDSHAKE {
        request += &format!("{name}: {value}\r\n");
    }
    connection.send((request + "\r\n").as_bytes());
    assert_eq!(
        connection.answer().status,
        200,
        "HTTP/1.0 knows no upgrade (RFC 9110 §7.8)"
    );
    for (connection, upgrade) in [
        ("keep-alive, upgrade", "h2c, WebSocket"),
        ("UPGRADE", "websocket"),
    ] {
        let mut fields = HANDSHAKE;
        fields[0].1 = connection;
        fields[1].1 = upgrade;
        let mut connection = server.connect();
        connection.ask("GET", "/channels/a", &fields, b"");
        assert_eq!(connection.head().unwrap().status, 101, "{upgrade}");
    }
}

#[test]
fn the_subprotocol_is_ours_or_none() {
    let server = Server::start(&[]);
    let rows = [
        ("tidings.v1", Some("tidings.v1")),
        ("chat, tidings.v1", Some("tidings.v1")),
        ("chat", None),
        ("tidings.v2", None),
        ("TIDINGS.V1", None),
    ];
    for (offered, chosen) in rows {
        let mut socket = WebSocket::open(
            &server,
            "/channels/a",
            &[("Sec-WebSocket-Protocol", offered)],
        );
        assert_eq!(
            socket.head.field("sec-websocket-protocol"),
            chosen,
            "{offered}"
        );
        if chosen.is_some() {
            assert!(socket.json()["position"].is_string(), "{offered}");
        } else {
            server.publish("a", offered);
            assert_eq!(socket.text(), offered, "the bare form");
        }
    }
}

#[test]
fn what_a_bare_client_sends_is_published_and_comes_back() {
    let server = Server::start(&[]);
    let mut socket = WebSocket::bare(&server, "/channels/a");
    let mut other = WebSocket::bare(&server, "/channels/a");
    socket.send(TEXT, "héllo".as_bytes());
    socket.send(BINARY, b"\x00\xFF");
    socket.send(TEXT, b"");
    // A message in three fragments, with a Ping between.
    socket.connection.send(&frame(TEXT, b"a"));
    socket.connection.send(&frame(0x80 | PING, b"?"));
    socket.connection.send(&frame(0, b""));
    socket.connection.send(&frame(0x80, b"b"));
    for reader in [&mut other, &mut socket] {
        assert_eq!(reader.text(), "héllo");
        let binary = reader.message();
        assert_eq!(
            (binary.opcode, binary.payload.as_slice()),
            (BINARY, b"\x00\xFF".as_slice())
        );
        assert_eq!(reader.text(), "");
        assert_eq!(reader.text(), "ab");
    }
    let kept = server.get("/channels/a?from=earliest").json();
    assert_eq!(kept["messages"][1]["data_base64"], "AP8=");
    assert_eq!(kept["messages"][3]["data"], "ab");
}

#[test]
fn octets_behind_the_handshake_are_frames_already() {
    let server = Server::start(&[]);
    let mut connection = server.connect();
    let head = http::head(server.address(), "GET", "/channels/a", &HANDSHAKE, 0);
    connection.send(&[head.as_bytes(), &frame(0x80 | TEXT, b"early")].concat());
    let head = connection.head().unwrap();
    assert_eq!(head.status, 101);
    let mut socket = WebSocket { head, connection };
    assert_eq!(socket.text(), "early");
}

#[test]
fn a_frame_out_of_form_closes_with_its_code() {
    let server = Server::start(&["--max-message", "1000"]);
    let unmasked = [0x81, 2, b'h', b'i'];
    let mut announced = vec![0x82, 0xFF];
    announced.extend(u64::MAX.to_be_bytes().map(|octet| octet & 0x7F));
    announced.extend([0; 4]);
    let mut wide = vec![0x81, 0xFF];
    wide.extend(u64::MAX.to_be_bytes());
    wide.extend([0; 4]);
    let padded = [0x81, 0xFE, 0, 1, 0, 0, 0, 0, b'x'];
    let rows: [(&str, Vec<u8>, u16); 17] = [
        ("not masked", unmasked.to_vec(), 1002),
        ("RSV1 without an extension", frame(0xC1, b"x"), 1002),
        ("RSV2", frame(0xA1, b"x"), 1002),
        ("RSV3", frame(0x91, b"x"), 1002),
        ("opcode 3", frame(0x83, b"x"), 1002),
        ("opcode 11", frame(0x8B, b"x"), 1002),
        ("a continuation of nothing", frame(0x80, b"x"), 1002),
        (
            "text within text",
            [frame(TEXT, b"a"), frame(0x81, b"b")].concat(),
            1002,
        ),
        ("a Ping in fragments", frame(PING, b"x"), 1002),
        ("a Ping of 126 octets", frame(0x89, &[0; 126]), 1002),
        ("a length with the high bit", wide, 1002),
        ("text that is not UTF-8", frame(0x81, b"\xFF"), 1007),
        (
            "text that ends within a character",
            frame(0x81, b"\xE2\x82"),
            1007,
        ),
        ("1001 octets", frame(0x82, &[0; 1001]), 1009),
        ("a length that is announced only", announced, 1009),
        (
            "fragments of 1001 octets",
            [frame(2, &[0; 600]), frame(0x80, &[0; 401])].concat(),
            1009,
        ),
        ("a Close of one octet", frame(0x88, b"x"), 1002),
    ];
    for (name, octets, code) in rows {
        let mut socket = WebSocket::bare(&server, "/channels/a");
        socket.connection.send(&octets);
        let got = socket.closed();
        assert_eq!(got.0, code, "{name}: {got:?}");
    }
    // A length in more octets than it needs is legal to refuse or to take (RFC 6455 §5.2 says MUST be minimal).
    let mut socket = WebSocket::bare(&server, "/channels/a");
    socket.connection.send(&padded);
    assert!([TEXT, CLOSE].contains(&socket.message().opcode));
    assert!(server.get("/channels/b?from=earliest").data().is_empty());
    server.assert_alive("frames out of form");
}

#[test]
fn close_and_ping_are_answered_as_they_came() {
    let server = Server::start(&[]);
    let mut socket = WebSocket::bare(&server, "/channels/a");
    socket.send(PING, b"are you there");
    let pong = socket.frame().unwrap();
    assert_eq!(
        (pong.opcode, pong.payload.as_slice()),
        (PONG, b"are you there".as_slice())
    );
    socket.send(PONG, b"unasked");
    for (sent, want) in [
        (b"\x03\xE8bye".as_slice(), 1000),
        (b"\x0F\xA0", 4000),
        (b"\x03\xEB", 1003),
    ] {
        let mut socket = WebSocket::bare(&server, "/channels/a");
        socket.send(CLOSE, sent);
        let close = socket.frame().unwrap();
        assert_eq!(close.opcode, CLOSE);
        assert_eq!(
            close.payload[..2],
            u16::to_be_bytes(want),
            "the code comes back"
        );
        assert!(socket.connection.ends(), "the server ends first");
    }
    let mut socket = WebSocket::bare(&server, "/channels/a");
    socket.send(CLOSE, b"");
    assert_eq!(socket.frame().unwrap().opcode, CLOSE);
    assert!(socket.connection.ends());
    for code in [0_u16, 999, 1004, 1005, 1006, 1015, 2999, 5000] {
        let mut socket = WebSocket::bare(&server, "/channels/a");
        socket.send(CLOSE, &code.to_be_bytes());
        assert_eq!(
            socket.frame().unwrap().payload[..2],
            u16::to_be_bytes(1002),
            "{code} is not to be sent"
        );
    }
}

#[test]
fn a_cut_connection_is_let_go() {
    let server = Server::start(&[]);
    let sockets: Vec<WebSocket> = (0..3)
        .map(|_| WebSocket::bare(&server, "/channels/a"))
        .collect();
    assert_eq!(
        server.get("/channels/a/info").json()["subscribers"]["websocket"],
        3
    );
    drop(sockets);
    let start = std::time::Instant::now();
    while server.get("/channels/a/info").json()["subscribers"]["websocket"] != 0 {
        assert!(
            start.elapsed() < Duration::from_secs(3),
            "sockets of closed connections stay"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}
