//! The errors of use cases about groups, as responses.

use guildhall_domain::directory::{ChangeGroupError, CreateGroupError, DeleteGroupError, ReadGroupError};

use super::body;
use crate::respond::problem::{GROUP_NOT_FOUND, Problem};

const STALE: &str = "The group has changed since it was read";

impl From<CreateGroupError> for Problem {
    fn from(error: CreateGroupError) -> Self {
        match error {
            CreateGroupError::Invalid(fields) => Self::invalid(body::INVALID, &fields),
            CreateGroupError::ParentNotFound => Self::not_found("Parent group not found"),
            CreateGroupError::IdTaken(id) => Self::conflict(format!("A group with the id '{id}' already exists")),
            CreateGroupError::NameTaken(name) => {
                Self::conflict(format!("A group with the name '{name}' already exists"))
            }
            CreateGroupError::Refused(refused) => refused.into(),
        }
    }
}

impl From<ReadGroupError> for Problem {
    fn from(error: ReadGroupError) -> Self {
        match error {
            ReadGroupError::GroupNotFound => Self::not_found(GROUP_NOT_FOUND),
            ReadGroupError::HiddenField(field) => {
                Self::forbidden(format!("Managers of a group neither search nor sort its users by '{field}'"))
            }
            ReadGroupError::Refused(refused) => refused.into(),
        }
    }
}

impl From<ChangeGroupError> for Problem {
    fn from(error: ChangeGroupError) -> Self {
        match error {
            ChangeGroupError::GroupNotFound => Self::not_found(GROUP_NOT_FOUND),
            ChangeGroupError::Stale => Self::precondition_failed(STALE),
            ChangeGroupError::Invalid(fields) => Self::invalid(body::INVALID_CHANGE, &fields),
            ChangeGroupError::Refused(refused) => refused.into(),
        }
    }
}

impl From<DeleteGroupError> for Problem {
    fn from(error: DeleteGroupError) -> Self {
        match error {
            DeleteGroupError::GroupNotFound => Self::not_found(GROUP_NOT_FOUND),
            DeleteGroupError::Stale => Self::precondition_failed(STALE),
            DeleteGroupError::SystemGroup => Self::forbidden("System groups cannot be deleted"),
            DeleteGroupError::LastAdministrator => {
                Self::forbidden("The group of the last System Administrator cannot be deleted")
            }
            DeleteGroupError::Refused(refused) => refused.into(),
        }
    }
}
