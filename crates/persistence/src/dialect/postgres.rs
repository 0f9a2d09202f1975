//! PostgreSQL's statements.

use std::sync::LazyLock;
use std::time::Duration;

use diesel::connection::{AnsiTransactionManager, SimpleConnection};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Integer};

use super::TransactionMode;
use crate::connection::SessionSettings;
use crate::prepared::prepared;
use crate::sql_types::{Key, UuidSql};

/// How many slots of counters connections write to, beside the first one.
const COUNT_SLOTS: i32 = 64;
/// The advisory lock of transactions that write alone, and of those that share it.
const WRITE_ALONE_LOCK: i64 = 7_164_780_301;
/// The advisory lock of a process that migrates.
const MIGRATION_LOCK: i64 = 7_164_780_302;

/// The settings of every transaction.
const SETTINGS: &str = "SET LOCAL jit = off; SET LOCAL max_parallel_workers_per_gather = 0";

/// The further settings of transactions that write.
const WRITERS_SETTINGS: &str = "SET LOCAL statement_timeout TO DEFAULT";

#[derive(QueryableByName)]
struct Process {
    #[diesel(sql_type = Integer)]
    process: i32,
}

/// The id of the process of PostgreSQL that serves the connection.
pub(crate) fn process(connection: &mut PgConnection) -> QueryResult<i32> {
    Ok(sql_query("SELECT pg_backend_pid() AS process").get_result::<Process>(connection)?.process)
}

/// Sets the session up, for statements outside transactions: like those of a transaction that reads.
pub(crate) fn set_up(connection: &mut PgConnection, settings: &SessionSettings) -> QueryResult<()> {
    let limit = milliseconds(settings.limit);
    connection.batch_execute(&format!(
        "SET jit = off; SET max_parallel_workers_per_gather = 0; SET statement_timeout = {limit}"
    ))
}

/// A limit as PostgreSQL takes it, where 0 is none.
fn milliseconds(limit: Option<Duration>) -> u128 {
    limit.map_or(0, |limit| limit.as_millis())
}

/// Cancels the statement that the process of another connection runs, if it runs one.
pub(crate) fn cancel(connection: &mut PgConnection, process: i32) -> QueryResult<()> {
    sql_query("SELECT pg_cancel_backend($1)").bind::<Integer, _>(process).execute(connection).map(drop)
}

/// Begins a transaction.
///
/// Writers are READ COMMITTED, so that they see what was committed while they waited for the advisory lock. A snapshot from before
/// the wait would bring back the race that the lock is to prevent.
///
/// For readers, `limit` is the most time of each statement. For writers, whose bulk changes may take long, it is the most time of each
/// wait for a lock.
///
/// Statements are not compiled, because they are short. They do not use parallel workers, which would take the processors from other
/// statements. All settings are set by the statement that begins the transaction, and end with it: behind a proxy that pools
/// transactions, those of a session would stay with a connection that others use next. The limit of a session ([`set_up`]) is not that
/// of writers, who have the one that the database has for its user.
pub(crate) fn begin(connection: &mut PgConnection, mode: TransactionMode, limit: Option<Duration>) -> QueryResult<()> {
    let limit = milliseconds(limit);
    let sql = match mode {
        TransactionMode::Read => {
            format!(
                "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {SETTINGS}; SET LOCAL statement_timeout = {limit}"
            )
        }
        TransactionMode::Write => {
            format!(
                "BEGIN ISOLATION LEVEL READ COMMITTED; {SETTINGS}; {WRITERS_SETTINGS}; SET LOCAL lock_timeout = {limit}"
            )
        }
        TransactionMode::WriteShared => format!(
            "BEGIN ISOLATION LEVEL READ COMMITTED; {SETTINGS}; {WRITERS_SETTINGS}; SET LOCAL lock_timeout = {limit}; \
             SELECT pg_advisory_xact_lock_shared({WRITE_ALONE_LOCK})"
        ),
        TransactionMode::WriteAlone => format!(
            "BEGIN ISOLATION LEVEL READ COMMITTED; {SETTINGS}; {WRITERS_SETTINGS}; SET LOCAL lock_timeout = {limit}; \
             SELECT pg_advisory_xact_lock({WRITE_ALONE_LOCK})"
        ),
    };
    AnsiTransactionManager::begin_transaction_sql(connection, &sql)
}

/// Waits until no other process migrates. The lock is released when the transaction ends.
pub(crate) fn lock_migrations(connection: &mut PgConnection) -> QueryResult<()> {
    connection.batch_execute(&format!("SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"))
}

/// Keeps other transactions from changing users and groups until this one ends. They may still be read.
pub(crate) fn lock_names(connection: &mut PgConnection) -> QueryResult<()> {
    connection.batch_execute(
        "LOCK TABLE users, user_identifiers, user_search, groups, group_email_domains IN SHARE ROW EXCLUSIVE MODE",
    )
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

/// Counts a change of memberships of one group by `new`, a row of which is a membership that came or went. The slots are chosen like
/// those of [`change_member_count`] and [`note_memberships`]: the first slot is locked only if there is something to count.
fn counting(new: &str, change: i32) -> String {
    format!(
        "WITH new AS ({new} RETURNING group_id), \
         free AS (SELECT 1 FROM new JOIN group_user_counts n ON n.group_id = new.group_id WHERE n.slot = 0 \
             FOR NO KEY UPDATE OF n SKIP LOCKED), \
         counted AS (INSERT INTO group_user_counts (group_id, slot, users, changes) \
             SELECT group_id, CASE WHEN EXISTS (SELECT 1 FROM free) THEN 0 ELSE 1 + pg_backend_pid() % {COUNT_SLOTS} END, {change}, 1 \
             FROM new ON CONFLICT (group_id, slot) DO UPDATE SET users = group_user_counts.users + excluded.users, \
             changes = group_user_counts.changes + excluded.changes RETURNING 1), \
         noted AS (INSERT INTO user_counts (slot, users, changes, memberships) \
             SELECT pg_backend_pid() % {COUNT_SLOTS}, 0, 0, 1 FROM counted \
             ON CONFLICT (slot) DO UPDATE SET memberships = user_counts.memberships + 1 RETURNING 1) \
         SELECT count(*) AS count FROM noted"
    )
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

impl Count {
    fn rows(self) -> usize {
        usize::try_from(self.count).unwrap_or_default()
    }
}

/// Inserts one membership and counts it: one round trip.
pub(crate) fn insert_member(connection: &mut PgConnection, group: Key, user: Key, added: i64) -> QueryResult<usize> {
    static SQL: LazyLock<String> = LazyLock::new(|| {
        counting("INSERT INTO group_users (group_id, user_id, added) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", 1)
    });
    let statement = prepared(&SQL).bind::<UuidSql, _>(group).bind::<UuidSql, _>(user).bind::<BigInt, _>(added);
    Ok(statement.get_result::<Count>(connection)?.rows())
}

/// Deletes one membership and counts it: one round trip.
pub(crate) fn remove_member(connection: &mut PgConnection, group: Key, user: Key) -> QueryResult<usize> {
    static SQL: LazyLock<String> =
        LazyLock::new(|| counting("DELETE FROM group_users WHERE group_id = $1 AND user_id = $2", -1));
    let statement = prepared(&SQL).bind::<UuidSql, _>(group).bind::<UuidSql, _>(user);
    Ok(statement.get_result::<Count>(connection)?.rows())
}

/// Inserts in the order of the ids, so that two transactions that add the same users do not deadlock.
pub(crate) fn insert_members(
    connection: &mut PgConnection,
    group: Key,
    users: Vec<Key>,
    added: i64,
) -> QueryResult<usize> {
    prepared(
        "INSERT INTO group_users (group_id, user_id, added) \
         SELECT $1, wanted.id, $2 FROM unnest($3) WITH ORDINALITY AS wanted (id, place) ORDER BY wanted.place \
         ON CONFLICT DO NOTHING",
    )
    .bind::<UuidSql, _>(group)
    .bind::<BigInt, _>(added)
    .bind::<Array<UuidSql>, _>(users)
    .execute(connection)
}

/// Changes the count in the first slot, or in the connection's own slot while another transaction has locked the first one. So
/// transactions that add to the same group at the same time change different rows.
pub(crate) fn change_member_count(connection: &mut PgConnection, group: Key, change: i64) -> QueryResult<usize> {
    static SQL: LazyLock<String> = LazyLock::new(|| {
        format!(
            "WITH free AS (SELECT 1 FROM group_user_counts WHERE group_id = $1 AND slot = 0 FOR NO KEY UPDATE SKIP LOCKED) \
         INSERT INTO group_user_counts (group_id, slot, users, changes) \
         SELECT $1, CASE WHEN EXISTS (SELECT 1 FROM free) THEN 0 ELSE 1 + pg_backend_pid() % {COUNT_SLOTS} END, $2, abs($2) \
         ON CONFLICT (group_id, slot) DO UPDATE SET users = group_user_counts.users + excluded.users, \
         changes = group_user_counts.changes + excluded.changes",
        )
    });
    prepared(&SQL).bind::<UuidSql, _>(group).bind::<BigInt, _>(change).execute(connection)
}

/// Subtracts the user from the member count of each of their groups.
pub(crate) fn subtract_from_member_counts(connection: &mut PgConnection, user: Key) -> QueryResult<usize> {
    change_counts(connection, user, -1)
}

/// Adds `users` to the member count of each group of the user, and counts a change. In the order of the groups' ids, so that two
/// such transactions do not deadlock.
fn change_counts(connection: &mut PgConnection, user: Key, users: i64) -> QueryResult<usize> {
    static SQL: LazyLock<String> = LazyLock::new(|| {
        format!(
            "WITH free AS (SELECT n.group_id FROM group_user_counts n WHERE n.slot = 0 \
             AND n.group_id IN (SELECT m.group_id FROM group_users m WHERE m.user_id = $1) \
             ORDER BY n.group_id FOR NO KEY UPDATE OF n SKIP LOCKED) \
         INSERT INTO group_user_counts (group_id, slot, users, changes) \
         SELECT m.group_id, CASE WHEN m.group_id IN (SELECT group_id FROM free) THEN 0 ELSE 1 + pg_backend_pid() % {COUNT_SLOTS} END, \
             $2, 1 \
         FROM group_users m WHERE m.user_id = $1 ORDER BY m.group_id \
         ON CONFLICT (group_id, slot) DO UPDATE SET users = group_user_counts.users + excluded.users, \
         changes = group_user_counts.changes + excluded.changes",
        )
    });
    prepared(&SQL).bind::<UuidSql, _>(user).bind::<BigInt, _>(users).execute(connection)
}

/// Moves the counts of all slots to the first slot, except where another transaction has locked it.
pub(crate) fn merge_count_slots(connection: &mut PgConnection) -> QueryResult<usize> {
    prepared(
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

/// Adds `users` to the number of all users, and counts a change of who they are or of their names.
pub(crate) fn change_users(connection: &mut PgConnection, users: i64) -> QueryResult<usize> {
    static SQL: LazyLock<String> = LazyLock::new(|| {
        format!(
            "INSERT INTO user_counts (slot, users, changes) VALUES (pg_backend_pid() % {COUNT_SLOTS}, $1, 1) \
         ON CONFLICT (slot) DO UPDATE SET users = user_counts.users + excluded.users, changes = user_counts.changes + 1",
        )
    });
    prepared(&SQL).bind::<BigInt, _>(users).execute(connection)
}

/// Counts a change of memberships or of edges between groups.
pub(crate) fn note_memberships(connection: &mut PgConnection) -> QueryResult<usize> {
    static SQL: LazyLock<String> = LazyLock::new(|| {
        format!(
            "INSERT INTO user_counts (slot, users, changes, memberships) VALUES (pg_backend_pid() % {COUNT_SLOTS}, 0, 0, 1) \
         ON CONFLICT (slot) DO UPDATE SET memberships = user_counts.memberships + 1",
        )
    });
    prepared(&SQL).execute(connection)
}

/// Counts a change in each group of the user: the username of a member changed.
pub(crate) fn note_renamed(connection: &mut PgConnection, user: Key) -> QueryResult<usize> {
    change_counts(connection, user, 0)
}

/// Restricts the planner to index scans with nested loops, until it is switched off or the transaction ends.
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

/// Locks the user against changes. Others can still add memberships of the user.
pub(crate) fn lock_user(connection: &mut PgConnection, user: Key) -> QueryResult<usize> {
    prepared("SELECT 1 FROM users WHERE id = $1 FOR NO KEY UPDATE").bind::<UuidSql, _>(user).execute(connection)
}

/// The first key of the advisory locks of names that no user has.
const UNKNOWN_NAME_LOCKS: i32 = 7164;

/// Locks the slot of a name that no user has. It is an advisory lock, because there may be no row yet.
pub(crate) fn lock_unknown_name(connection: &mut PgConnection, slot: i32) -> QueryResult<usize> {
    prepared("SELECT pg_advisory_xact_lock($1, $2)")
        .bind::<Integer, _>(UNKNOWN_NAME_LOCKS)
        .bind::<Integer, _>(slot)
        .execute(connection)
}

/// Locks the user against changes and against further memberships, and waits for transactions that add one.
pub(crate) fn lock_memberships(connection: &mut PgConnection, user: Key) -> QueryResult<usize> {
    prepared("SELECT 1 FROM users WHERE id = $1 FOR UPDATE").bind::<UuidSql, _>(user).execute(connection)
}

/// Locks the group's own properties against changes. Others can still add members.
pub(crate) fn lock_group(connection: &mut PgConnection, group: Key) -> QueryResult<usize> {
    prepared("SELECT 1 FROM groups WHERE id = $1 FOR NO KEY UPDATE").bind::<UuidSql, _>(group).execute(connection)
}

pub(crate) fn insert_children(connection: &mut PgConnection, parent: Key, children: Vec<Key>) -> QueryResult<usize> {
    prepared(
        "INSERT INTO group_children (parent_id, child_id) SELECT $1, child.id FROM unnest($2) AS child (id) \
         ON CONFLICT DO NOTHING",
    )
    .bind::<UuidSql, _>(parent)
    .bind::<Array<UuidSql>, _>(children)
    .execute(connection)
}

pub(crate) fn insert_closure_pairs(
    connection: &mut PgConnection,
    parent: Key,
    children: Vec<Key>,
) -> QueryResult<usize> {
    prepared(
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
