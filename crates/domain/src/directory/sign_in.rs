//! Signing in: people with a password or a refresh token, programs with an API key (contract 2.1, 2.2 and 2.4).

use uuid::Uuid;

use super::Directory;
use super::unit_of_work::Finish;
use crate::access::{Caller, Refused, Scopes, contains_refused};
use crate::api_key::{ApiKeyId, ApiKeyIdentifier};
use crate::audit::AuditNote;
use crate::context::Context;
use crate::identifier::{UserIdentifier, parse_guid};
use crate::name::NameKey;
use crate::password::{LONGEST, Password, PasswordHash};
use crate::ports::{Credentials, KnownAddress, PasswordsError, Reader, RefreshGrant, SecretsError, StoreError, Writer};
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
    /// The actor may not, or the store failed.
    #[error(transparent)]
    Refused(#[from] Refused),
}

/// Why a refresh token got nobody an access token.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    /// It is none, it has expired or was revoked, or its user may not sign in.
    #[error("the refresh token is good for nothing")]
    Invalid,
    /// The actor may not, or the store failed.
    #[error(transparent)]
    Refused(#[from] Refused),
}

/// Why a program was not signed in.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// There is no such API key, its secret is another, or it is disabled.
    #[error("the client is not known by this secret")]
    Invalid,
    /// The actor may not, or the store failed.
    #[error(transparent)]
    Refused(#[from] Refused),
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

/// What came of an attempt to sign in that was counted.
enum Attempt {
    SignedIn(Caller),
    Incorrect,
    Suspended,
    Locked,
}

contains_refused!(SignInError, RefreshError, ClientError);

impl Directory {
    /// Signs a user in who is named by username or email address. An attempt counts, whatever its outcome, and too many
    /// wrong passwords lock: at an address from where the account was signed in to within 30 days those from there, anywhere else
    /// those from all other addresses together. A name that nobody has locks in the same way.
    pub fn sign_in(
        &self,
        context: &Context,
        name: &str,
        password: String,
        scopes: &Scopes,
    ) -> Result<Session, SignInError> {
        // Neither can be right, and nothing is looked up whose time could tell who is here.
        if password.len() > LONGEST || name.len() > LONGEST_NAME {
            return Err(SignInError::Incorrect);
        }
        let now = context.now();
        let key = NameKey::of(name);
        let unknown = self.secrets.keyed_digest(&format!("name {}", key.as_str()));
        let identifier = UserIdentifier::Name(key);
        let claim =
            self.read(context, |work| Ok::<_, SignInError>(self.claim(context, work.store, &identifier, &unknown)?))?;
        let password = Password::typed(password);
        let hash = claim.account.as_ref().map(|account| &account.hash).filter(|_| !claim.lockout.is_locked(now));
        let is_right = self.compare(&password, hash)?;
        let Some(account) = &claim.account else {
            return self.count_unknown(context, &claim, &unknown);
        };
        let refresh_token = Secret::of_session(&self.secrets.random()?);
        let digest = self.secrets.digest(refresh_token.reveal());
        let attempt = self.write::<_, SignInError>(context, |work| {
            let Some(user) = work.user_to_change(account.id)? else {
                return Ok(Finish::Rollback(Attempt::Incorrect));
            };
            // The password was compared with the hash that was there then.
            // It is read whatever came of that: a wrong password costs as many statements as a name that nobody has.
            let is_same = work.password(account.id)?.as_ref() == Some(&account.hash);
            let is_right = is_right && is_same;
            let known = known_address(work.store, account.id, &claim.address, now)?;
            let was_locked = known.map_or(user.lockout, |known| known.lockout).is_locked(now);
            if was_locked || !is_right {
                if self.count_failure(work.store, user, &claim.address, known, now)? {
                    work.note([AuditNote::Locked { user: account.id }]);
                }
                return Ok(Finish::Commit(if was_locked { Attempt::Locked } else { Attempt::Incorrect }));
            }
            if user.is_suspended(now) {
                return Ok(Finish::Rollback(Attempt::Suspended));
            }
            work.update_user(&signed_in(user, now), &Credentials::default())?;
            if context.address().is_some() {
                work.remember_address(account.id, &claim.address, now, MOST_ADDRESSES)?;
            }
            let Some(status) = work.account_status(account.id)? else {
                return Ok(Finish::Rollback(Attempt::Incorrect));
            };
            let caller = Caller { user: account.id, stamp: status.stamp, scopes: scopes.clone() };
            work.forget_refresh_tokens(account.id, status.stamp, now, MOST_REFRESH_TOKENS - 1)?;
            work.insert_refresh_token(&digest, &grant(&caller, now))?;
            Ok(Finish::Commit(Attempt::SignedIn(caller)))
        })?;
        match attempt {
            Attempt::SignedIn(caller) => Ok(Session { caller, refresh_token }),
            Attempt::Incorrect => Err(SignInError::Incorrect),
            Attempt::Suspended => Err(SignInError::Suspended),
            Attempt::Locked => Err(SignInError::Locked),
        }
    }

    /// Looks for the account, for what counts against whoever tries, and for what would count if nobody had the name: as many
    /// statements whoever it is.
    fn claim(
        &self,
        context: &Context,
        store: &mut dyn Reader,
        name: &UserIdentifier,
        unknown: &SecretDigest,
    ) -> Result<Claim, StoreError> {
        let user = store.user_id(name)?;
        let subject = user.unwrap_or(NOBODY);
        let hash = store.password(subject)?;
        let lockout = store.lockout(subject)?.unwrap_or_default();
        let address = self.address_digest(context, subject);
        let known = known_address(store, subject, &address, context.now())?;
        let unknown = store.unknown_lockout(unknown)?;
        let account = user.zip(hash).map(|(id, hash)| Account { id, hash });
        let lockout = match (&account, known) {
            (None, _) => unknown,
            (Some(_), Some(known)) => known.lockout,
            (Some(_), None) => lockout,
        };
        Ok(Claim { account, address, lockout })
    }

    /// Counts a password for a name that nobody has.
    fn count_unknown(&self, context: &Context, claim: &Claim, name: &SecretDigest) -> Result<Session, SignInError> {
        let now = context.now();
        let was_locked = self.write::<_, SignInError>(context, |work| {
            let lockout = work.unknown_lockout_to_change(name)?;
            work.password(NOBODY)?;
            work.known_address(NOBODY, &claim.address)?;
            work.set_unknown_lockout(name, lockout.failed(now, self.policy.lockout), now)?;
            Ok(Finish::Commit(lockout.is_locked(now)))
        })?;
        Err(if was_locked { SignInError::Locked } else { SignInError::Incorrect })
    }

    /// Says for whom a refresh token is, and lets it live for another 15 days. `scopes` may leave some of its own out.
    pub fn refresh(&self, context: &Context, refresh_token: &str, scopes: &Scopes) -> Result<Caller, RefreshError> {
        let now = context.now();
        let digest = self.secrets.digest(refresh_token);
        self.write(context, |work| {
            let grant = work.refresh_grant(&digest)?.filter(|grant| grant.expires > now);
            let grant = grant.ok_or(RefreshError::Invalid)?;
            let status = work.account_status(grant.user)?.ok_or(RefreshError::Invalid)?;
            if status.stamp != grant.stamp || !status.is_open(now) {
                return Err(RefreshError::Invalid);
            }
            work.extend_refresh_token(&digest, now.plus_days(REFRESH_DAYS))?;
            let scopes = grant.scopes.among(scopes);
            Ok(Finish::Commit(Caller { user: grant.user, stamp: grant.stamp, scopes }))
        })
    }

    /// Signs a program in: it acts as the user of its API key.
    pub fn sign_in_client(
        &self,
        context: &Context,
        client_id: &str,
        secret: &str,
        scopes: &Scopes,
    ) -> Result<(ApiKeyId, Caller), ClientError> {
        let digest = self.secrets.digest(secret);
        let id = ApiKeyId(parse_guid(client_id).ok_or(ClientError::Invalid)?);
        self.read(context, |work| {
            let is_right = work.api_key_secret(id)? == Some(digest);
            let key = work.api_key(&ApiKeyIdentifier::Id(id))?.filter(|_| is_right).ok_or(ClientError::Invalid)?;
            let status = work.account_status(key.user)?.filter(|status| status.is_open(context.now()));
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
        store: &mut dyn Writer,
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
        store.update_user(&user, &Credentials::default())?;
        store.set_address_lockout(user.id, address, if known.is_some() { after } else { Lockout::default() })?;
        Ok(after.is_locked(now) && !before.is_locked(now))
    }

    /// What a store keeps of the address from which this user is signed in to.
    pub(super) fn address_digest(&self, context: &Context, user: UserId) -> SecretDigest {
        let address = context.address().map_or_else(|| "unknown".to_owned(), |address| address.to_string());
        self.secrets.keyed_digest(&format!("address {user} {address}"))
    }
}

/// What is known of an address of `user`, if they signed in from there within 30 days (contract 2.4).
pub(super) fn known_address(
    store: &mut dyn Reader,
    user: UserId,
    address: &SecretDigest,
    now: Timestamp,
) -> Result<Option<KnownAddress>, StoreError> {
    let known = store.known_address(user, address)?;
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
