//! Field lines of a head or trailer section: the octets as they came, and where each part stands.
//!
//! A span is 4 x 16 bits: name start, name end, value start, value end.

use alloc::vec::Vec;
use core::fmt;

use bytes::Bytes;

use crate::leniency::Leniency;
use crate::octets::{members, trim};
use crate::scan::Scanner;

/// A range of the head, 16 bits an end; heads are never longer than 65,535 octets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    start: u16,
    end: u16,
}

impl Span {
    pub(crate) fn new(start: usize, end: usize) -> Self {
        let narrow = |index| u16::try_from(index).unwrap_or(u16::MAX);
        Self {
            start: narrow(start),
            end: narrow(end),
        }
    }

    pub(crate) fn of(self, head: &[u8]) -> &[u8] {
        head.get(usize::from(self.start)..usize::from(self.end))
            .unwrap_or_default()
    }

    /// The text of a span that is known to be ASCII.
    pub(crate) fn text(self, head: &[u8]) -> &str {
        core::str::from_utf8(self.of(head)).unwrap_or_default()
    }

    pub(crate) fn start(self) -> usize {
        usize::from(self.start)
    }
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct FieldSpan {
    pub(crate) name: Span,
    pub(crate) value: Span,
}

/// Field lines that need no allocation; a browser sends 10 to 15.
const INLINE: usize = 12;

#[derive(Clone)]
enum Spans {
    Inline { spans: [FieldSpan; INLINE], len: u8 },
    Heap(Vec<FieldSpan>),
}

/// The field lines of a head or trailer section, in order.
///
/// Case, order and duplicates are kept. A clone copies up to twelve spans and no octet; more
/// fields than that cost one allocation a head. A lookup is a linear search.
///
/// ```
/// use tidings_http1::{Limits, ServerConnection, ServerEvent};
/// let mut input = bytes::BytesMut::from(&b"GET / HTTP/1.1\r\nHost: a\r\nAccept: x, y\r\n\r\n"[..]);
/// let mut connection = ServerConnection::new(Limits::default());
/// let Ok(Some(ServerEvent::Request(head))) = connection.next_event(&mut input) else { panic!() };
/// assert_eq!(head.fields().get("accept"), Some(&b"x, y"[..]));
/// assert!(head.fields().has_token("Accept", "Y"));
/// ```
#[derive(Clone)]
pub struct Fields {
    raw: Bytes,
    spans: Spans,
}

/// Fields that httparse can write to the stack; more of them go through a `Vec`.
const STACK: usize = 16;

impl Fields {
    /// Tokenises `raw[start..]`, whose syntax the scan has checked.
    ///
    /// `None` would mean that httparse disagrees with the scan.
    pub(crate) fn tokenise(
        raw: Bytes,
        start: usize,
        count: usize,
        leniency: Leniency,
    ) -> Option<Self> {
        let spans = if leniency.widens_lines() {
            by_lines(&raw, start, count)?
        } else if count <= STACK {
            let mut parsed = [httparse::EMPTY_HEADER; STACK];
            collect(&raw, start, count, parsed.get_mut(..count)?)?
        } else {
            collect(
                &raw,
                start,
                count,
                &mut alloc::vec![httparse::EMPTY_HEADER; count],
            )?
        };
        Some(Self { raw, spans })
    }

    /// The same fields with one space for each fold that `scan` met; they begin at `start`.
    pub(crate) fn unfold(self, scan: &Scanner, start: usize, leniency: Leniency) -> Self {
        let joined = scan.unfolded(&self.raw);
        joined
            .and_then(|joined| Self::tokenise(joined.into(), start, self.len(), leniency))
            .unwrap_or(self)
    }

    /// Drops the lines of that name.
    pub(crate) fn remove(&mut self, name: &str) {
        let spans = self.spans().iter().copied();
        let kept = spans.filter(|span| !span.name.text(&self.raw).eq_ignore_ascii_case(name));
        self.spans = Spans::Heap(kept.collect());
    }

    pub(crate) fn raw(&self) -> &Bytes {
        &self.raw
    }

    pub(crate) fn spans(&self) -> &[FieldSpan] {
        match &self.spans {
            Spans::Inline { spans, len } => spans.get(..usize::from(*len)).unwrap_or_default(),
            Spans::Heap(spans) => spans,
        }
    }

    /// The same lines in an allocation of their own.
    pub(crate) fn detached(&self) -> Self {
        Self {
            raw: Bytes::copy_from_slice(&self.raw),
            ..self.clone()
        }
    }

    /// All field lines in order: name as sent, value without white space around it.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> + Clone {
        self.spans()
            .iter()
            .map(|span| (span.name.text(&self.raw), span.value.of(&self.raw)))
    }

    /// The value of the first line of that name; case does not matter.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.get_all(name).next()
    }

    /// Like [`get`](Self::get), and `None` also when the value is not UTF-8.
    #[must_use]
    pub fn get_str(&self, name: &str) -> Option<&str> {
        core::str::from_utf8(self.get(name)?).ok()
    }

    /// The values of all lines of that name, in order.
    pub fn get_all<'a, 'n>(
        &'a self,
        name: &'n str,
    ) -> impl Iterator<Item = &'a [u8]> + use<'a, 'n> {
        self.spans()
            .iter()
            .filter(move |span| {
                span.name
                    .of(&self.raw)
                    .eq_ignore_ascii_case(name.as_bytes())
            })
            .map(|span| span.value.of(&self.raw))
    }

    /// The members of the comma list that all lines of that name form, empty ones skipped (RFC 9110 §5.6.1).
    ///
    /// Members that are not UTF-8 are skipped. Commas inside quoted strings divide too, so this
    /// is for lists of tokens.
    pub fn tokens<'a, 'n>(&'a self, name: &'n str) -> impl Iterator<Item = &'a str> + use<'a, 'n> {
        self.get_all(name)
            .flat_map(members)
            .filter_map(|member| core::str::from_utf8(member).ok())
    }

    /// Whether the comma list has `token` as a whole member; case does not matter.
    #[must_use]
    pub fn has_token(&self, name: &str, token: &str) -> bool {
        self.tokens(name)
            .any(|member| member.eq_ignore_ascii_case(token))
    }

    /// How many field lines there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.spans().len()
    }

    /// Whether there is no field line.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.spans().is_empty()
    }
}

fn collect<'b>(
    raw: &'b [u8],
    start: usize,
    count: usize,
    parsed: &mut [httparse::Header<'b>],
) -> Option<Spans> {
    let section = raw.get(start..)?;
    let httparse::Status::Complete((len, parsed)) =
        httparse::parse_headers(section, parsed).ok()?
    else {
        return None;
    };
    if len != section.len() || parsed.len() != count {
        return None;
    }
    let lines = parsed
        .iter()
        .map(|field| (field.name.as_bytes(), field.value));
    spans_of(raw, lines, count)
}

/// Field lines that httparse would refuse and a leniency lets pass; the scan has found their ends.
fn by_lines(raw: &[u8], start: usize, count: usize) -> Option<Spans> {
    let lines = raw.get(start..)?.split(|octet| *octet == b'\n').take(count);
    let lines = lines.filter_map(|line| {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let colon = line.iter().position(|octet| *octet == b':')?;
        let (name, value) = line.split_at_checked(colon)?;
        Some((trim(name), trim(value.get(1..)?)))
    });
    let spans = spans_of(raw, lines.clone(), count)?;
    (lines.count() == count).then_some(spans)
}

/// The positions of `count` lines that stand in `raw`.
fn spans_of<'b>(
    raw: &'b [u8],
    lines: impl Iterator<Item = (&'b [u8], &'b [u8])>,
    count: usize,
) -> Option<Spans> {
    let base = raw.as_ptr().addr();
    let span = |part: &[u8]| {
        let start = part.as_ptr().addr().saturating_sub(base);
        Span::new(start, start + part.len())
    };
    let mut each = lines.map(|(name, value)| {
        // An empty value may point anywhere; its span must still be inside the head.
        let name = span(name);
        let value = if value.is_empty() {
            Span::default()
        } else {
            span(value)
        };
        FieldSpan { name, value }
    });
    if count > INLINE {
        return Some(Spans::Heap(each.collect()));
    }
    let mut spans = [FieldSpan::default(); INLINE];
    for (slot, field) in spans.iter_mut().zip(&mut each) {
        *slot = field;
    }
    Some(Spans::Inline {
        spans,
        len: u8::try_from(count).ok()?,
    })
}

/// Two sections are equal when they have the same lines in the same order and case.
impl PartialEq for Fields {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl Eq for Fields {}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = self.iter().map(|(name, value)| (name, Escaped(value)));
        f.debug_map().entries(lines).finish()
    }
}

/// Octets as a quoted ASCII string.
struct Escaped<'a>(&'a [u8]);

impl fmt::Debug for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}
