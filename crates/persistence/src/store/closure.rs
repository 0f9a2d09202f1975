//! Groups below groups. `group_children` holds the edges; `group_closure` every group with itself and with all below it,
//! changed in the same transaction and nowhere but here.

use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::sql_query;
use guildhall_domain::group::GroupId;

use super::Failure;
use crate::connection::AnyConnection;
use crate::schema::{group_children, group_closure};
use crate::sql_types::{Key, UuidSql};

pub(super) fn contains(
    connection: &mut AnyConnection,
    ancestor: GroupId,
    descendant: GroupId,
) -> Result<bool, Failure> {
    let pair = group_closure::table.find((Key(ancestor.0), Key(descendant.0))).select(group_closure::ancestor_id);
    Ok(diesel::select(exists(pair)).get_result(connection)?)
}

/// A group alone: it stands above itself and nothing else.
pub(super) fn insert_group(connection: &mut AnyConnection, group: GroupId) -> Result<(), Failure> {
    let pair = (group_closure::ancestor_id.eq(Key(group.0)), group_closure::descendant_id.eq(Key(group.0)));
    diesel::insert_into(group_closure::table).values(pair).execute(connection)?;
    Ok(())
}

/// Adds the edge, and with it every pair of a group at or above `parent` with one at or below `child`.
pub(super) fn insert_edge(connection: &mut AnyConnection, parent: GroupId, child: GroupId) -> Result<bool, Failure> {
    let edge = group_children::table.find((Key(parent.0), Key(child.0))).select(group_children::parent_id);
    if diesel::select(exists(edge)).get_result(connection)? {
        return Ok(false);
    }
    diesel::insert_into(group_children::table)
        .values((group_children::parent_id.eq(Key(parent.0)), group_children::child_id.eq(Key(child.0))))
        .execute(connection)?;
    // Both databases take numbered parameters in this form, in the order in which they first appear.
    sql_query(
        "INSERT INTO group_closure (ancestor_id, descendant_id) \
         SELECT above.ancestor_id, below.descendant_id FROM group_closure AS above, group_closure AS below \
         WHERE above.descendant_id = $1 AND below.ancestor_id = $2 \
         ON CONFLICT DO NOTHING",
    )
    .bind::<UuidSql, _>(Key(parent.0))
    .bind::<UuidSql, _>(Key(child.0))
    .execute(connection)?;
    Ok(true)
}
