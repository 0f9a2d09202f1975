//! Which check of the database is run when.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, TryLockError};
use std::time::{Duration, Instant};

use super::{DatabaseFault, FaultFound, Health, postgres, sqlite};
use crate::connection::{AnyConnection, FileSettings, Manager, Pooled};
use crate::pool::ConnectionPool;

/// How long a file that is not to be used is left alone between two checks, unless somebody asks whether it is ready.
const RECHECK_INTERVAL: Duration = Duration::from_secs(1);

/// How long the connection of a check waits for a lock of SQLite: whoever asks whether the service is ready does not wait long either.
const BUSY_TIMEOUT: Duration = Duration::from_secs(1);

/// For how long a file that was there is taken to be there by statements that read.
const FILE_CHECK_INTERVAL: Duration = Duration::from_millis(1);

/// How often a check is tried whose statement is refused for a reason that is not known.
const MAX_ATTEMPTS: u32 = 3;

/// Checks a database, one check at a time, and keeps its health.
pub(crate) struct HealthCheck {
    manager: Manager,
    health: Arc<Health>,
    /// When the last check ended.
    checked: Mutex<Option<Instant>>,
    opened: Instant,
    /// Until when the file is taken to be there, in microseconds after `opened`.
    file_is_there_until: AtomicU64,
}

impl HealthCheck {
    pub(crate) fn new(manager: Manager) -> Self {
        let health = Arc::clone(&manager.health);
        let opened = Instant::now();
        Self { manager, health, checked: Mutex::new(None), opened, file_is_there_until: AtomicU64::new(0) }
    }

    pub(crate) fn health(&self) -> &Health {
        &self.health
    }

    /// Checks that a change would be taken, with an idle connection of the pool if there is one. While another check runs, the last
    /// result is the answer.
    pub(crate) fn check(&self, pool: &ConnectionPool) -> Result<(), FaultFound> {
        self.run(None, |before| {
            // SQLite's check sets up its connection for itself.
            if before.is_none()
                && self.manager.file.is_none()
                && let Some(mut pooled) = pool.try_get().filter(|pooled| pooled.generation == self.health.generation())
            {
                match Self::check_connection(&mut pooled, None) {
                    Ok(()) => return Ok(()),
                    // Its session may have settings from before they were changed, or be lost.
                    Err(_) => pooled.broken = true,
                }
            }
            self.check_anew(before)?;
            if before.is_none() {
                // The connection of the pool failed where another one did not.
                self.health.renew_connections();
            }
            Ok(())
        })
    }

    /// Finds out why a unit of work failed: commits a change over a connection of its own.
    pub(crate) fn diagnose(&self) -> Result<(), FaultFound> {
        self.run(None, |before| {
            self.check_anew(before.or(Some(DatabaseFault::Refusing)))?;
            self.health.renew_connections();
            Ok(())
        })
    }

    /// Checks the file of a SQLite database as [`check_file`](Self::check_file) does, unless that found nothing wrong a moment ago.
    pub(crate) fn check_file_now_and_then(&self) -> Result<(), FaultFound> {
        let now = u64::try_from(self.opened.elapsed().as_micros()).unwrap_or(u64::MAX);
        if now < self.file_is_there_until.load(Ordering::Relaxed) && self.health.fault().is_none() {
            return Ok(());
        }
        self.check_file()?;
        let until = now.saturating_add(u64::try_from(FILE_CHECK_INTERVAL.as_micros()).unwrap_or(0));
        self.file_is_there_until.store(until, Ordering::Relaxed);
        Ok(())
    }

    /// Checks the file of a SQLite database: that it is the one that was opened, and is not closed by a fault that lasts.
    pub(crate) fn check_file(&self) -> Result<(), FaultFound> {
        let Some(file) = &self.manager.file else { return Ok(()) };
        if let Err(found) = file.check_identity() {
            self.health.fail(found.fault, found.cause.as_ref());
            return Err(found);
        }
        match self.health.fault() {
            Some(fault) if fault.closes_file() => self.run(Some(RECHECK_INTERVAL), |before| self.check_anew(before)),
            _ => Ok(()),
        }
    }

    /// Runs a check, unless one runs already or one ended less than `interval` ago, and notes its result.
    fn run(
        &self,
        interval: Option<Duration>,
        check: impl FnOnce(Option<DatabaseFault>) -> Result<(), FaultFound>,
    ) -> Result<(), FaultFound> {
        let before = self.health.fault();
        let lasting = || before.map_or(Ok(()), |fault| Err(FaultFound::new(fault, "it was when it was last checked")));
        let mut checked = match self.checked.try_lock() {
            Ok(checked) => checked,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return lasting(),
        };
        if interval.is_some_and(|interval| checked.is_some_and(|last| last.elapsed() < interval)) {
            return lasting();
        }
        let outcome = check(before);
        *checked = Some(Instant::now());
        match &outcome {
            Ok(()) => self.health.recover(),
            Err(found) => self.health.fail(found.fault, found.cause.as_ref()),
        }
        outcome
    }

    /// Checks with a new connection.
    fn check_anew(&self, before: Option<DatabaseFault>) -> Result<(), FaultFound> {
        if let Some(file) = &self.manager.file {
            file.check_identity()?;
            file.check_content()?;
            file.check_writable()?;
        }
        let mut attempts = 0;
        loop {
            attempts += 1;
            let mut opened = self
                .manager
                .connect_with(FileSettings { busy_timeout: BUSY_TIMEOUT, ..FileSettings::OF_UNITS })
                .map_err(|error| FaultFound::new(error.fault().unwrap_or(DatabaseFault::Unreachable), error))?;
            match Self::check_connection(&mut opened, before) {
                // A request to cancel a statement may have hit the check, and not be told from another refusal.
                Err(found) if found.fault == DatabaseFault::Refusing && attempts < MAX_ATTEMPTS => {}
                outcome => return outcome,
            }
        }
    }

    fn check_connection(pooled: &mut Pooled, before: Option<DatabaseFault>) -> Result<(), FaultFound> {
        match &mut pooled.connection {
            AnyConnection::Sqlite(connection) => sqlite::check(connection, before),
            AnyConnection::Postgres(connection) => {
                let failed = |error: diesel::result::Error| FaultFound::new(DatabaseFault::Refusing, error);
                postgres::check(connection).map_err(failed)??;
                if before.is_some() { postgres::try_change(connection).map_err(failed)? } else { Ok(()) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use diesel::connection::SimpleConnection;
    use diesel::prelude::*;

    use super::{DatabaseFault, FileSettings, HealthCheck, Manager};
    use crate::health::DatabaseFile;
    use crate::location::Location;

    #[test]
    fn a_locked_file_is_told_from_one_that_cannot_be_reached_and_is_not_awaited_for_long() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("guildhall.db");
        let mut other = SqliteConnection::establish(&path.display().to_string()).unwrap();
        other.batch_execute("CREATE TABLE other (x)").unwrap();
        let check = HealthCheck::new(Manager {
            file: Some(DatabaseFile::at(&path).unwrap()),
            location: Location::Sqlite(path),
            prepared_statements: true,
            session: None,
            file_settings: FileSettings::OF_UNITS,
            health: Arc::default(),
        });
        other.batch_execute("BEGIN EXCLUSIVE").unwrap();
        let asked = Instant::now();
        assert_eq!(check.diagnose().unwrap_err().fault, DatabaseFault::Locked);
        // Connections of the pool wait for half a minute.
        assert!(asked.elapsed() < Duration::from_secs(15), "{:?}", asked.elapsed());
        other.batch_execute("ROLLBACK").unwrap();
        // The lock is gone: it is looked at again, and is not a file of this program.
        assert_eq!(check.diagnose().unwrap_err().fault, DatabaseFault::Incomplete);
    }
}
