//! `POST /demo/cut?transport=NAME`: the server resets the connections of one transport, and for a
//! moment every connection that comes after them.
//!
//! A browser sends a `GET` that was reset again by itself, within milliseconds and without a word
//! to the page. An outage of a moment is what makes the page's reader see the cut; one of some
//! seconds (`&seconds=N`) shows what a reader finds that comes back late.

use core::time::Duration;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use tidings_server::channels::{Channels, Transport};
use tidings_server::http1::RequestHead;
use tidings_server::polling::prefer_wait;
use tidings_server::serve::Response;
use tidings_server::sse::MEDIA_TYPE;

/// Length of an outage where no length is given: longer than the browser's own repetitions,
/// shorter than a reader's first pause.
const MOMENT: Duration = Duration::from_millis(500);
const MAX_SECONDS: u64 = 30;

/// How long a cut of short polling waits for a poll to cut.
const ARMED_FOR: Duration = Duration::from_secs(15);

/// The outages of each transport.
#[derive(Debug, Default)]
pub(crate) struct Outages(Mutex<[Outage; 4]>);

#[derive(Debug, Clone, Copy, Default)]
enum Outage {
    #[default]
    None,
    /// Nothing is held in short polling, so its outage begins with the next poll.
    Armed {
        until: Instant,
        length: Duration,
    },
    Until(Instant),
}

impl Outages {
    /// Cuts the connections of a transport, now and for `length`.
    fn begin(&self, channels: &Channels, transport: Transport, length: Duration, now: Instant) {
        let outage = match transport {
            Transport::ShortPoll => Outage::Armed {
                until: now + ARMED_FOR,
                length,
            },
            Transport::LongPoll | Transport::Sse | Transport::WebSocket => {
                Outage::Until(now + length)
            }
        };
        self.with(transport, |slot| *slot = outage);
        if transport != Transport::ShortPoll {
            channels.cut(transport);
        }
    }

    /// Whether a request falls into an outage of its transport.
    pub(crate) fn hit(&self, head: &RequestHead, now: Instant) -> bool {
        let Some(transport) = transport(head) else {
            return false;
        };
        self.with(transport, |slot| match *slot {
            Outage::Armed { until, length } if now < until => {
                *slot = Outage::Until(now + length);
                true
            }
            Outage::Until(until) if now < until => true,
            Outage::Armed { .. } | Outage::Until(_) | Outage::None => {
                *slot = Outage::None;
                false
            }
        })
    }

    fn with<T>(&self, transport: Transport, change: impl FnOnce(&mut Outage) -> T) -> T {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let [short_poll, long_poll, sse, websocket] = &mut *slots;
        change(match transport {
            Transport::ShortPoll => short_poll,
            Transport::LongPoll => long_poll,
            Transport::Sse => sse,
            Transport::WebSocket => websocket,
        })
    }
}

/// Answers `POST /demo/cut`.
pub(crate) fn answer(head: &RequestHead, channels: &Channels, outages: &Outages) -> Response {
    if head.method() != "POST" {
        return Response::problem(405, "a cut is a POST").with("Allow", "POST");
    }
    match asked(head.query().unwrap_or_default()) {
        Ok((transport, length)) => {
            outages.begin(channels, transport, length, Instant::now());
            Response::new(204).with("Cache-Control", "no-store")
        }
        Err(why) => Response::problem(400, why),
    }
}

/// Reads `transport=NAME` and `seconds=N`.
fn asked(query: &str) -> Result<(Transport, Duration), &'static str> {
    let (mut transport, mut length) = (None, MOMENT);
    for pair in query.split('&') {
        match pair.split_once('=').unwrap_or((pair, "")) {
            ("transport", name) => {
                let named = |transport: &Transport| transport.name().replace('_', "-") == name;
                transport = Transport::ALL.into_iter().find(named);
            }
            ("seconds", seconds) => {
                length = match seconds.parse() {
                    Ok(seconds @ 1..=MAX_SECONDS) => Duration::from_secs(seconds),
                    Ok(_) | Err(_) => return Err("seconds is not a number from 1 to 30"),
                };
            }
            (_, _) => {}
        }
    }
    let transport =
        transport.ok_or("transport is none of short-poll, long-poll, sse, websocket")?;
    Ok((transport, length))
}

/// The transport by which a request reads a channel, as our readers ask for it.
pub(crate) fn transport(head: &RequestHead) -> Option<Transport> {
    let name = head.path().strip_prefix("/channels/")?;
    if head.method() != "GET" || name.contains('/') {
        return None;
    }
    let fields = head.fields();
    let waits = |query: &str| query.split('&').any(|pair| pair.starts_with("wait="));
    Some(if fields.has_token("Upgrade", "websocket") {
        Transport::WebSocket
    } else if fields
        .tokens("Accept")
        .any(|range| range.starts_with(MEDIA_TYPE))
    {
        Transport::Sse
    } else if prefer_wait(fields.get_all("Prefer")).is_some() || head.query().is_some_and(waits) {
        Transport::LongPoll
    } else {
        Transport::ShortPoll
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_names_its_transport_and_at_most_30_seconds() {
        let rows = [
            ("transport=sse", Ok((Transport::Sse, MOMENT))),
            (
                "transport=short-poll&seconds=9",
                Ok((Transport::ShortPoll, Duration::from_secs(9))),
            ),
            ("x=1&transport=long-poll", Ok((Transport::LongPoll, MOMENT))),
            ("transport=websocket", Ok((Transport::WebSocket, MOMENT))),
        ];
        for (query, want) in rows {
            assert_eq!(asked(query), want, "{query}");
        }
        for bad in [
            "",
            "transport=",
            "transport=long_poll",
            "transport=sse&seconds=0",
            "transport=sse&seconds=31",
            "transport=sse&seconds=x",
        ] {
            assert!(asked(bad).is_err(), "{bad}");
        }
    }
}
