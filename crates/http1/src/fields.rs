//! Field lines of a head or trailer section: the octets as they came, and where each part stands.
//!
//! A span is 4 x 16 bits: name start, name end, value start, value end.

use alloc::vec::Vec;
use core::fmt;

use bytes::Bytes;

use crate::leniency::Leniency;
use crate::octets::{is_blank, members, trim};
use crate::scan::Scanner;

/// A range of the head, 16 bits an end; heads are never longer than 65,535 octets.
///
/// One word (the start in its low half), so that it is stored and loaded whole.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Span(u32);

impl Span {
    pub(crate) const EMPTY: Self = Self(0);

    #[inline]
    pub(crate) fn new(start: usize, end: usize) -> Self {
        Self(narrow(start) | narrow(end) << 16)
    }

    #[inline]
    pub(crate) fn start(self) -> usize {
        (self.0 & 0xFFFF) as usize
    }

    #[inline]
    pub(crate) fn end(self) -> usize {
        (self.0 >> 16) as usize
    }

    #[inline]
    pub(crate) fn len(self) -> usize {
        self.end().saturating_sub(self.start())
    }

    #[inline]
    pub(crate) fn of(self, head: &[u8]) -> &[u8] {
        head.get(self.start()..self.end()).unwrap_or_default()
    }

    /// The text of a span that is known to be ASCII.
    pub(crate) fn text(self, head: &[u8]) -> &str {
        core::str::from_utf8(self.of(head)).unwrap_or_default()
    }
}

/// An index within a head, of which the low 16 bits are all.
#[inline]
fn narrow(index: usize) -> u32 {
    let [low, high, ..] = index.to_le_bytes();
    u32::from(u16::from_le_bytes([low, high]))
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.start(), self.end())
    }
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct FieldSpan {
    pub(crate) name: Span,
    pub(crate) value: Span,
}

/// Field lines that need no allocation; a browser sends 10 to 15.
const INLINE: usize = 12;

/// The positions of all lines, in `few` as long as they fit, else in `many`.
///
/// No enum: one that is filled where it stands need not be moved, which would cost more than it holds.
#[derive(Clone)]
struct Spans {
    few: [FieldSpan; INLINE],
    few_len: u8,
    many: Vec<FieldSpan>,
}

impl Spans {
    #[inline]
    fn none() -> Self {
        Self {
            few: [FieldSpan::default(); INLINE],
            few_len: 0,
            many: Vec::new(),
        }
    }

    #[inline]
    fn as_slice(&self) -> &[FieldSpan] {
        let few = self.few.get(..usize::from(self.few_len));
        if self.many.is_empty() {
            few.unwrap_or_default()
        } else {
            &self.many
        }
    }

    #[inline]
    fn push(&mut self, line: FieldSpan) {
        match self.few.get_mut(usize::from(self.few_len)) {
            Some(slot) => {
                *slot = line;
                self.few_len += 1;
            }
            None => self.spill(line),
        }
    }

    #[cold]
    fn spill(&mut self, line: FieldSpan) {
        if self.many.is_empty() {
            self.many.reserve(2 * INLINE);
            self.many.extend_from_slice(&self.few);
        }
        self.many.push(line);
    }
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
    /// No line.
    #[inline]
    pub(crate) fn none() -> Self {
        Self {
            raw: Bytes::new(),
            spans: Spans::none(),
        }
    }

    /// Adds a line, which has no octets until [`Fields::hold`] gives them.
    #[inline]
    pub(crate) fn push(&mut self, line: FieldSpan) {
        self.spans.push(line);
    }

    /// Gives the lines the octets of their head.
    pub(crate) fn hold(&mut self, raw: Bytes) {
        self.raw = raw;
    }

    /// Tokenises `raw[start..]`, whose syntax the scan has checked.
    ///
    /// `None` would mean that httparse disagrees with the scan.
    pub(crate) fn tokenise(
        raw: Bytes,
        start: usize,
        count: usize,
        leniency: Leniency,
    ) -> Option<Self> {
        let mut fields = Self::none();
        if leniency.widens_lines() {
            by_lines(&raw, start, count, &mut fields)?;
        } else if count <= STACK {
            let mut parsed = [httparse::EMPTY_HEADER; STACK];
            collect(&raw, start, parsed.get_mut(..count)?, &mut fields)?;
        } else {
            let mut parsed = alloc::vec![httparse::EMPTY_HEADER; count];
            collect(&raw, start, &mut parsed, &mut fields)?;
        }
        fields.hold(raw);
        Some(fields)
    }

    /// The same fields with one space for each fold that `scan` met; they begin at `start`.
    pub(crate) fn unfold(self, scan: &Scanner, start: usize, leniency: Leniency) -> Self {
        let joined = scan.unfolded(&self.raw);
        joined
            .and_then(|joined| Self::tokenise(joined.into(), start, self.len(), leniency))
            .unwrap_or(self)
    }

    /// Drops the lines of that name, all of which stand in `raw`.
    pub(crate) fn remove(&mut self, raw: &[u8], name: &str) {
        let mut kept = Spans::none();
        for line in self.spans() {
            if !line.name.of(raw).eq_ignore_ascii_case(name.as_bytes()) {
                kept.push(*line);
            }
        }
        self.spans = kept;
    }

    pub(crate) fn raw(&self) -> &Bytes {
        &self.raw
    }

    pub(crate) fn spans(&self) -> &[FieldSpan] {
        self.spans.as_slice()
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
    parsed: &mut [httparse::Header<'b>],
    fields: &mut Fields,
) -> Option<()> {
    let section = raw.get(start..)?;
    let count = parsed.len();
    let httparse::Status::Complete((len, parsed)) =
        httparse::parse_headers(section, parsed).ok()?
    else {
        return None;
    };
    if len != section.len() || parsed.len() != count {
        return None;
    }
    let base = raw.as_ptr().addr();
    for field in parsed.iter() {
        let start = field.name.as_ptr().addr().saturating_sub(base);
        let name = Span::new(start, start + field.name.len());
        // Counted from the colon, since an empty value of httparse may point anywhere.
        let behind = raw.get(name.end() + 1..)?;
        let blanks = behind.iter().position(|octet| !is_blank(*octet))?;
        let start = name.end() + 1 + blanks;
        let value = Span::new(start, start + field.value.len());
        fields.push(FieldSpan { name, value });
    }
    Some(())
}

/// Field lines that httparse would refuse and a leniency lets pass; the scan has found their ends.
fn by_lines(raw: &[u8], start: usize, count: usize, fields: &mut Fields) -> Option<()> {
    let base = raw.as_ptr().addr();
    let span = |part: &[u8]| {
        let start = part.as_ptr().addr().saturating_sub(base);
        Span::new(start, start + part.len())
    };
    let lines = raw.get(start..)?.split(|octet| *octet == b'\n').take(count);
    for line in lines {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let colon = line.iter().position(|octet| *octet == b':')?;
        let (name, value) = line.split_at_checked(colon)?;
        let (name, value) = (span(trim(name)), span(trim(value.get(1..)?)));
        fields.push(FieldSpan { name, value });
    }
    (fields.len() == count).then_some(())
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
