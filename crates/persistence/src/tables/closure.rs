//! The closure table: `group_closure` holds each group paired with itself and with every group below it. It is changed in the
//! transaction that changes an edge, and only here and in `dialect::{insert_children, remove_child, remove_children}`.

use std::sync::LazyLock;

use diesel::prelude::*;
use guildhall_domain::group::GroupId;
use guildhall_domain::time::Timestamp;

use super::{memberships, past};
use crate::connection::AnyConnection;
use crate::dialect;
use crate::dialect::closure::{NOT_OF_THE_GROUP, ONE_CHILD, lost_pairs};
use crate::prepared::prepared;
use crate::schema::group_closure;
use crate::sql_types::{Key, UuidSql};
use crate::together::{Part, run_together};
use crate::unit_of_work::Failure;

/// Adds the pair of a new group with itself.
pub(super) fn insert_group(group: GroupId) -> impl Part {
    let pair = (group_closure::ancestor_id.eq(Key(group.0)), group_closure::descendant_id.eq(Key(group.0)));
    diesel::insert_into(group_closure::table).values(pair)
}

/// What ended with a deleted group.
pub(super) struct Ended {
    /// Its direct members.
    pub(super) users: u64,
    /// The edges to groups above and below it.
    pub(super) edges: u64,
}

/// Deletes a group with all its memberships and edges, and the pairs that only those connected. The past keeps what ended. Nobody joins the group meanwhile:
/// such a membership would end with the row of the group, and not be kept.
pub(super) fn delete_group(connection: &mut AnyConnection, group: GroupId, at: Timestamp) -> Result<Ended, Failure> {
    static PAIRS: LazyLock<String> = LazyLock::new(|| {
        let lost = lost_pairs(ONE_CHILD, NOT_OF_THE_GROUP);
        format!(
            "DELETE FROM group_closure WHERE (ancestor_id, descendant_id) IN ({lost}) AND ancestor_id <> $1 AND descendant_id <> $1"
        )
    });
    let key = || Key(group.0);
    let counted = prepared(
        "UPDATE groups SET child_group_count = child_group_count - 1 \
         WHERE id IN (SELECT parent_id FROM group_children WHERE child_id = $1)",
    )
    .bind::<UuidSql, _>(key());
    let pairs = prepared(&PAIRS).bind::<UuidSql, _>(key()).bind::<UuidSql, _>(key());
    let edges = prepared("DELETE FROM group_children WHERE parent_id = $1 OR child_id = $1").bind::<UuidSql, _>(key());
    let members = memberships::end_all_of(group);
    let deleted = prepared("DELETE FROM groups WHERE id = $1").bind::<UuidSql, _>(key());
    let (named, past_members, past_edges) =
        (past::keep_group(group, at), past::keep_memberships_of_group(group, at), past::keep_edges(group, at));
    let noted = dialect::note_memberships();
    let changes: [&dyn Part; 9] =
        [&counted, &noted, &pairs, &named, &past_members, &past_edges, &edges, &members, &deleted];
    dialect::lock_members(connection, key())?;
    let counts = run_together(connection, &changes)?;
    let rows = |change: usize| counts.get(change).and_then(|rows| u64::try_from(*rows).ok()).unwrap_or_default();
    Ok(Ended { users: rows(7), edges: rows(6) })
}
