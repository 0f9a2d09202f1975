//! Groups in groups (contract 5.k to 5.n and 5.2).

use std::collections::BTreeSet;

use super::opening::about_group;
use super::unit_of_work::{Finish, Turn, Writing};
use super::{Directory, ReadGroupError};
use crate::access::{Grant, Permission, Refused, Target, contains_refused};
use crate::audit::{AdministratorsChange, AuditNote};
use crate::context::Context;
use crate::group::{Group, GroupId, GroupName, SystemGroup};
use crate::identifier::GroupIdentifier;
use crate::page::Paged;
use crate::ports::{ChildScope, Children, Ended, Member, Nesting, Reach, Reader, StoreError};
use crate::provenance::Provenance;
use crate::search::GroupListing;

/// Groups that would form a cycle, each the parent of the next and the last of the first. A group that would be its own child
/// is a cycle of one.
pub type Cycle = Vec<(GroupId, GroupName)>;

/// Why no group was put below another.
#[derive(Debug, thiserror::Error)]
pub enum AddChildrenError {
    /// No group has the parent's identifier.
    #[error("group not found")]
    GroupNotFound,
    /// No group has the child's identifier.
    #[error("child group not found")]
    ChildNotFound,
    /// No groups have these ids.
    #[error("{} of the child groups were not found", .0.len())]
    ChildrenNotFound(BTreeSet<GroupId>),
    /// A child is the parent, or already has the parent below it.
    #[error("the edge would close a cycle")]
    Cycle(Cycle),
    /// The actor lacks the permission, or the store failed.
    #[error(transparent)]
    Refused(#[from] Refused),
}

/// Why a group was not taken from below another.
#[derive(Debug, thiserror::Error)]
pub enum RemoveChildError {
    /// No group has the parent's identifier.
    #[error("group not found")]
    GroupNotFound,
    /// No group has the child's identifier.
    #[error("child group not found")]
    ChildNotFound,
    /// The group is not below the parent.
    #[error("the group is not a child of the group")]
    NotAChild,
    /// The group is below the parent only by this child, or by others too.
    #[error("the group is no direct child of the group")]
    IndirectChild(GroupId, GroupName),
    /// It would remove the last active System Administrator (contract 10 row 12).
    #[error("the last System Administrator cannot be removed")]
    LastAdministrator,
    /// The actor lacks the permission, or the store failed.
    #[error(transparent)]
    Refused(#[from] Refused),
}

contains_refused!(AddChildrenError, RemoveChildError);

impl Directory<'_> {
    /// A page of the groups below `group`, by name (contract 5.k).
    pub fn children(
        &self,
        context: &Context,
        group: &GroupIdentifier,
        (reach, include_self): (Reach, bool),
        excluded: &[GroupIdentifier],
        listing: &GroupListing,
    ) -> Result<Paged<Group>, ReadGroupError> {
        self.read_about(context, about_group(group, Member::Unnamed), |work, found| {
            let grant = work.authorise(Permission::ReadGroups, found.target())?;
            let group = found.group.ok_or(ReadGroupError::GroupNotFound)?;
            let excluded = work.excluded_groups(excluded, grant)?;
            let scope = if grant == Grant::AsManager { ChildScope::Managed } else { ChildScope::All };
            Ok(work.children(group, &Children { reach, include_self, excluded, scope }, listing)?)
        })
    }

    /// Puts `child` below `parent`, if it is not there already (contract 5.l).
    pub fn add_child(
        &self,
        context: &Context,
        parent: &GroupIdentifier,
        child: &GroupIdentifier,
    ) -> Result<(), AddChildrenError> {
        let kind = (Turn::Alone, Permission::ChangeMembers);
        self.write_group(context, kind, (parent, Member::Group(child)), |work, change| {
            let parent = change.group.ok_or(AddChildrenError::GroupNotFound)?;
            authorise_child(work, Permission::NestGroups, change.child)?;
            let child = change.child.ok_or(AddChildrenError::ChildNotFound)?;
            let above = if change.is_child_above { BTreeSet::from([child]) } else { BTreeSet::new() };
            let added = work.provenance(context);
            insert_children(work, parent, (&BTreeSet::from([child]), &above), change.administrators, added)?;
            Ok(Finish::Commit(()))
        })
    }

    /// Puts all of `children` below `parent`, or none of them (contract 5.n).
    pub fn add_children(
        &self,
        context: &Context,
        parent: &GroupIdentifier,
        children: &BTreeSet<GroupId>,
    ) -> Result<(), AddChildrenError> {
        let kind = (Turn::Alone, Permission::ChangeMembers);
        self.write_group(context, kind, (parent, Member::Unnamed), |work, change| {
            let parent = change.group.ok_or(AddChildrenError::GroupNotFound)?;
            work.authorise(Permission::NestGroups, Target::Groups(children))?;
            let Nesting { unknown, above } = work.nesting(parent, children)?;
            if !unknown.is_empty() {
                return Err(AddChildrenError::ChildrenNotFound(unknown));
            }
            let added = work.provenance(context);
            insert_children(work, parent, (children, &above), change.administrators, added)?;
            Ok(Finish::Commit(()))
        })
    }

    /// Takes `child` from below `parent`, also if it is to come there later (contract 5.m).
    pub fn remove_child(
        &self,
        context: &Context,
        parent: &GroupIdentifier,
        child: &GroupIdentifier,
    ) -> Result<(), RemoveChildError> {
        let kind = (Turn::Alone, Permission::ChangeMembers);
        self.write_group(context, kind, (parent, Member::Group(child)), |work, change| {
            let parent = change.group.ok_or(RemoveChildError::GroupNotFound)?;
            authorise_child(work, Permission::UnnestGroups, change.child)?;
            let child = change.child.ok_or(RemoveChildError::ChildNotFound)?;
            let administrators = change.administrators;
            let ended = work.remove_child(parent, child, context.now())?;
            if ended == Ended::Nothing {
                return Err(no_direct_child(work.store, parent, child)?);
            }
            let takes_administrators =
                ended == Ended::Present && administrators.contains(&SystemGroup::SystemAdministrators);
            if takes_administrators && !work.has_lasting_administrator()? {
                return Err(RemoveChildError::LastAdministrator);
            }
            let note = AuditNote::of_group(AdministratorsChange::GroupRemoved, administrators, parent);
            work.note(note.map(|note| note.naming_groups(&BTreeSet::from([child]))));
            Ok(Finish::Commit(()))
        })
    }
}

/// Why there is no edge to take away.
fn no_direct_child(store: &mut dyn Reader, parent: GroupId, child: GroupId) -> Result<RemoveChildError, StoreError> {
    let Some(towards) = store.child_towards(parent, child)? else { return Ok(RemoveChildError::NotAChild) };
    let group = store.group(towards)?;
    Ok(group.map_or(RemoveChildError::NotAChild, |group| RemoveChildError::IndirectChild(towards, group.name)))
}

/// Fails unless the actor has this permission on `child`. Whether it exists is not told to those who lack it.
pub(super) fn authorise_child(
    work: &mut Writing<'_>,
    permission: Permission,
    child: Option<GroupId>,
) -> Result<(), Refused> {
    match child {
        Some(child) => work.authorise(permission, Target::Groups(&BTreeSet::from([child])))?,
        None => work.authorise(permission, Target::All)?,
    };
    Ok(())
}

/// Puts `children`, who exist, below `parent`, which is one of the groups `administrators` or below them. Those of `above` are the parent or
/// above it.
fn insert_children(
    work: &mut Writing<'_>,
    parent: GroupId,
    (children, above): (&BTreeSet<GroupId>, &BTreeSet<GroupId>),
    administrators: BTreeSet<SystemGroup>,
    added: Provenance,
) -> Result<(), AddChildrenError> {
    if let Some(cycle) = cycle(work.store, parent, above)? {
        return Err(AddChildrenError::Cycle(cycle));
    }
    if !work.insert_children(parent, children, added)?.is_empty() {
        let note = AuditNote::of_group(AdministratorsChange::GroupsAdded, administrators, parent);
        work.note(note.map(|note| note.naming_groups(children)));
    }
    Ok(())
}

/// The cycle that an edge from `parent` to one of `above` would close, if there is one: `parent` and the groups from that child down to it.
pub(super) fn cycle(
    store: &mut dyn Reader,
    parent: GroupId,
    above: &BTreeSet<GroupId>,
) -> Result<Option<Cycle>, StoreError> {
    let Some(mut group) = above.first().copied() else { return Ok(None) };
    let mut path = vec![parent];
    while group != parent {
        path.push(group);
        let Some(next) = store.step_towards(group, parent)? else { break };
        group = next;
    }
    let mut cycle = Cycle::new();
    for id in path {
        cycle.extend(store.group(id)?.map(|group| (id, group.name)));
    }
    Ok(Some(cycle))
}
