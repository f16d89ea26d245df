//! The end of a head, found without ever looking at an octet twice.
//!
//! request line `method SP target SP version CRLF` | status line `version SP status SP reason CRLF`,
//! then field lines `name ":" OWS value OWS CRLF`, then `CRLF` (RFC 9112 §2.1).
//!
//! Every error is decided at a fixed octet: the scan goes strictly forward and a limit counts octets,
//! so the verdict cannot depend on how the input was cut.

use alloc::vec::Vec;

use crate::error::ErrorKind;
use crate::head::Version;
use crate::leniency::{Config, Leniency};
use crate::octets::{before_control, is_blank, is_target, is_tchar, is_value};
use crate::target::{self, TargetParts};

/// Field positions are 16 bits wide.
const LONGEST: usize = u16::MAX as usize;

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

/// The parts of a start line, as indexes into the head.
#[derive(Clone, Debug)]
pub(crate) struct StartLine {
    pub(crate) method_end: usize,
    pub(crate) target_end: usize,
    /// Request only, known at the end of its line.
    pub(crate) target: Option<TargetParts>,
    pub(crate) version: Version,
    pub(crate) status: u16,
    pub(crate) reason: usize,
    pub(crate) reason_end: usize,
    /// The first octet behind the start line.
    pub(crate) fields: usize,
}

#[derive(Clone, Debug)]
pub(crate) struct Scanner {
    part: Part,
    phase: Phase,
    /// Octets looked at.
    at: usize,
    version_start: usize,
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
            method_end: 0,
            target_end: 0,
            target: None,
            version: Version::Http11,
            status: 0,
            reason: 0,
            reason_end: 0,
            fields: 0,
        };
        Self {
            part,
            phase,
            at: 0,
            version_start: 0,
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
                        self.start.method_end = at;
                        self.step(Phase::Target);
                    }
                }
                Phase::Target => {
                    let first = self.start.method_end + 1;
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
                                self.start.target_end = at;
                                self.version_start = at + 1;
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
                        self.start.reason = at + 1;
                        self.step(Phase::Reason);
                    }
                    b'\r' if seen == 3 && leniency.missing_reason_sp => {
                        self.end_reason(at);
                        self.step(Phase::StartLf);
                    }
                    b'\n' if seen == 3 && leniency.missing_reason_sp && bare_lf => {
                        self.end_reason(at);
                        self.phase = Phase::StartLf;
                    }
                    _ => return fault(bare_lf_or(octet, ErrorKind::StatusLine)),
                },
                Phase::Reason => match octet {
                    b'\r' => {
                        self.start.reason_end = at;
                        self.step(Phase::StartLf);
                    }
                    b'\n' if bare_lf => {
                        self.start.reason_end = at;
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
                    self.start.fields = at + 1;
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
        Ok(None)
    }

    /// Whether it is a server's octets that are scanned.
    fn answers(&self) -> bool {
        match self.part {
            Part::Request | Part::Trailers { response: false } => false,
            Part::Response | Part::Trailers { response: true } => true,
        }
    }

    /// An empty reason, with not even the space in front of it.
    fn end_reason(&mut self, at: usize) {
        self.start.reason = at;
        self.start.reason_end = at;
    }

    fn step(&mut self, phase: Phase) {
        self.at += 1;
        self.phase = phase;
    }

    /// Judges a version of the right shape: 1.0 is 1.0, any other 1.x is 1.1 (RFC 9110 §6.2).
    fn version(&mut self, head: &[u8]) -> Result<(), Fault> {
        let at = self.version_start;
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
        let first = self.start.method_end + 1;
        let method = head.get(..self.start.method_end).unwrap_or_default();
        let target = head.get(first..self.start.target_end).unwrap_or_default();
        self.start.target = target::parse(method, target);
        match self.start.target {
            Some(_) => Ok(()),
            None => Err(Fault {
                kind: ErrorKind::Target,
                at: first,
            }),
        }
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
