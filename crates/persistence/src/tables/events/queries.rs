//! Finds events by what they are about.
//!
//! Each filter has an index in which its events come in the order of their places. The first filter of a query in this order chooses the index: user, group, actor, types,
//! time. The others are looked at in the rows.

use std::sync::LazyLock;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, SmallInt, Text};
use guildhall_domain::event::{Event, EventId, EventType, TypePattern};
use guildhall_domain::ports::{EventOrder, EventQuery};
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::UserId;

use super::rows::{EventRow, number};
use super::{NullableUuid, key_of};
use crate::connection::AnyConnection;
use crate::dialect::Dialect;
use crate::prepared::prepared;
use crate::sql_types::{Key, UuidSql};
use crate::unit_of_work::Failure;

/// By how much an event may tell of an earlier time than one before it and be found by the order of the times: the condition of the index `events_late`.
const LATE: &str = "60000";

/// Which parts a statement has.
#[derive(Clone, Copy)]
struct Shape {
    dialect: Dialect,
    is_descending: bool,
    by_user: bool,
    by_group: bool,
    by_actor: bool,
    by_types: bool,
    by_time: bool,
}

impl Shape {
    const FLAGS: usize = 7;

    fn of(dialect: Dialect, query: &EventQuery) -> Self {
        Self {
            dialect,
            is_descending: query.order == EventOrder::Descending,
            by_user: query.user.is_some(),
            by_group: query.group.is_some(),
            by_actor: query.actor.is_some(),
            by_types: query.types.is_some(),
            by_time: query.from.is_some() || query.to.is_some(),
        }
    }

    fn number(self) -> usize {
        let is_sqlite = self.dialect == Dialect::Sqlite;
        let flags =
            [is_sqlite, self.is_descending, self.by_user, self.by_group, self.by_actor, self.by_types, self.by_time];
        flags.into_iter().enumerate().map(|(at, flag)| usize::from(flag) << at).sum()
    }

    fn numbered(number: usize) -> Self {
        let flag = |at: usize| number >> at & 1 == 1;
        Self {
            dialect: if flag(0) { Dialect::Sqlite } else { Dialect::Postgres },
            is_descending: flag(1),
            by_user: flag(2),
            by_group: flag(3),
            by_actor: flag(4),
            by_types: flag(5),
            by_time: flag(6),
        }
    }

    /// `$1`: after which place, `$2`: how many, `$3` and `$4`: from when and until when, `$5`: the group, `$6`: the user, `$7`: the actor, `$8`: the types.
    fn text(self) -> String {
        const COLUMNS: &str = "e.sequence, e.id, e.kind, e.time, e.content, e.hash";
        let (beyond, direction) = if self.is_descending { ("<", "DESC") } else { (">", "ASC") };
        let is_postgres = self.dialect == Dialect::Postgres;
        let types = if is_postgres { "e.kind = ANY ($8)" } else { "e.kind IN (SELECT value FROM json_each($8))" };
        let by_types_first = self.by_types && !self.by_user && !self.by_group && !self.by_actor;
        // All times up to an event are at most its clock.
        let first = "coalesce((SELECT b.sequence FROM events b WHERE b.clock >= $3 ORDER BY b.clock, b.sequence LIMIT 1), 9223372036854775807)";
        // SQLite reads an index from one bound on: the nearest.
        let beyond_first = match (is_postgres, self.is_descending) {
            (false, false) => format!("e.sequence > max($1, {first} - 1)"),
            _ => format!("e.sequence >= {first}"),
        };
        // Without an index, so that it takes that bound.
        let place = if self.by_time && !is_postgres { "+e.sequence" } else { "e.sequence" };
        let times = format!("e.time >= $3 AND e.time < $4 AND {beyond_first}");
        let conditions = [
            (self.by_group, "e.group_id = $5"),
            (self.by_actor, "e.actor_id = $7"),
            (self.by_types && !by_types_first, types),
            (self.by_time, &times),
        ];
        let conditions = conditions.iter().filter(|(is_there, _)| *is_there).map(|(_, text)| format!(" AND {text}"));
        let conditions: String = conditions.collect();
        let page = |of: &str| format!("ORDER BY {of}.sequence {direction} LIMIT $2");
        let join = if is_postgres { "JOIN" } else { "CROSS JOIN" };
        if self.by_user {
            let page = page("u");
            return format!(
                "SELECT {COLUMNS} FROM event_users u {join} events e ON e.sequence = u.sequence \
                 WHERE u.user_id = $6 AND u.sequence {beyond} $1{conditions} {page}"
            );
        }
        let page = page("e");
        if by_types_first && is_postgres {
            return format!(
                "SELECT {COLUMNS} FROM (SELECT x.sequence FROM unnest($8) AS k (kind) CROSS JOIN LATERAL (\
                     SELECT e.sequence FROM events e WHERE e.kind = k.kind AND e.sequence {beyond} $1{conditions} {page}) x \
                     ORDER BY x.sequence {direction} LIMIT $2) f JOIN events e ON e.sequence = f.sequence {page}"
            );
        }
        if by_types_first {
            return format!(
                "SELECT {COLUMNS} FROM json_each($8) k CROSS JOIN events e WHERE e.sequence IN (\
                     SELECT e.sequence FROM events e WHERE e.kind = k.value AND e.sequence {beyond} $1{conditions} {page}) {page}"
            );
        }
        if self.by_time && !self.by_group && !self.by_actor {
            // An event that is not late tells of no time long before the clock, so those of a time end soon after the clock has shown its end.
            let last = format!(
                "coalesce((SELECT b.sequence FROM events b WHERE b.clock >= $4 + {LATE} ORDER BY b.clock, b.sequence LIMIT 1), 9223372036854775807)"
            );
            let until_last = match (is_postgres, self.is_descending) {
                (false, true) => format!("e.sequence < min($1, {last})"),
                _ => format!("e.sequence <= {last}"),
            };
            return format!(
                "SELECT {COLUMNS} FROM (SELECT * FROM (SELECT e.sequence FROM events e WHERE {place} {beyond} $1{conditions} \
                     AND {until_last} AND NOT (e.time < e.clock - {LATE}) {page}) punctual \
                     UNION ALL SELECT * FROM (SELECT e.sequence FROM events e WHERE e.sequence {beyond} $1 AND e.time < e.clock - {LATE} \
                     AND e.time >= $3 AND e.time < $4 {page}) late) f {join} events e ON e.sequence = f.sequence {page}"
            );
        }
        let place = if self.is_descending { "e.sequence" } else { place };
        format!("SELECT {COLUMNS} FROM events e WHERE {place} {beyond} $1{conditions} {page}")
    }
}

/// The events of a query.
pub(super) fn events(connection: &mut AnyConnection, query: &EventQuery) -> Result<Vec<Event>, Failure> {
    static TEXTS: LazyLock<Vec<String>> =
        LazyLock::new(|| (0..1 << Shape::FLAGS).map(|number| Shape::numbered(number).text()).collect());
    let number_of = Shape::of(Dialect::of(connection), query).number();
    let text = TEXTS.get(number_of).ok_or_else(|| Failure::Data("there is no such statement".to_owned()))?;
    let start = if query.order == EventOrder::Descending { u64::MAX } else { 0 };
    let codes: Vec<i16> = query.types.iter().flat_map(TypePattern::types).map(|kind| EventType::code(*kind)).collect();
    let statement = prepared(text)
        .bind::<BigInt, _>(number(query.after.unwrap_or(start)))
        .bind::<BigInt, _>(i64::from(query.limit))
        .bind::<BigInt, _>(query.from.unwrap_or(Timestamp::EARLIEST).milliseconds())
        .bind::<BigInt, _>(query.to.map_or(Timestamp::LATEST.milliseconds() + 1, Timestamp::milliseconds))
        .bind::<NullableUuid, _>(key_of(query.group.map(|group| group.0)))
        .bind::<NullableUuid, _>(key_of(query.user.map(|UserId(user)| user)))
        .bind::<NullableUuid, _>(key_of(query.actor.map(|UserId(actor)| actor)));
    let rows: Vec<EventRow> = match connection {
        AnyConnection::Postgres(connection) => statement.bind::<Array<SmallInt>, _>(codes).load(connection)?,
        AnyConnection::Sqlite(connection) => {
            statement.bind::<Text, _>(serde_json::Value::from(codes).to_string()).load(connection)?
        }
    };
    rows.into_iter().map(Event::try_from).collect()
}

/// The event with this id.
pub(super) fn event(connection: &mut AnyConnection, id: EventId) -> Result<Option<Event>, Failure> {
    let statement = prepared(
        "SELECT e.sequence, e.id, e.kind, e.time, e.content, e.hash FROM events e WHERE e.id = $1 ORDER BY e.sequence LIMIT 1",
    )
    .bind::<UuidSql, _>(Key(id.0));
    let row: Option<EventRow> = match connection {
        AnyConnection::Postgres(connection) => statement.get_result(connection).optional()?,
        AnyConnection::Sqlite(connection) => statement.get_result(connection).optional()?,
    };
    row.map(Event::try_from).transpose()
}
