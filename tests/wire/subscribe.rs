//! `tidings subscribe` as a program: the transport that it finds, many channels, what it sends, content of its own.

use core::time::Duration;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use serde_json::{Value, json};
use tidings_tests::{Server, command};
use tokio::io::copy_bidirectional;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

const LIMIT: Duration = Duration::from_secs(30);

/// Runs the command to its good end: what it printed, and what it said.
fn run(arguments: &[&str], input: &[u8]) -> (String, String) {
    let (code, out, said) = command::run_with(arguments, input, LIMIT);
    assert_eq!(code, Some(0), "{arguments:?}: {out}{said}");
    (out, said)
}

#[test]
fn the_transport_is_found_and_told_with_its_reason() {
    let server = Server::start(&[]);
    server.publish("a", "m");
    let root = server.url("");
    let all = [
        "subscribe",
        "a",
        "--server",
        &root,
        "--from",
        "earliest",
        "--count",
        "1",
    ];
    let (out, said) = run(&all, b"");
    assert_eq!(
        (out.as_str(), said.as_str()),
        ("m\n", "tidings: via websocket\n")
    );
    let (out, said) = run(&[&all[..], &["--via", "auto", "--json"]].concat(), b"");
    assert!(out.contains("\"data\":\"m\""), "{out}");
    assert_eq!(said, "tidings: via websocket\n");
    let (_, said) = run(&[&all[..], &["--via", "sse"]].concat(), b"");
    assert_eq!(said, "", "what was asked for need not be told");
}

#[test]
fn a_server_without_websockets_is_read_by_events() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/feed", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let mut heads = Vec::new();
        for _ in 0..2 {
            let (mut stream, _) = listener.accept().unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let head: Vec<_> = lines
                .by_ref()
                .map(Result::unwrap)
                .take_while(|line| !line.is_empty())
                .collect();
            let answer = if heads.is_empty() {
                "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
            } else {
                "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: hello\n\n"
            };
            stream.write_all(answer.as_bytes()).unwrap();
            heads.push(head.join("\n"));
        }
        heads
    });
    let (out, said) = run(&["subscribe", &url, "--count", "1", "-H", "X-Key: k"], b"");
    assert_eq!(out, "hello\n");
    assert_eq!(said, "tidings: via sse: websocket was refused with 404\n");
    let heads = server.join().unwrap();
    assert!(heads[0].contains("Upgrade: websocket"), "{heads:?}");
    assert!(heads[1].contains("Accept: text/event-stream"), "{heads:?}");
    assert!(
        heads.iter().all(|head| head.contains("X-Key: k")),
        "{heads:?}"
    );
}

#[test]
fn many_channels_are_told_apart_over_every_transport() {
    let server = Server::start(&[]);
    for channel in ["a", "b c", "d"] {
        server.publish(&channel.replace(' ', "%20"), &format!("of {channel}"));
    }
    let root = server.url("");
    for via in ["auto", "websocket", "sse", "long-poll", "short-poll"] {
        let channels = [
            "subscribe",
            "a",
            "b c",
            "d",
            "--server",
            &root,
            "--via",
            via,
        ];
        let flags = ["--from", "earliest", "--count", "3"];
        let (out, _) = run(&[&channels[..], &flags].concat(), b"");
        let mut lines: Vec<&str> = out.lines().collect();
        lines.sort_unstable();
        assert_eq!(lines, ["a: of a", "b c: of b c", "d: of d"], "{via}");
        let (out, _) = run(&[&channels[..], &flags, &["--json"]].concat(), b"");
        let mut names: Vec<String> = out
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .map(|object| object["channel"].as_str().unwrap().to_owned())
            .collect();
        names.sort_unstable();
        assert_eq!(names, ["a", "b c", "d"], "{via}");
    }
}

#[test]
fn a_channel_that_is_refused_or_deleted_is_said_and_the_others_go_on() {
    let server = Server::start(&[]);
    server.publish("a", "1");
    let root = server.url("");
    let all = [
        "subscribe",
        "a",
        "..",
        "--server",
        &root,
        "--from",
        "earliest",
        "--count",
        "1",
    ];
    for via in ["websocket", "sse"] {
        let (code, out, said) = command::run(&[&all[..], &["--via", via]].concat(), LIMIT);
        // A message may be the first to come; then the end comes before the refusal.
        assert_eq!((code, out.as_str()), (Some(0), "a: 1\n"), "{via}: {said}");
    }
    let (code, _, said) = command::run(&["subscribe", "a", "a", "--server", &root], LIMIT);
    assert_eq!(code, Some(1));
    assert!(said.contains("is the channel of the URL"), "{said}");
    let other = server.url("/elsewhere");
    let (code, _, said) = command::run(&["subscribe", "a", &other, "--server", &root], LIMIT);
    assert_eq!(code, Some(1));
    assert!(said.contains("is another server"), "{said}");
}

#[test]
fn what_is_sent_is_published_and_comes_back() {
    let server = Server::start(&["--echo"]);
    let root = server.url("");
    let all = ["subscribe", "chat", "--server", &root];
    let sent = ["--send", "one", "--send", "two\nlines", "--count", "2"];
    let (out, _) = run(&[&all[..], &sent].concat(), b"");
    assert_eq!(out, "one\ntwo\\nlines\n");
    assert_eq!(
        server.get("/channels/chat?from=earliest").data(),
        ["one", "two\nlines"]
    );
    let (out, _) = run(
        &[&all[..], &["--stdin", "--count", "3"]].concat(),
        b"a\r\n\nb",
    );
    assert_eq!(out, "a\n\nb\n");
    // A server that echoes frames, of any subprotocol or none, compressed where it is asked for.
    let echo = server.url("/echo").replace("http", "ws");
    for flags in [&[][..], &["--deflate"]] {
        let sent = [
            "subscribe",
            &echo,
            "--send",
            "hello",
            "--count",
            "1",
            "--raw",
        ];
        let (out, _) = run(&[&sent[..], flags].concat(), b"");
        assert_eq!(out, "hello", "{flags:?}");
    }
}

#[test]
fn lines_that_are_typed_are_sent_as_they_come_and_the_end_does_not_wait_for_more() {
    let server = Server::start(&[]);
    let mut child: Child = Command::new(command::path())
        .args([
            "subscribe",
            "a",
            "--server",
            &server.url(""),
            "--stdin",
            "--count",
            "2",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // It stays open: the command must end nevertheless.
    let mut input = child.stdin.take().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for text in ["first", "second"] {
        writeln!(input, "{text}").unwrap();
        assert_eq!(lines.next().unwrap().unwrap(), text);
    }
    let ended = std::thread::spawn(move || child.wait().unwrap());
    let start = std::time::Instant::now();
    while !ended.is_finished() {
        assert!(
            start.elapsed() < LIMIT,
            "it waits for a line that does not come"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(ended.join().unwrap().success());
    drop(input);
}

/// A server of streamed answers: gives what it was asked, and answers so.
fn answering(answer: String) -> (String, std::thread::JoinHandle<(String, String)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1/messages", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(reader.read_line(&mut head).unwrap() > 0);
        }
        let lower = head.to_ascii_lowercase();
        let len = lower.split("content-length: ").nth(1).expect("content");
        let len = len.lines().next().unwrap().parse().unwrap();
        let mut body = vec![0; len];
        reader.read_exact(&mut body).unwrap();
        stream.write_all(answer.as_bytes()).unwrap();
        (head, String::from_utf8(body).unwrap())
    });
    (url, server)
}

fn events(events: &str) -> String {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n";
    format!("{head}Content-Length: {}\r\n\r\n{events}", events.len())
}

#[test]
fn a_question_with_content_streams_its_answer_and_ends() {
    let folder = Folder::new("question");
    let file = folder.0.join("question.json");
    std::fs::write(&file, r#"{"stream":true}"#).unwrap();
    let from_file = format!("@{}", file.display());
    let rows: [(&str, &[&str], &str); 3] = [
        (&from_file, &[], "application/json"),
        (r#"{"stream":true}"#, &["--via", "sse"], "application/json"),
        (
            r#"{"stream":true}"#,
            &["-H", "content-type: text/x"],
            "text/x",
        ),
    ];
    for (data, flags, media_type) in rows {
        let (url, server) = answering(events("data: Hel\n\n:\n\ndata: lo\ndata:\n\n"));
        let ask = ["subscribe", &url, "--request-data", data, "--raw"];
        let key = ["-H", "Authorization: Bearer k"];
        let (out, said) = run(&[&ask[..], &key, flags].concat(), b"");
        assert_eq!((out.as_str(), said.as_str()), ("Hello\n", ""));
        let (head, body) = server.join().unwrap();
        assert!(head.starts_with("POST /v1/messages HTTP/1.1\r\n"), "{head}");
        let lower = head.to_ascii_lowercase();
        assert!(
            lower.contains(&format!("content-type: {media_type}\r\n")),
            "{head}"
        );
        assert!(lower.contains("authorization: bearer k\r\n"), "{head}");
        assert_eq!(body, r#"{"stream":true}"#);
    }
}

#[test]
fn a_question_that_is_refused_says_what_the_answer_says() {
    let error = json!({"error": {"type": "invalid_request", "message": "no such model"}});
    let body = error.to_string();
    let head = "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\n";
    let (url, server) = answering(format!(
        "{head}Content-Length: {}\r\n\r\n{body}",
        body.len()
    ));
    let (code, out, said) = command::run(&["subscribe", &url, "--request-data", "{}"], LIMIT);
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert!(
        said.ends_with("the server answered 400: no such model\n"),
        "{said}"
    );
    server.join().unwrap();
    let (code, _, said) = command::run(
        &["subscribe", &url, "--request-data", "@/no/such/file"],
        LIMIT,
    );
    assert_eq!(code, Some(1));
    assert!(
        said.contains("cannot read the data in /no/such/file"),
        "{said}"
    );
}

#[test]
fn a_malformed_position_is_refused_alike_over_every_transport() {
    let server = Server::start(&[]);
    server.publish("a", "m");
    let root = server.url("");
    let all = ["subscribe", "a", "--server", &root, "--after", "x"];
    let mut said: Vec<_> = ["auto", "websocket", "sse", "long-poll", "short-poll"]
        .into_iter()
        .map(|via| {
            let (code, out, said) = command::run(&[&all[..], &["--via", via]].concat(), LIMIT);
            assert_eq!((code, out.as_str()), (Some(1), ""), "{via}: {said}");
            assert!(said.contains("the server answered 400"), "{via}: {said}");
            said
        })
        .collect();
    said.dedup();
    assert_eq!(said.len(), 1, "{said:?}");
}

/// A folder of the test's own, gone after it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("tidings-wire-{}-{name}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.0);
    }
}

/// Ends TLS in front of a server, as `localhost`: the port, and the certificate in PEM.
fn tls_relay(runtime: &tokio::runtime::Runtime, server: &Server) -> (u16, String) {
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der());
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certified.cert.der().clone()],
            PrivateKeyDer::Pkcs8(key),
        )
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let server = server.address();
    let listener = runtime
        .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
        .unwrap();
    let port = listener.local_addr().unwrap().port();
    runtime.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut client) = acceptor.accept(stream).await else {
                    return;
                };
                let mut upstream = tokio::net::TcpStream::connect(server).await.unwrap();
                let _ended = copy_bidirectional(&mut client, &mut upstream).await;
            });
        }
    });
    (port, certified.cert.pem())
}

#[test]
fn https_and_wss_are_spoken_where_the_certificate_is_trusted() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = Server::start(&[]);
    let (port, pem) = tls_relay(&runtime, &server);
    let folder = Folder::new("tls");
    let file = folder.0.join("ca.pem");
    std::fs::write(&file, pem).unwrap();
    let ca = file.display().to_string();
    let root = format!("https://localhost:{port}");
    let (position, _) = run(
        &["publish", "a", "over TLS", "--server", &root, "--ca", &ca],
        b"",
    );
    assert_eq!(server.get("/channels/a").position(), position.trim());
    let all = ["--from", "earliest", "--count", "1", "--ca", &ca];
    for via in ["auto", "websocket", "sse", "long-poll", "short-poll"] {
        let named = ["subscribe", "a", "--server", &root, "--via", via];
        let (out, _) = run(&[&named[..], &all].concat(), b"");
        assert_eq!(out, "over TLS\n", "{via}");
    }
    let wss = format!("wss://localhost:{port}/channels/a");
    let (out, _) = run(&[&["subscribe", &wss][..], &all].concat(), b"");
    assert_eq!(out, "over TLS\n");
    // Nobody vouches for it without the file.
    let (code, _, said) = command::run(&["publish", "a", "x", "--server", &root], LIMIT);
    assert_eq!(code, Some(1));
    assert!(said.contains("cannot connect to localhost"), "{said}");
    let bad = folder.0.join("bad.pem");
    std::fs::write(&bad, "nothing").unwrap();
    for (file, want) in [
        (bad.display().to_string(), "cannot trust"),
        ("/no/file".into(), "cannot read the certificates"),
    ] {
        let (code, _, said) = command::run(&["publish", "a", "x", "--ca", &file], LIMIT);
        assert_eq!(code, Some(1));
        assert!(said.contains(want), "{said}");
    }
}
