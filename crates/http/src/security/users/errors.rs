//! The errors of use cases about users, as responses.

use guildhall_domain::directory::{
    ActError, ChangePasswordError, ChangeUserError, CreateUserError, DeleteUserError, IdentitiesError, ReadUserError,
};

use super::requests;
use crate::respond::problem::{Problem, USER_NOT_FOUND};

const STALE: &str = "The user has changed since it was read";

impl From<CreateUserError> for Problem {
    fn from(error: CreateUserError) -> Self {
        match error {
            CreateUserError::Invalid(fields) => Self::invalid(requests::INVALID, &fields),
            CreateUserError::IdTaken(id) => Self::conflict(format!("A user with the id '{id}' already exists")),
            CreateUserError::UsernameTaken(name) => {
                Self::conflict(format!("A user with the username '{name}' already exists"))
            }
            CreateUserError::EmailTaken(email) => {
                Self::conflict(format!("A user with the email '{email}' already exists"))
            }
            CreateUserError::Passwords(error) => Self::unexpected(error),
            CreateUserError::Refused(refused) => refused.into(),
        }
    }
}

impl From<IdentitiesError> for Problem {
    fn from(error: IdentitiesError) -> Self {
        match error {
            IdentitiesError::UserNotFound => Self::not_found(USER_NOT_FOUND),
            IdentitiesError::NotLinked => Self::not_found("The user has no such identity"),
            IdentitiesError::Refused(refused) => refused.into(),
        }
    }
}

impl From<ReadUserError> for Problem {
    fn from(error: ReadUserError) -> Self {
        match error {
            ReadUserError::UserNotFound => Self::not_found(USER_NOT_FOUND),
            ReadUserError::Refused(refused) => refused.into(),
        }
    }
}

impl From<ChangeUserError> for Problem {
    fn from(error: ChangeUserError) -> Self {
        match error {
            ChangeUserError::UserNotFound => Self::not_found(USER_NOT_FOUND),
            ChangeUserError::Stale => Self::precondition_failed(STALE),
            ChangeUserError::Invalid(fields) => Self::invalid(requests::INVALID_CHANGE, &fields),
            ChangeUserError::Refused(refused) => refused.into(),
        }
    }
}

impl From<DeleteUserError> for Problem {
    fn from(error: DeleteUserError) -> Self {
        match error {
            DeleteUserError::UserNotFound => Self::not_found(USER_NOT_FOUND),
            DeleteUserError::Stale => Self::precondition_failed(STALE),
            DeleteUserError::LastAdministrator => Self::forbidden("The last System Administrator cannot be deleted"),
            DeleteUserError::Refused(refused) => refused.into(),
        }
    }
}

impl From<ActError> for Problem {
    fn from(error: ActError) -> Self {
        match error {
            ActError::UserNotFound => Self::not_found(USER_NOT_FOUND),
            ActError::Invalid(field) => Self::invalid(requests::INVALID_ACTION, &[field]),
            ActError::Refused(refused) => refused.into(),
        }
    }
}

impl From<ChangePasswordError> for Problem {
    fn from(error: ChangePasswordError) -> Self {
        match error {
            ChangePasswordError::UserNotFound => Self::not_found(USER_NOT_FOUND),
            ChangePasswordError::Invalid(fields) => Self::invalid(requests::INVALID_PASSWORD, &fields),
            ChangePasswordError::ExistingIncorrect => Self::conflict("The existing password is incorrect"),
            ChangePasswordError::Passwords(error) => Self::unexpected(error),
            ChangePasswordError::Refused(refused) => refused.into(),
        }
    }
}
