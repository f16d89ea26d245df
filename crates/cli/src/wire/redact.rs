//! Credentials in a head, overwritten before anything of it is kept.
//!
//! Each octet becomes an asterisk, so that all others stay where they were and the length still shows.

use core::ops::Range;

/// Stands for each octet of a credential. It is legal wherever one may stand.
const HIDDEN: u8 = b'*';

/// The subprotocol that the channels speak. Others may be tokens: a page has no other field to send one in.
const SUBPROTOCOL: &[u8] = b"tidings.v1";

/// Words that a name of a credential has in it, whatever stands around them.
const INSIDE: [&str; 16] = [
    "auth",
    "cookie",
    "token",
    "secret",
    "pass",
    "sess",
    "credential",
    "signature",
    "apikey",
    "jwt",
    "bearer",
    "ticket",
    "csrf",
    "xsrf",
    "saml",
    "assertion",
];

/// Words that name a credential alone, or between hyphens, underscores, points and brackets.
const ALONE: [&str; 9] = [
    "key", "sig", "sid", "pwd", "pw", "code", "otp", "pin", "trace",
];

/// Fields that are named like credentials and are none.
const HARMLESS: [&str; 5] = [
    "www-authenticate",
    "proxy-authenticate",
    "sec-websocket-key",
    "sec-websocket-accept",
    "idempotency-key",
];

/// Overwrites the credentials of a request's or a response's head, and gives their places.
pub(super) fn hide(head: &mut [u8]) -> Vec<Range<usize>> {
    let places = places(head);
    overwrite(head, places)
}

fn overwrite(octets: &mut [u8], mut places: Vec<Range<usize>>) -> Vec<Range<usize>> {
    places.retain(|place| !place.is_empty());
    for place in &places {
        if let Some(octets) = octets.get_mut(place.clone()) {
            octets.fill(HIDDEN);
        }
    }
    places
}

/// Overwrites the credentials of field lines that no first line stands before, such as trailers, and gives their places.
pub(super) fn hide_fields(lines: &mut [u8]) -> Vec<Range<usize>> {
    let mut places = Vec::new();
    let mut begin = 0;
    for line in lines.split_inclusive(|octet| *octet == b'\n') {
        in_field_line(line, begin, &mut places);
        begin += line.len();
    }
    overwrite(lines, places)
}

fn places(head: &[u8]) -> Vec<Range<usize>> {
    let mut places = Vec::new();
    let mut begin = 0;
    for (number, line) in head.split_inclusive(|octet| *octet == b'\n').enumerate() {
        if number > 0 {
            in_field_line(line, begin, &mut places);
        } else if !line.starts_with(b"HTTP/") {
            in_request_line(line, begin, &mut places);
        }
        begin += line.len();
    }
    places
}

fn in_request_line(line: &[u8], begin: usize, places: &mut Vec<Range<usize>>) {
    let mut words = line.splitn(3, |octet| *octet == b' ');
    let method = words.next().unwrap_or_default();
    let target = words.next().unwrap_or_default();
    in_url(target, begin + method.len() + 1, places);
}

fn in_field_line(line: &[u8], begin: usize, places: &mut Vec<Range<usize>>) {
    let Some(colon) = line.iter().position(|octet| *octet == b':') else {
        return;
    };
    let (name, rest) = line.split_at(colon);
    let name = String::from_utf8_lossy(name).to_ascii_lowercase();
    let rest = rest.get(1..).unwrap_or_default();
    let value = rest.trim_ascii();
    let begin = begin + colon + 1 + rest.len() - rest.trim_ascii_start().len();
    let end = begin + value.len();
    match name.as_str() {
        // The scheme is no secret.
        "authorization" | "proxy-authorization" => {
            let scheme = value.iter().position(|octet| *octet == b' ');
            places.push(begin + scheme.map_or(0, |len| len + 1)..end);
        }
        "sec-websocket-protocol" => in_list(value, begin, places),
        "referer" | "location" | "content-location" => in_url(value, begin, places),
        name if HARMLESS.contains(&name) || name.starts_with("access-control-") => {}
        name if is_secret(name) => places.push(begin..end),
        _ => {}
    }
}

/// Hides what is in a list and no subprotocol of ours.
fn in_list(list: &[u8], mut begin: usize, places: &mut Vec<Range<usize>>) {
    for element in list.split(|octet| *octet == b',') {
        let before = element.len() - element.trim_ascii_start().len();
        let token = element.trim_ascii();
        if token != SUBPROTOCOL {
            places.push(begin + before..begin + before + token.len());
        }
        begin += element.len() + 1;
    }
}

/// Hides the user of a URL and the values of parameters that are named like credentials.
fn in_url(url: &[u8], begin: usize, places: &mut Vec<Range<usize>>) {
    let query = url.iter().position(|octet| *octet == b'?');
    let (front, query) = url.split_at(query.unwrap_or(url.len()));
    if let Some(scheme) = front.windows(3).position(|window| window == b"://") {
        let authority = front.get(scheme + 3..).unwrap_or_default();
        let len = authority.iter().position(|octet| *octet == b'/');
        let (authority, _) = authority.split_at(len.unwrap_or(authority.len()));
        if let Some(at) = authority.iter().rposition(|octet| *octet == b'@') {
            places.push(begin + scheme + 3..begin + scheme + 3 + at);
        }
    }
    let mut begin = begin + front.len();
    for pair in query.split_inclusive(|octet| matches!(octet, b'?' | b'&' | b';' | b'#')) {
        let len = pair.len()
            - usize::from(
                pair.ends_with(b"?")
                    || pair.ends_with(b"&")
                    || pair.ends_with(b";")
                    || pair.ends_with(b"#"),
            );
        if let Some(equals) = pair.iter().position(|octet| *octet == b'=') {
            let (name, _) = pair.split_at(equals);
            if is_secret(&decoded(name)) {
                places.push(begin + equals + 1..begin + len);
            }
        }
        begin += pair.len();
    }
}

/// A name in lower case, with its percent-encoding taken away.
fn decoded(name: &[u8]) -> String {
    let mut plain = Vec::with_capacity(name.len());
    let mut rest = name;
    while let Some((octet, behind)) = rest.split_first() {
        let digits = behind.first_chunk::<2>().filter(|_| *octet == b'%');
        let digits = digits.and_then(|digits| core::str::from_utf8(digits).ok());
        let code = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        plain.push(code.unwrap_or(*octet));
        rest = behind
            .get(if code.is_some() { 2 } else { 0 }..)
            .unwrap_or_default();
    }
    String::from_utf8_lossy(&plain).to_lowercase()
}

fn is_secret(name: &str) -> bool {
    let mut words = name.split(['-', '_', '.', '[', ']']);
    INSIDE.iter().any(|word| name.contains(word))
        || name.ends_with("key")
        || words.any(|word| ALONE.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_is_shown_by_its_length_and_nothing_else_is_hidden() {
        let rows = [
            // Fields of requests.
            (
                "Authorization: Bearer s3cret",
                "Authorization: Bearer ******",
            ),
            ("authorization:Basic YWJj ", "authorization:Basic **** "),
            ("Authorization: s3cret", "Authorization: ******"),
            (
                "Proxy-Authorization: Digest a=\"b\", c",
                "Proxy-Authorization: Digest ********",
            ),
            ("Cookie: a=1; b=2", "Cookie: ********"),
            ("X-Api-Key: abc", "X-Api-Key: ***"),
            ("X-Auth-Token:\tabc", "X-Auth-Token:\t***"),
            ("X-CSRF-Token: abc", "X-CSRF-Token: ***"),
            ("X-Password: abc", "X-Password: ***"),
            ("X-CSRF: abc", "X-CSRF: ***"),
            (
                "Sec-WebSocket-Protocol: tidings.v1",
                "Sec-WebSocket-Protocol: tidings.v1",
            ),
            (
                "Sec-WebSocket-Protocol: bearer.abc, tidings.v1",
                "Sec-WebSocket-Protocol: **********, tidings.v1",
            ),
            (
                "Referer: http://u:p@a/b?x=1&token=abc#c",
                "Referer: http://***@a/b?x=1&token=***#c",
            ),
            (
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            ),
            ("Idempotency-Key: k1", "Idempotency-Key: k1"),
            ("If-None-Match: \"e.1\"", "If-None-Match: \"e.1\""),
            ("Accept: */*", "Accept: */*"),
            // Fields of responses.
            ("Set-Cookie: sid=abc; Path=/", "Set-Cookie: ***************"),
            ("WWW-Authenticate: Bearer", "WWW-Authenticate: Bearer"),
            (
                "Access-Control-Allow-Headers: Authorization",
                "Access-Control-Allow-Headers: Authorization",
            ),
            ("ETag: \"e.1\"", "ETag: \"e.1\""),
            ("Location: /b?code=abc", "Location: /b?code=***"),
        ];
        for (line, want) in rows {
            for first in ["GET /a HTTP/1.1", "HTTP/1.1 200 OK"] {
                let mut head = format!("{first}\r\n{line}\r\n\r\n").into_bytes();
                let places = hide(&mut head);
                assert_eq!(
                    String::from_utf8_lossy(&head),
                    format!("{first}\r\n{want}\r\n\r\n"),
                    "{line}"
                );
                let stars: usize = places.iter().map(Range::len).sum();
                let before = line.matches('*').count();
                assert_eq!(
                    stars,
                    want.matches('*').count() - before,
                    "{line}: {places:?}"
                );
            }
        }
    }

    #[test]
    fn a_credential_in_a_trailer_is_shown_by_its_length_rfc9112_7_1_2() {
        let mut trailers =
            *b"\r\n0\r\nX-Token: abc\r\nDigest: d\r\nauthorization: Basic YWJj\r\n\r\n";
        let places = hide_fields(&mut trailers);
        assert_eq!(
            String::from_utf8_lossy(&trailers),
            "\r\n0\r\nX-Token: ***\r\nDigest: d\r\nauthorization: Basic ****\r\n\r\n"
        );
        assert_eq!(places.len(), 2);
    }

    #[test]
    fn a_parameter_that_is_named_like_a_credential_is_shown_by_its_length() {
        let rows = [
            (
                "/channels/c?trace=0123&wait=5",
                "/channels/c?trace=****&wait=5",
            ),
            ("/c?token=abc", "/c?token=***"),
            (
                "/c?access_token=abc&after=e.1",
                "/c?access_token=***&after=e.1",
            ),
            ("/c?api-key=abc;x=1", "/c?api-key=***;x=1"),
            (
                "/c?apiKey=a&sig=b&PASSWORD=c",
                "/c?apiKey=*&sig=*&PASSWORD=*",
            ),
            ("/c?%74oken=abc&t%6Fken=d", "/c?%74oken=***&t%6Fken=*"),
            ("/c?token=a=b&token=", "/c?token=***&token="),
            ("/c?token", "/c?token"),
            (
                "/c?from=earliest&limit=3&event=token",
                "/c?from=earliest&limit=3&event=token",
            ),
            (
                "/c?ticket=a&PHPSESSID=b&user[pw]=c&passphrase=d",
                "/c?ticket=*&PHPSESSID=*&user[pw]=*&passphrase=*",
            ),
            ("/c?monkey=1&%zz=2", "/c?monkey=*&%zz=2"),
            ("http://u:p@a/c?token=b", "http://***@a/c?token=*"),
            ("*", "*"),
        ];
        for (target, want) in rows {
            let mut head = format!("OPTIONS {target} HTTP/1.1\r\nHost: a\r\n\r\n").into_bytes();
            hide(&mut head);
            assert_eq!(
                String::from_utf8_lossy(&head),
                format!("OPTIONS {want} HTTP/1.1\r\nHost: a\r\n\r\n")
            );
        }
    }
}
