//! When a client connects again, and when it never does (HTML §9.2.3).
//!
//! ```text
//!            200, text/event-stream             end, error, silence
//! Connecting ----------------------> Open ------------------------+
//!   ^    |  \                                                     v
//!   |    |   +-------- network error ------------------------> Waiting
//!   |    +-- any other status or type --> Closed, for good        |
//!   +-------------------------------------------------------------+ the wait is over
//! ```

use crate::is_event_stream;
use core::time::Duration;

/// The settings of a [`Reconnection`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ReconnectConfig {
    /// Reconnection time until the server sets one. Default 3 s, as browsers have it.
    pub default_reconnection_time: Duration,
    /// Least reconnection time, whatever the server says. Default 100 ms: `retry: 0` would be a
    /// loop without a pause.
    pub min_reconnection_time: Duration,
    /// Greatest reconnection time, whatever the server says. Default 5 minutes.
    pub max_reconnection_time: Duration,
    /// Most that is added to the reconnection time after repeated failures. Default 30 s.
    pub max_backoff: Duration,
    /// How long a stream must have been open before failures are forgotten. Default 60 s: a server
    /// that accepts and drops at once is backed off from.
    pub good_period: Duration,
    /// Longest silence of an open stream, heartbeats included, before it counts as lost. Default
    /// 5 minutes; none waits for ever.
    pub idle_timeout: Option<Duration>,
    /// Most redirects of one attempt. Default 20, the limit of the Fetch standard.
    pub max_redirects: u32,
}

impl Default for ReconnectConfig {
    fn default() -> Self {
        Self {
            default_reconnection_time: Duration::from_secs(3),
            min_reconnection_time: Duration::from_millis(100),
            max_reconnection_time: Duration::from_secs(300),
            max_backoff: Duration::from_secs(30),
            good_period: Duration::from_secs(60),
            idle_timeout: Some(Duration::from_secs(300)),
            max_redirects: 20,
        }
    }
}

/// Where a source stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum State {
    /// The caller is to send the request, or has sent it.
    Connecting {
        /// Redirects followed in this attempt.
        redirects: u32,
        /// Whether all of them were permanent, so that the target may be remembered.
        permanent: bool,
    },
    /// The stream is read.
    Open {
        /// When the answer came.
        since: Duration,
        /// When the last octet, or the answer, came.
        heard: Duration,
    },
    /// The caller connects again at `until`.
    Waiting {
        /// When.
        until: Duration,
    },
    /// The source is over: no request is sent again.
    Closed(FailReason),
}

/// Why a source is over.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
pub enum FailReason {
    /// A status other than 200 and the redirects. 204 is a server's way to say stop.
    #[error("the answer has the status {0}, not 200")]
    Status(u16),
    /// The answer has no media type, or another one.
    #[error("the answer is not text/event-stream")]
    MediaType,
    /// A redirect without a Location, or with an empty one.
    #[error("a redirect names no location")]
    NoLocation,
    /// More redirects than `max_redirects`.
    #[error("more than {max} redirects")]
    TooManyRedirects {
        /// The limit.
        max: u32,
    },
    /// The caller closed it.
    #[error("the source was closed")]
    Closed,
}

/// What an answer means for the source.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// The body is the event stream.
    Open,
    /// The request is to be sent to the Location of the answer.
    Redirect {
        /// Whether later attempts go to the new place too: after 301 and 308 (RFC 9110 §15.4), unless
        /// a temporary redirect led there. Otherwise they go back to the first place.
        permanent: bool,
    },
    /// The source is over.
    Fail(FailReason),
}

/// The state of a client over all its connections to one source.
///
/// It opens no socket and reads no clock: the caller tells what happened and when. `now` is a time
/// since an origin of the caller's choice, that never goes back; `entropy` is 64 random bits.
///
/// ```
/// use core::time::Duration;
/// use tidings_sse::{ReconnectConfig, Reconnection, State, Verdict};
/// let at = Duration::from_secs;
/// let mut source = Reconnection::new(ReconnectConfig::default());
/// let verdict = source.handle_response(200, Some(b"text/event-stream"), None, at(0));
/// assert_eq!(verdict, Verdict::Open);
/// source.handle_end(at(90), 0);
/// assert_eq!(source.poll_timeout(), Some(at(93)));
/// source.handle_timeout(at(93), 0);
/// assert!(matches!(source.state(), State::Connecting { .. }));
/// ```
#[derive(Clone, Debug)]
pub struct Reconnection {
    config: ReconnectConfig,
    state: State,
    reconnection_time: Duration,
    /// Connections in a row that failed or ended before the good period.
    failures: u32,
}

const CONNECTING: State = State::Connecting {
    redirects: 0,
    permanent: true,
};

impl Reconnection {
    /// Makes a source that is about to connect.
    #[must_use]
    pub fn new(config: ReconnectConfig) -> Self {
        let mut source = Self {
            config,
            state: CONNECTING,
            reconnection_time: Duration::ZERO,
            failures: 0,
        };
        source.handle_retry(source.config.default_reconnection_time);
        source
    }

    /// Takes the head of an answer and tells what it means. A caller that waits may connect early:
    /// in each state but `Closed` the answer counts as that of the request under way.
    pub fn handle_response(
        &mut self,
        status: u16,
        content_type: Option<&[u8]>,
        location: Option<&[u8]>,
        now: Duration,
    ) -> Verdict {
        let (redirects, permanent) = match self.state {
            State::Closed(reason) => return Verdict::Fail(reason),
            State::Connecting {
                redirects,
                permanent,
            } => (redirects, permanent),
            State::Open { .. } | State::Waiting { .. } => (0, true),
        };
        let verdict = match status {
            200 if content_type.is_some_and(is_event_stream) => Verdict::Open,
            200 => Verdict::Fail(FailReason::MediaType),
            301 | 302 | 303 | 307 | 308 => {
                let max = self.config.max_redirects;
                if location.is_none_or(|location| location.trim_ascii().is_empty()) {
                    Verdict::Fail(FailReason::NoLocation)
                } else if redirects >= max {
                    Verdict::Fail(FailReason::TooManyRedirects { max })
                } else {
                    Verdict::Redirect {
                        permanent: permanent && matches!(status, 301 | 308),
                    }
                }
            }
            other => Verdict::Fail(FailReason::Status(other)),
        };
        self.state = match verdict {
            Verdict::Open => State::Open {
                since: now,
                heard: now,
            },
            Verdict::Redirect { permanent } => State::Connecting {
                redirects: redirects.saturating_add(1),
                permanent,
            },
            Verdict::Fail(reason) => State::Closed(reason),
        };
        verdict
    }

    /// Sets the reconnection time, within its limits. It stays over later connections.
    pub fn handle_retry(&mut self, time: Duration) {
        let Self { config, .. } = self;
        self.reconnection_time = time
            .min(config.max_reconnection_time)
            .max(config.min_reconnection_time);
    }

    /// Notes that octets of the stream came, whatever they say: the idle timeout begins again.
    pub fn handle_octets(&mut self, now: Duration) {
        match &mut self.state {
            State::Open { heard, .. } => *heard = now,
            State::Connecting { .. } | State::Waiting { .. } | State::Closed(_) => {}
        }
    }

    /// Notes the end of the body or a network error, before or after the answer: the wait begins.
    ///
    /// The wait is never shorter than the reconnection time. Added to it is a random part of a span
    /// that is half of it at first and doubles with each failure in a row, up to `max_backoff`.
    pub fn handle_end(&mut self, now: Duration, entropy: u64) {
        match self.state {
            State::Closed(_) | State::Waiting { .. } => return,
            State::Connecting { .. } => {}
            State::Open { since, .. } => {
                if now.saturating_sub(since) >= self.config.good_period {
                    self.failures = 0;
                }
            }
        }
        let doubled = 2u32.saturating_pow(self.failures);
        let span = (self.reconnection_time / 2).saturating_mul(doubled);
        let delay = self.reconnection_time + part(span.min(self.config.max_backoff), entropy);
        self.failures = self.failures.saturating_add(1);
        self.state = State::Waiting {
            until: now.saturating_add(delay),
        };
    }

    /// Gives the state.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Gives the reconnection time in force.
    #[must_use]
    pub fn reconnection_time(&self) -> Duration {
        self.reconnection_time
    }

    /// Gives the time at which to call [`handle_timeout`](Self::handle_timeout), if there is one.
    /// Ask again after each other call. How long a connection attempt may take is the caller's
    /// affair: tell its end by [`handle_end`](Self::handle_end).
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        match self.state {
            State::Connecting { .. } | State::Closed(_) => None,
            State::Open { heard, .. } => Some(heard.saturating_add(self.config.idle_timeout?)),
            State::Waiting { until } => Some(until),
        }
    }

    /// Acts on a time that has come: the wait is over, or the stream was silent for too long and
    /// counts as lost. Does nothing when called too early.
    pub fn handle_timeout(&mut self, now: Duration, entropy: u64) {
        if self.poll_timeout().is_none_or(|at| now < at) {
            return;
        }
        match self.state {
            State::Connecting { .. } | State::Closed(_) => {}
            State::Open { .. } => self.handle_end(now, entropy),
            State::Waiting { .. } => self.state = CONNECTING,
        }
    }

    /// Ends the source for good, unless it is over.
    pub fn close(&mut self) {
        match self.state {
            State::Closed(_) => {}
            State::Connecting { .. } | State::Open { .. } | State::Waiting { .. } => {
                self.state = State::Closed(FailReason::Closed);
            }
        }
    }

    /// Gives the value of the field Last-Event-ID for an id: the id as UTF-8. None, and so no field,
    /// where the id is empty or no field can carry it whole (RFC 9110 §5.5): it holds a control, or
    /// begins or ends in a blank.
    ///
    /// ```
    /// use tidings_sse::Reconnection;
    /// assert_eq!(Reconnection::last_event_id_field("42"), Some("42"));
    /// assert_eq!(Reconnection::last_event_id_field("4\n2"), None);
    /// ```
    #[must_use]
    pub fn last_event_id_field(id: &str) -> Option<&str> {
        let blank = |octet: Option<&u8>| matches!(octet, None | Some(b' ' | b'\t'));
        let octets = id.as_bytes();
        let control = octets
            .iter()
            .any(|octet| octet.is_ascii_control() && *octet != b'\t');
        (!control && !blank(octets.first()) && !blank(octets.last())).then_some(id)
    }
}

/// Gives the part of `span` that `entropy` says: uniform over its nanoseconds, never the whole.
fn part(span: Duration, entropy: u64) -> Duration {
    let nanos = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
    let scaled = (u128::from(nanos) * u128::from(entropy)) >> 64;
    Duration::from_nanos(u64::try_from(scaled).unwrap_or(nanos))
}

#[cfg(test)]
mod tests;
