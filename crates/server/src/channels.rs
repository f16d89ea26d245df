//! Channels over HTTP: one URL, four ways to read it, one way to publish.
//!
//! `GET /channels/{channel}` is answered by the transport that the request asks for:
//!
//! | asked with | answered by |
//! |---|---|
//! | an upgrade to `websocket` | WebSocket |
//! | `Accept: text/event-stream` | Server-Sent Events |
//! | `Prefer: wait=SECONDS` or `?wait=SECONDS` | long polling |
//! | none of these | short polling |

mod config;
mod cut;
mod deflate;
mod envelope;
mod forms;
mod origin;
mod publish;
mod query;
mod start;
mod stats;
mod transport;

use core::net::SocketAddr;
use core::time::Duration;
use std::sync::Arc;

use tidings_http1::{RequestHead, Version};
use tidings_hub::{ChannelName, Hub, Limit, Publish, PublishError, Published, SubscribeError};
use tidings_polling::prefer_wait;
use tokio::time::Instant;

pub use config::{Access, Config, Decision, Lag, Verb};
use cut::Cuts;
use origin::{Origin, host_is_safe};
use query::{Query, percent_decode};
use stats::Registry;
pub use stats::Transport;
use transport::long_poll::Wait;
use transport::{long_poll, short_poll, sse, websocket};

use crate::serve::{Request, Response};

const CHANNEL_METHODS: &str = "GET, HEAD, POST, DELETE, OPTIONS";
const INFO_METHODS: &str = "GET, HEAD, OPTIONS";
const HEALTH_METHODS: &str = "GET, HEAD";

/// How often histories are trimmed by age and channels forgotten.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// After how many sweeps the figures of forgotten channels are dropped.
const SWEEPS_A_CLEANING: u64 = 60;

/// The channels of a hub, served over HTTP. Cloning is cheap; every clone serves the same channels.
///
/// ```no_run
/// # async fn run() -> std::io::Result<()> {
/// use tidings_server::channels::{Channels, Config};
/// use tidings_server::serve;
///
/// let channels = Channels::new(Config::default());
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
/// let handler = move |request| {
///     let channels = channels.clone();
///     async move { channels.handle(request).await }
/// };
/// serve::serve(listener, serve::Config::default(), handler, tokio::signal::ctrl_c()).await
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Channels(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    hub: Hub,
    config: Config,
    /// Where the hub's time begins.
    origin: Instant,
    stats: Registry,
    cuts: Cuts,
}

/// What a path names.
enum Resource<'a> {
    Channel(&'a str),
    Info(&'a str),
}

impl Channels {
    /// Makes channels with a hub of their own.
    ///
    /// # Panics
    /// Outside a tokio runtime: trimming by age runs in a task, which ends with the last clone.
    #[must_use]
    pub fn new(config: Config) -> Self {
        let inner = Arc::new(Inner {
            hub: Hub::new(config.hub.clone()),
            cuts: Cuts::new(config.allow_cut),
            config,
            origin: Instant::now(),
            stats: Registry::default(),
        });
        let weak = Arc::downgrade(&inner);
        tokio::spawn(async move {
            for sweep in 1_u64.. {
                tokio::time::sleep(SWEEP_EVERY).await;
                let Some(inner) = weak.upgrade() else { return };
                let now = inner.origin.elapsed();
                inner.hub.sweep(now);
                if sweep % SWEEPS_A_CLEANING == 0 {
                    inner
                        .stats
                        .retain(|channel| inner.hub.info(channel, now).is_some());
                }
            }
        });
        Self(inner)
    }

    /// The hub, to publish and to read in process with [`Channels::now`] as its time.
    #[must_use]
    pub fn hub(&self) -> &Hub {
        &self.0.hub
    }

    /// The hub's time at this moment.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.0.origin.elapsed()
    }

    fn lag(&self) -> Lag {
        self.0.config.lag
    }

    fn entropy(&self) -> u64 {
        self.0.config.entropy.draw()
    }

    /// The answer to a subscribe that the hub refused.
    fn refused(&self, error: SubscribeError) -> Response {
        let response = Response::problem(503, &error.to_string());
        publish::overloaded(response, &self.0.config.entropy)
    }

    /// Adds a message to a channel from within the program, and wakes its readers.
    ///
    /// # Errors
    /// Which limit of the hub refuses it: see [`PublishError`].
    pub fn publish(
        &self,
        channel: &ChannelName,
        publish: Publish<'_>,
    ) -> Result<Published, PublishError> {
        let (now, entropy) = (self.now(), self.entropy());
        self.0.hub.publish(channel, publish, now, entropy)
    }

    /// Resets all connections that read by a transport, where [`Config::allow_cut`] is set; the
    /// next short poll, since none is held. False where it is not set.
    #[expect(clippy::must_use_candidate, reason = "it is called for what it does")]
    pub fn cut(&self, transport: Transport) -> bool {
        self.0.cuts.cut(transport)
    }

    /// Makes the checks of `Host` and `Origin` that [`Channels::handle`] makes, for routes of the
    /// program's own: without them a page of any site can ask what only own pages should.
    ///
    /// # Errors
    /// The answer that refuses the request: 421 or 403.
    pub fn guard(&self, request: &Request) -> Result<(), Response> {
        let head = request.head();
        self.check_host(head, request)?;
        match Origin::of(head, &self.0.config.allow_origins) {
            Ok(_) => Ok(()),
            Err(why) => Err(Response::problem(403, why)),
        }
    }

    fn check_host(&self, head: &RequestHead, request: &Request) -> Result<(), Response> {
        if host_is_safe(head, request.listener(), &self.0.config.hosts) {
            return Ok(());
        }
        let why = "Host names neither localhost nor an IP address, and is not allowed by name";
        Err(Response::problem(421, why))
    }

    /// Answers a request for `/channels/…` or `/healthz`; anything else is 404.
    pub async fn handle(&self, request: Request) -> Response {
        if request.head().path() == "/healthz" {
            return self.health(&request);
        }
        let head = request.head().clone();
        let response = self.route(request, &head).await;
        if head.path() == "/channels" || head.path().starts_with("/channels/") {
            dressed(response)
        } else {
            response
        }
    }

    /// Needs nothing of what a channel needs: it is asked by whoever watches the server, again and again.
    fn health(&self, request: &Request) -> Response {
        let head = request.head();
        let response = match self.check_host(head, request) {
            Ok(()) => health(head),
            Err(refused) => refused,
        };
        match Origin::of(head, &self.0.config.allow_origins) {
            Ok(origin) => origin.mark(response),
            Err(_) => response,
        }
    }

    async fn route(&self, request: Request, head: &RequestHead) -> Response {
        let origin = Origin::of(head, &self.0.config.allow_origins);
        let response = match (
            self.check_host(head, &request),
            resource(head.path()),
            &origin,
        ) {
            (Err(refused), _, _) => refused,
            (Ok(()), Some(_), Err(why)) => Response::problem(403, why),
            (Ok(()), Some(Resource::Channel(name)), Ok(_)) => {
                self.answer(request, head, name, false).await
            }
            (Ok(()), Some(Resource::Info(name)), Ok(_)) => {
                self.answer(request, head, name, true).await
            }
            (Ok(()), None, _) => Response::problem(404, "there is no such resource"),
        };
        match origin {
            Ok(origin) => origin.mark(response),
            Err(_) => response,
        }
    }

    async fn answer(
        &self,
        request: Request,
        head: &RequestHead,
        name: &str,
        info: bool,
    ) -> Response {
        let channel = match percent_decode(name) {
            Ok(name) => ChannelName::parse(&name).map_err(|error| error.to_string()),
            Err(why) => Err(format!("the name of the channel {why}")),
        };
        let channel = match channel {
            Ok(channel) => channel,
            Err(why) => return Response::problem(400, &why),
        };
        let query = match Query::parse(head.query().unwrap_or_default()) {
            Ok(query) => query,
            Err(why) => return Response::problem(400, &why),
        };
        match (head.method(), info) {
            ("GET" | "HEAD", true) => self.info(&request, &channel),
            ("GET" | "HEAD", false) => self.read(&request, head, &channel, &query),
            // Boxed, so that the requests that never wait do not carry room for its wait.
            ("POST", false) => Box::pin(self.post(request, &channel, query.event)).await,
            ("DELETE", false) => self.delete(&request, &channel),
            ("OPTIONS", _) => Origin::preflight(if info { INFO_METHODS } else { CHANNEL_METHODS }),
            (_, info) => {
                let allow = if info { INFO_METHODS } else { CHANNEL_METHODS };
                Response::problem(405, "the resource does not have this method")
                    .with("Allow", allow)
            }
        }
    }

    /// Picks the transport that a request asks for.
    fn read(
        &self,
        request: &Request,
        head: &RequestHead,
        channel: &ChannelName,
        query: &Query,
    ) -> Response {
        if let Err(refused) = self.authorize(Verb::Subscribe, channel, head, request.peer()) {
            return refused;
        }
        let start = start::start(head, query);
        let open = || {
            let (now, entropy) = (self.now(), self.entropy());
            self.0.hub.subscribe(channel, start, now, entropy)
        };
        let limit = Limit {
            messages: query
                .limit
                .unwrap_or(self.0.config.page_messages)
                .min(self.0.config.max_page_messages),
            octets: self.0.config.max_page_len,
        };
        let is_get = head.method() == "GET";
        if is_get
            && head.version() == Version::Http11
            && head.fields().has_token("Upgrade", "websocket")
        {
            return websocket::answer(self, request, channel, query, open);
        }
        let asks_events = is_get && asks_for_events(head);
        let cursor = match open() {
            Ok(cursor) => cursor,
            Err(_) if asks_events => return sse::later(&self.0.config.entropy),
            Err(error) => return self.refused(error),
        };
        let stats = self.0.stats.of(channel);
        if asks_events {
            return sse::answer(self, cursor, stats);
        }
        match self.wait(head, query) {
            Some(wait) if is_get => long_poll::answer(self, request, cursor, limit, wait, stats),
            Some(_) | None => short_poll::answer(self, request, cursor, limit, &stats),
        }
    }

    /// How long a poll may be held; `None` for a short poll.
    fn wait(&self, head: &RequestHead, query: &Query) -> Option<Wait> {
        let preferred = prefer_wait(head.fields().get_all("Prefer"));
        let asked = query.wait.or(preferred)?;
        let granted = asked.min(self.0.config.max_wait);
        (granted > Duration::ZERO).then_some(Wait {
            granted,
            preferred: preferred.is_some(),
        })
    }

    /// Asks whether a client may do this.
    ///
    /// # Errors
    /// The answer that refuses it.
    fn authorize(
        &self,
        verb: Verb,
        channel: &ChannelName,
        head: &RequestHead,
        peer: SocketAddr,
    ) -> Result<(), Response> {
        match (self.0.config.authorize)(&Access {
            verb,
            channel,
            head,
            peer,
        }) {
            Decision::Allow => Ok(()),
            Decision::Deny(401) => {
                Err(Response::problem(401, "this needs a valid key")
                    .with("WWW-Authenticate", "Bearer"))
            }
            Decision::Deny(status) => Err(Response::problem(status, "this is not allowed")),
        }
    }
}

/// What a path names, if anything of ours.
fn resource(path: &str) -> Option<Resource<'_>> {
    let name = path.strip_prefix("/channels/")?;
    match name.split_once('/') {
        None => Some(Resource::Channel(name)),
        Some((name, "info")) => Some(Resource::Info(name)),
        Some(_) => None,
    }
}

fn health(head: &RequestHead) -> Response {
    match head.method() {
        "GET" | "HEAD" => {
            let ok = &b"ok\n"[..];
            Response::bytes(200, "text/plain; charset=utf-8", ok).with("Cache-Control", "no-store")
        }
        _ => Response::problem(405, "the resource does not have this method")
            .with("Allow", HEALTH_METHODS),
    }
}

/// Adds what every answer under `/channels` carries.
fn dressed(response: Response) -> Response {
    response
        .with_default("Cache-Control", "no-store, no-transform")
        .with("Vary", "Origin, Accept, Prefer")
        .with("X-Content-Type-Options", "nosniff")
}

/// Whether `Accept` names `text/event-stream` itself, with a weight above 0 and not below that of
/// an explicit `application/json` (RFC 9110 §12.5.1).
fn asks_for_events(head: &RequestHead) -> bool {
    let mut events = None;
    let mut json = 0;
    for range in head.fields().tokens("Accept") {
        let mut parts = range.split(';').map(str::trim);
        let essence = parts.next().unwrap_or_default();
        let weight = parts
            .find_map(|parameter| {
                let (name, value) = parameter.split_once('=')?;
                name.trim()
                    .eq_ignore_ascii_case("q")
                    .then(|| weight(value.trim()))
            })
            .unwrap_or(1000);
        if essence.eq_ignore_ascii_case(tidings_sse::MEDIA_TYPE) {
            events = events.max(Some(weight));
        } else if essence.eq_ignore_ascii_case("application/json") {
            json = json.max(weight);
        }
    }
    events.is_some_and(|events| events > 0 && events >= json)
}

/// A weight in thousandths; one out of form counts as 1.
fn weight(value: &str) -> u16 {
    let (whole, part) = value.split_once('.').unwrap_or((value, ""));
    if part.len() > 3 || !part.bytes().all(|digit| digit.is_ascii_digit()) {
        return 1000;
    }
    match whole {
        "0" => format!("{part:0<3}").parse().unwrap_or(1000),
        _ => 1000,
    }
}
