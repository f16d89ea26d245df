//! The end of a head, found without ever looking at an octet twice.
//!
//! request line `method SP target SP version CRLF` | status line `version SP status SP reason CRLF`,
//! then field lines `name ":" OWS value OWS CRLF`, then `CRLF` (RFC 9112 §2.1).
//!
//! Every error is decided at a fixed octet: the scan goes strictly forward and a limit counts octets,
//! so the verdict cannot depend on how the input was cut.

use alloc::vec::Vec;

use crate::error::ErrorKind;
use crate::fields::Span;
use crate::head::Version;
use crate::leniency::{Config, Leniency};
use crate::octets::{
    TARGET, TCHAR, VALUE, before_control, is, is_blank, is_target, is_tchar, is_value,
};
use crate::target::{self, TargetParts};

/// Field positions are 16 bits wide.
pub(crate) const LONGEST: usize = u16::MAX as usize;

/// A broken rule and the index of the octet at fault, counted from the first octet of the head.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fault {
    pub(crate) kind: ErrorKind,
    pub(crate) at: usize,
}

/// What is scanned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Request,
    Response,
    /// A trailer section, of a response or of a request.
    Trailers {
        response: bool,
    },
}

/// What the next octet belongs to.
#[derive(Clone, Copy, Debug)]
enum Phase {
    Method,
    Target,
    /// So many octets of `HTTP/1.1` are seen.
    Version(usize),
    /// So many digits of the status are seen.
    Status(usize),
    Reason,
    StartLf,
    LineStart,
    Name,
    /// White space behind a name.
    NameEnd,
    Value,
    LineLf,
    FinalLf,
}

/// The parts of a start line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StartLine {
    pub(crate) method: Span,
    pub(crate) target: Span,
    /// Request only, known at the end of its line.
    pub(crate) parts: Option<TargetParts>,
    pub(crate) version: Version,
    pub(crate) status: u16,
    pub(crate) reason: Span,
    /// Empty, in front of the first octet behind the start line.
    pub(crate) fields: Span,
}

#[derive(Clone, Debug)]
pub(crate) struct Scanner {
    part: Part,
    phase: Phase,
    /// Octets looked at.
    at: usize,
    /// The classes of octets that go on with the part at hand, and the index at which a limit stops them.
    more: u8,
    until: usize,
    /// Where the part of the start line that is at hand began.
    mark: usize,
    field_count: usize,
    start: StartLine,
    /// Where folded lines were joined: index and length of the run of spaces.
    folds: Vec<(usize, usize)>,
}

impl Scanner {
    pub(crate) fn new(part: Part) -> Self {
        let phase = match part {
            Part::Request => Phase::Method,
            Part::Response => Phase::Version(0),
            Part::Trailers { .. } => Phase::LineStart,
        };
        let start = StartLine {
            method: Span::default(),
            target: Span::default(),
            parts: None,
            version: Version::Http11,
            status: 0,
            reason: Span::default(),
            fields: Span::default(),
        };
        Self {
            part,
            phase,
            at: 0,
            more: 0,
            until: 0,
            mark: 0,
            field_count: 0,
            start,
            folds: Vec::new(),
        }
    }

    /// Octets looked at so far.
    pub(crate) fn scanned(&self) -> usize {
        self.at
    }

    /// Whether a line was folded.
    pub(crate) fn folded(&self) -> bool {
        !self.folds.is_empty()
    }

    pub(crate) fn field_count(&self) -> usize {
        self.field_count
    }

    pub(crate) fn start_line(&self) -> &StartLine {
        &self.start
    }

    /// Takes one octet more that goes on with the part at hand, which a head that comes octet by octet mostly consists of.
    /// False when [`scan`](Self::scan) must look at it.
    #[inline]
    pub(crate) fn goes_on(&mut self, head: &[u8]) -> bool {
        // Found from the end: by its index it would wait for the index of the octet before it.
        let more = match head {
            [seen @ .., octet] => {
                seen.len() == self.at && self.at < self.until && is(*octet, self.more)
            }
            [] => false,
        };
        if more {
            self.at = head.len();
        }
        more
    }

    /// Goes on where the last call stopped and returns the length of the head once its end is seen.
    ///
    /// `head` begins with the first octet of the head. A fold is overwritten with spaces.
    pub(crate) fn scan(
        &mut self,
        head: &mut [u8],
        config: &Config,
    ) -> Result<Option<usize>, Fault> {
        let Config { limits, leniency } = config;
        let bare_lf = leniency.bare_lf && !matches!(self.part, Part::Trailers { .. });
        let (max_len, too_long) = match self.part {
            Part::Request | Part::Response => (limits.max_head_len, ErrorKind::HeadTooLong),
            Part::Trailers { .. } => (limits.max_trailer_len, ErrorKind::TrailersTooLong),
        };
        let max_len = max_len.min(LONGEST);
        let end = head.len().min(max_len);
        while let Some(octet) = head.get(..end).and_then(|seen| seen.get(self.at)).copied() {
            let at = self.at;
            let fault = |kind| Err(Fault { kind, at });
            match self.phase {
                Phase::Method => {
                    if at == 0 && !is_tchar(octet) {
                        return fault(if octet == b'\n' {
                            ErrorKind::BareLf
                        } else {
                            ErrorKind::NotHttp
                        });
                    }
                    self.at += run(head, at..end, is_tchar);
                    if self.at > limits.max_method_len {
                        return Err(Fault {
                            kind: ErrorKind::MethodTooLong,
                            at: limits.max_method_len,
                        });
                    }
                    if self.at == at {
                        if octet != b' ' {
                            return fault(bare_lf_or(octet, ErrorKind::Method));
                        }
                        self.start.method = Span::new(0, at);
                        self.mark = at + 1;
                        self.step(Phase::Target);
                    }
                }
                Phase::Target => {
                    let first = self.mark;
                    self.at += run(head, at..end, is_target);
                    if self.at - first > limits.max_target_len {
                        let at = first + limits.max_target_len;
                        return Err(Fault {
                            kind: ErrorKind::TargetTooLong,
                            at,
                        });
                    }
                    if self.at == at {
                        match octet {
                            b' ' if at > first => {
                                self.start.target = Span::new(first, at);
                                self.mark = at + 1;
                                self.step(Phase::Version(0));
                            }
                            b'\r' if at > first => return fault(ErrorKind::Version),
                            _ => return fault(bare_lf_or(octet, ErrorKind::Target)),
                        }
                    }
                }
                Phase::Version(8) if octet == b'\n' && bare_lf && self.part == Part::Request => {
                    self.version(head)?;
                    self.phase = Phase::StartLf;
                }
                Phase::Version(seen) => {
                    let legal = match seen {
                        5 | 7 => octet.is_ascii_digit(),
                        8 => {
                            octet
                                == if self.part == Part::Request {
                                    b'\r'
                                } else {
                                    b' '
                                }
                        }
                        _ => b"HTTP/ .".get(seen) == Some(&octet),
                    };
                    if !legal {
                        return fault(bare_lf_or(octet, ErrorKind::Version));
                    }
                    if seen < 8 {
                        self.step(Phase::Version(seen + 1));
                        continue;
                    }
                    self.version(head)?;
                    self.step(if self.part == Part::Request {
                        Phase::StartLf
                    } else {
                        Phase::Status(0)
                    });
                }
                Phase::Status(seen) => match octet {
                    b'1'..=b'9' | b'0' if seen < 3 && (seen > 0 || octet != b'0') => {
                        self.start.status = self.start.status * 10 + u16::from(octet - b'0');
                        self.step(Phase::Status(seen + 1));
                    }
                    b' ' if seen == 3 => {
                        self.mark = at + 1;
                        self.step(Phase::Reason);
                    }
                    b'\r' if seen == 3 && leniency.missing_reason_sp => {
                        self.start.reason = Span::new(at, at);
                        self.step(Phase::StartLf);
                    }
                    b'\n' if seen == 3 && leniency.missing_reason_sp && bare_lf => {
                        self.start.reason = Span::new(at, at);
                        self.phase = Phase::StartLf;
                    }
                    _ => return fault(bare_lf_or(octet, ErrorKind::StatusLine)),
                },
                Phase::Reason => match octet {
                    b'\r' => {
                        self.start.reason = Span::new(self.mark, at);
                        self.step(Phase::StartLf);
                    }
                    b'\n' if bare_lf => {
                        self.start.reason = Span::new(self.mark, at);
                        self.phase = Phase::StartLf;
                    }
                    octet if is_value(octet) => self.at += run(head, at..end, is_value),
                    _ => return fault(bare_lf_or(octet, ErrorKind::StatusLine)),
                },
                Phase::StartLf => {
                    if octet != b'\n' {
                        return Err(Fault {
                            kind: ErrorKind::BareCr,
                            at: at - 1,
                        });
                    }
                    self.start.fields = Span::new(at + 1, at + 1);
                    if self.part == Part::Request {
                        self.target(head)?;
                    }
                    self.step(Phase::LineStart);
                }
                Phase::LineStart => match octet {
                    b'\r' => self.step(Phase::FinalLf),
                    b'\n' if bare_lf => self.phase = Phase::FinalLf,
                    b' ' | b'\t' => self.fold(head, *leniency)?,
                    octet if is_tchar(octet) => {
                        self.field_count += 1;
                        let (max, kind) = match self.part {
                            Part::Request | Part::Response => {
                                (limits.max_fields, ErrorKind::TooManyFields)
                            }
                            Part::Trailers { .. } => {
                                (limits.max_trailer_fields, ErrorKind::TooManyTrailers)
                            }
                        };
                        if self.field_count > max {
                            return fault(kind);
                        }
                        self.step(Phase::Name);
                    }
                    _ => return fault(bare_lf_or(octet, ErrorKind::FieldName)),
                },
                Phase::Name => {
                    self.at += run(head, at..end, is_tchar);
                    if self.at == at {
                        match octet {
                            b':' => self.step(Phase::Value),
                            b' ' | b'\t' if leniency.space_before_colon && self.answers() => {
                                self.step(Phase::NameEnd);
                            }
                            _ => return fault(bare_lf_or(octet, ErrorKind::FieldName)),
                        }
                    }
                }
                Phase::NameEnd => match octet {
                    b':' => self.step(Phase::Value),
                    b' ' | b'\t' => self.at += 1,
                    _ => return fault(bare_lf_or(octet, ErrorKind::FieldName)),
                },
                Phase::Value => {
                    self.at += before_control(head.get(at..end).unwrap_or_default());
                    if self.at == at {
                        match octet {
                            b'\r' => self.step(Phase::LineLf),
                            b'\t' => self.at += 1,
                            b'\n' if bare_lf => self.phase = Phase::LineLf,
                            b'\n' | b'\0' => {
                                return fault(bare_lf_or(octet, ErrorKind::FieldValue));
                            }
                            _ if leniency.ctl_in_values => self.at += 1,
                            _ => return fault(ErrorKind::FieldValue),
                        }
                    }
                }
                Phase::LineLf => {
                    if octet != b'\n' {
                        return Err(Fault {
                            kind: ErrorKind::BareCr,
                            at: at - 1,
                        });
                    }
                    self.step(Phase::LineStart);
                }
                Phase::FinalLf => {
                    if octet != b'\n' {
                        return Err(Fault {
                            kind: ErrorKind::BareCr,
                            at: at - 1,
                        });
                    }
                    return Ok(Some(at + 1));
                }
            }
        }
        if head.len() > max_len {
            return Err(Fault {
                kind: too_long,
                at: max_len,
            });
        }
        let (more, until) = match self.phase {
            Phase::Method => (TCHAR, limits.max_method_len),
            Phase::Target => (TARGET, self.mark.saturating_add(limits.max_target_len)),
            Phase::Name => (TCHAR, max_len),
            Phase::Reason | Phase::Value => (VALUE, max_len),
            Phase::Version(_)
            | Phase::Status(_)
            | Phase::StartLf
            | Phase::LineStart
            | Phase::NameEnd
            | Phase::LineLf
            | Phase::FinalLf => (0, 0),
        };
        self.more = if self.at == 0 { 0 } else { more };
        self.until = until.min(max_len);
        Ok(None)
    }

    /// Whether it is a server's octets that are scanned.
    fn answers(&self) -> bool {
        match self.part {
            Part::Request | Part::Trailers { response: false } => false,
            Part::Response | Part::Trailers { response: true } => true,
        }
    }

    fn step(&mut self, phase: Phase) {
        self.at += 1;
        self.phase = phase;
    }

    /// Judges a version of the right shape: 1.0 is 1.0, any other 1.x is 1.1 (RFC 9110 §6.2).
    fn version(&mut self, head: &[u8]) -> Result<(), Fault> {
        let at = self.mark;
        match head.get(at + 5..at + 8) {
            Some(b"1.0") => self.start.version = Version::Http10,
            Some([b'1', ..]) => self.start.version = Version::Http11,
            Some(b"2.0") if head.starts_with(b"PRI * ") => {
                return Err(Fault {
                    kind: ErrorKind::Http2Preface,
                    at: 0,
                });
            }
            _ => {
                return Err(Fault {
                    kind: ErrorKind::VersionUnsupported,
                    at,
                });
            }
        }
        Ok(())
    }

    fn target(&mut self, head: &[u8]) -> Result<(), Fault> {
        let StartLine { method, target, .. } = self.start;
        let at = target.start();
        self.start.parts = target::parse(method.of(head), target.of(head), at);
        let kind = ErrorKind::Target;
        self.start.parts.map(|_| ()).ok_or(Fault { kind, at })
    }

    /// A line that begins with white space. RFC 9112 §5.2: in a response the fold is worth a space;
    /// in a request it may be, or is an error.
    fn fold(&mut self, head: &mut [u8], leniency: Leniency) -> Result<(), Fault> {
        let at = self.at;
        if self.field_count == 0 {
            return Err(Fault {
                kind: ErrorKind::SpaceBeforeFields,
                at,
            });
        }
        if !self.answers() && !leniency.fold_to_sp {
            return Err(Fault {
                kind: ErrorKind::ObsFold,
                at,
            });
        }
        // The line in front ends with CRLF, or with LF where that is let pass.
        let crlf = head.get(..at).is_some_and(|seen| seen.ends_with(b"\r\n"));
        let start = if crlf { at - 2 } else { at - 1 };
        if let Some(fold) = head.get_mut(start..=at) {
            fold.fill(b' ');
        }
        self.folds.push((start, at + 1 - start));
        self.step(Phase::Value);
        Ok(())
    }

    /// The head with one space for each fold, or `None` when nothing was folded.
    pub(crate) fn unfolded(&self, head: &[u8]) -> Option<Vec<u8>> {
        let mut folds = self.folds.iter().peekable();
        folds.peek()?;
        let mut joined = Vec::with_capacity(head.len());
        let mut from = 0;
        for &(at, len) in folds {
            joined.extend_from_slice(head.get(from.min(at)..at).unwrap_or_default());
            while joined.last().copied().is_some_and(is_blank) {
                joined.pop();
            }
            joined.push(b' ');
            let after = head.get(at + len..).unwrap_or_default();
            from = at + len + run(after, 0..after.len(), is_blank);
        }
        joined.extend_from_slice(head.get(from..).unwrap_or_default());
        Some(joined)
    }
}

fn bare_lf_or(octet: u8, kind: ErrorKind) -> ErrorKind {
    if octet == b'\n' {
        ErrorKind::BareLf
    } else {
        kind
    }
}

/// How many octets from the start of `range` are of one class.
fn run(head: &[u8], range: core::ops::Range<usize>, class: impl Fn(u8) -> bool) -> usize {
    let rest = head.get(range).unwrap_or_default();
    rest.iter()
        .position(|octet| !class(*octet))
        .unwrap_or(rest.len())
}
