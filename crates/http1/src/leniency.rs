//! What a strict reader refuses and a caller may ask to take all the same, switch by switch.

use crate::limits::Limits;

/// Rules that are relaxed, one by one. All are off in [`Leniency::default`].
///
/// Each switch takes what a common peer is known to send, in the one way in which the RFC lets it
/// be taken. Leave them off where another reader of the same octets stands in front of this one:
/// two readers that disagree are how requests are smuggled.
///
/// ```
/// use tidings_http1::{Config, Leniency, Limits, ServerConnection, ServerEvent};
/// let mut leniency = Leniency::default();
/// leniency.bare_lf = true;
/// let config = Config::new(Limits::default(), leniency);
/// let mut connection = ServerConnection::with_config(config);
/// let mut input = bytes::BytesMut::from(&b"GET / HTTP/1.1\nHost: a\n\n"[..]);
/// assert!(matches!(connection.next_event(&mut input), Ok(Some(ServerEvent::Request(_)))));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Leniency {
    /// LF alone ends a start line, a field line and a head (RFC 9112 §2.2). Never a chunk line or
    /// a trailer, and no blank line in front of a request.
    pub bare_lf: bool,
    /// A folded line of a request, or of its trailers, is worth a space (RFC 9112 §5.2). In a
    /// response it always is, since a client must read it so.
    pub fold_to_sp: bool,
    /// White space between name and colon is dropped, in responses only: a server must refuse it
    /// (RFC 9112 §5.1).
    pub space_before_colon: bool,
    /// Content-Length values that repeat, as lines or as list members, count once when they are
    /// the same digits (RFC 9112 §6.3 item 5).
    pub equal_content_lengths: bool,
    /// Transfer-Encoding wins over Content-Length, which leaves the fields; the connection closes
    /// after the exchange (RFC 9112 §6.3 item 3).
    pub te_over_cl: bool,
    /// A status line may end behind the status, without the space in front of an empty reason
    /// (RFC 9112 §4).
    pub missing_reason_sp: bool,
    /// Control octets other than NUL, CR and LF stay in field values as they are, DEL too (RFC 9110 §5.5).
    pub ctl_in_values: bool,
    /// White space between a chunk size and the end of its line is dropped (RFC 9112 §7.1).
    pub space_after_chunk_size: bool,
}

impl Leniency {
    /// What [`ClientConnection::new`](crate::ClientConnection::new) takes: `missing_reason_sp`,
    /// because common servers leave that space out and nothing is read differently for it.
    #[must_use]
    pub fn client() -> Self {
        Self {
            missing_reason_sp: true,
            ..Self::default()
        }
    }

    /// Whether field lines can have a form that a strict tokeniser does not know.
    pub(crate) fn widens_lines(self) -> bool {
        self.bare_lf || self.space_before_colon || self.ctl_in_values
    }
}

/// How a connection reads: its limits, and the rules that it relaxes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// How much is read before it is refused.
    pub limits: Limits,
    /// What is taken against the strict reading. Default: nothing.
    pub leniency: Leniency,
}

impl Config {
    /// These limits, and these rules relaxed.
    #[must_use]
    pub fn new(limits: Limits, leniency: Leniency) -> Self {
        Self { limits, leniency }
    }
}

/// Strict, with these limits.
impl From<Limits> for Config {
    fn from(limits: Limits) -> Self {
        Self::new(limits, Leniency::default())
    }
}
