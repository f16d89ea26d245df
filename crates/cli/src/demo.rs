//! The demo: a page with four transports at work, side by side, and what feeds it.
//!
//! | resource | answers |
//! |---|---|
//! | `/`, `/demo/NAME.js`, … | the page and its parts |
//! | `/playground` | octets told as they are typed, by the codecs in WebAssembly |
//! | `/tidings.js`, `/tidings-NAME.js`, `/tidings.d.ts` | the library for pages, with or without the demo |
//! | `/demo/clock` | the server's time, to measure latency by |
//! | `/demo/settings` | what a channel keeps, and whether there is a wire view |
//! | `POST /demo/cut?transport=NAME` | resets the connections of a transport |

mod assets;
mod clock;
mod cut;
mod dice;
mod generator;
mod market;
mod notices;
mod scores;

use std::sync::Arc;
use std::time::Instant;

use tidings_server::channels::Channels;
use tidings_server::http1::RequestHead;
use tidings_server::serve::{Request, Response};

pub(crate) use assets::wire_page;
pub(crate) use cut::transport;
pub(crate) use generator::Generator;

/// What a link on another site may open.
const DOCUMENTS: [&str; 3] = ["/", "/playground", "/wire"];

/// The page, its parts and its cuts, in front of the channels.
#[derive(Debug, Clone)]
pub(crate) struct Demo(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    outages: cut::Outages,
    /// Messages that a channel keeps.
    history: usize,
    /// Whether there is a wire view.
    wire: bool,
}

impl Demo {
    /// Prepares the demo over channels that keep `history` messages each, with or without a wire view.
    #[must_use]
    pub(crate) fn new(history: usize, wire: bool) -> Self {
        Self(Arc::new(Inner {
            outages: cut::Outages::default(),
            history,
            wire,
        }))
    }

    /// Answers a request: the demo's own resources, else the channels.
    pub(crate) async fn handle(&self, request: Request, channels: &Channels) -> Response {
        let head = request.head();
        let path = head.path();
        if !DOCUMENTS.contains(&path) && !path.starts_with("/demo/") {
            if self.0.outages.hit(head, Instant::now()) {
                return Response::reset();
            }
            return channels.handle(request).await;
        }
        if let Err(refused) = admit(&request, channels) {
            return refused;
        }
        match path {
            "/demo/cut" => cut::answer(head, channels, &self.0.outages),
            "/demo/clock" => asked_by_get(head).unwrap_or_else(clock::answer),
            "/demo/settings" => asked_by_get(head).unwrap_or_else(|| self.settings()),
            path => match assets::find(path) {
                Some(asset) => asset.answer(head),
                None => Response::problem(404, "there is no such resource"),
            },
        }
    }

    fn settings(&self) -> Response {
        let (history, wire) = (self.0.history, self.0.wire);
        let settings = format!("{{\"history\":{history},\"wire\":{wire}}}\n");
        Response::bytes(200, "application/json", settings).with("Cache-Control", "no-store")
    }
}

/// Serves the library for pages, with or without the demo, to pages of this origin and of those that
/// were named; `None` where the path is none of its files.
#[must_use]
pub(crate) fn library(request: &Request, channels: &Channels) -> Option<Response> {
    let asset = assets::library(request.head().path())?;
    Some(match channels.guard(request) {
        Ok(()) => asset.answer(request.head()),
        Err(refused) => refused,
    })
}

/// The answer to another method than `GET` or `HEAD`.
pub(crate) fn asked_by_get(head: &RequestHead) -> Option<Response> {
    if matches!(head.method(), "GET" | "HEAD") {
        return None;
    }
    let refused = Response::problem(405, "the resource does not have this method");
    Some(refused.with("Allow", "GET, HEAD"))
}

/// Makes the checks of the channels. A link on a page of another site may open ours: the document
/// holds nothing, and what its scripts ask they ask as our own.
pub(crate) fn admit(request: &Request, channels: &Channels) -> Result<(), Response> {
    match channels.guard(request) {
        Err(refused) if refused.status() == 403 && is_followed_link(request.head()) => Ok(()),
        result => result,
    }
}

fn is_followed_link(head: &RequestHead) -> bool {
    let is = |name, value| head.fields().get_str(name) == Some(value);
    DOCUMENTS.contains(&head.path())
        && head.method() == "GET"
        && is("Sec-Fetch-Mode", "navigate")
        && is("Sec-Fetch-Dest", "document")
}
