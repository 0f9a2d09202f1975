//! What previews ask.

use std::collections::{BTreeMap, BTreeSet};

use guildhall_domain::group::{GroupId, GroupName};
use guildhall_domain::ports::{EffectReader, GroupReader as _, Person, Reach, StoreError};
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::UserId;

use super::UnitOfWork;
use super::tables::Tables;

impl<T: Tables> UnitOfWork<T> {
    fn named(&mut self, groups: BTreeSet<GroupId>) -> Result<BTreeMap<GroupId, GroupName>, StoreError> {
        let mut named = BTreeMap::new();
        for id in groups {
            named.extend(self.group(id)?.map(|group| (id, group.name)));
        }
        Ok(named)
    }
}

impl<T: Tables> EffectReader for UnitOfWork<T> {
    fn groups_at_or_above(&mut self, groups: &BTreeSet<GroupId>) -> Result<BTreeMap<GroupId, GroupName>, StoreError> {
        let above = self.at_or_above(groups.clone())?;
        self.named(above)
    }

    fn effective_groups_of(&mut self, user: UserId) -> Result<BTreeMap<GroupId, GroupName>, StoreError> {
        let groups = self.groups_within(user, Reach::Effective)?;
        self.named(groups)
    }

    fn effective_members_of_any(&mut self, groups: &BTreeSet<GroupId>) -> Result<BTreeSet<UserId>, StoreError> {
        let mut members = BTreeSet::new();
        for group in groups {
            members.extend(self.members_within(*group, Reach::Effective)?);
        }
        Ok(members)
    }

    fn count_effective_members_among(
        &mut self,
        groups: &BTreeSet<GroupId>,
        users: &BTreeSet<UserId>,
    ) -> Result<BTreeMap<GroupId, u64>, StoreError> {
        let mut counts = BTreeMap::new();
        for group in groups {
            let inside = self.members_within(*group, Reach::Effective)?.intersection(users).count();
            counts.insert(*group, inside as u64);
        }
        counts.retain(|_, inside| *inside > 0);
        Ok(counts)
    }

    fn first_outsiders(
        &mut self,
        groups: &BTreeSet<GroupId>,
        users: &BTreeSet<UserId>,
        most: usize,
    ) -> Result<BTreeMap<GroupId, Vec<Person>>, StoreError> {
        let mut wanted = self.load_users(users)?;
        wanted.sort_by_cached_key(|user| (user.username.key(), user.id));
        let mut outsiders = BTreeMap::new();
        for group in groups {
            let inside = self.members_within(*group, Reach::Effective)?;
            let outside = wanted.iter().filter(|user| !inside.contains(&user.id)).take(most);
            outsiders.insert(*group, outside.map(Person::from).collect::<Vec<_>>());
        }
        outsiders.retain(|_, outside| !outside.is_empty());
        Ok(outsiders)
    }

    fn open_accounts_among(
        &mut self,
        users: &BTreeSet<UserId>,
        now: Timestamp,
    ) -> Result<BTreeSet<UserId>, StoreError> {
        let open = self.load_users(users)?.into_iter().filter(|user| !user.is_suspended(now));
        Ok(open.map(|user| user.id).collect())
    }
}
