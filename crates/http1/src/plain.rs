//! The head of a request that is all there and plain, in one pass.
//!
//! Plain is what nearly all clients send: no blank line in front, no limit reached, no octet that needs a second
//! look. Nothing is refused here for its syntax: what is not plain is `None`, and the scan judges it. It alone
//! gives such verdicts, so they cannot depend on how the input was cut.

use crate::fields::{FieldSpan, Span};
use crate::framing::Facts;
use crate::head::{RequestHead, Version};
use crate::leniency::Config;
use crate::octets::{before_control, before_non_target, is_blank, is_tchar};
use crate::scan::{Fault, LONGEST};
use crate::target;

/// Octets of the shortest head, `G / HTTP/1.0` and two line ends.
pub(crate) const SHORTEST: usize = 16;

/// Reads the head at the front of `octets` into `head`, if it is all there and plain: its length, and what is
/// wrong with what it says.
///
/// `head` is filled where it stands, since it is as large as a short head: moving it would cost as much as
/// reading it. Its octets are still to be given to it.
#[inline]
pub(crate) fn read(
    octets: &[u8],
    config: &Config,
    head: &mut RequestHead,
) -> Option<(usize, Result<(), Fault>)> {
    let limits = &config.limits;
    // A head that goes on behind this is refused, so its lines are not gathered.
    let octets = octets
        .get(..limits.max_head_len.min(LONGEST))
        .unwrap_or(octets);
    let method_len = token_len(octets)?;
    let (method, rest) = octets.split_at_checked(method_len)?;
    let [b' ', rest @ ..] = rest else { return None };
    let (target, rest) = rest.split_at_checked(before_non_target(rest))?;
    let (version, mut rest) = match rest {
        [
            b' ',
            b'H',
            b'T',
            b'T',
            b'P',
            b'/',
            b'1',
            b'.',
            b'1',
            b'\r',
            b'\n',
            rest @ ..,
        ] => (Version::Http11, rest),
        [
            b' ',
            b'H',
            b'T',
            b'T',
            b'P',
            b'/',
            b'1',
            b'.',
            b'0',
            b'\r',
            b'\n',
            rest @ ..,
        ] => (Version::Http10, rest),
        _ => return None,
    };
    if method.is_empty()
        || method.len() > limits.max_method_len
        || target.len() > limits.max_target_len
    {
        return None;
    }
    let at = method_len + 1;
    // Borrowed from here on: a copy of what was just written in parts waits for them.
    let parts = target::parse(method, target, at);
    let parts = parts.as_ref()?;
    let mut facts = Facts::none();
    loop {
        if let [b'\r', b'\n', ..] = rest {
            break;
        }
        let line_start = octets.len() - rest.len();
        let (line, after) = line(rest, line_start)?;
        head.fields.push(line);
        facts.line(octets, line);
        rest = after;
    }
    let len = octets.len() - rest.len() + 2;
    if head.fields.len() > limits.max_fields {
        return None;
    }
    head.method = Span::new(0, method_len);
    head.target = Span::new(at, at + target.len());
    let verdict = head.judge(octets, version, parts, &facts, config.leniency);
    Some((len, verdict))
}

/// The field line at the front of `rest`, which stands at `start`, and what is behind it.
#[inline(always)]
fn line(rest: &[u8], start: usize) -> Option<(FieldSpan, &[u8])> {
    let name_len = token_len(rest)?;
    let (_, after) = rest.split_at_checked(name_len)?;
    let [b':', after @ ..] = after else {
        return None;
    };
    let mut after = after;
    while let [b' ' | b'\t', more @ ..] = after {
        after = more;
    }
    let value_start = start + (rest.len() - after.len());
    let (mut value, after) = after.split_at_checked(before_control(after))?;
    let [b'\r', b'\n', after @ ..] = after else {
        return None;
    };
    while let [before @ .., last] = value
        && is_blank(*last)
    {
        value = before;
    }
    let line = FieldSpan {
        name: Span::new(start, start + name_len),
        value: Span::new(value_start, value_start + value.len()),
    };
    (name_len > 0).then_some((line, after))
}

/// Octets of the token at the front of `octets`, which do not end with it.
#[inline]
fn token_len(octets: &[u8]) -> Option<usize> {
    octets.iter().position(|octet| !is_tchar(*octet))
}
