//! PostgreSQL's statements about edges between groups.

use std::sync::LazyLock;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable};
use guildhall_domain::provenance::Provenance;
use guildhall_domain::time::Timestamp;

use super::counts::noting;
use super::memberships::{ChangedIds, RemovedRow, removed_ids};
use crate::dialect::closure::{NOT_THE_EDGE, ONE_CHILD, lost_pairs};
use crate::dialect::past::BEGAN;
use crate::dialect::{Removed, RemovedIds};
use crate::prepared::prepared;
use crate::sql_types::{Key, UuidSql, added_by};

/// Adds edges with the pairs that they connect, and counts them.
pub(crate) fn insert_children(
    connection: &mut PgConnection,
    parent: Key,
    children: Vec<Key>,
    added: Provenance,
) -> QueryResult<Vec<Key>> {
    static SQL: LazyLock<String> = LazyLock::new(|| {
        let noted = noting("SELECT 1 FROM counted");
        format!(
            "WITH new AS (INSERT INTO group_children (parent_id, child_id, added, added_by) SELECT $1, child.id, $3, $4 FROM unnest($2) AS child (id) \
                 ON CONFLICT DO NOTHING RETURNING child_id), \
             pairs AS (INSERT INTO group_closure (ancestor_id, descendant_id) \
                 SELECT DISTINCT above.ancestor_id, below.descendant_id \
                 FROM unnest($2) AS child (id) \
                 JOIN group_closure AS below ON below.ancestor_id = child.id, group_closure AS above \
                 WHERE above.descendant_id = $1 AND EXISTS (SELECT 1 FROM new) ON CONFLICT DO NOTHING), \
             counted AS (UPDATE groups SET child_group_count = child_group_count + (SELECT count(*) FROM new) \
                 WHERE id = $1 AND EXISTS (SELECT 1 FROM new) RETURNING 1), \
             noted AS ({noted}) \
             SELECT count(*) AS count, (SELECT array_agg(child_id) FROM new) AS ids FROM new"
        )
    });
    let statement = prepared(&SQL)
        .bind::<UuidSql, _>(parent)
        .bind::<Array<UuidSql>, _>(&children)
        .bind::<BigInt, _>(added.at.milliseconds())
        .bind::<Nullable<UuidSql>, _>(added_by(added));
    Ok(statement.get_result::<ChangedIds>(connection)?.among(children))
}

/// Keeps the edges `gone` that ended at `$3` for the past.
const KEPT: &str = "INSERT INTO past_edges (parent_id, child_id, began, ended) SELECT $1, child_id, began, $3 FROM gone WHERE began < $3";

/// Removes an edge with its dates and the pairs that only it connected, counts it and keeps it for the past.
pub(crate) fn remove_child(
    connection: &mut PgConnection,
    parent: Key,
    child: Key,
    at: Timestamp,
) -> QueryResult<Removed> {
    static SQL: LazyLock<String> = LazyLock::new(|| {
        let noted = noting("SELECT 1 FROM counted");
        let lost = lost_pairs(ONE_CHILD, NOT_THE_EDGE);
        format!(
            "WITH gone AS (DELETE FROM group_children WHERE parent_id = $1 AND child_id = $2 RETURNING child_id, {BEGAN} AS began), \
             past AS ({KEPT}), \
             pairs AS (DELETE FROM group_closure WHERE (ancestor_id, descendant_id) IN ({lost}) \
                 AND EXISTS (SELECT 1 FROM gone)), \
             ended AS (DELETE FROM membership_dates WHERE group_id = $1 AND child_id = $2 RETURNING 1), \
             counted AS (UPDATE groups SET child_group_count = child_group_count - 1 \
                 WHERE id = $1 AND EXISTS (SELECT 1 FROM gone) RETURNING 1), \
             noted AS ({noted}) \
             SELECT (SELECT count(*) FROM gone) AS count, \
             (SELECT count(*) FROM ended WHERE NOT EXISTS (SELECT 1 FROM gone)) AS scheduled, CAST(0 AS bigint) AS begun"
        )
    });
    let statement =
        prepared(&SQL).bind::<UuidSql, _>(parent).bind::<UuidSql, _>(child).bind::<BigInt, _>(at.milliseconds());
    Ok(statement.get_result::<RemovedRow>(connection)?.removed())
}

/// Removes the edges to those of `children` that are children of the group, with their dates and the pairs that only they connected, counts them and keeps them for the past.
#[expect(clippy::needless_pass_by_value, reason = "the same form as in the other dialect")]
pub(crate) fn remove_children(
    connection: &mut PgConnection,
    parent: Key,
    children: Vec<Key>,
    at: Timestamp,
) -> QueryResult<RemovedIds> {
    static SQL: LazyLock<String> = LazyLock::new(|| {
        let noted = noting("SELECT 1 FROM counted");
        let gone = "(SELECT child_id FROM gone)";
        let lost = lost_pairs(&format!("IN {gone}"), &format!("(edge.parent_id <> $1 OR edge.child_id NOT IN {gone})"));
        format!(
            "WITH gone AS (DELETE FROM group_children WHERE parent_id = $1 AND child_id = ANY ($2) RETURNING child_id, {BEGAN} AS began), \
             past AS ({KEPT}), \
             pairs AS (DELETE FROM group_closure WHERE (ancestor_id, descendant_id) IN ({lost})), \
             ended AS (DELETE FROM membership_dates WHERE group_id = $1 AND child_id IN (SELECT unnest($2)) RETURNING child_id), \
             counted AS (UPDATE groups SET child_group_count = child_group_count - (SELECT count(*) FROM gone) \
                 WHERE id = $1 AND EXISTS (SELECT 1 FROM gone) RETURNING 1), \
             noted AS ({noted}) \
             SELECT (SELECT array_agg(child_id) FROM gone) AS present, \
             (SELECT array_agg(child_id) FROM ended WHERE child_id NOT IN (SELECT child_id FROM gone)) AS scheduled, CAST(0 AS bigint) AS begun"
        )
    });
    removed_ids(|| {
        prepared(&SQL)
            .bind::<UuidSql, _>(parent)
            .bind::<Array<UuidSql>, _>(&children)
            .bind::<BigInt, _>(at.milliseconds())
            .get_result(connection)
    })
}
