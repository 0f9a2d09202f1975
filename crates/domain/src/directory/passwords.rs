//! New passwords (contract 4.9 and 7).

use super::actions::OF_AN_API_KEY;
use super::sign_in::known_address;
use super::{Directory, user_id};
use crate::access::{Caller, Denied, Permission};
use crate::identifier::UserIdentifier;
use crate::password::{self, LONGEST, Password, PasswordHash};
use crate::ports::{Credentials, PasswordsError, StoreError};
use crate::request::AuditNote;
use crate::time::Timestamp;
use crate::user::{ProviderKind, SecurityStamp, User, UserId};
use crate::validation::InvalidField;

/// Why a password was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangePasswordError {
    /// The caller may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// No user has this identifier.
    #[error("user not found")]
    UserNotFound,
    /// Fields are not as they must be.
    #[error("there are validation errors")]
    Invalid(Vec<InvalidField>),
    /// The password given as the existing one is another.
    #[error("the existing password is incorrect")]
    ExistingIncorrect,
    /// A password could not be hashed or compared.
    #[error(transparent)]
    Passwords(#[from] PasswordsError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a user has before a new password, and whether they must prove that they know the old one.
struct Before {
    user: User,
    hash: Option<PasswordHash>,
    must_prove: bool,
    is_of_api_key: bool,
}

impl Directory {
    /// Gives a user a new password and ends their tokens: users themselves with the existing one, administrators without.
    pub fn change_password(
        &self,
        caller: &Caller,
        user: &UserIdentifier,
        existing: Option<String>,
        new: Option<String>,
    ) -> Result<(), ChangePasswordError> {
        let now = self.clock.now();
        let before = self.before(caller, user, now)?;
        let existing = existing.filter(|existing| !existing.is_empty());
        let new = check(&before, existing.is_some(), new)?;
        if let Some(existing) = existing
            // One that is too long cannot be right, and is not worth a hash.
            && (existing.len() > LONGEST || !self.is_password(&Password::typed(existing), before.hash.as_ref())?)
        {
            self.count_wrong_existing(before.user.id, now)?;
            return Err(ChangePasswordError::ExistingIncorrect);
        }
        if self.is_password(&new, before.hash.as_ref())? {
            return Err(invalid("new", "The new password must differ from the current one"));
        }
        let hash = self.passwords.hash(&new)?;
        let stamp = Some(SecurityStamp(self.ids.next()));
        let credentials = Credentials { password: Some(hash), stamp, ..Credentials::default() };
        self.store.write(|directory| {
            let admitted = self.admit(directory, caller, now)??;
            admitted.may_about_even_before_reset(Permission::ManageUsers, Some(before.user.id))?;
            admitted.may_touch_user(directory, Permission::ManageUsers, before.user.id)??;
            let current = directory.user_to_change(before.user.id)?.ok_or(ChangePasswordError::UserNotFound)?;
            // What was proved above was proved of the password that was there then.
            if directory.password(current.id)? != before.hash {
                return Err(ChangePasswordError::ExistingIncorrect);
            }
            let changed =
                User { password_changed: Some(now), password_reset_required: false, modified: now, ..current };
            Ok(directory.update_user(&changed, &credentials)?)
        })
    }

    fn before(&self, caller: &Caller, user: &UserIdentifier, now: Timestamp) -> Result<Before, ChangePasswordError> {
        self.read(|directory| {
            let target = user_id(directory, caller, user)?;
            let admitted = self.admit(directory, caller, now)??;
            admitted.may_about_even_before_reset(Permission::ManageUsers, target)?;
            let target = target.ok_or(ChangePasswordError::UserNotFound)?;
            admitted.may_touch_user(directory, Permission::ManageUsers, target)??;
            let user = directory.user(target)?.ok_or(ChangePasswordError::UserNotFound)?;
            let hash = directory.password(target)?;
            let is_of_api_key = directory.api_key_of(target)?.is_some();
            Ok(Before { user, hash, must_prove: admitted.may(Permission::ManageUsers).is_err(), is_of_api_key })
        })
    }

    fn is_password(&self, password: &Password, hash: Option<&PasswordHash>) -> Result<bool, PasswordsError> {
        hash.map_or(Ok(false), |hash| self.passwords.verify(password, hash))
    }

    /// A wrong password counts, and locks the account in the end; this stays though the request is refused.
    fn count_wrong_existing(&self, user: UserId, now: Timestamp) -> Result<(), StoreError> {
        let newly_locked = self.store.write(|directory| {
            let Some(current) = directory.user_to_change(user)? else { return Ok(false) };
            let address = self.address_digest(user);
            let known = known_address(directory, user, &address, now)?;
            self.count_failure(directory, current, &address, known, now)
        })?;
        if newly_locked {
            self.request.note([AuditNote::Locked { user }]);
        }
        Ok(())
    }
}

fn check(before: &Before, has_existing: bool, new: Option<String>) -> Result<Password, ChangePasswordError> {
    let mut faults = Vec::new();
    let mut fault = |field: &str, message: &str| {
        faults.push(InvalidField::new(field, message));
    };
    if before.must_prove && !has_existing {
        fault("existing", "The existing password is required");
    }
    let names = [before.user.first_name.as_deref(), before.user.last_name.as_deref()];
    let password = match new.filter(|new| !new.is_empty()) {
        _ if before.user.provider.kind == ProviderKind::External => {
            fault("new", "The password of an external user is not kept here");
            None
        }
        _ if before.is_of_api_key => {
            fault("new", OF_AN_API_KEY);
            None
        }
        None => {
            fault("new", "The new password is required");
            None
        }
        Some(new) => match password::check(new, names) {
            Ok(password) => Some(password),
            Err(broken) => {
                for rule in broken {
                    fault("new", &rule.to_string());
                }
                None
            }
        },
    };
    password.filter(|_| faults.is_empty()).ok_or(ChangePasswordError::Invalid(faults))
}

fn invalid(field: &str, message: &str) -> ChangePasswordError {
    ChangePasswordError::Invalid(vec![InvalidField::new(field, message)])
}
