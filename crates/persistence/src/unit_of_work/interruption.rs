//! Ends the statements of units of work whose result nobody waits for.

use std::sync::Arc;

use guildhall_domain::ports::Cancellation;

use crate::canceller::{Canceller, RunningUnit};
use crate::connection::InterruptHandle;
use crate::statement_guard::StatementGuard;

/// How one unit of work is interrupted from another thread.
pub(super) enum Interruption {
    Postgres(RunningUnit, Canceller),
    Sqlite(Arc<StatementGuard>),
    /// Not at all.
    None,
}

impl Interruption {
    pub(super) fn of(handle: &InterruptHandle, canceller: Option<&Canceller>) -> Self {
        match (handle, canceller) {
            (InterruptHandle::Postgres(process), Some(canceller)) => {
                Self::Postgres(RunningUnit::on(*process), canceller.clone())
            }
            (InterruptHandle::Postgres(_), None) => Self::None,
            (InterruptHandle::Sqlite(guard), _) => Self::Sqlite(Arc::clone(guard)),
        }
    }

    /// Runs `work`, and interrupts its statements once `cancellation` is cancelled. Later statements on the same connection are
    /// not interrupted.
    pub(super) fn during<T>(self, cancellation: &Cancellation, work: impl FnOnce() -> T) -> T {
        match self {
            Self::None => work(),
            Self::Sqlite(guard) => {
                guard.reset();
                cancellation.interrupting(move || guard.interrupt(), work)
            }
            Self::Postgres(running, canceller) => {
                let _end = EndOnDrop(&running);
                let unit = running.clone();
                cancellation.interrupting(move || canceller.cancel(unit.clone()), work)
            }
        }
    }
}

/// Marks a unit of work as ended when it is dropped, also by a panic.
struct EndOnDrop<'a>(&'a RunningUnit);

impl Drop for EndOnDrop<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}
