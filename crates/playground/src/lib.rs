//! Octets in, one JSON object out: what a page shows of them.
//!
//! [`told`] gives the trace of `tidings-explain` and the events of the codec, which is fed the input in two pieces.
//! It is fed in one piece and octet by octet too, and `same` says whether all three gave the same.
//!
//! ```text
//! {"protocol": WORD,
//!  "spans": [{"offset","len","name","meaning","section"}, …],
//!  "fault": {"offset","what","section","answer"} | null,
//!  "awaits": WORDS | null,
//!  "events": [{"given","name","what"}, …],      given: octets that the codec had when it told this
//!  "cut": {"at","awaits","same"}}               awaits: what the codec waits for between the two pieces
//! ```
#![forbid(unsafe_code)]

mod feed;
mod json;

use tidings_explain::{Fault, Protocol, explain};

pub use feed::{Event, events};
use json::Writer;

/// Longest input of [`told`], in octets: read four times over while somebody drags the cut, so it takes no longer than
/// a blink.
pub const MAX_INPUT_LEN: usize = 16 * 1024;

/// Which protocol the octets are of, or that the octets tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guess(Option<Protocol>);

impl Guess {
    /// 1 to 4 name the protocols in the order of [`Protocol::ALL`]; any other number leaves it to the first octets.
    #[must_use]
    pub fn from_number(number: usize) -> Self {
        let index = number.checked_sub(1);
        Self(index.and_then(|index| Protocol::ALL.get(index).copied()))
    }
}

/// Tells octets, cut in two pieces behind octet `cut`, as JSON. Of input above [`MAX_INPUT_LEN`] the rest is passed over.
///
/// ```
/// use tidings_playground::{Guess, told};
///
/// let json = told(Guess::from_number(3), b"\x89\x00", 1);
/// assert!(json.contains(r#""events":[{"given":2,"name":"Ping","what":"\"\""}]"#));
/// assert!(json.ends_with(r#""cut":{"at":1,"awaits":"the rest of a frame header","same":true}}"#));
/// ```
#[must_use]
pub fn told(guess: Guess, octets: &[u8], cut: usize) -> String {
    let octets = octets.get(..MAX_INPUT_LEN).unwrap_or(octets);
    let (before, behind) = octets.split_at(cut.min(octets.len()));
    let protocol = guess.0.unwrap_or_else(|| Protocol::detect(octets));
    let trace = explain(protocol, octets);
    let cut_events = events(protocol, octets, &[before, behind]);
    let whole = feed::joined(events(protocol, octets, &[octets]));
    let single: Vec<&[u8]> = octets.chunks(1).collect();
    let same = whole == feed::joined(cut_events.clone())
        && whole == feed::joined(events(protocol, octets, &single));

    let mut out = Writer::default();
    out.object(|out| {
        out.key("protocol").text(protocol.as_str());
        out.key("spans").list(&trace.spans, |out, span| {
            out.object(|out| {
                out.key("offset").number(span.octets.start);
                out.key("len").number(span.octets.len());
                out.key("name").text(span.name);
                out.key("meaning").text(&span.meaning);
                out.key("section").text(span.section);
            });
        });
        fault(out.key("fault"), trace.fault.as_ref());
        out.key("awaits").text_or_null(trace.awaits);
        out.key("events").list(&cut_events, |out, event| {
            out.object(|out| {
                out.key("given").number(event.given);
                out.key("name").text(event.name);
                out.key("what").text(&event.what());
            });
        });
        out.key("cut").object(|out| {
            out.key("at").number(before.len());
            out.key("awaits")
                .text_or_null(explain(protocol, before).awaits);
            out.key("same").boolean(same);
        });
    });
    out.finish()
}

fn fault(out: &mut Writer, fault: Option<&Fault>) {
    let Some(fault) = fault else {
        out.text_or_null(None);
        return;
    };
    out.object(|out| {
        out.key("offset").number(fault.offset);
        out.key("what").text(&fault.what);
        out.key("section").text(&fault.section);
        out.key("answer").text(&fault.answer);
    });
}

/// Holds the README to its word.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(test)]
mod tests;
