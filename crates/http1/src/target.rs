//! Request targets in their four forms (RFC 9112 §3.2) and the host they and Host name (RFC 3986 §3.2.2).
//!
//! origin `/path?query` | absolute `scheme://authority/path?query` | authority `host:port` | asterisk `*`

use core::net::Ipv6Addr;

use crate::fields::Span;
use crate::octets::{REG_NAME, all, find, is_reg_name};

/// The four forms of a request target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TargetForm {
    /// `/path?query`, sent to the server itself.
    Origin,
    /// `http://host/path?query`, sent to a proxy; a server must take it too.
    Absolute,
    /// `host:port`, with CONNECT only.
    Authority,
    /// `*`, with OPTIONS only.
    Asterisk,
}

/// Where the parts of a target stand in its head.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TargetParts {
    pub(crate) form: TargetForm,
    /// Empty for origin-form and asterisk-form.
    pub(crate) authority: Span,
    /// Empty for authority-form, and for an absolute-form without path.
    pub(crate) path: Span,
}

/// Finds form and parts of `target`, or `None` when `method` does not allow it. `at`: where the target stands.
///
/// That each octet may stand in a target is for the caller to check.
#[inline]
pub(crate) fn parse(method: &[u8], target: &[u8], at: usize) -> Option<TargetParts> {
    match target {
        [b'/', ..] if method != b"CONNECT" => {
            let path_len = find(b'?', target).unwrap_or(target.len());
            Some(TargetParts {
                form: TargetForm::Origin,
                authority: Span::default(),
                path: Span::new(at, at + path_len),
            })
        }
        _ => other_form(method, target, at),
    }
}

/// Kept apart, since nearly all targets are in origin-form.
#[cold]
fn other_form(method: &[u8], target: &[u8], at: usize) -> Option<TargetParts> {
    let end = at + target.len();
    match target {
        _ if method == b"CONNECT" => {
            let port_given = matches!(
                authority(target)?,
                Authority {
                    host: 1..,
                    port: Some(_)
                }
            );
            port_given.then_some(TargetParts {
                form: TargetForm::Authority,
                authority: Span::new(at, end),
                path: Span::new(end, end),
            })
        }
        b"*" => (method == b"OPTIONS").then_some(TargetParts {
            form: TargetForm::Asterisk,
            authority: Span::default(),
            path: Span::new(at, end),
        }),
        _ => absolute(target, at),
    }
}

/// `scheme "://" authority path-abempty [ "?" query ]`.
///
/// A URI without authority, such as `mailto:a`, names nothing that this server can serve, and
/// `example.com:80` is a misplaced authority-form; both are refused.
fn absolute(target: &[u8], at: usize) -> Option<TargetParts> {
    let colon = find(b':', target)?;
    let (scheme, rest) = target.split_at_checked(colon)?;
    let rest = rest.strip_prefix(b"://")?;
    let [first, more @ ..] = scheme else {
        return None;
    };
    let legal = |octet: &u8| octet.is_ascii_alphanumeric() || matches!(octet, b'+' | b'-' | b'.');
    if !first.is_ascii_alphabetic() || !more.iter().all(legal) {
        return None;
    }
    let start = at + colon + 3;
    let len = rest
        .iter()
        .position(|octet| matches!(octet, b'/' | b'?'))
        .unwrap_or(rest.len());
    let (named, after) = rest.split_at_checked(len)?;
    let path_len = find(b'?', after).unwrap_or(after.len());
    let host = authority(named)?.host;
    // RFC 9110 §4.2.1: an http URI with an empty host is invalid.
    let web = scheme.eq_ignore_ascii_case(b"http") || scheme.eq_ignore_ascii_case(b"https");
    if web && host == 0 {
        return None;
    }
    Some(TargetParts {
        form: TargetForm::Absolute,
        authority: Span::new(start, start + len),
        path: Span::new(start + len, start + len + path_len),
    })
}

/// A valid `uri-host [ ":" port ]`.
pub(crate) struct Authority {
    /// Octets of the host; 0 when it is empty.
    pub(crate) host: usize,
    /// `None` when no port is given or it is empty.
    pub(crate) port: Option<u16>,
}

/// Checks `uri-host [ ":" port ]`. User information is refused (RFC 9110 §4.2.4).
pub(crate) fn authority(value: &[u8]) -> Option<Authority> {
    let host = if let [b'[', rest @ ..] = value {
        let close = find(b']', rest)?;
        let literal = core::str::from_utf8(rest.get(..close)?).ok()?;
        if !is_future_literal(literal.as_bytes()) {
            literal.parse::<Ipv6Addr>().ok()?;
        }
        close + 2
    } else {
        registered_name(value)
    };
    let (_, rest) = value.split_at_checked(host)?;
    let port = match rest {
        [] | [b':'] => None,
        [b':', digits @ ..] => Some(port(digits)?),
        _ => return None,
    };
    Some(Authority { host, port })
}

fn port(digits: &[u8]) -> Option<u16> {
    digits.iter().try_fold(0_u16, |port, octet| {
        let digit = octet.is_ascii_digit().then(|| u16::from(octet - b'0'))?;
        port.checked_mul(10)?.checked_add(digit)
    })
}

/// Octets of `*( unreserved / pct-encoded / sub-delims )` at the front of `value`.
fn registered_name(value: &[u8]) -> usize {
    if all(value, REG_NAME) {
        return value.len();
    }
    let mut passed = 0;
    loop {
        let rest = value.get(passed..).unwrap_or_default();
        let plain = rest.iter().position(|octet| !is_reg_name(*octet));
        passed += plain.unwrap_or(rest.len());
        match value.get(passed..) {
            Some([b'%', high, low, ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                passed += 3;
            }
            Some(_) | None => return passed,
        }
    }
}

/// `"v" 1*HEXDIG "." 1*( unreserved / sub-delims / ":" )`.
fn is_future_literal(literal: &[u8]) -> bool {
    let [b'v' | b'V', rest @ ..] = literal else {
        return false;
    };
    let Some(dot) = rest.iter().position(|octet| *octet == b'.') else {
        return false;
    };
    let Some((version, address)) = rest.split_at_checked(dot) else {
        return false;
    };
    !version.is_empty()
        && version.iter().all(u8::is_ascii_hexdigit)
        && address.len() > 1
        && address
            .iter()
            .all(|octet| is_reg_name(*octet) || *octet == b':')
}
