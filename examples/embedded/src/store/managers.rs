//! Managers of groups.

use std::collections::{BTreeMap, BTreeSet};

use guildhall_domain::group::{Group, GroupId, SystemGroup};
use guildhall_domain::manager::{Management, Manager, ManagerId};
use guildhall_domain::page::{Page, Paged};
use guildhall_domain::ports::{ManagerReader, ManagerWriter, Reach, StoreError};
use guildhall_domain::provenance::Provenance;
use guildhall_domain::search::GroupListing;
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::UserId;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::tables::{Changes, Rows, Tables};
use super::{UnitOfWork, window};

/// The managers of each group that has some. They are few, so all rows are read where it matters who manages what.
pub(super) const MANAGERS: Rows<Uuid, ManagersRow> = Rows::new("managers of groups");

#[derive(Serialize, Deserialize)]
pub(super) struct ManagersRow {
    group: Uuid,
    managers: Vec<ManagerRow>,
}

#[derive(Serialize, Deserialize)]
struct ManagerRow {
    user: Option<Uuid>,
    group: Option<Uuid>,
    added: i64,
    by: Option<Uuid>,
}

impl ManagerRow {
    fn is(&self, manager: ManagerId) -> bool {
        match manager {
            ManagerId::User(user) => self.user == Some(user.0),
            ManagerId::Group(group) => self.group == Some(group.0),
        }
    }
}

impl<T: Tables> UnitOfWork<T> {
    /// Every group that the user manages.
    fn managed(&mut self, user: UserId) -> Result<BTreeMap<GroupId, Management>, StoreError> {
        let own = self.groups_within(user, Reach::Effective)?;
        let appoints = |manager: &ManagerRow| {
            manager.user == Some(user.0) || manager.group.is_some_and(|group| own.contains(&GroupId(group)))
        };
        let mut managed = BTreeMap::new();
        for row in MANAGERS.all(&self.0)?.into_iter().filter(|row| row.managers.iter().any(appoints)) {
            for group in self.at_or_below(GroupId(row.group))? {
                let how = if group.0 == row.group { Management::OfItself } else { Management::FromAbove };
                let known = managed.entry(group).or_insert(how);
                *known = how.max(*known);
            }
        }
        let administering = self.administering()?;
        managed.retain(|group, _| !administering.contains(group));
        Ok(managed)
    }

    /// The administrators' groups, and every group that is below one or is going to be.
    pub(super) fn administering(&mut self) -> Result<BTreeSet<GroupId>, StoreError> {
        let mut groups = BTreeSet::new();
        for system in SystemGroup::ADMINISTRATORS {
            if let Some(group) = self.system_group(system)? {
                groups.extend(self.at_or_below_later(group)?);
            }
        }
        Ok(groups)
    }

    fn manager(&self, row: &ManagerRow) -> Result<Option<Manager>, StoreError> {
        let named = match (row.user, row.group) {
            (Some(user), _) => {
                self.load_user(UserId(user))?.map(|user| (ManagerId::User(user.id), user.username.as_str().to_owned()))
            }
            (None, Some(group)) => self
                .load_group(GroupId(group))?
                .map(|group| (ManagerId::Group(group.id), group.name.as_str().to_owned())),
            (None, None) => None,
        };
        let added_by = self.author(row.by.map(UserId))?;
        let added = Timestamp::from_milliseconds(row.added);
        Ok(named.map(|(id, name)| Manager { id, name, added, added_by }))
    }
}

impl UnitOfWork<Changes> {
    /// Forgets a user or a group that is deleted.
    pub(super) fn remove_from_managers(&self, id: ManagerId) -> Result<(), StoreError> {
        if let ManagerId::Group(group) = id {
            MANAGERS.remove(&self.0, group.0)?;
        }
        for mut row in MANAGERS.all(&self.0)? {
            row.managers.retain(|manager| !manager.is(id));
            MANAGERS.put(&self.0, row.group, &row)?;
        }
        Ok(())
    }
}

impl<T: Tables> ManagerReader for UnitOfWork<T> {
    fn managed_among(
        &mut self,
        user: UserId,
        groups: &BTreeSet<GroupId>,
    ) -> Result<BTreeMap<GroupId, Management>, StoreError> {
        let mut managed = self.managed(user)?;
        managed.retain(|group, _| groups.contains(group));
        Ok(managed)
    }

    fn managed_groups(&mut self, user: UserId, listing: &GroupListing) -> Result<Paged<Group>, StoreError> {
        let managed = self.managed(user)?.into_keys().collect();
        self.listed_groups(&managed, listing)
    }

    fn managers(&mut self, group: GroupId, page: &Page) -> Result<Paged<Manager>, StoreError> {
        let mut managers = Vec::new();
        for row in MANAGERS.get(&self.0, group.0)?.into_iter().flat_map(|row| row.managers) {
            managers.extend(self.manager(&row)?);
        }
        managers.sort_by(|one, other| one.place().values().cmp(other.place().values()));
        let total = managers.len() as u64;
        if let Some(position) = page.position() {
            managers.retain(|manager| position.precedes(&manager.place()));
        }
        Ok(Paged::new(page, total, window(managers, page), Manager::place))
    }
}

impl ManagerWriter for UnitOfWork<Changes> {
    fn insert_manager(&mut self, group: GroupId, manager: ManagerId, added: Provenance) -> Result<bool, StoreError> {
        let row = MANAGERS.get(&self.0, group.0)?;
        let mut row = row.unwrap_or(ManagersRow { group: group.0, managers: Vec::new() });
        if row.managers.iter().any(|known| known.is(manager)) {
            return Ok(false);
        }
        let (user, manager) = match manager {
            ManagerId::User(user) => (Some(user.0), None),
            ManagerId::Group(manager) => (None, Some(manager.0)),
        };
        let (added, by) = (added.at.milliseconds(), added.by.map(|user| user.0));
        row.managers.push(ManagerRow { user, group: manager, added, by });
        MANAGERS.put(&self.0, group.0, &row)?;
        Ok(true)
    }

    fn remove_manager(&mut self, group: GroupId, manager: ManagerId) -> Result<bool, StoreError> {
        let Some(mut row) = MANAGERS.get(&self.0, group.0)? else { return Ok(false) };
        let before = row.managers.len();
        row.managers.retain(|known| !known.is(manager));
        let is_removed = row.managers.len() < before;
        MANAGERS.put(&self.0, group.0, &row)?;
        Ok(is_removed)
    }
}
