//! curl, as a person at a shell uses it.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tidings_tests::nginx::Nginx;
use tidings_tests::{Server, peer};

fn curl(program: &Path, arguments: &[&str]) -> String {
    peer::run(
        Command::new(program)
            .args(["--silent", "--show-error", "--max-time", "20"])
            .args(arguments),
    )
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn scratch(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("tidings-curl-{}-{name}", std::process::id()));
    let _absent = std::fs::remove_file(&path);
    path
}

#[test]
fn curl_publishes_polls_and_deletes() {
    let Some(program) = peer::program("curl") else {
        return;
    };
    let server = Server::start(&[]);
    let url = server.url("/channels/a");
    let file = scratch("body");
    std::fs::write(&file, [0, 0xFF, b'\n']).unwrap();
    let at = format!("@{}", file.display());
    let octets = "Content-Type: application/octet-stream";

    let id = json(&curl(&program, &["-d", "hello, curl", &url]))["id"]
        .as_str()
        .unwrap()
        .to_owned();
    curl(
        &program,
        &["-d", "with an event", &format!("{url}?event=price")],
    );
    curl(&program, &["--data-binary", &at, "-H", octets, &url]);
    curl(
        &program,
        &["-H", "Transfer-Encoding: chunked", "-d", "in chunks", &url],
    );
    curl(
        &program,
        &["-H", "Expect: 100-continue", "-d", "after a 100", &url],
    );
    curl(&program, &["-X", "POST", &url]);
    for _ in 0..2 {
        curl(&program, &["-H", "Idempotency-Key: k", "-d", "once", &url]);
    }
    let page = json(&curl(&program, &[&format!("{url}?from=earliest")]));
    let got: Vec<(&str, &str)> = page["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| {
            let data = message["data"]
                .as_str()
                .or_else(|| message["data_base64"].as_str())
                .unwrap();
            (message["event"].as_str().unwrap_or(""), data)
        })
        .collect();
    let want = [
        ("", "hello, curl"),
        ("price", "with an event"),
        ("", "AP8K"),
        ("", "in chunks"),
        ("", "after a 100"),
        ("", ""),
        ("", "once"),
    ];
    assert_eq!(got, want);

    let old = curl(
        &program,
        &["--http1.0", &format!("{url}?after={id}&limit=1")],
    );
    assert_eq!(json(&old)["messages"][0]["data"], "with an event");
    let head = curl(&program, &["-I", &url]);
    assert!(
        head.starts_with("HTTP/1.1 200") && head.contains("ETag: \""),
        "{head}"
    );
    let waited = curl(&program, &["-i", "-H", "Prefer: wait=1", &url]);
    assert!(
        waited.to_lowercase().contains("preference-applied: wait=1"),
        "{waited}"
    );
    assert_eq!(
        curl(&program, &["-X", "DELETE", "-w", "%{http_code}", &url]),
        "204"
    );
    peer::say("peer curl: publishing in 6 forms, polls by HTTP/1.0 and 1.1, HEAD, a wait, DELETE");
}

#[test]
fn curl_is_told_what_was_wrong() {
    let Some(program) = peer::program("curl") else {
        return;
    };
    let server = Server::start(&["--max-message", "1000"]);
    let large = "x".repeat(2000);
    let rows: [(&[&str], &str); 6] = [
        (&["/channels/%2F"], "400"),
        (&["--path-as-is", "/channels/.."], "400"),
        (&["/channels/a?after=x"], "400"),
        (&["/nothing"], "404"),
        (&["-X", "PUT", "/channels/a"], "405"),
        (&["-d", &large, "/channels/a"], "413"),
    ];
    for (arguments, code) in rows {
        let (path, options) = arguments.split_last().unwrap();
        let url = server.url(path);
        let all = [
            options,
            &["-w", "\n%{http_code} %{content_type}", url.as_str()],
        ]
        .concat();
        let out = curl(&program, &all);
        let (body, status) = out.rsplit_once('\n').unwrap();
        assert_eq!(status, format!("{code} application/problem+json"), "{path}");
        assert!(json(body)["title"].is_string(), "{path}: {body}");
    }
}

/// `--etag-save` and `--etag-compare` are a poll loop: each turn gives what is new, once.
fn etag_loop(program: &Path, name: &str, server: &Server, url: &str) {
    let tag = scratch(name);
    let tag = tag.to_str().unwrap();
    let arguments = [
        "--compressed",
        "--etag-save",
        tag,
        "--etag-compare",
        tag,
        "-w",
        "\n%{http_code}",
        url,
    ];
    let turn = || {
        let out = curl(program, &arguments);
        let (body, status) = out.rsplit_once('\n').unwrap();
        if status == "304" {
            assert_eq!(body, "");
            return Vec::new();
        }
        assert_eq!(status, "200", "{out}");
        let page = json(body);
        assert!(page.get("gap").is_none(), "{page}");
        let messages = page["messages"].as_array().unwrap();
        messages
            .iter()
            .map(|message| message["data"].as_str().unwrap().to_owned())
            .collect()
    };
    server.publish("a", "before the first turn");
    assert!(
        turn().is_empty(),
        "{name}: the first turn begins at the latest"
    );
    for round in 1..=10 {
        let new: Vec<String> = (0..round % 4)
            .map(|number| format!("{name} {round}.{number}"))
            .collect();
        for text in &new {
            server.publish("a", text);
        }
        assert_eq!(turn(), new, "{name}: turn {round}");
    }
}

#[test]
fn curl_walks_a_channel_by_entity_tags() {
    let Some(program) = peer::program("curl") else {
        return;
    };
    let server = Server::start(&[]);
    etag_loop(&program, "direct", &server, &server.url("/channels/a"));
    peer::say("peer curl: 10 turns of --etag-save and --etag-compare");
    let Some(nginx) = Nginx::start("curl", &[server.address()]) else {
        return;
    };
    etag_loop(
        &program,
        "nginx",
        &server,
        &format!("http://{}/channels/a", nginx.plain),
    );
    peer::say("peer curl: the same behind nginx with gzip");
}

#[test]
fn curl_waits_for_news_again_and_again() {
    let Some(program) = peer::program("curl") else {
        return;
    };
    let server = Server::start(&[]);
    let url = server.url("/channels/a");
    let tag = scratch("wait");
    let mut turns = Command::new("sh")
        .arg("-c")
        .arg("for turn in 1 2 3 4 5 6; do \"$0\" -sS -H 'Prefer: wait=20' --etag-save \"$1\" --etag-compare \"$1\" \"$2\"; done")
        .arg(&program)
        .arg(&tag)
        .arg(&url)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the shell starts");
    let mut lines = BufReader::new(turns.stdout.take().unwrap()).lines();
    for turn in 1..=6 {
        // Held: it must be asking before there is news, and not come back until there is.
        let held = || server.get("/channels/a/info").json()["subscribers"]["long_poll"] == 1;
        let start = std::time::Instant::now();
        while !held() {
            assert!(start.elapsed().as_secs() < 10, "turn {turn} does not ask");
            std::thread::sleep(core::time::Duration::from_millis(5));
        }
        let id = server.publish("a", &format!("news {turn}"));
        let page = json(&lines.next().unwrap().unwrap());
        assert_eq!(page["messages"][0]["data"], format!("news {turn}"));
        assert_eq!(
            (
                page["messages"].as_array().unwrap().len(),
                &page["position"]
            ),
            (1, &Value::from(id))
        );
    }
    assert!(turns.wait().unwrap().success());
    peer::say("peer curl: 6 long polls in a row, each held until there was news");
}

#[test]
fn curl_prints_events_as_they_come() {
    let Some(program) = peer::program("curl") else {
        return;
    };
    let server = Server::start(&[]);
    let mut child = Command::new(program)
        .args([
            "-sN",
            "--max-time",
            "30",
            "-H",
            "Accept: text/event-stream",
            &server.url("/channels/a"),
        ])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("curl starts");
    let mut lines = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map(|line| line.unwrap());
    assert!(lines.next().unwrap().starts_with("retry: "));
    let position = lines.next().unwrap();
    assert!(position.starts_with("id: "), "{position}");
    assert_eq!(lines.next().unwrap(), "");
    for number in 1..=20 {
        let id = server.publish_to(
            "/channels/a?event=tick",
            &[],
            format!("{number}\nline").as_bytes(),
        );
        let want = [
            format!("id: {id}"),
            "event: tick".to_owned(),
            format!("data: {number}"),
            "data: line".to_owned(),
            String::new(),
        ];
        for line in want {
            assert_eq!(lines.next().as_ref(), Some(&line), "event {number}");
        }
    }
    assert_eq!(server.ask("DELETE", "/channels/a", &[], b"").status, 204);
    assert!(child.wait().unwrap().success(), "the stream ended well");
    peer::say("peer curl: 20 events by -N, each as it came");
    std::io::stderr().flush().unwrap();
}
