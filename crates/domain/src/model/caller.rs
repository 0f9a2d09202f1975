//! Callers, as tokens describe them (contract 2.3).

use crate::model::scopes::Scopes;
use crate::user::{SecurityStamp, UserId};

/// Who is calling, as their token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The user.
    pub user: UserId,
    /// The security stamp under which the token was issued.
    pub stamp: SecurityStamp,
    /// What the token may be used for.
    pub scopes: Scopes,
}
