//! Polls of a list that only grows, answered at once or when there is more.

use std::time::Instant;

use crate::List;
use tidings_polling::{Answer, IfNoneMatch, Poll, if_none_match, prefer_wait};

/// Gives the status, the tag and the content of the answer.
pub fn answer(list: &List, begun: Instant, fields: &[(String, Vec<u8>)]) -> (u16, String, String) {
    let all = |name: &'static str| {
        let named = fields
            .iter()
            .filter(move |(field, _)| field.eq_ignore_ascii_case(name));
        named.map(|(_, value)| &value[..])
    };
    let tags = if_none_match(all("If-None-Match"));
    let known = match &tags {
        IfNoneMatch::Tags(tags) => tags.only().and_then(|tag| tag.opaque.parse().ok()),
        IfNoneMatch::Absent | IfNoneMatch::Any | IfNoneMatch::Malformed => None,
    };
    let started = begun.elapsed();
    let wait = prefer_wait(all("Prefer")).unwrap_or_default();
    let mut items = list.items.lock().expect("no thread panics");
    let known = known.unwrap_or(0).min(items.len());
    loop {
        let tag = items.len().to_string();
        let poll = Poll {
            wait,
            started,
            tag_matches: tags.matches(&tag),
        };
        match poll.answer(items.len() > known, begun.elapsed()) {
            Answer::Now | Answer::Empty => {
                return (200, format!("\"{tag}\""), items[known..].join(","));
            }
            Answer::NotModified => return (304, format!("\"{tag}\""), String::new()),
            Answer::Wait { until } => {
                let left = until.saturating_sub(begun.elapsed());
                items = list
                    .grown
                    .wait_timeout(items, left)
                    .expect("no thread panics")
                    .0;
            }
        }
    }
}
