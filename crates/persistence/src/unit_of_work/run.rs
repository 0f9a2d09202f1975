//! The store: runs units of work in transactions.

mod at_once;
mod numbering;
mod search_rows;
mod statement;
mod store;

use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel::connection::TransactionManager;
use diesel::prelude::*;
use guildhall_domain::ports::{Cancellation, Clock, StoreError, Undo};
use r2d2::PooledConnection;

use super::failure::{Failure, FailureKind, store_error};
use super::interruption::Interruption;
use super::retry::{self, AttemptsExhausted, MAX_ATTEMPTS};
use super::{Unit, UnitMode};
use crate::canceller::Canceller;
use crate::connection::{AnyConnection, InterruptHandle, Manager, Pooled};
use crate::dialect::{self, Dialect, TransactionMode};
use crate::due::Moment;
use crate::health::{DatabaseFault, HealthCheck};
use crate::listing::ListingCache;
use crate::metrics::{MembershipChanges, Metrics};
use crate::pool::ConnectionPool;
use crate::spans;

pub(crate) use at_once::AtOnceStore;

/// The store in a database.
pub(crate) struct DieselStore {
    connections: ConnectionPool,
    /// The connections of units of work that write. SQLite has one writer at a time, so there it is a pool of one: writers wait
    /// for it, and readers keep their own connections.
    writers: ConnectionPool,
    dialect: Dialect,
    cache: ListingCache,
    health: HealthCheck,
    /// Cancels statements of PostgreSQL.
    canceller: Option<Canceller>,
    /// Whether a connection is the same session from one transaction to the next, so that it keeps its settings.
    keeps_sessions: bool,
    /// The most time that a statement may take which reads, or that one may wait for a lock of another unit of work.
    limit: Option<Duration>,
    metrics: Metrics,
    /// By which memberships begin and end. `None`: that of the database.
    clock: Option<Arc<dyn Clock>>,
}

/// How an attempt to run a unit of work ended.
enum Attempt {
    /// The work was done: it is committed, or it was rolled back because the work returned `Err`.
    Done,
    /// A statement failed, and the transaction was rolled back.
    Failed(Arc<Failure>),
}

impl DieselStore {
    #[expect(clippy::too_many_arguments, reason = "it is called once, by what opens the database")]
    pub(crate) fn new(
        connections: ConnectionPool,
        writers: ConnectionPool,
        dialect: Dialect,
        health: HealthCheck,
        canceller: Option<Canceller>,
        keeps_sessions: bool,
        limit: Option<Duration>,
        metrics: Metrics,
        clock: Option<Arc<dyn Clock>>,
    ) -> Self {
        let cache = ListingCache::default();
        Self { connections, writers, dialect, cache, health, canceller, keeps_sessions, limit, metrics, clock }
    }

    /// The present moment, by which memberships begin and end.
    fn moment(&self) -> Moment {
        Moment::of(self.clock.as_deref())
    }

    /// What is counted.
    pub(crate) fn metrics(&self) -> &Metrics {
        &self.metrics
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
        let modes = (mode, UnitMode::Transaction);
        self.retry(limit, cancellation, &mut || self.attempt(modes, cancellation, work))
    }

    /// Runs `attempt` until it is done, or is not worth being run again.
    fn retry(
        &self,
        limit: Option<Duration>,
        cancellation: &Cancellation,
        attempt: &mut dyn FnMut() -> Attempt,
    ) -> Result<(), StoreError> {
        let began = Instant::now();
        let mut attempts = 0;
        loop {
            let Attempt::Failed(failure) = attempt() else { return Ok(()) };
            self.metrics.failed(failure.kind(self.dialect));
            attempts += 1;
            if cancellation.is_cancelled() {
                return Err(store_error(&Arc::new(Failure::Cancelled), limit, self.dialect));
            }
            if attempts == MAX_ATTEMPTS || !self.may_succeed_again(&failure, began) {
                return Err(self.failed(failure, attempts, limit));
            }
            retry::wait(attempts);
        }
    }

    /// Whether the work that failed may succeed when it is run again at once.
    fn may_succeed_again(&self, failure: &Failure, began: Instant) -> bool {
        match failure.kind(self.dialect) {
            FailureKind::Unclear => self.health.health().fault().is_none() && began.elapsed() < retry::UNCLEAR_TIME,
            // The connection may be from before the database became writable, or lead to a server that is no longer the primary.
            FailureKind::Fault(DatabaseFault::ReadOnly) if self.dialect == Dialect::Postgres => {
                self.health.diagnose().is_ok()
            }
            kind => kind.is_worth_another_attempt(),
        }
    }

    /// The error of a unit of work that is not run again. What it tells of the database is noted, and found out where it is not clear.
    fn failed(&self, failure: Arc<Failure>, attempts: u32, limit: Option<Duration>) -> StoreError {
        let health = self.health.health();
        match failure.kind(self.dialect) {
            FailureKind::Fault(fault) => health.fail(fault, &failure),
            FailureKind::Lost | FailureKind::NoConnection if health.fault().is_none() => drop(self.health.diagnose()),
            FailureKind::Unclear => {
                let is_lasting = health.fault().is_some() || self.health.diagnose().is_err();
                if !is_lasting && failure.is_about_the_text() {
                    return StoreError::failed(failure);
                }
            }
            _ => {}
        }
        if attempts == MAX_ATTEMPTS {
            StoreError::unavailable(AttemptsExhausted(failure))
        } else {
            store_error(&failure, limit, self.dialect)
        }
    }

    /// Runs `work` in one transaction, which is committed only if the work returned `Ok` and no statement failed.
    fn attempt(
        &self,
        modes: (TransactionMode, UnitMode),
        cancellation: &Cancellation,
        work: &mut dyn FnMut(&mut Unit<'_>) -> Result<(), Undo>,
    ) -> Attempt {
        let span = spans::unit_of_work(self.dialect, modes.0.name());
        let attempt = span.in_scope(|| self.attempt_in_transaction(modes, cancellation, work));
        if matches!(&attempt, Attempt::Failed(failure) if failure.kind(self.dialect).is_error()) {
            spans::failed(&span);
        }
        attempt
    }

    fn attempt_in_transaction(
        &self,
        (mode, unit_mode): (TransactionMode, UnitMode),
        cancellation: &Cancellation,
        work: &mut dyn FnMut(&mut Unit<'_>) -> Result<(), Undo>,
    ) -> Attempt {
        let mut pooled = match self.begin(mode) {
            Ok(pooled) => pooled,
            Err(failure) => return Attempt::Failed(Arc::new(failure)),
        };
        let interruption = Interruption::of(&pooled.interrupt, self.canceller.as_ref());
        let Pooled { connection, interrupt, .. } = &mut *pooled;
        let reads = mode == TransactionMode::Read;
        let mut unit = self.unit((connection, interrupt), cancellation, (reads, unit_mode));
        let returned = interruption.during(cancellation, || work(&mut unit));
        let (failure, changes) = (unit.failure, unit.changes);
        let ended = if returned.is_ok() && failure.is_none() {
            commit(&mut pooled.connection)
        } else {
            roll_back(&mut pooled.connection)
        };
        let breaks = |failure: &Failure| failure.kind(self.dialect).breaks_connection();
        pooled.broken = ended.is_err() || failure.as_deref().is_some_and(breaks);
        match (failure, returned, ended) {
            (Some(failure), ..) => Attempt::Failed(failure),
            (None, Ok(()), Err(error)) => Attempt::Failed(Arc::new(Failure::Database(error))),
            (None, Ok(()), Ok(())) if !reads => match self.committed(changes) {
                Ok(()) => Attempt::Done,
                Err(failure) => Attempt::Failed(Arc::new(failure)),
            },
            // If the rollback fails, the database rolls back when the connection closes.
            (None, Ok(()), Ok(())) | (None, Err(Undo), _) => Attempt::Done,
        }
    }

    /// A unit of work that begins on this connection.
    fn unit<'a>(
        &'a self,
        (connection, interrupt): (&'a mut AnyConnection, &'a InterruptHandle),
        cancellation: &'a Cancellation,
        (reads, mode): (bool, UnitMode),
    ) -> Unit<'a> {
        Unit {
            connection,
            interrupt,
            cancellation,
            limit: self.limit,
            reads,
            mode,
            has_changed: false,
            locked: None,
            announced: None,
            cache: &self.cache,
            clock: self.clock.as_deref(),
            changes: MembershipChanges::default(),
            failure: None,
            statements: 0,
        }
    }

    /// Notes that changes were committed: to a file that is still there, or else they are lost.
    fn committed(&self, changes: MembershipChanges) -> Result<(), Failure> {
        self.health.check_file()?;
        self.metrics.committed(changes);
        self.health.health().committed();
        Ok(())
    }

    /// A connection on which a transaction has begun. Connections that were lost while they waited in the pool are discarded, as
    /// are those of an earlier generation, and those whose `BEGIN` was interrupted by a request that was meant for an earlier unit of work.
    fn begin(&self, mode: TransactionMode) -> Result<PooledConnection<Manager>, Failure> {
        let pool = if mode == TransactionMode::Read { &self.connections } else { &self.writers };
        let mut attempts = 0;
        self.health.check_file()?;
        loop {
            let mut pooled = self.connection(pool)?;
            let began = Instant::now();
            let Err(error) = dialect::begin(&mut pooled.connection, mode, self.limit) else { return Ok(pooled) };
            pooled.broken = true;
            attempts += 1;
            let failure = Failure::Database(error).after(began.elapsed(), self.limit, false, self.dialect);
            let kind = failure.kind(self.dialect);
            if attempts > pool.max_size() || !matches!(kind, FailureKind::Lost | FailureKind::Unclear) {
                return Err(failure);
            }
            self.metrics.failed(kind);
        }
    }

    /// A connection of this pool. Those of an earlier generation are discarded.
    fn connection(&self, pool: &ConnectionPool) -> Result<PooledConnection<Manager>, Failure> {
        loop {
            let mut pooled = pool.get().map_err(Failure::NoConnection)?;
            if pooled.generation == self.health.health().generation() {
                return Ok(pooled);
            }
            pooled.broken = true;
        }
    }
}

fn commit(connection: &mut AnyConnection) -> QueryResult<()> {
    <AnyConnection as diesel::Connection>::TransactionManager::commit_transaction(connection)
}

fn roll_back(connection: &mut AnyConnection) -> QueryResult<()> {
    <AnyConnection as diesel::Connection>::TransactionManager::rollback_transaction(connection)
}
