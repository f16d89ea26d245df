//! What a proxy passes on of a message (RFC 9110 §7.6): target, field lines, and how long the content is.
//!
//! A proxy reads with one connection and writes with another. Each writes framing and persistence
//! of its own, so that those of the other must not come along. Via is the caller's to add.

use alloc::borrow::Cow;
use alloc::format;

use crate::encode::Content;
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

fn sent(framing: Framing) -> Content {
    match framing {
        Framing::None | Framing::Tunnel => Content::None,
        Framing::Length(length) => Content::Length(length),
        Framing::Chunked | Framing::UntilClose => Content::Unknown,
    }
}
