//! Statements that look many things up at once. All that is looked for is in one to three bound values, so the text of a statement does not
//! depend on how much it is.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Binary, Text};

use crate::connection::AnyConnection;
use crate::prepared::prepared;
use crate::sql_types::{Key, UuidSql};

/// A name that was found, by its place among those that were looked for, from 0.
#[derive(QueryableByName)]
pub(crate) struct Named {
    #[diesel(sql_type = BigInt)]
    pub(crate) place: i64,
    #[diesel(sql_type = UuidSql)]
    pub(crate) id: Key,
}

#[derive(QueryableByName)]
struct Membership {
    #[diesel(sql_type = UuidSql)]
    user_id: Key,
    #[diesel(sql_type = UuidSql)]
    group_id: Key,
}

/// The users with these usernames and email addresses.
pub(crate) fn users_named(connection: &mut AnyConnection, keys: &[&str]) -> QueryResult<Vec<Named>> {
    match connection {
        AnyConnection::Postgres(connection) => prepared(
            "SELECT wanted.place - 1 AS place, found.user_id AS id FROM unnest($1) WITH ORDINALITY AS wanted (key, place) \
             JOIN LATERAL (SELECT user_id FROM user_identifiers WHERE identifier_key = wanted.key LIMIT 1) found ON true",
        )
        .bind::<Array<Text>, _>(keys)
        .load(connection),
        AnyConnection::Sqlite(connection) => prepared(
            "SELECT wanted.key AS place, user_identifiers.user_id AS id FROM json_each($1) AS wanted \
             CROSS JOIN user_identifiers ON user_identifiers.identifier_key = wanted.value",
        )
        .bind::<Text, _>(json(keys))
        .load(connection),
    }
}

/// The groups with these names.
pub(crate) fn groups_named(connection: &mut AnyConnection, keys: &[&str]) -> QueryResult<Vec<Named>> {
    match connection {
        AnyConnection::Postgres(connection) => prepared(
            "SELECT wanted.place - 1 AS place, found.id FROM unnest($1) WITH ORDINALITY AS wanted (key, place) \
             JOIN LATERAL (SELECT id FROM groups WHERE name_key = wanted.key LIMIT 1) found ON true",
        )
        .bind::<Array<Text>, _>(keys)
        .load(connection),
        AnyConnection::Sqlite(connection) => prepared(
            "SELECT wanted.key AS place, groups.id FROM json_each($1) AS wanted \
             CROSS JOIN groups ON groups.name_key = wanted.value",
        )
        .bind::<Text, _>(json(keys))
        .load(connection),
    }
}

/// Of this many groups that a user is asked about, it is cheaper to find all groups that the user is in.
const MANY_GROUPS: usize = 32;

/// Those of `pairs`, users with groups and in order, whose user is an effective member of the group. At most two statements.
pub(crate) fn effective_memberships(
    connection: &mut AnyConnection,
    pairs: &[(Key, Key)],
) -> QueryResult<Vec<(Key, Key)>> {
    let by_user = pairs.chunk_by(|one, other| one.0 == other.0);
    let (many, few): (Vec<&[_]>, Vec<&[_]>) = by_user.partition(|pairs| pairs.len() >= MANY_GROUPS);
    let mut found = Vec::new();
    for (pairs, lookup) in [(few.concat(), check_pairs as Lookup), (many.concat(), check_users)] {
        if !pairs.is_empty() {
            found.extend(lookup(connection, &pairs)?);
        }
    }
    Ok(found.into_iter().map(|row| (row.user_id, row.group_id)).collect())
}

type Lookup = fn(&mut AnyConnection, &[(Key, Key)]) -> QueryResult<Vec<Membership>>;

/// Each pair costs as many lookups by index as the user has direct groups, however many groups are above or below them.
///
/// Subqueries inside one another keep PostgreSQL from any other way, such as from the group down: its planner takes it that every
/// group has as few groups below it as the average one.
fn check_pairs(connection: &mut AnyConnection, pairs: &[(Key, Key)]) -> QueryResult<Vec<Membership>> {
    match connection {
        AnyConnection::Postgres(connection) => {
            let (users, groups): (Vec<Key>, Vec<Key>) = pairs.iter().copied().unzip();
            prepared(
                "SELECT wanted.user_id, wanted.group_id FROM unnest($1, $2) AS wanted (user_id, group_id) \
                 WHERE (SELECT true FROM group_users WHERE group_users.user_id = wanted.user_id \
                     AND (SELECT true FROM group_closure WHERE group_closure.ancestor_id = wanted.group_id \
                         AND group_closure.descendant_id = group_users.group_id LIMIT 1) LIMIT 1)",
            )
            .bind::<Array<UuidSql>, _>(users)
            .bind::<Array<UuidSql>, _>(groups)
            .load(connection)
        }
        AnyConnection::Sqlite(connection) => prepared(
            "WITH RECURSIVE place (at) AS (SELECT 1 UNION ALL SELECT at + 32 FROM place WHERE at + 32 < length($1)), \
             wanted (user_id, group_id) AS (SELECT substr($1, at, 16), substr($1, at + 16, 16) FROM place) \
             SELECT user_id, group_id FROM wanted WHERE guildhall_interrupt_check() AND EXISTS (SELECT 1 FROM group_users \
                 CROSS JOIN group_closure ON group_closure.descendant_id = group_users.group_id \
                 WHERE group_users.user_id = wanted.user_id AND group_closure.ancestor_id = wanted.group_id)",
        )
        .bind::<Binary, _>(packed(pairs))
        .load(connection),
    }
}

/// Each user costs as many lookups by index as they have direct groups, and reads the groups above those, however many groups are
/// asked about.
fn check_users(connection: &mut AnyConnection, pairs: &[(Key, Key)]) -> QueryResult<Vec<Membership>> {
    let mut asked: Vec<Key> = pairs.iter().map(|(user, _)| *user).collect();
    asked.dedup();
    match connection {
        AnyConnection::Postgres(connection) => {
            let (users, groups): (Vec<Key>, Vec<Key>) = pairs.iter().copied().unzip();
            // `IS TRUE` keeps the condition from becoming a join, which may compare every pair with every other.
            sql_query(
                "SELECT DISTINCT group_users.user_id, group_closure.ancestor_id AS group_id FROM unnest($1) AS asked (user_id) \
                 JOIN group_users ON group_users.user_id = asked.user_id \
                 JOIN group_closure ON group_closure.descendant_id = group_users.group_id \
                 WHERE ((group_users.user_id, group_closure.ancestor_id) IN (SELECT * FROM unnest($2, $3))) IS TRUE",
            )
            .bind::<Array<UuidSql>, _>(asked)
            .bind::<Array<UuidSql>, _>(users)
            .bind::<Array<UuidSql>, _>(groups)
            .load(connection)
        }
        // The interrupt check depends on the inner table, or else it would be called once for each user.
        AnyConnection::Sqlite(connection) => sql_query(
            "WITH RECURSIVE asked (at) AS (SELECT 1 UNION ALL SELECT at + 16 FROM asked WHERE at + 16 < length($1)), \
             place (at) AS (SELECT 1 UNION ALL SELECT at + 32 FROM place WHERE at + 32 < length($2)) \
             SELECT DISTINCT group_users.user_id, group_closure.ancestor_id AS group_id FROM asked \
             CROSS JOIN group_users ON group_users.user_id = substr($1, asked.at, 16) \
                 AND length(group_users.group_id) = 16 * guildhall_interrupt_check() \
             CROSS JOIN group_closure ON group_closure.descendant_id = group_users.group_id \
             WHERE (group_users.user_id, +group_closure.ancestor_id) \
                 IN (SELECT substr($2, place.at, 16), substr($2, place.at + 16, 16) FROM place)",
        )
        .bind::<Binary, _>(asked.iter().flat_map(|user| *user.0.as_bytes()).collect::<Vec<u8>>())
        .bind::<Binary, _>(packed(pairs))
        .load(connection),
    }
}

/// As ids of 16 bytes each.
fn packed(pairs: &[(Key, Key)]) -> Vec<u8> {
    pairs.iter().flat_map(|(one, other)| [*one.0.as_bytes(), *other.0.as_bytes()]).flatten().collect()
}

fn json(keys: &[&str]) -> String {
    serde_json::Value::from(keys.to_vec()).to_string()
}
