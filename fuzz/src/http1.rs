//! HTTP/1.1: both roles against hostile octets, the chunked coding, the way there and back, httparse as the judge, and a proxy between two ends.

mod chunked;
mod differential;
mod forward;
mod round_trip;

pub use chunked::http1_chunked;
pub use differential::http1_differential;
pub use forward::http1_forward;
pub use round_trip::http1_round_trip;

use bytes::{Bytes, BytesMut};
use tidings_http1::{
    ClientConnection, ClientEvent, Content, ErrorKind, Fields, Framing, Limits, Next, ReceiveError,
    RequestHead, ResponseHead, ServerConnection, ServerEvent, TargetForm, Version,
};

use crate::cut::{Dice, beginning, cuttings};

/// One event, so that it can be compared. Neighbouring pieces of content are one.
#[derive(Debug, PartialEq)]
enum Said {
    Request {
        raw: Bytes,
        fields: Fields,
        form: TargetForm,
        authority: String,
        framing: Framing,
        keep_alive: bool,
        expects_continue: bool,
    },
    Response {
        raw: Bytes,
        fields: Fields,
        framing: Framing,
        keep_alive: bool,
    },
    Data(Vec<u8>),
    Trailers(Fields),
    End(Option<Next>),
    Upgraded,
    Closed,
}

/// All that a connection said, and what it left.
#[derive(Debug, Default, PartialEq)]
struct Told {
    events: Vec<Said>,
    error: Option<ReceiveError>,
    left: Vec<u8>,
}

impl Told {
    fn say(&mut self, said: Said) {
        match (self.events.last_mut(), said) {
            (Some(Said::Data(before)), Said::Data(data)) => before.extend(data),
            (_, said) => self.events.push(said),
        }
    }

    /// What an unfinished input says is the beginning of what the whole says.
    fn begins(&self, whole: &Self) -> bool {
        let Some((last, before)) = self.events.split_last() else {
            return self.error.is_none() || self.error == whole.error;
        };
        let there = whole.events.get(before.len());
        let last_fits = match (last, there) {
            (Said::Data(part), Some(Said::Data(all))) => all.starts_with(part),
            (last, there) => Some(last) == there,
        };
        let error_fits = match self.error {
            None => true,
            error => error == whole.error && self.events == whole.events,
        };
        whole.events.starts_with(before) && last_fits && error_fits
    }
}

/// Limits that a short input can reach.
fn tight() -> Limits {
    let mut limits = Limits::default();
    limits.max_method_len = 8;
    limits.max_target_len = 24;
    limits.max_head_len = 120;
    limits.max_fields = 4;
    limits.max_blank_lines = 1;
    limits.max_chunk_line_len = 12;
    limits.max_chunk_ext_len = 20;
    limits.max_chunk_overhead = 40;
    limits.max_trailer_len = 40;
    limits.max_trailer_fields = 2;
    limits.max_informational = 2;
    limits
}

/// Octets that may wait in the input: less than a head or a trailer section.
fn may_wait(limits: &Limits) -> usize {
    limits.max_head_len.max(limits.max_trailer_len)
}

/// What is sound in any error, whatever the input.
fn assert_error(error: ReceiveError, len: usize) {
    assert!(error.offset() <= len as u64, "{error:?} lies in the input");
    assert!(error.section().starts_with("RFC "), "{error:?}");
    assert!(matches!(error.status(), 400..=599), "{error:?}");
}

fn assert_fields(fields: &Fields) {
    for (name, value) in fields.iter() {
        assert!(
            !name.is_empty()
                && name
                    .bytes()
                    .all(|octet| octet.is_ascii_graphic() && octet != b':')
        );
        assert!(!value.iter().any(|octet| matches!(octet, b'\r' | b'\n' | 0)));
        let blank = |octet: Option<&u8>| matches!(octet, Some(b' ' | b'\t'));
        assert!(
            !blank(value.first()) && !blank(value.last()),
            "a value is trimmed"
        );
    }
}

/// No request is taken that two readers could end at different octets (RFC 9112 §6.3, §11.2).
fn assert_request(head: &RequestHead) {
    assert_fields(head.fields());
    let (lengths, codings) = ("content-length", "transfer-encoding");
    let lengths: Vec<_> = head.fields().get_all(lengths).collect();
    let codings: Vec<_> = head.fields().get_all(codings).collect();
    match head.framing() {
        Framing::None => assert!(lengths.is_empty() && codings.is_empty()),
        Framing::Length(length) => {
            assert!(codings.is_empty() && lengths.len() == 1);
            let text = core::str::from_utf8(lengths[0]).expect("digits");
            assert_eq!(text.parse(), Ok(length));
        }
        Framing::Chunked => {
            assert!(lengths.is_empty() && head.version() == Version::Http11);
            // Empty members of a list do not count (RFC 9110 §5.6.1.2), others than this one are refused.
            let members = codings
                .iter()
                .flat_map(|value| value.split(|octet| *octet == b','));
            let mut members = members
                .map(<[u8]>::trim_ascii)
                .filter(|member| !member.is_empty());
            let chunked = members
                .next()
                .is_some_and(|one| one.eq_ignore_ascii_case(b"chunked"));
            assert!(chunked && members.next().is_none());
        }
        Framing::UntilClose | Framing::Tunnel => panic!("no request is framed so"),
    }
    assert!(head.target().bytes().all(|octet| octet.is_ascii_graphic()));
    assert!(head.fields().get_all("host").count() <= 1);
    assert!(head.raw().ends_with(b"\r\n\r\n"));
}

/// When a request is answered.
#[derive(Clone, Copy)]
enum Answer {
    AtHead,
    AtEnd,
}

fn serve(pieces: &[&[u8]], eof: bool, limits: Limits, answer: Answer) -> Told {
    let len = pieces.iter().map(|piece| piece.len()).sum();
    let mut connection = ServerConnection::new(limits);
    let (mut told, mut input) = (Told::default(), BytesMut::new());
    let mut head = None;
    let ends = usize::from(eof);
    for step in 0..pieces.len() + ends {
        match pieces.get(step) {
            Some(piece) => input.extend_from_slice(piece),
            None => connection.receive_eof(),
        }
        loop {
            match connection.next_event(&mut input) {
                Ok(None) => break,
                Ok(Some(ServerEvent::Request(request))) => {
                    assert_request(&request);
                    told.say(Said::Request {
                        raw: request.raw().clone(),
                        fields: request.fields().clone(),
                        form: request.target_form(),
                        authority: request.authority().to_owned(),
                        framing: request.framing(),
                        keep_alive: request.keep_alive(),
                        expects_continue: request.expects_continue(),
                    });
                    assert_eq!(connection.wants_continue(), request.expects_continue());
                    if matches!(answer, Answer::AtHead) {
                        respond(&mut connection, 404);
                    }
                    head = Some(request);
                }
                Ok(Some(ServerEvent::Data(data))) => {
                    assert!(!data.is_empty());
                    told.say(Said::Data(data.to_vec()));
                }
                Ok(Some(ServerEvent::Trailers(fields))) => {
                    assert_fields(&fields);
                    assert!(!fields.is_empty());
                    told.say(Said::Trailers(fields));
                }
                Ok(Some(ServerEvent::End)) => {
                    told.say(Said::End(None));
                    let head = head.take().expect("a request ends once, after its head");
                    if connection.can_respond() && upgrade(&mut connection, &head) {
                        told.say(Said::Upgraded);
                    } else if connection.can_respond() {
                        respond(&mut connection, 200);
                    }
                }
                Ok(Some(ServerEvent::Closed)) => told.say(Said::Closed),
                Err(error) => {
                    assert_error(error, len);
                    assert_eq!(
                        connection.next_event(&mut input).unwrap_err(),
                        error,
                        "it stays"
                    );
                    if connection.can_respond() && told.error.is_none() {
                        assert_eq!(respond(&mut connection, error.status()), Some(false));
                    }
                    told.error = Some(error);
                    break;
                }
            }
        }
        let ended = matches!(told.events.last(), Some(Said::Upgraded | Said::Closed));
        assert!(
            ended || told.error.is_some() || input.len() <= may_wait(&limits),
            "{} octets wait",
            input.len()
        );
    }
    // Behind an error nobody looks at the input again.
    told.left = if told.error.is_some() {
        Vec::new()
    } else {
        input.to_vec()
    };
    told
}

/// Answers without content; tells whether the connection goes on.
fn respond(connection: &mut ServerConnection, status: u16) -> Option<bool> {
    let mut out = BytesMut::new();
    let status = if status == 426 { 400 } else { status };
    if connection
        .send_response(status, [], Content::Length(0), &mut out)
        .is_err()
    {
        // A 2xx to CONNECT is a switch.
        connection
            .send_response(400, [], Content::Length(0), &mut out)
            .expect("a response is due");
    }
    let next = connection.send_end(&mut out).expect("nothing is missing");
    let says_close = String::from_utf8_lossy(&out).contains("Connection: close\r\n");
    let reuse = next == Next::Reuse;
    assert_ne!(reuse, says_close, "the peer is told");
    Some(reuse)
}

/// Switches protocols where the request offers it.
fn upgrade(connection: &mut ServerConnection, head: &RequestHead) -> bool {
    let mut out = BytesMut::new();
    let offered = head.fields().tokens("upgrade").next().unwrap_or_default();
    let field = [("Upgrade", offered.as_bytes())];
    if head.method() == "CONNECT" {
        connection
            .send_upgrade([], &mut out)
            .expect("CONNECT can be granted");
        return true;
    }
    if !head.offers_upgrade() || offered.is_empty() {
        let refused = connection.send_upgrade([("Upgrade", &b"x"[..])], &mut out);
        assert!(refused.is_err() && out.is_empty(), "nothing was offered");
        return false;
    }
    connection
        .send_upgrade(field, &mut out)
        .expect("it was offered");
    assert!(out.starts_with(b"HTTP/1.1 101 ") && connection.next_event(&mut out).is_ok());
    assert!(!out.is_empty(), "what follows is not the codec's");
    true
}

/// A server reads hostile octets: cutting, prefixes, bounds, and what every error promises.
pub fn http1_request(data: &[u8]) {
    let mut dice = Dice::of(data);
    let answer = if dice.below(4) == 0 {
        Answer::AtHead
    } else {
        Answer::AtEnd
    };
    for limits in [Limits::default(), tight()] {
        let run = |pieces: &[&[u8]], eof| serve(pieces, eof, limits, answer);
        check(data, &mut dice, &run);
    }
}

/// A client reads hostile octets, as the answers to up to three requests.
pub fn http1_response(data: &[u8]) {
    let mut dice = Dice::of(data);
    let methods = [0, 0, 0].map(|_| ["GET", "GET", "HEAD", "POST", "CONNECT"][dice.below(5)]);
    let count = 1 + dice.below(3);
    for limits in [Limits::default(), tight()] {
        let run = |pieces: &[&[u8]], eof| ask(pieces, eof, limits, &methods[..count]);
        check(data, &mut dice, &run);
    }
}

/// The properties that both roles share.
fn check(data: &[u8], dice: &mut Dice, run: &dyn Fn(&[&[u8]], bool) -> Told) {
    let open = run(&[data], false);
    let ended = run(&[data], true);
    assert!(
        open.begins(&ended),
        "the end of input takes nothing back: {open:?}, {ended:?}"
    );
    for pieces in cuttings(data, dice) {
        assert_eq!(run(&pieces, false), open, "{} pieces", pieces.len());
        assert_eq!(
            run(&pieces, true),
            ended,
            "{} pieces, and the end",
            pieces.len()
        );
    }
    let part = run(&[beginning(data, dice)], false);
    assert!(part.begins(&open), "{part:?} begins {open:?}");
    if open.error.is_none() && part.error.is_some() {
        panic!("a prefix of a good input is no fault: {part:?}");
    }
    if let Some(ErrorKind::Truncated) = open.error.map(|error| error.kind()) {
        panic!("nobody told the end of input");
    }
}

fn ask(pieces: &[&[u8]], eof: bool, limits: Limits, methods: &[&str]) -> Told {
    let len = pieces.iter().map(|piece| piece.len()).sum();
    let mut connection = ClientConnection::new(limits);
    let (mut told, mut input, mut out) = (Told::default(), BytesMut::new(), BytesMut::new());
    for method in methods {
        if connection.can_send() {
            let target = if *method == "CONNECT" { "a:443" } else { "/" };
            let fields = [("Host", &b"a"[..])];
            connection
                .send_request(method, target, fields, Content::None, &mut out)
                .expect("a legal request");
        }
    }
    let asked = connection.unanswered();
    let ends = usize::from(eof);
    for step in 0..pieces.len() + ends {
        match pieces.get(step) {
            Some(piece) => input.extend_from_slice(piece),
            None => connection.receive_eof(),
        }
        loop {
            match connection.next_event(&mut input) {
                Ok(None) => break,
                Ok(Some(ClientEvent::Informational(head))) => {
                    assert!(matches!(head.status(), 100 | 102..=199));
                    told.say(response(&head));
                }
                Ok(Some(ClientEvent::Response(head))) => {
                    assert!(head.status() >= 200);
                    told.say(response(&head));
                }
                Ok(Some(ClientEvent::Data(data))) => {
                    assert!(!data.is_empty());
                    told.say(Said::Data(data.to_vec()));
                }
                Ok(Some(ClientEvent::Trailers(fields))) => {
                    assert_fields(&fields);
                    told.say(Said::Trailers(fields));
                }
                Ok(Some(ClientEvent::End(next))) => told.say(Said::End(Some(next))),
                Ok(Some(ClientEvent::Upgraded(head))) => {
                    told.say(response(&head));
                    told.say(Said::Upgraded);
                }
                Ok(Some(ClientEvent::Closed)) => told.say(Said::Closed),
                Err(error) => {
                    assert_error(error, len);
                    assert_eq!(
                        connection.next_event(&mut input).unwrap_err(),
                        error,
                        "it stays"
                    );
                    told.error = Some(error);
                    break;
                }
            }
        }
        let ended = matches!(told.events.last(), Some(Said::Upgraded | Said::Closed));
        assert!(
            ended || told.error.is_some() || input.len() <= may_wait(&limits),
            "{} octets wait",
            input.len()
        );
    }
    let answers = told
        .events
        .iter()
        .filter(|said| matches!(said, Said::End(_)))
        .count();
    assert!(answers <= asked, "no answer without its request");
    told.left = if told.error.is_some() {
        Vec::new()
    } else {
        input.to_vec()
    };
    told
}

fn response(head: &ResponseHead) -> Said {
    assert_fields(head.fields());
    assert!(
        !head
            .reason()
            .iter()
            .any(|octet| matches!(octet, b'\r' | b'\n' | 0))
    );
    Said::Response {
        raw: head.raw().clone(),
        fields: head.fields().clone(),
        framing: head.framing(),
        keep_alive: head.keep_alive(),
    }
}
