//! Sessions: refresh tokens, of which only digests are stored.

use super::{AccountStatus, StoreError, UserReader};
use crate::model::scopes::Scopes;
use crate::secret::SecretDigest;
use crate::time::Timestamp;
use crate::user::{SecurityStamp, UserId};

/// What a refresh token grants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshGrant {
    /// Who may use it.
    pub user: UserId,
    /// The security stamp under which it was issued; it is invalid under another one.
    pub stamp: SecurityStamp,
    /// The scopes that an access token made from it is limited to.
    pub scopes: Scopes,
    /// From when on it is invalid.
    pub expires: Timestamp,
}

/// Reads sessions.
pub trait SessionReader: UserReader {
    /// What the refresh token with this digest grants.
    fn refresh_grant(&mut self, token: &SecretDigest) -> Result<Option<RefreshGrant>, StoreError>;
    /// What the refresh token with this digest grants, and the account of its user. The methods above define the answer; a store that
    /// can answer in one round trip does. Whether a System Administrator is also an effective member of another administrators' group may
    /// be left out.
    fn refresh_grant_and_account(
        &mut self,
        token: &SecretDigest,
    ) -> Result<Option<(RefreshGrant, AccountStatus)>, StoreError> {
        let Some(grant) = self.refresh_grant(token)? else { return Ok(None) };
        Ok(self.account_status(grant.user)?.map(|account| (grant, account)))
    }
}

/// Changes sessions.
pub trait SessionWriter {
    /// Adds a refresh token, which is removed with its user.
    fn insert_refresh_token(&mut self, token: &SecretDigest, grant: &RefreshGrant) -> Result<(), StoreError>;
    /// Changes when a refresh token expires.
    fn extend_refresh_token(&mut self, token: &SecretDigest, expires: Timestamp) -> Result<(), StoreError>;
    /// Removes the refresh tokens of `user` that are invalid (expired at `now`, or issued under a stamp other than `stamp`), and
    /// of the others all but the `most` that expire last.
    fn forget_refresh_tokens(
        &mut self,
        user: UserId,
        stamp: SecurityStamp,
        now: Timestamp,
        most: u32,
    ) -> Result<(), StoreError>;
}
