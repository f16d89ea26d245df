//! Event streams: the decoder beside the standard's algorithm, and the way there and back.

mod standard;

use core::time::Duration;

use bytes::{Bytes, BytesMut};
use tidings_sse::{
    Config, Decoder, EventRef, IdPolicy, Item, Oversize, ReceiveError, Reconnection, SendError,
    encode_comment, encode_padding, is_event_stream,
};

use crate::choices::Choices;
use crate::cut::{Dice, beginning, cuttings};
use standard::{Said, interpret};

type Told = Vec<Result<Item, ReceiveError>>;

/// All that the decoder says. After an error it is told to skip the event.
fn read(config: &Config, pieces: &[&[u8]]) -> (Told, Decoder) {
    let mut decoder = Decoder::with_config(config.clone());
    let mut told = Vec::new();
    for piece in pieces {
        let mut input = Bytes::copy_from_slice(piece);
        loop {
            match decoder.next_event(&mut input) {
                Ok(Some(item)) => told.push(Ok(item)),
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(decoder.next_event(&mut input), Err(error), "it stays");
                    told.push(Err(error));
                    decoder.skip_event();
                }
            }
            assert_bounded(config, &decoder);
        }
        assert!(input.is_empty(), "octets are left");
        assert_bounded(config, &decoder);
    }
    (told, decoder)
}

fn assert_bounded(config: &Config, decoder: &Decoder) {
    // The shortest line limit that is applied is 6.
    let most = config.max_event_len + 3 * config.max_line_len.max(6);
    let held = decoder.buffered_len();
    assert!(held <= most, "{held} octets are held of at most {most}");
}

/// What the standard would say of an item, under a configuration that asks for nothing more.
fn judged(item: Result<Item, ReceiveError>) -> Said {
    match item {
        Ok(Item::Event(event)) => {
            assert!(!event.truncated);
            Said::Event {
                kind: event.event_type().to_owned(),
                data: event.data.as_str().to_owned(),
                id: event.id.as_str().to_owned(),
            }
        }
        Ok(Item::Retry(time)) => Said::Retry(u64::try_from(time.as_millis()).expect("64 bits")),
        Ok(Item::Id) => Said::Id,
        Ok(Item::Comment(_) | Item::Skipped(_)) | Err(_) => panic!("not asked for: {item:?}"),
    }
}

/// A stream beside the standard's algorithm; then cut, begun and bounded under every policy of limits.
pub fn sse_decode(data: &[u8]) {
    let mut dice = Dice::of(data);
    let (want, last_event_id) = interpret(data);
    let (told, mut decoder) = read(&Config::default(), &[data]);
    assert_eq!(told.into_iter().map(judged).collect::<Vec<_>>(), want);
    assert_eq!(decoder.last_event_id(), last_event_id);
    let retry = want.iter().rev().find_map(|said| match said {
        Said::Retry(millis) => Some(Duration::from_millis(*millis)),
        Said::Event { .. } | Said::Id => None,
    });
    assert_eq!(decoder.reconnection_time(), retry);
    decoder.finish();
    assert_eq!(
        (decoder.last_event_id(), decoder.buffered_len()),
        (&last_event_id[..], 0)
    );

    for oversize in [Oversize::Error, Oversize::SkipEvent, Oversize::Truncate] {
        let mut config = Config::default();
        config.oversize = oversize;
        config.comments = true;
        if dice.below(3) > 0 {
            config.max_line_len = dice.below(24);
            config.max_event_len = dice.below(40);
        }
        let (whole, one) = read(&config, &[data]);
        for pieces in cuttings(data, &mut dice) {
            let (cut, other) = read(&config, &pieces);
            assert_eq!(cut, whole, "{config:?}");
            assert_eq!(other.last_event_id(), one.last_event_id());
            assert_eq!(other.reconnection_time(), one.reconnection_time());
        }
        let (begun, _) = read(&config, &[beginning(data, &mut dice)]);
        assert!(
            whole.starts_with(&begun),
            "{begun:?} begins {whole:?}, {config:?}"
        );
        for item in &whole {
            match item {
                Ok(Item::Event(event)) => {
                    assert!(event.data.len() <= config.max_event_len);
                    assert!(oversize == Oversize::Truncate || !event.truncated);
                }
                Ok(Item::Skipped(_)) => assert_ne!(oversize, Oversize::Error),
                Ok(Item::Comment(_) | Item::Retry(_) | Item::Id) => {}
                Err(_) => assert_eq!(oversize, Oversize::Error),
            }
        }
    }
    let _ = is_event_stream(data);
}

/// One block of a stream, as it is sent.
#[derive(Debug)]
enum Block {
    Event {
        event: Option<String>,
        id: Option<String>,
        retry: Option<u64>,
        data: Option<String>,
    },
    Comment(String),
    Padding(usize),
}

fn block(choices: &mut Choices<'_>) -> Block {
    match choices.below(8) {
        0 => Block::Comment(text(choices)),
        1 => Block::Padding(choices.below(20)),
        _ => {
            let parts = choices.octet();
            let part =
                |bit: u8, choices: &mut Choices<'_>| (parts >> bit & 1 == 1).then(|| text(choices));
            Block::Event {
                event: part(0, choices),
                id: part(1, choices),
                retry: (parts & 4 == 4).then(|| choices.number()),
                data: part(3, choices),
            }
        }
    }
}

/// Text of the pieces that matter, or any.
fn text(choices: &mut Choices<'_>) -> String {
    const PIECES: [&str; 12] = [
        "\n", "\r", "\r\n", "a", " ", ":", "data: x", "\0", "é", "\u{FEFF}", "42", "",
    ];
    match choices.below(3) {
        0 => choices.text(60),
        _ => (0..choices.below(6))
            .map(|_| choices.pick(&PIECES))
            .collect(),
    }
}

/// Blocks are encoded one after the other, each wholly or not at all, and come back as they were.
pub fn sse_round_trip(data: &[u8]) {
    let mut choices = Choices::new(data);
    let (mut wire, mut want, mut last_id) = (BytesMut::new(), Vec::new(), String::new());
    let mut first = true;
    while !choices.are_over() && want.len() < 50 {
        let block = block(&mut choices);
        let before = wire.len();
        let written = match &block {
            Block::Comment(comment) => {
                let written = encode_comment(comment, &mut wire);
                assert_eq!(written.is_ok(), one_line(comment));
                if written.is_ok() {
                    want.push(Spoken::Comment(comment.clone()));
                }
                written
            }
            Block::Padding(len) => {
                encode_padding(*len, &mut wire).expect("it grows");
                assert_eq!(wire.len() - before, (*len).max(3));
                // One blank behind the colon is no part of a comment.
                want.push(Spoken::Comment(" ".repeat(len.saturating_sub(4))));
                Ok(())
            }
            Block::Event {
                event,
                id,
                retry,
                data,
            } => {
                let sent = EventRef {
                    event: event.as_deref(),
                    id: id.as_deref(),
                    retry: retry.map(Duration::from_millis),
                    data: data.as_deref(),
                };
                let written = send(&sent, &mut wire);
                if written.is_ok() {
                    want.extend(retry.map(|millis| Spoken::Said(Said::Retry(millis))));
                    want.extend(event_said(event, id, data, &mut last_id));
                }
                written
            }
        };
        assert!(
            written.is_ok() || wire.len() == before,
            "all or nothing: {block:?}"
        );
        first &= wire.is_empty();
    }
    assert!(first == wire.is_empty());
    let mut config = Config::default();
    config.comments = true;
    for pieces in cuttings(&wire, &mut Dice::of(data)) {
        let (told, decoder) = read(&config, &pieces);
        let told: Vec<_> = told.into_iter().map(spoken).collect();
        assert_eq!(told, want);
        assert_eq!(
            (decoder.last_event_id(), decoder.buffered_len()),
            (&last_id[..], 0)
        );
    }
}

#[derive(Debug, PartialEq)]
enum Spoken {
    Said(Said),
    Comment(String),
}

fn spoken(item: Result<Item, ReceiveError>) -> Spoken {
    match item {
        Ok(Item::Comment(text)) => Spoken::Comment(text.as_str().to_owned()),
        item => Spoken::Said(judged(item)),
    }
}

fn one_line(text: &str) -> bool {
    !text.contains(['\r', '\n'])
}

/// Sends under the wide policy, and holds the strict one to be the same or nothing.
fn send(event: &EventRef<'_>, wire: &mut BytesMut) -> Result<(), SendError> {
    let before = wire.len();
    let legal = event.event.is_none_or(one_line)
        && event.id.is_none_or(|id| one_line(id) && !id.contains('\0'));
    let written = event.encode_with(IdPolicy::Standard, wire);
    assert_eq!(written.is_ok(), legal, "{event:?}");
    if let Ok(safe) = event.to_bytes() {
        assert_eq!(safe, wire[before..]);
        assert_eq!(event.encoded_len(), Ok(safe.len()));
        if let Some(id) = event.id.filter(|id| !id.is_empty()) {
            assert_eq!(
                Reconnection::last_event_id_field(id),
                Some(id),
                "it may come back"
            );
        }
    }
    written
}

fn event_said(
    event: &Option<String>,
    id: &Option<String>,
    data: &Option<String>,
    last_id: &mut String,
) -> Option<Spoken> {
    if let Some(id) = id {
        last_id.clone_from(id);
    }
    let said = match data {
        Some(data) => Said::Event {
            kind: event
                .clone()
                .filter(|event| !event.is_empty())
                .unwrap_or("message".to_owned()),
            data: data.replace("\r\n", "\n").replace('\r', "\n"),
            id: last_id.clone(),
        },
        None if id.is_some() => Said::Id,
        None => return None,
    };
    Some(Spoken::Said(said))
}
