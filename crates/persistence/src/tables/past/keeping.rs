//! Keeps what ends with a user or a group that is deleted: parts of the change that deletes it, before its rows go.

use std::sync::LazyLock;

use diesel::sql_types::BigInt;
use guildhall_domain::group::GroupId;
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::UserId;

use crate::dialect::past::BEGAN;
use crate::prepared::prepared;
use crate::sql_types::{Key, UuidSql};
use crate::together::Part;

/// Keeps the name of a user who is deleted.
pub(in crate::tables) fn keep_user(user: UserId, at: Timestamp) -> impl Part {
    prepared(
        "INSERT INTO past_users (id, username, username_key, deleted) SELECT id, username, username_key, $2 FROM users WHERE id = $1 \
         ON CONFLICT (id) DO UPDATE SET username = excluded.username, username_key = excluded.username_key, deleted = excluded.deleted",
    )
    .bind::<UuidSql, _>(Key(user.0))
    .bind::<BigInt, _>(at.milliseconds())
}

/// Keeps the memberships of a user who is deleted.
pub(in crate::tables) fn keep_memberships_of_user(user: UserId, at: Timestamp) -> impl Part {
    prepared(
        "INSERT INTO past_memberships (group_id, user_id, began, ended, added_by) \
         SELECT group_id, user_id, coalesce(since, added), $2, added_by FROM group_users \
         WHERE user_id = $1 AND coalesce(since, added) < $2 ON CONFLICT DO NOTHING",
    )
    .bind::<UuidSql, _>(Key(user.0))
    .bind::<BigInt, _>(at.milliseconds())
}

/// Keeps the name of a group that is deleted.
pub(in crate::tables) fn keep_group(group: GroupId, at: Timestamp) -> impl Part {
    prepared(
        "INSERT INTO past_groups (id, name, name_key, deleted) SELECT id, name, name_key, $2 FROM groups WHERE id = $1 \
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, name_key = excluded.name_key, deleted = excluded.deleted",
    )
    .bind::<UuidSql, _>(Key(group.0))
    .bind::<BigInt, _>(at.milliseconds())
}

/// Keeps the memberships of a group that is deleted.
pub(in crate::tables) fn keep_memberships_of_group(group: GroupId, at: Timestamp) -> impl Part {
    prepared(
        "INSERT INTO past_memberships (group_id, user_id, began, ended, added_by) \
         SELECT group_id, user_id, coalesce(since, added), $2, added_by FROM group_users \
         WHERE group_id = $1 AND coalesce(since, added) < $2 ON CONFLICT DO NOTHING",
    )
    .bind::<UuidSql, _>(Key(group.0))
    .bind::<BigInt, _>(at.milliseconds())
}

/// Keeps the edges of a group that is deleted.
pub(in crate::tables) fn keep_edges(group: GroupId, at: Timestamp) -> impl Part {
    static SQL: LazyLock<String> = LazyLock::new(|| {
        format!(
            "INSERT INTO past_edges (parent_id, child_id, began, ended) SELECT parent_id, child_id, {BEGAN}, $2 \
             FROM group_children WHERE (parent_id = $1 OR child_id = $1) AND {BEGAN} < $2 ON CONFLICT DO NOTHING"
        )
    });
    prepared(&SQL).bind::<UuidSql, _>(Key(group.0)).bind::<BigInt, _>(at.milliseconds())
}
