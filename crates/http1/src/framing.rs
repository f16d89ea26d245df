//! How the end of a message is found (RFC 9112 §6.3), and what else its head says about the connection.

use crate::error::ErrorKind;
use crate::fields::{FieldSpan, Fields, Span};
use crate::head::Version;
use crate::leniency::Leniency;
use crate::octets::{is_tchar, members, trim};
use crate::target;

/// How the content of a message is delimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Framing {
    /// No content.
    None,
    /// So many octets.
    Length(u64),
    /// Chunks up to one of size zero, then trailers.
    Chunked,
    /// All octets up to the end of the connection (responses only).
    UntilClose,
    /// No content; the connection becomes a tunnel (2xx to CONNECT).
    Tunnel,
}

/// The request that a response answers, as far as framing depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MethodKind {
    Head,
    Connect,
    Other,
}

impl MethodKind {
    pub(crate) fn of(method: &[u8]) -> Self {
        match method {
            b"HEAD" => Self::Head,
            b"CONNECT" => Self::Connect,
            _ => Self::Other,
        }
    }
}

/// A broken rule and the field at fault.
type Refusal = (ErrorKind, usize);

/// What Transfer-Encoding says, all its lines taken together in order.
#[derive(Debug)]
struct Codings {
    /// The name of the first line.
    at: Span,
    chunked: bool,
    chunked_last: bool,
    others: bool,
    /// The name of the first faulty line.
    fault: Option<(ErrorKind, Span)>,
}

/// The fields that decide about framing and connection, gathered in one pass.
#[derive(Debug)]
pub(crate) struct Facts {
    host: Option<Span>,
    length: Option<Span>,
    codings: Option<Codings>,
    pub(crate) close: bool,
    pub(crate) keep_alive: bool,
    pub(crate) upgrade_option: bool,
    pub(crate) upgrade: bool,
    pub(crate) expects_continue: bool,
    /// The first expectation that is not `100-continue`.
    other_expectation: Option<Span>,
    host_repeated: Option<Span>,
    length_repeated: Option<Span>,
    /// Like `length_repeated`, where the digits are not the same.
    length_differs: Option<Span>,
}

impl Facts {
    /// What no line at all says.
    #[inline]
    pub(crate) const fn none() -> Self {
        Self {
            host: None,
            length: None,
            codings: None,
            close: false,
            keep_alive: false,
            upgrade_option: false,
            upgrade: false,
            expects_continue: false,
            other_expectation: None,
            host_repeated: None,
            length_repeated: None,
            length_differs: None,
        }
    }

    pub(crate) fn gather(fields: &Fields) -> Self {
        let mut facts = Self::none();
        for span in fields.spans() {
            facts.line(fields.raw(), *span);
        }
        facts
    }

    /// Takes in one line. Length and first letter tell the known names apart, and pass over nearly all others.
    #[inline(always)]
    pub(crate) fn line(&mut self, head: &[u8], line: FieldSpan) {
        let first = head.get(line.name.start()).map(u8::to_ascii_lowercase);
        if let (4, Some(b'h'))
        | (6, Some(b'e'))
        | (7, Some(b'u'))
        | (10 | 14, Some(b'c'))
        | (17, Some(b't')) = (line.name.len(), first)
        {
            self.known(head, line);
        }
    }

    #[inline(never)]
    fn known(&mut self, head: &[u8], FieldSpan { name, value }: FieldSpan) {
        let named = name.of(head);
        let is = |known: &[u8]| named.eq_ignore_ascii_case(known);
        match named.len() {
            4 if is(b"host") => {
                if self.host.is_some() {
                    self.host_repeated.get_or_insert(name);
                }
                self.host.get_or_insert(value);
            }
            6 if is(b"expect") => {
                for member in members(value.of(head)) {
                    if member.eq_ignore_ascii_case(b"100-continue") {
                        self.expects_continue = true;
                    } else {
                        self.other_expectation.get_or_insert(name);
                    }
                }
            }
            7 if is(b"upgrade") => self.upgrade = true,
            10 if is(b"connection") => {
                for member in members(value.of(head)) {
                    self.close |= member.eq_ignore_ascii_case(b"close");
                    self.keep_alive |= member.eq_ignore_ascii_case(b"keep-alive");
                    self.upgrade_option |= member.eq_ignore_ascii_case(b"upgrade");
                }
            }
            14 if is(b"content-length") => match self.length {
                Some(first) => {
                    self.length_repeated.get_or_insert(name);
                    if merged(first.of(head)) != merged(value.of(head)) {
                        self.length_differs.get_or_insert(name);
                    }
                }
                None => self.length = Some(value),
            },
            17 if is(b"transfer-encoding") => self.codings(value.of(head), name),
            _ => {}
        }
    }

    fn codings(&mut self, value: &[u8], at: Span) {
        let codings = self.codings.get_or_insert(Codings {
            at,
            chunked: false,
            chunked_last: false,
            others: false,
            fault: None,
        });
        for member in members(value) {
            let cut = member
                .iter()
                .position(|octet| *octet == b';')
                .unwrap_or(member.len());
            let (name, parameters) = member.split_at_checked(cut).unwrap_or_default();
            let name = trim(name);
            let chunked = name.eq_ignore_ascii_case(b"chunked");
            // A quoted comma would make the members ambiguous; nobody sends one.
            let named = !name.is_empty() && name.iter().all(|octet| is_tchar(*octet));
            let bare = parameters.is_empty() || (!chunked && !parameters.contains(&b'"'));
            let legal = named && bare;
            if !legal {
                codings.fault.get_or_insert((ErrorKind::CodingInvalid, at));
            } else if chunked && codings.chunked {
                codings.fault.get_or_insert((ErrorKind::CodingRepeated, at));
            }
            codings.chunked |= chunked;
            codings.chunked_last = chunked;
            codings.others |= !chunked;
        }
    }

    /// The Host value, once RFC 9112 §3.2 is satisfied: one valid Host, which only 1.0 may leave out.
    pub(crate) fn host(&self, head: &[u8], version: Version) -> Result<Option<Span>, Refusal> {
        if let Some(name) = self.host_repeated {
            return Err((ErrorKind::HostRepeated, name.start()));
        }
        let Some(span) = self.host else {
            return match version {
                Version::Http11 => Err((ErrorKind::HostMissing, 0)),
                Version::Http10 => Ok(None),
            };
        };
        match target::authority(span.of(head)) {
            Some(_) => Ok(Some(span)),
            None => Err((ErrorKind::HostInvalid, span.start())),
        }
    }

    /// The expectation of RFC 9110 §10.1.1: it counts in 1.1 with content only.
    pub(crate) fn expectation(&self, version: Version, framing: Framing) -> Result<bool, Refusal> {
        match (version, self.other_expectation) {
            (Version::Http10, _) => Ok(false),
            (Version::Http11, Some(name)) => Err((ErrorKind::Expectation, name.start())),
            (Version::Http11, None) => {
                Ok(self.expects_continue && !matches!(framing, Framing::None | Framing::Length(0)))
            }
        }
    }

    /// RFC 9112 §9.3: `close` anywhere wins, then the version decides.
    pub(crate) fn persists(&self, version: Version) -> bool {
        !self.close && (version == Version::Http11 || self.keep_alive)
    }

    /// RFC 9110 §7.8: Upgrade counts in 1.1 with its Connection option only.
    pub(crate) fn offers_upgrade(&self, version: Version) -> bool {
        version == Version::Http11 && self.upgrade && self.upgrade_option
    }

    /// RFC 9112 §6.3 for requests.
    pub(crate) fn request_framing(
        &self,
        head: &[u8],
        version: Version,
        leniency: Leniency,
    ) -> Result<Framing, Refusal> {
        match (&self.codings, self.content_length(head, leniency)?) {
            // Items 3 and 4.
            (Some(codings), length) => {
                codings.check(version, length.filter(|_| !leniency.te_over_cl))?;
                match codings {
                    Codings {
                        chunked_last: true,
                        others: false,
                        ..
                    } => Ok(Framing::Chunked),
                    Codings {
                        chunked_last: true,
                        others: true,
                        at,
                        ..
                    } => Err((ErrorKind::CodingUnknown, at.start())),
                    Codings {
                        chunked_last: false,
                        at,
                        ..
                    } => Err((ErrorKind::CodingNotChunked, at.start())),
                }
            }
            // Items 5 and 6, then 7.
            (None, Some(length)) => Ok(Framing::Length(length)),
            (None, None) => Ok(Framing::None),
        }
    }

    /// RFC 9112 §6.3 for responses.
    pub(crate) fn response_framing(
        &self,
        head: &[u8],
        version: Version,
        status: u16,
        method: MethodKind,
        leniency: Leniency,
    ) -> Result<Framing, Refusal> {
        match (method, status) {
            // Item 1: whatever the fields say.
            (MethodKind::Head, _) | (_, 100..=199 | 204 | 304) => return Ok(Framing::None),
            // Item 2.
            (MethodKind::Connect, 200..=299) => return Ok(Framing::Tunnel),
            (MethodKind::Connect | MethodKind::Other, _) => {}
        }
        match (&self.codings, self.content_length(head, leniency)?) {
            // Items 3 and 4. Codings under a final `chunked` stay on the content for the caller to see.
            (Some(codings), length) => {
                codings.check(version, length.filter(|_| !leniency.te_over_cl))?;
                Ok(if codings.chunked_last {
                    Framing::Chunked
                } else {
                    Framing::UntilClose
                })
            }
            // Items 5 and 6, then 8.
            (None, Some(length)) => Ok(Framing::Length(length)),
            (None, None) => Ok(Framing::UntilClose),
        }
    }

    /// Whether Content-Length stands beside a coding that framed the message.
    pub(crate) fn length_overridden(&self, framing: Framing) -> bool {
        self.length.is_some()
            && self.codings.is_some()
            && matches!(framing, Framing::Chunked | Framing::UntilClose)
    }

    /// One line of `1*DIGIT`. Equal values that repeat may be merged, but are refused unless a
    /// leniency says otherwise: two readers that merge differently are how requests are smuggled.
    fn content_length(&self, head: &[u8], leniency: Leniency) -> Result<Option<u64>, Refusal> {
        let repeated = if leniency.equal_content_lengths {
            self.length_differs
        } else {
            self.length_repeated
        };
        if let Some(name) = repeated {
            return Err((ErrorKind::LengthRepeated, name.start()));
        }
        let Some(span) = self.length else {
            return Ok(None);
        };
        let mut digits = span.of(head);
        if leniency.equal_content_lengths {
            digits = merged(digits);
        }
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
            return Err((ErrorKind::LengthInvalid, span.start()));
        }
        let length = digits.iter().try_fold(0_u64, |length, octet| {
            length.checked_mul(10)?.checked_add(u64::from(octet - b'0'))
        });
        match length {
            Some(length) if length <= i64::MAX.unsigned_abs() => Ok(Some(length)),
            Some(_) | None => Err((ErrorKind::LengthTooLarge, span.start())),
        }
    }
}

/// The one value of a list whose members are all the same octets, else the whole list.
fn merged(value: &[u8]) -> &[u8] {
    let mut members = value.split(|octet| *octet == b',').map(trim);
    match members.next() {
        Some(first) if members.all(|member| member == first) => first,
        Some(_) | None => value,
    }
}

impl Codings {
    /// What is wrong with Transfer-Encoding in either role.
    fn check(&self, version: Version, length: Option<u64>) -> Result<(), Refusal> {
        match (self.fault, version, length) {
            (_, Version::Http10, _) => Err((ErrorKind::CodingInHttp10, self.at.start())),
            // RFC 9112 §6.3 item 3: both fields present is how requests are smuggled, so refuse it.
            (_, Version::Http11, Some(_)) => Err((ErrorKind::LengthAndCoding, self.at.start())),
            (Some((kind, name)), Version::Http11, None) => Err((kind, name.start())),
            (None, Version::Http11, None) => Ok(()),
        }
    }
}
