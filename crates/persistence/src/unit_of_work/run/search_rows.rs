//! The search rows of what was stored before there were such rows.

use guildhall_domain::ports::{Cancellation, StoreError, Undo};
use uuid::Uuid;

use super::DieselStore;
use crate::dialect::TransactionMode;
use crate::listing::{BACKFILL_LIMIT, backfill};
use crate::sql_types::Key;

impl DieselStore {
    /// Writes the search rows of all users and groups that were stored before there were such rows.
    pub(crate) fn backfill(&self) -> Result<(), StoreError> {
        let mut after = Some(Key(Uuid::nil()));
        while let Some(id) = after {
            let mut last = None;
            self.run(TransactionMode::WriteAlone, &Cancellation::new(), &mut |unit| {
                last = unit.run(|connection| backfill(connection, id, BACKFILL_LIMIT)).map_err(|_| Undo)?;
                Ok(())
            })?;
            after = last;
        }
        Ok(())
    }
}
