//! What a server writes: 1xx responses, one final response a request, or a switch of protocols.
//!
//! `status-line *( field-line ) CRLF [ content ]`; every head is written whole or not at all.

use bytes::BytesMut;

use super::super::{CloseReason, Next};
use super::{Receive, Send, ServerConnection};
use crate::encode::{self, BodyWriter, Content, all_or_nothing};
use crate::error::SendError;
use crate::framing::MethodKind;
use crate::head::Version;

impl ServerConnection {
    /// Writes a 1xx response other than 101, any number of times before the final one (RFC 9110 §15.2).
    ///
    /// # Errors
    ///
    /// A status outside 1xx, an HTTP/1.0 client, or fields that must not be sent; nothing is written.
    pub fn send_informational<'f>(
        &mut self,
        status: u16,
        fields: impl IntoIterator<Item = (&'f str, &'f [u8])>,
        out: &mut BytesMut,
    ) -> Result<(), SendError> {
        let Send::Awaiting(exchange) = &mut self.send else {
            return Err(SendError::WrongState);
        };
        if !matches!(status, 100 | 102..=199) {
            return Err(SendError::InvalidStatus(status));
        }
        if exchange.version == Version::Http10 {
            return Err(SendError::InformationalToHttp10);
        }
        all_or_nothing(out, |out| {
            encode::put_status_line(status, out);
            encode::put_fields(fields, out)?;
            out.extend_from_slice(b"\r\n");
            Ok(())
        })?;
        if status == 100 {
            exchange.waits = false;
        }
        Ok(())
    }

    /// Writes the head of the final response; `send_data` and `send_end` follow, also when there is no content.
    ///
    /// The codec adds Content-Length or Transfer-Encoding, `Connection: close` when this is the
    /// last response, `Connection: keep-alive` for an HTTP/1.0 client that stays, and the
    /// `Upgrade` option when the fields hold Upgrade. Date is the caller's.
    ///
    /// # Errors
    ///
    /// No response is due, the status is not 200 to 999, it allows no such content, or a field
    /// must not be sent; nothing is written. A 2xx to CONNECT goes through
    /// [`send_upgrade`](Self::send_upgrade).
    pub fn send_response<'f>(
        &mut self,
        status: u16,
        fields: impl IntoIterator<Item = (&'f str, &'f [u8])>,
        content: Content,
        out: &mut BytesMut,
    ) -> Result<(), SendError> {
        let (version, method, keep_alive, waits) = match &self.send {
            Send::Awaiting(exchange) => (
                exchange.version,
                exchange.method,
                exchange.keep_alive,
                exchange.waits,
            ),
            Send::Refusing => (Version::Http11, MethodKind::Other, false, false),
            Send::Idle | Send::Content(_) | Send::Upgraded => return Err(SendError::WrongState),
        };
        if !(200..=999).contains(&status) || (method == MethodKind::Connect && status < 300) {
            return Err(SendError::InvalidStatus(status));
        }
        let (body, head_length) = Self::response_body(status, method, version, content)?;
        let mut close = self.close;
        if waits && !matches!(self.receive, Receive::Whole { .. }) {
            close.get_or_insert(CloseReason::ExpectationUnmet);
        }
        if body == BodyWriter::UntilClose {
            close.get_or_insert(CloseReason::UntilClose);
        }
        let close = all_or_nothing(out, |out| {
            encode::put_status_line(status, out);
            let given = encode::put_fields(fields, out)?;
            if status == 426 && !given.upgrade {
                return Err(SendError::UpgradeMissing);
            }
            if given.close {
                close.get_or_insert(CloseReason::WeAsked);
            }
            let persistence = match (close, version) {
                (Some(_), _) => Some("close"),
                (None, Version::Http10) if keep_alive => Some("keep-alive"),
                (None, Version::Http10 | Version::Http11) => None,
            };
            given.put_connection(persistence, out);
            match (body, head_length) {
                (BodyWriter::Chunked, _) => encode::put_chunked(out),
                (BodyWriter::Length { left: length }, _) | (BodyWriter::None, Some(length)) => {
                    encode::put_content_length(length, out);
                }
                (BodyWriter::None | BodyWriter::UntilClose, _) => {}
            }
            out.extend_from_slice(b"\r\n");
            Ok(close)
        })?;
        self.close = close;
        self.send = Send::Content(body);
        Ok(())
    }

    /// How the content goes out, and the Content-Length of a response that has none.
    fn response_body(
        status: u16,
        method: MethodKind,
        version: Version,
        content: Content,
    ) -> Result<(BodyWriter, Option<u64>), SendError> {
        Ok(match (status, method, content) {
            (204, _, Content::None | Content::Length(0)) => (BodyWriter::None, None),
            // RFC 9110 §15.3.6: a 205 has no content either, but says so with a length of zero.
            (204 | 205, _, Content::Length(1..) | Content::Unknown) => {
                return Err(SendError::BodyNotAllowed);
            }
            // RFC 9110 §8.6: the length that GET with 200 would have.
            (304, _, Content::Length(length)) | (_, MethodKind::Head, Content::Length(length)) => {
                (BodyWriter::None, Some(length))
            }
            (304, _, _) | (_, MethodKind::Head, _) => (BodyWriter::None, None),
            (_, _, Content::None) => (BodyWriter::Length { left: 0 }, None),
            (_, _, Content::Length(left)) => (BodyWriter::Length { left }, None),
            (_, _, Content::Unknown) => match version {
                Version::Http11 => (BodyWriter::Chunked, None),
                Version::Http10 => (BodyWriter::UntilClose, None),
            },
        })
    }

    /// Writes content: as one chunk when it is chunked. Empty data writes nothing.
    ///
    /// # Errors
    ///
    /// More than Content-Length said, or no content is allowed; nothing is written.
    pub fn send_data(&mut self, data: &[u8], out: &mut BytesMut) -> Result<(), SendError> {
        match &mut self.send {
            Send::Content(body) => body.put_data(data, out),
            Send::Idle | Send::Awaiting(_) | Send::Refusing | Send::Upgraded => {
                Err(SendError::WrongState)
            }
        }
    }

    /// Counts `len` octets of content that the caller writes itself behind what is in its out buffer, so that a large
    /// content need not be copied there.
    ///
    /// # Errors
    ///
    /// More than Content-Length said, no content is allowed, or the content is chunked and so needs its sizes written.
    pub fn count_data(&mut self, len: u64) -> Result<(), SendError> {
        match &mut self.send {
            Send::Content(body) => body.count_data(len),
            Send::Idle | Send::Awaiting(_) | Send::Refusing | Send::Upgraded => {
                Err(SendError::WrongState)
            }
        }
    }

    /// Ends the response and tells what becomes of the connection.
    ///
    /// Unread content of the request does not count here: see [`request_unread`](Self::request_unread).
    ///
    /// # Errors
    ///
    /// [`SendError::ShortBody`] when Content-Length promised more: send the rest, or close the connection.
    pub fn send_end(&mut self, out: &mut BytesMut) -> Result<Next, SendError> {
        match &self.send {
            Send::Content(body) => body.put_end(out)?,
            Send::Idle | Send::Awaiting(_) | Send::Refusing | Send::Upgraded => {
                return Err(SendError::WrongState);
            }
        }
        Ok(self.finish())
    }

    /// Ends a chunked response with a trailer section, instead of [`send_end`](Self::send_end).
    ///
    /// # Errors
    ///
    /// The response is not chunked, or a field must not stand in trailers; nothing is written.
    pub fn send_trailers<'f>(
        &mut self,
        trailers: impl IntoIterator<Item = (&'f str, &'f [u8])>,
        out: &mut BytesMut,
    ) -> Result<Next, SendError> {
        match &self.send {
            Send::Content(body) => body.put_trailers(trailers, out)?,
            Send::Idle | Send::Awaiting(_) | Send::Refusing | Send::Upgraded => {
                return Err(SendError::WrongState);
            }
        }
        Ok(self.finish())
    }

    fn finish(&mut self) -> Next {
        self.send = Send::Idle;
        self.settle();
        self.close.map_or(Next::Reuse, Next::Close)
    }

    /// Switches protocols: 101, or 200 to CONNECT (RFC 9110 §7.8, §9.3.6).
    ///
    /// From here `next_event` yields `None` for ever and leaves `input` as it is: its octets belong
    /// to the other protocol. The codec writes `Connection: Upgrade`.
    ///
    /// # Errors
    ///
    /// The request is not all in, it offered no such protocol, or the fields do not hold Upgrade
    /// with one of those that it offered; nothing is written.
    pub fn send_upgrade<'f>(
        &mut self,
        fields: impl IntoIterator<Item = (&'f str, &'f [u8])>,
        out: &mut BytesMut,
    ) -> Result<(), SendError> {
        let Send::Awaiting(exchange) = &self.send else {
            return Err(SendError::WrongState);
        };
        let offer = exchange.offer.as_ref().ok_or(SendError::NotOffered)?;
        match self.receive {
            Receive::Whole { .. } => {}
            Receive::Content(_) => return Err(SendError::RequestUnread),
            Receive::Head(_)
            | Receive::Ending
            | Receive::Closed
            | Receive::Upgraded
            | Receive::Failed(_) => {
                return Err(SendError::WrongState);
            }
        }
        let connect = exchange.method == MethodKind::Connect;
        all_or_nothing(out, |out| {
            encode::put_status_line(if connect { 200 } else { 101 }, out);
            let mut chosen_is_offered = true;
            let fields = fields.into_iter().inspect(|(name, value)| {
                if name.eq_ignore_ascii_case("upgrade") {
                    chosen_is_offered &= core::str::from_utf8(value)
                        .is_ok_and(|chosen| offer.has_token("upgrade", chosen));
                }
            });
            let given = encode::put_fields(fields, out)?;
            if !connect && !given.upgrade {
                return Err(SendError::UpgradeMissing);
            }
            if !connect && !chosen_is_offered {
                return Err(SendError::NotOffered);
            }
            given.put_connection(None, out);
            out.extend_from_slice(b"\r\n");
            Ok(())
        })?;
        self.send = Send::Upgraded;
        self.receive = Receive::Upgraded;
        Ok(())
    }
}
