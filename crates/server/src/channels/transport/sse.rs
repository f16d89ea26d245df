//! Server-Sent Events: one response that never ends (WHATWG HTML §9.2). What it costs: a held
//! connection, and a few octets a message. One way only.

use core::future::poll_fn;
use core::sync::atomic::Ordering;
use core::task::{Context, Poll};
use std::sync::Arc;

use tidings_hub::{Cursor, GapReason, Read};
use tidings_sse::EventRef;

use super::super::config::Lag;
use super::super::cut::{self, Cut};
use super::super::stats::{ChannelStats, Held, Transport};
use super::super::{Channels, forms};
use crate::serve::{Entropy, EventStream, Quiet, Response, StreamError};

pub(in super::super) fn answer(
    channels: &Channels,
    mut cursor: Cursor,
    stats: Arc<ChannelStats>,
) -> Response {
    let of = stats.of(Transport::Sse);
    of.requests.fetch_add(1, Ordering::Relaxed);
    let meter = of.meter.clone();
    let channels = channels.clone();
    let held = Held::new(stats, Transport::Sse);
    Response::events(move |mut events| async move {
        // By reference, so that the task has room for one cursor and not for each call's.
        match run(&channels, &mut cursor, &held, &mut events).await {
            Ok(End::Finish) => events.finish().await,
            Ok(End::Cut) => events.reset(),
            Err(error) => tracing::debug!(%error, "an event stream ended"),
        }
    })
    .metered(meter)
}

/// An answer for who must come back later. Any status but 200 would end a browser's EventSource
/// for good, so it is a stream that ends at once.
pub(in super::super) fn later(entropy: &Entropy) -> Response {
    let retry = Some(entropy.uniform_seconds(1, 30));
    Response::events(move |mut events| async move {
        if events
            .send(&EventRef {
                retry,
                ..EventRef::default()
            })
            .await
            .is_ok()
        {
            events.finish().await;
        }
    })
}

/// How a stream ends that has a reader still.
enum End {
    /// In good order.
    Finish,
    /// By a reset, on purpose.
    Cut,
}

/// What a turn of a stream's loop brought.
enum Turn {
    Read(Read),
    /// Something of the connection's own.
    Quiet(Quiet),
    /// The connection is to be cut.
    Cut,
}

/// Who woke this is mostly a message, so the log comes first; but not twice in a row, since a busy
/// channel would keep a stream from seeing that it has ended.
fn poll_turn(
    cx: &mut Context<'_>,
    channels: &Channels,
    cursor: &mut Cursor,
    events: &mut EventStream,
    cut: &mut Cut,
    read_last: bool,
) -> Poll<Turn> {
    if read_last && let Poll::Ready(quiet) = events.poll_quiet(cx) {
        return Poll::Ready(Turn::Quiet(quiet));
    }
    if let Poll::Ready(read) = cursor.poll_read(cx, super::WRITE_LIMIT, channels.now()) {
        return Poll::Ready(Turn::Read(read));
    }
    if !read_last && let Poll::Ready(quiet) = events.poll_quiet(cx) {
        return Poll::Ready(Turn::Quiet(quiet));
    }
    cut::poll(cut, cx).map(|()| Turn::Cut)
}

async fn run(
    channels: &Channels,
    cursor: &mut Cursor,
    held: &Held,
    events: &mut EventStream,
) -> Result<End, StreamError> {
    // A position before the first message, and a reconnection time of this connection's own: who
    // is cut together does not come back together.
    let entropy = &channels.0.config.entropy;
    let retry = Some(entropy.uniform_seconds(1, 5));
    let mut started = false;
    let mut read_last = false;
    let mut cut = channels.0.cuts.begin(Transport::Sse);
    events
        .send(&EventRef {
            retry,
            id: Some(&cursor.position().to_string()),
            ..EventRef::default()
        })
        .await?;
    loop {
        let turn = poll_fn(|cx| poll_turn(cx, channels, cursor, events, &mut cut, read_last)).await;
        let read = match turn {
            Turn::Read(read) => read,
            Turn::Quiet(Quiet::HeartbeatDue) => {
                events.heartbeat().await?;
                read_last = false;
                continue;
            }
            Turn::Quiet(Quiet::Ended(StreamError::Stopping)) => {
                let retry = Some(entropy.uniform_seconds(1, 30));
                events
                    .send(&EventRef {
                        retry,
                        ..EventRef::default()
                    })
                    .await?;
                break;
            }
            Turn::Quiet(Quiet::Ended(end)) => return Err(end),
            Turn::Cut => return Ok(End::Cut),
        };
        read_last = true;
        match read {
            Read::Batch(batch) => {
                held.count_messages(batch.messages.len());
                let shared = batch.messages.iter().map(|message| forms::event(message));
                events.send_shared(shared).await?;
            }
            Read::Gap(gap)
                if started && gap.reason == GapReason::Trimmed && channels.lag() == Lag::Close =>
            {
                // It resumes at its position and is told the gap then.
                let position = cursor.position();
                tracing::info!(%position, "an event stream ended: its reader was too slow");
                break;
            }
            Read::Gap(gap) => {
                let (id, data) = (gap.next.to_string(), forms::gap(&gap));
                let gap = EventRef {
                    event: Some("tidings.gap"),
                    id: Some(&id),
                    data: Some(&data),
                    ..EventRef::default()
                };
                events.send(&gap).await?;
            }
            // Who comes back meets a channel of another epoch, and is told a gap.
            Read::Deleted => break,
            Read::CaughtUp => {}
        }
        started = true;
    }
    Ok(End::Finish)
}
