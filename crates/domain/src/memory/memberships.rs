//! Memberships in memory.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::State;
use super::dated::DatedBy;
use super::past::History;
use crate::group::{Group, GroupId, GroupName, SystemGroup};
use crate::page::Paged;
use crate::ports::{Difference, Ended, Joined, Membership, MembershipReader, MembershipWriter, Reach, StoreError};
use crate::provenance::Provenance;
use crate::search::{GroupListing, UserListing};
use crate::time::Timestamp;
use crate::user::{User, UserId};
use crate::validity::Validity;

/// The direct members of each group.
#[derive(Clone, Debug, Default)]
pub(super) struct Memberships {
    pub(super) members: Arc<BTreeMap<GroupId, BTreeMap<UserId, Membership>>>,
    /// Those who come in later.
    pub(super) scheduled: Arc<BTreeMap<GroupId, BTreeMap<UserId, Membership>>>,
    pub(super) dated_by: Arc<DatedBy<UserId>>,
}

impl Memberships {
    pub(super) fn count(&self, group: GroupId) -> u64 {
        self.members.get(&group).map_or(0, BTreeMap::len) as u64
    }

    /// Removes a user. What counted until `at` is kept.
    pub(super) fn remove_user(&mut self, user: UserId, history: &mut History<UserId>, at: Timestamp) {
        for (group, members) in Arc::make_mut(&mut self.members) {
            if let Some(membership) = members.remove(&user) {
                history.end(*group, user, &membership, at);
            }
        }
        for members in Arc::make_mut(&mut self.scheduled).values_mut() {
            members.remove(&user);
        }
    }

    /// Removes a group. What counted until `at` is kept.
    pub(super) fn remove_group(&mut self, group: GroupId, history: &mut History<UserId>, at: Timestamp) {
        for (user, membership) in Arc::make_mut(&mut self.members).remove(&group).unwrap_or_default() {
            history.end(group, user, &membership, at);
        }
        Arc::make_mut(&mut self.scheduled).remove(&group);
    }

    /// The direct members of any of `groups`.
    fn of(&self, groups: &BTreeSet<GroupId>) -> BTreeSet<UserId> {
        groups.iter().filter_map(|group| self.members.get(group)).flat_map(BTreeMap::keys).copied().collect()
    }
}

impl State {
    /// The effective members of a system group.
    pub(super) fn effective_members(&self, group: SystemGroup) -> BTreeSet<UserId> {
        self.groups.system(group).map(|group| self.members_within(group, Reach::Effective)).unwrap_or_default()
    }

    pub(super) fn is_within(&self, group: GroupId, user: UserId) -> bool {
        self.members_within(group, Reach::Effective).contains(&user)
    }

    pub(super) fn members_within(&self, group: GroupId, reach: Reach) -> BTreeSet<UserId> {
        match reach {
            Reach::Direct => self.memberships.of(&BTreeSet::from([group])),
            Reach::Effective => self.memberships.of(&self.children.at_or_below(group)),
        }
    }
}

impl MembershipReader for State {
    fn is_effective_member(&mut self, group: GroupId, user: UserId) -> Result<bool, StoreError> {
        Ok(self.members_within(group, Reach::Effective).contains(&user))
    }

    fn is_effective_member_of_any(&mut self, groups: &BTreeSet<GroupId>, user: UserId) -> Result<bool, StoreError> {
        Ok(groups.iter().any(|group| self.members_within(*group, Reach::Effective).contains(&user)))
    }

    fn effective_memberships_among(
        &mut self,
        pairs: &BTreeSet<(UserId, GroupId)>,
    ) -> Result<BTreeSet<(UserId, GroupId)>, StoreError> {
        let groups: BTreeSet<GroupId> = pairs.iter().map(|(_, group)| *group).collect();
        let members = |group: &GroupId| (*group, self.members_within(*group, Reach::Effective));
        let members: BTreeMap<GroupId, BTreeSet<UserId>> = groups.iter().map(members).collect();
        let is_member =
            |(user, group): &&(UserId, GroupId)| members.get(group).is_some_and(|members| members.contains(user));
        Ok(pairs.iter().filter(is_member).copied().collect())
    }

    fn members(
        &mut self,
        group: GroupId,
        reach: Reach,
        excluded: &BTreeSet<GroupId>,
        listing: &UserListing,
    ) -> Result<Paged<User>, StoreError> {
        let excluded: BTreeSet<UserId> = excluded.iter().flat_map(|group| self.members_within(*group, reach)).collect();
        Ok(self.page_of_users(&(&self.members_within(group, reach) - &excluded), listing))
    }

    fn groups_of(
        &mut self,
        user: UserId,
        reach: Reach,
        excluded: &BTreeSet<GroupId>,
        listing: &GroupListing,
    ) -> Result<Paged<Group>, StoreError> {
        let groups = self.groups.ids().filter(|group| self.members_within(**group, reach).contains(&user));
        let groups = groups.copied().collect();
        Ok(self.page_of_groups(&self.children.without_below(&groups, excluded, reach), listing))
    }

    fn groups_below_with_member(
        &mut self,
        group: GroupId,
        user: UserId,
        most: usize,
    ) -> Result<Vec<(GroupId, GroupName)>, StoreError> {
        let mut below = self.children.at_or_below(group);
        below.remove(&group);
        below.retain(|group| self.memberships.of(&BTreeSet::from([*group])).contains(&user));
        Ok(self.first_by_name(&below, most))
    }

    fn membership(&mut self, group: GroupId, user: UserId) -> Result<Option<Membership>, StoreError> {
        Ok(self.memberships.members.get(&group).and_then(|members| members.get(&user)).copied())
    }

    fn compare_members(&mut self, group: GroupId, wanted: &BTreeSet<UserId>) -> Result<Difference<UserId>, StoreError> {
        let members = self.members_within(group, Reach::Direct);
        Ok(Difference { missing: wanted - &members, surplus: &members - wanted })
    }

    fn external_groups_of(&mut self, user: UserId) -> Result<BTreeSet<GroupId>, StoreError> {
        let members = self.memberships.members.iter().filter(|(_, members)| members.contains_key(&user));
        Ok(members.map(|(group, _)| *group).filter(|group| self.groups.is_external(*group)).collect())
    }
}

impl MembershipWriter for State {
    fn insert_members(
        &mut self,
        group: GroupId,
        users: &BTreeSet<UserId>,
        added: Provenance,
    ) -> Result<Vec<UserId>, StoreError> {
        let mut new = Vec::new();
        for user in users {
            let scheduled = Arc::make_mut(&mut self.memberships.scheduled).get_mut(&group);
            let scheduled = scheduled.and_then(|scheduled| scheduled.remove(user));
            let until = scheduled.and_then(|scheduled| scheduled.validity.until);
            let members = Arc::make_mut(&mut self.memberships.members).entry(group).or_default();
            if let Entry::Vacant(vacant) = members.entry(*user) {
                vacant.insert(Membership { added, validity: Validity { from: None, until } });
                new.push(*user);
            }
        }
        Ok(new)
    }

    fn change_members(
        &mut self,
        group: GroupId,
        (joining, added): (&BTreeSet<UserId>, Provenance),
        leaving: &BTreeSet<UserId>,
    ) -> Result<Joined, StoreError> {
        let new = self.insert_members(group, joining, added)?;
        let mut joined = Joined { new, ..Joined::default() };
        for user in leaving {
            match self.remove_member(group, *user, added.at)? {
                Ended::Present => joined.gone.push(*user),
                Ended::Schedule => joined.cancelled.push(*user),
                Ended::Nothing => {}
            }
        }
        Ok(joined)
    }

    fn remove_member(&mut self, group: GroupId, user: UserId, at: Timestamp) -> Result<Ended, StoreError> {
        let [ended, cancelled] = [&mut self.memberships.members, &mut self.memberships.scheduled]
            .map(|members| Arc::make_mut(members).get_mut(&group).and_then(|members| members.remove(&user)));
        if let Some(membership) = &ended {
            Arc::make_mut(&mut self.past.members).end(group, user, membership, at);
        }
        Ok(Ended::of(ended.is_some(), cancelled.is_some()))
    }
}
