//! A stream written and read, with a cut in the middle: `tidings-sse` and nothing else.

use std::error::Error;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tidings_sse::{Decoder, EventRef, HEARTBEAT, Item};

fn main() -> Result<(), Box<dyn Error>> {
    let mut stream = BytesMut::new();
    let retry = Some(Duration::from_secs(2));
    let start = EventRef {
        retry,
        ..EventRef::default()
    };
    start.encode(&mut stream)?;
    stream.extend_from_slice(HEARTBEAT);
    let mut price = EventRef::message("1\n2");
    (price.id, price.event) = (Some("42"), Some("price"));
    price.encode(&mut stream)?;

    let mut decoder = Decoder::new();
    let mut items = Vec::new();
    for piece in stream.chunks(7) {
        let mut piece = Bytes::copy_from_slice(piece);
        while let Some(item) = decoder.next_event(&mut piece)? {
            items.push(item);
        }
    }
    let [Item::Retry(told), Item::Event(event)] = &items[..] else {
        return Err(format!("{items:?}").into());
    };
    assert_eq!(Some(*told), retry);
    assert_eq!((event.event_type(), &*event.data), ("price", "1\n2"));
    assert_eq!(decoder.last_event_id(), "42");
    Ok(())
}
