//! The commands of the handouts, run in a copy that has the reference answer.

use core::time::Duration;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tidings_tests::{Server, peer};

use crate::{Copied, folder, read, verdicts};

/// Where the handouts say that Tidings serves.
const ADDRESS: &str = "127.0.0.1:8080";

/// The lines of the blocks of `sh` of a handout, in order.
pub(crate) fn commands(lab: &str) -> Vec<String> {
    let text = read(&folder(lab).join("README.md"));
    let mut found = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        match line {
            "```sh" => inside = true,
            "```" => inside = false,
            line if inside => found.push(line.to_owned()),
            _ => {}
        }
    }
    assert!(!inside, "{lab}: a block without an end");
    found
}

/// Runs what a reader of the handout runs.
pub(crate) fn hold(lab: &str, copied: &Copied) {
    let mut lines = commands(lab).into_iter();
    let number = lab.split('-').next().unwrap();
    let begin = [lines.next(), lines.next()].map(Option::unwrap);
    assert_eq!(
        begin[0],
        format!("cp -r skeleton ~/my-lab-{number}"),
        "{lab}"
    );
    assert_eq!(begin[1], format!("cd ~/my-lab-{number}"), "{lab}");
    for line in lines {
        if line == "cargo run --example server" {
            upgrade(copied);
        } else if line.contains("127.0.0.1:9001") {
            // By curl, to that server.
            assert!(line.starts_with("curl "), "{line}");
        } else if line.contains(ADDRESS) {
            read_a_stream(&line, copied);
        } else {
            run(lab, &line, copied);
        }
    }
}

fn run(lab: &str, line: &str, copied: &Copied) {
    let output = shell(line, copied);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{lab}: {line}: {said}");
    if let Some(step) = line.strip_prefix("cargo test") {
        let (ran, step) = (verdicts(&said, "ok"), step.trim());
        let fits = |test: &String| test.starts_with(step);
        assert!(
            !ran.is_empty() && ran.iter().all(fits),
            "{lab}: {line}: {said}"
        );
    } else {
        assert!(!said.is_empty(), "{lab}: {line}: nothing");
    }
}

/// Runs a line without optimisation, which says the same and is built already.
fn shell(line: &str, copied: &Copied) -> Output {
    let mut command = Command::new("sh");
    command.args(["-c", &line.replace("--release ", "")]);
    copied.prepare(&mut command);
    command.env("CARGO_TARGET_DIR", copied.0.join("target"));
    let search = std::env::var("PATH").unwrap_or_default();
    let cargo = Path::new(env!("CARGO")).parent().unwrap();
    command.env("PATH", format!("{}:{search}", cargo.display()));
    command.output().expect("sh runs")
}

/// Against a running server: what was published is seen.
fn read_a_stream(line: &str, copied: &Copied) {
    if peer::program("curl").is_none() {
        return;
    }
    let server = Server::start(&[]);
    server.publish("news", "hello, labs");
    let address = server.address().to_string();
    let line = line
        .replace(ADDRESS, &address)
        .replace("--max-time 60", "--max-time 2");
    let output = shell(&line, copied);
    let said = String::from_utf8_lossy(&output.stdout);
    let wanted = if line.contains(" -d ") {
        "id"
    } else {
        "hello, labs"
    };
    assert!(said.contains(wanted), "{line}: {said}");
}

/// The server of the first lab answers a handshake as the RFC does, and says hello.
fn upgrade(copied: &Copied) {
    let program = copied.0.join("target/debug/examples/server");
    let mut child = Command::new(program)
        .arg("127.0.0.1:0")
        .stdout(Stdio::piped())
        .spawn()
        .expect("the example starts");
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.take().expect("stdout"));
    stdout
        .read_line(&mut line)
        .expect("it says where it listens");
    let address = line
        .trim()
        .strip_prefix("listening on ws://")
        .expect("an address");
    let mut connection = TcpStream::connect(address).expect("it listens");
    connection
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let request = b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    connection.write_all(request).expect("a request");
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).expect("an answer");
    child.kill().expect("the example ends");
    child.wait().expect("the example ends");
    let shown = answer.escape_ascii().to_string();
    assert!(shown.starts_with("HTTP/1.1 101 "), "{shown}");
    assert!(
        shown.contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\\r\\n"),
        "{shown}"
    );
    assert!(
        shown.ends_with("\\r\\n\\r\\n\\x81\\x05hello\\x88\\x02\\x03\\xe8"),
        "{shown}"
    );
}
