//! Finds events by what they are about.
//!
//! The first filter of a query in this order chooses the index: user, group, actor, types. In it the events of each type come in the order of their places, so each type is looked up by
//! itself, and the first of all types are taken. Times bound the places; whether an event passes the other filters is looked up in their own indexes.

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
        let direction = if self.is_descending { "DESC" } else { "ASC" };
        let join = if self.dialect == Dialect::Postgres { "JOIN" } else { "CROSS JOIN" };
        let page = format!("sequence {direction} LIMIT $2");
        let punctual = self.by_each_type(&page, join);
        let found = if self.by_time {
            let late = self.late();
            format!("SELECT * FROM ({punctual}) punctual UNION ALL SELECT * FROM ({late}) late")
        } else {
            punctual
        };
        format!(
            "SELECT e.sequence, e.id, e.kind, e.time, e.content, e.hash FROM ({found}) f {join} events e ON e.sequence = f.sequence ORDER BY e.{page}"
        )
    }

    /// The places of those that do not tell of a time long before the event before them.
    fn by_each_type(self, page: &str, join: &str) -> String {
        let is_indexed = self.by_user || self.by_group || self.by_actor;
        if !is_indexed && !self.by_types {
            let (places, times) = (self.places("i"), self.times("i"));
            return format!("SELECT i.sequence FROM events i WHERE {places}{times} ORDER BY i.{page}");
        }
        let times = self.times("x");
        let (table, conditions) = if self.by_user {
            let (rows, times) = if self.by_time {
                (format!(" {join} events i ON i.sequence = x.sequence"), self.times("i"))
            } else {
                (String::new(), String::new())
            };
            let others = format!("{}{}", self.also_of_group(), self.also_of_actor());
            (format!("event_users x{rows} WHERE x.user_id = $6"), others + &times)
        } else if self.by_group {
            ("events x WHERE x.group_id = $5".to_owned(), self.also_of_actor() + &times)
        } else if self.by_actor {
            ("events x WHERE x.actor_id = $7".to_owned(), times)
        } else {
            ("events x WHERE TRUE".to_owned(), times)
        };
        let places = self.places("x");
        let of_type = |kind: &str| {
            format!("SELECT x.sequence FROM {table} AND x.kind = {kind} AND {places}{conditions} ORDER BY x.{page}")
        };
        match self.dialect {
            Dialect::Postgres => {
                let of_type = of_type("k.kind");
                format!(
                    "SELECT t.sequence FROM unnest($8) AS k (kind) CROSS JOIN LATERAL ({of_type}) t ORDER BY t.{page}"
                )
            }
            Dialect::Sqlite => {
                let of_type = of_type("k.value");
                format!(
                    "SELECT t.sequence FROM json_each($8) k CROSS JOIN events t WHERE t.sequence IN ({of_type}) ORDER BY t.{page}"
                )
            }
        }
    }

    /// The places of the others: there are few, in an index of their own. PostgreSQL takes them for many, so what it would read another index or all rows for is a question about each.
    fn late(self) -> String {
        let (beyond, direction) = if self.is_descending { ("<", "DESC") } else { (">", "ASC") };
        let types = match (self.by_types, self.dialect) {
            (false, _) => "",
            (true, Dialect::Postgres) => " AND i.kind = ANY ($8)",
            (true, Dialect::Sqlite) => " AND i.kind IN (SELECT value FROM json_each($8))",
        };
        let conditions = [
            types,
            if self.by_user {
                " AND EXISTS (SELECT 1 FROM event_users u WHERE u.user_id = $6 AND u.kind = i.kind AND u.sequence = i.sequence)"
            } else {
                ""
            },
            if self.by_group { " AND i.group_id = $5" } else { "" },
            if self.by_actor { " AND i.actor_id = $7" } else { "" },
        ]
        .concat();
        let is_wanted = if conditions.is_empty() {
            String::new()
        } else {
            format!(" AND (SELECT count(*) FROM events i WHERE i.sequence = l.sequence{conditions}) > 0")
        };
        format!(
            "SELECT l.sequence FROM events l WHERE l.time < l.clock - {LATE} AND l.time >= $3 AND l.time < $4 AND l.sequence + 0 {beyond} $1{is_wanted} \
             ORDER BY l.sequence + 0 {direction} LIMIT $2"
        )
    }

    /// That an event is in another index too: looking there costs less than reading its row.
    fn also_in(self, index: &str, column: &str) -> String {
        let indexed = if self.dialect == Dialect::Sqlite { &format!(" INDEXED BY {index}") } else { "" };
        format!(
            " AND EXISTS (SELECT 1 FROM events o{indexed} WHERE o.{column} AND o.kind = x.kind AND o.sequence = x.sequence)"
        )
    }

    fn also_of_group(self) -> String {
        if self.by_group { self.also_in("events_by_group", "group_id = $5") } else { String::new() }
    }

    fn also_of_actor(self) -> String {
        if self.by_actor { self.also_in("events_by_actor", "actor_id = $7") } else { String::new() }
    }

    fn times(self, of: &str) -> String {
        if !self.by_time {
            return String::new();
        }
        format!(" AND {of}.time >= $3 AND {of}.time < $4 AND NOT ({of}.time < {of}.clock - {LATE})")
    }

    /// Between which places they are: one bound from either side, since SQLite reads an index from one.
    fn places(self, of: &str) -> String {
        if !self.by_time {
            let beyond = if self.is_descending { "<" } else { ">" };
            return format!("{of}.sequence {beyond} $1");
        }
        let (greatest, least) = match self.dialect {
            Dialect::Postgres => ("greatest", "least"),
            Dialect::Sqlite => ("max", "min"),
        };
        let place_at = |clock: &str| {
            format!(
                "coalesce((SELECT b.sequence FROM events b WHERE b.clock >= {clock} ORDER BY b.clock, b.sequence LIMIT 1), 9223372036854775806)"
            )
        };
        // All times up to an event are at most its clock, and those that are not late are soon after it has shown the end.
        let (begin, end) = (place_at("$3"), place_at(&format!("$4 + {LATE}")));
        if self.is_descending {
            format!("{of}.sequence >= {begin} AND {of}.sequence < {least}($1, {end} + 1)")
        } else {
            format!("{of}.sequence > {greatest}($1, {begin} - 1) AND {of}.sequence <= {end}")
        }
    }
}

/// The events of a query.
pub(super) fn events(connection: &mut AnyConnection, query: &EventQuery) -> Result<Vec<Event>, Failure> {
    static TEXTS: LazyLock<Vec<String>> =
        LazyLock::new(|| (0..1 << Shape::FLAGS).map(|number| Shape::numbered(number).text()).collect());
    let number_of = Shape::of(Dialect::of(connection), query).number();
    let text = TEXTS.get(number_of).ok_or_else(|| Failure::Data("there is no such statement".to_owned()))?;
    let start = if query.order == EventOrder::Descending { u64::MAX } else { 0 };
    let types = query.types.as_ref().map_or(EventType::ALL, TypePattern::types);
    let codes: Vec<i16> = types.iter().map(|kind| kind.code()).collect();
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
