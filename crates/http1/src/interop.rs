//! Heads as types of the crate `http`, and back (feature `http`).
//!
//! Towards `http`, field values and the target share the octets of the head; methods and names are
//! looked up in its tables, and copied where it does not know them. Back, a head is written once and
//! read by the rules of any other, so that what exists here is legal.

use alloc::string::ToString;
use alloc::vec::Vec;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, request, response};

use crate::error::{ErrorKind, ReceiveError};
use crate::fields::Fields;
use crate::framing::MethodKind;
use crate::head::{RequestHead, ResponseHead, Version};
use crate::leniency::{Config, Leniency};
use crate::limits::Limits;
use crate::reason::reason_phrase;
use crate::scan::{Fault, Part, Scanner};

impl From<Version> for http::Version {
    fn from(version: Version) -> Self {
        match version {
            Version::Http10 => Self::HTTP_10,
            Version::Http11 => Self::HTTP_11,
        }
    }
}

/// Fails where `http` is stricter: for a target that its `Uri` does not take, such as one with `<`.
///
/// The order of lines of one name is kept, that of different names is not; names lose their case.
///
/// ```
/// use tidings_http1::{Limits, ServerConnection, ServerEvent};
/// let mut input = bytes::BytesMut::from(&b"GET /x?y HTTP/1.1\r\nHost: a\r\n\r\n"[..]);
/// let mut connection = ServerConnection::new(Limits::default());
/// let Ok(Some(ServerEvent::Request(head))) = connection.next_event(&mut input) else { panic!() };
/// let parts = http::request::Parts::try_from(&head)?;
/// assert_eq!((parts.uri.path(), &parts.headers["host"]), ("/x", &"a".parse().unwrap()));
/// # Ok::<(), http::Error>(())
/// ```
impl TryFrom<&RequestHead> for request::Parts {
    type Error = http::Error;

    fn try_from(head: &RequestHead) -> Result<Self, Self::Error> {
        let (mut parts, ()) = http::Request::new(()).into_parts();
        parts.method = Method::from_bytes(head.method().as_bytes())?;
        parts.uri = Uri::from_maybe_shared(head.raw().slice_ref(head.target().as_bytes()))?;
        parts.version = head.version().into();
        parts.headers = header_map(head.fields())?;
        Ok(parts)
    }
}

/// Loses the reason phrase, for which `http` has no place.
impl TryFrom<&ResponseHead> for response::Parts {
    type Error = http::Error;

    fn try_from(head: &ResponseHead) -> Result<Self, Self::Error> {
        let (mut parts, ()) = http::Response::new(()).into_parts();
        parts.status = StatusCode::from_u16(head.status())?;
        parts.version = head.version().into();
        parts.headers = header_map(head.fields())?;
        Ok(parts)
    }
}

fn header_map(fields: &Fields) -> Result<HeaderMap, http::Error> {
    let mut map = HeaderMap::with_capacity(fields.len());
    for (name, value) in fields.iter() {
        let name = HeaderName::from_bytes(name.as_bytes())?;
        map.append(name, value_of(fields.raw(), value)?);
    }
    Ok(map)
}

/// A value that shares the octets of `raw`, which it stands in.
fn value_of(raw: &Bytes, value: &[u8]) -> Result<HeaderValue, http::Error> {
    Ok(HeaderValue::from_maybe_shared(raw.slice_ref(value))?)
}

/// Reads what a client would send: Host must be among the headers, and the framing fields must be legal.
///
/// The error and its offset are those of a server that reads this head; no limit but the hard one of
/// 65,535 octets holds.
impl TryFrom<&request::Parts> for RequestHead {
    type Error = ReceiveError;

    fn try_from(parts: &request::Parts) -> Result<Self, Self::Error> {
        let target = parts.uri.to_string();
        let version = version_of(parts.version)?;
        let start = [parts.method.as_str(), " ", target.as_str(), " ", version];
        let raw = written(&start, &parts.headers);
        let (raw, scan) = scanned(raw, Part::Request)?;
        Self::parse(raw, &scan, Leniency::default()).map_err(refused)
    }
}

/// Reads what a server would send in answer to GET, with the registered reason phrase.
///
/// The error and its offset are those of a client that reads this head.
impl TryFrom<&response::Parts> for ResponseHead {
    type Error = ReceiveError;

    fn try_from(parts: &response::Parts) -> Result<Self, Self::Error> {
        let version = version_of(parts.version)?;
        let reason = reason_phrase(parts.status.as_u16());
        let start = [version, " ", parts.status.as_str(), " ", reason];
        let raw = written(&start, &parts.headers);
        let (raw, scan) = scanned(raw, Part::Response)?;
        Self::parse(raw, &scan, MethodKind::Other, Leniency::default()).map_err(refused)
    }
}

fn version_of(version: http::Version) -> Result<&'static str, ReceiveError> {
    match version {
        http::Version::HTTP_10 => Ok("HTTP/1.0"),
        http::Version::HTTP_11 => Ok("HTTP/1.1"),
        _ => Err(ReceiveError::new(ErrorKind::VersionUnsupported, 0)),
    }
}

fn written(start: &[&str], headers: &HeaderMap) -> Vec<u8> {
    let mut octets = start.concat().into_bytes();
    octets.extend_from_slice(b"\r\n");
    for (name, value) in headers {
        octets.extend_from_slice(name.as_str().as_bytes());
        octets.extend_from_slice(b": ");
        octets.extend_from_slice(value.as_bytes());
        octets.extend_from_slice(b"\r\n");
    }
    octets.extend_from_slice(b"\r\n");
    octets
}

fn scanned(mut octets: Vec<u8>, part: Part) -> Result<(Bytes, Scanner), ReceiveError> {
    let limits = Limits {
        max_method_len: usize::MAX,
        max_target_len: usize::MAX,
        max_head_len: usize::MAX,
        max_fields: usize::MAX,
        ..Limits::default()
    };
    let mut scan = Scanner::new(part);
    match scan.scan(&mut octets, &Config::from(limits)) {
        Ok(Some(len)) => {
            octets.truncate(len);
            Ok((octets.into(), scan))
        }
        Ok(None) => Err(ReceiveError::new(ErrorKind::Truncated, octets.len() as u64)),
        Err(fault) => Err(refused(fault)),
    }
}

fn refused(Fault { kind, at }: Fault) -> ReceiveError {
    ReceiveError::new(kind, at as u64)
}
