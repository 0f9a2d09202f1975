//! The error of a store.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use crate::time::Timestamp;

/// A store could not do its work. It is not the caller's fault.
#[derive(Debug, thiserror::Error)]
#[error("{}", match fault {
    Fault::Unavailable => "the store is not available",
    Fault::TimedOut(_) => "the store took too long",
    Fault::Due(_) => "memberships are due",
    Fault::Failed => "the store failed",
})]
pub struct StoreError {
    fault: Fault,
    #[source]
    source: Box<dyn Error + Send + Sync>,
}

/// The kind of a store's error, which tells whether trying again later may help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The store cannot be reached, is overloaded, or cannot do its work until its surroundings are mended (it is read-only, full or
    /// damaged, for example). It may answer later.
    Unavailable,
    /// A read took longer than this limit. The same read is likely to take as long again.
    TimedOut(Duration),
    /// By the store's clock, which shows this moment, memberships or edges have to begin or to end before anything is read
    /// ([`ValidityWriter::make_due`](super::ValidityWriter::make_due)).
    Due(Timestamp),
    /// A statement of the store or a value in it is wrong. The same work is likely to fail again.
    Failed,
}

impl StoreError {
    /// The store cannot be reached, is overloaded, or cannot do its work until its surroundings are mended.
    pub fn unavailable(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { fault: Fault::Unavailable, source: source.into() }
    }

    /// A read took longer than `limit`.
    pub fn timed_out(limit: Duration, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { fault: Fault::TimedOut(limit), source: source.into() }
    }

    /// Memberships or edges have to begin or to end first, at `now`.
    #[must_use]
    pub fn due(now: Timestamp) -> Self {
        Self { fault: Fault::Due(now), source: "a date has come".into() }
    }

    /// A statement of the store or a value in it is wrong.
    pub fn failed(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { fault: Fault::Failed, source: source.into() }
    }

    /// The same error for each of those who share it.
    #[must_use]
    pub fn shared(error: &Arc<Self>) -> Self {
        Self { fault: error.fault, source: Box::new(Arc::clone(error)) }
    }

    /// The kind of the error.
    #[must_use]
    pub fn fault(&self) -> Fault {
        self.fault
    }

    pub(super) fn idle() -> Self {
        Self::failed("the store did not run the work it was given")
    }
}
