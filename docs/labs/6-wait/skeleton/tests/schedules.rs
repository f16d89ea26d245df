//! Every schedule of a few messages and a reader: somebody publishes in front of each call that the reader makes of the log.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Poll, Wake, Waker};

use lab::{Log, Reader};

/// In front of how many calls of the reader a message may come.
const CALLS: usize = 12;

#[test]
fn step_2_a_message_that_is_there_is_read_at_once() {
    let log = Log::scripted(&[]);
    log.publish();
    log.publish();
    let (_, waker) = bell();
    let mut reader = Reader::new(&log);
    for number in 1..=2 {
        let found = poll(&mut reader, &waker, &log);
        let want = Poll::Ready(format!("message {number}"));
        let told = tell(&format!("it must give {want:?}, not {found:?}"), &log);
        assert!(found == want, "{told}");
    }
}

#[test]
fn step_2_a_message_that_comes_later_wakes() {
    let log = Log::scripted(&[]);
    let (bell, waker) = bell();
    let mut reader = Reader::new(&log);
    let found = poll(&mut reader, &waker, &log);
    assert!(
        found.is_pending(),
        "{}",
        tell("there is nothing: it must be Pending", &log)
    );
    log.publish();
    let told = tell("the reader sleeps, and nobody woke it", &log);
    assert!(bell.rung(), "{told}");
    let found = poll(&mut reader, &waker, &log);
    let want = Poll::Ready("message 1".to_owned());
    let told = tell(&format!("it must give {want:?}, not {found:?}"), &log);
    assert!(found == want, "{told}");
}

#[test]
fn step_3_one_message_at_every_moment() {
    for first in 1..=CALLS {
        run(&[first]);
    }
}

#[test]
fn step_3_two_messages_at_every_two_moments() {
    for first in 1..=CALLS {
        for second in first..=CALLS {
            run(&[first, second]);
        }
    }
}

#[test]
fn step_3_three_messages_at_every_three_moments() {
    for first in 1..=CALLS {
        for second in first..=CALLS {
            for third in second..=CALLS {
                run(&[first, second, third]);
            }
        }
    }
}

#[test]
fn step_4_a_reader_that_sleeps_is_registered_once() {
    let log = Log::scripted(&[]);
    let (_, waker) = bell();
    let mut reader = Reader::new(&log);
    for _ in 0..3 {
        assert!(
            poll(&mut reader, &waker, &log).is_pending(),
            "{}",
            tell("there is nothing", &log)
        );
        let told = tell(
            &format!("registered {} times, not once", log.waiting()),
            &log,
        );
        assert!(log.waiting() == 1, "{told}");
    }
    drop(reader);
    assert!(
        log.waiting() == 0,
        "{}",
        tell("dropped, and still registered", &log)
    );
}

#[test]
fn step_4_a_reader_that_has_a_message_is_not_registered() {
    let log = Log::scripted(&[]);
    let (_, waker) = bell();
    let mut reader = Reader::new(&log);
    for round in 0..2 {
        if round == 1 {
            assert!(
                poll(&mut reader, &waker, &log).is_pending(),
                "{}",
                tell("there is nothing", &log)
            );
        }
        log.publish();
        assert!(
            poll(&mut reader, &waker, &log).is_ready(),
            "{}",
            tell("there is a message", &log)
        );
        let told = tell("it has its message, and is still registered", &log);
        assert!(log.waiting() == 0, "{told}");
    }
}

#[test]
fn step_4_a_message_between_two_calls_leaves_no_registration() {
    for first in 1..=CALLS {
        let log = run(&[first]);
        let told = tell("the reader is gone, and somebody is registered", &log);
        assert!(log.waiting() == 0, "{told}");
    }
}

#[test]
fn step_4_the_latest_waker_counts() {
    let log = Log::scripted(&[]);
    let ((_, first_waker), (second, second_waker)) = (bell(), bell());
    let mut reader = Reader::new(&log);
    assert!(
        poll(&mut reader, &first_waker, &log).is_pending(),
        "{}",
        tell("there is nothing", &log)
    );
    assert!(
        poll(&mut reader, &second_waker, &log).is_pending(),
        "{}",
        tell("there is nothing", &log)
    );
    log.publish();
    let told = tell("the waker of the second call was not called", &log);
    assert!(second.rung(), "{told}");
}

/// Reads as many messages as the script has, one call after the other, and sleeps where it is told to.
fn run(script: &[usize]) -> Log {
    println!("row: a message in front of the calls {script:?} of the log");
    let log = Log::scripted(script);
    let (bell, waker) = bell();
    let mut reader = Reader::new(&log);
    let mut read = 0;
    // Each message costs a poll that gives it and at most one that slept; the rest is slack.
    for _ in 0..10 * script.len() {
        if read == script.len() {
            break;
        }
        bell.silence();
        match poll(&mut reader, &waker, &log) {
            Poll::Ready(message) => {
                read += 1;
                let told = tell(&format!("{message} was given, not message {read}"), &log);
                assert!(message == format!("message {read}"), "{told}");
            }
            Poll::Pending if bell.rung() => {}
            Poll::Pending => {
                let lost = format!("message {} is in the log, and the reader sleeps", read + 1);
                assert!(log.len() == read, "{}", tell(&lost, &log));
                log.publish();
                let told = tell("the reader sleeps, and nobody woke it", &log);
                assert!(bell.rung(), "{told}");
            }
        }
    }
    assert!(
        read == script.len(),
        "{}",
        tell("the reader asks and asks, and gets nothing", &log)
    );
    drop(reader);
    log
}

/// Calls `poll_next`, and notes what it gave.
fn poll(reader: &mut Reader<'_>, waker: &Waker, log: &Log) -> Poll<String> {
    let found = reader.poll_next(waker);
    match &found {
        Poll::Ready(message) => log.note_reader(&format!("returns {message}")),
        Poll::Pending => log.note_reader("returns Pending, and sleeps"),
    }
    found
}

/// A fault with all that happened up to it.
fn tell(fault: &str, log: &Log) -> String {
    format!(
        "\n  here it breaks: {fault}\n  what happened, in order:\n{}\n",
        log.trace()
    )
}

/// What a waker rings.
struct Bell(AtomicBool);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl Bell {
    fn rung(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    fn silence(&self) {
        self.0.store(false, Ordering::SeqCst);
    }
}

fn bell() -> (Arc<Bell>, Waker) {
    let bell = Arc::new(Bell(AtomicBool::new(false)));
    (Arc::clone(&bell), Waker::from(bell))
}
