//! What is published: message number N of a seed is always the same.

use crate::random::Random;
use crate::{Connection, http};
use tidings_client::{Data, Item, Message};

/// The size limit that the tests give the server.
pub const MAX: usize = 4096;

/// One message before it has a position.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Published {
    /// The name of the event.
    pub event: Option<String>,
    /// Whether it is binary.
    pub binary: bool,
    /// The octets.
    pub payload: Vec<u8>,
}

/// Makes message `number`: 5 % binary, 1 % empty, 1 % at the size limit, 30 % of the others with LF.
/// No CR: an event stream has one newline only.
#[must_use]
pub fn message(seed: u64, number: u64) -> Published {
    let mut random = Random::new(seed.rotate_left(32) ^ number);
    let event = random
        .percent(20)
        .then(|| format!("event.{}", random.below(5)));
    let (kind, binary) = (random.below(100), random.percent(5));
    let len = match kind {
        0 => 0,
        1 => MAX,
        _ => 1 + random.below(200),
    };
    if binary {
        let payload = (0..len).map(|_| random.number() as u8).collect();
        return Published {
            event,
            binary,
            payload,
        };
    }
    let lines = random.percent(30);
    let mut text = format!("{number}");
    text.truncate(len);
    while text.len() < len {
        let letter = match random.below(if lines { 12 } else { 10 }) {
            0 => 'é',
            1 => '🎉',
            2 => '"',
            3 => '\\',
            4 => ' ',
            5 => '\u{1}',
            6 => ':',
            7 | 8 => 'x',
            9 => '<',
            _ => '\n',
        };
        text.push(if text.len() + letter.len_utf8() <= len {
            letter
        } else {
            '.'
        });
    }
    Published {
        event,
        binary,
        payload: text.into_bytes(),
    }
}

/// Publishes messages in one write on a raw connection, and reads the answers.
pub fn publish(connection: &mut Connection, target: &str, messages: &[Published]) {
    let mut octets = Vec::new();
    for message in messages {
        let target = match &message.event {
            Some(event) => format!("{target}?event={event}"),
            None => target.to_owned(),
        };
        let kind = if message.binary {
            "application/octet-stream"
        } else {
            "text/plain"
        };
        let fields = [("Host", "localhost"), ("Content-Type", kind)];
        let address = "127.0.0.1:1".parse().unwrap();
        let head = http::head(address, "POST", &target, &fields, message.payload.len());
        octets.extend(head.into_bytes());
        octets.extend(&message.payload);
    }
    connection.send(&octets);
    for _ in messages {
        let answer = connection.answer();
        assert_eq!(answer.status, 200, "{answer:?}");
    }
}

/// Checks that an item is message `number` (from 1) at its offset, as it was published.
pub fn assert_is(item: &Item, seed: u64, number: u64, what: &str) {
    let Item::Message(got) = item else {
        panic!("{what}: message {number} is {item:?}")
    };
    assert_eq!(offset(got), number, "{what}: no loss, no double");
    let data = match &got.data {
        Data::Text(text) => (false, text.as_bytes()),
        Data::Binary(octets) => (true, octets.as_ref()),
    };
    let want = message(seed, number);
    assert_eq!(
        data,
        (want.binary, want.payload.as_slice()),
        "{what}: message {number}"
    );
    assert_eq!(got.event, want.event, "{what}: message {number}");
}

/// The offset of a message's position.
#[must_use]
pub fn offset(message: &Message) -> u64 {
    let id = message.id.as_deref().expect("a position");
    id.split_once('.')
        .expect("EPOCH.OFFSET")
        .1
        .parse()
        .expect("an offset")
}

#[test]
fn the_share_of_each_kind_of_payload_is_as_said() {
    let all: Vec<Published> = (1..=20_000).map(|number| message(7, number)).collect();
    let percent = |count: usize| count * 100 / all.len();
    let lines = all
        .iter()
        .filter(|one| !one.binary && one.payload.contains(&b'\n'))
        .count();
    assert!((24..34).contains(&percent(lines)), "{lines}");
    let binary = all.iter().filter(|one| one.binary).count();
    assert!((4..=6).contains(&percent(binary)), "{binary}");
    for (what, len) in [("empty", 0), ("at the limit", MAX)] {
        let count = all.iter().filter(|one| one.payload.len() == len).count();
        assert!((100..300).contains(&count), "{what}: {count}");
    }
    assert!(
        all.iter()
            .all(|one| one.binary || !one.payload.contains(&b'\r'))
    );
}
