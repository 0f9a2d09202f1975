//! Events: the log of all changes, in one order.

use super::StoreError;
use crate::event::{Event, EventHead, EventId, NewEvent, TypePattern};
use crate::group::GroupId;
use crate::time::Timestamp;
use crate::user::UserId;

/// In which order events are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EventOrder {
    /// First the earliest.
    #[default]
    Ascending,
    /// First the latest.
    Descending,
}

/// Which events are listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventQuery {
    /// The order.
    pub order: EventOrder,
    /// Those that come after this place in the order: with a greater sequence, or a smaller one in descending order. `None`: from the start.
    pub after: Option<u64>,
    /// The most events.
    pub limit: u32,
    /// The types.
    pub types: Option<TypePattern>,
    /// Those that are about this group (`data.group`).
    pub group: Option<GroupId>,
    /// Those that are about this user.
    pub user: Option<UserId>,
    /// Those that this user caused.
    pub actor: Option<UserId>,
    /// Those at or after this moment.
    pub from: Option<Timestamp>,
    /// Those before this moment.
    pub to: Option<Timestamp>,
}

impl EventQuery {
    /// The first `limit` events after `sequence`, in their order.
    #[must_use]
    pub fn following(sequence: u64, limit: u32) -> Self {
        Self { after: Some(sequence), limit, ..Self::default() }
    }

    /// Whether an event comes after the place and passes the filters. It is found by its actor, its group, and the users that it is about.
    pub fn takes(
        &self,
        event: &Event,
        actor: Option<UserId>,
        group: Option<GroupId>,
        is_about: impl FnOnce(UserId) -> bool,
    ) -> bool {
        self.after.is_none_or(|after| match self.order {
            EventOrder::Ascending => event.sequence > after,
            EventOrder::Descending => event.sequence < after,
        }) && self.types.as_ref().is_none_or(|types| types.types().contains(&event.kind))
            && self.group.is_none_or(|wanted| group == Some(wanted))
            && self.actor.is_none_or(|wanted| actor == Some(wanted))
            && self.from.is_none_or(|from| event.time >= from)
            && self.to.is_none_or(|to| event.time < to)
            && self.user.is_none_or(is_about)
    }
}

/// Reads events that have their place, or that a unit of work that reads is shown as if they had. After [`Store::show_events`](super::Store::show_events) these are all that were committed before.
pub trait EventReader {
    /// The first events of a query, at most as many as it says. The cost depends on neither how many events there are nor how deep the page is, where the
    /// query has one filter.
    fn events(&mut self, query: &EventQuery) -> Result<Vec<Event>, StoreError>;
    /// The event with this id.
    fn event(&mut self, id: EventId) -> Result<Option<Event>, StoreError>;
    /// The last event.
    fn event_head(&mut self) -> Result<EventHead, StoreError>;
    /// What the first event that is kept follows: the last one that was pruned, or nothing.
    fn event_checkpoint(&mut self) -> Result<EventHead, StoreError>;
    /// The sequence of the first of `events`, which follow one another, that queries find by something else than its text says: another actor, group, or
    /// time, or not for every user it is about. A store that keeps nothing beside the events to find them by has none.
    fn misfiled_event(&mut self, _events: &[Event]) -> Result<Option<u64>, StoreError> {
        Ok(None)
    }
    /// For how many pairs of an event and a user queries find the event by the user. `None`: the store keeps no such pairs.
    fn count_event_users(&mut self) -> Result<Option<u64>, StoreError> {
        Ok(None)
    }
}

/// Keeps events.
pub trait EventWriter {
    /// Keeps events with the rest of the unit of work, as its last change. Two units of work of which one waited for the other have their events in the order in
    /// which they were committed. The store finds what is left [to find](crate::event::GroupsAbove::ToFind) as it is then. No other unit of work waits for it.
    fn append_events(&mut self, events: &[NewEvent]) -> Result<(), StoreError>;
    /// Keeps events with the next change, which is the only one of the unit of work, if that changes anything. `false`: the store keeps none so, and
    /// [`append_events`](Self::append_events) has to be called after the change.
    fn announce_events(&mut self, _events: &[NewEvent]) -> Result<bool, StoreError> {
        Ok(false)
    }
    /// Removes the first events, at most `most`, up to the first that is not before `before`. Returns how many. The last of them stays known as
    /// [checkpoint](EventReader::event_checkpoint), and the past is [known](super::PastReader::known_from) from after the latest time of those that were removed.
    fn prune_events(&mut self, before: Timestamp, most: u32) -> Result<u64, StoreError>;
}
