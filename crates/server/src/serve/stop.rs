//! The one signal by which a server tells its connections that it is about to stop.

use core::future::Future;
use core::pin::{Pin, pin};
use core::sync::atomic::{AtomicBool, Ordering};
use core::task::{Context, Poll, Waker};
use std::sync::Arc;

use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;

/// Tells when the server stops. Cloning is cheap; every clone sees the same signal.
#[derive(Debug, Clone)]
pub struct Stop(Arc<Signal>);

#[derive(Debug, Default)]
struct Signal {
    given: AtomicBool,
    told: Arc<Notify>,
}

/// The side that gives the signal. That it is gone altogether is a stop too.
#[derive(Debug)]
pub(crate) struct Stopper(Stop);

pub(crate) fn signal() -> (Stopper, Stop) {
    let stop = Stop(Arc::default());
    (Stopper(stop.clone()), stop)
}

impl Stopper {
    pub(crate) fn stop(&self) {
        let signal = &self.0.0;
        signal.given.store(true, Ordering::Release);
        signal.told.notify_waiters();
    }
}

impl Drop for Stopper {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Stop {
    /// Whether the server is stopping.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.0.given.load(Ordering::Acquire)
    }

    /// [`Stop::stopping`] as a value that is kept and waited for again and again: to begin anew at
    /// each turn of a loop costs more than all else that a message does.
    pub(crate) fn kept(&self) -> KeptStop {
        KeptStop {
            stop: self.clone(),
            told: Box::pin(self.0.told.clone().notified_owned()),
            asked_by: None,
        }
    }

    /// Resolves when the server begins to stop. Cancel-safe.
    pub async fn stopping(&mut self) {
        // Taken part in before the look, so that a signal between the two is not missed.
        let mut told = pin!(self.0.told.notified());
        told.as_mut().enable();
        if !self.is_stopping() {
            told.await;
        }
    }
}

/// Resolves when the server begins to stop. Asked again by the same task, it costs one load.
#[derive(Debug)]
pub(crate) struct KeptStop {
    stop: Stop,
    told: Pin<Box<OwnedNotified>>,
    /// The task that the signal wakes.
    asked_by: Option<Waker>,
}

impl Future for KeptStop {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.stop.is_stopping() {
            return Poll::Ready(());
        }
        let asks_again = |waker: &Waker| waker.will_wake(cx.waker());
        if self.asked_by.as_ref().is_some_and(asks_again) {
            return Poll::Pending;
        }
        self.asked_by = Some(cx.waker().clone());
        self.told.as_mut().poll(cx)
    }
}

#[cfg(test)]
mod tests {
    use core::future::poll_fn;

    use super::*;

    async fn is_given(kept: &mut KeptStop) -> bool {
        poll_fn(|cx| Poll::Ready(Pin::new(&mut *kept).poll(cx).is_ready())).await
    }

    #[tokio::test]
    async fn who_waits_already_and_who_comes_later_are_both_told() {
        let (stopper, stop) = signal();
        let mut early = stop.clone();
        let early = tokio::spawn(async move { early.stopping().await });
        tokio::task::yield_now().await;
        assert!(!stop.is_stopping() && !early.is_finished());
        stopper.stop();
        early.await.unwrap();
        stop.clone().stopping().await;
        stop.kept().await;
        assert!(stop.is_stopping());
    }

    #[tokio::test]
    async fn a_kept_stop_wakes_the_task_that_asked_last() {
        let (stopper, stop) = signal();
        let mut kept = stop.kept();
        assert!(!is_given(&mut kept).await && !is_given(&mut kept).await);
        let other = tokio::spawn(kept);
        tokio::task::yield_now().await;
        assert!(!other.is_finished());
        stopper.stop();
        other.await.unwrap();
    }

    #[tokio::test]
    async fn a_server_that_is_gone_has_stopped() {
        let (stopper, stop) = signal();
        drop(stopper);
        stop.kept().await;
        assert!(stop.is_stopping());
    }
}
