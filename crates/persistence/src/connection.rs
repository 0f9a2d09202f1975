//! One connection to either database.

use std::sync::Arc;
use std::time::Duration;

use diesel::connection::{CacheSize, TransactionManager};
use diesel::prelude::*;
use diesel::{ConnectionError, MultiConnection};

use crate::dialect;
use crate::health::{DatabaseFault, DatabaseFile, Health};
use crate::location::{Location, without_secrets};
use crate::statement_guard::StatementGuard;

/// How a connection to a SQLite file is set up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FileSettings {
    /// How long it waits for a lock.
    pub(crate) busy_timeout: Duration,
    /// The most memory for pages that it keeps, within what all connections may, and for what it sorts, in KiB.
    pub(crate) cache_kibibytes: u32,
    /// After how many pages of the write-ahead log they are written to the file.
    pub(crate) checkpoint_pages: u32,
}

impl FileSettings {
    /// Those of a connection on which units of work run.
    pub(crate) const OF_UNITS: Self =
        Self { busy_timeout: Duration::from_secs(30), cache_kibibytes: 2_000, checkpoint_pages: 1_000 };
    /// Those of a connection on which large units of work run. What many of them change is written to the file less often.
    pub(crate) const OF_BULK: Self = Self { cache_kibibytes: 64_000, checkpoint_pages: 16_000, ..Self::OF_UNITS };
    /// Those of a connection that answers at once. It sorts nothing, so it may use all memory that there is for pages.
    pub(crate) const AT_ONCE: Self = Self { busy_timeout: Duration::ZERO, cache_kibibytes: 16_000, ..Self::OF_UNITS };
}

/// A connection to one of the databases.
#[derive(MultiConnection)]
pub(crate) enum AnyConnection {
    /// To PostgreSQL.
    Postgres(PgConnection),
    /// To a SQLite file.
    Sqlite(SqliteConnection),
}

/// Opens the connections of the pool, and tells it which ones to close.
#[derive(Clone, Debug)]
pub(crate) struct Manager {
    pub(crate) location: Location,
    /// The file of SQLite that was opened first. No other is opened.
    pub(crate) file: Option<DatabaseFile>,
    /// Whether PostgreSQL keeps prepared statements.
    pub(crate) prepared_statements: bool,
    /// The settings of a session of PostgreSQL. `None`: it may become that of other programs, behind a proxy that pools transactions.
    pub(crate) session: Option<SessionSettings>,
    /// How a connection to a SQLite file is set up.
    pub(crate) file_settings: FileSettings,
    pub(crate) health: Arc<Health>,
}

/// What is set once for a session of PostgreSQL.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SessionSettings {
    /// The most time that a statement outside a transaction may take.
    pub(crate) limit: Option<Duration>,
}

/// A connection of the pool.
pub(crate) struct Pooled {
    pub(crate) connection: AnyConnection,
    pub(crate) interrupt: InterruptHandle,
    /// The generation of connections that it belongs to ([`Health::generation`]).
    pub(crate) generation: u64,
    /// The last transaction could not be ended, or the database failed: the pool must close this connection.
    pub(crate) broken: bool,
}

/// How the statements of a connection are interrupted from another thread.
#[derive(Clone, Debug)]
pub(crate) enum InterruptHandle {
    /// The id of the process of PostgreSQL that serves it.
    Postgres(i32),
    /// The guard that its statements call.
    Sqlite(Arc<StatementGuard>),
}

/// A connection could not be opened. The text has nothing of the URL in it.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// PostgreSQL did not take the connection; with the message of libpq.
    #[error("{0}")]
    Refused(String),
    /// The connection was opened and could not be set up.
    #[error("the connection could not be set up")]
    SetUp(#[source] diesel::result::Error),
    /// The SQLite file could not be opened.
    #[error("{0}")]
    File(String),
}

impl ConnectError {
    fn of_postgres(error: ConnectionError) -> Self {
        match error {
            ConnectionError::CouldntSetupConfiguration(error) => Self::SetUp(error),
            other => Self::Refused(without_secrets(&other.to_string()).to_owned()),
        }
    }

    fn of_sqlite(error: ConnectionError) -> Self {
        match error {
            ConnectionError::CouldntSetupConfiguration(error) => Self::SetUp(error),
            other => Self::File(other.to_string()),
        }
    }

    /// What is wrong with the database, where the error tells.
    pub(crate) fn fault(&self) -> Option<DatabaseFault> {
        match self {
            Self::Refused(_) => Some(DatabaseFault::Unreachable),
            Self::SetUp(error) if dialect::sqlite::is_busy(error) => Some(DatabaseFault::Locked),
            Self::SetUp(diesel::result::Error::DatabaseError(_, information)) => {
                DatabaseFault::of_sqlite(information.message())
            }
            Self::SetUp(_) => None,
            Self::File(_) => Some(DatabaseFault::InputOutput),
        }
    }
}

impl r2d2::ManageConnection for Manager {
    type Connection = Pooled;
    type Error = ConnectError;

    fn connect(&self) -> Result<Pooled, ConnectError> {
        self.connect_with(self.file_settings)
    }

    /// Does nothing: the statement that begins a transaction fails on a lost connection, which saves a round trip.
    fn is_valid(&self, _: &mut Pooled) -> Result<(), ConnectError> {
        Ok(())
    }

    fn has_broken(&self, pooled: &mut Pooled) -> bool {
        pooled.broken
            || std::thread::panicking()
            || <AnyConnection as diesel::Connection>::TransactionManager::is_broken_transaction_manager(
                &mut pooled.connection,
            )
    }
}

impl Manager {
    /// Opens a connection with these settings, which hold already while it is set up.
    ///
    /// Initializes OpenSSL first, without a handler for the exit of the process: the handler would run while a thread of the pool
    /// still connects, and crash it.
    pub(crate) fn connect_with(&self, settings: FileSettings) -> Result<Pooled, ConnectError> {
        openssl_sys::init();
        let generation = self.health.generation();
        let (connection, interrupt) = match &self.location {
            Location::Postgres(url) => {
                let mut connection = PgConnection::establish(url).map_err(ConnectError::of_postgres)?;
                if !self.prepared_statements {
                    connection.set_prepared_statement_cache_size(CacheSize::Disabled);
                }
                let process = dialect::postgres::process(&mut connection).map_err(ConnectError::SetUp)?;
                if let Some(settings) = &self.session {
                    dialect::postgres::set_up(&mut connection, settings).map_err(ConnectError::SetUp)?;
                }
                (AnyConnection::Postgres(connection), InterruptHandle::Postgres(process))
            }
            Location::Sqlite(path) => {
                self.check_file()?;
                let mut connection =
                    SqliteConnection::establish(&dialect::sqlite::url(path)).map_err(ConnectError::of_sqlite)?;
                let guard = Arc::new(StatementGuard::new());
                dialect::sqlite::set_up(&mut connection, settings, &guard).map_err(ConnectError::SetUp)?;
                // It may have been replaced between the check and the opening.
                self.check_file()?;
                (AnyConnection::Sqlite(connection), InterruptHandle::Sqlite(guard))
            }
        };
        Ok(Pooled { connection, interrupt, generation, broken: false })
    }

    /// A connection to another file would mix the log of one with the pages of the other.
    fn check_file(&self) -> Result<(), ConnectError> {
        let checked = self.file.as_ref().map_or(Ok(()), DatabaseFile::check_identity);
        checked.map_err(|found| ConnectError::File(format!("{found}: {}", found.cause)))
    }
}
