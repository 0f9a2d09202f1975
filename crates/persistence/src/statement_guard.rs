//! Ends running statements of SQLite.
//!
//! Statements that read many rows call the function `guildhall_interrupt_check()` for each row. It fails if the statement's time is
//! over or if the unit of work was cancelled, and the statement fails with it.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::Bool;
use diesel::sqlite::Sqlite;

/// The message of the error of a statement that takes longer than it may.
pub(crate) const OVERDUE: &str = "guildhall: the time limit of the statement is over";
/// The message of the error of a statement that was interrupted.
pub(crate) const INTERRUPTED: &str = "guildhall: the statement was interrupted";

/// Ends statements of one connection.
#[derive(Debug)]
pub(crate) struct StatementGuard {
    opened: Instant,
    /// When the time of the statement is over, in milliseconds after `opened`.
    deadline: AtomicU64,
    is_interrupted: AtomicBool,
}

impl StatementGuard {
    /// The guard of a connection that has just been opened.
    pub(crate) fn new() -> Self {
        Self { opened: Instant::now(), deadline: AtomicU64::new(u64::MAX), is_interrupted: AtomicBool::new(false) }
    }

    /// Limits the time of the statements that follow. `None`: no limit.
    pub(crate) fn allow(&self, limit: Option<Duration>) {
        let deadline = limit.and_then(|limit| u64::try_from((self.opened.elapsed() + limit).as_millis()).ok());
        self.deadline.store(deadline.unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Resets an earlier interruption.
    pub(crate) fn reset(&self) {
        self.is_interrupted.store(false, Ordering::Relaxed);
    }

    /// Ends the running statement, and those that follow until the next reset.
    pub(crate) fn interrupt(&self) {
        self.is_interrupted.store(true, Ordering::Relaxed);
    }

    /// Whether a statement is to continue or to end.
    pub(crate) fn check(&self) -> Check {
        if self.is_interrupted.load(Ordering::Relaxed) {
            return Check::Interrupted;
        }
        let deadline = self.deadline.load(Ordering::Relaxed);
        if deadline != u64::MAX && self.opened.elapsed() > Duration::from_millis(deadline) {
            return Check::Overdue;
        }
        Check::Continue
    }
}

/// Whether a statement is to continue or to end: true in SQL, or an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Check {
    Continue,
    Overdue,
    Interrupted,
}

impl fmt::Display for Check {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Continue => "continue",
            Self::Overdue => OVERDUE,
            Self::Interrupted => INTERRUPTED,
        })
    }
}

impl ToSql<Bool, Sqlite> for Check {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        if *self != Self::Continue {
            return Err(self.to_string().into());
        }
        out.set_value(1);
        Ok(IsNull::No)
    }
}
