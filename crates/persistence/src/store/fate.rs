//! What an error of a database means for a unit of work.

use std::time::Duration;

use diesel::result::{DatabaseErrorKind, Error};
use guildhall_domain::ports::StoreError;

use crate::statement_guard::{INTERRUPTED, OVERDUE};

/// What became of a unit of work's connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Nothing happened to it.
    Sound,
    /// Another unit of work changed what this one relied on.
    Collided,
    /// A statement was interrupted: because nobody waits for it any more, or by somebody who meant another one.
    Interrupted,
    /// A statement took longer than it may.
    TimedOut,
    /// A statement waited for another unit of work longer than it may.
    Blocked,
    /// The database went away.
    Lost,
}

impl Fate {
    pub(super) fn of(error: &Error) -> Self {
        match error {
            Error::DatabaseError(kind, information) => match kind {
                DatabaseErrorKind::UniqueViolation
                | DatabaseErrorKind::ForeignKeyViolation
                | DatabaseErrorKind::SerializationFailure => Self::Collided,
                DatabaseErrorKind::ClosedConnection => Self::Lost,
                _ => Self::by_message(information.message()),
            },
            Error::BrokenTransactionManager => Self::Lost,
            _ => Self::Sound,
        }
    }

    /// Diesel has no kind for these; the texts are those of libpq, PostgreSQL's `C` locale, SQLite and our own function in it.
    fn by_message(message: &str) -> Self {
        const TEXTS: [(&str, Fate); 17] = [
            (OVERDUE, Fate::TimedOut),
            (INTERRUPTED, Fate::Interrupted),
            ("canceling statement due to statement timeout", Fate::TimedOut),
            ("canceling statement due to user request", Fate::Interrupted),
            ("canceling statement due to lock timeout", Fate::Blocked),
            ("deadlock detected", Fate::Collided),
            ("database is locked", Fate::Collided),
            ("database table is locked", Fate::Collided),
            ("server closed the connection", Fate::Lost),
            ("terminating connection", Fate::Lost),
            ("could not receive data from server", Fate::Lost),
            ("could not send data to server", Fate::Lost),
            ("connection to server", Fate::Lost),
            ("no connection to the server", Fate::Lost),
            ("SSL connection has been closed", Fate::Lost),
            ("SSL SYSCALL error", Fate::Lost),
            ("the database system is", Fate::Lost),
        ];
        TEXTS.iter().find(|(text, _)| message.contains(text)).map_or(Self::Sound, |(_, fate)| *fate)
    }

    /// Whether the same work may succeed when it is run again at once.
    pub(super) fn is_worth_another_attempt(self) -> bool {
        matches!(self, Self::Collided | Self::Interrupted)
    }
}

/// What is said of `error`, where a question may take no longer than `limit`.
pub(super) fn store_error(error: Error, limit: Option<Duration>) -> StoreError {
    match Fate::of(&error) {
        Fate::Sound => StoreError::failed(error),
        Fate::TimedOut => StoreError::timed_out(limit.unwrap_or_default(), error),
        Fate::Collided | Fate::Interrupted | Fate::Blocked | Fate::Lost => StoreError::unavailable(error),
    }
}
