//! Polls over a hub, as a server answers them and clients repeat them: whatever comes in between,
//! each client is told each message once and in order, or that it was lost.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]
#![expect(
    clippy::cast_possible_truncation,
    reason = "offsets of a test are small"
)]

use core::sync::atomic::{AtomicBool, Ordering};
use core::task::{Context, Poll as Polled, Waker};
use core::time::Duration;
use std::collections::HashMap;
use std::sync::Arc;
use std::task::Wake;

use proptest::prelude::*;
use tidings_hub::{
    ChannelName, Config, Cursor, Gap, GapReason, Hub, Kind, Limit, Position, Publish, Read, Start,
};
use tidings_polling::{
    Answer, IfNoneMatch, LongPollSchedule, MAX_WAIT, Outcome, Poll, if_none_match, prefer_wait,
};

const CLIENTS: usize = 3;
const MAX_MESSAGES: usize = 6;
const MAX_AGE: Duration = Duration::from_secs(90);
const FORGET_AFTER: Duration = Duration::from_secs(150);

#[derive(Clone, Debug)]
enum Op {
    Publish,
    /// Asks, unless the client waits for an answer already. A lost answer is sent and does not arrive.
    Poll {
        client: usize,
        wait: u64,
        spelling: usize,
        messages: usize,
        lost: bool,
    },
    /// The client goes away from the poll that it waits for, and may ask again.
    Cancel(usize),
    /// Time goes by, and the waits that end in it are answered.
    Time(Duration),
    /// Channels are trimmed and forgotten.
    Expire,
    Delete,
    /// Another hub in place of this one. Every poll that waits is cut.
    Restart,
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let wait = prop_oneof![2 => Just(0), 3 => 1..40_u64, 1 => Just(4_000)];
    let op = prop_oneof![
        10 => Just(Op::Publish),
        12 => (0..CLIENTS, wait, 0..3_usize, 1..5_usize, prop::bool::weighted(0.15))
            .prop_map(|(client, wait, spelling, messages, lost)| Op::Poll {
                client, wait, spelling, messages, lost
            }),
        2 => (0..CLIENTS).prop_map(Op::Cancel),
        4 => (0..30_000_u64).prop_map(|ms| Op::Time(Duration::from_millis(ms))),
        1 => (60..200_u64).prop_map(|s| Op::Time(Duration::from_secs(s))),
        2 => Just(Op::Expire),
        1 => Just(Op::Delete),
        1 => Just(Op::Restart),
    ];
    prop::collection::vec(op, 0..150)
}

#[derive(Default)]
struct Bell(AtomicBool);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A request that is held.
struct Held {
    cursor: Cursor,
    poll: Poll,
    limit: Limit,
    until: Duration,
    lost: bool,
    bell: Arc<Bell>,
}

/// What one client knows, which is what it was answered.
#[derive(Default)]
struct Client {
    place: Option<Position>,
    /// The last message that it was told, by the order of all publishes.
    last: Option<u64>,
    schedule: LongPollSchedule,
    held: Option<Held>,
}

struct World {
    hub: Hub,
    channel: ChannelName,
    now: Duration,
    draws: u64,
    published: u64,
    /// What was published in each life of the channel, in order.
    lives: HashMap<u64, Vec<u64>>,
    clients: [Client; CLIENTS],
}

fn hub() -> Hub {
    let mut config = Config::default();
    config.max_messages = MAX_MESSAGES;
    config.max_age = Some(MAX_AGE);
    config.forget_after = FORGET_AFTER;
    Hub::new(config)
}

impl World {
    fn new() -> Self {
        Self {
            hub: hub(),
            channel: ChannelName::parse("a").unwrap(),
            now: Duration::from_secs(1_000),
            draws: 0,
            published: 0,
            lives: HashMap::new(),
            clients: Default::default(),
        }
    }

    fn entropy(&mut self) -> u64 {
        self.draws += 1;
        self.draws.wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }

    fn step(&mut self, op: Op) {
        match op {
            Op::Publish => {
                let entropy = self.entropy();
                let payload = self.published.to_be_bytes();
                let message = Publish {
                    kind: Kind::Binary,
                    event: None,
                    payload: &payload,
                    key: None,
                };
                let published = self.hub.publish(&self.channel, message, self.now, entropy);
                let position = published.unwrap().position;
                let life = self.lives.entry(position.epoch).or_default();
                life.push(self.published);
                assert_eq!(position.offset, life.len() as u64);
                self.published += 1;
            }
            Op::Poll {
                client,
                wait,
                spelling,
                messages,
                lost,
            } => self.ask(client, wait, spelling, messages, lost),
            Op::Cancel(client) => self.clients[client].held = None,
            Op::Time(time) => self.pass(time),
            Op::Expire => self.hub.sweep(self.now),
            Op::Delete => {
                self.hub.delete(&self.channel, self.now);
            }
            Op::Restart => {
                for client in &mut self.clients {
                    client.held = None;
                }
                self.hub = hub();
            }
        }
        self.answer_those_who_are_woken();
    }

    /// The request as a client writes it, read as a server reads it.
    fn ask(&mut self, client: usize, wait: u64, spelling: usize, messages: usize, lost: bool) {
        let asked = &self.clients[client];
        if asked.held.is_some() {
            return;
        }
        let tag = asked.place.map(|place| match spelling {
            0 => format!("\"{place}\""),
            1 => format!("W/\"{place}-gzip\""),
            _ => format!("W/\"{place}\""),
        });
        let tags = if_none_match(tag.as_ref().map(String::as_bytes));
        let start = match &tags {
            IfNoneMatch::Tags(tags) => {
                let opaque = tidings_polling::without_coding_suffix(tags.only().unwrap().opaque);
                Start::After(opaque.parse().unwrap())
            }
            other => {
                assert_eq!((other, asked.place), (&IfNoneMatch::Absent, None));
                Start::Earliest
            }
        };
        let prefer = format!("respond-async, wait={wait}");
        let entropy = self.entropy();
        let cursor = self
            .hub
            .subscribe(&self.channel, start, self.now, entropy)
            .unwrap();
        let epoch = self.info().0.epoch;
        self.lives.entry(epoch).or_default();
        let poll = Poll {
            wait: prefer_wait([prefer.as_bytes()]).unwrap(),
            started: self.now,
            tag_matches: tags.matches(&cursor.position().to_string()),
        };
        self.look(
            client,
            Held {
                cursor,
                poll,
                limit: Limit {
                    messages,
                    octets: 1 << 20,
                },
                until: self.now,
                lost,
                bell: Arc::default(),
            },
        );
    }

    /// Answers or parks one request.
    fn look(&mut self, client: usize, mut held: Held) {
        held.bell.0.store(false, Ordering::Relaxed);
        let waker = Waker::from(Arc::clone(&held.bell));
        let read = held
            .cursor
            .poll_read(&mut Context::from_waker(&waker), held.limit, self.now);
        let answer = held.poll.answer(read.is_ready(), self.now);
        match (answer, read) {
            (Answer::Now, Polled::Ready(read)) => {
                if !held.lost {
                    self.told(client, read);
                }
            }
            (Answer::Wait { until }, Polled::Pending) => {
                assert!(self.now < until && until <= held.poll.started + MAX_WAIT);
                held.until = until;
                self.clients[client].held = Some(held);
            }
            (answer @ (Answer::NotModified | Answer::Empty), Polled::Pending) => {
                assert!(self.now >= held.poll.started + held.poll.granted());
                let position = held.cursor.position();
                // A 304 names a state that the client has; an empty 200 tells it one.
                let had = self.clients[client].place == Some(position);
                assert_eq!(answer == Answer::NotModified, had);
                assert_eq!(
                    position,
                    self.info().0,
                    "nothing that is there is passed over"
                );
                if !held.lost {
                    let client = &mut self.clients[client];
                    client.place = Some(position);
                    _ = client.schedule.next(self.now, Outcome::Empty, 0);
                }
            }
            (answer, read) => unreachable!("{answer:?} to {read:?}"),
        }
    }

    /// The newest position of the channel, and the offset before the oldest message kept.
    fn info(&self) -> (Position, u64) {
        let info = self.hub.info(&self.channel, self.now).unwrap();
        (info.position, info.position.offset - info.messages as u64)
    }

    /// A client reads its answer.
    fn told(&mut self, client: usize, read: Read) {
        let asked = self.clients[client].place;
        match read {
            Read::Batch(batch) => {
                let (top, kept_after) = self.info();
                let place = asked.unwrap_or(Position {
                    epoch: top.epoch,
                    offset: kept_after,
                });
                assert!(place.offset >= kept_after, "what was trimmed is told");
                for (message, offset) in batch.messages.iter().zip(place.offset + 1..) {
                    let epoch = place.epoch;
                    assert_eq!(message.position(), Position { epoch, offset });
                    let serial = self.lives[&epoch][offset as usize - 1];
                    assert_eq!(message.payload()[..], serial.to_be_bytes());
                    let client = &mut self.clients[client];
                    assert!(client.last < Some(serial), "told twice, or out of order");
                    client.last = Some(serial);
                }
                let last = place.offset + batch.messages.len() as u64;
                assert_eq!(batch.position.offset, last);
                assert_eq!(batch.more, last < top.offset);
                self.clients[client].place = Some(batch.position);
            }
            Read::Gap(gap) => self.lost(client, gap),
            // The name is free: the next poll meets the channel that has it then.
            Read::Deleted => return,
            Read::CaughtUp => unreachable!("that is a wait"),
        }
        let next = self.clients[client]
            .schedule
            .next(self.now, Outcome::News, 0);
        assert_eq!(next, Duration::ZERO, "there may be more");
    }

    /// A client reads that something was lost, and where it goes on.
    fn lost(&mut self, client: usize, gap: Gap) {
        let place = self.clients[client].place.unwrap();
        let (top, kept_after) = self.info();
        let next = Position {
            epoch: top.epoch,
            offset: kept_after,
        };
        let (reason, first, last) = if place.epoch == top.epoch {
            assert!(place.offset < kept_after, "nothing is lost that is kept");
            (GapReason::Trimmed, Some(place.offset + 1), Some(kept_after))
        } else {
            (GapReason::Epoch, None, None)
        };
        let want = Gap {
            reason,
            asked: Some(place),
            first,
            last,
            next,
        };
        assert_eq!(gap, want);
        self.clients[client].place = Some(next);
    }

    /// Lets time pass, with a stop at each end of a wait.
    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            let next = self.clients.iter().filter_map(|c| c.held.as_ref());
            let Some(until) = next.map(|held| held.until).filter(|at| *at <= end).min() else {
                break;
            };
            self.now = until;
            for client in 0..CLIENTS {
                if let Some(held) = self.clients[client]
                    .held
                    .take_if(|held| held.until <= until)
                {
                    self.look(client, held);
                    assert!(self.clients[client].held.is_none(), "its wait is over");
                }
            }
            self.answer_those_who_are_woken();
        }
        self.now = end;
    }

    fn answer_those_who_are_woken(&mut self) {
        for client in 0..CLIENTS {
            let woken = |held: &mut Held| held.bell.0.load(Ordering::Relaxed);
            if let Some(held) = self.clients[client].held.take_if(woken) {
                self.look(client, held);
            }
            // Who still waits has nothing to hear.
            if let Some(held) = &self.clients[client].held {
                assert_eq!(held.cursor.position(), self.info().0);
            }
        }
    }

    /// At last every client asks until there is nothing more.
    fn settle(&mut self) {
        for client in 0..CLIENTS {
            self.clients[client].held = None;
            for _ in 0..MAX_MESSAGES + 3 {
                self.ask(client, 0, 0, 1, false);
            }
            assert_eq!(self.clients[client].place, Some(self.info().0));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(250))]

    #[test]
    fn no_interleaving_of_polls_loses_doubles_or_reorders_rfc6202_2_2(ops in ops()) {
        let mut world = World::new();
        for op in ops {
            world.step(op);
        }
        world.settle();
    }
}
