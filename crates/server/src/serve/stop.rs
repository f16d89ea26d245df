//! The one signal by which a server tells its connections that it is about to stop.

use core::future::Future;
use core::pin::Pin;

use tokio::sync::watch;

/// Tells when the server stops. Cloning is cheap; every clone sees the same signal.
#[derive(Debug, Clone)]
pub struct Stop(watch::Receiver<bool>);

/// Resolves once; not to be asked again after that.
pub(crate) type KeptStop = Pin<Box<dyn Future<Output = ()> + Send + Sync>>;

/// The side that gives the signal.
#[derive(Debug)]
pub(crate) struct Stopper(watch::Sender<bool>);

pub(crate) fn signal() -> (Stopper, Stop) {
    let (sender, receiver) = watch::channel(false);
    (Stopper(sender), Stop(receiver))
}

impl Stopper {
    pub(crate) fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Stop {
    /// Whether the server is stopping.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        *self.0.borrow()
    }

    /// [`Stop::stopping`] as a value that is kept and waited for again and again: to begin anew at
    /// each turn of a loop costs more than all else that a message does.
    pub(crate) fn kept(&self) -> KeptStop {
        let mut stop = self.clone();
        Box::pin(async move { stop.stopping().await })
    }

    /// Resolves when the server begins to stop. Cancel-safe.
    pub async fn stopping(&mut self) {
        // An error means that the server is gone altogether, which is a stop too.
        let _ = self.0.wait_for(|stopping| *stopping).await;
    }
}
