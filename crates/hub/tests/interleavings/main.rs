//! The orders in which threads can meet, explored by shuttle: the crate is built here once more,
//! with a lock and atomics that switch threads wherever they may. A wake that is lost shows as a
//! deadlock.
#![expect(unused_imports, reason = "the crate is built as a part of its test")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use core::future::poll_fn;
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::sync::Arc;

use shuttle::future::block_on;
use shuttle::thread;

#[path = "../../src/budget.rs"]
mod budget;
#[path = "../../src/channel.rs"]
mod channel;
#[path = "../../src/config.rs"]
mod config;
#[path = "../../src/cursor.rs"]
mod cursor;
#[path = "../../src/hub.rs"]
mod hub;
#[path = "../../src/keys.rs"]
mod keys;
#[path = "../../src/log.rs"]
mod log;
#[path = "../../src/message.rs"]
mod message;
#[path = "../../src/name.rs"]
mod name;
#[path = "../../src/position.rs"]
mod position;
#[path = "../../src/publish.rs"]
mod publish;
#[path = "../../src/read.rs"]
mod read;
#[path = "../../src/shard.rs"]
mod shard;
mod sync;
#[path = "../../src/wait.rs"]
mod wait;

pub use config::Config;
pub use cursor::Cursor;
pub use hub::{Hub, Info, SubscribeError};
pub use message::{FORMS, Kind, Message};
pub use name::{ChannelName, EventName, NameError};
pub use position::{Position, PositionError};
pub use publish::{Publish, PublishError, Published};
pub use read::{Batch, Gap, GapReason, Limit, Messages, Read, Start};

const NOW: Duration = Duration::from_secs(1);
const LATE: Duration = Duration::from_secs(1 << 20);

/// Runs a scenario in `runs` random schedules and as many that favour rare orders.
fn explore(runs: usize, scenario: fn()) {
    shuttle::check_random(scenario, runs);
    shuttle::check_pct(scenario, runs, 3);
}

fn name(text: &str) -> ChannelName {
    ChannelName::parse(text).unwrap()
}

fn say(hub: &Hub, channel: &str, payload: &[u8], entropy: u64) -> Result<Published, PublishError> {
    say_with_key(hub, channel, payload, None, entropy)
}

fn say_with_key(
    hub: &Hub,
    channel: &str,
    payload: &[u8],
    key: Option<&[u8]>,
    entropy: u64,
) -> Result<Published, PublishError> {
    hub.publish(
        &name(channel),
        Publish {
            kind: Kind::Text,
            event: None,
            payload,
            key,
        },
        NOW,
        entropy,
    )
}

fn next(cursor: &mut Cursor) -> Read {
    let limit = Limit {
        messages: 2,
        octets: 100,
    };
    block_on(poll_fn(|cx| cursor.poll_read(cx, limit, NOW)))
}

/// Reads to the offset `last` and checks that nothing is left out or doubled.
fn read_to(cursor: &mut Cursor, last: u64) {
    let mut next_offset = cursor.position().offset + 1;
    while next_offset <= last {
        let Read::Batch(batch) = next(cursor) else {
            panic!("neither gap nor end is due")
        };
        for message in &batch.messages {
            assert_eq!(message.offset(), next_offset);
            next_offset += 1;
        }
        assert_eq!(batch.position, cursor.position());
    }
}

#[test]
fn no_publish_slips_between_the_look_and_the_park() {
    explore(500, || {
        let hub = Hub::new(Config::default());
        let mut cursor = hub.subscribe(&name("a"), Start::Latest, NOW, 1).unwrap();
        let speakers: Vec<_> = (0..2)
            .map(|_| {
                let hub = hub.clone();
                thread::spawn(move || {
                    say(&hub, "a", b"1", 2).unwrap();
                    say(&hub, "a", b"2", 3).unwrap();
                })
            })
            .collect();
        read_to(&mut cursor, 4);
        speakers
            .into_iter()
            .for_each(|speaker| speaker.join().unwrap());
    });
}

#[test]
fn every_order_of_one_publish_and_one_reader_ends() {
    // Without a bound on schedules: all orders there are.
    shuttle::check_dfs(
        || {
            let hub = Hub::new(Config::default());
            let mut cursor = hub.subscribe(&name("a"), Start::Latest, NOW, 1).unwrap();
            let speaker = thread::spawn(move || say(&hub, "a", b"1", 2).unwrap());
            read_to(&mut cursor, 1);
            drop(cursor);
            assert_eq!(speaker.join().unwrap().position.offset, 1);
        },
        None,
    );
}

#[test]
fn a_deletion_ends_every_wait() {
    explore(500, || {
        let hub = Hub::new(Config::default());
        let readers: Vec<_> = (0..2)
            .map(|_| {
                let mut cursor = hub.subscribe(&name("a"), Start::Latest, NOW, 1).unwrap();
                thread::spawn(move || assert!(matches!(next(&mut cursor), Read::Deleted)))
            })
            .collect();
        assert!(hub.delete(&name("a"), NOW));
        readers
            .into_iter()
            .for_each(|reader| reader.join().unwrap());
        assert_eq!((hub.octets(), hub.channels()), (0, 0));
    });
}

#[test]
fn a_wait_that_is_given_up_takes_no_wake_from_others() {
    explore(500, || {
        let hub = Hub::new(Config::default());
        let mut stays = hub.subscribe(&name("a"), Start::Latest, NOW, 1).unwrap();
        let mut goes = hub.subscribe(&name("a"), Start::Latest, NOW, 1).unwrap();
        let stayer = thread::spawn(move || read_to(&mut stays, 1));
        let goer = thread::spawn(move || {
            let mut cx = Context::from_waker(Waker::noop());
            let first = goes.poll_read(&mut cx, Limit::default(), NOW);
            goes.cancel();
            let second = goes.poll_read(&mut cx, Limit::default(), NOW);
            assert!(
                first.is_pending() || second.is_pending(),
                "one message is read once"
            );
        });
        say(&hub, "a", b"1", 2).unwrap();
        stayer.join().unwrap();
        goer.join().unwrap();
        assert_eq!(hub.info(&name("a"), NOW).unwrap().cursors, 0);
    });
}

#[test]
fn a_publish_never_goes_to_a_channel_that_is_being_deleted_or_forgotten() {
    explore(500, || {
        let config = Config {
            max_age: None,
            ..Config::default()
        };
        let hub = Hub::new(config);
        drop(hub.subscribe(&name("a"), Start::Latest, NOW, 1).unwrap());
        let sweeper = {
            let hub = hub.clone();
            thread::spawn(move || hub.sweep(LATE))
        };
        let reader = {
            let hub = hub.clone();
            thread::spawn(move || {
                let mut cursor = hub.subscribe(&name("a"), Start::Earliest, NOW, 2).unwrap();
                read_to(&mut cursor, 1);
                cursor.position()
            })
        };
        let published = say(&hub, "a", b"1", 3).unwrap();
        assert_eq!(reader.join().unwrap(), published.position);
        sweeper.join().unwrap();
        let info = hub.info(&name("a"), NOW).unwrap();
        assert_eq!((info.position, info.messages), (published.position, 1));
        assert!(hub.delete(&name("a"), NOW));
        assert_eq!((hub.octets(), hub.channels()), (0, 0));
    });
}

#[test]
fn a_cursor_is_of_the_channel_before_a_deletion_or_of_the_one_after() {
    explore(500, || {
        let hub = Hub::new(Config::default());
        let before = say(&hub, "a", b"1", 1).unwrap().position;
        let deleter = {
            let hub = hub.clone();
            thread::spawn(move || {
                assert!(hub.delete(&name("a"), NOW));
                say(&hub, "a", b"2", 2).unwrap().position
            })
        };
        let mut cursor = hub
            .subscribe(&name("a"), Start::After(before), NOW, 3)
            .unwrap();
        let told = next(&mut cursor);
        let after = deleter.join().unwrap();
        assert_ne!(after.epoch, before.epoch);
        match told {
            Read::Deleted => {}
            Read::Gap(gap) => {
                assert_eq!((gap.reason, gap.asked), (GapReason::Epoch, Some(before)));
                assert_eq!(gap.next.epoch, after.epoch);
                if gap.next.offset == 0 {
                    read_to(&mut cursor, 1);
                }
            }
            Read::Batch(_) | Read::CaughtUp => {
                panic!("a message that was never published: {told:?}")
            }
        }
    });
}

#[test]
fn one_key_makes_one_message() {
    explore(300, || {
        let hub = Hub::new(Config::default());
        let other = {
            let hub = hub.clone();
            thread::spawn(move || say_with_key(&hub, "a", b"1", Some(b"k"), 1).unwrap())
        };
        let here = say_with_key(&hub, "a", b"1", Some(b"k"), 2).unwrap();
        let there = other.join().unwrap();
        assert_eq!(here.position, there.position);
        assert!(here.duplicate != there.duplicate);
        assert_eq!(hub.info(&name("a"), NOW).unwrap().messages, 1);
    });
}

#[test]
fn the_last_place_for_a_channel_goes_to_one() {
    explore(300, || {
        let config = Config {
            max_channels: 1,
            ..Config::default()
        };
        let hub = Hub::new(config);
        let other = {
            let hub = hub.clone();
            thread::spawn(move || say(&hub, "a", b"1", 1).is_ok())
        };
        let here = say(&hub, "b", b"1", 2).is_ok();
        assert!(here != other.join().unwrap());
        assert_eq!(hub.channels(), 1);
    });
}

#[test]
fn a_form_that_is_made_while_its_message_is_trimmed_is_not_counted_for_ever() {
    explore(500, || {
        let config = Config {
            max_messages: 1,
            ..Config::default()
        };
        let hub = Hub::new(config);
        let mut cursor = hub.subscribe(&name("a"), Start::Latest, NOW, 1).unwrap();
        say(&hub, "a", b"1", 2).unwrap();
        let Read::Batch(batch) = cursor.read(Limit::default(), NOW) else {
            panic!("a batch is due")
        };
        let makers: Vec<_> = (0..2)
            .map(|_| {
                let message = Arc::clone(&batch.messages[0]);
                thread::spawn(move || {
                    assert_eq!(
                        message.form(0, || b"data: 1\n\n".to_vec().into()),
                        &b"data: 1\n\n"[..]
                    );
                })
            })
            .collect();
        say(&hub, "a", b"2", 3).unwrap();
        makers.into_iter().for_each(|maker| maker.join().unwrap());
        assert_eq!(hub.info(&name("a"), NOW).unwrap().held, 1);
        assert!(hub.delete(&name("a"), NOW));
        assert_eq!(hub.octets(), 0);
    });
}

#[test]
fn the_budget_holds_while_publishers_push_each_other_out() {
    explore(80, || {
        let config = Config {
            max_total_octets: 6000,
            ..Config::default()
        };
        let hub = Hub::new(config);
        let speakers: Vec<_> = ["a", "b"]
            .map(|channel| {
                let hub = hub.clone();
                thread::spawn(move || {
                    for entropy in 0..3 {
                        // Refused only where the other channel's history is on its way in.
                        let refused = PublishError::Budget { max: 6000 };
                        let said = say(&hub, channel, &[b'x'; 800], entropy);
                        assert!(said.is_ok() || said == Err(refused));
                        assert!(hub.octets() <= 6000);
                    }
                })
            })
            .into();
        speakers
            .into_iter()
            .for_each(|speaker| speaker.join().unwrap());
        for channel in ["a", "b"] {
            // Every history can be trimmed again.
            assert!((0..6).all(|_| say(&hub, channel, &[b'x'; 800], 9).is_ok()));
            assert!(hub.info(&name(channel), NOW).unwrap().messages < 6);
            assert!(hub.delete(&name(channel), NOW));
        }
        assert_eq!(hub.octets(), 0);
    });
}
