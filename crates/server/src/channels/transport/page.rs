//! A page: what one poll answers, and the head that goes with it.

use std::sync::Arc;

use bytes::BytesMut;
use tidings_hub::{Cursor, Gap, Limit, Message, Position, Read};
use tidings_polling::IfNoneMatch;

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
                    page.messages = batch.messages;
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

    /// 200 with the page, or 304 where it has no news and the client has named its entity tag.
    pub(super) fn answer(&self, tags: &IfNoneMatch<'_>, applied: Option<u64>) -> Response {
        let position = self.position.to_string();
        let response = if !self.has_news() && tags.matches(&position) {
            Response::new(304)
        } else {
            Response::bytes(200, "application/json", self.json(&position))
        };
        let response = response.with("ETag", format!("\"{position}\""));
        match applied {
            Some(seconds) => response.with("Preference-Applied", format!("wait={seconds}")),
            None => response,
        }
    }

    fn json(&self, position: &str) -> BytesMut {
        let fragments: Vec<_> = self
            .messages
            .iter()
            .map(|message| forms::fragment(message))
            .collect();
        let len: usize = fragments.iter().map(|fragment| fragment.len() + 1).sum();
        let mut json = BytesMut::with_capacity(len + 256);
        json.extend_from_slice(b"{\"position\":\"");
        json.extend_from_slice(position.as_bytes());
        json.extend_from_slice(b"\",\"messages\":[");
        for (index, fragment) in fragments.iter().enumerate() {
            if index > 0 {
                json.extend_from_slice(b",");
            }
            json.extend_from_slice(fragment);
        }
        json.extend_from_slice(if self.more {
            b"],\"more\":true"
        } else {
            b"],\"more\":false"
        });
        if let Some(gap) = &self.gap {
            json.extend_from_slice(b",\"gap\":");
            json.extend_from_slice(forms::gap(gap).as_bytes());
        }
        json.extend_from_slice(b"}\n");
        json
    }
}

/// The answer where the channel was deleted while its reader waited.
pub(super) fn gone() -> Response {
    Response::problem(410, "the channel was deleted")
}
