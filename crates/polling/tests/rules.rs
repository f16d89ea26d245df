//! Rules that hold over many clients, and against what stands between client and server.

use core::time::Duration;
use std::collections::HashMap;

use tidings_polling::{Backoff, LongPollSchedule, MAX_WAIT, Outcome, Poll};

const CLIENTS: u64 = 10_000;

/// Entropy that differs from client to client and from draw to draw (`SplitMix64`).
fn entropy(client: u64, draw: u64) -> u64 {
    let mut z = (client * 64 + draw + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The most of the clients whose waits end within the same 100 ms.
fn peak(wait_of: impl Fn(u64) -> Duration) -> u64 {
    let mut slots: HashMap<u128, u64> = HashMap::new();
    for client in 0..CLIENTS {
        *slots.entry(wait_of(client).as_millis() / 100).or_default() += 1;
    }
    slots.into_values().max().unwrap_or(0)
}

#[test]
fn clients_that_fell_together_come_back_apart() {
    // After so many failures the span is 1, 2, 4, 8, 16, 30 s: so many slots of 100 ms.
    let rows = [
        (1, 10),
        (2, 20),
        (3, 40),
        (4, 80),
        (5, 160),
        (6, 300),
        (9, 300),
    ];
    for (failures, slots) in rows {
        let most = peak(|client| {
            let mut backoff = Backoff::default();
            let waits = (0..failures).map(|n| backoff.next(Duration::ZERO, entropy(client, n)));
            waits.last().unwrap_or_default()
        });
        let even = CLIENTS / slots;
        assert!(
            (even..=even * 3 / 2 + 20).contains(&most),
            "{failures} failures: {most} at once, {even} if even"
        );
    }
    // All were told the same number: they come back over half of it again, 50 slots.
    let refused = Outcome::Refused {
        retry_after: Duration::from_secs(10),
    };
    let most = peak(|client| {
        LongPollSchedule::default().next(Duration::ZERO, refused, entropy(client, 0))
    });
    assert!((200..=320).contains(&most), "{most} at once, 200 if even");
}

#[test]
fn a_wait_ends_before_common_proxies_give_up_rfc6202_5_5() {
    // 30 s is what passes everywhere; at 60 s common proxies and balancers cut a silent connection.
    let passes = Duration::from_secs(30)..Duration::from_secs(60);
    assert!(passes.contains(&MAX_WAIT), "{MAX_WAIT:?}");
    let rows = [
        (0, 0),
        (1, 1),
        (30, 30),
        (55, 55),
        (56, 55),
        (60, 55),
        (u64::MAX, 55),
    ];
    for (asked, granted) in rows {
        let poll = Poll {
            wait: Duration::from_secs(asked),
            ..Poll::default()
        };
        assert_eq!(poll.granted(), Duration::from_secs(granted), "{asked}");
    }
}
