//! `tidings subscribe`: a line a message, until the stream ends or enough are there.

use core::time::Duration;
use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Args;
use tidings_client::{Item, Start, Transport};

use crate::target::Target;
use crate::{fault, output};

/// Follow a channel: print a line for each message.
///
/// A cut connection is opened again and goes on where it was. What was lost is told: on standard
/// error, or as an object with --json. A first connection that fails is not tried again. A full
/// URL may name any event stream or WebSocket server.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    tidings subscribe news\n  \
    tidings subscribe news --via websocket --from -10\n  \
    tidings subscribe news --from earliest --count 5 --json\n  \
    tidings subscribe ws://127.0.0.1:9001/feed\n\n\
    In a line, controls are escaped (a line feed is \\n) and binary data is base64:…\n\
    With --json each line is {\"id\",\"event\",\"data\"}, {\"id\",\"event\",\"data_base64\"} or {\"gap\"}.")]
pub(crate) struct Subscribe {
    #[command(flatten)]
    target: Target,
    /// The transport: short-poll, long-poll, sse or websocket [default: sse; websocket for ws://]
    #[arg(long, value_name = "TRANSPORT")]
    via: Option<Transport>,
    /// Start behind this position.
    #[arg(long, value_name = "POSITION", conflicts_with = "from")]
    after: Option<String>,
    /// Start at `earliest`, at `latest`, or so many messages back, as in `-10` [default: latest]
    #[arg(long, value_name = "START", allow_hyphen_values = true, value_parser = parse_from)]
    from: Option<Start>,
    /// End after so many messages.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,
    /// Seconds between short polls.
    #[arg(long, value_name = "SECONDS", default_value = "2", value_parser = parse_seconds)]
    interval: Duration,
}

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Url(tidings_client::Error),
    #[error("cannot subscribe to {url}")]
    Open {
        url: String,
        source: tidings_client::Error,
    },
    #[error("the subscription to {url} is over")]
    Over {
        url: String,
        source: tidings_client::Error,
    },
    #[error("cannot write to standard output")]
    Output(#[source] io::Error),
}

/// Runs the command.
pub(crate) async fn run(args: Subscribe) -> ExitCode {
    match subscribe(args).await {
        Ok(()) => ExitCode::SUCCESS,
        // Who reads no more, as `head` does, has what it wants.
        Err(Error::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => fault::report(&error),
    }
}

async fn subscribe(args: Subscribe) -> Result<(), Error> {
    let url = args.target.url().map_err(Error::Url)?;
    let name = url.to_string();
    let mut subscribe = tidings_client::Subscribe::to(url).interval(args.interval);
    if let Some(transport) = args.via {
        subscribe = subscribe.via(transport);
    }
    if let Some(start) = args.after.map(Start::After).or(args.from) {
        subscribe = subscribe.start(start);
    }
    let opened = subscribe.open().await;
    let mut subscription = opened.map_err(|source| Error::Open {
        url: name.clone(),
        source,
    })?;
    let mut left = args.count;
    while left != Some(0) {
        let Some(item) = subscription.next().await else {
            return Ok(());
        };
        match item.map_err(|source| Error::Over {
            url: name.clone(),
            source,
        })? {
            Item::Message(message) => {
                let line = if args.json {
                    output::json_line(&message)
                } else {
                    output::text_line(&message)
                };
                print(&line).map_err(Error::Output)?;
                left = left.map(|left| left - 1);
            }
            Item::Gap(gap) if args.json => {
                print(&output::gap_json(&gap)).map_err(Error::Output)?;
            }
            Item::Gap(gap) => fault::say(&output::gap_text(&gap)),
            _ => {}
        }
    }
    subscription.close().await;
    Ok(())
}

/// Prints a line at once: a pipe would hold it back otherwise.
fn print(line: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{line}")?;
    stdout.flush()
}

fn parse_from(word: &str) -> Result<Start, &'static str> {
    match (word, word.strip_prefix('-')) {
        ("earliest", _) => Ok(Start::Earliest),
        ("latest", _) => Ok(Start::Latest),
        (_, Some(count)) if count.bytes().all(|octet| octet.is_ascii_digit()) => count
            .parse()
            .map(Start::Back)
            .map_err(|_| "the number is out of range"),
        _ => Err("expected earliest, latest or -N, such as -10"),
    }
}

fn parse_seconds(word: &str) -> Result<Duration, &'static str> {
    const WRONG: &str = "expected seconds above 0, such as 2 or 0.5";
    let seconds: f64 = word.parse().map_err(|_| WRONG)?;
    let interval = Duration::try_from_secs_f64(seconds).map_err(|_| WRONG)?;
    // A day is as good as never, and keeps the sums of times far from their end.
    let most = Duration::from_secs(24 * 3600);
    if interval.is_zero() {
        Err(WRONG)
    } else {
        Ok(interval.min(most))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        subscribe: Subscribe,
    }

    fn parse(args: &[&str]) -> Result<Subscribe, clap::Error> {
        let line = ["subscribe", "news"].iter().chain(args);
        Line::try_parse_from(line).map(|line| line.subscribe)
    }

    #[test]
    fn a_start_is_a_word_or_a_number_of_messages_back() {
        let rows = [
            ("earliest", Start::Earliest),
            ("latest", Start::Latest),
            ("-5", Start::Back(5)),
            ("-18446744073709551615", Start::Back(u64::MAX)),
        ];
        for (word, want) in rows {
            assert_eq!(parse(&["--from", word]).unwrap().from, Some(want.clone()));
            assert_eq!(
                parse(&[&format!("--from={word}")]).unwrap().from,
                Some(want)
            );
        }
        for word in ["", "5", "-", "--5", "-x", "first", "-18446744073709551616"] {
            assert!(parse(&[&format!("--from={word}")]).is_err(), "{word}");
        }
        assert!(
            parse(&["--from", "latest", "--after", "e.1"]).is_err(),
            "one of them"
        );
    }

    #[test]
    fn every_transport_has_its_word() {
        for transport in Transport::ALL {
            assert_eq!(
                parse(&["--via", transport.as_str()]).unwrap().via,
                Some(transport)
            );
        }
        assert!(parse(&["--via", "pigeon"]).is_err());
    }

    #[test]
    fn numbers_have_a_range() {
        assert_eq!(
            parse(&["--interval", "0.5"]).unwrap().interval,
            Duration::from_millis(500)
        );
        assert_eq!(parse(&[]).unwrap().interval, Duration::from_secs(2));
        for wrong in ["0", "-1", "nan", "inf", "x", "1e-20"] {
            assert!(parse(&[&format!("--interval={wrong}")]).is_err(), "{wrong}");
        }
        assert_eq!(parse(&["--count", "3"]).unwrap().count, Some(3));
        assert!(parse(&["--count", "0"]).is_err());
    }
}
