//! `tidings serve`: the server, its flags, and how it stops.

use core::net::SocketAddr;
use core::time::Duration;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use subtle::ConstantTimeEq;
use tidings_server::channels::{self, Access, Channels, Decision, Verb};
use tidings_server::serve::{self, Request, Response, WebSocket};
use tidings_server::websocket::DeflateOptions;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use crate::demo::{self, Demo, Generator};
use crate::wire::{Mode, Wire};

/// Largest message of the echo.
const ECHO_MAX_LEN: usize = 16 << 20;

/// How hard messages are compressed, of 1 to 9: zlib's own default.
const DEFLATE_LEVEL: u8 = 6;

/// Serves channels by short polling, long polling, Server-Sent Events and WebSocket.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Address to listen on; port 0 takes a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Serve a page at / that shows the four transports at work, and publish what it shows.
    #[arg(long)]
    demo: bool,
    /// Seed of the scores and prices that the demo publishes.
    #[arg(long, value_name = "N", default_value_t = 7)]
    demo_seed: u64,
    /// Serve a WebSocket echo at /echo, for messages of up to 16 MiB in any number of fragments, compressed where the client offers it.
    #[arg(long)]
    echo: bool,
    /// Compress messages over WebSockets whose client offers it, each once for all its readers. Not for secrets beside what strangers write.
    #[arg(long)]
    deflate: bool,
    /// Whose octets the page at /wire shows: of no connections, of those that the page itself opened, or of all, which takes a
    /// loopback address. Without it `own` with --demo, else `off`.
    #[arg(long, value_name = "MODE")]
    trace: Option<Mode>,
    /// Messages that a channel keeps.
    #[arg(long, value_name = "COUNT", default_value_t = 1_000)]
    history: usize,
    /// Octets that a channel keeps, payloads and what they are sent as.
    #[arg(long, value_name = "N", default_value_t = 1 << 20)]
    history_octets: usize,
    /// How long a channel keeps a message.
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    history_age: u64,
    /// Largest message in octets.
    #[arg(long, value_name = "N", default_value_t = 256 << 10)]
    max_message: usize,
    /// Most connections at a time.
    #[arg(long, value_name = "COUNT", default_value_t = 10_000)]
    max_connections: usize,
    /// A name that may stand in Host on a loopback listener, beside localhost and IP addresses; repeatable.
    #[arg(long, value_name = "NAME")]
    host: Vec<String>,
    /// A foreign origin whose pages may read and publish, such as `https://app.example`; repeatable.
    #[arg(long, value_name = "ORIGIN")]
    allow_origin: Vec<String>,
    /// A file with the key that publishing and deleting need, as in `Authorization: Bearer KEY`.
    #[arg(long, value_name = "FILE")]
    publish_key: Option<PathBuf>,
    /// Let everybody publish, though the address is reachable from other machines.
    #[arg(long)]
    open: bool,
}

impl Serve {
    /// The same with the demo: what the command does where nothing else is said.
    #[must_use]
    pub(crate) fn with_demo(mut self) -> Self {
        self.demo = true;
        self
    }
}

/// Runs the server until SIGINT or SIGTERM.
pub(crate) async fn run(args: Serve) -> ExitCode {
    match serve(args).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(
        "{0} is reachable from other machines: give --publish-key FILE, or --open to let everybody publish"
    )]
    Exposed(SocketAddr),
    #[error(
        "--trace=all shows what every client sends, and {0} is reachable from other machines: listen on a loopback address, or take --trace=own"
    )]
    TracesOthers(SocketAddr),
    #[error("cannot read the key in {}", path.display())]
    Key {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("the key in {} is empty or not one line of visible characters", .0.display())]
    BadKey(PathBuf),
    #[error("cannot listen on {address}")]
    Listen {
        address: SocketAddr,
        source: std::io::Error,
    },
    #[error("cannot publish what the demo shows")]
    Demo(#[source] tidings_client::Error),
    #[error("cannot serve")]
    Serve(#[source] std::io::Error),
}

/// Says on one line what failed and why.
fn fail(error: &dyn core::error::Error) -> ExitCode {
    let mut line = format!("tidings: {error}");
    let mut source = error.source();
    while let Some(cause) = source {
        line.push_str(": ");
        line.push_str(&cause.to_string());
        source = cause.source();
    }
    let _ = writeln!(std::io::stderr(), "{line}");
    ExitCode::FAILURE
}

async fn serve(args: Serve) -> Result<(), Error> {
    if !args.listen.ip().is_loopback() && args.publish_key.is_none() && !args.open {
        return Err(Error::Exposed(args.listen));
    }
    let by_default = if args.demo { Mode::Own } else { Mode::Off };
    let mode = args.trace.unwrap_or(by_default);
    if mode == Mode::All && !args.listen.ip().is_loopback() {
        return Err(Error::TracesOthers(args.listen));
    }
    let wire = Wire::new(mode, args.demo);
    let mut config = channels::Config::default();
    config.hub.max_messages = args.history;
    config.hub.max_octets = args.history_octets;
    config.hub.max_age = Some(Duration::from_secs(args.history_age));
    config.max_message_len = args.max_message;
    config.hosts = args.host;
    config.allow_origins = args.allow_origin;
    config.allow_cut = args.demo;
    config.deflate_level = args.deflate.then_some(DEFLATE_LEVEL);
    let key = args.publish_key.map(read_key).transpose()?;
    if let Some(key) = key.clone() {
        config.authorize = Arc::new(move |access| authorize(access, &key));
    }
    let mut connections = serve::Config::default();
    connections.max_connections = args.max_connections;
    connections.tap = wire.as_ref().map(Wire::tap);

    // Before the line that says so, so that a stop at any time after it is a good one.
    let interrupt = signal(SignalKind::interrupt()).map_err(Error::Serve)?;
    let terminate = signal(SignalKind::terminate()).map_err(Error::Serve)?;
    let address = args.listen;
    let listener = TcpListener::bind(address)
        .await
        .map_err(|source| Error::Listen { address, source })?;
    let address = listener.local_addr().map_err(Error::Serve)?;
    let channels = Channels::new(config);
    let echo = args.echo;
    let demo = args.demo.then(|| Demo::new(args.history, wire.is_some()));
    let generator = demo
        .is_some()
        .then(|| Generator::new(address, key.as_deref(), args.demo_seed))
        .transpose()
        .map_err(Error::Demo)?;
    let handler = move |request: Request| {
        let (channels, demo, wire) = (channels.clone(), demo.clone(), wire.clone());
        async move {
            if let Some(response) = demo::library(&request, &channels) {
                return response;
            }
            if let Some(response) = wire.and_then(|wire| wire.handle(&request, &channels)) {
                return response;
            }
            match (request.head().path(), demo) {
                ("/echo", _) if echo => answer_echo(&request),
                (_, Some(demo)) => demo.handle(request, &channels).await,
                (_, None) => channels.handle(request).await,
            }
        }
    };
    // A line of its own even through a pipe; nobody reading it is no reason not to serve.
    let mut stdout = std::io::stdout().lock();
    let _ = writeln!(stdout, "listening on http://{address}").and_then(|()| stdout.flush());
    drop(stdout);
    let (stopping, stopped) = oneshot::channel();
    let until = async move {
        let (mut interrupt, mut terminate) = (interrupt, terminate);
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        tracing::info!("stopping");
        let _ = stopping.send(());
    };
    let publishing = async {
        if let Some(generator) = generator {
            tokio::select! {
                () = generator.run() => {}
                _ = stopped => {}
            }
        }
    };
    // In a task, so that a worker that accepts a connection serves it without waking another.
    let serving = tokio::spawn(serve::serve(listener, connections, handler, until));
    let (served, ()) = tokio::join!(serving, publishing);
    let served = served.map_err(std::io::Error::other);
    served.and_then(|served| served).map_err(Error::Serve)
}

fn read_key(path: PathBuf) -> Result<Vec<u8>, Error> {
    let key = match std::fs::read(&path) {
        Ok(key) => key.trim_ascii().to_vec(),
        Err(source) => return Err(Error::Key { path, source }),
    };
    if key.is_empty() || !key.iter().all(u8::is_ascii_graphic) {
        return Err(Error::BadKey(path));
    }
    Ok(key)
}

fn authorize(access: &Access<'_>, key: &[u8]) -> Decision {
    match access.verb {
        Verb::Subscribe | Verb::Info => Decision::Allow,
        Verb::Publish | Verb::Delete => {
            let given = access
                .head
                .fields()
                .get("Authorization")
                .unwrap_or_default();
            let token = match given.split_at_checked(7) {
                Some((scheme, token)) if scheme.eq_ignore_ascii_case(b"Bearer ") => {
                    token.trim_ascii()
                }
                _ => b"",
            };
            if bool::from(token.ct_eq(key)) {
                Decision::Allow
            } else {
                Decision::Deny(401)
            }
        }
    }
}

fn answer_echo(request: &Request) -> Response {
    let mut config = tidings_server::websocket::Config::default();
    config.max_message_len = ECHO_MAX_LEN;
    config.max_frame_len = ECHO_MAX_LEN as u64;
    config.max_fragments = usize::MAX;
    let mut deflate = DeflateOptions::default();
    // All that RFC 7692 has is to be testable: a client may ask for less.
    deflate.server_takeover = true;
    deflate.client_takeover = true;
    Response::websocket_deflate(request.head(), config, deflate, echo)
}

/// Sends back each message, in kind and in order; the answers to one read leave in one write.
async fn echo(mut websocket: WebSocket) {
    while let Some(message) = websocket.next().await {
        if websocket.feed(&message).await.is_err() {
            return;
        }
    }
}
