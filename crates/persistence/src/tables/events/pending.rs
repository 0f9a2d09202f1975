//! Events of SQLite that were committed and have no place yet, as they are going to be numbered.
//!
//! One unit of work writes at a time, so their order is certain, and so are their places and hashes. A unit of work that reads sees them as if they had them: nobody who reads waits until
//! whoever writes lets them be numbered.

use std::ops::ControlFlow;

use guildhall_domain::event::{Event, EventHead, EventId, NewEvent};
use guildhall_domain::ports::{EventOrder, EventQuery};

use super::{numbering, queries};
use crate::connection::AnyConnection;
use crate::unit_of_work::Failure;

/// Goes through them in their order, until `visit` ends it.
fn each(
    connection: &mut AnyConnection,
    mut visit: impl FnMut(&NewEvent, Event) -> ControlFlow<()>,
) -> Result<(), Failure> {
    let mut place = 0;
    let mut head = None;
    loop {
        let rows = numbering::new_rows(connection, place)?;
        let Some(last) = rows.last() else { return Ok(()) };
        place = last.place;
        let mut before = match head {
            Some(head) => head,
            None => super::head(connection)?,
        };
        for row in &rows {
            let new = NewEvent::try_from(row)?;
            let event = new.numbered(before);
            before = event.head();
            if visit(&new, event).is_break() {
                return Ok(());
            }
        }
        head = Some(before);
    }
}

/// The events of a query, those without their place among them.
pub(super) fn events(connection: &mut AnyConnection, query: &EventQuery) -> Result<Vec<Event>, Failure> {
    let most = query.limit as usize;
    let takes = |new: &NewEvent, event: &Event| {
        let group = new.group.as_ref().map(|group| group.id);
        query.takes(event, new.actor, group, |user| new.users().any(|about| about == user))
    };
    match query.order {
        EventOrder::Ascending => {
            let mut found = queries::events(connection, query)?;
            if found.len() < most {
                each(connection, |new, event| {
                    if takes(new, &event) {
                        found.push(event);
                    }
                    if found.len() < most { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
                })?;
            }
            Ok(found)
        }
        EventOrder::Descending => {
            let mut found = std::collections::VecDeque::new();
            each(connection, |new, event| {
                if takes(new, &event) {
                    found.push_front(event);
                    found.truncate(most);
                }
                ControlFlow::Continue(())
            })?;
            if found.len() < most {
                found.extend(queries::events(connection, query)?);
                found.truncate(most);
            }
            Ok(found.into())
        }
    }
}

/// The event with this id.
pub(super) fn event(connection: &mut AnyConnection, id: EventId) -> Result<Option<Event>, Failure> {
    let mut found = queries::event(connection, id)?;
    if found.is_none() {
        each(connection, |_, event| {
            if event.id != id {
                return ControlFlow::Continue(());
            }
            found = Some(event);
            ControlFlow::Break(())
        })?;
    }
    Ok(found)
}

/// The last event.
pub(super) fn head(connection: &mut AnyConnection) -> Result<EventHead, Failure> {
    let mut head = super::head(connection)?;
    each(connection, |_, event| {
        head = event.head();
        ControlFlow::Continue(())
    })?;
    Ok(head)
}

/// How many pairs of an event without its place and a user it is about there are.
pub(super) fn count_users(connection: &mut AnyConnection) -> Result<u64, Failure> {
    let mut count = 0;
    each(connection, |_, event| {
        count += event.users().len() as u64;
        ControlFlow::Continue(())
    })?;
    Ok(count)
}
