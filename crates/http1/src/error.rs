//! What can go wrong, by party: [`ReceiveError`] is the peer's fault, [`SendError`] the caller's.
//!
//! Input that is only unfinished is no error.

use core::fmt;

/// What the peer did wrong: the rule, and where.
///
/// Sixteen octets and `Copy`. It stays the same however the input was cut.
///
/// ```
/// use tidings_http1::{Limits, ServerConnection};
/// let mut connection = ServerConnection::new(Limits::default());
/// let mut input = bytes::BytesMut::from(&b"GET / HTTP/1.1\r\nHost : a\r\n\r\n"[..]);
/// let error = connection.next_event(&mut input).unwrap_err();
/// assert_eq!((error.status(), error.offset()), (400, 20));
/// assert_eq!(error.section(), "RFC 9112 §5.1");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceiveError {
    kind: ErrorKind,
    offset: u64,
}

impl ReceiveError {
    pub(crate) const fn new(kind: ErrorKind, offset: u64) -> Self {
        Self { kind, offset }
    }

    /// Which rule was broken.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The octet at fault, counted from the first octet of the connection (or of the content, for
    /// a [`BodyDecoder`](crate::BodyDecoder) used alone).
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// The section that states the rule, such as `RFC 9112 §6.3`.
    #[must_use]
    pub const fn section(&self) -> &'static str {
        self.kind.facts().1
    }

    /// The status that a server answers with before it closes the connection.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.kind.facts().0
    }

    /// Whether the connection must be closed behind the answer: true for every rule that is known. Who broke one
    /// may mean other octets than those that are read next, and that is how requests are smuggled.
    #[must_use]
    pub const fn must_close(&self) -> bool {
        true
    }

    /// The rule in one sentence.
    #[must_use]
    pub const fn explain(&self) -> &'static str {
        self.kind.facts().2
    }
}

impl fmt::Display for ReceiveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} (octet {}, {})",
            self.explain(),
            self.offset,
            self.section()
        )
    }
}

impl core::error::Error for ReceiveError {}

/// The rules that received octets can break.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The first octet cannot begin a request; often TLS or SOCKS on a plain port.
    NotHttp,
    /// More blank lines than `max_blank_lines` in front of a request line.
    TooManyBlankLines,
    /// The method is not a token followed by one space.
    Method,
    /// The method is longer than `max_method_len`.
    MethodTooLong,
    /// The request target is in no form that its method allows.
    Target,
    /// The request target is longer than `max_target_len`.
    TargetTooLong,
    /// The version is not `HTTP/` digit `.` digit.
    Version,
    /// The major version is not 1.
    VersionUnsupported,
    /// The connection preface of HTTP/2. All of it is still in the input.
    Http2Preface,
    /// The status line has no three-digit status from 100 up, or an octet that a reason phrase cannot hold.
    StatusLine,
    /// A line feed without a carriage return before it.
    BareLf,
    /// A carriage return without a line feed after it.
    BareCr,
    /// White space before the first field line.
    SpaceBeforeFields,
    /// A field line that is folded onto a second line.
    ObsFold,
    /// A field name that is not a token followed at once by a colon.
    FieldName,
    /// A control octet in a field value.
    FieldValue,
    /// The head is longer than `max_head_len`.
    HeadTooLong,
    /// More field lines than `max_fields`.
    TooManyFields,
    /// An HTTP/1.1 request without Host.
    HostMissing,
    /// More than one Host field line.
    HostRepeated,
    /// A Host value that is not `host [":" port]`.
    HostInvalid,
    /// A Content-Length that is not one number.
    LengthInvalid,
    /// More than one Content-Length.
    LengthRepeated,
    /// A Content-Length over 2^63 - 1.
    LengthTooLarge,
    /// Content-Length and Transfer-Encoding together.
    LengthAndCoding,
    /// Transfer-Encoding in an HTTP/1.0 message.
    CodingInHttp10,
    /// A Transfer-Encoding that is no list of transfer codings, or parameters on `chunked`.
    CodingInvalid,
    /// A request whose final transfer coding is not `chunked`.
    CodingNotChunked,
    /// `chunked` listed more than once.
    CodingRepeated,
    /// A request with a transfer coding besides `chunked`.
    CodingUnknown,
    /// An expectation other than `100-continue`.
    Expectation,
    /// A chunk size that is no hexadecimal number, or is not followed by CRLF or an extension.
    ChunkSize,
    /// A chunk size over 2^64 - 1.
    ChunkSizeTooLarge,
    /// A malformed chunk extension.
    ChunkExtension,
    /// A chunk line longer than `max_chunk_line_len`.
    ChunkLineTooLong,
    /// More octets of chunk extensions than `max_chunk_ext_len`.
    ChunkExtensionsTooLong,
    /// Chunks so small that their framing outweighs them (`max_chunk_overhead`).
    ChunkOverhead,
    /// Chunk data that is not followed by CRLF.
    ChunkEnd,
    /// The trailer section is longer than `max_trailer_len`.
    TrailersTooLong,
    /// More trailer field lines than `max_trailer_fields`.
    TooManyTrailers,
    /// A trailer field that belongs into the header section, such as Content-Length.
    TrailerForbidden,
    /// The input ended inside a message.
    Truncated,
    /// More 1xx responses than `max_informational`.
    TooManyInformational,
}

impl ErrorKind {
    /// Status to answer, section, and the rule in a sentence.
    const fn facts(self) -> (u16, &'static str, &'static str) {
        match self {
            Self::NotHttp => (
                400,
                "RFC 9112 §2.2",
                "the first octet cannot begin an HTTP/1 request",
            ),
            Self::TooManyBlankLines => (
                400,
                "RFC 9112 §2.2",
                "too many blank lines stand before the request line",
            ),
            Self::Method => (
                400,
                "RFC 9112 §3.1",
                "the method must be a token followed by one space",
            ),
            Self::MethodTooLong => (
                501,
                "RFC 9112 §3",
                "the method is longer than any that is implemented",
            ),
            Self::Target => (
                400,
                "RFC 9112 §3.2",
                "the request target is in no form that its method allows",
            ),
            Self::TargetTooLong => (
                414,
                "RFC 9112 §3",
                "the request target is longer than the limit",
            ),
            Self::Version => (
                400,
                "RFC 9112 §2.3",
                "the version must read HTTP/ digit . digit and end the request line",
            ),
            Self::VersionUnsupported => (
                505,
                "RFC 9110 §15.6.6",
                "the major version of HTTP is not 1",
            ),
            Self::Http2Preface => (
                505,
                "RFC 9113 §3.4",
                "the peer speaks HTTP/2, which needs another codec",
            ),
            Self::StatusLine => (
                502,
                "RFC 9112 §4",
                "the status line must hold a version, a three-digit status and a printable reason",
            ),
            Self::BareLf => (
                400,
                "RFC 9112 §2.2",
                "a line must end with CRLF, not with LF alone",
            ),
            Self::BareCr => (400, "RFC 9112 §2.2", "CR must be followed by LF"),
            Self::SpaceBeforeFields => (
                400,
                "RFC 9112 §2.2",
                "no white space may stand between the start line and the first field",
            ),
            Self::ObsFold => (
                400,
                "RFC 9112 §5.2",
                "a field line must not be folded onto a second line",
            ),
            Self::FieldName => (
                400,
                "RFC 9112 §5.1",
                "a field name must be a token followed at once by a colon",
            ),
            Self::FieldValue => (
                400,
                "RFC 9110 §5.5",
                "a field value must not hold control octets",
            ),
            Self::HeadTooLong => (431, "RFC 6585 §5", "the head is longer than the limit"),
            Self::TooManyFields => (
                431,
                "RFC 6585 §5",
                "the head has more field lines than the limit",
            ),
            Self::HostMissing => (400, "RFC 9112 §3.2", "an HTTP/1.1 request must carry Host"),
            Self::HostRepeated => (400, "RFC 9112 §3.2", "a request must not carry Host twice"),
            Self::HostInvalid => (
                400,
                "RFC 9112 §3.2",
                "Host must be a host and an optional port",
            ),
            Self::LengthInvalid => (
                400,
                "RFC 9112 §6.3",
                "Content-Length must be one decimal number",
            ),
            Self::LengthRepeated => (
                400,
                "RFC 9112 §6.3",
                "Content-Length must not be given twice",
            ),
            Self::LengthTooLarge => (
                413,
                "RFC 9110 §8.6",
                "Content-Length is larger than any content",
            ),
            Self::LengthAndCoding => (
                400,
                "RFC 9112 §6.3",
                "Content-Length and Transfer-Encoding must not meet in one message",
            ),
            Self::CodingInHttp10 => (400, "RFC 9112 §6.1", "HTTP/1.0 has no Transfer-Encoding"),
            Self::CodingInvalid => (
                400,
                "RFC 9112 §7",
                "Transfer-Encoding must list coding names, and chunked takes no parameters",
            ),
            Self::CodingNotChunked => (
                400,
                "RFC 9112 §6.3",
                "the final transfer coding of a request must be chunked",
            ),
            Self::CodingRepeated => (400, "RFC 9112 §6.1", "a message must not be chunked twice"),
            Self::CodingUnknown => (
                501,
                "RFC 9112 §6.1",
                "no transfer coding but chunked is implemented",
            ),
            Self::Expectation => (
                417,
                "RFC 9110 §10.1.1",
                "no expectation but 100-continue is known",
            ),
            Self::ChunkSize => (
                400,
                "RFC 9112 §7.1",
                "a chunk size must be hexadecimal digits followed by CRLF or an extension",
            ),
            Self::ChunkSizeTooLarge => (400, "RFC 9112 §7.1", "a chunk size must be below 2^64"),
            Self::ChunkExtension => (
                400,
                "RFC 9112 §7.1.1",
                "a chunk extension must be a name with an optional token or quoted string",
            ),
            Self::ChunkLineTooLong => (
                400,
                "RFC 9112 §7.1.1",
                "a chunk-size line is longer than the limit",
            ),
            Self::ChunkExtensionsTooLong => (
                400,
                "RFC 9112 §7.1.1",
                "the chunk extensions of a message are longer than the limit",
            ),
            Self::ChunkOverhead => (
                400,
                "RFC 9112 §7.1.1",
                "the chunks are so small that their framing outweighs them",
            ),
            Self::ChunkEnd => (400, "RFC 9112 §7.1", "chunk data must be followed by CRLF"),
            Self::TrailersTooLong => (
                431,
                "RFC 9110 §5.4",
                "the trailer section is longer than the limit",
            ),
            Self::TooManyTrailers => (
                431,
                "RFC 9110 §5.4",
                "the trailer section has more field lines than the limit",
            ),
            Self::TrailerForbidden => (
                400,
                "RFC 9110 §6.5.1",
                "fields that frame or route a message must not stand in trailers",
            ),
            Self::Truncated => (400, "RFC 9112 §8", "the input ended inside a message"),
            Self::TooManyInformational => (
                502,
                "RFC 9110 §15.2",
                "too many 1xx responses came before the final one",
            ),
        }
    }
}

/// What the caller asked wrong. Nothing was written, and the connection is as before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// RFC 9110 §9.1.
    #[error("a method must be a token")]
    InvalidMethod,
    /// RFC 9112 §3.2.
    #[error("the target is in no form that its method allows, or holds octets outside RFC 3986")]
    InvalidTarget,
    /// RFC 9110 §15.
    #[error("status {0} cannot be sent by this call")]
    InvalidStatus(u16),
    /// RFC 9110 §5.1.
    #[error("a field name must be a token")]
    InvalidName,
    /// RFC 9110 §5.5.
    #[error("a field value must not hold control octets or white space around it")]
    InvalidValue,
    /// RFC 9112 §6: Content-Length, Transfer-Encoding and `keep-alive` are the codec's to write.
    #[error("fields that frame the message are written by the codec alone")]
    FramingField,
    /// RFC 9112 §3.2: a request carries exactly one valid Host.
    #[error("a request needs exactly one valid Host")]
    Host,
    /// RFC 9112 §6.3: 204, 304 and answers to HEAD have no content.
    #[error("this message has no content")]
    BodyNotAllowed,
    /// RFC 9112 §6.2: more octets than Content-Length said.
    #[error("{len} octets of content do not fit: {left} are left of Content-Length")]
    TooMuchBody {
        /// Octets of Content-Length that are not sent yet.
        left: u64,
        /// Octets of the refused call.
        len: u64,
    },
    /// RFC 9112 §6.2: fewer octets than Content-Length said. Send them, or close the connection.
    #[error("the content ended {left} octets before its Content-Length")]
    ShortBody {
        /// Octets of Content-Length that are not sent yet.
        left: u64,
    },
    /// RFC 9112 §6.1: chunked is only for a peer that is known to speak HTTP/1.1.
    #[error("the content needs a length, since the peer is not known to speak HTTP/1.1")]
    NeedLength,
    /// RFC 9110 §6.5.1.
    #[error("this field must not stand in trailers")]
    ForbiddenTrailer,
    /// RFC 9112 §7.1.2.
    #[error("trailers need the chunked coding")]
    TrailersNeedChunked,
    /// RFC 9110 §15.2: no 1xx to HTTP/1.0.
    #[error("an HTTP/1.0 peer takes no 1xx response")]
    InformationalToHttp10,
    /// RFC 9110 §7.8.
    #[error("the peer did not offer to switch to this protocol")]
    NotOffered,
    /// RFC 9110 §7.8 and §15.5.22: 101 and 426 name a protocol.
    #[error("this response must carry Upgrade")]
    UpgradeMissing,
    /// RFC 9110 §7.8: the switch waits for the whole request.
    #[error("the content of the request is not all in")]
    RequestUnread,
    /// RFC 9110 §10.1.1.
    #[error("a request without content must not expect 100-continue")]
    ExpectWithoutContent,
    /// The call does not fit what was sent before.
    #[error("nothing like this can be sent at this point")]
    WrongState,
    /// RFC 9112 §9.6.
    #[error("the connection takes no more messages")]
    Closed,
}
