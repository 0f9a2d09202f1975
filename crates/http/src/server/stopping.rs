//! Whether the server is about to stop.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// For how long clients may go on sending a body, or reading a response, once the server stops.
pub(crate) const STOP_GRACE: Duration = Duration::from_secs(5);

/// Tells connections that the server stops. Clones sender the same.
#[derive(Clone)]
pub(crate) struct Stopping(watch::Receiver<Option<Instant>>);

impl Stopping {
    /// A server that stops once `signal` completes. Must be called inside a Tokio runtime.
    pub(crate) fn after(signal: impl Future<Output = ()> + Send + 'static) -> Self {
        let (sender, receiver) = watch::channel(None);
        tokio::spawn(async move {
            signal.await;
            sender.send_replace(Some(Instant::now()));
            // Dropped only when no connection listens any more.
            sender.closed().await;
        });
        Self(receiver)
    }

    /// Since when the server stops, if it does.
    pub(crate) fn since(&self) -> Option<Instant> {
        *self.0.borrow()
    }

    /// Completes when the server begins to stop.
    pub(crate) async fn begun(&self) -> Instant {
        let mut receiver = self.0.clone();
        loop {
            if let Some(since) = *receiver.borrow_and_update() {
                return since;
            }
            if receiver.changed().await.is_err() {
                // The runtime that would sender is gone, and this task with it.
                std::future::pending::<()>().await;
            }
        }
    }

    /// Completes when the server has been stopping for [`STOP_GRACE`].
    pub(crate) async fn grace_over(&self) {
        sleep_until(self.begun().await + STOP_GRACE).await;
    }
}
