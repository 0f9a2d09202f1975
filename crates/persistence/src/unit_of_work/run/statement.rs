//! Single statements outside a transaction: one statement sees one state, and is done wholly or not at all.

use std::sync::Arc;

use diesel::connection::SimpleConnection as _;
use guildhall_domain::ports::{Cancellation, StoreError, Undo};

use super::{Attempt, DieselStore};
use crate::connection::{AnyConnection, Pooled};
use crate::dialect::{Dialect, TransactionMode};
use crate::pool::ConnectionPool;
use crate::spans;
use crate::unit_of_work::failure::FailureKind;
use crate::unit_of_work::interruption::Interruption;
use crate::unit_of_work::{Failure, Unit};

impl DieselStore {
    /// The result of one statement that reads. It may take as long as one of a unit of work, and ends soon after its result is not wanted.
    ///
    /// It runs alone where the settings of a session are the service's own, the limit of time among them. Behind a proxy that pools
    /// transactions they are those of a transaction, so there it gets one.
    pub(super) fn run_statement<T, F>(&self, cancellation: &Cancellation, statement: F) -> Result<T, StoreError>
    where
        F: Fn(&mut AnyConnection) -> Result<T, Failure>,
    {
        let mut result = None;
        let mut ask = |unit: &mut Unit<'_>| {
            result = unit.run_in(&spans::statement::<F>(self.dialect), &statement).ok();
            if result.is_some() { Ok(()) } else { Err(Undo) }
        };
        if self.keeps_sessions {
            self.retry(self.limit, cancellation, &mut || {
                self.attempt_statement((&self.connections, true), cancellation, &mut ask)
            })?;
        } else {
            self.run(TransactionMode::Read, cancellation, &mut ask)?;
        }
        result.ok_or_else(|| StoreError::failed("the statement has no result"))
    }

    /// Runs work of which the last statement makes the only change: without a transaction where PostgreSQL runs each call of the writer as
    /// one statement, and the settings of a session are the service's own. A session limits the time of a statement, as a change is not to
    /// be: what takes longer is run again in a transaction.
    pub(super) fn run_once(&self, work: &mut dyn FnMut(&mut Unit<'_>) -> Result<(), Undo>) -> Result<(), StoreError> {
        let cancellation = Cancellation::new();
        let mut takes_longer = false;
        if self.dialect == Dialect::Postgres && self.keeps_sessions {
            let ran = self.retry(None, &cancellation, &mut || {
                let attempt = self.attempt_statement((&self.writers, false), &cancellation, work);
                takes_longer =
                    matches!(&attempt, Attempt::Failed(failure) if failure.kind(self.dialect) == FailureKind::Blocked);
                attempt
            });
            if !takes_longer {
                return ran;
            }
        }
        self.run(TransactionMode::Write, &cancellation, work)
    }

    /// Runs statements on connections of the pool until the first statement finds one that is not lost: none is sent before it that
    /// would tell.
    fn attempt_statement(
        &self,
        (pool, reads): (&ConnectionPool, bool),
        cancellation: &Cancellation,
        ask: &mut dyn FnMut(&mut Unit<'_>) -> Result<(), Undo>,
    ) -> Attempt {
        if let Err(found) = self.health.check_file_now_and_then() {
            return Attempt::Failed(Arc::new(found.into()));
        }
        let mut lost = 0;
        loop {
            let mut pooled = match self.connection(pool) {
                Ok(pooled) => pooled,
                Err(failure) => return Attempt::Failed(Arc::new(failure)),
            };
            let interruption = Interruption::of(&pooled.interrupt, self.canceller.as_ref());
            let Pooled { connection, interrupt, .. } = &mut *pooled;
            let mut unit = self.unit(connection, interrupt, cancellation, reads);
            let done = interruption.during(cancellation, || ask(&mut unit));
            let is_first = unit.statements == 1;
            let changes = unit.changes;
            let Some(failure) = unit.failure else {
                return match done {
                    Ok(()) if !reads => self
                        .committed(changes)
                        .map_or_else(|failure| Attempt::Failed(Arc::new(failure)), |()| Attempt::Done),
                    Ok(()) | Err(Undo) => Attempt::Done,
                };
            };
            let kind = failure.kind(self.dialect);
            let is_cancelled = cancellation.is_cancelled();
            let is_lost = match kind {
                FailureKind::Lost => true,
                // Diesel does not tell a lost connection from a refusal.
                FailureKind::Unclear => !is_cancelled && pooled.connection.batch_execute("SELECT 1").is_err(),
                _ => false,
            };
            pooled.broken = is_lost || kind.breaks_connection();
            lost += 1;
            if !is_lost || !is_first || is_cancelled || lost > pool.max_size() {
                return Attempt::Failed(failure);
            }
            self.metrics.failed(kind);
        }
    }
}
