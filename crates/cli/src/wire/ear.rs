//! Hears one exchange, and hands on what may be kept: heads without their credentials, all else as it passed.

use core::ops::Range;
use std::sync::Arc;

use tidings_explain::Side;
use tidings_server::serve::Passed;

use super::redact::{hide, hide_fields};
use super::store::{MAX_OCTETS, Store};

/// The end of a head.
const BLANK_LINE: &[u8] = b"\r\n\r\n";

/// The listener of one exchange.
#[derive(Debug)]
pub(super) struct Ear {
    store: Arc<Store>,
    exchange: u64,
    request: Request,
    answer: Answer,
}

#[derive(Debug)]
enum Request {
    /// The head comes first, and whole.
    Head,
    Content,
}

#[derive(Debug)]
enum Answer {
    /// A head that may come in pieces: nothing of it is kept before it is whole.
    Head(Vec<u8>),
    Content,
    /// The head was longer than what is kept.
    Lost,
}

impl Ear {
    pub(super) fn new(store: Arc<Store>, exchange: u64) -> Self {
        Self {
            store,
            exchange,
            request: Request::Head,
            answer: Answer::Head(Vec::new()),
        }
    }

    pub(super) fn hear(&mut self, passed: Passed<'_>) {
        match passed {
            Passed::Received(octets) => self.received(octets),
            Passed::Trailers(octets) => {
                let mut trailers = octets.to_vec();
                let hidden = hide_fields(&mut trailers);
                self.keep(Side::Client, &trailers, hidden);
            }
            Passed::Sent(octets) => self.sent(octets),
            Passed::Closed => self.store.close(self.exchange),
            // Nothing else is shown.
            _ => {}
        }
    }

    fn received(&mut self, octets: &[u8]) {
        match self.request {
            Request::Head => {
                let mut head = octets.to_vec();
                let hidden = hide(&mut head);
                self.keep(Side::Client, &head, hidden);
                self.request = Request::Content;
            }
            Request::Content => self.keep(Side::Client, octets, Vec::new()),
        }
    }

    fn sent(&mut self, octets: &[u8]) {
        match &mut self.answer {
            Answer::Head(begun) => {
                begun.extend_from_slice(octets);
                let Some((hidden, is_final)) = heads(begun) else {
                    if begun.len() > MAX_OCTETS {
                        self.answer = Answer::Lost;
                    }
                    return;
                };
                let whole = core::mem::take(begun);
                if is_final {
                    self.answer = Answer::Content;
                }
                self.keep(Side::Server, &whole, hidden);
            }
            Answer::Content => self.keep(Side::Server, octets, Vec::new()),
            Answer::Lost => {}
        }
    }

    fn keep(&self, from: Side, octets: &[u8], hidden: Vec<Range<usize>>) {
        self.store.keep(self.exchange, from, octets, hidden);
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        self.store.leave(self.exchange);
    }
}

/// Hides the credentials of the heads at the beginning, and tells whether the final one is among them. Informational ones
/// come before it (RFC 9110 §15.2). `None` while one is not whole.
fn heads(octets: &mut [u8]) -> Option<(Vec<Range<usize>>, bool)> {
    let mut hidden = Vec::new();
    let mut begin = 0;
    loop {
        let rest = octets.get_mut(begin..)?;
        if rest.is_empty() {
            return Some((hidden, false));
        }
        let end = rest
            .windows(BLANK_LINE.len())
            .position(|window| window == BLANK_LINE)?;
        let (head, _) = rest.split_at_mut(end + BLANK_LINE.len());
        let is_informational = head
            .get(9..12)
            .is_some_and(|status| status.starts_with(b"1") && status != b"101");
        let places = hide(head);
        hidden.extend(
            places
                .into_iter()
                .map(|place| begin + place.start..begin + place.end),
        );
        begin += head.len();
        if !is_informational {
            return Some((hidden, true));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::single_range_in_vec_init,
        reason = "a test fails by panicking"
    )]

    use super::*;

    #[test]
    fn nothing_of_an_answer_is_kept_before_its_head_is_whole() {
        let whole = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nSet-Cookie: a\r\n\r\nSet-Cookie: content\r\n\r\n";
        let end = whole
            .windows(9)
            .position(|window| window == b"a\r\n\r\nSet-")
            .unwrap()
            + 5;
        for cut in 1..=whole.len() {
            let mut begun = whole[..cut].to_vec();
            let told = heads(&mut begun);
            if cut == 25 {
                assert_eq!(told, Some((vec![], false)), "the informational head alone");
            } else if cut < end {
                assert_eq!(told, None, "cut at {cut}");
            } else {
                assert_eq!(told, Some((vec![end - 5..end - 4], true)), "cut at {cut}");
                assert!(begun.starts_with(
                    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nSet-Cookie: *\r\n\r\n"
                ));
            }
        }
    }
}
