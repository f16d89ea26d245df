//! A hub beside a model that forgets nothing: a position resumes exactly or yields a gap, whatever happened in between.

use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Wake;

use tidings_hub::{
    Batch, ChannelName, Config, Cursor, EventName, Gap, GapReason, Hub, Kind, Limit, Position,
    Publish, PublishError, Read, Start,
};

use crate::choices::Choices;
use crate::cut::Dice;

const NAMES: [&str; 2] = ["a", "b"];
const MAX_MESSAGES: usize = 4;
const MAX_OCTETS: usize = 60;
const MAX_AGE: Duration = Duration::from_secs(10);
const MAX_KEYS: usize = 3;
const MAX_TOTAL: usize = 16 << 10;

fn hub() -> Hub {
    let mut config = Config::default();
    config.max_messages = MAX_MESSAGES;
    config.max_octets = MAX_OCTETS;
    config.max_age = Some(MAX_AGE);
    config.forget_after = Duration::from_secs(40);
    config.key_ttl = Duration::from_secs(15);
    config.max_keys = MAX_KEYS;
    config.max_total_octets = MAX_TOTAL;
    Hub::new(config)
}

/// All that was published in one life of a channel: message n is at n - 1.
struct Life {
    epoch: u64,
    payloads: Vec<Vec<u8>>,
}

/// Counts its calls.
#[derive(Default)]
struct Bell(AtomicUsize);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

struct Reader {
    cursor: Cursor,
    channel: usize,
    epoch: u64,
    /// What was read or told as lost so far; none where a gap is due at the next read.
    place: Option<u64>,
    /// The gap that is due.
    due: Option<(GapReason, Option<Position>)>,
    bell: Arc<Bell>,
    /// The calls of the bell when the wait began.
    parked: Option<usize>,
}

struct World {
    hub: Hub,
    now: Duration,
    lives: [Option<Life>; 2],
    readers: Vec<Reader>,
    positions: Vec<Position>,
    epochs: HashSet<u64>,
    dice: Dice,
}

/// Operations of the input on a hub of two channels.
pub fn hub_model(data: &[u8]) {
    let mut choices = Choices::new(data);
    let mut world = World {
        hub: hub(),
        now: Duration::from_secs(1),
        lives: [None, None],
        readers: Vec::new(),
        positions: Vec::new(),
        epochs: HashSet::new(),
        dice: Dice::of(data),
    };
    let mut steps = 0;
    while !choices.are_over() && steps < 400 {
        steps += 1;
        world.step(&mut choices);
        assert!(world.hub.octets() <= MAX_TOTAL, "bounded");
        world.check_channels();
    }
    world.readers.clear();
    for channel in NAMES {
        world.hub.delete(&name(channel), world.now);
    }
    assert_eq!(
        (world.hub.octets(), world.hub.channels()),
        (0, 0),
        "all is given back"
    );
}

fn name(text: &str) -> ChannelName {
    ChannelName::parse(text).expect("a legal name")
}

impl World {
    fn step(&mut self, choices: &mut Choices<'_>) {
        let operation = choices.octet();
        let channel = usize::from(operation >> 7);
        match operation & 15 {
            0..=4 => self.publish(channel, choices),
            5 | 6 => {
                let start = self.start(choices);
                self.subscribe(channel, start);
            }
            7..=10 if !self.readers.is_empty() => {
                let at = choices.below(self.readers.len());
                let limit = Limit {
                    messages: choices.below(6),
                    octets: choices.below(90),
                };
                self.read(at, limit, operation & 64 == 64);
            }
            11 if !self.readers.is_empty() => {
                let at = choices.below(self.readers.len());
                let position = self.readers[at].cursor.position();
                let channel = self.readers[at].channel;
                self.readers.swap_remove(at);
                self.subscribe(channel, Start::After(position));
            }
            12 if !self.readers.is_empty() => {
                let at = choices.below(self.readers.len());
                if operation & 64 == 64 {
                    self.readers[at].cursor.cancel();
                    self.readers[at].parked = None;
                } else {
                    self.readers.swap_remove(at);
                }
            }
            13 => {
                let was = self.lives[channel].take().is_some();
                assert_eq!(self.hub.delete(&name(NAMES[channel]), self.now), was);
                self.assert_woken(channel, was);
            }
            14 => {
                self.now += Duration::from_millis(u64::from(choices.octet()) * 200);
                self.hub.sweep(self.now);
            }
            15 if operation & 96 == 96 => {
                self.readers.clear();
                self.hub = hub();
                self.lives = [None, None];
            }
            _ => self.now += Duration::from_millis(u64::from(choices.octet()) * 40),
        }
    }

    /// The life of a channel that the hub told of; a fresh one where the epoch is another.
    fn life(&mut self, channel: usize, epoch: u64) -> &mut Life {
        let life = self.lives[channel].get_or_insert(Life {
            epoch,
            payloads: Vec::new(),
        });
        if life.epoch != epoch {
            *life = Life {
                epoch,
                payloads: Vec::new(),
            };
        }
        if life.payloads.is_empty() {
            self.epochs.insert(epoch);
        }
        life
    }

    fn publish(&mut self, channel: usize, choices: &mut Choices<'_>) {
        let key = choices.bit().then(|| [choices.octet() % 5]);
        let payload = choices.octets(70);
        let event = choices
            .bit()
            .then(|| EventName::parse("price").expect("legal"))
            .flatten();
        let kind = if choices.bit() {
            Kind::Text
        } else {
            Kind::Binary
        };
        let key_slice = key.as_ref().map(<[u8; 1]>::as_slice);
        let publish = Publish {
            kind,
            event,
            payload,
            key: key_slice,
        };
        let entropy = self.dice.next();
        let published = self
            .hub
            .publish(&name(NAMES[channel]), publish, self.now, entropy);
        let published = match published {
            Ok(published) => published,
            Err(PublishError::KeyReused | PublishError::TooManyKeys { max: MAX_KEYS }) => {
                assert!(key.is_some(), "only a key can be refused");
                return;
            }
            Err(PublishError::Budget { .. }) => return,
            Err(error) => panic!("{error}"),
        };
        let Position { epoch, offset } = published.position;
        let life = self.life(channel, epoch);
        if published.duplicate {
            assert!(key.is_some() && offset >= 1);
            assert_eq!(
                life.payloads[offset as usize - 1],
                payload,
                "the first one's answer"
            );
        } else {
            life.payloads.push(payload.to_vec());
            assert_eq!(
                offset,
                life.payloads.len() as u64,
                "offsets are contiguous from 1"
            );
            self.assert_woken(channel, true);
        }
        self.positions.push(published.position);
    }

    /// No wait outlives what it waited for.
    fn assert_woken(&mut self, channel: usize, news: bool) {
        for reader in self
            .readers
            .iter_mut()
            .filter(|reader| reader.channel == channel)
        {
            if news && let Some(before) = reader.parked.take() {
                assert!(
                    reader.bell.0.load(Ordering::Relaxed) > before,
                    "a lost wake"
                );
            }
        }
    }

    fn start(&mut self, choices: &mut Choices<'_>) -> Start {
        match choices.below(8) {
            0 => Start::Latest,
            1 => Start::Earliest,
            2 => Start::Back(choices.below(7) as u64),
            3 => Start::Unknown,
            _ if self.positions.is_empty() => Start::Unknown,
            _ => {
                let mut position = self.positions[choices.below(self.positions.len().min(256))];
                let text = position.to_string();
                assert_eq!(text.parse(), Ok(position));
                if choices.below(4) == 0 {
                    let by = i64::from(choices.octet() as i8);
                    position.offset = position.offset.saturating_add_signed(by);
                }
                Start::After(position)
            }
        }
    }

    fn subscribe(&mut self, channel: usize, start: Start) {
        let entropy = self.dice.next();
        let Ok(cursor) = self
            .hub
            .subscribe(&name(NAMES[channel]), start, self.now, entropy)
        else {
            return;
        };
        let info = self
            .hub
            .info(&name(NAMES[channel]), self.now)
            .expect("it exists from here on");
        let (epoch, top) = (info.position.epoch, info.position.offset);
        let kept_after = top - info.messages as u64;
        self.life(channel, epoch);
        let (place, due) = match start {
            Start::Latest => (Some(top), None),
            Start::Earliest => (Some(kept_after), None),
            Start::Back(count) => (Some(top.saturating_sub(count).max(kept_after)), None),
            Start::After(position) if position.epoch != epoch => {
                (None, Some((GapReason::Epoch, Some(position))))
            }
            Start::After(position) if position.offset > top => {
                (None, Some((GapReason::Future, Some(position))))
            }
            Start::After(position) => (Some(position.offset), None),
            Start::Unknown => (None, Some((GapReason::Unknown, None))),
        };
        match (place, start) {
            (Some(offset), _) => assert_eq!(cursor.position(), Position { epoch, offset }),
            (None, Start::After(asked)) => assert_eq!(cursor.position(), asked),
            (None, _) => assert!(
                !self.epochs.contains(&cursor.position().epoch),
                "no channel's"
            ),
        }
        self.positions.push(cursor.position());
        let bell = Arc::new(Bell::default());
        self.readers.push(Reader {
            cursor,
            channel,
            epoch,
            place,
            due,
            bell,
            parked: None,
        });
    }

    fn read(&mut self, at: usize, limit: Limit, parks: bool) {
        let reader = &mut self.readers[at];
        let read = if parks {
            let waker = Waker::from(Arc::clone(&reader.bell));
            match reader
                .cursor
                .poll_read(&mut Context::from_waker(&waker), limit, self.now)
            {
                Poll::Ready(Read::CaughtUp) => panic!("that is a wait"),
                Poll::Ready(read) => {
                    reader.parked = None;
                    read
                }
                Poll::Pending => {
                    reader.parked = Some(reader.bell.0.load(Ordering::Relaxed));
                    Read::CaughtUp
                }
            }
        } else {
            reader.cursor.read(limit, self.now)
        };
        let info = self.hub.info(&name(NAMES[reader.channel]), self.now);
        let info = info.filter(|info| info.position.epoch == reader.epoch);
        let life = self.lives[reader.channel]
            .as_ref()
            .filter(|life| life.epoch == reader.epoch);
        let (Some(info), Some(life)) = (info, life) else {
            assert!(
                matches!(read, Read::Deleted),
                "its channel has ended: {read:?}"
            );
            return;
        };
        let top = info.position.offset;
        let kept_after = top - info.messages as u64;
        assert_eq!(top, life.payloads.len() as u64);
        match (read, reader.place) {
            (Read::CaughtUp, Some(place)) => assert_eq!(place, top, "nothing is passed over"),
            (Read::Batch(batch), Some(place)) => {
                assert!(place >= kept_after, "what was trimmed is a gap");
                check_batch(&batch, place, life, limit);
                reader.place = Some(batch.position.offset);
            }
            (Read::Gap(gap), Some(place)) => {
                assert!(place < kept_after, "nothing was lost: {gap:?}");
                let asked = Some(Position {
                    epoch: reader.epoch,
                    offset: place,
                });
                let (first, last) = (Some(place + 1), Some(kept_after));
                let next = Position {
                    epoch: reader.epoch,
                    offset: kept_after,
                };
                assert_eq!(
                    gap,
                    Gap {
                        reason: GapReason::Trimmed,
                        asked,
                        first,
                        last,
                        next
                    }
                );
                reader.place = Some(kept_after);
            }
            (Read::Gap(gap), None) => {
                let (reason, asked) = reader.due.take().expect("a gap is due");
                let next = Position {
                    epoch: reader.epoch,
                    offset: kept_after,
                };
                assert_eq!(
                    gap,
                    Gap {
                        reason,
                        asked,
                        first: None,
                        last: None,
                        next
                    }
                );
                reader.place = Some(kept_after);
            }
            (read, place) => panic!("{read:?} at {place:?}, {:?} is due", reader.due),
        }
        self.positions.push(reader.cursor.position());
    }

    /// A channel ends by delete, or is forgotten by a sweep; no name ever meets an epoch of before.
    fn check_channels(&mut self) {
        for (channel, text) in NAMES.iter().enumerate() {
            let info = self.hub.info(&name(text), self.now);
            match (info, &self.lives[channel]) {
                (Some(info), Some(life)) => {
                    assert_eq!(info.position.epoch, life.epoch);
                    assert!(info.messages <= MAX_MESSAGES && info.held >= info.octets);
                    assert!(info.messages <= 1 || info.held <= MAX_OCTETS);
                    assert_eq!(info.oldest.is_some(), info.messages > 0);
                }
                (None, Some(_)) => {
                    let reads = |reader: &Reader| {
                        reader.channel == channel && {
                            let life = self.lives[channel].as_ref();
                            life.is_some_and(|life| life.epoch == reader.epoch)
                        }
                    };
                    assert!(
                        !self.readers.iter().any(reads),
                        "a channel that is read stays"
                    );
                    self.lives[channel] = None;
                }
                (None, None) => {}
                (Some(info), None) => {
                    // A subscribe or publish that was refused may have made the channel before.
                    assert_eq!(info.messages, 0);
                    self.life(channel, info.position.epoch);
                }
            }
        }
    }
}

fn check_batch(batch: &Batch, place: u64, life: &Life, limit: Limit) {
    assert!(!batch.messages.is_empty());
    assert!(batch.messages.len() <= limit.messages.max(1));
    let octets: usize = batch
        .messages
        .iter()
        .map(|message| message.payload().len())
        .sum();
    assert!(batch.messages.len() == 1 || octets <= limit.octets);
    for (message, offset) in batch.messages.iter().zip(place + 1..) {
        assert_eq!(
            message.position(),
            Position {
                epoch: life.epoch,
                offset
            }
        );
        assert_eq!(
            message.payload()[..],
            life.payloads[offset as usize - 1][..]
        );
        assert!(message.kind() == Kind::Binary || message.text().is_some());
    }
    let last = place + batch.messages.len() as u64;
    assert_eq!(
        batch.position,
        Position {
            epoch: life.epoch,
            offset: last
        }
    );
    assert_eq!(batch.more, last < life.payloads.len() as u64);
}
