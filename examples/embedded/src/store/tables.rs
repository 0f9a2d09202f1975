//! Tables of rows, and relations between ids.

use std::borrow::Borrow;
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::marker::PhantomData;

use guildhall_domain::ports::StoreError;
use redb::{
    Key, MultimapTable, MultimapTableDefinition, ReadTransaction, ReadableMultimapTable, ReadableTable,
    ReadableTableMetadata as _, Table, TableDefinition, TableError, Value, WriteTransaction,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

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

    fn can_undo(&self, inverse: impl FnOnce(&WriteTransaction) -> Result<(), StoreError> + Send + 'static) {
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

    fn change<T>(&self, change: impl FnOnce(&WriteTransaction) -> Result<T, StoreError>) -> Result<T, StoreError> {
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

impl<K: Key + 'static, R: Serialize + DeserializeOwned> Rows<K, R> {
    pub(super) const fn new(name: &'static str) -> Self {
        Self { table: TableDefinition::new(name), row: PhantomData }
    }

    pub(super) fn create(&self, transaction: &WriteTransaction) -> Result<(), StoreError> {
        transaction.open_table(self.table).map(drop).map_err(failed)
    }

    pub(super) fn is_empty(&self, tables: &impl Tables) -> Result<bool, StoreError> {
        tables.table(self.table)?.is_empty().map_err(failed)
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

/// A set of pairs of ids, which can be read from either side.
#[derive(Clone, Copy)]
pub(super) struct Relation {
    forward: MultimapTableDefinition<'static, Uuid, Uuid>,
    backward: MultimapTableDefinition<'static, Uuid, Uuid>,
}

impl Relation {
    pub(super) const fn new(forward: &'static str, backward: &'static str) -> Self {
        Self { forward: MultimapTableDefinition::new(forward), backward: MultimapTableDefinition::new(backward) }
    }

    /// The same relation, seen from the other side.
    pub(super) const fn flipped(self) -> Self {
        Self { forward: self.backward, backward: self.forward }
    }

    pub(super) fn create(self, transaction: &WriteTransaction) -> Result<(), StoreError> {
        transaction.open_multimap_table(self.forward).map_err(failed)?;
        transaction.open_multimap_table(self.backward).map(drop).map_err(failed)
    }

    /// The ids that are related to `id`.
    pub(super) fn of(self, tables: &impl Tables, id: Uuid) -> Result<BTreeSet<Uuid>, StoreError> {
        let table = tables.multimap(self.forward)?;
        let related = table.get(id).map_err(failed)?;
        related.map(|related| Ok(related.map_err(failed)?.value())).collect()
    }

    /// How many ids are related to `id`.
    pub(super) fn count(self, tables: &impl Tables, id: Uuid) -> Result<u64, StoreError> {
        let table = tables.multimap(self.forward)?;
        let related = table.get(id).map_err(failed)?;
        Ok(related.len())
    }

    /// Relates each of `others` to `id`. Returns how many were not related before.
    pub(super) fn insert(
        self,
        changes: &Changes,
        id: Uuid,
        others: impl Iterator<Item = Uuid>,
    ) -> Result<u64, StoreError> {
        changes.change(|transaction| {
            let mut new = Vec::new();
            for other in others {
                if self.set(transaction, id, other, true)? {
                    new.push(other);
                }
            }
            let count = new.len() as u64;
            changes.can_undo(move |transaction| {
                new.into_iter().try_for_each(|other| self.set(transaction, id, other, false).map(drop))
            });
            Ok(count)
        })
    }

    /// Removes a pair. Returns whether there was one.
    pub(super) fn remove(self, changes: &Changes, id: Uuid, other: Uuid) -> Result<bool, StoreError> {
        changes.change(|transaction| {
            let is_removed = self.set(transaction, id, other, false)?;
            if is_removed {
                changes.can_undo(move |transaction| self.set(transaction, id, other, true).map(drop));
            }
            Ok(is_removed)
        })
    }

    /// Adds or removes a pair. Returns whether that changed anything.
    fn set(self, transaction: &WriteTransaction, id: Uuid, other: Uuid, is_related: bool) -> Result<bool, StoreError> {
        let mut forward = transaction.open_multimap_table(self.forward).map_err(failed)?;
        let mut backward = transaction.open_multimap_table(self.backward).map_err(failed)?;
        if is_related {
            backward.insert(other, id).map_err(failed)?;
            return Ok(!forward.insert(id, other).map_err(failed)?);
        }
        backward.remove(other, id).map_err(failed)?;
        forward.remove(id, other).map_err(failed)
    }

    /// Removes every pair of `id` on this side.
    pub(super) fn remove_all(self, changes: &Changes, id: Uuid) -> Result<(), StoreError> {
        for other in self.of(changes, id)? {
            self.remove(changes, id, other)?;
        }
        Ok(())
    }
}
