//! Every case of the corpora, under every cutting: as given, joined, octet by octet, and in two at
//! each place.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the helpers of tests fail by panicking"
)]

use bytes::Bytes;
use serde::Deserialize;
use tidings_sse::{Decoder, Item};

#[derive(Deserialize)]
struct Case {
    id: String,
    chunks: Option<Vec<String>>,
    chunks_hex: Option<Vec<String>>,
    events: Vec<Dispatched>,
    /// A number, or a decimal string where it is over 2^53.
    retry: serde_json::Value,
    last_event_id: String,
}

#[derive(Debug, Deserialize, Eq, PartialEq)]
struct Dispatched {
    event: String,
    data: String,
    id: String,
}

impl Case {
    fn chunks(&self) -> Vec<Vec<u8>> {
        match (&self.chunks, &self.chunks_hex) {
            (Some(chunks), _) => chunks.iter().map(|c| c.clone().into_bytes()).collect(),
            (None, Some(chunks)) => chunks.iter().map(|c| unhex(c)).collect(),
            (None, None) => panic!("{}: no chunks", self.id),
        }
    }

    fn retry(&self) -> Option<u128> {
        match &self.retry {
            serde_json::Value::Null => None,
            serde_json::Value::String(text) => Some(text.parse().unwrap()),
            number => Some(number.as_u64().unwrap().into()),
        }
    }

    fn holds(&self, how: &str, chunks: &[&[u8]]) {
        let mut decoder = Decoder::new();
        let mut events = Vec::new();
        for chunk in chunks {
            let mut input = Bytes::copy_from_slice(chunk);
            while let Some(item) = decoder.next_event(&mut input).unwrap() {
                if let Item::Event(event) = item {
                    events.push(Dispatched {
                        event: event.event_type().into(),
                        data: event.data.as_str().into(),
                        id: event.id.as_str().into(),
                    });
                }
            }
            assert!(input.is_empty(), "{}, {how}: octets are left", self.id);
        }
        assert_eq!(events, self.events, "{}, {how}", self.id);
        let retry = decoder.reconnection_time().map(|time| time.as_millis());
        assert_eq!(retry, self.retry(), "{}, {how}", self.id);
        assert_eq!(
            decoder.last_event_id(),
            self.last_event_id,
            "{}, {how}",
            self.id
        );
    }
}

fn unhex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks(2);
    digits
        .map(|d| u8::from_str_radix(core::str::from_utf8(d).unwrap(), 16).unwrap())
        .collect()
}

/// Reads each case of a file under every cutting, and gives how many there are.
fn hold(corpus: &str) -> usize {
    let mut count = 0;
    for line in corpus.lines() {
        let case: Case = serde_json::from_str(line).unwrap();
        let chunks = case.chunks();
        let given: Vec<&[u8]> = chunks.iter().map(Vec::as_slice).collect();
        let joined = given.concat();
        case.holds("as given", &given);
        case.holds("joined", &[&joined]);
        case.holds("octet by octet", &joined.chunks(1).collect::<Vec<_>>());
        // The inside of a long case is one line, of which some cuts stand for all.
        let step = 1 + joined.len() / 4096 * 16;
        let near = |at: &usize| *at < 100 || *at + 100 > joined.len() || at.is_multiple_of(step);
        for at in (0..=joined.len()).filter(near) {
            let (first, second) = joined.split_at(at);
            case.holds(&format!("cut at {at}"), &[first, second]);
        }
        count += 1;
    }
    count
}

#[test]
fn every_case_holds_under_every_cutting() {
    assert_eq!(hold(include_str!("corpus/sse.jsonl")), 101);
}

#[test]
fn each_clause_of_html_9_2_6_holds_under_every_cutting() {
    assert_eq!(hold(include_str!("corpus/html.jsonl")), 74);
}

#[test]
fn streams_of_models_hold_under_every_cutting() {
    assert_eq!(hold(include_str!("corpus/models.jsonl")), 12);
}
