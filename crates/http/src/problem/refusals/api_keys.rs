//! Refusals of what is asked of API keys.

use guildhall_domain::directory::ApiKeyError;

use super::GROUP_NOT_FOUND;
use crate::api_key_json;
use crate::problem::Problem;

impl From<ApiKeyError> for Problem {
    fn from(error: ApiKeyError) -> Self {
        match error {
            ApiKeyError::Denied(denied) => denied.into(),
            ApiKeyError::NotFound => Self::not_found("API key not found"),
            ApiKeyError::GroupNotFound => Self::not_found(GROUP_NOT_FOUND),
            ApiKeyError::Invalid(fields) => Self::invalid(api_key_json::INVALID, &fields),
            ApiKeyError::Taken(name) => {
                Self::conflict(format!("An API key or a user with the name '{name}' already exists"))
            }
            ApiKeyError::LastAdministrator => {
                Self::forbidden("The API key of the last System Administrator cannot be deleted")
            }
            ApiKeyError::Secrets(error) => Self::unexpected(error),
            ApiKeyError::Store(error) => error.into(),
        }
    }
}
