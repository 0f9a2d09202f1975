//! Events. They have their place as soon as they are kept, because one unit of work writes at a time. Queries read all of them: an example has few.

use std::collections::BTreeSet;

use guildhall_domain::event::{Event, EventHash, EventHead, EventId, EventType, GroupsAbove, NewEvent};
use guildhall_domain::group::GroupId;
use guildhall_domain::ports::{EffectReader as _, EventOrder, EventQuery, EventReader, EventWriter, StoreError};
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::UserId;
use guildhall_domain::webhook::WebhookFilter;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::UnitOfWork;
use super::groups::GROUPS;
use super::tables::{Changes, Rows, Tables};

/// Events, by their sequence.
pub(super) const EVENTS: Rows<u64, EventRow> = Rows::new("events");
/// The last event that was pruned, by 0.
pub(super) const CHECKPOINT: Rows<u64, HeadRow> = Rows::new("checkpoint of events");

#[derive(Serialize, Deserialize)]
pub(super) struct EventRow {
    sequence: u64,
    id: Uuid,
    kind: String,
    time: i64,
    text: String,
    hash: [u8; 32],
    actor: Option<Uuid>,
    group: Option<Uuid>,
    users: BTreeSet<Uuid>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct HeadRow {
    sequence: u64,
    hash: [u8; 32],
    /// The moment after the latest time of those that were pruned.
    #[serde(default)]
    pub(super) known_from: Option<i64>,
}

impl EventRow {
    pub(super) fn event(self) -> Result<Event, StoreError> {
        let kind = EventType::named(&self.kind);
        Ok(Event {
            sequence: self.sequence,
            id: EventId(self.id),
            kind: kind.ok_or_else(|| StoreError::failed(format!("event {} has an unknown type", self.sequence)))?,
            time: Timestamp::from_milliseconds(self.time),
            text: self.text,
            hash: EventHash(self.hash),
        })
    }

    /// Whether it is between these places and a webhook with this filter gets it.
    pub(super) fn is_wanted(&self, after: u64, until: u64, filter: &WebhookFilter) -> bool {
        let is_of = |types: &BTreeSet<EventType>| types.iter().any(|kind| kind.name() == self.kind);
        (after < self.sequence && self.sequence <= until)
            && filter.types.as_ref().is_none_or(is_of)
            && (filter.groups.is_empty() || self.group.is_some_and(|group| filter.groups.contains(&GroupId(group))))
    }

    fn passes(&self, query: &EventQuery) -> bool {
        let is_of_type = |kind: &EventType| kind.name() == self.kind;
        query.after.is_none_or(|after| match query.order {
            EventOrder::Ascending => self.sequence > after,
            EventOrder::Descending => self.sequence < after,
        }) && query.types.as_ref().is_none_or(|types| types.types().iter().any(is_of_type))
            && query.group.is_none_or(|group| self.group == Some(group.0))
            && query.user.is_none_or(|user| self.users.contains(&user.0))
            && query.actor.is_none_or(|actor| self.actor == Some(actor.0))
            && query.from.is_none_or(|from| self.time >= from.milliseconds())
            && query.to.is_none_or(|to| self.time < to.milliseconds())
    }
}

impl<T: Tables> EventReader for UnitOfWork<T> {
    fn events(&mut self, query: &EventQuery) -> Result<Vec<Event>, StoreError> {
        let mut found = EVENTS.all(&self.0)?;
        found.retain(|row| row.passes(query));
        if query.order == EventOrder::Descending {
            found.reverse();
        }
        found.into_iter().take(query.limit as usize).map(EventRow::event).collect()
    }

    fn event(&mut self, id: EventId) -> Result<Option<Event>, StoreError> {
        let found = EVENTS.all(&self.0)?.into_iter().find(|row| row.id == id.0);
        found.map(EventRow::event).transpose()
    }

    fn event_head(&mut self) -> Result<EventHead, StoreError> {
        match EVENTS.all(&self.0)?.pop() {
            Some(last) => Ok(last.event()?.head()),
            None => self.event_checkpoint(),
        }
    }

    fn event_checkpoint(&mut self) -> Result<EventHead, StoreError> {
        let row = CHECKPOINT.get(&self.0, 0)?;
        Ok(row.map_or_else(EventHead::default, |row| EventHead { sequence: row.sequence, hash: EventHash(row.hash) }))
    }
}

impl EventWriter for UnitOfWork<Changes> {
    fn append_events(&mut self, events: &[NewEvent]) -> Result<(), StoreError> {
        let mut head = self.event_head()?;
        for new in events {
            let new = self.completed(new.clone())?;
            let event = new.numbered(head);
            head = event.head();
            let row = EventRow {
                sequence: event.sequence,
                id: event.id.0,
                kind: event.kind.name().to_owned(),
                time: event.time.milliseconds(),
                hash: event.hash.0,
                actor: new.actor.map(|actor| actor.0),
                group: new.group.as_ref().map(|group| group.id.0),
                users: new.users().map(|UserId(user)| user).collect(),
                text: event.text,
            };
            EVENTS.insert(&self.0, row.sequence, &row)?;
        }
        Ok(())
    }

    fn prune_events(&mut self, before: Timestamp, most: u32) -> Result<u64, StoreError> {
        let first = EVENTS.all(&self.0)?.into_iter().take(most as usize);
        let old: Vec<_> = first.take_while(|row| row.time < before.milliseconds()).collect();
        for row in &old {
            EVENTS.remove(&self.0, row.sequence)?;
        }
        if let Some(last) = old.last() {
            let known = CHECKPOINT.get(&self.0, 0)?.and_then(|row| row.known_from);
            let known_from = old.iter().map(|row| row.time + 1).max().max(known);
            CHECKPOINT.put(&self.0, 0, &HeadRow { sequence: last.sequence, hash: last.hash, known_from })?;
        }
        Ok(old.len() as u64)
    }
}

impl UnitOfWork<Changes> {
    /// The event, with the name of its group and the groups above, if they are to be found.
    fn completed(&mut self, mut new: NewEvent) -> Result<NewEvent, StoreError> {
        if let Some(group) = &mut new.group {
            if group.name.is_none() {
                group.name = GROUPS.get(&self.0, group.id.0)?.map(|row| row.name);
            }
            if group.above == GroupsAbove::ToFind {
                let above = self.groups_at_or_above(&BTreeSet::<GroupId>::from([group.id]))?;
                group.above = GroupsAbove::found(above.into_keys());
            }
        }
        Ok(new)
    }
}
