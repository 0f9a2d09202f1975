//! PostgreSQL's statements about memberships.

use std::sync::LazyLock;

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::QueryFragment;
use diesel::sql_types::{Array, BigInt, Binary, Nullable, Text};
use guildhall_domain::provenance::Provenance;
use guildhall_domain::time::Timestamp;

use super::counts::{COUNT_SLOTS, noting};
use crate::dialect::{Removed, RemovedIds};
use crate::prepared::prepared;
use crate::sql_types::{Key, UuidSql, added_by};
use crate::tables::Announced;

/// Counts a change of memberships of one group by `new`, which returns the group of each membership that came or went. The slots are chosen like
/// those of [`change_member_count`](super::change_member_count) and [`note_memberships`](super::note_memberships): the first slot is locked only if there is something to count.
/// `with` are further tables of the statement, and `columns` further columns.
fn counting(new: &str, change: i32, (with, columns): (&str, &str)) -> String {
    let noted = noting("SELECT 1 FROM counted");
    format!(
        "WITH new AS ({new}), \
         free AS (SELECT 1 FROM new JOIN group_user_counts n ON n.group_id = new.group_id WHERE n.slot = 0 \
             FOR NO KEY UPDATE OF n SKIP LOCKED), \
         counted AS (INSERT INTO group_user_counts (group_id, slot, users, changes) \
             SELECT group_id, CASE WHEN EXISTS (SELECT 1 FROM free) THEN 0 ELSE 1 + pg_backend_pid() % {COUNT_SLOTS} END, {change}, 1 \
             FROM new ON CONFLICT (group_id, slot) DO UPDATE SET users = group_user_counts.users + excluded.users, \
             changes = group_user_counts.changes + excluded.changes RETURNING 1), \
         noted AS ({noted} RETURNING 1){with} \
         SELECT (SELECT count(*) FROM noted) AS count{columns}"
    )
}

#[derive(QueryableByName)]
pub(super) struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

impl Count {
    pub(super) fn rows(self) -> usize {
        usize::try_from(self.count).unwrap_or_default()
    }
}

/// Inserts one membership and counts it: one round trip.
pub(crate) fn insert_member(
    connection: &mut PgConnection,
    group: Key,
    user: Key,
    added: Provenance,
    events: Option<&Announced>,
) -> QueryResult<usize> {
    const INSERT: &str = "INSERT INTO group_users (group_id, user_id, added, added_by) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING RETURNING group_id";
    static SQL: LazyLock<String> = LazyLock::new(|| counting(INSERT, 1, ("", "")));
    static WITH_EVENT: LazyLock<String> = LazyLock::new(|| {
        // Without a set of rows the server need not plan it anew each time.
        let event = "INSERT INTO new_events (content, members, group_id, group_name, above) \
             SELECT $5, $6, $1, (SELECT g.name FROM groups g WHERE g.id = $1), \
             (SELECT string_agg(uuid_send(a.id), ''::bytea ORDER BY a.id) FROM (SELECT c.ancestor_id AS id \
                 FROM group_closure c WHERE c.descendant_id = $1 ORDER BY c.ancestor_id LIMIT 1001) a) \
             WHERE EXISTS (SELECT 1 FROM new)";
        counting(INSERT, 1, (&format!(", told AS ({event} RETURNING 1)"), ", (SELECT count(*) FROM told) AS told"))
    });
    if let Some((content, members)) = events.and_then(Announced::one) {
        let statement = prepared(&WITH_EVENT)
            .bind::<UuidSql, _>(group)
            .bind::<UuidSql, _>(user)
            .bind::<BigInt, _>(added.at.milliseconds())
            .bind::<Nullable<UuidSql>, _>(added_by(added))
            .bind::<Text, _>(content)
            .bind::<Binary, _>(members);
        return Ok(statement.get_result::<Count>(connection)?.rows());
    }
    let statement = prepared(&SQL)
        .bind::<UuidSql, _>(group)
        .bind::<UuidSql, _>(user)
        .bind::<BigInt, _>(added.at.milliseconds())
        .bind::<Nullable<UuidSql>, _>(added_by(added));
    Ok(statement.get_result::<Count>(connection)?.rows())
}

/// What a statement removed.
#[derive(QueryableByName)]
pub(super) struct RemovedRow {
    #[diesel(sql_type = BigInt)]
    count: i64,
    #[diesel(sql_type = BigInt)]
    scheduled: i64,
    /// Dates of memberships that did not count when the statement began, and count: they began while it waited for them.
    #[diesel(sql_type = BigInt)]
    begun: i64,
}

impl RemovedRow {
    pub(super) fn removed(&self) -> Removed {
        let of = |count: i64| usize::try_from(count).unwrap_or_default();
        Removed { present: of(self.count), scheduled: of(self.scheduled) }
    }
}

/// Runs a statement, and once more if memberships began meanwhile: it did not see those, and has deleted their dates.
fn removed(mut remove: impl FnMut() -> QueryResult<RemovedRow>) -> QueryResult<Removed> {
    let first = remove()?;
    let mut removed = first.removed();
    if first.begun > 0 {
        removed.present += remove()?.removed().present;
    }
    Ok(removed)
}

/// Deletes one membership with its dates, counts it and keeps it for the past: one round trip.
pub(crate) fn remove_member(
    connection: &mut PgConnection,
    group: Key,
    user: Key,
    at: Timestamp,
) -> QueryResult<Removed> {
    static SQL: LazyLock<String> = LazyLock::new(|| {
        counting(
            "DELETE FROM group_users WHERE group_id = $1 AND user_id = $2 RETURNING group_id, coalesce(since, added) AS began, added_by",
            -1,
            (
                ", past AS (INSERT INTO past_memberships (group_id, user_id, began, ended, added_by) \
                 SELECT group_id, $2, began, $3, added_by FROM new WHERE began < $3), \
                 ended AS (DELETE FROM membership_dates WHERE group_id = $1 AND user_id = $2 RETURNING next_at = valid_from AS is_later)",
                ", (SELECT count(*) FROM ended WHERE is_later AND NOT EXISTS (SELECT 1 FROM new)) AS scheduled, \
                 (SELECT count(*) FROM ended WHERE is_later IS NOT TRUE AND NOT EXISTS (SELECT 1 FROM new)) AS begun",
            ),
        )
    });
    removed(|| {
        prepared(&SQL)
            .bind::<UuidSql, _>(group)
            .bind::<UuidSql, _>(user)
            .bind::<BigInt, _>(at.milliseconds())
            .get_result(connection)
    })
}

/// Ids that a statement changed. They are not sent where they are all that were named.
#[derive(QueryableByName)]
pub(super) struct ChangedIds {
    #[diesel(sql_type = BigInt)]
    count: i64,
    #[diesel(sql_type = Nullable<Array<UuidSql>>)]
    ids: Option<Vec<Key>>,
}

impl ChangedIds {
    /// The ids, of those that were named in their order.
    pub(super) fn among(self, named: Vec<Key>) -> Vec<Key> {
        match self.ids {
            Some(mut ids) => {
                ids.sort_unstable();
                ids
            }
            None if self.count == 0 => Vec::new(),
            None => named,
        }
    }
}

/// The ids that a statement removed.
#[derive(QueryableByName)]
pub(super) struct RemovedIdsRow {
    #[diesel(sql_type = Nullable<Array<UuidSql>>)]
    present: Option<Vec<Key>>,
    #[diesel(sql_type = Nullable<Array<UuidSql>>)]
    scheduled: Option<Vec<Key>>,
    /// See [`RemovedRow`].
    #[diesel(sql_type = BigInt)]
    begun: i64,
}

/// Runs a statement like [`removed`].
pub(super) fn removed_ids(mut remove: impl FnMut() -> QueryResult<RemovedIdsRow>) -> QueryResult<RemovedIds> {
    let first = remove()?;
    let mut present = first.present.unwrap_or_default();
    if first.begun > 0 {
        present.extend(remove()?.present.unwrap_or_default());
    }
    let mut scheduled = first.scheduled.unwrap_or_default();
    present.sort_unstable();
    scheduled.sort_unstable();
    Ok(RemovedIds { present, scheduled })
}

/// Deletes memberships with their dates and keeps them for the past, without counting them.
#[expect(clippy::needless_pass_by_value, reason = "the same form as in the other dialect")]
pub(crate) fn remove_members(
    connection: &mut PgConnection,
    group: Key,
    users: Vec<Key>,
    at: Timestamp,
) -> QueryResult<RemovedIds> {
    removed_ids(|| {
        prepared(
            "WITH leaving (id) AS MATERIALIZED (SELECT unnest($2)), \
             gone AS (DELETE FROM group_users m USING leaving WHERE m.group_id = $1 AND m.user_id = leaving.id \
                 RETURNING m.user_id, coalesce(m.since, m.added) AS began, m.added_by), \
             past AS (INSERT INTO past_memberships (group_id, user_id, began, ended, added_by) \
                 SELECT $1, user_id, began, $3, added_by FROM gone WHERE began < $3), \
             ended AS (DELETE FROM membership_dates d USING leaving WHERE d.group_id = $1 AND d.user_id = leaving.id \
                 RETURNING d.user_id, d.next_at = d.valid_from AS is_later), \
             others AS (SELECT user_id, is_later FROM ended WHERE NOT EXISTS (SELECT 1 FROM gone WHERE gone.user_id = ended.user_id)) \
             SELECT (SELECT array_agg(user_id) FROM gone) AS present, \
             (SELECT array_agg(user_id) FROM others WHERE is_later) AS scheduled, (SELECT count(*) FROM others WHERE is_later IS NOT TRUE) AS begun",
        )
        .bind::<UuidSql, _>(group)
        .bind::<Array<UuidSql>, _>(&users)
        .bind::<BigInt, _>(at.milliseconds())
        .get_result(connection)
    })
}

/// Inserts in the order of the ids, so that two transactions that add the same users do not deadlock.
pub(crate) fn insert_members(
    connection: &mut PgConnection,
    group: Key,
    users: Vec<Key>,
    added: Provenance,
) -> QueryResult<Vec<Key>> {
    let new: ChangedIds = prepared(
        "WITH new AS (INSERT INTO group_users (group_id, user_id, added, added_by) \
             SELECT $1, wanted.id, $2, $4 FROM unnest($3) WITH ORDINALITY AS wanted (id, place) ORDER BY wanted.place \
             ON CONFLICT DO NOTHING RETURNING user_id) \
         SELECT count(*) AS count, CASE WHEN count(*) < $5 THEN (SELECT array_agg(user_id) FROM new) END AS ids FROM new",
    )
    .bind::<UuidSql, _>(group)
    .bind::<BigInt, _>(added.at.milliseconds())
    .bind::<Array<UuidSql>, _>(&users)
    .bind::<Nullable<UuidSql>, _>(added_by(added))
    .bind::<BigInt, _>(i64::try_from(users.len()).unwrap_or(i64::MAX))
    .get_result(connection)?;
    Ok(new.among(users))
}

/// Makes a user a direct member of these groups.
pub(crate) fn insert_memberships(groups: &[Key], user: Key, added: Provenance) -> impl QueryFragment<Pg> {
    prepared(
        "INSERT INTO group_users (group_id, user_id, added, added_by) SELECT joined.id, $2, $3, $4 FROM unnest($1) AS joined (id)",
    )
    .bind::<Array<UuidSql>, _>(groups.to_vec())
    .bind::<UuidSql, _>(user)
    .bind::<BigInt, _>(added.at.milliseconds())
    .bind::<Nullable<UuidSql>, _>(added_by(added))
}
