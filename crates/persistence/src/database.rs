//! Opens a database and migrates it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use diesel::ConnectionError;
use diesel::connection::TransactionManager as _;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use guildhall_domain::ports::Store;
use r2d2::{ManageConnection, NopErrorHandler, Pool};

use crate::canceller::Canceller;
use crate::connection::{AnyConnection, Location, Manager};
use crate::dialect::{self, TransactionMode};
use crate::rekey::rekey;
use crate::unit_of_work::DieselStore;

const POSTGRES: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");
const SQLITE: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");

/// How long a unit of work waits for a connection before it fails as unavailable.
const CONNECTION_WAIT: Duration = Duration::from_secs(2);
/// How long it waits for the only connection that can write: other writers hold it, which is no outage.
const WRITER_WAIT: Duration = Duration::from_mins(1);

/// The location of the database, and the limits of its connections.
#[derive(Clone, Debug)]
pub struct DatabaseSettings {
    /// `sqlite://PATH`, where the path is relative unless it starts with a third slash, or `postgres://…` as libpq takes it.
    pub url: String,
    /// The most connections at one time; at least 1. SQLite gets one more, which writes. PostgreSQL gets one more while statements
    /// are being cancelled.
    pub pool_size: u32,
    /// The most time that a statement of a unit of work that only reads may take, and the most time that a statement may wait for a
    /// lock in PostgreSQL. `None`: no limit.
    pub statement_timeout: Option<Duration>,
}

/// Why a database was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The URL names no database that is supported.
    #[error("the database URL must start with `postgres://` or be `sqlite://` and the path of a file")]
    Url,
    /// The pool would be empty.
    #[error("the pool size must be at least 1")]
    EmptyPool,
    /// There is no such file, and it must exist already.
    #[error("there is no database at {}", .0.display())]
    Missing(PathBuf),
    /// The file or its folder could not be created.
    #[error("the database file {} could not be made", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The database could not be reached.
    #[error("the database could not be reached")]
    Connect(#[source] ConnectionError),
    /// The thread that cancels statements could not be started.
    #[error("a thread could not be started")]
    Thread(#[source] io::Error),
    /// The pool could not be filled.
    #[error("the database could not be reached")]
    Pool(#[source] r2d2::Error),
}

/// Why the database was not migrated.
#[derive(Debug, thiserror::Error)]
#[error("the database could not be migrated")]
pub struct MigrateError(#[source] Box<dyn std::error::Error + Send + Sync>);

/// An open database.
pub struct Database {
    manager: Manager,
    store: Arc<DieselStore>,
}

impl Database {
    /// Opens the database. A SQLite file that does not exist is created, with its folder; only its owner can read it.
    pub fn connect(settings: &DatabaseSettings) -> Result<Self, OpenError> {
        let location = Location::parse(&settings.url).ok_or(OpenError::Url)?;
        if let Location::Sqlite(path) = &location {
            create(path).map_err(|source| OpenError::File { path: path.clone(), source })?;
        }
        Self::open(location, settings)
    }

    /// Opens the database. A SQLite file that does not exist is an error.
    pub fn connect_existing(settings: &DatabaseSettings) -> Result<Self, OpenError> {
        match Location::parse(&settings.url).ok_or(OpenError::Url)? {
            Location::Sqlite(path) if !path.exists() => Err(OpenError::Missing(path)),
            location => Self::open(location, settings),
        }
    }

    fn open(location: Location, settings: &DatabaseSettings) -> Result<Self, OpenError> {
        if settings.pool_size == 0 {
            return Err(OpenError::EmptyPool);
        }
        let manager = Manager(location.clone());
        drop(manager.connect().map_err(OpenError::Connect)?);
        let connections = pool(location.clone(), settings.pool_size, CONNECTION_WAIT)?;
        let (writers, canceller) = match location {
            Location::Postgres(url) => (connections.clone(), Some(Canceller::start(url).map_err(OpenError::Thread)?)),
            Location::Sqlite(_) => (pool(location, 1, WRITER_WAIT)?, None),
        };
        let store = DieselStore::new(connections, writers, canceller, settings.statement_timeout);
        Ok(Self { manager, store: Arc::new(store) })
    }

    /// Runs the migrations that have not been run, and returns their names. Only one process migrates at a time. If it fails, also
    /// because of [names that would be the same](crate::NameClashes), nothing was changed.
    pub fn migrate(&self) -> Result<Vec<String>, MigrateError> {
        let mut pooled = self.manager.connect().map_err(|error| MigrateError(Box::new(error)))?;
        let connection = &mut pooled.connection;
        let failed = |error| MigrateError(Box::new(error));
        if let AnyConnection::Postgres(connection) = connection {
            dialect::postgres::lock_migrations(connection).map_err(failed)?;
        }
        dialect::begin(connection, TransactionMode::WriteAlone, None).map_err(failed)?;
        let outcome = run_migrations(connection)
            .and_then(|run| rekey(connection).map(|()| run).map_err(|error| MigrateError(error.into_source())));
        match outcome {
            Ok(run) => {
                Transactions::commit_transaction(connection).map_err(failed)?;
                self.store.backfill().map_err(|error| MigrateError(Box::new(error)))?;
                Ok(run)
            }
            Err(error) => {
                Transactions::rollback_transaction(connection).map_err(failed)?;
                Err(error)
            }
        }
    }

    /// Reverts every migration, which deletes all data. For tests.
    pub fn revert(&self) -> Result<(), MigrateError> {
        let mut pooled = self.manager.connect().map_err(|error| MigrateError(Box::new(error)))?;
        match &mut pooled.connection {
            AnyConnection::Postgres(connection) => {
                connection.revert_all_migrations(POSTGRES).map(drop).map_err(MigrateError)
            }
            AnyConnection::Sqlite(connection) => {
                connection.revert_all_migrations(SQLITE).map(drop).map_err(MigrateError)
            }
        }
    }

    /// The store over this database.
    #[must_use]
    pub fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.store) as Arc<dyn Store>
    }
}

type Transactions = <AnyConnection as diesel::Connection>::TransactionManager;

/// Runs the migrations in the transaction that the connection is in, and returns their names.
fn run_migrations(connection: &mut AnyConnection) -> Result<Vec<String>, MigrateError> {
    let run = match connection {
        AnyConnection::Postgres(connection) => connection.run_pending_migrations(POSTGRES),
        AnyConnection::Sqlite(connection) => connection.run_pending_migrations(SQLITE),
    };
    Ok(run.map_err(MigrateError)?.iter().map(ToString::to_string).collect())
}

fn pool(location: Location, size: u32, wait: Duration) -> Result<Pool<Manager>, OpenError> {
    Pool::builder()
        .max_size(size)
        .min_idle(Some(1))
        .test_on_check_out(false)
        .connection_timeout(wait)
        .error_handler(Box::new(NopErrorHandler))
        .build(Manager(location))
        .map_err(OpenError::Pool)
}

/// Creates the file and its folder. Only the owner can read the file, because it contains password hashes.
fn create(path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder)?;
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}
