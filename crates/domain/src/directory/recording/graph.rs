//! What a recorder passes on about groups, their members and their managers.

use std::collections::{BTreeMap, BTreeSet};

use super::Recorder;
use crate::email_domain::EmailDomain;
use crate::group::{Group, GroupId, GroupName, SystemGroup};
use crate::identifier::GroupIdentifier;
use crate::manager::{Management, Manager};
use crate::name::NameKey;
use crate::page::{Page, Paged};
use crate::ports::{
    ChildReader, Children, Difference, Edge, GroupReader, ManagerReader, Member, MembersChange, Membership,
    MembershipGraph, MembershipReader, Nesting, PathReader, Reach, Registration, StoreError,
};
use crate::search::{GroupListing, UserListing};
use crate::user::{User, UserId};

impl GroupReader for Recorder<'_> {
    fn group_id(&mut self, identifier: &GroupIdentifier) -> Result<Option<GroupId>, StoreError> {
        self.store.group_id(identifier)
    }

    fn group_ids(&mut self, identifiers: &[GroupIdentifier]) -> Result<BTreeSet<GroupId>, StoreError> {
        self.store.group_ids(identifiers)
    }

    fn groups_named<'n>(
        &mut self,
        names: &BTreeSet<&'n NameKey>,
    ) -> Result<BTreeMap<&'n NameKey, GroupId>, StoreError> {
        self.store.groups_named(names)
    }

    fn group(&mut self, id: GroupId) -> Result<Option<Group>, StoreError> {
        self.store.group(id)
    }

    fn unknown_groups(&mut self, ids: &BTreeSet<GroupId>) -> Result<BTreeSet<GroupId>, StoreError> {
        self.store.unknown_groups(ids)
    }

    fn external_among(&mut self, ids: &BTreeSet<GroupId>) -> Result<BTreeSet<GroupId>, StoreError> {
        self.store.external_among(ids)
    }

    fn groups_for_domain(&mut self, domain: &EmailDomain) -> Result<BTreeSet<GroupId>, StoreError> {
        self.store.groups_for_domain(domain)
    }

    fn groups(&mut self, listing: &GroupListing) -> Result<Paged<Group>, StoreError> {
        self.store.groups(listing)
    }
}

impl ChildReader for Recorder<'_> {
    fn nesting(&mut self, parent: GroupId, children: &BTreeSet<GroupId>) -> Result<Nesting, StoreError> {
        self.store.nesting(parent, children)
    }

    fn children(
        &mut self,
        group: GroupId,
        children: &Children,
        listing: &GroupListing,
    ) -> Result<Paged<Group>, StoreError> {
        self.store.children(group, children, listing)
    }

    fn edge(&mut self, parent: GroupId, child: GroupId) -> Result<Option<Edge>, StoreError> {
        self.store.edge(parent, child)
    }

    fn direct_children(&mut self, parent: GroupId) -> Result<BTreeSet<GroupId>, StoreError> {
        self.store.direct_children(parent)
    }

    fn child_towards(&mut self, from: GroupId, to: GroupId) -> Result<Option<GroupId>, StoreError> {
        self.store.child_towards(from, to)
    }

    fn step_towards(&mut self, from: GroupId, to: GroupId) -> Result<Option<GroupId>, StoreError> {
        self.store.step_towards(from, to)
    }

    fn at_or_above_among(
        &mut self,
        below: GroupId,
        groups: &BTreeSet<GroupId>,
    ) -> Result<BTreeSet<GroupId>, StoreError> {
        self.store.at_or_above_among(below, groups)
    }

    fn administrators_above(&mut self, group: GroupId) -> Result<BTreeSet<SystemGroup>, StoreError> {
        self.store.administrators_above(group)
    }
}

impl MembershipReader for Recorder<'_> {
    fn members_change(
        &mut self,
        caller: Option<UserId>,
        group: &GroupIdentifier,
        member: Member<'_>,
    ) -> Result<MembersChange, StoreError> {
        self.store.members_change(caller, group, member)
    }

    fn registration(&mut self, caller: Option<UserId>, user: &User) -> Result<Registration, StoreError> {
        self.store.registration(caller, user)
    }

    fn is_effective_member(&mut self, group: GroupId, user: UserId) -> Result<bool, StoreError> {
        self.store.is_effective_member(group, user)
    }

    fn is_effective_member_of_any(&mut self, groups: &BTreeSet<GroupId>, user: UserId) -> Result<bool, StoreError> {
        self.store.is_effective_member_of_any(groups, user)
    }

    fn effective_memberships_among(
        &mut self,
        pairs: &BTreeSet<(UserId, GroupId)>,
    ) -> Result<BTreeSet<(UserId, GroupId)>, StoreError> {
        self.store.effective_memberships_among(pairs)
    }

    fn members(
        &mut self,
        group: GroupId,
        reach: Reach,
        excluded: &BTreeSet<GroupId>,
        listing: &UserListing,
    ) -> Result<Paged<User>, StoreError> {
        self.store.members(group, reach, excluded, listing)
    }

    fn groups_of(
        &mut self,
        user: UserId,
        reach: Reach,
        excluded: &BTreeSet<GroupId>,
        listing: &GroupListing,
    ) -> Result<Paged<Group>, StoreError> {
        self.store.groups_of(user, reach, excluded, listing)
    }

    fn groups_below_with_member(
        &mut self,
        group: GroupId,
        user: UserId,
        most: usize,
    ) -> Result<Vec<(GroupId, GroupName)>, StoreError> {
        self.store.groups_below_with_member(group, user, most)
    }

    fn membership(&mut self, group: GroupId, user: UserId) -> Result<Option<Membership>, StoreError> {
        self.store.membership(group, user)
    }

    fn compare_members(&mut self, group: GroupId, wanted: &BTreeSet<UserId>) -> Result<Difference<UserId>, StoreError> {
        self.store.compare_members(group, wanted)
    }

    fn external_groups_of(&mut self, user: UserId) -> Result<BTreeSet<GroupId>, StoreError> {
        self.store.external_groups_of(user)
    }
}

impl PathReader for Recorder<'_> {
    fn membership_graph(&mut self, group: GroupId, user: UserId) -> Result<MembershipGraph, StoreError> {
        self.store.membership_graph(group, user)
    }
}

impl ManagerReader for Recorder<'_> {
    fn managed_among(
        &mut self,
        user: UserId,
        groups: &BTreeSet<GroupId>,
    ) -> Result<BTreeMap<GroupId, Management>, StoreError> {
        self.store.managed_among(user, groups)
    }

    fn managed_groups(&mut self, user: UserId, listing: &GroupListing) -> Result<Paged<Group>, StoreError> {
        self.store.managed_groups(user, listing)
    }

    fn managers(&mut self, group: GroupId, page: &Page) -> Result<Paged<Manager>, StoreError> {
        self.store.managers(group, page)
    }
}
