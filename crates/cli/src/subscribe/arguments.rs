//! The arguments of `tidings subscribe`.

use core::time::Duration;
use std::io;

use clap::Args;
use tidings_client::{Start, Transport};

use crate::target::Trust;

/// Follow a channel, or several of one server: print a line for each message.
///
/// The transport is found by itself, and told on standard error: a WebSocket, and where that does
/// not get through Server-Sent Events, then long polling, then short polling; better ones are
/// tried again later. A cut connection is opened again and goes on where it was. What was lost is
/// told: on standard error, or as an object with --json. A first connection that fails is not
/// tried again. A full URL may name any event stream or WebSocket server.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    tidings subscribe news\n  \
    tidings subscribe news sport --from -10\n  \
    tidings subscribe news --via sse --from earliest --count 5 --json\n  \
    tidings subscribe wss://echo.example/feed --send hello --count 1\n  \
    tidings subscribe https://model.example/v1/messages -H 'X-Api-Key: KEY' --request-data @question.json --raw\n\n\
    In a line, controls are escaped (a line feed is \\n) and binary data is base64:…\n\
    With --json each line is {\"id\",\"event\",\"data\"}, {\"id\",\"event\",\"data_base64\"} or {\"gap\"}.\n\
    Of several channels each line begins with NAME: and each object with \"channel\".")]
pub(crate) struct Subscribe {
    /// The name of a channel, or the full URL of one; then more channels of the same server.
    #[arg(value_name = "CHANNEL|URL", required = true)]
    pub(super) targets: Vec<String>,
    /// The server of a channel that is given by its name.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    pub(super) server: String,
    /// The transport: auto, websocket, sse, long-poll or short-poll.
    #[arg(long, value_name = "TRANSPORT", default_value = "auto", value_parser = parse_via)]
    pub(super) via: Via,
    /// Start behind this position.
    #[arg(long, value_name = "POSITION", conflicts_with = "from")]
    pub(super) after: Option<String>,
    /// Start at `earliest`, at `latest`, or so many messages back, as in `-10` [default: latest]
    #[arg(long, value_name = "START", allow_hyphen_values = true, value_parser = parse_from)]
    pub(super) from: Option<Start>,
    /// End after so many messages.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) count: Option<u64>,
    /// Print one JSON object a line.
    #[arg(long)]
    pub(super) json: bool,
    /// Print the data alone, as it is, with nothing between.
    #[arg(long, conflicts_with = "json")]
    pub(super) raw: bool,
    /// Seconds between short polls.
    #[arg(long, value_name = "SECONDS", default_value = "2", value_parser = parse_seconds)]
    pub(super) interval: Duration,
    /// A field line of each request, such as 'Authorization: Bearer KEY'. May be given again.
    #[arg(short = 'H', long = "header", value_name = "NAME:VALUE", value_parser = parse_field)]
    pub(super) headers: Vec<(String, String)>,
    /// Ask by POST with this content, or with that of a file as @FILE, and read the answer as an
    /// event stream.
    ///
    /// The content type is application/json unless --header says otherwise. Such a request is
    /// made once: it ends with its answer.
    #[arg(long, value_name = "DATA")]
    pub(super) request_data: Option<String>,
    /// Send a message over the WebSocket. May be given again.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(super) send: Vec<String>,
    /// Send each line of standard input as a message over the WebSocket.
    #[arg(long)]
    pub(super) stdin: bool,
    /// Ask the WebSocket server for this subprotocol, in place of tidings.v1. May be given again.
    #[arg(long, value_name = "NAME")]
    pub(super) subprotocol: Vec<String>,
    /// Offer compression (permessage-deflate) on a WebSocket.
    #[arg(long)]
    pub(super) deflate: bool,
    #[command(flatten)]
    pub(super) trust: Trust,
}

/// What `--via` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Via {
    /// Whatever gets through.
    Auto,
    One(Transport),
}

fn parse_via(word: &str) -> Result<Via, &'static str> {
    match word {
        "auto" => Ok(Via::Auto),
        word => word
            .parse()
            .map(Via::One)
            .map_err(|_| "expected auto, websocket, sse, long-poll or short-poll"),
    }
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

/// Takes a field line apart. Whether name and value are legal is for whoever writes them.
fn parse_field(line: &str) -> Result<(String, String), &'static str> {
    match line.split_once(':') {
        Some((name, value)) if !name.is_empty() => {
            Ok((name.to_owned(), value.trim_matches([' ', '\t']).to_owned()))
        }
        Some(_) | None => Err("expected a name, a colon and a value, such as 'X-Key: 1'"),
    }
}

/// The content that `--request-data` means.
pub(super) fn read_data(word: &str) -> io::Result<Vec<u8>> {
    match word.strip_prefix('@') {
        Some(path) => std::fs::read(path),
        None => Ok(word.as_bytes().to_vec()),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        subscribe: Subscribe,
    }

    pub(in super::super) fn parse(args: &[&str]) -> Result<Subscribe, clap::Error> {
        let line = ["subscribe"].iter().chain(args);
        Line::try_parse_from(line).map(|line| line.subscribe)
    }

    fn parse_news(flags: &[&str]) -> Result<Subscribe, clap::Error> {
        parse(&[&["news"], flags].concat())
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
            let apart = parse_news(&["--from", word]).unwrap();
            assert_eq!(apart.from, Some(want.clone()));
            let joined = parse_news(&[&format!("--from={word}")]).unwrap();
            assert_eq!(joined.from, Some(want));
        }
        for word in ["", "5", "-", "--5", "-x", "first", "-18446744073709551616"] {
            assert!(parse_news(&[&format!("--from={word}")]).is_err(), "{word}");
        }
        assert!(
            parse_news(&["--from", "latest", "--after", "e.1"]).is_err(),
            "one of them"
        );
    }

    #[test]
    fn every_transport_has_its_word_and_auto_is_the_default() {
        for transport in Transport::ALL {
            let args = parse_news(&["--via", transport.as_str()]).unwrap();
            assert_eq!(args.via, Via::One(transport));
        }
        assert_eq!(parse_news(&["--via", "auto"]).unwrap().via, Via::Auto);
        assert_eq!(parse_news(&[]).unwrap().via, Via::Auto);
        assert!(parse_news(&["--via", "pigeon"]).is_err());
    }

    #[test]
    fn numbers_have_a_range() {
        let interval = |flags: &[&str]| parse_news(flags).map(|args| args.interval);
        assert_eq!(
            interval(&["--interval", "0.5"]).unwrap(),
            Duration::from_millis(500)
        );
        assert_eq!(interval(&[]).unwrap(), Duration::from_secs(2));
        for wrong in ["0", "-1", "nan", "inf", "x", "1e-20"] {
            assert!(
                interval(&[&format!("--interval={wrong}")]).is_err(),
                "{wrong}"
            );
        }
        assert_eq!(parse_news(&["--count", "3"]).unwrap().count, Some(3));
        assert!(parse_news(&["--count", "0"]).is_err());
    }

    #[test]
    fn a_field_line_is_a_name_and_a_value() {
        let args = parse_news(&["-H", "A: b: c ", "--header", "D:"]).unwrap();
        let pairs: Vec<_> = args
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!(pairs, [("A", "b: c"), ("D", "")]);
        for wrong in ["A", ": b", ""] {
            assert!(parse_news(&["-H", wrong]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_may_come_again_is_kept_in_order() {
        let args = parse(&[
            "a",
            "b",
            "--send",
            "-1",
            "--send",
            "2",
            "--subprotocol",
            "p",
            "--subprotocol",
            "q",
        ])
        .unwrap();
        assert_eq!(args.targets, ["a", "b"]);
        assert_eq!(args.send, ["-1", "2"]);
        assert_eq!(args.subprotocol, ["p", "q"]);
        assert!(parse(&[]).is_err(), "a channel is due");
        assert!(parse_news(&["--raw", "--json"]).is_err(), "one of them");
    }

    #[test]
    fn data_is_a_text_or_a_file() {
        assert_eq!(read_data("{}").unwrap(), b"{}");
        assert!(read_data("@/no/such/file").is_err());
    }
}
