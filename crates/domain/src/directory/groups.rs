//! Groups: listing, creating, reading, changing and deleting them (contract 5.a to 5.e).

use super::Directory;
use crate::access::{Caller, Denied, Permission};
use crate::group::{Group, GroupChanges, GroupDraft, GroupId, GroupKind};
use crate::identifier::GroupIdentifier;
use crate::page::Paged;
use crate::ports::StoreError;
use crate::request::{AdministratorsChange, AuditNote};
use crate::search::GroupListing;
use crate::validation::InvalidField;
use crate::version::Precondition;

/// Why a group was not created.
#[derive(Debug, thiserror::Error)]
pub enum CreateGroupError {
    /// The caller may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// Fields are not as they must be.
    #[error("there are validation errors")]
    Invalid(Vec<InvalidField>),
    /// Another group has this id.
    #[error("a group with the id '{0}' already exists")]
    IdTaken(GroupId),
    /// Another group has this name.
    #[error("a group with the name '{0}' already exists")]
    NameTaken(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a group was not read.
#[derive(Debug, thiserror::Error)]
pub enum ReadGroupError {
    /// The caller may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// No group has this identifier.
    #[error("group not found")]
    GroupNotFound,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a group was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeGroupError {
    /// The caller may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// No group has this identifier.
    #[error("group not found")]
    GroupNotFound,
    /// The group is in another state than the caller wants to change.
    #[error("the group has changed")]
    Stale,
    /// Fields are not as they must be.
    #[error("there are validation errors")]
    Invalid(Vec<InvalidField>),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a group was not deleted.
#[derive(Debug, thiserror::Error)]
pub enum DeleteGroupError {
    /// The caller may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// No group has this identifier.
    #[error("group not found")]
    GroupNotFound,
    /// The group is in another state than the caller wants to delete.
    #[error("the group has changed")]
    Stale,
    /// It is built in (contract 10 row 13).
    #[error("system groups cannot be deleted")]
    SystemGroup,
    /// Nobody could administer any more (contract 10 row 12).
    #[error("the group of the last System Administrator cannot be deleted")]
    LastAdministrator,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Directory {
    /// A page of all groups, by name (contract 5.a).
    pub fn groups(&self, caller: &Caller, listing: &GroupListing) -> Result<Paged<Group>, ReadGroupError> {
        let now = self.clock.now();
        self.read(|directory| {
            self.admit(directory, caller, now)??.may(Permission::ReadGroups)?;
            Ok(directory.groups(listing)?)
        })
    }

    /// Creates a group (contract 5.b).
    pub fn create_group(&self, caller: &Caller, draft: GroupDraft) -> Result<Group, CreateGroupError> {
        let now = self.clock.now();
        self.authorise(caller, Permission::ManageGroups)??;
        let group = draft.check(GroupId(self.ids.next()), now).map_err(CreateGroupError::Invalid)?;
        self.store.write(|directory| {
            self.admit(directory, caller, now)??.may(Permission::ManageGroups)?;
            if directory.group_id(&GroupIdentifier::Id(group.id))?.is_some() {
                return Err(CreateGroupError::IdTaken(group.id));
            }
            if directory.group_id(&GroupIdentifier::Name(group.name.key()))?.is_some() {
                return Err(CreateGroupError::NameTaken(group.name.as_str().to_owned()));
            }
            Ok(directory.insert_group(&group)?)
        })?;
        Ok(group)
    }

    /// Reads a group (contract 5.c).
    pub fn group(&self, caller: &Caller, group: &GroupIdentifier) -> Result<Group, ReadGroupError> {
        let now = self.clock.now();
        self.read(|directory| {
            self.admit(directory, caller, now)??.may(Permission::ReadGroups)?;
            let id = directory.group_id(group)?.ok_or(ReadGroupError::GroupNotFound)?;
            directory.group(id)?.ok_or(ReadGroupError::GroupNotFound)
        })
    }

    /// Changes a group and says what it is like then (contract 5.d).
    pub fn change_group(
        &self,
        caller: &Caller,
        group: &GroupIdentifier,
        changes: &GroupChanges,
        precondition: &Precondition,
    ) -> Result<Group, ChangeGroupError> {
        let now = self.clock.now();
        let done = self.store.write(|directory| {
            let admitted = self.admit(directory, caller, now)??;
            admitted.may(Permission::ManageGroups)?;
            let id = directory.group_id(group)?.ok_or(ChangeGroupError::GroupNotFound)?;
            let current = directory.group_to_change(id)?.ok_or(ChangeGroupError::GroupNotFound)?;
            if !precondition.allows(current.version) {
                return Err(ChangeGroupError::Stale);
            }
            let wanted = changes.clone().apply(&current, now).map_err(ChangeGroupError::Invalid)?;
            // Who joins at creation, and whom an issuer means by the name of an external group, belongs to the group.
            let mut note = None;
            let joins_others = wanted.auto_membership_email_domains != current.auto_membership_email_domains;
            if joins_others || wanted.name.key() != current.name.key() {
                let above = admitted.may_change_members_of(directory, id)??;
                note = AuditNote::of_group(AdministratorsChange::DomainsChanged, above, id).filter(|_| joins_others);
            }
            let owner = directory.group_id(&GroupIdentifier::Name(wanted.name.key()))?;
            if owner.is_some_and(|owner| owner != id) {
                return Err(ChangeGroupError::Invalid(vec![InvalidField::new(
                    "name",
                    "The group name is already in use",
                )]));
            }
            if wanted == current {
                return Ok((current, None));
            }
            directory.update_group(&wanted)?;
            Ok((Group { version: wanted.version.next(), ..wanted }, note))
        });
        self.noted(done)
    }

    /// Deletes a group with its memberships and edges; its users and child groups stay (contract 5.e).
    pub fn delete_group(
        &self,
        caller: &Caller,
        group: &GroupIdentifier,
        precondition: &Precondition,
    ) -> Result<(), DeleteGroupError> {
        let now = self.clock.now();
        let done = self.store.write_alone(|directory| {
            let admitted = self.admit(directory, caller, now)??;
            admitted.may(Permission::ManageGroups)?;
            let id = directory.group_id(group)?.ok_or(DeleteGroupError::GroupNotFound)?;
            let above = admitted.may_change_members_of(directory, id)??;
            let current = directory.group_to_change(id)?.ok_or(DeleteGroupError::GroupNotFound)?;
            if !precondition.allows(current.version) {
                return Err(DeleteGroupError::Stale);
            }
            if current.kind == GroupKind::System {
                return Err(DeleteGroupError::SystemGroup);
            }
            directory.delete_group(id)?;
            if !directory.has_active_administrator(now)? {
                return Err(DeleteGroupError::LastAdministrator);
            }
            let note = AuditNote::of_group(AdministratorsChange::GroupDeleted, above, id);
            Ok(((), note))
        });
        self.noted(done)
    }
}
