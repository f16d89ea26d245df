//! The wire view: a page that shows the octets of the connections that it opened, told field by field.
//!
//! | resource | answers |
//! |---|---|
//! | `/wire`, `/wire/NAME.js`, … | the page and its parts |
//! | `/wire/settings` | whether all connections are seen, and whether there is a demo |
//! | `POST /wire/traces` | begins a trace and gives its name, `{"trace":"…"}` |
//! | `/wire/traces/NAME` | what passed: as JSON, or over a WebSocket as it passes |
//!
//! A request belongs to a trace where it says so by `?trace=NAME`, comes from the address that began it and from a page of
//! this server. Requests below `/wire` belong to none.

mod ear;
mod feed;
mod redact;
mod store;
mod tell;

use core::time::Duration;
use std::sync::Arc;
use std::time::Instant;

use clap::ValueEnum;
use serde_json::json;
use tidings_server::channels::Channels;
use tidings_server::http1::RequestHead;
use tidings_server::serve::{Request, Response, Tap, Tapped, WebSocket};
use tidings_server::websocket::{CloseCode, Config as Limits};

use self::feed::Feed;
use self::store::{Store, Trace, Unwatched, Watcher};
use crate::demo;

/// Which connections are seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mode {
    /// None, and there is no page.
    Off,
    /// Those that the page itself opened.
    Own,
    /// All of them, on a loopback address only.
    All,
}

/// Longest message of a page that follows a trace: it has nothing to say.
const MAX_SAID_LEN: usize = 1_024;

/// How long changes are gathered before they are told: a page draws no faster.
const GATHER: Duration = Duration::from_millis(40);

/// How many times as long as it took to tell something is waited before more is told, so that no page takes a worker for
/// itself.
const REST: u32 = 8;

/// Most parts of a trace, of 64 KiB each, in one answer.
const MAX_PARTS: usize = 8;

/// The page and what it reads.
#[derive(Debug, Clone)]
pub(crate) struct Wire {
    store: Arc<Store>,
    all: bool,
    demo: bool,
}

impl Wire {
    /// Prepares the view; `None` where nothing is to be seen.
    #[must_use]
    pub(crate) fn new(mode: Mode, demo: bool) -> Option<Self> {
        let all = match mode {
            Mode::Off => return None,
            Mode::Own => false,
            Mode::All => true,
        };
        let store = Store::new(all);
        Some(Self { store, all, demo })
    }

    /// The tap by which the server tells what passes.
    #[must_use]
    pub(crate) fn tap(&self) -> Tap {
        let Self { store, all, .. } = self.clone();
        Tap::new(move |request| {
            let (trace, kind) = belongs(&request, all)?;
            store.begin(trace, &request, kind).or_else(|| {
                // Its name is that of no trace.
                let other = all && trace != Trace::All;
                other
                    .then(|| store.begin(Trace::All, &request, kind))
                    .flatten()
            })
        })
    }

    /// Answers a request for a resource of the view; `None` where it is none.
    #[must_use]
    pub(crate) fn handle(&self, request: &Request, channels: &Channels) -> Option<Response> {
        let head = request.head();
        let path = head.path();
        let page = demo::wire_page(path);
        if page.is_none() && !is_ours(path) {
            return None;
        }
        if let Err(refused) = demo::admit(request, channels) {
            return Some(refused);
        }
        if let Some(page) = page {
            return Some(page.answer(head));
        }
        if !may_look(head) {
            let why = "only a page of this server may see what passes";
            return Some(Response::problem(403, why));
        }
        Some(match path {
            "/wire/settings" => demo::asked_by_get(head).unwrap_or_else(|| self.settings()),
            "/wire/traces" => self.begin(request),
            path => match path.strip_prefix("/wire/traces/").and_then(named) {
                Some(trace) => self.show(trace, head),
                None => Response::problem(404, "there is no such resource"),
            },
        })
    }

    fn settings(&self) -> Response {
        answer(200, &json!({ "all": self.all, "demo": self.demo }))
    }

    fn begin(&self, request: &Request) -> Response {
        if request.head().method() != "POST" {
            return Response::problem(405, "a trace is begun by POST").with("Allow", "POST");
        }
        let mut name = [0; 16];
        let drawn = getrandom::fill(&mut name);
        let name = u128::from_ne_bytes(name);
        if drawn.is_err() || !self.store.open(Trace::Own(name), request.peer().ip()) {
            return Response::problem(503, "there are as many traces as are kept")
                .with("Retry-After", "30");
        }
        answer(201, &json!({ "trace": format!("{name:032x}") }))
    }

    fn show(&self, trace: Trace, head: &RequestHead) -> Response {
        let watcher = match self.store.watch(trace) {
            Ok(watcher) => watcher,
            Err(Unwatched::Unknown) => {
                return Response::problem(404, "the trace is not kept, or never was");
            }
            Err(Unwatched::TooMany) => {
                return Response::problem(503, "as many look at traces as may")
                    .with("Retry-After", "30");
            }
        };
        if head.fields().has_token("Upgrade", "websocket") {
            let changes = self.store.changes();
            let mut limits = Limits::default();
            limits.max_message_len = MAX_SAID_LEN;
            return Response::websocket(head, &[], limits, async move |websocket| {
                follow(websocket, watcher, changes).await;
            });
        }
        if let Some(refused) = demo::asked_by_get(head) {
            return refused;
        }
        match whole(&watcher) {
            Some(told) => answer(200, &told),
            None => Response::problem(404, "the trace is not kept, or never was"),
        }
    }
}

/// The exchanges of a trace, as many as one answer has; `None` where it was forgotten.
fn whole(watcher: &Watcher) -> Option<serde_json::Value> {
    let mut feed = Feed::default();
    let mut all = feed.news(watcher)??;
    for _ in 1..MAX_PARTS {
        if !all.more {
            break;
        }
        let Some(part) = feed.news(watcher)? else {
            all.more = false;
            break;
        };
        all.exchanges.extend(part.exchanges);
        (all.missed, all.more) = (part.missed, part.more);
    }
    Some(all.told())
}

fn answer(status: u16, content: &serde_json::Value) -> Response {
    Response::bytes(status, "application/json", format!("{content}\n"))
        .with("Cache-Control", "no-store")
        .with("X-Content-Type-Options", "nosniff")
}

/// Tells what passes until the page leaves or the trace is forgotten.
async fn follow(
    mut websocket: WebSocket,
    watcher: Watcher,
    mut changes: tokio::sync::watch::Receiver<()>,
) {
    let mut feed = Feed::default();
    loop {
        changes.mark_unchanged();
        let begun = Instant::now();
        let (mut more, mut rest) = (false, Duration::ZERO);
        match feed.news(&watcher) {
            Some(Some(news)) => {
                more = news.more;
                let text = news.told().to_string();
                rest = begun.elapsed().saturating_mul(REST);
                if websocket.send_text(&text).await.is_err() {
                    return;
                }
            }
            Some(None) => {}
            None => {
                return websocket
                    .close(CloseCode::GOING_AWAY, "the trace was forgotten")
                    .await;
            }
        }
        let changed = async {
            if more {
                tokio::time::sleep(rest).await;
                return Ok(());
            }
            let changed = changes.changed().await;
            tokio::time::sleep(GATHER.max(rest)).await;
            changed
        };
        // What a page says means nothing.
        tokio::select! {
            message = websocket.next() => {
                if message.is_none() {
                    return;
                }
            }
            changed = changed => {
                if changed.is_err() {
                    return;
                }
            }
        }
    }
}

fn is_ours(path: &str) -> bool {
    path == "/wire" || path.starts_with("/wire/")
}

/// The trace of a name in a URL.
fn named(name: &str) -> Option<Trace> {
    if name == "all" {
        return Some(Trace::All);
    }
    let is_plain = name.len() == 32 && name.bytes().all(|digit| digit.is_ascii_hexdigit());
    is_plain
        .then(|| u128::from_str_radix(name, 16).ok())
        .flatten()
        .map(Trace::Own)
}

/// To which trace a request belongs, and how it asks.
fn belongs(request: &Tapped<'_>, all: bool) -> Option<(Trace, &'static str)> {
    let head = request.head;
    if is_ours(head.path()) {
        return None;
    }
    let kind = kind(head);
    let query = head.query().unwrap_or_default();
    let name = query
        .split('&')
        .find_map(|pair| pair.strip_prefix("trace="));
    match name.and_then(named) {
        Some(trace @ Trace::Own(_)) if is_of_own_page(head) => Some((trace, kind)),
        Some(_) | None => all.then_some((Trace::All, kind)),
    }
}

/// Whether what passes may be shown: to a page of this server, to who writes the address into a browser, and to programs.
/// A foreign origin that may use the channels may not see what others say.
fn may_look(head: &RequestHead) -> bool {
    head.fields().get_str("Sec-Fetch-Site") == Some("none") || is_of_own_page(head)
}

/// Whether a page of this server asks, or no page at all: a foreign one cannot have what it makes a browser send here
/// put into a trace of its own.
fn is_of_own_page(head: &RequestHead) -> bool {
    let fields = head.fields();
    let site = fields.get_str("Sec-Fetch-Site");
    let origin = fields
        .get_str("Origin")
        .map(|origin| origin.split_once("://"));
    let is_own = origin.is_none_or(|origin| {
        let host = fields.get_str("Host").unwrap_or_default();
        origin.is_some_and(|(_, authority)| plain(authority).eq_ignore_ascii_case(plain(host)))
    });
    is_own && site.is_none_or(|site| site == "same-origin")
}

/// A host without a port that a scheme has by itself, which a browser leaves out and a proxy may not.
fn plain(authority: &str) -> &str {
    let port = [":80", ":443"].into_iter();
    let mut plain = port.filter_map(|port| authority.strip_suffix(port));
    plain.next().unwrap_or(authority)
}

/// How a request asks, in one word.
fn kind(head: &RequestHead) -> &'static str {
    use tidings_server::channels::Transport;
    match demo::transport(head) {
        Some(Transport::ShortPoll) => "short-poll",
        Some(Transport::LongPoll) => "long-poll",
        Some(Transport::Sse) => "sse",
        Some(Transport::WebSocket) => "websocket",
        None if head.method() == "POST" && head.path().starts_with("/channels/") => "publish",
        None => "other",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn a_foreign_page_may_not_look_though_it_may_use_the_channels() {
        let rows = [
            ("", true),
            ("Origin: http://a.example\r\n", true),
            (
                "Origin: https://A.example\r\nSec-Fetch-Site: same-origin\r\n",
                true,
            ),
            ("Sec-Fetch-Site: none\r\n", true),
            ("Sec-Fetch-Site: same-site\r\n", false),
            ("Sec-Fetch-Site: cross-site\r\n", false),
            ("Origin: https://b.example\r\n", false),
            ("Origin: http://a.example:81\r\n", false),
            ("Origin: null\r\n", false),
        ];
        for host in ["a.example", "a.example:443"] {
            for (fields, want) in rows {
                let head = format!("GET /wire/traces/all HTTP/1.1\r\nHost: {host}\r\n{fields}\r\n");
                let limits = tidings_http1::Config::default();
                let head = RequestHead::decode(&head.into(), &limits).unwrap().unwrap();
                assert_eq!(may_look(&head), want, "{host} {fields}");
            }
        }
    }
}
