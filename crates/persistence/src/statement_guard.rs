//! Ending a statement of SQLite that is under way.
//!
//! Statements that look at many rows ask for each row, by a function of ours, whether they are to go on. The function fails
//! once the time is over or nobody waits for the answer any more, and the statement fails with it.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::Bool;
use diesel::sqlite::Sqlite;

/// What a statement fails with that took longer than it may.
pub(crate) const OVERDUE: &str = "guildhall: the time for this statement is over";
/// What a statement fails with that nobody waits for any more.
pub(crate) const INTERRUPTED: &str = "guildhall: nobody waits for this statement any more";

/// Whether the statements of one connection are to go on.
#[derive(Debug)]
pub(crate) struct StatementGuard {
    opened: Instant,
    /// When the time is over, in milliseconds after `opened`.
    deadline: AtomicU64,
    is_interrupted: AtomicBool,
}

impl StatementGuard {
    /// For a connection that has just been opened.
    pub(crate) fn new() -> Self {
        Self { opened: Instant::now(), deadline: AtomicU64::new(u64::MAX), is_interrupted: AtomicBool::new(false) }
    }

    /// Gives what comes next so much time, or any.
    pub(crate) fn allow(&self, limit: Option<Duration>) {
        let deadline = limit.and_then(|limit| u64::try_from((self.opened.elapsed() + limit).as_millis()).ok());
        self.deadline.store(deadline.unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Forgets an earlier interruption.
    pub(crate) fn reset(&self) {
        self.is_interrupted.store(false, Ordering::Relaxed);
    }

    /// Ends the statement that is under way, and those that come until the next reset.
    pub(crate) fn interrupt(&self) {
        self.is_interrupted.store(true, Ordering::Relaxed);
    }

    /// Whether a statement is to go on.
    pub(crate) fn verdict(&self) -> Verdict {
        if self.is_interrupted.load(Ordering::Relaxed) {
            return Verdict::Interrupted;
        }
        let deadline = self.deadline.load(Ordering::Relaxed);
        if deadline != u64::MAX && self.opened.elapsed() > Duration::from_millis(deadline) {
            return Verdict::Overdue;
        }
        Verdict::GoOn
    }
}

/// What a statement is told. In SQL it is true, or else an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    GoOn,
    Overdue,
    Interrupted,
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::GoOn => "go on",
            Self::Overdue => OVERDUE,
            Self::Interrupted => INTERRUPTED,
        })
    }
}

impl ToSql<Bool, Sqlite> for Verdict {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        if *self != Self::GoOn {
            return Err(self.to_string().into());
        }
        out.set_value(1);
        Ok(IsNull::No)
    }
}
