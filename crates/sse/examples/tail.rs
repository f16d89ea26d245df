//! Prints the events of a stream that comes on standard input, as they come.
//!
//! `curl -sN -H 'Accept: text/event-stream' URL | cargo run -p tidings-sse --example tail`
#![forbid(unsafe_code)]

use bytes::Bytes;
use std::io::{self, Read, Write};
use tidings_sse::{Config, Decoder, Item};

fn main() -> Result<(), Box<dyn core::error::Error>> {
    let mut config = Config::default();
    config.comments = true;
    let mut decoder = Decoder::with_config(config);
    let (mut stdin, mut stdout) = (io::stdin().lock(), io::stdout().lock());
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let len = stdin.read(&mut buffer)?;
        if len == 0 {
            break;
        }
        let mut input = Bytes::copy_from_slice(buffer.get(..len).unwrap_or_default());
        while let Some(item) = decoder.next_event(&mut input)? {
            match item {
                Item::Event(event) => {
                    let (kind, id) = (event.event_type(), event.id.as_str());
                    writeln!(stdout, "{kind} {id:?} {:?}", event.data)?;
                }
                Item::Comment(text) => writeln!(stdout, "comment {text:?}")?,
                Item::Retry(time) => writeln!(stdout, "reconnection time {time:?}")?,
                Item::Id => writeln!(stdout, "last event ID {:?}", decoder.last_event_id())?,
                Item::Skipped(error) => writeln!(stdout, "skipped: {error}")?,
            }
        }
        stdout.flush()?;
    }
    let unfinished = decoder.buffered_len();
    if unfinished > 0 {
        writeln!(
            stdout,
            "the stream ended inside a block; {unfinished} octets are dropped"
        )?;
    }
    Ok(())
}
