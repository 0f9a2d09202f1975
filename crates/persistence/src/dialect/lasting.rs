//! Who stays a member: by a membership and edges without an end, with an account that is neither suspended nor ever expires.

use std::sync::LazyLock;

use diesel::prelude::*;
use diesel::sql_types::{Array, Binary, Bool, Text};

use super::sqlite::{REQUESTED_IDS, packed};
use crate::connection::AnyConnection;
use crate::prepared::prepared;
use crate::sql_types::{Key, UuidSql};

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = UuidSql)]
    id: Key,
}

#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = Bool)]
    answer: bool,
}

/// The condition that the membership `m` of the user `u` lasts.
const MEMBERSHIP_LASTS: &str = "NOT u.suspended AND u.expiry IS NULL AND NOT EXISTS (SELECT 1 FROM membership_dates d \
     WHERE d.group_id = m.group_id AND d.user_id = m.user_id AND d.valid_until IS NOT NULL)";
/// The condition that the edge `e` lasts.
const EDGE_LASTS: &str = "NOT EXISTS (SELECT 1 FROM membership_dates d \
     WHERE d.group_id = e.parent_id AND d.child_id = e.child_id AND d.valid_until IS NOT NULL)";

/// The condition that a membership of the group `lasting` lasts. A scalar subquery ends at the first one: PostgreSQL would make a join of EXISTS, and read all.
static HAS_MEMBER: LazyLock<String> = LazyLock::new(|| {
    format!(
        "(SELECT 1 FROM group_users m CROSS JOIN users u WHERE u.id = m.user_id AND m.group_id = lasting.id AND {MEMBERSHIP_LASTS} LIMIT 1) = 1"
    )
});

/// Whether the group with this name has a member who stays one.
pub(crate) fn has_member(connection: &mut AnyConnection, name: &str) -> QueryResult<bool> {
    static SQL: LazyLock<String> = LazyLock::new(|| {
        format!(
            "WITH RECURSIVE lasting (id) AS (SELECT id FROM groups WHERE name_key = $1 \
                 UNION SELECT e.child_id FROM lasting CROSS JOIN group_children e WHERE e.parent_id = lasting.id AND {EDGE_LASTS}) \
             SELECT EXISTS (SELECT 1 FROM lasting WHERE {}) AS answer",
            *HAS_MEMBER
        )
    });
    let question = prepared(&SQL).bind::<Text, _>(name);
    let row: Answer = match connection {
        AnyConnection::Postgres(connection) => question.get_result(connection)?,
        AnyConnection::Sqlite(connection) => question.get_result(connection)?,
    };
    Ok(row.answer)
}

/// A statement for each database: `{wanted}` begins it with the ids that are bound first.
struct Statements {
    postgres: String,
    sqlite: String,
}

impl Statements {
    fn of(text: &str) -> Self {
        let sqlite = format!("{REQUESTED_IDS}{text}");
        Self { postgres: format!("WITH RECURSIVE wanted (id) AS (SELECT unnest($1)) {text}"), sqlite }
    }

    fn first(&'static self, connection: &mut AnyConnection, group: Key, ids: Vec<Key>) -> QueryResult<Option<Key>> {
        if ids.is_empty() {
            return Ok(None);
        }
        let found: Option<Id> = match connection {
            AnyConnection::Postgres(connection) => prepared(&self.postgres)
                .bind::<Array<UuidSql>, _>(ids)
                .bind::<UuidSql, _>(group)
                .get_result(connection)
                .optional()?,
            AnyConnection::Sqlite(connection) => prepared(&self.sqlite)
                .bind::<Binary, _>(packed(&ids))
                .bind::<UuidSql, _>(group)
                .get_result(connection)
                .optional()?,
        };
        Ok(found.map(|row| row.id))
    }
}

/// The first of `users` whose direct membership of the group lasts.
pub(crate) fn first_member(connection: &mut AnyConnection, group: Key, users: Vec<Key>) -> QueryResult<Option<Key>> {
    static STATEMENTS: LazyLock<Statements> = LazyLock::new(|| {
        Statements::of(&format!(
            "SELECT m.user_id AS id FROM group_users m JOIN users u ON u.id = m.user_id \
             WHERE m.group_id = $2 AND m.user_id IN (SELECT id FROM wanted) AND {MEMBERSHIP_LASTS} ORDER BY m.user_id LIMIT 1"
        ))
    });
    STATEMENTS.first(connection, group, users)
}

/// The first of `groups` that is a direct child of the parent by an edge that lasts, and has a member who stays one.
pub(crate) fn first_child_with_member(
    connection: &mut AnyConnection,
    parent: Key,
    groups: Vec<Key>,
) -> QueryResult<Option<Key>> {
    static STATEMENTS: LazyLock<Statements> = LazyLock::new(|| {
        Statements::of(&format!(
            ", lasting (root, id) AS (SELECT e.child_id, e.child_id FROM group_children e \
                 WHERE e.parent_id = $2 AND e.child_id IN (SELECT id FROM wanted) AND {EDGE_LASTS} \
                 UNION SELECT lasting.root, e.child_id FROM lasting CROSS JOIN group_children e WHERE e.parent_id = lasting.id AND {EDGE_LASTS}) \
             SELECT lasting.root AS id FROM lasting WHERE {} ORDER BY lasting.root LIMIT 1",
            *HAS_MEMBER
        ))
    });
    STATEMENTS.first(connection, parent, groups)
}
