//! The commands `record` and `explain --mermaid`: each transport drawn as it passed.

use core::time::Duration;
use std::io::{BufRead, BufReader};
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
    std::fs::remove_file(file).unwrap();
}
