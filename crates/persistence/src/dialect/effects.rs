//! Sets of users against sets of groups. All ids are in one or two bound values.

use std::sync::LazyLock;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Binary, Nullable, Text};

use super::sqlite::packed;
use crate::connection::AnyConnection;
use crate::prepared::prepared;
use crate::sql_types::{Key, UuidSql};

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = UuidSql)]
    id: Key,
}

#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = UuidSql)]
    group_id: Key,
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// Consecutive places of users who are not in a group.
#[derive(QueryableByName)]
pub(crate) struct Gap {
    #[diesel(sql_type = UuidSql)]
    pub(crate) group_id: Key,
    #[diesel(sql_type = BigInt)]
    pub(crate) first: i64,
    #[diesel(sql_type = BigInt)]
    pub(crate) last: i64,
}

/// A user at a place.
#[derive(QueryableByName)]
pub(crate) struct PersonRow {
    #[diesel(sql_type = BigInt)]
    pub(crate) place: i64,
    #[diesel(sql_type = UuidSql)]
    pub(crate) id: Key,
    #[diesel(sql_type = Text)]
    pub(crate) username: String,
    #[diesel(sql_type = Nullable<Text>)]
    pub(crate) email: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub(crate) first_name: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub(crate) last_name: Option<String>,
}

/// The ids of the first parameter in SQLite.
const SQLITE_FIRST: &str = "at (n) AS (SELECT 1 UNION ALL SELECT n + 16 FROM at WHERE n + 16 < length($1)), \
     one (id) AS MATERIALIZED (SELECT substr($1, n, 16) FROM at)";
/// Those of the second parameter.
const SQLITE_SECOND: &str = "at2 (n) AS (SELECT 1 UNION ALL SELECT n + 16 FROM at2 WHERE n + 16 < length($2)), \
     two (id) AS MATERIALIZED (SELECT substr($2, n, 16) FROM at2)";
const POSTGRES_FIRST: &str = "one (id) AS (SELECT unnest($1))";
const POSTGRES_SECOND: &str = "two (id) AS (SELECT unnest($2))";

/// A statement for each database: `{one}` and `{two}` are the sets that are bound first and second.
struct Statements {
    postgres: String,
    sqlite: String,
}

impl Statements {
    fn of(text: &str) -> Self {
        let with = |one: &str, two: &str| text.replace("{one}", one).replace("{two}", two);
        Self { postgres: with(POSTGRES_FIRST, POSTGRES_SECOND), sqlite: with(SQLITE_FIRST, SQLITE_SECOND) }
    }
}

/// The users who are in any of these groups or in a group below.
pub(crate) fn members_of_any(connection: &mut AnyConnection, groups: &[Key]) -> QueryResult<Vec<Key>> {
    static STATEMENTS: LazyLock<Statements> = LazyLock::new(|| {
        Statements::of(
            "WITH RECURSIVE {one} SELECT DISTINCT m.user_id AS id FROM one JOIN group_closure c ON c.ancestor_id = one.id \
             JOIN group_users m ON m.group_id = c.descendant_id",
        )
    });
    let rows: Vec<Id> = match connection {
        AnyConnection::Postgres(connection) => {
            prepared(&STATEMENTS.postgres).bind::<Array<UuidSql>, _>(groups).load(connection)?
        }
        AnyConnection::Sqlite(connection) => {
            prepared(&STATEMENTS.sqlite).bind::<Binary, _>(packed(groups)).load(connection)?
        }
    };
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// How many of the users are in each of the groups. It costs what the memberships of the users are, whatever the groups are.
pub(crate) fn count_members_among(
    connection: &mut AnyConnection,
    groups: &[Key],
    users: &[Key],
) -> QueryResult<Vec<(Key, i64)>> {
    static STATEMENTS: LazyLock<Statements> = LazyLock::new(|| {
        Statements::of(
            "WITH RECURSIVE {one}, {two} SELECT c.ancestor_id AS group_id, count(DISTINCT m.user_id) AS number FROM two \
             JOIN group_users m ON m.user_id = two.id JOIN group_closure c ON c.descendant_id = m.group_id \
             WHERE c.ancestor_id IN (SELECT id FROM one) GROUP BY c.ancestor_id",
        )
    });
    let rows: Vec<Counted> = match connection {
        AnyConnection::Postgres(connection) => prepared(&STATEMENTS.postgres)
            .bind::<Array<UuidSql>, _>(groups)
            .bind::<Array<UuidSql>, _>(users)
            .load(connection)?,
        AnyConnection::Sqlite(connection) => prepared(&STATEMENTS.sqlite)
            .bind::<Binary, _>(packed(groups))
            .bind::<Binary, _>(packed(users))
            .load(connection)?,
    };
    Ok(rows.into_iter().map(|row| (row.group_id, row.number)).collect())
}

/// The gaps that those who are in the groups leave among the users, who are numbered by username from 1: as many as hold `most` of those who are not in them, or
/// more. The last gap of a group may be empty. A group that nobody is in has no gaps at all.
pub(crate) fn gaps(connection: &mut AnyConnection, groups: &[Key], users: &[Key], most: i64) -> QueryResult<Vec<Gap>> {
    static STATEMENTS: LazyLock<Statements> = LazyLock::new(|| {
        Statements::of(
            "WITH RECURSIVE {one}, {two}, \
             wanted AS MATERIALIZED (SELECT u.id, row_number() OVER (ORDER BY u.username_key, u.id) AS place FROM two JOIN users u ON u.id = two.id), \
             inside AS MATERIALIZED (SELECT DISTINCT c.ancestor_id AS group_id, w.place FROM wanted w \
                 JOIN group_users m ON m.user_id = w.id JOIN group_closure c ON c.descendant_id = m.group_id \
                 WHERE c.ancestor_id IN (SELECT id FROM one)), \
             numbered AS (SELECT group_id, place, \
                 lag(place, 1, CAST(0 AS bigint)) OVER (PARTITION BY group_id ORDER BY place) AS former, \
                 row_number() OVER (PARTITION BY group_id ORDER BY place) AS number FROM inside) \
             SELECT group_id, former + 1 AS first, place - 1 AS last FROM numbered \
             WHERE place - former > 1 AND former - number + 1 < $3 \
             UNION ALL SELECT group_id, max(place) + 1, (SELECT count(*) FROM wanted) FROM inside GROUP BY group_id \
             ORDER BY 1, 2",
        )
    });
    match connection {
        AnyConnection::Postgres(connection) => prepared(&STATEMENTS.postgres)
            .bind::<Array<UuidSql>, _>(groups)
            .bind::<Array<UuidSql>, _>(users)
            .bind::<BigInt, _>(most)
            .load(connection),
        AnyConnection::Sqlite(connection) => prepared(&STATEMENTS.sqlite)
            .bind::<Binary, _>(packed(groups))
            .bind::<Binary, _>(packed(users))
            .bind::<BigInt, _>(most)
            .load(connection),
    }
}

/// The users at these places, numbered by username from 1.
pub(crate) fn people_at(connection: &mut AnyConnection, users: &[Key], places: &[i64]) -> QueryResult<Vec<PersonRow>> {
    const NUMBERED: &str = "numbered AS MATERIALIZED (SELECT u.id, row_number() OVER (ORDER BY u.username_key, u.id) AS place \
         FROM one JOIN users u ON u.id = one.id) \
         SELECT n.place, u.id, u.username, u.email, u.first_name, u.last_name FROM numbered n JOIN users u ON u.id = n.id WHERE n.place";
    static STATEMENTS: LazyLock<Statements> = LazyLock::new(|| Statements {
        postgres: format!("WITH RECURSIVE {POSTGRES_FIRST}, {NUMBERED} = ANY ($2)"),
        sqlite: format!("WITH RECURSIVE {SQLITE_FIRST}, {NUMBERED} IN (SELECT value FROM json_each($2))"),
    });
    match connection {
        AnyConnection::Postgres(connection) => prepared(&STATEMENTS.postgres)
            .bind::<Array<UuidSql>, _>(users)
            .bind::<Array<BigInt>, _>(places)
            .load(connection),
        AnyConnection::Sqlite(connection) => prepared(&STATEMENTS.sqlite)
            .bind::<Binary, _>(packed(users))
            .bind::<Text, _>(serde_json::to_string(places).unwrap_or_default())
            .load(connection),
    }
}

/// Those of the users whose account is neither suspended nor expired.
pub(crate) fn open_accounts(connection: &mut AnyConnection, users: &[Key], now: i64) -> QueryResult<Vec<Key>> {
    static STATEMENTS: LazyLock<Statements> = LazyLock::new(|| {
        Statements::of(
            "WITH RECURSIVE {one} SELECT u.id FROM one JOIN users u ON u.id = one.id \
             WHERE NOT u.suspended AND (u.expiry IS NULL OR u.expiry > $2)",
        )
    });
    let rows: Vec<Id> = match connection {
        AnyConnection::Postgres(connection) => {
            prepared(&STATEMENTS.postgres).bind::<Array<UuidSql>, _>(users).bind::<BigInt, _>(now).load(connection)?
        }
        AnyConnection::Sqlite(connection) => {
            prepared(&STATEMENTS.sqlite).bind::<Binary, _>(packed(users)).bind::<BigInt, _>(now).load(connection)?
        }
    };
    Ok(rows.into_iter().map(|row| row.id).collect())
}
