//! Events to octets (HTML §9.2.5).
//!
//! [`retry: ` MILLIS LF] [`id: ` ID LF] [`event: ` TYPE LF] *(`data: ` LINE LF) LF

use crate::error::{Field, SendError};
use alloc::vec::Vec;
use bytes::{BufMut, Bytes};
use core::time::Duration;

/// A comment without text, in a block of its own: what a server sends to keep a quiet stream alive.
///
/// The standard's advice is one about every 15 s. Three octets, so that a proxy that passes blocks
/// on passes it on.
pub const HEARTBEAT: &[u8] = b":\n\n";

/// Most octets of an id under [`IdPolicy::HeaderSafe`]. Browsers send a longer Last-Event-ID to
/// another origin only after a preflight (Fetch, CORS-safelisted request header).
const MAX_ID_LEN: usize = 128;

/// Which ids may be sent.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum IdPolicy {
    /// Ids that come back whole in the field Last-Event-ID: at most 128 octets, no control (C0 or
    /// DEL), no space at either end. A control in an id ends a browser's `EventSource` for good.
    #[default]
    HeaderSafe,
    /// Every id that a receiver takes: no NUL, no line end.
    Standard,
}

/// An event to encode. It borrows; `..EventRef::default()` leaves fields out.
///
/// ```
/// use core::time::Duration;
/// use tidings_sse::EventRef;
/// let event = EventRef {
///     event: Some("price"),
///     id: Some("42"),
///     retry: Some(Duration::from_secs(2)),
///     data: Some("1\r\n2\r3"),
/// };
/// assert_eq!(
///     event.to_bytes()?,
///     "retry: 2000\nid: 42\nevent: price\ndata: 1\ndata: 2\ndata: 3\n\n",
/// );
/// # Ok::<(), tidings_sse::SendError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct EventRef<'a> {
    /// The event type. None or empty: `message`, and no line is written.
    pub event: Option<&'a str>,
    /// The last event ID from here on. Empty resets it; none leaves it as it is.
    pub id: Option<&'a str>,
    /// The reconnection time, sent in whole milliseconds, rounded down.
    pub retry: Option<Duration>,
    /// The data. CRLF, CR and LF all arrive as LF. None dispatches nothing at the receiver: use it
    /// to send an id or a reconnection time alone. An empty string dispatches an event.
    pub data: Option<&'a str>,
}

impl<'a> EventRef<'a> {
    /// Makes an event of the type `message` without an id.
    #[must_use]
    pub const fn message(data: &'a str) -> Self {
        Self {
            event: None,
            id: None,
            retry: None,
            data: Some(data),
        }
    }

    /// Gives the octets that [`encode`](Self::encode) writes.
    ///
    /// # Errors
    ///
    /// The same as those of [`encode`](Self::encode), less the lack of room.
    pub fn encoded_len(&self) -> Result<usize, SendError> {
        Ok(self.check(IdPolicy::HeaderSafe)?.len)
    }

    /// Writes the event as one block with its blank line, or nothing. Costs one look over the data
    /// for its length and one to copy it.
    ///
    /// # Errors
    ///
    /// Type or id hold a line end, the id is not safe in a field, the reconnection time is over
    /// 64 bits, or the output is of a fixed size and too small.
    pub fn encode(&self, out: &mut impl BufMut) -> Result<(), SendError> {
        self.encode_with(IdPolicy::HeaderSafe, out)
    }

    /// Writes the event as [`encode`](Self::encode) does, with a choice of the ids that may pass.
    ///
    /// # Errors
    ///
    /// The same as those of [`encode`](Self::encode).
    pub fn encode_with(&self, ids: IdPolicy, out: &mut impl BufMut) -> Result<(), SendError> {
        let checked = self.check(ids)?;
        has_room(checked.len, out)?;
        self.write(checked, out);
        Ok(())
    }

    /// Encodes into an allocation of exactly the size, to be shared among many receivers.
    ///
    /// # Errors
    ///
    /// The same as those of [`encode`](Self::encode).
    pub fn to_bytes(&self) -> Result<Bytes, SendError> {
        let checked = self.check(IdPolicy::HeaderSafe)?;
        let mut out = Vec::with_capacity(checked.len);
        self.write(checked, &mut out);
        Ok(Bytes::from(out))
    }

    fn check(&self, ids: IdPolicy) -> Result<Checked, SendError> {
        let mut len = b"\n".len();
        let retry = self.retry.map(millis).transpose()?;
        if let Some(retry) = retry {
            len += b"retry: \n".len() + decimal(retry, &mut [0; 20]).len();
        }
        if let Some(id) = self.id {
            check_id(id, ids)?;
            len += if id.is_empty() {
                b"id\n".len()
            } else {
                b"id: \n".len() + id.len()
            };
        }
        if let Some(event) = self.event.filter(|event| !event.is_empty()) {
            one_line(Field::Event, event)?;
            len += b"event: \n".len() + event.len();
        }
        let lines = self.data.map_or(0, |data| {
            Lines(Some(data.as_bytes()))
                .map(|line| len += b"data: \n".len() + line.len())
                .count()
        });
        Ok(Checked { len, retry, lines })
    }

    fn write(&self, checked: Checked, out: &mut impl BufMut) {
        if let Some(retry) = checked.retry {
            line(out, b"retry: ", decimal(retry, &mut [0; 20]));
        }
        match self.id {
            None => {}
            Some("") => out.put_slice(b"id\n"),
            Some(id) => line(out, b"id: ", id.as_bytes()),
        }
        match self.event {
            None | Some("") => {}
            Some(event) => line(out, b"event: ", event.as_bytes()),
        }
        match (self.data, checked.lines) {
            (None, _) => {}
            // One line needs no second look for its end.
            (Some(data), 1) => line(out, b"data: ", data.as_bytes()),
            (Some(data), _) => {
                for piece in Lines(Some(data.as_bytes())) {
                    line(out, b"data: ", piece);
                }
            }
        }
        out.put_u8(b'\n');
    }
}

/// What [`EventRef::check`] found out, for the octets that are then written.
#[derive(Clone, Copy)]
struct Checked {
    /// Octets of the block.
    len: usize,
    /// The reconnection time in milliseconds.
    retry: Option<u64>,
    /// Lines of data.
    lines: usize,
}

/// Writes a comment in a block of its own, or nothing. No text gives the [`HEARTBEAT`].
///
/// # Errors
///
/// The text holds a line end, or the output is of a fixed size and too small.
///
/// ```
/// let mut out = bytes::BytesMut::new();
/// tidings_sse::encode_comment("hello", &mut out)?;
/// assert_eq!(out, ": hello\n\n");
/// # Ok::<(), tidings_sse::SendError>(())
/// ```
pub fn encode_comment(text: &str, out: &mut impl BufMut) -> Result<(), SendError> {
    one_line(Field::Comment, text)?;
    if text.is_empty() {
        has_room(HEARTBEAT.len(), out)?;
        out.put_slice(HEARTBEAT);
    } else {
        has_room(b": \n\n".len() + text.len(), out)?;
        line(out, b": ", text.as_bytes());
        out.put_u8(b'\n');
    }
    Ok(())
}

/// Writes a comment block of exactly `len` octets, at least the three of a [`HEARTBEAT`], to push a
/// stream through something that holds short answers back.
///
/// # Errors
///
/// The output is of a fixed size and too small.
pub fn encode_padding(len: usize, out: &mut impl BufMut) -> Result<(), SendError> {
    let fill = len.saturating_sub(HEARTBEAT.len());
    has_room(fill + HEARTBEAT.len(), out)?;
    out.put_u8(b':');
    out.put_bytes(b' ', fill);
    out.put_slice(b"\n\n");
    Ok(())
}

fn line(out: &mut impl BufMut, name: &[u8], value: &[u8]) {
    out.put_slice(name);
    out.put_slice(value);
    out.put_u8(b'\n');
}

fn has_room(needed: usize, out: &impl BufMut) -> Result<(), SendError> {
    let room = out.remaining_mut();
    if needed > room {
        Err(SendError::NoRoom { needed, room })
    } else {
        Ok(())
    }
}

fn one_line(field: Field, value: &str) -> Result<(), SendError> {
    match memchr::memchr2(b'\r', b'\n', value.as_bytes()) {
        Some(at) => Err(SendError::LineEnd { field, at }),
        None => Ok(()),
    }
}

fn check_id(id: &str, policy: IdPolicy) -> Result<(), SendError> {
    let octets = id.as_bytes();
    // One look without a branch for each octet; only an id that is at fault costs another.
    let control = octets
        .iter()
        .fold(false, |seen, octet| seen | octet.is_ascii_control());
    if control {
        one_line(Field::Id, id)?;
        if let Some(at) = memchr::memchr(0, octets) {
            return Err(SendError::NulInId { at });
        }
    }
    match policy {
        IdPolicy::Standard => Ok(()),
        IdPolicy::HeaderSafe => {
            let (len, max) = (id.len(), MAX_ID_LEN);
            if len > max {
                return Err(SendError::IdTooLong { len, max });
            }
            let at = match (control, octets) {
                (true, _) => octets.iter().position(u8::is_ascii_control),
                (false, [b' ', ..]) => Some(0),
                (false, [before @ .., b' ']) => Some(before.len()),
                (false, _) => None,
            };
            match at {
                Some(at) => Err(SendError::IdNotHeaderSafe { at }),
                None => Ok(()),
            }
        }
    }
}

fn millis(time: Duration) -> Result<u64, SendError> {
    u64::try_from(time.as_millis()).map_err(|_| SendError::RetryTooLong)
}

/// Writes `number` in base ten at the end of `digits` and gives that end.
fn decimal(mut number: u64, digits: &mut [u8; 20]) -> &[u8] {
    let mut start = digits.len();
    for slot in digits.iter_mut().rev() {
        *slot = b"0123456789"
            .get((number % 10) as usize)
            .copied()
            .unwrap_or(b'0');
        start -= 1;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    digits.get(start..).unwrap_or_default()
}

/// The lines of a text, cut at CRLF, LF and CR. One more than it has line ends, so never none.
struct Lines<'a>(Option<&'a [u8]>);

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let text = self.0.take()?;
        let Some((line, rest)) =
            memchr::memchr2(b'\n', b'\r', text).and_then(|end| text.split_at_checked(end))
        else {
            return Some(text);
        };
        self.0 = match rest {
            [b'\r', b'\n', rest @ ..] | [_, rest @ ..] => Some(rest),
            [] => None,
        };
        Some(line)
    }
}

#[cfg(test)]
mod tests;
