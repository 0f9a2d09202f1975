//! Dates of memberships and edges: how users or groups stand in a group, and how that is set.

use std::sync::LazyLock;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Binary, Bool, Nullable, Text};
use guildhall_domain::provenance::Provenance;
use guildhall_domain::time::Timestamp;
use guildhall_domain::validity::Validity;

use super::sqlite::{REQUESTED_IDS, packed};
use crate::connection::AnyConnection;
use crate::prepared::prepared;
use crate::sql_types::{Key, UuidSql, added_by};

/// What belongs to a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MemberKind {
    User,
    Child,
}

/// The statements about one kind of members.
struct Statements {
    standings_postgres: String,
    standings_sqlite: String,
    scheduled: String,
    forget_postgres: String,
    forget_sqlite: String,
    set_postgres: String,
    set_sqlite: String,
}

/// The dates that are set, of the parameters `$2` to `$5`.
const DATES_POSTGRES: &str =
    "WITH wanted (id, valid_from, valid_until, next_at) AS MATERIALIZED (SELECT * FROM unnest($2, $3, $4, $5)) ";
/// Those of the JSON array `$2`.
const DATES_SQLITE: &str = "WITH wanted (id, valid_from, valid_until, next_at) AS MATERIALIZED \
     (SELECT unhex(value ->> 0), value ->> 1, value ->> 2, value ->> 3 FROM jsonb_each($2)) ";

impl Statements {
    /// `member` is the column of the members in `membership_dates`; `present` is the table of those that count, with its columns of the group and of the
    /// member.
    fn of(member: &str, (present, group, of_present): (&str, &str, &str)) -> Self {
        let standings = format!(
            "SELECT wanted.id, m.{of_present} IS NOT NULL AS is_present, d.valid_from, d.valid_until, d.next_at FROM wanted \
             LEFT JOIN {present} m ON m.{group} = $2 AND m.{of_present} = wanted.id \
             LEFT JOIN membership_dates d ON d.group_id = $2 AND d.{member} = wanted.id \
             WHERE m.{of_present} IS NOT NULL OR d.next_at = d.valid_from"
        );
        let is_present =
            format!("EXISTS (SELECT 1 FROM {present} m WHERE m.{group} = $1 AND m.{of_present} = wanted.id)");
        let forget = format!(
            "DELETE FROM membership_dates WHERE group_id = $1 AND {member} IN (SELECT id FROM wanted \
             WHERE next_at IS DISTINCT FROM valid_from AND NOT {is_present} OR valid_from IS NULL AND valid_until IS NULL)"
        );
        let set = format!(
            "INSERT INTO membership_dates (group_id, {member}, valid_from, valid_until, next_at, added, added_by) \
             SELECT $1, id, valid_from, valid_until, next_at, $6, $7 FROM wanted \
             WHERE (valid_from IS NOT NULL OR valid_until IS NOT NULL) AND (next_at = valid_from OR {is_present}) \
             ON CONFLICT (group_id, {member}) DO UPDATE SET valid_from = excluded.valid_from, \
             valid_until = excluded.valid_until, next_at = excluded.next_at, \
             added = CASE WHEN membership_dates.next_at IS NULL THEN excluded.added ELSE membership_dates.added END, \
             added_by = CASE WHEN membership_dates.next_at IS NULL THEN excluded.added_by ELSE membership_dates.added_by END"
        );
        Self {
            standings_postgres: format!("WITH wanted (id) AS (SELECT unnest($1)) {standings}"),
            standings_sqlite: format!("{REQUESTED_IDS}{standings}"),
            scheduled: format!(
                "SELECT d.{member} AS id FROM membership_dates d WHERE d.group_id = $1 AND d.{member} IS NOT NULL \
                 AND d.next_at = d.valid_from \
                 AND NOT EXISTS (SELECT 1 FROM {present} m WHERE m.{group} = d.group_id AND m.{of_present} = d.{member})"
            ),
            forget_postgres: format!("{DATES_POSTGRES}{forget}"),
            forget_sqlite: format!("{DATES_SQLITE}{forget}"),
            set_postgres: format!("{DATES_POSTGRES}{set}"),
            // Parameters are numbered by how many are bound.
            set_sqlite: format!("{DATES_SQLITE}{set}").replace("$6", "$3").replace("$7", "$4"),
        }
    }
}

impl MemberKind {
    fn statements(self) -> &'static Statements {
        static USERS: LazyLock<Statements> =
            LazyLock::new(|| Statements::of("user_id", ("group_users", "group_id", "user_id")));
        static CHILDREN: LazyLock<Statements> =
            LazyLock::new(|| Statements::of("child_id", ("group_children", "parent_id", "child_id")));
        match self {
            Self::User => &USERS,
            Self::Child => &CHILDREN,
        }
    }
}

/// How a user or a group stands in a group.
#[derive(QueryableByName)]
pub(crate) struct StandingRow {
    #[diesel(sql_type = UuidSql)]
    pub(crate) id: Key,
    #[diesel(sql_type = Bool)]
    pub(crate) is_present: bool,
    #[diesel(sql_type = Nullable<BigInt>)]
    valid_from: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    valid_until: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    next_at: Option<i64>,
}

impl StandingRow {
    pub(crate) fn validity(&self) -> Validity {
        validity(self.is_present, (self.valid_from, self.valid_until, self.next_at))
    }
}

/// The dates of a row. The beginning of one that counts and was to begin later is not shown.
pub(crate) fn validity(is_present: bool, (from, until, next): (Option<i64>, Option<i64>, Option<i64>)) -> Validity {
    let from = if is_present && next == from { None } else { from };
    Validity { from: from.map(Timestamp::from_milliseconds), until: until.map(Timestamp::from_milliseconds) }
}

/// How those of `members` stand in the group who belong to it, or will.
pub(crate) fn standings(
    connection: &mut AnyConnection,
    kind: MemberKind,
    group: Key,
    members: Vec<Key>,
) -> QueryResult<Vec<StandingRow>> {
    if members.is_empty() {
        return Ok(Vec::new());
    }
    let statements = kind.statements();
    match connection {
        AnyConnection::Postgres(connection) => prepared(&statements.standings_postgres)
            .bind::<Array<UuidSql>, _>(members)
            .bind::<UuidSql, _>(group)
            .load(connection),
        AnyConnection::Sqlite(connection) => prepared(&statements.standings_sqlite)
            .bind::<Binary, _>(packed(&members))
            .bind::<UuidSql, _>(group)
            .load(connection),
    }
}

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = UuidSql)]
    id: Key,
}

/// Who or what is to belong to the group later.
pub(crate) fn scheduled(connection: &mut AnyConnection, kind: MemberKind, group: Key) -> QueryResult<Vec<Key>> {
    let question = prepared(&kind.statements().scheduled).bind::<UuidSql, _>(group);
    let rows: Vec<Id> = match connection {
        AnyConnection::Postgres(connection) => question.load(connection)?,
        AnyConnection::Sqlite(connection) => question.load(connection)?,
    };
    Ok(rows.into_iter().map(|row| row.id).collect())
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// How many dates that are yet to come this author made, at most `most`.
pub(crate) fn count_pending(connection: &mut AnyConnection, author: Key, most: i64) -> QueryResult<i64> {
    let question = prepared(
        "SELECT count(*) AS count FROM (SELECT 1 FROM membership_dates WHERE added_by = $1 AND next_at IS NOT NULL LIMIT $2) AS pending",
    )
    .bind::<UuidSql, _>(author)
    .bind::<BigInt, _>(most);
    let count: Count = match connection {
        AnyConnection::Postgres(connection) => question.get_result(connection)?,
        AnyConnection::Sqlite(connection) => question.get_result(connection)?,
    };
    Ok(count.count)
}

/// Sets the dates of members as of `now`. Rows of which a date is yet to come keep who made them, and when.
pub(crate) fn set(
    connection: &mut AnyConnection,
    (kind, group): (MemberKind, Key),
    dates: &[(Key, Validity)],
    added: Provenance,
    now: Timestamp,
) -> QueryResult<()> {
    if dates.is_empty() {
        return Ok(());
    }
    let statements = kind.statements();
    let milliseconds = |moment: Option<Timestamp>| moment.map(Timestamp::milliseconds);
    match connection {
        AnyConnection::Postgres(connection) => {
            let of = |date: fn(Validity, Timestamp) -> Option<Timestamp>| {
                dates.iter().map(|(_, validity)| milliseconds(date(*validity, now))).collect::<Vec<_>>()
            };
            let ids: Vec<Key> = dates.iter().map(|(id, _)| *id).collect();
            let columns = [of(|validity, _| validity.from), of(|validity, _| validity.until), of(Validity::next)];
            let [from, until, next] = &columns;
            let statement = |sql: &'static str| {
                prepared(sql)
                    .bind::<UuidSql, _>(group)
                    .bind::<Array<UuidSql>, _>(&ids)
                    .bind::<Array<Nullable<BigInt>>, _>(from)
                    .bind::<Array<Nullable<BigInt>>, _>(until)
                    .bind::<Array<Nullable<BigInt>>, _>(next)
            };
            statement(&statements.forget_postgres).execute(connection)?;
            statement(&statements.set_postgres)
                .bind::<BigInt, _>(added.at.milliseconds())
                .bind::<Nullable<UuidSql>, _>(added_by(added))
                .execute(connection)?;
        }
        AnyConnection::Sqlite(connection) => {
            let row = |(id, validity): &(Key, Validity)| {
                let [from, until, next] = [validity.from, validity.until, validity.next(now)].map(milliseconds);
                serde_json::json!([id.0.simple().to_string(), from, until, next])
            };
            let rows = dates.iter().map(row).collect::<serde_json::Value>().to_string();
            let statement = |sql: &'static str| prepared(sql).bind::<UuidSql, _>(group).bind::<Text, _>(&rows);
            statement(&statements.forget_sqlite).execute(connection)?;
            statement(&statements.set_sqlite)
                .bind::<BigInt, _>(added.at.milliseconds())
                .bind::<Nullable<UuidSql>, _>(added_by(added))
                .execute(connection)?;
        }
    }
    Ok(())
}
