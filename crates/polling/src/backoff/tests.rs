use super::{Backoff, BackoffConfig, after_refusal, part, retry_after};
use core::time::Duration;
use proptest::prelude::*;

const HALF: u64 = 1 << 63;

fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn retry_after_is_seconds_rfc9110_10_2_3() {
    let rows: [(&[u8], Option<Duration>); 9] = [
        (b"0", Some(s(0))),
        (b"120", Some(s(120))),
        (b" 5 ", Some(s(5))),
        (b"99999999999999999999", Some(s(u64::MAX))),
        (b"", None),
        (b"-1", None),
        (b"1.5", None),
        (b"5, 6", None),
        (b"Fri, 31 Dec 1999 23:59:59 GMT", None),
    ];
    for (value, want) in rows {
        assert_eq!(retry_after(value), want, "{}", value.escape_ascii());
    }
}

#[test]
fn the_span_doubles_up_to_its_cap() {
    let mut backoff = Backoff::default();
    for want in [500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000] {
        assert_eq!(backoff.next(s(0), HALF), Duration::from_millis(want));
    }
    for _ in 0..100 {
        assert_eq!(backoff.next(s(0), HALF), s(15));
    }
    assert_eq!(backoff.next(s(0), 0), s(0));
}

#[test]
fn failures_are_forgotten_only_after_a_good_period() {
    let mut backoff = Backoff::default();
    let mut fail_at = |good: &[u64], now| {
        for at in good {
            backoff.good(s(*at));
        }
        backoff.next(s(now), HALF)
    };
    assert_eq!(fail_at(&[], 0), Duration::from_millis(500));
    assert_eq!(fail_at(&[1], 2), s(1), "one good answer is no good period");
    assert_eq!(fail_at(&[10, 69], 69), s(2), "59 s");
    assert_eq!(
        fail_at(&[70, 100], 130),
        Duration::from_millis(500),
        "60 s since the first"
    );
    assert_eq!(
        fail_at(&[], 1_000),
        s(1),
        "time without an answer is not good"
    );
    assert_eq!(fail_at(&[1_001], 1_000), s(2), "a clock that goes back");
}

#[test]
fn a_part_is_uniform_and_never_the_whole() {
    assert_eq!(part(s(8), 0), s(0));
    assert_eq!(part(s(8), HALF), s(4));
    assert_eq!(part(s(8), HALF / 2), s(2));
    assert_eq!(part(s(8), u64::MAX), s(8) - Duration::from_nanos(1));
    assert_eq!(part(s(0), u64::MAX), s(0));
    assert_eq!(part(Duration::MAX, 0), s(0));
}

proptest! {
    #[test]
    fn a_wait_stays_in_its_span(
        base in 0u64..10_000,
        cap in 0u64..100_000,
        failures in prop::collection::vec((any::<bool>(), 0u64..100, any::<u64>()), 1..60),
    ) {
        let (base, cap) = (Duration::from_millis(base), Duration::from_millis(cap));
        let mut backoff = Backoff::new(BackoffConfig { base, cap, ..BackoffConfig::default() });
        let (mut now, mut span) = (s(0), base);
        for (good, quiet, entropy) in failures {
            if good {
                backoff.good(now);
                if quiet >= 60 {
                    span = base;
                }
            }
            now += s(quiet);
            let wait = backoff.next(now, entropy);
            prop_assert!(wait <= span.min(cap), "{wait:?} of {span:?} and {cap:?}");
            span = span.saturating_mul(2);
        }
    }

    #[test]
    fn a_refused_client_comes_back_late_and_spread(seconds in any::<u64>(), entropy in any::<u64>()) {
        let asked = s(seconds);
        let wait = after_refusal(asked, entropy);
        let most = asked.saturating_add((asked / 2).max(s(1)));
        prop_assert!(asked <= wait && wait <= most);
    }
}
