//! Events out of anything that is read by blocking calls.

use std::io::{self, ErrorKind, Read};

use bytes::Bytes;
use tidings_sse::{Decoder, Event, Item};

/// Reads a stream to its end. The decoder keeps the last event ID for the stream that follows.
pub fn events(
    decoder: &mut Decoder,
    mut stream: impl Read,
    mut told: impl FnMut(Event),
) -> io::Result<()> {
    let mut octets = vec![0; 16 * 1024];
    loop {
        let len = match stream.read(&mut octets) {
            Ok(0) => break,
            Ok(len) => len,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let mut chunk = Bytes::copy_from_slice(&octets[..len]);
        while let Some(item) = decoder.next_event(&mut chunk).map_err(io::Error::other)? {
            if let Item::Event(event) = item {
                told(event);
            }
        }
    }
    decoder.finish();
    Ok(())
}
