//! SQLite's statements about memberships and counters.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use diesel::prelude::*;
use diesel::query_builder::{QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Binary, Bool, Nullable, Text};
use diesel::sqlite::Sqlite;
use guildhall_domain::provenance::Provenance;
use guildhall_domain::time::Timestamp;

use super::{Id, REQUESTED_IDS, packed};
use crate::dialect::{Removed, RemovedIds};
use crate::prepared::prepared;
use crate::sql_types::{Key, UuidSql, added_by};
use crate::tables::Announced;

/// Inserts one membership and counts it.
pub(crate) fn insert_member(
    connection: &mut SqliteConnection,
    group: Key,
    user: Key,
    added: Provenance,
    _: Option<&Announced>,
) -> QueryResult<usize> {
    let new = prepared(
        "INSERT INTO group_users (group_id, user_id, added, added_by) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
    )
    .bind::<UuidSql, _>(group)
    .bind::<UuidSql, _>(user)
    .bind::<BigInt, _>(added.at.milliseconds())
    .bind::<Nullable<UuidSql>, _>(added_by(added))
    .execute(connection)?;
    count(connection, group, new, 1)
}

/// Deletes one membership with its dates, counts it and keeps it for the past.
pub(crate) fn remove_member(
    connection: &mut SqliteConnection,
    group: Key,
    user: Key,
    at: Timestamp,
) -> QueryResult<Removed> {
    let of_both = |sql: &'static str| prepared(sql).bind::<UuidSql, _>(group).bind::<UuidSql, _>(user);
    of_both(
        "INSERT OR IGNORE INTO past_memberships (group_id, user_id, began, ended, added_by) \
         SELECT group_id, user_id, coalesce(since, added), $3, added_by FROM group_users \
         WHERE group_id = $1 AND user_id = $2 AND coalesce(since, added) < $3",
    )
    .bind::<BigInt, _>(at.milliseconds())
    .execute(connection)?;
    let present = of_both("DELETE FROM group_users WHERE group_id = $1 AND user_id = $2").execute(connection)?;
    let dated = of_both("DELETE FROM membership_dates WHERE group_id = $1 AND user_id = $2").execute(connection)?;
    count(connection, group, present, -1)?;
    Ok(Removed { present, scheduled: if present == 0 { dated } else { 0 } })
}

/// Deletes memberships with their dates and keeps them for the past, without counting them.
#[expect(clippy::needless_pass_by_value, reason = "the same form as in the other dialect")]
pub(crate) fn remove_members(
    connection: &mut SqliteConnection,
    group: Key,
    users: Vec<Key>,
    at: Timestamp,
) -> QueryResult<RemovedIds> {
    static DATES: LazyLock<String> = LazyLock::new(|| {
        format!(
            "{REQUESTED_IDS} DELETE FROM membership_dates WHERE group_id = $2 AND user_id IN (SELECT id FROM wanted) \
             RETURNING EXISTS (SELECT 1 FROM group_users m WHERE m.group_id = membership_dates.group_id \
             AND m.user_id = membership_dates.user_id) AS is_present, user_id AS id"
        )
    });
    static PAST: LazyLock<String> = LazyLock::new(|| {
        format!(
            "{REQUESTED_IDS} INSERT OR IGNORE INTO past_memberships (group_id, user_id, began, ended, added_by) \
             SELECT m.group_id, m.user_id, coalesce(m.since, m.added), $3, m.added_by FROM wanted CROSS JOIN group_users m \
             WHERE m.group_id = $2 AND m.user_id = wanted.id AND coalesce(m.since, m.added) < $3"
        )
    });
    static MEMBERSHIPS: LazyLock<String> = LazyLock::new(|| {
        format!(
            "{REQUESTED_IDS} DELETE FROM group_users WHERE group_id = $2 AND user_id IN (SELECT id FROM wanted) RETURNING user_id AS id"
        )
    });
    let users = packed(&users);
    let of_all = |sql: &'static str| prepared(sql).bind::<Binary, _>(&users).bind::<UuidSql, _>(group);
    let dated: Vec<Dated> = of_all(&DATES).load(connection)?;
    of_all(&PAST).bind::<BigInt, _>(at.milliseconds()).execute(connection)?;
    let present: Vec<Id> = of_all(&MEMBERSHIPS).load(connection)?;
    Ok(RemovedIds { present: Id::sorted(present), scheduled: Dated::scheduled(dated) })
}

/// Dates that were deleted.
#[derive(QueryableByName)]
pub(super) struct Dated {
    /// Whether they were those of a membership or an edge that counted.
    #[diesel(sql_type = Bool)]
    is_present: bool,
    #[diesel(sql_type = UuidSql)]
    id: Key,
}

impl Dated {
    /// Those of what is to begin later, by id.
    pub(super) fn scheduled(dated: Vec<Self>) -> Vec<Key> {
        let mut ids: Vec<Key> = dated.into_iter().filter(|dates| !dates.is_present).map(|dates| dates.id).collect();
        ids.sort_unstable();
        ids
    }
}

/// Counts a membership that came or went, if `rows` is not 0.
fn count(connection: &mut SqliteConnection, group: Key, rows: usize, change: i64) -> QueryResult<usize> {
    if rows > 0 {
        change_member_count(group, change).execute(connection)?;
        note_memberships().execute(connection)?;
    }
    Ok(rows)
}

/// There is one slot, because there is one writer.
pub(crate) fn change_member_count(
    group: Key,
    change: i64,
) -> impl QueryFragment<Sqlite> + QueryId + RunQueryDsl<SqliteConnection> {
    prepared(
        "INSERT INTO group_user_counts (group_id, slot, users, changes) VALUES ($1, 0, $2, abs($2)) \
         ON CONFLICT (group_id, slot) DO UPDATE SET users = group_user_counts.users + excluded.users, \
         changes = group_user_counts.changes + excluded.changes",
    )
    .bind::<UuidSql, _>(group)
    .bind::<BigInt, _>(change)
}

/// Subtracts the user from the member count of each of their groups.
pub(crate) fn subtract_from_member_counts(
    user: Key,
) -> impl QueryFragment<Sqlite> + QueryId + RunQueryDsl<SqliteConnection> {
    prepared(
        "INSERT INTO group_user_counts (group_id, slot, users, changes) \
         SELECT group_id, 0, -1, 1 FROM group_users WHERE user_id = $1 \
         ON CONFLICT (group_id, slot) DO UPDATE SET users = group_user_counts.users + excluded.users, \
         changes = group_user_counts.changes + excluded.changes",
    )
    .bind::<UuidSql, _>(user)
}

/// Does nothing: there is one slot.
#[expect(clippy::unnecessary_wraps, reason = "the same form as in the other dialect")]
pub(crate) fn merge_count_slots(_: &mut SqliteConnection) -> QueryResult<usize> {
    Ok(0)
}

/// Adds `users` to the number of all users, and counts a change of who they are or of their names.
pub(crate) fn change_users(users: i64) -> impl QueryFragment<Sqlite> + QueryId + RunQueryDsl<SqliteConnection> {
    prepared(
        "INSERT INTO user_counts (slot, users, changes) VALUES (0, $1, 1) \
         ON CONFLICT (slot) DO UPDATE SET users = user_counts.users + excluded.users, changes = user_counts.changes + 1",
    )
    .bind::<BigInt, _>(users)
}

/// Counts a new user, and a change of memberships.
pub(crate) fn count_new_user() -> impl QueryFragment<Sqlite> {
    prepared(
        "INSERT INTO user_counts (slot, users, changes, memberships) VALUES (0, 1, 1, 1) \
         ON CONFLICT (slot) DO UPDATE SET users = user_counts.users + 1, changes = user_counts.changes + 1, \
         memberships = user_counts.memberships + 1",
    )
}

/// Makes a user a direct member of these groups.
pub(crate) fn insert_memberships(groups: &[Key], user: Key, added: Provenance) -> impl QueryFragment<Sqlite> {
    static SQL: LazyLock<String> = LazyLock::new(|| {
        format!(
            "{REQUESTED_IDS} INSERT INTO group_users (group_id, user_id, added, added_by) SELECT id, $2, $3, $4 FROM wanted"
        )
    });
    prepared(&SQL)
        .bind::<Binary, _>(packed(groups))
        .bind::<UuidSql, _>(user)
        .bind::<BigInt, _>(added.at.milliseconds())
        .bind::<Nullable<UuidSql>, _>(added_by(added))
}

/// Counts one member more of each of these groups.
pub(crate) fn count_joined(groups: &[Key]) -> impl QueryFragment<Sqlite> {
    static SQL: LazyLock<String> = LazyLock::new(|| {
        format!(
            "{REQUESTED_IDS} INSERT INTO group_user_counts (group_id, slot, users, changes) SELECT id, 0, 1, 1 FROM wanted \
             WHERE true ON CONFLICT (group_id, slot) DO UPDATE SET users = group_user_counts.users + 1, \
             changes = group_user_counts.changes + 1"
        )
    });
    prepared(&SQL).bind::<Binary, _>(packed(groups))
}

/// Adds to the numbers of members.
pub(crate) fn change_member_counts(groups: &[Key], users: &[i64], changes: &[i64]) -> impl QueryFragment<Sqlite> {
    let rows = groups.iter().zip(users.iter().zip(changes));
    let rows = rows.map(|(group, (users, changes))| serde_json::json!([group.0.simple().to_string(), users, changes]));
    prepared(
        "INSERT INTO group_user_counts (group_id, slot, users, changes) \
         SELECT unhex(value ->> 0), 0, value ->> 1, value ->> 2 FROM jsonb_each($1) WHERE true \
         ON CONFLICT (group_id, slot) DO UPDATE SET users = group_user_counts.users + excluded.users, \
         changes = group_user_counts.changes + excluded.changes",
    )
    .bind::<Text, _>(rows.collect::<serde_json::Value>().to_string())
}

/// Counts a change of memberships or of edges between groups.
pub(crate) fn note_memberships() -> impl QueryFragment<Sqlite> + QueryId + RunQueryDsl<SqliteConnection> {
    prepared(
        "INSERT INTO user_counts (slot, users, changes, memberships) VALUES (0, 0, 0, 1) \
         ON CONFLICT (slot) DO UPDATE SET memberships = user_counts.memberships + 1",
    )
}

/// Counts a change in each group of the user: the username of a member changed.
pub(crate) fn note_renamed(user: Key) -> impl QueryFragment<Sqlite> + QueryId + RunQueryDsl<SqliteConnection> {
    prepared(
        "INSERT INTO group_user_counts (group_id, slot, users, changes) \
         SELECT group_id, 0, 0, 1 FROM group_users WHERE user_id = $1 \
         ON CONFLICT (group_id, slot) DO UPDATE SET changes = group_user_counts.changes + excluded.changes",
    )
    .bind::<UuidSql, _>(user)
}

pub(crate) fn insert_members(
    connection: &mut SqliteConnection,
    group: Key,
    users: Vec<Key>,
    added: Provenance,
) -> QueryResult<Vec<Key>> {
    static PRESENT: LazyLock<String> = LazyLock::new(|| {
        format!(
            "{REQUESTED_IDS} SELECT m.user_id AS id FROM wanted CROSS JOIN group_users m ON m.group_id = $2 AND m.user_id = wanted.id \
             WHERE EXISTS (SELECT 1 FROM group_users WHERE group_id = $2)"
        )
    });
    static SQL: LazyLock<String> = LazyLock::new(|| {
        format!(
            "{REQUESTED_IDS} INSERT INTO group_users (group_id, user_id, added, added_by) SELECT $2, id, $3, $4 FROM wanted WHERE true \
             ON CONFLICT DO NOTHING"
        )
    });
    if users.is_empty() {
        return Ok(Vec::new());
    }
    let ids = packed(&users);
    // Who is there already is asked before: a statement that returns what it inserted takes much longer.
    let present: Vec<Id> = prepared(&PRESENT).bind::<Binary, _>(&ids).bind::<UuidSql, _>(group).load(connection)?;
    prepared(&SQL)
        .bind::<Binary, _>(&ids)
        .bind::<UuidSql, _>(group)
        .bind::<BigInt, _>(added.at.milliseconds())
        .bind::<Nullable<UuidSql>, _>(added_by(added))
        .execute(connection)?;
    let present: BTreeSet<Key> = present.into_iter().map(|row| row.id).collect();
    let mut new = users;
    new.sort_unstable();
    new.dedup();
    new.retain(|user| !present.contains(user));
    Ok(new)
}
