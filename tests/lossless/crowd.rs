//! Publishers that send again and never double, and readers that hop, nap, come back and fall behind on purpose.

use core::fmt;
use core::time::Duration;
use std::sync::Arc;

use tidings_client::{
    Gap, GapReason, Item, Publish, Publisher, Start, Subscribe, Subscription, Transport,
};
use tidings_tests::published::{Published, message};
use tidings_tests::random::Random;
use tokio::time::{Instant, sleep, timeout};

use crate::log::Log;

/// How fast a crowd lives.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// Longest pause of a publisher between two messages.
    pub(crate) publish: Duration,
    /// Publishers wait while a tenth of the readers are further behind.
    pub(crate) lead: Option<u64>,
    /// Longest nap of a reader.
    pub(crate) nap: Duration,
    /// How often a waiting reader looks whether all is over.
    pub(crate) tick: Duration,
    /// How long nothing may come before that is a failure.
    pub(crate) patience: Duration,
}

/// What the readers went through, to show that a run was worth it.
#[derive(Debug, Default, Clone)]
pub(crate) struct Told {
    pub(crate) items: u64,
    pub(crate) gaps: u64,
    /// Gaps whose range could be one only, since nothing was published meanwhile.
    pub(crate) exact: u64,
    pub(crate) lost: u64,
    pub(crate) hops: u64,
    pub(crate) reopened: u64,
    pub(crate) failed_opens: u64,
    /// Messages by transport.
    pub(crate) by: [u64; 4],
}

impl Told {
    pub(crate) fn add(&mut self, other: &Self) {
        self.items += other.items;
        self.gaps += other.gaps;
        self.exact += other.exact;
        self.lost += other.lost;
        self.hops += other.hops;
        self.reopened += other.reopened;
        self.failed_opens += other.failed_opens;
        for (sum, count) in self.by.iter_mut().zip(other.by) {
            *sum += count;
        }
    }
}

/// Publishes the messages `first`, `first + step` … below `end`, each under a key of its own.
pub(crate) async fn publish(
    log: Arc<Log>,
    mut publisher: Publisher,
    numbers: impl Iterator<Item = u64>,
    pace: Pace,
    mut random: Random,
) {
    for number in numbers {
        while log.is_quiet() {
            sleep(pace.tick).await;
        }
        if let Some(lead) = pace.lead {
            while log.leaves_readers_behind(lead) {
                sleep(Duration::from_millis(1)).await;
            }
        }
        let Published {
            event,
            binary,
            payload,
        } = message(log.seed, number);
        let mut publish = if binary {
            Publish::binary(payload)
        } else {
            Publish::text(String::from_utf8(payload).unwrap())
        };
        if let Some(event) = event {
            publish = publish.event(event);
        }
        let publish = publish.key(format!("message-{number}"));
        let begun = Instant::now();
        let position = loop {
            match publisher.publish(publish.clone()).await {
                Ok(position) => break position,
                // Its fate is unknown; the key is kept with the message.
                Err(error) => assert!(
                    error.is_transient() && begun.elapsed() < pace.patience,
                    "message {number}: {error}"
                ),
            }
        };
        log.acknowledge(number, &position);
        let pause = pace.publish.as_micros() as usize;
        if pause > 0 {
            sleep(Duration::from_micros(random.below(pause) as u64)).await;
        }
    }
    log.publisher_is_done();
}

/// One reader and where it is.
pub(crate) struct Reader<F> {
    pub(crate) number: usize,
    pub(crate) log: Arc<Log>,
    pub(crate) random: Random,
    pub(crate) pace: Pace,
    /// Makes a subscription that is not open yet.
    pub(crate) subscribe: F,
    /// Falls behind on purpose now and then.
    pub(crate) is_slow: bool,
    /// Those that it hops between, the first of [`Transport::ALL`]; who negotiates tries all.
    pub(crate) transports: usize,
    pub(crate) told: Told,
    /// All up to here was handed out, or told as lost.
    pub(crate) seen: Option<u64>,
    pub(crate) position: Option<String>,
    /// The newest offset when the server was last asked to begin.
    pub(crate) asked_at: u64,
}

impl<F> fmt::Display for Reader<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "reader {} behind {:?}", self.number, self.seen)
    }
}

impl<F: Fn() -> Subscribe> Reader<F> {
    /// Reads until all is published and all of it was handed out or told as lost.
    pub(crate) async fn run(mut self) -> Told {
        let start = match self.random.below(4) {
            0 => Start::Latest,
            1 => Start::Back(self.random.below(50) as u64),
            _ => Start::Earliest,
        };
        let mut subscription = None;
        while !self.is_done() {
            let mut open = match subscription.take() {
                Some(open) => open,
                None => self.open(&start).await,
            };
            self.sync(&open);
            let stay = 1 + self.random.below(60);
            self.read(&mut open, stay).await;
            subscription = self.go_on(open).await;
        }
        if let Some(open) = subscription {
            open.close().await;
        }
        self.told
    }

    fn is_done(&self) -> bool {
        self.log.is_whole() && self.seen == Some(self.log.top())
    }

    /// Opens a subscription where the last one ended, by a transport or by negotiation. A first attempt that fails is told,
    /// not mended, so it is made again.
    async fn open(&mut self, start: &Start) -> Subscription {
        self.told.reopened += 1;
        let begun = Instant::now();
        loop {
            self.asked_at = self.log.top();
            let start = match &self.position {
                Some(position) => Start::After(position.clone()),
                None => start.clone(),
            };
            let mut subscribe = (self.subscribe)().start(start);
            if self.random.percent(70) {
                subscribe = subscribe.via(Transport::ALL[self.random.below(self.transports)]);
            }
            match subscribe.open().await {
                Ok(open) => return open,
                Err(error) => {
                    assert!(begun.elapsed() < self.pace.patience, "{self}: {error}");
                    self.told.failed_opens += 1;
                }
            }
            sleep(self.pace.tick / 10).await;
        }
    }

    /// Takes over the first position, which nothing was handed out with.
    fn sync(&mut self, open: &Subscription) {
        let Some(position) = open.position() else {
            assert_eq!(self.seen, None, "{self}: the position is gone");
            return;
        };
        let offset = self.log.offset(position);
        match self.seen {
            None => self.seen = Some(offset),
            Some(seen) => assert_eq!(
                offset, seen,
                "{self}: the position is not what was handed out"
            ),
        }
        self.position = Some(position.to_owned());
        let at = if self.is_slow { u64::MAX } else { offset };
        self.log.is_at(self.number, at);
    }

    /// Reads up to so many items.
    async fn read(&mut self, open: &mut Subscription, items: usize) {
        let mut left = items;
        let mut last = Instant::now();
        while left > 0 && !self.is_done() {
            let Ok(next) = timeout(self.pace.tick, open.next()).await else {
                assert!(
                    last.elapsed() < self.pace.patience,
                    "{self}: nothing comes over {open:?}, the newest is {}",
                    self.log.top()
                );
                self.sync_first(open);
                // Who gets nothing goes on hopping all the sooner.
                left = left.saturating_sub(10);
                continue;
            };
            last = Instant::now();
            let item = match next {
                Some(Ok(item)) => item,
                end => panic!("{self}: {end:?} over {open:?}"),
            };
            match item {
                Item::Message(message) => {
                    let id = message.id.as_deref().expect("a position");
                    let offset = self.log.offset(id);
                    match self.seen {
                        Some(seen) => assert_eq!(
                            offset,
                            seen + 1,
                            "{self}: no loss, no double, no disorder, over {open:?}"
                        ),
                        // Its start is what came first.
                        None => assert!(offset <= self.log.top(), "{self}: {message:?}"),
                    }
                    self.log.take(offset, &message, &self);
                    self.seen = Some(offset);
                    self.told.items += 1;
                    self.told.by[open.transport() as usize] += 1;
                }
                Item::Gap(gap) => self.take_gap(&gap),
                Item::Transport(_) => {
                    self.sync_first(open);
                    continue;
                }
                other => panic!("{self}: {other:?}"),
            }
            left -= 1;
            self.sync(open);
        }
    }

    fn sync_first(&mut self, open: &Subscription) {
        if self.seen.is_none() && open.position().is_some() {
            self.sync(open);
        }
    }

    /// A gap names exactly what retention had dropped when the server read it, which was after it was asked.
    fn take_gap(&mut self, gap: &Gap) {
        let top = self.log.top();
        let what = format!(
            "{self}: {gap:?}, asked at {}, the newest is {top}",
            self.asked_at
        );
        let asked = gap.asked.as_deref().expect("a position");
        // Its start may be told by the gap itself.
        let seen = self.seen.unwrap_or_else(|| self.log.offset(asked));
        assert_eq!(gap.reason, GapReason::Trimmed, "{what}");
        assert_eq!(self.log.offset(asked), seen, "{what}");
        let last = self.log.offset(&gap.next);
        assert_eq!(
            (gap.first, gap.last),
            (Some(seen + 1), Some(last)),
            "{what}"
        );
        let history = self.log.history;
        let (low, high) = (
            self.asked_at.saturating_sub(history),
            top.saturating_sub(history),
        );
        assert!(
            last > seen && (low..=high).contains(&last),
            "{what}: retention has {history}"
        );
        self.told.gaps += 1;
        self.told.exact += u64::from(low == high);
        self.told.lost += last - seen;
        self.seen = Some(last);
    }

    /// What a reader does between two stays. `None` where the subscription was dropped.
    async fn go_on(&mut self, mut open: Subscription) -> Option<Subscription> {
        let nap = self.pace.nap.as_millis() as usize + 1;
        match self.random.below(100) {
            0..45 => {
                self.told.hops += 1;
                self.asked_at = self.log.top();
                open.switch(Transport::ALL[self.random.below(self.transports)]);
            }
            // It goes on where it is.
            45..60 => {}
            60..75 => {
                sleep(Duration::from_millis(self.random.below(nap) as u64)).await;
            }
            75..85 => return None,
            85..92 => {
                open.close().await;
                return None;
            }
            _ if self.is_slow => {
                let away = self.random.percent(50);
                let held = if away { None } else { Some(open) };
                self.fall_behind().await;
                return held;
            }
            _ => {}
        }
        Some(open)
    }

    /// Waits until the log has left it behind, and sometimes until nobody publishes.
    async fn fall_behind(&mut self) {
        let until = self.seen.unwrap_or(0) + self.log.history + 1 + self.random.below(200) as u64;
        let quiet = self.random.percent(60);
        while !self.log.is_whole() && (self.log.top() < until || (quiet && !self.log.is_quiet())) {
            sleep(self.pace.tick).await;
        }
    }
}
