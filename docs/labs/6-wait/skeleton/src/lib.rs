//! Waiting for the next message of a log, so that none is missed.
//!
//! A reader that finds nothing goes to sleep. Whoever publishes wakes those who are registered, and nobody else.

mod log;

use std::task::{Poll, Waker};

pub use log::{Log, Ticket};

/// Reads a log from its first message on.
#[derive(Debug)]
pub struct Reader<'a> {
    log: &'a Log,
    /// The number of the last message that was read; 0 in front of the first.
    after: usize,
    /// The registration that this reader left when it last went to sleep.
    ticket: Option<Ticket>,
}

impl<'a> Reader<'a> {
    /// Makes a reader that has read nothing.
    pub fn new(log: &'a Log) -> Self {
        Self {
            log,
            after: 0,
            ticket: None,
        }
    }

    /// Gives the next message, or `Pending`: then the reader sleeps, and `waker` is called once there is a message.
    ///
    /// Whoever is woken calls this again; it may also be called again without any reason. Only the waker of the latest
    /// call counts. A reader is registered at most once, and only while it sleeps.
    pub fn poll_next(&mut self, waker: &Waker) -> Poll<String> {
        todo!("message {}, or leave the waker {waker:p}", self.after + 1)
    }
}

/// A reader that is dropped in its sleep leaves nothing behind.
impl Drop for Reader<'_> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.log.cancel(ticket);
        }
    }
}
