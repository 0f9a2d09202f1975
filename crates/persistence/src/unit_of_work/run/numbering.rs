//! Gives events their place, in transactions that are short, so that nobody who numbers, reads or writes waits for long.

use std::time::{Duration, Instant};

use guildhall_domain::ports::{Cancellation, StoreError, Undo};

use super::{DieselStore, commit, roll_back};
use crate::connection::InterruptHandle;
use crate::dialect::{self, Dialect, TransactionMode};
use crate::tables;

/// For how long somebody who reads numbers events of SQLite. The rest is read as it is going to be numbered.
const MOST: Duration = Duration::from_millis(50);

impl DieselStore {
    /// Numbers the events that were committed before. In SQLite it waits for whoever writes.
    pub(super) fn number_new_events(&self) -> Result<(), StoreError> {
        let Some(last) = self.last_new_event()? else { return Ok(()) };
        loop {
            let mut is_more = false;
            self.run(TransactionMode::Write, &Cancellation::new(), &mut |unit| {
                let numbered = unit.change(|connection| tables::number_some(connection, last));
                is_more = numbered.map_err(|_| Undo)?;
                Ok(())
            })?;
            if !is_more {
                return Ok(());
            }
        }
    }

    /// Lets those who read see the events that were committed before. In SQLite they do in any case, but what has its place costs less: some get it if nobody writes.
    pub(super) fn show_new_events(&self) -> Result<(), StoreError> {
        if self.dialect == Dialect::Postgres {
            return self.number_new_events();
        }
        let Some(last) = self.last_new_event()? else { return Ok(()) };
        let began = Instant::now();
        while began.elapsed() < MOST && self.number_if_nobody_writes(last) {}
        Ok(())
    }

    fn last_new_event(&self) -> Result<Option<i64>, StoreError> {
        self.run_statement(&Cancellation::new(), tables::has_new)
    }

    /// Numbers some events of SQLite without waiting. Whether there may be more, and they can be numbered: what cannot be is told by whoever has to.
    fn number_if_nobody_writes(&self, last: i64) -> bool {
        let Some(mut pooled) = self.writers.try_get() else { return false };
        if pooled.generation != self.health.health().generation() || self.health.check_file().is_err() {
            return false;
        }
        if let InterruptHandle::Sqlite(guard) = &pooled.interrupt {
            guard.allow(None);
        }
        if !dialect::begin_if_nobody_writes(&mut pooled.connection) {
            return false;
        }
        let numbered = tables::number_some(&mut pooled.connection, last);
        let ended = match numbered {
            Ok(_) => commit(&mut pooled.connection),
            Err(_) => roll_back(&mut pooled.connection),
        };
        pooled.broken = ended.is_err();
        ended.is_ok() && numbered.unwrap_or(false)
    }
}
