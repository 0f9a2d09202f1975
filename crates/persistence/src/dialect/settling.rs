//! Makes memberships and edges begin and end when their dates have come. `group_users` and `group_children` are changed here too, by the same statements, and
//! what ends is kept for the past.

use std::sync::LazyLock;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable};

use super::past::EARLIEST;
use crate::connection::AnyConnection;
use crate::prepared::prepared;
use crate::sql_types::{Key, UuidSql};

/// Dates that have come.
#[derive(Clone, Copy, Debug, QueryableByName)]
pub(crate) struct DueRow {
    #[diesel(sql_type = UuidSql)]
    pub(crate) group_id: Key,
    #[diesel(sql_type = Nullable<UuidSql>)]
    pub(crate) user_id: Option<Key>,
    #[diesel(sql_type = Nullable<UuidSql>)]
    pub(crate) child_id: Option<Key>,
    #[diesel(sql_type = Nullable<BigInt>)]
    pub(crate) valid_from: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    pub(crate) valid_until: Option<i64>,
    #[diesel(sql_type = BigInt)]
    next_at: i64,
    /// The number of the row in SQLite.
    #[diesel(sql_type = BigInt)]
    number: i64,
}

impl DueRow {
    /// The beginning, if it had not come before.
    pub(crate) fn begins(&self) -> Option<i64> {
        self.valid_from.filter(|from| self.next_at == *from)
    }
}

/// A group and a member of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, QueryableByName)]
pub(crate) struct Pair {
    #[diesel(sql_type = UuidSql)]
    pub(crate) group_id: Key,
    #[diesel(sql_type = UuidSql)]
    pub(crate) member_id: Key,
}

/// What began and what ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settled {
    pub(crate) begun: Vec<Pair>,
    pub(crate) ended: Vec<Pair>,
}

/// The most dates that are read at one time.
const STEP: i64 = 20_000;

/// The first dates that have come by `now`, at most [`STEP`] of them. PostgreSQL locks them in the order of the groups and members: whoever comes later waits,
/// and finds others.
pub(crate) fn due(connection: &mut AnyConnection, now: i64) -> QueryResult<Vec<DueRow>> {
    match connection {
        AnyConnection::Postgres(connection) => prepared(
            "SELECT group_id, user_id, child_id, valid_from, valid_until, next_at, 0::bigint AS number FROM membership_dates \
             WHERE next_at <= $1 AND ctid = ANY (ARRAY(SELECT ctid FROM membership_dates WHERE next_at <= $1 ORDER BY next_at LIMIT $2)) \
             ORDER BY group_id, user_id, child_id FOR UPDATE",
        )
        .bind::<BigInt, _>(now)
        .bind::<BigInt, _>(STEP)
        .load(connection),
        AnyConnection::Sqlite(connection) => prepared(
            "SELECT group_id, user_id, child_id, valid_from, valid_until, next_at, rowid AS number FROM membership_dates \
             WHERE next_at <= $1 ORDER BY next_at, rowid LIMIT $2",
        )
        .bind::<BigInt, _>(now)
        .bind::<BigInt, _>(STEP)
        .load(connection),
    }
}

/// All dates of edges that have come by `now`. No other unit of work changes edges, or their dates, at the same time.
pub(crate) fn due_edges(connection: &mut AnyConnection, now: i64) -> QueryResult<Vec<DueRow>> {
    macro_rules! edges {
        ($number:literal) => {
            concat!(
                "SELECT group_id, user_id, child_id, valid_from, valid_until, next_at, ",
                $number,
                " AS number FROM membership_dates WHERE next_at <= $1 AND child_id IS NOT NULL"
            )
        };
    }
    match connection {
        AnyConnection::Postgres(connection) => prepared(edges!("0::bigint")).bind::<BigInt, _>(now).load(connection),
        AnyConnection::Sqlite(connection) => prepared(edges!("rowid")).bind::<BigInt, _>(now).load(connection),
    }
}

/// The rows of users that were found, in PostgreSQL, where others may have come since then.
const USERS_POSTGRES: &str = "(d.group_id, d.user_id) IN (SELECT * FROM unnest($2, $3))";
/// The rows of users in SQLite, which has one writer: up to the last that was found.
const USERS_SQLITE: &str = "d.next_at <= $2 AND (d.next_at < $2 OR d.rowid <= $3) AND d.user_id IS NOT NULL";
/// The rows of edges: nobody else changes edges, or their dates, at the same time.
const CHILDREN: &str = "d.next_at <= $1 AND d.child_id IS NOT NULL";

/// The statements about one kind of members; `{due}` of a text holds of the rows `d` of `membership_dates` that were found.
struct Statements {
    overtaken: String,
    begin: String,
    keep: String,
    end: String,
    forget: String,
    go_on: String,
}

impl Statements {
    fn of(due: &str, member: &str, (present, group, of_present): (&str, &str, &str)) -> Self {
        let (past, by, of_author) = match present {
            "group_users" => (
                "past_memberships",
                ", added_by",
                format!(", CASE WHEN m.{group} IS NULL THEN d.added_by ELSE m.added_by END"),
            ),
            _ => ("past_edges", "", String::new()),
        };
        let began =
            format!("CASE WHEN m.{group} IS NULL THEN d.valid_from ELSE coalesce(m.since, m.added, {EARLIEST}) END");
        Self {
            // Who came in sooner has no beginning.
            overtaken: format!(
                "UPDATE membership_dates AS d SET valid_from = NULL WHERE {due} AND d.next_at = d.valid_from \
                 AND EXISTS (SELECT 1 FROM {present} m WHERE m.{group} = d.group_id AND m.{of_present} = d.{member})"
            ),
            begin: format!(
                "INSERT INTO {present} ({group}, {of_present}, added, added_by, since) \
                 SELECT d.group_id, d.{member}, d.added, d.added_by, d.valid_from FROM membership_dates d \
                 WHERE {due} AND d.next_at = d.valid_from AND (d.valid_until IS NULL OR d.valid_until > $1) \
                 ORDER BY d.group_id, d.{member} ON CONFLICT DO NOTHING RETURNING {group} AS group_id, {of_present} AS member_id"
            ),
            // What ended before it could begin was never among what counts.
            keep: format!(
                "INSERT INTO {past} ({group}, {of_present}, began, ended{by}) \
                 SELECT d.group_id, d.{member}, {began}, d.valid_until{of_author} FROM membership_dates d \
                 LEFT JOIN {present} m ON m.{group} = d.group_id AND m.{of_present} = d.{member} \
                 WHERE {due} AND d.valid_until <= $1 AND (m.{group} IS NOT NULL OR d.next_at = d.valid_from) AND {began} < d.valid_until \
                 ON CONFLICT DO NOTHING"
            ),
            end: format!(
                "DELETE FROM {present} WHERE ({group}, {of_present}) IN (SELECT d.group_id, d.{member} FROM membership_dates d \
                 WHERE {due} AND d.valid_until <= $1) RETURNING {group} AS group_id, {of_present} AS member_id"
            ),
            forget: format!(
                "DELETE FROM membership_dates AS d WHERE {due} AND (d.valid_until <= $1 OR d.valid_from IS NULL AND d.valid_until IS NULL)"
            ),
            go_on: format!("UPDATE membership_dates AS d SET next_at = d.valid_until WHERE {due}"),
        }
    }

    fn of_users(due: &str) -> Self {
        Self::of(due, "user_id", ("group_users", "group_id", "user_id"))
    }
}

/// Makes the memberships of users begin and end whose dates `due` are, without counting them.
pub(crate) fn settle_users(connection: &mut AnyConnection, due: &[DueRow], now: i64) -> QueryResult<Settled> {
    static POSTGRES: LazyLock<Statements> = LazyLock::new(|| Statements::of_users(USERS_POSTGRES));
    static SQLITE: LazyLock<Statements> = LazyLock::new(|| Statements::of_users(USERS_SQLITE));
    match connection {
        AnyConnection::Postgres(connection) => {
            let pairs = || due.iter().filter_map(|row| Some((row.group_id, row.user_id?)));
            let (groups, users): (Vec<Key>, Vec<Key>) = pairs().unzip();
            let statement = |sql: &'static str| {
                prepared(sql)
                    .bind::<BigInt, _>(now)
                    .bind::<Array<UuidSql>, _>(&groups)
                    .bind::<Array<UuidSql>, _>(&users)
            };
            statement(&POSTGRES.overtaken).execute(connection)?;
            let begun = statement(&POSTGRES.begin).load(connection)?;
            statement(&POSTGRES.keep).execute(connection)?;
            let ended = statement(&POSTGRES.end).load(connection)?;
            statement(&POSTGRES.forget).execute(connection)?;
            statement(&POSTGRES.go_on).execute(connection)?;
            Ok(Settled { begun, ended })
        }
        AnyConnection::Sqlite(connection) => {
            // Edges may be among those that are due which come later than the users of this step.
            let users = due.iter().filter(|row| row.user_id.is_some());
            let Some(last) = users.map(|row| (row.next_at, row.number)).max() else {
                return Ok(Settled::default());
            };
            let statement = |sql: &'static str| {
                prepared(sql).bind::<BigInt, _>(now).bind::<BigInt, _>(last.0).bind::<BigInt, _>(last.1)
            };
            statement(&SQLITE.overtaken).execute(connection)?;
            let begun = statement(&SQLITE.begin).load(connection)?;
            statement(&SQLITE.keep).execute(connection)?;
            let ended = statement(&SQLITE.end).load(connection)?;
            statement(&SQLITE.forget).execute(connection)?;
            statement(&SQLITE.go_on).execute(connection)?;
            Ok(Settled { begun, ended })
        }
    }
}

/// Adds the pairs that edges connect which begin: `step` goes from the parent of one of them to the child of another, by links that were there before.
const NEW_PAIRS: &str = "WITH RECURSIVE new (parent, child) AS MATERIALIZED (SELECT d.group_id, d.child_id FROM membership_dates d \
         WHERE d.next_at <= $1 AND d.child_id IS NOT NULL AND d.next_at = d.valid_from AND (d.valid_until IS NULL OR d.valid_until > $1)), \
     link (child, parent) AS MATERIALIZED (SELECT c.ancestor_id, c.descendant_id FROM (SELECT DISTINCT parent FROM new) p \
         CROSS JOIN group_closure c WHERE c.descendant_id = p.parent AND c.ancestor_id IN (SELECT child FROM new)), \
     step (top, bottom) AS (SELECT parent, child FROM new \
         UNION SELECT step.top, new.child FROM step CROSS JOIN link CROSS JOIN new WHERE link.child = step.bottom AND new.parent = link.parent) \
     INSERT INTO group_closure (ancestor_id, descendant_id) SELECT DISTINCT above.ancestor_id, below.descendant_id FROM step \
         CROSS JOIN group_closure above CROSS JOIN group_closure below \
         WHERE above.descendant_id = step.top AND below.ancestor_id = step.bottom ON CONFLICT DO NOTHING";

/// Deletes the pairs that were connected by edges that ended, and that a walk over the edges that are left does not find.
const LOST_PAIRS: &str = "WITH RECURSIVE gone (parent, child) AS MATERIALIZED (SELECT d.group_id, d.child_id FROM membership_dates d \
         WHERE d.next_at <= $1 AND d.child_id IS NOT NULL AND d.valid_until <= $1), \
     top (id) AS MATERIALIZED (SELECT DISTINCT c.ancestor_id FROM gone CROSS JOIN group_closure c WHERE c.descendant_id = gone.parent), \
     walk (top, id) AS (SELECT id, id FROM top \
         UNION SELECT walk.top, e.child_id FROM walk CROSS JOIN group_children e WHERE e.parent_id = walk.id) \
     DELETE FROM group_closure WHERE ancestor_id IN (SELECT id FROM top) AND (ancestor_id, descendant_id) IN (\
         SELECT c.ancestor_id, c.descendant_id FROM top CROSS JOIN group_closure c WHERE c.ancestor_id = top.id EXCEPT SELECT top, id FROM walk)";

/// Counts the children of the groups whose edges began or ended.
const COUNT_CHILDREN: &str = "UPDATE groups SET child_group_count = (SELECT count(*) FROM group_children e WHERE e.parent_id = groups.id) \
     WHERE id IN (SELECT d.group_id FROM membership_dates d WHERE d.next_at <= $1 AND d.child_id IS NOT NULL)";

/// Makes edges begin and end whose dates have come, with the pairs that they connect, and counts them.
pub(crate) fn settle_children(connection: &mut AnyConnection, now: i64) -> QueryResult<Settled> {
    static STATEMENTS: LazyLock<Statements> =
        LazyLock::new(|| Statements::of(CHILDREN, "child_id", ("group_children", "parent_id", "child_id")));
    let execute = |connection: &mut AnyConnection, sql: &'static str| {
        let statement = prepared(sql).bind::<BigInt, _>(now);
        match connection {
            AnyConnection::Postgres(connection) => statement.execute(connection),
            AnyConnection::Sqlite(connection) => statement.execute(connection),
        }
    };
    let load = |connection: &mut AnyConnection, sql: &'static str| -> QueryResult<Vec<Pair>> {
        let statement = prepared(sql).bind::<BigInt, _>(now);
        match connection {
            AnyConnection::Postgres(connection) => statement.load(connection),
            AnyConnection::Sqlite(connection) => statement.load(connection),
        }
    };
    execute(connection, &STATEMENTS.overtaken)?;
    let begun = load(connection, &STATEMENTS.begin)?;
    execute(connection, NEW_PAIRS)?;
    execute(connection, &STATEMENTS.keep)?;
    let ended = load(connection, &STATEMENTS.end)?;
    execute(connection, LOST_PAIRS)?;
    execute(connection, COUNT_CHILDREN)?;
    execute(connection, &STATEMENTS.forget)?;
    execute(connection, &STATEMENTS.go_on)?;
    Ok(Settled { begun, ended })
}
