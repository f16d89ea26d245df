//! Two threads and no script: `cargo run --release --example race`. A reader that can miss a message does so, some time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use lab::{Log, Reader};

const MESSAGES: usize = 200_000;

fn main() {
    let (log, read) = (Log::default(), AtomicUsize::new(0));
    thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0..MESSAGES {
                // The next message would wake a reader that missed this one, so it waits.
                while read.load(Ordering::SeqCst) < number {
                    thread::yield_now();
                }
                log.publish();
            }
        });
        let bell = Arc::new(Bell {
            rung: AtomicBool::new(false),
            sleeper: thread::current(),
        });
        let waker = Waker::from(Arc::clone(&bell));
        let mut reader = Reader::new(&log);
        while read.load(Ordering::SeqCst) < MESSAGES {
            match reader.poll_next(&waker) {
                Poll::Ready(_) => {
                    read.fetch_add(1, Ordering::SeqCst);
                }
                Poll::Pending => sleep(&bell, &log, read.load(Ordering::SeqCst) + 1),
            }
        }
    });
    println!("{MESSAGES} messages, and none was missed this time");
}

/// Sleeps until the bell rings. It is a fault if a message is there for a second and nobody rings.
fn sleep(bell: &Bell, log: &Log, number: usize) {
    let mut there_since = None;
    while !bell.rung.swap(false, Ordering::SeqCst) {
        thread::park_timeout(Duration::from_millis(100));
        if log.len() < number {
            continue;
        }
        let since = *there_since.get_or_insert_with(Instant::now);
        if since.elapsed() >= Duration::from_secs(1) && !bell.rung.load(Ordering::SeqCst) {
            println!("message {number} was there, and the reader slept for a second");
            std::process::exit(1);
        }
    }
}

/// Wakes a thread.
struct Bell {
    rung: AtomicBool,
    sleeper: Thread,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.rung.store(true, Ordering::SeqCst);
        self.sleeper.unpark();
    }
}
