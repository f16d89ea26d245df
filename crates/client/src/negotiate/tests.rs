#![allow(clippy::cast_possible_truncation, reason = "tests")]

use std::io;

use proptest::prelude::*;

use super::*;

const PROOF: Duration = Duration::from_secs(5);

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn status(status: u16) -> Error {
    Error::Status {
        status,
        detail: None,
        body: String::new(),
        retry_after: None,
    }
}

fn closed(code: u16) -> Error {
    Error::Ended {
        reason: EndReason::Closed {
            code,
            reason: String::new(),
        },
    }
}

fn timeout(what: &'static str) -> Error {
    Error::Timeout { what, after: PROOF }
}

fn connect() -> Error {
    Error::Connect {
        authority: "h".into(),
        source: io::ErrorKind::ConnectionRefused.into(),
    }
}

/// One that served over `transport`, having come there by refusals.
fn serving(transport: Transport) -> Negotiation {
    let mut choice = Negotiation::new(PROOF);
    for code in (426..).take(rung(transport)) {
        assert_eq!(choice.failed(&status(code), at(0)), Verdict::Change);
    }
    assert_eq!(choice.chosen().transport, transport);
    choice.opened(at(0));
    assert!(choice.served(at(0), 0).is_some(), "it is told");
    choice
}

/// What a word of these tables is: a failure, or time that passes while it serves.
fn play(choice: &mut Negotiation, script: &str) -> (Transport, Verdict) {
    let mut now = at(0);
    let mut verdict = Verdict::Stay;
    for word in script.split_whitespace() {
        let error = match word {
            "cut" => Error::Cut,
            "reset" => Error::Io(io::ErrorKind::ConnectionReset.into()),
            "away" => connect(),
            "no-dial" => timeout(CONNECTING),
            "timeout" => timeout("the head of the answer"),
            "heartbeat" => timeout(HEARTBEAT),
            "garbage" => Error::Protocol("garbage"),
            "handshake" => Error::Handshake(tidings_websocket::HandshakeError::AnswerAccept),
            "later" => Error::Status {
                status: 503,
                detail: None,
                body: String::new(),
                retry_after: Some(at(1)),
            },
            "deleted" => Error::Ended {
                reason: EndReason::Deleted,
            },
            "restart" => closed(1012),
            "policy" => closed(1008),
            "serve" => {
                choice.opened(now);
                let _ = choice.served(now, 0);
                continue;
            }
            word => match word.strip_prefix('+') {
                Some(seconds) => {
                    now += at(seconds.parse().unwrap());
                    continue;
                }
                None => status(word.parse().unwrap()),
            },
        };
        verdict = choice.failed(&error, now);
    }
    (choice.chosen().transport, verdict)
}

#[test]
fn what_does_not_get_through_at_first_gives_way_at_once() {
    use Transport::{LongPoll, ShortPoll, Sse, WebSocket};
    use Verdict::{Change, End, Stay};
    let rows = [
        // A refused upgrade, whoever refuses it.
        ("426", Sse, Change),
        ("200", Sse, Change),
        ("502", Sse, Change),
        ("handshake", Sse, Change),
        ("cut", Sse, Change),
        ("reset", Sse, Change),
        ("timeout", Sse, Change),
        ("200 garbage", LongPoll, Change),
        ("426 406", LongPoll, Change),
        ("cut cut", LongPoll, Change),
        ("cut cut cut", ShortPoll, Change),
        ("cut cut 504", ShortPoll, Change),
        // A refusal that the next repeats is about the resource.
        ("404 404", Sse, End),
        ("403 403", Sse, End),
        ("403 garbage 403", LongPoll, End),
        ("503 503", Sse, Stay),
        // Neither WebSocket nor events nor JSON: no server of ours.
        ("200 garbage garbage", LongPoll, End),
        ("400 404 405", LongPoll, End),
        // It was only silent.
        ("426 timeout garbage", Sse, Change),
        ("426 timeout 404", Sse, Change),
        ("426 timeout garbage cut", Sse, Stay),
        ("426 timeout garbage garbage garbage", LongPoll, End),
        ("timeout 426 426", LongPoll, End),
        // At the end of the ladder it is time that may help.
        ("cut cut cut cut", ShortPoll, Stay),
        ("timeout timeout timeout timeout", ShortPoll, Stay),
        // The server's affair, not the path's.
        ("away", WebSocket, Stay),
        ("no-dial", WebSocket, Stay),
        ("later", WebSocket, Stay),
        ("restart", WebSocket, Stay),
        ("deleted", WebSocket, End),
        ("policy", WebSocket, End),
    ];
    for (script, transport, verdict) in rows {
        let mut choice = Negotiation::new(PROOF);
        assert_eq!(play(&mut choice, script), (transport, verdict), "{script}");
    }
}

#[test]
fn what_served_once_is_given_three_attempts() {
    use Transport::{LongPoll, Sse, WebSocket};
    use Verdict::{Change, Stay};
    let rows = [
        ("serve +5 cut", WebSocket, Stay),
        ("serve +5 cut serve +5 cut", WebSocket, Stay),
        ("serve +5 cut serve +5 cut serve +5 cut", Sse, Change),
        ("serve +5 cut cut timeout", Sse, Change),
        // A life of half a minute is no failure of the path.
        ("serve +5 cut serve +5 cut serve +30 cut", WebSocket, Stay),
        ("serve +5 cut serve +5 cut serve +29 cut", Sse, Change),
        // Behind a proxy a server that restarts is 502.
        ("serve +99 cut 502 502", WebSocket, Change),
        ("serve +99 cut 502", WebSocket, Stay),
        ("serve restart away away away away", WebSocket, Stay),
        // Heartbeats that stay away are held back, however long it lived.
        ("426 serve +99 heartbeat", LongPoll, Change),
        ("426 serve +99 heartbeat garbage", Sse, Change),
        ("426 serve +99 timeout", Sse, Stay),
        // The path changed: what was let through is refused.
        ("serve +99 cut 403", Sse, Change),
        (
            "426 serve +5 cut serve +5 cut serve +5 cut",
            LongPoll,
            Change,
        ),
    ];
    for (script, transport, verdict) in rows {
        let mut choice = Negotiation::new(PROOF);
        let want = if script == "serve +99 cut 502 502" {
            // Three in a row: the cut and both refusals.
            (Sse, verdict)
        } else {
            (transport, verdict)
        };
        assert_eq!(play(&mut choice, script), want, "{script}");
    }
}

#[test]
fn no_octets_are_due_between_two_connections_of_one_attempt() {
    let mut choice = Negotiation::new(PROOF);
    choice.opened(at(1));
    assert_eq!(choice.poll_timeout(), Some(at(1) + PROOF));
    choice.reconnects();
    assert_eq!(choice.poll_timeout(), None);
    assert_eq!(choice.handle_timeout(at(99)), None);
    choice.opened(at(100));
    assert_eq!(choice.poll_timeout(), Some(at(100) + PROOF));
    // What serves goes on serving.
    let mut choice = serving(Transport::LongPoll);
    let due = choice.poll_timeout();
    choice.reconnects();
    assert_eq!((choice.poll_timeout(), due.is_some()), (due, true));
}

#[test]
fn a_choice_is_told_once_with_its_reason() {
    let rows = [
        ("serve", "websocket"),
        ("426 serve", "sse: websocket was refused with 426"),
        ("cut serve", "sse: websocket was cut again and again"),
        ("timeout serve", "sse: nothing came by websocket"),
        ("handshake serve", "sse: the answer was no websocket"),
        ("426 garbage serve", "long-poll: the answer was no sse"),
        (
            "426 timeout garbage",
            "sse: the server is silent, and has nothing else",
        ),
    ];
    for (script, want) in rows {
        let mut choice = Negotiation::new(PROOF);
        let _ = play(&mut choice, script);
        assert_eq!(choice.chosen().to_string(), want, "{script}");
    }
    let mut choice = serving(Transport::Sse);
    assert_eq!(choice.failed(&Error::Cut, at(9)), Verdict::Stay);
    choice.opened(at(10));
    assert_eq!(choice.served(at(10), 0), None, "nothing changed");
}

#[test]
fn an_accepted_stream_that_is_silent_gives_way_after_the_proof_time() {
    let mut choice = Negotiation::new(PROOF);
    assert_eq!(
        choice.poll_timeout(),
        None,
        "the session watches its answer"
    );
    assert_eq!(choice.opened(at(1)), None);
    assert_eq!(choice.poll_timeout(), Some(at(6)));
    assert_eq!(choice.handle_timeout(at(5)), None, "too early");
    assert_eq!(
        choice.handle_timeout(at(6)),
        Some(Due::Silence(Verdict::Change))
    );
    assert_eq!(choice.chosen().transport, Transport::Sse);
    // A stream that is alone is let be silent.
    let _ = choice.opened(at(7));
    assert_eq!(
        choice.handle_timeout(at(12)),
        Some(Due::Silence(Verdict::Change))
    );
    assert_eq!(
        choice.failed(&Error::Protocol("no page"), at(13)),
        Verdict::Change
    );
    let told = choice.opened(at(14)).expect("it is told");
    assert_eq!((told.transport, told.why), (Transport::Sse, Why::Quiet));
    assert_eq!(choice.poll_timeout(), None);
}

#[test]
fn better_transports_are_tried_in_growing_pauses() {
    let mut choice = serving(Transport::LongPoll);
    let mut now = at(0);
    let mut pauses = Vec::new();
    for _ in 0..8 {
        let due = choice.poll_timeout().expect("a try is planned");
        assert_eq!(choice.handle_timeout(due - Duration::from_nanos(1)), None);
        assert_eq!(
            choice.handle_timeout(due),
            Some(Due::Try(Transport::WebSocket))
        );
        assert_eq!(choice.poll_timeout(), None, "one try at a time");
        pauses.push((due - now).as_secs());
        now = due + at(1);
        let next = choice.tried_in_vain(Transport::WebSocket, now, 0);
        assert_eq!(next, Some(Transport::Sse));
        let next = choice.tried_in_vain(Transport::Sse, now, 0);
        assert_eq!(next, None, "long polling is what it has");
    }
    assert_eq!(pauses, [60, 120, 240, 480, 960, 1920, 3600, 3600]);
    // The jitter is up to a quarter more.
    let mut choice = Negotiation::new(PROOF);
    let _ = play(&mut choice, "426");
    choice.opened(at(0));
    let _ = choice.served(at(0), u64::MAX);
    let due = choice.poll_timeout().unwrap();
    assert!(due > at(74) && due < at(75), "{due:?}");
}

#[test]
fn the_first_choice_tries_nothing_better() {
    assert_eq!(serving(Transport::WebSocket).poll_timeout(), None);
}

#[test]
fn a_better_one_that_held_is_chosen_and_goes_back_where_it_fails() {
    let mut choice = serving(Transport::LongPoll);
    let due = choice.poll_timeout().unwrap();
    choice.handle_timeout(due);
    choice.tried_well(Transport::WebSocket);
    assert_eq!(
        *choice.chosen(),
        Chosen {
            transport: Transport::WebSocket,
            why: Why::Better
        }
    );
    let mut failing = choice.clone();
    assert_eq!(failing.failed(&Error::Cut, due), Verdict::Change);
    let _ = failing.opened(due);
    assert!(failing.served(due, 0).is_some());
    assert_eq!(failing.chosen().transport, Transport::LongPoll, "not sse");
    assert_eq!(failing.poll_timeout(), Some(due + at(120)), "later");

    // One that lived has its place, and is given its three attempts.
    let _ = choice.opened(due);
    let told = choice.served(due, 0).expect("it is told");
    assert_eq!(told.to_string(), "websocket: it gets through");
    assert_eq!(choice.failed(&Error::Cut, due + at(40)), Verdict::Stay);
    let _ = choice.served(due + at(41), 0);
    assert_eq!(choice.failed(&Error::Cut, due + at(42)), Verdict::Stay);
    assert_eq!(choice.failed(&Error::Cut, due + at(43)), Verdict::Change);
    assert_eq!(choice.chosen().transport, Transport::Sse);
}

#[derive(Debug, Clone)]
enum Input {
    Opened,
    Served,
    Failed(&'static str),
    Pass(u64),
    TriedWell,
}

fn inputs() -> impl Strategy<Value = Vec<Input>> {
    const WORDS: [&str; 12] = [
        "cut",
        "reset",
        "away",
        "no-dial",
        "timeout",
        "garbage",
        "handshake",
        "later",
        "restart",
        "426",
        "404",
        "502",
    ];
    let input = prop_oneof![
        2 => Just(Input::Opened),
        3 => Just(Input::Served),
        4 => proptest::sample::select(&WORDS[..]).prop_map(Input::Failed),
        2 => (0_u64..5000).prop_map(Input::Pass),
        1 => Just(Input::TriedWell),
    ];
    proptest::collection::vec(input, 0..80)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever happens: a change is to another transport, a time that is due is never in a loop,
    /// the way down is at most one ladder long between two services, and a choice is told with
    /// its first service only.
    #[test]
    fn a_choice_keeps_its_promises(inputs in inputs()) {
        let mut choice = Negotiation::new(PROOF);
        let mut now = at(0);
        let mut changes = 0;
        let mut told = None;
        let mut trial = None;
        for input in inputs {
            let before = *choice.chosen();
            let verdict = match input {
                Input::Opened => {
                    if let Some(chosen) = choice.opened(now) {
                        prop_assert_eq!(chosen.why, Why::Quiet);
                        told = Some(chosen);
                    }
                    None
                }
                Input::Served => {
                    changes = 0;
                    let served = choice.served(now, now.as_secs());
                    prop_assert_eq!(served.is_some(), told != Some(before));
                    told = Some(before);
                    None
                }
                Input::Failed(word) => Some(play(&mut choice, word).1),
                Input::Pass(seconds) => {
                    now += at(seconds);
                    match choice.handle_timeout(now) {
                        Some(Due::Silence(verdict)) => Some(verdict),
                        Some(Due::Try(transport)) => {
                            prop_assert!(rung(transport) < rung(before.transport));
                            trial = Some(transport);
                            None
                        }
                        None => None,
                    }
                }
                Input::TriedWell => {
                    if let Some(transport) = trial.take()
                        && rung(transport) < rung(before.transport)
                    {
                        choice.tried_well(transport);
                        told = None;
                        changes = 0;
                    }
                    None
                }
            };
            match verdict {
                Some(Verdict::Change) => {
                    changes += 1;
                    prop_assert_ne!(choice.chosen().transport, before.transport);
                    // Three down, back to the stream that was silent, and two down from there.
                    prop_assert!(changes <= 6, "{:?}", choice);
                    told = None;
                }
                Some(Verdict::End) => return Ok(()),
                Some(Verdict::Stay) => prop_assert_eq!(*choice.chosen(), before),
                None => {}
            }
            let mut later = choice.clone();
            let _ = later.handle_timeout(now);
            prop_assert_eq!(later.handle_timeout(now), None, "what was due is done");
        }
    }
}
