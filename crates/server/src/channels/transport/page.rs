//! A page: what one poll answers, and the head that goes with it.

use std::sync::Arc;

use bytes::Bytes;
use tidings_hub::{Cursor, Gap, Limit, Message, Position, Read};

use super::super::deflate::Deflate;
use super::super::forms;
use crate::serve::Response;

/// What follows a cursor, at most one page of it.
#[derive(Debug)]
pub(super) struct Page {
    position: Position,
    gap: Option<Gap>,
    messages: Vec<Arc<Message>>,
    more: bool,
}

impl Page {
    /// Begins with what was read last; `None` where the channel was deleted.
    pub(super) fn read(
        cursor: &mut Cursor,
        first: Read,
        limit: Limit,
        now: core::time::Duration,
    ) -> Option<Self> {
        let mut page = Self {
            position: cursor.position(),
            gap: None,
            messages: Vec::new(),
            more: false,
        };
        let mut read = first;
        loop {
            match read {
                Read::Gap(gap) if page.gap.is_none() => {
                    page.position = gap.next;
                    page.gap = Some(gap);
                    // All that is kept follows in the same answer.
                    read = cursor.read(limit, now);
                }
                // Trimmed between two reads: the reader asks again and is told.
                Read::Gap(_) => {
                    page.more = true;
                    return Some(page);
                }
                Read::Batch(batch) => {
                    page.position = batch.position;
                    page.messages = batch.messages.into();
                    page.more = batch.more;
                    return Some(page);
                }
                Read::CaughtUp => return Some(page),
                Read::Deleted => return None,
            }
        }
    }

    /// Whether there is anything to tell.
    pub(super) fn has_news(&self) -> bool {
        self.gap.is_some() || !self.messages.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.messages.len()
    }

    /// 200 with the page; or 304 where it has no news and an entity tag of the client's equals
    /// that of the position, which stays the same then.
    pub(super) fn answer(
        &self,
        tag_matches: bool,
        applied: Option<u64>,
        deflate: Deflate,
    ) -> Response {
        let position = self.position.to_string();
        let response = if !self.has_news() && tag_matches {
            Response::new(304)
        } else {
            Response::pieces(200, "application/json", self.json(&position, deflate))
        };
        let response = response.with("ETag", format!("\"{position}\""));
        match applied {
            Some(seconds) => response.with("Preference-Applied", format!("wait={seconds}")),
            None => response,
        }
    }

    /// The page as JSON. Messages are those of the log, not copies: a client that does not read
    /// its page costs little.
    fn json(&self, position: &str, deflate: Deflate) -> Vec<Bytes> {
        let mut pieces = Vec::with_capacity(2 * self.messages.len() + 1);
        pieces.push(format!("{{\"position\":\"{position}\",\"messages\":[").into());
        for (index, message) in self.messages.iter().enumerate() {
            if index > 0 {
                pieces.push(Bytes::from_static(b","));
            }
            pieces.push(forms::fragment(message, deflate));
        }
        let more = self.more;
        let gap = self
            .gap
            .as_ref()
            .map(|gap| format!(",\"gap\":{}", forms::gap(gap)));
        let gap = gap.unwrap_or_default();
        pieces.push(format!("],\"more\":{more}{gap}}}\n").into());
        pieces
    }
}

/// The answer where the channel was deleted while its reader waited.
pub(super) fn gone() -> Response {
    Response::problem(410, "the channel was deleted")
}
