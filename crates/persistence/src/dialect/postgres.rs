//! PostgreSQL's statements.

use std::time::Duration;

use diesel::connection::{AnsiTransactionManager, SimpleConnection};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Integer};

use super::Turn;
use crate::sql_types::{Key, UuidSql};

#[derive(QueryableByName)]
struct Process {
    #[diesel(sql_type = Integer)]
    process: i32,
}

/// Settings of a connection, and the process of PostgreSQL that serves it. No statement runs long enough to be worth compiling.
/// None is worth several processes, which would take the processors from everybody else's.
pub(crate) fn set_up(connection: &mut PgConnection) -> QueryResult<i32> {
    let process: Process = sql_query(
        "SELECT pg_backend_pid() AS process, set_config('jit', 'off', false), \
         set_config('max_parallel_workers_per_gather', '0', false)",
    )
    .get_result(connection)?;
    Ok(process.process)
}

/// Cancels the statement that another connection's process runs, if it runs one.
pub(crate) fn cancel(connection: &mut PgConnection, process: i32) -> QueryResult<()> {
    sql_query("SELECT pg_cancel_backend($1)").bind::<Integer, _>(process).execute(connection).map(drop)
}

/// READ COMMITTED, so that the work sees what was committed while it waited for its turn; a snapshot taken before the
/// wait would bring the race back that the turn is to prevent.
///
/// What reads has so much time for each statement. What writes has it for each wait for another writer, because a large change
/// takes its time. Either is set with the statement that begins, and ends with the unit of work.
pub(crate) fn begin(connection: &mut PgConnection, turn: Turn, limit: Option<Duration>) -> QueryResult<()> {
    // 0 is no limit.
    let limit = limit.map_or(0, |limit| limit.as_millis());
    let sql = match turn {
        Turn::Reading => {
            format!("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = {limit}")
        }
        Turn::Writing => format!("BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = {limit}"),
        Turn::Alone => format!(
            "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = {limit}; \
             SELECT pg_advisory_xact_lock(7164780301)"
        ),
    };
    AnsiTransactionManager::begin_transaction_sql(connection, &sql)
}

/// Waits for another process that is migrating; the lock goes with the connection.
pub(crate) fn lock_migrations(connection: &mut PgConnection) -> QueryResult<()> {
    connection.batch_execute("SELECT pg_advisory_lock(7164780302)")
}

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = UuidSql)]
    id: Key,
}

pub(crate) fn unknown_users(connection: &mut PgConnection, ids: Vec<Key>) -> QueryResult<Vec<Key>> {
    unknown(connection, ids, "users")
}

pub(crate) fn unknown_groups(connection: &mut PgConnection, ids: Vec<Key>) -> QueryResult<Vec<Key>> {
    unknown(connection, ids, "groups")
}

fn unknown(connection: &mut PgConnection, ids: Vec<Key>, table: &'static str) -> QueryResult<Vec<Key>> {
    let unknown = sql_query(format!(
        "SELECT wanted.id FROM unnest($1) AS wanted (id) \
         WHERE NOT EXISTS (SELECT 1 FROM {table} WHERE {table}.id = wanted.id)"
    ))
    .bind::<Array<UuidSql>, _>(ids)
    .load::<Id>(connection)?;
    Ok(unknown.into_iter().map(|row| row.id).collect())
}

/// In the order of the ids, so that two transactions that add the same users wait for one another and never in a circle.
pub(crate) fn insert_members(
    connection: &mut PgConnection,
    group: Key,
    users: Vec<Key>,
    added: i64,
) -> QueryResult<usize> {
    sql_query(
        "INSERT INTO group_users (group_id, user_id, added) \
         SELECT $1, wanted.id, $2 FROM unnest($3) WITH ORDINALITY AS wanted (id, place) ORDER BY wanted.place \
         ON CONFLICT DO NOTHING",
    )
    .bind::<UuidSql, _>(group)
    .bind::<BigInt, _>(added)
    .bind::<Array<UuidSql>, _>(users)
    .execute(connection)
}

/// The first slot, or while another transaction has that one, the connection's own: transactions that add to the same group
/// at the same time change different rows.
pub(crate) fn change_user_count(connection: &mut PgConnection, group: Key, change: i64) -> QueryResult<usize> {
    sql_query(
        "WITH free AS (SELECT 1 FROM group_user_counts WHERE group_id = $1 AND slot = 0 FOR NO KEY UPDATE SKIP LOCKED) \
         INSERT INTO group_user_counts (group_id, slot, users, changes) \
         SELECT $1, CASE WHEN EXISTS (SELECT 1 FROM free) THEN 0 ELSE 1 + pg_backend_pid() % 64 END, $2, abs($2) \
         ON CONFLICT (group_id, slot) DO UPDATE SET users = group_user_counts.users + excluded.users, \
         changes = group_user_counts.changes + excluded.changes",
    )
    .bind::<UuidSql, _>(group)
    .bind::<BigInt, _>(change)
    .execute(connection)
}

/// Takes the user out of the count of each of their groups.
pub(crate) fn uncount_user(connection: &mut PgConnection, user: Key) -> QueryResult<usize> {
    change_counts(connection, user, -1)
}

/// In each of the user's groups, in the order of the groups: so many users more, and a change.
fn change_counts(connection: &mut PgConnection, user: Key, users: i64) -> QueryResult<usize> {
    sql_query(
        "WITH free AS (SELECT n.group_id FROM group_user_counts n WHERE n.slot = 0 \
             AND n.group_id IN (SELECT m.group_id FROM group_users m WHERE m.user_id = $1) \
             ORDER BY n.group_id FOR NO KEY UPDATE OF n SKIP LOCKED) \
         INSERT INTO group_user_counts (group_id, slot, users, changes) \
         SELECT m.group_id, CASE WHEN m.group_id IN (SELECT group_id FROM free) THEN 0 ELSE 1 + pg_backend_pid() % 64 END, \
             $2, 1 \
         FROM group_users m WHERE m.user_id = $1 ORDER BY m.group_id \
         ON CONFLICT (group_id, slot) DO UPDATE SET users = group_user_counts.users + excluded.users, \
         changes = group_user_counts.changes + excluded.changes",
    )
    .bind::<UuidSql, _>(user)
    .bind::<BigInt, _>(users)
    .execute(connection)
}

/// Brings what was counted in several slots to the first one, where nobody is about to change it.
pub(crate) fn gather_counts(connection: &mut PgConnection) -> QueryResult<usize> {
    sql_query(
        "WITH free AS (SELECT n.group_id FROM group_user_counts n WHERE n.slot = 0 \
             AND n.group_id IN (SELECT group_id FROM group_user_counts WHERE slot <> 0) \
             FOR NO KEY UPDATE OF n SKIP LOCKED), \
         spare AS (SELECT n.group_id, n.slot FROM group_user_counts n WHERE n.slot <> 0 \
             AND n.group_id IN (SELECT group_id FROM free) FOR UPDATE OF n SKIP LOCKED), \
         gone AS (DELETE FROM group_user_counts n USING spare s WHERE n.group_id = s.group_id AND n.slot = s.slot \
             RETURNING n.group_id, n.users, n.changes) \
         INSERT INTO group_user_counts (group_id, slot, users, changes) \
         SELECT group_id, 0, CAST(sum(users) AS bigint), CAST(sum(changes) AS bigint) FROM gone GROUP BY group_id \
         ON CONFLICT (group_id, slot) DO UPDATE SET users = group_user_counts.users + excluded.users, \
         changes = group_user_counts.changes + excluded.changes",
    )
    .execute(connection)
}

/// So many users more, and a change of who they are or what they are called.
pub(crate) fn change_users(connection: &mut PgConnection, users: i64) -> QueryResult<usize> {
    sql_query(
        "INSERT INTO user_counts (slot, users, changes) VALUES (pg_backend_pid() % 64, $1, 1) \
         ON CONFLICT (slot) DO UPDATE SET users = user_counts.users + excluded.users, changes = user_counts.changes + 1",
    )
    .bind::<BigInt, _>(users)
    .execute(connection)
}

/// A change of who belongs to which group.
pub(crate) fn note_memberships(connection: &mut PgConnection) -> QueryResult<usize> {
    sql_query(
        "INSERT INTO user_counts (slot, users, changes, memberships) VALUES (pg_backend_pid() % 64, 0, 0, 1) \
         ON CONFLICT (slot) DO UPDATE SET memberships = user_counts.memberships + 1",
    )
    .execute(connection)
}

/// A change in each of the user's groups.
pub(crate) fn note_renamed(connection: &mut PgConnection, user: Key) -> QueryResult<usize> {
    change_counts(connection, user, 0)
}

/// Leaves the planner nothing but going along an index and looking at each row, until the unit of work ends.
pub(crate) fn force_index_order(connection: &mut PgConnection, is_forced: bool) -> QueryResult<()> {
    let sql = if is_forced {
        "SELECT set_config('enable_sort', 'off', true), set_config('enable_bitmapscan', 'off', true), \
         set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true), \
         set_config('enable_mergejoin', 'off', true)"
    } else {
        "SELECT set_config('enable_sort', 'on', true), set_config('enable_bitmapscan', 'on', true), \
         set_config('enable_seqscan', 'on', true), set_config('enable_hashjoin', 'on', true), \
         set_config('enable_mergejoin', 'on', true)"
    };
    sql_query(sql).execute(connection).map(drop)
}

/// Keeps others from changing the user; making them a member of something goes on.
pub(crate) fn lock_user(connection: &mut PgConnection, user: Key) -> QueryResult<usize> {
    sql_query("SELECT 1 FROM users WHERE id = $1 FOR NO KEY UPDATE").bind::<UuidSql, _>(user).execute(connection)
}

/// The first key of the locks of names that nobody has.
const UNKNOWN_NAMES: i32 = 7164;

/// Keeps others from counting a password for a name in this place. There may be no row yet, so it is an advisory lock.
pub(crate) fn lock_unknown_name(connection: &mut PgConnection, place: i32) -> QueryResult<usize> {
    sql_query("SELECT pg_advisory_xact_lock($1, $2)")
        .bind::<Integer, _>(UNKNOWN_NAMES)
        .bind::<Integer, _>(place)
        .execute(connection)
}

/// Keeps others from making the user a member of anything too, and waits for those who just do.
pub(crate) fn lock_memberships(connection: &mut PgConnection, user: Key) -> QueryResult<usize> {
    sql_query("SELECT 1 FROM users WHERE id = $1 FOR UPDATE").bind::<UuidSql, _>(user).execute(connection)
}

/// Keeps others from changing the group's own properties; adding members goes on.
pub(crate) fn lock_group(connection: &mut PgConnection, group: Key) -> QueryResult<usize> {
    sql_query("SELECT 1 FROM groups WHERE id = $1 FOR NO KEY UPDATE").bind::<UuidSql, _>(group).execute(connection)
}

pub(crate) fn insert_edges(connection: &mut PgConnection, parent: Key, children: Vec<Key>) -> QueryResult<usize> {
    sql_query(
        "INSERT INTO group_children (parent_id, child_id) SELECT $1, child.id FROM unnest($2) AS child (id) \
         ON CONFLICT DO NOTHING",
    )
    .bind::<UuidSql, _>(parent)
    .bind::<Array<UuidSql>, _>(children)
    .execute(connection)
}

pub(crate) fn insert_pairs(connection: &mut PgConnection, parent: Key, children: Vec<Key>) -> QueryResult<usize> {
    sql_query(
        "INSERT INTO group_closure (ancestor_id, descendant_id) \
         SELECT DISTINCT above.ancestor_id, below.descendant_id \
         FROM unnest($1) AS child (id) \
         JOIN group_closure AS below ON below.ancestor_id = child.id, group_closure AS above \
         WHERE above.descendant_id = $2 ON CONFLICT DO NOTHING",
    )
    .bind::<Array<UuidSql>, _>(children)
    .bind::<UuidSql, _>(parent)
    .execute(connection)
}
