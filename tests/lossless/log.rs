//! The oracle: what the hub acknowledged, and what every reader made of it.

use core::fmt;
use core::hash::{Hash, Hasher};
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::collections::{BTreeMap, HashMap};
use std::hash::DefaultHasher;
use std::sync::{Mutex, MutexGuard};

use tidings_client::{Data, Message};
use tidings_server::channels::Channels;
use tidings_server::hub::ChannelName;
use tidings_tests::published::{Published, message};

/// The one channel of all.
pub(crate) const CHANNEL: &str = "log";

/// What is known of the channel, whoever learned it.
pub(crate) struct Log {
    pub(crate) seed: u64,
    /// How many messages the channel keeps.
    pub(crate) history: u64,
    channels: Channels,
    name: ChannelName,
    known: Mutex<Known>,
    /// Nobody publishes meanwhile.
    quiet: AtomicBool,
    /// Where each reader is that does not fall behind on purpose.
    seen: Vec<AtomicU64>,
    delivered: AtomicU64,
    /// How many messages the publishers will have published together; each tells when it is done.
    publishing: AtomicU64,
}

#[derive(Default)]
struct Known {
    epoch: Option<String>,
    /// By offset: the number of the message that the hub acknowledged there.
    acknowledged: BTreeMap<u64, u64>,
    /// By offset: what the first of its readers got.
    got: HashMap<u64, u64>,
}

/// An epoch and an offset, as a position's token spells them.
pub(crate) fn split(position: &str) -> (&str, u64) {
    let (epoch, offset) = position.split_once('.').expect("EPOCH.OFFSET");
    (epoch, offset.parse().expect("an offset"))
}

fn fingerprint(message: &Published) -> u64 {
    let mut hasher = DefaultHasher::new();
    message.hash(&mut hasher);
    hasher.finish()
}

fn as_published(message: &Message) -> Published {
    let (binary, payload) = match &message.data {
        Data::Text(text) => (false, text.as_bytes()),
        Data::Binary(octets) => (true, &octets[..]),
    };
    Published {
        event: message.event.clone(),
        binary,
        payload: payload.to_vec(),
    }
}

impl Log {
    pub(crate) fn new(
        seed: u64,
        history: u64,
        publishers: u64,
        readers: usize,
        channels: Channels,
    ) -> Self {
        Self {
            seed,
            history,
            channels,
            name: ChannelName::parse(CHANNEL).unwrap(),
            known: Mutex::default(),
            quiet: AtomicBool::new(false),
            seen: (0..readers).map(|_| AtomicU64::new(0)).collect(),
            delivered: AtomicU64::new(0),
            publishing: AtomicU64::new(publishers),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap()
    }

    /// The offset of the newest message at this moment.
    pub(crate) fn top(&self) -> u64 {
        let info = self.channels.hub().info(&self.name, self.channels.now());
        info.map_or(0, |info| info.position.offset)
    }

    /// Messages that were handed out, to all readers together.
    pub(crate) fn delivered(&self) -> u64 {
        self.delivered.load(Ordering::Relaxed)
    }

    /// A reader is here. One that falls behind on purpose says that it is at the end.
    pub(crate) fn is_at(&self, reader: usize, offset: u64) {
        self.seen[reader].store(offset, Ordering::Relaxed);
    }

    /// Whether more than a tenth of the readers are further than `lead` behind the newest message.
    pub(crate) fn leaves_readers_behind(&self, lead: u64) -> bool {
        let top = self.top();
        let late = |seen: &&AtomicU64| top.saturating_sub(seen.load(Ordering::Relaxed)) > lead;
        self.seen.iter().filter(late).count() * 10 > self.seen.len()
    }

    pub(crate) fn be_quiet(&self, quiet: bool) {
        self.quiet.store(quiet, Ordering::Relaxed);
    }

    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet.load(Ordering::Relaxed)
    }

    pub(crate) fn publisher_is_done(&self) {
        self.publishing.fetch_sub(1, Ordering::Relaxed);
    }

    /// Whether nothing more is to be published.
    pub(crate) fn is_whole(&self) -> bool {
        self.publishing.load(Ordering::Relaxed) == 0
    }

    /// Checks that a position is of the one life of the channel, and gives its offset.
    pub(crate) fn offset(&self, position: &str) -> u64 {
        let (epoch, offset) = split(position);
        let mut known = self.lock();
        let one = known.epoch.get_or_insert_with(|| epoch.to_owned());
        assert_eq!(one, epoch, "the channel lives once");
        offset
    }

    pub(crate) fn acknowledge(&self, number: u64, position: &str) {
        let offset = self.offset(position);
        let before = self.lock().acknowledged.insert(offset, number);
        assert_eq!(
            before, None,
            "offset {offset} is acknowledged for {number} too"
        );
    }

    /// Takes what a reader got at an offset; every other reader must get the same.
    pub(crate) fn take(&self, offset: u64, message: &Message, who: &dyn fmt::Display) {
        let print = fingerprint(&as_published(message));
        let first = *self.lock().got.entry(offset).or_insert(print);
        assert_eq!(
            first, print,
            "{who}: offset {offset} is {message:?}, others got something else"
        );
        self.delivered.fetch_add(1, Ordering::Relaxed);
    }

    /// Compares all that was acknowledged with all that was published and all that was got.
    pub(crate) fn verify(&self, messages: u64) {
        let top = self.top();
        assert_eq!(top, messages, "each message is in the log once");
        let known = self.lock();
        let offsets = known.acknowledged.keys().copied();
        assert!(offsets.eq(1..=messages), "each offset is acknowledged");
        let mut numbers: Vec<u64> = known.acknowledged.values().copied().collect();
        numbers.sort_unstable();
        assert!(
            numbers.iter().copied().eq(0..messages),
            "each message is acknowledged"
        );
        for (offset, number) in &known.acknowledged {
            if let Some(got) = known.got.get(offset) {
                let want = fingerprint(&message(self.seed, *number));
                assert_eq!(*got, want, "offset {offset} is message {number}");
            }
        }
    }
}
