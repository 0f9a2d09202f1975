//! The shutdown signal, for connections.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// How long clients may continue to send a body or read a response after shutdown begins.
pub(crate) const STOP_GRACE: Duration = Duration::from_secs(5);

/// Whether the server is shutting down. Clones share the signal.
#[derive(Clone)]
pub(crate) struct Stopping(watch::Receiver<Option<Instant>>);

impl Stopping {
    /// Shutdown begins when `signal` completes. Must be called inside a Tokio runtime.
    pub(crate) fn after(signal: impl Future<Output = ()> + Send + 'static) -> Self {
        let (sender, receiver) = watch::channel(None);
        tokio::spawn(async move {
            signal.await;
            sender.send_replace(Some(Instant::now()));
            // The sender is dropped only after all receivers.
            sender.closed().await;
        });
        Self(receiver)
    }

    /// When shutdown began, if it has.
    pub(crate) fn since(&self) -> Option<Instant> {
        *self.0.borrow()
    }

    /// Completes when shutdown begins.
    pub(crate) async fn begun(&self) -> Instant {
        let mut receiver = self.0.clone();
        loop {
            if let Some(since) = *receiver.borrow_and_update() {
                return since;
            }
            if receiver.changed().await.is_err() {
                // The sender is dropped first only when the runtime ends, and this task with it.
                std::future::pending::<()>().await;
            }
        }
    }

    /// Completes [`STOP_GRACE`] after shutdown begins.
    pub(crate) async fn grace_over(&self) {
        sleep_until(self.begun().await + STOP_GRACE).await;
    }
}
