//! The errors of use cases about signing in, as responses.

use guildhall_domain::directory::{ClientError, RecogniseError, RefreshError, SignInError};

use crate::respond::problem::Problem;

impl From<SignInError> for Problem {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::Incorrect => Self::oauth("IncorrectUsernameorPassword"),
            SignInError::Suspended => Self::oauth("AccountSuspended"),
            SignInError::Locked => Self::oauth("AccountLocked"),
            SignInError::Passwords(error) => Self::unexpected(error),
            SignInError::Secrets(error) => Self::unexpected(error),
            SignInError::Refused(refused) => refused.into(),
        }
    }
}

impl From<RefreshError> for Problem {
    fn from(error: RefreshError) -> Self {
        match error {
            RefreshError::Invalid => Self::oauth("invalid_grant"),
            RefreshError::Refused(refused) => refused.into(),
        }
    }
}

impl From<ClientError> for Problem {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Invalid => Self::oauth("invalid_client"),
            ClientError::Refused(refused) => refused.into(),
        }
    }
}

impl From<RecogniseError> for Problem {
    fn from(error: RecogniseError) -> Self {
        match error {
            RecogniseError::Unknown | RecogniseError::NoUsername => Self::unauthenticated_because(error),
            RecogniseError::Refused(refused) => refused.into(),
        }
    }
}
