//! A deadline that moves on at every message.
//!
//! To move a timer costs more than to look at the clock, so the timer stays where it is while the deadline
//! moves away from it, and is set anew when it rings too early: twice a wait instead of once a message.

use core::future::Future as _;
use core::pin::{Pin, pin};
use core::task::{Context, Poll, Waker, ready};

use tokio::task::coop::unconstrained;
use tokio::time::{Instant, Sleep, sleep_until};

#[derive(Debug, Default)]
pub(crate) struct Alarm {
    /// Never later than the deadline that was last waited for. Made at the first wait.
    timer: Option<Pin<Box<Sleep>>>,
    /// The task that the timer wakes.
    asked_by: Option<Waker>,
}

impl Alarm {
    /// Resolves at `due`, which may be another time at each call.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, due: Instant) -> Poll<()> {
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(due)));
        if due < timer.deadline() {
            timer.as_mut().reset(due);
            self.asked_by = None;
        }
        loop {
            let asks_again = |waker: &Waker| waker.will_wake(cx.waker());
            if !timer.is_elapsed() {
                if self.asked_by.as_ref().is_some_and(asks_again) {
                    return Poll::Pending;
                }
                self.asked_by = Some(cx.waker().clone());
            }
            // Unconstrained, since a timer that was not asked would never ring.
            ready!(pin!(unconstrained(timer.as_mut())).poll(cx));
            if timer.deadline() >= due {
                return Poll::Ready(());
            }
            timer.as_mut().reset(due);
            self.asked_by = None;
        }
    }
}
