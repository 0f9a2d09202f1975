//! The edges between groups: `group_children`, which is changed only here and in `closure`.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use diesel::prelude::*;
use diesel::sql_types::Text;
use guildhall_domain::group::{Group, GroupId, SystemGroup};
use guildhall_domain::page::Paged;
use guildhall_domain::ports::{ChildReader, ChildWriter, Children, Edge, Ended, EndedEdges, Nesting, StoreError};
use guildhall_domain::provenance::Provenance;
use guildhall_domain::search::GroupListing;
use guildhall_domain::time::Timestamp;

use super::present_row::PresentRow;
use crate::connection::AnyConnection;
use crate::dialect;
use crate::dialect::scheduled::{TARGETS_POSTGRES, TARGETS_SQLITE};
use crate::listing;
use crate::prepared::prepared;
use crate::schema::{group_children, group_closure};
use crate::sql_types::{Key, UuidSql};
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
        let statement = prepared(
            "SELECT e.added, e.added_by, d.valid_from, d.valid_until, d.next_at FROM group_children e \
             LEFT JOIN membership_dates d ON d.group_id = e.parent_id AND d.child_id = e.child_id \
             WHERE e.parent_id = $1 AND e.child_id = $2",
        )
        .bind::<UuidSql, _>(Key(parent.0))
        .bind::<UuidSql, _>(Key(child.0));
        let row: Option<PresentRow> = self.run(|connection| {
            Ok(match connection {
                AnyConnection::Postgres(connection) => statement.get_result(connection).optional()?,
                AnyConnection::Sqlite(connection) => statement.get_result(connection).optional()?,
            })
        })?;
        Ok(row.map(|row| Edge { added: row.added(), validity: row.validity() }))
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

    fn step_towards(&mut self, from: GroupId, to: GroupId) -> Result<Option<GroupId>, StoreError> {
        static SQL: LazyLock<ByDatabase> = LazyLock::new(|| {
            ByDatabase::of(
                "WITH RECURSIVE targets (id) AS (SELECT g.id FROM groups g WHERE g.id = $2{targets}, \
                 step (id) AS (SELECT child_id FROM group_children WHERE parent_id = $1 \
                     UNION SELECT child_id FROM membership_dates WHERE group_id = $1 AND child_id IS NOT NULL AND next_at = valid_from) \
                 SELECT step.id FROM step WHERE EXISTS (SELECT 1 FROM targets CROSS JOIN group_closure c \
                     WHERE c.descendant_id = targets.id AND c.ancestor_id = step.id) ORDER BY step.id LIMIT 1",
            )
        });
        let statement = |sql: &'static str| prepared(sql).bind::<UuidSql, _>(Key(from.0)).bind::<UuidSql, _>(Key(to.0));
        let step: Option<Id> = self.run(|connection| {
            Ok(match connection {
                AnyConnection::Postgres(connection) => statement(&SQL.postgres).get_result(connection).optional()?,
                AnyConnection::Sqlite(connection) => statement(&SQL.sqlite).get_result(connection).optional()?,
            })
        })?;
        Ok(step.map(|row| GroupId(row.id.0)))
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
        let of_name: Vec<_> = SystemGroup::ADMINISTRATORS.into_iter().map(|group| (group.key(), group)).collect();
        let above = self.run(|connection| named_above(connection, group))?;
        let system = |name: &String| of_name.iter().find(|(key, _)| key.as_str() == name).map(|(_, group)| *group);
        Ok(above.iter().filter_map(system).collect())
    }
}

impl ChildWriter for Unit<'_> {
    fn insert_children(
        &mut self,
        parent: GroupId,
        children: &BTreeSet<GroupId>,
        added: Provenance,
    ) -> Result<Vec<GroupId>, StoreError> {
        let keys: Vec<Key> = children.iter().map(|child| Key(child.0)).collect();
        let new = self.change(|connection| Ok(dialect::insert_children(connection, Key(parent.0), keys, added)?))?;
        self.changes.groups_added += new.len() as u64;
        Ok(group_ids(new))
    }

    fn remove_child(&mut self, parent: GroupId, child: GroupId, at: Timestamp) -> Result<Ended, StoreError> {
        let (parent, child) = (Key(parent.0), Key(child.0));
        let removed = self.change(|connection| Ok(dialect::remove_child(connection, parent, child, at)?))?;
        self.changes.groups_removed += removed.present as u64;
        Ok(Ended::of(removed.present > 0, removed.scheduled > 0))
    }

    fn remove_children(
        &mut self,
        parent: GroupId,
        children: &BTreeSet<GroupId>,
        at: Timestamp,
    ) -> Result<EndedEdges, StoreError> {
        let keys: Vec<Key> = children.iter().map(|child| Key(child.0)).collect();
        let removed = self.change(|connection| Ok(dialect::remove_children(connection, Key(parent.0), keys, at)?))?;
        self.changes.groups_removed += removed.present.len() as u64;
        Ok(EndedEdges { present: group_ids(removed.present), scheduled: group_ids(removed.scheduled) })
    }
}

fn group_ids(keys: Vec<Key>) -> Vec<GroupId> {
    keys.into_iter().map(|key| GroupId(key.0)).collect()
}

/// A statement of which the table `targets` ends where `{targets}` stands.
struct ByDatabase {
    postgres: String,
    sqlite: String,
}

impl ByDatabase {
    fn of(text: &str) -> Self {
        let [postgres, sqlite] = [TARGETS_POSTGRES, TARGETS_SQLITE].map(|targets| text.replace("{targets}", targets));
        Self { postgres, sqlite }
    }
}

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = UuidSql)]
    id: Key,
}

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

/// All groups that are `below` itself or above it, now or later.
fn at_or_above_among(
    connection: &mut AnyConnection,
    below: GroupId,
    groups: &BTreeSet<GroupId>,
) -> Result<BTreeSet<GroupId>, Failure> {
    static SQL: LazyLock<ByDatabase> = LazyLock::new(|| {
        ByDatabase::of(
            "WITH RECURSIVE targets (id) AS (SELECT g.id FROM groups g WHERE g.id = $1{targets} \
             SELECT DISTINCT c.ancestor_id AS id FROM targets CROSS JOIN group_closure c WHERE c.descendant_id = targets.id",
        )
    });
    let statement = |sql: &'static str| prepared(sql).bind::<UuidSql, _>(Key(below.0));
    let above: Vec<Id> = match connection {
        AnyConnection::Postgres(connection) => statement(&SQL.postgres).load(connection)?,
        AnyConnection::Sqlite(connection) => statement(&SQL.sqlite).load(connection)?,
    };
    Ok(above.into_iter().map(|row| GroupId(row.id.0)).filter(|group| groups.contains(group)).collect())
}

/// The name keys of the administrators' groups that are `group` itself or above it, now or later.
fn named_above(connection: &mut AnyConnection, group: GroupId) -> Result<Vec<String>, Failure> {
    static SQL: LazyLock<ByDatabase> = LazyLock::new(|| {
        ByDatabase::of(
            "WITH RECURSIVE targets (id) AS (SELECT g.id FROM groups g WHERE g.id = $1{targets} \
             SELECT s.name_key AS name FROM groups s WHERE s.name_key IN ($2, $3, $4, $5) AND EXISTS (SELECT 1 FROM targets \
                 CROSS JOIN group_closure c WHERE c.descendant_id = targets.id AND c.ancestor_id = s.id)",
        )
    });
    let [one, two, three, four] = SystemGroup::ADMINISTRATORS.map(|group| group.key().as_str().to_owned());
    let statement = |sql: &'static str| {
        prepared(sql)
            .bind::<UuidSql, _>(Key(group.0))
            .bind::<Text, _>(one)
            .bind::<Text, _>(two)
            .bind::<Text, _>(three)
            .bind::<Text, _>(four)
    };
    let above: Vec<Name> = match connection {
        AnyConnection::Postgres(connection) => statement(&SQL.postgres).load(connection)?,
        AnyConnection::Sqlite(connection) => statement(&SQL.sqlite).load(connection)?,
    };
    Ok(above.into_iter().map(|row| row.name).collect())
}
