//! The limits of a decoder and what happens above them.

use crate::text::Text;

/// What the decoder does with an event that goes over a limit.
///
/// A server that repeats an event after each resume repeats an oversize one too. So under every
/// policy the id of its block is committed, and a resume steps over it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Oversize {
    /// Returns the error, again at each call, until [`Decoder::skip_event`](crate::Decoder::skip_event) or [`Decoder::finish`](crate::Decoder::finish).
    #[default]
    Error,
    /// Drops the event and gives [`Item::Skipped`](crate::Item::Skipped) in its place.
    SkipEvent,
    /// Cuts the data at the first octet that does not fit, between characters, and sets
    /// [`Event::truncated`](crate::Event::truncated). An oversize type or id cannot be cut and skips the event.
    Truncate,
}

/// The settings of a [`Decoder`](crate::Decoder).
///
/// ```
/// use tidings_sse::{Config, Decoder};
/// let mut config = Config::default();
/// config.max_line_len = 64 * 1024;
/// config.last_event_id = "41".into();
/// assert_eq!(Decoder::with_config(config).last_event_id(), "41");
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// Most octets of one line of a known field, without its end, and of a type or an id after
    /// replacement. Default 1 MiB; less than 6 counts as 6. Ignored lines may have any length.
    pub max_line_len: usize,
    /// Most octets of the data of one event, its lines joined. Default 4 MiB.
    pub max_event_len: usize,
    /// What happens above these limits. Default: an error.
    pub oversize: Oversize,
    /// Whether comments are given as [`Item::Comment`](crate::Item::Comment). Default no: nothing of them is buffered.
    /// One longer than `max_line_len` is cut.
    pub comments: bool,
    /// The last event ID to begin with, from an earlier stream of the same source. Default empty.
    pub last_event_id: Text,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_line_len: 1 << 20,
            max_event_len: 4 << 20,
            oversize: Oversize::Error,
            comments: false,
            last_event_id: Text::default(),
        }
    }
}
