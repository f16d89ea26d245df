//! A channel: the messages so far, and who is to be woken when there is one more. It is given.
//!
//! Each call is one step: it takes the lock, does its work, and gives the lock back. Between two calls of a reader anything
//! can happen. In a test it does: a script says in front of which calls somebody publishes.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;

/// Messages with the numbers 1, 2, 3 and so on.
#[derive(Debug, Default)]
pub struct Log {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    messages: Vec<String>,
    waiting: Vec<(Ticket, Waker)>,
    last_ticket: u64,
    /// Calls of readers so far.
    calls: usize,
    /// In front of which calls a message is published.
    script: VecDeque<usize>,
    /// What happened, a line a step. Kept where there is a script.
    trace: Option<Vec<String>>,
}

/// Names one registration. No two are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket(u64);

impl Log {
    /// Makes an empty log in which somebody publishes in front of these calls of the reader, the first being call 1.
    pub fn scripted(before: &[usize]) -> Self {
        let state = State {
            script: before.iter().copied().collect(),
            trace: Some(Vec::new()),
            ..State::default()
        };
        Self {
            state: Mutex::new(state),
        }
    }

    /// Adds a message, and wakes all who are registered. They are then registered no more.
    pub fn publish(&self) {
        let mut state = self.lock();
        let number = state.messages.len() + 1;
        state.messages.push(format!("message {number}"));
        let woken = std::mem::take(&mut state.waiting);
        let whom = match woken.len() {
            0 => "wakes nobody".to_owned(),
            count => format!("wakes {count}"),
        };
        state.note(
            "publisher",
            format!("publishes message {number}, and {whom}"),
        );
        // A waker may do anything: never call one under a lock.
        drop(state);
        for (_, waker) in woken {
            waker.wake();
        }
    }

    /// Looks for the message behind message number `after`; the first one is behind 0.
    pub fn look(&self, after: usize) -> Option<String> {
        let mut state = self.call();
        let found = state.messages.get(after).cloned();
        let told = found.clone().unwrap_or_else(|| "nothing".to_owned());
        state.note("reader", format!("look({after}): {told}"));
        found
    }

    /// Registers a waker: the next `publish` calls it, once.
    pub fn register(&self, waker: &Waker) -> Ticket {
        let mut state = self.call();
        state.last_ticket += 1;
        let ticket = Ticket(state.last_ticket);
        state.waiting.push((ticket, waker.clone()));
        state.note("reader", format!("register: ticket {}", ticket.0));
        ticket
    }

    /// Ends a registration. Does nothing where it has ended already.
    pub fn cancel(&self, ticket: Ticket) {
        let mut state = self.call();
        state.waiting.retain(|(other, _)| *other != ticket);
        state.note("reader", format!("cancel: ticket {}", ticket.0));
    }

    /// Adds to the trace what a reader does without the log. For tests: no step of the reader.
    pub fn note_reader(&self, what: &str) {
        self.lock().note("reader", what.to_owned());
    }

    /// Counts the messages. For tests: no step of the reader.
    pub fn len(&self) -> usize {
        self.lock().messages.len()
    }

    /// Says whether there is no message. For tests: no step of the reader.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Counts who is registered. For tests: no step of the reader.
    pub fn waiting(&self) -> usize {
        self.lock().waiting.len()
    }

    /// Gives what happened, a line a step.
    pub fn trace(&self) -> String {
        self.lock().trace.clone().unwrap_or_default().join("\n")
    }

    /// Begins a step of a reader. What the script wants in front of it happens first.
    fn call(&self) -> MutexGuard<'_, State> {
        let mut state = self.lock();
        state.calls += 1;
        while state
            .script
            .front()
            .is_some_and(|call| *call <= state.calls)
        {
            state.script.pop_front();
            drop(state);
            self.publish();
            state = self.lock();
        }
        state
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn note(&mut self, who: &str, what: String) {
        if let Some(trace) = &mut self.trace {
            trace.push(format!("  {who:<10}{what}"));
        }
    }
}
