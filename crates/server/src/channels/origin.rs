//! Which pages may ask (RFC 6454, WHATWG Fetch): own origin, named origins, and no DNS rebinding.
//!
//! A browser sends `Origin` with what a page of another site asks, and with every WebSocket. A page
//! of a foreign site must neither read a channel nor publish into one unless it was named.

use core::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::borrow::Cow;

use tidings_http1::{RequestHead, Version};

use crate::serve::Response;

const EXPOSED: &str = "ETag, Preference-Applied, Retry-After";
const ALLOWED_FIELDS: &str =
    "Content-Type, If-None-Match, Last-Event-ID, Prefer, Idempotency-Key, Authorization";
const ALLOWED_METHODS: &str = "GET, HEAD, POST, DELETE";

/// What the `Origin` of a request means for its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// Our own pages, or no page at all.
    Own,
    /// A named foreign origin: the answer must say that it may be read.
    Named(String),
}

impl Origin {
    /// The origin of a request under `/channels`.
    ///
    /// # Errors
    /// In one sentence, why it is refused.
    pub(super) fn of(head: &RequestHead, allowed: &[String]) -> Result<Self, &'static str> {
        let mut origins = head.fields().get_all("Origin");
        let Some(origin) = origins.next() else {
            let cross_site = head
                .fields()
                .get("Sec-Fetch-Site")
                .is_some_and(|site| site == b"cross-site");
            return if cross_site {
                Err("a page of another site asks, and its origin is not named")
            } else {
                Ok(Self::Own)
            };
        };
        if origins.next().is_some() {
            return Err("there are two Origin fields");
        }
        let origin = core::str::from_utf8(origin).map_err(|_| "the Origin is not text")?;
        if allowed
            .iter()
            .any(|named| named.eq_ignore_ascii_case(origin))
        {
            return Ok(Self::Named(origin.to_owned()));
        }
        if is_own(origin, head.authority()) {
            return Ok(Self::Own);
        }
        Err("pages of this origin may not use the channels of this server")
    }

    /// Adds what lets a page of a named origin read the answer.
    pub(super) fn mark(&self, response: Response) -> Response {
        match self {
            Self::Own => response,
            Self::Named(origin) => response
                .with("Access-Control-Allow-Origin", Cow::Owned(origin.clone()))
                .with("Access-Control-Expose-Headers", EXPOSED),
        }
    }

    /// The answer to a preflight.
    pub(super) fn preflight(allow: &'static str) -> Response {
        Response::new(204)
            .with("Allow", allow)
            .with("Access-Control-Allow-Methods", ALLOWED_METHODS)
            .with("Access-Control-Allow-Headers", ALLOWED_FIELDS)
            .with("Access-Control-Max-Age", "600")
    }
}

/// Whether an origin's host and port are those that the request was sent to. The scheme is not
/// compared, since a proxy may end TLS.
fn is_own(origin: &str, authority: &str) -> bool {
    let Some((scheme, host)) = origin.split_once("://") else {
        return false;
    };
    let default = match scheme {
        "http" => 80,
        "https" => 443,
        _ => return false,
    };
    let (Some(theirs), Some(ours)) = (host_and_port(host), host_and_port(authority)) else {
        return false;
    };
    theirs.0.eq_ignore_ascii_case(ours.0)
        && theirs.1.unwrap_or(default) == ours.1.unwrap_or(default)
}

/// Splits `host[:port]`; an IPv6 literal keeps its brackets. `None` where the port is no port.
fn host_and_port(authority: &str) -> Option<(&str, Option<u16>)> {
    let host_end = match authority.strip_prefix('[') {
        Some(rest) => rest.find(']')? + 2,
        None => authority.find(':').unwrap_or(authority.len()),
    };
    let (host, rest) = authority.split_at_checked(host_end)?;
    if host.is_empty() {
        return None;
    }
    let port = match rest.strip_prefix(':') {
        Some("") => None,
        Some(port) if port.bytes().all(|octet| octet.is_ascii_digit()) => Some(port.parse().ok()?),
        None if rest.is_empty() => None,
        Some(_) | None => return None,
    };
    Some((host, port))
}

/// Whether `Host` may name a loopback listener. A page that rebinds its own name to 127.0.0.1 asks
/// with that name, which gives it away.
pub(super) fn host_is_safe(head: &RequestHead, listener: SocketAddr, hosts: &[String]) -> bool {
    // `::ffff:127.0.0.1` is a loopback address too.
    if !listener.ip().to_canonical().is_loopback() {
        return true;
    }
    // Browsers always send Host, so a 1.0 request without one comes from none.
    if head.version() == Version::Http10 && head.fields().get("Host").is_none() {
        return true;
    }
    let Some((host, _)) = host_and_port(head.authority()) else {
        return false;
    };
    host.eq_ignore_ascii_case("localhost")
        || is_ip_literal(host)
        || hosts.iter().any(|named| named.eq_ignore_ascii_case(host))
}

fn is_ip_literal(host: &str) -> bool {
    match host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
    {
        Some(inner) => inner.parse::<Ipv6Addr>().is_ok(),
        None => host.parse::<Ipv4Addr>().is_ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_origin_compares_host_and_port_but_not_the_scheme() {
        let rows = [
            ("http://a.example:8080", "a.example:8080", true),
            ("https://a.example:8080", "A.example:8080", true),
            ("http://a.example", "a.example:80", true),
            ("https://a.example", "a.example", true),
            ("https://a.example", "a.example:443", true),
            ("http://[::1]:9", "[::1]:9", true),
            ("http://a.example:8081", "a.example:8080", false),
            ("http://b.example", "a.example", false),
            ("http://a.example.evil", "a.example", false),
            ("null", "null", false),
            ("file://", "", false),
            ("http://a.example:x", "a.example", false),
            ("", "", false),
        ];
        for (origin, authority, want) in rows {
            assert_eq!(is_own(origin, authority), want, "{origin} at {authority}");
        }
    }

    #[test]
    fn host_and_port_take_only_an_authority() {
        assert_eq!(host_and_port("a:1"), Some(("a", Some(1))));
        assert_eq!(host_and_port("[::1]:80"), Some(("[::1]", Some(80))));
        assert_eq!(host_and_port("[::1]"), Some(("[::1]", None)));
        assert_eq!(host_and_port("a:"), Some(("a", None)));
        for bad in ["", ":80", "a:+1", "a:99999", "[::1", "[::1]x"] {
            assert_eq!(host_and_port(bad), None, "{bad}");
        }
    }
}
