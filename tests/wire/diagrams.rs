//! The commands `record` and `explain --mermaid`: each transport drawn as it passed.

use core::time::Duration;
use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::thread::sleep;

use tidings_tests::{Server, command};

const LIMIT: Duration = Duration::from_secs(20);

#[test]
fn each_transport_is_drawn_as_it_passed() {
    let server = Server::start(&[]);
    let file = std::env::temp_dir().join(format!("tidings-talk-{}.jsonl", std::process::id()));
    let path = file.to_str().unwrap();
    let mut relay = Command::new(command::path())
        .args([
            "record",
            &server.url(""),
            "--listen",
            "127.0.0.1:0",
            "--output",
            path,
        ])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(relay.stderr.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let from = line
        .split(' ')
        .find(|word| word.starts_with("http://"))
        .unwrap();
    for (via, want) in [
        ("short-poll", ["C->>S: GET /channels/d", "no news"]),
        (
            "long-poll",
            [
                "Note over S: holds it for ",
                "S-->>C: 200 OK, {\"position\":",
            ],
        ),
        (
            "sse",
            [
                "Accept: text/event-stream",
                "S-)C: event message \"hello\", id ",
            ],
        ),
        (
            "websocket",
            ["S-->>C: 101 Switching Protocols", "\"data\":\"hello\""],
        ),
    ] {
        let url = format!("{from}/channels/d-{via}");
        let direct = server.url(&format!("/channels/d-{via}"));
        let reading = std::thread::spawn(move || {
            let arguments = [
                "subscribe",
                &url,
                "--via",
                via,
                "--count",
                "1",
                "--interval",
                "0.2",
            ];
            command::run(&arguments, LIMIT)
        });
        sleep(Duration::from_millis(700));
        let (code, _, said) = command::run(&["publish", &direct, "hello"], LIMIT);
        assert_eq!(code, Some(0), "{said}");
        let (code, _, said) = reading.join().unwrap();
        assert_eq!(code, Some(0), "{via}: {said}");
        let (code, drawn, said) = command::run(&["explain", "--mermaid", path], LIMIT);
        assert_eq!(code, Some(0), "{said}");
        // The connections of this transport are the last ones.
        let drawn = drawn
            .rsplit("%% connection")
            .find(|one| one.contains(via))
            .unwrap()
            .to_owned();
        for word in want {
            assert!(drawn.contains(word), "{via}: {word} in\n{drawn}");
        }
    }
    relay.kill().unwrap();
    relay.wait().unwrap();
    // What was sent may hold credentials.
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0, "{mode:o}");
    std::fs::remove_file(file).unwrap();
}

#[test]
fn recording_goes_on_where_no_connection_more_can_be_opened() {
    let server = Server::start(&[]);
    // A connection takes two descriptors: one of these limits is met by accepting.
    for limit in [24, 25] {
        let record = format!(
            "ulimit -n {limit} && exec {} record {} --listen 127.0.0.1:0 --output /dev/null",
            command::path().display(),
            server.url("")
        );
        let mut relay = Command::new("sh")
            .args(["-c", &record])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(relay.stderr.take().unwrap());
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        let address = line
            .split(' ')
            .find_map(|word| word.strip_prefix("http://"))
            .unwrap();
        let connections: Vec<_> = (0..20)
            .map(|_| TcpStream::connect(address).unwrap())
            .collect();
        sleep(Duration::from_millis(500));
        drop(connections);
        let mut last = TcpStream::connect(address).unwrap();
        last.set_read_timeout(Some(LIMIT)).unwrap();
        last.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            .unwrap();
        let mut answer = [0; 12];
        last.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200");
        relay.kill().unwrap();
        relay.wait().unwrap();
    }
}
