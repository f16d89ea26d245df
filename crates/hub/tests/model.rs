//! A hub beside a plain model that forgets nothing: whatever happens, each read is exactly what the
//! model expects, so a position resumes exactly or yields a gap of exactly what was lost.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]
#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]
#![expect(
    clippy::cast_possible_truncation,
    reason = "offsets of a test are small"
)]

use core::time::Duration;
use std::collections::HashMap;

use proptest::prelude::*;
use proptest::sample::Index;
use tidings_hub::{
    ChannelName, Config, Cursor, EventName, Gap, GapReason, Hub, Kind, Limit, Position, Publish,
    PublishError, Read, Start,
};

const MAX_MESSAGES: usize = 5;
const MAX_OCTETS: usize = 64;
const MAX_AGE: Duration = Duration::from_secs(10);
const FORGET_AFTER: Duration = Duration::from_secs(60);
const KEY_TTL: Duration = Duration::from_secs(20);
const MAX_KEYS: usize = 3;

#[derive(Clone, Debug)]
enum Op {
    Publish {
        channel: usize,
        len: usize,
        event: bool,
        key: Option<u8>,
    },
    Subscribe {
        channel: usize,
        start: Begin,
    },
    Read {
        cursor: Index,
        limit: Limit,
    },
    /// Drops a cursor and resumes from its position.
    Reconnect {
        cursor: Index,
    },
    Drop {
        cursor: Index,
    },
    Delete {
        channel: usize,
    },
    Wait(Duration),
    Sweep,
    /// Another hub in place of this one; what was learned of positions stays.
    Restart,
}

#[derive(Clone, Debug)]
enum Begin {
    Latest,
    Earliest,
    Back(u64),
    /// A position that was handed out by whatever channel, shifted by some offsets.
    After(Index, i64),
    Unknown,
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let channel = 0..2_usize;
    let begin = prop_oneof![
        1 => Just(Begin::Latest),
        1 => Just(Begin::Earliest),
        1 => (0..8_u64).prop_map(Begin::Back),
        6 => (any::<Index>(), prop_oneof![5 => Just(0), 1 => -3..4_i64]).prop_map(|(i, by)| Begin::After(i, by)),
        1 => Just(Begin::Unknown),
    ];
    let limit = (0..7_usize, prop_oneof![0..40_usize, Just(1000)])
        .prop_map(|(messages, octets)| Limit { messages, octets });
    let op = prop_oneof![
        12 => (channel.clone(), prop_oneof![4 => 0..20_usize, 1 => 60..80_usize], any::<bool>(), prop::option::weighted(0.3, 0..5_u8))
            .prop_map(|(channel, len, event, key)| Op::Publish { channel, len, event, key }),
        6 => (channel.clone(), begin).prop_map(|(channel, start)| Op::Subscribe { channel, start }),
        12 => (any::<Index>(), limit).prop_map(|(cursor, limit)| Op::Read { cursor, limit }),
        4 => any::<Index>().prop_map(|cursor| Op::Reconnect { cursor }),
        3 => any::<Index>().prop_map(|cursor| Op::Drop { cursor }),
        1 => channel.prop_map(|channel| Op::Delete { channel }),
        4 => (0..15_000_u64).prop_map(|ms| Op::Wait(Duration::from_millis(ms))),
        1 => (50..100_u64).prop_map(|s| Op::Wait(Duration::from_secs(s))),
        3 => Just(Op::Sweep),
        1 => Just(Op::Restart),
    ];
    prop::collection::vec(op, 0..120)
}

/// Everything that was ever published in one life of a channel.
#[derive(Debug)]
struct Life {
    epoch: u64,
    messages: Vec<Said>,
    /// The offset before the oldest message kept.
    before_oldest: u64,
    keys: HashMap<u8, (Body, u64, Duration)>,
    cursors: usize,
    /// A channel is never forgotten before this, and always at a sweep after `FORGET_AFTER` from it
    /// on.
    touched: Duration,
    /// The same where a cursor was dropped, whose time the hub may take for earlier.
    dropped: Duration,
}

type Body = (usize, bool);

#[derive(Clone, Copy, Debug)]
struct Said {
    body: Body,
    at: Duration,
}

impl Life {
    fn top(&self) -> u64 {
        self.messages.len() as u64
    }

    fn position(&self, offset: u64) -> Position {
        Position {
            epoch: self.epoch,
            offset,
        }
    }

    fn kept(&self) -> &[Said] {
        &self.messages[self.before_oldest as usize..]
    }

    fn trim(&mut self, now: Duration) {
        while self.kept().len() > MAX_MESSAGES
            || self.kept().len() > 1 && self.kept().iter().map(octets).sum::<usize>() > MAX_OCTETS
            || self
                .kept()
                .first()
                .is_some_and(|oldest| oldest.at + MAX_AGE <= now)
        {
            self.touched = self.touched.max(now.min(self.kept()[0].at + MAX_AGE));
            self.before_oldest += 1;
        }
        self.keys.retain(|_, (_, _, ends_at)| *ends_at > now);
    }
}

fn octets(said: &Said) -> usize {
    said.body.0 + if said.body.1 { "price".len() } else { 0 }
}

/// A cursor beside what the model knows of it.
struct Reader {
    cursor: Cursor,
    channel: usize,
    life: u64,
    place: Result<u64, (GapReason, Option<Position>)>,
}

struct World {
    hub: Hub,
    now: Duration,
    lives: [Option<Life>; 2],
    readers: Vec<Reader>,
    /// All positions that were handed out, by all hubs.
    positions: Vec<Position>,
    entropy: u64,
}

fn hub() -> Hub {
    let mut config = Config::default();
    config.max_messages = MAX_MESSAGES;
    config.max_octets = MAX_OCTETS;
    config.max_age = Some(MAX_AGE);
    config.forget_after = FORGET_AFTER;
    config.key_ttl = KEY_TTL;
    config.max_keys = MAX_KEYS;
    Hub::new(config)
}

fn name(channel: usize) -> ChannelName {
    ChannelName::parse(["a", "b"][channel]).unwrap()
}

fn payload(len: usize, channel: usize, offset: u64) -> Vec<u8> {
    // The first octets tell messages apart, so that a swap would show.
    let mut payload = format!("{channel}.{offset}.").into_bytes();
    payload.resize(len, b'x');
    payload
}

impl World {
    fn new() -> Self {
        let (lives, readers) = ([None, None], Vec::new());
        Self {
            hub: hub(),
            now: Duration::from_secs(1),
            lives,
            readers,
            positions: Vec::new(),
            entropy: 0,
        }
    }

    /// Fresh for every call, spread like random bits.
    fn entropy(&mut self) -> u64 {
        self.entropy += 1;
        self.entropy.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    /// The life of a channel at this moment; one begins where there is none.
    fn life(&mut self, channel: usize, entropy: u64) -> &mut Life {
        let now = self.now;
        let life = self.lives[channel].get_or_insert_with(|| Life {
            epoch: entropy,
            messages: Vec::new(),
            before_oldest: 0,
            keys: HashMap::new(),
            cursors: 0,
            touched: now,
            dropped: now,
        });
        life.trim(now);
        life.touched = now;
        life
    }

    fn run(&mut self, op: Op) {
        match op {
            Op::Publish {
                channel,
                len,
                event,
                key,
            } => self.publish(channel, (len, event), key),
            Op::Subscribe { channel, start } => self.subscribe(channel, &start),
            Op::Read { cursor, limit } if !self.readers.is_empty() => {
                self.read(cursor.index(self.readers.len()), limit);
            }
            Op::Reconnect { cursor } if !self.readers.is_empty() => {
                let at = cursor.index(self.readers.len());
                let (channel, position) =
                    (self.readers[at].channel, self.readers[at].cursor.position());
                self.drop_reader(at);
                self.subscribe_at(channel, Start::After(position));
            }
            Op::Drop { cursor } if !self.readers.is_empty() => {
                self.drop_reader(cursor.index(self.readers.len()));
            }
            Op::Read { .. } | Op::Reconnect { .. } | Op::Drop { .. } => {}
            Op::Delete { channel } => {
                let was = self.lives[channel].take().is_some();
                assert_eq!(self.hub.delete(&name(channel), self.now), was);
            }
            Op::Wait(time) => self.now += time,
            Op::Sweep => self.sweep(),
            Op::Restart => {
                self.hub = hub();
                self.lives = [None, None];
                self.readers.clear();
            }
        }
    }

    fn publish(&mut self, channel: usize, body: Body, key: Option<u8>) {
        let (now, entropy) = (self.now, self.entropy());
        let life = self.life(channel, entropy);
        let top = life.top();
        let want = match key.map(|key| (life.keys.get(&key), life.keys.len() >= MAX_KEYS)) {
            Some((Some((same, offset, _)), _)) if *same == body => Ok((*offset, true)),
            Some((Some(_), _)) => Err(PublishError::KeyReused),
            Some((None, true)) => Err(PublishError::TooManyKeys { max: MAX_KEYS }),
            Some((None, false)) | None => Ok((top + 1, false)),
        };
        // A repeated publish has the body of the first one.
        let offset = want.map_or(top + 1, |(offset, _)| offset);
        let text = payload(body.0, channel, offset);
        if want == Ok((top + 1, false)) {
            life.messages.push(Said { body, at: now });
            life.trim(now);
            if let Some(key) = key {
                life.keys.insert(key, (body, top + 1, now + KEY_TTL));
            }
        }
        let (epoch, cursors) = (life.epoch, life.cursors);
        let event = if body.1 {
            EventName::parse("price").unwrap()
        } else {
            None
        };
        let key = key.map(|key| [key]);
        let key = key.as_ref().map(<[u8; 1]>::as_slice);
        let publish = Publish {
            kind: Kind::Text,
            event,
            payload: &text,
            key,
        };
        let got = self.hub.publish(&name(channel), publish, now, entropy);
        assert_eq!(got.map(|p| (p.position.offset, p.duplicate)), want);
        if let Ok(published) = got {
            assert_eq!(
                (published.position.epoch, published.receivers),
                (epoch, cursors)
            );
            self.positions.push(published.position);
        }
    }

    fn subscribe(&mut self, channel: usize, begin: &Begin) {
        let start = match begin {
            Begin::Latest => Start::Latest,
            Begin::Earliest => Start::Earliest,
            Begin::Back(count) => Start::Back(*count),
            Begin::After(index, by) if !self.positions.is_empty() => {
                let mut position = *index.get(&self.positions);
                position.offset = position.offset.saturating_add_signed(*by);
                Start::After(position)
            }
            Begin::After(..) | Begin::Unknown => Start::Unknown,
        };
        self.subscribe_at(channel, start);
    }

    fn subscribe_at(&mut self, channel: usize, start: Start) {
        let (now, entropy) = (self.now, self.entropy());
        let life = self.life(channel, entropy);
        life.cursors += 1;
        let (top, oldest) = (life.top(), life.before_oldest);
        let place = match start {
            Start::Latest => Ok(top),
            Start::Earliest => Ok(oldest),
            Start::Back(count) => Ok(top.saturating_sub(count).max(oldest)),
            Start::After(p) if p.epoch != life.epoch => Err((GapReason::Epoch, Some(p))),
            Start::After(p) if p.offset > top => Err((GapReason::Future, Some(p))),
            Start::After(p) => Ok(p.offset),
            Start::Unknown => Err((GapReason::Unknown, None)),
        };
        let life = life.epoch;
        let cursor = self
            .hub
            .subscribe(&name(channel), start, now, entropy)
            .unwrap();
        let asked = match place {
            Ok(offset) => Some(Position {
                epoch: life,
                offset,
            }),
            Err((_, asked)) => asked,
        };
        match asked {
            Some(position) => assert_eq!(cursor.position(), position),
            None => assert_ne!(cursor.position().epoch, life),
        }
        self.positions.push(cursor.position());
        self.readers.push(Reader {
            cursor,
            channel,
            life,
            place,
        });
    }

    fn read(&mut self, at: usize, limit: Limit) {
        let now = self.now;
        let Reader {
            cursor,
            channel,
            life,
            place,
        } = &mut self.readers[at];
        let got = cursor.read(limit, now);
        let Some(life) = self.lives[*channel]
            .as_mut()
            .filter(|alive| alive.epoch == *life)
        else {
            assert!(matches!(got, Read::Deleted), "{got:?}");
            return;
        };
        life.trim(now);
        let next = life.position(life.before_oldest);
        let gap = |reason, asked, first, last| Gap {
            reason,
            asked,
            first,
            last,
            next,
        };
        let lost = match *place {
            Err((reason, asked)) => Some(gap(reason, asked, None, None)),
            Ok(offset) if offset < next.offset => {
                let asked = Some(life.position(offset));
                Some(gap(
                    GapReason::Trimmed,
                    asked,
                    Some(offset + 1),
                    Some(next.offset),
                ))
            }
            Ok(_) => None,
        };
        match (got, lost, *place) {
            (Read::Gap(told), Some(lost), _) => {
                assert_eq!(told, lost);
                *place = Ok(next.offset);
            }
            (Read::CaughtUp, None, Ok(offset)) => assert_eq!(offset, life.top()),
            (Read::Batch(batch), None, Ok(offset)) => {
                let waiting = &life.messages[offset as usize..];
                let mut sum = 0;
                let fits = |said: &&Said| {
                    sum += said.body.0;
                    sum <= limit.octets
                };
                let fit = waiting
                    .iter()
                    .take_while(fits)
                    .count()
                    .min(limit.messages)
                    .max(1);
                assert_eq!(batch.messages.len(), fit);
                assert_eq!(batch.more, fit < waiting.len());
                for (message, (said, offset)) in
                    batch.messages.iter().zip(waiting.iter().zip(offset + 1..))
                {
                    assert_eq!(message.position(), life.position(offset));
                    assert_eq!(message.payload(), &payload(said.body.0, *channel, offset));
                    assert_eq!(message.event().is_some(), said.body.1);
                    assert_eq!(message.published_at(), said.at);
                }
                assert_eq!(batch.position, life.position(offset + fit as u64));
                *place = Ok(batch.position.offset);
            }
            (got, lost, place) => {
                panic!("{got:?} where {lost:?} or the message after {place:?} is due")
            }
        }
        assert_eq!(
            Ok(cursor.position()),
            place.map(|offset| life.position(offset))
        );
        self.positions.push(cursor.position());
    }

    fn drop_reader(&mut self, at: usize) {
        let reader = self.readers.swap_remove(at);
        if let Some(life) = self.lives[reader.channel]
            .as_mut()
            .filter(|life| life.epoch == reader.life)
        {
            life.cursors -= 1;
            life.dropped = self.now;
        }
    }

    fn sweep(&mut self) {
        self.hub.sweep(self.now);
        for channel in 0..2 {
            let Some(life) = &mut self.lives[channel] else {
                continue;
            };
            life.trim(self.now);
            let idle = life.kept().is_empty() && life.keys.is_empty() && life.cursors == 0;
            let may = idle && life.touched + FORGET_AFTER <= self.now;
            let must = may && life.dropped + FORGET_AFTER <= self.now;
            let forgotten = self.hub.info(&name(channel), self.now).is_none();
            assert!(
                if forgotten { may } else { !must },
                "forgotten: {forgotten}, {life:?}"
            );
            if forgotten {
                self.lives[channel] = None;
            }
        }
    }

    fn check(&mut self) {
        for channel in 0..2 {
            let info = self.hub.info(&name(channel), self.now);
            assert_eq!(info.is_some(), self.lives[channel].is_some());
            let (Some(info), Some(life)) = (info, &mut self.lives[channel]) else {
                continue;
            };
            life.trim(self.now);
            assert_eq!(info.position, life.position(life.top()));
            assert_eq!(info.messages, life.kept().len());
            assert_eq!(
                info.octets,
                life.kept().iter().map(|said| said.body.0).sum::<usize>()
            );
            assert_eq!(info.held, life.kept().iter().map(octets).sum::<usize>());
            assert_eq!(info.cursors, life.cursors);
            let oldest = (info.messages > 0).then(|| life.position(life.before_oldest + 1));
            assert_eq!(info.oldest, oldest);
        }
        assert_eq!(self.hub.channels(), self.lives.iter().flatten().count());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_position_resumes_exactly_or_yields_a_gap_of_what_was_lost(ops in ops()) {
        let mut world = World::new();
        for op in ops {
            world.run(op);
            world.check();
        }
        // All that was counted is given back in the end.
        for channel in 0..2 {
            world.hub.delete(&name(channel), world.now);
        }
        assert_eq!(world.hub.octets(), 0);
    }
}
