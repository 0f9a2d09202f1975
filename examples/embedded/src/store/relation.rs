//! Relations between ids.

use std::collections::BTreeSet;

use guildhall_domain::ports::StoreError;
use redb::{MultimapTableDefinition, ReadableMultimapTable as _, WriteTransaction};
use uuid::Uuid;

use super::tables::{Changes, Tables, failed};

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
