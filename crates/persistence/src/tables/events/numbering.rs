//! Gives events their place, with the hash that chains them.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text};
use guildhall_domain::event::{EventHead, GroupsAbove, MOST_IDS, NewEvent};
use guildhall_domain::group::GroupId;

use super::content::NewRow;
use super::rows::{self, Numbered};
use crate::connection::AnyConnection;
use crate::dialect::postgres;
use crate::prepared::prepared;
use crate::sql_types::{Key, UuidSql};
use crate::unit_of_work::Failure;

/// The most events that are numbered in one transaction.
const MOST_EVENTS: i64 = 256;
/// The most members of the events that are numbered in one transaction, unless one event alone has more.
const MOST_MEMBERS: usize = 20_000;

#[derive(QueryableByName)]
struct Place {
    #[diesel(sql_type = Nullable<BigInt>)]
    place: Option<i64>,
}

/// The place of the last event that was committed and is not numbered.
pub(crate) fn has_new(connection: &mut PgConnection) -> Result<Option<i64>, Failure> {
    let row: Place = prepared("SELECT max(place) AS place FROM new_events").get_result(connection)?;
    Ok(row.place)
}

/// Numbers the first events that were committed, beside nobody else who numbers some. Whether there may be more up to `last`.
pub(crate) fn number_some(connection: &mut AnyConnection, last: i64) -> Result<bool, Failure> {
    let new = match connection {
        AnyConnection::Postgres(connection) => {
            postgres::lock_numbering(connection)?;
            // It sees what was committed while it waited for the lock.
            prepared(
                "SELECT place, content, members, group_id, group_name, above FROM new_events ORDER BY place LIMIT $1",
            )
            .bind::<BigInt, _>(MOST_EVENTS)
            .load::<NewRow>(connection)?
        }
        AnyConnection::Sqlite(_) => Vec::new(),
    };
    let (mut events, mut places, mut members) = (Vec::new(), Vec::new(), 0);
    for row in &new {
        members += row.members.len() / 16;
        if members > MOST_MEMBERS && !events.is_empty() {
            break;
        }
        events.push(NewEvent::try_from(row)?);
        places.push(row.place);
    }
    let may_be_more = places.len() < new.len() || i64::try_from(new.len()) == Ok(MOST_EVENTS);
    let is_more = may_be_more && places.last().is_some_and(|place| *place < last);
    number(connection, events)?;
    if let AnyConnection::Postgres(connection) = connection {
        prepared("DELETE FROM new_events WHERE place = ANY ($1)")
            .bind::<Array<BigInt>, _>(places)
            .execute(connection)?;
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

#[derive(QueryableByName)]
struct Above {
    #[diesel(sql_type = UuidSql)]
    id: Key,
}

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

/// Keeps events in SQLite, where they have their place at once.
pub(super) fn append(connection: &mut AnyConnection, events: &[NewEvent]) -> Result<(), Failure> {
    let complete = completed(connection, events)?;
    number(connection, complete)
}

/// The events with what the store finds.
fn completed(connection: &mut AnyConnection, events: &[NewEvent]) -> Result<Vec<NewEvent>, Failure> {
    let AnyConnection::Sqlite(connection) = connection else { return Ok(events.to_vec()) };
    let mut found: BTreeMap<GroupId, (Option<String>, Vec<GroupId>)> = BTreeMap::new();
    let mut complete = events.to_vec();
    for group in complete.iter_mut().filter_map(|event| event.group.as_mut()) {
        let finds = group.above == GroupsAbove::ToFind;
        if group.name.is_some() && !finds {
            continue;
        }
        let (name, above) = match found.entry(group.id) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert(name_and_above(connection, group.id)?),
        };
        group.name = group.name.take().or_else(|| name.clone());
        if finds {
            group.above = GroupsAbove::found(above.iter().copied());
        }
    }
    Ok(complete)
}

/// A group's name, and the groups at or above it: one more than events name.
fn name_and_above(connection: &mut SqliteConnection, group: GroupId) -> QueryResult<(Option<String>, Vec<GroupId>)> {
    let key = Key(group.0);
    let name: Option<Name> =
        prepared("SELECT name FROM groups WHERE id = $1").bind::<UuidSql, _>(key).get_result(connection).optional()?;
    let above: Vec<Above> =
        prepared("SELECT ancestor_id AS id FROM group_closure WHERE descendant_id = $1 ORDER BY ancestor_id LIMIT $2")
            .bind::<UuidSql, _>(key)
            .bind::<BigInt, _>(i64::try_from(MOST_IDS + 1).unwrap_or(i64::MAX))
            .load(connection)?;
    Ok((name.map(|row| row.name), above.into_iter().map(|row| GroupId(row.id.0)).collect()))
}
