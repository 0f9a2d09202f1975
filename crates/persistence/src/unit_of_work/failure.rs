//! Why a statement failed, and what follows from it for its unit of work.

use std::sync::Arc;
use std::time::Duration;

use diesel::result::{DatabaseErrorKind, Error};
use guildhall_domain::ports::StoreError;
use guildhall_domain::time::Timestamp;

use crate::dialect::{Dialect, sqlite};
use crate::health::{DatabaseFault, FaultFound};
use crate::statement_guard::{INTERRUPTED, OVERDUE};

/// Why a statement failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The database refused the statement, or failed.
    #[error(transparent)]
    Database(#[from] Error),
    /// PostgreSQL refused the statement after the time that a statement may take.
    #[error("the statement took longer than it may")]
    TimedOut(#[source] Error),
    /// PostgreSQL refused the statement after the time that one may wait for a lock.
    #[error("the statement waited longer than it may for another unit of work")]
    Blocked(#[source] Error),
    /// There was no connection in time.
    #[error("there is no free connection to the database")]
    NoConnection(#[source] r2d2::Error),
    /// The file of the database is not to be used.
    #[error(transparent)]
    Unusable(#[from] FaultFound),
    /// The row to change has another version than the one that was read, or was deleted.
    #[error("the row changed after it was read")]
    Stale,
    /// The stored data is not valid.
    #[error("{0}")]
    Data(String),
    /// The unit of work was cancelled before the statement ran.
    #[error("the unit of work was cancelled")]
    Cancelled,
    /// Memberships or edges have to begin or to end before anything is read at this moment.
    #[error("memberships are due")]
    Due(Timestamp),
}

/// What a failure means for the transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FailureKind {
    /// Another unit of work changed what this one relied on.
    Conflict,
    /// A statement was interrupted, because its unit of work was cancelled.
    Interrupted,
    /// A statement took longer than it may.
    TimedOut,
    /// A statement waited longer than it may for a lock of another unit of work.
    Blocked,
    /// The connection to the database was lost.
    Lost,
    /// No connection was free, or could be opened.
    NoConnection,
    /// The database as a whole cannot do its work.
    Fault(DatabaseFault),
    /// PostgreSQL refused the statement, and Diesel does not tell why: a deadlock, a request to cancel that was meant for another
    /// statement, a fault of the database, or a statement that is wrong. Its text is in the language of the server.
    Unclear,
    /// Memberships or edges have to begin or to end first, at this moment. It is no failure of the database.
    Due(Timestamp),
    /// The statement or the data is wrong.
    Other,
}

impl Failure {
    pub(super) fn kind(&self, dialect: Dialect) -> FailureKind {
        match self {
            Self::Database(error) => FailureKind::of(error, dialect),
            Self::TimedOut(_) => FailureKind::TimedOut,
            Self::Blocked(_) => FailureKind::Blocked,
            Self::NoConnection(_) => FailureKind::NoConnection,
            Self::Unusable(found) => FailureKind::Fault(found.fault),
            Self::Stale => FailureKind::Conflict,
            Self::Cancelled => FailureKind::Interrupted,
            Self::Due(now) => FailureKind::Due(*now),
            Self::Data(_) => FailureKind::Other,
        }
    }

    /// The same failure, knowing that it came after this time. PostgreSQL ends a statement of a unit of work that reads once it has run for
    /// `limit`, and one of a unit of work that writes once it has waited for so long.
    pub(super) fn after(self, time: Duration, limit: Option<Duration>, reads: bool, dialect: Dialect) -> Self {
        let is_over = limit.is_some_and(|limit| time >= limit);
        match self {
            Self::Database(error) if is_over && FailureKind::of(&error, dialect) == FailureKind::Unclear => {
                if reads {
                    Self::TimedOut(error)
                } else {
                    Self::Blocked(error)
                }
            }
            other => other,
        }
    }

    /// Whether the database found a fault in the text of the statement.
    pub(super) fn is_about_the_text(&self) -> bool {
        matches!(self, Self::Database(Error::DatabaseError(_, information)) if information.statement_position().is_some())
    }
}

impl FailureKind {
    fn of(error: &Error, dialect: Dialect) -> Self {
        match error {
            Error::DatabaseError(kind, information) => match kind {
                DatabaseErrorKind::UniqueViolation
                | DatabaseErrorKind::ForeignKeyViolation
                | DatabaseErrorKind::SerializationFailure => Self::Conflict,
                DatabaseErrorKind::ReadOnlyTransaction => Self::Fault(DatabaseFault::ReadOnly),
                DatabaseErrorKind::NotNullViolation
                | DatabaseErrorKind::CheckViolation
                | DatabaseErrorKind::RestrictViolation
                | DatabaseErrorKind::ExclusionViolation => Self::Other,
                kind => match (dialect, kind) {
                    (Dialect::Sqlite, _) => Self::of_sqlite(error, information.message()),
                    // The client could not send the statement.
                    (
                        Dialect::Postgres,
                        DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand,
                    ) => Self::Lost,
                    (Dialect::Postgres, _) => Self::Unclear,
                },
            },
            Error::RollbackErrorOnCommit { commit_error, .. } => Self::of(commit_error, dialect),
            Error::BrokenTransactionManager => Self::Lost,
            _ => Self::Other,
        }
    }

    fn of_sqlite(error: &Error, message: &str) -> Self {
        if message.contains(OVERDUE) {
            Self::TimedOut
        } else if message.contains(INTERRUPTED) {
            Self::Interrupted
        } else if sqlite::is_busy(error) {
            Self::Conflict
        } else {
            DatabaseFault::of_sqlite(message).map_or(Self::Other, Self::Fault)
        }
    }

    /// A short name, for metrics.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Conflict => "conflict",
            Self::Interrupted => "interrupted",
            Self::TimedOut => "timed_out",
            Self::Blocked => "blocked",
            Self::Lost => "connection_lost",
            Self::NoConnection => "no_connection",
            Self::Fault(fault) => fault.name(),
            Self::Unclear => "unclear",
            Self::Due(_) => "due",
            Self::Other => "other",
        }
    }

    /// Whether something went wrong.
    pub(crate) fn is_error(self) -> bool {
        !matches!(self, Self::Due(_))
    }

    /// The names of all kinds of errors.
    pub(crate) fn names() -> impl Iterator<Item = &'static str> {
        let kinds = [
            Self::Conflict,
            Self::Interrupted,
            Self::TimedOut,
            Self::Blocked,
            Self::Lost,
            Self::NoConnection,
            Self::Unclear,
            Self::Other,
        ];
        kinds.into_iter().chain(DatabaseFault::ALL.map(Self::Fault)).map(Self::name)
    }

    /// Whether the same work may succeed when it is run again at once.
    pub(super) fn is_worth_another_attempt(self) -> bool {
        matches!(self, Self::Conflict | Self::Interrupted | Self::Unclear)
    }

    /// Whether the connection is not to be used again.
    pub(super) fn breaks_connection(self) -> bool {
        matches!(self, Self::Lost | Self::Fault(_))
    }
}

/// The error that the domain gets for a failure of a statement, where a statement may take no longer than `limit`.
pub(super) fn store_error(failure: &Arc<Failure>, limit: Option<Duration>, dialect: Dialect) -> StoreError {
    let source = Arc::clone(failure);
    match failure.kind(dialect) {
        FailureKind::Other => StoreError::failed(source),
        FailureKind::Due(now) => StoreError::due(now),
        FailureKind::TimedOut => StoreError::timed_out(limit.unwrap_or_default(), source),
        FailureKind::Conflict
        | FailureKind::Interrupted
        | FailureKind::Blocked
        | FailureKind::Lost
        | FailureKind::NoConnection
        | FailureKind::Fault(_)
        | FailureKind::Unclear => StoreError::unavailable(source),
    }
}
