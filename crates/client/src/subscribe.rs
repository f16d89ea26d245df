//! What a caller may say about a subscription before it is opened.

use core::time::Duration;

use crate::io::Dialer;
use crate::{Error, Subscription, Transport, Url};

/// Where a subscription starts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Start {
    /// With what is published from here on. The default.
    #[default]
    Latest,
    /// With the oldest message that is kept.
    Earliest,
    /// With the last so many messages, or all that are kept.
    Back(u64),
    /// Behind this position, an opaque token that an earlier message carried.
    After(String),
}

/// Bounds of a subscription or a publisher.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Longest message in octets, as it stands on the wire: a WebSocket message, an event of an
    /// event stream, a line of one. Default 4 MiB. A longer one ends the subscription.
    pub max_message_len: usize,
    /// Longest answer of a poll in octets. Default 8 MiB: a page holds 1 MiB of payload, and
    /// JSON can escape an octet to six.
    pub max_page_len: usize,
    /// Longest wait for a connection. Default 10 s.
    pub connect_timeout: Duration,
    /// Longest wait for the head of an answer, and for the whole answer of a poll or a publish,
    /// beyond the wait that a long poll asked for. Default 10 s.
    pub answer_timeout: Duration,
    /// Longest silence of an event stream before the client connects again. Default 40 s, so
    /// that two heartbeats of 15 s may be late. On a WebSocket it is pings that watch.
    pub max_silence: Duration,
    /// Longest goodbye: a WebSocket's closing handshake. Default 2 s.
    pub close_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_message_len: 4 << 20,
            max_page_len: 8 << 20,
            connect_timeout: Duration::from_secs(10),
            answer_timeout: Duration::from_secs(10),
            max_silence: Duration::from_secs(40),
            close_timeout: Duration::from_secs(2),
        }
    }
}

/// A subscription that is not open yet.
///
/// ```no_run
/// # async fn example() -> Result<(), tidings_client::Error> {
/// use tidings_client::{Start, Subscribe, Transport};
///
/// let mut news = Subscribe::new("http://127.0.0.1:8080/channels/news")?
///     .via(Transport::WebSocket)
///     .start(Start::Earliest)
///     .open()
///     .await?;
/// while let Some(item) = news.next().await {
///     println!("{:?}", item?);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "nothing is asked before `open`"]
pub struct Subscribe {
    pub(crate) ask: Ask,
    pub(crate) transport: Transport,
    pub(crate) dialer: Dialer,
}

/// What is asked of the server, the same on every transport.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    pub(crate) url: Url,
    pub(crate) start: Start,
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) interval: Duration,
    pub(crate) wait: Duration,
    pub(crate) limits: Limits,
}

impl Subscribe {
    /// Describes a subscription to the resource at `url`.
    ///
    /// The transport is a WebSocket where the scheme is `ws`, else Server-Sent Events.
    ///
    /// # Errors
    ///
    /// [`Error::Url`] when the URL cannot be used.
    pub fn new(url: &str) -> Result<Self, Error> {
        Ok(Self::to(url.parse()?))
    }

    /// Describes a subscription to a URL that is parsed already.
    pub fn to(url: Url) -> Self {
        let transport = if url.is_websocket() {
            Transport::WebSocket
        } else {
            Transport::Sse
        };
        Self {
            ask: Ask {
                url,
                start: Start::Latest,
                fields: Vec::new(),
                interval: Duration::from_secs(2),
                wait: Duration::from_secs(25),
                limits: Limits::default(),
            },
            transport,
            dialer: Dialer::tcp(),
        }
    }

    /// Sets the transport.
    pub const fn via(mut self, transport: Transport) -> Self {
        self.transport = transport;
        self
    }

    /// Sets where to start.
    pub fn start(mut self, start: Start) -> Self {
        self.ask.start = start;
        self
    }

    /// Sets the interval of short polling. Default 2 s; each wait is jittered a little.
    pub const fn interval(mut self, interval: Duration) -> Self {
        self.ask.interval = interval;
        self
    }

    /// Sets how long a server may hold a long poll, in whole seconds. Default 25 s; a server
    /// of Tidings grants 55 s at most.
    pub const fn wait(mut self, wait: Duration) -> Self {
        self.ask.wait = wait;
        self
    }

    /// Adds a field line to every request, such as `Authorization`.
    ///
    /// It takes the place of the client's own `Accept`, `Host` or `User-Agent`. A redirect to
    /// another host is followed without it.
    pub fn field(mut self, name: &str, value: &str) -> Self {
        self.ask.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets the bounds.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.ask.limits = limits;
        self
    }

    /// Opens the subscription: returns when the server has accepted the first request.
    ///
    /// # Errors
    ///
    /// Any failure of the first attempt; nothing is tried twice.
    pub async fn open(self) -> Result<Subscription, Error> {
        Subscription::open(self).await
    }
}

impl Ask {
    /// The query parameter that names the start: the position where there is one.
    pub(crate) fn start_parameter(&self, position: Option<&str>) -> Option<(&'static str, String)> {
        match (position, &self.start) {
            (Some(position), _) => Some(("after", position.to_owned())),
            (None, Start::After(position)) => Some(("after", position.clone())),
            (None, Start::Earliest) => Some(("from", "earliest".to_owned())),
            (None, Start::Back(count)) => Some(("from", format!("-{count}"))),
            (None, Start::Latest) => None,
        }
    }

    /// The request target. `told` says that a field line carries the position already; the
    /// query's own start would win over it on the server, so it goes.
    pub(crate) fn target(&self, position: Option<&str>, told: bool) -> String {
        match self.start_parameter(position) {
            _ if told => self.url.target_with(None),
            Some((name, value)) => self.url.target_with(Some((name, &value))),
            None => self.url.target(),
        }
    }

    /// The field lines of a request: Host and ours, except those that the caller gives, then
    /// the caller's.
    pub(crate) fn fields<'a>(
        &'a self,
        ours: impl IntoIterator<Item = (&'a str, &'a str)>,
        authority: &'a str,
    ) -> Vec<(&'a str, &'a [u8])> {
        request_fields(&self.fields, ours, authority)
    }
}

pub(crate) fn request_fields<'a>(
    given: &'a [(String, String)],
    ours: impl IntoIterator<Item = (&'a str, &'a str)>,
    authority: &'a str,
) -> Vec<(&'a str, &'a [u8])> {
    const USER_AGENT: &str = concat!("tidings/", env!("CARGO_PKG_VERSION"));
    let is_given = |name: &str| {
        given
            .iter()
            .any(|(other, _)| other.eq_ignore_ascii_case(name))
    };
    [("Host", authority), ("User-Agent", USER_AGENT)]
        .into_iter()
        .chain(ours)
        .filter(|(name, _)| !is_given(name))
        .chain(
            given
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str())),
        )
        .map(|(name, value)| (name, value.as_bytes()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_position_goes_before_the_start() {
        let ask = |start| Subscribe::new("http://h/c").unwrap().start(start).ask;
        let rows = [
            (Start::Latest, None, None),
            (Start::Earliest, None, Some("from=earliest")),
            (Start::Back(5), None, Some("from=-5")),
            (Start::After("e.1".into()), None, Some("after=e.1")),
            (Start::Earliest, Some("e.9"), Some("after=e.9")),
            (Start::After("e.1".into()), Some("e.9"), Some("after=e.9")),
        ];
        for (start, position, want) in rows {
            let parameter = ask(start).start_parameter(position);
            let text = parameter.map(|(name, value)| format!("{name}={value}"));
            assert_eq!(text.as_deref(), want);
        }
    }

    #[test]
    fn a_given_field_takes_the_place_of_ours() {
        let ask = Subscribe::new("http://h/c")
            .unwrap()
            .field("accept", "a/b")
            .field("X", "1")
            .ask;
        let fields = ask.fields([("Accept", "text/event-stream"), ("Y", "2")], "h");
        let names: Vec<_> = fields.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["Host", "User-Agent", "Y", "accept", "X"]);
    }
}
