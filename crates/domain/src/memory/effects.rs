//! What previews ask, in memory.

use std::collections::{BTreeMap, BTreeSet};

use super::State;
use crate::group::{GroupId, GroupName};
use crate::ports::{EffectReader, Person, Reach, StoreError};
use crate::time::Timestamp;
use crate::user::UserId;

impl State {
    fn named(&self, groups: impl Fn(GroupId) -> bool) -> BTreeMap<GroupId, GroupName> {
        let ids: BTreeSet<GroupId> = self.groups.ids().copied().filter(|group| groups(*group)).collect();
        self.first_by_name(&ids, usize::MAX).into_iter().collect()
    }
}

impl EffectReader for State {
    fn groups_at_or_above(&mut self, groups: &BTreeSet<GroupId>) -> Result<BTreeMap<GroupId, GroupName>, StoreError> {
        Ok(self.named(|group| !self.children.at_or_below(group).is_disjoint(groups)))
    }

    fn effective_groups_of(&mut self, user: UserId) -> Result<BTreeMap<GroupId, GroupName>, StoreError> {
        Ok(self.named(|group| self.members_within(group, Reach::Effective).contains(&user)))
    }

    fn effective_members_of_any(&mut self, groups: &BTreeSet<GroupId>) -> Result<BTreeSet<UserId>, StoreError> {
        Ok(groups.iter().flat_map(|group| self.members_within(*group, Reach::Effective)).collect())
    }

    fn count_effective_members_among(
        &mut self,
        groups: &BTreeSet<GroupId>,
        users: &BTreeSet<UserId>,
    ) -> Result<BTreeMap<GroupId, u64>, StoreError> {
        let counted = |group: &GroupId| {
            let inside = self.members_within(*group, Reach::Effective).intersection(users).count();
            (*group, inside as u64)
        };
        Ok(groups.iter().map(counted).filter(|(_, inside)| *inside > 0).collect())
    }

    fn first_outsiders(
        &mut self,
        groups: &BTreeSet<GroupId>,
        users: &BTreeSet<UserId>,
        most: usize,
    ) -> Result<BTreeMap<GroupId, Vec<Person>>, StoreError> {
        let mut wanted: Vec<_> = users.iter().filter_map(|user| self.users.get(*user)).collect();
        wanted.sort_by_cached_key(|user| (user.username.key(), user.id));
        let outsiders = |group: &GroupId| {
            let inside = self.members_within(*group, Reach::Effective);
            let outside = wanted.iter().filter(|user| !inside.contains(&user.id)).take(most);
            (*group, outside.map(|user| Person::from(*user)).collect::<Vec<_>>())
        };
        Ok(groups.iter().map(outsiders).filter(|(_, outside)| !outside.is_empty()).collect())
    }

    fn open_accounts_among(
        &mut self,
        users: &BTreeSet<UserId>,
        now: Timestamp,
    ) -> Result<BTreeSet<UserId>, StoreError> {
        let is_open = |user: &&UserId| self.users.get(**user).is_some_and(|user| !user.is_suspended(now));
        Ok(users.iter().filter(is_open).copied().collect())
    }
}
