//! What changes of groups, of edges between them and of their managers tell.

use std::collections::BTreeSet;

use super::fact::MembersFact;
use super::properties::Changes;
use super::{Change, Fact, Recorder};
use crate::event::{EventGroup, EventType, GroupsAbove, Members};
use crate::group::{Group, GroupId};
use crate::manager::ManagerId;
use crate::ports::{ChildWriter, Ended, EndedEdges, GroupWriter, ManagerWriter, StoreError};
use crate::provenance::Provenance;
use crate::time::Timestamp;

impl Recorder<'_> {
    /// The group as it was before a change.
    fn before(&mut self, id: GroupId) -> Result<Option<Group>, StoreError> {
        match self.seen.group.clone().filter(|group| group.id == id) {
            Some(seen) => Ok(Some(seen)),
            None => self.store.group(id),
        }
    }
}

impl GroupWriter for Recorder<'_> {
    fn insert_group(&mut self, group: &Group) -> Result<(), StoreError> {
        let name = Some(group.name.as_str().to_owned());
        let told = EventGroup { id: group.id, name, above: GroupsAbove::NotTold };
        let change = Fact::of_group(EventType::GroupCreated, told).into();
        self.tell(vec![change], |store| store.insert_group(group), |()| true)
    }

    fn group_to_change(&mut self, id: GroupId) -> Result<Option<Group>, StoreError> {
        let found = self.store.group_to_change(id)?;
        self.seen.group.clone_from(&found);
        Ok(found)
    }

    fn update_group(&mut self, group: &Group) -> Result<(), StoreError> {
        let before = self.before(group.id)?;
        let Changes(changes) = before.map(|before| Changes::of_groups(&before, group)).unwrap_or_default();
        let name = Some(group.name.as_str().to_owned());
        let told = EventGroup { id: group.id, name, above: GroupsAbove::NotTold };
        let fact = Fact::of_group(EventType::GroupUpdated, told);
        let told = if changes.is_empty() { Vec::new() } else { vec![fact.with("changes", changes).into()] };
        self.tell(told, |store| store.update_group(group), |()| true)
    }

    fn delete_group(&mut self, id: GroupId, at: Timestamp) -> Result<(), StoreError> {
        let above = self.store.groups_at_or_above(&BTreeSet::from([id]))?;
        let name = above.get(&id).map(|name| name.as_str().to_owned());
        let is_there = name.is_some();
        let told = EventGroup { id, name, above: GroupsAbove::found(above.into_keys()) };
        let change = Fact::of_group(EventType::GroupDeleted, told).into();
        self.tell(vec![change], |store| store.delete_group(id, at), |()| is_there)
    }
}

impl ChildWriter for Recorder<'_> {
    fn insert_children(
        &mut self,
        parent: GroupId,
        children: &BTreeSet<GroupId>,
        added: Provenance,
    ) -> Result<Vec<GroupId>, StoreError> {
        let new = self.store.insert_children(parent, children, added)?;
        self.record_children(EventType::ChildrenAdded, parent, &new, false);
        Ok(new)
    }

    fn remove_child(&mut self, parent: GroupId, child: GroupId, at: Timestamp) -> Result<Ended, StoreError> {
        let ended = self.store.remove_child(parent, child, at)?;
        if ended != Ended::Nothing {
            self.record_children(EventType::ChildrenRemoved, parent, &[child], ended == Ended::Schedule);
        }
        Ok(ended)
    }

    fn remove_children(
        &mut self,
        parent: GroupId,
        children: &BTreeSet<GroupId>,
        at: Timestamp,
    ) -> Result<EndedEdges, StoreError> {
        let ended = self.store.remove_children(parent, children, at)?;
        self.record_children(EventType::ChildrenRemoved, parent, &ended.present, false);
        self.record_children(EventType::ChildrenRemoved, parent, &ended.scheduled, true);
        Ok(ended)
    }
}

impl Recorder<'_> {
    fn record_children(&mut self, kind: EventType, parent: GroupId, children: &[GroupId], was_scheduled: bool) {
        if !children.is_empty() {
            let fact = MembersFact::new(kind, parent, Members::Groups(children.to_vec()));
            self.changes.push(Change::Members(MembersFact { was_scheduled, ..fact }));
        }
    }

    pub(super) fn of_manager(kind: EventType, group: GroupId, manager: ManagerId) -> Change {
        let told = EventGroup { id: group, name: None, above: GroupsAbove::NotTold };
        let members = match manager {
            ManagerId::User(user) => Members::Users(vec![user]),
            ManagerId::Group(group) => Members::Groups(vec![group]),
        };
        Fact { members, ..Fact::of_group(kind, told) }.into()
    }
}

impl ManagerWriter for Recorder<'_> {
    fn insert_manager(&mut self, group: GroupId, manager: ManagerId, added: Provenance) -> Result<bool, StoreError> {
        let change = Self::of_manager(EventType::ManagersAdded, group, manager);
        self.tell(vec![change], |store| store.insert_manager(group, manager, added), |is_new| *is_new)
    }

    fn remove_manager(&mut self, group: GroupId, manager: ManagerId) -> Result<bool, StoreError> {
        let change = Self::of_manager(EventType::ManagersRemoved, group, manager);
        self.tell(vec![change], |store| store.remove_manager(group, manager), |was_there| *was_there)
    }
}
