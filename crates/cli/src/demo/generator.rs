//! What feeds the page: scores, notifications and prices, about four messages a second in all,
//! published as any program would, by `POST /channels/…` over a connection of its own.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use core::time::Duration;

use serde_json::json;
use tidings_client::{Publish, Publisher, Url};
use tokio::time::sleep;

use super::clock;
use super::dice::Dice;
use super::market::Market;
use super::notices::notice;
use super::scores::Scoreboard;

/// How long a feed rests after a message was refused.
const AFTER_A_FAILURE: Duration = Duration::from_secs(5);

/// What the chat begins with.
const GREETING: &str = "Welcome! Open this page in a second window and write to yourself: \
                        both see each message at once, by WebSocket.";

/// The feeds, ready to publish.
#[derive(Debug)]
pub(crate) struct Generator {
    scores: Publisher,
    notifications: Publisher,
    prices: Publisher,
    four_ways: Publisher,
    chat: Publisher,
    seed: u64,
}

impl Generator {
    /// Prepares to publish to the server at `address`, with `key` where it asks for one.
    ///
    /// # Errors
    /// A URL that the client does not take.
    pub(crate) fn new(
        address: SocketAddr,
        key: Option<&[u8]>,
        seed: u64,
    ) -> Result<Self, tidings_client::Error> {
        let server = format!("http://{}", reachable(address));
        let key = key.map(|key| format!("Bearer {}", String::from_utf8_lossy(key)));
        let publisher = |channel| -> Result<Publisher, tidings_client::Error> {
            let publisher = Publisher::to(Url::channel(&server, channel)?);
            Ok(match &key {
                Some(key) => publisher.field("Authorization", key),
                None => publisher,
            })
        };
        Ok(Self {
            scores: publisher("demo-scores")?,
            notifications: publisher("demo-notifications")?,
            prices: publisher("demo-prices")?,
            four_ways: publisher("demo-four-ways")?,
            chat: publisher("demo-chat")?,
            seed,
        })
    }

    /// Publishes until it is dropped.
    pub(crate) async fn run(self) {
        let mut dice = Dice::new(self.seed, 1);
        let mut board = Scoreboard::new(&mut dice);
        let scores = feed(self.scores, move || {
            (board.tick(&mut dice), millis(&mut dice, 2_000, 4_500))
        });

        let mut dice = Dice::new(self.seed, 2);
        let notifications = feed(self.notifications, move || {
            let notice = notice(&mut dice, clock::now());
            (notice, millis(&mut dice, 2_500, 7_500))
        });

        let mut dice = Dice::new(self.seed, 3);
        let mut market = Market::new(&mut dice);
        let prices = feed(self.prices, move || {
            (market.tick(&mut dice), millis(&mut dice, 350, 950))
        });

        let mut dice = Dice::new(self.seed, 4);
        let mut number = 0_u64;
        let four_ways = feed(self.four_ways, move || {
            number += 1;
            // The time of publishing is in the message, so that who receives it can tell how late
            // it is.
            let message = json!({ "n": number, "t": clock::now() });
            (message.to_string(), millis(&mut dice, 350, 650))
        });

        tokio::join!(scores, notifications, prices, four_ways, greet(self.chat));
    }
}

async fn greet(mut chat: Publisher) {
    let greeting = json!({ "from": "Tidings", "text": GREETING }).to_string();
    if let Err(error) = chat.publish(Publish::text(greeting)).await {
        tracing::warn!(%error, "the greeting was not published");
    }
}

/// Publishes what `next` gives, and waits as long as it says.
async fn feed(mut publisher: Publisher, mut next: impl FnMut() -> (String, Duration)) {
    loop {
        let (message, mut pause) = next();
        if let Err(error) = publisher.publish(Publish::text(message)).await {
            tracing::warn!(%error, "a message of the demo was not published");
            pause = AFTER_A_FAILURE;
        }
        sleep(pause).await;
    }
}

fn millis(dice: &mut Dice, low: i64, high: i64) -> Duration {
    Duration::from_millis(dice.between(low, high).unsigned_abs())
}

/// Where a listener is reached from its own machine: one of all addresses is reached by loopback.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
            SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
        });
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_on_all_addresses_is_reached_by_loopback() {
        let rows = [
            ("0.0.0.0:80", "127.0.0.1:80"),
            ("[::]:80", "[::1]:80"),
            ("192.0.2.1:80", "192.0.2.1:80"),
        ];
        for (listener, want) in rows {
            assert_eq!(
                reachable(listener.parse().unwrap()).to_string(),
                want,
                "{listener}"
            );
        }
    }
}
