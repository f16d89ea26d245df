//! Where a reader starts: the first of `Last-Event-ID`, `?after`, `?from` and `If-None-Match` that
//! was given; else `latest`.
//!
//! A token that cannot be read is a gap of reason `unknown`, never `latest`: the reader learns that
//! it may have missed something. It is no 400 in a field, since any status but 200 ends a browser's
//! EventSource for good.

use tidings_http1::RequestHead;
use tidings_hub::{Position, Start};
use tidings_polling::{IfNoneMatch, if_none_match, without_coding_suffix};

use super::query::{From, Query};

pub(super) fn start(head: &RequestHead, query: &Query) -> Start {
    let mut ids = head.fields().get_all("Last-Event-ID");
    if let Some(id) = ids.next() {
        return match (token(id), ids.next()) {
            (Some(position), None) => Start::After(position),
            (_, _) => Start::Unknown,
        };
    }
    if let Some(position) = query.after {
        return Start::After(position);
    }
    match query.from {
        Some(From::Earliest) => return Start::Earliest,
        Some(From::Latest) => return Start::Latest,
        Some(From::Back(count)) => return Start::Back(count),
        None => {}
    }
    match if_none_match(head.fields().get_all("If-None-Match")) {
        IfNoneMatch::Absent => Start::Latest,
        IfNoneMatch::Tags(tags) => match tags.only() {
            // What `curl --etag-compare` sends before it has a tag.
            Some(tag) if tag.opaque.is_empty() => Start::Latest,
            Some(tag) => without_coding_suffix(tag.opaque)
                .parse()
                .map_or(Start::Unknown, Start::After),
            None => Start::Unknown,
        },
        IfNoneMatch::Any | IfNoneMatch::Malformed => Start::Unknown,
    }
}

fn token(octets: &[u8]) -> Option<Position> {
    core::str::from_utf8(octets).ok()?.parse().ok()
}
