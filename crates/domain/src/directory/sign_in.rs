//! Signing in with a password (contract 2.1 and 2.4).

use uuid::Uuid;

use super::Directory;
use super::recording::refused_sign_in;
use super::sessions::refresh_grant;
use super::unit_of_work::{Finish, Turn};
use super::wrong_passwords::known_address;
use crate::access::{Caller, Refused, Scopes, contains_refused};
use crate::audit::AuditNote;
use crate::context::Context;
use crate::identifier::UserIdentifier;
use crate::name::NameKey;
use crate::password::{LONGEST, Password, PasswordHash};
use crate::ports::{Credentials, PasswordUpdate, PasswordsError, Reader, SecretsError, StoreError};
use crate::secret::{Secret, SecretDigest};
use crate::time::Timestamp;
use crate::user::{Lockout, User, UserId};

/// How many refresh tokens a user has at most; a further one takes the place of the one that expires first.
const MOST_REFRESH_TOKENS: u32 = 200;
/// The most known addresses of a user.
const MOST_ADDRESSES: u32 = 10;
/// The most bytes of a username or an email address: 255 characters.
const LONGEST_NAME: usize = 4 * 255;

/// The result of a sign-in with a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The user who signed in.
    pub caller: Caller,
    /// A refresh token, which expires 15 days after its last use.
    pub refresh_token: Secret,
}

/// Why a sign-in with a password failed.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// The name is unknown or the password is wrong. The caller is not told which.
    #[error("the username or the password is incorrect")]
    Incorrect,
    /// The password is right, and the account is suspended or has expired.
    #[error("the account is suspended")]
    Suspended,
    /// The account, or the unknown name, is locked. The password was not compared.
    #[error("the account is locked")]
    Locked,
    /// The password could not be compared.
    #[error(transparent)]
    Passwords(#[from] PasswordsError),
    /// No refresh token could be generated.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// The actor lacks the permission, or the store failed.
    #[error(transparent)]
    Refused(#[from] Refused),
}

/// An account with a password.
struct PasswordAccount {
    id: UserId,
    hash: PasswordHash,
}

/// The stored state that decides about a sign-in.
struct Claim {
    /// `None`: the name is unknown, or the account has no password, like API keys and external users.
    account: Option<PasswordAccount>,
    address: SecretDigest,
    /// The lockout in effect: that of the known address, or that of all other addresses.
    lockout: Lockout,
}

/// The result of comparing a password with a hash.
struct Comparison {
    is_right: bool,
    /// A new hash of the password, if there is none or it is outdated.
    rehashed: Option<PasswordHash>,
}

/// An id that no user has. Reading it costs as much as reading a user.
const NOBODY: UserId = UserId(Uuid::nil());

/// The outcome of an attempt to sign in.
enum Attempt {
    SignedIn(Caller),
    Incorrect,
    Suspended,
    Locked,
    /// The password is that of an outdated hash, which was replaced meanwhile. This is not counted.
    HashReplaced,
}

contains_refused!(SignInError);

impl Directory<'_> {
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
            return self
                .write::<_, SignInError>(context, Turn::Any, |work| {
                    work.append_events(&[self.event_of(context, refused_sign_in(None, "too-long"))])?;
                    Ok(Finish::Commit(()))
                })
                .and(Err(SignInError::Incorrect));
        }
        let (name, forms) = (NameKey::of(name), Password::forms(password));
        loop {
            if let Some(session) = self.attempt_sign_in(context, &name, &forms, scopes)? {
                return Ok(session);
            }
        }
    }

    /// Compares the password and counts the attempt. `None`: the password is that of an outdated hash, which was replaced meanwhile,
    /// most likely by a sign-in with the same password. It is to be compared with the new hash.
    fn attempt_sign_in(
        &self,
        context: &Context,
        name: &NameKey,
        forms: &[Password],
        scopes: &Scopes,
    ) -> Result<Option<Session>, SignInError> {
        let now = context.now();
        let unknown = self.secrets.keyed_digest(&format!("name {}", name.as_str()));
        let identifier = UserIdentifier::Name(name.clone());
        let claim =
            self.read(context, |work| Ok::<_, SignInError>(self.claim(context, work.store, &identifier, &unknown)?))?;
        let hash = claim.account.as_ref().map(|account| &account.hash).filter(|_| !claim.lockout.is_locked(now));
        let Comparison { is_right, rehashed } = self.compare(forms, hash)?;
        let Some(account) = &claim.account else {
            return self.count_unknown(context, &claim, &unknown).map(Some);
        };
        let password = rehashed.map(PasswordUpdate::Rehashed);
        let credentials = Credentials { password, ..Credentials::default() };
        let refresh_token = Secret::of_session(&self.secrets.random()?);
        let digest = self.secrets.digest(refresh_token.reveal());
        let attempt = self.write::<_, SignInError>(context, Turn::Any, |work| {
            let Some(user) = work.user_to_change(account.id)? else {
                return Ok(Finish::Rollback(Attempt::Incorrect));
            };
            // The password was compared with the hash that was there then.
            // It is read whatever came of that: a wrong password costs as many statements as a name that nobody has.
            let is_same = work.password(account.id)?.as_ref() == Some(&account.hash);
            if is_right && !is_same && credentials.password.is_some() {
                return Ok(Finish::Rollback(Attempt::HashReplaced));
            }
            let is_right = is_right && is_same;
            let known = known_address(work.store, account.id, &claim.address, now)?;
            let was_locked = known.map_or(user.lockout, |known| known.lockout).is_locked(now);
            if was_locked || !is_right {
                if self.count_failure(work.store, &user, &claim.address, known, now)? {
                    work.note([AuditNote::Locked { user: account.id }]);
                }
                return Ok(Finish::Commit(if was_locked { Attempt::Locked } else { Attempt::Incorrect }));
            }
            if user.is_suspended(now) {
                let refused = refused_sign_in(Some((user.id, user.username.as_str())), "suspended");
                work.append_events(&[self.event_of(context, refused)])?;
                return Ok(Finish::Commit(Attempt::Suspended));
            }
            work.update_user(&user, &signed_in(user.clone(), now), &credentials)?;
            if context.address().is_some() {
                work.remember_address(account.id, &claim.address, now, MOST_ADDRESSES)?;
            }
            let Some(status) = work.account_status(account.id)? else {
                return Ok(Finish::Rollback(Attempt::Incorrect));
            };
            let caller = Caller { user: account.id, stamp: status.stamp, scopes: scopes.clone() };
            work.forget_refresh_tokens(account.id, status.stamp, now, MOST_REFRESH_TOKENS - 1)?;
            work.insert_refresh_token(&digest, &refresh_grant(&caller, now))?;
            Ok(Finish::Commit(Attempt::SignedIn(caller)))
        })?;
        match attempt {
            Attempt::SignedIn(caller) => Ok(Some(Session { caller, refresh_token })),
            Attempt::HashReplaced => Ok(None),
            Attempt::Incorrect => Err(SignInError::Incorrect),
            Attempt::Suspended => Err(SignInError::Suspended),
            Attempt::Locked => Err(SignInError::Locked),
        }
    }

    /// Reads the account, its lockout and the lockout of the name as an unknown one, with as many
    /// statements for an unknown name as for a known one.
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
        let account = user.zip(hash).map(|(id, hash)| PasswordAccount { id, hash });
        let lockout = match (&account, known) {
            (None, _) => unknown,
            (Some(_), Some(known)) => known.lockout,
            (Some(_), None) => lockout,
        };
        Ok(Claim { account, address, lockout })
    }

    /// Counts an attempt for an unknown name.
    fn count_unknown(&self, context: &Context, claim: &Claim, name: &SecretDigest) -> Result<Session, SignInError> {
        let now = context.now();
        let was_locked = self.write::<_, SignInError>(context, Turn::Any, |work| {
            let lockout = work.unknown_lockout_to_change(name)?;
            work.password(NOBODY)?;
            work.known_address(NOBODY, &claim.address)?;
            work.set_unknown_lockout(name, lockout.failed(now, self.policy.lockout), now)?;
            Ok(Finish::Commit(lockout.is_locked(now)))
        })?;
        Err(if was_locked { SignInError::Locked } else { SignInError::Incorrect })
    }

    /// Compares each form of a password with `hash`. An outdated hash is to be replaced by one of the first form, as new passwords are
    /// hashed.
    ///
    /// Each form is hashed once with the present parameters or stronger ones: in the comparison, beside the comparison with an outdated
    /// hash, and without a hash. So the time depends on what was typed alone, whether the name is known and the password right or not. A
    /// comparison with an outdated hash takes its own time in addition, with a right password and a wrong one alike. If that is
    /// long, as with bcrypt, it tells that the account was imported and has not signed in since.
    fn compare(&self, forms: &[Password], hash: Option<&PasswordHash>) -> Result<Comparison, PasswordsError> {
        let is_hashed_anew = hash.is_none_or(|hash| self.passwords.is_outdated(hash));
        let mut comparison = Comparison { is_right: false, rehashed: None };
        for form in forms {
            if is_hashed_anew {
                let rehashed = self.passwords.hash(form)?;
                comparison.rehashed.get_or_insert(rehashed);
            }
            if let Some(hash) = hash {
                comparison.is_right |= self.passwords.verify(form, hash)?;
            }
        }
        Ok(comparison)
    }
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
