//! The closure table: `group_closure` holds each group paired with itself and with every group below it. It is changed in the
//! transaction that changes an edge, and only here and in `dialect::insert_closure_pairs`.

use diesel::prelude::*;
use guildhall_domain::group::GroupId;

use crate::connection::AnyConnection;
use crate::dialect;
use crate::prepared::prepared;
use crate::schema::{group_children, group_closure, groups};
use crate::sql_types::{Key, UuidSql};
use crate::unit_of_work::Failure;

/// Adds the pair of a new group with itself.
pub(super) fn insert_group(connection: &mut AnyConnection, group: GroupId) -> Result<(), Failure> {
    let pair = (group_closure::ancestor_id.eq(Key(group.0)), group_closure::descendant_id.eq(Key(group.0)));
    diesel::insert_into(group_closure::table).values(pair).execute(connection)?;
    Ok(())
}

/// Removes the pairs that only the edge from `parent` to `child` connected; the edge itself is already removed.
///
/// The candidates are the pairs of a group at or above `parent` with one at or below `child`. All of them are deleted, and those
/// that another path connects are inserted again.
pub(super) fn remove_child(connection: &mut AnyConnection, parent: GroupId, child: GroupId) -> Result<(), Failure> {
    // Both databases take numbered parameters in this form, in the order in which they first appear.
    prepared(
        "DELETE FROM group_closure \
         WHERE ancestor_id IN (SELECT ancestor_id FROM group_closure WHERE descendant_id = $1) \
         AND descendant_id IN (SELECT descendant_id FROM group_closure WHERE ancestor_id = $2)",
    )
    .bind::<UuidSql, _>(Key(parent.0))
    .bind::<UuidSql, _>(Key(child.0))
    .execute(connection)?;
    restore(connection, parent, child)
}

/// Removes all edges of a group that is about to be deleted, and the pairs that only they connected.
pub(super) fn detach(connection: &mut AnyConnection, group: GroupId) -> Result<(), Failure> {
    let parents =
        group_children::table.filter(group_children::child_id.eq(Key(group.0))).select(group_children::parent_id);
    diesel::update(groups::table.filter(groups::id.eq_any(parents)))
        .set(groups::child_group_count.eq(groups::child_group_count - 1))
        .execute(connection)?;
    dialect::note_memberships(connection)?;
    let edges = group_children::parent_id.eq(Key(group.0)).or(group_children::child_id.eq(Key(group.0)));
    diesel::delete(group_children::table.filter(edges)).execute(connection)?;
    prepared(
        "DELETE FROM group_closure \
         WHERE ancestor_id IN (SELECT ancestor_id FROM group_closure WHERE descendant_id = $1 AND ancestor_id <> $1) \
         AND descendant_id IN (SELECT descendant_id FROM group_closure WHERE ancestor_id = $1 AND descendant_id <> $1)",
    )
    .bind::<UuidSql, _>(Key(group.0))
    .execute(connection)?;
    restore(connection, group, group)
}

/// Inserts the deleted candidates again that a path still connects.
///
/// Let A be the groups at or above `parent`, and D those at or below `child`. A path from A to D leaves A by a last edge (u, v).
/// No group of A is in D, because that would be a cycle; so the pair of the path's start with u was no candidate. v is not in A,
/// so the pair of v with the path's end was no candidate either. Both pairs are still stored: every remaining path is found as
/// such a pair, an edge, and such a pair.
fn restore(connection: &mut AnyConnection, parent: GroupId, child: GroupId) -> Result<(), Failure> {
    prepared(
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
