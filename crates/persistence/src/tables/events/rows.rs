//! The rows of events that have their place.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Binary, Nullable, SmallInt, Text};
use guildhall_domain::event::{Event, EventId, EventType, NewEvent};
use guildhall_domain::time::Timestamp;

use super::{NullableUuid, hash_of, key_of};
use crate::connection::AnyConnection;
use crate::dialect::sqlite::{REQUESTED_IDS, packed};
use crate::prepared::prepared;
use crate::sql_types::{Key, UuidSql};
use crate::unit_of_work::Failure;

/// A row of `events`.
#[derive(QueryableByName)]
pub(super) struct EventRow {
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
    let about =
        |row: &Numbered| row.users().into_iter().map(|user| (user, number(row.event.sequence))).collect::<Vec<_>>();
    let mut pairs: Vec<(Key, i64)> = events.iter().flat_map(about).collect();
    // Neighbours in the index come one after the other.
    pairs.sort_unstable();
    let (users, sequences): (Vec<Key>, Vec<i64>) = pairs.into_iter().unzip();
    if !users.is_empty() {
        prepared("INSERT INTO event_users (user_id, sequence) SELECT * FROM unnest($1, $2)")
            .bind::<Array<UuidSql>, _>(users)
            .bind::<Array<BigInt>, _>(sequences)
            .execute(connection)?;
    }
    Ok(())
}

fn insert_sqlite(connection: &mut SqliteConnection, events: &[Numbered]) -> QueryResult<()> {
    static USERS: LazyLock<String> = LazyLock::new(|| {
        format!("{REQUESTED_IDS} INSERT INTO event_users (user_id, sequence) SELECT id, $2 FROM wanted")
    });
    for row in events {
        prepared(
            "INSERT INTO events (sequence, id, kind, time, clock, actor_id, group_id, content, hash) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind::<BigInt, _>(number(row.event.sequence))
        .bind::<UuidSql, _>(Key(row.event.id.0))
        .bind::<SmallInt, _>(row.event.kind.code())
        .bind::<BigInt, _>(row.event.time.milliseconds())
        .bind::<BigInt, _>(row.clock.milliseconds())
        .bind::<NullableUuid, _>(key_of(row.new.actor.map(|actor| actor.0)))
        .bind::<NullableUuid, _>(key_of(row.new.group.as_ref().map(|group| group.id.0)))
        .bind::<Text, _>(row.event.text.as_str())
        .bind::<Binary, _>(row.event.hash.0.as_slice())
        .execute(connection)?;
        let users: Vec<Key> = row.users().into_iter().collect();
        if !users.is_empty() {
            prepared(&USERS)
                .bind::<Binary, _>(packed(&users))
                .bind::<BigInt, _>(number(row.event.sequence))
                .execute(connection)?;
        }
    }
    Ok(())
}

/// Removes what says which users events are about.
pub(super) fn delete_users(connection: &mut AnyConnection, pairs: Vec<(Key, i64)>) -> Result<(), Failure> {
    match connection {
        AnyConnection::Postgres(connection) => {
            let (users, sequences): (Vec<Key>, Vec<i64>) = pairs.into_iter().unzip();
            prepared(
                "DELETE FROM event_users u USING unnest($1, $2) AS gone (user_id, sequence) \
                 WHERE u.user_id = gone.user_id AND u.sequence = gone.sequence",
            )
            .bind::<Array<UuidSql>, _>(users)
            .bind::<Array<BigInt>, _>(sequences)
            .execute(connection)?;
        }
        AnyConnection::Sqlite(connection) => {
            for (user, sequence) in pairs {
                prepared("DELETE FROM event_users WHERE user_id = $1 AND sequence = $2")
                    .bind::<UuidSql, _>(user)
                    .bind::<BigInt, _>(sequence)
                    .execute(connection)?;
            }
        }
    }
    Ok(())
}
