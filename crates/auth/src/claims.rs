//! What a token says.

use guildhall_domain::access::{Caller, Scopes};
use guildhall_domain::user::{SecurityStamp, UserId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The claims of an access token (spec section 2.3). None is optional: a token that lacks one is not ours.
#[derive(Serialize, Deserialize)]
pub(crate) struct Claims {
    pub(crate) iss: String,
    pub(crate) aud: String,
    pub(crate) sub: Uuid,
    /// In seconds since 1970, as `nbf` and `exp` are.
    pub(crate) iat: i64,
    pub(crate) nbf: i64,
    pub(crate) exp: i64,
    /// Separated by spaces (RFC 8693, section 4.2).
    pub(crate) scope: String,
    pub(crate) stamp: Uuid,
}

impl Claims {
    pub(crate) fn caller(&self) -> Caller {
        Caller { user: UserId(self.sub), stamp: SecurityStamp(self.stamp), scopes: Scopes::known_in(&self.scope) }
    }
}
