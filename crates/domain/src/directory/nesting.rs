//! Groups in groups (spec sections 5.l and 5.2).

use super::Directory;
use crate::access::{Caller, Denied, administrator};
use crate::identifier::GroupIdentifier;
use crate::ports::StoreError;

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
    Itself,
    /// The parent is already below the child.
    #[error("the child group already has the group below it")]
    Cycle,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Directory {
    /// Puts `child` below `parent`, if it is not yet there.
    pub fn add_child(
        &self,
        caller: &Caller,
        parent: &GroupIdentifier,
        child: &GroupIdentifier,
    ) -> Result<(), AddChildError> {
        let now = self.clock.now();
        self.store.write_alone(|directory| {
            administrator(directory, caller, now)??;
            let parent = directory.group_id(parent)?.ok_or(AddChildError::GroupNotFound)?;
            let child = directory.group_id(child)?.ok_or(AddChildError::ChildNotFound)?;
            if parent == child {
                return Err(AddChildError::Itself);
            }
            if directory.is_at_or_below(parent, child)? {
                return Err(AddChildError::Cycle);
            }
            directory.insert_child(parent, child)?;
            Ok(())
        })
    }
}
