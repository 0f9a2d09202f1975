//! What a store says when it cannot do its work.

use std::error::Error;
use std::time::Duration;

/// A store could not do its work; not the caller's fault.
#[derive(Debug, thiserror::Error)]
#[error("{}", match fault {
    Fault::Unavailable => "the store is not available",
    Fault::TimedOut(_) => "the store took too long",
    Fault::Failed => "the store failed",
})]
pub struct StoreError {
    fault: Fault,
    #[source]
    source: Box<dyn Error + Send + Sync>,
}

/// Whether trying again later may help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It cannot be reached, or has too much to do; later it may answer.
    Unavailable,
    /// A question took longer than this, which is the most that one may take. The same question is likely to take as long again.
    TimedOut(Duration),
    /// Something is wrong with it, or with the data in it.
    Failed,
}

impl StoreError {
    /// The store cannot be reached, or has too much to do.
    pub fn unavailable(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { fault: Fault::Unavailable, source: source.into() }
    }

    /// A question took longer than `limit`, which is the most that one may take.
    pub fn timed_out(limit: Duration, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { fault: Fault::TimedOut(limit), source: source.into() }
    }

    /// Something is wrong with the store, or with the data in it.
    pub fn failed(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { fault: Fault::Failed, source: source.into() }
    }

    /// Whether trying again later may help.
    #[must_use]
    pub fn fault(&self) -> Fault {
        self.fault
    }

    pub(super) fn idle() -> Self {
        Self::failed("the store did not run the work it was given")
    }
}
