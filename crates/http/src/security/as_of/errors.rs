//! The errors of questions about the past, as responses.

use guildhall_domain::directory::AsOfError;

use crate::respond::problem::{GROUP_NOT_FOUND, Problem, USER_NOT_FOUND};

impl From<AsOfError> for Problem {
    fn from(error: AsOfError) -> Self {
        match error {
            AsOfError::GroupNotFound => Self::not_found(GROUP_NOT_FOUND),
            AsOfError::UserNotFound => Self::not_found(USER_NOT_FOUND),
            AsOfError::Future => Self::bad_request("The parameter 'asOf' must not be in the future"),
            AsOfError::Gone(moment) => Self::gone(format!("Events before {moment} are gone")),
            AsOfError::Refused(refused) => refused.into(),
        }
    }
}
