//! Long polling: the client asks, the server holds the request until there is news or the wait is
//! over (RFC 6202). What it costs: a held connection, and a head at every message.

use core::sync::atomic::Ordering;
use core::time::Duration;
use std::sync::Arc;

use tidings_hub::{Cursor, Limit, Read};
use tidings_polling::if_none_match;
use tokio::time::sleep;

use super::super::Channels;
use super::super::cut;
use super::super::deflate::Deflate;
use super::super::stats::{ChannelStats, Held, Transport};
use super::page::{Page, gone};
use crate::serve::{Request, Response};

pub(in super::super) fn answer(
    channels: &Channels,
    request: &Request,
    mut cursor: Cursor,
    limit: Limit,
    wait: Wait,
    stats: Arc<ChannelStats>,
) -> Response {
    let of = stats.of(Transport::LongPoll);
    of.requests.fetch_add(1, Ordering::Relaxed);
    let meter = of.meter.clone();
    let channels = channels.clone();
    // Without news the position stays, so that its tag can be compared at once: the head need not
    // be kept while the answer is held.
    let tags = if_none_match(request.head().fields().get_all("If-None-Match"));
    let tag_matches = tags.matches(&cursor.position().to_string());
    let mut stop = request.stop();
    Response::held(async move {
        let held = Held::new(stats, Transport::LongPoll);
        let mut cut = channels.0.cuts.begin(Transport::LongPoll);
        let read = match cursor.read(limit, channels.now()) {
            Read::CaughtUp => tokio::select! {
                biased;
                read = super::next(&channels, &mut cursor, limit) => read,
                () = sleep(wait.granted) => Read::CaughtUp,
                () = stop.stopping() => Read::CaughtUp,
                () = cut::wait(&mut cut) => return Response::reset(),
            },
            news => news,
        };
        let Some(page) = Page::read(&mut cursor, read, limit, channels.now()) else {
            return gone();
        };
        held.count_messages(page.len());
        page.answer(
            tag_matches,
            wait.preferred.then_some(wait.granted.as_secs()),
            Deflate::of(&channels.0.config),
        )
    })
    .metered(meter)
}

/// How long the answer may be held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Wait {
    pub(in super::super) granted: Duration,
    /// Asked for by `Prefer`, so that the answer says what was granted (RFC 7240 §3).
    pub(in super::super) preferred: bool,
}
