//! The rows of events that have their place.

use std::collections::BTreeSet;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Binary, Nullable, SmallInt, Text};
use guildhall_domain::event::{Event, EventId, EventType, NewEvent};
use guildhall_domain::time::Timestamp;
use serde_json::{Value, json};

use super::{NullableUuid, hash_of, key_of};
use crate::connection::AnyConnection;
use crate::prepared::prepared;
use crate::sql_types::{Key, UuidSql};
use crate::unit_of_work::Failure;

/// A row of `events`.
#[derive(QueryableByName)]
pub(in crate::tables) struct EventRow {
    #[diesel(sql_type = BigInt)]
    sequence: i64,
    #[diesel(sql_type = UuidSql)]
    id: Key,
    #[diesel(sql_type = SmallInt)]
    kind: i16,
    #[diesel(sql_type = BigInt)]
    time: i64,
    #[diesel(sql_type = Text)]
    content: String,
    #[diesel(sql_type = Binary)]
    hash: Vec<u8>,
}

impl TryFrom<EventRow> for Event {
    type Error = Failure;

    fn try_from(row: EventRow) -> Result<Self, Failure> {
        let kind = EventType::of_code(row.kind);
        Ok(Self {
            sequence: row.sequence.unsigned_abs(),
            id: EventId(row.id.0),
            kind: kind.ok_or_else(|| Failure::Data(format!("event {} has an unknown type", row.sequence)))?,
            time: Timestamp::from_milliseconds(row.time),
            text: row.content,
            hash: hash_of(row.hash)?,
        })
    }
}

/// A sequence as a column.
pub(super) fn number(sequence: u64) -> i64 {
    i64::try_from(sequence).unwrap_or(i64::MAX)
}

/// An event that is to be inserted, with the latest time of it and all before it.
pub(super) struct Numbered {
    pub(super) new: NewEvent,
    pub(super) event: Event,
    pub(super) clock: Timestamp,
}

impl Numbered {
    fn users(&self) -> BTreeSet<Key> {
        self.new.users().map(|user| Key(user.0)).collect()
    }
}

#[derive(QueryableByName)]
struct Clock {
    #[diesel(sql_type = Nullable<BigInt>)]
    clock: Option<i64>,
}

/// The latest time of all events.
pub(super) fn clock(connection: &mut AnyConnection) -> Result<Timestamp, Failure> {
    let last = prepared("SELECT (SELECT clock FROM events ORDER BY sequence DESC LIMIT 1) AS clock");
    let row: Clock = match connection {
        AnyConnection::Postgres(connection) => last.get_result(connection)?,
        AnyConnection::Sqlite(connection) => last.get_result(connection)?,
    };
    Ok(row.clock.map_or(Timestamp::EARLIEST, Timestamp::from_milliseconds))
}

pub(super) fn insert(connection: &mut AnyConnection, events: &[Numbered]) -> Result<(), Failure> {
    match connection {
        AnyConnection::Postgres(connection) => insert_postgres(connection, events)?,
        AnyConnection::Sqlite(connection) => insert_sqlite(connection, events)?,
    }
    Ok(())
}

/// A row of `event_users`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct About {
    pub(super) user: Key,
    pub(super) kind: i16,
    pub(super) sequence: i64,
}

impl About {
    pub(super) fn of(event: &Event, user: Key) -> Self {
        Self { user, kind: event.kind.code(), sequence: number(event.sequence) }
    }

    pub(super) fn json(self) -> Value {
        json!([self.user.0.simple().to_string(), self.kind, self.sequence])
    }
}

/// The columns of rows.
pub(super) fn columns_of(rows: &[About]) -> (Vec<Key>, Vec<i16>, Vec<i64>) {
    let (mut users, mut kinds, mut sequences) = (Vec::new(), Vec::new(), Vec::new());
    for row in rows {
        users.push(row.user);
        kinds.push(row.kind);
        sequences.push(row.sequence);
    }
    (users, kinds, sequences)
}

/// The users that events are about: neighbours in the index come one after the other.
fn users_of(events: &[Numbered]) -> Vec<About> {
    let about = |row: &Numbered| row.users().into_iter().map(|user| About::of(&row.event, user)).collect::<Vec<_>>();
    let mut rows: Vec<About> = events.iter().flat_map(about).collect();
    rows.sort_unstable();
    rows
}

fn insert_postgres(connection: &mut PgConnection, events: &[Numbered]) -> QueryResult<()> {
    fn column<'e, T>(events: &'e [Numbered], value: impl Fn(&'e Numbered) -> T) -> Vec<T> {
        events.iter().map(value).collect()
    }
    prepared(
        "INSERT INTO events (sequence, id, kind, time, clock, actor_id, group_id, content, hash) \
         SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind::<Array<BigInt>, _>(column(events, |row| number(row.event.sequence)))
    .bind::<Array<UuidSql>, _>(column(events, |row| Key(row.event.id.0)))
    .bind::<Array<SmallInt>, _>(column(events, |row| row.event.kind.code()))
    .bind::<Array<BigInt>, _>(column(events, |row| row.event.time.milliseconds()))
    .bind::<Array<BigInt>, _>(column(events, |row| row.clock.milliseconds()))
    .bind::<Array<NullableUuid>, _>(column(events, |row| key_of(row.new.actor.map(|actor| actor.0))))
    .bind::<Array<NullableUuid>, _>(column(events, |row| key_of(row.new.group.as_ref().map(|group| group.id.0))))
    .bind::<Array<Text>, _>(column(events, |row| row.event.text.as_str()))
    .bind::<Array<Binary>, _>(column(events, |row| row.event.hash.0.as_slice()))
    .execute(connection)?;
    let (users, kinds, sequences) = columns_of(&users_of(events));
    if !users.is_empty() {
        prepared("INSERT INTO event_users (user_id, kind, sequence) SELECT * FROM unnest($1, $2, $3)")
            .bind::<Array<UuidSql>, _>(users)
            .bind::<Array<SmallInt>, _>(kinds)
            .bind::<Array<BigInt>, _>(sequences)
            .execute(connection)?;
    }
    Ok(())
}

fn insert_sqlite(connection: &mut SqliteConnection, events: &[Numbered]) -> QueryResult<()> {
    let hex = |key: Option<Key>| key.map(|key| key.0.simple().to_string());
    let row = |row: &Numbered| {
        let event = &row.event;
        json!([
            number(event.sequence),
            event.id.0.simple().to_string(),
            event.kind.code(),
            event.time.milliseconds(),
            row.clock.milliseconds(),
            hex(key_of(row.new.actor.map(|actor| actor.0))),
            hex(key_of(row.new.group.as_ref().map(|group| group.id.0))),
            event.text,
            event.hash.to_string(),
        ])
    };
    prepared(
        "INSERT INTO events (sequence, id, kind, time, clock, actor_id, group_id, content, hash) \
         SELECT value ->> 0, unhex(value ->> 1), value ->> 2, value ->> 3, value ->> 4, unhex(value ->> 5), unhex(value ->> 6), value ->> 7, unhex(value ->> 8) \
         FROM jsonb_each($1)",
    )
    .bind::<Text, _>(events.iter().map(row).collect::<Value>().to_string())
    .execute(connection)?;
    let about = users_of(events);
    if !about.is_empty() {
        let insert = "INSERT INTO event_users (user_id, kind, sequence) SELECT unhex(value ->> 0), value ->> 1, value ->> 2 FROM jsonb_each($1)";
        let rows: Value = about.into_iter().map(About::json).collect();
        prepared(insert).bind::<Text, _>(rows.to_string()).execute(connection)?;
    }
    Ok(())
}

/// Removes what says which users events are about.
pub(super) fn delete_users(connection: &mut AnyConnection, rows: &[About]) -> Result<(), Failure> {
    match connection {
        AnyConnection::Postgres(connection) => {
            let (users, kinds, sequences) = columns_of(rows);
            prepared(
                "DELETE FROM event_users u USING unnest($1, $2, $3) AS gone (user_id, kind, sequence) \
                 WHERE u.user_id = gone.user_id AND u.kind = gone.kind AND u.sequence = gone.sequence",
            )
            .bind::<Array<UuidSql>, _>(users)
            .bind::<Array<SmallInt>, _>(kinds)
            .bind::<Array<BigInt>, _>(sequences)
            .execute(connection)?;
        }
        AnyConnection::Sqlite(connection) => {
            for row in rows {
                prepared("DELETE FROM event_users WHERE user_id = $1 AND kind = $2 AND sequence = $3")
                    .bind::<UuidSql, _>(row.user)
                    .bind::<SmallInt, _>(row.kind)
                    .bind::<BigInt, _>(row.sequence)
                    .execute(connection)?;
            }
        }
    }
    Ok(())
}
