//! Why a database was not opened or migrated.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use crate::connection::ConnectError;
use crate::location::UrlError;
use crate::start::StartError;

/// Why a database was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The URL names no database that is supported.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// The pool would be empty.
    #[error("the pool size must be at least 1")]
    EmptyPool,
    /// There is no such file, and it must exist already.
    #[error("there is no database at {}", .0.display())]
    Missing(PathBuf),
    /// The file or its folder could not be created.
    #[error("the database file {} cannot be created or written to: let database.url name a file in a folder that this user can write to", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The database could not be reached.
    #[error("the database could not be reached")]
    Connect(#[source] ConnectError),
    /// The SQLite file could not be opened.
    #[error("the database file {} could not be opened", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: ConnectError,
    },
    /// Something that the program relies on is not so.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The thread that cancels statements could not be started.
    #[error("a thread could not be started")]
    Thread(#[source] io::Error),
    /// The pool could not be filled.
    #[error("the database could not be reached")]
    Pool(#[source] r2d2::Error),
    /// The metrics could not be made.
    #[error("the metrics could not be made")]
    Metrics(#[from] prometheus::Error),
}

/// Why the database was not migrated.
#[derive(Debug, thiserror::Error)]
#[error("the database could not be migrated")]
pub struct MigrateError(#[source] Box<dyn Error + Send + Sync>);

impl MigrateError {
    pub(super) fn new(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(source.into())
    }
}
