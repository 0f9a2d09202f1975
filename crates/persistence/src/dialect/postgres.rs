//! PostgreSQL's statements.

mod children;
mod counts;
mod memberships;

use std::sync::LazyLock;
use std::time::Duration;

use diesel::connection::{AnsiTransactionManager, SimpleConnection};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::QueryFragment;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Text};

use super::TransactionMode;
use super::scheduled::TARGETS_POSTGRES;
use crate::connection::SessionSettings;
use crate::prepared::prepared;
use crate::sql_types::{Key, UuidSql};

pub(crate) use children::{insert_children, remove_child, remove_children};
pub(crate) use counts::{
    change_member_count, change_member_counts, change_users, count_joined, count_new_user, merge_count_slots,
    note_memberships, note_renamed, subtract_from_member_counts,
};
pub(crate) use memberships::{insert_member, insert_members, insert_memberships, remove_member, remove_members};

/// The advisory lock of transactions that write alone, and of those that share it.
const WRITE_ALONE_LOCK: i64 = 7_164_780_301;
/// The advisory lock of a process that migrates.
const MIGRATION_LOCK: i64 = 7_164_780_302;

/// The advisory lock of transactions that number events.
const NUMBERING_LOCK: i64 = 7_164_780_303;

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

#[derive(QueryableByName)]
struct Lock {
    #[diesel(sql_type = Bool)]
    is_had: bool,
}

/// Takes an advisory lock until the transaction ends, unless another transaction has it. Returns whether it was taken.
pub(crate) fn try_lock(connection: &mut PgConnection, number: i64) -> QueryResult<bool> {
    let question = prepared("SELECT pg_try_advisory_xact_lock($1) AS is_had").bind::<BigInt, _>(number);
    Ok(question.get_result::<Lock>(connection)?.is_had)
}

/// Waits until no other process migrates. The lock is released when the transaction ends.
pub(crate) fn lock_migrations(connection: &mut PgConnection) -> QueryResult<()> {
    connection.batch_execute(&format!("SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"))
}

/// Waits until no other transaction numbers events. No transaction that changes anything else takes this lock.
pub(crate) fn lock_numbering(connection: &mut PgConnection) -> QueryResult<()> {
    prepared("SELECT pg_advisory_xact_lock($1) IS NULL AS is_had")
        .bind::<BigInt, _>(NUMBERING_LOCK)
        .get_result::<Lock>(connection)
        .map(drop)
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

macro_rules! unknown {
    ($table:literal) => {
        concat!(
            "SELECT wanted.id FROM unnest($1) AS wanted (id) WHERE NOT EXISTS (SELECT 1 FROM ",
            $table,
            " present WHERE present.id = wanted.id)"
        )
    };
}

pub(crate) fn unknown_users(connection: &mut PgConnection, ids: Vec<Key>) -> QueryResult<Vec<Key>> {
    unknown(connection, ids, unknown!("users"))
}

pub(crate) fn unknown_groups(connection: &mut PgConnection, ids: Vec<Key>) -> QueryResult<Vec<Key>> {
    unknown(connection, ids, unknown!("groups"))
}

/// A group that does not exist, or that is a certain group or above it, now or later.
#[derive(QueryableByName)]
pub(crate) struct UnknownOrAbove {
    #[diesel(sql_type = UuidSql)]
    pub(crate) id: Key,
    #[diesel(sql_type = Bool)]
    pub(crate) is_above: bool,
}

/// Those of `groups` that do not exist, and those that are `parent` or above it, now or later.
pub(crate) fn unknown_or_above(
    connection: &mut PgConnection,
    parent: Key,
    groups: Vec<Key>,
) -> QueryResult<Vec<UnknownOrAbove>> {
    static SQL: LazyLock<String> = LazyLock::new(|| {
        format!(
            "WITH RECURSIVE targets (id) AS (SELECT CAST($1 AS uuid){TARGETS_POSTGRES}, \
             above AS (SELECT DISTINCT c.ancestor_id AS id FROM targets JOIN group_closure c ON c.descendant_id = targets.id) \
             SELECT wanted.id, above.id IS NOT NULL AS is_above FROM unnest($2) AS wanted (id) \
             LEFT JOIN above ON above.id = wanted.id \
             WHERE above.id IS NOT NULL OR NOT EXISTS (SELECT 1 FROM groups present WHERE present.id = wanted.id)"
        )
    });
    prepared(&SQL).bind::<UuidSql, _>(parent).bind::<Array<UuidSql>, _>(groups).load(connection)
}

fn unknown(connection: &mut PgConnection, ids: Vec<Key>, sql: &'static str) -> QueryResult<Vec<Key>> {
    let unknown = prepared(sql).bind::<Array<UuidSql>, _>(ids).load::<Id>(connection)?;
    Ok(unknown.into_iter().map(|row| row.id).collect())
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
    prepared(sql).execute(connection).map(drop)
}

/// Locks the user against changes and against further memberships, and waits for transactions that add one.
pub(crate) fn lock_memberships(connection: &mut PgConnection, user: Key) -> QueryResult<usize> {
    prepared("SELECT 1 FROM users WHERE id = $1 FOR UPDATE").bind::<UuidSql, _>(user).execute(connection)
}

/// Locks the group's own properties against changes. Others can still add members.
pub(crate) fn lock_group(connection: &mut PgConnection, group: Key) -> QueryResult<usize> {
    prepared("SELECT 1 FROM groups WHERE id = $1 FOR NO KEY UPDATE").bind::<UuidSql, _>(group).execute(connection)
}

/// Locks the group against further memberships and edges, and waits for transactions that add one.
pub(crate) fn lock_members(connection: &mut PgConnection, group: Key) -> QueryResult<usize> {
    prepared("SELECT 1 FROM groups WHERE id = $1 FOR UPDATE").bind::<UuidSql, _>(group).execute(connection)
}

/// Deletes the email domains of a group that are not among `kept`, if the first part of the statement changed the group.
pub(crate) fn delete_domains(group: Key, kept: &[&str]) -> impl QueryFragment<Pg> {
    prepared("DELETE FROM group_email_domains WHERE group_id = $1 AND domain <> ALL ($2) AND EXISTS (SELECT 1 FROM c0)")
        .bind::<UuidSql, _>(group)
        .bind::<Array<Text>, _>(texts(kept))
}

/// Adds email domains of a group, if the first part of the statement changed or added the group.
pub(crate) fn insert_domains(group: Key, domains: &[&str]) -> impl QueryFragment<Pg> {
    prepared(
        "INSERT INTO group_email_domains (group_id, domain) SELECT $1, wanted.domain FROM unnest($2) AS wanted (domain) \
         WHERE EXISTS (SELECT 1 FROM c0) ON CONFLICT DO NOTHING",
    )
    .bind::<UuidSql, _>(group)
    .bind::<Array<Text>, _>(texts(domains))
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}
