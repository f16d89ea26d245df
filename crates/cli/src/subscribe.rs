//! `tidings subscribe`: a line a message, until the stream ends or enough are there.

mod arguments;
mod sending;

use std::io::{self, Write as _};
use std::process::ExitCode;

use tidings_client::{Item, Start, Subscription, Transport, Url};

pub(crate) use arguments::Subscribe;
use arguments::{Via, read_data};
use sending::Sending;

use crate::target::{TrustError, url};
use crate::{fault, output};

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
    #[error("`{0}` is another server: one subscription reads channels of one server")]
    OtherServer(String),
    #[error("--after is a position of one channel, and there are {0}")]
    OnePosition(usize),
    #[error("only a websocket sends: --send and --stdin cannot go by {0}")]
    CannotSend(Transport),
    #[error("cannot read the data in {path}")]
    Data { path: String, source: io::Error },
    #[error(transparent)]
    Trust(TrustError),
    #[error("cannot send standard input")]
    Input(#[source] io::Error),
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
    let (url, more) = channels(&args)?;
    let name = url.to_string();
    let own = url.channel_name().filter(|_| !more.is_empty());
    let subscribe = describe(&args, url, more)?;
    let opened = subscribe.open().await;
    let mut subscription = opened.map_err(|source| Error::Open {
        url: name.clone(),
        source,
    })?;
    let mut sending = Sending::new(args.send, args.stdin);
    let mut output = Output {
        json: args.json,
        raw: args.raw,
        own,
        left: args.count,
    };
    while output.left != Some(0) {
        let Some(item) = next(&mut subscription, &mut sending).await? else {
            return Ok(());
        };
        let item = item.map_err(|source| Error::Over {
            url: name.clone(),
            source,
        })?;
        output.show(item).map_err(Error::Output)?;
    }
    subscription.close().await;
    Ok(())
}

/// Waits for the next item, and sends meanwhile what there is to send.
async fn next(
    subscription: &mut Subscription,
    sending: &mut Sending,
) -> Result<Option<Result<Item, tidings_client::Error>>, Error> {
    loop {
        sending.send(subscription);
        // Both may be dropped and asked again.
        tokio::select! {
            item = subscription.next() => return Ok(item),
            more = sending.more() => more.map_err(Error::Input)?,
        }
    }
}

/// The URL of the first channel, and the names of the others.
fn channels(args: &Subscribe) -> Result<(Url, Vec<String>), Error> {
    let mut targets = args.targets.iter();
    let first = targets.next().map_or("", String::as_str);
    let first = url(first, &args.server).map_err(Error::Url)?;
    let mut more = Vec::new();
    for target in targets {
        if !target.contains("://") {
            more.push(target.clone());
            continue;
        }
        let other = url(target, &args.server).map_err(Error::Url)?;
        let sibling = other
            .channel_name()
            .filter(|name| first.sibling(name).as_ref() == Some(&other));
        more.push(sibling.ok_or_else(|| Error::OtherServer(target.clone()))?);
    }
    if args.after.is_some() && !more.is_empty() {
        return Err(Error::OnePosition(more.len() + 1));
    }
    Ok((first, more))
}

fn describe(
    args: &Subscribe,
    url: Url,
    more: Vec<String>,
) -> Result<tidings_client::Subscribe, Error> {
    let mut subscribe = tidings_client::Subscribe::to(url)
        .interval(args.interval)
        .deflate(args.deflate);
    let sends = args.stdin || !args.send.is_empty();
    subscribe = match args.via {
        Via::Auto if sends => subscribe.via(Transport::WebSocket),
        Via::Auto => subscribe,
        Via::One(transport) if sends && transport != Transport::WebSocket => {
            return Err(Error::CannotSend(transport));
        }
        Via::One(transport) => subscribe.via(transport),
    };
    let after = args.after.clone().map(Start::After);
    let start = after.or_else(|| args.from.clone()).unwrap_or_default();
    for channel in more {
        subscribe = subscribe.join(channel, start.clone());
    }
    subscribe = subscribe.start(start);
    for (name, value) in &args.headers {
        subscribe = subscribe.field(name, value);
    }
    for name in &args.subprotocol {
        subscribe = subscribe.subprotocol(name);
    }
    if let Some(data) = &args.request_data {
        let typed = |(name, _): &(String, String)| name.eq_ignore_ascii_case("content-type");
        if !args.headers.iter().any(typed) {
            subscribe = subscribe.field("Content-Type", "application/json");
        }
        let data = read_data(data).map_err(|source| Error::Data {
            path: data.trim_start_matches('@').to_owned(),
            source,
        })?;
        subscribe = subscribe.body(data);
    }
    args.trust
        .add_to(subscribe, tidings_client::Subscribe::root_certificate)
        .map_err(Error::Trust)
}

/// What is printed, and how.
struct Output {
    json: bool,
    raw: bool,
    /// The channel of the URL, where there are others to tell it from.
    own: Option<String>,
    /// Messages until the end.
    left: Option<u64>,
}

impl Output {
    fn show(&mut self, item: Item) -> io::Result<()> {
        match item {
            Item::Message(message) => {
                let channel = message.channel.as_deref().or(self.own.as_deref());
                if self.raw {
                    print(output::raw(&message))?;
                } else if self.json {
                    print_line(output::json_line(&message, channel))?;
                } else {
                    print_line(output::text_line(&message, channel))?;
                }
                self.left = self.left.map(|left| left - 1);
            }
            Item::Gap(gap) => {
                let channel = gap.channel.as_deref().or(self.own.as_deref());
                if self.json {
                    print_line(output::gap_json(&gap, channel))?;
                } else {
                    fault::say(&output::gap_text(&gap, channel));
                }
            }
            Item::Left(left) if self.json => print_line(output::left_json(&left))?,
            Item::Left(left) => {
                let channel = output::escape(&left.channel);
                let reason = output::escape(&left.reason.to_string());
                fault::say(&format!("the channel {channel} is over: {reason}"));
            }
            Item::Transport(chosen) => fault::say(&format!("via {chosen}")),
            Item::Refused(refused) => {
                let said = format!("not published ({}): {}", refused.code, refused.message);
                fault::say(&output::escape(&said));
            }
            _ => {}
        }
        Ok(())
    }
}

fn print_line(mut line: String) -> io::Result<()> {
    line.push('\n');
    print(line.as_bytes())
}

/// Prints at once: a pipe would hold it back otherwise.
fn print(octets: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(octets)?;
    stdout.flush()
}

#[cfg(test)]
mod tests {
    use super::arguments::tests::parse;
    use super::*;

    #[test]
    fn several_channels_are_those_of_one_server() {
        let server = ["--server", "http://h/push"];
        let args = |targets: &[&str]| parse(&[targets, &server].concat()).unwrap();
        let rows: [(&[&str], &str, &[&str]); 3] = [
            (&["a"], "http://h/push/channels/a", &[]),
            (&["a", "b c"], "http://h/push/channels/a", &["b c"]),
            (
                &["http://g/channels/a", "b", "http://g/channels/c%2F"],
                "http://g/channels/a",
                &["b", "c/"],
            ),
        ];
        for (targets, url, more) in rows {
            let (first, others) = channels(&args(targets)).unwrap();
            assert_eq!(
                (first.to_string().as_str(), &others[..]),
                (url, &owned(more)[..])
            );
        }
        for other in [
            "http://g/channels/b",
            "http://h/channels/b",
            "http://h/push/x",
        ] {
            let error = channels(&args(&["a", other])).unwrap_err();
            assert!(matches!(error, Error::OtherServer(_)), "{other}: {error}");
        }
        let error = channels(&args(&["a", "b", "--after", "e.1"])).unwrap_err();
        assert!(matches!(error, Error::OnePosition(2)), "{error}");
    }

    fn owned(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn only_a_websocket_sends() {
        let described = |flags: &[&str]| {
            let args = parse(&[&["a"], flags].concat()).unwrap();
            let (url, more) = channels(&args).unwrap();
            describe(&args, url, more)
        };
        for flags in [
            &["--stdin", "--via", "sse"][..],
            &["--send", "x", "--via", "long-poll"],
        ] {
            let error = described(flags).unwrap_err();
            assert!(matches!(error, Error::CannotSend(_)), "{error}");
        }
        assert!(described(&["--send", "x"]).is_ok());
        assert!(described(&["--send", "x", "--via", "websocket"]).is_ok());
        let error = described(&["--request-data", "@/no/such/file"]).unwrap_err();
        assert_eq!(error.to_string(), "cannot read the data in /no/such/file");
    }
}
