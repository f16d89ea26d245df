//! A million names, in process: what a stranger can make the hub keep stays within the budget.

use core::time::Duration;

use tidings_hub::{ChannelName, Config, Hub, Kind, Publish, PublishError};

#[test]
fn a_million_names_stay_within_the_budget() {
    let mut config = Config::default();
    config.max_channels = 100_000;
    config.max_total_octets = 8 << 20;
    let budget = config.max_total_octets;
    let hub = Hub::new(config);
    let (mut published, mut refused) = (0_u32, 0_u32);
    let mut most = 0;
    for number in 0..1_000_000_u64 {
        let name = ChannelName::parse(&format!("name-{number}")).unwrap();
        let publish = Publish {
            kind: Kind::Text,
            event: None,
            payload: b"x",
            key: None,
        };
        let now = Duration::from_micros(number);
        match hub.publish(
            &name,
            publish,
            now,
            number.wrapping_mul(0x9E37_79B9_7F4A_7C15),
        ) {
            Ok(_) => published += 1,
            Err(PublishError::TooManyChannels { .. } | PublishError::Budget { .. }) => refused += 1,
            Err(error) => panic!("{error:?}"),
        }
        most = most.max(hub.octets());
    }
    assert!(most <= budget, "{most} octets of {budget}");
    assert!(hub.channels() <= 100_000, "{} channels", hub.channels());
    assert!(
        published >= 5_000 && refused >= 800_000,
        "{published} published, {refused} refused"
    );
    // The channels that were there first still serve.
    let name = ChannelName::parse("name-0").unwrap();
    let publish = Publish {
        kind: Kind::Text,
        event: None,
        payload: b"again",
        key: None,
    };
    hub.publish(&name, publish, Duration::from_secs(2), 1)
        .unwrap();
}
