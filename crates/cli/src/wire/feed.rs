//! What a page is told of a trace: each exchange whole at first, then what came to it.

use core::fmt::Write as _;
use core::hash::BuildHasher;
use std::collections::{HashMap, HashSet};
use std::hash::RandomState;

use serde_json::{Value, json};

use super::store::{Exchange, Lane, MAX_OCTETS, Watcher};
use super::tell::{Told, tell};

/// What a page knows.
#[derive(Debug, Default)]
pub(super) struct Feed {
    known: HashMap<u64, Known>,
    missed: Option<u64>,
    hasher: RandomState,
}

/// A part of what is new.
#[derive(Debug)]
pub(super) struct News {
    pub(super) exchanges: Vec<Value>,
    /// Requests that were not kept.
    pub(super) missed: u64,
    /// There is more at once.
    pub(super) more: bool,
}

impl News {
    /// The same as JSON.
    pub(super) fn told(self) -> Value {
        let mut told = json!({ "exchanges": self.exchanges, "missed": self.missed });
        if let (true, Some(members)) = (self.more, told.as_object_mut()) {
            members.insert("more".to_owned(), true.into());
        }
        told
    }
}

#[derive(Debug, Default)]
struct Known {
    revision: u64,
    pieces: usize,
    client: KnownSide,
    server: KnownSide,
}

#[derive(Debug, Default)]
struct KnownSide {
    octets: usize,
    hidden: usize,
    /// Told apart by their hashes: a span is some hundred times as large as what it tells of.
    spans: Vec<u64>,
}

impl Feed {
    /// What is new in a trace, of some 64 KiB at a time: `None` where it was forgotten, `Some(None)` where nothing is.
    pub(super) fn news(&mut self, watcher: &Watcher) -> Option<Option<News>> {
        let mut kept = HashSet::new();
        let seen = watcher.read(MAX_OCTETS, |number, revision| {
            kept.insert(number);
            let known = self.known.get(&number);
            known.is_none_or(|known| known.revision < revision)
        })?;
        self.known.retain(|number, _| kept.contains(number));
        if seen.exchanges.is_empty() && self.missed == Some(seen.missed) {
            return Some(None);
        }
        self.missed = Some(seen.missed);
        let exchanges = seen.exchanges.iter();
        let exchanges = exchanges.map(|exchange| self.exchange(exchange)).collect();
        Some(Some(News {
            exchanges,
            missed: seen.missed,
            more: seen.more,
        }))
    }

    fn exchange(&mut self, exchange: &Exchange) -> Value {
        let known = self.known.entry(exchange.number).or_default();
        let first = known.pieces;
        let (client, server, pieces) = tell(exchange, first);
        known.revision = exchange.revision;
        known.pieces = exchange.pieces.len();
        json!({
            "exchange": exchange.number,
            "connection": exchange.connection,
            "peer": exchange.peer.to_string(),
            "kind": exchange.kind,
            "closed": exchange.closed,
            "dropped": exchange.dropped,
            "pieces_from": first,
            "pieces": pieces,
            "client": known.client.news(&exchange.client, client, &self.hasher),
            "server": known.server.news(&exchange.server, server, &self.hasher),
        })
    }
}

impl KnownSide {
    /// Octets and hidden places are only added; of the spans the last may be told otherwise once more is there.
    fn news(&mut self, lane: &Lane, told: Told, hasher: &RandomState) -> Value {
        let octets = lane.octets.get(self.octets..).unwrap_or_default();
        let mut hex = String::with_capacity(2 * octets.len());
        for octet in octets {
            let _ = write!(hex, "{octet:02x}");
        }
        let hidden = lane.hidden.get(self.hidden..).unwrap_or_default();
        let hidden: Vec<Value> = hidden
            .iter()
            .map(|place| json!([place.start, place.end]))
            .collect();
        let spans: Vec<u64> = told
            .spans
            .iter()
            .map(|span| hasher.hash_one(span))
            .collect();
        let same = self
            .spans
            .iter()
            .zip(&spans)
            .take_while(|(known, told)| known == told);
        let same = same.count();
        let news = json!({
            "hex_from": self.octets,
            "hex": hex,
            "hidden": hidden,
            "spans_from": same,
            "spans": told.spans.get(same..).unwrap_or_default(),
            "fault": told.fault,
            "awaits": told.awaits,
        });
        self.octets = lane.octets.len();
        self.hidden = lane.hidden.len();
        self.spans = spans;
        news
    }
}
