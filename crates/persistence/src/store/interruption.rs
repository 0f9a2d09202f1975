//! Interrupting units of work that nobody waits for any more.

use std::sync::Arc;

use guildhall_domain::ports::Cancellation;

use crate::canceller::{Canceller, Running};
use crate::connection::Handle;
use crate::statement_guard::StatementGuard;

/// How one unit of work is interrupted from another thread.
pub(super) enum Interruption {
    Postgres(Running, Canceller),
    Sqlite(Arc<StatementGuard>),
    /// Not at all.
    None,
}

impl Interruption {
    pub(super) fn of(handle: &Handle, canceller: Option<&Canceller>) -> Self {
        match (handle, canceller) {
            (Handle::Postgres(process), Some(canceller)) => Self::Postgres(Running::on(*process), canceller.clone()),
            (Handle::Postgres(_), None) => Self::None,
            (Handle::Sqlite(guard), _) => Self::Sqlite(Arc::clone(guard)),
        }
    }

    /// Runs `work`, and interrupts it once `cancellation` is cancelled. What comes after it on the connection is not
    /// interrupted.
    pub(super) fn during<T>(self, cancellation: &Cancellation, work: impl FnOnce() -> T) -> T {
        match self {
            Self::None => work(),
            Self::Sqlite(guard) => {
                guard.reset();
                cancellation.interrupting(move || guard.interrupt(), work)
            }
            Self::Postgres(running, canceller) => {
                let _until_its_end = EndOnDrop(&running);
                let unit = running.clone();
                cancellation.interrupting(move || canceller.cancel(unit.clone()), work)
            }
        }
    }
}

/// Ends a unit of work, also by a panic.
struct EndOnDrop<'a>(&'a Running);

impl Drop for EndOnDrop<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}
