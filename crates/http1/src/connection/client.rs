//! The client's end: requests out, responses in, matched in order (RFC 9112 §9.2).
//!
//! ```text
//! receive:  Head ──response──> Content ──End──> Head, or Ending ──> Closed
//!           Head ──101, or 2xx to CONNECT──> Upgraded
//! send:     Open ──send_request──> Content ──send_end──> Open
//! ```

use alloc::collections::VecDeque;

use bytes::{Bytes, BytesMut};

use super::{CloseReason, HeadSearch, Next};
use crate::body::{BodyDecoder, BodyEvent};
use crate::encode::{self, BodyWriter, Content, all_or_nothing};
use crate::error::{ErrorKind, ReceiveError, SendError};
use crate::fields::Fields;
use crate::framing::{Framing, MethodKind};
use crate::head::{ResponseHead, Version};
use crate::leniency::{Config, Leniency};
use crate::limits::Limits;
use crate::octets::is_uri;
use crate::scan::Part;
use crate::target;

/// What the client's end reports.
#[derive(Clone, Debug)]
pub enum ClientEvent {
    /// A 1xx response other than 101; the final one is still to come.
    Informational(ResponseHead),
    /// The head of the final response to the oldest request. `End` follows.
    Response(ResponseHead),
    /// Octets of content, never empty.
    Data(Bytes),
    /// The trailer section of a chunked content, when it has a field.
    Trailers(Fields),
    /// The response is complete.
    End(Next),
    /// 101, or a 2xx to CONNECT: the input from here on belongs to another protocol. Whether it
    /// is a protocol that the request offered is for the caller to check.
    Upgraded(ResponseHead),
    /// No response will follow. What is still [`unanswered`](ClientConnection::unanswered) was not
    /// processed to the client's knowledge (RFC 9110 §9.2.2).
    Closed,
}

#[derive(Debug)]
enum Receive {
    /// Between responses, or inside a head.
    Head {
        search: HeadSearch,
        informational: usize,
    },
    /// `close` is set when the response is the last.
    Content {
        body: BodyDecoder,
        close: Option<CloseReason>,
    },
    /// `Closed` is to be reported.
    Ending,
    Closed,
    Upgraded,
    Failed(ReceiveError),
}

/// What a response must know of its request.
#[derive(Clone, Copy, Debug)]
struct Outstanding {
    method: MethodKind,
    /// The request said `close`.
    last: bool,
    /// The response may switch protocols, so no request may stand behind this one.
    may_switch: bool,
}

/// The client's end of a connection.
///
/// ```
/// use bytes::BytesMut;
/// use tidings_http1::{ClientConnection, ClientEvent, Content, Limits, Next};
/// let mut connection = ClientConnection::new(Limits::default());
/// let mut out = BytesMut::new();
/// connection.send_request("GET", "/x", [("Host", &b"a"[..])], Content::None, &mut out)?;
/// assert_eq!(&out[..], b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
///
/// let mut input = BytesMut::from(&b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"[..]);
/// let Some(ClientEvent::Response(head)) = connection.next_event(&mut input)? else { panic!() };
/// assert_eq!(head.status(), 200);
/// let Some(ClientEvent::Data(data)) = connection.next_event(&mut input)? else { panic!() };
/// assert_eq!(data, "hi");
/// let Some(ClientEvent::End(next)) = connection.next_event(&mut input)? else { panic!() };
/// assert_eq!(next, Next::Reuse);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct ClientConnection {
    config: Config,
    eof: bool,
    receive: Receive,
    /// The content of the newest request, while it is not all sent.
    sending: Option<BodyWriter>,
    outstanding: VecDeque<Outstanding>,
    /// The version that the server is known to speak.
    server: Option<Version>,
}

impl ClientConnection {
    /// A connection on which nothing was sent. It reads strictly, save for what [`Leniency::client`] names.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self::with_config(Config::new(limits, Leniency::client()))
    }

    /// A connection that relaxes what [`Config::leniency`] names, and nothing else.
    #[must_use]
    pub fn with_config(config: Config) -> Self {
        Self {
            config,
            eof: false,
            receive: Self::head_at(0),
            sending: None,
            outstanding: VecDeque::new(),
            server: None,
        }
    }

    fn head_at(at: u64) -> Receive {
        Receive::Head {
            search: HeadSearch::new(Part::Response, at),
            informational: 0,
        }
    }

    /// Takes it as known that the server speaks HTTP/1.1, so that the first request may be chunked (RFC 9112 §6.1).
    pub fn assume_http11(&mut self) {
        self.server.get_or_insert(Version::Http11);
    }

    /// How many requests have no complete final response.
    #[must_use]
    pub fn unanswered(&self) -> usize {
        self.outstanding.len()
    }

    /// Whether another request can be sent at this point.
    ///
    /// False also when octets came that no request asked for (RFC 9112 §9.2).
    #[must_use]
    pub fn can_send(&self) -> bool {
        self.ready().is_ok()
    }

    fn ready(&self) -> Result<(), SendError> {
        match (&self.receive, self.outstanding.back()) {
            (Receive::Ending | Receive::Closed | Receive::Upgraded | Receive::Failed(_), _)
            | (Receive::Content { close: Some(_), .. }, _)
            | (_, Some(Outstanding { last: true, .. })) => Err(SendError::Closed),
            (
                _,
                Some(Outstanding {
                    may_switch: true, ..
                }),
            ) => Err(SendError::WrongState),
            (Receive::Head { .. } | Receive::Content { close: None, .. }, _) => {
                match (self.sending, self.eof) {
                    (Some(_), _) => Err(SendError::WrongState),
                    (None, true) => Err(SendError::Closed),
                    (None, false) => Ok(()),
                }
            }
        }
    }

    /// Writes the head of a request; requests may be sent before earlier ones are answered (pipelining).
    ///
    /// With content, `send_data` and `send_end` follow; without, `send_end` may be left out. The
    /// codec writes Content-Length or Transfer-Encoding, and the `Upgrade` option when the fields
    /// hold Upgrade. `fields` hold exactly one Host, best first.
    ///
    /// # Errors
    ///
    /// The method, the target (origin-form, absolute-form for a proxy, `host:port` for CONNECT,
    /// `*` for OPTIONS) or a field must not be sent, the content needs a length, or the connection
    /// takes no request at this point; nothing is written.
    pub fn send_request<'f>(
        &mut self,
        method: &str,
        target: &str,
        fields: impl IntoIterator<Item = (&'f str, &'f [u8])>,
        content: Content,
        out: &mut BytesMut,
    ) -> Result<(), SendError> {
        self.ready()?;
        if !encode::is_token(method) {
            return Err(SendError::InvalidMethod);
        }
        if !target.bytes().all(is_uri)
            || target::parse(method.as_bytes(), target.as_bytes(), 0).is_none()
        {
            return Err(SendError::InvalidTarget);
        }
        let body = match (content, self.server) {
            (Content::None | Content::Length(0), _) => BodyWriter::None,
            // RFC 9110 §9.3.6, §9.3.8: these two have no content.
            (Content::Length(_) | Content::Unknown, _) if matches!(method, "CONNECT" | "TRACE") => {
                return Err(SendError::BodyNotAllowed);
            }
            (Content::Length(left), _) => BodyWriter::Length { left },
            (Content::Unknown, Some(Version::Http11)) => BodyWriter::Chunked,
            (Content::Unknown, Some(Version::Http10) | None) => return Err(SendError::NeedLength),
        };
        let given = all_or_nothing(out, |out| {
            for part in [method, " ", target, " HTTP/1.1\r\n"] {
                out.extend_from_slice(part.as_bytes());
            }
            let given = encode::put_fields(fields, out)?;
            if given.hosts != 1 || given.host_invalid {
                return Err(SendError::Host);
            }
            if given.expects_continue && body == BodyWriter::None {
                return Err(SendError::ExpectWithoutContent);
            }
            given.put_connection(None, out);
            match body {
                // RFC 9110 §8.6: these methods give content a meaning, so its absence is said.
                BodyWriter::None if matches!(method, "POST" | "PUT" | "PATCH") => {
                    encode::put_content_length(0, out);
                }
                BodyWriter::None | BodyWriter::UntilClose => {}
                BodyWriter::Length { left } => encode::put_content_length(left, out),
                BodyWriter::Chunked => encode::put_chunked(out),
            }
            out.extend_from_slice(b"\r\n");
            Ok(given)
        })?;
        let method = MethodKind::of(method.as_bytes());
        let may_switch = given.upgrade || method == MethodKind::Connect;
        self.outstanding.push_back(Outstanding {
            method,
            last: given.close,
            may_switch,
        });
        self.sending = (body != BodyWriter::None).then_some(body);
        Ok(())
    }

    /// Writes content of the request: as one chunk when it is chunked. Empty data writes nothing.
    ///
    /// # Errors
    ///
    /// More than Content-Length said, or no request with content is open; nothing is written.
    pub fn send_data(&mut self, data: &[u8], out: &mut BytesMut) -> Result<(), SendError> {
        match &mut self.sending {
            Some(body) => body.put_data(data, out),
            None if data.is_empty() => Ok(()),
            None => Err(SendError::WrongState),
        }
    }

    /// Ends the request. A request without content is complete already; ending it writes nothing.
    ///
    /// # Errors
    ///
    /// [`SendError::ShortBody`] when Content-Length promised more: send the rest, or close the connection.
    pub fn send_end(&mut self, out: &mut BytesMut) -> Result<(), SendError> {
        if let Some(body) = self.sending {
            body.put_end(out)?;
        }
        self.sending = None;
        Ok(())
    }

    /// Ends a chunked request with a trailer section, instead of [`send_end`](Self::send_end).
    ///
    /// # Errors
    ///
    /// The request is not chunked, or a field must not stand in trailers; nothing is written.
    pub fn send_trailers<'f>(
        &mut self,
        trailers: impl IntoIterator<Item = (&'f str, &'f [u8])>,
        out: &mut BytesMut,
    ) -> Result<(), SendError> {
        self.sending
            .ok_or(SendError::TrailersNeedChunked)?
            .put_trailers(trailers, out)?;
        self.sending = None;
        Ok(())
    }

    /// Tells that the server sends nothing after what `next_event` is given.
    pub fn receive_eof(&mut self) {
        self.eof = true;
    }

    /// Takes octets off `input` and reports the next event.
    ///
    /// `None`: more input is needed, or the connection is closed or upgraded. Octets behind the
    /// last expected response are never read as one: `Closed` follows, and they stay in `input`.
    ///
    /// # Errors
    ///
    /// The rule that the server broke; every later call gives the same error.
    pub fn next_event(
        &mut self,
        input: &mut BytesMut,
    ) -> Result<Option<ClientEvent>, ReceiveError> {
        if let Receive::Head { search, .. } = &mut self.receive
            && !self.eof
            && search.goes_on(input)
        {
            return Ok(None);
        }
        self.advance(input)
            .inspect_err(|error| self.receive = Receive::Failed(*error))
    }

    fn advance(&mut self, input: &mut BytesMut) -> Result<Option<ClientEvent>, ReceiveError> {
        match &mut self.receive {
            Receive::Head {
                search,
                informational,
            } => {
                let Some(&request) = self.outstanding.front() else {
                    // RFC 9112 §9.2: octets that no request asked for are not a response.
                    if input.is_empty() && !self.eof {
                        return Ok(None);
                    }
                    self.receive = Receive::Closed;
                    return Ok(Some(ClientEvent::Closed));
                };
                let Some(len) = search.find(input, &self.config)? else {
                    return match (self.eof, input.is_empty()) {
                        (false, _) => Ok(None),
                        (true, false) => Err(search.truncated(input)),
                        (true, true) => {
                            self.receive = Receive::Closed;
                            Ok(Some(ClientEvent::Closed))
                        }
                    };
                };
                let raw = input.split_to(len).freeze();
                let head =
                    ResponseHead::parse(raw, &search.scan, request.method, self.config.leniency);
                let head = search.judge(head)?;
                let (at, seen) = (search.at + len as u64, *informational);
                self.accept(head, request, at, seen).map(Some)
            }
            Receive::Content { body, close } => {
                if self.eof {
                    body.receive_eof();
                }
                let Some(event) = body.decode(input)? else {
                    return Ok(None);
                };
                let (close, at) = (*close, body.position());
                Ok(Some(match event {
                    BodyEvent::Data(data) => ClientEvent::Data(data),
                    BodyEvent::Trailers(fields) => ClientEvent::Trailers(fields),
                    BodyEvent::End => ClientEvent::End(self.finish(close, at, input)),
                }))
            }
            Receive::Ending => {
                self.receive = Receive::Closed;
                Ok(Some(ClientEvent::Closed))
            }
            Receive::Closed | Receive::Upgraded => Ok(None),
            Receive::Failed(error) => Err(*error),
        }
    }

    fn accept(
        &mut self,
        head: ResponseHead,
        request: Outstanding,
        at: u64,
        seen: usize,
    ) -> Result<ClientEvent, ReceiveError> {
        self.server = Some(head.version());
        let switch = head.status() == 101 || head.framing() == Framing::Tunnel;
        if switch {
            self.outstanding.pop_front();
            self.sending = None;
            self.receive = Receive::Upgraded;
            return Ok(ClientEvent::Upgraded(head));
        }
        if head.status() < 200 {
            if seen >= self.config.limits.max_informational {
                let start = at - head.raw().len() as u64;
                return Err(ReceiveError::new(ErrorKind::TooManyInformational, start));
            }
            self.receive = Receive::Head {
                search: HeadSearch::new(Part::Response, at),
                informational: seen + 1,
            };
            return Ok(ClientEvent::Informational(head));
        }
        let close = match (head.framing(), head.keep_alive(), head.version()) {
            (Framing::UntilClose, _, _) => Some(CloseReason::UntilClose),
            _ if head.length_overridden() => Some(CloseReason::LengthAndCoding),
            (_, true, _) if request.last => Some(CloseReason::WeAsked),
            (_, true, _) => None,
            (_, false, Version::Http10) if !head.fields().has_token("connection", "close") => {
                Some(CloseReason::Http10)
            }
            (_, false, Version::Http10 | Version::Http11) => Some(CloseReason::PeerAsked),
        };
        let body = BodyDecoder::at(head.framing(), &self.config, true, at);
        self.receive = Receive::Content { body, close };
        Ok(ClientEvent::Response(head))
    }

    fn finish(&mut self, close: Option<CloseReason>, at: u64, input: &BytesMut) -> Next {
        self.outstanding.pop_front();
        let unsent = self.sending.is_some() && self.outstanding.is_empty();
        let close = close.or_else(|| unsent.then_some(CloseReason::RequestUnfinished));
        let unasked = self.outstanding.is_empty() && !input.is_empty();
        self.receive = if close.is_some() || unasked {
            Receive::Ending
        } else {
            Self::head_at(at)
        };
        close.map_or(Next::Reuse, Next::Close)
    }
}
