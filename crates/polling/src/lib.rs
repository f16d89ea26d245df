//! Short and long polling: entity tags, Prefer, the answer of one poll, schedules, no I/O.
//!
//! A poll is a GET that says how far its reader is. On the wire:
//!
//! ```text
//! GET /channels/news HTTP/1.1
//! If-None-Match: "9f3a.41"          what the reader has (RFC 9110 §13.1.2)
//! Prefer: wait=25                   how long it would wait for more (RFC 7240 §4.3)
//!
//! HTTP/1.1 200 OK                   news, or an empty list when the wait is over
//! HTTP/1.1 304 Not Modified         nothing newer, where the tag equals that of the answer
//! ETag: "9f3a.42"
//! ```
//!
//! A short poll is a wait of zero. For the server: [`if_none_match`], [`prefer_wait`] and [`Poll`],
//! which decides one answer as a value. For the client: [`ShortPollSchedule`], [`LongPollSchedule`]
//! and [`Backoff`], which say when to ask again.
//!
//! ```
//! use core::time::Duration;
//! use tidings_polling::{Answer, IfNoneMatch, Poll, if_none_match, prefer_wait};
//!
//! let at = Duration::from_secs;
//! let fields = if_none_match([&b"W/\"9f3a.42-gzip\""[..]]);
//! let poll = Poll {
//!     wait: prefer_wait([&b"respond-async, wait=25"[..]]).unwrap_or_default(),
//!     started: at(100),
//!     tag_matches: fields.matches("9f3a.42"),
//! };
//! assert_eq!(poll.answer(false, at(100)), Answer::Wait { until: at(125) });
//! assert_eq!(poll.answer(true, at(101)), Answer::Now);
//! assert_eq!(poll.answer(false, at(125)), Answer::NotModified);
//! ```
//!
//! The crate does no I/O, reads no clock and rolls no dice: times are a `Duration` since an origin of
//! the caller's choice, and entropy is a `u64` argument. It keeps no log and no list of waiters.
//!
//! Not supported: `If-Modified-Since` (a date cannot tell two messages of one second apart) and the
//! date form of `Retry-After`.
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod answer;
mod backoff;
mod entity_tag;
mod prefer;
mod schedule;

pub use answer::{Answer, MAX_WAIT, Poll};
pub use backoff::{Backoff, BackoffConfig, retry_after};
pub use entity_tag::{
    EntityTag, EntityTags, IfNoneMatch, TagError, if_none_match, without_coding_suffix,
};
pub use prefer::prefer_wait;
pub use schedule::{LongPollSchedule, Outcome, ShortPollSchedule};

/// The examples of the README are held to what the crate does.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
