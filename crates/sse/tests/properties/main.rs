//! The four properties of a codec, and the standard's algorithm as the judge.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the helpers of tests fail by panicking"
)]

mod oracle;

use bytes::{Bytes, BytesMut};
use core::time::Duration;
use oracle::{Said, interpret};
use proptest::prelude::*;
use tidings_sse::{
    Config, Decoder, EventRef, IdPolicy, Item, Oversize, ReceiveError, encode_comment,
};

/// Pieces that streams are made of, the nasty ones more than once.
const PIECES: [&[u8]; 40] = [
    b"\n",
    b"\n",
    b"\n",
    b"\r",
    b"\r",
    b"\r\n",
    b"\r\n",
    b"\n\n",
    b":",
    b":",
    b": ",
    b" ",
    b"data",
    b"data:",
    b"data: ",
    b"data: a\n\n",
    b"event",
    b"event:",
    b"event: t\n",
    b"id",
    b"id:",
    b"id: 7\n",
    b"retry",
    b"retry:",
    b"retry: 12\n",
    b"message",
    b"a",
    b"\t",
    b"0",
    b"99999999999",
    b"\0",
    b"\xEF\xBB\xBF",
    b"\xEF",
    b"\xBB",
    b"\xFF",
    b"\xE2\x82",
    b"\xE2\x82\xAC",
    b"\xF0\x9F",
    b"\x98\x80",
    b"dat",
];

fn stream() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        20 => prop::sample::select(PIECES.to_vec()).prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 1..4),
    ];
    prop::collection::vec(piece, 0..50).prop_map(|pieces| pieces.concat())
}

/// Lengths of chunks, to be gone through again and again; a zero is an empty chunk.
fn cutting() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(0usize..9, 1..6).prop_map(|mut cutting| {
        cutting.push(1);
        cutting
    })
}

fn chunks(stream: &[u8], cutting: &[usize]) -> Vec<Bytes> {
    let mut rest = stream;
    let mut chunks = Vec::new();
    for len in cutting.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (chunk, behind) = rest.split_at((*len).min(rest.len()));
        chunks.push(Bytes::copy_from_slice(chunk));
        rest = behind;
    }
    chunks
}

/// All that the decoder says. After an error it is told to skip the event.
fn read(config: &Config, chunks: &[Bytes]) -> (Vec<Result<Item, ReceiveError>>, Decoder) {
    let mut decoder = Decoder::with_config(config.clone());
    let mut said = Vec::new();
    for chunk in chunks {
        let mut input = chunk.clone();
        loop {
            match decoder.next_event(&mut input) {
                Ok(Some(item)) => said.push(Ok(item)),
                Ok(None) => break,
                Err(error) => {
                    said.push(Err(error));
                    decoder.skip_event();
                }
            }
            assert_bounded(config, &decoder);
        }
        assert!(input.is_empty(), "octets are left");
        assert_bounded(config, &decoder);
    }
    (said, decoder)
}

fn assert_bounded(config: &Config, decoder: &Decoder) {
    let most = config.max_event_len + 3 * config.max_line_len.max(6);
    assert!(
        decoder.buffered_len() <= most,
        "{} of {most}",
        decoder.buffered_len()
    );
}

fn judged(item: Result<Item, ReceiveError>) -> Said {
    match item.unwrap() {
        Item::Event(event) => Said::Event {
            kind: event.event_type().to_owned(),
            data: event.data.as_str().to_owned(),
            id: event.id.as_str().to_owned(),
        },
        Item::Retry(time) => Said::Retry(u64::try_from(time.as_millis()).unwrap()),
        Item::Id => Said::Id,
        other @ (Item::Comment(_) | Item::Skipped(_)) => panic!("not asked for: {other:?}"),
    }
}

fn config() -> impl Strategy<Value = Config> {
    let oversize = prop::sample::select(vec![
        Oversize::Error,
        Oversize::SkipEvent,
        Oversize::Truncate,
    ]);
    (0usize..20, 0usize..20, oversize, any::<bool>()).prop_map(
        |(line, event, oversize, comments)| {
            let mut config = Config::default();
            config.max_line_len = line;
            config.max_event_len = event;
            config.oversize = oversize;
            config.comments = comments;
            config
        },
    )
}

/// Text with all kinds of line ends, blanks and controls.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::collection::vec(
            prop::sample::select(vec![
                "\n", "\r", "\r\n", "a", " ", ":", "data: x", "\0", "é", "\u{FEFF}"
            ]),
            0..12,
        )
        .prop_map(|pieces| pieces.concat()),
        any::<String>(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_decoder_says_what_the_standard_says(stream in stream(), cutting in cutting()) {
        let (want, last_event_id) = interpret(&stream);
        let whole = [Bytes::from(stream.clone())];
        for chunks in [&whole[..], &chunks(&stream, &cutting)] {
            let (said, decoder) = read(&Config::default(), chunks);
            prop_assert_eq!(&said.into_iter().map(judged).collect::<Vec<_>>(), &want);
            prop_assert_eq!(decoder.last_event_id(), &last_event_id);
            let retry = want.iter().rev().find_map(|said| match said {
                Said::Retry(millis) => Some(Duration::from_millis(*millis)),
                Said::Event { .. } | Said::Id => None,
            });
            prop_assert_eq!(decoder.reconnection_time(), retry);
        }
    }

    #[test]
    fn any_cutting_gives_the_same_items_and_errors(
        stream in stream(),
        cutting in cutting(),
        config in config(),
    ) {
        let (want, one) = read(&config, &[Bytes::from(stream.clone())]);
        let (said, other) = read(&config, &chunks(&stream, &cutting));
        prop_assert_eq!(said, want);
        prop_assert_eq!(one.last_event_id(), other.last_event_id());
    }

    #[test]
    fn a_beginning_says_a_beginning(stream in stream(), config in config(), at in any::<prop::sample::Index>()) {
        let (whole, _) = read(&config, &[Bytes::from(stream.clone())]);
        let end = at.index(stream.len() + 1);
        let (beginning, _) = read(&config, &[Bytes::copy_from_slice(&stream[..end])]);
        prop_assert!(whole.starts_with(&beginning), "{beginning:?} of {whole:?}");
    }

    #[test]
    fn what_is_encoded_is_decoded(
        data in prop::option::of(text()),
        event in prop::option::of(text()),
        id in prop::option::of(text()),
        retry in prop::option::of(any::<u64>()),
        cutting in cutting(),
    ) {
        let event_ref = EventRef {
            event: event.as_deref(),
            id: id.as_deref(),
            retry: retry.map(Duration::from_millis),
            data: data.as_deref(),
        };
        let mut wire = BytesMut::new();
        let line_end = |text: &Option<String>| text.as_deref().is_some_and(|t| t.contains(['\r', '\n']));
        let nul = id.as_deref().is_some_and(|id| id.contains('\0'));
        let legal = !line_end(&event) && !line_end(&id) && !nul;
        let written = event_ref.encode_with(IdPolicy::Standard, &mut wire);
        prop_assert_eq!(written.is_ok(), legal);
        if !legal {
            prop_assert!(wire.is_empty());
            return Ok(());
        }
        if let Ok(safe) = event_ref.to_bytes() {
            prop_assert_eq!(&safe[..], &wire[..]);
            prop_assert_eq!(event_ref.encoded_len(), Ok(wire.len()));
        }
        let (said, decoder) = read(&Config::default(), &chunks(&wire, &cutting));
        let mut want: Vec<Said> = retry.map(Said::Retry).into_iter().collect();
        let last = id.clone().unwrap_or_default();
        if let Some(data) = data {
            let kind = event.filter(|event| !event.is_empty()).unwrap_or_else(|| "message".to_owned());
            let data = data.replace("\r\n", "\n").replace('\r', "\n");
            want.push(Said::Event { kind, data, id: last.clone() });
        } else if id.is_some() {
            want.push(Said::Id);
        }
        prop_assert_eq!(said.into_iter().map(judged).collect::<Vec<_>>(), want);
        prop_assert_eq!(decoder.last_event_id(), last);
        prop_assert_eq!(decoder.buffered_len(), 0);
    }

    #[test]
    fn an_id_that_may_be_sent_may_come_back(id in text()) {
        let event = EventRef { id: Some(&id), ..EventRef::default() };
        if event.to_bytes().is_ok() && !id.is_empty() {
            prop_assert_eq!(tidings_sse::Reconnection::last_event_id_field(&id), Some(&*id));
        }
    }

    #[test]
    fn a_comment_comes_back_and_disturbs_no_block(comment in text(), cutting in cutting()) {
        let mut wire = BytesMut::from(&b"data: a\n\n"[..]);
        let written = encode_comment(&comment, &mut wire);
        prop_assert_eq!(written.is_ok(), !comment.contains(['\r', '\n']));
        wire.extend_from_slice(b"data: b\n\n");
        let mut config = Config::default();
        config.comments = true;
        let (said, _) = read(&config, &chunks(&wire, &cutting));
        let comments: Vec<_> = said.iter().filter_map(|item| match item {
            Ok(Item::Comment(text)) => Some(text.as_str()),
            _ => None,
        }).collect();
        let want: &[&str] = if written.is_ok() { &[&comment] } else { &[] };
        prop_assert_eq!(comments, want);
        prop_assert_eq!(said.len(), 2 + want.len());
    }
}

#[test]
fn endless_streams_are_held_in_bounded_memory() {
    let rows: [(&str, &[u8], &[u8], usize); 8] = [
        // name, beginning, what comes for ever, most octets held
        ("a comment", b":", b"xxxxxxx", 0),
        ("an unknown field", b"field:", b"xxxxxxx", 0),
        ("a name without an end", b"dataset", b"xxxxxxx", 0),
        ("a line of data", b"data:", b"xxxxxxx", 100),
        ("an id", b"id:", b"xxxxxxx", 100),
        ("lines of data", b"", b"data:xxxxxxx\n", 400),
        (
            "types and ids",
            b"",
            b"event:xxxxxxx\nid:yyyyyyy\nretry:1\n",
            300,
        ),
        ("nothing but CR", b"", b"\r", 0),
    ];
    for (name, beginning, endless, most) in rows {
        for oversize in [Oversize::SkipEvent, Oversize::Truncate, Oversize::Error] {
            let mut config = Config::default();
            config.max_line_len = 100;
            config.max_event_len = 300;
            config.oversize = oversize;
            let mut decoder = Decoder::with_config(config);
            let mut held = 0;
            let endless = endless.repeat(50);
            for chunk in core::iter::once(beginning).chain(core::iter::repeat_n(&endless[..], 200))
            {
                let mut input = Bytes::copy_from_slice(chunk);
                loop {
                    match decoder.next_event(&mut input) {
                        Ok(Some(_)) => {}
                        Ok(None) => break,
                        Err(_) => decoder.skip_event(),
                    }
                    held = held.max(decoder.buffered_len());
                }
                held = held.max(decoder.buffered_len());
            }
            assert!(
                held <= most,
                "{name}, {oversize:?}: {held} octets are held, not {most}"
            );
        }
    }
}
