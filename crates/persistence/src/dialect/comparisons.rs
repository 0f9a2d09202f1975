//! Statements that compare what a group has with what is asked for.

use std::collections::BTreeSet;

use diesel::connection::DefaultLoadingMode;
use diesel::prelude::*;
use diesel::sql_types::{Array, Bool};
use guildhall_domain::ports::Difference;
use guildhall_domain::user::UserId;

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
