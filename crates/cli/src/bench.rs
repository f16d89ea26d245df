//! `tidings bench`: a load for this server or another, and figures of what it did.
//!
//! The readers are the codecs on bare sockets, as light as can be, so that what is measured is the
//! server. Every message is checked: its content, its order, that it comes and comes once.
//!
//! | file | what it is |
//! |---|---|
//! | `echo`, `fan_out`, `idle`, `storm` | the scenarios |
//! | `reader`, `publisher`, `frames`, `socket`, `endpoint` | the load |
//! | `payload` | what is sent and how it is checked |
//! | `process`, `report` | what is seen of the server, and how it is told |

mod echo;
mod endpoint;
pub(crate) mod fan_out;
mod frames;
pub(crate) mod idle;
pub(crate) mod payload;
mod process;
mod publisher;
mod reader;
mod report;
mod socket;
mod storm;

use core::time::Duration;
use std::io::Write as _;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use tidings_client::Transport;

use crate::fault;
pub(crate) use endpoint::Endpoint;
pub(crate) use fan_out::Measured;
pub(crate) use process::Process;
pub(crate) use reader::How;
use report::Report;
pub(crate) use report::{human, quantiles};
use socket::{Socket, Traffic};

/// Puts a load on a server and measures: latency, deliveries, CPU and memory of the server.
///
/// Any server will do that is read by WebSocket, Server-Sent Events or polls and takes messages by POST.
/// Content and order of all that comes are checked; a run that loses or doubles a message ends with 1.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    tidings bench echo ws://127.0.0.1:8080/echo --depth 16\n  \
    tidings bench fan-out --readers 1000 --messages 500\n  \
    tidings bench fan-out --via sse --rate 100 --json\n  \
    tidings bench idle --via websocket --connections 5000\n  \
    tidings bench resume-storm --readers 5000")]
pub(crate) struct Bench {
    #[command(subcommand)]
    scenario: Scenario,
}

#[derive(Debug, Subcommand)]
enum Scenario {
    /// Connections send messages to a WebSocket echo and take them back.
    Echo(EchoArgs),
    /// One channel and many readers; each message reaches each of them.
    FanOut(FanOutArgs),
    /// Connections that wait: their memory, and the CPU time of all.
    Idle(IdleArgs),
    /// All readers are cut at once and come back at once, each at its position.
    ResumeStorm(StormArgs),
}

/// What is said of every scenario.
#[derive(Debug, Args)]
struct Common {
    /// The server's process; without it, the one that listens on the URL's port of this machine.
    #[arg(long, value_name = "PID")]
    pid: Option<u32>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// The channel that is read.
#[derive(Debug, Args)]
struct Channel {
    /// Where to read.
    #[arg(
        value_name = "URL",
        default_value = "http://127.0.0.1:8080/channels/bench"
    )]
    url: String,
    /// short-poll, long-poll, sse or websocket; without it websocket for a ws URL, else sse.
    #[arg(long, value_name = "TRANSPORT")]
    via: Option<Transport>,
    /// Milliseconds between two short polls.
    #[arg(long, value_name = "MS", default_value_t = 1000)]
    interval: u64,
}

impl Channel {
    fn how(&self, positions: bool) -> How {
        How {
            via: self.via.unwrap_or_else(|| fan_out::transport(&self.url)),
            interval: Duration::from_millis(self.interval),
            positions,
        }
    }

    async fn resolve(&self) -> Result<Endpoint, Fault> {
        Endpoint::resolve(&self.url).await
    }
}

/// What is published, and where.
#[derive(Debug, Args)]
struct Messages {
    /// Where to POST; the URL that is read where nothing else is said.
    #[arg(long, value_name = "URL")]
    publish: Option<String>,
    /// Octets of a message, at least 28.
    #[arg(long, value_name = "N", default_value_t = 128)]
    size: usize,
}

impl Messages {
    async fn resolve(&self, subscribe: &Endpoint) -> Result<Endpoint, Fault> {
        match &self.publish {
            Some(url) => Endpoint::resolve(url).await,
            None => Ok(subscribe.clone()),
        }
    }

    fn len(&self) -> usize {
        self.size.max(payload::MIN_LEN)
    }
}

#[derive(Debug, Args)]
struct EchoArgs {
    /// A WebSocket that sends back what it gets.
    #[arg(value_name = "URL", default_value = "ws://127.0.0.1:8080/echo")]
    url: String,
    /// Connections that send at the same time.
    #[arg(long, value_name = "COUNT", default_value_t = 16)]
    connections: usize,
    /// Messages in flight on each connection.
    #[arg(long, value_name = "COUNT", default_value_t = 1)]
    depth: u64,
    /// Octets of a message, at least 28.
    #[arg(long, value_name = "N", default_value_t = 64)]
    size: usize,
    /// How long they send.
    #[arg(long, value_name = "COUNT", default_value_t = 5)]
    seconds: u64,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
struct FanOutArgs {
    #[command(flatten)]
    channel: Channel,
    #[command(flatten)]
    messages: Messages,
    /// Readers of the channel, a connection each.
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    readers: usize,
    /// Messages that are published.
    #[arg(long = "messages", value_name = "COUNT", default_value_t = 1000)]
    count: u64,
    /// Messages a second; without it, the next leaves when one is acknowledged.
    #[arg(long, value_name = "N")]
    rate: Option<f64>,
    /// POSTs in flight, where no rate is given.
    #[arg(long, value_name = "COUNT", default_value_t = 1)]
    in_flight: usize,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
struct IdleArgs {
    #[command(flatten)]
    channel: Channel,
    /// Connections that are opened and wait.
    #[arg(long, value_name = "COUNT", default_value_t = 1000)]
    connections: usize,
    /// How long they are held.
    #[arg(long, value_name = "COUNT", default_value_t = 5)]
    seconds: u64,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
struct StormArgs {
    #[command(flatten)]
    channel: Channel,
    #[command(flatten)]
    messages: Messages,
    /// Readers that are cut and come back.
    #[arg(long, value_name = "COUNT", default_value_t = 1000)]
    readers: usize,
    /// Messages that are published while they are away.
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    missed: u64,
    /// Messages a second.
    #[arg(long, value_name = "N", default_value_t = 100.0)]
    rate: f64,
    #[command(flatten)]
    common: Common,
}

/// What ends a run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error("cannot use {url}: {why}")]
    Url { url: String, why: &'static str },
    #[error("{0} must be more than zero")]
    Zero(&'static str),
    #[error("the connection failed")]
    Io(#[from] std::io::Error),
    #[error("the server answered with status {0}")]
    Status(u16),
    #[error("the server's HTTP is out of form")]
    Http(#[source] tidings_http1::ReceiveError),
    #[error("the request cannot be sent")]
    Request(#[source] tidings_http1::SendError),
    #[error("the server did not upgrade")]
    Handshake(#[source] tidings_websocket::HandshakeError),
    #[error("the message cannot be sent")]
    Send(#[source] tidings_websocket::SendError),
    #[error("the event stream is out of form")]
    Events(#[source] tidings_sse::ReceiveError),
    #[error("the server's JSON is out of form")]
    Json(#[source] serde_json::Error),
    #[error("the server ended a connection")]
    Ended,
    #[error("the server does not keep the connection")]
    NoKeepAlive,
    #[error("an answer is too long")]
    TooLong,
    #[error("a message came that is not as it was sent: does something else publish there?")]
    Altered,
    #[error("the server that was started did not say where it listens")]
    NotStarted,
    #[error("nothing came for 30 s")]
    Silent,
    #[error("{there} of {count} readers received the first message in time")]
    Unreached { there: u64, count: u64 },
}

/// Runs the command.
pub(crate) async fn run(args: Bench) -> ExitCode {
    match measure(args.scenario).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            fault::say("messages were lost or doubled");
            ExitCode::FAILURE
        }
        Err(error) => fault::report(&error),
    }
}

async fn measure(scenario: Scenario) -> Result<bool, Fault> {
    let progress = Progress::new();
    let process = |common: &Common, endpoint: &Endpoint| {
        common
            .pid
            .map(Process::new)
            .or_else(|| Process::listening(endpoint.address))
    };
    let (common, (report, whole)) = match scenario {
        Scenario::Echo(args) => {
            let plan = echo::Plan {
                connections: more_than_zero("--connections", args.connections)?,
                in_flight: more_than_zero("--depth", args.depth)?,
                len: args.size.max(payload::MIN_LEN),
                time: Duration::from_secs(more_than_zero("--seconds", args.seconds)?),
            };
            let endpoint = Endpoint::resolve(&args.url).await?;
            let process = process(&args.common, &endpoint);
            let found = echo::run(&endpoint, plan, process, &progress).await?;
            (args.common, found)
        }
        Scenario::FanOut(args) => {
            let plan = fan_out::Plan {
                how: args.channel.how(false),
                readers: more_than_zero("--readers", args.readers)?,
                messages: more_than_zero("--messages", args.count)?,
                len: args.messages.len(),
                rate: args.rate.map(|rate| positive("--rate", rate)).transpose()?,
                in_flight: more_than_zero("--in-flight", args.in_flight)?,
                resume: false,
                patience: fan_out::PATIENCE,
            };
            let subscribe = args.channel.resolve().await?;
            let publish = args.messages.resolve(&subscribe).await?;
            let process = process(&args.common, &subscribe);
            let found = fan_out::measure(&subscribe, &publish, plan, process, &progress).await?;
            (args.common, (found.report(&plan), found.is_whole()))
        }
        Scenario::Idle(args) => {
            let plan = idle::Plan {
                how: args.channel.how(false),
                connections: more_than_zero("--connections", args.connections)?,
                hold: Duration::from_secs(args.seconds),
            };
            let subscribe = args.channel.resolve().await?;
            let process = process(&args.common, &subscribe);
            let found = idle::run(&subscribe, plan, process, &progress).await?;
            (args.common, found)
        }
        Scenario::ResumeStorm(args) => {
            let plan = storm::Plan {
                how: args.channel.how(true),
                readers: more_than_zero("--readers", args.readers)?,
                missed: args.missed,
                len: args.messages.len(),
                rate: positive("--rate", args.rate)?,
            };
            let subscribe = args.channel.resolve().await?;
            let publish = args.messages.resolve(&subscribe).await?;
            let found = storm::run(&subscribe, &publish, plan, &progress).await?;
            (args.common, found)
        }
    };
    print(&report, common.json);
    Ok(whole)
}

pub(crate) fn more_than_zero<N: PartialEq + From<u8>>(
    flag: &'static str,
    number: N,
) -> Result<N, Fault> {
    if number == N::from(0) {
        return Err(Fault::Zero(flag));
    }
    Ok(number)
}

pub(crate) fn positive(flag: &'static str, number: f64) -> Result<f64, Fault> {
    // Neither a pause of ever nor one of nothing: what the timer can tell apart.
    if (1e-6..=1e9).contains(&number) {
        Ok(number)
    } else {
        Err(Fault::Zero(flag))
    }
}

fn print(report: &Report, json: bool) {
    let mut stdout = std::io::stdout().lock();
    // Where standard output is closed there is nobody to tell.
    let _ = if json {
        writeln!(stdout, "{}", report.to_json())
    } else {
        write!(stdout, "{}", report.to_text())
    };
}

/// A bar on standard error, where that is a terminal.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    pub(crate) fn new() -> Self {
        let bar = ProgressBar::new(0);
        if let Ok(style) = ProgressStyle::with_template("{msg:>12} {wide_bar} {pos}/{len} {eta}") {
            bar.set_style(style);
        }
        Self(bar)
    }

    /// Begins a stretch of `steps`.
    pub(crate) fn begin(&self, what: &'static str, steps: u64) {
        self.0.reset();
        self.0.set_length(steps);
        self.0.set_message(what);
    }

    pub(crate) fn step(&self, steps: u64) {
        self.0.inc(steps);
    }

    /// Begins a stretch whose end is only a matter of time.
    pub(crate) fn wait(&self, what: &'static str, time: Duration) {
        self.begin(what, time.as_secs());
    }

    pub(crate) fn end(&self) {
        self.0.finish_and_clear();
    }
}
