//! Statements about the past, for both databases. Of each, `$1` is the group or the user and `$2` the moment.
//!
//! In SQLite a table of a `WITH` may be recursive in several parts, in PostgreSQL in one. SQLite joins the tables of a CROSS JOIN in their order.

use guildhall_domain::ports::Reach;
use guildhall_domain::time::Timestamp;

use super::Dialect;

/// When that began of which nobody knows when: the first moment of all.
pub(crate) const EARLIEST: i64 = Timestamp::EARLIEST.milliseconds();
/// When an edge of `group_children` began.
pub(crate) const BEGAN: &str = "coalesce(since, added, -62167219200000)";

/// Steps of a walk along the edges of the moment from the groups `reached`, by the column `from` to the column `to`.
fn steps(dialect: Dialect, from: &str, to: &str) -> String {
    let present = format!("c.{from} = reached.id AND coalesce(c.since, c.added, {EARLIEST}) <= $2");
    let past = format!("p.{from} = reached.id AND p.ended > $2 AND p.began <= $2");
    match dialect {
        Dialect::Postgres => format!(
            " UNION SELECT e.id FROM reached CROSS JOIN LATERAL (SELECT c.{to} AS id FROM group_children c WHERE {present} \
             UNION ALL SELECT p.{to} FROM past_edges p WHERE {past}) e"
        ),
        Dialect::Sqlite => format!(
            " UNION SELECT c.{to} FROM reached CROSS JOIN group_children c WHERE {present} \
             AND length(c.{to}) >= guildhall_interrupt_check() \
             UNION SELECT p.{to} FROM reached CROSS JOIN past_edges p WHERE {past} \
             AND length(p.{to}) >= guildhall_interrupt_check()"
        ),
    }
}

/// The condition that ends a statement in SQLite when it is to end.
fn row_check(dialect: Dialect, column: &str) -> String {
    match dialect {
        Dialect::Postgres => String::new(),
        Dialect::Sqlite => format!(" AND length({column}) >= guildhall_interrupt_check()"),
    }
}

/// Begins a statement: `reached` are the group and, if they count too, the groups that were below it.
fn groups_within(dialect: Dialect, reach: Reach) -> String {
    let start = match dialect {
        Dialect::Postgres => "CAST($1 AS uuid)",
        Dialect::Sqlite => "$1",
    };
    let steps = if reach == Reach::Effective { steps(dialect, "parent_id", "child_id") } else { String::new() };
    format!("WITH RECURSIVE reached (id) AS (SELECT {start}{steps})")
}

/// Begins a statement: `found` are those who were members of the group.
pub(crate) fn members(dialect: Dialect, reach: Reach) -> String {
    let (within, present, past) =
        (groups_within(dialect, reach), row_check(dialect, "m.user_id"), row_check(dialect, "p.user_id"));
    format!(
        "{within}, found (id) AS MATERIALIZED (SELECT m.user_id FROM reached CROSS JOIN group_users m \
             WHERE m.group_id = reached.id AND coalesce(m.since, m.added) <= $2{present} \
         UNION SELECT p.user_id FROM reached CROSS JOIN past_memberships p \
             WHERE p.group_id = reached.id AND p.ended > $2 AND p.began <= $2{past})"
    )
}

/// The groups that the user was a member of, as the table `name`.
fn groups_of(dialect: Dialect, reach: Reach, name: &str) -> String {
    let steps = if reach == Reach::Effective { steps(dialect, "child_id", "parent_id") } else { String::new() };
    let steps = steps.replace("reached", name);
    format!(
        "{name} (id) AS (SELECT m.group_id FROM group_users m WHERE m.user_id = $1 AND coalesce(m.since, m.added) <= $2 \
         UNION SELECT p.group_id FROM past_memberships p WHERE p.user_id = $1 AND p.ended > $2 AND p.began <= $2{steps})"
    )
}

/// Begins a statement: `found` are the groups that the user was a member of.
pub(crate) fn groups(dialect: Dialect, reach: Reach) -> String {
    format!("WITH RECURSIVE {}", groups_of(dialect, reach, "found"))
}

/// Ends a statement: a page of those that were `found`, sorted. `$3` and `$4` are the name and the id that they come after, `$5` and `$6` how many of them are read, and passed
/// over before.
pub(crate) fn sorted_page(existing: &str, deleted: &str, name: &str) -> String {
    format!(
        " SELECT n.id FROM (SELECT x.id, x.{name} AS name FROM found CROSS JOIN {existing} x WHERE x.id = found.id \
         UNION ALL SELECT y.id, y.{name} FROM found CROSS JOIN {deleted} y WHERE y.id = found.id \
             AND NOT EXISTS (SELECT 1 FROM {existing} x WHERE x.id = y.id)) n \
         WHERE (n.name, n.id) > ($3, $4) ORDER BY n.name, n.id LIMIT $5 OFFSET $6"
    )
}

/// The same page of members, where they are many: all users are looked at in their order until it is full.
pub(crate) fn walked_page(dialect: Dialect, reach: Reach) -> String {
    let within = groups_within(dialect, reach);
    // Scalar subqueries, and `coalesce` around the list of groups: PostgreSQL would make joins of them, which read everything.
    let is_member = |id: &str| {
        format!(
            "coalesce((SELECT 1 FROM group_users m WHERE m.user_id = {id} AND coalesce(m.group_id IN (SELECT id FROM reached), 1 = 0) \
                 AND coalesce(m.since, m.added) <= $2 LIMIT 1), \
             (SELECT 1 FROM past_memberships p WHERE p.user_id = {id} AND coalesce(p.group_id IN (SELECT id FROM reached), 1 = 0) \
                 AND p.ended > $2 AND p.began <= $2 LIMIT 1), 0) = 1"
        )
    };
    let after = |table: &str| {
        let check = row_check(dialect, &format!("{table}.id"));
        format!("{table}.username_key >= $3 AND ({table}.username_key, {table}.id) > ($3, $4){check}")
    };
    format!(
        "{within} SELECT n.id FROM (\
             SELECT * FROM (SELECT x.id, x.username_key AS name FROM users x WHERE {} AND {} ORDER BY x.username_key LIMIT $5 + $6) a \
             UNION ALL SELECT * FROM (SELECT y.id, y.username_key AS name FROM past_users y WHERE {} AND {} \
                 AND NOT EXISTS (SELECT 1 FROM users x WHERE x.id = y.id) ORDER BY y.username_key, y.id LIMIT $5 + $6) b) n \
         ORDER BY n.name, n.id LIMIT $5 OFFSET $6",
        after("x"),
        is_member("x.id"),
        after("y"),
        is_member("y.id"),
    )
}

/// The edges of the moment that lead up from the groups of the user.
pub(crate) fn edges_above(dialect: Dialect) -> String {
    let above = groups_of(dialect, Reach::Effective, "above");
    format!(
        "WITH RECURSIVE {above} \
         SELECT c.parent_id, c.child_id, CAST(NULL AS bigint) AS ended FROM above CROSS JOIN group_children c \
             WHERE c.child_id = above.id AND coalesce(c.since, c.added, {EARLIEST}) <= $2 \
         UNION ALL SELECT p.parent_id, p.child_id, p.ended FROM above CROSS JOIN past_edges p \
             WHERE p.child_id = above.id AND p.ended > $2 AND p.began <= $2"
    )
}

/// The direct memberships of the user at the moment.
pub(crate) const MEMBERSHIPS: &str = "SELECT x.group_id, x.began, x.ended, b.id AS author_id, b.username AS author FROM (\
     SELECT m.group_id, coalesce(m.since, m.added) AS began, CAST(NULL AS bigint) AS ended, m.added_by FROM group_users m \
         WHERE m.user_id = $1 AND coalesce(m.since, m.added) <= $2 \
     UNION ALL SELECT p.group_id, p.began, p.ended, p.added_by FROM past_memberships p \
         WHERE p.user_id = $1 AND p.ended > $2 AND p.began <= $2) x LEFT JOIN users b ON b.id = x.added_by";

/// Removes what ended before everything is known, at most `$1` rows. The groups are looked up one after the other, because no index is for the ends alone.
pub(crate) fn prune(dialect: Dialect, table: &str, [group, member]: [&str; 2]) -> String {
    let groups = "(SELECT id FROM groups UNION ALL SELECT id FROM past_groups) g";
    let is_old = format!("p.{group} = g.id AND p.ended <= (SELECT known_from FROM event_checkpoint)");
    match dialect {
        Dialect::Postgres => format!(
            "DELETE FROM {table} WHERE ctid = ANY (ARRAY(SELECT old.place FROM {groups} \
             CROSS JOIN LATERAL (SELECT p.ctid AS place FROM {table} p WHERE {is_old} LIMIT $1) old LIMIT $1))"
        ),
        Dialect::Sqlite => {
            let key = |of: &str| format!("{of}{group}, {of}ended, {of}{member}, {of}began");
            let (outer, inner) = (key(""), key("p."));
            format!(
                "DELETE FROM {table} WHERE ({outer}) IN (SELECT {inner} FROM {groups} CROSS JOIN {table} p WHERE {is_old} LIMIT $1)"
            )
        }
    }
}
