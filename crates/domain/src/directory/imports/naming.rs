//! Whom and what records name.

use std::collections::{BTreeMap, BTreeSet};

use super::Import;
use crate::group::{GroupId, SystemGroup};
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::name::NameKey;
use crate::ports::StoreError;
use crate::record::RecordedGroup;
use crate::user::UserId;

/// Users and groups that records name, as far as they are there.
#[derive(Default)]
pub(super) struct Named {
    users: BTreeSet<UserId>,
    usernames: BTreeMap<NameKey, UserId>,
    groups: BTreeSet<GroupId>,
    names: BTreeMap<NameKey, GroupId>,
}

impl Named {
    pub(super) fn user(&self, user: &UserIdentifier) -> Option<UserId> {
        match user {
            UserIdentifier::Current => None,
            UserIdentifier::Id(id) => self.users.get(id).copied(),
            UserIdentifier::Name(name) => self.usernames.get(name).copied(),
        }
    }

    pub(super) fn group(&self, group: &RecordedGroup) -> Option<GroupId> {
        match reference(group) {
            GroupIdentifier::Id(id) => self.groups.get(&id).copied(),
            GroupIdentifier::Name(name) => self.names.get(&name).copied(),
        }
    }
}

/// By what a group is found: a system group by its name, because its id differs from installation to installation.
fn reference(group: &RecordedGroup) -> GroupIdentifier {
    let name = group.name.as_deref().map(NameKey::of);
    match name.filter(is_system) {
        Some(name) => GroupIdentifier::Name(name),
        None => group.identifier.clone(),
    }
}

/// Whether it is the name of a system group.
pub(super) fn is_system(name: &NameKey) -> bool {
    SystemGroup::ALL.iter().any(|system| system.key() == *name)
}

impl Import<'_, '_> {
    /// Looks up whom and what records name: a constant number of statements.
    pub(super) fn look_up<'r>(
        &mut self,
        users: impl Iterator<Item = &'r UserIdentifier>,
        groups: impl Iterator<Item = &'r RecordedGroup>,
    ) -> Result<Named, StoreError> {
        let (mut ids, mut usernames) = (BTreeSet::new(), BTreeSet::new());
        for user in users {
            match user {
                UserIdentifier::Current => {}
                UserIdentifier::Id(id) => _ = ids.insert(*id),
                UserIdentifier::Name(name) => _ = usernames.insert(name),
            }
        }
        let (mut group_ids, mut names) = (BTreeSet::new(), BTreeSet::new());
        for group in groups {
            match reference(group) {
                GroupIdentifier::Id(id) => _ = group_ids.insert(id),
                GroupIdentifier::Name(name) => _ = names.insert(name),
            }
        }
        let mut found = Named::default();
        if !ids.is_empty() {
            let unknown = self.work.unknown_users(&ids)?;
            found.users = &ids - &unknown;
        }
        if !usernames.is_empty() {
            let of_names = self.work.users_named(&usernames)?;
            found.usernames = of_names.into_iter().map(|(name, id)| (name.clone(), id)).collect();
        }
        if !group_ids.is_empty() {
            let unknown = self.work.unknown_groups(&group_ids)?;
            found.groups = &group_ids - &unknown;
        }
        if !names.is_empty() {
            let of_names = self.work.groups_named(&names.iter().collect())?;
            found.names = of_names.into_iter().map(|(name, id)| (name.clone(), id)).collect();
        }
        Ok(found)
    }
}
