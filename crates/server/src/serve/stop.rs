//! The one signal by which a server tells its connections that it is about to stop.

use tokio::sync::watch;

/// Tells when the server stops. Cloning is cheap; every clone sees the same signal.
#[derive(Debug, Clone)]
pub struct Stop(watch::Receiver<bool>);

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

    /// Resolves when the server begins to stop. Cancel-safe.
    pub async fn stopping(&mut self) {
        // An error means that the server is gone altogether, which is a stop too.
        let _ = self.0.wait_for(|stopping| *stopping).await;
    }
}
