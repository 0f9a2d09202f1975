//! The errors that all use cases share. Those of one use case are in the `errors` file of their resource; every match is exhaustive,
//! so that a new variant does not compile without a status.

use guildhall_domain::access::{Denied, Refused};
use guildhall_domain::ports::{Fault, StoreError};

use super::Problem;

pub(crate) const GROUP_NOT_FOUND: &str = "Group not found";
pub(crate) const USER_NOT_FOUND: &str = "User not found";
/// Also the message of a check, whose response to HEAD has no body.
pub(crate) const NOT_A_MEMBER: &str = "The user is not in the group";

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Unauthenticated => Self::unauthenticated_because("the account is closed, or its tokens were ended"),
            Denied::NotPermitted => Self::forbidden("Access denied"),
            Denied::PasswordResetRequired => Self::forbidden("Password reset required"),
        }
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Denied(denied) => denied.into(),
            Refused::TooManyDates { most } => {
                Self::conflict(format!("No more dates can be given: {most} of those that you gave are yet to come"))
            }
            Refused::Store(error) => error.into(),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error.fault() {
            // What is due is made so by the directory; it is so no more when it is asked again.
            Fault::Unavailable | Fault::Due(_) => Self::unavailable(error),
            Fault::TimedOut(limit) => Self::timed_out(limit, error),
            Fault::Failed => Self::unexpected(error),
        }
    }
}
