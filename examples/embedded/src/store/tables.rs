//! Tables of rows, and the transactions that they are read and changed in.

use std::borrow::Borrow;
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::marker::PhantomData;

use guildhall_domain::ports::StoreError;
use redb::{
    Key, MultimapTable, MultimapTableDefinition, ReadTransaction, ReadableMultimapTable, ReadableTable, Table,
    TableDefinition, TableError, Value, WriteTransaction,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Wraps an error of redb.
pub(super) fn failed(error: impl Into<redb::Error>) -> StoreError {
    StoreError::failed(error.into())
}

/// A transaction, in which tables can be read.
pub(super) trait Tables {
    fn table<K: Key + 'static, V: Value + 'static>(
        &self,
        definition: TableDefinition<'static, K, V>,
    ) -> Result<impl ReadableTable<K, V>, StoreError>;

    fn multimap<K: Key + 'static, V: Key + 'static>(
        &self,
        definition: MultimapTableDefinition<'static, K, V>,
    ) -> Result<impl ReadableMultimapTable<K, V>, StoreError>;
}

macro_rules! open_tables {
    ($transaction:ty) => {
        impl Tables for $transaction {
            fn table<K: Key + 'static, V: Value + 'static>(
                &self,
                definition: TableDefinition<'static, K, V>,
            ) -> Result<impl ReadableTable<K, V>, StoreError> {
                self.open_table(definition).map_err(failed)
            }

            fn multimap<K: Key + 'static, V: Key + 'static>(
                &self,
                definition: MultimapTableDefinition<'static, K, V>,
            ) -> Result<impl ReadableMultimapTable<K, V>, StoreError> {
                self.open_multimap_table(definition).map_err(failed)
            }
        }
    };
}

open_tables!(ReadTransaction);
open_tables!(Changes);

/// A write transaction that remembers whether a change failed: it must not be committed then. redb has no savepoints within a transaction that
/// has changed something, so within one the inverse of each change is remembered.
pub(super) struct Changes {
    transaction: WriteTransaction,
    has_failed: Cell<bool>,
    savepoints: Cell<usize>,
    inverses: RefCell<Vec<Inverse>>,
}

/// Undoes one change.
type Inverse = Box<dyn FnOnce(&WriteTransaction) -> Result<(), StoreError> + Send>;

impl Changes {
    pub(super) fn new(transaction: WriteTransaction) -> Self {
        Self { transaction, has_failed: Cell::new(false), savepoints: Cell::new(0), inverses: RefCell::default() }
    }

    /// Begins a part that can be undone by itself. Returns where it begins.
    pub(super) fn set_savepoint(&self) -> usize {
        self.savepoints.set(self.savepoints.get() + 1);
        self.inverses.borrow().len()
    }

    /// Ends the part that was begun last.
    pub(super) fn release_savepoint(&self) {
        self.savepoints.set(self.savepoints.get().saturating_sub(1));
        if self.savepoints.get() == 0 {
            self.inverses.borrow_mut().clear();
        }
    }

    /// Undoes what was done since `savepoint`, the latest change first, and ends the part.
    pub(super) fn roll_back_to(&self, savepoint: usize) -> Result<(), StoreError> {
        let inverses = self.inverses.borrow_mut().split_off(savepoint);
        let undone = inverses.into_iter().rev().try_for_each(|inverse| self.change(inverse));
        self.release_savepoint();
        undone
    }

    pub(super) fn can_undo(&self, inverse: impl FnOnce(&WriteTransaction) -> Result<(), StoreError> + Send + 'static) {
        if self.savepoints.get() > 0 {
            self.inverses.borrow_mut().push(Box::new(inverse));
        }
    }

    /// Commits the changes, unless one failed.
    pub(super) fn commit(self) -> Result<(), StoreError> {
        if self.has_failed.get() {
            self.abort()?;
            return Err(StoreError::failed("a change of the unit of work failed"));
        }
        self.transaction.commit().map_err(failed)
    }

    /// Undoes the changes.
    pub(super) fn abort(self) -> Result<(), StoreError> {
        self.transaction.abort().map_err(failed)
    }

    pub(super) fn change<T>(
        &self,
        change: impl FnOnce(&WriteTransaction) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        change(&self.transaction).inspect_err(|_| self.has_failed.set(true))
    }

    // A write transaction cannot open a table that is open already, so every table is closed after its use.
    fn open_table<K: Key + 'static, V: Value + 'static>(
        &self,
        definition: TableDefinition<'static, K, V>,
    ) -> Result<Table<'_, K, V>, TableError> {
        self.transaction.open_table(definition)
    }

    fn open_multimap_table<K: Key + 'static, V: Key + 'static>(
        &self,
        definition: MultimapTableDefinition<'static, K, V>,
    ) -> Result<MultimapTable<'_, K, V>, TableError> {
        self.transaction.open_multimap_table(definition)
    }
}

/// A table of rows, stored as JSON: rows written before a field was added can still be read if the field has a default.
pub(super) struct Rows<K: Key + 'static, R> {
    table: TableDefinition<'static, K, &'static [u8]>,
    row: PhantomData<fn() -> R>,
}

impl<K: Key + Send + 'static, R: Serialize + DeserializeOwned> Rows<K, R> {
    pub(super) const fn new(name: &'static str) -> Self {
        Self { table: TableDefinition::new(name), row: PhantomData }
    }

    pub(super) fn create(&self, transaction: &WriteTransaction) -> Result<(), StoreError> {
        transaction.open_table(self.table).map(drop).map_err(failed)
    }

    pub(super) fn get<'k>(
        &self,
        tables: &impl Tables,
        key: impl Borrow<K::SelfType<'k>>,
    ) -> Result<Option<R>, StoreError> {
        let table = tables.table(self.table)?;
        let found = table.get(key).map_err(failed)?;
        found.map(|row| parse(row.value())).transpose()
    }

    pub(super) fn all(&self, tables: &impl Tables) -> Result<Vec<R>, StoreError> {
        let table = tables.table(self.table)?;
        let entries = table.iter().map_err(failed)?;
        entries.map(|entry| parse(entry.map_err(failed)?.1.value())).collect()
    }

    /// The first `most` rows by key, up to this key.
    pub(super) fn up_to<'k>(
        &self,
        tables: &impl Tables,
        last: K::SelfType<'k>,
        most: usize,
    ) -> Result<Vec<R>, StoreError> {
        let table = tables.table(self.table)?;
        let entries = table.range::<K::SelfType<'k>>(..=last).map_err(failed)?;
        entries.take(most).map(|entry| parse(entry.map_err(failed)?.1.value())).collect()
    }

    /// The rows with keys from this one to that one, both included.
    pub(super) fn between<'k>(
        &self,
        tables: &impl Tables,
        first: K::SelfType<'k>,
        last: K::SelfType<'k>,
    ) -> Result<Vec<R>, StoreError> {
        let table = tables.table(self.table)?;
        let entries = table.range::<K::SelfType<'k>>(first..=last).map_err(failed)?;
        entries.map(|entry| parse(entry.map_err(failed)?.1.value())).collect()
    }

    /// Those of `ids` that no row has as its key.
    pub(super) fn missing<'k, I: Copy + Ord>(
        &self,
        tables: &impl Tables,
        ids: &BTreeSet<I>,
        key: impl Fn(&I) -> K::SelfType<'k>,
    ) -> Result<BTreeSet<I>, StoreError> {
        let table = tables.table(self.table)?;
        let mut missing = BTreeSet::new();
        for id in ids {
            if table.get(key(id)).map_err(failed)?.is_none() {
                missing.insert(*id);
            }
        }
        Ok(missing)
    }

    /// Adds a row; fails if there is one with this key.
    pub(super) fn insert<'k>(
        &self,
        changes: &Changes,
        key: impl Borrow<K::SelfType<'k>>,
        row: &R,
    ) -> Result<(), StoreError> {
        let is_free = self.put(changes, key, row)?;
        let taken = || StoreError::failed(format!("a key of {} is taken", self.table));
        changes.change(|_| is_free.then_some(()).ok_or_else(taken))
    }

    /// Adds or replaces a row. Returns whether it was added.
    pub(super) fn put<'k>(
        &self,
        changes: &Changes,
        key: impl Borrow<K::SelfType<'k>>,
        row: &R,
    ) -> Result<bool, StoreError> {
        changes.change(|transaction| {
            let json = serde_json::to_vec(row).map_err(StoreError::failed)?;
            let (table, bytes) = (self.table, K::as_bytes(key.borrow()).as_ref().to_vec());
            let replaced = set_row(transaction, table, &bytes, Some(&json))?;
            let is_added = replaced.is_none();
            changes.can_undo(move |transaction| set_row(transaction, table, &bytes, replaced.as_deref()).map(drop));
            Ok(is_added)
        })
    }

    /// Removes a row and returns it.
    pub(super) fn remove<'k>(
        &self,
        changes: &Changes,
        key: impl Borrow<K::SelfType<'k>>,
    ) -> Result<Option<R>, StoreError> {
        changes.change(|transaction| {
            let (table, bytes) = (self.table, K::as_bytes(key.borrow()).as_ref().to_vec());
            let removed = set_row(transaction, table, &bytes, None)?;
            let row = removed.as_deref().map(parse).transpose()?;
            changes.can_undo(move |transaction| set_row(transaction, table, &bytes, removed.as_deref()).map(drop));
            Ok(row)
        })
    }
}

/// Stores the row with this key, or removes it. Returns the row of before.
fn set_row<K: Key + 'static>(
    transaction: &WriteTransaction,
    table: TableDefinition<'static, K, &'static [u8]>,
    key: &[u8],
    row: Option<&[u8]>,
) -> Result<Option<Vec<u8>>, StoreError> {
    let mut table = transaction.open_table(table).map_err(failed)?;
    let before = match row {
        Some(row) => table.insert(K::from_bytes(key), row).map_err(failed)?,
        None => table.remove(K::from_bytes(key)).map_err(failed)?,
    };
    Ok(before.map(|row| row.value().to_vec()))
}

fn parse<R: DeserializeOwned>(json: &[u8]) -> Result<R, StoreError> {
    serde_json::from_slice(json).map_err(StoreError::failed)
}
