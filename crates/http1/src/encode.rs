//! Heads, chunks and trailers into octets (RFC 9112 §2.1, §7.1). Nothing here can write a bad head:
//! names, values and targets are checked, and the fields that frame a message are the codec's alone.

use bytes::{BufMut, BytesMut};

use crate::chunked::is_forbidden_to_send;
use crate::error::SendError;
use crate::framing::Framing;
use crate::octets::{TCHAR, VALUE, all, before_control, is_blank, members};
use crate::target;

/// The end of a chunked content without trailers.
pub const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// The content that follows a head, as the caller knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Content {
    /// No content; for 204, 304 and requests such as GET. Elsewhere the same as `Length(0)`.
    None,
    /// So many octets. In an answer to HEAD and in a 304: the length that GET would give; no data follows.
    Length(u64),
    /// Not known yet: chunked to HTTP/1.1, up to the close of the connection to HTTP/1.0.
    Unknown,
}

/// Writes one chunk: size, CRLF, data, CRLF. Writes nothing for no data, since a chunk of size zero ends the content.
///
/// ```
/// let mut out = bytes::BytesMut::new();
/// tidings_http1::encode_chunk(b"hello", &mut out);
/// tidings_http1::encode_chunk(b"", &mut out);
/// assert_eq!(&out[..], b"5\r\nhello\r\n");
/// ```
#[inline]
pub fn encode_chunk(data: &[u8], out: &mut BytesMut) {
    if data.is_empty() {
        return;
    }
    let (line, len) = size_line(data.len());
    out.reserve(data.len() + line.len() + 2);
    // A copy of a fixed length needs no call; what is too much is taken back.
    let end = out.len() + len;
    out.put_slice(&line);
    out.truncate(end);
    out.put_slice(data);
    out.put_slice(b"\r\n");
}

/// The line in front of a chunk of `size` octets, and its length. No memory holds a chunk of more than 14 digits.
fn size_line(mut size: usize) -> ([u8; 16], usize) {
    // One word, the first octet lowest.
    let mut line = u128::from(u16::from_le_bytes(*b"\r\n"));
    let mut len = 2;
    loop {
        let digit = (size & 0xF) as u128;
        let letter = if digit < 10 { b'0' } else { b'a' - 10 };
        line = line << 8 | (digit + u128::from(letter));
        len += 1;
        size >>= 4;
        if size == 0 {
            return (line.to_le_bytes(), len);
        }
    }
}

/// Runs `write`, and takes back what it wrote if it fails.
pub(crate) fn all_or_nothing<T>(
    out: &mut BytesMut,
    write: impl FnOnce(&mut BytesMut) -> Result<T, SendError>,
) -> Result<T, SendError> {
    let before = out.len();
    write(out).inspect_err(|_| out.truncate(before))
}

/// Writes `number` in decimal.
fn put_number(mut number: u64, out: &mut BytesMut) {
    let mut digits = [0_u8; 20];
    let mut start = digits.len();
    for slot in digits.iter_mut().rev() {
        *slot = b'0' + u8::try_from(number % 10).unwrap_or_default();
        start -= 1;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.put_slice(digits.get(start..).unwrap_or_default());
}

pub(crate) fn put_status_line(status: u16, out: &mut BytesMut) {
    // Most are this one, and a copy of a fixed length needs no call.
    if status == 200 {
        return out.put_slice(b"HTTP/1.1 200 OK\r\n");
    }
    // RFC 9112 §4: the space stays even when there is no reason.
    let mut line = *b"HTTP/1.1 000 ";
    let [.., hundreds, tens, ones, _] = &mut line;
    let digit = |unit: u16| u8::try_from(status / unit % 10).unwrap_or_default();
    *hundreds += digit(100);
    *tens += digit(10);
    *ones += digit(1);
    out.put_slice(&line);
    out.put_slice(crate::reason_phrase(status).as_bytes());
    out.put_slice(b"\r\n");
}

/// What the caller's field lines said that the codec must know.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Given {
    pub(crate) hosts: usize,
    pub(crate) host_invalid: bool,
    pub(crate) close: bool,
    pub(crate) upgrade_option: bool,
    pub(crate) upgrade: bool,
    pub(crate) expects_continue: bool,
}

/// Writes the caller's field lines and reports what they said.
pub(crate) fn put_fields<'f>(
    fields: impl IntoIterator<Item = (&'f str, &'f [u8])>,
    out: &mut BytesMut,
) -> Result<Given, SendError> {
    let mut given = Given::default();
    for (name, value) in fields {
        put_field(name, value, out)?;
        given.field(name, value)?;
    }
    Ok(given)
}

pub(crate) fn put_trailers<'f>(
    fields: impl IntoIterator<Item = (&'f str, &'f [u8])>,
    out: &mut BytesMut,
) -> Result<(), SendError> {
    out.put_slice(b"0\r\n");
    for (name, value) in fields {
        if is_forbidden_to_send(name) {
            return Err(SendError::ForbiddenTrailer);
        }
        put_field(name, value, out)?;
    }
    out.put_slice(b"\r\n");
    Ok(())
}

fn put_field(name: &str, value: &[u8], out: &mut BytesMut) -> Result<(), SendError> {
    if !is_token(name) {
        return Err(SendError::InvalidName);
    }
    // HTAB stops the search in words and is legal.
    let plain = before_control(value) == value.len();
    let padded = |end: Option<&u8>| end.is_some_and(|octet| is_blank(*octet));
    if !(plain || all(value, VALUE)) || padded(value.first()) || padded(value.last()) {
        return Err(SendError::InvalidValue);
    }
    out.reserve(name.len() + value.len() + 4);
    out.put_slice(name.as_bytes());
    out.put_slice(b": ");
    out.put_slice(value);
    out.put_slice(b"\r\n");
    Ok(())
}

pub(crate) fn is_token(text: &str) -> bool {
    !text.is_empty() && all(text.as_bytes(), TCHAR)
}

impl Given {
    fn field(&mut self, name: &str, value: &[u8]) -> Result<(), SendError> {
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        match name.len() {
            4 if is("host") => {
                self.hosts += 1;
                self.host_invalid |= target::authority(value).is_none();
            }
            6 if is("expect") => {
                self.expects_continue |=
                    members(value).any(|member| member.eq_ignore_ascii_case(b"100-continue"));
            }
            7 if is("upgrade") => self.upgrade = true,
            10 if is("connection") => {
                for member in members(value) {
                    self.close |= member.eq_ignore_ascii_case(b"close");
                    self.upgrade_option |= member.eq_ignore_ascii_case(b"upgrade");
                    if member.eq_ignore_ascii_case(b"keep-alive") {
                        return Err(SendError::FramingField);
                    }
                }
            }
            14 if is("content-length") => return Err(SendError::FramingField),
            17 if is("transfer-encoding") => return Err(SendError::FramingField),
            _ => {}
        }
        Ok(())
    }

    /// The connection options that the codec must add.
    pub(crate) fn put_connection(&self, persistence: Option<&str>, out: &mut BytesMut) {
        // RFC 9110 §7.8: Upgrade without its option is ignored by the peer.
        let upgrade = (self.upgrade && !self.upgrade_option).then_some("Upgrade");
        let persistence = persistence.filter(|option| !(self.close && *option == "close"));
        let mut before = "Connection: ";
        for option in [upgrade, persistence].into_iter().flatten() {
            out.put_slice(before.as_bytes());
            out.put_slice(option.as_bytes());
            before = ", ";
        }
        if before == ", " {
            out.put_slice(b"\r\n");
        }
    }
}

/// The content being sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyWriter {
    /// No octet may follow the head.
    None,
    Length {
        left: u64,
    },
    Chunked,
    UntilClose,
}

impl BodyWriter {
    /// The framing of what is left to send.
    pub(crate) fn framing(self) -> Framing {
        match self {
            Self::None => Framing::None,
            Self::Length { left } => Framing::Length(left),
            Self::Chunked => Framing::Chunked,
            Self::UntilClose => Framing::UntilClose,
        }
    }

    pub(crate) fn put_data(&mut self, data: &[u8], out: &mut BytesMut) -> Result<(), SendError> {
        match self {
            Self::Chunked => encode_chunk(data, out),
            Self::None | Self::Length { .. } | Self::UntilClose => {
                self.count_data(data.len() as u64)?;
                out.extend_from_slice(data);
            }
        }
        Ok(())
    }

    /// Takes content off what is left to send, without writing it.
    pub(crate) fn count_data(&mut self, len: u64) -> Result<(), SendError> {
        match self {
            Self::None if len == 0 => {}
            Self::None => return Err(SendError::BodyNotAllowed),
            Self::Length { left } => {
                *left = left
                    .checked_sub(len)
                    .ok_or(SendError::TooMuchBody { left: *left, len })?;
            }
            Self::Chunked => return Err(SendError::WrongState),
            Self::UntilClose => {}
        }
        Ok(())
    }

    pub(crate) fn put_end(self, out: &mut BytesMut) -> Result<(), SendError> {
        match self {
            Self::None | Self::Length { left: 0 } | Self::UntilClose => {}
            Self::Length { left } => return Err(SendError::ShortBody { left }),
            Self::Chunked => out.extend_from_slice(LAST_CHUNK),
        }
        Ok(())
    }

    pub(crate) fn put_trailers<'f>(
        self,
        trailers: impl IntoIterator<Item = (&'f str, &'f [u8])>,
        out: &mut BytesMut,
    ) -> Result<(), SendError> {
        match self {
            Self::Chunked => all_or_nothing(out, |out| put_trailers(trailers, out)),
            Self::None | Self::Length { .. } | Self::UntilClose => {
                Err(SendError::TrailersNeedChunked)
            }
        }
    }
}

pub(crate) fn put_content_length(length: u64, out: &mut BytesMut) {
    out.put_slice(b"Content-Length: ");
    put_number(length, out);
    out.put_slice(b"\r\n");
}

pub(crate) fn put_chunked(out: &mut BytesMut) {
    out.put_slice(b"Transfer-Encoding: chunked\r\n");
}
