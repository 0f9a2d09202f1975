//! Writes the search rows of users and groups that were stored before there were such rows.

use diesel::dsl::{exists, not};
use diesel::prelude::*;

use super::filter_sql::Fragment;
use super::index_rows;
use crate::connection::AnyConnection;
use crate::dialect;
use crate::schema::{groups, user_search, users};
use crate::sql_types::{Key, UuidSql, saturating};
use crate::tables::{groups_in_order, users_in_order};
use crate::unit_of_work::Failure;

/// How many users one unit of work backfills.
pub(crate) const BACKFILL_LIMIT: u64 = 1000;

/// Backfills up to `limit` users after `after`, in the order of their ids, and up to `limit` groups. Returns the last user id done, or
/// `None` when finished. Also merges the slots of the member counts.
pub(crate) fn backfill(connection: &mut AnyConnection, after: Key, limit: u64) -> Result<Option<Key>, Failure> {
    dialect::merge_count_slots(connection)?;
    let search_row = user_search::table.filter(user_search::user_id.eq(users::id));
    let users: Vec<Key> = users::table
        .filter(users::id.gt(after))
        .filter(not(exists(search_row)))
        .order(users::id)
        .select(users::id)
        .limit(saturating(limit))
        .load(connection)?;
    for user in users_in_order(connection, &users)? {
        index_rows::insert(connection, &user)?;
        let row = users::table.find(Key(user.id.0));
        diesel::update(row).set(users::password_due.eq(index_rows::password_due(&user))).execute(connection)?;
    }
    let without_keys = Fragment::of("SELECT g.id FROM groups g WHERE CAST(g.custom_keys AS text) = 'null' LIMIT ")
        .number(saturating(limit));
    let groups: Vec<Key> = without_keys.query::<UuidSql>().load(connection)?;
    for group in groups_in_order(connection, &groups)? {
        let row = groups::table.find(Key(group.id.0));
        diesel::update(row).set(index_rows::group_keys(&group)).execute(connection)?;
    }
    let is_finished = users.is_empty() && groups.is_empty();
    Ok((!is_finished).then(|| users.last().copied().unwrap_or(after)))
}
