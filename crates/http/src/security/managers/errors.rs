//! The errors of use cases about managers, as responses.

use guildhall_domain::directory::{AppointError, DismissError, ManagersError};

use crate::respond::problem::{GROUP_NOT_FOUND, InvalidFieldBody, Problem, USER_NOT_FOUND};

const MANAGER_NOT_FOUND: &str = "Manager group not found";

impl From<ManagersError> for Problem {
    fn from(error: ManagersError) -> Self {
        match error {
            ManagersError::GroupNotFound => Self::not_found(GROUP_NOT_FOUND),
            ManagersError::Refused(refused) => refused.into(),
        }
    }
}

impl From<AppointError> for Problem {
    fn from(error: AppointError) -> Self {
        match error {
            AppointError::GroupNotFound => Self::not_found(GROUP_NOT_FOUND),
            AppointError::UserNotFound => Self::not_found(USER_NOT_FOUND),
            AppointError::ManagerNotFound => Self::not_found(MANAGER_NOT_FOUND),
            AppointError::MakesAdministrators => {
                let message = "The group makes administrators, so nobody can manage it";
                let group = InvalidFieldBody { field: "group", message, path: None };
                Self::validation("There are validation errors adding the manager").with_data(&[group])
            }
            AppointError::Refused(refused) => refused.into(),
        }
    }
}

impl From<DismissError> for Problem {
    fn from(error: DismissError) -> Self {
        match error {
            DismissError::GroupNotFound => Self::not_found(GROUP_NOT_FOUND),
            DismissError::UserNotFound => Self::not_found(USER_NOT_FOUND),
            DismissError::ManagerNotFound => Self::not_found(MANAGER_NOT_FOUND),
            DismissError::NotAManager => Self::not_found("They do not manage the group by themselves"),
            DismissError::Refused(refused) => refused.into(),
        }
    }
}
