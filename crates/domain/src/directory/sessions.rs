//! Further access tokens for users who signed in, and signing in with an API key (contract 2.1 and 2.2).

use uuid::Uuid;

use super::Directory;
use super::recording::{client_sign_in, refused_sign_in};
use super::unit_of_work::{Finish, Turn};
use crate::access::{Caller, Refused, Scopes, contains_refused};
use crate::api_key::ApiKeyId;
use crate::context::Context;
use crate::identifier::parse_guid;
use crate::ports::RefreshGrant;
use crate::secret::SecretDigest;
use crate::time::Timestamp;
use crate::user::UserId;

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

    /// Signs a program in, which acts as the user of its API key. One of `secrets` must be that of the key. An attempt is told, whatever its outcome.
    pub fn sign_in_client(
        &self,
        context: &Context,
        client_id: &str,
        secrets: &[&str],
        scopes: &Scopes,
    ) -> Result<(ApiKeyId, Caller), ClientError> {
        let digests: Vec<SecretDigest> = secrets.iter().map(|secret| self.secrets.digest(secret)).collect();
        let id = parse_guid(client_id).map(ApiKeyId);
        let found = id.map(|id| self.store.client(context.cancellation(), id)).transpose().map_err(Refused::from)?;
        let found = id.zip(found.flatten());
        let signed_in =
            found.as_ref().filter(|(_, client)| digests.contains(&client.secret)).and_then(|(id, client)| {
                let (_, granted) = client.account.api_key.as_ref()?;
                let caller = Caller { user: client.user, stamp: client.account.stamp, scopes: granted.among(scopes) };
                client.account.is_open(context.now()).then_some((*id, caller))
            });
        self.write::<_, ClientError>(context, Turn::Any, |work| {
            // A client that nobody knows takes as many statements as one whose secret is wrong.
            let user = work.user(found.as_ref().map_or(UserId(Uuid::nil()), |(_, client)| client.user))?;
            let user = user.as_ref().map(|user| (user.id, user.username.as_str()));
            let fact = match (user, &signed_in) {
                (Some(user), Some((key, _))) => client_sign_in(user, *key),
                _ => refused_sign_in(user, "client"),
            };
            work.append_events(&[self.event_of(context, fact)])?;
            Ok(Finish::Commit(()))
        })?;
        signed_in.ok_or(ClientError::Invalid)
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
