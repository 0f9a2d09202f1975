//! What a recorder passes on about effects and dates.

use std::collections::{BTreeMap, BTreeSet};

use super::Recorder;
use crate::group::{GroupId, GroupName};
use crate::ports::{EffectReader, Person, StoreError};
use crate::time::Timestamp;
use crate::user::UserId;

impl EffectReader for Recorder<'_> {
    fn groups_at_or_above(&mut self, groups: &BTreeSet<GroupId>) -> Result<BTreeMap<GroupId, GroupName>, StoreError> {
        self.store.groups_at_or_above(groups)
    }

    fn effective_groups_of(&mut self, user: UserId) -> Result<BTreeMap<GroupId, GroupName>, StoreError> {
        self.store.effective_groups_of(user)
    }

    fn effective_members_of_any(&mut self, groups: &BTreeSet<GroupId>) -> Result<BTreeSet<UserId>, StoreError> {
        self.store.effective_members_of_any(groups)
    }

    fn count_effective_members_among(
        &mut self,
        groups: &BTreeSet<GroupId>,
        users: &BTreeSet<UserId>,
    ) -> Result<BTreeMap<GroupId, u64>, StoreError> {
        self.store.count_effective_members_among(groups, users)
    }

    fn first_outsiders(
        &mut self,
        groups: &BTreeSet<GroupId>,
        users: &BTreeSet<UserId>,
        most: usize,
    ) -> Result<BTreeMap<GroupId, Vec<Person>>, StoreError> {
        self.store.first_outsiders(groups, users, most)
    }

    fn open_accounts_among(
        &mut self,
        users: &BTreeSet<UserId>,
        now: Timestamp,
    ) -> Result<BTreeSet<UserId>, StoreError> {
        self.store.open_accounts_among(users, now)
    }
}
