//! Managers of groups in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{State, saturating};
use crate::group::{Group, GroupId, SystemGroup};
use crate::manager::{Author, Management, Manager, ManagerId};
use crate::page::{Page, Paged};
use crate::ports::{ManagerReader, ManagerWriter, StoreError};
use crate::provenance::Provenance;
use crate::search::GroupListing;
use crate::user::UserId;

/// The managers who are appointed for each group: since when, and by whom.
#[derive(Clone, Debug, Default)]
pub(super) struct Managers {
    by_group: Arc<BTreeMap<GroupId, BTreeMap<ManagerId, Provenance>>>,
}

impl Managers {
    pub(super) fn remove_user(&mut self, user: UserId) {
        for managers in Arc::make_mut(&mut self.by_group).values_mut() {
            managers.remove(&ManagerId::User(user));
        }
    }

    pub(super) fn remove_group(&mut self, group: GroupId) {
        let by_group = Arc::make_mut(&mut self.by_group);
        by_group.remove(&group);
        for managers in by_group.values_mut() {
            managers.remove(&ManagerId::Group(group));
        }
    }
}

impl State {
    /// The groups for which the user, or a group of theirs, is appointed.
    fn appointed(&mut self, user: UserId) -> BTreeSet<GroupId> {
        let is_appointed = |manager: &ManagerId| match manager {
            ManagerId::User(manager) => *manager == user,
            ManagerId::Group(group) => self.is_within(*group, user),
        };
        let groups = self.managers.by_group.iter().filter(|(_, managers)| managers.keys().any(is_appointed));
        groups.map(|(group, _)| *group).collect()
    }

    /// Every group that the user manages.
    fn managed(&mut self, user: UserId) -> BTreeMap<GroupId, Management> {
        let mut managed = BTreeMap::new();
        for appointed in self.appointed(user) {
            for group in self.children.at_or_below(appointed) {
                let how = if group == appointed { Management::OfItself } else { Management::FromAbove };
                let known = managed.entry(group).or_insert(how);
                *known = how.max(*known);
            }
        }
        let administering = self.administering();
        managed.retain(|group, _| !administering.contains(group));
        managed
    }

    /// The administrators' groups, and every group that is below one or is going to be.
    pub(super) fn administering(&self) -> BTreeSet<GroupId> {
        let groups = SystemGroup::ADMINISTRATORS.into_iter().filter_map(|group| self.groups.system(group));
        groups.flat_map(|group| self.children.at_or_below_later(group)).collect()
    }

    pub(super) fn author(&self, by: Option<UserId>) -> Option<Author> {
        let author = |id: UserId| Some(Author { id, username: self.users.get(id)?.username.as_str().to_owned() });
        by.and_then(author)
    }
}

impl ManagerReader for State {
    fn managed_among(
        &mut self,
        user: UserId,
        groups: &BTreeSet<GroupId>,
    ) -> Result<BTreeMap<GroupId, Management>, StoreError> {
        let mut managed = self.managed(user);
        managed.retain(|group, _| groups.contains(group));
        Ok(managed)
    }

    fn managed_groups(&mut self, user: UserId, listing: &GroupListing) -> Result<Paged<Group>, StoreError> {
        let managed = self.managed(user);
        Ok(self.page_of_groups(managed.keys(), listing))
    }

    fn managers(&mut self, group: GroupId, page: &Page) -> Result<Paged<Manager>, StoreError> {
        let appointed = self.managers.by_group.get(&group).into_iter().flatten();
        let manager = |(id, added): (&ManagerId, &Provenance)| {
            let name = match id {
                ManagerId::User(user) => self.users.get(*user)?.username.as_str().to_owned(),
                ManagerId::Group(group) => self.groups.name(*group)?.to_owned(),
            };
            Some(Manager { id: *id, name, added: added.at, added_by: self.author(added.by) })
        };
        let mut managers: Vec<Manager> = appointed.filter_map(manager).collect();
        managers.sort_by(|one, other| one.place().values().cmp(other.place().values()));
        let total = managers.len() as u64;
        if let Some(position) = page.position() {
            managers.retain(|manager| position.precedes(&manager.place()));
        }
        let (offset, count) = (saturating(page.offset()), saturating(page.lookahead()));
        let items = managers.into_iter().skip(offset).take(count).collect();
        Ok(Paged::new(page, total, items, Manager::place))
    }
}

impl ManagerWriter for State {
    fn insert_manager(&mut self, group: GroupId, manager: ManagerId, added: Provenance) -> Result<bool, StoreError> {
        let managers = Arc::make_mut(&mut self.managers.by_group).entry(group).or_default();
        let is_new = !managers.contains_key(&manager);
        managers.entry(manager).or_insert(added);
        Ok(is_new)
    }

    fn remove_manager(&mut self, group: GroupId, manager: ManagerId) -> Result<bool, StoreError> {
        let managers = Arc::make_mut(&mut self.managers.by_group).get_mut(&group);
        Ok(managers.is_some_and(|managers| managers.remove(&manager).is_some()))
    }
}
