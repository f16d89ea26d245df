//! What reading allocates: nothing for a reader that keeps up.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use core::time::Duration;

use allocation_counter::measure;
use tidings_hub::{ChannelName, Config, Hub, Kind, Limit, Publish, Read, Start};

const NOW: Duration = Duration::ZERO;
const ALL: Limit = Limit {
    messages: 10,
    octets: 1000,
};

fn say(hub: &Hub, name: &ChannelName) {
    let publish = Publish {
        kind: Kind::Text,
        event: None,
        payload: b"x",
        key: None,
    };
    hub.publish(name, publish, NOW, 1).unwrap();
}

#[test]
fn one_message_is_read_and_taken_without_an_allocation_and_many_with_one() {
    let hub = Hub::new(Config::default());
    let name = ChannelName::parse("a").unwrap();
    let mut cursor = hub.subscribe(&name, Start::Latest, NOW, 1).unwrap();
    let mut next = 1;
    for count in [1, 2, 3] {
        (0..count).for_each(|_| say(&hub, &name));
        let cost = measure(|| {
            let Read::Batch(batch) = cursor.read(ALL, NOW) else {
                panic!("a batch is due")
            };
            for message in batch.messages {
                assert_eq!(message.offset(), next);
                next += 1;
            }
        });
        assert_eq!(cost.count_total, u64::from(count > 1), "{count}: {cost:?}");
    }
    assert_eq!(next, 1 + 1 + 2 + 3);
}
