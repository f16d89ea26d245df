//! `tidings-sse` over a blocking `Read`: a pipe of a program, octets that come one by one, and a reconnect.

mod protocol;

use std::error::Error;
use std::io::{self, Read};
use std::process::{Command, Stdio};

use protocol::events;
use tidings_sse::{Decoder, Reconnection};

const STREAM: &str =
    "retry: 50\nid: e.1\ndata: one\r\n\r\ndata: \u{20AC}\ndata: two\n\nid: e.3\ndata: cut off";

/// Gives one octet a call, and is interrupted before each.
struct Slow<'a>(&'a [u8], bool);

impl Read for Slow<'_> {
    fn read(&mut self, octets: &mut [u8]) -> io::Result<usize> {
        self.1 = !self.1;
        if self.1 {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let (first, rest) = self.0.split_at(self.0.len().min(1));
        self.0 = rest;
        octets[..first.len()].copy_from_slice(first);
        Ok(first.len())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let want = [("one", "e.1"), ("\u{20AC}\ntwo", "e.1")]
        .map(|(data, id)| (data.to_owned(), id.to_owned()));
    let mut decoder = Decoder::new();
    let mut told = Vec::new();
    events(&mut decoder, Slow(STREAM.as_bytes(), false), |event| {
        told.push((event.data.to_string(), event.id.to_string()));
    })?;
    assert_eq!(told, want);
    // What the stream left behind goes into the next request.
    assert_eq!(
        Reconnection::last_event_id_field(decoder.last_event_id()),
        Some("e.1")
    );

    let mut program = Command::new("printf")
        .args(["%s", STREAM])
        .stdout(Stdio::piped())
        .spawn()?;
    told.clear();
    events(
        &mut decoder,
        program.stdout.take().ok_or("a pipe")?,
        |event| {
            told.push((event.data.to_string(), event.id.to_string()));
        },
    )?;
    program.wait()?;
    assert_eq!(told, want);
    Ok(())
}
