//! Single statements outside a transaction: one statement sees one state, and is done wholly or not at all.

use std::sync::Arc;

use diesel::connection::SimpleConnection as _;
use guildhall_domain::ports::{Cancellation, MembershipAnswer, MembershipQuestion, Store as _, StoreError, Undo};

use super::{Attempt, DieselStore};
use crate::connection::{AnyConnection, Pooled};
use crate::dialect::{Dialect, TransactionMode};
use crate::pool::ConnectionPool;
use crate::spans;
use crate::tables;
use crate::unit_of_work::failure::FailureKind;
use crate::unit_of_work::interruption::Interruption;
use crate::unit_of_work::{Failure, Unit, UnitMode};

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

    /// The answers of one statement, where the database gains by it and they are of the kind that can be asked together; otherwise each is asked by its own.
    pub(super) fn answer_together(
        &self,
        checks: &[MembershipQuestion<'_>],
    ) -> Vec<Result<MembershipAnswer, StoreError>> {
        let at = self.moment();
        let together = if self.dialect == Dialect::Postgres && checks.len() > 1 {
            self.run_statement(&Cancellation::new(), |connection| match connection {
                AnyConnection::Postgres(connection) => tables::check_together(connection, at, checks),
                AnyConnection::Sqlite(_) => Ok(None),
            })
        } else {
            Ok(None)
        };
        match together {
            Ok(Some(answers)) => answers.into_iter().map(Ok).collect(),
            Err(error) => {
                let error = Arc::new(error);
                checks.iter().map(|_| Err(StoreError::shared(&error))).collect()
            }
            Ok(None) => checks.iter().map(|check| self.check(&Cancellation::new(), check)).collect(),
        }
    }

    /// Runs work of which the last statement makes the only change: without a transaction where PostgreSQL runs each call of the writer as
    /// one statement, and the settings of a session are the service's own. A session limits the time of a statement, as a change is not to
    /// be: what takes longer is run again in a transaction. So is what another unit of work came before: in a transaction it locks what it
    /// read, so that however many change one row, each gets its turn.
    pub(super) fn run_once(&self, work: &mut dyn FnMut(&mut Unit<'_>) -> Result<(), Undo>) -> Result<(), StoreError> {
        let cancellation = Cancellation::new();
        let mut needs_transaction = false;
        if self.dialect == Dialect::Postgres && self.keeps_sessions {
            let ran = self.retry(None, &cancellation, &mut || {
                let attempt = self.attempt_statement((&self.writers, false), &cancellation, work);
                needs_transaction = matches!(&attempt, Attempt::Failed(failure) if matches!(**failure, Failure::Stale)
                        || failure.kind(self.dialect) == FailureKind::Blocked);
                // The attempts end here, and go on in a transaction.
                if needs_transaction { Attempt::Done } else { attempt }
            });
            if !needs_transaction {
                return ran;
            }
        }
        let modes = (TransactionMode::Write, UnitMode::OneChangeInTransaction);
        self.retry(None, &cancellation, &mut || self.attempt(modes, &cancellation, work))
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
            let mut unit = self.unit((connection, interrupt), cancellation, (reads, UnitMode::OneChange));
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
