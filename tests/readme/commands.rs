//! The commands and publishers of the README, as they stand.

use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

use tidings_tests::{Connection, Server, command, peer};

use crate::ADDRESS;
use crate::snippets::snippet;

const LONG: Duration = Duration::from_secs(20);

/// A folder of the test's own, gone after it.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("tidings-readme-{}-{count}-{name}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).expect("a folder");
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.0);
    }
}

/// A shell that runs a snippet, with all its children ended on drop.
pub(crate) struct Shell {
    child: Child,
    pieces: Receiver<String>,
    said: String,
    _folder: Folder,
}

impl Shell {
    /// Runs a snippet against a server. `cargo run --release --` is the command that is built already.
    pub(crate) fn run(name: &str, text: &str, server: &Server) -> Self {
        let folder = Folder::new(name);
        let command = command::path().display().to_string();
        let text = text
            .replace(ADDRESS, &server.address().to_string())
            .replace("cargo run --release --", &command);
        let mut child = Command::new("sh")
            .args(["-c", &text])
            .current_dir(&folder.0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // The loops and pipes of a snippet end with the shell.
            .process_group(0)
            .spawn()
            .expect("sh starts");
        let (sender, pieces) = channel();
        let mut stdout = child.stdout.take().expect("stdout");
        std::thread::spawn(move || {
            let mut octets = [0; 4096];
            while let Ok(count @ 1..) = stdout.read(&mut octets) {
                let text = String::from_utf8_lossy(&octets[..count]).into_owned();
                if sender.send(text).is_err() {
                    return;
                }
            }
        });
        Self {
            child,
            pieces,
            said: String::new(),
            _folder: folder,
        }
    }

    /// Waits for words, and gives all that was said so far.
    pub(crate) fn says(&mut self, words: &str) -> &str {
        let start = Instant::now();
        while !self.said.contains(words) {
            let left = LONG.saturating_sub(start.elapsed());
            match self.pieces.recv_timeout(left) {
                Ok(piece) => self.said += &piece,
                Err(_) => panic!("never said {words:?}, but {:?}", self.said),
            }
        }
        &self.said
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let group = format!("-{}", self.child.id());
        let _ended = Command::new("kill").args(["-KILL", "--", &group]).status();
        let _status = self.child.wait();
    }
}

/// Waits until the channel `news` has a reader of this transport.
pub(crate) fn await_reader(server: &Server, transport: &str) {
    let start = Instant::now();
    loop {
        let answer = server.get("/channels/news/info");
        if answer.status == 200 && answer.json()["subscribers"][transport].as_u64() > Some(0) {
            return;
        }
        assert!(
            start.elapsed() < LONG,
            "nobody reads by {transport}: {answer:?}"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Runs a snippet by curl and gives what it says after a message was published to its reader.
fn read_by_curl(name: &str, transport: &str, words: &str) {
    let text = snippet("README.md", name);
    let server = Server::start(&[]);
    if peer::program("curl").is_none() {
        return;
    }
    let mut shell = Shell::run(name, &text, &server);
    await_reader(&server, transport);
    server.publish("news", "a message for curl");
    shell.says(words);
}

#[test]
fn curl_publishes() {
    let text = snippet("README.md", "publish");
    let server = Server::start(&[]);
    if peer::program("curl").is_none() {
        return;
    }
    let mut shell = Shell::run("publish", &text, &server);
    shell.says("{\"id\":\"");
    let read = server.get("/channels/news?from=earliest");
    assert_eq!(read.data(), ["Hello"]);
    shell.says(&read.position());
}

#[test]
fn a_loop_of_short_polls_shows_each_message_once() {
    let text = snippet("README.md", "short-poll");
    let server = Server::start(&[]);
    if peer::program("curl").is_none() {
        return;
    }
    let mut shell = Shell::run("short-poll", &text, &server);
    await_reader(&server, "short_poll");
    shows_each_once(&server, &mut shell);
}

#[test]
fn a_loop_of_long_polls_shows_each_message_once() {
    let text = snippet("README.md", "long-poll");
    let server = Server::start(&[]);
    if peer::program("curl").is_none() {
        return;
    }
    let mut shell = Shell::run("long-poll", &text, &server);
    await_reader(&server, "long_poll");
    let start = Instant::now();
    shows_each_once(&server, &mut shell);
    assert!(start.elapsed() < LONG, "the news end the wait of 30 s");
}

fn shows_each_once(server: &Server, shell: &mut Shell) {
    for text in ["one", "two", "three"] {
        server.publish("news", text);
        shell.says(&format!("\"data\":\"{text}\""));
    }
    for text in ["one", "two", "three"] {
        assert_eq!(shell.said.matches(text).count(), 1, "{}", shell.said);
    }
}

#[test]
fn curl_shows_an_event_stream() {
    read_by_curl("sse", "sse", "data: a message for curl");
}

#[test]
fn curl_shows_the_frames_of_a_websocket() {
    // FIN and opcode 1, then the length of the text: 18.
    read_by_curl("websocket", "websocket", "M-^A^Ra message for curl");
}

#[test]
fn the_command_subscribes_by_websocket() {
    let text = snippet("README.md", "subscribe");
    let server = Server::start(&[]);
    let mut shell = Shell::run("subscribe", &text, &server);
    await_reader(&server, "websocket");
    server.publish("news", "a message for the command");
    shell.says("a message for the command");
}

/// Saves a publisher under a name and runs it.
fn publishes(program: &str, name: &str, file: &str, want: &str) {
    let text = snippet("README.md", name);
    assert!(text.lines().count() <= 5, "{name} has five lines");
    let Some(program) = peer::program(program) else {
        return;
    };
    let server = Server::start(&[]);
    let folder = Folder::new(name);
    let text = text.replace(ADDRESS, &server.address().to_string());
    std::fs::write(folder.0.join(file), text).expect("the program is written");
    let said = peer::run(Command::new(program).arg(folder.0.join(file)));
    let read = server.get("/channels/news?from=earliest");
    assert_eq!(read.data(), [want]);
    assert_eq!(said.trim(), read.position());
}

#[test]
fn python_publishes_with_its_standard_library() {
    publishes(
        "python3",
        "publish-python",
        "publish.py",
        "Hello from Python",
    );
}

#[test]
fn node_publishes_by_fetch() {
    publishes("node", "publish-node", "publish.mjs", "Hello from Node");
}

#[test]
fn the_command_without_arguments_serves_the_page_of_the_demo() {
    let mut child = Command::new(command::path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts");
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.take().expect("stdout"));
    let _read = stdout.read_line(&mut line);
    let served = line == format!("listening on http://{ADDRESS}\n");
    let page = served.then(|| {
        let mut connection = Connection::open(ADDRESS.parse().unwrap());
        connection.request("GET", "/", &[], b"")
    });
    let _ended = child.kill();
    let _status = child.wait();
    let mut log = String::new();
    let _read = child
        .stderr
        .take()
        .expect("stderr")
        .read_to_string(&mut log);
    match page {
        Some(page) => {
            let kind = page.field("content-type").unwrap_or_default();
            assert!(
                page.status == 200 && kind.starts_with("text/html"),
                "{page:?}"
            );
        }
        // Where somebody else has the port, it says so.
        None => assert!(
            log.contains(&format!("cannot listen on {ADDRESS}")),
            "{line:?} {log:?}"
        ),
    }
}

#[test]
fn the_readers_for_pages_are_served_without_the_demo() {
    let server = Server::start(&[]);
    let script = server.connect().request("GET", "/tidings.js", &[], b"");
    assert_eq!(script.status, 200, "{script:?}");
    let text = script.text();
    let exports: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("export "))
        .collect();
    for class in [
        "Tidings",
        "ShortPollReader",
        "LongPollReader",
        "SseReader",
        "WebSocketReader",
    ] {
        let is_exported = exports.iter().any(|line| line.contains(class));
        assert!(is_exported, "{class} is not among {exports:?}");
    }
    let page = server.connect().request("GET", "/", &[], b"");
    assert_eq!(page.status, 404, "the page is the demo's");
}
