//! Which transport is chosen, over peers that let one through and not the other.

use std::sync::{Arc, Mutex};

use tokio::time::Instant;

use super::*;
use crate::{Chosen, Limits, Start, Why};

/// What a network does to requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Path {
    Open,
    /// A proxy that takes the Upgrade off: the server sees a short poll.
    StripsUpgrade,
    /// A proxy that answers upgrades with this status.
    Refuses(u16),
    /// Upgrades are cut.
    CutsUpgrades,
    /// Upgrades are never answered.
    SwallowsUpgrades,
    /// The upgrade passes, its frames do not; nor does an event stream.
    Holds,
    /// A stream is held until it ends.
    BuffersStreams,
    /// A stream is held until 4 KiB are full, and no upgrade passes.
    FillsBuffers,
    /// Whatever is idle for 5 s is cut.
    CutsIdle,
}

/// A Tidings server behind a path that may change: it keeps a log, and publishes by `push`.
#[derive(Clone)]
pub(super) struct World {
    path: Arc<Mutex<Path>>,
    log: Arc<Mutex<Vec<String>>>,
    published: tokio::sync::watch::Sender<usize>,
    cuts: tokio::sync::watch::Sender<()>,
    /// The transport of every request, with its time.
    asked: Arc<Mutex<Vec<(Transport, Instant)>>>,
}

impl World {
    pub(super) fn new(path: Path) -> (Self, Dialer) {
        let (dialer, mut server) = network();
        let world = Self {
            path: Arc::new(Mutex::new(path)),
            log: Arc::default(),
            published: tokio::sync::watch::Sender::new(0),
            cuts: tokio::sync::watch::Sender::new(()),
            asked: Arc::default(),
        };
        let at = world.clone();
        tokio::spawn(async move {
            while let Some(stream) = server.incoming.recv().await {
                let world = at.clone();
                let mut cuts = world.cuts.subscribe();
                tokio::spawn(async move {
                    tokio::select! {
                        () = world.serve(Conn::new(stream)) => {}
                        _ = cuts.changed() => {}
                    }
                });
            }
        });
        (world, dialer)
    }

    fn becomes(&self, path: Path) {
        *self.path.lock().unwrap() = path;
    }

    /// Goes another way: what is open is cut.
    pub(super) fn roams(&self, path: Path) {
        self.becomes(path);
        self.cuts.send_replace(());
    }

    pub(super) fn push(&self, text: &str) {
        let mut log = self.log.lock().unwrap();
        log.push(text.to_owned());
        self.published.send_replace(log.len());
    }

    pub(super) fn len(&self) -> usize {
        self.log.lock().unwrap().len()
    }

    pub(super) fn asked(&self) -> Vec<Transport> {
        let asked = self.asked.lock().unwrap();
        asked.iter().map(|(transport, _)| *transport).collect()
    }

    /// Waits until there is more than `seen`; false where the path cuts before that.
    async fn more_than(&self, seen: usize, path: Path) -> bool {
        let mut published = self.published.subscribe();
        let more = published.wait_for(|len| *len > seen);
        if path == Path::CutsIdle {
            tokio::time::timeout(Duration::from_secs(5), more)
                .await
                .is_ok()
        } else {
            more.await.is_ok()
        }
    }

    async fn serve(&self, mut conn: Conn) {
        while let Some(request) = conn.next_request().await {
            let path = *self.path.lock().unwrap();
            let accept = field(&request, "Accept");
            let transport = if field(&request, "Upgrade").is_some() {
                Transport::WebSocket
            } else if accept == Some("text/event-stream") {
                Transport::Sse
            } else if field(&request, "Prefer").is_some() {
                Transport::LongPoll
            } else {
                Transport::ShortPoll
            };
            self.asked.lock().unwrap().push((transport, Instant::now()));
            let seen = self.start(&request);
            match transport {
                Transport::WebSocket => return self.websocket(conn, &request, seen, path).await,
                Transport::Sse => return self.events(conn, seen, path).await,
                Transport::LongPoll | Transport::ShortPoll => {
                    if transport == Transport::LongPoll {
                        let held = self.more_than(seen, path);
                        let wait = field(&request, "Prefer").and_then(|prefer| {
                            let seconds = prefer.strip_prefix("wait=")?;
                            Some(Duration::from_secs(seconds.parse().ok()?))
                        });
                        if let Ok(false) = tokio::time::timeout(wait.unwrap(), held).await {
                            return;
                        }
                    }
                    conn.send(answer(200, "", &self.page(seen))).await;
                }
            }
        }
    }

    async fn websocket(&self, mut conn: Conn, request: &str, seen: usize, path: Path) {
        match path {
            Path::Open | Path::CutsIdle | Path::Holds | Path::BuffersStreams => {}
            Path::StripsUpgrade | Path::FillsBuffers => {
                return conn.send(answer(200, "", &self.page(seen))).await;
            }
            Path::Refuses(status) => return conn.send(answer(status, "", "no")).await,
            Path::CutsUpgrades => return,
            Path::SwallowsUpgrades => {
                conn.drain().await;
                return;
            }
        }
        conn.send(upgrade(request, Some("tidings.v1"))).await;
        if path == Path::Holds {
            conn.drain().await;
            return;
        }
        let position = format!(r#"{{"position":"e.{seen}"}}"#);
        conn.send(text_frame(&position)).await;
        self.stream(conn, seen, path, |n, data| {
            text_frame(&format!(r#"{{"id":"e.{n}","data":"{data}"}}"#))
        })
        .await;
    }

    async fn events(&self, mut conn: Conn, seen: usize, path: Path) {
        conn.send(SSE_HEAD).await;
        if matches!(path, Path::Holds | Path::BuffersStreams) {
            conn.drain().await;
            return;
        }
        conn.full = (path == Path::FillsBuffers).then_some(4096);
        conn.send(chunk(&format!("retry: 100\nid: e.{seen}\n\n")))
            .await;
        self.stream(conn, seen, path, |n, data| {
            chunk(&format!("id: e.{n}\ndata: {data}\n\n")).into_bytes()
        })
        .await;
    }

    async fn stream(
        &self,
        mut conn: Conn,
        mut seen: usize,
        path: Path,
        encode: impl Fn(usize, &str) -> Vec<u8>,
    ) {
        loop {
            while seen < self.len() {
                let data = self.log.lock().unwrap()[seen].clone();
                seen += 1;
                conn.send(encode(seen, &data)).await;
            }
            tokio::select! {
                more = self.more_than(seen, path) => if !more { return },
                _ = conn.drain() => return,
            }
        }
    }

    fn start(&self, request: &str) -> usize {
        let target = request.split(' ').nth(1).unwrap();
        let position = field(request, "Last-Event-ID")
            .or_else(|| Some(target.split_once("after=")?.1))
            .or_else(|| Some(field(request, "If-None-Match")?.trim_matches('"')));
        match position {
            Some(position) => position.strip_prefix("e.").unwrap().parse().unwrap(),
            None if target.contains("from=earliest") => 0,
            None => self.len(),
        }
    }

    fn page(&self, seen: usize) -> String {
        let log = self.log.lock().unwrap();
        let ids: Vec<_> = (seen + 1..=log.len()).map(|n| format!("e.{n}")).collect();
        let messages: Vec<_> = ids
            .iter()
            .zip(&log[seen..])
            .map(|(id, data)| (id.as_str(), data.as_str()))
            .collect();
        page(&format!("e.{}", log.len()), &messages)
    }
}

pub(super) fn negotiate(dialer: &Dialer) -> Subscribe {
    let mut subscribe = Subscribe::new("http://h/channels/c").unwrap();
    subscribe.dialer = dialer.clone();
    subscribe
}

async fn next(subscription: &mut Subscription) -> Item {
    let next = tokio::time::timeout(4 * HOUR, subscription.next());
    next.await.expect("nothing came").unwrap().unwrap()
}

async fn chosen(subscription: &mut Subscription) -> Chosen {
    match next(subscription).await {
        Item::Transport(chosen) => chosen,
        other => panic!("no transport: {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn what_does_not_get_through_gives_way_and_nothing_published_since_is_lost() {
    use Transport::{LongPoll, ShortPoll, Sse, WebSocket};
    let better = WebSocket;
    let rows = [
        (Path::Open, WebSocket, Why::First, 0),
        (
            Path::StripsUpgrade,
            Sse,
            Why::Refused {
                transport: better,
                status: 200,
            },
            0,
        ),
        (
            Path::Refuses(403),
            Sse,
            Why::Refused {
                transport: better,
                status: 403,
            },
            0,
        ),
        (
            Path::Refuses(502),
            Sse,
            Why::Refused {
                transport: better,
                status: 502,
            },
            0,
        ),
        (Path::CutsUpgrades, Sse, Why::Cut { transport: better }, 0),
        (
            Path::SwallowsUpgrades,
            Sse,
            Why::Silent { transport: better },
            5,
        ),
        (Path::Holds, LongPoll, Why::Silent { transport: Sse }, 10),
    ];
    for (path, transport, why, seconds) in rows {
        let (world, dialer) = World::new(path);
        world.push("before");
        let begun = Instant::now();
        let mut subscription = negotiate(&dialer).open().await.unwrap();
        assert_eq!(begun.elapsed().as_secs(), seconds, "{why:?}");
        // Whatever is published once it is open is delivered.
        world.push("1");
        assert_eq!(subscription.transport(), transport, "{why:?}");
        let told = chosen(&mut subscription).await;
        assert_eq!((told.transport, told.why), (transport, why));
        assert_eq!(subscription.chosen(), Some(&told));
        world.push("2");
        for want in ["1", "2"] {
            assert_eq!(text(&mut subscription).await, want, "{why:?}");
        }
        assert_eq!(subscription.position(), Some("e.3"));
    }
    let (world, dialer) = World::new(Path::CutsIdle);
    let mut subscription = negotiate(&dialer)
        .start(Start::Earliest)
        .open()
        .await
        .unwrap();
    let publisher = tokio::spawn(async move {
        for n in 1..=40 {
            tokio::time::sleep(Duration::from_secs(7)).await;
            world.push(&n.to_string());
        }
    });
    let (mut told, mut got) = (Vec::new(), Vec::new());
    while got.len() < 40 {
        match next(&mut subscription).await {
            Item::Transport(chosen) => told.push(chosen.transport),
            Item::Message(message) => got.push(message.data),
            other => panic!("{other:?}"),
        }
    }
    let want: Vec<_> = (1..=40).map(|n| Data::Text(n.to_string())).collect();
    assert_eq!(got, want, "all, once, in order");
    // A long poll asks to be held for less.
    assert_eq!(told[..3], [WebSocket, Sse, LongPoll]);
    assert!(!told.contains(&ShortPoll), "{told:?}");
    publisher.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_better_transport_is_taken_again_without_a_loss() {
    let (world, dialer) = World::new(Path::Holds);
    let mut subscription = negotiate(&dialer)
        .start(Start::Earliest)
        .open()
        .await
        .unwrap();
    assert_eq!(
        chosen(&mut subscription).await.transport,
        Transport::LongPoll
    );
    let reader = tokio::spawn(async move {
        let (mut told, mut got) = (Vec::new(), 0);
        while got < 400 {
            match next(&mut subscription).await {
                Item::Transport(chosen) => told.push((chosen.to_string(), Instant::now())),
                Item::Message(message) => {
                    got += 1;
                    assert_eq!(message.data, Data::Text(got.to_string()), "all, once");
                }
                other => panic!("{other:?}"),
            }
        }
        told
    });
    let begun = Instant::now();
    for n in 1..=400 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        if n == 150 {
            world.becomes(Path::Open);
        }
        world.push(&n.to_string());
    }
    let told = reader.await.unwrap();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].0, "websocket: it gets through");
    // Tried in vain after one minute, then two minutes later, and it held for 10 s.
    let waited = (told[0].1 - begun).as_secs();
    assert!((190..=260).contains(&waited), "{waited}");
    let asked = world.asked();
    let tries = asked
        .iter()
        .filter(|asked| **asked == Transport::WebSocket)
        .count();
    assert_eq!(tries, 4, "the first, in vain, beside, for good: {asked:?}");
}

#[tokio::test(start_paused = true)]
async fn a_better_transport_that_does_not_hold_beside_is_not_taken() {
    let (world, dialer) = World::new(Path::Holds);
    let mut subscription = negotiate(&dialer).open().await.unwrap();
    assert_eq!(
        chosen(&mut subscription).await.transport,
        Transport::LongPoll
    );
    // Long polls end by news, streams are cut when idle.
    world.becomes(Path::CutsIdle);
    let feed = world.clone();
    tokio::spawn(async move {
        for n in 0.. {
            tokio::time::sleep(Duration::from_millis(6500)).await;
            feed.push(&n.to_string());
        }
    });
    let until = Instant::now() + Duration::from_secs(4 * 60);
    while Instant::now() < until {
        match next(&mut subscription).await {
            Item::Message(_) => {}
            // A held poll is cut after 5 s too: it asks for less.
            other => panic!("{other:?}"),
        }
    }
    assert!(world.asked().contains(&Transport::WebSocket));
    assert_eq!(subscription.transport(), Transport::LongPoll);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_away_or_restarts_is_no_reason_to_give_way() {
    let (dialer, mut server) = network();
    let peer = tokio::spawn(async move {
        let mut conn = server.accept().await;
        greet(&mut conn, Transport::WebSocket).await;
        conn.send(close_frame(1012, "restart after=e.0")).await;
        drop(conn);
        let mut conn = server.accept().await;
        let request = conn.request().await;
        conn.send(answer(503, "Retry-After: 3\r\n", "")).await;
        drop(conn);
        assert!(field(&request, "Upgrade").is_some());
        let mut conn = server.accept().await;
        let request = greet(&mut conn, Transport::WebSocket).await;
        assert!(
            request.starts_with("GET /channels/c?after=e.0 "),
            "{request}"
        );
        conn.send(text_frame(r#"{"id":"e.1","data":"a"}"#)).await;
        conn.drain().await;
    });
    let mut subscription = negotiate(&dialer).open().await.unwrap();
    assert_eq!(chosen(&mut subscription).await.why, Why::First);
    assert_eq!(text(&mut subscription).await, "a", "nothing else is told");
    drop(subscription);
    peer.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_every_transport_is_refused_with_is_said_as_it_is() {
    for (status, count) in [(404, 2), (401, 2), (400, 2), (503, 2)] {
        let (dialer, mut server) = network();
        let peer = tokio::spawn(async move {
            for _ in 0..count {
                let mut conn = server.accept().await;
                conn.request().await;
                let problem = r#"{"detail":"the reason"}"#;
                conn.send(answer(status, "", problem)).await;
            }
            server
        });
        let error = negotiate(&dialer).open().await.unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("the server answered {status}: the reason")
        );
        assert!(peer.await.unwrap().incoming.try_recv().is_err(), "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn where_no_transport_gets_through_each_says_why() {
    let (dialer, mut server) = network();
    tokio::spawn(async move {
        loop {
            let mut conn = server.accept().await;
            conn.request().await;
            let fields = "Content-Type: text/html\r\n";
            conn.send(answer(200, fields, "<html>")).await;
        }
    });
    let error = negotiate(&dialer).open().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "no transport gets through: websocket: the server answered 200; \
         sse: the server breaks the wire contract: the answer is not text/event-stream; \
         long-poll: the answer of a poll is not the JSON that it should be"
    );
}

#[tokio::test(start_paused = true)]
async fn a_first_connection_that_is_refused_is_final_whatever_the_transport() {
    let (dialer, server) = network();
    drop(server);
    let error = negotiate(&dialer).open().await.unwrap_err();
    assert!(matches!(error, Error::Connect { .. }), "{error:?}");
}

/// A foreign event stream: it knows no upgrade, and answers every GET with events.
async fn foreign(server: &mut Server, first: &'static str) {
    loop {
        let mut conn = server.accept().await;
        conn.request().await;
        tokio::spawn(async move {
            conn.send(format!("{SSE_HEAD}{first}")).await;
            conn.drain().await;
        });
    }
}

#[tokio::test(start_paused = true)]
async fn a_foreign_event_stream_is_found_by_its_status_and_media_type() {
    let (dialer, mut server) = network();
    tokio::spawn(async move { foreign(&mut server, "8\r\ndata: a\n\r\n1\r\n\n\r\n").await });
    let mut subscription = negotiate(&dialer).open().await.unwrap();
    let told = chosen(&mut subscription).await;
    assert_eq!(told.to_string(), "sse: websocket was refused with 200");
    assert_eq!(text(&mut subscription).await, "a");
}

#[tokio::test(start_paused = true)]
async fn a_foreign_event_stream_that_is_silent_is_kept() {
    for start in [Start::Latest, Start::Earliest] {
        let (dialer, mut server) = network();
        tokio::spawn(async move { foreign(&mut server, "").await });
        let begun = Instant::now();
        let mut subscription = negotiate(&dialer).start(start).open().await.unwrap();
        assert_eq!(begun.elapsed().as_secs(), 5);
        let told = chosen(&mut subscription).await;
        assert_eq!((told.transport, told.why), (Transport::Sse, Why::Quiet));
        let quiet = tokio::time::timeout(Duration::from_secs(39), subscription.next());
        assert!(quiet.await.is_err(), "it is asked for no proof");
    }
}

#[tokio::test(start_paused = true)]
async fn a_url_of_the_scheme_ws_is_a_websocket_alone() {
    let (dialer, mut server) = network();
    let peer = tokio::spawn(async move {
        let mut conn = server.accept().await;
        conn.request().await;
        conn.send(answer(426, "", "")).await;
        drop(conn);
        server
    });
    let mut subscribe = Subscribe::new("ws://h/channels/c").unwrap();
    subscribe.dialer = dialer;
    let error = subscribe.open().await.unwrap_err();
    assert!(
        matches!(error, Error::Status { status: 426, .. }),
        "{error:?}"
    );
    assert!(peer.await.unwrap().incoming.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn a_transport_that_is_given_is_not_left_and_not_told() {
    let (world, dialer) = World::new(Path::Open);
    let subscribe = negotiate(&dialer).via(Transport::Sse);
    let mut subscription = subscribe.open().await.unwrap();
    assert_eq!(subscription.chosen(), None);
    world.becomes(Path::BuffersStreams);
    tokio::spawn({
        let world = world.clone();
        async move {
            tokio::time::sleep(HOUR / 2).await;
            world.push("x");
            world.becomes(Path::Open);
        }
    });
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(text(&mut subscription).await, "x");
    assert!(world.asked().iter().all(|asked| *asked == Transport::Sse));
}

/// Messages of 200 octets: those that were there before fill the buffer of a proxy, and those
/// that follow fill it now and then.
#[tokio::test(start_paused = true)]
async fn a_backlog_that_fills_the_buffer_of_a_proxy_is_no_proof_of_a_stream() {
    // Messages before, and the pause between those that follow: they may fill a buffer too.
    for (backlog, pause) in [(80, 60), (80, 20), (1, 60), (0, 30)] {
        let (world, dialer) = World::new(Path::FillsBuffers);
        let name = |n: usize| format!("{n:0200}");
        (0..backlog).for_each(|n| world.push(&name(n)));
        let feed = world.clone();
        let publisher = tokio::spawn(async move {
            for n in backlog..400 {
                tokio::time::sleep(Duration::from_millis(pause)).await;
                feed.push(&name(n));
            }
        });
        let subscribe = negotiate(&dialer).start(Start::Earliest);
        let mut subscription = subscribe.open().await.unwrap();
        let told = chosen(&mut subscription).await;
        let held = Why::Silent {
            transport: Transport::Sse,
        };
        assert_eq!((told.transport, told.why), (Transport::LongPoll, held));
        let asked = world.asked();
        let streams = asked.iter().filter(|asked| **asked == Transport::Sse);
        assert!(streams.count() <= 3, "{asked:?}");
        let mut got = 0;
        while got < 400 {
            let next = tokio::time::timeout(Duration::from_secs(2), subscription.next());
            match next.await.expect("none is held back").unwrap().unwrap() {
                Item::Message(message) => assert_eq!(message.data, Data::Text(name(got))),
                other => panic!("{other:?}"),
            }
            got += 1;
        }
        publisher.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_taken_once_its_first_block_came_alone() {
    // How often messages come with the first block, where the stream starts, and what is asked.
    let rows = [
        (0, Start::Latest, &[""][..]),
        (1, Start::Latest, &["", "?from=latest", ""]),
        (0, Start::Earliest, &["?from=latest", "?from=earliest"]),
        (
            2,
            Start::After("e.1".into()),
            &["?from=latest", "?from=latest", "?from=latest", "?after=e.1"],
        ),
    ];
    for (full, start, queries) in rows {
        let (dialer, mut server) = network();
        let peer = tokio::spawn(async move {
            let mut conn = server.accept().await;
            conn.request().await;
            conn.send(answer(426, "", "")).await;
            for (n, query) in queries.iter().enumerate() {
                conn = server.accept().await;
                let request = conn.request().await;
                let line = format!("GET /channels/c{query} HTTP/1.1\r\n");
                assert!(request.starts_with(&line), "{request}");
                assert_eq!(field(&request, "Last-Event-ID"), None);
                let long = "x".repeat(if n < full { 1024 } else { 100 });
                let octets = format!("id: e.1\n\nid: e.2\ndata: {long}\n\n");
                conn.send(format!("{SSE_HEAD}{}", chunk(&octets))).await;
            }
            // What was proved is not proved again.
            drop(conn);
            let request = server.accept().await.request().await;
            assert!(request.starts_with("GET /channels/c HTTP/1.1\r\n"));
            assert_eq!(field(&request, "Last-Event-ID"), Some("e.2"));
        });
        let begun = Instant::now();
        let mut subscription = negotiate(&dialer).start(start).open().await.unwrap();
        assert_eq!(begun.elapsed(), Duration::ZERO);
        assert_eq!(chosen(&mut subscription).await.transport, Transport::Sse);
        assert_eq!(text(&mut subscription).await, "x".repeat(100), "once");
        drive(subscription, peer).await;
    }
}

#[tokio::test(start_paused = true)]
async fn heartbeats_that_stay_away_are_held_back() {
    // It shows its first block, and nothing more.
    let (world, dialer) = World::new(Path::StripsUpgrade);
    let mut subscription = negotiate(&dialer).open().await.unwrap();
    assert_eq!(chosen(&mut subscription).await.transport, Transport::Sse);
    let begun = Instant::now();
    world.becomes(Path::Holds);
    let reader = tokio::spawn(async move {
        let told = chosen(&mut subscription).await;
        (told, begun.elapsed(), text(&mut subscription).await)
    });
    tokio::time::sleep(Duration::from_secs(41)).await;
    world.push("a");
    let (told, waited, text) = reader.await.unwrap();
    let held = Why::Silent {
        transport: Transport::Sse,
    };
    assert_eq!((told.transport, told.why), (Transport::LongPoll, held));
    assert_eq!((waited.as_secs(), text.as_str()), (41, "a"));
}

#[tokio::test(start_paused = true)]
async fn silence_of_a_foreign_stream_is_a_cut_unless_it_had_heartbeats() {
    let event = "9\r\ndata: a\n\n\r\n";
    let rows = [
        (event.to_owned(), None),
        (format!("3\r\n:\n\n\r\n{event}"), Some(Why::Quiet)),
    ];
    for (first, why) in rows {
        let (dialer, mut server) = network();
        let first: &'static str = first.leak();
        tokio::spawn(async move { foreign(&mut server, first).await });
        let mut subscription = negotiate(&dialer).open().await.unwrap();
        assert_eq!(chosen(&mut subscription).await.transport, Transport::Sse);
        assert_eq!(text(&mut subscription).await, "a");
        let begun = Instant::now();
        if let Some(why) = why {
            // It has no polls: then it is its way.
            let told = chosen(&mut subscription).await;
            assert_eq!((told.transport, told.why), (Transport::Sse, why));
            assert_eq!(begun.elapsed().as_secs(), 40);
        }
        assert_eq!(text(&mut subscription).await, "a");
        let waited = begun.elapsed().as_secs();
        assert!((40..45).contains(&waited), "{waited}");
    }
}

#[tokio::test(start_paused = true)]
async fn silence_within_two_heartbeats_is_a_cut() {
    for (silence, transport) in [(29, Transport::Sse), (30, Transport::LongPoll)] {
        let (world, dialer) = World::new(Path::StripsUpgrade);
        let limits = Limits {
            max_silence: Duration::from_secs(silence),
            ..Limits::default()
        };
        let subscribe = negotiate(&dialer).limits(limits);
        let mut subscription = subscribe.open().await.unwrap();
        assert_eq!(chosen(&mut subscription).await.transport, Transport::Sse);
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(35)).await;
            world.push("a");
        });
        if transport == Transport::LongPoll {
            assert_eq!(chosen(&mut subscription).await.transport, transport);
        }
        assert_eq!(text(&mut subscription).await, "a", "{silence}");
        assert_eq!(subscription.transport(), transport, "{silence}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_time_to_connect_behind_a_proof_is_no_silence() {
    let (dialer, mut server) = network_with_delay(Duration::from_secs(6));
    let peer = tokio::spawn(async move {
        let mut conn = server.accept().await;
        conn.request().await;
        conn.send(answer(426, "", "")).await;
        for _ in 0..2 {
            greet(&mut server.accept().await, Transport::Sse).await;
        }
    });
    let subscribe = negotiate(&dialer).start(Start::Earliest);
    let subscription = subscribe.open().await.unwrap();
    assert_eq!(subscription.transport(), Transport::Sse);
    peer.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn one_proof_of_a_path_is_enough_for_all_joined_channels() {
    let (world, dialer) = World::new(Path::StripsUpgrade);
    let subscribe = negotiate(&dialer)
        .start(Start::Earliest)
        .join("d", Start::Earliest);
    let mut subscription = subscribe.open().await.unwrap();
    assert_eq!(chosen(&mut subscription).await.transport, Transport::Sse);
    world.push("a");
    assert_eq!(text(&mut subscription).await, "a");
    assert_eq!(text(&mut subscription).await, "a");
    let asked = world.asked();
    let streams = asked.iter().filter(|asked| **asked == Transport::Sse);
    assert_eq!(streams.count(), 3, "the proof, and one each: {asked:?}");
}
