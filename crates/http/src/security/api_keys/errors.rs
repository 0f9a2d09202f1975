//! The errors of use cases about API keys, as responses.

use guildhall_domain::directory::ApiKeyError;

use super::body;
use crate::respond::problem::{GROUP_NOT_FOUND, Problem};

impl From<ApiKeyError> for Problem {
    fn from(error: ApiKeyError) -> Self {
        match error {
            ApiKeyError::NotFound => Self::not_found("API key not found"),
            ApiKeyError::GroupNotFound => Self::not_found(GROUP_NOT_FOUND),
            ApiKeyError::Invalid(fields) => Self::invalid(body::INVALID, &fields),
            ApiKeyError::Taken(name) => {
                Self::conflict(format!("An API key or a user with the name '{name}' already exists"))
            }
            ApiKeyError::LastAdministrator => {
                Self::forbidden("The API key of the last System Administrator cannot be deleted")
            }
            ApiKeyError::Secrets(error) => Self::unexpected(error),
            ApiKeyError::Refused(refused) => refused.into(),
        }
    }
}
