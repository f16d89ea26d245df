//! Debian's nginx in front of one or more servers.

use core::net::SocketAddr;
use core::time::Duration;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use crate::peer;

/// One running nginx with several doors to the same servers.
#[derive(Debug)]
pub struct Nginx {
    child: Child,
    folder: PathBuf,
    /// The door of a bare `proxy_pass`: HTTP/1.0 upstream, and no Upgrade passes.
    pub plain: SocketAddr,
    /// The door with the usual lines for WebSocket: HTTP/1.1 upstream and the Upgrade passed on.
    pub upgrading: SocketAddr,
    /// The door that holds event streams back until some KiB are full, whatever the server asks for: HTTP/1.0
    /// upstream, whose answers have no chunks to pass on, and no Upgrade passes.
    pub buffering: SocketAddr,
    /// The door that passes everything and cuts what is silent for [`IDLE`].
    pub impatient: SocketAddr,
}

/// After so much silence of the server the impatient door cuts.
pub const IDLE: Duration = Duration::from_secs(5);

impl Nginx {
    /// Starts nginx in front of `servers`, by turns, with gzip on for every type.
    /// `None`, said loudly, where nginx is missing.
    #[must_use]
    pub fn start(name: &str, servers: &[SocketAddr]) -> Option<Self> {
        let program = peer::program("nginx")?;
        let folder =
            std::env::temp_dir().join(format!("tidings-nginx-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder for nginx");
        let [plain, upgrading, buffering, impatient] = core::array::from_fn(|_| free());
        let idle = IDLE.as_secs();
        let upstream: String = servers
            .iter()
            .map(|server| format!("server {server};"))
            .collect();
        let upgrade = "proxy_http_version 1.1; proxy_set_header Host $http_host;
            proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;";
        let place = folder.display();
        let config = format!(
            "daemon off; master_process off; pid {place}/pid; error_log stderr warn;
            events {{ worker_connections 1024; }}
            http {{
                access_log off;
                client_body_temp_path {place}/body; proxy_temp_path {place}/proxy;
                fastcgi_temp_path {place}/fastcgi; uwsgi_temp_path {place}/uwsgi; scgi_temp_path {place}/scgi;
                gzip on; gzip_types *; gzip_proxied any; gzip_min_length 0; gzip_http_version 1.0;
                map $http_upgrade $connection_upgrade {{ default upgrade; '' close; }}
                upstream tidings {{ {upstream} }}
                proxy_set_header Host $http_host;
                server {{
                    listen {plain};
                    location / {{ proxy_pass http://tidings; }}
                }}
                server {{
                    listen {buffering};
                    location / {{
                        proxy_pass http://tidings;
                        proxy_buffering on; proxy_ignore_headers X-Accel-Buffering;
                    }}
                }}
                server {{
                    listen {upgrading};
                    location / {{ proxy_pass http://tidings; {upgrade} }}
                }}
                server {{
                    listen {impatient};
                    location / {{ proxy_pass http://tidings; {upgrade} proxy_read_timeout {idle}s; }}
                }}
            }}"
        );
        fs::write(folder.join("nginx.conf"), config).expect("the configuration is written");
        let child = Command::new(program)
            .args(["-e", "stderr", "-p"])
            .arg(&folder)
            .arg("-c")
            .arg(folder.join("nginx.conf"))
            .stdin(Stdio::null())
            .spawn()
            .expect("nginx starts");
        let nginx = Self {
            child,
            folder,
            plain,
            upgrading,
            buffering,
            impatient,
        };
        let start = Instant::now();
        // It listens on all of its doors or on none.
        while TcpStream::connect(plain).is_err() {
            assert!(
                start.elapsed() < Duration::from_secs(5),
                "nginx does not listen"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
        Some(nginx)
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _status = self.child.wait();
        let _gone = fs::remove_dir_all(&self.folder);
    }
}

/// Finds a port that nobody listens on.
fn free() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address")
}
