//! The wire view: what its resources answer, what they keep to themselves, and the page in Chromium.

use core::time::Duration;
use std::time::Instant;

use serde_json::{Value, json};
use tidings_tests::{Connection, EventStream, Server, WebSocket, command, peer};

/// Begins a trace.
fn begin(server: &Server) -> String {
    let answer = server.ask("POST", "/wire/traces", &[], b"");
    assert_eq!(answer.status, 201);
    answer.json()["trace"].as_str().unwrap().to_owned()
}

/// Asks for something whose answer does not matter here.
fn send(server: &Server, method: &str, target: &str, fields: &[(&str, &str)], body: &[u8]) {
    assert_eq!(
        server.ask(method, target, fields, body).status,
        200,
        "{target}"
    );
}

/// What is kept of a trace.
fn exchanges(server: &Server, trace: &str) -> Vec<Value> {
    let answer = server.get(&format!("/wire/traces/{trace}"));
    assert_eq!(answer.status, 200, "{trace}");
    answer.json()["exchanges"].as_array().unwrap().clone()
}

/// Asks until what is kept is as wanted.
fn until(server: &Server, trace: &str, wanted: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let start = Instant::now();
    loop {
        let kept = exchanges(server, trace);
        if wanted(&kept) {
            return kept;
        }
        assert!(start.elapsed() < Duration::from_secs(10), "{kept:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The octets of a side.
fn octets(exchange: &Value, side: &str) -> Vec<u8> {
    let hex = exchange[side]["hex"].as_str().unwrap().as_bytes();
    let digits = hex.chunks(2).map(|pair| str::from_utf8(pair).unwrap());
    digits
        .map(|pair| u8::from_str_radix(pair, 16).unwrap())
        .collect()
}

fn text(exchange: &Value, side: &str) -> String {
    String::from_utf8_lossy(&octets(exchange, side)).into_owned()
}

/// What the fields of a side mean, by their names.
fn meanings(exchange: &Value, side: &str, name: &str) -> Vec<String> {
    let spans = exchange[side]["spans"].as_array().unwrap().iter();
    spans
        .filter(|span| span["name"] == name)
        .map(|span| span["meaning"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn each_transport_is_told_to_the_octet_both_ways() {
    let server = Server::start(&["--trace=own"]);
    let trace = begin(&server);
    let target = format!("/channels/c?trace={trace}");
    let hidden = "*".repeat(32);

    let position = server.get(&target).position();
    let poll = server.ask(
        "GET",
        &target,
        &[("If-None-Match", &format!("\"{position}\""))],
        b"",
    );
    assert_eq!(poll.status, 304);
    let mut stream = EventStream::open(server.address(), &target, &[]);
    stream.block().unwrap();
    let mut websocket = WebSocket::bare(server.address(), &target);
    send(&server, "POST", &target, &[], b"Hello");
    assert_eq!(stream.event().unwrap().data.as_deref(), Some("Hello"));
    assert_eq!(websocket.text(), "Hello");
    websocket.send(1, b"World");
    assert_eq!(websocket.text(), "World");
    assert_eq!(stream.event().unwrap().data.as_deref(), Some("World"));

    // What has left is told a moment after it left.
    let kept = until(&server, &trace, |kept| {
        let ends = |at: usize, end: &str| text(&kept[at], "server").ends_with(end);
        kept.len() == 5
            && ends(1, "\r\n\r\n")
            && ends(2, "World\n\n\r\n")
            && ends(3, "World")
            && ends(4, "}\n")
    });
    let kinds: Vec<&str> = kept
        .iter()
        .map(|one| one["kind"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        ["short-poll", "short-poll", "sse", "websocket", "publish"]
    );
    let request = text(&kept[1], "client");
    assert!(
        request.starts_with(&format!("GET /channels/c?trace={hidden} HTTP/1.1\r\n")),
        "{request}"
    );
    assert!(
        request.contains(&format!("If-None-Match: \"{position}\"\r\n")),
        "{request}"
    );
    assert!(text(&kept[1], "server").starts_with("HTTP/1.1 304 Not Modified\r\n"));
    assert_eq!(
        meanings(&kept[2], "server", "data"),
        ["a line of data: \"Hello\"", "a line of data: \"World\""]
    );
    assert!(meanings(&kept[2], "server", "chunk size").len() >= 3);
    assert_eq!(
        meanings(&kept[3], "client", "payload"),
        ["unmasked: \"World\""]
    );
    assert_eq!(
        meanings(&kept[3], "server", "payload"),
        ["\"Hello\"", "\"World\""]
    );
    assert!(meanings(&kept[3], "server", "status code")[0].starts_with("101"));
    assert!(text(&kept[4], "client").ends_with("\r\n\r\nHello"));
    for one in &kept {
        assert_eq!(
            (&one["client"]["fault"], &one["server"]["fault"]),
            (&Value::Null, &Value::Null),
            "{one}"
        );
        for side in ["client", "server"] {
            // Pieces and fields leave no octet out.
            let len = octets(one, side).len() as u64;
            let pieces = one["pieces"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|piece| piece["from"] == side);
            assert_eq!(
                pieces
                    .map(|piece| piece["len"].as_u64().unwrap())
                    .sum::<u64>(),
                len
            );
            let spans = one[side]["spans"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|span| span["depth"] == 0);
            assert_eq!(
                spans.map(|span| span["len"].as_u64().unwrap()).sum::<u64>(),
                len,
                "{side} {one}"
            );
        }
    }
    let peer = kept[3]["peer"].as_str().unwrap().to_owned();
    assert!(peer.starts_with("127.0.0.1:"), "{peer}");
    drop(websocket);
    until(&server, &trace, |kept| kept[3]["closed"] == true);
}

#[test]
fn only_what_says_that_it_belongs_to_a_trace_is_kept() {
    let server = Server::start(&["--trace=own", "--demo"]);
    let (trace, other) = (begin(&server), begin(&server));
    let host = server.address().to_string();
    let target = format!("/channels/c?trace={trace}");
    let foreign = format!("http://{host}.example");
    // One connection: what others send over it is theirs.
    let mut connection = server.connect();
    connection.request("GET", "/channels/secret", &[], b"");
    connection.request("GET", &target, &[("X-Mine", "1")], b"");
    connection.request("GET", "/channels/secret?trace=0", &[], b"");
    connection.request(
        "GET",
        &format!("/channels/c?trace={}", "0".repeat(32)),
        &[],
        b"",
    );
    connection.request(
        "GET",
        "/channels/secret",
        &[("Referer", &format!("http://{host}/?trace={trace}"))],
        b"",
    );
    connection.request("GET", &format!("/wire/settings?trace={trace}"), &[], b"");
    // A foreign page that knows the name makes a browser send these.
    for fields in [
        &[("Sec-Fetch-Site", "cross-site")][..],
        &[("Sec-Fetch-Site", "same-site")],
        &[("Origin", &foreign)],
        &[("Origin", "null")],
        &[
            ("Origin", &format!("http://{host}")),
            ("Sec-Fetch-Site", "cross-site"),
        ],
    ] {
        connection.request("GET", &target, fields, b"");
    }
    let own = [
        ("Origin", &*format!("http://{host}")),
        ("Sec-Fetch-Site", "same-origin"),
    ];
    connection.request("GET", &target, &own, b"");
    send(&server, "GET", "/channels/secret", &[], b"");

    let kept = exchanges(&server, &trace);
    assert_eq!(kept.len(), 2, "{kept:?}");
    assert!(text(&kept[0], "client").contains("X-Mine: 1"));
    assert!(text(&kept[1], "client").contains("same-origin"));
    assert_eq!(kept[0]["connection"], kept[1]["connection"]);
    let all = json!(kept).to_string();
    assert!(!all.contains("secret") && !text(&kept[0], "server").contains("secret"));
    assert_eq!(exchanges(&server, &other), Vec::<Value>::new());
    for nobody in [
        "0",
        "all",
        &"0".repeat(32),
        &trace[1..],
        &format!("+{}", &trace[1..]),
    ] {
        assert_eq!(
            server.get(&format!("/wire/traces/{nobody}")).status,
            404,
            "{nobody}"
        );
    }
}

#[test]
fn a_trace_is_of_the_address_that_began_it() {
    let server = Server::start(&["--trace=own"]);
    let trace = begin(&server);
    // The whole of 127/8 is this machine.
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket
        .bind(
            &"127.0.0.2:0"
                .parse::<core::net::SocketAddr>()
                .unwrap()
                .into(),
        )
        .unwrap();
    socket.connect(&server.address().into()).unwrap();
    let mut socket = std::net::TcpStream::from(socket);
    let request = format!(
        "GET /channels/c?trace={trace} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
        server.address()
    );
    std::io::Write::write_all(&mut socket, request.as_bytes()).unwrap();
    let answer = std::io::read_to_string(&socket).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(exchanges(&server, &trace), Vec::<Value>::new());
}

#[test]
fn credentials_are_kept_by_their_length_alone() {
    let server = Server::start(&["--trace=own"]);
    let trace = begin(&server);
    let secret = "s3cret-of-mine";
    send(
        &server,
        "GET",
        &format!("/channels/c?trace={trace}&token={secret}&wait=0"),
        &[
            ("Authorization", &format!("Bearer {secret}")),
            ("Cookie", &format!("session={secret}")),
            ("X-Api-Key", secret),
            (
                "Sec-WebSocket-Protocol",
                &format!("bearer.{secret}, tidings.v1"),
            ),
        ],
        b"",
    );
    let answer = server.get(&format!("/wire/traces/{trace}"));
    assert!(
        !answer.text().contains(&trace),
        "the trace's own name is one of them"
    );
    let kept = &answer.json()["exchanges"][0];
    let request = text(kept, "client");
    assert!(
        !request.contains(secret) && !answer.text().contains(secret),
        "{request}"
    );
    let fields = meanings(kept, "client", "field line");
    for want in [
        "Authorization: Bearer (14 octets, not shown)",
        "Cookie: (22 octets, not shown)",
        "X-Api-Key: (14 octets, not shown)",
        "Sec-WebSocket-Protocol: (21 octets, not shown), tidings.v1",
    ] {
        assert!(
            fields.iter().any(|field| field == want),
            "{want}: {fields:?}"
        );
    }
    let target = &meanings(kept, "client", "request target")[0];
    assert!(
        target.ends_with("?trace=(32 octets, not shown)&token=(14 octets, not shown)&wait=0"),
        "{target}"
    );
}

#[test]
fn a_connection_is_kept_up_to_64_kib_and_says_what_is_not() {
    let server = Server::start(&["--trace=own", "--history-octets", "4194304"]);
    let trace = begin(&server);
    let target = format!("/channels/c?trace={trace}");
    // A stream: what passes beyond is counted.
    let mut stream = EventStream::open(server.address(), &target, &[]);
    stream.block().unwrap();
    for _ in 0..4 {
        server.publish("c", &"x".repeat(30_000));
        stream.event().unwrap();
    }
    let kept = until(&server, &trace, |kept| {
        kept[0]["dropped"].as_u64() > Some(50_000)
    });
    let len = octets(&kept[0], "server").len();
    assert!((50_000..=65_536).contains(&len), "{len}");
    drop(stream);
    // Polls: the oldest make room, and the newest are whole.
    let mut connection = server.connect();
    for _ in 0..200 {
        connection.request("GET", &target, &[("X-Long", &"y".repeat(400))], b"");
    }
    let kept = exchanges(&server, &trace);
    let polls: Vec<&Value> = kept
        .iter()
        .filter(|one| one["kind"] == "short-poll")
        .collect();
    let sum: usize = polls
        .iter()
        .map(|one| octets(one, "client").len() + octets(one, "server").len())
        .sum();
    assert!(
        sum <= 65_536 && polls.len() > 20 && polls.len() < 200,
        "{sum} {}",
        polls.len()
    );
    let last = polls.last().unwrap();
    assert_eq!(
        (&last["dropped"], &last["server"]["awaits"]),
        (&json!(0), &Value::Null)
    );
}

#[test]
fn a_hundred_connections_are_kept_and_the_oldest_that_ended_makes_room() {
    let server = Server::start(&["--trace=own"]);
    let trace = begin(&server);
    let target = format!("/channels/c?trace={trace}");
    send(&server, "GET", &target, &[], b"");
    until(&server, &trace, |kept| kept[0]["closed"] == true);
    let mut open: Vec<Connection> = (0..99).map(|_| server.connect()).collect();
    for connection in &mut open {
        assert_eq!(connection.request("GET", &target, &[], b"").status, 200);
    }
    assert_eq!(exchanges(&server, &trace).len(), 100);
    let mut more = server.connect();
    more.request("GET", &target, &[("X-More", "1")], b"");
    let kept = exchanges(&server, &trace);
    assert_eq!(kept.len(), 100);
    assert_eq!(kept[0]["connection"], 2, "the one that ended is forgotten");
    // All of them are open: one more is served and not seen.
    let mut unseen = server.connect();
    assert_eq!(
        unseen
            .request("GET", &target, &[("X-Unseen", "1")], b"")
            .status,
        200
    );
    let answer = server.get(&format!("/wire/traces/{trace}")).json();
    assert_eq!(answer["missed"], 1);
    assert_eq!(answer["exchanges"].as_array().unwrap().len(), 100);
}

#[test]
fn a_hundred_traces_are_kept_and_the_oldest_that_nobody_watches_makes_room() {
    let server = Server::start(&["--trace=own"]);
    let watched = begin(&server);
    let mut feed = WebSocket::bare(server.address(), &format!("/wire/traces/{watched}"));
    assert_eq!(feed.json(), json!({"exchanges": [], "missed": 0}));
    let unwatched = begin(&server);
    for _ in 0..98 {
        begin(&server);
    }
    assert_eq!(exchanges(&server, &unwatched), Vec::<Value>::new());
    begin(&server);
    assert_eq!(server.get(&format!("/wire/traces/{unwatched}")).status, 404);
    // What it is told over the WebSocket is what came to it.
    let target = format!("/channels/c?trace={watched}");
    let mut stream = EventStream::open(server.address(), &target, &[]);
    stream.block().unwrap();
    let mut told = feed.json();
    while told["exchanges"][0]["server"]["hex"] == "" {
        told = feed.json();
    }
    let known = told["exchanges"][0]["server"]["hex_from"].as_u64().unwrap();
    assert_eq!(known, 0);
    server.publish("c", "Hello");
    stream.event().unwrap();
    let news = &feed.json()["exchanges"][0];
    assert_eq!(news["client"]["hex"], "");
    assert!(news["server"]["hex_from"].as_u64() > Some(100));
    assert!(text(news, "server").ends_with("data: Hello\n\n\r\n"));
    let names: Vec<&str> = news["server"]["spans"]
        .as_array()
        .unwrap()
        .iter()
        .map(|span| span["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "chunk size",
            "chunk data",
            "id",
            "data",
            "blank line",
            "end of the chunk"
        ]
    );
}

#[test]
fn what_others_send_is_kept_on_loopback_alone_and_by_all_alone() {
    let (code, _, said) = command::run(
        &["serve", "--trace=all", "--open", "--listen", "0.0.0.0:0"],
        Duration::from_secs(10),
    );
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("--trace=all") && said.contains("loopback"),
        "{said}"
    );

    let server = Server::start(&["--trace=all"]);
    assert_eq!(
        server.get("/wire/settings").json(),
        json!({"all": true, "demo": false})
    );
    let trace = begin(&server);
    send(
        &server,
        "GET",
        "/channels/c?key=abc",
        &[("Authorization", "Bearer abc")],
        b"",
    );
    send(
        &server,
        "GET",
        &format!("/channels/c?trace={trace}"),
        &[],
        b"",
    );
    let kept = exchanges(&server, "all");
    assert_eq!(
        kept.len(),
        1,
        "what is of a trace of its own is not among the others: {kept:?}"
    );
    assert!(text(&kept[0], "client").starts_with("GET /channels/c?key=*** HTTP/1.1\r\n"));
    assert!(text(&kept[0], "client").contains("Authorization: Bearer ***\r\n"));
}

#[test]
fn the_view_is_there_with_the_demo_or_where_it_is_asked_for() {
    let rows: [(&[&str], u16, u16); 5] = [
        (&[], 404, 404),
        (&["--demo"], 200, 200),
        (&["--demo", "--trace=off"], 404, 200),
        (&["--trace=own"], 200, 200),
        (&["--trace=all"], 200, 200),
    ];
    for (arguments, page, style) in rows {
        let server = Server::start(arguments);
        assert_eq!(server.get("/wire").status, page, "{arguments:?}");
        assert_eq!(server.get("/wire/settings").status, page, "{arguments:?}");
        assert_eq!(
            server.ask("POST", "/wire/traces", &[], b"").status,
            if page == 200 { 201 } else { page }
        );
        // The page's own parts, without the demo too.
        assert_eq!(server.get("/demo/base.css").status, style, "{arguments:?}");
    }
    let server = Server::start(&["--trace=own"]);
    for (method, target, status) in [
        ("GET", "/wire/traces", 405),
        ("PUT", "/wire/settings", 405),
        ("GET", "/wire/nothing", 404),
        ("HEAD", "/wire", 200),
        ("GET", "/demo/page.js", 404),
    ] {
        assert_eq!(
            server.ask(method, target, &[], b"").status,
            status,
            "{method} {target}"
        );
    }
    let trace = begin(&server);
    assert_eq!(
        server
            .ask("POST", &format!("/wire/traces/{trace}"), &[], b"")
            .status,
        405
    );
    // The checks of the channels hold here too; a link from another site may open the page, and no more.
    let cross = [("Sec-Fetch-Site", "cross-site")];
    let link = [
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Mode", "navigate"),
        ("Sec-Fetch-Dest", "document"),
    ];
    assert_eq!(server.ask("GET", "/wire", &cross, b"").status, 403);
    assert_eq!(server.ask("GET", "/wire", &link, b"").status, 200);
    assert_eq!(
        server
            .ask("GET", &format!("/wire/traces/{trace}"), &link, b"")
            .status,
        403
    );
    assert_eq!(server.ask("POST", "/wire/traces", &cross, b"").status, 403);
    let policy = server.get("/wire");
    assert!(
        policy
            .field("content-security-policy")
            .unwrap()
            .contains("default-src 'self'")
    );
}

#[test]
fn the_page_shows_what_passes_by_each_transport() {
    let Some(mut script) = peer::browser("wire.mjs") else {
        return;
    };
    let demo = Server::start(&["--demo"]);
    let all = Server::start(&["--trace=all"]);
    // Kept for who wants to look at them.
    let shots = std::env::temp_dir().join("tidings-wire");
    std::fs::create_dir_all(&shots).unwrap();
    let start = Instant::now();
    let out = peer::run(script.arg(demo.url("")).arg(all.url("")).arg(&shots));
    let last = out.lines().last().expect("the script says what it did");
    peer::say(&format!(
        "peer {last} ({:.1} s), screenshots in {}",
        start.elapsed().as_secs_f32(),
        shots.display()
    ));
    demo.assert_alive(last);
    all.assert_alive(last);
}
