//! Statements about who belongs to a group. Nothing else changes `group_users`, so that the counts stay right.

use std::collections::BTreeSet;

use diesel::dsl::exists;
use diesel::prelude::*;
use guildhall_domain::group::GroupId;
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::UserId;

use super::Failure;
use crate::connection::AnyConnection;
use crate::dialect;
use crate::schema::{group_closure, group_users};
use crate::sql_types::Key;

/// One join of the closure with the members, both looked up by index: the depth does not matter.
pub(super) fn is_effective(connection: &mut AnyConnection, group: GroupId, user: UserId) -> Result<bool, Failure> {
    let membership = group_users::table
        .inner_join(group_closure::table.on(group_closure::descendant_id.eq(group_users::group_id)))
        .filter(group_users::user_id.eq(Key(user.0)))
        .filter(group_closure::ancestor_id.eq(Key(group.0)))
        .select(group_users::user_id);
    Ok(diesel::select(exists(membership)).get_result(connection)?)
}

pub(super) fn is_effective_of_any(
    connection: &mut AnyConnection,
    groups: &BTreeSet<GroupId>,
    user: UserId,
) -> Result<bool, Failure> {
    let membership = group_users::table
        .inner_join(group_closure::table.on(group_closure::descendant_id.eq(group_users::group_id)))
        .filter(group_users::user_id.eq(Key(user.0)))
        .filter(group_closure::ancestor_id.eq_any(keys(groups)))
        .select(group_users::user_id);
    Ok(diesel::select(exists(membership)).get_result(connection)?)
}

fn keys(groups: &BTreeSet<GroupId>) -> Vec<Key> {
    groups.iter().map(|group| Key(group.0)).collect()
}

pub(super) fn insert(
    connection: &mut AnyConnection,
    group: GroupId,
    users: &BTreeSet<UserId>,
    at: Timestamp,
) -> Result<u64, Failure> {
    let keys = users.iter().map(|user| Key(user.0)).collect();
    let new = dialect::insert_members(connection, Key(group.0), keys, at.milliseconds())?;
    change_count(connection, group, i64::try_from(new).unwrap_or(i64::MAX))?;
    Ok(new as u64)
}

pub(super) fn remove(connection: &mut AnyConnection, group: GroupId, user: UserId) -> Result<bool, Failure> {
    let membership = group_users::table.find((Key(group.0), Key(user.0)));
    let removed = diesel::delete(membership).execute(connection)?;
    change_count(connection, group, -i64::try_from(removed).unwrap_or(i64::MAX))?;
    Ok(removed > 0)
}

fn change_count(connection: &mut AnyConnection, group: GroupId, change: i64) -> Result<(), Failure> {
    if change != 0 {
        dialect::change_user_count(connection, Key(group.0), change)?;
        dialect::note_memberships(connection)?;
    }
    Ok(())
}
