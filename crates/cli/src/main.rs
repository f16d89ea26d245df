//! The command of Tidings: serve, publish, subscribe, bench, compare, explain, record.
#![forbid(unsafe_code)]

mod bench;
mod compare;
mod demo;
mod explain;
mod fault;
mod output;
mod publish;
mod record;
mod serve;
mod subscribe;
mod target;
mod wire;

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

/// Real-time delivery over HTTP/1.1, four ways: short polling, long polling, Server-Sent Events,
/// WebSocket.
///
/// Without a command it serves, and shows a page of its four transports at work.
#[derive(Debug, Parser)]
#[command(name = "tidings", version, args_conflicts_with_subcommands = true)]
#[command(after_help = "Examples:\n  \
    tidings                                 serve on http://127.0.0.1:8080, with the demo at /\n  \
    tidings publish news 'hello'            publish a message\n  \
    tidings subscribe news --from earliest  read all that is kept, then follow\n\n\
    RUST_LOG sets what is logged to standard error.")]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: serve::Serve,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Serve),
    Publish(publish::Publish),
    Subscribe(subscribe::Subscribe),
    Bench(bench::Bench),
    Compare(compare::Compare),
    Explain(explain::Explain),
    Record(record::Record),
}

/// Tasks that a worker runs before it looks at the sockets again. tokio's own 61 lets a publisher
/// wait for 61 readers; the look costs a tenth of one write, and what is published meanwhile joins
/// the write of each reader that is still to come.
const TASKS_A_LOOK: u32 = 16;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .event_interval(TASKS_A_LOOK)
        .build();
    match runtime {
        Ok(runtime) => runtime.block_on(run(cli)),
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "tidings: cannot start: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> ExitCode {
    let command = cli
        .command
        .unwrap_or_else(|| Command::Serve(cli.serve.with_demo()));
    match command {
        Command::Serve(args) => {
            log("info");
            serve::run(args).await
        }
        Command::Publish(args) => {
            log("warn");
            publish::run(args).await
        }
        Command::Subscribe(args) => {
            log("warn");
            subscribe::run(args).await
        }
        Command::Bench(args) => {
            log("warn");
            bench::run(args).await
        }
        Command::Compare(args) => {
            log("warn");
            compare::run(args).await
        }
        Command::Explain(args) => explain::run(&args),
        Command::Record(args) => {
            log("warn");
            record::run(args).await
        }
    }
}

/// Logs to standard error, by `RUST_LOG` where it is set.
fn log(default: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    // It fails where a logger is set already, which then is as good.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .try_init();
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn without_a_command_it_serves() {
        let cli = Cli::try_parse_from(["tidings"]).unwrap();
        assert!(cli.command.is_none());
        let cli = Cli::try_parse_from(["tidings", "--listen", "127.0.0.1:1"]).unwrap();
        assert!(cli.command.is_none());
        let cli = Cli::try_parse_from(["tidings", "serve", "--listen", "127.0.0.1:1"]).unwrap();
        assert!(matches!(cli.command, Some(Command::Serve(_))));
        assert!(Cli::try_parse_from(["tidings", "--echo", "publish", "c"]).is_err());
    }

    #[test]
    fn help_names_every_command() {
        let help = Cli::command().render_long_help().to_string();
        for name in [
            "serve",
            "publish",
            "subscribe",
            "bench",
            "compare",
            "RUST_LOG",
        ] {
            assert!(help.contains(name), "{name}");
        }
    }
}
