//! The server that is compared: one that runs already, or one that is started for it.

use core::net::SocketAddr;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::bench::{Endpoint, Fault, Process};

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) endpoint: Endpoint,
    pub(crate) process: Option<Process>,
    /// Ends with this value.
    _child: Option<Child>,
}

impl Server {
    /// One that somebody else has started.
    pub(crate) async fn at(url: &str) -> Result<Self, Fault> {
        let endpoint = Endpoint::resolve(url).await?;
        Ok(Self {
            process: Process::listening(endpoint.address),
            endpoint,
            _child: None,
        })
    }

    /// Starts this very command as a server on a free port.
    pub(crate) async fn start() -> Result<Self, Fault> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["serve", "--listen", "127.0.0.1:0", "--history", "100000"])
            .args(["--history-octets", "67108864"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let stdout = child.stdout.take().ok_or(Fault::NotStarted)?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).await?;
        let address: SocketAddr = line
            .trim()
            .strip_prefix("listening on http://")
            .and_then(|address| address.parse().ok())
            .ok_or(Fault::NotStarted)?;
        Ok(Self {
            endpoint: Endpoint::resolve(&format!("http://{address}")).await?,
            process: child.id().map(Process::new),
            _child: Some(child),
        })
    }

    /// A channel of it, by way of `address`.
    pub(crate) fn channel(&self, name: &str, address: SocketAddr) -> Endpoint {
        let base = self.endpoint.target.trim_end_matches('/');
        Endpoint {
            address,
            authority: self.endpoint.authority.clone(),
            target: format!("{base}/channels/{name}"),
        }
    }
}
