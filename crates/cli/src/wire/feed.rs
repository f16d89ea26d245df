//! What a page is told of a trace: each exchange whole at first, then what came to it.

use core::fmt::Write as _;
use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};

use super::store::{Exchange, Lane, Watcher};
use super::tell::{Told, tell};

/// What a page knows.
#[derive(Debug, Default)]
pub(super) struct Feed {
    known: HashMap<u64, Known>,
    missed: Option<u64>,
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
    spans: Vec<Value>,
}

impl Feed {
    /// What is new in a trace: `None` where it was forgotten, `Some(None)` where nothing is.
    pub(super) fn news(&mut self, watcher: &Watcher) -> Option<Option<Value>> {
        let mut kept = HashSet::new();
        let (exchanges, missed) = watcher.read(|number, revision| {
            kept.insert(number);
            let known = self.known.get(&number);
            known.is_none_or(|known| known.revision < revision)
        })?;
        self.known.retain(|number, _| kept.contains(number));
        if exchanges.is_empty() && self.missed == Some(missed) {
            return Some(None);
        }
        self.missed = Some(missed);
        let exchanges: Vec<Value> = exchanges
            .iter()
            .map(|exchange| self.exchange(exchange))
            .collect();
        Some(Some(json!({ "exchanges": exchanges, "missed": missed })))
    }

    fn exchange(&mut self, exchange: &Exchange) -> Value {
        let known = self.known.entry(exchange.number).or_default();
        let (client, server, mut pieces) = tell(exchange);
        let first = known.pieces.min(pieces.len());
        known.revision = exchange.revision;
        known.pieces = pieces.len();
        json!({
            "exchange": exchange.number,
            "connection": exchange.connection,
            "peer": exchange.peer.to_string(),
            "kind": exchange.kind,
            "closed": exchange.closed,
            "dropped": exchange.dropped,
            "pieces_from": first,
            "pieces": pieces.split_off(first),
            "client": known.client.news(&exchange.client, client),
            "server": known.server.news(&exchange.server, server),
        })
    }
}

impl KnownSide {
    /// Octets and hidden places are only added; of the spans the last may be told otherwise once more is there.
    fn news(&mut self, lane: &Lane, told: Told) -> Value {
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
        let same = self
            .spans
            .iter()
            .zip(&told.spans)
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
        self.spans = told.spans;
        news
    }
}
