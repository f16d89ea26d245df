//! One connection: reads requests, runs the handler, writes the answers in order.
//!
//! Answers are written when the octets that were read are used up, so the answers to pipelined
//! requests leave in one write. An event stream or a WebSocket goes on in a task of its own, which
//! is small; this one, which is not, ends there.

use core::future::{Future, poll_fn};
use core::net::SocketAddr;
use core::pin::Pin;
use core::task::Poll;
use std::sync::Arc;

use bytes::Bytes;
use tidings_http1::{
    Content as ContentLen, Framing, Next, ReceiveError, RequestHead, SendError, ServerConnection,
    ServerEvent,
};
use tokio::time::{Instant, timeout, timeout_at};

use super::clock::http_date;
use super::event_stream::EventStream;
use super::link::Link;
use super::listen::{Shared, Slot};
use super::request::{Body, Pipe, Request};
use super::response::{Content, Response};
use super::websocket::WebSocket;

/// Answers are written at the latest when this much waits.
const MAX_WAITING_LEN: usize = 64 << 10;

#[derive(Debug)]
pub(crate) struct Connection {
    link: Link,
    http: ServerConnection,
    shared: Arc<Shared>,
    slot: Slot,
    peer: SocketAddr,
    /// When the head that has begun must be whole.
    head_deadline: Option<Instant>,
    /// Octets of the request at hand that were read away unwanted.
    drained: usize,
}

/// How a connection goes on after a step.
enum Step {
    Next,
    /// Ends, with the last answer still to be read by the peer.
    Linger,
    /// Ends at once: nobody is there.
    Gone,
    /// Becomes something else; the head of the answer waits in `out`.
    HandOver(Response),
}

/// Why no answer of the handler was had.
enum NoAnswer {
    /// The peer left, or the socket failed.
    Gone,
    /// The peer broke HTTP in the content of its request.
    Malformed(ReceiveError),
    /// No octet of the content came for the progress timeout.
    Stalled,
}

impl Connection {
    pub(crate) fn new(link: Link, shared: Arc<Shared>, slot: Slot, peer: SocketAddr) -> Self {
        let http = ServerConnection::new(shared.config.http);
        Self {
            link,
            http,
            shared,
            slot,
            peer,
            head_deadline: None,
            drained: 0,
        }
    }

    pub(crate) async fn run<H, F>(mut self, handler: H)
    where
        H: Fn(Request) -> F,
        F: Future<Output = Response> + Send,
    {
        loop {
            match self.step(&handler).await {
                Step::Next if self.link.out.len() < MAX_WAITING_LEN => {}
                Step::Next => {
                    if self.link.flush().await.is_err() {
                        return;
                    }
                }
                Step::Linger => {
                    let config = &self.shared.config;
                    return self
                        .link
                        .linger(config.linger_timeout, config.max_linger_len)
                        .await;
                }
                Step::Gone => return,
                Step::HandOver(response) => return self.hand_over(response),
            }
        }
    }

    async fn step<H, F>(&mut self, handler: &H) -> Step
    where
        H: Fn(Request) -> F,
        F: Future<Output = Response> + Send,
    {
        match self.http.next_event(&mut self.link.input) {
            Ok(Some(ServerEvent::Request(head))) => {
                self.head_deadline = None;
                self.drained = 0;
                self.exchange(head, handler).await
            }
            // Content that the handler left unread.
            Ok(Some(ServerEvent::Data(data))) => {
                self.drained += data.len();
                if self.drained > self.shared.config.max_drain_len {
                    Step::Linger
                } else {
                    Step::Next
                }
            }
            Ok(Some(ServerEvent::Trailers(_) | ServerEvent::End)) => Step::Next,
            Ok(Some(ServerEvent::Closed)) => Step::Linger,
            Ok(None) => self.read().await,
            Err(error) => self.refuse(error),
        }
    }

    /// Waits for octets of the next request, or for content that nobody wants.
    async fn read(&mut self) -> Step {
        if self.link.flush().await.is_err() {
            return Step::Gone;
        }
        let config = &self.shared.config;
        let idle = self.link.input.is_empty() && !self.http.request_unread();
        let mut stop = self.shared.stop.clone();
        if idle && stop.is_stopping() {
            return Step::Linger;
        }
        let in_head = !idle && !self.http.request_unread();
        let deadline = if in_head {
            *self
                .head_deadline
                .get_or_insert_with(|| Instant::now() + config.head_timeout)
        } else if idle {
            Instant::now() + config.idle_timeout
        } else {
            Instant::now() + config.progress_timeout
        };
        let read = tokio::select! {
            biased;
            read = timeout_at(deadline, self.link.read()) => read,
            () = stop.stopping(), if idle => return Step::Linger,
        };
        match read {
            Ok(Ok(0)) => {
                self.http.receive_eof();
                Step::Next
            }
            Ok(Ok(_)) => Step::Next,
            Ok(Err(_)) => Step::Gone,
            Err(_) if in_head => {
                // To the codec a head that never ends is one that was cut.
                self.http.receive_eof();
                let _ = self.http.next_event(&mut self.link.input);
                self.fail(408, "the head of the request did not arrive in time")
            }
            // An idle connection ends without a word (RFC 9112 §9.5).
            Err(_) => Step::Linger,
        }
    }

    /// One request and its answer.
    async fn exchange<H, F>(&mut self, head: RequestHead, handler: &H) -> Step
    where
        H: Fn(Request) -> F,
        F: Future<Output = Response> + Send,
    {
        let from = self.link.consumed() - head.raw().len() as u64;
        let is_head = head.method() == "HEAD";
        let framing = head.framing();
        let pipe = match framing {
            Framing::None | Framing::Length(0) => None,
            Framing::Length(_) | Framing::Chunked | Framing::UntilClose | Framing::Tunnel => {
                Some(Arc::new(Pipe::default()))
            }
        };
        if pipe.is_none() {
            // A request without content is whole at once, and so may be upgraded.
            match self.http.next_event(&mut self.link.input) {
                Ok(_) => {}
                Err(error) => return self.refuse(error),
            }
        }
        let request = Request {
            head,
            body: Body::new(framing, pipe.clone(), self.shared.unfinished.clone()),
            peer: self.peer,
            listener: self.shared.listener,
            stop: self.shared.stop.clone(),
        };
        // Boxed, so that a connection between two requests does not own room for it.
        let answered = self.wait(Box::pin(handler(request)), pipe.as_deref()).await;
        let mut response = match answered {
            Ok(response) => response,
            Err(no_answer) => return self.give_up(no_answer),
        };
        while let Content::Held(later) = response.content {
            match self.wait(later, None).await {
                Ok(mut answer) => {
                    // Field lines and meter of a held response are those of its answer.
                    answer.fields.append(&mut response.fields);
                    answer.meter = answer.meter.or(response.meter);
                    answer.close |= response.close;
                    response = answer;
                }
                Err(no_answer) => return self.give_up(no_answer),
            }
        }
        self.write(response, is_head, framing, from)
    }

    /// Runs a handler, feeds it the content that it asks for, and drops it when the peer leaves.
    async fn wait(
        &mut self,
        mut handler: Pin<Box<dyn Future<Output = Response> + Send + '_>>,
        pipe: Option<&Pipe>,
    ) -> Result<Response, NoAnswer> {
        let mut pipe = pipe;
        // Most handlers answer at once: what waits to be written then leaves with their answer.
        if let Some(response) = poll_once(&mut handler).await {
            return Ok(response);
        }
        loop {
            if let Some(content) = pipe {
                tokio::select! {
                    biased;
                    response = &mut handler => return Ok(response),
                    fed = feed(&mut self.link, &mut self.http, content) => {
                        if let Fed::All = fed? {
                            pipe = None;
                        }
                    }
                }
            } else if self.link.wants_write() {
                tokio::select! {
                    biased;
                    response = &mut handler => return Ok(response),
                    flushed = self.link.flush() => flushed.map_err(|_| NoAnswer::Gone)?,
                }
            } else {
                tokio::select! {
                    biased;
                    response = &mut handler => return Ok(response),
                    () = self.link.peer_gone() => return Err(NoAnswer::Gone),
                }
            }
        }
    }

    fn give_up(&mut self, why: NoAnswer) -> Step {
        match why {
            NoAnswer::Gone => Step::Gone,
            NoAnswer::Malformed(error) => self.refuse(error),
            NoAnswer::Stalled => {
                self.fail(408, "the content of the request did not arrive in time")
            }
        }
    }

    /// Answers a request that breaks HTTP with the status that the rule names, then closes.
    fn refuse(&mut self, error: ReceiveError) -> Step {
        tracing::debug!(peer = %self.peer, %error, "malformed request");
        self.fail(error.status(), &error.to_string())
    }

    fn fail(&mut self, status: u16, detail: &str) -> Step {
        let from = self.link.consumed();
        match self.write(
            Response::problem(status, detail).closing(),
            false,
            Framing::None,
            from,
        ) {
            Step::Gone => Step::Gone,
            Step::Next | Step::Linger | Step::HandOver(_) => Step::Linger,
        }
    }

    /// Encodes an answer behind what waits to be written.
    fn write(&mut self, response: Response, is_head: bool, framing: Framing, from: u64) -> Step {
        let before = self.link.out.len();
        let unread = self.http.request_unread();
        let response = match response.content {
            Content::Reset => {
                self.link.reset();
                return Step::Gone;
            }
            // A switch comes after the whole request (RFC 9110 §7.8).
            Content::WebSocket(..) if unread => {
                Response::problem(400, "an upgrade must not carry content").closing()
            }
            _ => response,
        };
        let too_long = match framing {
            Framing::Length(len) => len > self.shared.config.max_drain_len as u64,
            Framing::None | Framing::Chunked | Framing::UntilClose | Framing::Tunnel => false,
        };
        let streams = matches!(response.content, Content::Events(_));
        // A client that waits for 100 (Continue) may send its content or not: no telling where
        // its next request begins.
        if response.close
            || streams
            || self.shared.stop.is_stopping()
            || (unread && (too_long || self.http.wants_continue()))
        {
            self.http.close_after_response();
        }
        let meter = response.meter.clone();
        let step = match self.encode(&response, is_head) {
            Ok(Some(Next::Reuse)) => Step::Next,
            Ok(Some(Next::Close(_))) => Step::Linger,
            Ok(None) => Step::HandOver(response),
            Err(error) => {
                tracing::error!(%error, status = response.status, "the answer of a handler breaks HTTP");
                self.link.out.truncate(before);
                self.http.close_after_response();
                match self.encode(
                    &Response::problem(500, "the server made an answer that HTTP does not allow"),
                    is_head,
                ) {
                    Ok(_) => Step::Linger,
                    Err(_) => Step::Gone,
                }
            }
        };
        if let Some(meter) = meter {
            let sent = match step {
                // What a stream or a WebSocket writes is counted as it leaves.
                Step::HandOver(_) => 0,
                Step::Next | Step::Linger | Step::Gone => self.link.out.len() - before,
            };
            meter.add(self.link.consumed() - from, sent as u64);
        }
        step
    }

    /// `None` where the connection becomes something else.
    fn encode(&mut self, response: &Response, is_head: bool) -> Result<Option<Next>, SendError> {
        let out = &mut self.link.out;
        let date = http_date();
        let fields = response
            .fields
            .iter()
            .map(|(name, value)| (*name, value.as_bytes()))
            .chain([("Date", &date[..])]);
        match &response.content {
            Content::Whole(content) => {
                let len = match response.status {
                    204 | 304 => ContentLen::None,
                    _ => ContentLen::Length(content.len() as u64),
                };
                self.http.send_response(response.status, fields, len, out)?;
                if !is_head && !content.is_empty() && len != ContentLen::None {
                    self.http.send_data(content, out)?;
                }
                self.http.send_end(out).map(Some)
            }
            // Held answers were awaited before.
            Content::Held(_) | Content::Reset => Err(SendError::WrongState),
            Content::Events(_) => {
                self.http
                    .send_response(response.status, fields, ContentLen::Unknown, out)?;
                if is_head {
                    self.http.send_end(out).map(Some)
                } else {
                    Ok(None)
                }
            }
            Content::WebSocket(accepted, ..) => {
                self.http
                    .send_upgrade(accepted.fields().chain(fields), out)?;
                Ok(None)
            }
        }
    }

    /// Goes on as an event stream or a WebSocket, in a small task of its own.
    fn hand_over(self, response: Response) {
        let Self {
            mut link,
            http,
            shared,
            slot,
            ..
        } = self;
        link.set_meter(response.meter);
        match response.content {
            Content::Events(session) => {
                let chunked = http.response_framing() == Framing::Chunked;
                tokio::spawn(session(EventStream::new(link, chunked, &shared, slot)));
            }
            Content::WebSocket(accepted, config, session) => {
                let subprotocol = accepted.subprotocol();
                let config = config.map_or_else(|| shared.config.websocket, |config| *config);
                tokio::spawn(session(WebSocket::new(
                    link,
                    config,
                    subprotocol,
                    &shared,
                    slot,
                )));
            }
            Content::Whole(_) | Content::Held(_) | Content::Reset => {}
        }
    }
}

/// What of a request's content was handed to its handler.
enum Fed {
    Some,
    All,
}

/// Waits until the handler wants content and hands it the next piece. Cancel-safe.
async fn feed(link: &mut Link, http: &mut ServerConnection, pipe: &Pipe) -> Result<Fed, NoAnswer> {
    if !pipe.is_wanted() {
        link.flush().await.map_err(|_| NoAnswer::Gone)?;
        pipe.wanted().await;
    }
    loop {
        match http.next_event(&mut link.input) {
            Ok(Some(ServerEvent::Data(data))) => {
                pipe.push(data);
                return Ok(Fed::Some);
            }
            Ok(Some(ServerEvent::End)) => {
                pipe.finish();
                return Ok(Fed::All);
            }
            Ok(Some(ServerEvent::Trailers(_))) => {}
            Ok(Some(ServerEvent::Request(_) | ServerEvent::Closed)) => {
                pipe.cut();
                return Ok(Fed::All);
            }
            Ok(None) if pipe.refuse(http.announced_len()) => return Ok(Fed::All),
            Ok(None) => {
                if http.wants_continue() {
                    let none: [(&str, &[u8]); 0] = [];
                    let _ = http.send_informational(100, none, &mut link.out);
                }
                link.flush().await.map_err(|_| NoAnswer::Gone)?;
                match timeout(link.progress_timeout(), link.read()).await {
                    Ok(Ok(0)) => http.receive_eof(),
                    Ok(Ok(_)) => {}
                    Ok(Err(_)) => return Err(NoAnswer::Gone),
                    Err(_) => return Err(NoAnswer::Stalled),
                }
            }
            Err(error) => return Err(NoAnswer::Malformed(error)),
        }
    }
}

/// Polls a future one time.
async fn poll_once<T>(future: &mut (impl Future<Output = T> + Unpin)) -> Option<T> {
    poll_fn(|cx| match Pin::new(&mut *future).poll(cx) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

/// Answers 503 to a connection beyond the limit, without reading its request.
pub(crate) async fn turn_away(mut link: Link, shared: Arc<Shared>) {
    let retry_after = 1 + super::clock::entropy() % 30;
    let body = r#"{"type":"about:blank","title":"Service Unavailable","status":503,"detail":"the server has as many connections as it takes"}"#;
    let head = format!(
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\nContent-Length: {}\r\nRetry-After: {retry_after}\r\nConnection: close\r\n\r\n{body}",
        body.len(),
    );
    link.push(Bytes::from(head));
    link.linger(shared.config.linger_timeout, shared.config.max_linger_len)
        .await;
}
