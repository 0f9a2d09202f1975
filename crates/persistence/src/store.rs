//! Units of work.

mod api_keys;
mod closure;
mod custom;
mod groups;
mod identities;
mod lockouts;
mod members;
mod search;
mod sign_in;
mod unit;
mod users;

use diesel::connection::TransactionManager;
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error};
use guildhall_domain::ports::{Cancellation, Reader, Store, StoreError, Undo, Writer};
use r2d2::{Pool, PooledConnection};

use crate::connection::{AnyConnection, Manager};
use crate::dialect::{self, Turn};
use crate::sql_types::Key;

use search::KnownListings;

/// How often work that collided is run in all.
const ATTEMPTS: usize = 8;

/// The store in a database.
pub(crate) struct DieselStore {
    connections: Pool<Manager>,
    /// Where only one writer can be, a pool of one: its queue is the writers' queue, and readers keep their connections.
    writers: Pool<Manager>,
    known: KnownListings,
}

impl DieselStore {
    pub(crate) fn new(connections: Pool<Manager>, writers: Pool<Manager>) -> Self {
        Self { connections, writers, known: KnownListings::default() }
    }

    /// Gives keys to those who came here before there were any.
    pub(crate) fn catch_up(&self) -> Result<(), StoreError> {
        let mut after = Some(Key(uuid::Uuid::nil()));
        while let Some(id) = after {
            let mut outcome = Ok(None);
            self.run(Turn::Alone, &mut |unit| {
                outcome = unit.run(|connection| search::upkeep::catch_up(connection, id));
                outcome.as_ref().map(drop).map_err(|_| Undo)
            })?;
            after = outcome?;
        }
        Ok(())
    }

    fn run(&self, turn: Turn, work: &mut dyn FnMut(&mut Unit<'_>) -> Result<(), Undo>) -> Result<(), StoreError> {
        for _ in 0..ATTEMPTS {
            let mut pooled = self.begin(turn)?;
            let mut unit = Unit { connection: &mut pooled.connection, fate: Fate::Sound, known: &self.known };
            let wanted = work(&mut unit);
            let fate = unit.fate;
            let ended = match wanted {
                Ok(()) => Manager::commit(&mut pooled.connection),
                Err(Undo) => Manager::roll_back(&mut pooled.connection),
            };
            pooled.broken = fate == Fate::Lost || ended.is_err();
            match (wanted, ended) {
                (Err(Undo), _) if fate == Fate::Collided => {}
                (Err(Undo), _) | (Ok(()), Ok(())) => return Ok(()),
                (Ok(()), Err(error)) if fate_of(&error) == Fate::Collided => {}
                (Ok(()), Err(error)) => return Err(store_error(error)),
            }
        }
        Err(StoreError::unavailable("the work collided with other work too often"))
    }

    /// A connection with a transaction begun. Connections that died while they waited in the pool are thrown away.
    fn begin(&self, turn: Turn) -> Result<PooledConnection<Manager>, StoreError> {
        let pool = if turn == Turn::Reading { &self.connections } else { &self.writers };
        for _ in 0..=pool.max_size() {
            let mut pooled = pool.get().map_err(StoreError::unavailable)?;
            match dialect::begin(&mut pooled.connection, turn) {
                Ok(()) => return Ok(pooled),
                Err(error) if fate_of(&error) == Fate::Lost => pooled.broken = true,
                Err(error) => {
                    pooled.broken = true;
                    return Err(store_error(error));
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
    fn reading(&self, _: &Cancellation, work: &mut dyn FnMut(&mut dyn Reader)) -> Result<(), StoreError> {
        self.run(Turn::Reading, &mut |unit| {
            work(unit);
            if unit.fate == Fate::Sound { Ok(()) } else { Err(Undo) }
        })
    }

    fn writing(&self, work: &mut dyn FnMut(&mut dyn Writer) -> Result<(), Undo>) -> Result<(), StoreError> {
        self.run(Turn::Writing, &mut |unit| work(unit))
    }

    fn writing_alone(&self, work: &mut dyn FnMut(&mut dyn Writer) -> Result<(), Undo>) -> Result<(), StoreError> {
        self.run(Turn::Alone, &mut |unit| work(unit))
    }
}

/// What became of a unit of work's connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Nothing happened to it.
    Sound,
    /// Another unit of work changed what this one relied on.
    Collided,
    /// The database went away.
    Lost,
}

/// A unit of work under way.
struct Unit<'a> {
    connection: &'a mut AnyConnection,
    fate: Fate,
    known: &'a KnownListings,
}

impl Unit<'_> {
    fn run<T>(&mut self, statement: impl FnOnce(&mut AnyConnection) -> Result<T, Failure>) -> Result<T, StoreError> {
        statement(self.connection).map_err(|failure| match failure {
            Failure::Database(error) => {
                self.suffer(fate_of(&error));
                store_error(error)
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

fn fate_of(error: &Error) -> Fate {
    match error {
        Error::DatabaseError(kind, information) => match kind {
            DatabaseErrorKind::UniqueViolation
            | DatabaseErrorKind::ForeignKeyViolation
            | DatabaseErrorKind::SerializationFailure => Fate::Collided,
            DatabaseErrorKind::ClosedConnection => Fate::Lost,
            _ => fate_by_message(information.message()),
        },
        Error::BrokenTransactionManager => Fate::Lost,
        _ => Fate::Sound,
    }
}

/// Diesel has no kind for these; the texts are those of libpq, PostgreSQL's `C` locale and SQLite.
fn fate_by_message(message: &str) -> Fate {
    const COLLIDED: [&str; 3] = ["deadlock detected", "database is locked", "database table is locked"];
    const LOST: [&str; 9] = [
        "server closed the connection",
        "terminating connection",
        "could not receive data from server",
        "could not send data to server",
        "connection to server",
        "no connection to the server",
        "SSL connection has been closed",
        "SSL SYSCALL error",
        "the database system is",
    ];
    if COLLIDED.iter().any(|text| message.contains(text)) {
        Fate::Collided
    } else if LOST.iter().any(|text| message.contains(text)) {
        Fate::Lost
    } else {
        Fate::Sound
    }
}

fn store_error(error: Error) -> StoreError {
    match fate_of(&error) {
        Fate::Sound => StoreError::failed(error),
        Fate::Collided | Fate::Lost => StoreError::unavailable(error),
    }
}

/// More than the databases count to is as good as their most.
fn saturating(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
