//! What changes of dates tell.

use std::collections::{BTreeMap, BTreeSet};

use super::fact::MembersFact;
use super::{Change, Recorder};
use crate::event::{EventType, Members};
use crate::group::GroupId;
use crate::page::Paged;
use crate::ports::{
    ChildScope, DueChange, ListedMember, MemberStanding, MembershipListing, NamedGroup, Person, StoreError,
    ValidityReader, ValidityWriter,
};
use crate::provenance::Provenance;
use crate::search::{GroupField, UserField};
use crate::time::Timestamp;
use crate::user::UserId;
use crate::validity::{Validity, ValidityState};

impl ValidityReader for Recorder<'_> {
    fn check_due(&mut self) -> Result<(), StoreError> {
        self.store.check_due()
    }

    fn standings_of_members(
        &mut self,
        group: GroupId,
        users: &BTreeSet<UserId>,
    ) -> Result<BTreeMap<UserId, MemberStanding>, StoreError> {
        let found = self.store.standings_of_members(group, users)?;
        self.seen.members.extend(users.iter().map(|user| ((group, *user), found.get(user).copied())));
        Ok(found)
    }

    fn standings_of_children(
        &mut self,
        parent: GroupId,
        children: &BTreeSet<GroupId>,
    ) -> Result<BTreeMap<GroupId, MemberStanding>, StoreError> {
        let found = self.store.standings_of_children(parent, children)?;
        self.seen.children.extend(children.iter().map(|child| ((parent, *child), found.get(child).copied())));
        Ok(found)
    }

    fn scheduled_members(&mut self, group: GroupId) -> Result<BTreeSet<UserId>, StoreError> {
        self.store.scheduled_members(group)
    }

    fn scheduled_children(&mut self, parent: GroupId) -> Result<BTreeSet<GroupId>, StoreError> {
        self.store.scheduled_children(parent)
    }

    fn memberships_of_group(
        &mut self,
        group: GroupId,
        listing: &MembershipListing<UserField>,
    ) -> Result<Paged<ListedMember<Person>>, StoreError> {
        self.store.memberships_of_group(group, listing)
    }

    fn memberships_of_user(
        &mut self,
        user: UserId,
        listing: &MembershipListing<GroupField>,
    ) -> Result<Paged<ListedMember<Person>>, StoreError> {
        self.store.memberships_of_user(user, listing)
    }

    fn edges_of_group(
        &mut self,
        parent: GroupId,
        scope: ChildScope,
        listing: &MembershipListing<GroupField>,
    ) -> Result<Paged<ListedMember<NamedGroup>>, StoreError> {
        self.store.edges_of_group(parent, scope, listing)
    }

    fn count_pending_dates(&mut self, author: UserId, most: u64) -> Result<u64, StoreError> {
        self.store.count_pending_dates(author, most)
    }

    fn has_lasting_administrator(&mut self) -> Result<bool, StoreError> {
        self.store.has_lasting_administrator()
    }

    fn first_lasting_member(&mut self, group: GroupId, among: &BTreeSet<UserId>) -> Result<Option<UserId>, StoreError> {
        self.store.first_lasting_member(group, among)
    }

    fn first_child_with_lasting_member(
        &mut self,
        parent: GroupId,
        among: &BTreeSet<GroupId>,
    ) -> Result<Option<GroupId>, StoreError> {
        self.store.first_child_with_lasting_member(parent, among)
    }
}

impl Recorder<'_> {
    /// Takes those of `members` out of what was recorded as added to `group` in this unit of work, whose event is to tell dates.
    fn take_added<Id: Copy + Ord>(
        &mut self,
        (kind, group): (EventType, GroupId),
        dated: &BTreeSet<Id>,
        ids: impl Fn(&mut Members) -> Option<&mut Vec<Id>>,
    ) -> BTreeSet<Id> {
        let mut taken = BTreeSet::new();
        for change in &mut self.changes {
            if let Change::Members(fact) = change
                && (fact.kind, fact.group) == (kind, group)
                && let Some(added) = ids(&mut fact.members)
            {
                taken.extend(added.iter().copied().filter(|id| dated.contains(id)));
                added.retain(|id| !dated.contains(id));
            }
        }
        taken
    }

    /// Records the dates that members of `group` have, who stood so before.
    fn record_dates<Id: Copy + Ord>(
        &mut self,
        (group, now): (GroupId, Timestamp),
        validities: &BTreeMap<Id, Validity>,
        before: &BTreeMap<Id, MemberStanding>,
        [added, scheduled, rescheduled]: [EventType; 3],
        (ids, members): (impl Fn(&mut Members) -> Option<&mut Vec<Id>>, impl Fn(Vec<Id>) -> Members),
    ) {
        let is_active = |validity: &Validity| validity.state(now) == ValidityState::Active;
        let ends = validities.iter().filter(|(_, validity)| is_active(validity) && validity.until.is_some());
        let joined = self.take_added((added, group), &ends.map(|(id, _)| *id).collect(), ids);
        let mut together: BTreeMap<(EventType, Validity), Vec<Id>> = BTreeMap::new();
        for (id, validity) in validities {
            let state_before = before.get(id).map(|standing| standing.state);
            let kind = match (is_active(validity), state_before) {
                (true, _) if joined.contains(id) => added,
                (true, Some(ValidityState::Active)) | (false, Some(ValidityState::Scheduled)) => rescheduled,
                (true, None | Some(ValidityState::Scheduled)) => continue,
                (false, None | Some(ValidityState::Active)) => scheduled,
            };
            together.entry((kind, *validity)).or_default().push(*id);
        }
        for ((kind, validity), ids) in together {
            let fact = MembersFact::new(kind, group, members(ids));
            self.changes.push(Change::Members(MembersFact { validity: Some(validity), ..fact }));
        }
    }
}

impl ValidityWriter for Recorder<'_> {
    fn set_validity_of_members(
        &mut self,
        group: GroupId,
        users: &BTreeMap<UserId, Validity>,
        added: Provenance,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let unseen: BTreeSet<_> =
            users.keys().copied().filter(|user| !self.seen.members.contains_key(&(group, *user))).collect();
        if !unseen.is_empty() {
            self.standings_of_members(group, &unseen)?;
        }
        let standing = |user: &UserId| Some((*user, (*self.seen.members.get(&(group, *user))?)?));
        let before = users.keys().filter_map(standing).collect();
        self.store.set_validity_of_members(group, users, added, now)?;
        let kinds = [EventType::MembersAdded, EventType::MembersScheduled, EventType::MembersRescheduled];
        self.record_dates((group, now), users, &before, kinds, (users_of, Members::Users));
        Ok(())
    }

    fn set_validity_of_children(
        &mut self,
        parent: GroupId,
        children: &BTreeMap<GroupId, Validity>,
        added: Provenance,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let unseen: BTreeSet<_> =
            children.keys().copied().filter(|child| !self.seen.children.contains_key(&(parent, *child))).collect();
        if !unseen.is_empty() {
            self.standings_of_children(parent, &unseen)?;
        }
        let standing = |child: &GroupId| Some((*child, (*self.seen.children.get(&(parent, *child))?)?));
        let before = children.keys().filter_map(standing).collect();
        self.store.set_validity_of_children(parent, children, added, now)?;
        let kinds = [EventType::ChildrenAdded, EventType::ChildrenScheduled, EventType::ChildrenRescheduled];
        self.record_dates((parent, now), children, &before, kinds, (groups_of, Members::Groups));
        Ok(())
    }

    /// What is due is told by whoever lets it happen.
    fn make_due(&mut self, now: Timestamp, with_edges: bool) -> Result<Option<Vec<DueChange>>, StoreError> {
        self.store.make_due(now, with_edges)
    }
}

fn users_of(members: &mut Members) -> Option<&mut Vec<UserId>> {
    match members {
        Members::Users(users) => Some(users),
        Members::None | Members::Groups(_) => None,
    }
}

fn groups_of(members: &mut Members) -> Option<&mut Vec<GroupId>> {
    match members {
        Members::Groups(groups) => Some(groups),
        Members::None | Members::Users(_) => None,
    }
}
