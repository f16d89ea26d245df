//! Heads of requests and responses: a start line, field lines, a blank line (RFC 9112 §2.1).
//!
//! Both are the octets that came, frozen, and positions in them. Nothing is copied or decoded.

use core::fmt;

use bytes::Bytes;

use crate::error::ErrorKind;
use crate::fields::{Fields, Span};
use crate::framing::{Facts, Framing, MethodKind};
use crate::leniency::Leniency;
use crate::scan::{Fault, Scanner};
use crate::target::TargetForm;

/// The version of a message; any 1.x above 1.0 counts as 1.1 (RFC 9110 §6.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// HTTP/1.0.
    Http10,
    /// HTTP/1.1.
    Http11,
}

/// The head of a request whose syntax, Host, target and framing are legal.
///
/// A clone copies positions only. Keeping a head keeps its octets (at most 64 KiB).
#[derive(Clone)]
pub struct RequestHead {
    fields: Fields,
    method: Span,
    target: Span,
    authority: Span,
    path: Span,
    form: TargetForm,
    version: Version,
    framing: Framing,
    keep_alive: bool,
    close: bool,
    expects_continue: bool,
    offers_upgrade: bool,
    length_overridden: bool,
}

impl RequestHead {
    /// Builds the head from `raw`, whose end `scan` has found.
    pub(crate) fn parse(raw: Bytes, scan: &Scanner, leniency: Leniency) -> Result<Self, Fault> {
        let start = scan.start_line();
        let refused = |(kind, at)| Fault { kind, at };
        let mut fields =
            Fields::tokenise(raw, start.fields, scan.field_count(), leniency).ok_or(Fault {
                kind: ErrorKind::FieldName,
                at: start.fields,
            })?;
        let facts = Facts::gather(&fields);
        let raw = fields.raw();
        let mut host = facts.host(raw, start.version).map_err(refused)?;
        let framing = facts
            .request_framing(raw, start.version, leniency)
            .map_err(refused)?;
        let expects_continue = facts.expectation(start.version, framing).map_err(refused)?;
        if scan.folded() {
            // Offsets are those of the octets that came, so folds are joined after the checks; what
            // stands behind one moves.
            fields = fields.unfold(scan, start.fields, leniency);
            let facts = Facts::gather(&fields);
            host = facts.host(fields.raw(), start.version).map_err(refused)?;
        }
        let length_overridden = facts.length_overridden(framing);
        if length_overridden {
            fields.remove("content-length");
        }
        let target_start = start.method_end + 1;
        let parts = start.target.as_ref().ok_or(Fault {
            kind: ErrorKind::Target,
            at: target_start,
        })?;
        let part = |range: &core::ops::Range<usize>| {
            Span::new(target_start + range.start, target_start + range.end)
        };
        let authority = match parts.form {
            TargetForm::Absolute | TargetForm::Authority => part(&parts.authority),
            TargetForm::Origin | TargetForm::Asterisk => host.unwrap_or_default(),
        };
        Ok(Self {
            method: Span::new(0, start.method_end),
            target: Span::new(target_start, start.target_end),
            authority,
            path: part(&parts.path),
            form: parts.form,
            version: start.version,
            framing,
            keep_alive: facts.persists(start.version) && !length_overridden,
            length_overridden,
            close: facts.close,
            expects_continue,
            offers_upgrade: facts.offers_upgrade(start.version),
            fields,
        })
    }

    /// The method, case-sensitive (RFC 9110 §9.1).
    #[must_use]
    pub fn method(&self) -> &str {
        self.method.text(self.raw())
    }

    /// The target as sent: visible ASCII, percent-encoding untouched.
    #[must_use]
    pub fn target(&self) -> &str {
        self.target.text(self.raw())
    }

    /// Which of the four forms the target has.
    #[must_use]
    pub fn target_form(&self) -> TargetForm {
        self.form
    }

    /// The path: `/` when absolute-form gives none, `*` for asterisk-form, `""` for authority-form.
    #[must_use]
    pub fn path(&self) -> &str {
        match (self.form, self.path.text(self.raw())) {
            (TargetForm::Absolute, "") => "/",
            (_, path) => path,
        }
    }

    /// What stands behind the first `?` of the target.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        self.target().split_once('?').map(|(_, query)| query)
    }

    /// The effective authority (RFC 9112 §3.3): that of the target, else Host, else `""`.
    #[must_use]
    pub fn authority(&self) -> &str {
        self.authority.text(self.raw())
    }

    /// The version.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// The field lines.
    #[must_use]
    pub fn fields(&self) -> &Fields {
        &self.fields
    }

    /// How the content is delimited: `None`, `Length` or `Chunked`.
    #[must_use]
    pub fn framing(&self) -> Framing {
        self.framing
    }

    /// Whether the connection may serve another request after this one (RFC 9112 §9.3).
    #[must_use]
    pub fn keep_alive(&self) -> bool {
        self.keep_alive
    }

    /// Whether the peer asked for `close`, which differs from an HTTP/1.0 peer that did not ask for `keep-alive`.
    pub(crate) fn says_close(&self) -> bool {
        self.close
    }

    /// Whether a Content-Length was dropped, because Transfer-Encoding stood beside it.
    pub(crate) fn length_overridden(&self) -> bool {
        self.length_overridden
    }

    /// Whether the client waits for `100 Continue` before it sends content (RFC 9110 §10.1.1).
    #[must_use]
    pub fn expects_continue(&self) -> bool {
        self.expects_continue
    }

    /// Whether the connection may change its protocol: an Upgrade that counts, or CONNECT.
    #[must_use]
    pub fn offers_upgrade(&self) -> bool {
        self.offers_upgrade || self.form == TargetForm::Authority
    }

    /// Whether the client offers to switch to `protocol` (RFC 9110 §7.8); case does not matter.
    ///
    /// Only in HTTP/1.1, with `Connection: upgrade`, and with `protocol` among the members of Upgrade.
    #[must_use]
    pub fn upgrades_to(&self, protocol: &str) -> bool {
        self.offers_upgrade && self.fields.has_token("upgrade", protocol)
    }

    /// The same head in an allocation of its own, to be kept for long: a head as it was read keeps
    /// the whole read buffer alive.
    #[must_use]
    pub fn detached(&self) -> Self {
        Self {
            fields: self.fields.detached(),
            ..self.clone()
        }
    }

    /// The octets of the head with its blank line.
    #[must_use]
    pub fn raw(&self) -> &Bytes {
        self.fields.raw()
    }
}

impl fmt::Debug for RequestHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestHead")
            .field("method", &self.method())
            .field("target", &self.target())
            .field("version", &self.version)
            .field("fields", &self.fields)
            .field("framing", &self.framing)
            .finish_non_exhaustive()
    }
}

/// The head of a response whose syntax and framing are legal.
#[derive(Clone)]
pub struct ResponseHead {
    fields: Fields,
    reason: Span,
    status: u16,
    version: Version,
    framing: Framing,
    keep_alive: bool,
    length_overridden: bool,
}

impl ResponseHead {
    /// Builds the head of an answer to a `method` request from `raw`, whose end `scan` has found.
    pub(crate) fn parse(
        raw: Bytes,
        scan: &Scanner,
        method: MethodKind,
        leniency: Leniency,
    ) -> Result<Self, Fault> {
        let start = scan.start_line();
        let refused = |(kind, at)| Fault { kind, at };
        let fields =
            Fields::tokenise(raw, start.fields, scan.field_count(), leniency).ok_or(Fault {
                kind: ErrorKind::FieldName,
                at: start.fields,
            })?;
        let facts = Facts::gather(&fields);
        let framing = facts
            .response_framing(fields.raw(), start.version, start.status, method, leniency)
            .map_err(refused)?;
        // Offsets are those of the octets that came, so folds are joined after the checks.
        let mut fields = fields.unfold(scan, start.fields, leniency);
        let length_overridden = facts.length_overridden(framing);
        if length_overridden {
            fields.remove("content-length");
        }
        Ok(Self {
            reason: Span::new(start.reason, start.reason_end),
            status: start.status,
            version: start.version,
            framing,
            keep_alive: facts.persists(start.version)
                && framing != Framing::UntilClose
                && !length_overridden,
            length_overridden,
            fields,
        })
    }

    /// The status, 100 to 999; treat an unknown one like the first of its hundred.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The reason phrase, which means nothing to a program (RFC 9112 §4).
    #[must_use]
    pub fn reason(&self) -> &[u8] {
        self.reason.of(self.raw())
    }

    /// The version.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// The field lines; a fold is replaced by one space (RFC 9112 §5.2).
    #[must_use]
    pub fn fields(&self) -> &Fields {
        &self.fields
    }

    /// How the content is delimited.
    #[must_use]
    pub fn framing(&self) -> Framing {
        self.framing
    }

    /// Whether the server keeps the connection open after this response (RFC 9112 §9.3).
    #[must_use]
    pub fn keep_alive(&self) -> bool {
        self.keep_alive
    }

    /// Whether a Content-Length was dropped, because Transfer-Encoding stood beside it.
    pub(crate) fn length_overridden(&self) -> bool {
        self.length_overridden
    }

    /// The octets of the head with its blank line, folds replaced.
    #[must_use]
    pub fn raw(&self) -> &Bytes {
        self.fields.raw()
    }
}

impl fmt::Debug for ResponseHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseHead")
            .field("status", &self.status)
            .field("version", &self.version)
            .field("fields", &self.fields)
            .field("framing", &self.framing)
            .finish_non_exhaustive()
    }
}
