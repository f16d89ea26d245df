//! `tidings record`: a relay that writes down what passes, with times.
//!
//! A line a piece of octets: `{"connection":1,"ms":0.5,"from":"client","hex":"474554…"}`.

use core::fmt::Write as _;
use core::net::SocketAddr;
use core::time::Duration;
use std::fs::File;
use std::io::{self, Write};
#[cfg(unix)]
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use clap::Args;
use serde_json::{Value, json};
use tidings_explain::{Part, Recording, Side};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep};

use crate::bench::Endpoint;
use crate::fault;

/// Records what passes between clients and a server, for `tidings explain --mermaid`.
///
/// Clients connect to the address that it prints, instead of the server's. What is recorded may hold
/// credentials: it is all that was sent.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
    tidings record http://127.0.0.1:8080 --listen 127.0.0.1:9090 --output talk.jsonl\n  \
    tidings explain --mermaid talk.jsonl")]
pub(crate) struct Record {
    /// The server.
    #[arg(value_name = "URL", default_value = "http://127.0.0.1:8080")]
    server: String,
    /// Address to listen on; port 0 takes a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9090")]
    listen: SocketAddr,
    /// The file to write; standard output without it.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Server(#[from] crate::bench::Fault),
    #[error("cannot listen on {address}")]
    Listen {
        address: SocketAddr,
        source: io::Error,
    },
    #[error("cannot write {}", path.display())]
    Output { path: PathBuf, source: io::Error },
}

/// How long accepting rests where it fails.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

type Output = Arc<Mutex<Box<dyn Write + Send>>>;

/// Runs the command until SIGINT.
pub(crate) async fn run(args: Record) -> ExitCode {
    match record(args).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fault::report(&error),
    }
}

async fn record(args: Record) -> Result<(), Error> {
    let server = Endpoint::resolve(&args.server).await?.address;
    let output: Box<dyn Write + Send> = match args.output {
        Some(path) => match create(&path) {
            Ok(file) => Box::new(file),
            Err(source) => return Err(Error::Output { path, source }),
        },
        None => Box::new(io::stdout()),
    };
    let output: Output = Arc::new(Mutex::new(output));
    let listen = |source| Error::Listen {
        address: args.listen,
        source,
    };
    let listener = TcpListener::bind(args.listen).await.map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    fault::say(&format!(
        "recording what passes from http://{address} to http://{server}"
    ));
    let accepting = async {
        let mut connection = 0_u64;
        loop {
            match listener.accept().await {
                Ok((near, _)) => {
                    connection += 1;
                    tokio::spawn(carry(near, server, connection, Arc::clone(&output)));
                }
                // Too many are open, or one left early: the others are recorded on.
                Err(error) => {
                    fault::say(&format!("accepting pauses: {error}"));
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    };
    tokio::select! {
        () = accepting => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    Ok(())
}

/// Creates the file for its owner alone: what was sent may hold credentials.
fn create(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    options.mode(0o600);
    options.open(path)
}

async fn carry(near: TcpStream, server: SocketAddr, connection: u64, output: Output) {
    let Ok(far) = TcpStream::connect(server).await else {
        fault::say(&format!("connection {connection}: the server is not there"));
        return;
    };
    // Small parts are to arrive when they were sent.
    let _ = near.set_nodelay(true).and_then(|()| far.set_nodelay(true));
    let begun = Instant::now();
    let (near_in, near_out) = near.into_split();
    let (far_in, far_out) = far.into_split();
    let lane = |from| Lane {
        connection,
        begun,
        from,
        output: Arc::clone(&output),
    };
    let (up, down) = (lane("client"), lane("server"));
    // An end that fails ends the other: neither side is left to wait for it.
    let _ = tokio::try_join!(up.carry(near_in, far_out), down.carry(far_in, near_out));
}

/// One direction of a connection.
struct Lane {
    connection: u64,
    begun: Instant,
    from: &'static str,
    output: Output,
}

impl Lane {
    async fn carry(self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) -> io::Result<()> {
        let mut buffer = vec![0; 64 << 10];
        loop {
            let read = from.read(&mut buffer).await?;
            let octets = buffer.get(..read).unwrap_or_default();
            if octets.is_empty() {
                return to.shutdown().await;
            }
            self.note(octets)?;
            to.write_all(octets).await?;
        }
    }

    fn note(&self, octets: &[u8]) -> io::Result<()> {
        let mut hex = String::with_capacity(2 * octets.len());
        for octet in octets {
            let _ = write!(hex, "{octet:02x}");
        }
        let ms = self.begun.elapsed().as_secs_f64() * 1e3;
        let line = json!({"connection": self.connection, "ms": ms, "from": self.from, "hex": hex});
        let mut output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(output, "{line}")?;
        output.flush()
    }
}

/// Reads a recording: its connections by their numbers. `Err` is the line that is out of form.
pub(crate) fn read(text: &str) -> Result<Vec<(u64, Recording)>, usize> {
    let mut connections: Vec<(u64, Recording)> = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let (number, part) = serde_json::from_str(line)
            .ok()
            .and_then(|line| part(&line))
            .ok_or(at + 1)?;
        let known = connections.iter().position(|(known, _)| *known == number);
        let index = known.unwrap_or(connections.len());
        if known.is_none() {
            connections.push((number, Recording::default()));
        }
        if let Some((_, recording)) = connections.get_mut(index) {
            recording.parts.push(part);
        }
    }
    Ok(connections)
}

fn part(line: &Value) -> Option<(u64, Part)> {
    let from = match line.get("from")?.as_str()? {
        "client" => Side::Client,
        "server" => Side::Server,
        _ => return None,
    };
    let ms = line.get("ms")?.as_f64()?;
    let part = Part {
        at: Duration::try_from_secs_f64(ms / 1e3).ok()?,
        from,
        octets: Bytes::from(crate::explain::from_hex(line.get("hex")?.as_str()?)?),
    };
    Some((line.get("connection")?.as_u64()?, part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_is_read_by_its_connections() {
        let text = "{\"connection\":1,\"ms\":0.5,\"from\":\"client\",\"hex\":\"4745\"}\n\
                    {\"connection\":2,\"ms\":1,\"from\":\"server\",\"hex\":\"\"}\n\
                    {\"connection\":1,\"ms\":2,\"from\":\"client\",\"hex\":\"54\"}\n";
        let read_back = read(text).unwrap();
        assert_eq!(read_back.len(), 2);
        assert_eq!(read_back[0].1.parts.len(), 2);
        assert_eq!(read_back[0].1.parts[0].at, Duration::from_micros(500));
        assert_eq!(read_back[0].1.parts[1].octets, "T".as_bytes());
        for bad in [
            "{}",
            "x",
            "{\"connection\":1,\"ms\":-1,\"from\":\"client\",\"hex\":\"00\"}",
        ] {
            assert_eq!(
                read(&format!("{}\n{bad}", text.lines().next().unwrap())).err(),
                Some(2),
                "{bad}"
            );
        }
    }
}
