//! PostgreSQL's statements about the numbers of members and users, and about how often they changed.

use std::sync::LazyLock;

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::QueryFragment;
use diesel::sql_types::{Array, BigInt};

use crate::prepared::prepared;
use crate::sql_types::{Key, UuidSql};

/// How many slots of counters connections write to, beside the first one.
pub(super) const COUNT_SLOTS: i32 = 64;

/// Changes the count in the first slot, or in the connection's own slot while another transaction has locked the first one. So
/// transactions that add to the same group at the same time change different rows.
pub(crate) fn change_member_count(group: Key, change: i64) -> impl QueryFragment<Pg> {
    static SQL: LazyLock<String> = LazyLock::new(|| {
        format!(
            "WITH free AS (SELECT 1 FROM group_user_counts WHERE group_id = $1 AND slot = 0 FOR NO KEY UPDATE SKIP LOCKED) \
         INSERT INTO group_user_counts (group_id, slot, users, changes) \
         SELECT $1, CASE WHEN EXISTS (SELECT 1 FROM free) THEN 0 ELSE 1 + pg_backend_pid() % {COUNT_SLOTS} END, $2, abs($2) \
         ON CONFLICT (group_id, slot) DO UPDATE SET users = group_user_counts.users + excluded.users, \
         changes = group_user_counts.changes + excluded.changes",
        )
    });
    prepared(&SQL).bind::<UuidSql, _>(group).bind::<BigInt, _>(change)
}

/// Subtracts the user from the member count of each of their groups.
pub(crate) fn subtract_from_member_counts(user: Key) -> impl QueryFragment<Pg> {
    change_counts(user, -1)
}

/// Adds `users` to the member count of each group of the user, and counts a change. In the order of the groups' ids, so that two
/// such transactions do not deadlock.
fn change_counts(user: Key, users: i64) -> impl QueryFragment<Pg> {
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
    prepared(&SQL).bind::<UuidSql, _>(user).bind::<BigInt, _>(users)
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
pub(crate) fn change_users(users: i64) -> impl QueryFragment<Pg> {
    static SQL: LazyLock<String> = LazyLock::new(|| {
        format!(
            "INSERT INTO user_counts (slot, users, changes) VALUES (pg_backend_pid() % {COUNT_SLOTS}, $1, 1) \
         ON CONFLICT (slot) DO UPDATE SET users = user_counts.users + excluded.users, changes = user_counts.changes + 1",
        )
    });
    prepared(&SQL).bind::<BigInt, _>(users)
}

/// Counts a new user, and a change of memberships.
pub(crate) fn count_new_user() -> impl QueryFragment<Pg> {
    static SQL: LazyLock<String> = LazyLock::new(|| {
        format!(
            "INSERT INTO user_counts (slot, users, changes, memberships) VALUES (pg_backend_pid() % {COUNT_SLOTS}, 1, 1, 1) \
             ON CONFLICT (slot) DO UPDATE SET users = user_counts.users + 1, changes = user_counts.changes + 1, \
             memberships = user_counts.memberships + 1",
        )
    });
    prepared(&SQL)
}

/// Counts one member more of each of these groups, in slots as of [`change_member_count`].
pub(crate) fn count_joined(groups: &[Key]) -> impl QueryFragment<Pg> {
    static SQL: LazyLock<String> = LazyLock::new(|| {
        format!(
            "WITH free AS (SELECT n.group_id FROM group_user_counts n WHERE n.slot = 0 AND n.group_id = ANY ($1) \
                 ORDER BY n.group_id FOR NO KEY UPDATE OF n SKIP LOCKED) \
             INSERT INTO group_user_counts (group_id, slot, users, changes) \
             SELECT joined.id, CASE WHEN joined.id IN (SELECT group_id FROM free) THEN 0 ELSE 1 + pg_backend_pid() % {COUNT_SLOTS} END, \
                 1, 1 FROM unnest($1) AS joined (id) ORDER BY joined.id \
             ON CONFLICT (group_id, slot) DO UPDATE SET users = group_user_counts.users + 1, \
             changes = group_user_counts.changes + 1",
        )
    });
    prepared(&SQL).bind::<Array<UuidSql>, _>(groups.to_vec())
}

/// Adds to the numbers of members, in slots as of [`change_member_count`].
pub(crate) fn change_member_counts(groups: &[Key], users: &[i64], changes: &[i64]) -> impl QueryFragment<Pg> {
    static SQL: LazyLock<String> = LazyLock::new(|| {
        format!(
            "WITH changed (id, users, changes) AS MATERIALIZED (SELECT * FROM unnest($1, $2, $3)), \
             free AS (SELECT n.group_id FROM group_user_counts n WHERE n.slot = 0 AND n.group_id IN (SELECT id FROM changed) \
                 ORDER BY n.group_id FOR NO KEY UPDATE OF n SKIP LOCKED) \
             INSERT INTO group_user_counts (group_id, slot, users, changes) \
             SELECT id, CASE WHEN id IN (SELECT group_id FROM free) THEN 0 ELSE 1 + pg_backend_pid() % {COUNT_SLOTS} END, \
                 users, changes FROM changed ORDER BY id \
             ON CONFLICT (group_id, slot) DO UPDATE SET users = group_user_counts.users + excluded.users, \
             changes = group_user_counts.changes + excluded.changes",
        )
    });
    prepared(&SQL)
        .bind::<Array<UuidSql>, _>(groups.to_vec())
        .bind::<Array<BigInt>, _>(users.to_vec())
        .bind::<Array<BigInt>, _>(changes.to_vec())
}

/// Counts a change of memberships or of edges between groups.
pub(crate) fn note_memberships() -> impl QueryFragment<Pg> {
    static SQL: LazyLock<String> = LazyLock::new(|| noting("SELECT 1"));
    prepared(&SQL)
}

/// Counts a change of memberships or of edges between groups if `one` selects a row.
pub(super) fn noting(one: &str) -> String {
    format!(
        "INSERT INTO user_counts (slot, users, changes, memberships) \
         SELECT pg_backend_pid() % {COUNT_SLOTS}, 0, 0, 1 FROM ({one}) AS one \
         ON CONFLICT (slot) DO UPDATE SET memberships = user_counts.memberships + 1"
    )
}

/// Counts a change in each group of the user: the username of a member changed.
pub(crate) fn note_renamed(user: Key) -> impl QueryFragment<Pg> {
    change_counts(user, 0)
}
