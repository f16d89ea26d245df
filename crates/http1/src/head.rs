//! Heads of requests and responses: a start line, field lines, a blank line (RFC 9112 §2.1).
//!
//! Both are the octets that came, frozen, and positions in them. Nothing is copied or decoded.

use core::fmt;

use bytes::{Bytes, BytesMut};

use crate::connection::HeadSearch;
use crate::error::{ErrorKind, ReceiveError};
use crate::fields::{Fields, Span};
use crate::framing::{Facts, Framing, MethodKind};
use crate::leniency::{Config, Leniency};
use crate::plain;
use crate::scan::{Fault, Part, Scanner, StartLine};
use crate::target::{TargetForm, TargetParts};

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
    pub(crate) fields: Fields,
    pub(crate) method: Span,
    pub(crate) target: Span,
    path: Span,
    authority: Span,
    framing: Framing,
    form: TargetForm,
    version: Version,
    keep_alive: bool,
    close: bool,
    expects_continue: bool,
    offers_upgrade: bool,
    length_overridden: bool,
}

impl RequestHead {
    /// Reads the head at the front of `octets`, behind which others may stand; `None` when it is not all there.
    ///
    /// For octets that stand alone, as in a tool or a test; a connection reads its own. Blank lines
    /// in front are skipped and are not part of [`raw`](Self::raw).
    ///
    /// ```
    /// use tidings_http1::{Config, RequestHead};
    /// let octets = bytes::Bytes::from_static(b"GET /x?y HTTP/1.1\r\nHost: a\r\n\r\n");
    /// let head = RequestHead::decode(&octets, &Config::default())?.ok_or("unfinished")?;
    /// assert_eq!((head.method(), head.path(), head.authority()), ("GET", "/x", "a"));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The rule that the octets break, with the offset counted from their first.
    pub fn decode(octets: &Bytes, config: &Config) -> Result<Option<Self>, ReceiveError> {
        let mut head = Self::unread();
        let Some((len, verdict)) = plain::read(octets, config, &mut head) else {
            return Self::scanned(octets, config);
        };
        match verdict {
            Ok(()) => {
                head.fields.hold(octets.slice(..len));
                Ok(Some(head))
            }
            Err(Fault { kind, at }) => Err(ReceiveError::new(kind, at as u64)),
        }
    }

    /// What the scan says of octets that are not all there or not plain.
    fn scanned(octets: &[u8], config: &Config) -> Result<Option<Self>, ReceiveError> {
        // It joins folded lines where they stand.
        let mut input = BytesMut::from(octets);
        let mut search = HeadSearch::new(Part::Request, 0);
        let Some(len) = search.find(&mut input, config)? else {
            return Ok(None);
        };
        let raw = input.split_to(len).freeze();
        search.request(raw, config).map(Some)
    }

    /// A head to be filled.
    #[inline]
    pub(crate) fn unread() -> Self {
        Self {
            fields: Fields::none(),
            method: Span::EMPTY,
            target: Span::EMPTY,
            path: Span::EMPTY,
            authority: Span::EMPTY,
            framing: Framing::None,
            form: TargetForm::Origin,
            version: Version::Http11,
            keep_alive: false,
            close: false,
            expects_continue: false,
            offers_upgrade: false,
            length_overridden: false,
        }
    }

    /// Builds the head from `raw`, whose end `scan` has found.
    pub(crate) fn parse(raw: Bytes, scan: &Scanner, leniency: Leniency) -> Result<Self, Fault> {
        let start = scan.start_line();
        let at = start.fields.start();
        let kind = ErrorKind::FieldName;
        let fields = Fields::tokenise(raw, at, scan.field_count(), leniency);
        let fields = fields.ok_or(Fault { kind, at })?;
        if !scan.folded() {
            return Self::of(fields, start, leniency);
        }
        // Offsets are those of the octets that came, so folds are joined after the checks; what
        // stands behind one moves.
        Self::of(fields.clone(), start, leniency)?;
        Self::of(fields.unfold(scan, at, leniency), start, leniency)
    }

    fn of(fields: Fields, start: &StartLine, leniency: Leniency) -> Result<Self, Fault> {
        let no_target = || Fault {
            kind: ErrorKind::Target,
            at: start.target.start(),
        };
        let parts = start.parts.ok_or_else(no_target)?;
        let facts = Facts::gather(&fields);
        let raw = fields.raw().clone();
        let mut head = Self {
            fields,
            method: start.method,
            target: start.target,
            ..Self::unread()
        };
        head.judge(&raw, start.version, &parts, &facts, leniency)?;
        Ok(head)
    }

    /// Checks what the lines of `raw` say together, and keeps it.
    #[inline]
    pub(crate) fn judge(
        &mut self,
        raw: &[u8],
        version: Version,
        parts: &TargetParts,
        facts: &Facts,
        leniency: Leniency,
    ) -> Result<(), Fault> {
        let refused = |(kind, at)| Fault { kind, at };
        let host = facts.host(raw, version).map_err(refused)?;
        let framing = facts
            .request_framing(raw, version, leniency)
            .map_err(refused)?;
        self.expects_continue = facts.expectation(version, framing).map_err(refused)?;
        self.length_overridden = facts.length_overridden(framing);
        if self.length_overridden {
            self.fields.remove(raw, "content-length");
        }
        self.version = version;
        self.form = parts.form;
        self.path = parts.path;
        self.authority = match parts.form {
            TargetForm::Absolute | TargetForm::Authority => parts.authority,
            TargetForm::Origin | TargetForm::Asterisk => host.unwrap_or_default(),
        };
        self.framing = framing;
        self.keep_alive = facts.persists(version) && !self.length_overridden;
        self.close = facts.close;
        self.offers_upgrade = facts.offers_upgrade(version);
        Ok(())
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
            .field("version", &self.version())
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
        let at = start.fields.start();
        let kind = ErrorKind::FieldName;
        let fields = Fields::tokenise(raw, at, scan.field_count(), leniency);
        let fields = fields.ok_or(Fault { kind, at })?;
        let facts = Facts::gather(&fields);
        let framing = facts
            .response_framing(fields.raw(), start.version, start.status, method, leniency)
            .map_err(refused)?;
        // Offsets are those of the octets that came, so folds are joined after the checks.
        let mut fields = fields.unfold(scan, at, leniency);
        let length_overridden = facts.length_overridden(framing);
        if length_overridden {
            let raw = fields.raw().clone();
            fields.remove(&raw, "content-length");
        }
        Ok(Self {
            reason: start.reason,
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
