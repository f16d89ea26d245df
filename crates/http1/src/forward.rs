//! What a proxy passes on of a message (RFC 9110 §7.6): target, field lines, and how long the content is.
//!
//! A proxy reads with one connection and writes with another. Each writes framing and persistence
//! of its own, so that those of the other must not come along.
//!
//! ```text
//! server end ──ServerEvent──> ClientConnection::forward ──> next server
//! server end <── ServerConnection::forward <──ClientEvent── next server
//! ```

use alloc::borrow::Cow;
use alloc::format;

use bytes::BytesMut;

use crate::connection::{ClientConnection, ClientEvent, ServerConnection, ServerEvent};
use crate::encode::Content;
use crate::error::SendError;
use crate::fields::Fields;
use crate::framing::Framing;
use crate::head::{RequestHead, ResponseHead};
use crate::target::TargetForm;

/// Fields of one connection, whether Connection names them or not (RFC 9110 §7.6.1).
const HOP_BY_HOP: [&str; 7] = [
    "Connection",
    "Content-Length",
    "Keep-Alive",
    "Proxy-Connection",
    "TE",
    "Transfer-Encoding",
    "Upgrade",
];

impl Fields {
    fn end_to_end(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.iter().filter(|(name, _)| {
            let mut hop_by_hop = HOP_BY_HOP.iter();
            !hop_by_hop.any(|known| known.eq_ignore_ascii_case(name))
                && !self.has_token("connection", name)
        })
    }
}

impl RequestHead {
    /// The target for the server that holds the resource: origin-form where absolute-form came (RFC 9112 §3.2.1).
    ///
    /// `*` and the `host:port` of CONNECT stay what they are. Costs an allocation only for an
    /// absolute-form with a query.
    ///
    /// ```
    /// use tidings_http1::{Content, Limits, ServerConnection, ServerEvent};
    /// let head = b"POST http://a/x?y HTTP/1.1\r\nHost: b\r\nTE: trailers\r\nContent-Length: 2\r\nD: e\r\n\r\n";
    /// let mut connection = ServerConnection::new(Limits::default());
    /// let Some(ServerEvent::Request(head)) = connection.next_event(&mut head[..].into())? else { panic!() };
    /// assert_eq!(head.forwarded_target(), "/x?y");
    /// let fields: Vec<_> = head.forwarded_fields().collect();
    /// assert_eq!(fields, [("Host", &b"a"[..]), ("D", b"e")]);
    /// assert_eq!(head.content(), Content::Length(2));
    /// # Ok::<(), tidings_http1::ReceiveError>(())
    /// ```
    #[must_use]
    pub fn forwarded_target(&self) -> Cow<'_, str> {
        match (self.target_form(), self.query()) {
            (TargetForm::Origin | TargetForm::Authority | TargetForm::Asterisk, _) => {
                self.target().into()
            }
            (TargetForm::Absolute, Some(query)) => format!("{}?{query}", self.path()).into(),
            // RFC 9112 §3.2.4: this is how a client asks a proxy for the options of a whole server.
            (TargetForm::Absolute, None) if self.method() == "OPTIONS" && self.bare() => "*".into(),
            (TargetForm::Absolute, None) => self.path().into(),
        }
    }

    /// Whether an absolute-form ends with its authority.
    fn bare(&self) -> bool {
        let rest = self.target().split_once("://");
        rest.is_some_and(|(_, rest)| rest == self.authority())
    }

    /// The field lines for the next server: Host first, which the target decides (RFC 9112 §3.2.2),
    /// then all that are not of this connection alone, in order.
    pub fn forwarded_fields(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let host = [("Host", self.authority().as_bytes())];
        let others = self.fields().end_to_end().filter(|(name, _)| {
            let expect = name.eq_ignore_ascii_case("expect");
            // An expectation without content does not count, and must not be sent.
            !name.eq_ignore_ascii_case("host") && (!expect || self.expects_continue())
        });
        host.into_iter().chain(others)
    }

    /// The content as [`send_request`](crate::ClientConnection::send_request) takes it.
    #[must_use]
    pub fn content(&self) -> Content {
        sent(self.framing())
    }
}

impl ResponseHead {
    /// The field lines for the client: all that are not of this connection alone, in order.
    pub fn forwarded_fields(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.fields().end_to_end()
    }

    /// The content as [`send_response`](crate::ServerConnection::send_response) takes it.
    ///
    /// An answer to HEAD and a 304 keep the length that they declare, since it is that of GET.
    #[must_use]
    pub fn content(&self) -> Content {
        match (self.framing(), self.status()) {
            (Framing::None, 200..=203 | 205..) => {
                let declared = self.fields().get_str("content-length");
                let digits =
                    declared.filter(|text| text.bytes().all(|octet| octet.is_ascii_digit()));
                match digits.and_then(|digits| digits.parse().ok()) {
                    Some(length) => Content::Length(length),
                    None => Content::None,
                }
            }
            (framing, _) => sent(framing),
        }
    }
}

impl ClientConnection {
    /// Writes to the next server what a client sent: a head without the fields of its connection, content, trailers.
    ///
    /// `more` is written behind the fields of a head, and nowhere else: Via, which a proxy must add
    /// (RFC 9110 §7.6.3). Content of unknown length goes out in chunks, so the next server must be
    /// known to speak 1.1. Trailers that a server must not get are left out, all of them.
    ///
    /// # Errors
    ///
    /// As [`send_request`](Self::send_request): an Upgrade is not forwarded, so CONNECT is refused
    /// unless it goes to another proxy.
    pub fn forward<'f>(
        &mut self,
        event: &'f ServerEvent,
        more: impl IntoIterator<Item = (&'f str, &'f [u8])>,
        out: &mut BytesMut,
    ) -> Result<(), SendError> {
        match event {
            ServerEvent::Request(head) => self.send_request(
                head.method(),
                &head.forwarded_target(),
                head.forwarded_fields().chain(more),
                head.content(),
                out,
            ),
            ServerEvent::Data(data) => self.send_data(data, out),
            ServerEvent::Trailers(fields) => optional(self.send_trailers(fields.iter(), out)),
            ServerEvent::End => self.send_end(out),
            ServerEvent::Closed => Ok(()),
        }
    }
}

impl ServerConnection {
    /// Writes to the client what the next server sent: heads without the fields of its connection, content, trailers.
    ///
    /// `more` is written behind the fields of a head, as in [`ClientConnection::forward`]. What an
    /// HTTP/1.0 client cannot take (1xx, trailers) is left out. A server that closes behind its
    /// response makes this connection close too.
    ///
    /// # Errors
    ///
    /// As [`send_response`](Self::send_response); `Closed` when the next server has closed and the
    /// client still waits. A change of protocols is `WrongState`: see [`send_upgrade`](Self::send_upgrade).
    pub fn forward<'f>(
        &mut self,
        event: &'f ClientEvent,
        more: impl IntoIterator<Item = (&'f str, &'f [u8])>,
        out: &mut BytesMut,
    ) -> Result<(), SendError> {
        match event {
            ClientEvent::Informational(head) => {
                let fields = head.forwarded_fields().chain(more);
                optional(self.send_informational(head.status(), fields, out))
            }
            ClientEvent::Response(head) => {
                if !head.keep_alive() {
                    self.close_after_response();
                }
                let fields = head.forwarded_fields().chain(more);
                self.send_response(head.status(), fields, head.content(), out)
            }
            ClientEvent::Data(data) => self.send_data(data, out),
            ClientEvent::Trailers(fields) => {
                optional(self.send_trailers(fields.iter(), out).map(drop))
            }
            // Trailers have ended the response already.
            ClientEvent::End(_) if !self.awaits_response() => Ok(()),
            ClientEvent::End(_) => self.send_end(out).map(drop),
            ClientEvent::Upgraded(_) => Err(SendError::WrongState),
            ClientEvent::Closed if self.awaits_response() => Err(SendError::Closed),
            ClientEvent::Closed => Ok(()),
        }
    }
}

/// Leaves out what the other end must not get; a message is whole without it.
fn optional(sent: Result<(), SendError>) -> Result<(), SendError> {
    match sent {
        Err(
            SendError::ForbiddenTrailer
            | SendError::TrailersNeedChunked
            | SendError::InformationalToHttp10,
        ) => Ok(()),
        sent => sent,
    }
}

fn sent(framing: Framing) -> Content {
    match framing {
        Framing::None | Framing::Tunnel => Content::None,
        Framing::Length(length) => Content::Length(length),
        Framing::Chunked | Framing::UntilClose => Content::Unknown,
    }
}
