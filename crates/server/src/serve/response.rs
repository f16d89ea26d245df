//! What a handler answers: octets, an answer that is held back, a stream of events, or an upgrade
//! to WebSocket.

use core::future::Future;
use core::pin::Pin;
use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use tidings_http1::{RequestHead, reason_phrase};
use tidings_websocket::{Accepted, Config as WebSocketConfig, HandshakeError};

use super::content::BodyError;
use super::event_stream::EventStream;
use super::meter::Meter;
use super::websocket::WebSocket;

pub(crate) type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;
/// Spawns what goes on in place of a connection: a task of its own, as small as its future.
type Session<T> = Box<dyn FnOnce(T) + Send>;

/// Makes the limits of one WebSocket out of those of the server.
pub(crate) type Limits = Box<dyn FnOnce(WebSocketConfig) -> WebSocketConfig + Send>;

/// A field line of a response.
pub(crate) type FieldLine = (&'static str, Cow<'static, str>);

/// An answer. Its head is checked when it is sent: a field line that HTTP does not allow makes the
/// answer a 500, never a broken head.
pub struct Response {
    pub(crate) status: u16,
    pub(crate) fields: Vec<FieldLine>,
    pub(crate) content: Content,
    pub(crate) meter: Option<Arc<Meter>>,
    pub(crate) close: bool,
}

pub(crate) enum Content {
    Whole(Bytes),
    /// Shared pieces of one content.
    Pieces(Vec<Bytes>),
    Held(BoxFuture<Response>),
    Reset,
    Events(Session<EventStream>),
    WebSocket(Box<Accepted>, Limits, Session<WebSocket>),
}

impl core::fmt::Debug for Response {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let content = match &self.content {
            Content::Whole(_) | Content::Pieces(_) => "whole",
            Content::Held(_) => "held",
            Content::Reset => "reset",
            Content::Events(_) => "events",
            Content::WebSocket(..) => "websocket",
        };
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("fields", &self.fields)
            .field("content", &content)
            .finish_non_exhaustive()
    }
}

impl Response {
    /// An answer with a status and no content.
    #[must_use]
    pub fn new(status: u16) -> Self {
        Self {
            status,
            fields: Vec::new(),
            content: Content::Whole(Bytes::new()),
            meter: None,
            close: false,
        }
    }

    /// An answer whose content is at hand.
    #[must_use]
    pub fn bytes(status: u16, media_type: &'static str, content: impl Into<Bytes>) -> Self {
        Self::of_type(status, media_type, Content::Whole(content.into()))
    }

    fn of_type(status: u16, media_type: &'static str, content: Content) -> Self {
        // Room for the few lines that most answers get.
        let mut fields = Vec::with_capacity(4);
        fields.push(("Content-Type", media_type.into()));
        Self {
            status,
            fields,
            content,
            meter: None,
            close: false,
        }
    }

    /// An answer whose content lies in shared pieces, which are written from where they lie.
    pub(crate) fn pieces(status: u16, media_type: &'static str, pieces: Vec<Bytes>) -> Self {
        Self::of_type(status, media_type, Content::Pieces(pieces))
    }

    /// A `text/plain` answer in UTF-8.
    #[must_use]
    pub fn text(status: u16, text: impl Into<Cow<'static, str>>) -> Self {
        let content = match text.into() {
            Cow::Borrowed(text) => Bytes::from_static(text.as_bytes()),
            Cow::Owned(text) => Bytes::from(text),
        };
        Self::bytes(status, "text/plain; charset=utf-8", content)
    }

    /// Problem details (RFC 9457): the status and, in one sentence, what was wrong.
    #[must_use]
    pub fn problem(status: u16, detail: &str) -> Self {
        let body = format!(
            "{{\"type\":\"about:blank\",\"title\":{},\"status\":{status},\"detail\":{}}}\n",
            serde_json::Value::from(reason_phrase(status)),
            serde_json::Value::from(detail),
        );
        Self::bytes(status, "application/problem+json", body)
    }

    /// An answer that comes later, such as that of a long poll. The connection waits for it
    /// without a buffer, and drops the future when the client leaves. A client that ends its
    /// sending side counts as one that left.
    #[must_use]
    pub fn held(answer: impl Future<Output = Self> + Send + 'static) -> Self {
        let mut response = Self::new(200);
        response.content = Content::Held(Box::pin(answer));
        response
    }

    /// No answer: the connection is cut by a TCP reset, as if a cable had been pulled.
    #[must_use]
    pub fn reset() -> Self {
        let mut response = Self::new(500);
        response.content = Content::Reset;
        response
    }

    /// A stream of server-sent events, which `session` writes in a task of its own. The field
    /// lines of the standard's media type and against buffering proxies are set.
    #[must_use]
    pub fn events<F>(session: impl FnOnce(EventStream) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let mut response = Self::new(200)
            .with("Content-Type", tidings_sse::MEDIA_TYPE)
            .with("Cache-Control", "no-store, no-transform")
            .with("X-Accel-Buffering", "no");
        response.content = Content::Events(Box::new(|stream| drop(tokio::spawn(session(stream)))));
        response
    }

    /// Answers the opening handshake of a WebSocket (RFC 6455 §4.2) and runs `session` on it in a
    /// task of its own; a faulty handshake gets its error status. `subprotocols` are those that the
    /// server speaks, the preferred first; the session learns which one was chosen.
    #[must_use]
    pub fn websocket<F>(
        request: &RequestHead,
        subprotocols: &[&'static str],
        config: WebSocketConfig,
        session: impl FnOnce(WebSocket) -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        match accept(request, subprotocols) {
            Ok(accepted) => Self::upgraded(accepted, Box::new(move |_| config), session),
            Err(error) => Self::handshake_error(error),
        }
    }

    /// [`Response::websocket`] without a subprotocol, with messages compressed where the client offers
    /// permessage-deflate in a way that `options` allow (RFC 7692).
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn websocket_deflate<F>(
        request: &RequestHead,
        config: WebSocketConfig,
        options: tidings_websocket::DeflateOptions,
        session: impl FnOnce(WebSocket) -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        match accept(request, &[]) {
            Ok(accepted) => {
                let accepted = accepted.with_deflate(options, request.fields().iter());
                Self::upgraded(accepted, Box::new(move |_| config), session)
            }
            Err(error) => Self::handshake_error(error),
        }
    }

    /// [`Response::websocket`] without a subprotocol and with the limits of
    /// [`Config::websocket`](super::Config::websocket).
    #[must_use]
    pub fn upgrade<F>(
        request: &RequestHead,
        session: impl FnOnce(WebSocket) -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        match accept(request, &[]) {
            Ok(accepted) => Self::upgraded(accepted, Box::new(|config| config), session),
            Err(error) => Self::handshake_error(error),
        }
    }

    /// Runs `session` on a WebSocket whose handshake [`accept`] found good.
    pub(crate) fn upgraded<F>(
        accepted: Accepted,
        limits: Limits,
        session: impl FnOnce(WebSocket) -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let mut response = Self::new(101);
        response.content = Content::WebSocket(
            Box::new(accepted),
            limits,
            Box::new(|websocket| drop(tokio::spawn(session(websocket)))),
        );
        response
    }

    /// The answer to an opening handshake that breaks a rule: 400, 405, 426 or 505.
    #[must_use]
    pub fn handshake_error(error: HandshakeError) -> Self {
        let mut response = Self::problem(error.status(), &error.to_string());
        for (name, value) in error.fields() {
            response = response.with(name, *value);
        }
        response
    }

    /// Adds a field line. The framing and connection fields are the connection's own.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Self {
        self.fields.push((name, value.into()));
        self
    }

    /// Adds a field line unless there is one of that name.
    #[must_use]
    pub fn with_default(self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Self {
        if self
            .fields
            .iter()
            .any(|(present, _)| present.eq_ignore_ascii_case(name))
        {
            return self;
        }
        self.with(name, value)
    }

    /// Counts the octets of the request and of this answer for `meter`.
    #[must_use]
    pub fn metered(mut self, meter: Arc<Meter>) -> Self {
        self.meter = Some(meter);
        self
    }

    /// Closes the connection after this answer.
    #[must_use]
    pub fn closing(mut self) -> Self {
        self.close = true;
        self
    }

    /// The status code.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }
}

impl From<BodyError> for Response {
    /// The answer to a request whose content could not be had.
    fn from(error: BodyError) -> Self {
        Self::problem(error.status(), &error.to_string())
    }
}

/// Checks an opening handshake over the field lines of `request`.
///
/// # Errors
/// The rule of RFC 6455 §4.2.1 that the request breaks.
pub(crate) fn accept(
    request: &RequestHead,
    subprotocols: &[&'static str],
) -> Result<Accepted, HandshakeError> {
    let version = match request.version() {
        tidings_http1::Version::Http10 => (1, 0),
        tidings_http1::Version::Http11 => (1, 1),
    };
    tidings_websocket::accept(
        request.method(),
        version,
        request.fields().iter(),
        subprotocols,
    )
}
