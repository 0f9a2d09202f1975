//! The store: runs units of work in transactions.

use std::sync::Arc;
use std::time::Duration;

use diesel::connection::TransactionManager;
use diesel::prelude::*;
use guildhall_domain::ports::{Cancellation, Reader, Store, StoreError, Undo, Writer};
use r2d2::{Pool, PooledConnection};
use uuid::Uuid;

use super::Unit;
use super::failure::{Failure, FailureKind, store_error};
use super::interruption::Interruption;
use super::retry::{self, AttemptsExhausted, MAX_ATTEMPTS};
use crate::canceller::Canceller;
use crate::connection::{AnyConnection, Manager, Pooled};
use crate::dialect::{self, TransactionMode};
use crate::listing::{BACKFILL_LIMIT, ListingCache, backfill};
use crate::sql_types::Key;

/// The store in a database.
pub(crate) struct DieselStore {
    connections: Pool<Manager>,
    /// The connections of units of work that write. SQLite has one writer at a time, so there it is a pool of one: writers wait
    /// for it, and readers keep their own connections.
    writers: Pool<Manager>,
    cache: ListingCache,
    /// Cancels statements of PostgreSQL.
    canceller: Option<Canceller>,
    /// The most time that a statement may take which reads, or that one may wait for a lock of another unit of work.
    limit: Option<Duration>,
}

/// How an attempt to run a unit of work ended.
enum Attempt {
    /// The work was done: it is committed, or it was rolled back because the work returned `Err`.
    Done,
    /// A statement failed, and the transaction was rolled back.
    Failed(Arc<Failure>),
}

impl DieselStore {
    pub(crate) fn new(
        connections: Pool<Manager>,
        writers: Pool<Manager>,
        canceller: Option<Canceller>,
        limit: Option<Duration>,
    ) -> Self {
        Self { connections, writers, cache: ListingCache::default(), canceller, limit }
    }

    /// Writes the search rows of all users and groups that were stored before there were such rows.
    pub(crate) fn backfill(&self) -> Result<(), StoreError> {
        let mut after = Some(Key(Uuid::nil()));
        while let Some(id) = after {
            let mut last = None;
            self.run(TransactionMode::WriteAlone, &Cancellation::new(), &mut |unit| {
                last = unit.run(|connection| backfill(connection, id, BACKFILL_LIMIT)).map_err(|_| Undo)?;
                Ok(())
            })?;
            after = last;
        }
        Ok(())
    }

    /// Runs `work` in a transaction, and again if it conflicts with other units of work. If a statement failed in the last
    /// attempt, its failure is the result, whatever the work returned.
    fn run(
        &self,
        mode: TransactionMode,
        cancellation: &Cancellation,
        work: &mut dyn FnMut(&mut Unit<'_>) -> Result<(), Undo>,
    ) -> Result<(), StoreError> {
        let limit = if mode == TransactionMode::Read { self.limit } else { None };
        let mut attempts = 0;
        loop {
            let Attempt::Failed(failure) = self.attempt(mode, cancellation, limit, work)? else { return Ok(()) };
            attempts += 1;
            if cancellation.is_cancelled() {
                return Err(store_error(&Arc::new(Failure::Cancelled), limit));
            }
            if !failure.kind().is_worth_another_attempt() {
                return Err(store_error(&failure, limit));
            }
            if attempts == MAX_ATTEMPTS {
                return Err(StoreError::unavailable(AttemptsExhausted(failure)));
            }
            retry::wait(attempts);
        }
    }

    /// Runs `work` in one transaction, which is committed only if the work returned `Ok` and no statement failed.
    fn attempt(
        &self,
        mode: TransactionMode,
        cancellation: &Cancellation,
        limit: Option<Duration>,
        work: &mut dyn FnMut(&mut Unit<'_>) -> Result<(), Undo>,
    ) -> Result<Attempt, StoreError> {
        let mut pooled = self.begin(mode)?;
        let interruption = Interruption::of(&pooled.interrupt, self.canceller.as_ref());
        let Pooled { connection, interrupt, .. } = &mut *pooled;
        let mut unit = Unit { connection, interrupt, cancellation, limit, cache: &self.cache, failure: None };
        let returned = interruption.during(cancellation, || work(&mut unit));
        let failure = unit.failure;
        let ended = if returned.is_ok() && failure.is_none() {
            commit(&mut pooled.connection)
        } else {
            roll_back(&mut pooled.connection)
        };
        let is_lost = failure.as_ref().is_some_and(|failure| failure.kind() == FailureKind::Lost);
        pooled.broken = is_lost || ended.is_err();
        Ok(match (failure, returned, ended) {
            (Some(failure), ..) => Attempt::Failed(failure),
            (None, Ok(()), Err(error)) => Attempt::Failed(Arc::new(Failure::Database(error))),
            // If the rollback fails, the database rolls back when the connection closes.
            (None, Ok(()), Ok(())) | (None, Err(Undo), _) => Attempt::Done,
        })
    }

    /// A connection on which a transaction has begun. Connections that were lost while they waited in the pool are discarded, as
    /// are those whose `BEGIN` was interrupted by a request that was meant for an earlier unit of work.
    fn begin(&self, mode: TransactionMode) -> Result<PooledConnection<Manager>, StoreError> {
        let pool = if mode == TransactionMode::Read { &self.connections } else { &self.writers };
        for _ in 0..=pool.max_size() {
            let mut pooled = pool.get().map_err(StoreError::unavailable)?;
            let Err(error) = dialect::begin(&mut pooled.connection, mode, self.limit) else { return Ok(pooled) };
            pooled.broken = true;
            let failure = Failure::Database(error);
            if !matches!(failure.kind(), FailureKind::Lost | FailureKind::Interrupted) {
                return Err(store_error(&Arc::new(failure), self.limit));
            }
        }
        Err(StoreError::unavailable("every connection was lost"))
    }
}

fn commit(connection: &mut AnyConnection) -> QueryResult<()> {
    <AnyConnection as diesel::Connection>::TransactionManager::commit_transaction(connection)
}

fn roll_back(connection: &mut AnyConnection) -> QueryResult<()> {
    <AnyConnection as diesel::Connection>::TransactionManager::rollback_transaction(connection)
}

impl Store for DieselStore {
    fn reading(&self, cancellation: &Cancellation, work: &mut dyn FnMut(&mut dyn Reader)) -> Result<(), StoreError> {
        self.run(TransactionMode::Read, cancellation, &mut |unit| {
            work(unit);
            Ok(())
        })
    }

    fn writing(&self, work: &mut dyn FnMut(&mut dyn Writer) -> Result<(), Undo>) -> Result<(), StoreError> {
        self.run(TransactionMode::Write, &Cancellation::new(), &mut |unit| work(unit))
    }

    fn writing_alone(&self, work: &mut dyn FnMut(&mut dyn Writer) -> Result<(), Undo>) -> Result<(), StoreError> {
        self.run(TransactionMode::WriteAlone, &Cancellation::new(), &mut |unit| work(unit))
    }
}
