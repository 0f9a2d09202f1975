//! Further access tokens for users who signed in, and signing in with an API key (contract 2.1 and 2.2).

use super::Directory;
use super::unit_of_work::{Finish, Turn};
use crate::access::{Caller, Refused, Scopes, contains_refused};
use crate::api_key::ApiKeyId;
use crate::context::Context;
use crate::identifier::parse_guid;
use crate::ports::{ClientAccount, RefreshGrant};
use crate::time::Timestamp;

/// For how many days a refresh token is valid after its last use: official clients count on it (contract 2.1).
const REFRESH_DAYS: u32 = 15;

/// Why a refresh token was refused.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    /// It is unknown, expired or revoked, or its user may not sign in.
    #[error("the refresh token is good for nothing")]
    Invalid,
    /// The actor lacks the permission, or the store failed.
    #[error(transparent)]
    Refused(#[from] Refused),
}

/// Why a program was not signed in.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The API key is unknown or disabled, or the secret is wrong.
    #[error("the client is not known by this secret")]
    Invalid,
    /// The actor lacks the permission, or the store failed.
    #[error(transparent)]
    Refused(#[from] Refused),
}

contains_refused!(RefreshError, ClientError);

impl Directory<'_> {
    /// The caller that a refresh token stands for. It is then valid for another 15 days. `scopes` may narrow its scopes.
    pub fn refresh(&self, context: &Context, refresh_token: &str, scopes: &Scopes) -> Result<Caller, RefreshError> {
        let now = context.now();
        let digest = self.secrets.digest(refresh_token);
        self.write(context, Turn::Once, |work| {
            let found = work.refresh_grant_and_account(&digest)?.filter(|(grant, _)| grant.expires > now);
            let (grant, status) = found.ok_or(RefreshError::Invalid)?;
            if status.stamp != grant.stamp || !status.is_open(now) {
                return Err(RefreshError::Invalid);
            }
            work.extend_refresh_token(&digest, now.plus_days(REFRESH_DAYS))?;
            let scopes = grant.scopes.among(scopes);
            Ok(Finish::Commit(Caller { user: grant.user, stamp: grant.stamp, scopes }))
        })
    }

    /// Signs a program in, which acts as the user of its API key.
    pub fn sign_in_client(
        &self,
        context: &Context,
        client_id: &str,
        secret: &str,
        scopes: &Scopes,
    ) -> Result<(ApiKeyId, Caller), ClientError> {
        let digest = self.secrets.digest(secret);
        let id = ApiKeyId(parse_guid(client_id).ok_or(ClientError::Invalid)?);
        let found = self.store.client(context.cancellation(), id).map_err(Refused::from)?;
        let ClientAccount { user, account, .. } =
            found.filter(|client| client.secret == digest).ok_or(ClientError::Invalid)?;
        let (_, granted) = account.api_key.as_ref().ok_or(ClientError::Invalid)?;
        if !account.is_open(context.now()) {
            return Err(ClientError::Invalid);
        }
        Ok((id, Caller { user, stamp: account.stamp, scopes: granted.among(scopes) }))
    }
}

/// What a new refresh token grants.
pub(super) fn refresh_grant(caller: &Caller, now: Timestamp) -> RefreshGrant {
    RefreshGrant {
        user: caller.user,
        stamp: caller.stamp,
        scopes: caller.scopes.clone(),
        expires: now.plus_days(REFRESH_DAYS),
    }
}
