//! Relations between ids.

use std::collections::BTreeSet;

use guildhall_domain::ports::{Edge, StoreError};
use guildhall_domain::provenance::Provenance;
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::UserId;
use guildhall_domain::validity::Validity;
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

    /// All pairs.
    pub(super) fn all(self, tables: &impl Tables) -> Result<Vec<(Uuid, Uuid)>, StoreError> {
        let mut pairs = Vec::new();
        for entry in tables.multimap(self.forward)?.iter().map_err(failed)? {
            let (id, others) = entry.map_err(failed)?;
            for other in others {
                pairs.push((id.value(), other.map_err(failed)?.value()));
            }
        }
        Ok(pairs)
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

    /// The pair of these ids, if they are related, without dates.
    pub(super) fn pair(self, tables: &impl Tables, id: Uuid, other: Uuid) -> Result<Option<Edge>, StoreError> {
        if !self.of(tables, id)?.contains(&other) {
            return Ok(None);
        }
        let table = tables.table(self.added)?;
        let added = table.get(self.key(id, other)).map_err(failed)?.map(|added| added.value());
        let provenance = |(at, by): Added| Provenance { at: Timestamp::from_milliseconds(at), by: by.map(UserId) };
        Ok(Some(Edge { added: added.map(provenance), validity: Validity::ALWAYS }))
    }

    fn key(self, id: Uuid, other: Uuid) -> (Uuid, Uuid) {
        if self.is_flipped { (other, id) } else { (id, other) }
    }

    /// Relates each of `others` to `id`. Returns those that were not related before.
    pub(super) fn insert(
        self,
        changes: &Changes,
        id: Uuid,
        others: impl Iterator<Item = Uuid>,
        provenance: Provenance,
    ) -> Result<Vec<Uuid>, StoreError> {
        changes.change(|transaction| {
            let row = (provenance.at.milliseconds(), provenance.by.map(|user| user.0));
            let mut new = Vec::new();
            for other in others {
                if self.add(transaction, (id, other), Some(row))? {
                    new.push(other);
                }
            }
            let added = new.clone();
            changes.can_undo(move |transaction| {
                new.into_iter().try_for_each(|other| self.take(transaction, id, other).map(drop))
            });
            Ok(added)
        })
    }

    /// Removes a pair. Returns whether there was one.
    pub(super) fn remove(self, changes: &Changes, id: Uuid, other: Uuid) -> Result<bool, StoreError> {
        changes.change(|transaction| {
            let (is_removed, added) = self.take(transaction, id, other)?;
            if is_removed {
                changes.can_undo(move |transaction| self.add(transaction, (id, other), added).map(drop));
            }
            Ok(is_removed)
        })
    }

    /// Adds a pair that was added so, if that is known. Returns whether there was none.
    fn add(
        self,
        transaction: &WriteTransaction,
        (id, other): (Uuid, Uuid),
        row: Option<Added>,
    ) -> Result<bool, StoreError> {
        if transaction.open_multimap_table(self.forward).map_err(failed)?.insert(id, other).map_err(failed)? {
            return Ok(false);
        }
        transaction.open_multimap_table(self.backward).map_err(failed)?.insert(other, id).map_err(failed)?;
        if let Some(row) = row {
            transaction.open_table(self.added).map_err(failed)?.insert(self.key(id, other), row).map_err(failed)?;
        }
        Ok(true)
    }

    /// Removes a pair. Returns whether there was one, and how it was added, if that is known.
    fn take(self, transaction: &WriteTransaction, id: Uuid, other: Uuid) -> Result<(bool, Option<Added>), StoreError> {
        let mut added = transaction.open_table(self.added).map_err(failed)?;
        let row = added.remove(self.key(id, other)).map_err(failed)?.map(|row| row.value());
        transaction.open_multimap_table(self.backward).map_err(failed)?.remove(other, id).map_err(failed)?;
        let was_there =
            transaction.open_multimap_table(self.forward).map_err(failed)?.remove(id, other).map_err(failed)?;
        Ok((was_there, row))
    }

    /// Removes every pair of `id` on this side.
    pub(super) fn remove_all(self, changes: &Changes, id: Uuid) -> Result<(), StoreError> {
        for other in self.of(changes, id)? {
            self.remove(changes, id, other)?;
        }
        Ok(())
    }
}
