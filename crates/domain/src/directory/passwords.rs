//! New passwords (contract 4.9 and 7).

use super::Directory;
use super::actions::OF_AN_API_KEY;
use super::unit_of_work::{Finish, Turn};
use super::wrong_passwords::known_address;
use crate::access::{Permission, Refused, Target, contains_refused};
use crate::audit::AuditNote;
use crate::context::Context;
use crate::identifier::UserIdentifier;
use crate::password::{self, LONGEST, Password, PasswordHash};
use crate::ports::{Credentials, PasswordUpdate, PasswordsError, Purpose, UserToChange};
use crate::user::{ProviderKind, SecurityStamp, User, UserId};
use crate::validation::InvalidField;

/// Why a password was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangePasswordError {
    /// No user has this identifier.
    #[error("user not found")]
    UserNotFound,
    /// Fields are invalid.
    #[error("there are validation errors")]
    Invalid(Vec<InvalidField>),
    /// The existing password is incorrect.
    #[error("the existing password is incorrect")]
    ExistingIncorrect,
    /// A password could not be hashed or compared.
    #[error(transparent)]
    Passwords(#[from] PasswordsError),
    /// The actor lacks the permission, or the store failed.
    #[error(transparent)]
    Refused(#[from] Refused),
}

/// The account before a password change, and whether the existing password is required.
struct Before {
    user: User,
    hash: Option<PasswordHash>,
    must_prove: bool,
    is_of_api_key: bool,
}

contains_refused!(ChangePasswordError);

impl Directory<'_> {
    /// Changes a password and revokes the user's tokens. Users give their existing password, administrators need not.
    pub fn change_password(
        &self,
        context: &Context,
        user: &UserIdentifier,
        existing: Option<String>,
        new: Option<String>,
    ) -> Result<(), ChangePasswordError> {
        let before = self.before(context, user)?;
        let existing = existing.filter(|existing| !existing.is_empty());
        let forms = new.clone().map(Password::forms).unwrap_or_default();
        let new = check(&before, existing.is_some(), new)?;
        if let Some(existing) = existing
            // One that is too long cannot be right, and is not worth a hash.
            && (existing.len() > LONGEST || !self.is_any(&Password::forms(existing), before.hash.as_ref())?)
        {
            self.count_wrong_existing(context, before.user.id)?;
            return Err(ChangePasswordError::ExistingIncorrect);
        }
        if self.is_any(&forms, before.hash.as_ref())? {
            return Err(invalid("new", "The new password must differ from the current one"));
        }
        let hash = self.passwords.hash(&new)?;
        let stamp = Some(SecurityStamp(self.ids.next()));
        let credentials =
            Credentials { password: Some(PasswordUpdate::Changed(hash)), stamp, ..Credentials::default() };
        let user = UserIdentifier::Id(before.user.id);
        self.change_one_user(
            context,
            (Turn::Once, Permission::ChangePasswords),
            (&user, Purpose::Change([None; 2])),
            |work, change| {
                let UserToChange { user: current, password, .. } =
                    change.user.ok_or(ChangePasswordError::UserNotFound)?;
                // The existing password was compared with the hash that was there then.
                if password != before.hash {
                    return Err(ChangePasswordError::ExistingIncorrect);
                }
                let now = context.now();
                let changed = User {
                    password_changed: Some(now),
                    password_reset_required: false,
                    modified: now,
                    ..current.clone()
                };
                work.update_user(&current, &changed, &credentials)?;
                Ok(Finish::Commit(()))
            },
        )
    }

    /// Reads the account, and changes nothing.
    fn before(&self, context: &Context, user: &UserIdentifier) -> Result<Before, ChangePasswordError> {
        let kind = (Turn::Once, Permission::ChangePasswords);
        self.change_one_user(context, kind, (user, Purpose::Change([None; 2])), |work, change| {
            let UserToChange { user, status, password, .. } = change.user.ok_or(ChangePasswordError::UserNotFound)?;
            let is_of_api_key = status.api_key.is_some();
            let must_prove = match work.authorise(Permission::ManageUsers, Target::All) {
                Ok(_) => false,
                Err(Refused::Denied(_)) => true,
                Err(refused) => return Err(refused.into()),
            };
            Ok(Finish::Rollback(Before { user, hash: password, must_prove, is_of_api_key }))
        })
    }

    /// Whether one of the forms of a password is that of the hash. All of them are compared, as when signing in.
    fn is_any(&self, forms: &[Password], hash: Option<&PasswordHash>) -> Result<bool, PasswordsError> {
        let Some(hash) = hash else { return Ok(false) };
        let mut is_any = false;
        for form in forms {
            is_any |= self.passwords.verify(form, hash)?;
        }
        Ok(is_any)
    }

    /// Counts a wrong password, which may lock the account. The count is committed although the request is refused.
    fn count_wrong_existing(&self, context: &Context, user: UserId) -> Result<(), Refused> {
        self.write(context, Turn::Any, |work| {
            let Some(current) = work.user_to_change(user)? else { return Ok(Finish::Rollback(())) };
            let address = self.address_digest(context, user);
            let known = known_address(work.store, user, &address, context.now())?;
            if self.count_failure(work.store, &current, &address, known, context.now())? {
                work.note([AuditNote::Locked { user }]);
            }
            Ok(Finish::Commit(()))
        })
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
        Some(new) => match password::check(&new, names) {
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
