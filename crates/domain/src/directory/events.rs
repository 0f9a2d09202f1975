//! The log of all changes: reading it, and removing what is old.

use super::Directory;
use super::recording::{Teller, started};
use super::unit_of_work::{Finish, Turn};
use crate::access::{Denied, On, Permission, Refused, Target, contains_refused};
use crate::context::Context;
use crate::event::{Event, EventHead, EventId};
use crate::ports::EventQuery;
use crate::time::Timestamp;

/// How many events one unit of work removes.
const PRUNED_AT_ONCE: u32 = 1000;
/// How many memberships and edges of the past one unit of work removes.
const FORGOTTEN_AT_ONCE: u32 = 20_000;

/// A part of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventPage {
    /// The events.
    pub events: Vec<Event>,
    /// The last event of all.
    pub head: EventHead,
    /// What the first event that is kept follows: the last one that was pruned, or nothing.
    pub checkpoint: EventHead,
}

/// Why an event was not read.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// No event has this id, or it was pruned.
    #[error("event not found")]
    NotFound,
    /// The actor lacks the permission, or the store failed.
    #[error(transparent)]
    Refused(#[from] Refused),
}

contains_refused!(EventError);

impl Directory<'_> {
    /// A part of the log, in which is every change that was acknowledged before the call.
    pub fn events(&self, context: &Context, query: &EventQuery) -> Result<EventPage, Refused> {
        self.show_events(context)?;
        self.read(context, |work| {
            work.authorise(Permission::ReadEvents, Target::All)?;
            let events = work.events(query)?;
            Ok(EventPage { events, head: work.event_head()?, checkpoint: work.event_checkpoint()? })
        })
    }

    /// Reads an event.
    pub fn event(&self, context: &Context, id: EventId) -> Result<Event, EventError> {
        self.show_events(context)?;
        self.read(context, |work| {
            work.authorise(Permission::ReadEvents, Target::All)?;
            work.event(id)?.ok_or(EventError::NotFound)
        })
    }

    /// The last event.
    pub fn event_head(&self, context: &Context) -> Result<EventHead, Refused> {
        self.show_events(context)?;
        self.read(context, |work| {
            work.authorise(Permission::ReadEvents, Target::All)?;
            Ok(work.event_head()?)
        })
    }

    /// Tells that the service of this version starts, for an operator.
    pub fn tell_started(&self, context: &Context, version: &str) -> Result<(), Refused> {
        self.write(context, Turn::Any, |work| {
            if !work.actor.is_operator() {
                return Err(Denied::NotPermitted.into());
            }
            let event = Teller::new(context, None, &*self.ids).event(started(version));
            work.append_events(&[event])?;
            Ok(Finish::Commit(()))
        })
    }

    /// Removes the events before `before`, up to the first that is not, and what ended before those that are left, in units of work of bounded size. Returns how many events. The
    /// hash of the last of them is kept, so that those that are left can be verified.
    pub fn prune_events(&self, context: &Context, before: Timestamp) -> Result<u64, Refused> {
        self.number_events(context)?;
        let mut pruned = 0;
        loop {
            let at_once = self.write(context, Turn::Any, |work| -> Result<_, Refused> {
                work.authorise(Permission::ReadEvents, Target::All)?;
                Ok(Finish::Commit(work.prune_events(before, PRUNED_AT_ONCE)?))
            })?;
            pruned += at_once;
            if at_once < u64::from(PRUNED_AT_ONCE) {
                break;
            }
        }
        self.prune_past(context)?;
        Ok(pruned)
    }

    /// Removes what ended before everything is known.
    fn prune_past(&self, context: &Context) -> Result<(), Refused> {
        loop {
            let at_once = self.write(context, Turn::Any, |work| -> Result<_, Refused> {
                work.authorise(Permission::ReadEvents, Target::All)?;
                Ok(Finish::Commit(work.prune_past(FORGOTTEN_AT_ONCE)?))
            })?;
            if at_once < u64::from(FORGOTTEN_AT_ONCE) {
                return Ok(());
            }
        }
    }

    /// Gives the events that were committed their place, for an actor who may read them. A service does it now and then, so that hashes protect the events soon and reading them stays
    /// cheap. What was due has happened before, so that its events are among them.
    ///
    /// # Errors
    ///
    /// The actor lacks the permission, or the store failed.
    pub fn number_events(&self, context: &Context) -> Result<(), Refused> {
        self.authorise(context, Permission::ReadEvents, On::All)?;
        Ok(self.store.number_events()?)
    }

    /// Lets reads of an actor who may read events see all that were committed before.
    fn show_events(&self, context: &Context) -> Result<(), Refused> {
        self.authorise(context, Permission::ReadEvents, On::All)?;
        Ok(self.store.show_events()?)
    }
}
