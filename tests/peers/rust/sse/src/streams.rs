//! The streams that the decoders read, cut as they come from a socket.

use bytes::Bytes;

/// A stream cut into chunks, and the events in it.
pub(crate) struct Stream {
    pub(crate) chunks: Vec<Bytes>,
    pub(crate) events: u64,
}

impl Stream {
    /// The same block again and again until there are 256 KiB, in chunks of `chunk` octets.
    pub(crate) fn of(block: impl Fn(usize) -> String, chunk: usize) -> Self {
        let (mut wire, mut events) = (String::new(), 0);
        while wire.len() < 256 * 1024 {
            wire += &block(events);
            events += 1;
        }
        Self {
            chunks: wire
                .as_bytes()
                .chunks(chunk)
                .map(Bytes::copy_from_slice)
                .collect(),
            events: events as u64,
        }
    }
}

/// An event of one line, 110 octets with its blank line.
pub(crate) fn single(number: usize) -> String {
    let text = format!(
        r#"data: {{"at":{number:010},"symbol":"TDNG","bid":101.25,"ask":101.50,"size":4200,"venue":"north","kind":"quote"}}"#
    );
    let block = format!("{text}\n\n");
    assert_eq!(block.len(), 110, "{block}");
    block
}

/// The same with a type and an id, as a server of channels sends it.
pub(crate) fn named(number: usize) -> String {
    format!(
        "id: 9f3a61c2b0d4e877.{number}\nevent: quote\n{}",
        single(number)
    )
}

/// An event of four lines of data, 40 octets each.
pub(crate) fn lines(number: usize) -> String {
    let line = format!("data: {number:08} 0123456789 0123456789\n");
    format!("{}\n", line.repeat(4))
}

/// One piece of a model's answer.
pub(crate) fn token(number: usize) -> String {
    let word = ["The", " stream", " goes", " on", " and", " on", "."][number % 7];
    format!(
        "data: {{\"id\":\"c-{number:06}\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{word}\"}}}}]}}\n\n"
    )
}
