//! One connection: reads requests, runs the handler, writes the answers in order.
//!
//! Answers are written when the octets that were read are used up, so the answers to pipelined
//! requests leave in one write. An event stream or a WebSocket goes on in a task of its own, which
//! is small; this one, which is not, ends there.

use core::future::{Future, poll_fn};
use core::net::SocketAddr;
use core::pin::Pin;
use core::task::Poll;
use core::time::Duration;
use std::io;
use std::sync::Arc;

use tidings_http1::{ReceiveError, RequestHead, ServerConnection, ServerEvent};
use tokio::time::Instant;

use super::alarm::Alarm;
use super::clock::deadline;
use super::content::{Body, Fed, FeedError, Feeder};
use super::link::Link;
use super::listen::{Shared, Slot};
use super::request::{Parts, Request};
use super::response::{Content, Response};
use super::stop::KeptStop;
use super::tap::Watch;

/// Answers are written at the latest when this much waits.
const MAX_WAITING_LEN: usize = 64 << 10;

/// How long a client that is turned away may take to read why.
const TURN_AWAY_LINGER: Duration = Duration::from_millis(500);

/// How long a request that has begun may still take once the server stops.
const STOP_GRACE: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(crate) struct Connection {
    pub(super) link: Link,
    pub(super) http: ServerConnection,
    pub(super) shared: Arc<Shared>,
    pub(super) slot: Slot,
    peer: SocketAddr,
    /// When the head that has begun, or the content that nobody wants, must be whole.
    deadline: Option<Instant>,
    /// Octets of the request at hand that were read away unwanted.
    drained: usize,
    /// Rings when the next octets must have come.
    alarm: Alarm,
    /// Made at the first wait between requests.
    stopping: Option<KeptStop>,
    /// The value of Date for all answers until the next wait.
    pub(super) date: Option<[u8; 29]>,
}

/// What a wait for octets brought.
enum Waited {
    Read(io::Result<usize>),
    Stopping,
    Late,
}

/// A handler at work.
type Handler<'a> = Pin<Box<dyn Future<Output = Response> + Send + 'a>>;

/// How a connection goes on after a step.
pub(super) enum Step {
    Next,
    /// Ends, with the last answer still to be read by the peer.
    Linger,
    /// Ends at once: nobody is there.
    Left,
    /// Becomes something else. The head of the answer waits behind this many octets of others.
    HandOver(Response, usize),
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
            deadline: None,
            drained: 0,
            alarm: Alarm::default(),
            stopping: None,
            date: None,
        }
    }

    /// Tells a client beyond the limit that there are too many, without reading its request.
    pub(crate) async fn turn_away(mut self: Box<Self>) {
        let retry_after = 1 + self.shared.config.entropy.draw() % 30;
        let response = Response::problem(503, "the server has as many connections as it takes")
            .with("Retry-After", retry_after.to_string());
        self.fail(response);
        self.link.linger(TURN_AWAY_LINGER, MAX_WAITING_LEN).await;
    }

    /// Boxed, since the future has room for each place that a connection is moved to.
    pub(crate) async fn run<H, F>(mut self: Box<Self>, handler: H)
    where
        H: Fn(Request) -> F,
        F: Future<Output = Response> + Send,
    {
        loop {
            match self.step(&handler).await {
                Step::Next if self.link.waiting_len() < MAX_WAITING_LEN => {}
                Step::Next => {
                    self.date = None;
                    if self.link.flush().await.is_err() {
                        return;
                    }
                }
                Step::Linger => {
                    let config = &self.shared.config;
                    let (linger, max) = (config.linger_timeout, config.max_linger_len);
                    return self.link.linger(linger, max).await;
                }
                Step::Left => return,
                Step::HandOver(response, others) => return self.hand_over(response, others),
            }
        }
    }

    async fn step<H, F>(&mut self, handler: &H) -> Step
    where
        H: Fn(Request) -> F,
        F: Future<Output = Response> + Send,
    {
        match self.link.next_event(&mut self.http) {
            Ok(Some(ServerEvent::Request(head))) => {
                self.deadline = None;
                self.drained = 0;
                // Boxed before any wait: the future has room for each place that a head is moved to.
                let feeder = Feeder::new(head.framing());
                let request = self.request(head, feeder.as_ref());
                // Thousands of requests fit into one read, and most are answered without a wait:
                // the others of this thread get their turn in between.
                tokio::task::coop::consume_budget().await;
                if self.shared.config.tap.is_some() && self.tap(request.head()).await.is_err() {
                    return Step::Left;
                }
                self.serve(request, feeder, handler).await
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
            Ok(Some(ServerEvent::Trailers(_))) => Step::Next,
            Ok(Some(ServerEvent::End)) => {
                // What was waited for has come; the next head has a time of its own.
                self.deadline = None;
                Step::Next
            }
            Ok(Some(ServerEvent::Closed)) => Step::Linger,
            Ok(None) => self.read().await,
            Err(error) => self.refuse(error),
        }
    }

    /// Asks the tap about a request. Boxed like all that seldom happens.
    #[cold]
    fn tap<'a>(
        &'a mut self,
        head: &'a RequestHead,
    ) -> Pin<Box<dyn Future<Output = io::Result<()>> + Send + 'a>> {
        Box::pin(async move {
            let Some(tap) = &self.shared.config.tap else {
                return Ok(());
            };
            let watch = self
                .link
                .watch
                .get_or_insert_with(|| Box::new(Watch::new(&self.shared.config.http)));
            let probe = watch.ask(tap, head, self.peer);
            // What waits is of earlier requests: it leaves before another hears, or nobody does.
            if probe.is_some() || watch.is_heard() {
                self.link.flush().await?;
            }
            if let Some(watch) = &mut self.link.watch {
                watch.begin(probe, head);
            }
            Ok(())
        })
    }

    /// Waits for octets of the next request, or for content that nobody wants.
    async fn read(&mut self) -> Step {
        self.date = None;
        if self.link.flush().await.is_err() {
            return Step::Left;
        }
        let config = &self.shared.config;
        let unread = self.http.request_unread();
        let idle = self.link.input.is_empty() && !unread;
        let stopping = self.shared.stop.is_stopping();
        // Nothing is under way: there is no answer that a reset could eat.
        if idle && stopping {
            return Step::Left;
        }
        let now = Instant::now();
        let due = if idle {
            self.deadline = None;
            deadline(now, config.idle_timeout)
        } else {
            let allowed = if unread {
                config.progress_timeout
            } else {
                config.head_timeout
            };
            *self.deadline.get_or_insert_with(|| deadline(now, allowed))
        };
        let due = if stopping {
            due.min(now + STOP_GRACE)
        } else {
            due
        };
        let kept = self.stopping.get_or_insert_with(|| self.shared.stop.kept());
        let (link, alarm) = (&mut self.link, &mut self.alarm);
        let waited = poll_fn(|cx| {
            if let Poll::Ready(read) = link.poll_read(cx) {
                return Poll::Ready(Waited::Read(read));
            }
            if !stopping && Pin::new(&mut *kept).poll(cx).is_ready() {
                return Poll::Ready(Waited::Stopping);
            }
            alarm.poll(cx, due).map(|()| Waited::Late)
        });
        match waited.await {
            Waited::Read(Ok(0)) => {
                self.http.receive_eof();
                Step::Next
            }
            Waited::Read(Ok(_)) | Waited::Stopping => Step::Next,
            Waited::Read(Err(_)) => Step::Left,
            // An idle connection ends without a word (RFC 9112 §9.5), and so does one that was
            // answered already.
            Waited::Late if idle || unread => Step::Linger,
            Waited::Late => self.fail(Response::problem(
                408,
                "the head of the request did not arrive in time",
            )),
        }
    }

    #[inline]
    fn request(&self, head: RequestHead, feeder: Option<&Feeder>) -> Request {
        Request::new(Parts {
            body: Body::new(head.framing(), feeder, &self.shared.unfinished),
            head,
            peer: self.peer,
            shared: self.shared.clone(),
        })
    }

    /// One request and its answer.
    async fn serve<H, F>(&mut self, request: Request, feeder: Option<Feeder>, handler: &H) -> Step
    where
        H: Fn(Request) -> F,
        F: Future<Output = Response> + Send,
    {
        let head = request.head();
        let from = self.link.consumed() - head.raw().len() as u64;
        // Compared as octets, since text would be checked to be such.
        let is_head = head.raw().starts_with(b"HEAD ");
        let framing = head.framing();
        if feeder.is_none() {
            // A request without content is whole at once, and so may be upgraded.
            match self.link.next_event(&mut self.http) {
                Ok(_) => {}
                Err(error) => return self.refuse(error),
            }
        }
        // Boxed, so that a connection between two requests does not own room for it, and made where it stays.
        let handler = Box::write(Box::new_uninit(), handler(request));
        let mut handler: Handler<'_> = Box::into_pin(handler);
        // Most handlers answer at once: what waits to be written then leaves with their answer.
        let mut answer = match poll_once(&mut handler).await {
            Some(response) => Ok(response),
            None => self.wait(handler, feeder.as_ref()).await,
        };
        loop {
            let response = match answer {
                Ok(response) => response,
                Err(FeedError::Left) => return Step::Left,
                Err(FeedError::Malformed(error)) => return self.refuse(error),
                Err(FeedError::Stalled) => {
                    let why = "the content of the request did not arrive in time";
                    return self.fail(Response::problem(408, why));
                }
            };
            let Content::Held(later) = response.content else {
                return self.answer(response, is_head, framing, from);
            };
            // A wait may be long, and there are many that wait.
            (self.alarm, self.stopping) = (Alarm::default(), None);
            // Field lines and meter of a held response are those of its answer.
            let (fields, meter, close) = (response.fields, response.meter, response.close);
            answer = self.wait(later, None).await.map(|mut answer| {
                answer.fields.extend(fields);
                answer.meter = answer.meter.or(meter);
                answer.close |= close;
                answer
            });
        }
    }

    /// Runs a handler, feeds it the content that it asks for, and drops it when the peer leaves.
    async fn wait(
        &mut self,
        mut handler: Handler<'_>,
        mut feeder: Option<&Feeder>,
    ) -> Result<Response, FeedError> {
        self.date = None;
        loop {
            if let Some(content) = feeder {
                tokio::select! {
                    biased;
                    response = &mut handler => return Ok(response),
                    fed = content.feed(&mut self.link, &mut self.http) => {
                        if fed? == Fed::All {
                            feeder = None;
                        }
                    }
                }
            } else if self.link.wants_write() {
                tokio::select! {
                    biased;
                    response = &mut handler => return Ok(response),
                    flushed = self.link.flush() => flushed.map_err(|_| FeedError::Left)?,
                }
            } else {
                self.link.release();
                tokio::select! {
                    biased;
                    response = &mut handler => return Ok(response),
                    () = self.link.peer_gone() => return Err(FeedError::Left),
                }
            }
        }
    }

    /// Answers octets that break HTTP with the status that the rule names, then closes.
    fn refuse(&mut self, error: ReceiveError) -> Step {
        tracing::debug!(peer = %self.peer, %error, "malformed request");
        self.fail(Response::problem(error.status(), &error.to_string()))
    }
}

/// Polls a handler one time.
async fn poll_once(handler: &mut Handler<'_>) -> Option<Response> {
    poll_fn(|cx| match handler.as_mut().poll(cx) {
        Poll::Ready(response) => Poll::Ready(Some(response)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}
