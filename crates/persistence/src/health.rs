//! Whether the database can do its work.
//!
//! | Where | What |
//! |---|---|
//! | `fault` | what can be wrong with a database as a whole |
//! | [`Health`] | the fault that lasts, and a line in the log when it begins, changes and ends |
//! | `sqlite_file` | whether the file is still the one that was opened, and can be written to |
//! | `sqlite`, `postgres` | the checks: they ask whether a change would be committed, and after a fault commit one |
//! | `check` | which check is run when, for the store |
//!
//! A unit of work that fails tells what it knows of the cause. PostgreSQL's own errors are in the language of the server, and
//! Diesel keeps most of their states (SQLSTATE) to itself, so nothing here reads their texts: a check finds the cause.

mod check;
mod fault;
mod postgres;
mod sqlite;
mod sqlite_file;

use std::error::Error;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

pub(crate) use check::HealthCheck;
pub(crate) use fault::{DatabaseFault, FaultFound};
pub(crate) use sqlite_file::{DatabaseFile, check_access};

/// The fault of a database that lasts, if there is one.
#[derive(Debug, Default)]
pub(crate) struct Health {
    fault: Mutex<Option<DatabaseFault>>,
    /// Whether there is a fault, to be read without the lock.
    is_faulty: AtomicBool,
    /// Connections of an earlier generation are not used any more.
    generation: AtomicU64,
}

impl Health {
    /// The fault that lasts.
    pub(crate) fn fault(&self) -> Option<DatabaseFault> {
        if self.is_faulty() { *self.lock() } else { None }
    }

    /// Whether there is a fault that lasts.
    pub(crate) fn is_faulty(&self) -> bool {
        self.is_faulty.load(Ordering::Acquire)
    }

    /// Notes a fault. Logs it unless it is known already.
    pub(crate) fn fail(&self, fault: DatabaseFault, cause: &(dyn Error + 'static)) {
        let before = self.lock().replace(fault);
        self.is_faulty.store(true, Ordering::Release);
        if before != Some(fault) {
            let (name, cure) = (fault.name(), fault.cure());
            tracing::error!(fault = name, error = %chain(cause), "not ready: {fault}; {cure}");
        }
    }

    /// Notes that the database works. Logs it if there was a fault. Connections of before are not used any more: what they
    /// have in memory, or what they were set to, may be from before the fault was mended.
    pub(crate) fn recover(&self) {
        if !self.is_faulty() {
            return;
        }
        if let Some(fault) = self.lock().take() {
            self.is_faulty.store(false, Ordering::Release);
            self.renew_connections();
            tracing::info!(fault = fault.name(), "ready again: the database takes changes");
        }
    }

    /// Notes that a change was committed, which ends those faults that it disproves.
    pub(crate) fn committed(&self) {
        if self.fault().is_some_and(DatabaseFault::ends_with_a_commit) {
            self.recover();
        }
    }

    /// Has connections that are open replaced by new ones, when they are next used.
    pub(crate) fn renew_connections(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
    }

    /// The generation of connections that are opened at this time.
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    fn lock(&self) -> MutexGuard<'_, Option<DatabaseFault>> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The error and its causes, as one text. A cause whose text the one above repeats is left out.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.ends_with(&next) {
            text = format!("{text}: {next}");
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{DatabaseFault, Health};

    #[test]
    fn a_commit_ends_a_fault_only_if_it_disproves_it() {
        let cause = std::io::Error::other("a test");
        for (fault, after) in [
            (DatabaseFault::Full, None),
            (DatabaseFault::ReadOnly, None),
            (DatabaseFault::Unreachable, None),
            (DatabaseFault::Damaged, Some(DatabaseFault::Damaged)),
            (DatabaseFault::Replaced, Some(DatabaseFault::Replaced)),
            (DatabaseFault::Forbidden, Some(DatabaseFault::Forbidden)),
        ] {
            let health = Health::default();
            health.fail(fault, &cause);
            assert_eq!((health.fault(), health.generation()), (Some(fault), 0));
            health.committed();
            assert_eq!((health.fault(), health.generation()), (after, u64::from(after.is_none())));
            health.recover();
            assert_eq!((health.fault(), health.generation()), (None, 1));
        }
    }
}
