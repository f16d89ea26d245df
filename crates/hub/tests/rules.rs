//! The rules of channels, one by one.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use core::sync::atomic::{AtomicUsize, Ordering};
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::sync::Arc;
use std::task::Wake;

use bytes::{Bytes, BytesMut};
use tidings_hub::{
    ChannelName, Config, Cursor, EventName, FORMS, Gap, GapReason, Hub, Kind, Limit, Message,
    Position, Publish, PublishError, Read, Start,
};

const NOW: Duration = Duration::from_secs(1000);
const EPOCH: u64 = 0x9f3a_61c2_b0d4_e877;
const ALL: Limit = Limit {
    messages: 1000,
    octets: 1 << 20,
};

fn name(text: &str) -> ChannelName {
    ChannelName::parse(text).unwrap()
}

fn hub(set: impl FnOnce(&mut Config)) -> Hub {
    let mut config = Config::default();
    set(&mut config);
    Hub::new(config)
}

fn text(payload: &[u8]) -> Publish<'_> {
    Publish {
        kind: Kind::Text,
        event: None,
        payload,
        key: None,
    }
}

/// Publishes to channel `a`.
fn say(hub: &Hub, payload: &[u8], now: Duration) -> Position {
    hub.publish(&name("a"), text(payload), now, EPOCH)
        .unwrap()
        .position
}

/// Opens a cursor on channel `a`.
fn open(hub: &Hub, start: Start, now: Duration) -> Cursor {
    hub.subscribe(&name("a"), start, now, EPOCH).unwrap()
}

fn at(offset: u64) -> Position {
    Position {
        epoch: EPOCH,
        offset,
    }
}

fn offsets(read: &Read) -> Vec<u64> {
    let Read::Batch(batch) = read else {
        panic!("a batch is due: {read:?}")
    };
    batch
        .messages
        .iter()
        .map(|message| message.offset())
        .collect()
}

fn message(hub: &Hub) -> Arc<Message> {
    let Read::Batch(batch) = open(hub, Start::Back(1), NOW).read(ALL, NOW) else {
        panic!("a message is due")
    };
    Arc::clone(batch.messages.first().unwrap())
}

#[test]
fn every_start_leads_to_its_place() {
    // Five messages, of which 4 and 5 are kept.
    let hub = hub(|config| config.max_messages = 2);
    for _ in 0..5 {
        say(&hub, b"x", NOW);
    }
    let other = Position {
        epoch: 1,
        offset: 4,
    };
    let gap = |reason, asked, first, last| Gap {
        reason,
        asked,
        first,
        last,
        next: at(3),
    };
    let trimmed = |asked: u64| {
        gap(
            GapReason::Trimmed,
            Some(at(asked)),
            Some(asked + 1),
            Some(3),
        )
    };
    type Row = (&'static str, Start, Result<&'static [u64], Gap>);
    let rows: [Row; 15] = [
        ("latest", Start::Latest, Ok(&[])),
        ("earliest", Start::Earliest, Ok(&[4, 5])),
        ("none back", Start::Back(0), Ok(&[])),
        ("one back", Start::Back(1), Ok(&[5])),
        ("further back than is kept", Start::Back(4), Ok(&[4, 5])),
        (
            "further back than there ever was",
            Start::Back(u64::MAX),
            Ok(&[4, 5]),
        ),
        ("after the newest", Start::After(at(5)), Ok(&[])),
        ("after one that is kept", Start::After(at(4)), Ok(&[5])),
        ("just before what is kept", Start::After(at(3)), Ok(&[4, 5])),
        ("one lost", Start::After(at(2)), Err(trimmed(2))),
        (
            "from the very beginning",
            Start::After(at(0)),
            Err(trimmed(0)),
        ),
        (
            "the future",
            Start::After(at(6)),
            Err(gap(GapReason::Future, Some(at(6)), None, None)),
        ),
        (
            "the end of time",
            Start::After(at(u64::MAX)),
            Err(gap(GapReason::Future, Some(at(u64::MAX)), None, None)),
        ),
        (
            "another epoch",
            Start::After(other),
            Err(gap(GapReason::Epoch, Some(other), None, None)),
        ),
        (
            "not readable",
            Start::Unknown,
            Err(gap(GapReason::Unknown, None, None, None)),
        ),
    ];
    for (row, start, want) in rows {
        let mut cursor = open(&hub, start, NOW);
        match (cursor.read(ALL, NOW), want) {
            (Read::CaughtUp, Ok([])) => {}
            (Read::Gap(gap), Err(want)) => {
                assert_eq!(gap, want, "{row}");
                assert_eq!(cursor.position(), at(3), "{row}");
                assert_eq!(
                    offsets(&cursor.read(ALL, NOW)),
                    [4, 5],
                    "{row}: all that is kept follows"
                );
            }
            (read, Ok(want)) => assert_eq!(offsets(&read), want, "{row}"),
            (read, Err(_)) => panic!("{row}: {read:?}"),
        }
        assert!(matches!(cursor.read(ALL, NOW), Read::CaughtUp), "{row}");
        assert_eq!(cursor.position(), at(5), "{row}");
    }
}

#[test]
fn an_empty_channel_has_a_position_that_resumes() {
    let hub = hub(|_| {});
    let cursor = open(&hub, Start::Latest, NOW);
    assert_eq!(cursor.position(), at(0));
    say(&hub, b"1", NOW);
    let mut resumed = open(&hub, Start::After(cursor.position()), NOW);
    assert_eq!(offsets(&resumed.read(ALL, NOW)), [1]);
}

#[test]
fn a_quiet_subscriber_at_the_top_is_never_told_a_gap() {
    let hub = hub(|_| {});
    let position = say(&hub, b"1", NOW);
    let mut waits = open(&hub, Start::Latest, NOW);
    // The message is gone; with a subscriber the channel stays, however long.
    let mut now = NOW;
    for _ in 0..100 {
        now += Duration::from_secs(3600);
        hub.sweep(now);
    }
    assert_eq!(hub.info(&name("a"), now).unwrap().messages, 0);
    assert!(matches!(waits.read(ALL, now), Read::CaughtUp));
    let mut resumes = open(&hub, Start::After(position), now);
    assert!(matches!(resumes.read(ALL, now), Read::CaughtUp));
    assert_eq!(say(&hub, b"2", now), at(2));
    assert_eq!(offsets(&resumes.read(ALL, now)), [2]);
    assert_eq!(offsets(&waits.read(ALL, now)), [2]);
}

#[test]
fn one_who_was_behind_when_all_aged_out_is_told_what_was_lost() {
    let hub = hub(|_| {});
    let mut cursor = open(&hub, Start::Latest, NOW);
    say(&hub, b"1", NOW);
    say(&hub, b"2", NOW);
    let later = NOW + Duration::from_secs(300);
    let Read::Gap(gap) = cursor.read(ALL, later) else {
        panic!("a gap is due")
    };
    let (first, last) = (Some(1), Some(2));
    let want = Gap {
        reason: GapReason::Trimmed,
        asked: Some(at(0)),
        first,
        last,
        next: at(2),
    };
    assert_eq!(gap, want);
    assert!(matches!(cursor.read(ALL, later), Read::CaughtUp));
}

#[test]
fn a_message_is_kept_for_max_age_and_not_longer() {
    let rows = [("just before", 299_999, 1), ("at its age", 300_000, 0)];
    for (row, millis, kept) in rows {
        let hub = hub(|_| {});
        say(&hub, b"1", NOW);
        let info = hub
            .info(&name("a"), NOW + Duration::from_millis(millis))
            .unwrap();
        assert_eq!((info.messages, info.position), (kept, at(1)), "{row}");
    }
    let hub = hub(|config| config.max_age = None);
    say(&hub, b"1", NOW);
    assert_eq!(
        hub.info(&name("a"), Duration::MAX).unwrap().messages,
        1,
        "without end"
    );
}

#[test]
fn the_newest_message_is_kept_whatever_its_size() {
    let hub = hub(|config| config.max_octets = 10);
    say(&hub, b"12345", NOW);
    say(&hub, b"67890", NOW);
    assert_eq!(hub.info(&name("a"), NOW).unwrap().messages, 2);
    say(&hub, &[b'x'; 1000], NOW);
    let info = hub.info(&name("a"), NOW).unwrap();
    assert_eq!(
        (info.messages, info.octets, info.oldest),
        (1, 1000, Some(at(3)))
    );
    say(&hub, b"1", NOW);
    assert_eq!(hub.info(&name("a"), NOW).unwrap().oldest, Some(at(4)));
}

#[test]
fn a_read_hands_out_no_more_than_its_limit_and_at_least_one_message() {
    let hub = hub(|_| {});
    for len in [10, 10, 50, 1, 1] {
        say(&hub, &vec![b'x'; len], NOW);
    }
    type Row = (&'static str, u64, usize, usize, &'static [u64], bool);
    let rows: [Row; 8] = [
        ("all", 0, 5, 72, &[1, 2, 3, 4, 5], false),
        ("by messages", 0, 2, 1000, &[1, 2], true),
        ("by octets, exactly", 0, 5, 20, &[1, 2], true),
        ("by octets, one short", 0, 5, 19, &[1], true),
        ("one larger than the limit", 2, 5, 20, &[3], true),
        ("no messages asked", 0, 0, 1000, &[1], true),
        ("no octets asked", 0, 5, 0, &[1], true),
        ("the last", 4, 1, 1, &[5], false),
    ];
    for (row, after, messages, octets, want, more) in rows {
        let mut cursor = open(&hub, Start::After(at(after)), NOW);
        let read = cursor.read(Limit { messages, octets }, NOW);
        assert_eq!(offsets(&read), want, "{row}");
        let Read::Batch(batch) = read else { continue };
        assert_eq!(
            (batch.more, batch.position),
            (more, cursor.position()),
            "{row}"
        );
    }
}

#[test]
fn a_deleted_channel_ends_its_cursors_and_comes_back_under_another_epoch() {
    let hub = hub(|_| {});
    let position = say(&hub, b"1", NOW);
    let mut cursor = open(&hub, Start::Latest, NOW);
    assert!(hub.delete(&name("a"), NOW));
    assert!(!hub.delete(&name("a"), NOW));
    assert_eq!((hub.channels(), hub.octets()), (0, 0));
    assert_eq!(hub.info(&name("a"), NOW), None);
    // The source of randomness got stuck.
    let back = say(&hub, b"2", NOW);
    assert_ne!(back.epoch, position.epoch);
    assert_eq!(back.offset, 1);
    for _ in 0..2 {
        assert!(
            matches!(cursor.read(ALL, NOW), Read::Deleted),
            "of the channel that was, for ever"
        );
    }
    let Read::Gap(gap) = open(&hub, Start::After(position), NOW).read(ALL, NOW) else {
        panic!("a gap is due")
    };
    let next = Position {
        epoch: back.epoch,
        offset: 0,
    };
    assert_eq!(
        (gap.reason, gap.asked, gap.next),
        (GapReason::Epoch, Some(position), next)
    );
}

#[test]
fn a_channel_without_message_key_and_cursor_is_forgotten() {
    let hour = Duration::from_secs(3600);
    let (age, second) = (Duration::from_secs(300), Duration::from_secs(1));
    let plain = |hub: &Hub| {
        say(hub, b"1", NOW);
    };
    let keyed = |hub: &Hub| {
        let publish = Publish {
            key: Some(b"k"),
            ..text(b"1")
        };
        hub.publish(&name("a"), publish, NOW, EPOCH).unwrap();
    };
    type Row<'a> = (&'a str, &'a dyn Fn(&Hub), Duration, bool);
    let rows: [Row<'_>; 6] = [
        ("an hour after its message went", &plain, age + hour, true),
        ("a second before", &plain, age + hour - second, false),
        ("its key lives for two hours", &keyed, age + hour, false),
        ("its key is over", &keyed, 2 * hour, true),
        (
            "never published to",
            &|hub| drop(open(hub, Start::Latest, NOW)),
            hour,
            true,
        ),
        (
            "used since",
            &|hub| drop(open(hub, Start::Latest, NOW + second)),
            hour,
            false,
        ),
    ];
    for (row, prepare, after, forgotten) in rows {
        let hub = hub(|config| config.key_ttl = 2 * hour);
        prepare(&hub);
        hub.sweep(NOW + after);
        assert_eq!(hub.channels() == 0, forgotten, "{row}");
        assert_eq!(hub.octets() == 0, forgotten, "{row}");
    }
}

#[test]
fn a_key_makes_one_message_and_answers_as_at_first() {
    let hub = hub(|config| config.max_keys = 2);
    let event = EventName::parse("e").unwrap();
    let base = Publish {
        kind: Kind::Text,
        event,
        payload: b"1",
        key: Some(b"k1"),
    };
    let ttl = Duration::from_secs(300);
    type Row<'a> = (
        &'a str,
        Publish<'a>,
        Duration,
        Result<(u64, bool), PublishError>,
    );
    let rows: [Row<'_>; 12] = [
        ("first", base.clone(), NOW, Ok((1, false))),
        ("again", base.clone(), NOW, Ok((1, true))),
        (
            "another body",
            Publish {
                payload: b"2",
                ..base.clone()
            },
            NOW,
            Err(PublishError::KeyReused),
        ),
        (
            "another event",
            Publish {
                event: None,
                ..base.clone()
            },
            NOW,
            Err(PublishError::KeyReused),
        ),
        (
            "another kind",
            Publish {
                kind: Kind::Binary,
                ..base.clone()
            },
            NOW,
            Err(PublishError::KeyReused),
        ),
        (
            "another key",
            Publish {
                key: Some(b"k2"),
                ..base.clone()
            },
            NOW,
            Ok((2, false)),
        ),
        (
            "a key too many",
            Publish {
                key: Some(b"k3"),
                ..base.clone()
            },
            NOW,
            Err(PublishError::TooManyKeys { max: 2 }),
        ),
        (
            "no key",
            Publish {
                key: None,
                ..base.clone()
            },
            NOW,
            Ok((3, false)),
        ),
        ("a known key at the limit", base.clone(), NOW, Ok((1, true))),
        (
            "the last moment",
            base.clone(),
            NOW + ttl - Duration::from_millis(1),
            Ok((1, true)),
        ),
        ("its time is over", base.clone(), NOW + ttl, Ok((4, false))),
        (
            "room again",
            Publish {
                key: Some(b"k3"),
                ..base.clone()
            },
            NOW + ttl,
            Ok((5, false)),
        ),
    ];
    for (row, publish, now, want) in rows {
        let got = hub.publish(&name("a"), publish, now, EPOCH);
        assert_eq!(got.map(|p| (p.position.offset, p.duplicate)), want, "{row}");
    }
}

#[test]
fn a_key_is_of_one_channel() {
    let hub = hub(|_| {});
    let publish = |payload| Publish {
        key: Some(b"k"),
        ..text(payload)
    };
    assert!(
        !hub.publish(&name("a"), publish(b"1"), NOW, 1)
            .unwrap()
            .duplicate
    );
    assert!(
        !hub.publish(&name("b"), publish(b"2"), NOW, 2)
            .unwrap()
            .duplicate
    );
}

#[test]
fn a_repeated_publish_is_answered_when_its_message_is_gone() {
    let hub = hub(|config| config.max_messages = 1);
    let publish = Publish {
        key: Some(b"k"),
        ..text(b"1")
    };
    let first = hub
        .publish(&name("a"), publish.clone(), NOW, EPOCH)
        .unwrap();
    say(&hub, b"2", NOW);
    let again = hub.publish(&name("a"), publish, NOW, EPOCH).unwrap();
    assert_eq!((again.position, again.duplicate), (first.position, true));
    assert_eq!(hub.info(&name("a"), NOW).unwrap().position, at(2));
}

#[test]
fn text_is_utf_8_and_what_is_not_is_binary() {
    type Row = (
        &'static str,
        Kind,
        &'static [u8],
        Kind,
        Option<&'static str>,
    );
    let rows: [Row; 4] = [
        ("text", Kind::Text, "é".as_bytes(), Kind::Text, Some("é")),
        ("empty", Kind::Text, b"", Kind::Text, Some("")),
        ("cut text", Kind::Text, b"\xc3", Kind::Binary, None),
        ("binary by word", Kind::Binary, b"abc", Kind::Binary, None),
    ];
    for (row, kind, payload, want, as_text) in rows {
        let hub = hub(|_| {});
        hub.publish(
            &name("a"),
            Publish {
                kind,
                ..text(payload)
            },
            NOW,
            EPOCH,
        )
        .unwrap();
        let message = message(&hub);
        assert_eq!((message.kind(), message.text()), (want, as_text), "{row}");
        assert_eq!(message.payload(), payload, "{row}");
    }
}

#[test]
fn a_payload_is_an_allocation_of_its_own() {
    let hub = hub(|_| {});
    let buffer = vec![b'x'; 64 * 1024];
    for payload in buffer.chunks(5).take(1000) {
        say(&hub, payload, NOW);
    }
    assert!(hub.octets() < 1 << 20, "{}", hub.octets());
    // Alone in its reader's hands, a payload turns into a buffer of 5 octets, not of 64 KiB.
    let message = message(&hub);
    assert!(hub.delete(&name("a"), NOW));
    let payload = message.payload().clone();
    drop(message);
    assert_eq!(BytesMut::from(payload).capacity(), 5);
}

#[test]
fn a_form_is_made_once_and_counts_where_its_message_is_kept() {
    let hub = hub(|_| {});
    hub.publish(
        &name("a"),
        Publish {
            event: EventName::parse("e").unwrap(),
            ..text(b"1")
        },
        NOW,
        EPOCH,
    )
    .unwrap();
    let message = message(&hub);
    let before = hub.octets();
    assert_eq!(
        hub.info(&name("a"), NOW).unwrap().held,
        2,
        "payload and event name"
    );
    for slot in 0..FORMS {
        let form = message.form(slot, || Bytes::from(vec![b'f'; 10]));
        let again = message.form(slot, || panic!("made twice"));
        assert_eq!(form.as_ptr(), again.as_ptr());
    }
    let info = hub.info(&name("a"), NOW).unwrap();
    assert_eq!((info.held, info.octets, hub.octets()), (42, 1, before + 40));
    let form = message.form(FORMS, || Bytes::from_static(b"no slot"));
    assert_eq!((&form[..], hub.octets()), (&b"no slot"[..], before + 40));
    assert!(hub.delete(&name("a"), NOW));
    assert_eq!(hub.octets(), 0);
    assert_eq!(message.form(0, || panic!("made twice")).len(), 10);
}

#[test]
fn forms_push_messages_out_as_payloads_do() {
    let hub = hub(|config| config.max_octets = 100);
    for _ in 0..10 {
        say(&hub, b"1", NOW);
        message(&hub).form(0, || Bytes::from(vec![b'f'; 29]));
    }
    // 30 octets each, with their forms.
    let info = hub.info(&name("a"), NOW).unwrap();
    assert_eq!(
        (info.messages, info.oldest),
        (4, Some(at(7))),
        "the last form came after its publish"
    );
    hub.sweep(NOW);
    let info = hub.info(&name("a"), NOW).unwrap();
    assert_eq!((info.messages, info.held), (3, 90));
}

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn poll(cursor: &mut Cursor, count: &Arc<Count>) -> Poll<Read> {
    let waker = Waker::from(Arc::clone(count));
    cursor.poll_read(&mut Context::from_waker(&waker), ALL, NOW)
}

#[test]
fn who_waits_is_woken_by_a_publish_and_by_a_deletion() {
    let hub = hub(|_| {});
    let (woken, gone) = (Arc::<Count>::default(), Arc::<Count>::default());
    let mut cursors: Vec<_> = (0..10).map(|_| open(&hub, Start::Latest, NOW)).collect();
    assert!(
        cursors
            .iter_mut()
            .all(|cursor| poll(cursor, &woken).is_pending())
    );
    let mut leaver = open(&hub, Start::Latest, NOW);
    assert!(poll(&mut leaver, &gone).is_pending());
    drop(leaver);
    assert_eq!(
        hub.publish(&name("a"), text(b"1"), NOW, EPOCH)
            .unwrap()
            .receivers,
        10
    );
    assert_eq!(
        (
            woken.0.load(Ordering::Relaxed),
            gone.0.load(Ordering::Relaxed)
        ),
        (10, 0)
    );
    for cursor in &mut cursors {
        let Poll::Ready(read) = poll(cursor, &woken) else {
            panic!("a message is due")
        };
        assert_eq!(offsets(&read), [1]);
        assert!(poll(cursor, &woken).is_pending());
    }
    assert!(hub.delete(&name("a"), NOW));
    assert_eq!(woken.0.load(Ordering::Relaxed), 20);
    assert!(
        cursors
            .iter_mut()
            .all(|cursor| matches!(poll(cursor, &woken), Poll::Ready(Read::Deleted)))
    );
}

#[test]
fn a_waker_may_use_the_hub() {
    /// Reads, publishes and deletes from within the call, which a lock held around it would stop.
    struct Meddler(Hub);

    impl Wake for Meddler {
        fn wake(self: Arc<Self>) {
            let info = self.0.info(&name("a"), NOW).unwrap();
            assert_eq!(info.messages, 1);
            say(&self.0, b"2", NOW);
            assert!(self.0.delete(&name("a"), NOW));
        }
    }

    let hub = hub(|_| {});
    let mut cursor = open(&hub, Start::Latest, NOW);
    let waker = Waker::from(Arc::new(Meddler(hub.clone())));
    assert!(
        cursor
            .poll_read(&mut Context::from_waker(&waker), ALL, NOW)
            .is_pending()
    );
    say(&hub, b"1", NOW);
    assert!(matches!(cursor.read(ALL, NOW), Read::Deleted));
}
