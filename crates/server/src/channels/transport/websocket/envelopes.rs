//! A session of `tidings.v1`: envelopes with positions, and up to 100 channels.

use core::net::SocketAddr;

use tidings_http1::RequestHead;
use tidings_hub::{ChannelName, Gap, Position, Publish, PublishError, Read, Start};
use tidings_websocket::{CloseCode, Message};

use super::super::super::config::Verb;
use super::super::super::deflate::Deflate;
use super::super::super::envelope::{self, Code, Command, Ref, Refusal};
use super::super::super::stats::{Held, Transport};
use super::super::super::{Channels, forms};
use super::feed::{Feed, Feeds, Turn};
use super::{DELETED, End};
use crate::serve::WebSocket;

/// Most channels of a connection, that of its URL included.
const MAX_CHANNELS: usize = 100;

pub(super) struct Session {
    channels: Channels,
    feeds: Feeds,
    may_publish: bool,
    deflate: Deflate,
    /// The opening handshake, by which access to further channels is decided.
    head: RequestHead,
    peer: SocketAddr,
}

impl Session {
    pub(super) fn new(
        channels: Channels,
        own: Feed,
        may_publish: bool,
        deflate: Deflate,
        head: &RequestHead,
        peer: SocketAddr,
    ) -> Self {
        // The head as it was read lies in a read buffer, which must not live as long as this.
        let head = head.detached();
        Self {
            channels,
            feeds: Feeds::new(own),
            may_publish,
            deflate,
            head,
            peer,
        }
    }

    pub(super) async fn run(&mut self, websocket: &mut WebSocket) -> End {
        match self.serve(websocket).await {
            Ok(end) | Err(end) => end,
        }
    }

    async fn serve(&mut self, websocket: &mut WebSocket) -> Result<End, End> {
        let mut stopping = websocket.take_stop();
        let mut cut = self.channels.0.cuts.begin(Transport::WebSocket);
        let position = self.feeds.own.cursor.position();
        websocket.send_text(&envelope::position(position)).await?;
        loop {
            tokio::select! {
                biased;
                () = &mut stopping => return Ok(End::restart(&self.feeds.own)),
                turn = self.feeds.turn(&self.channels, websocket, &mut cut) => match turn {
                    Turn::Received(Some(Message::Text(frame))) => {
                        self.receive(websocket, frame.as_str()).await?;
                    }
                    Turn::Received(Some(Message::Binary(_))) => {
                        let why = "tidings.v1 is text: publish binary by publish_base64";
                        return Ok(End::Close(CloseCode::UNSUPPORTED_DATA, why.into()));
                    }
                    Turn::Received(None) => return Ok(End::Left),
                    Turn::Read(number, read) => self.deliver(websocket, number, read).await?,
                    Turn::Cut => return Ok(End::Cut),
                },
            }
        }
    }

    async fn deliver(
        &mut self,
        websocket: &mut WebSocket,
        number: usize,
        read: Read,
    ) -> Result<(), End> {
        let Some(feed) = self.feeds.get_mut(number) else {
            return Ok(());
        };
        // The channel of the URL is not named.
        let named = (number > 0).then(|| feed.channel.clone());
        match read {
            Read::Batch(batch) => {
                feed.delivered = true;
                let deflate = self.deflate;
                let frames = batch.messages.iter().map(|message| match &named {
                    None => forms::envelope(message, deflate),
                    Some(channel) => forms::named_envelope(message, channel, deflate),
                });
                websocket.send_frames(frames).await?;
                feed.held.count_messages(batch.messages.len());
            }
            Read::Gap(gap) => return self.tell_gap(websocket, number, named, &gap).await,
            Read::Deleted => {
                websocket
                    .send_text(&envelope::deleted(named.as_ref()))
                    .await?;
                let Some(other) = number.checked_sub(1) else {
                    return Err(End::close(DELETED, "deleted".into()));
                };
                self.feeds.others.remove(other);
            }
            Read::CaughtUp => {}
        }
        Ok(())
    }

    async fn tell_gap(
        &mut self,
        websocket: &mut WebSocket,
        number: usize,
        named: Option<ChannelName>,
        gap: &Gap,
    ) -> Result<(), End> {
        let Some(feed) = self.feeds.get_mut(number) else {
            return Ok(());
        };
        // Only the position in the channel of the URL can be told by a close.
        if named.is_none()
            && let Some(end) = End::of_lag(&self.channels, feed, gap)
        {
            return Err(end);
        }
        feed.delivered = true;
        websocket
            .send_text(&envelope::gap(&forms::gap(gap), named.as_ref()))
            .await?;
        Ok(())
    }

    /// Carries out what the client sent. Answers are queued, to leave with others.
    async fn receive(&mut self, websocket: &mut WebSocket, frame: &str) -> Result<(), End> {
        let (reference, command) = envelope::parse(frame);
        let answer = match command {
            Ok(Command::Publish { .. }) if !self.may_publish => {
                return Err(End::publishing_is_not_allowed());
            }
            Ok(command) => self.carry_out(command, reference.as_ref()),
            Err(refusal) => Err(refusal),
        };
        match answer {
            Ok(Some(answer)) => websocket.feed_text(&answer).await?,
            Ok(None) => {}
            Err(refusal) => {
                let error = envelope::error(&refusal, reference.as_ref());
                websocket.feed_text(&error).await?;
            }
        }
        Ok(())
    }

    /// Gives the answer, where there is one.
    fn carry_out(
        &mut self,
        command: Command,
        reference: Option<&Ref>,
    ) -> Result<Option<String>, Refusal> {
        match command {
            Command::Publish {
                kind,
                payload,
                event,
                key,
            } => {
                let publish = Publish {
                    kind,
                    event,
                    payload: &payload,
                    key: key.as_ref().map(String::as_bytes),
                };
                let id = self.publish(publish)?;
                // Who gives no reference wants no acknowledgement.
                Ok(reference.map(|reference| envelope::ack(reference, id)))
            }
            Command::Subscribe { channel, start } => {
                let position = self.subscribe(&channel, start)?;
                Ok(Some(envelope::subscribed(&channel, position, reference)))
            }
            Command::Unsubscribe { channel } => {
                self.unsubscribe(&channel)?;
                Ok(Some(envelope::unsubscribed(&channel, reference)))
            }
        }
    }

    fn publish(&self, publish: Publish<'_>) -> Result<Position, Refusal> {
        let (len, max) = (
            publish.payload.len(),
            self.channels.0.config.max_message_len,
        );
        if len > max {
            let message = format!("a payload of {len} octets, the limit is {max}");
            return Err(Refusal {
                code: Code::TooLarge,
                message,
            });
        }
        match self.channels.publish(&self.feeds.own.channel, publish) {
            Ok(published) => Ok(published.position),
            Err(error) => Err(Refusal {
                code: match error {
                    PublishError::KeyReused => Code::Malformed,
                    _ => Code::Limit,
                },
                message: error.to_string(),
            }),
        }
    }

    fn subscribe(&mut self, channel: &ChannelName, start: Start) -> Result<Position, Refusal> {
        let refuse = |code, message: &str| {
            Err(Refusal {
                code,
                message: message.into(),
            })
        };
        if self.subscribed(channel).is_some() || *channel == self.feeds.own.channel {
            return refuse(Code::Already, "the connection carries this channel already");
        }
        if self.feeds.others.len() + 1 >= MAX_CHANNELS {
            return refuse(Code::Limit, "a connection carries at most 100 channels");
        }
        let allowed = self
            .channels
            .authorize(Verb::Subscribe, channel, &self.head, self.peer);
        if allowed.is_err() {
            return refuse(Code::Channel, "reading this channel is not allowed");
        }
        let (now, entropy) = (self.channels.now(), self.channels.entropy());
        let cursor = match self.channels.hub().subscribe(channel, start, now, entropy) {
            Ok(cursor) => cursor,
            Err(error) => return refuse(Code::Limit, &error.to_string()),
        };
        let position = cursor.position();
        let held = Held::new(self.channels.0.stats.of(channel), Transport::WebSocket);
        self.feeds
            .others
            .push(Feed::new(channel.clone(), cursor, held));
        Ok(position)
    }

    fn unsubscribe(&mut self, channel: &ChannelName) -> Result<(), Refusal> {
        let Some(number) = self.subscribed(channel) else {
            let message = if *channel == self.feeds.own.channel {
                "the channel of the URL stays as long as the connection"
            } else {
                "the connection does not carry this channel"
            };
            return Err(Refusal {
                code: Code::NotSubscribed,
                message: message.into(),
            });
        };
        self.feeds.others.remove(number);
        Ok(())
    }

    fn subscribed(&self, channel: &ChannelName) -> Option<usize> {
        self.feeds
            .others
            .iter()
            .position(|feed| feed.channel == *channel)
    }
}
