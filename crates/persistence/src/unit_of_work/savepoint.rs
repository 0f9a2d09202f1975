//! Parts of a unit of work that are undone by themselves.

use diesel::Connection;
use diesel::connection::TransactionManager;
use guildhall_domain::ports::{Savepoints, StoreError, Undo, Writer};

use super::{Failure, Unit, UnitMode};
use crate::connection::AnyConnection;

type Transactions = <AnyConnection as Connection>::TransactionManager;

impl Savepoints for Unit<'_> {
    fn within_savepoint(
        &mut self,
        part: &mut dyn FnMut(&mut dyn Writer) -> Result<(), Undo>,
    ) -> Result<(), StoreError> {
        if self.mode == UnitMode::OneChange {
            return Err(self.record(Failure::Data("a unit of work of one change has no savepoints".to_owned())));
        }
        self.run(|connection| Ok(Transactions::begin_transaction(connection)?))?;
        let (changes, locked, has_changed) = (self.changes, self.locked, self.has_changed);
        let returned = part(self);
        if self.failure.is_some() {
            // All of the transaction is going to be rolled back.
            return Ok(());
        }
        if returned.is_ok() {
            return self.run(|connection| Ok(Transactions::commit_transaction(connection)?));
        }
        (self.changes, self.locked, self.has_changed) = (changes, locked, has_changed);
        self.run(|connection| Ok(Transactions::rollback_transaction(connection)?))
    }
}
