//! Units of work: transactions that run the work of a use case, again if they conflict with others.
//!
//! | Where | What |
//! |---|---|
//! | `run` | the store: begins a transaction, runs the work, commits it or rolls it back, and tries again; single statements without one |
//! | `retry` | how often and after which pauses |
//! | `failure` | why a statement failed, and what follows from it for the transaction |
//! | `savepoint` | parts of a unit of work that are undone by themselves |
//! | `interruption` | ending statements whose result nobody waits for |
//!
//! The statements themselves are in `tables` and `listing`: each port of the domain is implemented for [`Unit`] in the file of
//! its aggregate.

mod failure;
mod interruption;
mod retry;
mod run;
mod savepoint;

use std::sync::Arc;
use std::time::{Duration, Instant};

use guildhall_domain::ports::{Cancellation, Clock, StoreError};
use tracing::Span;

use crate::connection::{AnyConnection, InterruptHandle};
use crate::dialect::Dialect;
use crate::due::Moment;
use crate::listing::ListingCache;
use crate::metrics::MembershipChanges;
use crate::spans;
use crate::sql_types::Key;
use crate::tables::Announced;

pub(crate) use failure::{Failure, FailureKind};
pub(crate) use run::{AtOnceStore, DieselStore};

use failure::store_error;

/// A unit of work that is running.
pub(crate) struct Unit<'a> {
    connection: &'a mut AnyConnection,
    interrupt: &'a InterruptHandle,
    cancellation: &'a Cancellation,
    /// The most time that a statement may take if the unit of work only reads, or wait for a lock if it writes.
    limit: Option<Duration>,
    /// Whether it only reads.
    reads: bool,
    cache: &'a ListingCache,
    /// By which memberships begin and end. `None`: that of the database.
    clock: Option<&'a dyn Clock>,
    mode: UnitMode,
    /// Whether it made a change.
    has_changed: bool,
    /// The user whom a question locked for their deletion.
    locked: Option<Key>,
    /// Events that are kept with the one change.
    announced: Option<Announced>,
    /// What the statements changed, if they are committed.
    pub(crate) changes: MembershipChanges,
    /// How often statements were run.
    statements: u32,
    /// The first failure of a statement. PostgreSQL refuses every statement after it with an error that does not tell the cause.
    failure: Option<Arc<Failure>>,
}

/// What a unit of work may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum UnitMode {
    /// Any number of changes, in a transaction.
    Transaction,
    /// One change, by its last statements, in a transaction.
    OneChangeInTransaction,
    /// One change, by its last statement, without a transaction.
    OneChange,
}

impl Unit<'_> {
    /// The present moment, by which memberships begin and end.
    pub(crate) fn moment(&self) -> Moment {
        Moment::of(self.clock)
    }

    /// Whether what it reads in order to change it is locked until it ends. In SQLite there is one writer.
    pub(crate) fn locks(&self) -> bool {
        self.mode != UnitMode::OneChange && matches!(self.connection, AnyConnection::Postgres(_))
    }

    /// Whether it sees events without their place as those that they are going to be. Who writes sees those with their place alone, and never goes past the others.
    pub(crate) fn shows_pending_events(&self) -> bool {
        self.reads && matches!(self.connection, AnyConnection::Sqlite(_))
    }

    /// Notes that the user is locked until the unit of work ends, also against further memberships.
    pub(crate) fn note_locked(&mut self, user: Key) {
        self.locked = Some(user);
    }

    /// Whether the user is locked so.
    pub(crate) fn has_locked(&self, user: Key) -> bool {
        self.locked == Some(user)
    }

    /// Runs statements that make one change.
    pub(crate) fn change<T, F>(&mut self, statements: F) -> Result<T, StoreError>
    where
        F: FnOnce(&mut AnyConnection) -> Result<T, Failure>,
    {
        if self.announced.is_some() {
            return Err(self.record(Failure::Data("a change takes no events with it".to_owned())));
        }
        let changed = self.run(statements);
        self.has_changed = true;
        changed
    }

    /// Runs statements that make one change, and keep the events with it that were announced.
    pub(crate) fn change_with_events<T, F>(&mut self, statements: F) -> Result<T, StoreError>
    where
        F: FnOnce(&mut AnyConnection, Option<&Announced>) -> Result<T, Failure>,
    {
        let announced = self.announced.take();
        let span = spans::statement::<F>(Dialect::of(self.connection));
        let changed = self.run_in(&span, |connection| statements(connection, announced.as_ref()));
        self.has_changed = true;
        changed
    }

    /// Runs statements that belong to the changes that were made.
    pub(crate) fn after_change<T, F>(&mut self, statements: F) -> Result<T, StoreError>
    where
        F: FnOnce(&mut AnyConnection) -> Result<T, Failure>,
    {
        if self.mode == UnitMode::OneChangeInTransaction {
            self.has_changed = false;
        }
        self.change(statements)
    }

    /// Keeps events for the one change, if it has no transaction in which they could follow it.
    pub(crate) fn announce(&mut self, events: impl FnOnce() -> Announced) -> bool {
        let is_taken = self.mode == UnitMode::OneChange;
        self.announced = is_taken.then(events);
        is_taken
    }

    /// Runs statements. If they fail, the unit of work is going to be rolled back, whatever the work returns.
    pub(crate) fn run<T, F>(&mut self, statements: F) -> Result<T, StoreError>
    where
        F: FnOnce(&mut AnyConnection) -> Result<T, Failure>,
    {
        let span = spans::statement::<F>(Dialect::of(self.connection));
        self.run_in(&span, statements)
    }

    /// Runs statements in their span.
    pub(super) fn run_in<T>(
        &mut self,
        span: &Span,
        statements: impl FnOnce(&mut AnyConnection) -> Result<T, Failure>,
    ) -> Result<T, StoreError> {
        if self.cancellation.is_cancelled() {
            return Err(self.record(Failure::Cancelled));
        }
        if let Some(failure) = &self.failure {
            // Without a transaction, the database would run what follows a failure.
            return Err(store_error(failure, self.limit, Dialect::of(self.connection)));
        }
        if self.has_changed && self.mode != UnitMode::Transaction {
            return Err(self.record(Failure::Data("a unit of work of one change went on after it".to_owned())));
        }
        if let InterruptHandle::Sqlite(guard) = self.interrupt {
            guard.allow(self.limit.filter(|_| self.reads));
        }
        self.statements += 1;
        let dialect = Dialect::of(self.connection);
        let began = Instant::now();
        span.in_scope(|| statements(self.connection)).map_err(|failure| {
            let failure = failure.after(began.elapsed(), self.limit, self.reads, dialect);
            if failure.kind(dialect).is_error() {
                spans::failed(span);
            }
            self.record(failure)
        })
    }

    /// Runs the statements of a listing, which may use the cache.
    pub(crate) fn list<T, F>(&mut self, statements: F) -> Result<T, StoreError>
    where
        F: FnOnce(&mut AnyConnection, &ListingCache) -> Result<T, Failure>,
    {
        let (cache, span) = (self.cache, spans::statement::<F>(Dialect::of(self.connection)));
        self.run_in(&span, |connection| statements(connection, cache))
    }

    /// Keeps the first failure, and returns the error for the work.
    fn record(&mut self, failure: Failure) -> StoreError {
        let failure = Arc::new(failure);
        self.failure.get_or_insert_with(|| Arc::clone(&failure));
        store_error(&failure, self.limit, Dialect::of(self.connection))
    }
}
