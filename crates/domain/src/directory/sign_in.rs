//! Signing in: people with a password or a refresh token, programs with an API key (spec sections 2.1, 2.2 and 2.4).

use super::Directory;
use crate::access::{Caller, Scopes};
use crate::api_key::{ApiKeyId, ApiKeyIdentifier};
use crate::identifier::{UserIdentifier, parse_guid};
use crate::name::NameKey;
use crate::password::{LONGEST, Password, PasswordHash};
use crate::ports::{Credentials, PasswordsError, Reader, RefreshGrant, SecretsError, StoreError};
use crate::secret::Secret;
use crate::time::Timestamp;
use crate::user::{User, UserId};

/// For how many days a refresh token is good after its last use: official clients count on it (spec section 2.1).
const REFRESH_DAYS: u32 = 15;

/// Somebody who has just signed in with a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Who they are.
    pub caller: Caller,
    /// What gets them further access tokens, until they have not used it for 15 days.
    pub refresh_token: Secret,
}

/// Why nobody was signed in by a password.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// Nobody has this name, or not this password. Which of the two it is, nobody learns.
    #[error("the username or the password is incorrect")]
    Incorrect,
    /// The password is right, and the account is suspended or has expired.
    #[error("the account is suspended")]
    Suspended,
    /// The password is right, and the account is locked.
    #[error("the account is locked")]
    Locked,
    /// The password could not be compared.
    #[error(transparent)]
    Passwords(#[from] PasswordsError),
    /// There is no randomness for a refresh token.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a refresh token got nobody an access token.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    /// It is none, it has expired or was revoked, or its user may not sign in.
    #[error("the refresh token is good for nothing")]
    Invalid,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a program was not signed in.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// There is no such API key, its secret is another, or it is disabled.
    #[error("the client is not known by this secret")]
    Invalid,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// An account that somebody says is theirs, and that can be signed in to with a password.
struct Claimed {
    id: UserId,
    hash: PasswordHash,
}

impl Directory {
    /// Signs a user in who is named by username or email address. An attempt counts, whatever its outcome, and too many
    /// wrong passwords lock the account.
    pub fn sign_in(&self, name: &str, password: String, scopes: &Scopes) -> Result<Session, SignInError> {
        let now = self.clock.now();
        let name = UserIdentifier::Name(NameKey::of(name));
        let claimed = self.read(|directory| claimed(directory, &name))?;
        let hash = claimed.as_ref().map(|claimed| &claimed.hash);
        let is_right = self.compare(&Password::typed(password), hash)?;
        let Some(Claimed { id, hash }) = claimed else {
            self.store.write(|directory| directory.count_unknown_sign_in(now))?;
            return Err(SignInError::Incorrect);
        };
        let refresh_token = Secret::of_session(&self.secrets.random()?);
        let digest = self.secrets.digest(refresh_token.reveal());
        let signed_in = self.store.write(|directory| {
            let Some(user) = directory.user_to_change(id)? else { return Ok(Err(SignInError::Incorrect)) };
            // What was compared above was compared with the password that was there then.
            let is_right = is_right && directory.password(id)?.as_ref() == Some(&hash);
            let mut keep = |user: &User| directory.update_user(user, &Credentials::default());
            if !is_right || user.locked {
                let locked = user.locked;
                keep(&self.failed(user, now))?;
                return Ok(Err(if is_right && locked { SignInError::Locked } else { SignInError::Incorrect }));
            }
            if user.is_suspended(now) {
                return Ok(Err(SignInError::Suspended));
            }
            keep(&signed_in(user, now))?;
            let Some(standing) = directory.standing(id)? else { return Ok(Err(SignInError::Incorrect)) };
            let caller = Caller { user: id, stamp: standing.stamp, scopes: scopes.clone() };
            directory.forget_refresh_tokens(id, standing.stamp, now)?;
            directory.insert_refresh_token(&digest, &grant(&caller, now))?;
            Ok::<_, StoreError>(Ok(caller))
        })?;
        signed_in.map(|caller| Session { caller, refresh_token: refresh_token.clone() })
    }

    /// Says for whom a refresh token is, and lets it live for another 15 days. `scopes` may leave some of its own out.
    pub fn refresh(&self, refresh_token: &str, scopes: &Scopes) -> Result<Caller, RefreshError> {
        let now = self.clock.now();
        let digest = self.secrets.digest(refresh_token);
        self.store.write(|directory| {
            let grant = directory.refresh_grant(&digest)?.filter(|grant| grant.expires > now);
            let grant = grant.ok_or(RefreshError::Invalid)?;
            let standing = directory.standing(grant.user)?.ok_or(RefreshError::Invalid)?;
            if standing.stamp != grant.stamp || !standing.is_open(now) {
                return Err(RefreshError::Invalid);
            }
            directory.extend_refresh_token(&digest, now.plus_days(REFRESH_DAYS))?;
            Ok(Caller { user: grant.user, stamp: grant.stamp, scopes: grant.scopes.among(scopes) })
        })
    }

    /// Signs a program in: it acts as the user of its API key.
    pub fn sign_in_client(
        &self,
        client_id: &str,
        secret: &str,
        scopes: &Scopes,
    ) -> Result<(ApiKeyId, Caller), ClientError> {
        let now = self.clock.now();
        let digest = self.secrets.digest(secret);
        let id = ApiKeyId(parse_guid(client_id).ok_or(ClientError::Invalid)?);
        self.read(|directory| {
            let known = directory.api_key_secret(id)? == Some(digest);
            let key = directory.api_key(&ApiKeyIdentifier::Id(id))?.filter(|_| known).ok_or(ClientError::Invalid)?;
            let standing = directory.standing(key.user)?.filter(|standing| standing.is_open(now));
            let stamp = standing.ok_or(ClientError::Invalid)?.stamp;
            Ok((id, Caller { user: key.user, stamp, scopes: key.scopes.among(scopes) }))
        })
    }

    /// Whether this is the password behind `hash`. Where there is none, a hash is made for the sake of the time it takes.
    fn compare(&self, password: &Password, hash: Option<&PasswordHash>) -> Result<bool, PasswordsError> {
        match hash {
            _ if password.reveal().len() > LONGEST => Ok(false),
            Some(hash) => self.passwords.verify(password, hash),
            None => self.passwords.hash(password).map(|_| false),
        }
    }

    /// `user` after a sign-in that failed.
    pub(super) fn failed(&self, user: User, now: Timestamp) -> User {
        let failures = user.failed_login_attempts_since_last_success.saturating_add(1);
        User {
            last_failed_login: Some(now),
            failed_login_attempts: user.failed_login_attempts.saturating_add(1),
            failed_login_attempts_since_last_success: failures,
            locked: user.locked || failures >= self.policy.lockout_threshold.get(),
            ..user
        }
    }
}

/// `user` after a sign-in.
pub(super) fn signed_in(user: User, now: Timestamp) -> User {
    User {
        last_login: Some(now),
        successful_login_attempts: user.successful_login_attempts.saturating_add(1),
        failed_login_attempts_since_last_success: 0,
        ..user
    }
}

/// Who has no password here (an API key, a user of another issuer) is a stranger here: nobody can lock them by guessing.
fn claimed(directory: &mut dyn Reader, name: &UserIdentifier) -> Result<Option<Claimed>, StoreError> {
    let Some(id) = directory.user_id(name)? else { return Ok(None) };
    Ok(directory.password(id)?.map(|hash| Claimed { id, hash }))
}

fn grant(caller: &Caller, now: Timestamp) -> RefreshGrant {
    RefreshGrant {
        user: caller.user,
        stamp: caller.stamp,
        scopes: caller.scopes.clone(),
        expires: now.plus_days(REFRESH_DAYS),
    }
}
