//! `tidings compare`: the table of the four transports, measured on this machine.
//!
//! Each transport reads one channel in its turn, over the same way; what is counted is counted at
//! the readers' sockets. It is a run of `bench` for each, and a table.

mod plot;
mod relay;
mod server;
mod table;

use core::time::Duration;
use std::collections::HashMap;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use tidings_client::Transport;

use crate::bench::{self, Endpoint, Fault, How, Measured, Process, Progress};
use crate::fault;
use relay::{Path, Relay, Trouble};
use server::Server;
use table::Column;

/// Connections that are opened to see what one costs in memory.
const IDLE: usize = 500;

/// Measures the four transports beside each other and prints the table.
///
/// Without a server it starts one. Every message is checked: content, order, that it comes and comes
/// once. Round-trip times and troubles of the way are those of a small relay between readers and server.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    tidings compare\n  \
    tidings compare --rate 1 --subscribers 100 --rtt 80\n  \
    tidings compare --path no-upgrade\n  \
    tidings compare --cut 1 --seconds 10\n  \
    tidings compare --plot four.svg")]
pub(crate) struct Compare {
    /// A running server, such as `http://127.0.0.1:8080`.
    #[arg(value_name = "URL")]
    server: Option<String>,
    /// Readers of each transport.
    #[arg(long, value_name = "COUNT", default_value_t = 10)]
    subscribers: usize,
    /// Messages a second.
    #[arg(long, value_name = "N", default_value_t = 20.0)]
    rate: f64,
    /// Octets of a message, at least 28.
    #[arg(long, value_name = "N", default_value_t = 128)]
    size: usize,
    /// How long each transport is measured.
    #[arg(long, value_name = "COUNT", default_value_t = 5)]
    seconds: u64,
    /// Milliseconds between two short polls.
    #[arg(long, value_name = "MS", default_value_t = 1000)]
    interval: u64,
    /// Round-trip time in milliseconds; repeatable. Without it one run at 0 and one at 80.
    #[arg(long, value_name = "MS")]
    rtt: Vec<u64>,
    /// Cut each connection after so many seconds; readers come back at their position.
    #[arg(long, value_name = "SECONDS")]
    cut: Option<f64>,
    /// What stands between readers and server.
    #[arg(long, value_name = "PATH", value_enum, default_value_t = Path::Direct)]
    path: Path,
    /// Print a JSON array, an object a transport and round-trip time.
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Print comma-separated values.
    #[arg(long)]
    csv: bool,
    /// Draw latencies and overhead of the last round-trip time as an SVG.
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
}

/// Runs the command.
pub(crate) async fn run(args: Compare) -> ExitCode {
    match compare(&args).await {
        Ok(columns) => {
            print(&args, &columns);
            let whole = |column: &Column| column.found.as_ref().is_ok_and(Measured::is_whole);
            // A way that loses by its nature is no failure of the run.
            if args.path != Path::Direct || columns.iter().all(whole) {
                ExitCode::SUCCESS
            } else {
                fault::say("messages were lost or doubled");
                ExitCode::FAILURE
            }
        }
        Err(error) => fault::report(&error),
    }
}

async fn compare(args: &Compare) -> Result<Vec<Column>, Fault> {
    let server = match &args.server {
        Some(url) => Server::at(url).await?,
        None => Server::start().await?,
    };
    let other = match args.path {
        Path::TwoServers => Some(Server::start().await?),
        Path::Direct | Path::Buffering | Path::NoUpgrade => None,
    };
    let rtts = if args.rtt.is_empty() {
        &[0, 80][..]
    } else {
        &args.rtt
    };
    let progress = Progress::new();
    let mut memory = HashMap::new();
    let mut columns = Vec::new();
    for (round, rtt) in rtts.iter().enumerate() {
        let trouble = Trouble {
            rtt: Duration::from_millis(*rtt),
            cut: args
                .cut
                .map(|seconds| bench::positive("--cut", seconds))
                .transpose()?
                .map(Duration::from_secs_f64),
            path: args.path,
        };
        let mut addresses = vec![server.endpoint.address];
        addresses.extend(other.as_ref().map(|other| other.endpoint.address));
        let relay = Relay::start(addresses, trouble).await?;
        let way = if trouble.is_none() {
            server.endpoint.address
        } else {
            relay.address
        };
        for via in Transport::ALL {
            let how = How {
                via,
                interval: Duration::from_millis(args.interval),
                // Who is cut has to know where it was.
                positions: args.cut.is_some(),
            };
            let name = format!("compare-{}-{round}-{via}", std::process::id());
            let (subscribe, publish) = (
                server.channel(&name, way),
                server.channel(&name, server.endpoint.address),
            );
            let found = measure(args, how, &subscribe, &publish, server.process, &progress).await?;
            if round == 0 && via != Transport::ShortPoll && args.path == Path::Direct {
                memory.insert(via, memory_kb(args, how, &progress).await?);
            }
            columns.push(Column {
                via,
                rtt: trouble.rtt,
                size: args.size.max(bench::payload::MIN_LEN),
                readers: args.subscribers,
                found,
                memory_kb: memory.get(&via).copied().flatten(),
            });
        }
    }
    Ok(columns)
}

/// What a waiting connection costs a server. One that was started for it has no memory to use again.
async fn memory_kb(args: &Compare, how: How, progress: &Progress) -> Result<Option<f64>, Fault> {
    let server = match &args.server {
        Some(url) => Server::at(url).await?,
        None => Server::start().await?,
    };
    let Some(process) = server.process else {
        return Ok(None);
    };
    let plan = bench::idle::Plan {
        how,
        connections: IDLE,
        hold: Duration::ZERO,
    };
    let channel = server.channel("compare-idle", server.endpoint.address);
    bench::idle::memory_kb(&channel, plan, process, progress).await
}

/// One transport on one way. What keeps it from getting through is a finding.
async fn measure(
    args: &Compare,
    how: How,
    subscribe: &Endpoint,
    publish: &Endpoint,
    process: Option<Process>,
    progress: &Progress,
) -> Result<Result<Measured, String>, Fault> {
    let rate = bench::positive("--rate", args.rate)?;
    let seconds = bench::more_than_zero("--seconds", args.seconds)?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is clamped"
    )]
    let messages = (rate * seconds as f64).clamp(1.0, 1e7) as u64;
    let plan = bench::fan_out::Plan {
        how,
        readers: bench::more_than_zero("--subscribers", args.subscribers)?,
        messages,
        len: args.size.max(bench::payload::MIN_LEN),
        rate: Some(rate),
        in_flight: 1,
        resume: args.cut.is_some(),
        patience: Duration::from_secs(if args.path == Path::Direct { 30 } else { 3 }),
    };
    match bench::fan_out::measure(subscribe, publish, plan, process, progress).await {
        Ok(measured) => Ok(Ok(measured)),
        Err(error) if args.path != Path::Direct => Ok(Err(error.to_string())),
        Err(error) => Err(error),
    }
}

fn print(args: &Compare, columns: &[Column]) {
    let mut stdout = std::io::stdout().lock();
    let mut rtts: Vec<Duration> = columns.iter().map(|column| column.rtt).collect();
    rtts.dedup();
    let of = |rtt: &Duration| -> Vec<&Column> {
        columns.iter().filter(|column| column.rtt == *rtt).collect()
    };
    // Where standard output is closed there is nobody to tell.
    let _ = if args.json {
        writeln!(stdout, "{}", table::json(columns))
    } else if args.csv {
        write!(stdout, "{}", table::csv(columns))
    } else {
        rtts.iter().try_for_each(|rtt| {
            let (readers, rate) = (args.subscribers, args.rate);
            let rtt_ms = rtt.as_millis();
            writeln!(
                stdout,
                "{readers} readers, {rate} messages of {} octets a second, round trip {rtt_ms} ms\n\n{}",
                args.size.max(bench::payload::MIN_LEN),
                table::text(&of(rtt))
            )
        })
    };
    if let (Some(file), Some(rtt)) = (&args.plot, rtts.last())
        && let Err(error) = plot::draw(file, &of(rtt))
    {
        fault::say(&format!("cannot draw {}: {error}", file.display()));
    }
}
