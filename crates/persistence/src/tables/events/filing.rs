//! Whether events are found by what their texts say.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, SmallInt, Text};
use guildhall_domain::event::Event;
use serde_json::{Value, json};

use super::rows::{About, columns_of, number};
use super::{NullableUuid, key_of};
use crate::connection::AnyConnection;
use crate::prepared::prepared;
use crate::sql_types::{Key, UuidSql};
use crate::unit_of_work::Failure;

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// What an event says of its actor and its group is what it is found by, and its clock is the latest time so far.
macro_rules! misfiled {
    ($told:literal, $latest:literal, $users:literal) => {
        concat!(
            "WITH told AS (",
            $told,
            ") SELECT coalesce(min(f.sequence), 0) AS number FROM (SELECT e.sequence FROM told JOIN events e ON e.sequence = told.sequence \
             LEFT JOIN events b ON b.sequence = e.sequence - 1 \
             WHERE e.actor_id IS DISTINCT FROM told.actor_id OR e.group_id IS DISTINCT FROM told.group_id OR e.clock <> ",
            $latest,
            "(e.time, coalesce(b.clock, e.clock)) UNION ALL SELECT w.sequence FROM (",
            $users,
            ") w JOIN events e ON e.sequence = w.sequence WHERE NOT EXISTS (SELECT 1 FROM event_users u WHERE u.user_id = w.user_id AND u.kind = w.kind AND u.sequence = w.sequence)) f"
        )
    };
}

/// The first of these events, which follow one another, that is found by something else than it tells.
pub(super) fn misfiled(connection: &mut AnyConnection, events: &[Event]) -> Result<Option<u64>, Failure> {
    let ids = |event: &Event| (event.actor().map(|id| id.0), event.group().map(|id| id.0));
    let about = events.iter().flat_map(|event| event.users().into_iter().map(|user| About::of(event, Key(user.0))));
    let about: Vec<About> = about.collect();
    let found: Number = match connection {
        AnyConnection::Postgres(connection) => {
            let sequences: Vec<i64> = events.iter().map(|event| number(event.sequence)).collect();
            let (actors, groups): (Vec<_>, Vec<_>) =
                events.iter().map(ids).map(|(actor, group)| (key_of(actor), key_of(group))).unzip();
            let (users, kinds, of) = columns_of(&about);
            prepared(misfiled!(
                "SELECT * FROM unnest($1, $2, $3) AS t (sequence, actor_id, group_id)",
                "greatest",
                "SELECT * FROM unnest($4, $5, $6) AS t (user_id, kind, sequence)"
            ))
            .bind::<Array<BigInt>, _>(sequences)
            .bind::<Array<NullableUuid>, _>(actors)
            .bind::<Array<NullableUuid>, _>(groups)
            .bind::<Array<UuidSql>, _>(users)
            .bind::<Array<SmallInt>, _>(kinds)
            .bind::<Array<BigInt>, _>(of)
            .get_result(connection)?
        }
        AnyConnection::Sqlite(connection) => {
            let hex = |id: uuid::Uuid| id.simple().to_string();
            let told = events.iter().map(|event| {
                let (actor, group) = ids(event);
                json!([number(event.sequence), actor.map(hex), group.map(hex)])
            });
            prepared(misfiled!(
                "SELECT value ->> 0 AS sequence, unhex(value ->> 1) AS actor_id, unhex(value ->> 2) AS group_id FROM jsonb_each($1)",
                "max",
                "SELECT unhex(value ->> 0) AS user_id, value ->> 1 AS kind, value ->> 2 AS sequence FROM jsonb_each($2)"
            ))
            .bind::<Text, _>(told.collect::<Value>().to_string())
            .bind::<Text, _>(about.into_iter().map(About::json).collect::<Value>().to_string())
            .get_result(connection)?
        }
    };
    Ok(Some(found.number.unsigned_abs()).filter(|sequence| *sequence > 0))
}

/// How many pairs of an event that has its place and a user are kept.
pub(super) fn count_users(connection: &mut AnyConnection) -> Result<u64, Failure> {
    let count = prepared("SELECT count(*) AS number FROM event_users");
    let found: Number = match connection {
        AnyConnection::Postgres(connection) => count.get_result(connection)?,
        AnyConnection::Sqlite(connection) => count.get_result(connection)?,
    };
    Ok(found.number.unsigned_abs())
}
