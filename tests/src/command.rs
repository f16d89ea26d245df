//! The command under test: built once a run, started on a free port, killed on drop.

use core::net::SocketAddr;
use core::time::Duration;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Instant;

use serde_json::Value;

use crate::http::{Answer, Connection};
use crate::peer::say;

/// Builds the command in the profile and target folder of the running test, and gives its path.
///
/// `TIDINGS_COMMAND` names one that is built already.
#[must_use]
pub fn path() -> &'static PathBuf {
    static PATH: OnceLock<Option<PathBuf>> = OnceLock::new();
    let path = PATH.get_or_init(|| match std::env::var_os("TIDINGS_COMMAND") {
        Some(path) => Some(path.into()),
        None => build().map_err(|said| say(&said)).ok(),
    });
    path.as_ref()
        .expect("the command builds (what cargo said stands above, once)")
}

fn build() -> Result<PathBuf, String> {
    // target/PROFILE/deps/TEST
    let test = std::env::current_exe().expect("the path of this test");
    let folder = test
        .ancestors()
        .nth(2)
        .expect("the folder of this test's profile");
    let profile = match folder.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(profile) => profile,
    };
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args([
            "build",
            "-p",
            "tidings",
            "--bin",
            "tidings",
            "--profile",
            profile,
            "--target-dir",
        ])
        .arg(folder.parent().expect("the target folder"))
        .arg("--message-format=json-render-diagnostics")
        .current_dir(workspace())
        .stderr(Stdio::piped())
        .output()
        .expect("cargo runs");
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .ok_or_else(|| "cargo names no executable".to_owned())
}

/// Gives the root folder of the workspace.
#[must_use]
pub fn workspace() -> PathBuf {
    let tests = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("the workspace's folder").to_owned()
}

/// One running server.
#[derive(Debug)]
pub struct Server {
    child: Child,
    address: SocketAddr,
    log: Arc<Mutex<String>>,
}

impl Server {
    /// Starts `tidings serve` on a free port of 127.0.0.1, with more arguments.
    #[must_use]
    pub fn start(arguments: &[&str]) -> Self {
        let listen = ["--listen", "127.0.0.1:0"];
        Self::start_at(&[&listen, arguments].concat())
    }

    /// Starts `tidings serve` with exactly these arguments.
    #[must_use]
    pub fn start_at(arguments: &[&str]) -> Self {
        let mut child = Command::new(path())
            .arg("serve")
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the command starts");
        let log = Arc::new(Mutex::new(String::new()));
        collect(child.stderr.take().expect("stderr"), Arc::clone(&log));
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().expect("stdout"));
        stdout.read_line(&mut line).expect("stdout can be read");
        // Read on, so that a server that prints more never waits for us.
        collect(stdout, Arc::new(Mutex::new(String::new())));
        let address = line
            .strip_prefix("listening on http://")
            .and_then(|rest| rest.trim().parse().ok());
        let Some(address) = address else {
            let _ended = child.kill();
            let status = child.wait();
            let log = log.lock().unwrap();
            panic!("`tidings serve {arguments:?}` printed {line:?}, then {status:?}:\n{log}");
        };
        Self {
            child,
            address,
            log,
        }
    }

    /// Gives the address it accepts on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Gives `http://ADDRESS` with `path` behind it.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Gives what the server said on stderr so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Connects.
    #[must_use]
    pub fn connect(&self) -> Connection {
        Connection::open(self.address)
    }

    /// Makes one request on a connection of its own. An answer under `/channels` must carry its fields.
    #[must_use]
    pub fn ask(&self, method: &str, target: &str, fields: &[(&str, &str)], body: &[u8]) -> Answer {
        let answer = self.connect().request(method, target, fields, body);
        if target.starts_with("/channels/") {
            answer.assert_channel_fields(&format!("{method} {target} {fields:?}"));
        }
        answer
    }

    /// Makes one GET.
    #[must_use]
    pub fn get(&self, target: &str) -> Answer {
        self.ask("GET", target, &[], b"")
    }

    /// Publishes text on a channel: the position of the message.
    pub fn publish(&self, channel: &str, text: &str) -> String {
        self.publish_to(&format!("/channels/{channel}"), &[], text.as_bytes())
    }

    /// Publishes to a target with more field lines: the position of the message.
    pub fn publish_to(&self, target: &str, fields: &[(&str, &str)], body: &[u8]) -> String {
        let answer = self.ask("POST", target, fields, body);
        assert_eq!(answer.status, 200, "POST {target}: {answer:?}");
        answer.json()["id"].as_str().expect("an id").to_owned()
    }

    /// Checks that the server serves the next client.
    pub fn assert_alive(&self, after: &str) {
        let answer = self.connect().request("GET", "/healthz", &[], b"");
        assert_eq!(answer.status, 200, "after {after}: {answer:?}");
    }

    /// Sends a signal by its short name, such as `TERM`.
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .arg(format!("-{name}"))
            .arg(self.child.id().to_string())
            .status();
        assert!(status.is_ok_and(|status| status.success()), "kill -{name}");
    }

    /// Waits until the server has ended.
    pub fn wait(&mut self, limit: Duration) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("the child can be asked") {
                return status;
            }
            assert!(
                start.elapsed() < limit,
                "the server runs on for {limit:?}:\n{}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl From<&Server> for SocketAddr {
    fn from(server: &Server) -> Self {
        server.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _status = self.child.wait();
        if std::thread::panicking() {
            let log = self.log();
            let tail: Vec<&str> = log.lines().rev().take(30).collect();
            if !tail.is_empty() {
                let tail: Vec<&str> = tail.into_iter().rev().collect();
                say(&format!("the server's last words:\n{}", tail.join("\n")));
            }
        }
    }
}

/// Runs the command to its end: its exit code, stdout and stderr.
#[must_use]
pub fn run(arguments: &[&str], limit: Duration) -> (Option<i32>, String, String) {
    run_with(arguments, b"", limit)
}

/// Runs the command to its end with `input` on stdin: its exit code, stdout and stderr.
#[must_use]
pub fn run_with(
    arguments: &[&str],
    input: &[u8],
    limit: Duration,
) -> (Option<i32>, String, String) {
    let mut child = Command::new(path())
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts");
    // A command that does not read its input may have closed it.
    let _closed = child.stdin.take().expect("stdin").write_all(input);
    let (out, err) = (
        Arc::new(Mutex::new(String::new())),
        Arc::new(Mutex::new(String::new())),
    );
    let readers = [
        collect(child.stdout.take().expect("stdout"), Arc::clone(&out)),
        collect(child.stderr.take().expect("stderr"), Arc::clone(&err)),
    ];
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().expect("the child can be asked") {
            break status.code();
        }
        if start.elapsed() > limit {
            let _ended = child.kill();
            let _status = child.wait();
            break None;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    for reader in readers {
        reader.join().expect("a reader ends");
    }
    let (out, err) = (out.lock().unwrap().clone(), err.lock().unwrap().clone());
    (status, out, err)
}

fn collect(
    mut from: impl Read + Send + 'static,
    into: Arc<Mutex<String>>,
) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        let mut octets = [0; 4096];
        while let Ok(count @ 1..) = from.read(&mut octets) {
            into.lock()
                .unwrap()
                .push_str(&String::from_utf8_lossy(&octets[..count]));
        }
    })
}
