//! The chunked transfer coding, read side (RFC 9112 §7.1).
//!
//! `1*HEXDIG [ BWS ";" BWS name [ BWS "=" BWS ( token / quoted ) ] ]* CRLF data CRLF`, repeated;
//! a size of zero has no data: field lines (trailers) and an empty line follow it.
//!
//! Chunk lines are judged octet by octet as they come, so none of them is ever stored.

use alloc::boxed::Box;

use bytes::{Buf, Bytes, BytesMut};

use crate::error::{ErrorKind, ReceiveError};
use crate::fields::Fields;
use crate::leniency::Config;
use crate::octets::{is_blank, is_tchar, is_value};
use crate::scan::{Fault, Part, Scanner};

/// Fields that frame or route a message: never taken from trailers (RFC 9110 §6.5.1).
const FRAMING_OR_ROUTING: [&str; 10] = [
    "Connection",
    "Content-Length",
    "Expect",
    "Host",
    "Keep-Alive",
    "Proxy-Connection",
    "TE",
    "Trailer",
    "Transfer-Encoding",
    "Upgrade",
];

/// What else a sender must not put into trailers: authentication, request modifiers, content format.
const SENT_IN_HEADERS_ONLY: [&str; 13] = [
    "Authorization",
    "Cache-Control",
    "Content-Encoding",
    "Content-Range",
    "Content-Type",
    "Cookie",
    "Location",
    "Max-Forwards",
    "Proxy-Authenticate",
    "Proxy-Authorization",
    "Range",
    "Set-Cookie",
    "WWW-Authenticate",
];

/// Whether a trailer field of that name is refused when it is received.
fn is_forbidden(name: &str) -> bool {
    FRAMING_OR_ROUTING
        .iter()
        .any(|known| known.eq_ignore_ascii_case(name))
}

/// Whether a trailer field of that name must not be sent.
pub(crate) fn is_forbidden_to_send(name: &str) -> bool {
    is_forbidden(name)
        || SENT_IN_HEADERS_ONLY
            .iter()
            .any(|known| known.eq_ignore_ascii_case(name))
}

/// Digits of a chunk size that cannot overflow.
const MAX_PLAIN_DIGITS: usize = 8;

/// What the next octet of a chunk line or of the coding may be.
#[derive(Clone, Debug)]
enum State {
    /// Before the first digit of a size.
    SizeStart,
    Size {
        size: u64,
    },
    Extension {
        size: u64,
        part: Extension,
    },
    LineLf {
        size: u64,
    },
    Data {
        left: u64,
    },
    DataCr,
    DataLf,
    Trailers(Scanner),
    End,
}

/// The parts of a chunk extension.
#[derive(Clone, Copy, Debug)]
enum Extension {
    /// White space behind the size: only `;` may follow.
    AfterSize,
    /// Behind `;`.
    BeforeName,
    Name,
    /// White space behind the name.
    AfterName,
    /// Behind `=`.
    BeforeValue,
    Value,
    Quoted,
    /// Behind a backslash in a quoted string.
    Escaped,
    /// Behind the closing quote.
    QuoteEnd,
    /// White space behind the value.
    AfterValue,
}

/// A piece of content. Trailers are boxed: they are five times the size of the others, and come once.
#[derive(Debug)]
pub(crate) enum Piece {
    Data(Bytes),
    Trailers(Box<Fields>),
    End,
}

#[derive(Clone, Debug)]
pub(crate) struct ChunkedDecoder {
    state: State,
    config: Config,
    /// A server's octets are read.
    response: bool,
    /// Offset of the first octet of `input`.
    at: u64,
    line_len: usize,
    extension_len: usize,
    overhead: u64,
    data: u64,
}

impl ChunkedDecoder {
    pub(crate) fn new(config: &Config, response: bool, at: u64) -> Self {
        Self {
            state: State::SizeStart,
            config: *config,
            response,
            at,
            line_len: 0,
            extension_len: 0,
            overhead: 0,
            data: 0,
        }
    }

    /// Octets of the chunk at hand that were not handed out yet.
    pub(crate) fn announced_len(&self) -> u64 {
        match self.state {
            State::Data { left } => left,
            State::SizeStart
            | State::Size { .. }
            | State::Extension { .. }
            | State::LineLf { .. }
            | State::DataCr
            | State::DataLf
            | State::Trailers(_)
            | State::End => 0,
        }
    }

    pub(crate) fn position(&self) -> u64 {
        self.at
    }

    /// Octets of the trailer section that are scanned and still stand in the input.
    pub(crate) fn pending(&self) -> usize {
        match &self.state {
            State::Trailers(scan) => scan.scanned(),
            State::SizeStart
            | State::Size { .. }
            | State::Extension { .. }
            | State::LineLf { .. }
            | State::Data { .. }
            | State::DataCr
            | State::DataLf
            | State::End => 0,
        }
    }

    pub(crate) fn decode(&mut self, input: &mut BytesMut) -> Result<Option<Piece>, ReceiveError> {
        loop {
            match &mut self.state {
                State::Data { left } => {
                    if input.is_empty() {
                        return Ok(None);
                    }
                    let len =
                        usize::try_from(*left).map_or(input.len(), |left| left.min(input.len()));
                    *left -= len as u64;
                    self.at += len as u64;
                    self.data = self.data.saturating_add(len as u64);
                    if *left == 0 {
                        self.state = State::DataCr;
                    }
                    return Ok(Some(Piece::Data(input.split_to(len).freeze())));
                }
                State::Trailers(scan) => {
                    let at = self.at;
                    let refused =
                        |Fault { kind, at: index }| ReceiveError::new(kind, at + index as u64);
                    let Some(len) = scan.scan(input, &self.config).map_err(refused)? else {
                        return Ok(None);
                    };
                    let (count, leniency) = (scan.field_count(), self.config.leniency);
                    let fields = Fields::tokenise(input.split_to(len).freeze(), 0, count, leniency)
                        .ok_or_else(|| ReceiveError::new(ErrorKind::FieldName, at))?;
                    let forbidden = fields
                        .spans()
                        .iter()
                        .find(|span| is_forbidden(span.name.text(fields.raw())));
                    if let Some(span) = forbidden {
                        let offset = at + span.name.start() as u64;
                        return Err(ReceiveError::new(ErrorKind::TrailerForbidden, offset));
                    }
                    let fields = fields.unfold(scan, 0, leniency);
                    self.state = State::End;
                    self.at += len as u64;
                    if count > 0 {
                        return Ok(Some(Piece::Trailers(Box::new(fields))));
                    }
                }
                State::End => return Ok(Some(Piece::End)),
                State::SizeStart
                | State::Size { .. }
                | State::Extension { .. }
                | State::LineLf { .. }
                | State::DataCr
                | State::DataLf => {
                    if let Some((len, size)) = self.plain_line(input) {
                        input.advance(len);
                        self.at += len as u64;
                        self.overhead += len as u64;
                        self.state = State::Data { left: size };
                        continue;
                    }
                    let Some(octet) = input.first().copied() else {
                        return Ok(None);
                    };
                    self.line_octet(octet)?;
                    input.advance(1);
                    self.at += 1;
                    self.overhead += 1;
                }
            }
        }
    }

    /// The next chunk line with the CRLF in front of it, if it is all there and plain: its length and the size of
    /// the chunk. Nothing is refused here; what is not plain is judged octet by octet.
    fn plain_line(&self, input: &[u8]) -> Option<(usize, u64)> {
        let line = match self.state {
            State::SizeStart => input,
            State::DataCr => input.strip_prefix(b"\r\n")?,
            State::Size { .. }
            | State::Extension { .. }
            | State::LineLf { .. }
            | State::Data { .. }
            | State::DataLf
            | State::Trailers(_)
            | State::End => return None,
        };
        let mut size = 0;
        let mut digits = 0;
        for octet in line.iter().take(MAX_PLAIN_DIGITS) {
            let Some(digit) = hex(*octet) else {
                break;
            };
            size = size << 4 | digit;
            digits += 1;
        }
        let ends = line.get(digits..)?.starts_with(b"\r\n");
        let len = input.len() - line.len() + digits + 2;
        let plain = ends
            && size > 0
            && digits <= self.config.limits.max_chunk_line_len
            && self.overhead + (len as u64) < self.config.limits.max_chunk_overhead;
        plain.then_some((len, size))
    }

    /// Takes one octet of a chunk line or of the CRLF behind chunk data.
    fn line_octet(&mut self, octet: u8) -> Result<(), ReceiveError> {
        let fault = |kind| Err(ReceiveError::new(kind, self.at));
        let next = match (&self.state, octet) {
            (State::SizeStart, octet) => match hex(octet) {
                Some(digit) => State::Size { size: digit },
                None => return fault(ErrorKind::ChunkSize),
            },
            (State::Size { size }, b'\r') => State::LineLf { size: *size },
            (State::Size { size }, b';') => State::Extension {
                size: *size,
                part: Extension::BeforeName,
            },
            (State::Size { size }, b' ' | b'\t') => State::Extension {
                size: *size,
                part: Extension::AfterSize,
            },
            (State::Size { size }, octet) => match hex(octet) {
                Some(_) if *size >= 1 << 60 => return fault(ErrorKind::ChunkSizeTooLarge),
                Some(digit) => State::Size {
                    size: size << 4 | digit,
                },
                None => return fault(ErrorKind::ChunkSize),
            },
            (State::Extension { size, part }, octet) => {
                let spaced = self.config.leniency.space_after_chunk_size
                    && matches!(part, Extension::AfterSize);
                if octet == b'\r' && (part.may_end() || spaced) {
                    State::LineLf { size: *size }
                } else {
                    match part.next(octet) {
                        Some(part) => State::Extension { size: *size, part },
                        None if matches!(part, Extension::AfterSize) => {
                            return fault(ErrorKind::ChunkSize);
                        }
                        None => return fault(ErrorKind::ChunkExtension),
                    }
                }
            }
            (State::LineLf { size }, b'\n') => {
                let size = *size;
                self.overhead_is_fair()?;
                self.line_len = 0;
                self.state = if size == 0 {
                    State::Trailers(Scanner::new(Part::Trailers {
                        response: self.response,
                    }))
                } else {
                    State::Data { left: size }
                };
                return Ok(());
            }
            (State::LineLf { .. }, _) => return fault(ErrorKind::BareCr),
            (State::DataCr, b'\r') => State::DataLf,
            (State::DataLf, b'\n') => State::SizeStart,
            (State::DataCr | State::DataLf, _) => return fault(ErrorKind::ChunkEnd),
            (State::Data { .. } | State::Trailers(_) | State::End, _) => return Ok(()),
        };
        match next {
            State::Size { .. } => self.count_line()?,
            State::Extension { .. } => {
                self.count_line()?;
                self.extension_len += 1;
                if self.extension_len > self.config.limits.max_chunk_ext_len {
                    return Err(ReceiveError::new(
                        ErrorKind::ChunkExtensionsTooLong,
                        self.at,
                    ));
                }
            }
            State::SizeStart
            | State::LineLf { .. }
            | State::Data { .. }
            | State::DataCr
            | State::DataLf
            | State::Trailers(_)
            | State::End => {}
        }
        self.state = next;
        Ok(())
    }

    fn count_line(&mut self) -> Result<(), ReceiveError> {
        self.line_len += 1;
        if self.line_len > self.config.limits.max_chunk_line_len {
            return Err(ReceiveError::new(ErrorKind::ChunkLineTooLong, self.at));
        }
        Ok(())
    }

    /// Refuses a stream of tiny chunks, which costs the reader far more than the sender.
    fn overhead_is_fair(&self) -> Result<(), ReceiveError> {
        if self.overhead >= self.config.limits.max_chunk_overhead && self.data < self.overhead / 3 {
            return Err(ReceiveError::new(ErrorKind::ChunkOverhead, self.at));
        }
        Ok(())
    }
}

impl Extension {
    /// Whether a CR may end the line here.
    fn may_end(self) -> bool {
        match self {
            Self::Name | Self::Value | Self::QuoteEnd => true,
            Self::AfterSize
            | Self::BeforeName
            | Self::AfterName
            | Self::BeforeValue
            | Self::Quoted
            | Self::Escaped
            | Self::AfterValue => false,
        }
    }

    /// The part that `octet` leads to, `None` when it must not stand here.
    fn next(self, octet: u8) -> Option<Self> {
        let blank = is_blank(octet);
        Some(match (self, octet) {
            (Self::Quoted, b'"') => Self::QuoteEnd,
            (Self::Quoted, b'\\') => Self::Escaped,
            (Self::Quoted | Self::Escaped, octet) if is_value(octet) => Self::Quoted,
            (Self::AfterSize | Self::Name | Self::AfterName, b';')
            | (Self::Value | Self::QuoteEnd | Self::AfterValue, b';') => Self::BeforeName,
            (Self::Name | Self::AfterName, b'=') => Self::BeforeValue,
            (Self::BeforeValue, b'"') => Self::Quoted,
            (Self::AfterSize, _) if blank => Self::AfterSize,
            (Self::BeforeName, _) if blank => Self::BeforeName,
            (Self::Name | Self::AfterName, _) if blank => Self::AfterName,
            (Self::BeforeValue, _) if blank => Self::BeforeValue,
            (Self::Value | Self::QuoteEnd | Self::AfterValue, _) if blank => Self::AfterValue,
            (Self::BeforeName | Self::Name, octet) if is_tchar(octet) => Self::Name,
            (Self::BeforeValue | Self::Value, octet) if is_tchar(octet) => Self::Value,
            (
                Self::AfterSize
                | Self::BeforeName
                | Self::Name
                | Self::AfterName
                | Self::BeforeValue
                | Self::Value
                | Self::Quoted
                | Self::Escaped
                | Self::QuoteEnd
                | Self::AfterValue,
                _,
            ) => return None,
        })
    }
}

#[inline]
fn hex(octet: u8) -> Option<u64> {
    char::from(octet).to_digit(16).map(u64::from)
}
