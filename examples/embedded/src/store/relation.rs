//! Relations between ids.

use std::collections::BTreeSet;

use guildhall_domain::ports::{Edge, StoreError};
use guildhall_domain::provenance::Provenance;
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::UserId;
use redb::{
    MultimapTableDefinition, ReadableMultimapTable as _, ReadableTable as _, TableDefinition, WriteTransaction,
};
use uuid::Uuid;

use super::tables::{Changes, Tables, failed};

/// When a pair was added, in milliseconds since 1970, and by whom.
type Added = (i64, Option<Uuid>);

/// A set of pairs of ids, which can be read from either side.
#[derive(Clone, Copy)]
pub(super) struct Relation {
    forward: MultimapTableDefinition<'static, Uuid, Uuid>,
    backward: MultimapTableDefinition<'static, Uuid, Uuid>,
    /// By the pair as it is read from the side that [`new`](Self::new) names first.
    added: TableDefinition<'static, (Uuid, Uuid), Added>,
    is_flipped: bool,
}

impl Relation {
    pub(super) const fn new(forward: &'static str, backward: &'static str, added: &'static str) -> Self {
        Self {
            forward: MultimapTableDefinition::new(forward),
            backward: MultimapTableDefinition::new(backward),
            added: TableDefinition::new(added),
            is_flipped: false,
        }
    }

    /// The same relation, seen from the other side.
    pub(super) const fn flipped(self) -> Self {
        Self { forward: self.backward, backward: self.forward, is_flipped: !self.is_flipped, ..self }
    }

    pub(super) fn create(self, transaction: &WriteTransaction) -> Result<(), StoreError> {
        transaction.open_multimap_table(self.forward).map_err(failed)?;
        transaction.open_table(self.added).map_err(failed)?;
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

    /// The pair of these ids, if they are related.
    pub(super) fn pair(self, tables: &impl Tables, id: Uuid, other: Uuid) -> Result<Option<Edge>, StoreError> {
        if !self.of(tables, id)?.contains(&other) {
            return Ok(None);
        }
        let table = tables.table(self.added)?;
        let added = table.get(self.key(id, other)).map_err(failed)?.map(|added| added.value());
        let provenance = |(at, by): Added| Provenance { at: Timestamp::from_milliseconds(at), by: by.map(UserId) };
        Ok(Some(Edge { added: added.map(provenance) }))
    }

    fn key(self, id: Uuid, other: Uuid) -> (Uuid, Uuid) {
        if self.is_flipped { (other, id) } else { (id, other) }
    }

    /// Relates each of `others` to `id`. Returns how many were not related before.
    pub(super) fn insert(
        self,
        changes: &Changes,
        id: Uuid,
        others: impl Iterator<Item = Uuid>,
        provenance: Provenance,
    ) -> Result<u64, StoreError> {
        changes.change(|transaction| {
            let row = (provenance.at.milliseconds(), provenance.by.map(|user| user.0));
            let mut new = Vec::new();
            for other in others {
                if !self.is_related(transaction, id, other)? {
                    self.set(transaction, id, other, Some(Some(row)))?;
                    new.push(other);
                }
            }
            let count = new.len() as u64;
            changes.can_undo(move |transaction| {
                new.into_iter().try_for_each(|other| self.set(transaction, id, other, None).map(drop))
            });
            Ok(count)
        })
    }

    /// Removes a pair. Returns whether there was one.
    pub(super) fn remove(self, changes: &Changes, id: Uuid, other: Uuid) -> Result<bool, StoreError> {
        changes.change(|transaction| {
            let removed = self.set(transaction, id, other, None)?;
            if let Some(added) = removed {
                changes.can_undo(move |transaction| self.set(transaction, id, other, Some(added)).map(drop));
            }
            Ok(removed.is_some())
        })
    }

    fn is_related(self, transaction: &WriteTransaction, id: Uuid, other: Uuid) -> Result<bool, StoreError> {
        let forward = transaction.open_multimap_table(self.forward).map_err(failed)?;
        let related = forward.get(id).map_err(failed)?;
        for known in related {
            if known.map_err(failed)?.value() == other {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Adds a pair that was added so, if that is known, or removes it with `None`. Returns how a pair was added that was there.
    fn set(
        self,
        transaction: &WriteTransaction,
        id: Uuid,
        other: Uuid,
        row: Option<Option<Added>>,
    ) -> Result<Option<Option<Added>>, StoreError> {
        let mut forward = transaction.open_multimap_table(self.forward).map_err(failed)?;
        let mut backward = transaction.open_multimap_table(self.backward).map_err(failed)?;
        let mut added = transaction.open_table(self.added).map_err(failed)?;
        let key = self.key(id, other);
        let before = match row {
            Some(Some(row)) => added.insert(key, row).map_err(failed)?.map(|added| added.value()),
            Some(None) | None => added.remove(key).map_err(failed)?.map(|added| added.value()),
        };
        let was_there = if row.is_some() {
            backward.insert(other, id).map_err(failed)?;
            forward.insert(id, other).map_err(failed)?
        } else {
            backward.remove(other, id).map_err(failed)?;
            forward.remove(id, other).map_err(failed)?
        };
        Ok(was_there.then_some(before))
    }

    /// Removes every pair of `id` on this side.
    pub(super) fn remove_all(self, changes: &Changes, id: Uuid) -> Result<(), StoreError> {
        for other in self.of(changes, id)? {
            self.remove(changes, id, other)?;
        }
        Ok(())
    }
}
