//! Real threads: publishers, readers that wait, go away and resume.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::sync::Arc;
use std::task::Wake;
use std::thread::{self, Thread};

use tidings_hub::{ChannelName, Config, Cursor, Hub, Kind, Limit, Publish, Read, Start};

const NOW: Duration = Duration::ZERO;
const PUBLISHERS: u64 = 2;
const EACH: u64 = 10_000;

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn wait(cursor: &mut Cursor, limit: Limit) -> Read {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    loop {
        match cursor.poll_read(&mut Context::from_waker(&waker), limit, NOW) {
            Poll::Ready(read) => return read,
            Poll::Pending => thread::park(),
        }
    }
}

/// Accounts for every offset once, in order; every `turn` reads it resumes with another cursor.
fn account(hub: &Hub, name: &ChannelName, mut cursor: Cursor, turn: usize) -> (u64, u64) {
    let (mut read, mut lost) = (0, 0);
    for count in 1.. {
        if read + lost == PUBLISHERS * EACH {
            break;
        }
        match wait(
            &mut cursor,
            Limit {
                messages: turn,
                octets: 1000,
            },
        ) {
            Read::Batch(batch) => {
                for message in batch.messages {
                    read += 1;
                    assert_eq!(message.offset(), read + lost);
                }
            }
            Read::Gap(gap) => {
                assert_eq!(gap.first, Some(read + lost + 1));
                lost = gap.last.unwrap() - read;
                assert_eq!(gap.next.offset, read + lost);
            }
            Read::CaughtUp | Read::Deleted => unreachable!(),
        }
        if count % turn == 0 {
            cursor = hub
                .subscribe(name, Start::After(cursor.position()), NOW, 2)
                .unwrap();
        }
    }
    (read, lost)
}

#[test]
fn every_offset_is_read_or_told_lost_once_and_in_order() {
    let rows = [
        ("all is kept", 1_000_000, true),
        ("little is kept", 16, false),
    ];
    for (row, max_messages, all) in rows {
        let mut config = Config::default();
        config.max_messages = max_messages;
        config.max_octets = 1 << 30;
        let hub = Hub::new(config);
        let name = ChannelName::parse("a").unwrap();
        let cursors: Vec<_> = (0..3)
            .map(|_| hub.subscribe(&name, Start::Latest, NOW, 1).unwrap())
            .collect();
        thread::scope(|scope| {
            for (cursor, turn) in cursors.into_iter().zip([1, 7, 100]) {
                let (hub, name) = (&hub, &name);
                scope.spawn(move || {
                    let (read, lost) = account(hub, name, cursor, turn);
                    assert_eq!(read + lost, PUBLISHERS * EACH, "{row}");
                    assert!(lost == 0 || !all, "{row}");
                });
            }
            for _ in 0..PUBLISHERS {
                scope.spawn(|| {
                    for n in 0..EACH {
                        let payload = &n.to_be_bytes();
                        let kind = Kind::Binary;
                        let publish = Publish {
                            kind,
                            event: None,
                            payload,
                            key: None,
                        };
                        hub.publish(&name, publish, NOW, 3).unwrap();
                    }
                });
            }
        });
        assert_eq!(hub.info(&name, NOW).unwrap().cursors, 0, "{row}");
    }
}
