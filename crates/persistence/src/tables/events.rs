//! The log of all changes. Events wait in `new_events` until they are committed and somebody numbers them: a unit of work pays for one table without another index. In SQLite those who read
//! see them before.

mod content;
mod filing;
mod numbering;
mod pending;
mod queries;
mod rows;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary};
use guildhall_domain::event::{Event, EventHash, EventHead, EventId, NewEvent};
use guildhall_domain::ports::{EventQuery, EventReader, EventWriter, StoreError};
use guildhall_domain::time::Timestamp;

use crate::connection::AnyConnection;
use crate::prepared::prepared;
use crate::sql_types::{Key, UuidSql};
use crate::together::{Part, run_together};
use crate::unit_of_work::{Failure, Unit};

pub(crate) use content::Announced;
pub(crate) use numbering::{has_new, number_some};
use rows::About;
pub(super) use rows::EventRow;

#[derive(QueryableByName)]
struct HeadRow {
    #[diesel(sql_type = BigInt)]
    sequence: i64,
    #[diesel(sql_type = Binary)]
    hash: Vec<u8>,
}

impl HeadRow {
    fn head(self) -> Result<EventHead, Failure> {
        Ok(EventHead { sequence: self.sequence.unsigned_abs(), hash: hash_of(self.hash)? })
    }
}

fn hash_of(bytes: Vec<u8>) -> Result<EventHash, Failure> {
    let hash = bytes.try_into().map_err(|_| Failure::Data("the hash of an event has another length".to_owned()))?;
    Ok(EventHash(hash))
}

impl EventReader for Unit<'_> {
    fn events(&mut self, query: &EventQuery) -> Result<Vec<Event>, StoreError> {
        let shows_pending = self.shows_pending_events();
        self.run(
            |connection| {
                if shows_pending { pending::events(connection, query) } else { queries::events(connection, query) }
            },
        )
    }

    fn event(&mut self, id: EventId) -> Result<Option<Event>, StoreError> {
        let shows_pending = self.shows_pending_events();
        self.run(
            |connection| {
                if shows_pending { pending::event(connection, id) } else { queries::event(connection, id) }
            },
        )
    }

    fn event_head(&mut self) -> Result<EventHead, StoreError> {
        let shows_pending = self.shows_pending_events();
        self.run(|connection| if shows_pending { pending::head(connection) } else { head(connection) })
    }

    fn event_checkpoint(&mut self) -> Result<EventHead, StoreError> {
        self.run(|connection| optional_head(connection, "SELECT sequence, hash FROM event_checkpoint"))
    }

    fn misfiled_event(&mut self, events: &[Event]) -> Result<Option<u64>, StoreError> {
        self.run(|connection| filing::misfiled(connection, events))
    }

    fn count_event_users(&mut self) -> Result<Option<u64>, StoreError> {
        let shows_pending = self.shows_pending_events();
        self.run(|connection| {
            let pending = if shows_pending { pending::count_users(connection)? } else { 0 };
            Ok(Some(filing::count_users(connection)? + pending))
        })
    }
}

impl EventWriter for Unit<'_> {
    fn append_events(&mut self, events: &[NewEvent]) -> Result<(), StoreError> {
        self.after_change(|connection| content::insert(connection, events))
    }

    fn announce_events(&mut self, events: &[NewEvent]) -> Result<bool, StoreError> {
        Ok(self.announce(|| Announced::of(events)))
    }

    fn prune_events(&mut self, before: Timestamp, most: u32) -> Result<u64, StoreError> {
        self.change(|connection| prune(connection, before, most))
    }
}

/// The last event.
fn head(connection: &mut AnyConnection) -> Result<EventHead, Failure> {
    optional_head(
        connection,
        "SELECT sequence, hash FROM (SELECT sequence, hash FROM events ORDER BY sequence DESC LIMIT 1) last \
         UNION ALL SELECT sequence, hash FROM event_checkpoint ORDER BY 1 DESC LIMIT 1",
    )
}

fn optional_head(connection: &mut AnyConnection, text: &'static str) -> Result<EventHead, Failure> {
    let row: Option<HeadRow> = match connection {
        AnyConnection::Postgres(connection) => prepared(text).get_result(connection).optional()?,
        AnyConnection::Sqlite(connection) => prepared(text).get_result(connection).optional()?,
    };
    row.map_or(Ok(EventHead::default()), HeadRow::head)
}

/// Removes the first events that are before `before`.
fn prune(connection: &mut AnyConnection, before: Timestamp, most: u32) -> Result<u64, Failure> {
    let first = queries::events(connection, &EventQuery::following(0, most))?;
    let old: Vec<&Event> = first.iter().take_while(|event| event.time < before).collect();
    let Some(last) = old.last() else { return Ok(0) };
    let sequence = rows::number(last.sequence);
    let about = old.iter().flat_map(|event| event.users().into_iter().map(|user| About::of(event, Key(user.0))));
    rows::delete_users(connection, &about.collect::<Vec<_>>())?;
    let deleted = prepared("DELETE FROM events WHERE sequence <= $1").bind::<BigInt, _>(sequence);
    let noted = prepared(
        "INSERT INTO event_checkpoint (id, sequence, hash, known_from) SELECT 1, $1, $2, clock + 1 FROM events WHERE sequence = $1 \
         ON CONFLICT (id) DO UPDATE SET sequence = excluded.sequence, hash = excluded.hash, \
         known_from = CASE WHEN excluded.known_from > event_checkpoint.known_from THEN excluded.known_from \
             ELSE event_checkpoint.known_from END",
    )
    .bind::<BigInt, _>(sequence)
    .bind::<Binary, _>(last.hash.0.to_vec());
    match connection {
        AnyConnection::Postgres(connection) => {
            noted.execute(connection)?;
            deleted.execute(connection)?;
        }
        AnyConnection::Sqlite(connection) => {
            noted.execute(connection)?;
            deleted.execute(connection)?;
        }
    }
    Ok(old.len() as u64)
}

/// Runs a change with the events that tell it. Returns how many rows it changed.
pub(super) fn run_with_events(
    connection: &mut AnyConnection,
    change: &dyn Part,
    events: Option<&Announced>,
) -> Result<i64, Failure> {
    let events = events.map(Announced::part);
    let changes: Vec<&dyn Part> =
        [change].into_iter().chain(events.as_ref().map(|events| events as &dyn Part)).collect();
    Ok(run_together(connection, &changes)?.first().copied().unwrap_or_default())
}

/// The parameter for an id that there may be none of.
fn key_of(id: Option<uuid::Uuid>) -> Option<Key> {
    id.map(Key)
}

type NullableUuid = diesel::sql_types::Nullable<UuidSql>;
