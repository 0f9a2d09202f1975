//! What each use case can refuse, and the status that says so. Every match is complete: a new refusal does not compile
//! until it has one.

use guildhall_domain::access::{Denied, Refused};
use guildhall_domain::ports::{Fault, StoreError};

use super::Problem;

pub(crate) const GROUP_NOT_FOUND: &str = "Group not found";
pub(crate) const USER_NOT_FOUND: &str = "User not found";
/// A check answers with it too, although nobody can read it there.
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
            Refused::Store(error) => error.into(),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error.fault() {
            Fault::Unavailable => Self::unavailable(error),
            Fault::TimedOut(limit) => Self::timed_out(limit, error),
            Fault::Failed => Self::unexpected(error),
        }
    }
}
