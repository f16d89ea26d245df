//! Behind nginx and Caddy as docs/proxies configures them: TLS and HTTP/2 outside, a path prefix, all transports.

use core::time::Duration;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::Value;
use tidings_tests::tls_proxy::{NAME, TlsProxy};
use tidings_tests::{Server, peer};

#[test]
fn behind_nginx_with_tls_and_http2() {
    let server = Server::start(&["--host", NAME]);
    if let Some(proxy) = TlsProxy::nginx(server.address()) {
        works("nginx", &server, &proxy);
    }
}

#[test]
fn behind_caddy_with_tls_and_http2() {
    let server = Server::start(&["--host", NAME]);
    if let Some(proxy) = TlsProxy::caddy(server.address()) {
        works("caddy", &server, &proxy);
    }
}

fn works(name: &str, server: &Server, proxy: &TlsProxy) {
    let start = Instant::now();
    curl(server, proxy);
    chromium(proxy);
    nobody_is_left(server);
    peer::say(&format!(
        "peer {name}, as docs/proxies configures it: curl and Chromium over HTTP/2 ({:.1} s)",
        start.elapsed().as_secs_f32()
    ));
}

/// Publishing, both polls and an event stream by curl, each over HTTP/2.
fn curl(server: &Server, proxy: &TlsProxy) {
    let Some(program) = peer::program("curl") else {
        return;
    };
    let resolve = format!("{NAME}:{}:127.0.0.1", proxy.port);
    let command = |arguments: &[&str], path: &str| {
        let mut command = Command::new(&program);
        command
            .args([
                "--silent",
                "--show-error",
                "--max-time",
                "30",
                "--http2",
                "--cacert",
            ])
            .arg(proxy.certificate())
            .args(["--resolve", &resolve])
            .args(arguments)
            .arg(proxy.url(path));
        command
    };
    let ask = |arguments: &[&str], path: &str| -> (Value, String) {
        let seen = ["-w", "\n%{http_version} %{http_code}"];
        let out = peer::run(&mut command(&[&seen[..], arguments].concat(), path));
        let (body, seen) = out.rsplit_once('\n').unwrap();
        (
            serde_json::from_str(body).unwrap_or(Value::Null),
            seen.to_owned(),
        )
    };
    // A name whose octets a proxy could write in another way.
    let channel = "/channels/caf%C3%A9%20%25%3F%2B";
    let (published, seen) = ask(&["-d", "over TLS"], channel);
    assert_eq!(seen, "2 200");
    let (page, _) = ask(&[], &format!("{channel}?from=earliest"));
    assert_eq!(page["messages"][0]["data"], "over TLS", "{page}");
    assert_eq!(page["position"], published["id"]);
    let direct = server.get(&format!("{channel}?from=earliest"));
    assert_eq!(direct.data(), ["over TLS"], "the same channel");

    let tag = format!("If-None-Match: \"{}\"", published["id"].as_str().unwrap());
    let begun = Instant::now();
    let (_, seen) = ask(&["-H", &tag, "-H", "Prefer: wait=1"], channel);
    assert_eq!(seen, "2 304");
    assert!(begun.elapsed() > Duration::from_millis(900), "it is held");
    let large = format!("@{}", oversize(proxy));
    assert_eq!(ask(&["--data-binary", &large], channel).1, "2 413");
    let (_, seen) = ask(&["-H", "Origin: https://other.example"], channel);
    assert_eq!(seen, "2 403", "a foreign origin");

    let mut child = command(
        &["-N", "-H", "Accept: text/event-stream"],
        "/channels/events",
    )
    .stdin(Stdio::null())
    .stdout(Stdio::piped())
    .spawn()
    .expect("curl starts");
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = || lines.next().unwrap().unwrap();
    assert!(next().starts_with("retry: "));
    assert!(next().starts_with("id: "));
    assert_eq!(next(), "");
    for number in 0..5 {
        // Each arrives before the next is published.
        server.publish("events", &number.to_string());
        let event = [next(), next(), next()];
        assert_eq!(event[1], format!("data: {number}"));
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

/// The path of a file that is larger than a message may be.
fn oversize(proxy: &TlsProxy) -> String {
    let file = proxy.certificate().with_file_name("oversize");
    std::fs::write(&file, vec![b'x'; (256 << 10) + 1]).unwrap();
    file.display().to_string()
}

/// What a page reads, by tidings.js and by the browser's own classes.
fn chromium(proxy: &TlsProxy) {
    let Some(mut script) = peer::browser("over_tls.mjs") else {
        return;
    };
    let out = peer::run(script.arg(proxy.url("")));
    peer::say(&format!("peer {}", out.trim()));
}

/// The proxy lets go of the server when a reader leaves.
fn nobody_is_left(server: &Server) {
    let start = Instant::now();
    let held = || {
        let channels = ["events", "tls-0", "tls-7"];
        let infos = channels.map(|name| server.get(&format!("/channels/{name}/info")).json());
        let count = |info: &Value, way: &str| info["subscribers"][way].as_u64().unwrap_or(0);
        let ways = ["sse", "websocket", "long_poll"];
        ways.map(|way| infos.iter().map(|info| count(info, way)).sum::<u64>())
    };
    while held() != [0; 3] {
        let limit = Duration::from_secs(5);
        assert!(start.elapsed() < limit, "still held: {:?}", held());
        std::thread::sleep(Duration::from_millis(20));
    }
}
