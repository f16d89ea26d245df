//! Answers: encoded behind what waits, the fate of the connection, and what an answer turns it into.

use bytes::{Bytes, BytesMut};
use tidings_http1::{Content as ContentLen, Framing, Next, SendError};

use super::clock::http_date;
use super::connection::{Connection, Step};
use super::event_stream::EventStream;
use super::response::{Content, Response};
use super::websocket::WebSocket;

/// Content from this length on is written from where it lies instead of copied.
const COPY_BELOW: usize = 16 << 10;

/// What became of an answer that was encoded.
enum Encoded {
    /// It is whole, and counts this many octets.
    Whole(Next, usize),
    /// Its head is written; the connection becomes something else.
    HandOver,
}

impl Connection {
    /// Encodes an answer behind what waits to be written. `from` is where its request began.
    pub(super) fn answer(
        &mut self,
        response: Response,
        is_head: bool,
        framing: Framing,
        from: u64,
    ) -> Step {
        let unread = self.http.request_unread();
        let response = match response.content {
            Content::Reset => {
                self.link.reset();
                return Step::Left;
            }
            // A switch comes after the whole request (RFC 9110 §7.8).
            Content::WebSocket(..) if unread => {
                Response::problem(400, "an upgrade must not carry content").closing()
            }
            Content::WebSocket(..)
            | Content::Whole(_)
            | Content::Pieces(_)
            | Content::Held(_)
            | Content::Events(_) => response,
        };
        let too_long = match framing {
            Framing::Length(len) => len > self.shared.config.max_drain_len as u64,
            Framing::None | Framing::Chunked | Framing::UntilClose | Framing::Tunnel => false,
        };
        // A client that waits for 100 (Continue) may send its content or not: no telling where
        // its next request begins.
        if response.close
            || matches!(response.content, Content::Events(_))
            || self.shared.stop.is_stopping()
            || (unread && (too_long || self.http.wants_continue()))
        {
            self.http.close_after_response();
        }
        let others = self.link.waiting_len();
        let encoded = self.encode(&response, is_head).or_else(|error| {
            let status = response.status;
            tracing::error!(%error, status, "the answer of a handler breaks HTTP");
            self.http.close_after_response();
            let apology = "the server made an answer that HTTP does not allow";
            self.encode(&Response::problem(500, apology), is_head)
        });
        let received = self.link.consumed() - from;
        let (step, sent) = match encoded {
            Ok(Encoded::Whole(Next::Reuse, len)) => (Step::Next, len),
            Ok(Encoded::Whole(Next::Close(_), len)) => (Step::Linger, len),
            // What a stream or a WebSocket writes is counted as it leaves.
            Ok(Encoded::HandOver) => {
                if let Some(meter) = &response.meter {
                    meter.add(received, 0);
                }
                return Step::HandOver(response, others);
            }
            Err(_) => (Step::Linger, 0),
        };
        if let Some(meter) = &response.meter {
            meter.add(received, sent as u64);
        }
        step
    }

    /// Answers what the connection itself refuses, then closes. Where the request was answered
    /// already there is nothing to say, and the answers that wait still leave.
    pub(super) fn fail(&mut self, response: Response) -> Step {
        self.http.stop_receiving();
        if self.http.can_respond()
            && let Err(error) = self.encode(&response, false)
        {
            tracing::error!(%error, status = response.status, "a refusal breaks HTTP");
        }
        Step::Linger
    }

    fn encode(&mut self, response: &Response, is_head: bool) -> Result<Encoded, SendError> {
        let date = *self.date.get_or_insert_with(http_date);
        let fields = response
            .fields
            .iter()
            .map(|(name, value)| (*name, value.as_bytes()))
            .chain([("Date", &date[..])]);
        let (http, link) = (&mut self.http, &mut self.link);
        let status = response.status;
        let pieces = match &response.content {
            Content::Whole(content) => core::slice::from_ref(content),
            Content::Pieces(pieces) => pieces,
            Content::Events(_) => {
                return link.append(|out| {
                    http.send_response(status, fields, ContentLen::Unknown, out)?;
                    if !is_head {
                        return Ok(Encoded::HandOver);
                    }
                    let next = http.send_end(out)?;
                    Ok(Encoded::Whole(next, 0))
                });
            }
            Content::WebSocket(accepted, ..) => {
                return link.append(|out| {
                    http.send_upgrade(accepted.fields().chain(fields), out)?;
                    Ok(Encoded::HandOver)
                });
            }
            // Held answers were awaited, and a reset has none.
            Content::Held(_) | Content::Reset => return Err(SendError::WrongState),
        };
        let len: usize = pieces.iter().map(Bytes::len).sum();
        let bare = is_head || matches!(status, 204 | 304);
        let framing = match status {
            204 | 304 => ContentLen::None,
            _ => ContentLen::Length(len as u64),
        };
        let copied = len < COPY_BELOW;
        let before = link.waiting_len();
        let next = link.append(|out| {
            http.send_response(status, fields, framing, out)?;
            if bare {
                return http.send_end(out);
            }
            if copied {
                for piece in pieces {
                    http.send_data(piece, out)?;
                }
            } else {
                http.count_data(len as u64)?;
            }
            http.send_end(out)
        })?;
        if !bare && !copied {
            for piece in pieces {
                link.push(piece.clone());
            }
        }
        Ok(Encoded::Whole(next, link.waiting_len() - before))
    }

    /// Goes on as an event stream or a WebSocket, in a small task of its own. The first `others`
    /// octets that wait are of earlier answers.
    pub(super) fn hand_over(self: Box<Self>, response: Response, others: usize) {
        let Self {
            mut link,
            http,
            shared,
            slot,
            ..
        } = *self;
        link.set_meter(response.meter, others);
        match response.content {
            Content::Events(session) => {
                // What the client sends from here on means nothing.
                link.input = BytesMut::new();
                let chunked = http.response_framing() == Framing::Chunked;
                session(EventStream::new(link, chunked, &shared, slot));
            }
            Content::WebSocket(accepted, limits, session) => {
                link.count_input();
                if let Some(watch) = &mut link.watch {
                    watch.upgraded(&link.input);
                }
                let config = limits(shared.config.websocket);
                session(WebSocket::new(link, config, &accepted, &shared, slot));
            }
            Content::Whole(_) | Content::Pieces(_) | Content::Held(_) | Content::Reset => {}
        }
    }
}
