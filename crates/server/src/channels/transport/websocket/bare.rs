//! A session of payloads alone: a message a frame, by its kind, both ways.
use tidings_hub::{Publish, Read};
use tidings_websocket::{CloseCode, Message};

use super::super::super::deflate::Deflate;
use super::super::super::stats::Transport;
use super::super::super::{Channels, forms};
use super::feed::{Feed, Feeds, Turn};
use super::{DELETED, End, GAP};
use crate::serve::WebSocket;

pub(super) struct Session {
    channels: Channels,
    feeds: Feeds,
    may_publish: bool,
    deflate: Deflate,
    skips_gaps: bool,
}

impl Session {
    pub(super) fn new(
        channels: Channels,
        own: Feed,
        may_publish: bool,
        deflate: Deflate,
        skips_gaps: bool,
    ) -> Self {
        Self {
            channels,
            feeds: Feeds::new(own),
            may_publish,
            deflate,
            skips_gaps,
        }
    }

    pub(super) async fn run(&mut self, websocket: &mut WebSocket) -> End {
        let mut stopping = websocket.take_stop();
        let mut cut = self.channels.0.cuts.begin(Transport::WebSocket);
        loop {
            let turned = tokio::select! {
                biased;
                () = &mut stopping => return End::restart(&self.feeds.own),
                turn = self.feeds.turn(&self.channels, websocket, &mut cut) => match turn {
                    Turn::Received(Some(Message::Text(text))) => {
                        self.publish(Publish::text(text.as_str()))
                    }
                    Turn::Received(Some(Message::Binary(data))) => {
                        self.publish(Publish::binary(&data))
                    }
                    Turn::Received(None) => return End::Left,
                    Turn::Read(_, read) => self.deliver(websocket, read).await,
                    Turn::Cut => return End::Cut,
                },
            };
            if let Err(end) = turned {
                return end;
            }
        }
    }

    async fn deliver(&mut self, websocket: &mut WebSocket, read: Read) -> Result<(), End> {
        let feed = &mut self.feeds.own;
        match read {
            Read::Batch(batch) => {
                feed.delivered = true;
                let deflate = self.deflate;
                let frames = batch.messages.iter();
                let frames = frames.map(|message| forms::frame(message, deflate));
                websocket.send_frames(frames).await?;
                feed.held.count_messages(batch.messages.len());
                Ok(())
            }
            Read::Gap(gap) => {
                if let Some(end) = End::of_lag(&self.channels, feed, &gap) {
                    return Err(end);
                }
                feed.delivered = true;
                // Its reader sees no positions, so that a gap can only be told by closing.
                if self.skips_gaps {
                    Ok(())
                } else {
                    Err(End::close(GAP, format!("gap after={}", gap.next)))
                }
            }
            Read::Deleted => Err(End::close(DELETED, "deleted".into())),
            Read::CaughtUp => Ok(()),
        }
    }

    fn publish(&self, publish: Publish<'_>) -> Result<(), End> {
        if !self.may_publish {
            return Err(End::publishing_is_not_allowed());
        }
        match self.channels.publish(&self.feeds.own.channel, publish) {
            Ok(_) => Ok(()),
            Err(error) => Err(End::Close(CloseCode::TRY_AGAIN_LATER, error.to_string())),
        }
    }
}
