//! Groups: listing, creating, reading, changing and deleting them (contract 5.a to 5.e).

use std::collections::BTreeSet;

use super::Directory;
use super::opening::about_group;
use super::unit_of_work::{Finish, Turn};
use crate::access::{On, Permission, Refused, Target, contains_refused};
use crate::audit::{AdministratorsChange, AuditNote};
use crate::context::Context;
use crate::group::{Group, GroupChanges, GroupDraft, GroupId, GroupKind, GroupName, SystemGroup};
use crate::identifier::GroupIdentifier;
use crate::page::Paged;
use crate::ports::Member;
use crate::search::GroupListing;
use crate::validation::InvalidField;
use crate::version::Precondition;

/// Why a group was not created.
#[derive(Debug, thiserror::Error)]
pub enum CreateGroupError {
    /// Fields are invalid.
    #[error("there are validation errors")]
    Invalid(Vec<InvalidField>),
    /// The group that it was to be below does not exist.
    #[error("parent group not found")]
    ParentNotFound,
    /// Another group has this id.
    #[error("a group with the id '{0}' already exists")]
    IdTaken(GroupId),
    /// Another group has this name.
    #[error("a group with the name '{0}' already exists")]
    NameTaken(String),
    /// The actor lacks the permission, or the store failed.
    #[error(transparent)]
    Refused(#[from] Refused),
}

/// Why a group was not read.
#[derive(Debug, thiserror::Error)]
pub enum ReadGroupError {
    /// No group has this identifier.
    #[error("group not found")]
    GroupNotFound,
    /// A manager neither filters nor sorts users by this field, which they do not see.
    #[error("managers do not see the field '{0}'")]
    HiddenField(String),
    /// The actor lacks the permission, or the store failed.
    #[error(transparent)]
    Refused(#[from] Refused),
}

/// Why a group was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeGroupError {
    /// No group has this identifier.
    #[error("group not found")]
    GroupNotFound,
    /// The precondition does not hold for the present version of the group.
    #[error("the group has changed")]
    Stale,
    /// Fields are invalid.
    #[error("there are validation errors")]
    Invalid(Vec<InvalidField>),
    /// The actor lacks the permission, or the store failed.
    #[error(transparent)]
    Refused(#[from] Refused),
}

/// Why a group was not deleted.
#[derive(Debug, thiserror::Error)]
pub enum DeleteGroupError {
    /// No group has this identifier.
    #[error("group not found")]
    GroupNotFound,
    /// The precondition does not hold for the present version of the group.
    #[error("the group has changed")]
    Stale,
    /// It is a system group (contract 10 row 13).
    #[error("system groups cannot be deleted")]
    SystemGroup,
    /// It would remove the last active System Administrator (contract 10 row 12).
    #[error("the group of the last System Administrator cannot be deleted")]
    LastAdministrator,
    /// The actor lacks the permission, or the store failed.
    #[error(transparent)]
    Refused(#[from] Refused),
}

contains_refused!(CreateGroupError, ReadGroupError, ChangeGroupError, DeleteGroupError);

impl Directory<'_> {
    /// A page of all groups, by name (contract 5.a).
    pub fn groups(&self, context: &Context, listing: &GroupListing) -> Result<Paged<Group>, ReadGroupError> {
        self.read(context, |work| {
            work.authorise(Permission::ReadGroups, Target::All)?;
            Ok(work.groups(listing)?)
        })
    }

    /// Creates a group (contract 5.b).
    pub fn create_group(&self, context: &Context, draft: GroupDraft) -> Result<Group, CreateGroupError> {
        let group = match draft.check(GroupId(self.ids.next()), context.now()) {
            Ok(group) => group,
            Err(faults) => {
                // Those who may not create groups do not learn what is wrong with one.
                self.authorise(context, Permission::CreateGroups, On::All)?;
                return Err(CreateGroupError::Invalid(faults));
            }
        };
        let (id, name) = (GroupIdentifier::Id(group.id), GroupIdentifier::Name(group.name.key()));
        let kind = (Turn::Once, Permission::CreateGroups);
        self.write_group(context, kind, (&id, Member::Group(&name)), |work, taken| {
            if taken.group.is_some() {
                return Err(CreateGroupError::IdTaken(group.id));
            }
            if taken.child.is_some() {
                return Err(CreateGroupError::NameTaken(group.name.as_str().to_owned()));
            }
            work.insert_group(&group)?;
            Ok(Finish::Commit(group.clone()))
        })
    }

    /// Creates a group below `parent`. Managers of the parent create ordinary groups there, without email domains.
    pub fn create_group_below(
        &self,
        context: &Context,
        parent: &GroupIdentifier,
        draft: GroupDraft,
    ) -> Result<Group, CreateGroupError> {
        let draft = draft.check(GroupId(self.ids.next()), context.now());
        let name = draft.as_ref().ok().map(|group| GroupIdentifier::Name(group.name.key()));
        let member = name.as_ref().map_or(Member::Unnamed, Member::Group);
        // It adds an edge.
        let kind = (Turn::Alone, Permission::ChangeMembers);
        self.write_group(context, kind, (parent, member), |work, change| {
            let parent = change.group.ok_or(CreateGroupError::ParentNotFound)?;
            let group = draft.clone().map_err(CreateGroupError::Invalid)?;
            if group.kind != GroupKind::Contensis || !group.auto_membership_email_domains.is_empty() {
                work.authorise(Permission::CreateGroups, Target::All)?;
            }
            let itself = BTreeSet::from([group.id]);
            if work.unknown_groups(&itself)?.is_empty() {
                return Err(CreateGroupError::IdTaken(group.id));
            }
            if change.child.is_some() {
                return Err(CreateGroupError::NameTaken(group.name.as_str().to_owned()));
            }
            work.insert_group(&group)?;
            let added = work.provenance(context);
            work.insert_children(parent, &itself, added)?;
            let note = AuditNote::of_group(AdministratorsChange::GroupsAdded, change.administrators, parent);
            work.note(note.map(|note| note.naming_groups(&itself)));
            Ok(Finish::Commit(group))
        })
    }

    /// Reads a group (contract 5.c).
    pub fn group(&self, context: &Context, group: &GroupIdentifier) -> Result<Group, ReadGroupError> {
        let ask = |caller| self.store.group_for(context.cancellation(), caller, group);
        let missing = ReadGroupError::GroupNotFound;
        if let Some(group) = self.find(context, Permission::ReadGroups, ask, |_| None, missing)? {
            return Ok(group);
        }
        self.read_about(context, about_group(group, Member::Unnamed), |work, found| {
            work.authorise(Permission::ReadGroups, found.target())?;
            let id = found.group.ok_or(ReadGroupError::GroupNotFound)?;
            work.group(id)?.ok_or(ReadGroupError::GroupNotFound)
        })
    }

    /// Changes a group and returns it as it is then (contract 5.d).
    pub fn change_group(
        &self,
        context: &Context,
        group: &GroupIdentifier,
        changes: &GroupChanges,
        precondition: &Precondition,
    ) -> Result<Group, ChangeGroupError> {
        let kind = (Turn::Once, Permission::ManageGroups);
        let name = changes.name.clone().flatten().and_then(|name| GroupName::try_from(name).ok());
        let name = name.map(|name| GroupIdentifier::Name(name.key()));
        let member = name.as_ref().map_or(Member::Unnamed, Member::Group);
        self.change_one_group(context, kind, (group, member), |work, change| {
            let named_so = change.members.child;
            let current = change.group.ok_or(ChangeGroupError::GroupNotFound)?;
            if !precondition.allows(current.version) {
                return Err(ChangeGroupError::Stale);
            }
            let wanted = changes.clone().apply(&current, context.now()).map_err(ChangeGroupError::Invalid)?;
            // Email domains decide who joins at creation, and the name which group of an external issuer is meant: a change of
            // either changes members.
            let changes_domains = wanted.auto_membership_email_domains != current.auto_membership_email_domains;
            let is_renamed = wanted.name.key() != current.name.key();
            if is_renamed {
                work.authorise(Permission::ChangeMembers, change.members.target())?;
            }
            if changes_domains {
                work.authorise(Permission::ChangeEmailDomains, change.members.target())?;
                let administrators = change.members.administrators.clone();
                let note = AuditNote::of_group(AdministratorsChange::DomainsChanged, administrators, current.id);
                work.note(note);
            }
            if is_renamed && named_so.is_some() {
                let fault = InvalidField::new("name", "The group name is already in use");
                return Err(ChangeGroupError::Invalid(vec![fault]));
            }
            if wanted == current {
                return Ok(Finish::Rollback(current));
            }
            work.update_group(&wanted)?;
            Ok(Finish::Commit(Group { version: wanted.version.next(), ..wanted }))
        })
    }

    /// Deletes a group with its memberships and edges; its users and child groups stay (contract 5.e).
    pub fn delete_group(
        &self,
        context: &Context,
        group: &GroupIdentifier,
        precondition: &Precondition,
    ) -> Result<(), DeleteGroupError> {
        let kind = (Turn::Alone, Permission::DeleteGroups);
        self.change_one_group(context, kind, (group, Member::Unnamed), |work, change| {
            let current = change.group.ok_or(DeleteGroupError::GroupNotFound)?;
            let (id, administrators) = (current.id, change.members.administrators);
            if !precondition.allows(current.version) {
                return Err(DeleteGroupError::Stale);
            }
            if current.kind == GroupKind::System {
                return Err(DeleteGroupError::SystemGroup);
            }
            work.delete_group(id, context.now())?;
            let takes_administrators = administrators.contains(&SystemGroup::SystemAdministrators);
            if takes_administrators && !work.has_lasting_administrator()? {
                return Err(DeleteGroupError::LastAdministrator);
            }
            work.note(AuditNote::of_group(AdministratorsChange::GroupDeleted, administrators, id));
            Ok(Finish::Commit(()))
        })
    }
}
