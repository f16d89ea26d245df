#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use core::net::Ipv4Addr;

use super::super::feed::Feed;
use super::*;

const PEER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 1);

/// A store with so many connections of the trace of all.
fn store(connections: u64) -> Arc<Store> {
    let store = Store::new(true);
    for number in 0..connections {
        store.lock().connections.push_back(Connection {
            trace: Trace::All,
            server_number: number,
            number,
            exchanges: VecDeque::new(),
            kept_len: 0,
            live: true,
        });
    }
    store
}

#[test]
fn a_connection_is_counted_with_what_is_noted_of_its_exchanges_and_credentials() {
    let store = store(1);
    for number in 0..5_000 {
        store.lock().connections[0].begin(number, PEER, "other");
        let hidden = vec![0..1; usize::try_from(number % 7).unwrap()];
        store.keep(number, Side::Client, b"GET / HTTP/1.1\r\n\r\n", hidden);
    }
    let inner = store.lock();
    let connection = &inner.connections[0];
    let sum: usize = connection.exchanges.iter().map(Exchange::kept_len).sum();
    assert_eq!(connection.kept_len, sum);
    assert!(sum <= MAX_OCTETS && connection.exchanges.len() > 100);
    assert!(connection.exchanges.len() * EXCHANGE_LEN < MAX_OCTETS);
    assert_eq!(connection.exchanges.back().unwrap().number, 4_999);
    // A list of credentials that costs more than there is room is not kept, but counted.
    drop(inner);
    store.keep(4_999, Side::Server, b"a", vec![0..1; 10_000]);
    assert_eq!(store.lock().connections[0].exchanges[0].dropped, 1);
}

#[test]
fn a_page_is_told_a_part_at_a_time_and_all_in_the_end() {
    let store = store(20);
    for number in 0..20_u64 {
        let at = usize::try_from(number).unwrap();
        store.lock().connections[at].begin(number, PEER, "other");
        store.keep(number, Side::Client, &[b'x'; 30_000], Vec::new());
    }
    let watcher = store.watch(Trace::All).unwrap();
    let mut feed = Feed::default();
    let mut told = Vec::new();
    while let Some(news) = feed.news(&watcher).unwrap() {
        assert!((1..=3).contains(&news.exchanges.len()));
        told.extend(
            news.exchanges
                .iter()
                .map(|one| one["exchange"].as_u64().unwrap()),
        );
        assert_eq!(news.more, told.len() < 20);
    }
    assert_eq!(told, (0..20).collect::<Vec<u64>>());
}

#[test]
fn only_so_many_look_at_a_time() {
    let store = store(0);
    let watchers: Vec<Watcher> = (0..MAX_WATCHERS)
        .map(|_| store.watch(Trace::All).unwrap())
        .collect();
    assert_eq!(store.watch(Trace::All).unwrap_err(), Unwatched::TooMany);
    assert_eq!(store.watch(Trace::Own(1)).unwrap_err(), Unwatched::Unknown);
    drop(watchers);
    assert!(store.watch(Trace::All).is_ok());
}
