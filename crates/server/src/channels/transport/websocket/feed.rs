//! The channels of one connection, each a cursor; they take turns.

use core::future::poll_fn;
use core::task::{Context, Poll};

use tidings_hub::{ChannelName, Cursor, Read};
use tidings_websocket::Message;

use super::super::super::Channels;
use super::super::super::cut::{self, Cut};
use super::super::super::stats::Held;
use super::super::WRITE_LIMIT;
use crate::serve::WebSocket;

/// A channel that a connection reads.
pub(super) struct Feed {
    pub(super) channel: ChannelName,
    pub(super) cursor: Cursor,
    pub(super) held: Held,
    /// Whether anything was delivered, so that a gap is one that opened since.
    pub(super) delivered: bool,
}

impl Feed {
    pub(super) fn new(channel: ChannelName, cursor: Cursor, held: Held) -> Self {
        Self {
            channel,
            cursor,
            held,
            delivered: false,
        }
    }
}

/// The channel of the URL, which comes first and stays, and those that were subscribed to.
pub(super) struct Feeds {
    pub(super) own: Feed,
    pub(super) others: Vec<Feed>,
    /// Whose turn it is, so that a busy channel does not starve the others.
    turn: usize,
    /// Whether the last turn was a read.
    read_last: bool,
}

/// What a turn of a session's loop brought.
pub(super) enum Turn {
    /// A message of the client's; `None` at the end of the connection.
    Received(Option<Message>),
    /// What the feed of this number read; the channel of the URL is number 0.
    Read(usize, Read),
    /// The connection is to be cut.
    Cut,
}

impl Feeds {
    pub(super) fn new(own: Feed) -> Self {
        Self {
            own,
            others: Vec::new(),
            turn: 0,
            read_last: false,
        }
    }

    pub(super) fn get_mut(&mut self, number: usize) -> Option<&mut Feed> {
        match number.checked_sub(1) {
            None => Some(&mut self.own),
            Some(other) => self.others.get_mut(other),
        }
    }

    fn poll_read(&mut self, cx: &mut Context<'_>, channels: &Channels) -> Poll<(usize, Read)> {
        let count = 1 + self.others.len();
        for step in 0..count {
            let number = (self.turn + step) % count;
            let Some(feed) = self.get_mut(number) else {
                continue;
            };
            if let Poll::Ready(read) = feed.cursor.poll_read(cx, WRITE_LIMIT, channels.now()) {
                self.turn = number + 1;
                return Poll::Ready((number, read));
            }
        }
        Poll::Pending
    }

    /// Waits for whichever comes first. Neither side can starve the other. Nothing is delivered
    /// into a closing connection. Cancel-safe.
    pub(super) async fn turn(
        &mut self,
        channels: &Channels,
        websocket: &mut WebSocket,
        cut: &mut Cut,
    ) -> Turn {
        match poll_fn(|cx| self.poll_turn(cx, channels, websocket, cut)).await {
            // The end takes its time.
            Turn::Received(None) => Turn::Received(websocket.next().await),
            turn => turn,
        }
    }

    /// Who woke this is mostly a message, so the channels come first; but not twice in a row, since
    /// each of the two could go on for ever.
    fn poll_turn(
        &mut self,
        cx: &mut Context<'_>,
        channels: &Channels,
        websocket: &mut WebSocket,
        cut: &mut Cut,
    ) -> Poll<Turn> {
        let receives_first = core::mem::take(&mut self.read_last);
        if receives_first && let Poll::Ready(message) = websocket.poll_next(cx) {
            return Poll::Ready(Turn::Received(message));
        }
        if websocket.is_open()
            && let Poll::Ready((number, read)) = self.poll_read(cx, channels)
        {
            self.read_last = true;
            return Poll::Ready(Turn::Read(number, read));
        }
        if !receives_first && let Poll::Ready(message) = websocket.poll_next(cx) {
            return Poll::Ready(Turn::Received(message));
        }
        cut::poll(cut, cx).map(|()| Turn::Cut)
    }
}
