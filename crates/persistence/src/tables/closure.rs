//! The closure table: `group_closure` holds each group paired with itself and with every group below it. It is changed in the
//! transaction that changes an edge, and only here and in `dialect::{insert_children, remove_child}`.

use diesel::prelude::*;
use guildhall_domain::group::GroupId;

use crate::connection::AnyConnection;
use crate::dialect;
use crate::prepared::prepared;
use crate::schema::group_closure;
use crate::sql_types::{Key, UuidSql};
use crate::together::{Part, run_and_read, run_together};
use crate::unit_of_work::Failure;

/// Adds the pair of a new group with itself.
pub(super) fn insert_group(group: GroupId) -> impl Part {
    let pair = (group_closure::ancestor_id.eq(Key(group.0)), group_closure::descendant_id.eq(Key(group.0)));
    diesel::insert_into(group_closure::table).values(pair)
}

/// Removes an edge, and the pairs that only it connected. Returns whether there was one.
///
/// The candidates are the pairs of a group at or above `parent` with one at or below `child`. All of them are deleted, and those
/// that another path connects are inserted again.
pub(super) fn remove_child(connection: &mut AnyConnection, parent: GroupId, child: GroupId) -> Result<bool, Failure> {
    if dialect::remove_child(connection, Key(parent.0), Key(child.0))? == 0 {
        return Ok(false);
    }
    run_together(connection, &[&restore(parent, child)])?;
    Ok(true)
}

/// What ended with a deleted group.
pub(super) struct Ended {
    /// Its direct members.
    pub(super) users: u64,
    /// The edges to groups above and below it.
    pub(super) edges: u64,
}

/// Deletes a group with all its edges and the pairs that only they connected.
pub(super) fn delete_group(connection: &mut AnyConnection, group: GroupId) -> Result<Ended, Failure> {
    let key = || Key(group.0);
    let counted = prepared(
        "UPDATE groups SET child_group_count = child_group_count - 1 \
         WHERE id IN (SELECT parent_id FROM group_children WHERE child_id = $1)",
    )
    .bind::<UuidSql, _>(key());
    let edges = prepared("DELETE FROM group_children WHERE parent_id = $1 OR child_id = $1").bind::<UuidSql, _>(key());
    let pairs = prepared(
        "DELETE FROM group_closure \
         WHERE ancestor_id IN (SELECT ancestor_id FROM group_closure WHERE descendant_id = $1 AND ancestor_id <> $1) \
         AND descendant_id IN (SELECT descendant_id FROM group_closure WHERE ancestor_id = $1 AND descendant_id <> $1)",
    )
    .bind::<UuidSql, _>(key());
    // The rows of members are deleted with the group's, by a foreign key, which does not say how many they are.
    let members = prepared("SELECT CAST(coalesce(sum(users), 0) AS text) FROM group_user_counts WHERE group_id = $1")
        .bind::<UuidSql, _>(key());
    let changes: [&dyn Part; 4] = [&counted, &dialect::note_memberships(), &edges, &pairs];
    let (counts, members) = run_and_read(connection, &changes, &members)?;
    let deleted = prepared("DELETE FROM groups WHERE id = $1").bind::<UuidSql, _>(key());
    run_together(connection, &[&restore(group, group), &deleted])?;
    Ok(Ended {
        users: members.first().and_then(|users| users.parse().ok()).unwrap_or_default(),
        edges: counts.get(2).copied().and_then(|edges| u64::try_from(edges).ok()).unwrap_or_default(),
    })
}

/// Inserts the deleted candidates again that a path still connects.
///
/// Let A be the groups at or above `parent`, and D those at or below `child`. A path from A to D leaves A by a last edge (u, v).
/// No group of A is in D, because that would be a cycle; so the pair of the path's start with u was no candidate. v is not in A,
/// so the pair of v with the path's end was no candidate either. Both pairs are still stored: every remaining path is found as
/// such a pair, an edge, and such a pair.
fn restore(parent: GroupId, child: GroupId) -> impl Part {
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
}
