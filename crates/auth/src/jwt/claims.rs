//! What a token of ours says.

use guildhall_domain::access::{Caller, Scopes};
use guildhall_domain::user::{SecurityStamp, UserId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::jwt::validity::Validity;

/// The claims of an access token (contract 2.3). A token that lacks one is not ours, but for the client's.
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
    /// The API key that the token was issued to (RFC 8693, section 4.3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) client_id: Option<Uuid>,
}

impl Claims {
    pub(crate) fn caller(&self) -> Caller {
        Caller { user: UserId(self.sub), stamp: SecurityStamp(self.stamp), scopes: Scopes::known_in(&self.scope) }
    }

    pub(crate) fn validity(&self) -> Validity {
        Validity { not_before: self.nbf, expires: self.exp }
    }
}
