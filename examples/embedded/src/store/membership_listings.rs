//! Listings of memberships and edges with their dates.

use std::collections::BTreeSet;

use guildhall_domain::group::GroupId;
use guildhall_domain::manager::ManagerId;
use guildhall_domain::page::Paged;
use guildhall_domain::ports::{
    ChildReader as _, ChildScope, GroupReader as _, ListedMember, MembershipListing, MembershipOrder,
    MembershipReader as _, NamedGroup, Person, Reach, StoreError,
};
use guildhall_domain::position::Position;
use guildhall_domain::provenance::Provenance;
use guildhall_domain::search::{GroupField, UserField};
use guildhall_domain::user::UserId;
use guildhall_domain::validity::{Validity, ValidityState};

use super::tables::Tables;
use super::{UnitOfWork, window};

/// When and by whom something was added, its dates, and whether it counts.
type Dated = (Option<Provenance>, Validity, ValidityState);

impl<T: Tables> UnitOfWork<T> {
    pub(super) fn list_members(
        &mut self,
        group: GroupId,
        listing: &MembershipListing<UserField>,
    ) -> Result<Paged<ListedMember<Person>>, StoreError> {
        let mut items = Vec::new();
        for user in self.members_within(group, Reach::Direct)? {
            items.extend(self.present_member(group, user)?);
        }
        for row in self.scheduled()? {
            if let (true, ManagerId::User(user)) = (row.group() == group, row.member()) {
                let dated = (Some(row.added()), row.validity(), ValidityState::Scheduled);
                items.extend(self.listed_member(group, user, dated)?);
            }
        }
        let mut passing = Vec::new();
        for item in items {
            let user = self.load_user(item.member.id)?;
            if user.is_some_and(|user| listing.filter.lets_pass(&user, listing.now)) {
                passing.push(item);
            }
        }
        Ok(page(passing, listing, ListedMember::place_of_user))
    }

    pub(super) fn list_memberships(
        &mut self,
        user: UserId,
        listing: &MembershipListing<GroupField>,
    ) -> Result<Paged<ListedMember<Person>>, StoreError> {
        let mut items = Vec::new();
        for group in self.groups_within(user, Reach::Direct)? {
            items.extend(self.present_member(group, user)?);
        }
        for row in self.scheduled()?.into_iter().filter(|row| row.member() == ManagerId::User(user)) {
            let dated = (Some(row.added()), row.validity(), ValidityState::Scheduled);
            items.extend(self.listed_member(row.group(), user, dated)?);
        }
        let mut passing = Vec::new();
        for item in items {
            if self.group(item.group.id)?.is_some_and(|group| listing.filter.lets_pass(&group, listing.now)) {
                passing.push(item);
            }
        }
        Ok(page(passing, listing, ListedMember::place_of_group))
    }

    pub(super) fn list_edges(
        &mut self,
        parent: GroupId,
        scope: ChildScope,
        listing: &MembershipListing<GroupField>,
    ) -> Result<Paged<ListedMember<NamedGroup>>, StoreError> {
        let mut edges: Vec<(GroupId, Dated)> = Vec::new();
        for child in self.direct_children(parent)? {
            let edge = self.edge(parent, child)?;
            edges.extend(edge.map(|edge| (child, (edge.added, edge.validity, ValidityState::Active))));
        }
        for row in self.scheduled()? {
            if let (true, ManagerId::Group(child)) = (row.group() == parent, row.member()) {
                edges.push((child, (Some(row.added()), row.validity(), ValidityState::Scheduled)));
            }
        }
        let hidden = if scope == ChildScope::Managed { self.administering()? } else { BTreeSet::new() };
        let mut items = Vec::new();
        for (child, (added, validity, state)) in edges {
            let (Some(child), Some(group)) = (self.group(child)?, self.named_group(parent)?) else { continue };
            if hidden.contains(&child.id) || !listing.filter.lets_pass(&child, listing.now) {
                continue;
            }
            let added_by = self.author(added.and_then(|added| added.by))?;
            let member = NamedGroup { id: child.id, name: child.name };
            items.push(ListedMember { member, group, added: added.map(|added| added.at), added_by, validity, state });
        }
        Ok(page(items, listing, ListedMember::place_of_child))
    }

    fn present_member(&mut self, group: GroupId, user: UserId) -> Result<Option<ListedMember<Person>>, StoreError> {
        let Some(membership) = self.membership(group, user)? else { return Ok(None) };
        self.listed_member(group, user, (Some(membership.added), membership.validity, ValidityState::Active))
    }

    fn listed_member(
        &self,
        group: GroupId,
        user: UserId,
        (added, validity, state): Dated,
    ) -> Result<Option<ListedMember<Person>>, StoreError> {
        let (Some(user), Some(group)) = (self.load_user(user)?, self.named_group(group)?) else { return Ok(None) };
        let added_by = self.author(added.and_then(|added| added.by))?;
        let (member, added) = (Person::from(&user), added.map(|added| added.at));
        Ok(Some(ListedMember { member, group, added, added_by, validity, state }))
    }

    fn named_group(&self, id: GroupId) -> Result<Option<NamedGroup>, StoreError> {
        Ok(self.load_group(id)?.map(|group| NamedGroup { id, name: group.name }))
    }
}

/// The page of `items`, which passed the listing's filter.
fn page<M, F>(
    items: Vec<ListedMember<M>>,
    listing: &MembershipListing<F>,
    place: fn(&ListedMember<M>, MembershipOrder) -> Position,
) -> Paged<ListedMember<M>> {
    let is_wanted = |item: &ListedMember<M>| {
        listing.state.is_none_or(|state| item.state == state)
            && listing.expiring_before.is_none_or(|moment| item.validity.until.is_some_and(|until| until < moment))
    };
    let items = items.into_iter().filter(is_wanted);
    let mut items: Vec<_> = items.map(|item| (place(&item, listing.order), item)).collect();
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
    let items = window(items, &listing.page).into_iter().map(|(_, item)| item).collect();
    Paged::new(&listing.page, total, items, |item| place(item, listing.order))
}
