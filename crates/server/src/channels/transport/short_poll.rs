//! Short polling: the client asks, the answer is what there is. What it costs: a request and its
//! head at every ask, mostly for nothing.

use core::sync::atomic::Ordering;
use std::sync::Arc;

use tidings_hub::{Cursor, Limit};
use tidings_polling::if_none_match;

use super::super::Channels;
use super::super::deflate::Deflate;
use super::super::stats::{ChannelStats, Transport};
use super::page::{Page, gone};
use crate::serve::{Request, Response};

pub(in super::super) fn answer(
    channels: &Channels,
    request: &Request,
    mut cursor: Cursor,
    limit: Limit,
    stats: &Arc<ChannelStats>,
) -> Response {
    if channels.0.cuts.takes_short_poll() {
        return Response::reset();
    }
    let now = channels.now();
    let tags = if_none_match(request.head().fields().get_all("If-None-Match"));
    let tag_matches = tags.matches(&cursor.position().to_string());
    let read = cursor.read(limit, now);
    let Some(page) = Page::read(&mut cursor, read, limit, now) else {
        return gone();
    };
    let of = stats.of(Transport::ShortPoll);
    of.requests.fetch_add(1, Ordering::Relaxed);
    of.messages.fetch_add(page.len() as u64, Ordering::Relaxed);
    stats.count_poll(now.as_secs());
    page.answer(tag_matches, None, Deflate::of(&channels.0.config))
        .metered(of.meter.clone())
}
