//! Groups: creating and reading them.

use super::Directory;
use crate::access::{Caller, Denied, administrator};
use crate::group::{Group, GroupDraft, GroupId};
use crate::identifier::GroupIdentifier;
use crate::ports::StoreError;
use crate::validation::InvalidField;

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

impl Directory {
    /// Creates a group (spec section 5.b).
    pub fn create_group(&self, caller: &Caller, draft: GroupDraft) -> Result<Group, CreateGroupError> {
        let now = self.clock.now();
        self.authorise_administrator(caller)??;
        let group = draft.check(GroupId(self.ids.next()), now).map_err(CreateGroupError::Invalid)?;
        self.store.write(|directory| {
            administrator(directory, caller, now)??;
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

    /// Reads a group (spec section 5.c).
    pub fn group(&self, caller: &Caller, group: &GroupIdentifier) -> Result<Group, ReadGroupError> {
        self.store.read(|directory| {
            administrator(directory, caller, self.clock.now())??;
            let id = directory.group_id(group)?.ok_or(ReadGroupError::GroupNotFound)?;
            directory.group(id)?.ok_or(ReadGroupError::GroupNotFound)
        })
    }
}
