//! One connection to either database.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use diesel::connection::TransactionManager;
use diesel::prelude::*;
use diesel::{ConnectionError, MultiConnection};

use crate::dialect;
use crate::statement_guard::StatementGuard;

/// A connection to one of the databases.
#[derive(MultiConnection)]
pub(crate) enum AnyConnection {
    /// To PostgreSQL.
    Postgres(PgConnection),
    /// To a SQLite file.
    Sqlite(SqliteConnection),
}

/// The location of a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Location {
    /// A `postgres://` URL as libpq takes it.
    Postgres(String),
    /// The path of a file.
    Sqlite(PathBuf),
}

impl Location {
    /// Parses a URL by its scheme. SQLite would accept any text as a path, for example a mistyped PostgreSQL URL.
    pub(crate) fn parse(url: &str) -> Option<Self> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Some(Self::Postgres(with_default_parameters(url)));
        }
        let path = url.strip_prefix("sqlite://")?;
        (!path.is_empty() && path != ":memory:").then(|| Self::Sqlite(Path::new(path).to_path_buf()))
    }
}

/// Parameters of a PostgreSQL URL, unless it has them itself: seconds, milliseconds, and a name. Without time limits libpq waits for
/// an unreachable server as long as the kernel does, which is minutes.
const DEFAULT_PARAMETERS: [(&str, &str); 3] =
    [("connect_timeout", "5"), ("tcp_user_timeout", "30000"), ("application_name", "guildhall")];

fn with_default_parameters(url: &str) -> String {
    let mut url = url.to_owned();
    for (name, value) in DEFAULT_PARAMETERS {
        if !url.contains(&format!("{name}=")) {
            let separator = if url.contains('?') { '&' } else { '?' };
            url = format!("{url}{separator}{name}={value}");
        }
    }
    url
}

/// Opens the connections of the pool, and tells it which ones to close.
#[derive(Debug)]
pub(crate) struct Manager(pub(crate) Location);

/// A connection of the pool.
pub(crate) struct Pooled {
    pub(crate) connection: AnyConnection,
    pub(crate) interrupt: InterruptHandle,
    /// The last transaction could not be ended: the pool must close this connection.
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

impl r2d2::ManageConnection for Manager {
    type Connection = Pooled;
    type Error = ConnectionError;

    /// Initializes OpenSSL first, without a handler for the exit of the process: the handler would run while a thread of the pool
    /// still connects, and crash it.
    fn connect(&self) -> Result<Pooled, ConnectionError> {
        openssl_sys::init();
        let (connection, interrupt) = match &self.0 {
            Location::Postgres(url) => {
                let mut connection = PgConnection::establish(url)?;
                let process =
                    dialect::postgres::set_up(&mut connection).map_err(ConnectionError::CouldntSetupConfiguration)?;
                (AnyConnection::Postgres(connection), InterruptHandle::Postgres(process))
            }
            Location::Sqlite(path) => {
                let mut connection = SqliteConnection::establish(&path.to_string_lossy())?;
                let guard = Arc::new(StatementGuard::new());
                dialect::sqlite::set_up(&mut connection, &guard).map_err(ConnectionError::CouldntSetupConfiguration)?;
                (AnyConnection::Sqlite(connection), InterruptHandle::Sqlite(guard))
            }
        };
        Ok(Pooled { connection, interrupt, broken: false })
    }

    /// Does nothing: the statement that begins a transaction fails on a lost connection, which saves a round trip.
    fn is_valid(&self, _: &mut Pooled) -> Result<(), ConnectionError> {
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

#[cfg(test)]
mod tests {
    use super::Location;

    #[test]
    fn the_scheme_decides_which_database_it_is() {
        assert_eq!(Location::parse("sqlite://data/g.db"), Some(Location::Sqlite("data/g.db".into())));
        assert_eq!(Location::parse("sqlite:///var/lib/g.db"), Some(Location::Sqlite("/var/lib/g.db".into())));
        assert_eq!(
            Location::parse("postgres://u@h/d?connect_timeout=1"),
            Some(Location::Postgres(
                "postgres://u@h/d?connect_timeout=1&tcp_user_timeout=30000&application_name=guildhall".to_owned()
            ))
        );
        for url in ["", "data/g.db", "sqlite://", "sqlite://:memory:", "postgers://u@h/d", "mysql://h/d"] {
            assert_eq!(Location::parse(url), None, "{url}");
        }
    }
}
