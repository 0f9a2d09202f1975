//! SQLite's statements.

mod memberships;
pub(crate) mod memory;

use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use diesel::connection::{AnsiTransactionManager, SimpleConnection};
use diesel::prelude::*;
use diesel::query_builder::QueryFragment;
use diesel::result::Error;
use diesel::sql_types::{BigInt, Binary, Nullable, Text};
use diesel::sqlite::Sqlite;
use guildhall_domain::name::TextKey;
use guildhall_domain::provenance::Provenance;
use guildhall_domain::time::Timestamp;

use super::closure::{NOT_THE_EDGE, ONE_CHILD, lost_pairs};
use super::past::BEGAN;
use super::{Removed, RemovedIds, TransactionMode};
use crate::connection::FileSettings;
use crate::prepared::prepared;
use crate::sql_types::{Key, UuidSql, added_by};
use crate::statement_guard::StatementGuard;

pub(crate) use memberships::{
    change_member_count, change_member_counts, change_users, count_joined, count_new_user, insert_member,
    insert_members, insert_memberships, merge_count_slots, note_memberships, note_renamed, remove_member,
    remove_members, subtract_from_member_counts,
};

/// Sets up a connection, which waits for the locks of others as its settings say. That comes first, because switching to WAL may have
/// to wait; foreign keys are off unless a connection switches them on. The file is not mapped into memory: there, a failing disk or a
/// truncated file would end the process. What is sorted, and what is kept to undo a statement, goes to temporary files once it is large.
///
/// `guard` can end its statements.
pub(crate) fn set_up(
    connection: &mut SqliteConnection,
    settings: FileSettings,
    guard: &Arc<StatementGuard>,
) -> QueryResult<()> {
    let FileSettings { busy_timeout, cache_kibibytes: cache, checkpoint_pages } = settings;
    let timeout = busy_timeout.as_millis();
    connection.batch_execute(&format!(
        "PRAGMA busy_timeout = {timeout}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; \
         PRAGMA temp_store = FILE; PRAGMA cache_size = -{cache}; PRAGMA mmap_size = 0; \
         PRAGMA wal_autocheckpoint = {checkpoint_pages};"
    ))?;
    let guard = Arc::clone(guard);
    guildhall_interrupt_check_utils::register_nondeterministic_impl(connection, move || guard.check())?;
    guildhall_has_word_utils::register_impl(connection, |key: String, word: String| {
        TextKey::stored(key).has_word(&TextKey::stored(word))
    })
}

/// The URL by which SQLite opens the file at this path, and does not create it if it is gone.
pub(crate) fn url(path: &Path) -> String {
    let escape = |character: char| match character {
        '%' => "%25".to_owned(),
        '?' => "%3F".to_owned(),
        '#' => "%23".to_owned(),
        _ => character.to_string(),
    };
    // An absolute path stands after an empty authority, because it might itself start with two slashes.
    let start = if path.is_absolute() { "file://" } else { "file:" };
    format!("{start}{}?mode=rw", path.to_string_lossy().chars().map(escape).collect::<String>())
}

/// Whether another connection has the lock that the statement needs.
pub(crate) fn is_busy(error: &Error) -> bool {
    let Error::DatabaseError(_, information) = error else { return false };
    ["database is locked", "database table is locked"].iter().any(|start| information.message().starts_with(start))
}

#[declare_sql_function]
extern "SQL" {
    /// Whether a text contains a word with neither a letter nor a digit beside it.
    fn guildhall_has_word(key: diesel::sql_types::Text, word: diesel::sql_types::Text) -> diesel::sql_types::Bool;

    /// True, or an error if the statement is to end. Statements that read many rows call it for each row.
    fn guildhall_interrupt_check() -> diesel::sql_types::Bool;
}

/// Begins a transaction. Writers take the write lock at once: a transaction that reads first and takes it later fails if another one
/// writes meanwhile. The guard limits the time of statements.
pub(crate) fn begin(connection: &mut SqliteConnection, mode: TransactionMode, _: Option<Duration>) -> QueryResult<()> {
    let sql = match mode {
        TransactionMode::Read => "BEGIN DEFERRED",
        TransactionMode::Write | TransactionMode::WriteShared | TransactionMode::WriteAlone => "BEGIN IMMEDIATE",
    };
    AnsiTransactionManager::begin_transaction_sql(connection, sql)
}

/// Begins a transaction that writes, unless another one writes. Whether it has begun.
pub(crate) fn begin_if_nobody_writes(connection: &mut SqliteConnection) -> bool {
    let waits = FileSettings::OF_UNITS.busy_timeout.as_millis();
    let begun = connection.batch_execute("PRAGMA busy_timeout = 0").is_ok()
        && AnsiTransactionManager::begin_transaction_sql(connection, "BEGIN IMMEDIATE").is_ok();
    connection.batch_execute(&format!("PRAGMA busy_timeout = {waits}")).is_ok() && begun
}

/// Does nothing: the transaction of the one writer is alone.
#[expect(clippy::unnecessary_wraps, reason = "the same form as in the other dialect")]
pub(crate) fn lock_names(_: &mut SqliteConnection) -> QueryResult<()> {
    Ok(())
}

/// Splits the first parameter into ids of 16 bytes each. A parameter for each id would exceed SQLite's limit.
pub(crate) const REQUESTED_IDS: &str = "WITH RECURSIVE place (at) AS \
     (SELECT 1 UNION ALL SELECT at + 16 FROM place WHERE at + 16 < length($1)), \
     wanted (id) AS (SELECT substr($1, at, 16) FROM place) ";

pub(crate) fn packed(ids: &[Key]) -> Vec<u8> {
    ids.iter().flat_map(|id| *id.0.as_bytes()).collect()
}

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = UuidSql)]
    id: Key,
}

impl Id {
    fn sorted(rows: Vec<Self>) -> Vec<Key> {
        let mut ids: Vec<Key> = rows.into_iter().map(|row| row.id).collect();
        ids.sort_unstable();
        ids
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the same form as in the other dialect")]
pub(crate) fn unknown_users(connection: &mut SqliteConnection, ids: Vec<Key>) -> QueryResult<Vec<Key>> {
    static SQL: LazyLock<String> = LazyLock::new(|| unknown_in("users"));
    unknown(connection, &ids, &SQL)
}

#[expect(clippy::needless_pass_by_value, reason = "the same form as in the other dialect")]
pub(crate) fn unknown_groups(connection: &mut SqliteConnection, ids: Vec<Key>) -> QueryResult<Vec<Key>> {
    static SQL: LazyLock<String> = LazyLock::new(|| unknown_in("groups"));
    unknown(connection, &ids, &SQL)
}

/// A statement that selects those of the requested ids that no row of `table` has.
fn unknown_in(table: &str) -> String {
    format!(
        "{REQUESTED_IDS} SELECT id FROM wanted WHERE NOT EXISTS (SELECT 1 FROM {table} WHERE {table}.id = wanted.id)"
    )
}

fn unknown(connection: &mut SqliteConnection, ids: &[Key], sql: &'static str) -> QueryResult<Vec<Key>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let unknown = prepared(sql).bind::<Binary, _>(packed(ids)).load::<Id>(connection)?;
    Ok(unknown.into_iter().map(|row| row.id).collect())
}

/// Does nothing: statements name the index themselves.
#[expect(clippy::unnecessary_wraps, reason = "the same form as in the other dialect")]
pub(crate) fn force_index_order(_: &mut SqliteConnection, _: bool) -> QueryResult<()> {
    Ok(())
}

/// Does nothing: there is one writer.
#[expect(clippy::unnecessary_wraps, reason = "the same form as in the other dialect")]
pub(crate) fn lock_memberships(_: &mut SqliteConnection, _: Key) -> QueryResult<usize> {
    Ok(0)
}

/// Does nothing: there is one writer.
#[expect(clippy::unnecessary_wraps, reason = "the same form as in the other dialect")]
pub(crate) fn lock_group(_: &mut SqliteConnection, _: Key) -> QueryResult<usize> {
    Ok(0)
}

/// Does nothing: there is one writer.
#[expect(clippy::unnecessary_wraps, reason = "the same form as in the other dialect")]
pub(crate) fn lock_members(_: &mut SqliteConnection, _: Key) -> QueryResult<usize> {
    Ok(0)
}

/// Adds edges with the pairs that they connect, and counts them.
#[expect(clippy::needless_pass_by_value, reason = "the same form as in the other dialect")]
pub(crate) fn insert_children(
    connection: &mut SqliteConnection,
    parent: Key,
    children: Vec<Key>,
    added: Provenance,
) -> QueryResult<Vec<Key>> {
    static EDGES: LazyLock<String> = LazyLock::new(|| {
        format!(
            "{REQUESTED_IDS} INSERT INTO group_children (parent_id, child_id, added, added_by) SELECT $2, id, $3, $4 FROM wanted WHERE true \
             ON CONFLICT DO NOTHING RETURNING child_id AS id"
        )
    });
    static PAIRS: LazyLock<String> = LazyLock::new(|| {
        format!(
            "{REQUESTED_IDS} INSERT INTO group_closure (ancestor_id, descendant_id) \
             SELECT DISTINCT above.ancestor_id, below.descendant_id \
             FROM wanted JOIN group_closure AS below ON below.ancestor_id = wanted.id, group_closure AS above \
             WHERE above.descendant_id = $2 ON CONFLICT DO NOTHING"
        )
    });
    if children.is_empty() {
        return Ok(Vec::new());
    }
    let children = packed(&children);
    let statement = |sql: &'static str| prepared(sql).bind::<Binary, _>(&children).bind::<UuidSql, _>(parent);
    let new = statement(&EDGES)
        .bind::<BigInt, _>(added.at.milliseconds())
        .bind::<Nullable<UuidSql>, _>(added_by(added))
        .load(connection)?;
    if !new.is_empty() {
        statement(&PAIRS).execute(connection)?;
        count_children(connection, parent, i64::try_from(new.len()).unwrap_or(i64::MAX))?;
    }
    Ok(Id::sorted(new))
}

/// Removes an edge with its dates and the pairs that only it connected, counts it and keeps it for the past.
pub(crate) fn remove_child(
    connection: &mut SqliteConnection,
    parent: Key,
    child: Key,
    at: Timestamp,
) -> QueryResult<Removed> {
    static PAIRS: LazyLock<String> = LazyLock::new(|| {
        let lost = lost_pairs(ONE_CHILD, NOT_THE_EDGE);
        format!("DELETE FROM group_closure WHERE (ancestor_id, descendant_id) IN ({lost})")
    });
    static PAST: LazyLock<String> = LazyLock::new(|| {
        format!(
            "INSERT OR IGNORE INTO past_edges (parent_id, child_id, began, ended) SELECT parent_id, child_id, {BEGAN}, $3 \
             FROM group_children WHERE parent_id = $1 AND child_id = $2 AND {BEGAN} < $3"
        )
    });
    let of_both = |sql: &'static str| prepared(sql).bind::<UuidSql, _>(parent).bind::<UuidSql, _>(child);
    of_both(&PAST).bind::<BigInt, _>(at.milliseconds()).execute(connection)?;
    let present = of_both("DELETE FROM group_children WHERE parent_id = $1 AND child_id = $2").execute(connection)?;
    let dated = of_both("DELETE FROM membership_dates WHERE group_id = $1 AND child_id = $2").execute(connection)?;
    if present > 0 {
        of_both(&PAIRS).execute(connection)?;
        count_children(connection, parent, -1)?;
    }
    Ok(Removed { present, scheduled: if present == 0 { dated } else { 0 } })
}

/// Removes the edges to those of `children` that are children of the group, with their dates and the pairs that only they connected, counts them and keeps them for the past.
#[expect(clippy::needless_pass_by_value, reason = "the same form as in the other dialect")]
pub(crate) fn remove_children(
    connection: &mut SqliteConnection,
    parent: Key,
    children: Vec<Key>,
    at: Timestamp,
) -> QueryResult<RemovedIds> {
    static PAIRS: LazyLock<String> = LazyLock::new(|| {
        let ended =
            "IN (SELECT child_id FROM group_children WHERE parent_id = $1 AND child_id IN (SELECT id FROM wanted))";
        let lost = lost_pairs(ended, "(edge.parent_id <> $1 OR edge.child_id NOT IN (SELECT id FROM wanted))");
        let requested = REQUESTED_IDS.replace("$1", "$2");
        format!("{requested} DELETE FROM group_closure WHERE (ancestor_id, descendant_id) IN ({lost})")
    });
    static EDGES: LazyLock<String> = LazyLock::new(|| {
        let requested = REQUESTED_IDS.replace("$1", "$2");
        format!(
            "{requested} DELETE FROM group_children WHERE parent_id = $1 AND child_id IN (SELECT id FROM wanted) RETURNING child_id AS id"
        )
    });
    static PAST: LazyLock<String> = LazyLock::new(|| {
        let requested = REQUESTED_IDS.replace("$1", "$2");
        format!(
            "{requested} INSERT OR IGNORE INTO past_edges (parent_id, child_id, began, ended) SELECT parent_id, child_id, {BEGAN}, $3 \
             FROM group_children WHERE parent_id = $1 AND child_id IN (SELECT id FROM wanted) AND {BEGAN} < $3"
        )
    });
    static DATES: LazyLock<String> = LazyLock::new(|| {
        let requested = REQUESTED_IDS.replace("$1", "$2");
        format!(
            "{requested} DELETE FROM membership_dates WHERE group_id = $1 AND child_id IN (SELECT id FROM wanted) \
             RETURNING EXISTS (SELECT 1 FROM group_children e WHERE e.parent_id = membership_dates.group_id \
             AND e.child_id = membership_dates.child_id) AS is_present, child_id AS id"
        )
    });
    if children.is_empty() {
        return Ok(RemovedIds::default());
    }
    let children = packed(&children);
    let statement = |sql: &'static str| prepared(sql).bind::<UuidSql, _>(parent).bind::<Binary, _>(&children);
    let dated: Vec<memberships::Dated> = statement(&DATES).load(connection)?;
    statement(&PAIRS).execute(connection)?;
    statement(&PAST).bind::<BigInt, _>(at.milliseconds()).execute(connection)?;
    let present: Vec<Id> = statement(&EDGES).load(connection)?;
    if !present.is_empty() {
        count_children(connection, parent, -i64::try_from(present.len()).unwrap_or(i64::MAX))?;
    }
    Ok(RemovedIds { present: Id::sorted(present), scheduled: memberships::Dated::scheduled(dated) })
}

fn count_children(connection: &mut SqliteConnection, parent: Key, change: i64) -> QueryResult<()> {
    prepared("UPDATE groups SET child_group_count = child_group_count + $1 WHERE id = $2")
        .bind::<BigInt, _>(change)
        .bind::<UuidSql, _>(parent)
        .execute(connection)?;
    note_memberships().execute(connection)?;
    Ok(())
}

/// Deletes all email domains of a group.
pub(crate) fn delete_domains(group: Key, _: &[&str]) -> impl QueryFragment<Sqlite> {
    prepared("DELETE FROM group_email_domains WHERE group_id = $1").bind::<UuidSql, _>(group)
}

pub(crate) fn insert_domains(group: Key, domains: &[&str]) -> impl QueryFragment<Sqlite> {
    prepared("INSERT INTO group_email_domains (group_id, domain) SELECT $1, value FROM json_each($2) WHERE true ON CONFLICT DO NOTHING")
        .bind::<UuidSql, _>(group)
        .bind::<Text, _>(serde_json::Value::from(domains.to_vec()).to_string())
}
