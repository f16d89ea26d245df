use super::{LongPollSchedule, Outcome, ShortPollSchedule};
use crate::BackoffConfig;
use alloc::vec::Vec;
use core::time::Duration;
use proptest::prelude::*;

const HALF: u64 = 1 << 63;

fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[test]
fn a_fixed_interval_varies_by_a_tenth() {
    let mut schedule = ShortPollSchedule::fixed(s(10));
    for outcome in [Outcome::News, Outcome::Empty] {
        let waits = [0, HALF, u64::MAX].map(|entropy| schedule.next(s(0), outcome, entropy));
        assert_eq!(waits, [s(9), s(10), s(11) - Duration::from_nanos(1)]);
    }
    assert_eq!(
        [0, HALF].map(|entropy| schedule.first(entropy)),
        [s(0), s(5)]
    );
}

#[test]
fn an_adaptive_interval_halves_on_news_and_grows_by_half() {
    let mut schedule = ShortPollSchedule::adaptive(s(1), s(4));
    let rows = [
        (Outcome::Empty, 1_500),
        (Outcome::Empty, 2_250),
        (Outcome::Empty, 3_375),
        (Outcome::Empty, 4_000),
        (Outcome::Empty, 4_000),
        (Outcome::News, 2_000),
        (Outcome::News, 1_000),
        (Outcome::News, 1_000),
    ];
    for (outcome, want) in rows {
        assert_eq!(schedule.next(s(0), outcome, HALF), ms(want), "{outcome:?}");
    }
}

#[test]
fn a_failed_or_refused_short_poll_waits_at_least_its_interval() {
    let mut schedule = ShortPollSchedule::fixed(s(2));
    // The spans of the backoff are 1 s, 2 s, 4 s, 8 s: their middles pass 2 s at the fourth.
    for want in [2, 2, 2, 4, 8, 15, 15] {
        assert_eq!(schedule.next(s(0), Outcome::Failed, HALF), s(want));
    }
    let refused = |seconds| Outcome::Refused {
        retry_after: s(seconds),
    };
    assert_eq!(schedule.next(s(0), refused(0), HALF), s(2));
    assert_eq!(schedule.next(s(0), refused(10), 0), s(10));
    assert_eq!(schedule.next(s(0), refused(10), HALF), ms(12_500));
    // A refusal does not change the interval.
    assert_eq!(schedule.next(s(0), Outcome::Empty, HALF), s(2));
}

#[test]
fn a_long_poll_follows_at_once_but_not_in_a_hot_loop() {
    let mut schedule = LongPollSchedule::new(s(1));
    // A server that holds no request open: twice at once, then once a second.
    let mut now = s(50);
    let waits: Vec<_> = (0..5)
        .map(|_| {
            let wait = schedule.next(now, Outcome::Empty, 0);
            now += wait;
            wait
        })
        .collect();
    assert_eq!(waits, [s(0), s(0), s(1), s(1), s(1)]);
    // News costs nothing, whatever the bucket holds.
    assert_eq!(schedule.next(now, Outcome::News, 0), s(0));
    // A server that holds requests open is asked at once each time.
    for _ in 0..5 {
        now += s(25);
        assert_eq!(schedule.next(now, Outcome::Empty, 0), s(0));
    }
}

#[test]
fn a_failed_long_poll_backs_off_and_a_refused_one_obeys() {
    let config = BackoffConfig {
        base: s(2),
        ..BackoffConfig::default()
    };
    let mut schedule = LongPollSchedule::default().with_backoff(config);
    assert_eq!(schedule.next(s(0), Outcome::Failed, HALF), s(1));
    assert_eq!(schedule.next(s(0), Outcome::Failed, HALF), s(2));
    assert_eq!(schedule.next(s(1), Outcome::News, HALF), s(0));
    assert_eq!(schedule.next(s(2), Outcome::Failed, HALF), s(4));
    assert_eq!(schedule.next(s(3), Outcome::Empty, HALF), s(0));
    assert_eq!(schedule.next(s(63), Outcome::Failed, HALF), s(1));
    let refused = Outcome::Refused { retry_after: s(4) };
    assert_eq!(schedule.next(s(63), refused, HALF), s(5));
}

#[test]
fn a_failed_short_poll_backs_off_as_it_is_told() {
    let mut schedule = ShortPollSchedule::fixed(s(1)).with_backoff(BackoffConfig {
        base: s(40),
        cap: s(100),
        ..BackoffConfig::default()
    });
    for want in [20, 40, 50, 50] {
        assert_eq!(schedule.next(s(0), Outcome::Failed, HALF), s(want));
    }
}

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        Just(Outcome::News),
        Just(Outcome::Empty),
        Just(Outcome::Failed),
        any::<u64>().prop_map(|seconds| Outcome::Refused {
            retry_after: s(seconds)
        }),
    ]
}

proptest! {
    #[test]
    fn a_short_poll_stays_in_its_range(
        min in 0u64..5_000,
        more in 0u64..5_000,
        polls in prop::collection::vec((outcome(), any::<u64>()), 1..50),
    ) {
        let (min, max) = (ms(min), ms(min + more));
        let mut schedule = ShortPollSchedule::adaptive(min, max);
        for (outcome, entropy) in polls {
            let wait = schedule.next(s(0), outcome, entropy);
            prop_assert!(wait >= min - min / 10);
            let most = match outcome {
                Outcome::News | Outcome::Empty => max + max / 10,
                Outcome::Failed => s(30).max(max + max / 10),
                Outcome::Refused { retry_after } => {
                    prop_assert!(wait >= retry_after);
                    Duration::MAX
                }
            };
            prop_assert!(wait <= most, "{wait:?} of {most:?} after {outcome:?}");
            prop_assert!(schedule.first(entropy) <= max);
        }
    }

    #[test]
    fn empty_answers_are_asked_for_at_most_twice_and_then_once_a_spacing(
        spacing in 1u64..5_000,
        held in prop::collection::vec(0u64..10_000, 1..60),
    ) {
        let spacing = ms(spacing);
        let mut schedule = LongPollSchedule::new(spacing);
        let start = s(1_000);
        let mut now = start;
        for (answers, held) in (1u32..).zip(held) {
            now += ms(held);
            now += schedule.next(now, Outcome::Empty, 0);
            prop_assert!(now - start + spacing * 2 >= spacing * answers);
        }
    }

    #[test]
    fn no_call_panics_at_any_time(
        spacing in any::<u64>(),
        polls in prop::collection::vec((outcome(), any::<u64>(), any::<u64>()), 1..50),
    ) {
        let mut long = LongPollSchedule::new(s(spacing));
        let mut short = ShortPollSchedule::adaptive(s(spacing), s(u64::MAX));
        for (outcome, now, entropy) in polls {
            let wait = long.next(s(now), outcome, entropy);
            if outcome == Outcome::News {
                prop_assert_eq!(wait, s(0));
            }
            prop_assert!(short.next(s(now), outcome, entropy) >= s(spacing) - s(spacing) / 10);
        }
    }
}
