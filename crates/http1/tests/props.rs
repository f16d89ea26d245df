//! The four properties of the codec, on generated messages: what is encoded decodes to the same,
//! cuts change nothing, prefixes agree, and nothing is stored beyond the limits.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use bytes::BytesMut;
use proptest::collection::vec;
use proptest::prelude::*;
use tidings_http1::{
    BodyDecoder, BodyEvent, ClientConnection, ClientEvent, Config, Content, Fields, Framing,
    LAST_CHUNK, Leniency, Limits, Next, ReceiveError, ServerConnection, ServerEvent, encode_chunk,
};

type Line = (String, Vec<u8>);

/// An event without the borders of data pieces, which mean nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Seen {
    Head(String, Vec<Line>),
    Data(Vec<u8>),
    Trailers(Vec<Line>),
    End,
    Closed,
    Failed(ReceiveError),
}

fn note(seen: &mut Vec<Seen>, event: Seen) {
    match (seen.last_mut(), event) {
        (Some(Seen::Data(before)), Seen::Data(data)) => before.extend(data),
        (_, event) => seen.push(event),
    }
}

fn lines(fields: &Fields) -> Vec<Line> {
    fields
        .iter()
        .map(|(name, value)| (name.to_owned(), value.to_vec()))
        .collect()
}

fn borrowed(lines: &[Line]) -> impl Iterator<Item = (&str, &[u8])> {
    lines
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_slice()))
}

/// Serves `pieces`, answering each request, and reports what was seen and the most octets that were held.
fn serve(pieces: &[&[u8]], eof: bool, config: impl Into<Config>) -> (Vec<Seen>, usize) {
    let mut connection = ServerConnection::with_config(config.into());
    let (mut input, mut out) = (BytesMut::new(), BytesMut::new());
    let (mut seen, mut held) = (Vec::new(), 0);
    for turn in 0..=pieces.len() {
        match pieces.get(turn) {
            Some(piece) => input.extend_from_slice(piece),
            None if eof => connection.receive_eof(),
            None => break,
        }
        loop {
            let event = match connection.next_event(&mut input) {
                Ok(Some(ServerEvent::Request(head))) => {
                    let start = format!("{} {} {:?}", head.method(), head.target(), head.framing());
                    Seen::Head(start, lines(head.fields()))
                }
                Ok(Some(ServerEvent::Data(data))) => Seen::Data(data.to_vec()),
                Ok(Some(ServerEvent::Trailers(fields))) => Seen::Trailers(lines(&fields)),
                Ok(Some(ServerEvent::End)) => {
                    connection
                        .send_response(404, [], Content::None, &mut out)
                        .unwrap();
                    connection.send_end(&mut out).unwrap();
                    Seen::End
                }
                Ok(Some(ServerEvent::Closed)) => Seen::Closed,
                Ok(None) => break,
                Err(error) => {
                    note(&mut seen, Seen::Failed(error));
                    return (seen, held);
                }
            };
            note(&mut seen, event);
        }
        held = held.max(input.len());
    }
    (seen, held)
}

/// Reads `pieces` as responses to as many GET requests.
fn request(pieces: &[&[u8]], requests: usize, eof: bool) -> Vec<Seen> {
    let mut connection = ClientConnection::new(Limits::default());
    let (mut input, mut seen) = (BytesMut::new(), Vec::new());
    for _ in 0..requests {
        connection
            .send_request(
                "GET",
                "/",
                [("Host", &b"a"[..])],
                Content::None,
                &mut BytesMut::new(),
            )
            .unwrap();
    }
    for turn in 0..=pieces.len() {
        match pieces.get(turn) {
            Some(piece) => input.extend_from_slice(piece),
            None if eof => connection.receive_eof(),
            None => break,
        }
        loop {
            let event = match connection.next_event(&mut input) {
                Ok(Some(
                    ClientEvent::Response(head)
                    | ClientEvent::Informational(head)
                    | ClientEvent::Upgraded(head),
                )) => Seen::Head(
                    format!("{} {:?}", head.status(), head.framing()),
                    lines(head.fields()),
                ),
                Ok(Some(ClientEvent::Data(data))) => Seen::Data(data.to_vec()),
                Ok(Some(ClientEvent::Trailers(fields))) => Seen::Trailers(lines(&fields)),
                Ok(Some(ClientEvent::End(_))) => Seen::End,
                Ok(Some(ClientEvent::Closed)) => Seen::Closed,
                Ok(None) => break,
                Err(error) => {
                    note(&mut seen, Seen::Failed(error));
                    return seen;
                }
            };
            note(&mut seen, event);
        }
    }
    seen
}

fn cut(octets: &[u8], mut at: Vec<usize>) -> Vec<&[u8]> {
    at.iter_mut().for_each(|index| *index %= octets.len() + 1);
    at.sort_unstable();
    let ends = at.iter().copied().chain([octets.len()]);
    let starts = [0].into_iter().chain(at.iter().copied());
    starts
        .zip(ends)
        .map(|(start, end)| octets.get(start..end).unwrap())
        .collect()
}

fn field_name() -> impl Strategy<Value = String> {
    // An X in front keeps clear of the names that the codec gives a meaning.
    "X[-!#$%&'*+.^_`|~0-9A-Za-z]{0,12}"
}

fn field_value() -> impl Strategy<Value = Vec<u8>> {
    vec(
        prop_oneof![Just(b' '), Just(b'\t'), 0x21..=0x7e_u8, 0x80..=0xff_u8],
        0..24,
    )
    .prop_map(|value| value.trim_ascii().to_vec())
}

fn field_lines(most: usize) -> impl Strategy<Value = Vec<Line>> {
    vec((field_name(), field_value()), 0..most)
}

fn target() -> impl Strategy<Value = String> {
    prop_oneof![
        "/[-A-Za-z0-9._~!$&'()*+,;=:@%/]{0,20}([?][-A-Za-z0-9=&/?]{0,10})?",
        "http://[a-z0-9.-]{1,10}(:[0-9]{1,4})?(/[a-z]{0,5})?([?][a-z]{0,4})?",
    ]
}

#[derive(Clone, Debug)]
struct Message {
    method: String,
    target: String,
    fields: Vec<Line>,
    pieces: Vec<Vec<u8>>,
    chunked: bool,
    trailers: Vec<Line>,
}

impl Message {
    fn data(&self) -> Vec<u8> {
        self.pieces.concat()
    }

    fn content(&self) -> Content {
        if self.chunked {
            Content::Unknown
        } else {
            Content::Length(self.data().len() as u64)
        }
    }

    /// What the receiver must see behind the head.
    fn events(&self) -> Vec<Seen> {
        let mut seen = Vec::new();
        if !self.data().is_empty() {
            seen.push(Seen::Data(self.data()));
        }
        if self.chunked && !self.trailers.is_empty() {
            seen.push(Seen::Trailers(self.trailers.clone()));
        }
        seen.push(Seen::End);
        seen
    }
}

fn message() -> impl Strategy<Value = Message> {
    let content = (
        vec(vec(any::<u8>(), 0..40), 0..5),
        any::<bool>(),
        field_lines(4),
    );
    ("[A-Z]{1,8}", target(), field_lines(20), content)
        .prop_filter("the forms of CONNECT and HEAD differ", |(method, ..)| {
            method != "CONNECT" && method != "HEAD"
        })
        .prop_map(
            |(method, target, fields, (pieces, chunked, trailers))| Message {
                method,
                target,
                fields,
                pieces,
                chunked,
                trailers,
            },
        )
}

/// The octets of `messages` as requests.
fn encode_requests(messages: &[Message]) -> BytesMut {
    let mut connection = ClientConnection::new(Limits::default());
    connection.assume_http11();
    let mut out = BytesMut::new();
    for message in messages {
        let fields = [("Host", &b"a"[..])]
            .into_iter()
            .chain(borrowed(&message.fields));
        connection
            .send_request(
                &message.method,
                &message.target,
                fields,
                message.content(),
                &mut out,
            )
            .unwrap();
        for piece in &message.pieces {
            connection.send_data(piece, &mut out).unwrap();
        }
        if message.chunked {
            connection
                .send_trailers(borrowed(&message.trailers), &mut out)
                .unwrap();
        } else {
            connection.send_end(&mut out).unwrap();
        }
    }
    out
}

/// The octets of `messages` as responses.
fn encode_responses(messages: &[Message]) -> BytesMut {
    let mut connection = ServerConnection::new(Limits::default());
    let mut out = BytesMut::new();
    for message in messages {
        let mut input = BytesMut::from(&b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"[..]);
        while connection.next_event(&mut input).unwrap().is_some() {}
        connection
            .send_response(200, borrowed(&message.fields), message.content(), &mut out)
            .unwrap();
        for piece in &message.pieces {
            connection.send_data(piece, &mut out).unwrap();
        }
        let next = if message.chunked {
            connection.send_trailers(borrowed(&message.trailers), &mut out)
        } else {
            connection.send_end(&mut out)
        };
        assert_eq!(next, Ok(Next::Reuse));
    }
    out
}

/// The seen lines without those that the codec wrote.
fn own(seen: &[Line]) -> Vec<Line> {
    seen.iter()
        .filter(|(name, _)| name.starts_with('X'))
        .cloned()
        .collect()
}

/// Octets near the grammar: good requests, broken in a few places.
fn near_requests() -> impl Strategy<Value = Vec<u8>> {
    let edits = vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 0..4);
    let tokens = prop::sample::select(vec![
        "\r\n",
        "\n",
        "\r",
        " ",
        "\t",
        ":",
        "0\r\n",
        "Content-Length: 5\r\n",
        "Transfer-Encoding: chunked\r\n",
        "Host: b\r\n",
        "Connection: close\r\n",
        "GET / HTTP/1.1\r\n",
        ";a=\"b\"",
        "5\r\nhello\r\n",
        "\r\n\r\n",
        "Expect: 100-continue\r\n",
        "HTTP/1.0",
    ]);
    let inserts = vec((any::<prop::sample::Index>(), tokens), 0..3);
    (vec(message(), 1..3), edits, inserts).prop_map(|(messages, edits, inserts)| {
        let mut octets = encode_requests(&messages).to_vec();
        for (index, octet, edit) in edits {
            let at = index.index(octets.len());
            match edit {
                0 => octets.insert(at, octet),
                1 => drop(octets.remove(at)),
                _ => *octets.get_mut(at).unwrap() = octet,
            }
        }
        for (index, token) in inserts {
            let at = index.index(octets.len() + 1);
            octets.splice(at..at, token.bytes());
        }
        octets
    })
}

/// Some of the switches, each as likely as not.
fn leniencies() -> impl Strategy<Value = Config> {
    any::<[bool; 8]>().prop_map(|on| {
        let mut leniency = Leniency::default();
        [
            leniency.bare_lf,
            leniency.fold_to_sp,
            leniency.space_before_colon,
            leniency.equal_content_lengths,
            leniency.te_over_cl,
            leniency.missing_reason_sp,
            leniency.ctl_in_values,
            leniency.space_after_chunk_size,
        ] = on;
        Config::new(Limits::default(), leniency)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn requests_decode_to_what_was_encoded(messages in vec(message(), 1..4)) {
        let (seen, _) = serve(&[&encode_requests(&messages)], false, Limits::default());
        let mut seen = seen.into_iter();
        for message in &messages {
            let Some(Seen::Head(start, fields)) = seen.next() else { panic!("no head") };
            let start_line = format!("{} {} ", message.method, message.target);
            prop_assert!(start.starts_with(&start_line));
            prop_assert_eq!(own(&fields), message.fields.clone());
            for event in message.events() {
                prop_assert_eq!(seen.next(), Some(event));
            }
        }
        prop_assert_eq!(seen.next(), None);
    }

    #[test]
    fn responses_decode_to_what_was_encoded(messages in vec(message(), 1..4)) {
        let seen = request(&[&encode_responses(&messages)], messages.len(), false);
        let mut seen = seen.into_iter();
        for message in &messages {
            let Some(Seen::Head(start, fields)) = seen.next() else { panic!("no head") };
            prop_assert!(start.starts_with("200 "));
            prop_assert_eq!(own(&fields), message.fields.clone());
            for event in message.events() {
                prop_assert_eq!(seen.next(), Some(event));
            }
        }
        prop_assert_eq!(seen.next(), None);
    }

    #[test]
    fn cuts_change_neither_events_nor_error(octets in near_requests(), cuts in vec(any::<usize>(), 0..6), eof: bool) {
        let (whole, _) = serve(&[&octets], eof, Limits::default());
        let (parts, _) = serve(&cut(&octets, cuts), eof, Limits::default());
        prop_assert_eq!(&parts, &whole);
        let (singles, _) = serve(&octets.chunks(1).collect::<Vec<_>>(), eof, Limits::default());
        prop_assert_eq!(&singles, &whole);
    }

    #[test]
    fn cuts_change_nothing_whatever_is_relaxed(octets in near_requests(), config in leniencies(), cuts in vec(any::<usize>(), 0..6), eof: bool) {
        let (whole, _) = serve(&[&octets], eof, config);
        let (parts, _) = serve(&cut(&octets, cuts), eof, config);
        prop_assert_eq!(&parts, &whole);
        let (singles, _) = serve(&octets.chunks(1).collect::<Vec<_>>(), eof, config);
        prop_assert_eq!(&singles, &whole);
    }

    #[test]
    fn what_is_legal_reads_the_same_whatever_is_relaxed(octets in near_requests(), config in leniencies(), eof: bool) {
        let (strict, _) = serve(&[&octets], eof, Limits::default());
        let (lenient, _) = serve(&[&octets], eof, config);
        // Up to the octet that the strict reader refuses, nothing may differ.
        let legal = strict.iter().take_while(|event| !matches!(event, Seen::Failed(_)));
        prop_assert!(legal.zip(&lenient).all(|(strict, lenient)| strict == lenient || matches!(strict, Seen::Data(_))));
        if !strict.iter().any(|event| matches!(event, Seen::Failed(_))) {
            prop_assert_eq!(&lenient, &strict);
        }
    }

    #[test]
    fn cuts_change_nothing_under_small_limits(octets in near_requests(), size in 16_usize..80) {
        let mut limits = Limits::default();
        limits.max_head_len = size * 3;
        limits.max_target_len = size / 8;
        limits.max_method_len = 5;
        limits.max_fields = size / 10;
        limits.max_chunk_line_len = 4;
        limits.max_chunk_ext_len = 8;
        limits.max_trailer_len = size;
        limits.max_trailer_fields = 2;
        limits.max_chunk_overhead = 16;
        limits.max_blank_lines = 1;
        let (whole, _) = serve(&[&octets], false, limits);
        let (singles, held) = serve(&octets.chunks(1).collect::<Vec<_>>(), false, limits);
        prop_assert_eq!(&singles, &whole);
        prop_assert!(held <= size * 3, "{} octets are held", held);
    }

    #[test]
    fn cuts_change_no_response(messages in vec(message(), 1..3), at: prop::sample::Index, octet: u8, eof: bool) {
        let mut octets = encode_responses(&messages).to_vec();
        let at = at.index(octets.len());
        *octets.get_mut(at).unwrap() = octet;
        let whole = request(&[&octets], messages.len(), eof);
        let singles = request(&octets.chunks(1).collect::<Vec<_>>(), messages.len(), eof);
        prop_assert_eq!(singles, whole);
    }

    #[test]
    fn events_of_a_prefix_are_a_prefix_of_the_events(octets in near_requests(), end: prop::sample::Index) {
        let (whole, _) = serve(&[&octets], false, Limits::default());
        let prefix = octets.get(..end.index(octets.len() + 1)).unwrap();
        let (mut part, _) = serve(&[prefix], false, Limits::default());
        let fails = |seen: &[Seen]| matches!(seen.last(), Some(Seen::Failed(_)));
        prop_assert!(!fails(&part) || fails(&whole), "a prefix of good input is no error");
        // The last data may go on behind the prefix.
        if let Some(Seen::Data(data)) = part.last().cloned() {
            part.pop();
            let next = whole.get(part.len());
            prop_assert!(matches!(next, Some(Seen::Data(all)) if all.starts_with(&data)));
        }
        prop_assert!(whole.starts_with(&part));
    }

    #[test]
    fn no_octets_make_either_end_panic(octets in vec(any::<u8>(), 0..200), eof: bool) {
        let (_, held) = serve(&[&octets], eof, Limits::default());
        prop_assert!(held <= octets.len());
        request(&[&octets], 1, eof);
        let mut decoder = BodyDecoder::new(Framing::Chunked, &Limits::default());
        let mut input = BytesMut::from(&octets[..]);
        while let Ok(Some(event)) = decoder.decode(&mut input) {
            if event == BodyEvent::End {
                break;
            }
        }
    }

    #[test]
    fn chunks_decode_to_what_was_encoded(pieces in vec(vec(any::<u8>(), 0..600), 0..8)) {
        let mut input = BytesMut::new();
        for piece in &pieces {
            encode_chunk(piece, &mut input);
        }
        input.extend_from_slice(LAST_CHUNK);
        let mut decoder = BodyDecoder::new(Framing::Chunked, &Limits::default());
        let mut data = Vec::new();
        while let Some(BodyEvent::Data(piece)) = decoder.decode(&mut input).unwrap() {
            data.extend_from_slice(&piece);
        }
        prop_assert_eq!(data, pieces.concat());
        prop_assert!(input.is_empty());
    }
}

#[test]
fn a_head_that_never_ends_is_held_up_to_its_limit() {
    let endless: [(&str, &[u8]); 4] = [
        ("value", b"GET / HTTP/1.1\r\nA: "),
        ("fields", b"GET / HTTP/1.1\r\n"),
        ("target", b"GET /"),
        ("method", b"G"),
    ];
    for (name, start) in endless {
        let mut pieces = vec![start];
        let more: &[u8] = if name == "fields" {
            b"A: b\r\n"
        } else {
            b"AAAAAAA"
        };
        pieces.extend(core::iter::repeat_n(more, 20_000));
        let (seen, held) = serve(&pieces, false, Limits::default());
        assert!(
            matches!(seen.last(), Some(Seen::Failed(error)) if error.status() > 400),
            "{name}: {seen:?}"
        );
        assert!(held <= Limits::default().max_head_len, "{name}: {held}");
    }
}

#[test]
fn a_chunk_line_that_never_ends_is_never_held() {
    let head: &[u8] = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;a=\"";
    let mut pieces = vec![head];
    pieces.extend(core::iter::repeat_n(&b"bbbbbbb"[..], 1_000));
    let (seen, held) = serve(&pieces, false, Limits::default());
    assert!(matches!(seen.last(), Some(Seen::Failed(_))), "{seen:?}");
    assert_eq!(held, 0);
}
