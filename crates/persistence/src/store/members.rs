//! Statements about who belongs to a group. Nothing else changes `group_users`, so that the counts stay right.

use std::collections::BTreeSet;

use diesel::dsl::exists;
use diesel::prelude::*;
use guildhall_domain::group::GroupId;
use guildhall_domain::page::{Page, Paged};
use guildhall_domain::ports::Reach;
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::{User, UserId};

use super::Failure;
use super::users::UserRow;
use crate::connection::AnyConnection;
use crate::dialect;
use crate::schema::{group_closure, group_users, users};
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

pub(super) fn page(
    connection: &mut AnyConnection,
    group: GroupId,
    reach: Reach,
    page: Page,
) -> Result<Paged<User>, Failure> {
    let (limit, offset) = (saturating(page.size()), saturating(page.offset()));
    let ordered = users::table.select(UserRow::as_select()).order(users::username_key).limit(limit).offset(offset);
    let (total, rows): (i64, Vec<UserRow>) = match reach {
        Reach::Direct => {
            let members = group_users::table.filter(group_users::group_id.eq(Key(group.0)));
            let total = members.count().get_result(connection)?;
            (total, ordered.filter(users::id.eq_any(members.select(group_users::user_id))).load(connection)?)
        }
        Reach::Effective => {
            let members = group_users::table
                .inner_join(group_closure::table.on(group_closure::descendant_id.eq(group_users::group_id)))
                .filter(group_closure::ancestor_id.eq(Key(group.0)));
            let members = members.select(group_users::user_id);
            let total = users::table.filter(users::id.eq_any(members)).count().get_result(connection)?;
            (total, ordered.filter(users::id.eq_any(members)).load(connection)?)
        }
    };
    let items = rows.into_iter().map(User::try_from).collect::<Result<_, _>>()?;
    Ok(Paged { page, total: total.unsigned_abs(), items })
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
    }
    Ok(())
}

/// More than the databases count to is as good as their most.
fn saturating(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
