//! Gives events their place, with the hash that chains them.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable};
use guildhall_domain::event::{EventHead, NewEvent};

use super::content::NewRow;
use super::rows::{self, Numbered};
use crate::connection::AnyConnection;
use crate::dialect::postgres;
use crate::prepared::prepared;
use crate::unit_of_work::Failure;

/// The most events that are numbered in one transaction.
const MOST_EVENTS: i64 = 256;
/// The most members of the events that are numbered in one transaction, unless one event alone has more.
const MOST_MEMBERS: usize = 20_000;
/// The same in SQLite, where others who write wait for it.
const MOST_MEMBERS_SQLITE: usize = 5_000;

#[derive(QueryableByName)]
struct Place {
    #[diesel(sql_type = Nullable<BigInt>)]
    place: Option<i64>,
}

/// The place of the last event that was committed and is not numbered.
pub(crate) fn has_new(connection: &mut AnyConnection) -> Result<Option<i64>, Failure> {
    let last = prepared("SELECT max(place) AS place FROM new_events");
    let row: Place = match connection {
        AnyConnection::Postgres(connection) => last.get_result(connection)?,
        AnyConnection::Sqlite(connection) => last.get_result(connection)?,
    };
    Ok(row.place)
}

/// The first events after a place that were committed and are not numbered: as many as are numbered in one transaction at most.
pub(super) fn new_rows(connection: &mut AnyConnection, after: i64) -> Result<Vec<NewRow>, Failure> {
    let first = prepared(
        "SELECT place, content, members, group_id, group_name, above FROM new_events WHERE place > $1 ORDER BY place LIMIT $2",
    )
    .bind::<BigInt, _>(after)
    .bind::<BigInt, _>(MOST_EVENTS);
    Ok(match connection {
        AnyConnection::Postgres(connection) => first.load(connection)?,
        AnyConnection::Sqlite(connection) => first.load(connection)?,
    })
}

/// Numbers the first events that were committed, beside nobody else who numbers some. Whether there may be more up to `last`.
pub(crate) fn number_some(connection: &mut AnyConnection, last: i64) -> Result<bool, Failure> {
    if let AnyConnection::Postgres(connection) = connection {
        // What follows sees what was committed while it waited for the lock.
        postgres::lock_numbering(connection)?;
    }
    let new = new_rows(connection, 0)?;
    let most_members = match connection {
        AnyConnection::Postgres(_) => MOST_MEMBERS,
        AnyConnection::Sqlite(_) => MOST_MEMBERS_SQLITE,
    };
    let (mut events, mut places, mut members) = (Vec::new(), Vec::new(), 0);
    for row in &new {
        members += row.members.len() / 16;
        if members > most_members && !events.is_empty() {
            break;
        }
        events.push(NewEvent::try_from(row)?);
        places.push(row.place);
    }
    let may_be_more = places.len() < new.len() || i64::try_from(new.len()) == Ok(MOST_EVENTS);
    let is_more = may_be_more && places.last().is_some_and(|place| *place < last);
    number(connection, events)?;
    match connection {
        AnyConnection::Postgres(connection) => {
            prepared("DELETE FROM new_events WHERE place = ANY ($1)")
                .bind::<Array<BigInt>, _>(places)
                .execute(connection)?;
        }
        AnyConnection::Sqlite(connection) => {
            prepared("DELETE FROM new_events WHERE place <= $1")
                .bind::<BigInt, _>(places.last().copied().unwrap_or_default())
                .execute(connection)?;
        }
    }
    Ok(is_more)
}

/// Inserts events after the last one.
fn number(connection: &mut AnyConnection, events: Vec<NewEvent>) -> Result<(), Failure> {
    if events.is_empty() {
        return Ok(());
    }
    let mut head: EventHead = super::head(connection)?;
    let mut clock = rows::clock(connection)?;
    let mut numbered = Vec::with_capacity(events.len());
    for new in events {
        let event = new.numbered(head);
        head = event.head();
        clock = clock.max(event.time);
        numbered.push(Numbered { new, event, clock });
    }
    rows::insert(connection, &numbered)
}
