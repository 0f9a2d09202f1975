//! Opens a database and migrates it.

mod error;

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use diesel::connection::TransactionManager as _;
use diesel::migration::{MigrationSource, MigrationVersion};
use diesel::pg::Pg;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use guildhall_domain::ports::{Clock, Store};
use prometheus::Registry;
use r2d2::ManageConnection;

use crate::canceller::Canceller;
use crate::connection::{AnyConnection, FileSettings, Manager, SessionSettings};
use crate::dialect::{self, Dialect, TransactionMode};
use crate::health::{DatabaseFile, HealthCheck, check_access};
use crate::listing::{is_backfilled, note_backfilled};
use crate::location::{Location, UrlError};
use crate::metrics::Metrics;
use crate::pool::ConnectionPool;
use crate::rekey;
use crate::start::{self, StartError};
use crate::unit_of_work::{AtOnceStore, DieselStore};

pub use error::{MigrateError, OpenError};

const POSTGRES: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");
const SQLITE: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");

/// How long a unit of work waits for a connection before it fails as unavailable.
const CONNECTION_WAIT: Duration = Duration::from_secs(2);
/// How long it waits for the only connection that can write: other writers hold it, which is no outage.
const WRITER_WAIT: Duration = Duration::from_mins(1);

/// The location of the database, and the limits of its connections.
#[derive(Clone, Debug)]
pub struct DatabaseSettings {
    /// `sqlite://PATH`, where the path is relative unless it starts with a third slash and has percent escapes where it needs them, or
    /// `postgres://…` as libpq takes it.
    pub url: String,
    /// The most connections at one time; at least 1. SQLite gets one more, which writes. PostgreSQL gets one more while statements
    /// are being cancelled.
    pub pool_size: u32,
    /// The most time that a statement of a unit of work that only reads may take, and the most time that a statement may wait for a
    /// lock in PostgreSQL. `None`: no limit.
    pub statement_timeout: Option<Duration>,
    /// Whether PostgreSQL, and a proxy before it, keep prepared statements.
    pub prepared_statements: bool,
    /// What the units of work are like.
    pub workload: Workload,
}

/// What units of work are like, by which SQLite has memory, and writes what is in its write-ahead log to the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workload {
    /// Many small ones, beside all that a service does: SQLite takes about 16 MiB at most.
    Service,
    /// One large one after the other, in a program that does nothing else: SQLite takes about 96 MiB at most.
    Bulk,
}

impl DatabaseSettings {
    /// The SQLite file that a URL names, if it names one.
    pub fn sqlite_file(url: &str) -> Result<Option<PathBuf>, UrlError> {
        match Location::parse(url)? {
            Location::Sqlite(path) => Ok(Some(path)),
            Location::Postgres(_) => Ok(None),
        }
    }
}

/// An open database.
pub struct Database {
    manager: Manager,
    store: Arc<DieselStore>,
    at_once: Option<Arc<AtOnceStore>>,
}

impl Database {
    /// Opens the database. A SQLite file that does not exist is created, with its folder; only its owner can read it. Memberships begin and end by the
    /// clock of PostgreSQL's server, which is one for all programs that use it, or of the machine for a SQLite file.
    pub fn connect(settings: &DatabaseSettings) -> Result<Self, OpenError> {
        Self::open(created(settings)?, settings, None)
    }

    /// The same, where memberships begin and end by `clock`.
    pub fn connect_by(settings: &DatabaseSettings, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        Self::open(created(settings)?, settings, Some(clock))
    }

    /// Opens the database. A SQLite file that does not exist is an error.
    pub fn connect_existing(settings: &DatabaseSettings) -> Result<Self, OpenError> {
        match Location::parse(&settings.url)? {
            Location::Sqlite(path) if !path.exists() => Err(OpenError::Missing(path)),
            location => Self::open(location, settings, None),
        }
    }

    fn open(location: Location, settings: &DatabaseSettings, clock: Option<Arc<dyn Clock>>) -> Result<Self, OpenError> {
        if settings.pool_size == 0 {
            return Err(OpenError::EmptyPool);
        }
        let manager = Manager {
            file: file(&location)?,
            location,
            prepared_statements: settings.prepared_statements,
            session: None,
            file_settings: match settings.workload {
                Workload::Service => FileSettings::OF_UNITS,
                Workload::Bulk => FileSettings::OF_BULK,
            },
            health: Arc::default(),
        };
        let mut first = manager.connect().map_err(|source| match &manager.location {
            Location::Sqlite(path) => OpenError::Open { path: path.clone(), source },
            Location::Postgres(_) => OpenError::Connect(source),
        })?;
        match (&mut first.connection, &manager.file) {
            (AnyConnection::Postgres(connection), _) => start::check_server(connection)?,
            (AnyConnection::Sqlite(connection), file) => {
                let folder = file.as_ref().map_or(Path::new("."), DatabaseFile::folder);
                dialect::sqlite::memory::limit(connection, folder, settings.workload).map_err(StartError::from)?;
            }
        }
        start::has_pending(&mut first.connection, &known())?;
        drop(first);
        let (dialect, pooled, canceller) = match &manager.location {
            // Behind a proxy that pools transactions, the process of a connection is another one each time.
            Location::Postgres(_) if start::pools_transactions(&manager)? => (Dialect::Postgres, manager.clone(), None),
            Location::Postgres(url) => {
                let session = Some(SessionSettings { limit: settings.statement_timeout });
                let canceller = Canceller::start(url.clone()).map_err(OpenError::Thread)?;
                (Dialect::Postgres, Manager { session, ..manager.clone() }, Some(canceller))
            }
            Location::Sqlite(_) => (Dialect::Sqlite, manager.clone(), None),
        };
        let metrics = Metrics::new()?;
        let pool = |name, size, wait| {
            ConnectionPool::open(&pooled, size, wait, metrics.pools.of(name)?).map_err(OpenError::Pool)
        };
        let connections = pool("main", settings.pool_size, CONNECTION_WAIT)?;
        let (writers, keeps_sessions) = match dialect {
            Dialect::Postgres => (connections.clone(), pooled.session.is_some()),
            Dialect::Sqlite => (pool("writer", 1, WRITER_WAIT)?, true),
        };
        let health = HealthCheck::new(manager.clone());
        let limit = settings.statement_timeout;
        let at_once = match dialect {
            Dialect::Postgres => None,
            Dialect::Sqlite => Some((metrics.pools.of("at_once")?, metrics.at_once()?)),
        };
        let store =
            DieselStore::new(connections, writers, dialect, health, canceller, keeps_sessions, limit, metrics, clock);
        let store = Arc::new(store);
        let at_once = at_once.map(|(pool, metrics)| {
            let manager = Manager { file_settings: FileSettings::AT_ONCE, ..manager.clone() };
            Arc::new(AtOnceStore::over(Arc::clone(&store), manager, pool, metrics))
        });
        Ok(Self { manager, store, at_once })
    }

    /// Runs the migrations that have not been run, and returns their names: all of them, or none after an error, also because of
    /// [names that would be the same](crate::NameClashes). Only one process migrates at a time.
    pub fn migrate(&self) -> Result<Vec<String>, MigrateError> {
        let mut pooled = self.manager.connect().map_err(MigrateError::new)?;
        let connection = &mut pooled.connection;
        let known = known();
        let is_pending = start::has_pending(connection, &known).map_err(MigrateError::new)?;
        if let (true, AnyConnection::Postgres(connection)) = (is_pending, &mut *connection) {
            start::check_may_create(connection).map_err(MigrateError::new)?;
        }
        let is_due = is_pending || rekey::is_due(connection).map_err(MigrateError::new)?;
        let run = if is_due { run_migrations(connection)? } else { Vec::new() };
        if !is_backfilled(connection, known.len()).map_err(MigrateError::new)? {
            self.store.backfill().map_err(MigrateError::new)?;
            note_backfilled(connection, known.len()).map_err(MigrateError::new)?;
        }
        Ok(run)
    }

    /// The migrations that have not been run, in their order.
    ///
    /// # Errors
    ///
    /// When the database cannot be reached, or a later version has migrated it.
    pub fn pending_migrations(&self) -> Result<Vec<String>, StartError> {
        let mut pooled = self.manager.connect()?;
        start::pending(&mut pooled.connection, &known())
    }

    pub(crate) fn manager(&self) -> &Manager {
        &self.manager
    }

    /// Reverts every migration, which deletes all data. For tests.
    pub fn revert(&self) -> Result<(), MigrateError> {
        let mut pooled = self.manager.connect().map_err(MigrateError::new)?;
        match &mut pooled.connection {
            AnyConnection::Postgres(connection) => {
                connection.revert_all_migrations(POSTGRES).map(drop).map_err(MigrateError::new)
            }
            AnyConnection::Sqlite(connection) => {
                connection.revert_all_migrations(SQLITE).map(drop).map_err(MigrateError::new)
            }
        }
    }

    /// The time of the database's server, in milliseconds since 1970. SQLite has none of its own.
    pub fn server_time(&self) -> Result<Option<i64>, StartError> {
        match &mut self.manager.connect()?.connection {
            AnyConnection::Postgres(connection) => Ok(Some(start::server_time(connection)?)),
            AnyConnection::Sqlite(_) => Ok(None),
        }
    }

    /// Lets `registry` read what is counted of connections, errors and memberships. Reading it asks the database nothing.
    ///
    /// # Errors
    ///
    /// When it has metrics of the same names.
    pub fn register_metrics(&self, registry: &Registry) -> prometheus::Result<()> {
        self.store.metrics().register(registry, &self.manager.health)
    }

    /// The store over this database.
    #[must_use]
    pub fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.store) as Arc<dyn Store>
    }

    /// Whether the store answers several checks in one round trip ([`Store::check_together`]).
    #[must_use]
    pub fn answers_checks_together(&self) -> bool {
        matches!(self.manager.location, Location::Postgres(_))
    }

    /// The same store for threads that must not wait, where the database is a file: it answers the questions that take one statement
    /// within some milliseconds, or fails. It runs no unit of work.
    #[must_use]
    pub fn store_at_once(&self) -> Option<Arc<dyn Store>> {
        self.at_once.as_ref().map(|store| Arc::clone(store) as Arc<dyn Store>)
    }
}

/// The versions of the migrations that this program has. Both databases have the same.
pub(crate) fn known() -> BTreeSet<String> {
    let versions = |migrations: Vec<Box<dyn diesel::migration::Migration<Pg>>>| {
        migrations.iter().map(|migration| migration.name().version().to_string()).collect()
    };
    MigrationSource::<Pg>::migrations(&POSTGRES).map(versions).unwrap_or_default()
}

type Transactions = <AnyConnection as diesel::Connection>::TransactionManager;

/// Runs the migrations that have not been run, and makes keys anew that an earlier version made, in one transaction. In PostgreSQL, it
/// holds the lock of the process that migrates: a lock of the session would outlive it behind a proxy that pools transactions.
fn run_migrations(connection: &mut AnyConnection) -> Result<Vec<String>, MigrateError> {
    dialect::begin(connection, TransactionMode::WriteAlone, None).map_err(MigrateError::new)?;
    match migrate_and_rekey(connection) {
        Ok(run) => {
            Transactions::commit_transaction(connection).map_err(MigrateError::new)?;
            Ok(run)
        }
        Err(error) => {
            Transactions::rollback_transaction(connection).map_err(MigrateError::new)?;
            Err(error)
        }
    }
}

fn migrate_and_rekey(connection: &mut AnyConnection) -> Result<Vec<String>, MigrateError> {
    let names = |versions: Vec<MigrationVersion<'_>>| versions.iter().map(ToString::to_string).collect();
    let run = match connection {
        AnyConnection::Postgres(connection) => {
            dialect::postgres::lock_migrations(connection).map_err(MigrateError::new)?;
            connection.run_pending_migrations(POSTGRES).map(names).map_err(MigrateError::new)?
        }
        AnyConnection::Sqlite(connection) => {
            connection.run_pending_migrations(SQLITE).map(names).map_err(MigrateError::new)?
        }
    };
    rekey::rekey(connection).map_err(|error| MigrateError::new(error.into_source()))?;
    Ok(run)
}

/// The SQLite file of this location, which must be writable, as must its folder.
fn file(location: &Location) -> Result<Option<DatabaseFile>, OpenError> {
    let Location::Sqlite(path) = location else { return Ok(None) };
    let checked = check_access(path).map_err(io::Error::from).and_then(|()| DatabaseFile::at(path));
    checked.map(Some).map_err(|source| OpenError::File { path: path.clone(), source })
}

/// The location of the database, with its file if it is one.
fn created(settings: &DatabaseSettings) -> Result<Location, OpenError> {
    let location = Location::parse(&settings.url)?;
    if let Location::Sqlite(path) = &location {
        create(path).map_err(|source| OpenError::File { path: path.clone(), source })?;
    }
    Ok(location)
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
