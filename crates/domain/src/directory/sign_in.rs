//! Signing in: people with a password or a refresh token, programs with an API key (contract 2.1, 2.2 and 2.4).

use uuid::Uuid;

use super::Directory;
use crate::access::{Caller, Scopes};
use crate::api_key::{ApiKeyId, ApiKeyIdentifier};
use crate::identifier::{UserIdentifier, parse_guid};
use crate::name::NameKey;
use crate::password::{LONGEST, Password, PasswordHash};
use crate::ports::{Credentials, KnownAddress, PasswordsError, Reader, RefreshGrant, SecretsError, StoreError, Writer};
use crate::request::AuditNote;
use crate::secret::{Secret, SecretDigest};
use crate::time::Timestamp;
use crate::user::{Lockout, User, UserId};

/// For how many days a refresh token is good after its last use: official clients count on it (contract 2.1).
const REFRESH_DAYS: u32 = 15;
/// How many refresh tokens a user has at most; a further one takes the place of the one that expires first.
const MOST_REFRESH_TOKENS: u32 = 200;
/// For how many days an address is known after a sign-in from there (contract 2.4).
const ADDRESS_DAYS: u32 = 30;
/// How many addresses are known of a user at most.
const MOST_ADDRESSES: u32 = 10;
/// The most bytes of a name that anybody can have: 255 characters, as a username.
const LONGEST_NAME: usize = 4 * 255;

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
    /// The account is locked, or nobody has this name and it was tried as often. The password was not looked at.
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

/// An account that can be signed in to with a password.
struct Account {
    id: UserId,
    hash: PasswordHash,
}

/// What a store knows of somebody who tries to sign in.
struct Claim {
    /// None: nobody has the name, or whoever has it has no password here, as API keys and users of outside issuers.
    account: Option<Account>,
    address: SecretDigest,
    /// The wrong passwords that count here: those from a known address, or those from everywhere else.
    lockout: Lockout,
}

/// Nobody has this id: what is asked of it takes as long as of somebody.
const NOBODY: UserId = UserId(Uuid::nil());

impl Directory {
    /// Signs a user in who is named by username or email address. An attempt counts, whatever its outcome, and too many
    /// wrong passwords lock: at an address from where the account was signed in to within 30 days those from there, anywhere else
    /// those from all other addresses together. A name that nobody has locks in the same way.
    pub fn sign_in(&self, name: &str, password: String, scopes: &Scopes) -> Result<Session, SignInError> {
        // Neither can be right, and nothing is looked up whose time could tell who is here.
        if password.len() > LONGEST || name.len() > LONGEST_NAME {
            return Err(SignInError::Incorrect);
        }
        let now = self.clock.now();
        let key = NameKey::of(name);
        let unknown = self.secrets.keyed_digest(&format!("name {}", key.as_str()));
        let identifier = UserIdentifier::Name(key);
        let claim = self.read(|directory| self.claim(directory, &identifier, &unknown, now))?;
        let password = Password::typed(password);
        let hash = claim.account.as_ref().map(|account| &account.hash).filter(|_| !claim.lockout.is_locked(now));
        let is_right = self.compare(&password, hash)?;
        let Some(account) = &claim.account else {
            return self.count_unknown(&claim, &unknown, now);
        };
        let refresh_token = Secret::of_session(&self.secrets.random()?);
        let digest = self.secrets.digest(refresh_token.reveal());
        let outcome = self.store.write(|directory| {
            let Some(user) = directory.user_to_change(account.id)? else {
                return Ok(Err((SignInError::Incorrect, false)));
            };
            // What was compared above was compared with the password that was there then.
            let is_same = directory.password(account.id)?.as_ref() == Some(&account.hash);
            let is_right = is_right && is_same;
            let known = known_address(directory, account.id, &claim.address, now)?;
            let was_locked = known.map_or(user.lockout, |known| known.lockout).is_locked(now);
            if was_locked || !is_right {
                let newly_locked = self.count_failure(directory, user, &claim.address, known, now)?;
                let error = if was_locked { SignInError::Locked } else { SignInError::Incorrect };
                return Ok(Err((error, newly_locked)));
            }
            if user.is_suspended(now) {
                return Ok(Err((SignInError::Suspended, false)));
            }
            directory.update_user(&signed_in(user, now), &Credentials::default())?;
            if self.address.is_some() {
                directory.remember_address(account.id, &claim.address, now, MOST_ADDRESSES)?;
            }
            let Some(status) = directory.account_status(account.id)? else {
                return Ok(Err((SignInError::Incorrect, false)));
            };
            let caller = Caller { user: account.id, stamp: status.stamp, scopes: scopes.clone() };
            directory.forget_refresh_tokens(account.id, status.stamp, now, MOST_REFRESH_TOKENS - 1)?;
            directory.insert_refresh_token(&digest, &grant(&caller, now))?;
            Ok::<_, StoreError>(Ok(caller))
        })?;
        match outcome {
            Ok(caller) => Ok(Session { caller, refresh_token }),
            Err((error, newly_locked)) => {
                if newly_locked {
                    self.request.note([AuditNote::Locked { user: account.id }]);
                }
                Err(error)
            }
        }
    }

    /// Looks for the account, for what counts against whoever tries, and for what would count if nobody had the name: as many
    /// statements whoever it is.
    fn claim(
        &self,
        directory: &mut dyn Reader,
        name: &UserIdentifier,
        unknown: &SecretDigest,
        now: Timestamp,
    ) -> Result<Claim, StoreError> {
        let user = directory.user_id(name)?;
        let subject = user.unwrap_or(NOBODY);
        let hash = directory.password(subject)?;
        let lockout = directory.lockout(subject)?.unwrap_or_default();
        let address = self.address_digest(subject);
        let known = known_address(directory, subject, &address, now)?;
        let unknown = directory.unknown_lockout(unknown)?;
        let account = user.zip(hash).map(|(id, hash)| Account { id, hash });
        let lockout = match (&account, known) {
            (None, _) => unknown,
            (Some(_), Some(known)) => known.lockout,
            (Some(_), None) => lockout,
        };
        Ok(Claim { account, address, lockout })
    }

    /// Counts a password for a name that nobody has.
    fn count_unknown(&self, claim: &Claim, name: &SecretDigest, now: Timestamp) -> Result<Session, SignInError> {
        let was_locked = self.store.write(|directory| {
            let lockout = directory.unknown_lockout_to_change(name)?;
            directory.password(NOBODY)?;
            directory.known_address(NOBODY, &claim.address)?;
            directory.set_unknown_lockout(name, lockout.failed(now, self.policy.lockout), now)?;
            Ok::<_, StoreError>(lockout.is_locked(now))
        })?;
        Err(if was_locked { SignInError::Locked } else { SignInError::Incorrect })
    }

    /// Says for whom a refresh token is, and lets it live for another 15 days. `scopes` may leave some of its own out.
    pub fn refresh(&self, refresh_token: &str, scopes: &Scopes) -> Result<Caller, RefreshError> {
        let now = self.clock.now();
        let digest = self.secrets.digest(refresh_token);
        self.store.write(|directory| {
            let grant = directory.refresh_grant(&digest)?.filter(|grant| grant.expires > now);
            let grant = grant.ok_or(RefreshError::Invalid)?;
            let status = directory.account_status(grant.user)?.ok_or(RefreshError::Invalid)?;
            if status.stamp != grant.stamp || !status.is_open(now) {
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
            let status = directory.account_status(key.user)?.filter(|status| status.is_open(now));
            let stamp = status.ok_or(ClientError::Invalid)?.stamp;
            Ok((id, Caller { user: key.user, stamp, scopes: key.scopes.among(scopes) }))
        })
    }

    /// Whether this is the password behind `hash`. Where there is none, a hash is made for the sake of the time it takes.
    fn compare(&self, password: &Password, hash: Option<&PasswordHash>) -> Result<bool, PasswordsError> {
        match hash {
            Some(hash) => self.passwords.verify(password, hash),
            None => self.passwords.hash(password).map(|_| false),
        }
    }

    /// Counts a wrong password of `user` from `address`, which may be a `known` one, and says whether it locked.
    pub(super) fn count_failure(
        &self,
        directory: &mut dyn Writer,
        user: User,
        address: &SecretDigest,
        known: Option<KnownAddress>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let before = known.map_or(user.lockout, |known| known.lockout);
        let after = before.failed(now, self.policy.lockout);
        let user = User {
            last_failed_login: Some(now),
            failed_login_attempts: user.failed_login_attempts.saturating_add(1),
            failed_login_attempts_since_last_success: user.failed_login_attempts_since_last_success.saturating_add(1),
            lockout: if known.is_some() { user.lockout } else { after },
            ..user
        };
        directory.update_user(&user, &Credentials::default())?;
        directory.set_address_lockout(user.id, address, if known.is_some() { after } else { Lockout::default() })?;
        Ok(after.is_locked(now) && !before.is_locked(now))
    }

    /// What a store keeps of the address from which this user is signed in to.
    pub(super) fn address_digest(&self, user: UserId) -> SecretDigest {
        let address = self.address.map_or_else(|| "unknown".to_owned(), |address| address.to_string());
        self.secrets.keyed_digest(&format!("address {user} {address}"))
    }
}

/// What is known of an address of `user`, if they signed in from there within 30 days (contract 2.4).
pub(super) fn known_address(
    directory: &mut dyn Reader,
    user: UserId,
    address: &SecretDigest,
    now: Timestamp,
) -> Result<Option<KnownAddress>, StoreError> {
    let known = directory.known_address(user, address)?;
    Ok(known.filter(|known| known.signed_in.plus_days(ADDRESS_DAYS) > now))
}

/// `user` after a sign-in.
pub(super) fn signed_in(user: User, now: Timestamp) -> User {
    User {
        last_login: Some(now),
        successful_login_attempts: user.successful_login_attempts.saturating_add(1),
        failed_login_attempts_since_last_success: 0,
        lockout: user.lockout.succeeded(now),
        ..user
    }
}

fn grant(caller: &Caller, now: Timestamp) -> RefreshGrant {
    RefreshGrant {
        user: caller.user,
        stamp: caller.stamp,
        scopes: caller.scopes.clone(),
        expires: now.plus_days(REFRESH_DAYS),
    }
}
