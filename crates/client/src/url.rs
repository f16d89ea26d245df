//! `http://host[:port]/path?query` and its kin: the URLs that a subscription and a publish take.
//!
//! scheme `://` host [`:` port] [path] [`?` query]
//!
//! The schemes are `http`, `ws` and, with the feature `tls`, `https` and `wss`. User information
//! and fragments are refused. Octets of path and query that a request target cannot hold are
//! percent-encoded.

use core::fmt;
use core::net::Ipv6Addr;
use core::str::FromStr;

use crate::Error;

/// Longest URL that is accepted, in octets: the request target of common servers ends there.
const MAX_URL_LEN: usize = 8000;

const SCHEMES: &str = if cfg!(feature = "tls") {
    "it does not begin with http://, https://, ws:// or wss://"
} else {
    "it does not begin with http:// or ws://"
};

/// A parsed URL of an HTTP or WebSocket server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url {
    websocket: bool,
    tls: bool,
    host: String,
    port: u16,
    path: String,
    query: Option<String>,
}

impl Url {
    /// Makes the URL of a channel on a server: `{server}/channels/{channel}`.
    ///
    /// The channel's name is percent-encoded as one path segment.
    ///
    /// # Errors
    ///
    /// [`Error::Url`] when the server's URL is out of form or carries a query.
    ///
    /// ```
    /// use tidings_client::Url;
    ///
    /// let url = Url::channel("http://localhost:8080", "a b/c")?;
    /// assert_eq!(url.to_string(), "http://localhost:8080/channels/a%20b%2Fc");
    /// # Ok::<(), tidings_client::Error>(())
    /// ```
    pub fn channel(server: &str, channel: &str) -> Result<Self, Error> {
        let mut url: Self = server.parse()?;
        if url.query.is_some() {
            return Err(refuse(server, "the URL of a server takes no query"));
        }
        while url.path.ends_with('/') {
            url.path.pop();
        }
        url.path.push_str("/channels/");
        encode(channel, &mut url.path, is_unreserved);
        Ok(url)
    }

    /// Tells whether the scheme is `ws` or `wss`, which implies a WebSocket.
    #[must_use]
    pub const fn is_websocket(&self) -> bool {
        self.websocket
    }

    /// Tells whether the scheme is `https` or `wss`, which implies TLS.
    #[must_use]
    pub const fn is_tls(&self) -> bool {
        self.tls
    }

    /// The channel that the URL names in the way of Tidings, `…/channels/NAME`; `None` for others.
    #[must_use]
    pub fn channel_name(&self) -> Option<String> {
        let (_, name) = self.path.rsplit_once("/channels/")?;
        if name.is_empty() || name.contains('/') {
            return None;
        }
        String::from_utf8(decode(name)).ok()
    }

    /// The URL of another channel of the same server; `None` where this names no channel.
    #[must_use]
    pub fn sibling(&self, channel: &str) -> Option<Self> {
        self.channel_name()?;
        let mut url = self.clone();
        let end = url.path.rfind('/').map_or(0, |slash| slash + 1);
        url.path.truncate(end);
        encode(channel, &mut url.path, is_unreserved);
        Some(url)
    }

    /// Tells whether both lead to the same server in the same way (RFC 6454 §5), so that what is
    /// meant for one may be sent to the other.
    pub(crate) fn is_same_origin(&self, other: &Self) -> bool {
        (self.tls, &self.host, self.port) == (other.tls, &other.host, other.port)
    }

    /// The name or address to connect to, without the brackets of an IPv6 literal.
    pub(crate) fn host(&self) -> &str {
        self.host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(&self.host)
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    /// The value of `Host`: the port is left out where it is the scheme's default.
    pub(crate) fn authority(&self) -> String {
        if self.port == default_port(self.tls) {
            self.host.clone()
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// The request target, as the URL has it.
    pub(crate) fn target(&self) -> String {
        match &self.query {
            Some(query) => format!("{}?{query}", self.path),
            None => self.path.clone(),
        }
    }

    /// The request target with one more parameter.
    pub(crate) fn target_and(&self, name: &str, value: &str) -> String {
        let mut target = self.target();
        target.push(if self.query.is_some() { '&' } else { '?' });
        target.push_str(name);
        target.push('=');
        encode(value, &mut target, is_unreserved);
        target
    }

    /// The request target, with `parameter` in place of every `after` and `from` of the query.
    pub(crate) fn target_with(&self, parameter: Option<(&str, &str)>) -> String {
        let mut target = self.path.clone();
        let mut mark = '?';
        for pair in self.query.iter().flat_map(|query| query.split('&')) {
            let name = pair.split('=').next().unwrap_or_default();
            if name != "after" && name != "from" {
                target.push(core::mem::replace(&mut mark, '&'));
                target.push_str(pair);
            }
        }
        if let Some((name, value)) = parameter {
            target.push(mark);
            target.push_str(name);
            target.push('=');
            encode(value, &mut target, is_unreserved);
        }
        target
    }

    /// Resolves the value of a `Location` field (RFC 9110 §10.2.2).
    pub(crate) fn join(&self, location: &str) -> Result<Self, Error> {
        let location = location.split('#').next().unwrap_or_default();
        // A path or a query may hold a URL of its own.
        let scheme = location.split_once("://").map(|(scheme, _)| scheme);
        if scheme.is_some_and(|scheme| !scheme.contains(['/', '?'])) {
            return location.parse();
        }
        if let Some(rest) = location.strip_prefix("//") {
            let scheme = if self.tls { "https" } else { "http" };
            return format!("{scheme}://{rest}").parse();
        }
        let mut url = self.clone();
        let (path, query) = match location.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (location, None),
        };
        if path.starts_with('/') {
            url.path = encoded(path);
        } else if !path.is_empty() {
            let folder = self
                .path
                .rfind('/')
                .and_then(|end| self.path.get(..=end))
                .unwrap_or("/");
            url.path = encoded(&format!("{folder}{path}"));
        }
        url.query = query.map(encoded);
        Ok(url)
    }
}

impl FromStr for Url {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err(refuse(text, SCHEMES));
        };
        let (websocket, tls) = match scheme.to_ascii_lowercase().as_str() {
            "http" => (false, false),
            "ws" => (true, false),
            "https" if cfg!(feature = "tls") => (false, true),
            "wss" if cfg!(feature = "tls") => (true, true),
            "https" | "wss" => {
                return Err(refuse(
                    text,
                    "TLS is behind the feature `tls`, which is off",
                ));
            }
            _ => return Err(refuse(text, SCHEMES)),
        };
        if text.len() > MAX_URL_LEN {
            return Err(refuse(text, "it is longer than 8000 octets"));
        }
        if rest.contains('#') {
            return Err(refuse(text, "a fragment is not allowed"));
        }
        if rest.chars().any(char::is_control) {
            return Err(refuse(text, "it holds a control character"));
        }
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at(end);
        let (host, port) = split_authority(authority).map_err(|why| refuse(text, why))?;
        let port = port.unwrap_or_else(|| default_port(tls));
        let (path, query) = match rest.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (rest, None),
        };
        Ok(Self {
            websocket,
            tls,
            host: host.to_ascii_lowercase(),
            port,
            path: if path.is_empty() {
                String::from("/")
            } else {
                encoded(path)
            },
            query: query.map(encoded),
        })
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match (self.websocket, self.tls) {
            (false, false) => "http",
            (true, false) => "ws",
            (false, true) => "https",
            (true, true) => "wss",
        };
        write!(f, "{scheme}://{}{}", self.authority(), self.target())
    }
}

const fn default_port(tls: bool) -> u16 {
    if tls { 443 } else { 80 }
}

/// Takes host and port apart; the port is `None` where the scheme's default is meant.
fn split_authority(authority: &str) -> Result<(&str, Option<u16>), &'static str> {
    if authority.contains('@') {
        return Err("user information is not allowed");
    }
    let end = match authority.strip_prefix('[') {
        Some(_) => authority.find(']').map_or(0, |end| end + 1),
        None => authority.find(':').unwrap_or(authority.len()),
    };
    let (host, port) = authority.split_at(end);
    let legal = match host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
    {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.bytes().all(is_unreserved),
    };
    if !legal {
        return Err("the host is out of form");
    }
    let port = match port.strip_prefix(':') {
        None if port.is_empty() => None,
        Some("") => None,
        Some(digits) if digits.bytes().all(|octet| octet.is_ascii_digit()) => Some(
            digits
                .parse()
                .ok()
                .filter(|port| *port > 0)
                .ok_or("the port is not 1 to 65535")?,
        ),
        _ => return Err("the port is not 1 to 65535"),
    };
    Ok((host, port))
}

/// The unreserved characters of RFC 3986 §2.3.
const fn is_unreserved(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'.' | b'_' | b'~')
}

/// What may stand as it is in a path and a query: escapes that are there stay.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    encode(text, &mut out, |octet| {
        is_unreserved(octet) || b"%!$&'()*+,;=:@/?[]|".contains(&octet)
    });
    out
}

fn encode(text: &str, out: &mut String, keep: impl Fn(u8) -> bool) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let digit = |nibble: u8| {
        HEX.get(usize::from(nibble))
            .copied()
            .map_or('0', char::from)
    };
    for octet in text.bytes() {
        if keep(octet) {
            out.push(char::from(octet));
        } else {
            out.extend(['%', digit(octet >> 4), digit(octet & 15)]);
        }
    }
}

/// Takes the percent-encoding off (RFC 3986 §2.1); a `%` that begins none stands for itself.
fn decode(text: &str) -> Vec<u8> {
    let digit = |octet: u8| {
        char::from(octet)
            .to_digit(16)
            .and_then(|d| u8::try_from(d).ok())
    };
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let escaped = match behind {
            [high, low, ..] if *first == b'%' => digit(*high).zip(digit(*low)),
            _ => None,
        };
        if let Some((high, low)) = escaped {
            out.push(high << 4 | low);
            rest = behind.get(2..).unwrap_or_default();
        } else {
            out.push(*first);
            rest = behind;
        }
    }
    out
}

fn refuse(url: &str, why: &'static str) -> Error {
    Error::Url {
        url: crate::error::one_line(url),
        why,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart_rfc3986_3() {
        let rows = [
            ("http://h", "h", 80, "h", "/"),
            ("HTTP://H:8080/a?b=c", "h", 8080, "h:8080", "/a?b=c"),
            ("ws://h:80/x", "h", 80, "h", "/x"),
            ("ws://h?y", "h", 80, "h", "/?y"),
            ("http://[::1]:81/", "::1", 81, "[::1]:81", "/"),
            ("http://h:/p", "h", 80, "h", "/p"),
            ("http://h/ü \"%20", "h", 80, "h", "/%C3%BC%20%22%20"),
        ];
        for (text, host, port, authority, target) in rows {
            let url: Url = text.parse().unwrap();
            assert_eq!(url.host(), host, "{text}");
            assert_eq!(url.port(), port, "{text}");
            assert_eq!(url.authority(), authority, "{text}");
            assert_eq!(url.target(), target, "{text}");
            assert_eq!(url.is_websocket(), text.starts_with("ws"), "{text}");
        }
    }

    #[test]
    fn urls_that_cannot_be_used_are_refused() {
        let rows = [
            ("news", "begin with"),
            ("ftp://h", "begin with"),
            ("http://", "host"),
            ("http:///x", "host"),
            ("http://h h/", "host"),
            ("http://[::1/", "host"),
            ("http://[zz]/", "host"),
            ("http://[::1]x/", "port"),
            ("http://h:0/", "port"),
            ("http://h:65536/", "port"),
            ("http://h:+1/", "port"),
            ("http://u:p@h/", "user information"),
            ("ws://h/#f", "fragment"),
            ("http://h/\r\nX: y", "control"),
        ];
        for (text, want) in rows {
            let error = text.parse::<Url>().unwrap_err().to_string();
            assert!(
                error.contains(want) && !error.contains('\n'),
                "{text}: {error}"
            );
        }
    }

    #[test]
    fn a_channel_is_one_encoded_segment() {
        let rows = [
            ("http://h", "news", "/channels/news"),
            ("http://h/", "news", "/channels/news"),
            ("http://h/push", "a/b?c#d", "/push/channels/a%2Fb%3Fc%23d"),
            ("http://h", "grüße %", "/channels/gr%C3%BC%C3%9Fe%20%25"),
        ];
        for (server, channel, want) in rows {
            assert_eq!(Url::channel(server, channel).unwrap().target(), want);
        }
        assert!(Url::channel("http://h/?x", "news").is_err());
    }

    #[test]
    fn a_position_takes_the_place_of_the_urls_own_start() {
        let url: Url = "http://h/c?from=earliest&limit=5&after=x.1&afterwards=1"
            .parse()
            .unwrap();
        assert_eq!(
            url.target(),
            "/c?from=earliest&limit=5&after=x.1&afterwards=1"
        );
        assert_eq!(url.target_with(None), "/c?limit=5&afterwards=1");
        assert_eq!(
            url.target_with(Some(("after", "e.2"))),
            "/c?limit=5&afterwards=1&after=e.2"
        );
        let url: Url = "http://h/c".parse().unwrap();
        assert_eq!(url.target_with(Some(("after", "a&b"))), "/c?after=a%26b");
    }

    #[test]
    fn a_location_is_resolved_rfc9110_10_2_2() {
        let url: Url = "http://h:81/a/b?c".parse().unwrap();
        let rows = [
            ("http://g/x", "http://g/x"),
            ("//g/x", "http://g/x"),
            ("/x?y", "http://h:81/x?y"),
            ("x", "http://h:81/a/x"),
            ("?z", "http://h:81/a/b?z"),
            ("/x#f", "http://h:81/x"),
            ("/x?to=http://g/", "http://h:81/x?to=http://g/"),
            ("?to=http://g/", "http://h:81/a/b?to=http://g/"),
        ];
        for (location, want) in rows {
            assert_eq!(url.join(location).unwrap().to_string(), want);
        }
        assert!(url.join("ftp://g/").is_err());
    }

    #[test]
    fn a_channel_is_named_by_the_last_segment_behind_channels() {
        let rows = [
            ("http://h/channels/news?from=earliest", Some("news")),
            (
                "http://h/push/channels/gr%C3%BC%c3%9fe%20%2f",
                Some("grüße /"),
            ),
            ("http://h/channels/100%", Some("100%")),
            ("http://h/channels/%FF", None),
            ("http://h/channels/", None),
            ("http://h/channels/a/info", None),
            ("http://h/feed", None),
        ];
        for (text, want) in rows {
            let url: Url = text.parse().unwrap();
            assert_eq!(url.channel_name().as_deref(), want, "{text}");
        }
        let url: Url = "http://h/push/channels/a?limit=5".parse().unwrap();
        let other = url.sibling("b/c").unwrap();
        assert_eq!(other.to_string(), "http://h/push/channels/b%2Fc?limit=5");
        assert_eq!(other.channel_name().as_deref(), Some("b/c"));
        let foreign: Url = "http://h/feed".parse().unwrap();
        assert_eq!(foreign.sibling("b"), None);
    }

    #[cfg(not(feature = "tls"))]
    #[test]
    fn without_the_feature_tls_is_refused() {
        for text in ["https://h", "wss://h"] {
            let error = text.parse::<Url>().unwrap_err().to_string();
            assert!(error.contains("feature `tls`"), "{error}");
        }
    }

    #[cfg(feature = "tls")]
    #[test]
    fn tls_has_its_schemes_and_its_port_rfc9110_4_2_2() {
        let rows = [
            ("https://h/x", "h", 443, "h", false),
            ("wss://h:443/x", "h", 443, "h", true),
            ("https://h:80/x", "h", 80, "h:80", false),
            ("wss://[::1]:444/x", "::1", 444, "[::1]:444", true),
        ];
        for (text, host, port, authority, websocket) in rows {
            let url: Url = text.parse().unwrap();
            assert!(url.is_tls(), "{text}");
            assert_eq!((url.host(), url.port()), (host, port), "{text}");
            assert_eq!(url.authority(), authority, "{text}");
            assert_eq!(url.is_websocket(), websocket, "{text}");
        }
        let url: Url = "https://h/x".parse().unwrap();
        assert_eq!(url.join("//g/y").unwrap().to_string(), "https://g/y");
        let plain = url.join("http://h/x").unwrap();
        assert_eq!(plain.authority(), url.authority());
        assert!(
            !plain.is_same_origin(&url),
            "secrets stay off the plain connection"
        );
        assert!(url.join("/y").unwrap().is_same_origin(&url));
    }
}
