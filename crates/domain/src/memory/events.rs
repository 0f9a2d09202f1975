//! Events in memory.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::State;
use crate::event::{Event, EventHead, EventId, GroupsAbove, NewEvent};
use crate::group::GroupId;
use crate::ports::{EffectReader, EventOrder, EventQuery, EventReader, EventWriter, StoreError};
use crate::time::Timestamp;
use crate::user::UserId;
use crate::webhook::WebhookFilter;

/// The events, which have their place as soon as they are kept: units of work that write come one after the other.
#[derive(Clone, Debug, Default)]
pub(super) struct Events {
    kept: Arc<Vec<Arc<Kept>>>,
    checkpoint: EventHead,
    /// The moment after the latest time of those that were pruned.
    pub(super) known_from: Option<Timestamp>,
}

/// An event with what it is found by.
#[derive(Debug)]
struct Kept {
    event: Event,
    actor: Option<UserId>,
    group: Option<GroupId>,
    users: BTreeSet<UserId>,
}

impl Kept {
    fn passes(&self, query: &EventQuery) -> bool {
        query.takes(&self.event, self.actor, self.group, |user| self.users.contains(&user))
    }
}

impl Events {
    fn head(&self) -> EventHead {
        self.kept.last().map_or(self.checkpoint, |last| last.event.head())
    }

    /// The first event after one place, up to another, that passes a filter.
    pub(super) fn first_between(&self, after: u64, until: u64, filter: &WebhookFilter) -> Option<Event> {
        let begins = self.kept.partition_point(|kept| kept.event.sequence <= after);
        let following = self.kept.get(begins..).unwrap_or_default().iter();
        let mut between = following.take_while(|kept| kept.event.sequence <= until);
        let passes = |kept: &&Arc<Kept>| {
            filter.types.as_ref().is_none_or(|types| types.contains(&kept.event.kind))
                && (filter.groups.is_empty() || kept.group.is_some_and(|group| filter.groups.contains(&group)))
        };
        between.find(passes).map(|kept| kept.event.clone())
    }
}

impl EventReader for State {
    fn events(&mut self, query: &EventQuery) -> Result<Vec<Event>, StoreError> {
        let found = self.events.kept.iter().filter(|kept| kept.passes(query)).map(|kept| kept.event.clone());
        let most = query.limit as usize;
        Ok(match query.order {
            EventOrder::Ascending => found.take(most).collect(),
            EventOrder::Descending => found.rev().take(most).collect(),
        })
    }

    fn event(&mut self, id: EventId) -> Result<Option<Event>, StoreError> {
        Ok(self.events.kept.iter().find(|kept| kept.event.id == id).map(|kept| kept.event.clone()))
    }

    fn event_head(&mut self) -> Result<EventHead, StoreError> {
        Ok(self.events.head())
    }

    fn event_checkpoint(&mut self) -> Result<EventHead, StoreError> {
        Ok(self.events.checkpoint)
    }
}

impl EventWriter for State {
    fn append_events(&mut self, events: &[NewEvent]) -> Result<(), StoreError> {
        for new in events {
            let mut new = new.clone();
            if let Some(group) = &mut new.group {
                if group.name.is_none() {
                    group.name = self.groups.name(group.id).map(str::to_owned);
                }
                if group.above == GroupsAbove::ToFind {
                    let above = self.groups_at_or_above(&BTreeSet::from([group.id]))?;
                    group.above = GroupsAbove::found(above.into_keys());
                }
            }
            let kept = Kept {
                event: new.numbered(self.events.head()),
                actor: new.actor,
                group: new.group.as_ref().map(|group| group.id),
                users: new.users().collect(),
            };
            Arc::make_mut(&mut self.events.kept).push(Arc::new(kept));
        }
        Ok(())
    }

    fn prune_events(&mut self, before: Timestamp, most: u32) -> Result<u64, StoreError> {
        let kept = Arc::make_mut(&mut self.events.kept);
        let old = kept.iter().take(most as usize).take_while(|kept| kept.event.time < before).count();
        for pruned in kept.drain(..old) {
            self.events.checkpoint = pruned.event.head();
            let after = Timestamp::from_milliseconds(pruned.event.time.milliseconds() + 1);
            self.events.known_from = self.events.known_from.max(Some(after));
        }
        Ok(old as u64)
    }
}
