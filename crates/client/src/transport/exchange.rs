//! One request and its whole answer, over a connection that may be used again.

use core::mem;
use core::time::Duration;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::{Bytes, BytesMut};
use tidings_http1::{ClientConnection, ClientEvent, Content, Fields, Framing, Next, ResponseHead};

use crate::{EndReason, Error, wire};

/// What is read of the body of an answer that is no success, for its explanation.
pub(super) const MAX_PROBLEM_LEN: usize = 8 * 1024;
/// Longest `Retry-After` that is obeyed: a server that asks for more is asked again after this.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(120);

/// A connection on which one request after the other is answered.
#[derive(Debug)]
pub(crate) struct Exchange {
    http: ClientConnection,
    answer: Gathering,
    max_len: usize,
    answers: u64,
    reusable: bool,
}

/// How much of an answer is there.
#[derive(Debug)]
enum Gathering {
    Idle,
    /// A request is out and no head came.
    Head,
    Body {
        head: Box<ResponseHead>,
        body: BytesMut,
    },
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) head: ResponseHead,
    pub(crate) body: Bytes,
}

impl Exchange {
    /// Begins on a fresh connection; `max_len` bounds the body of an answer.
    pub(crate) fn new(max_len: usize) -> Self {
        Self {
            http: ClientConnection::new(tidings_http1::Limits::default()),
            answer: Gathering::Idle,
            max_len,
            answers: 0,
            reusable: true,
        }
    }

    /// Writes a request, with a body where one is given.
    pub(crate) fn ask(
        &mut self,
        method: &str,
        target: &str,
        fields: &[(&str, &[u8])],
        body: Option<&[u8]>,
        out: &mut BytesMut,
    ) -> Result<(), Error> {
        let len = body.map(|body| u64::try_from(body.len()).unwrap_or(u64::MAX));
        let content = len.map_or(Content::None, Content::Length);
        let fields = fields.iter().copied();
        self.http
            .send_request(method, target, fields, content, out)
            .map_err(Error::Request)?;
        if let Some(body) = body {
            self.http.send_data(body, out).map_err(Error::Request)?;
        }
        self.http.send_end(out).map_err(Error::Request)?;
        self.answer = Gathering::Head;
        Ok(())
    }

    /// Takes octets off `input` until the answer is whole.
    pub(crate) fn receive(&mut self, input: &mut BytesMut) -> Result<Option<Answer>, Error> {
        while let Some(event) = self.http.next_event(input).map_err(http_error)? {
            match event {
                ClientEvent::Informational(_) | ClientEvent::Trailers(_) => {}
                ClientEvent::Response(head) => {
                    // It would not end.
                    let media_type = head.fields().get("Content-Type");
                    if media_type.is_some_and(tidings_sse::is_event_stream) {
                        return Err(Error::Protocol("the answer is an event stream"));
                    }
                    if let Framing::Length(len) = head.framing() {
                        self.check_len(usize::try_from(len).unwrap_or(usize::MAX))?;
                    }
                    self.answer = Gathering::Body {
                        head: Box::new(head),
                        body: BytesMut::new(),
                    };
                }
                ClientEvent::Data(data) => {
                    if let Gathering::Body { body, .. } = &mut self.answer {
                        let len = body.len().saturating_add(data.len());
                        body.extend_from_slice(&data);
                        self.check_len(len)?;
                    }
                }
                ClientEvent::End(next) => {
                    self.reusable = matches!(next, Next::Reuse);
                    let answer = mem::replace(&mut self.answer, Gathering::Idle);
                    if let Gathering::Body { head, body } = answer {
                        self.answers += 1;
                        return Ok(Some(Answer {
                            head: *head,
                            body: body.freeze(),
                        }));
                    }
                }
                ClientEvent::Upgraded(_) => {
                    return Err(Error::Protocol("it switched protocols unasked"));
                }
                ClientEvent::Closed => return Err(Error::Cut),
            }
        }
        Ok(None)
    }

    /// Tells the end of the peer's octets; an answer that they delimit is whole then.
    pub(crate) fn receive_eof(&mut self, input: &mut BytesMut) -> Result<Option<Answer>, Error> {
        self.reusable = false;
        self.http.receive_eof();
        self.receive(input)
    }

    /// Tells whether another request may be written to this connection.
    pub(crate) fn is_reusable(&self) -> bool {
        self.reusable && matches!(self.answer, Gathering::Idle) && self.http.can_send()
    }

    /// Tells whether the connection lapsed between two requests rather than failed: it gave
    /// answers before, and no octet of this one.
    pub(crate) fn lapsed(&self, error: &Error) -> bool {
        matches!(error, Error::Io(_) | Error::Cut | Error::Http(_))
            && matches!(self.answer, Gathering::Head)
            && self.answers > 0
    }

    fn check_len(&self, len: usize) -> Result<(), Error> {
        if len > self.max_len {
            return Err(Error::TooLarge {
                what: "an answer",
                max: self.max_len,
            });
        }
        Ok(())
    }
}

/// An answer that is no event stream and no upgrade, read as far as it explains itself.
#[derive(Debug)]
pub(super) struct Refusal {
    head: ResponseHead,
    body: BytesMut,
}

impl Refusal {
    pub(super) fn new(head: ResponseHead) -> Self {
        Self {
            head,
            body: BytesMut::new(),
        }
    }

    /// Takes an event behind the head. An error is the refusal, understood.
    pub(super) fn receive(&mut self, event: ClientEvent) -> Result<(), Error> {
        match event {
            ClientEvent::Data(data) => {
                let room = MAX_PROBLEM_LEN - self.body.len();
                self.body
                    .extend_from_slice(data.get(..room).unwrap_or(&data));
                if self.body.len() == MAX_PROBLEM_LEN {
                    Err(self.error())
                } else {
                    Ok(())
                }
            }
            ClientEvent::End(_) | ClientEvent::Closed => Err(self.error()),
            ClientEvent::Informational(_)
            | ClientEvent::Response(_)
            | ClientEvent::Trailers(_)
            | ClientEvent::Upgraded(_) => Ok(()),
        }
    }

    pub(super) fn error(&self) -> Error {
        status_error(&self.head, &self.body)
    }
}

/// Makes an error of an answer whose status is no success.
pub(crate) fn status_error(head: &ResponseHead, body: &[u8]) -> Error {
    match head.status() {
        410 => Error::Ended {
            reason: EndReason::Deleted,
        },
        status => Error::Status {
            status,
            detail: wire::decode_problem(body),
            body: String::from_utf8_lossy(body.get(..MAX_PROBLEM_LEN).unwrap_or(body)).into_owned(),
            retry_after: retry_after(head.fields(), unix_now()),
        },
    }
}

/// An error of the codec; the end inside a message is a cut, which a later attempt may mend.
pub(super) fn http_error(error: tidings_http1::ReceiveError) -> Error {
    match error.kind() {
        tidings_http1::ErrorKind::Truncated => Error::Cut,
        _ => Error::Http(error),
    }
}

/// Reads `Retry-After`: seconds or a date (RFC 9110 §10.2.3).
fn retry_after(fields: &Fields, unix_now: u64) -> Option<Duration> {
    let value = fields.get("Retry-After")?.trim_ascii();
    let seconds = match core::str::from_utf8(value).ok().map(str::parse::<u64>) {
        Some(Ok(seconds)) => seconds,
        _ => tidings_http1::date::parse(value)?.saturating_sub(unix_now),
    };
    Some(Duration::from_secs(seconds).min(MAX_RETRY_AFTER))
}

fn unix_now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer_with(field: &str) -> Answer {
        let mut exchange = Exchange::new(1000);
        let mut out = BytesMut::new();
        let host = [("Host", &b"h"[..])];
        exchange.ask("GET", "/", &host, None, &mut out).unwrap();
        let octets = format!("HTTP/1.1 503 X\r\nContent-Length: 0\r\n{field}\r\n");
        let answer = exchange.receive(&mut BytesMut::from(octets.as_bytes()));
        answer.unwrap().expect("it is whole")
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_rfc9110_10_2_3() {
        // Sun, 06 Nov 1994 08:49:37 GMT
        let then = 784_111_777;
        let rows = [
            ("", then, None),
            ("Retry-After: 7\r\n", then, Some(7)),
            ("Retry-After: 0\r\n", then, Some(0)),
            ("Retry-After: 99999999\r\n", then, Some(120)),
            (
                "Retry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\n",
                then - 30,
                Some(30),
            ),
            (
                "Retry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\n",
                then + 30,
                Some(0),
            ),
            ("Retry-After: soon\r\n", then, None),
            ("Retry-After: -1\r\n", then, None),
        ];
        for (field, now, want) in rows {
            let got = retry_after(answer_with(field).head.fields(), now);
            assert_eq!(got, want.map(Duration::from_secs), "{field}");
        }
    }

    #[test]
    fn a_connection_is_used_again_only_where_the_answer_allows_it() {
        let rows = [
            ("HTTP/1.1 200 X\r\nContent-Length: 0\r\n\r\n", true),
            (
                "HTTP/1.1 200 X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                false,
            ),
            ("HTTP/1.0 200 X\r\nContent-Length: 0\r\n\r\n", false),
        ];
        for (octets, reusable) in rows {
            let mut exchange = Exchange::new(1000);
            let host = [("Host", &b"h"[..])];
            exchange
                .ask("GET", "/", &host, None, &mut BytesMut::new())
                .unwrap();
            assert!(!exchange.is_reusable(), "an answer is due");
            let mut input = BytesMut::from(octets.as_bytes());
            assert!(exchange.receive(&mut input).unwrap().is_some());
            assert_eq!(exchange.is_reusable(), reusable, "{octets}");
        }
    }
}
