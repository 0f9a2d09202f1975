//! Statements that compare what a group has with what is asked for.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use diesel::connection::DefaultLoadingMode;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Binary, Bool};
use guildhall_domain::ports::Difference;
use guildhall_domain::user::UserId;

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
struct Unmatched {
    #[diesel(sql_type = UuidSql)]
    id: Key,
    #[diesel(sql_type = Bool)]
    is_member: bool,
}

/// How the direct members of `group` differ from `wanted`. SQLite gives one member after the other in the order of their ids, so that neither
/// side is kept twice.
pub(crate) fn members(
    connection: &mut AnyConnection,
    group: Key,
    wanted: &BTreeSet<UserId>,
) -> QueryResult<Difference<UserId>> {
    match connection {
        AnyConnection::Postgres(connection) => {
            let keys: Vec<Key> = wanted.iter().map(|user| Key(user.0)).collect();
            let unmatched: Vec<Unmatched> = prepared(
                "SELECT coalesce(wanted.id, present.user_id) AS id, wanted.id IS NULL AS is_member \
                 FROM unnest($2) AS wanted (id) \
                 FULL JOIN (SELECT user_id FROM group_users WHERE group_id = $1) AS present ON present.user_id = wanted.id \
                 WHERE wanted.id IS NULL OR present.user_id IS NULL",
            )
            .bind::<UuidSql, _>(group)
            .bind::<Array<UuidSql>, _>(keys)
            .load(connection)?;
            let of = |is_member: bool| {
                let rows = unmatched.iter().filter(move |row| row.is_member == is_member);
                rows.map(|row| UserId(row.id.0)).collect()
            };
            Ok(Difference { missing: of(false), surplus: of(true) })
        }
        AnyConnection::Sqlite(connection) => {
            let members = prepared("SELECT user_id AS id FROM group_users WHERE group_id = $1 ORDER BY user_id")
                .bind::<UuidSql, _>(group)
                .load_iter::<Id, DefaultLoadingMode>(connection)?;
            difference(wanted, members.map(|row| Ok(UserId(row?.id.0))))
        }
    }
}

/// The difference of two sequences in the order of the ids.
fn difference(
    wanted: &BTreeSet<UserId>,
    members: impl Iterator<Item = QueryResult<UserId>>,
) -> QueryResult<Difference<UserId>> {
    let (mut missing, mut surplus) = (Vec::new(), Vec::new());
    let mut wanted = wanted.iter().copied().peekable();
    for member in members {
        let member = member?;
        while let Some(user) = wanted.next_if(|user| *user < member) {
            missing.push(user);
        }
        if wanted.next_if_eq(&member).is_none() {
            surplus.push(member);
        }
    }
    missing.extend(wanted);
    Ok(Difference { missing: missing.into_iter().collect(), surplus: surplus.into_iter().collect() })
}

/// The condition that the account `u` is open at `$3`.
const IS_ACTIVE: &str = "NOT u.suspended AND (u.expiry IS NULL OR u.expiry > $3)";

/// The first of `users` who is a direct member of the group with an open account.
pub(crate) fn first_active_member(
    connection: &mut AnyConnection,
    group: Key,
    users: Vec<Key>,
    now: i64,
) -> QueryResult<Option<Key>> {
    const FROM: &str = "SELECT m.user_id AS id FROM group_users m JOIN users u ON u.id = m.user_id WHERE m.group_id = $2 AND m.user_id IN";
    static POSTGRES: LazyLock<String> = LazyLock::new(|| {
        format!("{FROM} (SELECT wanted.id FROM unnest($1) AS wanted (id)) AND {IS_ACTIVE} ORDER BY m.user_id LIMIT 1")
    });
    static SQLITE: LazyLock<String> = LazyLock::new(|| {
        format!("{REQUESTED_IDS} {FROM} (SELECT id FROM wanted) AND {IS_ACTIVE} ORDER BY m.user_id LIMIT 1")
    });
    first(connection, (&POSTGRES, &SQLITE), group, users, now)
}

/// The first of `groups` that is a direct child of the parent and has an effective member with an open account.
pub(crate) fn first_child_with_active_member(
    connection: &mut AnyConnection,
    parent: Key,
    groups: Vec<Key>,
    now: i64,
) -> QueryResult<Option<Key>> {
    const FROM: &str = "SELECT e.child_id AS id FROM group_children e WHERE e.parent_id = $2 AND e.child_id IN";
    static HAS_ACTIVE: LazyLock<String> = LazyLock::new(|| {
        format!(
            "EXISTS (SELECT 1 FROM group_closure c JOIN group_users m ON m.group_id = c.descendant_id \
             JOIN users u ON u.id = m.user_id WHERE c.ancestor_id = e.child_id AND {IS_ACTIVE}) ORDER BY e.child_id LIMIT 1"
        )
    });
    static POSTGRES: LazyLock<String> =
        LazyLock::new(|| format!("{FROM} (SELECT wanted.id FROM unnest($1) AS wanted (id)) AND {}", *HAS_ACTIVE));
    static SQLITE: LazyLock<String> =
        LazyLock::new(|| format!("{REQUESTED_IDS} {FROM} (SELECT id FROM wanted) AND {}", *HAS_ACTIVE));
    first(connection, (&POSTGRES, &SQLITE), parent, groups, now)
}

fn first(
    connection: &mut AnyConnection,
    (postgres, sqlite): (&'static str, &'static str),
    group: Key,
    ids: Vec<Key>,
    now: i64,
) -> QueryResult<Option<Key>> {
    if ids.is_empty() {
        return Ok(None);
    }
    let found: Option<Id> = match connection {
        AnyConnection::Postgres(connection) => prepared(postgres)
            .bind::<Array<UuidSql>, _>(ids)
            .bind::<UuidSql, _>(group)
            .bind::<BigInt, _>(now)
            .get_result(connection)
            .optional()?,
        AnyConnection::Sqlite(connection) => prepared(sqlite)
            .bind::<Binary, _>(packed(&ids))
            .bind::<UuidSql, _>(group)
            .bind::<BigInt, _>(now)
            .get_result(connection)
            .optional()?,
    };
    Ok(found.map(|row| row.id))
}
