//! `tidings publish`: text, standard input, or each of its lines.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use tidings_client::Publisher;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _, BufReader};

use crate::target::{Target, Trust, TrustError};
use crate::{fault, output};

/// Longest input, or line of it, in octets; far above what a server takes by default.
pub(crate) const MAX_INPUT_LEN: u64 = 64 << 20;

/// Publish a message and print its position.
///
/// Data that is not UTF-8 is published as binary. A message that is sent again after a cut counts
/// once.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    tidings publish news 'hello'\n  \
    tidings publish news --event greeting 'hello'\n  \
    tidings publish news < picture.png\n  \
    seq 100 | tidings publish numbers --lines")]
pub(crate) struct Publish {
    #[command(flatten)]
    target: Target,
    /// The message. `-`, or nothing, takes standard input as it is, to its end.
    #[arg(value_name = "TEXT", allow_hyphen_values = true)]
    text: Option<String>,
    /// The name of the event.
    #[arg(long, value_name = "NAME")]
    event: Option<String>,
    /// Publish each line as a message, without its line end, in order, over one connection.
    #[arg(long)]
    lines: bool,
    /// A file with the key that the server asks of publishers.
    #[arg(long, value_name = "FILE")]
    publish_key: Option<PathBuf>,
    #[command(flatten)]
    trust: Trust,
}

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("cannot publish to {url}")]
    Publish {
        url: String,
        source: tidings_client::Error,
    },
    #[error(transparent)]
    Url(tidings_client::Error),
    #[error("cannot read the key in {}", path.display())]
    Key {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("the key in {} is empty or not one line of visible characters", .0.display())]
    BadKey(PathBuf),
    #[error(transparent)]
    Trust(TrustError),
    #[error("cannot read standard input")]
    Input(#[source] std::io::Error),
    #[error("the input, or a line of it, is longer than {MAX_INPUT_LEN} octets")]
    TooLong,
}

/// Runs the command.
pub(crate) async fn run(args: Publish) -> ExitCode {
    match publish(args).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fault::report(&error),
    }
}

async fn publish(args: Publish) -> Result<(), Error> {
    let url = args.target.url().map_err(Error::Url)?;
    let name = url.to_string();
    let mut publisher = args
        .trust
        .add_to(Publisher::to(url), Publisher::root_certificate)
        .map_err(Error::Trust)?;
    if let Some(path) = args.publish_key {
        publisher = publisher.field("Authorization", &format!("Bearer {}", read_key(path)?));
    }
    let mut input: Box<dyn AsyncBufRead + Unpin> = match args.text {
        Some(text) if text != "-" => Box::new(std::io::Cursor::new(text)),
        Some(_) | None => Box::new(BufReader::new(tokio::io::stdin())),
    };
    while let Some(data) = read(&mut input, args.lines).await? {
        let mut message = message(data);
        if let Some(event) = &args.event {
            message = message.event(event);
        }
        let position = publisher
            .publish(message)
            .await
            .map_err(|source| Error::Publish {
                url: name.clone(),
                source,
            })?;
        // What was published is published, whether or not somebody reads its position.
        let mut stdout = std::io::stdout().lock();
        let _ = writeln!(stdout, "{}", output::escape(&position)).and_then(|()| stdout.flush());
        if !args.lines {
            break;
        }
    }
    Ok(())
}

/// Reads a line without its end, or all; `None` at the end of lines.
async fn read(
    input: &mut (impl AsyncBufRead + Unpin),
    lines: bool,
) -> Result<Option<Vec<u8>>, Error> {
    let mut data = Vec::new();
    let mut input = input.take(MAX_INPUT_LEN + 1);
    let read = if lines {
        input.read_until(b'\n', &mut data).await
    } else {
        input.read_to_end(&mut data).await
    };
    let len = read.map_err(Error::Input)?;
    if u64::try_from(len).unwrap_or(u64::MAX) > MAX_INPUT_LEN {
        return Err(Error::TooLong);
    }
    if lines {
        if data.is_empty() {
            return Ok(None);
        }
        if data.pop_if(|last| *last == b'\n').is_some() {
            data.pop_if(|last| *last == b'\r');
        }
    }
    Ok(Some(data))
}

fn message(data: Vec<u8>) -> tidings_client::Publish {
    match String::from_utf8(data) {
        Ok(text) => tidings_client::Publish::text(text),
        Err(error) => tidings_client::Publish::binary(error.into_bytes()),
    }
}

fn read_key(path: PathBuf) -> Result<String, Error> {
    let key = match std::fs::read_to_string(&path) {
        Ok(key) => key.trim_ascii().to_owned(),
        Err(source) => return Err(Error::Key { path, source }),
    };
    if key.is_empty() || !key.bytes().all(|octet| octet.is_ascii_graphic()) {
        return Err(Error::BadKey(path));
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        publish: Publish,
    }

    fn parse(args: &[&str]) -> Result<Publish, clap::Error> {
        let line = ["publish"].iter().chain(args);
        Line::try_parse_from(line).map(|line| line.publish)
    }

    #[test]
    fn arguments_are_read() {
        let args = parse(&["news", "hello", "--event", "e", "--lines"]).unwrap();
        assert_eq!(args.text.as_deref(), Some("hello"));
        assert_eq!(args.event.as_deref(), Some("e"));
        assert!(args.lines);
        assert_eq!(parse(&["news", "-"]).unwrap().text.as_deref(), Some("-"));
        assert_eq!(
            parse(&["news", "-5 degrees"]).unwrap().text.as_deref(),
            Some("-5 degrees")
        );
        assert_eq!(parse(&["news"]).unwrap().text, None);
        assert!(!parse(&["news", "--", "--lines"]).unwrap().lines);
        assert!(parse(&[]).is_err());
    }

    #[tokio::test]
    async fn lines_lose_their_end_and_the_whole_keeps_it() {
        let mut input = &b"one\r\n\ntwo\xff\nthree"[..];
        let mut lines = Vec::new();
        while let Some(line) = read(&mut input, true).await.unwrap() {
            lines.push(line);
        }
        assert_eq!(lines, [&b"one"[..], b"", b"two\xff", b"three"]);
        let mut input = &b"one\r\ntwo\n"[..];
        assert_eq!(
            read(&mut input, false).await.unwrap().unwrap(),
            b"one\r\ntwo\n"
        );
        assert_eq!(read(&mut &b""[..], false).await.unwrap().unwrap(), b"");
    }

    #[test]
    fn what_is_not_utf8_is_binary() {
        assert_eq!(
            message(b"\xc3\xbc".to_vec()),
            tidings_client::Publish::text("\u{fc}")
        );
        assert_eq!(
            message(vec![0xff]),
            tidings_client::Publish::binary(vec![0xff])
        );
    }
}
