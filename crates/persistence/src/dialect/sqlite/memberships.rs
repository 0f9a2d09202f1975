//! SQLite's statements about memberships and counters.

use diesel::prelude::*;
use diesel::sql_types::BigInt;

use crate::prepared::prepared;
use crate::sql_types::{Key, UuidSql};

/// Inserts one membership and counts it.
pub(crate) fn insert_member(
    connection: &mut SqliteConnection,
    group: Key,
    user: Key,
    added: i64,
) -> QueryResult<usize> {
    let new = prepared("INSERT INTO group_users (group_id, user_id, added) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
        .bind::<UuidSql, _>(group)
        .bind::<UuidSql, _>(user)
        .bind::<BigInt, _>(added)
        .execute(connection)?;
    count(connection, group, new, 1)
}

/// Deletes one membership and counts it.
pub(crate) fn remove_member(connection: &mut SqliteConnection, group: Key, user: Key) -> QueryResult<usize> {
    let removed = prepared("DELETE FROM group_users WHERE group_id = $1 AND user_id = $2")
        .bind::<UuidSql, _>(group)
        .bind::<UuidSql, _>(user)
        .execute(connection)?;
    count(connection, group, removed, -1)
}

/// Counts a membership that came or went, if `rows` is not 0.
fn count(connection: &mut SqliteConnection, group: Key, rows: usize, change: i64) -> QueryResult<usize> {
    if rows > 0 {
        change_member_count(connection, group, change)?;
        note_memberships(connection)?;
    }
    Ok(rows)
}

/// There is one slot, because there is one writer.
pub(crate) fn change_member_count(connection: &mut SqliteConnection, group: Key, change: i64) -> QueryResult<usize> {
    prepared(
        "INSERT INTO group_user_counts (group_id, slot, users, changes) VALUES ($1, 0, $2, abs($2)) \
         ON CONFLICT (group_id, slot) DO UPDATE SET users = group_user_counts.users + excluded.users, \
         changes = group_user_counts.changes + excluded.changes",
    )
    .bind::<UuidSql, _>(group)
    .bind::<BigInt, _>(change)
    .execute(connection)
}

/// Subtracts the user from the member count of each of their groups.
pub(crate) fn subtract_from_member_counts(connection: &mut SqliteConnection, user: Key) -> QueryResult<usize> {
    prepared(
        "INSERT INTO group_user_counts (group_id, slot, users, changes) \
         SELECT group_id, 0, -1, 1 FROM group_users WHERE user_id = $1 \
         ON CONFLICT (group_id, slot) DO UPDATE SET users = group_user_counts.users + excluded.users, \
         changes = group_user_counts.changes + excluded.changes",
    )
    .bind::<UuidSql, _>(user)
    .execute(connection)
}

/// Does nothing: there is one slot.
#[expect(clippy::unnecessary_wraps, reason = "the same form as in the other dialect")]
pub(crate) fn merge_count_slots(_: &mut SqliteConnection) -> QueryResult<usize> {
    Ok(0)
}

/// Adds `users` to the number of all users, and counts a change of who they are or of their names.
pub(crate) fn change_users(connection: &mut SqliteConnection, users: i64) -> QueryResult<usize> {
    prepared(
        "INSERT INTO user_counts (slot, users, changes) VALUES (0, $1, 1) \
         ON CONFLICT (slot) DO UPDATE SET users = user_counts.users + excluded.users, changes = user_counts.changes + 1",
    )
    .bind::<BigInt, _>(users)
    .execute(connection)
}

/// Counts a change of memberships or of edges between groups.
pub(crate) fn note_memberships(connection: &mut SqliteConnection) -> QueryResult<usize> {
    prepared(
        "INSERT INTO user_counts (slot, users, changes, memberships) VALUES (0, 0, 0, 1) \
         ON CONFLICT (slot) DO UPDATE SET memberships = user_counts.memberships + 1",
    )
    .execute(connection)
}

/// Counts a change in each group of the user: the username of a member changed.
pub(crate) fn note_renamed(connection: &mut SqliteConnection, user: Key) -> QueryResult<usize> {
    prepared(
        "INSERT INTO group_user_counts (group_id, slot, users, changes) \
         SELECT group_id, 0, 0, 1 FROM group_users WHERE user_id = $1 \
         ON CONFLICT (group_id, slot) DO UPDATE SET changes = group_user_counts.changes + excluded.changes",
    )
    .bind::<UuidSql, _>(user)
    .execute(connection)
}
