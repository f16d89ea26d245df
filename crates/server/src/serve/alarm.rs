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

#[cfg(test)]
mod tests {
    use core::future::poll_fn;
    use core::time::Duration;

    use super::*;

    const SHORT: Duration = Duration::from_millis(30);
    const LONG: Duration = Duration::from_secs(3600);

    async fn first_wait(alarm: &mut Alarm, due: Instant) -> bool {
        poll_fn(|cx| Poll::Ready(alarm.poll(cx, due).is_ready())).await
    }

    async fn rings(alarm: &mut Alarm, due: Instant) -> Instant {
        poll_fn(|cx| alarm.poll(cx, due)).await;
        Instant::now()
    }

    #[tokio::test]
    async fn a_deadline_that_moves_on_is_kept_and_not_the_one_before() {
        let (mut alarm, now) = (Alarm::default(), Instant::now());
        assert!(!first_wait(&mut alarm, now + SHORT).await);
        assert!(rings(&mut alarm, now + 3 * SHORT).await >= now + 3 * SHORT);
    }

    #[tokio::test]
    async fn a_deadline_that_comes_nearer_is_kept() {
        let (mut alarm, now) = (Alarm::default(), Instant::now());
        assert!(!first_wait(&mut alarm, now + LONG).await);
        assert!(rings(&mut alarm, now + SHORT).await < now + LONG);
    }

    #[tokio::test]
    async fn the_task_that_asked_last_is_woken() {
        let (mut alarm, now) = (Alarm::default(), Instant::now());
        assert!(!first_wait(&mut alarm, now + SHORT).await);
        let other = tokio::spawn(async move { rings(&mut alarm, now + SHORT).await });
        let rung = tokio::time::timeout(100 * SHORT, other)
            .await
            .unwrap()
            .unwrap();
        assert!(rung >= now + SHORT);
    }
}
