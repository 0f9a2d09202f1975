//! Who calls a use case.

use super::Caller;
use crate::api_key::ApiKeyId;
use crate::user::UserId;

/// On whose behalf a use case runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A user with a token. The policy decides what they may do.
    Caller(Caller),
    /// Whoever runs the program itself. No permission is needed.
    Operator,
    /// A client that has not authenticated, such as one that signs in. It has no permission.
    Anonymous,
}

impl Actor {
    /// The user, if there is one.
    #[must_use]
    pub fn user(&self) -> Option<UserId> {
        match self {
            Self::Caller(caller) => Some(caller.user),
            Self::Operator | Self::Anonymous => None,
        }
    }
}

impl From<Caller> for Actor {
    fn from(caller: Caller) -> Self {
        Self::Caller(caller)
    }
}

impl From<&Caller> for Actor {
    fn from(caller: &Caller) -> Self {
        Self::Caller(caller.clone())
    }
}

/// Who a caller turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admission {
    /// The user.
    pub user: UserId,
    /// Their username.
    pub username: String,
    /// The API key, if a program calls by one.
    pub api_key: Option<ApiKeyId>,
    /// Whether they have every permission.
    pub is_system_administrator: bool,
}
