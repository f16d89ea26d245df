//! Two threads and no script: `cargo run --release --example race`. A reader that can miss a message does so, some time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
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
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let mut reader = Reader::new(&log);
        while read.load(Ordering::SeqCst) < MESSAGES {
            let asked = Instant::now();
            match reader.poll_next(&waker) {
                Poll::Ready(_) => {
                    read.fetch_add(1, Ordering::SeqCst);
                }
                Poll::Pending => {
                    thread::park_timeout(Duration::from_secs(1));
                    let number = read.load(Ordering::SeqCst) + 1;
                    if asked.elapsed() >= Duration::from_secs(1) && log.len() >= number {
                        println!("message {number} was there, and the reader slept for a second");
                        std::process::exit(1);
                    }
                }
            }
        }
    });
    println!("{MESSAGES} messages, and none was missed this time");
}

/// Wakes a thread.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
