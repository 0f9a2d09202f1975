//! The claims of a token of this service.

use guildhall_domain::access::{Caller, Scopes};
use guildhall_domain::user::{SecurityStamp, UserId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::validity::Validity;

/// The claims of an access token (contract 2.3). All but `client_id` are required.
#[derive(Serialize, Deserialize)]
pub(crate) struct AccessTokenClaims {
    pub(crate) iss: String,
    pub(crate) aud: String,
    pub(crate) sub: Uuid,
    /// In seconds since 1970, like `nbf` and `exp`.
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

impl AccessTokenClaims {
    pub(crate) fn caller(&self) -> Caller {
        Caller { user: UserId(self.sub), stamp: SecurityStamp(self.stamp), scopes: Scopes::known_in(&self.scope) }
    }

    pub(crate) fn validity(&self) -> Validity {
        Validity { not_before: self.nbf, expires: self.exp }
    }
}
