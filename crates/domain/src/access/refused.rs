//! What every use case can be refused for.

use crate::ports::StoreError;

/// A request that is not allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// The token's user does not exist, is suspended or expired, or the token was revoked.
    #[error("the caller is not authenticated")]
    Unauthenticated,
    /// The caller lacks the permission.
    #[error("the caller may not do this")]
    NotPermitted,
    /// The caller must change their password before anything else.
    #[error("the caller must change their password first")]
    PasswordResetRequired,
}

/// Why a unit of work was refused, whatever it was to do. The error of every use case contains it.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// The policy does not allow it.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// Of as many memberships and edges a date is yet to come as may be that a caller gave dates who is no System Administrator (contract 5.9).
    #[error("the caller may give no more dates, as {most} are yet to come")]
    TooManyDates {
        /// The most.
        most: u64,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Lets `?` turn a [`Denied`] and a [`StoreError`] into each of these errors, which have a variant `Refused`.
macro_rules! contains_refused {
    ($($error:ty),+ $(,)?) => {
        $(
            impl From<$crate::access::Denied> for $error {
                fn from(denied: $crate::access::Denied) -> Self {
                    $crate::access::Refused::Denied(denied).into()
                }
            }

            impl From<$crate::ports::StoreError> for $error {
                fn from(error: $crate::ports::StoreError) -> Self {
                    $crate::access::Refused::Store(error).into()
                }
            }
        )+
    };
}
pub(crate) use contains_refused;
