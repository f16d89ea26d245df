//! What passed over the connections that are seen, bounded: 64 KiB a connection, 100 connections, 100 traces.
//!
//! A trace is what one page has asked to see. A connection that serves two traces in turn, as a browser's may, is kept once
//! for each. An exchange is a request and all that belongs to it: its answer, or a stream, or frames both ways.

use core::net::{IpAddr, SocketAddr};
use core::ops::Range;
use core::time::Duration;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tidings_explain::Side;
use tidings_server::serve::{Probe, Tapped};
use tokio::sync::watch;

use super::ear::Ear;

/// Most octets that are kept of a connection, what is noted of each exchange and piece included.
pub(super) const MAX_OCTETS: usize = 64 << 10;
/// Most connections that are kept, over all traces.
pub(super) const MAX_CONNECTIONS: usize = 100;
/// Most traces.
const MAX_TRACES: usize = 100;
/// Most who look at a time, over all traces: each costs what it is told.
const MAX_WATCHERS: usize = 64;
/// What a piece costs beside its octets.
const PIECE_LEN: usize = size_of::<Piece>();
/// What an exchange costs beside what passes in it.
const EXCHANGE_LEN: usize = size_of::<Exchange>();
/// What the place of a credential costs.
const PLACE_LEN: usize = size_of::<Range<usize>>();

/// A trace's name: 128 random bits, which whoever knows them may read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Trace {
    /// What a page sends with this in the query.
    Own(u128),
    /// All other connections of the server.
    All,
}

/// Octets that passed at one time.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    /// Since the trace began.
    pub(super) at: Duration,
    pub(super) from: Side,
    /// Their place among the octets of that side.
    pub(super) octets: Range<usize>,
}

/// One direction of an exchange.
#[derive(Debug, Clone, Default)]
pub(super) struct Lane {
    pub(super) octets: Vec<u8>,
    /// Places of credentials, which are overwritten.
    pub(super) hidden: Vec<Range<usize>>,
}

/// A request and all that belongs to it.
#[derive(Debug, Clone)]
pub(super) struct Exchange {
    pub(super) number: u64,
    /// The number of its connection in the trace.
    pub(super) connection: u64,
    pub(super) peer: SocketAddr,
    /// How the request asks: `sse`, `publish`, …
    pub(super) kind: &'static str,
    pub(super) client: Lane,
    pub(super) server: Lane,
    pub(super) pieces: Vec<Piece>,
    /// Octets that passed and are not kept.
    pub(super) dropped: u64,
    /// The connection ended in this exchange, or behind it.
    pub(super) closed: bool,
    /// Counts the changes.
    pub(super) revision: u64,
}

impl Exchange {
    fn lane(&mut self, from: Side) -> &mut Lane {
        match from {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        }
    }

    fn kept_len(&self) -> usize {
        let lanes = [&self.client, &self.server];
        let lens = lanes.map(|lane| lane.octets.len() + lane.hidden.len() * PLACE_LEN);
        EXCHANGE_LEN + lens.iter().sum::<usize>() + self.pieces.len() * PIECE_LEN
    }
}

#[derive(Debug)]
struct Connection {
    trace: Trace,
    /// The server's number of it.
    server_number: u64,
    number: u64,
    exchanges: VecDeque<Exchange>,
    /// What is kept of all exchanges.
    kept_len: usize,
    /// Whether octets may still be heard.
    live: bool,
}

impl Connection {
    /// Forgets exchanges, the oldest first, until there is room behind the last `kept` of them, or no more to forget.
    fn make_room(&mut self, len: usize, kept: usize) {
        while self.kept_len.saturating_add(len) > MAX_OCTETS && self.exchanges.len() > kept {
            let forgotten = self.exchanges.pop_front();
            self.kept_len -= forgotten.map_or(0, |exchange| exchange.kept_len());
        }
    }

    fn begin(&mut self, number: u64, peer: SocketAddr, kind: &'static str) {
        self.make_room(EXCHANGE_LEN, 0);
        self.kept_len += EXCHANGE_LEN;
        self.exchanges.push_back(Exchange {
            number,
            connection: self.number,
            peer,
            kind,
            client: Lane::default(),
            server: Lane::default(),
            pieces: Vec::new(),
            dropped: 0,
            closed: false,
            revision: 0,
        });
    }
}

#[derive(Debug)]
struct Book {
    began: Instant,
    /// Who asked for it; requests of others do not belong to it.
    address: Option<IpAddr>,
    watchers: usize,
    connections: u64,
    /// Requests that were not kept, since too many connections were.
    missed: u64,
}

#[derive(Debug, Default)]
struct Inner {
    traces: HashMap<Trace, Book>,
    /// The oldest first.
    connections: VecDeque<Connection>,
    exchanges: u64,
}

/// All traces.
#[derive(Debug)]
pub(super) struct Store {
    inner: Mutex<Inner>,
    changes: watch::Sender<()>,
}

/// Why nobody may look at a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unwatched {
    /// There is none of this name.
    Unknown,
    /// As many look as may.
    TooMany,
}

/// Somebody looks at a trace, which therefore stays.
#[derive(Debug)]
pub(super) struct Watcher {
    store: Arc<Store>,
    trace: Trace,
}

impl Store {
    /// Makes a store, which sees the connections of others too where `all`.
    pub(super) fn new(all: bool) -> Arc<Self> {
        let store = Self {
            inner: Mutex::default(),
            changes: watch::Sender::new(()),
        };
        if all {
            store.lock().traces.insert(Trace::All, Book::new(None));
        }
        Arc::new(store)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a trace. Where there are too many, the oldest that nobody looks at is forgotten; false where
    /// all are looked at.
    pub(super) fn open(&self, trace: Trace, address: IpAddr) -> bool {
        let mut inner = self.lock();
        if inner.traces.len() >= MAX_TRACES {
            let unwatched = inner
                .traces
                .iter()
                .filter(|(name, book)| book.watchers == 0 && **name != Trace::All);
            let Some(oldest) = unwatched
                .min_by_key(|(_, book)| book.began)
                .map(|(name, _)| *name)
            else {
                return false;
            };
            inner.traces.remove(&oldest);
            inner
                .connections
                .retain(|connection| connection.trace != oldest);
        }
        inner.traces.insert(trace, Book::new(Some(address)));
        true
    }

    /// Tells of changes, of any trace.
    pub(super) fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    /// Looks at a trace.
    pub(super) fn watch(self: &Arc<Self>, trace: Trace) -> Result<Watcher, Unwatched> {
        let mut inner = self.lock();
        let watchers: usize = inner.traces.values().map(|book| book.watchers).sum();
        let book = inner.traces.get_mut(&trace).ok_or(Unwatched::Unknown)?;
        if watchers >= MAX_WATCHERS {
            return Err(Unwatched::TooMany);
        }
        book.watchers += 1;
        Ok(Watcher {
            store: self.clone(),
            trace,
        })
    }

    /// Takes up a request, if it belongs to a trace: what passes from here on is kept by what this gives.
    pub(super) fn begin(
        self: &Arc<Self>,
        trace: Trace,
        request: &Tapped<'_>,
        kind: &'static str,
    ) -> Option<Probe> {
        let mut inner = self.lock();
        let Inner {
            traces,
            connections,
            exchanges,
        } = &mut *inner;
        let book = traces.get_mut(&trace)?;
        if book
            .address
            .is_some_and(|address| address != request.peer.ip())
        {
            return None;
        }
        let known = |connection: &Connection| {
            connection.server_number == request.connection && connection.trace == trace
        };
        let at = match connections.iter().position(known) {
            Some(at) => at,
            None => {
                if connections.len() >= MAX_CONNECTIONS {
                    let Some(oldest) = connections.iter().position(|connection| !connection.live)
                    else {
                        book.missed += 1;
                        self.changes.send_replace(());
                        return None;
                    };
                    connections.remove(oldest);
                }
                book.connections += 1;
                connections.push_back(Connection {
                    trace,
                    server_number: request.connection,
                    number: book.connections,
                    exchanges: VecDeque::new(),
                    kept_len: 0,
                    live: true,
                });
                connections.len() - 1
            }
        };
        let connection = connections.get_mut(at)?;
        connection.live = true;
        *exchanges += 1;
        connection.begin(*exchanges, request.peer, kind);
        let mut ear = Ear::new(self.clone(), *exchanges);
        Some(Box::new(move |passed| ear.hear(passed)))
    }

    /// Keeps octets of an exchange. Those that are older on the same connection make room, exchange by exchange.
    pub(super) fn keep(&self, exchange: u64, from: Side, octets: &[u8], hidden: Vec<Range<usize>>) {
        self.change(exchange, |began, connection| {
            let cost = PIECE_LEN + hidden.len() * PLACE_LEN;
            connection.make_room(cost + octets.len(), 1);
            let room = MAX_OCTETS.saturating_sub(connection.kept_len + cost);
            let Some(exchange) = connection.exchanges.back_mut() else {
                return;
            };
            // Nothing is kept behind what was dropped: the octets of a side have no hole.
            let room = if exchange.dropped > 0 { 0 } else { room };
            let (kept, dropped) = octets.split_at(room.min(octets.len()));
            exchange.dropped += dropped.len() as u64;
            if kept.is_empty() {
                return;
            }
            let before = exchange.kept_len();
            let lane = exchange.lane(from);
            let begin = lane.octets.len();
            lane.octets.extend_from_slice(kept);
            let hidden = hidden.into_iter().filter(|place| place.start < kept.len());
            lane.hidden
                .extend(hidden.map(|place| begin + place.start..begin + place.end.min(kept.len())));
            let end = lane.octets.len();
            exchange.pieces.push(Piece {
                at: began.elapsed(),
                from,
                octets: begin..end,
            });
            connection.kept_len += exchange.kept_len() - before;
        });
    }

    /// The connection ended.
    pub(super) fn close(&self, exchange: u64) {
        self.change(exchange, |_, connection| {
            if let Some(last) = connection.exchanges.back_mut() {
                last.closed = true;
            }
        });
    }

    /// Nothing more is heard of an exchange.
    pub(super) fn leave(&self, exchange: u64) {
        self.change(exchange, |_, connection| connection.live = false);
    }

    /// Changes the connection whose last exchange this is.
    fn change(&self, exchange: u64, change: impl FnOnce(Instant, &mut Connection)) {
        let mut inner = self.lock();
        let Inner {
            traces,
            connections,
            ..
        } = &mut *inner;
        let is_last = |connection: &&mut Connection| {
            connection
                .exchanges
                .back()
                .is_some_and(|last| last.number == exchange)
        };
        // The newest are asked first: it is mostly theirs.
        let Some(connection) = connections.iter_mut().rev().find(is_last) else {
            return;
        };
        let Some(book) = traces.get(&connection.trace) else {
            return;
        };
        change(book.began, connection);
        if let Some(last) = connection.exchanges.back_mut() {
            last.revision += 1;
        }
        self.changes.send_replace(());
    }
}

impl Book {
    fn new(address: Option<IpAddr>) -> Self {
        Self {
            began: Instant::now(),
            address,
            watchers: 0,
            connections: 0,
            missed: 0,
        }
    }
}

impl Watcher {
    /// The exchanges that `wanted` says yes to, by number and revision, in order, as many as have `max` octets, or one. It
    /// is asked about all that are kept. `None` where the trace was forgotten.
    pub(super) fn read(
        &self,
        max: usize,
        mut wanted: impl FnMut(u64, u64) -> bool,
    ) -> Option<Seen> {
        let inner = self.store.lock();
        let missed = inner.traces.get(&self.trace)?.missed;
        let own = inner
            .connections
            .iter()
            .filter(|connection| connection.trace == self.trace);
        let mut all: Vec<&Exchange> = own
            .flat_map(|connection| &connection.exchanges)
            .filter(|exchange| wanted(exchange.number, exchange.revision))
            .collect();
        all.sort_by_key(|exchange| exchange.number);
        let mut len = 0;
        let fit = all.iter().take_while(|exchange| {
            let fits = len < max;
            len += exchange.kept_len();
            fits
        });
        let exchanges: Vec<Exchange> = fit.map(|exchange| (*exchange).clone()).collect();
        Some(Seen {
            more: exchanges.len() < all.len(),
            exchanges,
            missed,
        })
    }
}

/// What a watcher read.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) exchanges: Vec<Exchange>,
    /// Requests that were not kept.
    pub(super) missed: u64,
    /// There are exchanges beyond these.
    pub(super) more: bool,
}

impl Drop for Watcher {
    fn drop(&mut self) {
        if let Some(book) = self.store.lock().traces.get_mut(&self.trace) {
            book.watchers -= 1;
        }
    }
}

#[cfg(test)]
mod tests;
