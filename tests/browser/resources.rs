//! What the resources of the demo answer, by raw octets.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use tidings_tests::{Connection, Server, command};

#[test]
fn the_command_alone_serves_the_demo() {
    let mut child = Command::new(command::path())
        .args(["--listen", "127.0.0.1:0"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the command starts");
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let address = line.strip_prefix("listening on http://").unwrap().trim();
    let answer = Connection::open(address.parse().unwrap()).request("GET", "/", &[], b"");
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(answer.status, 200);
    assert!(String::from_utf8_lossy(&answer.body).contains("<title>Tidings"));
}

#[test]
fn without_the_demo_there_is_only_the_library() {
    let server = Server::start(&[]);
    for (method, target, want) in [
        ("GET", "/tidings.js", 200),
        ("HEAD", "/tidings.js", 200),
        ("POST", "/tidings.js", 405),
        ("GET", "/tidings-readers.js", 200),
        ("GET", "/tidings-websocket.js", 200),
        ("GET", "/tidings.d.ts", 200),
        ("GET", "/tidings.ts", 404),
        ("GET", "/", 404),
        ("GET", "/demo/page.js", 404),
        ("GET", "/demo/clock", 404),
        ("GET", "/playground", 404),
        ("GET", "/demo/playground.wasm", 404),
        ("POST", "/demo/cut?transport=sse", 404),
    ] {
        let answer = server.ask(method, target, &[], b"");
        assert_eq!(answer.status, want, "{method} {target}");
    }
}

#[test]
fn parts_of_the_page_have_a_type_a_policy_and_an_entity_tag() {
    let server = Server::start(&["--demo"]);
    for (target, media_type) in [
        ("/", "text/html; charset=utf-8"),
        ("/tidings.js", "text/javascript; charset=utf-8"),
        ("/tidings-readers.js", "text/javascript; charset=utf-8"),
        ("/tidings.d.ts", "text/plain; charset=utf-8"),
        ("/demo/page.js", "text/javascript; charset=utf-8"),
        ("/demo/base.css", "text/css; charset=utf-8"),
        ("/demo/icon.svg", "image/svg+xml"),
        ("/playground", "text/html; charset=utf-8"),
        ("/demo/playground.wasm", "application/wasm"),
    ] {
        let answer = server.get(target);
        assert_eq!(answer.status, 200, "{target}");
        assert_eq!(answer.field("content-type"), Some(media_type), "{target}");
        assert_eq!(answer.field("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.field("cache-control"), Some("no-cache"), "{target}");
        let policy = answer.field("content-security-policy").unwrap();
        for part in ["default-src 'self'", "frame-ancestors 'none'"] {
            assert!(policy.contains(part), "{target}: {policy}");
        }
        let policy = match target {
            // Its codecs are WebAssembly, which no other page has.
            "/playground" => policy.replace(" 'wasm-unsafe-eval'", ""),
            _ => policy.to_owned(),
        };
        assert!(!policy.contains("unsafe"), "{target}: {policy}");
        let tag = answer.field("etag").unwrap();
        let again = server.ask("GET", target, &[("If-None-Match", tag)], b"");
        assert_eq!((again.status, again.body.len()), (304, 0), "{target}");
    }
}

/// Method, target, fields, and the status of the answer.
type Row<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], u16);

#[test]
fn only_own_pages_cut_and_a_foreign_host_gets_nothing() {
    let server = Server::start(&["--demo", "--allow-origin", "https://app.example"]);
    let cut = "/demo/cut?transport=sse";
    let foreign = ("Origin", "https://evil.example");
    let cross_site = ("Sec-Fetch-Site", "cross-site");
    let link = [
        cross_site,
        ("Sec-Fetch-Mode", "navigate"),
        ("Sec-Fetch-Dest", "document"),
    ];
    let rows: [Row<'_>; 15] = [
        ("POST", cut, &[], 204),
        ("GET", cut, &[], 405),
        ("POST", "/demo/cut", &[], 400),
        ("POST", "/demo/cut?transport=udp", &[], 400),
        ("POST", "/demo/cut?transport=sse&seconds=31", &[], 400),
        ("POST", cut, &[foreign], 403),
        ("POST", cut, &[cross_site], 403),
        ("GET", "/demo/clock", &[foreign], 403),
        ("GET", "/tidings.js", &[foreign], 403),
        (
            "GET",
            "/tidings.js",
            &[("Origin", "https://app.example")],
            200,
        ),
        // Somebody follows a link to the page.
        ("GET", "/", &link, 200),
        ("GET", "/playground", &link, 200),
        ("GET", "/demo/page.js", &link, 403),
        ("POST", cut, &link, 403),
        ("GET", "/demo/nothing.js", &[], 404),
    ];
    for (method, target, fields, want) in rows {
        let answer = server.ask(method, target, fields, b"");
        assert_eq!(answer.status, want, "{method} {target} {fields:?}");
    }
    let named = server.ask(
        "GET",
        "/tidings.js",
        &[("Origin", "https://app.example")],
        b"",
    );
    let allowed = named.field("access-control-allow-origin");
    assert_eq!(allowed, Some("https://app.example"));
    for target in [
        "/",
        "/tidings.js",
        "/tidings.d.ts",
        "/demo/clock",
        "/demo/cut?transport=sse",
    ] {
        let head = format!("GET {target} HTTP/1.1\r\nHost: rebound.example\r\n\r\n");
        let mut connection = server.connect();
        connection.send(head.as_bytes());
        assert_eq!(connection.answer().status, 421, "{target}");
    }
}

#[test]
fn the_same_seed_publishes_the_same_scores() {
    let board = |seed: &str| {
        let server = Server::start(&["--demo", "--demo-seed", seed]);
        let poll = server.get("/channels/demo-scores?from=earliest&wait=20");
        assert_eq!(poll.status, 200);
        poll.json()["messages"][0]["data"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let first = board("3");
    assert_eq!(first, board("3"));
    assert_ne!(first, board("4"));
}
