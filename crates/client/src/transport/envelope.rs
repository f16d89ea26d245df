//! What `tidings.v1` says in frames: of the channel of the URL, and of those that were joined.

use tidings_websocket::Message as WsMessage;

use super::Context;
use crate::error::one_line;
use crate::wire::{Envelope, Said};
use crate::{EndReason, Error, Item, Left, Refused};

/// Reads a frame; `None` where it holds nothing to hand out.
pub(super) fn read(message: &WsMessage, cx: &mut Context<'_>) -> Result<Option<Item>, Error> {
    let text = match message {
        WsMessage::Text(text) => text.as_str(),
        WsMessage::Binary(_) => return Err(Error::Protocol("a binary frame under tidings.v1")),
    };
    let envelope = Envelope::decode(text)?;
    match envelope.channel {
        Some(channel) => Ok(joined(channel, envelope.reference, envelope.said, cx)?),
        None => own(envelope.reference, envelope.said, cx),
    }
}

/// Reads a frame that tells the position; `false` for all others, which are to be [`read`].
pub(super) fn read_position(message: &WsMessage, cx: &mut Context<'_>) -> bool {
    let WsMessage::Text(text) = message else {
        return false;
    };
    match Envelope::decode(text.as_str()) {
        Ok(Envelope {
            channel: None,
            said: Said::Position(position),
            ..
        }) => {
            *cx.position = Some(position);
            true
        }
        Ok(_) | Err(_) => false,
    }
}

/// Of the channel of the URL, or an answer to a command.
fn own(reference: Option<u64>, said: Said, cx: &mut Context<'_>) -> Result<Option<Item>, Error> {
    Ok(match said {
        Said::Position(position) => {
            *cx.position = Some(position);
            None
        }
        Said::Message(message) => {
            if message.id.is_none() {
                return Err(NO_ID);
            }
            cx.position.clone_from(&message.id);
            Some(Item::Message(message))
        }
        Said::Gap(gap) => {
            *cx.position = Some(gap.next.clone());
            Some(Item::Gap(gap))
        }
        Said::Deleted => {
            return Err(Error::Ended {
                reason: EndReason::Deleted,
            });
        }
        Said::Error { code, message } => {
            let (code, message) = (one_line(&code), one_line(&message));
            // With a number it answers one of our frames: a subscribe, or else a publish.
            match reference {
                None => return Err(Error::Refused { code, message }),
                Some(reference) => Some(match cx.joins.refused(reference) {
                    Some(channel) => Item::Left(Left {
                        channel,
                        reason: EndReason::Refused { code, message },
                    }),
                    None => Item::Refused(Refused { code, message }),
                }),
            }
        }
        Said::Nothing => None,
    })
}

/// Of a joined channel. What nobody wants any more is dropped.
fn joined(
    channel: String,
    reference: Option<u64>,
    said: Said,
    cx: &mut Context<'_>,
) -> Result<Option<Item>, Error> {
    Ok(match said {
        Said::Position(position) => {
            cx.joins.opened(&channel, reference, position);
            None
        }
        Said::Message(mut message) => {
            let id = message.id.as_deref().ok_or(NO_ID)?;
            if !cx.joins.delivered(&channel, id) {
                return Ok(None);
            }
            message.channel = Some(channel);
            Some(Item::Message(message))
        }
        Said::Gap(mut gap) => {
            if !cx.joins.delivered(&channel, &gap.next) {
                return Ok(None);
            }
            gap.channel = Some(channel);
            Some(Item::Gap(gap))
        }
        Said::Deleted => cx.joins.ended(&channel).then_some(Item::Left(Left {
            channel,
            reason: EndReason::Deleted,
        })),
        Said::Error { .. } | Said::Nothing => None,
    })
}

const NO_ID: Error = Error::Protocol("a message under tidings.v1 has no id");
