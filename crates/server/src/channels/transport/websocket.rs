//! WebSocket: an upgraded connection, frames both ways (RFC 6455). What it costs: a held
//! connection with a state of its own, and 2 to 10 octets a message.
//!
//! A bare WebSocket carries payloads alone, so its reader sees no positions; one that agreed on
//! `tidings.v1` carries envelopes, and several channels.

mod bare;
mod envelopes;
mod feed;

use core::sync::atomic::Ordering;

use tidings_hub::{ChannelName, Cursor, Gap, GapReason, SubscribeError};
use tidings_websocket::CloseCode;

use super::super::Channels;
use super::super::config::{Lag, Verb};
use super::super::deflate::Deflate;
use super::super::envelope::SUBPROTOCOL;
use super::super::query::Query;
use super::super::stats::{Held, Transport};
use crate::serve::{self, Request, Response, WebSocketError};
use feed::Feed;

const GAP: u16 = 4001;
const TOO_SLOW: u16 = 4008;
const DELETED: u16 = 4010;

/// What JSON and base64 can make of one octet of payload, and room for the other members.
const ENVELOPE_FACTOR: usize = 6;
const ENVELOPE_ROOM: usize = 4 << 10;

pub(in super::super) fn answer(
    channels: &Channels,
    request: &Request,
    channel: &ChannelName,
    query: &Query,
    open: impl FnOnce() -> Result<Cursor, SubscribeError>,
) -> Response {
    let head = request.head();
    let accepted = match serve::accept(head, &[SUBPROTOCOL]) {
        Ok(accepted) => accepted,
        Err(error) => return Response::handshake_error(error),
    };
    let cursor = match open() {
        Ok(cursor) => cursor,
        Err(error) => return channels.refused(error),
    };
    let (accepted, deflate) = Deflate::of(&channels.0.config).agree(accepted, head);
    let in_envelopes = accepted.subprotocol().is_some();
    let max = channels.0.config.max_message_len;
    let max = if in_envelopes {
        max.saturating_mul(ENVELOPE_FACTOR)
            .saturating_add(ENVELOPE_ROOM)
    } else {
        max
    };
    let limits = Box::new(move |mut config: tidings_websocket::Config| {
        config.max_message_len = max;
        config.max_frame_len = max as u64;
        config
    });
    let stats = channels.0.stats.of(channel);
    let of = stats.of(Transport::WebSocket);
    of.requests.fetch_add(1, Ordering::Relaxed);
    let meter = of.meter.clone();
    let peer = request.peer();
    let may_publish = channels
        .authorize(Verb::Publish, channel, head, peer)
        .is_ok();
    let held = Held::new(stats, Transport::WebSocket);
    let feed = Feed::new(channel.clone(), cursor, held);
    let channels = channels.clone();
    let response = if in_envelopes {
        let mut session = envelopes::Session::new(channels, feed, may_publish, deflate, head, peer);
        Response::upgraded(accepted, limits, |mut websocket| async move {
            session.run(&mut websocket).await.carry_out(websocket).await;
        })
    } else {
        let mut session = bare::Session::new(channels, feed, may_publish, deflate, query.skip_gaps);
        Response::upgraded(accepted, limits, |mut websocket| async move {
            session.run(&mut websocket).await.carry_out(websocket).await;
        })
    };
    response.metered(meter)
}

/// How a session ends.
enum End {
    /// The server closes.
    Close(CloseCode, String),
    /// The client left, or broke the protocol and was told.
    Left,
    /// The connection is reset on purpose.
    Cut,
}

impl End {
    fn close(code: u16, reason: String) -> Self {
        // All codes of ours may be sent.
        Self::Close(CloseCode::new(code).unwrap_or(CloseCode::NORMAL), reason)
    }

    fn publishing_is_not_allowed() -> Self {
        Self::Close(
            CloseCode::POLICY_VIOLATION,
            "publishing is not allowed".into(),
        )
    }

    /// The server stops; the client resumes at `feed`'s position elsewhere.
    fn restart(feed: &Feed) -> Self {
        let reason = format!("restart after={}", feed.cursor.position());
        Self::Close(CloseCode::SERVICE_RESTART, reason)
    }

    /// What is done to a reader whose gap opened while it was connected, where the setting says to
    /// close: it resumes behind what it has, and is told the gap then.
    fn of_lag(channels: &Channels, feed: &Feed, gap: &Gap) -> Option<Self> {
        let lagged = feed.delivered && gap.reason == GapReason::Trimmed;
        if !lagged || channels.lag() != Lag::Close {
            return None;
        }
        let channel = feed.channel.as_str();
        tracing::info!(channel, "a WebSocket was closed: its reader was too slow");
        let after = gap.asked.unwrap_or(gap.next);
        Some(Self::close(TOO_SLOW, format!("slow after={after}")))
    }

    async fn carry_out(self, mut websocket: serve::WebSocket) {
        match self {
            Self::Close(code, reason) => websocket.close(code, &reason).await,
            Self::Left => {}
            Self::Cut => websocket.reset(),
        }
    }
}

impl From<WebSocketError> for End {
    fn from(error: WebSocketError) -> Self {
        tracing::debug!(%error, "a WebSocket ended");
        Self::Left
    }
}
