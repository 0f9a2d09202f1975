//! Single statements that read, outside a transaction: one statement sees one state.

use std::sync::Arc;

use diesel::connection::SimpleConnection as _;
use guildhall_domain::ports::{Cancellation, StoreError, Undo};

use super::{Attempt, DieselStore};
use crate::connection::{AnyConnection, Pooled};
use crate::dialect::TransactionMode;
use crate::unit_of_work::failure::FailureKind;
use crate::unit_of_work::interruption::Interruption;
use crate::unit_of_work::{Failure, Unit};

impl DieselStore {
    /// The result of one statement that reads. It may take as long as one of a unit of work, and ends soon after its result is not wanted.
    ///
    /// It runs alone where the settings of a session are the service's own, the limit of time among them. Behind a proxy that pools
    /// transactions they are those of a transaction, so there it gets one.
    pub(super) fn run_statement<T>(
        &self,
        cancellation: &Cancellation,
        statement: impl Fn(&mut AnyConnection) -> Result<T, Failure>,
    ) -> Result<T, StoreError> {
        let mut result = None;
        let mut ask = |unit: &mut Unit<'_>| {
            result = unit.run(&statement).ok();
            if result.is_some() { Ok(()) } else { Err(Undo) }
        };
        if self.keeps_sessions {
            self.retry(self.limit, cancellation, &mut || self.attempt_statement(cancellation, &mut ask))?;
        } else {
            self.run(TransactionMode::Read, cancellation, &mut ask)?;
        }
        result.ok_or_else(|| StoreError::failed("the statement has no result"))
    }

    /// Runs the statement on connections of the pool until one is not lost: no statement is sent before it that would tell.
    fn attempt_statement(
        &self,
        cancellation: &Cancellation,
        ask: &mut dyn FnMut(&mut Unit<'_>) -> Result<(), Undo>,
    ) -> Attempt {
        if let Err(found) = self.health.check_file_now_and_then() {
            return Attempt::Failed(Arc::new(found.into()));
        }
        let mut lost = 0;
        loop {
            let mut pooled = match self.connection(&self.connections) {
                Ok(pooled) => pooled,
                Err(failure) => return Attempt::Failed(Arc::new(failure)),
            };
            let interruption = Interruption::of(&pooled.interrupt, self.canceller.as_ref());
            let Pooled { connection, interrupt, .. } = &mut *pooled;
            let mut unit = Unit {
                connection,
                interrupt,
                cancellation,
                limit: self.limit,
                reads: true,
                cache: &self.cache,
                failure: None,
            };
            // The failure tells all.
            let _ = interruption.during(cancellation, || ask(&mut unit));
            let Some(failure) = unit.failure else { return Attempt::Done };
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
            if !is_lost || is_cancelled || lost > self.connections.max_size() {
                return Attempt::Failed(failure);
            }
        }
    }
}
