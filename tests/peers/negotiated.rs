//! The client of this repository, which chooses its transport, through nginx as it is often found: every message
//! arrives, once and in order, and what is chosen is what gets through.

use core::net::SocketAddr;
use core::time::Duration;
use std::time::Instant;

use tidings_client::{Data, Item, Limits, Start, Subscribe, Subscription, Transport};
use tidings_tests::nginx::{IDLE, Nginx};
use tidings_tests::{Server, peer};

/// What was read, and by what.
struct Reader {
    subscription: Subscription,
    got: Vec<String>,
    chosen: Vec<String>,
}

impl Reader {
    async fn open(door: SocketAddr) -> Self {
        let mut limits = Limits::default();
        // A test does not wait as long as a user may.
        limits.proof_timeout = Duration::from_millis(1500);
        let subscription = Subscribe::new(&format!("http://{door}/channels/a"))
            .unwrap()
            .start(Start::Earliest)
            .limits(limits)
            .open()
            .await
            .expect("something gets through");
        Self {
            subscription,
            got: Vec::new(),
            chosen: Vec::new(),
        }
    }

    /// Reads until `count` messages were read in all.
    async fn read(&mut self, count: usize) {
        while self.got.len() < count {
            let next = tokio::time::timeout(Duration::from_secs(15), self.subscription.next());
            let item = next
                .await
                .unwrap_or_else(|_| panic!("{} of {count}, then silence", self.got.len()));
            match item.expect("it goes on").expect("no error") {
                Item::Message(message) => match message.data {
                    Data::Text(text) => self.got.push(text),
                    Data::Binary(octets) => panic!("{octets:?}"),
                },
                Item::Transport(chosen) => self.chosen.push(chosen.to_string()),
                other => panic!("{other:?}"),
            }
        }
    }
}

/// Publishes so many messages, at a pace that goes on through a reader's switches.
fn publish(server: &Server, count: usize, pause: u64) {
    for number in 0..count {
        server.publish("a", &format!("message {number} of {count}"));
        std::thread::sleep(Duration::from_millis(pause));
    }
}

/// Reads through a door what is published meanwhile; the log must be read as it is.
fn reads(
    name: &str,
    door: impl Fn(&Nginx) -> SocketAddr,
    publish: impl Fn(&Server) + Sync,
    count: usize,
    wanted: Transport,
) {
    reads_behind(&[], name, door, publish, count, wanted);
}

/// The same behind a backlog, which `count` includes.
fn reads_behind(
    backlog: &[String],
    name: &str,
    door: impl Fn(&Nginx) -> SocketAddr,
    publish: impl Fn(&Server) + Sync,
    count: usize,
    wanted: Transport,
) {
    let server = Server::start(&[]);
    for message in backlog {
        server.publish("a", message);
    }
    let Some(nginx) = Nginx::start(name, &[server.address()]) else {
        return;
    };
    let start = Instant::now();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let reader = std::thread::scope(|scope| {
        scope.spawn(|| publish(&server));
        runtime.block_on(async {
            let mut reader = Reader::open(door(&nginx)).await;
            reader.read(count).await;
            reader
        })
    });
    let log = server.get("/channels/a?from=earliest&limit=1000").data();
    assert_eq!(reader.got, log, "{name}: the log, once and in order");
    let chosen = reader.chosen.join(", then ");
    assert_eq!(reader.subscription.transport(), wanted, "{name}: {chosen}");
    peer::say(&format!(
        "peer nginx, {name}: {count} messages read by the client, {chosen} ({:.1} s)",
        start.elapsed().as_secs_f32()
    ));
}

#[test]
fn where_the_upgrade_passes_it_is_a_websocket() {
    reads(
        "upgrade-gzip",
        |nginx| nginx.upgrading,
        |server| publish(server, 100, 5),
        100,
        Transport::WebSocket,
    );
}

#[test]
fn where_the_upgrade_is_taken_away_it_is_an_event_stream() {
    reads(
        "no-upgrade-gzip",
        |nginx| nginx.plain,
        |server| publish(server, 100, 5),
        100,
        Transport::Sse,
    );
}

#[test]
fn where_event_streams_are_held_back_it_is_a_long_poll() {
    reads(
        "held-streams",
        |nginx| nginx.buffering,
        // Slow enough that they do not fill the 4 KiB that nginx holds back, within the reader's patience.
        |server| publish(server, 60, 60),
        60,
        Transport::LongPoll,
    );
}

#[test]
fn a_backlog_that_fills_the_buffer_is_no_proof_of_an_event_stream() {
    // More than the 4 KiB that nginx holds back.
    let backlog: Vec<_> = (0..80).map(|number| format!("{number:0200}")).collect();
    reads_behind(
        &backlog,
        "held-backlog",
        |nginx| nginx.buffering,
        |server| publish(server, 60, 60),
        140,
        Transport::LongPoll,
    );
}

#[test]
fn where_silence_is_cut_nothing_is_lost() {
    reads(
        "cut-silence",
        |nginx| nginx.impatient,
        |server| {
            publish(server, 10, 20);
            // The reader is cut in the middle of this; what is published next is read all the same.
            std::thread::sleep(IDLE + Duration::from_millis(300));
            publish(server, 30, 20);
        },
        40,
        Transport::WebSocket,
    );
}
