//! Why a statement failed, and what follows from it for its unit of work.

use std::sync::Arc;
use std::time::Duration;

use diesel::result::{DatabaseErrorKind, Error};
use guildhall_domain::ports::StoreError;

use crate::statement_guard::{INTERRUPTED, OVERDUE};

/// Why a statement failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The database refused the statement, or failed.
    #[error(transparent)]
    Database(#[from] Error),
    /// The row to change has another version than the one that was read, or was deleted.
    #[error("the row changed after it was read")]
    Stale,
    /// The stored data is not valid.
    #[error("{0}")]
    Data(String),
    /// The unit of work was cancelled before the statement ran.
    #[error("the unit of work was cancelled")]
    Cancelled,
}

/// What a failure means for the transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FailureKind {
    /// Another unit of work changed what this one relied on.
    Conflict,
    /// A statement was interrupted: because its unit of work was cancelled, or by a request that was meant for another one.
    Interrupted,
    /// A statement took longer than it may.
    TimedOut,
    /// A statement waited longer than it may for a lock of another unit of work.
    Blocked,
    /// The connection to the database was lost.
    Lost,
    /// The statement or the data is wrong.
    Other,
}

/// The messages of errors that have no kind in Diesel, and what they mean: texts of libpq, of PostgreSQL in its `C` locale, of
/// SQLite, and of the function that SQLite's statements call (`statement_guard`).
const MESSAGES: [(&str, FailureKind); 17] = [
    (OVERDUE, FailureKind::TimedOut),
    (INTERRUPTED, FailureKind::Interrupted),
    ("canceling statement due to statement timeout", FailureKind::TimedOut),
    ("canceling statement due to user request", FailureKind::Interrupted),
    ("canceling statement due to lock timeout", FailureKind::Blocked),
    ("deadlock detected", FailureKind::Conflict),
    ("database is locked", FailureKind::Conflict),
    ("database table is locked", FailureKind::Conflict),
    ("server closed the connection", FailureKind::Lost),
    ("terminating connection", FailureKind::Lost),
    ("could not receive data from server", FailureKind::Lost),
    ("could not send data to server", FailureKind::Lost),
    ("connection to server", FailureKind::Lost),
    ("no connection to the server", FailureKind::Lost),
    ("SSL connection has been closed", FailureKind::Lost),
    ("SSL SYSCALL error", FailureKind::Lost),
    ("the database system is", FailureKind::Lost),
];

impl Failure {
    pub(super) fn kind(&self) -> FailureKind {
        match self {
            Self::Database(error) => FailureKind::of(error),
            Self::Stale => FailureKind::Conflict,
            Self::Cancelled => FailureKind::Interrupted,
            Self::Data(_) => FailureKind::Other,
        }
    }
}

impl FailureKind {
    fn of(error: &Error) -> Self {
        match error {
            Error::DatabaseError(kind, information) => match kind {
                DatabaseErrorKind::UniqueViolation
                | DatabaseErrorKind::ForeignKeyViolation
                | DatabaseErrorKind::SerializationFailure => Self::Conflict,
                DatabaseErrorKind::ClosedConnection => Self::Lost,
                _ => {
                    let message = information.message();
                    MESSAGES.iter().find(|(text, _)| message.contains(text)).map_or(Self::Other, |(_, kind)| *kind)
                }
            },
            Error::BrokenTransactionManager => Self::Lost,
            _ => Self::Other,
        }
    }

    /// Whether the same work may succeed when it is run again at once.
    pub(super) fn is_worth_another_attempt(self) -> bool {
        matches!(self, Self::Conflict | Self::Interrupted)
    }
}

/// The error that the domain gets for a failure, where a statement may take no longer than `limit`.
pub(super) fn store_error(failure: &Arc<Failure>, limit: Option<Duration>) -> StoreError {
    let source = Arc::clone(failure);
    match failure.kind() {
        FailureKind::Other => StoreError::failed(source),
        FailureKind::TimedOut => StoreError::timed_out(limit.unwrap_or_default(), source),
        FailureKind::Conflict | FailureKind::Interrupted | FailureKind::Blocked | FailureKind::Lost => {
            StoreError::unavailable(source)
        }
    }
}
