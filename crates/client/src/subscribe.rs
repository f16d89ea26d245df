//! What a caller may say about a subscription before it is opened.

use core::time::Duration;
use std::io;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};

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
    /// Longest silence at the start of a WebSocket or an event stream that was chosen by
    /// negotiation, before a plainer transport is tried. Default 5 s: a Tidings server sends its
    /// first octets at once. An event stream that is to begin with a backlog, which may fill the
    /// buffer of a proxy, is preceded by a short one without; that one must show its first block
    /// within this time. No meaning where the transport is given.
    pub proof_timeout: Duration,
    /// Longest silence of an event stream before the client connects again. Default 40 s, so
    /// that two heartbeats of 15 s may be late. A negotiated stream that had heartbeats, or the
    /// first block of a Tidings server, is held back then, where this is 30 s or more: a plainer
    /// transport is tried. On a WebSocket it is pings that watch.
    pub max_silence: Duration,
    /// Longest time in which the peer takes nothing of what is written, before the client connects
    /// again. Default 20 s, as for the answer to a ping.
    pub write_timeout: Duration,
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
            proof_timeout: Duration::from_secs(5),
            max_silence: Duration::from_secs(40),
            write_timeout: Duration::from_secs(20),
            close_timeout: Duration::from_secs(2),
        }
    }
}

/// A subscription that is not open yet.
///
/// Without [`via`](Self::via) it negotiates: a WebSocket first, and where that does not get
/// through (the upgrade is refused, nothing comes although octets are due, the connection is cut
/// again and again) Server-Sent Events, then long polling, then short polling, at the same
/// position, so that nothing is lost. Better transports are tried again beside the one in use. A
/// URL of the scheme `ws` or `wss` is a WebSocket alone.
///
/// ```no_run
/// # async fn example() -> Result<(), tidings_client::Error> {
/// use tidings_client::{Item, Start, Subscribe};
///
/// let mut news = Subscribe::new("http://127.0.0.1:8080/channels/news")?
///     .start(Start::Earliest)
///     .join("sport", Start::Earliest)
///     .open()
///     .await?;
/// while let Some(item) = news.next().await {
///     match item? {
///         Item::Message(message) => println!("{:?}: {:?}", message.channel, message.data),
///         Item::Transport(chosen) => println!("via {chosen}"),
///         other => println!("{other:?}"),
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "nothing is asked before `open`"]
pub struct Subscribe {
    pub(crate) ask: Ask,
    /// `None` negotiates.
    pub(crate) transport: Option<Transport>,
    pub(crate) joins: Vec<(String, Start)>,
    pub(crate) dialer: Dialer,
    pub(crate) seed: Option<u64>,
}

/// What is asked of the server, the same on every transport.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    pub(crate) url: Url,
    pub(crate) start: Start,
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) method: String,
    pub(crate) body: Option<Bytes>,
    pub(crate) subprotocols: Vec<String>,
    #[cfg(feature = "deflate")]
    pub(crate) deflate: bool,
    pub(crate) interval: Duration,
    pub(crate) wait: Duration,
    pub(crate) limits: Limits,
    /// The transport is one choice of several.
    pub(crate) negotiated: bool,
    /// An event stream is to show that nothing holds it back before it is taken.
    pub(crate) proves: bool,
}

impl Subscribe {
    /// Describes a subscription to the resource at `url`, which negotiates its transport.
    ///
    /// # Errors
    ///
    /// [`Error::Url`] when the URL cannot be used.
    pub fn new(url: &str) -> Result<Self, Error> {
        Ok(Self::to(url.parse()?))
    }

    /// Describes a subscription to a URL that is parsed already.
    pub fn to(url: Url) -> Self {
        let transport = url.is_websocket().then_some(Transport::WebSocket);
        Self {
            ask: Ask {
                url,
                start: Start::Latest,
                fields: Vec::new(),
                method: "GET".to_owned(),
                body: None,
                subprotocols: Vec::new(),
                #[cfg(feature = "deflate")]
                deflate: false,
                interval: Duration::from_secs(2),
                wait: Duration::from_secs(25),
                limits: Limits::default(),
                negotiated: false,
                proves: false,
            },
            transport,
            joins: Vec::new(),
            dialer: Dialer::tcp(),
            seed: None,
        }
    }

    /// Sets the transport: there is no negotiation.
    pub const fn via(mut self, transport: Transport) -> Self {
        self.transport = Some(transport);
        self
    }

    /// Reads one more channel of the same server, up to 99. A WebSocket carries all; on the other
    /// transports each channel has a request of its own.
    ///
    /// The URL must be that of a channel, `…/channels/NAME`. A channel that is deleted or refused
    /// is told as [`Item::Left`](crate::Item::Left); where that of the URL is, all end.
    pub fn join(mut self, channel: impl Into<String>, start: Start) -> Self {
        self.joins.push((channel.into(), start));
        self
    }

    /// Sets the method of the request. Default GET. See [`body`](Self::body).
    pub fn method(mut self, method: &str) -> Self {
        method.clone_into(&mut self.ask.method);
        self
    }

    /// Sets the content of the request, whose method is POST then unless another one is set: for
    /// servers that stream their answer, as those of language models do.
    ///
    /// Such a request, as any with another method than GET, is read by Server-Sent Events and
    /// made once: it may not be safe to repeat. The end of its answer ends the subscription, and a
    /// connection that breaks is an error. Its media type is a [`field`](Self::field).
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        if self.ask.method == "GET" {
            "POST".clone_into(&mut self.ask.method);
        }
        self.ask.body = Some(body.into());
        self
    }

    /// Asks a WebSocket server for this subprotocol in place of `tidings.v1`; called again, for
    /// one more. Each frame is a message then.
    pub fn subprotocol(mut self, name: &str) -> Self {
        self.ask.subprotocols.push(name.to_owned());
        self
    }

    /// Offers permessage-deflate on a WebSocket, without context takeover. Default off: compressing
    /// secrets beside text that an attacker chooses tells the secret's length (RFC 7692 §8).
    #[cfg(feature = "deflate")]
    pub const fn deflate(mut self, on: bool) -> Self {
        self.ask.deflate = on;
        self
    }

    /// Trusts the certificates of a PEM file, beside those of the system.
    ///
    /// # Errors
    ///
    /// [`Error::Certificate`] where the octets hold none that can be used.
    #[cfg(feature = "tls")]
    pub fn root_certificate(mut self, pem: &[u8]) -> Result<Self, Error> {
        self.dialer.tls.add(pem)?;
        Ok(self)
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

    /// Connects by other means than TCP to the host and port of the URL: through a proxy, over a
    /// Unix socket, in memory for a test. `connect` is given both, and makes a stream of octets for
    /// every connection; TLS lies over it where the URL says so.
    ///
    /// ```
    /// # #[cfg(unix)]
    /// # async fn example() -> Result<(), tidings_client::Error> {
    /// use tidings_client::Subscribe;
    /// use tokio::net::UnixStream;
    ///
    /// let news = Subscribe::new("http://localhost/channels/news")?
    ///     .connect_with(|_host, _port| UnixStream::connect("/run/tidings.sock"))
    ///     .open()
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn connect_with<F, S>(
        mut self,
        connect: impl Fn(String, u16) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = io::Result<S>> + Send + 'static,
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        self.dialer.connect_with(connect);
        self
    }

    /// Draws all random numbers from a seed, for a test or a simulation that is to run the same
    /// twice. Default: from the system.
    ///
    /// Not over a network: masking keys that can be foretold let an attacker choose the octets that
    /// a proxy sees (RFC 6455 §10.3), and clients of one seed come back together.
    pub const fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Opens the subscription: returns when the server has accepted the first request. Where the
    /// transport is negotiated, octets came over it too, so that all that is published from then
    /// on is delivered.
    ///
    /// # Errors
    ///
    /// Any failure of the first attempt; no transport is tried twice. Settings that do not fit
    /// together.
    pub async fn open(self) -> Result<Subscription, Error> {
        Subscription::open(self).await
    }
}

impl Ask {
    /// Tells whether the request may not be repeated.
    pub(crate) fn is_made_once(&self) -> bool {
        self.body.is_some() || self.method != "GET"
    }

    /// The longest wait for the head of an answer that is a stream.
    pub(crate) const fn answer_timeout(&self) -> Duration {
        if self.negotiated {
            self.limits.proof_timeout
        } else {
            self.limits.answer_timeout
        }
    }

    /// The request target. `told` says that a field line carries the position already; the
    /// query's own start would win over it on the server, so it goes.
    pub(crate) fn target(&self, position: Option<&str>, told: bool) -> String {
        match start_parameter(&self.start, position) {
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

/// The query parameter that names the start: the position where there is one.
pub(crate) fn start_parameter(
    start: &Start,
    position: Option<&str>,
) -> Option<(&'static str, String)> {
    match (position, start) {
        (Some(position), _) => Some(("after", position.to_owned())),
        (None, Start::After(position)) => Some(("after", position.clone())),
        (None, Start::Earliest) => Some(("from", "earliest".to_owned())),
        (None, Start::Back(count)) => Some(("from", format!("-{count}"))),
        (None, Start::Latest) => None,
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
            let ask = ask(start);
            let parameter = start_parameter(&ask.start, position);
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
