//! An event stream (WHATWG HTML §9.2) from a raw socket, read by hand, one block at a time.

use core::net::SocketAddr;

use crate::http::{Answer, Connection};

/// The lines up to one blank line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Block {
    /// The `id` line's value.
    pub id: Option<String>,
    /// The `event` line's value.
    pub event: Option<String>,
    /// The `data` lines' values, joined by LF; none where no line was there.
    pub data: Option<String>,
    /// The `retry` line's value, in milliseconds.
    pub retry: Option<u64>,
    /// Whether a comment was there.
    pub comment: bool,
}

/// One response that never ends.
#[derive(Debug)]
pub struct EventStream {
    /// The head of the response.
    pub head: Answer,
    /// The connection under it.
    pub connection: Connection,
    octets: Vec<u8>,
}

impl EventStream {
    /// Asks for an event stream, and checks the head of the answer.
    #[must_use]
    pub fn open(server: impl Into<SocketAddr>, target: &str, fields: &[(&str, &str)]) -> Self {
        let mut connection = Connection::open(server.into());
        let accept = [("Accept", "text/event-stream")];
        connection.ask("GET", target, &[&accept, fields].concat(), b"");
        let head = connection.head().expect("the head of an event stream");
        assert_eq!(head.status, 200, "{head:?}");
        let kind = head.field("content-type").unwrap_or_default();
        assert_eq!(
            kind.split(';').next(),
            Some("text/event-stream"),
            "{head:?}"
        );
        Self {
            head,
            connection,
            octets: Vec::new(),
        }
    }

    /// Asks for an event stream, and takes its first block: the stream and the position it starts from.
    #[must_use]
    pub fn start(
        server: impl Into<SocketAddr>,
        target: &str,
        fields: &[(&str, &str)],
    ) -> (Self, String) {
        let mut stream = Self::open(server, target, fields);
        let first = stream.block().expect("the first block");
        assert!(
            first.retry.is_some() && first.data.is_none(),
            "first block {first:?}"
        );
        (stream, first.id.expect("the first block has the position"))
    }

    /// Reads one chunk, or what one read gives where the response is not chunked; false at the end.
    pub fn fill(&mut self) -> bool {
        let more = if self.head.field("transfer-encoding") == Some("chunked") {
            self.connection.chunk().unwrap_or_default()
        } else {
            self.connection.take(1).unwrap_or_default()
        };
        self.octets.extend_from_slice(&more);
        !more.is_empty()
    }

    /// Reads up to the next blank line; `None` at the end of the stream.
    pub fn block(&mut self) -> Option<Block> {
        let end = loop {
            if let Some(at) = self.octets.windows(2).position(|window| window == b"\n\n") {
                break at + 2;
            }
            if !self.fill() {
                assert!(self.octets.is_empty(), "half a block: {:?}", self.octets);
                return None;
            }
        };
        let octets: Vec<u8> = self.octets.drain(..end).collect();
        Some(block(
            core::str::from_utf8(&octets).expect("an event stream in UTF-8"),
        ))
    }

    /// Reads up to the next block that dispatches an event.
    pub fn event(&mut self) -> Option<Block> {
        loop {
            let block = self.block()?;
            if block.data.is_some() {
                return Some(block);
            }
        }
    }
}

fn block(text: &str) -> Block {
    let mut block = Block::default();
    for line in text.lines() {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value).to_owned();
        match name {
            "" => block.comment |= !line.is_empty(),
            "id" => block.id = Some(value),
            "event" => block.event = Some(value),
            "retry" => block.retry = Some(value.parse().expect("retry in digits")),
            "data" => {
                block.data = Some(match block.data.take() {
                    Some(data) => data + "\n" + &value,
                    None => value,
                });
            }
            other => panic!("a field that the contract does not name: {other:?}"),
        }
    }
    block
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_holds_its_lines() {
        let got = block("id: e.1\nevent: x\ndata: a\ndata:\ndata:  b\n\n");
        let want = Block {
            id: Some("e.1".into()),
            event: Some("x".into()),
            data: Some("a\n\n b".into()),
            ..Block::default()
        };
        assert_eq!(got, want);
        assert_eq!(
            block(":\n\n"),
            Block {
                comment: true,
                ..Block::default()
            }
        );
        assert_eq!(block("data\n\n").data.as_deref(), Some(""));
    }
}
