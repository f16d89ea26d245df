//! The configurations of docs/operations.md: nginx in front, the unit of systemd, the key.

use core::net::SocketAddr;
use core::time::Duration;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use tidings_tests::{Connection, EventStream, Server, WebSocket, peer};

use crate::ADDRESS;
use crate::commands::Folder;
use crate::snippets::snippet;

const NAME: (&str, &str) = ("Host", "push.example");

/// nginx with the configuration of the document.
struct Nginx {
    child: Child,
    door: SocketAddr,
    _folder: Folder,
}

impl Nginx {
    fn start(server: &Server) -> Option<Self> {
        let program = peer::program("nginx")?;
        let folder = Folder::new("nginx");
        let place = folder.0.display();
        let door = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let text = snippet("docs/operations.md", "nginx");
        assert!(text.contains("listen 80;"), "{text}");
        let text = text
            .replace("listen 80;", &format!("listen {door};"))
            .replace(ADDRESS, &server.address().to_string());
        let whole = format!(
            "daemon off; master_process off; pid {place}/pid; error_log stderr warn;
            events {{ }}
            http {{
                access_log off;
                client_body_temp_path {place}/body; proxy_temp_path {place}/proxy;
                fastcgi_temp_path {place}/fastcgi; uwsgi_temp_path {place}/uwsgi; scgi_temp_path {place}/scgi;
                {text}
            }}"
        );
        let file = folder.0.join("nginx.conf");
        fs::write(&file, whole).expect("the configuration is written");
        let child = Command::new(program)
            .args(["-e", "stderr", "-p"])
            .arg(&folder.0)
            .arg("-c")
            .arg(&file)
            .stdin(Stdio::null())
            .spawn()
            .expect("nginx starts");
        let nginx = Self {
            child,
            door,
            _folder: folder,
        };
        let start = Instant::now();
        while TcpStream::connect(door).is_err() {
            assert!(
                start.elapsed() < Duration::from_secs(5),
                "nginx does not listen"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
        Some(nginx)
    }

    fn ask(
        &self,
        method: &str,
        target: &str,
        fields: &[(&str, &str)],
        body: &[u8],
    ) -> tidings_tests::Answer {
        Connection::open(self.door).request(method, target, &[&[NAME], fields].concat(), body)
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}

#[test]
fn behind_nginx_all_four_ways_and_publishing_work() {
    let server = Server::start(&["--host", "push.example"]);
    let Some(nginx) = Nginx::start(&server) else {
        return;
    };
    let target = "/channels/news?from=earliest";
    let answer = nginx.ask("POST", "/channels/news", &[], b"through nginx");
    assert_eq!(answer.status, 200, "{answer:?}");

    let read = nginx.ask("GET", target, &[], b"");
    assert_eq!(read.data(), ["through nginx"]);
    let tag = format!("\"{}\"", read.position());
    let same = nginx.ask("GET", "/channels/news", &[("If-None-Match", &tag)], b"");
    assert_eq!(same.status, 304, "{same:?}");
    let held = [("If-None-Match", &tag[..]), ("Prefer", "wait=1")];
    let start = Instant::now();
    let waited = nginx.ask("GET", "/channels/news", &held, b"");
    assert_eq!(
        waited.field("preference-applied"),
        Some("wait=1"),
        "{waited:?}"
    );
    assert!(start.elapsed() >= Duration::from_millis(900), "held");

    let mut stream = EventStream::open(nginx.door, target, &[NAME]);
    stream.block().expect("the first block");
    let block = stream.block().expect("what is kept");
    assert_eq!(block.data.as_deref(), Some("through nginx"));
    server.publish("news", "live");
    let block = stream.block().expect("what is live comes at once");
    assert_eq!(block.data.as_deref(), Some("live"));

    // A page of the site itself: its origin has the name and, behind TLS, another scheme.
    let origin = ("Origin", "https://push.example");
    let mut socket = WebSocket::open(nginx.door, "/channels/news?from=-1", &[NAME, origin]);
    assert_eq!(socket.text(), "live");
    socket.send(tidings_tests::websocket::TEXT, b"back");
    assert_eq!(socket.text(), "back");
    let foreign = nginx.ask("GET", target, &[("Origin", "https://other.example")], b"");
    assert_eq!(foreign.status, 403, "{foreign:?}");
}

#[test]
fn the_largest_message_passes_nginx() {
    let server = Server::start(&["--host", "push.example"]);
    let Some(nginx) = Nginx::start(&server) else {
        return;
    };
    let body = vec![b'a'; 256 << 10];
    assert_eq!(nginx.ask("POST", "/channels/news", &[], &body).status, 200);
    assert_eq!(
        nginx
            .ask("POST", "/channels/news", &[], &[&body[..], b"a"].concat())
            .status,
        413
    );
}

/// Makes a key as the document says: the file.
fn make_key(folder: &Folder) -> String {
    let lines = snippet("docs/operations.md", "key");
    let place = folder.0.display().to_string();
    let (made, used) = lines
        .split_once("\n\n")
        .expect("one block makes it, one uses it");
    let made = made.replace("/etc/tidings", &place).replace("sudo ", "");
    let out = Command::new("sh")
        .args(["-ec", &made])
        .output()
        .expect("sh runs");
    assert!(out.status.success(), "{made}: {out:?}");
    assert!(used.contains("curl"), "{used}");
    format!("{place}/publish.key")
}

#[test]
fn the_unit_starts_the_server_and_the_key_opens_it() {
    let unit = snippet("docs/operations.md", "unit");
    let folder = Folder::new("unit");
    let key = make_key(&folder);
    let line = unit
        .lines()
        .find_map(|line| line.strip_prefix("ExecStart=/usr/local/bin/tidings serve "))
        .expect("the line that starts the server");
    assert!(line.contains("/publish.key"), "{line}");
    let arguments: Vec<&str> = line
        .split_whitespace()
        .map(|word| match word {
            ADDRESS => "127.0.0.1:0",
            word if word.ends_with("/publish.key") => &key,
            word => word,
        })
        .collect();
    let mut server = Server::start_at(&arguments);
    let refused = server.ask("POST", "/channels/news", &[], b"x");
    assert_eq!(refused.status, 401, "{refused:?}");
    if peer::program("curl").is_some() {
        let lines = snippet("docs/operations.md", "key");
        let (_, used) = lines.split_once("\n\n").unwrap();
        let used = used
            .replace("/etc/tidings", &folder.0.display().to_string())
            .replace("sudo ", "")
            .replace(ADDRESS, &server.address().to_string());
        let said = peer::run(Command::new("sh").args(["-ec", &used]));
        assert!(said.contains("{\"id\":"), "{said}");
        assert_eq!(server.get("/channels/news?from=earliest").data(), ["Hello"]);
    }
    // What systemd sends, and the code that it takes for a good end.
    server.signal("TERM");
    assert_eq!(server.wait(Duration::from_secs(15)).code(), Some(0));
}

#[test]
fn systemd_finds_no_fault_in_the_unit() {
    // A part of Debian itself: no peer to be installed for the tests.
    let program = Path::new("/usr/bin/systemd-analyze");
    if !program.is_file() {
        peer::say("systemd-analyze is missing: the unit is NOT VERIFIED");
        return;
    }
    let folder = Folder::new("verify");
    let file = folder.0.join("tidings.service");
    let program_path = tidings_tests::command::path().display().to_string();
    let unit =
        snippet("docs/operations.md", "unit").replace("/usr/local/bin/tidings", &program_path);
    fs::write(&file, unit).expect("the unit is written");
    let out = Command::new(program)
        .arg("verify")
        .arg(&file)
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(
        out.status.success() && !said.contains("tidings.service"),
        "{said}"
    );
}
