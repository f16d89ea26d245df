//! What a hub holds is bounded, and who must give way is the one that was not used longest.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use core::time::Duration;

use bytes::Bytes;
use tidings_hub::{
    ChannelName, Config, Cursor, Hub, Kind, Limit, Publish, PublishError, Read, Start,
    SubscribeError,
};

const NOW: Duration = Duration::from_secs(1000);

fn name(text: &str) -> ChannelName {
    ChannelName::parse(text).unwrap()
}

fn hub(set: impl FnOnce(&mut Config)) -> Hub {
    let mut config = Config::default();
    set(&mut config);
    Hub::new(config)
}

fn say(hub: &Hub, channel: &str, len: usize) -> Result<u64, PublishError> {
    let payload = &vec![b'x'; len];
    let publish = Publish {
        kind: Kind::Text,
        event: None,
        payload,
        key: None,
    };
    hub.publish(&name(channel), publish, NOW, 1)
        .map(|published| published.position.offset)
}

fn open(hub: &Hub, channel: &str) -> Result<Cursor, SubscribeError> {
    hub.subscribe(&name(channel), Start::Earliest, NOW, 1)
}

fn kept(hub: &Hub, channel: &str) -> usize {
    hub.info(&name(channel), NOW).unwrap().messages
}

const MAX: usize = 100_000;

/// Channels with one message of 20,000 octets each: four fit into [`MAX`].
fn full(names: &[&str]) -> Hub {
    let hub = hub(|config| config.max_total_octets = MAX);
    for channel in names {
        assert_eq!(say(&hub, channel, 20_000), Ok(1));
    }
    hub
}

#[test]
fn the_history_least_recently_used_gives_way_first() {
    let hub = full(&["a", "b", "c", "d"]);
    // Publishing and reading are uses; asking for the state is none.
    assert_eq!(say(&hub, "a", 1), Ok(2));
    drop(open(&hub, "b"));
    assert_eq!(kept(&hub, "c"), 1);
    for (channel, gives_way) in [("e", "c"), ("f", "d"), ("g", "a"), ("h", "b"), ("i", "e")] {
        assert_eq!(say(&hub, channel, 20_000), Ok(1));
        let oldest = hub.info(&name(gives_way), NOW).unwrap().oldest;
        assert_ne!(
            oldest.map(|oldest| oldest.offset),
            Some(1),
            "{gives_way} for {channel}"
        );
        assert!(hub.octets() <= MAX);
    }
    assert_eq!(
        (
            kept(&hub, "f"),
            kept(&hub, "g"),
            kept(&hub, "h"),
            kept(&hub, "i")
        ),
        (1, 1, 1, 1)
    );
}

#[test]
fn a_history_gives_way_oldest_first_and_no_more_than_is_needed() {
    let hub = hub(|config| config.max_total_octets = MAX);
    for offset in 1..=9 {
        assert_eq!(say(&hub, "a", 10_000), Ok(offset));
    }
    assert_eq!(say(&hub, "b", 25_000), Ok(1));
    let info = hub.info(&name("a"), NOW).unwrap();
    assert_eq!(info.oldest.map(|oldest| oldest.offset), Some(3));
    assert_eq!((info.position.offset, info.messages), (9, 7));
    assert_eq!(kept(&hub, "b"), 1);
}

#[test]
fn a_channel_that_fills_the_budget_alone_gives_way_to_itself() {
    let hub = hub(|config| config.max_total_octets = MAX);
    for offset in 1..=100 {
        assert_eq!(say(&hub, "a", 10_000), Ok(offset));
        assert!(hub.octets() <= MAX);
    }
    assert_eq!(kept(&hub, "a"), 9);
}

#[test]
fn a_history_with_a_subscriber_stays_and_the_publisher_is_refused() {
    let hub = full(&["a", "b", "c", "d"]);
    let cursors: Vec<_> = ["a", "b", "c", "d"]
        .map(|channel| open(&hub, channel).unwrap())
        .into();
    let before = hub.octets();
    assert_eq!(
        say(&hub, "a", 20_000),
        Err(PublishError::Budget { max: MAX })
    );
    assert_eq!(hub.octets(), before);
    for mut cursor in cursors {
        let read = cursor.read(Limit::default(), NOW);
        assert!(matches!(read, Read::Batch(batch) if batch.messages.len() == 1));
    }
    // The subscribers are gone, the one of "b" before those of "c" and "d".
    assert_eq!(say(&hub, "a", 20_000), Ok(2));
    assert_eq!(
        (kept(&hub, "a"), kept(&hub, "b"), kept(&hub, "c")),
        (2, 0, 1)
    );
}

#[test]
fn what_can_never_fit_takes_nothing_from_others() {
    let hub = full(&["a", "b", "c", "d"]);
    assert_eq!(say(&hub, "a", MAX), Err(PublishError::Budget { max: MAX }));
    assert!(
        ["a", "b", "c", "d"]
            .iter()
            .all(|channel| kept(&hub, channel) == 1)
    );
}

#[test]
fn a_full_channel_goes_on_in_a_full_budget() {
    // What its own retention drops pays for the next message, though a subscriber holds its
    // history.
    let hub = hub(|config| {
        config.max_messages = 4;
        config.max_total_octets = 45_000;
    });
    let _cursor = open(&hub, "a");
    for offset in 1..=50 {
        assert_eq!(say(&hub, "a", 10_000), Ok(offset));
        assert!(hub.octets() <= 45_000);
    }
    assert_eq!(kept(&hub, "a"), 4);
}

#[test]
fn a_form_past_the_budget_is_handed_out_and_not_kept() {
    let hub = full(&["a", "b", "c", "d"]);
    let mut cursor = open(&hub, "a").unwrap();
    let Read::Batch(batch) = cursor.read(Limit::default(), NOW) else {
        unreachable!()
    };
    let message = batch.messages.first().unwrap();
    let before = hub.octets();
    let mut made = 0;
    for _ in 0..2 {
        let form = message.form(0, || {
            made += 1;
            Bytes::from(vec![b'f'; 30_000])
        });
        assert_eq!((form.len(), hub.octets()), (30_000, before));
    }
    assert_eq!(made, 2);
}

#[test]
fn keys_count_in_the_budget_and_never_give_way() {
    let hub = hub(|config| config.max_total_octets = MAX);
    let publish = |key: u32| {
        let key = &key.to_be_bytes();
        let publish = Publish {
            kind: Kind::Text,
            event: None,
            payload: b"",
            key: Some(key),
        };
        hub.publish(&name("a"), publish, NOW, 1)
    };
    let first_refused = (0..10_000).find(|key| publish(*key).is_err()).unwrap();
    assert_eq!(
        publish(first_refused),
        Err(PublishError::Budget { max: MAX })
    );
    // Messages went for them, keys did not: each is answered as at first.
    assert!(kept(&hub, "a") < 10);
    assert!((0..first_refused).all(|key| publish(key).is_ok_and(|published| published.duplicate)));
    assert!(hub.octets() <= MAX);
    hub.sweep(NOW + Duration::from_secs(300));
    assert!(hub.octets() < 2000);
}

#[test]
fn a_name_past_max_channels_is_refused_and_others_go_on() {
    let hub = hub(|config| config.max_channels = 2);
    assert_eq!((say(&hub, "a", 1), say(&hub, "b", 1)), (Ok(1), Ok(1)));
    let full = PublishError::TooManyChannels { max: 2 };
    assert_eq!((say(&hub, "c", 1), say(&hub, "a", 1)), (Err(full), Ok(2)));
    assert_eq!(
        open(&hub, "c").err(),
        Some(SubscribeError::TooManyChannels { max: 2 })
    );
    assert!(hub.delete(&name("a"), NOW));
    assert_eq!((say(&hub, "c", 1), hub.channels()), (Ok(1), 2));
}

#[test]
fn records_of_channels_take_at_most_half_of_the_budget() {
    let hub = hub(|config| {
        config.max_channels = usize::MAX;
        config.max_total_octets = MAX;
    });
    let refused = (0..1000)
        .find(|n| open(&hub, &n.to_string()).is_err())
        .unwrap();
    assert_eq!(
        open(&hub, "x").err(),
        Some(SubscribeError::Budget { max: MAX })
    );
    assert_eq!(hub.channels(), refused);
    assert!((MAX / 2000..MAX / 400).contains(&refused), "{refused}");
    assert!(hub.octets() <= MAX / 2);
    // Names that nobody needs leave room for what is published.
    assert_eq!(say(&hub, "0", MAX / 3), Ok(1));
}

#[test]
fn as_many_names_as_publishes_stay_within_the_limits() {
    let max = 7 << 20;
    let hub = hub(|config| {
        config.max_channels = 5000;
        config.max_total_octets = max;
    });
    let mut said = 0;
    for n in 0..50_000 {
        match say(&hub, &n.to_string(), 1000) {
            Ok(_) => said += 1,
            Err(refused) => assert_eq!(refused, PublishError::TooManyChannels { max: 5000 }),
        }
        assert!(hub.octets() <= max);
    }
    assert_eq!((said, hub.channels()), (5000, 5000));
    assert_eq!(kept(&hub, "4999"), 1);
    // An hour after their last message, sweep by sweep, all are forgotten.
    let later = NOW + Duration::from_secs(2 * 3600);
    for _ in 0..10 {
        hub.sweep(later);
    }
    assert_eq!((hub.channels(), hub.octets()), (0, 0));
}

#[test]
fn a_sweep_does_bounded_work_and_the_next_goes_on() {
    let hub = hub(|config| config.max_messages = 100_000);
    for _ in 0..20_000 {
        say(&hub, "a", 1).unwrap();
    }
    let later = NOW + Duration::from_secs(300);
    let mut before = hub.octets();
    let mut sweeps = 0;
    while hub.octets() > 1000 {
        hub.sweep(later);
        assert!(hub.octets() < before);
        before = hub.octets();
        sweeps += 1;
    }
    assert!((3..6).contains(&sweeps), "{sweeps}");
}
