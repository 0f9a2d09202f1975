//! Groups in groups (contract 5.k to 5.n and 5.2).

use std::collections::BTreeSet;

use super::{Directory, ListMembersError};
use crate::access::{Caller, Denied, Permission};
use crate::group::{Group, GroupId, GroupName};
use crate::identifier::GroupIdentifier;
use crate::page::Paged;
use crate::ports::{Children, Reach, StoreError, Writer};
use crate::request::{AdministratorsChange, AuditNote};
use crate::search::GroupListing;

/// Groups that would form a cycle, each the parent of the next and the last of the first.
pub type Cycle = Vec<(GroupId, GroupName)>;

/// Why a group was not put below another.
#[derive(Debug, thiserror::Error)]
pub enum AddChildError {
    /// The caller may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// No group has the parent's identifier.
    #[error("group not found")]
    GroupNotFound,
    /// No group has the child's identifier.
    #[error("child group not found")]
    ChildNotFound,
    /// Parent and child are one.
    #[error("a group cannot be added as a child of itself")]
    Itself(Cycle),
    /// The parent is already below the child.
    #[error("the child group already has the group below it")]
    Cycle(Cycle),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why no group was put below another.
#[derive(Debug, thiserror::Error)]
pub enum AddChildrenError {
    /// The caller may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// No group has the parent's identifier.
    #[error("group not found")]
    GroupNotFound,
    /// No groups have these ids.
    #[error("{} of the child groups were not found", .0.len())]
    ChildrenNotFound(BTreeSet<GroupId>),
    /// The parent is one of the children.
    #[error("a group cannot be added as a child of itself")]
    Itself(Cycle),
    /// The parent is already below a child.
    #[error("a child group already has the group below it")]
    Cycle(Cycle),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a group was not taken from below another.
#[derive(Debug, thiserror::Error)]
pub enum RemoveChildError {
    /// The caller may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// No group has the parent's identifier.
    #[error("group not found")]
    GroupNotFound,
    /// No group has the child's identifier.
    #[error("child group not found")]
    ChildNotFound,
    /// It is no direct child.
    #[error("the group is not a child of the group")]
    NotAChild,
    /// Nobody could administer any more (contract 10 row 12).
    #[error("the last System Administrator cannot be removed")]
    LastAdministrator,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Directory {
    /// A page of the groups below `group`, by name (contract 5.k).
    pub fn children(
        &self,
        caller: &Caller,
        group: &GroupIdentifier,
        (reach, include_self): (Reach, bool),
        excluded: &[GroupIdentifier],
        listing: &GroupListing,
    ) -> Result<Paged<Group>, ListMembersError> {
        let now = self.clock.now();
        self.read(|directory| {
            self.admit(directory, caller, now)??.may(Permission::ReadGroups)?;
            let group = directory.group_id(group)?.ok_or(ListMembersError::GroupNotFound)?;
            let excluded = directory.group_ids(excluded)?;
            Ok(directory.children(group, &Children { reach, include_self, excluded }, listing)?)
        })
    }

    /// Puts `child` below `parent`, if it is not yet there (contract 5.l).
    pub fn add_child(
        &self,
        caller: &Caller,
        parent: &GroupIdentifier,
        child: &GroupIdentifier,
    ) -> Result<(), AddChildError> {
        let now = self.clock.now();
        let done = self.store.write_alone(|directory| {
            let admitted = self.admit(directory, caller, now)??;
            admitted.may(Permission::ManageGroups)?;
            let parent = directory.group_id(parent)?.ok_or(AddChildError::GroupNotFound)?;
            let children = BTreeSet::from([directory.group_id(child)?.ok_or(AddChildError::ChildNotFound)?]);
            let above = admitted.may_change_members_of(directory, parent)??;
            admitted.may_nest(directory, &children)??;
            match cycle(directory, parent, &children)? {
                None => {}
                Some(cycle) if cycle.len() == 1 => return Err(AddChildError::Itself(cycle)),
                Some(cycle) => return Err(AddChildError::Cycle(cycle)),
            }
            let new = directory.insert_children(parent, &children)?;
            let note = AuditNote::of_group(AdministratorsChange::GroupsAdded, above, parent)
                .map(|note| note.naming_groups(&children));
            Ok(((), note.filter(|_| new > 0)))
        });
        self.noted(done)
    }

    /// Puts all of `children` below `parent`, or none of them (contract 5.n).
    pub fn add_children(
        &self,
        caller: &Caller,
        parent: &GroupIdentifier,
        children: &BTreeSet<GroupId>,
    ) -> Result<(), AddChildrenError> {
        let now = self.clock.now();
        let done = self.store.write_alone(|directory| {
            let admitted = self.admit(directory, caller, now)??;
            admitted.may(Permission::ManageGroups)?;
            let parent = directory.group_id(parent)?.ok_or(AddChildrenError::GroupNotFound)?;
            let unknown = directory.unknown_groups(children)?;
            if !unknown.is_empty() {
                return Err(AddChildrenError::ChildrenNotFound(unknown));
            }
            let above = admitted.may_change_members_of(directory, parent)??;
            admitted.may_nest(directory, children)??;
            match cycle(directory, parent, children)? {
                None => {}
                Some(cycle) if cycle.len() == 1 => return Err(AddChildrenError::Itself(cycle)),
                Some(cycle) => return Err(AddChildrenError::Cycle(cycle)),
            }
            let new = directory.insert_children(parent, children)?;
            let note = AuditNote::of_group(AdministratorsChange::GroupsAdded, above, parent)
                .map(|note| note.naming_groups(children));
            Ok(((), note.filter(|_| new > 0)))
        });
        self.noted(done)
    }

    /// Takes `child` from below `parent` (contract 5.m).
    pub fn remove_child(
        &self,
        caller: &Caller,
        parent: &GroupIdentifier,
        child: &GroupIdentifier,
    ) -> Result<(), RemoveChildError> {
        let now = self.clock.now();
        let done = self.store.write_alone(|directory| {
            let admitted = self.admit(directory, caller, now)??;
            admitted.may(Permission::ManageGroups)?;
            let parent = directory.group_id(parent)?.ok_or(RemoveChildError::GroupNotFound)?;
            let child = directory.group_id(child)?.ok_or(RemoveChildError::ChildNotFound)?;
            let above = admitted.may_change_members_of(directory, parent)??;
            if !directory.remove_child(parent, child)? {
                return Err(RemoveChildError::NotAChild);
            }
            if !directory.has_active_administrator(now)? {
                return Err(RemoveChildError::LastAdministrator);
            }
            let children = BTreeSet::from([child]);
            let note = AuditNote::of_group(AdministratorsChange::GroupRemoved, above, parent)
                .map(|note| note.naming_groups(&children));
            Ok(((), note))
        });
        self.noted(done)
    }
}

/// The cycle that putting one of `children` below `parent` would close, if any of them would: `parent` and the groups
/// from that child down to it.
fn cycle(
    directory: &mut dyn Writer,
    parent: GroupId,
    children: &BTreeSet<GroupId>,
) -> Result<Option<Cycle>, StoreError> {
    let Some(mut group) = directory.at_or_above_among(parent, children)?.first().copied() else { return Ok(None) };
    let mut path = vec![parent];
    while group != parent {
        path.push(group);
        let Some(next) = directory.child_towards(group, parent)? else { break };
        group = next;
    }
    let mut cycle = Cycle::new();
    for id in path {
        cycle.extend(directory.group(id)?.map(|group| (id, group.name)));
    }
    Ok(Some(cycle))
}
