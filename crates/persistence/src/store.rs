//! Units of work.

mod api_keys;
mod closure;
mod custom;
mod fate;
mod groups;
mod identities;
mod interruption;
mod lockouts;
mod members;
mod search;
mod sign_in;
mod unit;
mod users;

use std::time::Duration;

use diesel::connection::TransactionManager;
use diesel::prelude::*;
use diesel::result::Error;
use guildhall_domain::ports::{Cancellation, Reader, Store, StoreError, Undo, Writer};
use r2d2::{Pool, PooledConnection};

use crate::canceller::Canceller;
use crate::connection::{AnyConnection, Handle, Manager, Pooled};
use crate::dialect::{self, Turn};
use crate::sql_types::Key;

use fate::{Fate, store_error};
use interruption::Interruption;
use search::KnownListings;

/// How often work that collided is run in all.
const ATTEMPTS: usize = 8;

/// The store in a database.
pub(crate) struct DieselStore {
    connections: Pool<Manager>,
    /// Where only one writer can be, a pool of one: its queue is the writers' queue, and readers keep their connections.
    writers: Pool<Manager>,
    known: KnownListings,
    /// Where statements are cancelled from outside.
    canceller: Option<Canceller>,
    /// The most time for a statement that reads, or that waits for another writer.
    limit: Option<Duration>,
}

impl DieselStore {
    pub(crate) fn new(
        connections: Pool<Manager>,
        writers: Pool<Manager>,
        canceller: Option<Canceller>,
        limit: Option<Duration>,
    ) -> Self {
        Self { connections, writers, known: KnownListings::default(), canceller, limit }
    }

    /// Gives keys to those who came here before there were any.
    pub(crate) fn catch_up(&self) -> Result<(), StoreError> {
        let mut after = Some(Key(uuid::Uuid::nil()));
        while let Some(id) = after {
            let mut outcome = Ok(None);
            self.run(Turn::Alone, &Cancellation::new(), &mut |unit| {
                outcome = unit.run(|connection| search::upkeep::catch_up(connection, id));
                outcome.as_ref().map(drop).map_err(|_| Undo)
            })?;
            after = outcome?;
        }
        Ok(())
    }

    /// Runs `work`, which reads or writes, again and again until it collides with nothing. Work that `cancellation` says is not
    /// wanted any more ends with an error.
    fn run(
        &self,
        turn: Turn,
        cancellation: &Cancellation,
        work: &mut dyn FnMut(&mut Unit<'_>) -> Result<(), Undo>,
    ) -> Result<(), StoreError> {
        for _ in 0..ATTEMPTS {
            let mut pooled = self.begin(turn)?;
            let interruption = Interruption::of(&pooled.handle, self.canceller.as_ref());
            let limit = if turn == Turn::Reading { self.limit } else { None };
            let Pooled { connection, handle, .. } = &mut *pooled;
            let mut unit = Unit { connection, handle, cancellation, limit, fate: Fate::Sound, known: &self.known };
            let wanted = interruption.during(cancellation, || work(&mut unit));
            let fate = unit.fate;
            let ended = match wanted {
                Ok(()) => Manager::commit(&mut pooled.connection),
                Err(Undo) => Manager::roll_back(&mut pooled.connection),
            };
            pooled.broken = fate == Fate::Lost || ended.is_err();
            match (wanted, ended) {
                (Err(Undo), _) if cancellation.is_cancelled() => return Err(unwanted()),
                (Err(Undo), _) if fate.is_worth_another_attempt() => {}
                (Err(Undo), _) | (Ok(()), Ok(())) => return Ok(()),
                (Ok(()), Err(error)) if Fate::of(&error).is_worth_another_attempt() => {}
                (Ok(()), Err(error)) => return Err(store_error(error, limit)),
            }
        }
        Err(StoreError::unavailable("the work collided with other work too often"))
    }

    /// A connection with a transaction begun. Connections that died while they waited in the pool are thrown away, and those whose
    /// beginning somebody cancelled who meant something else.
    fn begin(&self, turn: Turn) -> Result<PooledConnection<Manager>, StoreError> {
        let pool = if turn == Turn::Reading { &self.connections } else { &self.writers };
        for _ in 0..=pool.max_size() {
            let mut pooled = pool.get().map_err(StoreError::unavailable)?;
            match dialect::begin(&mut pooled.connection, turn, self.limit) {
                Ok(()) => return Ok(pooled),
                Err(error) if matches!(Fate::of(&error), Fate::Lost | Fate::Interrupted) => pooled.broken = true,
                Err(error) => {
                    pooled.broken = true;
                    return Err(store_error(error, self.limit));
                }
            }
        }
        Err(StoreError::unavailable("every connection was lost"))
    }
}

impl Manager {
    fn commit(connection: &mut AnyConnection) -> QueryResult<()> {
        <AnyConnection as diesel::Connection>::TransactionManager::commit_transaction(connection)
    }

    fn roll_back(connection: &mut AnyConnection) -> QueryResult<()> {
        <AnyConnection as diesel::Connection>::TransactionManager::rollback_transaction(connection)
    }
}

impl Store for DieselStore {
    fn reading(&self, cancellation: &Cancellation, work: &mut dyn FnMut(&mut dyn Reader)) -> Result<(), StoreError> {
        self.run(Turn::Reading, cancellation, &mut |unit| {
            work(unit);
            if unit.fate == Fate::Sound { Ok(()) } else { Err(Undo) }
        })
    }

    fn writing(&self, work: &mut dyn FnMut(&mut dyn Writer) -> Result<(), Undo>) -> Result<(), StoreError> {
        self.run(Turn::Writing, &Cancellation::new(), &mut |unit| work(unit))
    }

    fn writing_alone(&self, work: &mut dyn FnMut(&mut dyn Writer) -> Result<(), Undo>) -> Result<(), StoreError> {
        self.run(Turn::Alone, &Cancellation::new(), &mut |unit| work(unit))
    }
}

/// A unit of work under way.
struct Unit<'a> {
    connection: &'a mut AnyConnection,
    handle: &'a Handle,
    cancellation: &'a Cancellation,
    limit: Option<Duration>,
    fate: Fate,
    known: &'a KnownListings,
}

impl Unit<'_> {
    fn run<T>(&mut self, statement: impl FnOnce(&mut AnyConnection) -> Result<T, Failure>) -> Result<T, StoreError> {
        if self.cancellation.is_cancelled() {
            self.suffer(Fate::Interrupted);
            return Err(unwanted());
        }
        if let Handle::Sqlite(guard) = self.handle {
            guard.allow(self.limit);
        }
        statement(self.connection).map_err(|failure| match failure {
            Failure::Database(error) => {
                self.suffer(Fate::of(&error));
                store_error(error, self.limit)
            }
            Failure::Stale => {
                self.suffer(Fate::Collided);
                StoreError::unavailable("the row changed after it was read")
            }
            Failure::Data(what) => StoreError::failed(what),
        })
    }

    /// What came first counts: after it, PostgreSQL refuses every statement with an error that says nothing.
    fn suffer(&mut self, fate: Fate) {
        if self.fate == Fate::Sound {
            self.fate = fate;
        }
    }
}

/// Why a statement gave no answer.
#[derive(Debug)]
enum Failure {
    /// The database refused or failed.
    Database(Error),
    /// The row to change is no longer in the state in which it was read.
    Stale,
    /// What stands in the database is not what this service writes.
    Data(String),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Database(error)
    }
}

/// What nobody will read.
fn unwanted() -> StoreError {
    StoreError::unavailable("nobody waits for the work any more")
}

/// More than the databases count to is as good as their most.
fn saturating(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
