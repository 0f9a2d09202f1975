//! What an administrator does to an account beside changing its properties (contract 4.10).

use super::{Directory, user_id};
use crate::access::{Caller, Denied, Permission};
use crate::identifier::UserIdentifier;
use crate::ports::{Credentials, StoreError};
use crate::request::{AdministratorsChange, AuditNote};
use crate::time::Timestamp;
use crate::user::{DEFAULT_PASSWORD_CHANGE_FREQUENCY, Lockout, ProviderKind, SecurityStamp, User};
use crate::validation::InvalidField;

/// Why some things cannot be done to a user.
pub(super) const OF_AN_API_KEY: &str = "The user of an API key has no password";

/// Something to do to an account. All of them may be repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserAction {
    /// Keep the user from signing in, and end every token at once.
    Suspend,
    /// Let the user sign in again.
    Unsuspend,
    /// Forget the wrong passwords that locked the account.
    Unlock,
    /// Ask for a new password before anything else.
    ForcePasswordReset,
    /// Let a password that never expires expire as others do.
    SetPasswordToExpirable,
}

impl UserAction {
    /// All of them, with the names that clients give them.
    pub const ALL: [(Self, &'static str); 5] = [
        (Self::Suspend, "suspend"),
        (Self::Unsuspend, "unsuspend"),
        (Self::Unlock, "unlock"),
        (Self::ForcePasswordReset, "forcePasswordReset"),
        (Self::SetPasswordToExpirable, "setPasswordToExpirable"),
    ];

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, known)| known.eq_ignore_ascii_case(name)).map(|(action, _)| action)
    }

    fn is_about_password(self) -> bool {
        matches!(self, Self::ForcePasswordReset | Self::SetPasswordToExpirable)
    }

    fn apply(self, user: &mut User, now: Timestamp) -> Result<(), (&'static str, &'static str)> {
        let external = user.provider.kind == ProviderKind::External;
        match self {
            Self::Suspend => user.suspended = true,
            Self::Unsuspend if user.expiry.is_some_and(|expiry| expiry <= now) => {
                return Err(("expiry", "The account has expired: clear its expiry date or move it first"));
            }
            Self::Unsuspend => user.suspended = false,
            Self::Unlock => {
                user.lockout = Lockout::default();
                user.failed_login_attempts_since_last_success = 0;
            }
            _ if external && self.is_about_password() => {
                return Err(("type", "The password of an external user is not kept here"));
            }
            Self::ForcePasswordReset => user.password_reset_required = true,
            Self::SetPasswordToExpirable if user.password_change_frequency == Some(0) => {
                user.password_change_frequency = Some(DEFAULT_PASSWORD_CHANGE_FREQUENCY);
            }
            Self::SetPasswordToExpirable => {}
        }
        Ok(())
    }
}

/// Why an action was not done.
#[derive(Debug, thiserror::Error)]
pub enum ActError {
    /// The caller may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// No user has this identifier.
    #[error("user not found")]
    UserNotFound,
    /// There is no such action, or it cannot be done to this user.
    #[error("there are validation errors")]
    Invalid(InvalidField),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Directory {
    /// Does the action of this name to a user.
    pub fn act(&self, caller: &Caller, user: &UserIdentifier, action: &str) -> Result<(), ActError> {
        let now = self.clock.now();
        let done = self.store.write_alone(|directory| {
            let admitted = self.admit(directory, caller, now)??;
            admitted.may(Permission::ManageUsers)?;
            let target = user_id(directory, caller, user)?.ok_or(ActError::UserNotFound)?;
            admitted.may_touch_user(directory, Permission::ManageUsers, target)??;
            let current = directory.user_to_change(target)?.ok_or(ActError::UserNotFound)?;
            let known = UserAction::named(action)
                .ok_or_else(|| invalid("type", format!("The action type '{action}' is not valid")))?;
            if known == UserAction::Suspend && admitted.is(Some(target)) {
                return Err(invalid("type", "You cannot suspend yourself"));
            }
            if known.is_about_password() && directory.api_key_of(target)?.is_some() {
                return Err(invalid("type", OF_AN_API_KEY));
            }
            let mut changed = current.clone();
            known.apply(&mut changed, now).map_err(|(field, message)| invalid(field, message))?;
            if known == UserAction::Unlock {
                directory.reset_address_lockouts(target)?;
            }
            if changed == current {
                return Ok(((), None));
            }
            changed.modified = now;
            let stamp = (known == UserAction::Suspend).then(|| SecurityStamp(self.ids.next()));
            directory.update_user(&changed, &Credentials { stamp, ..Credentials::default() })?;
            if !directory.has_active_administrator(now)? {
                return Err(invalid("type", "The last System Administrator cannot be suspended"));
            }
            let change = match known {
                UserAction::Suspend => AdministratorsChange::UserSuspended,
                UserAction::Unsuspend => AdministratorsChange::UserUnsuspended,
                _ => return Ok(((), None)),
            };
            let status = directory.account_status(target)?;
            Ok(((), AuditNote::of_user(change, status.as_ref(), target)))
        });
        self.noted(done)
    }
}

impl Directory {
    /// Forgets the wrong passwords that locked an account. For an operator at the command line, who needs no permission.
    pub fn unlock(&self, user: &UserIdentifier) -> Result<(), ActError> {
        let now = self.clock.now();
        self.store.write(|directory| {
            let target = directory.user_id(user)?.ok_or(ActError::UserNotFound)?;
            let mut user = directory.user_to_change(target)?.ok_or(ActError::UserNotFound)?;
            UserAction::Unlock.apply(&mut user, now).map_err(|(field, message)| invalid(field, message))?;
            user.modified = now;
            directory.reset_address_lockouts(target)?;
            Ok(directory.update_user(&user, &Credentials::default())?)
        })
    }
}

fn invalid(field: &str, message: impl Into<String>) -> ActError {
    ActError::Invalid(InvalidField::new(field, message))
}
