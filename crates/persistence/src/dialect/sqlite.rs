//! SQLite's statements.

use std::sync::Arc;
use std::time::Duration;

use diesel::connection::{AnsiTransactionManager, SimpleConnection};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Binary};
use guildhall_domain::name::TextKey;

use super::Turn;
use crate::sql_types::{Key, UuidSql};
use crate::statement_guard::StatementGuard;

/// Settings of a connection. The wait comes first, since switching to WAL may itself have to wait; foreign keys are off
/// unless a connection asks for them. The file is read through the system's memory, of which all connections share one copy.
///
/// Its statements go on as long as `guard` says so.
pub(crate) fn set_up(connection: &mut SqliteConnection, guard: &Arc<StatementGuard>) -> QueryResult<()> {
    connection.batch_execute(
        "PRAGMA busy_timeout = 30000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; \
         PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16000; \
         PRAGMA mmap_size = 2147418112;",
    )?;
    let guard = Arc::clone(guard);
    guildhall_goes_on_utils::register_nondeterministic_impl(connection, move || guard.verdict())?;
    guildhall_has_word_utils::register_impl(connection, |key: String, word: String| {
        TextKey::stored(key).has_word(&TextKey::stored(word))
    })
}

#[declare_sql_function]
extern "SQL" {
    /// Whether a word stands in a text with neither letters nor numbers around it.
    fn guildhall_has_word(key: diesel::sql_types::Text, word: diesel::sql_types::Text) -> diesel::sql_types::Bool;

    /// True, or an error where the statement is to end. A statement that looks at many rows asks for each.
    fn guildhall_goes_on() -> diesel::sql_types::Bool;
}

/// A transaction that reads first and asks for the write lock later is refused at once when another writes: every write
/// asks for it as it begins. Limits of time are the guard's business.
pub(crate) fn begin(connection: &mut SqliteConnection, turn: Turn, _: Option<Duration>) -> QueryResult<()> {
    let sql = match turn {
        Turn::Reading => "BEGIN DEFERRED",
        Turn::Writing | Turn::Alone => "BEGIN IMMEDIATE",
    };
    AnsiTransactionManager::begin_transaction_sql(connection, sql)
}

/// The ids of one parameter: 16 bytes each, one after the other. A parameter per id would run into SQLite's limit.
const WANTED: &str = "WITH RECURSIVE place (at) AS \
     (SELECT 1 UNION ALL SELECT at + 16 FROM place WHERE at + 16 < length($1)), \
     wanted (id) AS (SELECT substr($1, at, 16) FROM place) ";

fn packed(ids: &[Key]) -> Vec<u8> {
    ids.iter().flat_map(|id| *id.0.as_bytes()).collect()
}

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = UuidSql)]
    id: Key,
}

#[expect(clippy::needless_pass_by_value, reason = "the same form as in the other dialect")]
pub(crate) fn unknown_users(connection: &mut SqliteConnection, ids: Vec<Key>) -> QueryResult<Vec<Key>> {
    unknown(connection, &ids, "users")
}

#[expect(clippy::needless_pass_by_value, reason = "the same form as in the other dialect")]
pub(crate) fn unknown_groups(connection: &mut SqliteConnection, ids: Vec<Key>) -> QueryResult<Vec<Key>> {
    unknown(connection, &ids, "groups")
}

fn unknown(connection: &mut SqliteConnection, ids: &[Key], table: &'static str) -> QueryResult<Vec<Key>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let unknown = sql_query(format!(
        "{WANTED} SELECT id FROM wanted WHERE NOT EXISTS (SELECT 1 FROM {table} WHERE {table}.id = wanted.id)"
    ))
    .bind::<Binary, _>(packed(ids))
    .load::<Id>(connection)?;
    Ok(unknown.into_iter().map(|row| row.id).collect())
}

#[expect(clippy::needless_pass_by_value, reason = "the same form as in the other dialect")]
pub(crate) fn insert_members(
    connection: &mut SqliteConnection,
    group: Key,
    users: Vec<Key>,
    added: i64,
) -> QueryResult<usize> {
    if users.is_empty() {
        return Ok(0);
    }
    sql_query(format!(
        "{WANTED} INSERT INTO group_users (group_id, user_id, added) SELECT $2, id, $3 FROM wanted WHERE true \
         ON CONFLICT DO NOTHING"
    ))
    .bind::<Binary, _>(packed(&users))
    .bind::<UuidSql, _>(group)
    .bind::<BigInt, _>(added)
    .execute(connection)
}

/// One slot: there is one writer.
pub(crate) fn change_user_count(connection: &mut SqliteConnection, group: Key, change: i64) -> QueryResult<usize> {
    sql_query(
        "INSERT INTO group_user_counts (group_id, slot, users, changes) VALUES ($1, 0, $2, abs($2)) \
         ON CONFLICT (group_id, slot) DO UPDATE SET users = group_user_counts.users + excluded.users, \
         changes = group_user_counts.changes + excluded.changes",
    )
    .bind::<UuidSql, _>(group)
    .bind::<BigInt, _>(change)
    .execute(connection)
}

/// Takes the user out of the count of each of their groups.
pub(crate) fn uncount_user(connection: &mut SqliteConnection, user: Key) -> QueryResult<usize> {
    sql_query(
        "INSERT INTO group_user_counts (group_id, slot, users, changes) \
         SELECT group_id, 0, -1, 1 FROM group_users WHERE user_id = $1 \
         ON CONFLICT (group_id, slot) DO UPDATE SET users = group_user_counts.users + excluded.users, \
         changes = group_user_counts.changes + excluded.changes",
    )
    .bind::<UuidSql, _>(user)
    .execute(connection)
}

/// Nothing to do: there is one slot.
#[expect(clippy::unnecessary_wraps, reason = "the same form as in the other dialect")]
pub(crate) fn gather_counts(_: &mut SqliteConnection) -> QueryResult<usize> {
    Ok(0)
}

/// So many users more, and a change of who they are or what they are called. One slot: there is one writer.
pub(crate) fn change_users(connection: &mut SqliteConnection, users: i64) -> QueryResult<usize> {
    sql_query(
        "INSERT INTO user_counts (slot, users, changes) VALUES (0, $1, 1) \
         ON CONFLICT (slot) DO UPDATE SET users = user_counts.users + excluded.users, changes = user_counts.changes + 1",
    )
    .bind::<BigInt, _>(users)
    .execute(connection)
}

/// A change of who belongs to which group.
pub(crate) fn note_memberships(connection: &mut SqliteConnection) -> QueryResult<usize> {
    sql_query(
        "INSERT INTO user_counts (slot, users, changes, memberships) VALUES (0, 0, 0, 1) \
         ON CONFLICT (slot) DO UPDATE SET memberships = user_counts.memberships + 1",
    )
    .execute(connection)
}

/// A change in each of the user's groups.
pub(crate) fn note_renamed(connection: &mut SqliteConnection, user: Key) -> QueryResult<usize> {
    sql_query(
        "INSERT INTO group_user_counts (group_id, slot, users, changes) \
         SELECT group_id, 0, 0, 1 FROM group_users WHERE user_id = $1 \
         ON CONFLICT (group_id, slot) DO UPDATE SET changes = group_user_counts.changes + excluded.changes",
    )
    .bind::<UuidSql, _>(user)
    .execute(connection)
}

/// Nothing to do: statements name the index themselves.
#[expect(clippy::unnecessary_wraps, reason = "the same form as in the other dialect")]
pub(crate) fn force_index_order(_: &mut SqliteConnection, _: bool) -> QueryResult<()> {
    Ok(())
}

/// Nothing to do: whoever writes is alone.
#[expect(clippy::unnecessary_wraps, reason = "the same form as in the other dialect")]
pub(crate) fn lock_user(_: &mut SqliteConnection, _: Key) -> QueryResult<usize> {
    Ok(0)
}

/// Nothing to do: whoever writes is alone.
#[expect(clippy::unnecessary_wraps, reason = "the same form as in the other dialect")]
pub(crate) fn lock_unknown_name(_: &mut SqliteConnection, _: i32) -> QueryResult<usize> {
    Ok(0)
}

/// Nothing to do: whoever writes is alone.
#[expect(clippy::unnecessary_wraps, reason = "the same form as in the other dialect")]
pub(crate) fn lock_memberships(_: &mut SqliteConnection, _: Key) -> QueryResult<usize> {
    Ok(0)
}

/// Nothing to do: whoever writes is alone.
#[expect(clippy::unnecessary_wraps, reason = "the same form as in the other dialect")]
pub(crate) fn lock_group(_: &mut SqliteConnection, _: Key) -> QueryResult<usize> {
    Ok(0)
}

#[expect(clippy::needless_pass_by_value, reason = "the same form as in the other dialect")]
pub(crate) fn insert_edges(connection: &mut SqliteConnection, parent: Key, children: Vec<Key>) -> QueryResult<usize> {
    if children.is_empty() {
        return Ok(0);
    }
    sql_query(format!(
        "{WANTED} INSERT INTO group_children (parent_id, child_id) SELECT $2, id FROM wanted WHERE true \
         ON CONFLICT DO NOTHING"
    ))
    .bind::<Binary, _>(packed(&children))
    .bind::<UuidSql, _>(parent)
    .execute(connection)
}

#[expect(clippy::needless_pass_by_value, reason = "the same form as in the other dialect")]
pub(crate) fn insert_pairs(connection: &mut SqliteConnection, parent: Key, children: Vec<Key>) -> QueryResult<usize> {
    if children.is_empty() {
        return Ok(0);
    }
    sql_query(format!(
        "{WANTED} INSERT INTO group_closure (ancestor_id, descendant_id) \
         SELECT DISTINCT above.ancestor_id, below.descendant_id \
         FROM wanted JOIN group_closure AS below ON below.ancestor_id = wanted.id, group_closure AS above \
         WHERE above.descendant_id = $2 ON CONFLICT DO NOTHING"
    ))
    .bind::<Binary, _>(packed(&children))
    .bind::<UuidSql, _>(parent)
    .execute(connection)
}
