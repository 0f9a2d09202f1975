//! Dates of memberships and edges in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::children::walk;
use super::dated::{ByGroup, count_pending, next_of, note_author, set, standings, take_due};
use super::{Failed, State, saturating};
use crate::group::{GroupId, SystemGroup};
use crate::manager::ManagerId;
use crate::page::Paged;
use crate::ports::{
    ChildScope, DueChange, Edge, ListedMember, MemberStanding, Membership, MembershipListing, MembershipOrder,
    NamedGroup, Person, StoreError, ValidityReader, ValidityWriter,
};
use crate::position::Position;
use crate::provenance::Provenance;
use crate::search::{GroupField, UserField};
use crate::time::Timestamp;
use crate::user::UserId;
use crate::validity::{Validity, ValidityState};

impl State {
    fn named_group(&self, id: GroupId) -> Option<NamedGroup> {
        let named = self.first_by_name(&BTreeSet::from([id]), 1);
        named.into_iter().next().map(|(id, name)| NamedGroup { id, name })
    }

    /// All direct memberships, each with its group and its user.
    fn memberships_with_states(&self) -> impl Iterator<Item = (GroupId, UserId, Membership, ValidityState)> {
        let of = |by_group: &Arc<ByGroup<UserId, Membership>>, state| {
            let all = by_group.iter().flat_map(|(group, members)| members.iter().map(move |member| (*group, member)));
            all.map(|(group, (user, membership))| (group, *user, *membership, state)).collect::<Vec<_>>()
        };
        let present = of(&self.memberships.members, ValidityState::Active);
        present.into_iter().chain(of(&self.memberships.scheduled, ValidityState::Scheduled))
    }

    fn listed_membership(
        &self,
        (group, user, membership, state): (GroupId, UserId, Membership, ValidityState),
    ) -> Option<ListedMember<Person>> {
        Some(ListedMember {
            member: Person::from(self.users.get(user)?),
            group: self.named_group(group)?,
            added: Some(membership.added.at),
            added_by: self.author(membership.added.by),
            validity: membership.validity,
            state,
        })
    }

    fn edges_with_states(&self, parent: GroupId) -> Vec<(GroupId, Edge, ValidityState)> {
        let of = |by_parent: &Arc<ByGroup<GroupId, Edge>>, state| {
            let children = by_parent.get(&parent).into_iter().flatten();
            children.map(|(child, edge)| (*child, *edge, state)).collect::<Vec<_>>()
        };
        let present = of(&self.children.by_parent, ValidityState::Active);
        [present, of(&self.children.scheduled, ValidityState::Scheduled)].concat()
    }

    /// The direct members of `group` who stay, and stay administrators if it makes some.
    fn lasting_members(&self, group: GroupId) -> impl Iterator<Item = UserId> {
        let members = self.memberships.members.get(&group).into_iter().flatten();
        let lasting = members.filter(|(_, membership)| membership.validity.until.is_none()).map(|(user, _)| *user);
        lasting.filter(|user| self.users.get(*user).is_some_and(|user| !user.suspended && user.expiry.is_none()))
    }

    /// `group` and every group below it by edges without an end.
    fn lastingly_below(&self, group: GroupId) -> BTreeSet<GroupId> {
        walk(group, |next| {
            let children = self.children.by_parent.get(&next).into_iter().flatten();
            children.filter(|(_, edge)| edge.validity.until.is_none()).map(|(child, _)| *child).collect()
        })
    }

    fn has_lasting_member(&self, group: GroupId) -> bool {
        self.lastingly_below(group).into_iter().any(|group| self.lasting_members(group).next().is_some())
    }
}

/// The page of `items`, which passed the listing's filter.
fn page<M, F>(
    items: impl Iterator<Item = ListedMember<M>>,
    listing: &MembershipListing<F>,
    place: fn(&ListedMember<M>, MembershipOrder) -> Position,
) -> Paged<ListedMember<M>> {
    let is_wanted = |item: &ListedMember<M>| {
        listing.state.is_none_or(|state| item.state == state)
            && listing.expiring_before.is_none_or(|moment| item.validity.until.is_some_and(|until| until < moment))
    };
    let mut items: Vec<_> = items.filter(is_wanted).map(|item| (place(&item, listing.order), item)).collect();
    items.sort_by(|(one, _), (other, _)| {
        let order = one.values().cmp(other.values());
        if listing.is_descending { order.reverse() } else { order }
    });
    let total = items.len() as u64;
    if let Some(position) = listing.page.position() {
        items.retain(
            |(place, _)| if listing.is_descending { place.precedes(position) } else { position.precedes(place) },
        );
    }
    let (offset, count) = (saturating(listing.page.offset()), saturating(listing.page.lookahead()));
    let items = items.into_iter().skip(offset).take(count).map(|(_, item)| item).collect();
    Paged::new(&listing.page, total, items, |item| place(item, listing.order))
}

impl ValidityReader for State {
    fn check_due(&mut self) -> Result<(), StoreError> {
        let (members, children) = (&self.memberships, &self.children);
        let next = [next_of(&members.members, &members.scheduled), next_of(&children.by_parent, &children.scheduled)];
        if next.into_iter().flatten().any(|next| next <= self.now) {
            return Err(self.fail(Failed::Due(self.now)));
        }
        Ok(())
    }

    fn standings_of_members(
        &mut self,
        group: GroupId,
        users: &BTreeSet<UserId>,
    ) -> Result<BTreeMap<UserId, MemberStanding>, StoreError> {
        Ok(standings(group, users, &self.memberships.members, &self.memberships.scheduled))
    }

    fn standings_of_children(
        &mut self,
        parent: GroupId,
        children: &BTreeSet<GroupId>,
    ) -> Result<BTreeMap<GroupId, MemberStanding>, StoreError> {
        Ok(standings(parent, children, &self.children.by_parent, &self.children.scheduled))
    }

    fn scheduled_members(&mut self, group: GroupId) -> Result<BTreeSet<UserId>, StoreError> {
        Ok(self.memberships.scheduled.get(&group).into_iter().flat_map(BTreeMap::keys).copied().collect())
    }

    fn scheduled_children(&mut self, parent: GroupId) -> Result<BTreeSet<GroupId>, StoreError> {
        Ok(self.children.scheduled.get(&parent).into_iter().flat_map(BTreeMap::keys).copied().collect())
    }

    fn memberships_of_group(
        &mut self,
        group: GroupId,
        listing: &MembershipListing<UserField>,
    ) -> Result<Paged<ListedMember<Person>>, StoreError> {
        let passes =
            |user: UserId| self.users.get(user).is_some_and(|user| listing.filter.lets_pass(user, listing.now));
        let memberships = self.memberships_with_states().filter(|(of, user, ..)| *of == group && passes(*user));
        Ok(page(memberships.filter_map(|item| self.listed_membership(item)), listing, ListedMember::place_of_user))
    }

    fn memberships_of_user(
        &mut self,
        user: UserId,
        listing: &MembershipListing<GroupField>,
    ) -> Result<Paged<ListedMember<Person>>, StoreError> {
        let passes = |group| self.with_counts(group).is_some_and(|group| listing.filter.lets_pass(&group, listing.now));
        let memberships = self.memberships_with_states().filter(|(group, of, ..)| *of == user && passes(*group));
        Ok(page(memberships.filter_map(|item| self.listed_membership(item)), listing, ListedMember::place_of_group))
    }

    fn edges_of_group(
        &mut self,
        parent: GroupId,
        scope: ChildScope,
        listing: &MembershipListing<GroupField>,
    ) -> Result<Paged<ListedMember<NamedGroup>>, StoreError> {
        let hidden = if scope == ChildScope::Managed { self.administering() } else { BTreeSet::new() };
        let passes = |group| self.with_counts(group).is_some_and(|group| listing.filter.lets_pass(&group, listing.now));
        let edges = self.edges_with_states(parent).into_iter();
        let listed =
            edges.filter(|(child, ..)| !hidden.contains(child) && passes(*child)).filter_map(|(child, edge, state)| {
                Some(ListedMember {
                    member: self.named_group(child)?,
                    group: self.named_group(parent)?,
                    added: edge.added.map(|added| added.at),
                    added_by: edge.added.and_then(|added| self.author(added.by)),
                    validity: edge.validity,
                    state,
                })
            });
        Ok(page(listed, listing, ListedMember::place_of_child))
    }

    fn count_pending_dates(&mut self, author: UserId, most: u64) -> Result<u64, StoreError> {
        let (members, children) = (&self.memberships, &self.children);
        let count = count_pending((&*members.members, &*members.scheduled), &members.dated_by, author)
            + count_pending((&*children.by_parent, &*children.scheduled), &children.dated_by, author);
        Ok(count.min(most))
    }

    fn has_lasting_administrator(&mut self) -> Result<bool, StoreError> {
        let group = self.groups.system(SystemGroup::SystemAdministrators);
        Ok(group.is_some_and(|group| self.has_lasting_member(group)))
    }

    fn first_lasting_member(&mut self, group: GroupId, among: &BTreeSet<UserId>) -> Result<Option<UserId>, StoreError> {
        Ok(self.lasting_members(group).find(|user| among.contains(user)))
    }

    fn first_child_with_lasting_member(
        &mut self,
        parent: GroupId,
        among: &BTreeSet<GroupId>,
    ) -> Result<Option<GroupId>, StoreError> {
        let children = self.children.by_parent.get(&parent).into_iter().flatten();
        let mut lasting = children.filter(|(_, edge)| edge.validity.until.is_none()).map(|(child, _)| *child);
        Ok(lasting.find(|child| among.contains(child) && self.has_lasting_member(*child)))
    }
}

impl ValidityWriter for State {
    fn set_validity_of_members(
        &mut self,
        group: GroupId,
        users: &BTreeMap<UserId, Validity>,
        added: Provenance,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let memberships = &mut self.memberships;
        let of = (&*memberships.members, &*memberships.scheduled);
        note_author(of, &mut memberships.dated_by, (group, users), added.by);
        let of = (&mut memberships.members, &mut memberships.scheduled);
        set(of, group, users, now, |validity| Membership { added, validity });
        Ok(())
    }

    fn set_validity_of_children(
        &mut self,
        parent: GroupId,
        children: &BTreeMap<GroupId, Validity>,
        added: Provenance,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let edges = &mut self.children;
        note_author((&*edges.by_parent, &*edges.scheduled), &mut edges.dated_by, (parent, children), added.by);
        let of = (&mut edges.by_parent, &mut edges.scheduled);
        set(of, parent, children, now, |validity| Edge { added: Some(added), validity });
        Ok(())
    }

    fn make_due(&mut self, now: Timestamp, _: bool) -> Result<Option<Vec<DueChange>>, StoreError> {
        let mut changes = Vec::new();
        let memberships = &mut self.memberships;
        let told = (ManagerId::User as fn(_) -> _, &mut self.past.members);
        take_due((&mut memberships.members, &mut memberships.scheduled), now, told, &mut changes);
        let children = &mut self.children;
        let told = (ManagerId::Group as fn(_) -> _, &mut self.past.edges);
        take_due((&mut children.by_parent, &mut children.scheduled), now, told, &mut changes);
        changes.sort_by_key(|change| change.at);
        Ok(Some(changes))
    }
}
