//! The server's end: requests in, responses out, one at a time (RFC 9112 §9.3).
//!
//! ```text
//! receive:  Head ──request──> Content ──End──> Whole ──response finished──> Head, or Ending ──> Closed
//! send:     Idle ──request──> Awaiting ──send_response──> Content ──send_end──> Idle
//! ```
//! No request is parsed while a response is open: the octets wait in the caller's input.

mod send;

use alloc::boxed::Box;

use bytes::{Bytes, BytesMut};

use super::{CloseReason, HeadSearch};
use crate::body::BodyDecoder;
use crate::chunked::Piece;
use crate::encode::BodyWriter;
use crate::error::ReceiveError;
use crate::fields::Fields;
use crate::framing::{Framing, MethodKind};
use crate::head::{RequestHead, Version};
use crate::leniency::Config;
use crate::limits::Limits;
use crate::plain;
use crate::scan::Part;

/// What the server's end reports.
#[derive(Clone, Debug)]
pub enum ServerEvent {
    /// The head of a request. `End` follows, with `Data` and `Trailers` between when it has content.
    Request(RequestHead),
    /// Octets of content, never empty.
    Data(Bytes),
    /// The trailer section of a chunked content, when it has a field.
    Trailers(Fields),
    /// The request is complete.
    End,
    /// No request will follow: the peer ended its side between requests, or the last response said `close`.
    Closed,
}

#[derive(Debug)]
enum Receive {
    /// Between requests, or inside a head.
    Head(HeadSearch),
    Content(BodyDecoder),
    /// The request is complete; the next one waits for its response.
    Whole {
        at: u64,
    },
    /// `Closed` is to be reported.
    Ending,
    Closed,
    Upgraded,
    Failed(ReceiveError),
}

/// What the response must know of its request.
#[derive(Debug)]
struct Exchange {
    version: Version,
    method: MethodKind,
    keep_alive: bool,
    /// The client waits for 100, as far as is known.
    waits: bool,
    /// The fields of a request that offers a switch of protocols.
    offer: Option<Box<Fields>>,
}

#[derive(Debug)]
enum Send {
    /// No request is at hand.
    Idle,
    /// Nothing of the final response is sent.
    Awaiting(Exchange),
    /// No request came out of the peer's octets; one response may say so.
    Refusing,
    Content(BodyWriter),
    Upgraded,
}

/// The server's end of a connection.
///
/// Feed octets to [`next_event`](Self::next_event) until it yields `None`, answer each request,
/// write what gathers in `out`.
///
/// ```
/// use bytes::BytesMut;
/// use tidings_http1::{Content, Limits, Next, ServerConnection, ServerEvent};
/// let mut connection = ServerConnection::new(Limits::default());
/// let mut input = BytesMut::from(&b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"[..]);
/// let mut out = BytesMut::new();
/// while let Some(event) = connection.next_event(&mut input)? {
///     if let ServerEvent::End = event {
///         connection.send_response(200, [("X", &b"y"[..])], Content::Length(2), &mut out)?;
///         connection.send_data(b"hi", &mut out)?;
///         assert_eq!(connection.send_end(&mut out)?, Next::Reuse);
///     }
/// }
/// assert_eq!(&out[..], b"HTTP/1.1 200 OK\r\nX: y\r\nContent-Length: 2\r\n\r\nhi");
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct ServerConnection {
    config: Config,
    eof: bool,
    receive: Receive,
    send: Send,
    /// Set once the connection cannot outlive the exchange at hand.
    close: Option<CloseReason>,
}

impl ServerConnection {
    /// A connection on which nothing was received.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self::with_config(Config::from(limits))
    }

    /// A connection that relaxes what [`Config::leniency`] names; [`new`](Self::new) relaxes nothing.
    #[must_use]
    pub fn with_config(config: Config) -> Self {
        Self {
            config,
            eof: false,
            receive: Receive::Head(HeadSearch::new(Part::Request, 0)),
            send: Send::Idle,
            close: None,
        }
    }

    /// Takes octets off `input` and reports the next event.
    ///
    /// `None`: more input is needed, or the response of the request at hand is not finished, or
    /// the connection is closed or upgraded. Octets that belong to a later request, or to another
    /// protocol, stay in `input`.
    ///
    /// # Errors
    ///
    /// The rule that the peer broke; every later call gives the same error. One final response may
    /// still be sent, if none was begun: see [`ReceiveError::status`].
    #[inline]
    pub fn next_event(
        &mut self,
        input: &mut BytesMut,
    ) -> Result<Option<ServerEvent>, ReceiveError> {
        match &mut self.receive {
            Receive::Head(search) => {
                // Nothing came since the last look, or nothing that decides.
                if !self.eof && (search.goes_on(input) || input.is_empty()) {
                    Ok(None)
                } else {
                    self.next_request(input)
                }
            }
            Receive::Content(_) => self.next_content(input),
            Receive::Ending => {
                self.receive = Receive::Closed;
                Ok(Some(ServerEvent::Closed))
            }
            Receive::Whole { .. } | Receive::Closed | Receive::Upgraded => Ok(None),
            Receive::Failed(error) => Err(*error),
        }
    }

    /// Kept apart, so that an octet that decides nothing passes through a small function.
    #[inline(never)]
    fn next_request(&mut self, input: &mut BytesMut) -> Result<Option<ServerEvent>, ReceiveError> {
        let Receive::Head(search) = &mut self.receive else {
            return Ok(None);
        };
        if search.may_be_whole(input) {
            let mut head = RequestHead::unread();
            if let Some((len, verdict)) = plain::read(input, &self.config, &mut head) {
                let raw = input.split_to(len).freeze();
                return match search.judge(verdict) {
                    Ok(()) => {
                        let at = search.at + len as u64;
                        head.fields.hold(raw);
                        self.accept(&head, at);
                        Ok(Some(ServerEvent::Request(head)))
                    }
                    Err(error) => Err(self.fail(error)),
                };
            }
        }
        match search.find(input, &self.config) {
            Ok(None) if !self.eof => Ok(None),
            Ok(None) if input.is_empty() => {
                self.receive = Receive::Closed;
                Ok(Some(ServerEvent::Closed))
            }
            Ok(None) => {
                let error = search.truncated(input);
                Err(self.fail(error))
            }
            Ok(Some(len)) => {
                let at = search.at + len as u64;
                match search.request(input.split_to(len).freeze(), &self.config) {
                    Ok(head) => {
                        self.accept(&head, at);
                        Ok(Some(ServerEvent::Request(head)))
                    }
                    Err(error) => Err(self.fail(error)),
                }
            }
            Err(error) => Err(self.fail(error)),
        }
    }

    #[inline(never)]
    fn next_content(&mut self, input: &mut BytesMut) -> Result<Option<ServerEvent>, ReceiveError> {
        let Receive::Content(decoder) = &mut self.receive else {
            return Ok(None);
        };
        if self.eof {
            decoder.receive_eof();
        }
        match decoder.next_piece(input) {
            Ok(Some(Piece::Data(data))) => {
                self.stop_waiting();
                Ok(Some(ServerEvent::Data(data)))
            }
            Ok(Some(Piece::Trailers(fields))) => {
                self.stop_waiting();
                Ok(Some(ServerEvent::Trailers(*fields)))
            }
            Ok(Some(Piece::End)) => {
                self.receive = Receive::Whole {
                    at: decoder.position(),
                };
                self.settle();
                Ok(Some(ServerEvent::End))
            }
            Ok(None) => Ok(None),
            Err(error) => Err(self.fail(error)),
        }
    }

    fn accept(&mut self, head: &RequestHead, at: u64) {
        if !head.keep_alive() {
            self.close = Some(match (head.says_close(), head.length_overridden()) {
                (true, _) => CloseReason::PeerAsked,
                (false, true) => CloseReason::LengthAndCoding,
                (false, false) => CloseReason::Http10,
            });
        }
        self.send = Send::Awaiting(Exchange {
            version: head.version(),
            method: MethodKind::of(head.method.of(head.raw())),
            keep_alive: head.keep_alive(),
            waits: head.expects_continue(),
            offer: head
                .offers_upgrade()
                .then(|| Box::new(head.fields().clone())),
        });
        self.receive = Receive::Content(BodyDecoder::at(head.framing(), &self.config, false, at));
    }

    /// Nothing that follows `error` is looked at.
    fn fail(&mut self, error: ReceiveError) -> ReceiveError {
        if matches!(self.receive, Receive::Head(_)) {
            self.send = Send::Refusing;
        }
        self.receive = Receive::Failed(error);
        self.close = Some(CloseReason::PeerFailed);
        error
    }

    /// Content came, so the client does not wait for 100.
    fn stop_waiting(&mut self) {
        if let Send::Awaiting(exchange) = &mut self.send {
            exchange.waits = false;
        }
    }

    /// Goes on to the next request once both sides of the exchange are finished.
    fn settle(&mut self) {
        if let (Receive::Whole { at }, Send::Idle) = (&self.receive, &self.send) {
            self.receive = match self.close {
                // RFC 9112 §9.6: nothing behind the last exchange is ever looked at.
                Some(_) => Receive::Ending,
                None => Receive::Head(HeadSearch::new(Part::Request, *at)),
            };
        }
    }

    /// Tells that the peer sends nothing after what `next_event` is given.
    ///
    /// `next_event` then yields `Closed` between requests, and [`ErrorKind::Truncated`](crate::ErrorKind::Truncated) inside one.
    pub fn receive_eof(&mut self) {
        self.eof = true;
    }

    /// Whether the peer's end of input was told, also while pipelined octets still wait in the input.
    ///
    /// While a response is made it means that the client has gone, or reads on with its sending side closed: a
    /// server may drop the work. Behind the last response it means that nothing more can come: without it the
    /// connection closes in two steps, or a reset may destroy the response on its way (RFC 9112 §9.6).
    #[must_use]
    pub fn peer_ended(&self) -> bool {
        self.eof
    }

    /// Takes no request any more. Where none is at hand one response may still be sent, the last:
    /// 408 for a head that does not come to its end, 503 to a client that is not served.
    pub fn stop_receiving(&mut self) {
        self.close_after_response();
        if matches!((&self.receive, &self.send), (Receive::Head(_), Send::Idle)) {
            self.receive = Receive::Closed;
            self.send = Send::Refusing;
        }
    }

    /// Whether a request was delivered and its final response is not finished.
    #[must_use]
    pub fn awaits_response(&self) -> bool {
        match self.send {
            Send::Awaiting(_) | Send::Content(_) => true,
            Send::Idle | Send::Refusing | Send::Upgraded => false,
        }
    }

    /// Whether a final response can be begun: for a request at hand, or to refuse the peer's octets.
    #[must_use]
    pub fn can_respond(&self) -> bool {
        match self.send {
            Send::Awaiting(_) | Send::Refusing => true,
            Send::Idle | Send::Content(_) | Send::Upgraded => false,
        }
    }

    /// Whether content of the request at hand, or of the one just answered, is not all in.
    #[must_use]
    pub fn request_unread(&self) -> bool {
        matches!(self.receive, Receive::Content(_))
    }

    /// Octets of content that the client has announced and that were not handed out yet: the rest
    /// of Content-Length, or of the chunk at hand. Lets a server refuse too much before it comes.
    #[must_use]
    pub fn announced_len(&self) -> u64 {
        match &self.receive {
            Receive::Content(decoder) => decoder.announced_len(),
            Receive::Head(_)
            | Receive::Whole { .. }
            | Receive::Ending
            | Receive::Closed
            | Receive::Upgraded
            | Receive::Failed(_) => 0,
        }
    }

    /// Whether the client waits for `100 Continue`: it expects it, none of its content was seen, and nothing was answered.
    #[must_use]
    pub fn wants_continue(&self) -> bool {
        matches!(
            (&self.receive, &self.send),
            (
                Receive::Content(_),
                Send::Awaiting(Exchange { waits: true, .. })
            )
        )
    }

    /// Makes the response at hand, or the next one, the last; it says `Connection: close` if its head is not sent yet.
    pub fn close_after_response(&mut self) {
        self.close.get_or_insert(CloseReason::WeAsked);
    }

    /// Framing of what is left of the response being sent; `None` when there is none.
    #[must_use]
    pub fn response_framing(&self) -> Framing {
        match self.send {
            Send::Content(body) => body.framing(),
            Send::Idle | Send::Awaiting(_) | Send::Refusing | Send::Upgraded => Framing::None,
        }
    }
}
