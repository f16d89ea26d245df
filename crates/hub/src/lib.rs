#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod budget;
mod channel;
mod config;
mod cursor;
mod hub;
mod keys;
mod log;
mod message;
mod name;
mod position;
mod publish;
mod read;
mod shard;
mod sync;
mod wait;

pub use config::Config;
pub use cursor::Cursor;
pub use hub::{Hub, Info, SubscribeError};
pub use message::{FORMS, Kind, Message};
pub use name::{ChannelName, EventName, NameError};
pub use position::{Position, PositionError};
pub use publish::{Publish, PublishError, Published};
pub use read::{Batch, Gap, GapReason, Limit, Messages, Read, Start};
