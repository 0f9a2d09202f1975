//! The edges between groups: `group_children`, which is changed only here and in `closure`.

use std::collections::BTreeSet;

use diesel::prelude::*;
use guildhall_domain::group::{Group, GroupId, SystemGroup};
use guildhall_domain::page::Paged;
use guildhall_domain::ports::{ChildReader, ChildWriter, Children, Edge, Nesting, StoreError};
use guildhall_domain::provenance::Provenance;
use guildhall_domain::search::GroupListing;

use super::memberships::provenance;
use crate::connection::AnyConnection;
use crate::dialect;
use crate::listing;
use crate::schema::{group_children, group_closure, groups};
use crate::sql_types::Key;
use crate::unit_of_work::{Failure, Unit};

impl ChildReader for Unit<'_> {
    fn children(
        &mut self,
        group: GroupId,
        children: &Children,
        listing: &GroupListing,
    ) -> Result<Paged<Group>, StoreError> {
        self.run(|connection| listing::children(connection, group, children, listing))
    }

    fn nesting(&mut self, parent: GroupId, children: &BTreeSet<GroupId>) -> Result<Nesting, StoreError> {
        let keys = children.iter().map(|child| Key(child.0)).collect();
        self.run(|connection| match connection {
            AnyConnection::Postgres(connection) => {
                let found = dialect::postgres::unknown_or_above(connection, Key(parent.0), keys)?;
                let of = |wanted| found.iter().filter(move |row| row.is_above == wanted).map(|row| GroupId(row.id.0));
                Ok(Nesting { unknown: of(false).collect(), above: of(true).collect() })
            }
            AnyConnection::Sqlite(_) => {
                let unknown = dialect::unknown_groups(connection, keys)?;
                let unknown = unknown.into_iter().map(|key| GroupId(key.0)).collect();
                Ok(Nesting { unknown, above: at_or_above_among(connection, parent, children)? })
            }
        })
    }

    fn edge(&mut self, parent: GroupId, child: GroupId) -> Result<Option<Edge>, StoreError> {
        let found = group_children::table
            .find((Key(parent.0), Key(child.0)))
            .select((group_children::added, group_children::added_by));
        self.run(|connection| {
            let row: Option<(Option<i64>, Option<Key>)> = found.first(connection).optional()?;
            Ok(row.map(|(at, by)| Edge { added: at.map(|at| provenance(at, by)) }))
        })
    }

    fn direct_children(&mut self, parent: GroupId) -> Result<BTreeSet<GroupId>, StoreError> {
        let children = group_children::table.filter(group_children::parent_id.eq(Key(parent.0)));
        self.run(|connection| {
            let children: Vec<Key> = children.select(group_children::child_id).load(connection)?;
            Ok(children.into_iter().map(|key| GroupId(key.0)).collect())
        })
    }

    fn child_towards(&mut self, from: GroupId, to: GroupId) -> Result<Option<GroupId>, StoreError> {
        self.run(|connection| {
            let child: Option<Key> = group_children::table
                .inner_join(group_closure::table.on(group_closure::ancestor_id.eq(group_children::child_id)))
                .filter(group_children::parent_id.eq(Key(from.0)))
                .filter(group_closure::descendant_id.eq(Key(to.0)))
                .select(group_children::child_id)
                .first(connection)
                .optional()?;
            Ok(child.map(|key| GroupId(key.0)))
        })
    }

    fn at_or_above_among(
        &mut self,
        below: GroupId,
        groups: &BTreeSet<GroupId>,
    ) -> Result<BTreeSet<GroupId>, StoreError> {
        self.run(|connection| at_or_above_among(connection, below, groups))
    }

    /// The system groups are found by name, because their ids differ from installation to installation.
    fn administrators_above(&mut self, group: GroupId) -> Result<BTreeSet<SystemGroup>, StoreError> {
        let keys = SystemGroup::ADMINISTRATORS.map(|system| system.key().as_str().to_owned());
        self.run(|connection| {
            let above: Vec<String> = groups::table
                .inner_join(group_closure::table.on(group_closure::ancestor_id.eq(groups::id)))
                .filter(group_closure::descendant_id.eq(Key(group.0)))
                .filter(groups::name_key.eq_any(keys))
                .select(groups::name_key)
                .load(connection)?;
            let is_above = |system: &SystemGroup| above.iter().any(|key| key == system.key().as_str());
            Ok(SystemGroup::ADMINISTRATORS.into_iter().filter(is_above).collect())
        })
    }
}

impl ChildWriter for Unit<'_> {
    fn insert_children(
        &mut self,
        parent: GroupId,
        children: &BTreeSet<GroupId>,
        added: Provenance,
    ) -> Result<u64, StoreError> {
        let keys: Vec<Key> = children.iter().map(|child| Key(child.0)).collect();
        let new =
            self.change(|connection| Ok(dialect::insert_children(connection, Key(parent.0), keys, added)? as u64))?;
        self.changes.groups_added += new;
        Ok(new)
    }

    fn remove_child(&mut self, parent: GroupId, child: GroupId) -> Result<bool, StoreError> {
        let is_removed =
            self.change(|connection| Ok(dialect::remove_child(connection, Key(parent.0), Key(child.0))? > 0))?;
        self.changes.groups_removed += u64::from(is_removed);
        Ok(is_removed)
    }

    fn remove_children(&mut self, parent: GroupId, children: &BTreeSet<GroupId>) -> Result<u64, StoreError> {
        let keys: Vec<Key> = children.iter().map(|child| Key(child.0)).collect();
        let gone = self.change(|connection| Ok(dialect::remove_children(connection, Key(parent.0), keys)? as u64))?;
        self.changes.groups_removed += gone;
        Ok(gone)
    }
}

fn at_or_above_among(
    connection: &mut AnyConnection,
    below: GroupId,
    groups: &BTreeSet<GroupId>,
) -> Result<BTreeSet<GroupId>, Failure> {
    let above: Vec<Key> = group_closure::table
        .filter(group_closure::descendant_id.eq(Key(below.0)))
        .select(group_closure::ancestor_id)
        .load(connection)?;
    Ok(above.into_iter().map(|key| GroupId(key.0)).filter(|group| groups.contains(group)).collect())
}
