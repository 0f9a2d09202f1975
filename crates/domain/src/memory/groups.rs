//! Groups in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{State, page};
use crate::email_domain::EmailDomain;
use crate::group::{Group, GroupId, GroupKind, GroupName, SystemGroup};
use crate::identifier::GroupIdentifier;
use crate::name::NameKey;
use crate::page::Paged;
use crate::ports::{Deleted, GroupReader, GroupWriter, StoreError};
use crate::search::GroupListing;
use crate::time::Timestamp;

#[derive(Clone, Debug, Default)]
pub(super) struct Groups {
    by_id: Arc<BTreeMap<GroupId, Group>>,
    names: Arc<BTreeMap<NameKey, GroupId>>,
}

impl Groups {
    pub(super) fn ids(&self) -> impl Iterator<Item = &GroupId> {
        self.by_id.keys()
    }

    pub(super) fn system(&self, group: SystemGroup) -> Option<GroupId> {
        self.names.get(&group.key()).copied()
    }

    pub(super) fn is_external(&self, group: GroupId) -> bool {
        self.by_id.get(&group).is_some_and(|group| group.kind == GroupKind::External)
    }

    pub(super) fn name(&self, group: GroupId) -> Option<&str> {
        self.by_id.get(&group).map(|group| group.name.as_str())
    }

    fn has_free_name(&self, group: &Group) -> bool {
        self.names.get(&group.name.key()).is_none_or(|holder| *holder == group.id)
    }

    fn set_name(&mut self, group: &Group) {
        self.remove_name(group.id);
        Arc::make_mut(&mut self.names).insert(group.name.key(), group.id);
    }

    fn remove_name(&mut self, id: GroupId) {
        Arc::make_mut(&mut self.names).retain(|_, named| *named != id);
    }
}

impl State {
    /// The group with the numbers of its members and children.
    pub(super) fn with_counts(&self, id: GroupId) -> Option<Group> {
        self.groups.by_id.get(&id).map(|group| Group {
            user_count: self.memberships.count(id),
            child_group_count: self.children.count(id),
            ..group.clone()
        })
    }

    /// The first `most` of these groups, by name.
    pub(super) fn first_by_name(&self, ids: &BTreeSet<GroupId>, most: usize) -> Vec<(GroupId, GroupName)> {
        let named = self.groups.names.values().filter(|id| ids.contains(id));
        let named = named.filter_map(|id| self.groups.by_id.get(id).map(|group| (*id, group.name.clone())));
        named.take(most).collect()
    }

    pub(super) fn page_of_groups<'a>(
        &self,
        ids: impl IntoIterator<Item = &'a GroupId>,
        listing: &GroupListing,
    ) -> Paged<Group> {
        page(ids.into_iter().filter_map(|id| self.with_counts(*id)), listing)
    }
}

impl GroupReader for State {
    fn group_id(&mut self, identifier: &GroupIdentifier) -> Result<Option<GroupId>, StoreError> {
        Ok(match identifier {
            GroupIdentifier::Id(id) => self.groups.by_id.get(id).map(|group| group.id),
            GroupIdentifier::Name(key) => self.groups.names.get(key).copied(),
        })
    }

    fn group_ids(&mut self, identifiers: &[GroupIdentifier]) -> Result<BTreeSet<GroupId>, StoreError> {
        identifiers.iter().filter_map(|identifier| self.group_id(identifier).transpose()).collect()
    }

    fn groups_named<'n>(
        &mut self,
        names: &BTreeSet<&'n NameKey>,
    ) -> Result<BTreeMap<&'n NameKey, GroupId>, StoreError> {
        let found = |name: &&'n NameKey| self.groups.names.get(*name).map(|group| (*name, *group));
        Ok(names.iter().filter_map(found).collect())
    }

    fn group(&mut self, id: GroupId) -> Result<Option<Group>, StoreError> {
        Ok(self.with_counts(id))
    }

    fn unknown_groups(&mut self, ids: &BTreeSet<GroupId>) -> Result<BTreeSet<GroupId>, StoreError> {
        Ok(ids.iter().filter(|id| !self.groups.by_id.contains_key(id)).copied().collect())
    }

    fn external_among(&mut self, ids: &BTreeSet<GroupId>) -> Result<BTreeSet<GroupId>, StoreError> {
        Ok(ids.iter().copied().filter(|id| self.groups.is_external(*id)).collect())
    }

    fn groups_for_domain(&mut self, domain: &EmailDomain) -> Result<BTreeSet<GroupId>, StoreError> {
        let joined = self.groups.by_id.values().filter(|group| group.auto_membership_email_domains.contains(domain));
        Ok(joined.map(|group| group.id).collect())
    }

    fn groups(&mut self, listing: &GroupListing) -> Result<Paged<Group>, StoreError> {
        Ok(self.page_of_groups(self.groups.ids(), listing))
    }
}

impl GroupWriter for State {
    fn insert_group(&mut self, group: &Group) -> Result<(), StoreError> {
        if self.groups.by_id.contains_key(&group.id) || !self.groups.has_free_name(group) {
            return Err(self.refuse("the id or the name of the group is not free"));
        }
        self.groups.set_name(group);
        Arc::make_mut(&mut self.groups.by_id).insert(group.id, group.clone());
        Ok(())
    }

    fn group_to_change(&mut self, id: GroupId) -> Result<Option<Group>, StoreError> {
        self.group(id)
    }

    fn update_group(&mut self, group: &Group) -> Result<(), StoreError> {
        if !self.groups.has_free_name(group) {
            return Err(self.refuse("the name of the group is not free"));
        }
        self.groups.set_name(group);
        let next = Group { version: group.version.next(), ..group.clone() };
        Arc::make_mut(&mut self.groups.by_id).insert(group.id, next);
        Ok(())
    }

    fn delete_group(&mut self, id: GroupId, at: Timestamp) -> Result<(), StoreError> {
        self.groups.remove_name(id);
        if let Some(group) = Arc::make_mut(&mut self.groups.by_id).remove(&id) {
            let deleted = Deleted { id, name: group.name.as_str().to_owned(), at };
            Arc::make_mut(&mut self.past.groups).insert(id, deleted);
        }
        self.memberships.remove_group(id, Arc::make_mut(&mut self.past.members), at);
        self.children.remove_group(id, Arc::make_mut(&mut self.past.edges), at);
        self.managers.remove_group(id);
        Ok(())
    }
}
