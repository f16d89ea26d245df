//! Publishing: one POST a message, over one connection, never doubled.
//!
//! `POST /channels/C?event=NAME`, the body is the payload; the answer is `{"id":P}`. A message
//! carries an `Idempotency-Key`, so that one that is sent again counts once. A server keeps a
//! limited number of keys: once it has no room for more, messages go without, and one whose fate
//! is unknown is not sent again.

use core::fmt::Write as _;
use core::time::Duration;
use std::io;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use crate::dice::Dice;
use crate::error::CONNECTING;
use crate::io::{Dialer, Io};
use crate::subscribe::request_fields;
use crate::transport::{Answer, Exchange, Retry, status_error};
use crate::{Data, Error, Limits, Url, wire};

/// Attempts for one message, the first one included.
const MAX_ATTEMPTS: u32 = 5;
/// How long messages go without a key after the server had no room for one: as long as a Tidings
/// server keeps a key.
const KEYLESS_FOR: Duration = Duration::from_secs(5 * 60);
/// Longest answer to a publish: a position, or problem details.
const MAX_ANSWER_LEN: usize = 64 * 1024;

/// A message to publish.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a message is published by a `Publisher`"]
pub struct Publish {
    data: Data,
    event: Option<String>,
    key: Option<String>,
}

impl Publish {
    /// Makes a text message.
    pub fn text(text: impl Into<String>) -> Self {
        Self {
            data: Data::Text(text.into()),
            event: None,
            key: None,
        }
    }

    /// Makes a binary message.
    pub fn binary(octets: impl Into<Bytes>) -> Self {
        Self {
            data: Data::Binary(octets.into()),
            event: None,
            key: None,
        }
    }

    /// Names the event.
    pub fn event(mut self, name: impl Into<String>) -> Self {
        self.event = Some(name.into());
        self
    }

    /// Sets the idempotency key, 1 to 255 visible ASCII characters. Without it one is drawn, as
    /// long as the server takes them: see [`Publisher::publish`].
    ///
    /// A program that may itself stop and publish again keeps the key with the message.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }
}

/// Publishes to one channel over one connection that is kept.
///
/// ```no_run
/// # async fn example() -> Result<(), tidings_client::Error> {
/// use tidings_client::{Publish, Publisher};
///
/// let mut news = Publisher::new("http://127.0.0.1:8080/channels/news")?;
/// let position = news.publish(Publish::text("hello").event("greeting")).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Publisher {
    url: Url,
    fields: Vec<(String, String)>,
    limits: Limits,
    dialer: Dialer,
    dice: Dice,
    origin: Instant,
    /// A connection at rest.
    kept: Option<(Io, Exchange)>,
    /// A server was reached once, so that a refused connection is a restart, not a wrong URL.
    reached: bool,
    /// Until then no key is drawn.
    keyless_until: Option<Instant>,
}

impl Publisher {
    /// Makes a publisher for the channel at `url`. Nothing is sent.
    ///
    /// # Errors
    ///
    /// [`Error::Url`] when the URL cannot be used.
    pub fn new(url: &str) -> Result<Self, Error> {
        Ok(Self::to(url.parse()?))
    }

    /// Makes a publisher for a URL that is parsed already. Nothing is sent.
    #[must_use]
    pub fn to(url: Url) -> Self {
        Self {
            url,
            fields: Vec::new(),
            limits: Limits::default(),
            dialer: Dialer::tcp(),
            dice: Dice::new(),
            origin: Instant::now(),
            kept: None,
            reached: false,
            keyless_until: None,
        }
    }

    /// Adds a field line to every request, such as `Authorization`.
    #[must_use]
    pub fn field(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets the bounds. Those of messages and pages have no meaning here.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
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

    /// Connects by other means than TCP to the host and port of the URL: through a proxy, over a
    /// Unix socket, in memory for a test. `connect` is given both, and makes a stream of octets for
    /// every connection; TLS lies over it where the URL says so.
    ///
    /// See [`Subscribe::connect_with`](crate::Subscribe::connect_with).
    #[must_use]
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
    /// Publishers of one seed draw the same keys: two of them on one channel take each other's
    /// messages for repetitions.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.dice = Dice::seeded(seed);
        self
    }

    #[cfg(test)]
    pub(crate) fn dialer(mut self, dialer: Dialer) -> Self {
        self.dialer = dialer;
        self
    }

    /// Publishes a message and returns its position.
    ///
    /// An attempt whose outcome is unknown is repeated under the same key, up to 5 attempts with
    /// jittered backoff, so that the message is in the channel once. A server that was never
    /// reached is not tried again.
    ///
    /// A server keeps a limited number of keys (a Tidings server 10,000 a channel for 5 minutes,
    /// which is 33 messages a second) and answers 429 beyond it. A message whose drawn key is
    /// refused so is sent without one, and so are those of the next 5 minutes; where the outcome
    /// of such a message is unknown, that is the error, since to repeat it could double it.
    ///
    /// Dropping the future leaves open whether the message was published; its connection is not
    /// used again.
    ///
    /// # Errors
    ///
    /// The refusal of the server, or the failure of the last attempt.
    pub async fn publish(&mut self, publish: Publish) -> Result<String, Error> {
        let drawn = publish.key.is_none();
        let mut key = match publish.key {
            Some(key) => Some(key),
            None if self
                .keyless_until
                .is_some_and(|until| Instant::now() < until) =>
            {
                None
            }
            None => Some(draw_key(&mut self.dice)?),
        };
        let target = match &publish.event {
            Some(event) => self.url.target_and("event", event),
            None => self.url.target(),
        };
        let (media_type, body) = match &publish.data {
            Data::Text(text) => ("text/plain; charset=utf-8", text.as_bytes()),
            Data::Binary(octets) => ("application/octet-stream", &octets[..]),
        };
        let authority = self.url.authority();
        let given = self.fields.clone();
        let mut retry = Retry::new();
        let mut attempt = 1;
        loop {
            let ours = [("Accept", "application/json"), ("Content-Type", media_type)]
                .into_iter()
                .chain(key.as_deref().map(|key| ("Idempotency-Key", key)));
            let fields = request_fields(&given, ours, &authority);
            let error = match self.attempt(&target, &fields, body, key.is_some()).await {
                Ok(position) => return Ok(position),
                Err(error) => error,
            };
            // A gateway says 500, 502 and 504 also of what it has passed on.
            let refused = matches!(
                error,
                Error::Status { status, .. } if !matches!(status, 500 | 502 | 504)
            );
            if drawn && key.is_some() && matches!(error, Error::Status { status: 429, .. }) {
                key = None;
                self.keyless_until = Some(Instant::now() + KEYLESS_FOR);
                continue;
            }
            // What a server refused, or never got, is not in the channel.
            let repeatable = key.is_some() || refused || matches!(error, Error::Connect { .. });
            let last = attempt == MAX_ATTEMPTS || !self.reached;
            if last || !repeatable || !error.is_transient() {
                return Err(error);
            }
            attempt += 1;
            let at = retry.next(&error, self.origin.elapsed(), &mut self.dice)?;
            tracing::warn!(
                error = &error as &dyn core::error::Error,
                url = %self.url,
                attempt,
                "a publish failed, it is repeated"
            );
            sleep_until(self.origin + at).await;
        }
    }

    /// Sends the request once; a second time where the kept connection had lapsed.
    async fn attempt(
        &mut self,
        target: &str,
        fields: &[(&str, &[u8])],
        body: &[u8],
        keyed: bool,
    ) -> Result<String, Error> {
        if let Some((mut io, mut exchange)) = self.kept.take()
            && io.is_at_rest()
        {
            exchange.ask("POST", target, fields, Some(body), &mut io.out)?;
            match converse(io, &mut exchange, self.limits.answer_timeout).await {
                // The key makes the repetition safe even if the request was read.
                Err(error) if keyed && exchange.lapsed(&error) => {}
                Err(error) => return Err(error),
                Ok((io, answer)) => return self.read(io, exchange, &answer),
            }
        }
        let mut io = connect(&self.url, &self.limits, &self.dialer).await?;
        self.reached = true;
        let mut exchange = Exchange::new(MAX_ANSWER_LEN);
        exchange.ask("POST", target, fields, Some(body), &mut io.out)?;
        let (io, answer) = converse(io, &mut exchange, self.limits.answer_timeout).await?;
        self.read(io, exchange, &answer)
    }

    /// Reads the answer, and keeps the connection where it may be used again.
    fn read(&mut self, io: Io, exchange: Exchange, answer: &Answer) -> Result<String, Error> {
        if exchange.is_reusable() && io.out.is_empty() && !io.ended {
            self.kept = Some((io, exchange));
        }
        match answer.head.status() {
            200 => wire::decode_published(&answer.body),
            _ => Err(status_error(&answer.head, &answer.body)),
        }
    }
}

async fn connect(url: &Url, limits: &Limits, dialer: &Dialer) -> Result<Io, Error> {
    let after = limits.connect_timeout;
    timeout(after, dialer.dial(url))
        .await
        .map_err(|_| Error::Timeout {
            what: CONNECTING,
            after,
        })?
        .map_err(|source| Error::Connect {
            authority: url.authority(),
            source,
        })
        .map(Io::new)
}

/// Writes the request and reads until its answer is whole.
async fn converse(
    mut io: Io,
    exchange: &mut Exchange,
    after: Duration,
) -> Result<(Io, Answer), Error> {
    let deadline = Instant::now() + after;
    loop {
        if let Some(answer) = exchange.receive(&mut io.input)? {
            return Ok((io, answer));
        }
        if io.ended {
            let answer = exchange.receive_eof(&mut io.input)?.ok_or(Error::Cut)?;
            return Ok((io, answer));
        }
        timeout_at(deadline, io.progress())
            .await
            .map_err(|_| Error::Timeout {
                what: "the answer to a publish",
                after,
            })??;
    }
}

/// Draws an idempotency key: 128 random bits in hex.
fn draw_key(dice: &mut Dice) -> Result<String, Error> {
    let mut key = String::with_capacity(32);
    for octet in dice.take::<16>()? {
        // Writing to a String does not fail.
        let _ = write!(key, "{octet:02x}");
    }
    Ok(key)
}
