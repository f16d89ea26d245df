//! What one end sends is what the other receives, or nothing was written.

use bytes::{Bytes, BytesMut};
use tidings_http1::{
    BodyDecoder, BodyEvent, ClientConnection, ClientEvent, Content, ErrorKind, Framing, Limits,
    Next, ServerConnection, ServerEvent, date,
};

use crate::choices::Choices;
use crate::cut::{Dice, cuttings};

type Line = (String, Vec<u8>);

const NAMES: [&str; 12] = [
    "X-A",
    "Accept",
    "x-a",
    "Connection",
    "Upgrade",
    "Expect",
    "Cookie",
    "Trailer",
    "Host",
    "Content-Length",
    "Transfer-Encoding",
    "A!#$%&'*+-.^_`|~",
];
const VALUES: [&[u8]; 8] = [
    b"a",
    b"",
    b"a, b",
    b"100-continue",
    b"upgrade",
    b"close",
    b"\xff \t\x80",
    b"example.com:80",
];

fn lines(choices: &mut Choices<'_>, most: usize) -> Vec<Line> {
    let line = |choices: &mut Choices<'_>| {
        let name = match choices.below(14) {
            known @ 0..12 => NAMES[known].to_owned(),
            _ => choices.text(9),
        };
        let value = match choices.below(12) {
            known @ 0..8 => VALUES[known].to_vec(),
            _ => choices.octets(40).to_vec(),
        };
        (name, value)
    };
    (0..choices.below(most + 1))
        .map(|_| line(choices))
        .collect()
}

fn borrowed(lines: &[Line]) -> impl Iterator<Item = (&str, &[u8])> {
    lines
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_slice()))
}

fn owned<'a>(fields: impl Iterator<Item = (&'a str, &'a [u8])>) -> Vec<Line> {
    fields
        .map(|(name, value)| (name.to_owned(), value.to_vec()))
        .collect()
}

/// The caller's lines come first and unchanged; behind them stand lines that the codec added.
fn assert_lines(got: &[Line], sent: &[Line]) {
    assert!(got.starts_with(sent), "{got:?} begins with {sent:?}");
    for (name, _) in &got[sent.len()..] {
        let own = ["Connection", "Content-Length", "Transfer-Encoding"];
        assert!(own.contains(&name.as_str()), "{name}");
    }
}

/// A message as it is sent.
struct Message<'a> {
    lines: Vec<Line>,
    content: Content,
    pieces: Vec<&'a [u8]>,
    trailers: Vec<Line>,
}

impl<'a> Message<'a> {
    fn choose(choices: &mut Choices<'a>) -> Self {
        let lines = lines(choices, 6);
        let pieces: Vec<_> = (0..choices.below(5)).map(|_| choices.octets(50)).collect();
        let len = pieces.iter().map(|piece| piece.len() as u64).sum();
        let content = match choices.below(4) {
            0 => Content::None,
            1 => Content::Length(len),
            _ => Content::Unknown,
        };
        let trailers = self::lines(choices, 2);
        Self {
            lines,
            content,
            pieces,
            trailers,
        }
    }
}

/// Builds a request and its response from the input, sends both, and reads each under two cuttings.
pub fn http1_round_trip(data: &[u8]) {
    let mut choices = Choices::new(data);
    let mut dice = Dice::of(data);
    let method = match choices.below(6) {
        known @ 0..5 => ["GET", "POST", "HEAD", "OPTIONS", "CONNECT"][known].to_owned(),
        _ => choices.text(6),
    };
    let target = match choices.below(5) {
        known @ 0..4 => ["/a?b", "http://a:80/b", "*", "a:443"][known].to_owned(),
        _ => choices.text(20),
    };
    let mut request = Message::choose(&mut choices);
    request
        .lines
        .insert(0, ("Host".to_owned(), b"a:80".to_vec()));
    let answer = Message::choose(&mut choices);
    let status = [200, 204, 304, 404, 503, 101, 99, 1000][choices.below(8)];
    exchange(&method, &target, &request, status, &answer, &mut dice);
    chunks(&answer.pieces);
    dates(choices.number());
}

/// What one end has written.
struct Sent {
    wire: Bytes,
    content: Vec<u8>,
    trailers: Vec<Line>,
}

fn exchange(
    method: &str,
    target: &str,
    request: &Message<'_>,
    status: u16,
    answer: &Message<'_>,
    dice: &mut Dice,
) {
    let Some((_, asked)) = ask(method, target, request) else {
        return;
    };
    for pieces in cuttings(&asked.wire, dice) {
        let Some(server) = receive_request(&pieces, method, target, request, &asked) else {
            return;
        };
        let Some((answered, next)) = respond(server, status, answer) else {
            return;
        };
        for pieces in cuttings(&answered.wire, dice) {
            let (client, _) = ask(method, target, request).expect("as before");
            receive_response(client, &pieces, status, answer, &answered, next);
        }
    }
}

fn ask(method: &str, target: &str, request: &Message<'_>) -> Option<(ClientConnection, Sent)> {
    let mut client = ClientConnection::new(Limits::default());
    client.assume_http11();
    let mut wire = BytesMut::from(&b"before"[..]);
    let lines = borrowed(&request.lines);
    if client
        .send_request(method, target, lines, request.content, &mut wire)
        .is_err()
    {
        assert_eq!(wire, "before", "all or nothing");
        return None;
    }
    let (content, trailers) = send(request, |step| match step {
        Step::Data(data) => client.send_data(data, &mut wire).is_ok(),
        Step::Trailers(lines) => client.send_trailers(borrowed(lines), &mut wire).is_ok(),
        Step::End => client.send_end(&mut wire).is_ok(),
    });
    let wire = wire.split_off(b"before".len()).freeze();
    Some((
        client,
        Sent {
            wire,
            content,
            trailers,
        },
    ))
}

fn respond(
    mut server: ServerConnection,
    status: u16,
    answer: &Message<'_>,
) -> Option<(Sent, Next)> {
    let mut wire = BytesMut::new();
    let lines = borrowed(&answer.lines);
    if server
        .send_response(status, lines, answer.content, &mut wire)
        .is_err()
    {
        assert!(wire.is_empty(), "all or nothing");
        return None;
    }
    let mut next = None;
    let (content, trailers) = send(answer, |step| {
        let before = wire.len();
        let done = match step {
            // A caller may write a large content itself, where no chunk sizes stand between.
            Step::Data(data)
                if data.len() % 2 == 1 && server.count_data(data.len() as u64).is_ok() =>
            {
                wire.extend_from_slice(data);
                true
            }
            Step::Data(data) => server.send_data(data, &mut wire).is_ok(),
            Step::Trailers(lines) => {
                next = server.send_trailers(borrowed(lines), &mut wire).ok();
                next.is_some()
            }
            Step::End => {
                next = server.send_end(&mut wire).ok();
                next.is_some()
            }
        };
        assert!(done || wire.len() == before, "all or nothing");
        done
    });
    let wire = wire.freeze();
    Some((
        Sent {
            wire,
            content,
            trailers,
        },
        next.expect("the response ended"),
    ))
}

enum Step<'a> {
    Data(&'a [u8]),
    Trailers(&'a [Line]),
    End,
}

/// Sends the pieces and the end; gives the content and the trailers that went out.
fn send(message: &Message<'_>, mut step: impl FnMut(Step<'_>) -> bool) -> (Vec<u8>, Vec<Line>) {
    let mut content = Vec::new();
    for piece in &message.pieces {
        if step(Step::Data(piece)) {
            content.extend_from_slice(piece);
        }
    }
    if !message.trailers.is_empty() && step(Step::Trailers(&message.trailers)) {
        return (content, message.trailers.clone());
    }
    assert!(
        step(Step::End),
        "{} octets were sent of {:?}",
        content.len(),
        message.content
    );
    (content, Vec::new())
}

/// None where the server refuses what a client may send: an expectation that nobody knows.
fn receive_request(
    pieces: &[&[u8]],
    method: &str,
    target: &str,
    request: &Message<'_>,
    sent: &Sent,
) -> Option<ServerConnection> {
    let mut server = ServerConnection::new(Limits::default());
    let (mut input, mut got, mut got_trailers) = (BytesMut::new(), Vec::new(), Vec::new());
    let (mut heads, mut ends) = (0, 0);
    for piece in pieces {
        input.extend_from_slice(piece);
        loop {
            match server.next_event(&mut input) {
                Ok(None) => break,
                Ok(Some(ServerEvent::Request(head))) => {
                    heads += 1;
                    assert_eq!((head.method(), head.target()), (method, target));
                    assert_lines(&owned(head.fields().iter()), &request.lines);
                }
                Ok(Some(ServerEvent::Data(data))) => got.extend_from_slice(&data),
                Ok(Some(ServerEvent::Trailers(fields))) => got_trailers = owned(fields.iter()),
                Ok(Some(ServerEvent::End)) => ends += 1,
                Ok(Some(ServerEvent::Closed)) => panic!("nobody ended anything"),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Expectation, "{error:?}");
                    return None;
                }
            }
        }
    }
    assert_eq!((heads, ends, input.len()), (1, 1, 0));
    assert_eq!((&got, &got_trailers), (&sent.content, &sent.trailers));
    Some(server)
}

fn receive_response(
    mut client: ClientConnection,
    pieces: &[&[u8]],
    status: u16,
    answer: &Message<'_>,
    sent: &Sent,
    next: Next,
) {
    let (mut input, mut got, mut got_trailers) = (BytesMut::new(), Vec::new(), Vec::new());
    let mut end = None;
    for piece in pieces {
        input.extend_from_slice(piece);
        while let Some(event) = client.next_event(&mut input).expect("a legal response") {
            match event {
                ClientEvent::Response(head) => {
                    assert_eq!(head.status(), status);
                    assert_eq!(
                        head.reason(),
                        tidings_http1::reason_phrase(status).as_bytes()
                    );
                    assert_lines(&owned(head.fields().iter()), &answer.lines);
                }
                ClientEvent::Data(data) => got.extend_from_slice(&data),
                ClientEvent::Trailers(fields) => got_trailers = owned(fields.iter()),
                ClientEvent::End(next) => end = Some(next),
                ClientEvent::Closed => {}
                ClientEvent::Informational(_) | ClientEvent::Upgraded(_) => panic!("{event:?}"),
            }
        }
    }
    assert_eq!((&got, &got_trailers), (&sent.content, &sent.trailers));
    let end = end.expect("the response is whole");
    assert_eq!(
        end == Next::Reuse,
        next == Next::Reuse,
        "both ends agree: {end:?}, {next:?}"
    );
}

fn chunks(pieces: &[&[u8]]) {
    let mut wire = BytesMut::new();
    for piece in pieces {
        tidings_http1::encode_chunk(piece, &mut wire);
    }
    wire.extend_from_slice(tidings_http1::LAST_CHUNK);
    let mut decoder = BodyDecoder::new(Framing::Chunked, &Limits::default());
    let mut got = Vec::new();
    while let Some(BodyEvent::Data(data)) = decoder.decode(&mut wire).expect("legal chunks") {
        got.extend_from_slice(&data);
    }
    assert_eq!(got, pieces.concat());
    assert!(wire.is_empty());
}

/// A date is read back as it was written.
fn dates(number: u64) {
    let time = number % 253_402_300_800;
    assert_eq!(date::parse(&date::format(time)), Some(time));
    let _ = date::parse(&number.to_be_bytes());
}
