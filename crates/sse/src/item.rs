//! What a stream says, item by item.

use crate::error::ReceiveError;
use crate::text::Text;
use core::time::Duration;

/// One thing that a stream says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Item {
    /// An event is dispatched.
    Event(Event),
    /// A comment, less its colon and one space; only where [`Config::comments`](crate::Config::comments) asks for it.
    Comment(Text),
    /// The reconnection time is set. It acts at once, with no blank line.
    Retry(Duration),
    /// A block without data set the last event ID: see [`Decoder::last_event_id`](crate::Decoder::last_event_id).
    Id,
    /// An event went over a limit and was dropped, by [`Oversize::SkipEvent`](crate::Oversize::SkipEvent). The id of its block
    /// is committed.
    Skipped(ReceiveError),
}

/// An event as it is dispatched.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Event {
    /// The event type; none for `message`, said or not.
    pub event: Option<Text>,
    /// The data lines, joined by LF. May be empty.
    pub data: Text,
    /// The last event ID when the event was dispatched, set by this block or an earlier one.
    pub id: Text,
    /// Whether data is missing at the end, by [`Oversize::Truncate`](crate::Oversize::Truncate).
    pub truncated: bool,
}

impl Event {
    /// Gives the event type by its name, `message` where the stream gave none.
    #[must_use]
    pub fn event_type(&self) -> &str {
        self.event.as_ref().map_or("message", Text::as_str)
    }
}

/// Tells whether a type is another than `message`, which an empty one stands for.
#[inline]
pub(crate) fn named(event: &[u8]) -> bool {
    !matches!(event, b"" | b"message")
}
