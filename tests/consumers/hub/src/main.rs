//! A reader that comes back: exactly where it was, or with the loss told. `tidings-hub` and nothing else.

use std::error::Error;
use std::time::Duration;

use tidings_hub::{ChannelName, Config, Hub, Kind, Limit, Publish, PublishError, Read, Start};

fn main() -> Result<(), Box<dyn Error>> {
    let mut config = Config::default();
    config.max_messages = 2;
    let (now, hub, news) = (
        Duration::ZERO,
        Hub::new(config),
        ChannelName::parse("news")?,
    );
    let publish = |payload: &[u8]| -> Result<Start, PublishError> {
        let (kind, event, key) = (Kind::Text, None, None);
        #[rustfmt::skip]
        let published = hub.publish(&news, Publish { kind, event, payload, key }, now, 7)?;
        Ok(Start::After(published.position))
    };

    let first = publish(b"one")?;
    publish(b"two")?;
    let read = hub
        .subscribe(&news, first, now, 8)?
        .read(Limit::default(), now);
    assert!(matches!(read, Read::Batch(batch) if batch.messages[0].text() == Some("two")));

    publish(b"three")?;
    publish(b"four")?;
    let read = hub
        .subscribe(&news, first, now, 9)?
        .read(Limit::default(), now);
    assert!(matches!(read, Read::Gap(gap) if (gap.first, gap.last) == (Some(2), Some(2))));
    Ok(())
}
