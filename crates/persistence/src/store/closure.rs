//! Groups below groups. `group_children` holds the edges; `group_closure` every group with itself and with all below it,
//! changed in the same transaction and nowhere but here.

use std::collections::BTreeSet;

use diesel::prelude::*;
use diesel::sql_query;
use guildhall_domain::group::{GroupId, SystemGroup};

use super::Failure;
use crate::connection::AnyConnection;
use crate::dialect;
use crate::schema::{group_children, group_closure, groups};
use crate::sql_types::{Key, UuidSql};

pub(super) fn at_or_above_among(
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

/// The system groups are found by name, because their ids differ from installation to installation.
pub(super) fn administrators_above(
    connection: &mut AnyConnection,
    group: GroupId,
) -> Result<BTreeSet<SystemGroup>, Failure> {
    let keys = SystemGroup::ADMINISTRATORS.map(|system| system.key().as_str().to_owned());
    let above: Vec<String> = groups::table
        .inner_join(group_closure::table.on(group_closure::ancestor_id.eq(groups::id)))
        .filter(group_closure::descendant_id.eq(Key(group.0)))
        .filter(groups::name_key.eq_any(keys))
        .select(groups::name_key)
        .load(connection)?;
    let is_above = |system: &SystemGroup| above.iter().any(|key| key == system.key().as_str());
    Ok(SystemGroup::ADMINISTRATORS.into_iter().filter(is_above).collect())
}

pub(super) fn child_towards(
    connection: &mut AnyConnection,
    from: GroupId,
    to: GroupId,
) -> Result<Option<GroupId>, Failure> {
    let child: Option<Key> = group_children::table
        .inner_join(group_closure::table.on(group_closure::ancestor_id.eq(group_children::child_id)))
        .filter(group_children::parent_id.eq(Key(from.0)))
        .filter(group_closure::descendant_id.eq(Key(to.0)))
        .select(group_children::child_id)
        .first(connection)
        .optional()?;
    Ok(child.map(|key| GroupId(key.0)))
}

/// A group alone: it stands above itself and nothing else.
pub(super) fn insert_group(connection: &mut AnyConnection, group: GroupId) -> Result<(), Failure> {
    let pair = (group_closure::ancestor_id.eq(Key(group.0)), group_closure::descendant_id.eq(Key(group.0)));
    diesel::insert_into(group_closure::table).values(pair).execute(connection)?;
    Ok(())
}

/// Adds the edges, and with them every pair of a group at or above `parent` with one at or below a child.
pub(super) fn insert_edges(
    connection: &mut AnyConnection,
    parent: GroupId,
    children: &BTreeSet<GroupId>,
) -> Result<u64, Failure> {
    let keys: Vec<Key> = children.iter().map(|child| Key(child.0)).collect();
    let new = dialect::insert_edges(connection, Key(parent.0), keys.clone())?;
    if new > 0 {
        dialect::insert_pairs(connection, Key(parent.0), keys)?;
        change_count(connection, parent, i64::try_from(new).unwrap_or(i64::MAX))?;
    }
    Ok(new as u64)
}

/// So many direct children more. Like the edges, it is changed by one unit of work at a time.
fn change_count(connection: &mut AnyConnection, parent: GroupId, change: i64) -> Result<(), Failure> {
    let changed = groups::child_group_count.eq(groups::child_group_count + change);
    diesel::update(groups::table.find(Key(parent.0))).set(changed).execute(connection)?;
    dialect::note_memberships(connection)?;
    Ok(())
}

/// Removes the edge. Pairs of a group at or above `parent` with one at or below `child` are in doubt: they go, and those
/// that another path supports come back.
pub(super) fn remove_edge(connection: &mut AnyConnection, parent: GroupId, child: GroupId) -> Result<bool, Failure> {
    if diesel::delete(group_children::table.find((Key(parent.0), Key(child.0)))).execute(connection)? == 0 {
        return Ok(false);
    }
    change_count(connection, parent, -1)?;
    // Both databases take numbered parameters in this form, in the order in which they first appear.
    sql_query(
        "DELETE FROM group_closure \
         WHERE ancestor_id IN (SELECT ancestor_id FROM group_closure WHERE descendant_id = $1) \
         AND descendant_id IN (SELECT descendant_id FROM group_closure WHERE ancestor_id = $2)",
    )
    .bind::<UuidSql, _>(Key(parent.0))
    .bind::<UuidSql, _>(Key(child.0))
    .execute(connection)?;
    restore(connection, parent, child)?;
    Ok(true)
}

/// Removes every edge of a group that is about to go, and the pairs that only they supported.
pub(super) fn detach(connection: &mut AnyConnection, group: GroupId) -> Result<(), Failure> {
    let parents =
        group_children::table.filter(group_children::child_id.eq(Key(group.0))).select(group_children::parent_id);
    diesel::update(groups::table.filter(groups::id.eq_any(parents)))
        .set(groups::child_group_count.eq(groups::child_group_count - 1))
        .execute(connection)?;
    dialect::note_memberships(connection)?;
    let edges = group_children::parent_id.eq(Key(group.0)).or(group_children::child_id.eq(Key(group.0)));
    diesel::delete(group_children::table.filter(edges)).execute(connection)?;
    sql_query(
        "DELETE FROM group_closure \
         WHERE ancestor_id IN (SELECT ancestor_id FROM group_closure WHERE descendant_id = $1 AND ancestor_id <> $1) \
         AND descendant_id IN (SELECT descendant_id FROM group_closure WHERE ancestor_id = $1 AND descendant_id <> $1)",
    )
    .bind::<UuidSql, _>(Key(group.0))
    .execute(connection)?;
    restore(connection, group, group)
}

/// Puts back the pairs in doubt that have a path. Let A be what stands at or above `parent`, and D what stands at or below
/// `child`. A path from A to D leaves A by some last edge (u, v). No group of A is in D, for that would be a cycle, so the
/// pair of its start with u was never in doubt; v is not in A, so the pair of v with its end was not either. Both are still
/// there, and every path is found as such a pair, an edge and such a pair.
fn restore(connection: &mut AnyConnection, parent: GroupId, child: GroupId) -> Result<(), Failure> {
    sql_query(
        "INSERT INTO group_closure (ancestor_id, descendant_id) \
         SELECT DISTINCT above.ancestor_id, below.descendant_id \
         FROM group_closure AS leaving \
         JOIN group_closure AS above ON above.descendant_id = leaving.ancestor_id \
         JOIN group_children AS edge ON edge.parent_id = leaving.ancestor_id \
         JOIN group_closure AS below ON below.ancestor_id = edge.child_id \
         JOIN group_closure AS doubted ON doubted.descendant_id = below.descendant_id \
         WHERE leaving.descendant_id = $1 AND doubted.ancestor_id = $2 \
         AND NOT EXISTS (SELECT 1 FROM group_closure AS inside \
                         WHERE inside.ancestor_id = edge.child_id AND inside.descendant_id = $1) \
         ON CONFLICT DO NOTHING",
    )
    .bind::<UuidSql, _>(Key(parent.0))
    .bind::<UuidSql, _>(Key(child.0))
    .execute(connection)?;
    Ok(())
}
