//! Adding to a channel, ending it, and its figures: POST, DELETE and `/info`.

use core::sync::atomic::Ordering;

use tidings_hub::{ChannelName, EventName, NameError, Publish, PublishError};

use super::config::Verb;
use super::stats::Transport;
use super::{Channels, forms};
use crate::serve::{BodyError, Entropy, Request, Response};

/// Longest idempotency key in octets.
const MAX_KEY_LEN: usize = 255;

impl Channels {
    pub(super) async fn post(
        &self,
        mut request: Request,
        channel: &ChannelName,
        event: Option<EventName>,
    ) -> Response {
        if let Err(refused) = self.authorize(Verb::Publish, channel, request.head(), request.peer())
        {
            return refused;
        }
        let fields = request.head().fields().clone();
        let coded = fields
            .tokens("Content-Encoding")
            .any(|coding| !coding.eq_ignore_ascii_case("identity"));
        if coded {
            return Response::problem(
                415,
                "a Content-Encoding other than identity is not supported",
            )
            .with("Accept-Encoding", "identity");
        }
        let mut keys = fields.get_all("Idempotency-Key");
        let key = keys.next();
        if keys.next().is_some() || key.is_some_and(|key| !is_key(key)) {
            return Response::problem(
                400,
                "the Idempotency-Key is not one value of 1 to 255 visible octets",
            );
        }
        let payload = match request.body().collect(self.0.config.max_message_len).await {
            Ok(payload) => payload,
            Err(error @ BodyError::Overloaded { .. }) => {
                return overloaded(error.into(), &self.0.config.entropy);
            }
            Err(error) => return error.into(),
        };
        let kind = forms::kind(fields.get("Content-Type"));
        let publish = Publish {
            kind,
            event,
            payload: &payload,
            key,
        };
        match self.publish(channel, publish) {
            Ok(published) => Response::bytes(
                200,
                "application/json",
                format!("{{\"id\":\"{}\"}}\n", published.position),
            ),
            Err(error) => refused(error, &self.0.config.entropy),
        }
    }

    pub(super) fn delete(&self, request: &Request, channel: &ChannelName) -> Response {
        if let Err(refused) = self.authorize(Verb::Delete, channel, request.head(), request.peer())
        {
            return refused;
        }
        self.0.hub.delete(channel, self.now());
        Response::new(204)
    }

    pub(super) fn info(&self, request: &Request, channel: &ChannelName) -> Response {
        if let Err(refused) = self.authorize(Verb::Info, channel, request.head(), request.peer()) {
            return refused;
        }
        let now = self.now();
        let Some(info) = self.0.hub.info(channel, now) else {
            return Response::problem(
                404,
                "there is no such channel: it has no message and no subscriber",
            );
        };
        let stats = self.0.stats.of(channel);
        let mut subscribers = Vec::new();
        let mut wire = Vec::new();
        for transport in Transport::ALL {
            let (of, name) = (stats.of(transport), transport.name());
            let count = stats.subscribers(transport, now.as_secs());
            subscribers.push(format!(r#""{name}":{count}"#));
            wire.push(format!(
                r#""{name}":{{"requests":{},"messages":{},"octets_in":{},"octets_out":{}}}"#,
                of.requests.load(Ordering::Relaxed),
                of.messages.load(Ordering::Relaxed),
                of.meter.received(),
                of.meter.sent(),
            ));
        }
        let body = format!(
            r#"{{"channel":{},"position":"{}","oldest":{},"messages":{},"octets":{},"subscribers":{{{}}},"wire":{{{}}}}}"#,
            forms::json_string(channel.as_str()),
            info.position,
            info.oldest
                .map_or_else(|| "null".to_owned(), |oldest| format!("\"{oldest}\"")),
            info.messages,
            info.octets,
            subscribers.join(","),
            wire.join(","),
        );
        Response::bytes(200, "application/json", body + "\n")
    }
}

/// 1 to 255 visible octets.
pub(super) fn is_key(key: &[u8]) -> bool {
    (1..=MAX_KEY_LEN).contains(&key.len()) && key.iter().all(|octet| (0x21..=0x7e).contains(octet))
}

impl From<PublishError> for Response {
    /// The answer to a publish that the hub refused: 422, 429, 503 or 507.
    fn from(error: PublishError) -> Self {
        refused(error, &Entropy::default())
    }
}

fn refused(error: PublishError, entropy: &Entropy) -> Response {
    let status = match error {
        PublishError::KeyReused => 422,
        PublishError::TooManyKeys { .. } => 429,
        PublishError::TooManyChannels { .. } => 503,
        PublishError::Budget { .. } => 507,
        _ => 500,
    };
    let response = Response::problem(status, &error.to_string());
    if matches!(status, 429 | 503 | 507) {
        overloaded(response, entropy)
    } else {
        response
    }
}

impl From<NameError> for Response {
    /// The answer to a name that no channel and no event can have: 400.
    fn from(error: NameError) -> Self {
        Self::problem(400, &error.to_string())
    }
}

/// Tells when to come back, at random, so that those who are turned away together do not come back
/// together.
pub(super) fn overloaded(response: Response, entropy: &Entropy) -> Response {
    response.with("Retry-After", (1 + entropy.draw() % 30).to_string())
}
