//! Writes the search rows of users and groups that were stored before there were such rows.

use diesel::connection::SimpleConnection;
use diesel::dsl::{exists, not};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::BigInt;

use super::filter_sql::Fragment;
use super::index_rows;
use crate::connection::AnyConnection;
use crate::dialect;
use crate::schema::{groups, user_search, users};
use crate::sql_types::{Key, UuidSql, saturating};
use crate::tables::{groups_in_order, users_in_order};
use crate::together::run_together;
use crate::unit_of_work::Failure;

#[derive(QueryableByName)]
struct UserVersion {
    #[diesel(sql_type = BigInt)]
    user_version: i64,
}

/// Whether all users and groups have had search rows since the last of so many migrations. SQLite's `user_version` tells, because
/// looking would read an index of all users. PostgreSQL has no such number; there, a backfill is due at every start, and merges the slots
/// of the member counts too.
pub(crate) fn is_backfilled(connection: &mut AnyConnection, migrations: usize) -> QueryResult<bool> {
    let AnyConnection::Sqlite(connection) = connection else { return Ok(false) };
    let found: UserVersion = sql_query("SELECT user_version FROM pragma_user_version").get_result(connection)?;
    Ok(usize::try_from(found.user_version) == Ok(migrations))
}

/// Notes that all users and groups have search rows after so many migrations.
pub(crate) fn note_backfilled(connection: &mut AnyConnection, migrations: usize) -> QueryResult<()> {
    let AnyConnection::Sqlite(connection) = connection else { return Ok(()) };
    connection.batch_execute(&format!("PRAGMA user_version = {migrations}"))
}

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
        run_together(connection, &[&index_rows::insert(&user)])?;
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
