//! nginx and Caddy in front of a server, by the files of docs/proxies, with a certificate made for the test.

use core::net::SocketAddr;
use core::time::Duration;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use crate::command::workspace;
use crate::peer;

/// The name that the files of docs/proxies serve.
pub const NAME: &str = "push.example";

/// One running proxy that ends TLS.
#[derive(Debug)]
pub struct TlsProxy {
    child: Child,
    folder: PathBuf,
    /// The port of 127.0.0.1 that it listens on.
    pub port: u16,
}

impl TlsProxy {
    /// Starts nginx by docs/proxies/nginx.conf; `None`, said loudly, where it is missing.
    #[must_use]
    pub fn nginx(server: SocketAddr) -> Option<Self> {
        let program = peer::program("nginx")?;
        let (folder, port) = prepare("nginx")?;
        let place = folder.display();
        let site = site(
            "nginx.conf",
            server,
            &folder,
            "listen 443 ",
            &format!("listen 127.0.0.1:{port} "),
        );
        fs::write(folder.join("site.conf"), site).expect("the site is written");
        let whole = format!(
            "daemon off; master_process off; pid {place}/pid; error_log stderr warn;
            events {{ worker_connections 1024; }}
            http {{
                access_log off;
                client_body_temp_path {place}/body; proxy_temp_path {place}/proxy;
                fastcgi_temp_path {place}/fastcgi; uwsgi_temp_path {place}/uwsgi; scgi_temp_path {place}/scgi;
                include {place}/site.conf;
            }}"
        );
        fs::write(folder.join("whole.conf"), whole).expect("the configuration is written");
        let mut command = Command::new(program);
        command.args(["-e", "stderr", "-p"]).arg(&folder);
        command.arg("-c").arg(folder.join("whole.conf"));
        Some(Self::start(command, folder, port))
    }

    /// Starts Caddy by docs/proxies/Caddyfile; `None`, said loudly, where it is missing.
    #[must_use]
    pub fn caddy(server: SocketAddr) -> Option<Self> {
        let program = peer::program("caddy")?;
        let (folder, port) = prepare("caddy")?;
        let site = site(
            "Caddyfile",
            server,
            &folder,
            "push.example {",
            &format!("push.example:{port} {{"),
        );
        // It does not ask for port 80, nor for a port to be administered by.
        let whole = format!("{{\n\tadmin off\n\tauto_https disable_redirects\n}}\n{site}");
        fs::write(folder.join("Caddyfile"), whole).expect("the configuration is written");
        let mut command = Command::new(program);
        command.args(["run", "--adapter", "caddyfile", "--config"]);
        command.arg(folder.join("Caddyfile"));
        for home in ["HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"] {
            command.env(home, &folder);
        }
        Some(Self::start(command, folder, port))
    }

    fn start(mut command: Command, folder: PathBuf, port: u16) -> Self {
        let log = fs::File::create(folder.join("log")).expect("a log");
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the proxy starts");
        let proxy = Self {
            child,
            folder,
            port,
        };
        let start = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let log = || fs::read_to_string(proxy.folder.join("log"));
            assert!(start.elapsed() < Duration::from_secs(20), "{:?}", log());
            std::thread::sleep(Duration::from_millis(10));
        }
        proxy
    }

    /// Gives the file of the certificate.
    #[must_use]
    pub fn certificate(&self) -> PathBuf {
        self.folder.join("certificate.pem")
    }

    /// Gives `https://push.example:PORT/push` with `path` behind it.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("https://{NAME}:{}/push{path}", self.port)
    }
}

impl Drop for TlsProxy {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _status = self.child.wait();
        let _gone = fs::remove_dir_all(&self.folder);
    }
}

/// A file of docs/proxies as it is, but for the addresses and the certificate.
fn site(file: &str, server: SocketAddr, folder: &Path, listen: &str, at: &str) -> String {
    let text = fs::read_to_string(workspace().join("docs/proxies").join(file)).expect(file);
    let place = folder.display().to_string();
    let changes = [
        ("127.0.0.1:8080", server.to_string()),
        ("/etc/ssl/push.example", place),
        (listen, at.to_owned()),
    ];
    changes.iter().fold(text, |text, (from, to)| {
        assert!(text.contains(from), "{file} does not say {from}");
        text.replace(from, to)
    })
}

/// A folder with a certificate and its key, and a free port; `None`, said loudly, where OpenSSL is missing.
fn prepare(name: &str) -> Option<(PathBuf, u16)> {
    let openssl = peer::program("openssl")?;
    let folder = std::env::temp_dir().join(format!("tidings-tls-{}-{name}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder for the proxy");
    let _made = peer::run(
        Command::new(openssl)
            .args(["req", "-x509", "-days", "2", "-nodes", "-newkey", "ec"])
            .args(["-pkeyopt", "ec_paramgen_curve:prime256v1"])
            .args([
                "-subj",
                "/CN=push.example",
                "-addext",
                "subjectAltName=DNS:push.example",
            ])
            .args(["-keyout", "key.pem", "-out", "certificate.pem"])
            .current_dir(&folder),
    );
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("its address").port();
    Some((folder, port))
}
