//! Heads, fields, chunks, and what stands behind an upgrade.

use bytes::{Bytes, BytesMut};
use tidings_http1::{
    ClientConnection, ClientEvent, Content, Framing, Limits, Next, ReceiveError, ServerConnection,
    ServerEvent,
};
use tidings_websocket::{Client, Server, accept_key};

use crate::{Fault, Trace, show, websocket};

/// Requests that responses are told as the answers to.
const GETS: usize = 64;

/// Tells requests as a server receives them.
pub(crate) fn requests(octets: &[u8]) -> Trace {
    let mut trace = Trace::default();
    let mut input = BytesMut::from(octets);
    let mut connection = ServerConnection::new(Limits::default());
    let mut body = Body::default();
    let mut upgrades = false;
    loop {
        let event = match connection.next_event(&mut input) {
            Ok(event) => event,
            Err(error) => {
                broken(octets, &error, &body, false, &mut trace);
                return trace;
            }
        };
        let taken = octets.len() - input.len();
        match event {
            Some(ServerEvent::Request(head)) => {
                tell_head(
                    octets,
                    taken - head.raw().len(),
                    head.raw(),
                    false,
                    &mut trace,
                );
                upgrades = head.upgrades_to("websocket");
                body = Body {
                    framing: Some(head.framing()),
                };
            }
            Some(ServerEvent::Data(_) | ServerEvent::Trailers(_)) => {}
            Some(ServerEvent::End) => {
                body.tell(octets, taken, &mut trace);
                body = Body::default();
                let rest = octets.get(taken..).unwrap_or_default();
                if upgrades && !rest.is_empty() {
                    trace.append(websocket::side::<Server>(rest));
                    return trace;
                }
                // The next request is read when this one is answered.
                let mut out = BytesMut::new();
                let none: [(&str, &[u8]); 0] = [];
                let _ = connection.send_response(204, none, Content::None, &mut out);
                let _ = connection.send_end(&mut out);
            }
            Some(ServerEvent::Closed) => {
                let rest = octets.len() - trace.end();
                let meaning = "never read: the connection is closed behind the answer";
                trace.push(
                    rest,
                    "octets behind the last request",
                    meaning,
                    "RFC 9112 §9.6",
                );
                return trace;
            }
            None => {
                unfinished(octets, taken, &body, &mut trace);
                return trace;
            }
        }
    }
}

/// Tells responses as a client receives them that has asked by GET.
pub(crate) fn responses(octets: &[u8]) -> Trace {
    let mut trace = Trace::default();
    let mut input = BytesMut::from(octets);
    let mut connection = ClientConnection::new(Limits::default());
    let mut out = BytesMut::new();
    // A request that may be upgraded stands alone; others may wait for their answers together.
    let upgrade = octets.starts_with(b"HTTP/1.1 101");
    for _ in 0..if upgrade { 1 } else { GETS } {
        let mut fields = vec![("Host", &b"localhost"[..])];
        if upgrade {
            fields.extend([("Connection", &b"Upgrade"[..]), ("Upgrade", b"websocket")]);
        }
        let _ = connection.send_request("GET", "/", fields, Content::None, &mut out);
        let _ = connection.send_end(&mut out);
    }
    let mut body = Body::default();
    loop {
        let event = match connection.next_event(&mut input) {
            Ok(event) => event,
            Err(error) => {
                broken(octets, &error, &body, true, &mut trace);
                return trace;
            }
        };
        let taken = octets.len() - input.len();
        match event {
            Some(ClientEvent::Informational(head)) => {
                tell_head(
                    octets,
                    taken - head.raw().len(),
                    head.raw(),
                    true,
                    &mut trace,
                );
            }
            Some(ClientEvent::Response(head)) => {
                tell_head(
                    octets,
                    taken - head.raw().len(),
                    head.raw(),
                    true,
                    &mut trace,
                );
                body = Body {
                    framing: Some(head.framing()),
                };
            }
            Some(ClientEvent::Upgraded(head)) => {
                tell_head(
                    octets,
                    taken - head.raw().len(),
                    head.raw(),
                    true,
                    &mut trace,
                );
                let rest = octets.get(taken..).unwrap_or_default();
                trace.append(websocket::side::<Client>(rest));
                return trace;
            }
            Some(ClientEvent::Data(_) | ClientEvent::Trailers(_)) => {}
            Some(ClientEvent::End(next)) => {
                body.tell(octets, taken, &mut trace);
                body = Body::default();
                if !matches!(next, Next::Reuse) && taken < octets.len() {
                    let rest = octets.len() - trace.end();
                    let meaning = "never read: the connection is closed behind this response";
                    trace.push(
                        rest,
                        "octets behind the last response",
                        meaning,
                        "RFC 9112 §9.6",
                    );
                    return trace;
                }
            }
            Some(ClientEvent::Closed) => return trace,
            None => {
                unfinished(octets, taken, &body, &mut trace);
                return trace;
            }
        }
    }
}

/// The content of the message at hand.
#[derive(Debug, Default)]
struct Body {
    framing: Option<Framing>,
}

impl Body {
    /// Tells the content up to `end`.
    fn tell(&self, octets: &[u8], end: usize, trace: &mut Trace) {
        let rest = octets.get(trace.end()..end).unwrap_or_default();
        match self.framing {
            Some(Framing::Chunked) => chunks(rest, trace),
            Some(Framing::Length(len)) => {
                let meaning = format!("{} of {len} octets: \"{}\"", rest.len(), show(rest));
                trace.push(rest.len(), "content", meaning, "RFC 9112 §6.2");
            }
            Some(Framing::UntilClose) => {
                let meaning = format!("up to the end of the connection: \"{}\"", show(rest));
                trace.push(rest.len(), "content", meaning, "RFC 9112 §6.3");
            }
            Some(Framing::None | Framing::Tunnel) | None => {}
        }
    }
}

/// The input ends in the middle of a message, or between two.
fn unfinished(octets: &[u8], taken: usize, body: &Body, trace: &mut Trace) {
    match body.framing {
        Some(Framing::UntilClose) => {
            body.tell(octets, octets.len(), trace);
            trace.awaits = Some("more content, or the end of the connection");
        }
        Some(_) => {
            body.tell(octets, octets.len(), trace);
            trace.awaits = Some("the rest of the content");
        }
        None if trace.end() < octets.len() || taken < octets.len() => {
            let rest = octets.get(trace.end()..).unwrap_or_default();
            trace.push(
                rest.len(),
                "head",
                format!("not whole: \"{}\"", show(rest)),
                "RFC 9112 §2.1",
            );
            trace.awaits = Some("the blank line that ends a head");
        }
        None => {}
    }
}

/// The codec refuses the input: what stood before the fault is told as far as it goes.
fn broken(octets: &[u8], error: &ReceiveError, body: &Body, response: bool, trace: &mut Trace) {
    let offset = usize::try_from(error.offset())
        .unwrap_or(usize::MAX)
        .min(octets.len());
    if body.framing.is_some() {
        body.tell(octets, offset, trace);
    } else if trace.end() < offset {
        let before = octets.get(trace.end()..offset).unwrap_or_default();
        let (lines, rest) = match before.iter().rposition(|octet| *octet == b'\n') {
            Some(end) => before.split_at(end + 1),
            None => (&[][..], before),
        };
        tell_lines(lines, response, trace);
        let meaning = format!("up to the fault: \"{}\"", show(rest));
        trace.push(rest.len(), "head", meaning, "RFC 9112 §2.1");
    }
    trace.fault = Some(Fault {
        offset,
        what: error.explain().to_owned(),
        section: error.section().to_owned(),
        answer: if response {
            "nothing: a client gives the response up and closes the connection".to_owned()
        } else {
            format!("{}, and the connection is closed", error.status())
        },
    });
}

/// Tells a head that the codec accepted; blank lines may stand before it.
fn tell_head(octets: &[u8], begin: usize, raw: &Bytes, response: bool, trace: &mut Trace) {
    let before = begin.saturating_sub(trace.end());
    trace.push(
        before,
        "blank line",
        "passed over before a request",
        "RFC 9112 §2.2",
    );
    tell_lines(raw, response, trace);
    debug_assert_eq!(trace.end(), begin + raw.len(), "{octets:?}");
}

/// Tells a start line and the lines behind it.
fn tell_lines(lines: &[u8], response: bool, trace: &mut Trace) {
    let mut lines = lines.split_inclusive(|octet| *octet == b'\n');
    let Some(first) = lines.next() else {
        return;
    };
    if response {
        tell_status_line(first, trace);
    } else {
        tell_request_line(first, trace);
    }
    for line in lines {
        let text = line.trim_ascii_end();
        let Some(colon) = text.iter().position(|octet| *octet == b':') else {
            trace.push(line.len(), "blank line", "the head ends", "RFC 9112 §2.1");
            continue;
        };
        let (name, value) = text.split_at(colon);
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        let (meaning, section) = field(name, value);
        trace.push(line.len(), "field line", meaning, section);
    }
}

fn tell_request_line(line: &[u8], trace: &mut Trace) {
    let mut words = line.split_inclusive(|octet| *octet == b' ');
    let [method, target, version] = [(); 3].map(|()| words.next().unwrap_or_default());
    let meaning = format!(
        "{}: {}",
        show(method.trim_ascii()),
        safe(method.trim_ascii())
    );
    trace.push(method.len(), "method", meaning, "RFC 9110 §9");
    let meaning = format!("what is asked for: {}", show(target.trim_ascii()));
    trace.push(target.len(), "request target", meaning, "RFC 9112 §3.2");
    trace.push(
        version.len(),
        "version",
        show(version.trim_ascii()),
        "RFC 9112 §2.3",
    );
}

fn tell_status_line(line: &[u8], trace: &mut Trace) {
    let mut words = line.splitn(3, |octet| *octet == b' ');
    let [version, status, reason] = [(); 3].map(|()| words.next().unwrap_or_default());
    trace.push(version.len() + 1, "version", show(version), "RFC 9112 §2.3");
    let class = match status.first() {
        Some(b'1') => "informational: the final response follows",
        Some(b'2') => "successful",
        Some(b'3') => "redirection, or not modified",
        Some(b'4') => "the client's error",
        _ => "the server's error",
    };
    let space = usize::from(line.len() > version.len() + 1 + status.len() + 1);
    let status_len = status.len() + space.min(line.len());
    trace.push(
        status_len,
        "status code",
        format!("{}: {class}", show(status.trim_ascii())),
        "RFC 9110 §15",
    );
    let rest = line.len() - version.len() - 1 - status_len;
    let meaning = format!("for people only: \"{}\"", show(reason.trim_ascii()));
    trace.push(rest, "reason phrase", meaning, "RFC 9112 §4");
}

const fn safe(method: &[u8]) -> &'static str {
    match method {
        b"GET" | b"HEAD" | b"OPTIONS" | b"TRACE" => "safe, may be sent again",
        b"PUT" | b"DELETE" => "idempotent, may be sent again",
        _ => "sent again, it may act twice",
    }
}

/// What a field line says, for the fields that these protocols turn on.
fn field(name: &[u8], value: &[u8]) -> (String, &'static str) {
    let lower = name.to_ascii_lowercase();
    let (meaning, section) = match lower.as_slice() {
        b"host" => ("the host that is meant", "RFC 9110 §7.2"),
        b"content-length" => ("octets of content", "RFC 9110 §8.6"),
        b"transfer-encoding" => ("the content comes in chunks", "RFC 9112 §6.1"),
        b"content-type" => ("the media type of the content", "RFC 9110 §8.3"),
        b"connection" => ("about this connection alone", "RFC 9110 §7.6.1"),
        b"upgrade" => ("the protocol to change to", "RFC 9110 §7.8"),
        b"expect" => (
            "the client waits for 100 before it sends content",
            "RFC 9110 §10.1.1",
        ),
        b"accept" => ("media types that the client takes", "RFC 9110 §12.5.1"),
        b"etag" => ("names this state of the resource", "RFC 9110 §8.8.3"),
        b"if-none-match" => ("answer only if the state is another", "RFC 9110 §13.1.2"),
        b"prefer" => (
            "how the client would like it, such as to wait",
            "RFC 7240 §2",
        ),
        b"preference-applied" => ("which wish was granted", "RFC 7240 §3"),
        b"last-event-id" => ("the event stream goes on behind this", "WHATWG HTML §9.2.4"),
        b"cache-control" => ("who may keep it, and how long", "RFC 9111 §5.2"),
        b"retry-after" => ("when to ask again", "RFC 9110 §10.2.3"),
        b"date" => ("when it was made", "RFC 9110 §6.6.1"),
        b"origin" => ("the page that asks", "RFC 6454 §7"),
        b"sec-websocket-key" => {
            let accept = accept_key(value);
            let meaning = format!("{}: the answer must be {}", show(value), show(&accept));
            return (meaning, "RFC 6455 §4.1");
        }
        b"sec-websocket-accept" => ("proves that the key was read", "RFC 6455 §4.2.2"),
        b"sec-websocket-version" => ("the version of the protocol", "RFC 6455 §4.1"),
        b"sec-websocket-protocol" => ("subprotocols", "RFC 6455 §1.9"),
        b"sec-websocket-extensions" => ("extensions, such as compression", "RFC 6455 §9"),
        _ => ("", "RFC 9110 §5"),
    };
    let named = format!("{}: {}", show(name), show(value));
    if meaning.is_empty() {
        (named, section)
    } else {
        (format!("{named} ({meaning})"), section)
    }
}

/// Tells chunks that the codec accepted, up to wherever they were cut.
fn chunks(mut rest: &[u8], trace: &mut Trace) {
    const SECTION: &str = "RFC 9112 §7.1";
    loop {
        let Some(end) = rest.windows(2).position(|pair| pair == b"\r\n") else {
            trace.push(rest.len(), "chunk size", "not whole", SECTION);
            return;
        };
        let (line, behind) = rest.split_at(end + 2);
        let digits = line
            .iter()
            .take_while(|octet| octet.is_ascii_hexdigit())
            .count();
        // 64 bits, as the codec counts, on machines with smaller addresses too.
        let size = core::str::from_utf8(line.get(..digits).unwrap_or_default())
            .ok()
            .and_then(|digits| u64::from_str_radix(digits, 16).ok())
            .unwrap_or_default();
        let mut meaning = format!("{size} octets follow");
        if size == 0 {
            meaning = "no more chunks".to_owned();
        }
        if digits < end {
            meaning.push_str(", with an extension");
        }
        let name = if size == 0 {
            "last chunk"
        } else {
            "chunk size"
        };
        trace.push(line.len(), name, meaning, SECTION);
        rest = behind;
        if size == 0 {
            break;
        }
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let (data, behind) = rest.split_at(size.min(rest.len()));
        trace.push(
            data.len(),
            "chunk data",
            format!("\"{}\"", show(data)),
            SECTION,
        );
        let (end, behind) = behind.split_at(behind.len().min(2));
        trace.push(end.len(), "end of the chunk", "CRLF", SECTION);
        rest = behind;
    }
    for line in rest.split_inclusive(|octet| *octet == b'\n') {
        if line == b"\r\n" {
            trace.push(2, "blank line", "the content ends", SECTION);
        } else {
            trace.push(
                line.len(),
                "trailer field",
                show(line.trim_ascii()),
                "RFC 9112 §7.1.2",
            );
        }
    }
}
