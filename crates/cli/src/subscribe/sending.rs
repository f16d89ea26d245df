//! What `--send` and `--stdin` send, one message after the other.

use core::future::pending;
use core::time::Duration;
use std::collections::VecDeque;
use std::io::{self, BufRead, Read as _};

use tidings_client::{Data, Subscription};
use tokio::sync::mpsc;
use tokio::time::sleep;

use crate::publish::MAX_INPUT_LEN;

/// How long to wait for room, or for a connection, before the next attempt.
const PAUSE: Duration = Duration::from_millis(20);

/// Messages that wait, and lines that come.
pub(super) struct Sending {
    waiting: VecDeque<Data>,
    /// `None` where standard input is not sent, or has ended.
    lines: Option<mpsc::Receiver<io::Result<Vec<u8>>>>,
}

impl Sending {
    pub(super) fn new(texts: Vec<String>, stdin: bool) -> Self {
        Self {
            waiting: texts.into_iter().map(Data::Text).collect(),
            lines: stdin.then(read_lines),
        }
    }

    /// Hands over what the subscription takes.
    pub(super) fn send(&mut self, subscription: &mut Subscription) {
        while subscription.can_send()
            && let Some(data) = self.waiting.pop_front()
        {
            if subscription.send(&data).is_err() {
                self.waiting.push_front(data);
                return;
            }
        }
    }

    /// Waits until there may be more to hand over. Cancel-safe.
    pub(super) async fn more(&mut self) -> io::Result<()> {
        if !self.waiting.is_empty() {
            sleep(PAUSE).await;
            return Ok(());
        }
        let line = match &mut self.lines {
            Some(lines) => lines.recv().await,
            None => return pending().await,
        };
        match line {
            Some(line) => self.waiting.push_back(data(line?)),
            None => self.lines = None,
        }
        Ok(())
    }
}

/// Reads lines on a thread of its own: a read that waits for a terminal would hold the runtime's
/// end up, and a wait for a line may be dropped.
fn read_lines() -> mpsc::Receiver<io::Result<Vec<u8>>> {
    let (sender, lines) = mpsc::channel(1);
    std::thread::spawn(move || {
        let mut input = io::stdin().lock();
        while let Some(line) = read_line(&mut input).transpose() {
            let last = line.is_err();
            if sender.blocking_send(line).is_err() || last {
                return;
            }
        }
    });
    lines
}

/// Reads a line without its end; `None` at the end of lines.
fn read_line(input: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let len = input.take(MAX_INPUT_LEN + 1).read_until(b'\n', &mut line)?;
    if u64::try_from(len).unwrap_or(u64::MAX) > MAX_INPUT_LEN {
        let why = format!("a line is longer than {MAX_INPUT_LEN} octets");
        return Err(io::Error::new(io::ErrorKind::InvalidData, why));
    }
    if line.pop_if(|last| *last == b'\n').is_some() {
        line.pop_if(|last| *last == b'\r');
    }
    Ok((len > 0).then_some(line))
}

/// What is not UTF-8 is binary.
fn data(line: Vec<u8>) -> Data {
    match String::from_utf8(line) {
        Ok(text) => Data::Text(text),
        Err(error) => Data::Binary(error.into_bytes().into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_lose_their_end_and_the_last_needs_none() {
        let mut input = &b"one\r\n\ntwo\xff\nthree"[..];
        let mut lines = Vec::new();
        while let Some(line) = read_line(&mut input).unwrap() {
            lines.push(data(line));
        }
        let want = [
            Data::Text("one".into()),
            Data::Text(String::new()),
            Data::Binary(b"two\xff"[..].into()),
            Data::Text("three".into()),
        ];
        assert_eq!(lines, want);
    }
}
