use super::{FailReason, ReconnectConfig, Reconnection, State, Verdict};
use core::time::Duration;
use proptest::prelude::*;

const STREAM: Option<&[u8]> = Some(b"text/event-stream");
/// The entropy that takes the middle of a span.
const HALF: u64 = 1 << 63;

fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn source() -> Reconnection {
    Reconnection::new(ReconnectConfig::default())
}

fn open(source: &mut Reconnection, now: Duration) {
    assert_eq!(
        source.handle_response(200, STREAM, None, now),
        Verdict::Open
    );
}

/// The wait after the end at `now`, over which the source is then taken.
fn wait(source: &mut Reconnection, now: Duration, entropy: u64) -> Duration {
    source.handle_end(now, entropy);
    let State::Waiting { until } = *source.state() else {
        panic!("{:?}", source.state())
    };
    source.handle_timeout(until, entropy);
    assert_eq!(
        *source.state(),
        State::Connecting {
            redirects: 0,
            permanent: true
        }
    );
    until - now
}

#[test]
fn only_200_with_the_media_type_opens_html_9_2_3() {
    let fail = Verdict::Fail;
    let rows: [(u16, Option<&[u8]>, Verdict); 20] = [
        (200, STREAM, Verdict::Open),
        (200, Some(b"Text/Event-Stream;charset=UTF-8"), Verdict::Open),
        (200, None, fail(FailReason::MediaType)),
        (200, Some(b"text/plain"), fail(FailReason::MediaType)),
        (
            200,
            Some(b"text/event-streamx"),
            fail(FailReason::MediaType),
        ),
        (100, STREAM, fail(FailReason::Status(100))),
        (201, STREAM, fail(FailReason::Status(201))),
        (202, STREAM, fail(FailReason::Status(202))),
        (204, STREAM, fail(FailReason::Status(204))),
        (205, STREAM, fail(FailReason::Status(205))),
        (206, STREAM, fail(FailReason::Status(206))),
        (300, STREAM, fail(FailReason::Status(300))),
        (304, STREAM, fail(FailReason::Status(304))),
        (404, STREAM, fail(FailReason::Status(404))),
        (410, STREAM, fail(FailReason::Status(410))),
        (429, STREAM, fail(FailReason::Status(429))),
        (500, STREAM, fail(FailReason::Status(500))),
        (502, STREAM, fail(FailReason::Status(502))),
        (503, STREAM, fail(FailReason::Status(503))),
        (0, STREAM, fail(FailReason::Status(0))),
    ];
    for (status, content_type, want) in rows {
        let mut source = source();
        assert_eq!(
            source.handle_response(status, content_type, None, s(1)),
            want,
            "{status}"
        );
        match want {
            Verdict::Open => {
                assert_eq!(
                    *source.state(),
                    State::Open {
                        since: s(1),
                        heard: s(1)
                    }
                );
            }
            Verdict::Fail(reason) => assert_eq!(*source.state(), State::Closed(reason)),
            Verdict::Redirect { .. } => unreachable!("no row redirects"),
        }
    }
}

#[test]
fn a_source_that_is_over_stays_over() {
    for reason in [FailReason::Status(204), FailReason::Closed] {
        let mut source = source();
        if reason == FailReason::Closed {
            open(&mut source, s(0));
            source.close();
        } else {
            source.handle_response(204, None, None, s(0));
        }
        source.close();
        source.handle_octets(s(1));
        source.handle_retry(s(1));
        source.handle_end(s(1), 0);
        source.handle_timeout(s(9_999), 0);
        assert_eq!(
            source.handle_response(200, STREAM, None, s(2)),
            Verdict::Fail(reason)
        );
        assert_eq!(*source.state(), State::Closed(reason));
        assert_eq!(source.poll_timeout(), None);
    }
}

#[test]
fn the_target_is_remembered_only_over_permanent_redirects_rfc9110_15_4() {
    let rows: [(&[u16], bool); 9] = [
        (&[301], true),
        (&[308], true),
        (&[302], false),
        (&[303], false),
        (&[307], false),
        (&[301, 308], true),
        (&[301, 302], false),
        (&[302, 301], false),
        (&[307, 308, 301], false),
    ];
    for (statuses, want) in rows {
        let mut source = source();
        let mut last = Verdict::Open;
        for status in statuses {
            last = source.handle_response(*status, None, Some(b"/b"), s(0));
        }
        assert_eq!(last, Verdict::Redirect { permanent: want }, "{statuses:?}");
        open(&mut source, s(1));
    }
}

#[test]
fn a_redirect_needs_a_location_and_ends_after_twenty() {
    for location in [None, Some(&b""[..]), Some(b" \t")] {
        let verdict = source().handle_response(301, STREAM, location, s(0));
        assert_eq!(
            verdict,
            Verdict::Fail(FailReason::NoLocation),
            "{location:?}"
        );
    }
    let mut source = source();
    for _ in 0..20 {
        let verdict = source.handle_response(307, None, Some(b"/a"), s(0));
        assert_eq!(verdict, Verdict::Redirect { permanent: false });
    }
    let verdict = source.handle_response(307, None, Some(b"/a"), s(0));
    assert_eq!(
        verdict,
        Verdict::Fail(FailReason::TooManyRedirects { max: 20 })
    );
}

#[test]
fn redirects_are_counted_anew_at_each_attempt() {
    let mut source = source();
    for _ in 0..3 {
        for _ in 0..20 {
            source.handle_response(302, None, Some(b"/a"), s(0));
        }
        wait(&mut source, s(0), 0);
    }
}

#[test]
fn the_wait_is_the_reconnection_time_and_a_part_that_doubles() {
    let mut source = source();
    // Base 3 s; the middle of a span of 1.5 s, 3 s, 6 s, 12 s, 24 s, then 30 s.
    let waits = [3_750, 4_500, 6_000, 9_000, 15_000, 18_000, 18_000, 18_000];
    for want in waits {
        assert_eq!(wait(&mut source, s(5), HALF), Duration::from_millis(want));
    }
    for _ in 0..100 {
        assert_eq!(wait(&mut source, s(5), 0), s(3));
    }
}

#[test]
fn failures_are_forgotten_only_after_a_good_period() {
    let mut source = source();
    let mut after_stream_of = |seconds| {
        open(&mut source, s(100));
        wait(&mut source, s(100) + seconds, HALF)
    };
    assert_eq!(after_stream_of(s(0)), Duration::from_millis(3_750));
    assert_eq!(after_stream_of(s(0)), Duration::from_millis(4_500));
    assert_eq!(after_stream_of(s(59)), Duration::from_millis(6_000));
    assert_eq!(after_stream_of(s(60)), Duration::from_millis(3_750));
    assert_eq!(after_stream_of(s(1)), Duration::from_millis(4_500));
}

#[test]
fn a_servers_reconnection_time_is_clamped_and_stays() {
    let rows = [
        (Duration::ZERO, Duration::from_millis(100)),
        (Duration::from_millis(99), Duration::from_millis(100)),
        (s(7), s(7)),
        (s(300), s(300)),
        (Duration::from_millis(u64::MAX), s(300)),
    ];
    for (said, want) in rows {
        let mut source = source();
        open(&mut source, s(0));
        source.handle_retry(said);
        assert_eq!(source.reconnection_time(), want);
        for _ in 0..3 {
            assert_eq!(wait(&mut source, s(70), 0), want, "{said:?}");
            open(&mut source, s(0));
        }
    }
}

#[test]
fn a_least_time_above_the_greatest_wins_without_a_panic() {
    let config = ReconnectConfig {
        min_reconnection_time: s(10),
        max_reconnection_time: s(1),
        ..ReconnectConfig::default()
    };
    assert_eq!(Reconnection::new(config).reconnection_time(), s(10));
}

#[test]
fn silence_counts_as_a_lost_connection_and_any_octet_breaks_it() {
    let config = ReconnectConfig {
        idle_timeout: Some(s(20)),
        ..ReconnectConfig::default()
    };
    let mut source = Reconnection::new(config);
    assert_eq!(source.poll_timeout(), None);
    open(&mut source, s(0));
    assert_eq!(source.poll_timeout(), Some(s(20)));
    source.handle_octets(s(15));
    source.handle_timeout(s(20), 0);
    assert_eq!(
        *source.state(),
        State::Open {
            since: s(0),
            heard: s(15)
        }
    );
    source.handle_timeout(s(35), 0);
    assert_eq!(*source.state(), State::Waiting { until: s(38) });
    // Octets and ends that come late change nothing.
    source.handle_octets(s(36));
    source.handle_end(s(36), 0);
    source.handle_timeout(s(37), 0);
    assert_eq!(*source.state(), State::Waiting { until: s(38) });
}

#[test]
fn without_an_idle_timeout_a_stream_may_be_silent_for_ever() {
    let config = ReconnectConfig {
        idle_timeout: None,
        ..ReconnectConfig::default()
    };
    let mut source = Reconnection::new(config);
    open(&mut source, s(0));
    source.handle_timeout(Duration::MAX, 0);
    assert_eq!(source.poll_timeout(), None);
    assert!(matches!(source.state(), State::Open { .. }));
}

#[test]
fn an_id_goes_into_the_field_only_whole() {
    let rows = [
        ("", None),
        ("42", Some("42")),
        ("a b", Some("a b")),
        ("a\tb", Some("a\tb")),
        ("豆…é", Some("豆…é")),
        (" a", None),
        ("a ", None),
        ("\ta", None),
        ("a\u{1}", None),
        ("a\u{7f}", None),
        ("a\r\nX: y", None),
        ("a\0", None),
    ];
    for (id, want) in rows {
        assert_eq!(Reconnection::last_event_id_field(id), want, "{id:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_wait_leaves_its_range(
        said in any::<u64>(),
        ends in prop::collection::vec((0u64..100, any::<u64>()), 1..40),
    ) {
        let mut source = source();
        source.handle_retry(Duration::from_millis(said));
        let base = source.reconnection_time();
        let (mut now, mut failures) = (Duration::ZERO, 0u32);
        for (open_for, entropy) in ends {
            open(&mut source, now);
            now += s(open_for);
            if open_for >= 60 {
                failures = 0;
            }
            let span = (base / 2).saturating_mul(1 << failures.min(20)).min(s(30));
            failures += 1;
            let wait = wait(&mut source, now, entropy);
            prop_assert!(base <= wait && wait <= base + span, "{wait:?} of {base:?} + {span:?}");
            now += wait;
        }
    }

    #[test]
    fn no_call_panics_at_any_time(calls in prop::collection::vec((0u8..8, any::<u64>()), 0..60)) {
        let mut source = source();
        for (call, n) in calls {
            let now = Duration::new(n, 999_999_999);
            match call {
                0 => { source.handle_response(200, STREAM, None, now); }
                1 => { source.handle_response(301, None, Some(b"/"), now); }
                2 => source.handle_retry(now),
                3 => source.handle_octets(now),
                4 => source.handle_end(now, n),
                5 => source.handle_timeout(now, n),
                6 => {
                    _ = source.poll_timeout(); }
                _ => { source.handle_response(307, None, Some(b"/"), now); }
            }
        }
    }
}
