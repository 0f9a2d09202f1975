//! What an administrator does to an account beside changing its properties (contract 4.10).

use super::Directory;
use super::unit_of_work::{Finish, Turn};
use crate::access::{Permission, Refused, contains_refused};
use crate::audit::{AdministratorsChange, AuditNote};
use crate::context::Context;
use crate::identifier::UserIdentifier;
use crate::ports::{Credentials, Purpose, UserToChange};
use crate::time::Timestamp;
use crate::user::{DEFAULT_PASSWORD_CHANGE_FREQUENCY, Lockout, ProviderKind, SecurityStamp, User};
use crate::validation::{InvalidField, Truncated};

/// The message for actions that need a password.
pub(super) const OF_AN_API_KEY: &str = "The user of an API key has no password";

/// An action on an account. All actions are idempotent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserAction {
    /// Suspends the account and revokes all its tokens.
    Suspend,
    /// Ends the suspension.
    Unsuspend,
    /// Resets the lockout after wrong passwords.
    Unlock,
    /// Requires a password change before anything else.
    ForcePasswordReset,
    /// Sets the default expiry for a password that never expires.
    SetPasswordToExpirable,
}

impl UserAction {
    /// All actions, by their names in the API.
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

    fn turn(self) -> Turn {
        match self {
            // It may take the last administrator away.
            Self::Suspend => Turn::Alone,
            // It changes the known addresses too.
            Self::Unlock => Turn::Any,
            Self::Unsuspend | Self::ForcePasswordReset | Self::SetPasswordToExpirable => Turn::Once,
        }
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
    /// No user has this identifier.
    #[error("user not found")]
    UserNotFound,
    /// The action is unknown or does not apply to this user.
    #[error("there are validation errors")]
    Invalid(InvalidField),
    /// The actor lacks the permission, or the store failed.
    #[error(transparent)]
    Refused(#[from] Refused),
}

contains_refused!(ActError);

impl Directory<'_> {
    /// Does the action of this name to a user.
    pub fn act(&self, context: &Context, user: &UserIdentifier, action: &str) -> Result<(), ActError> {
        let named = UserAction::named(action);
        let turn = named.map_or(Turn::Once, UserAction::turn);
        self.change_one_user(
            context,
            (turn, Permission::ManageUsers),
            (user, Purpose::Change([None; 2])),
            |work, change| {
                let UserToChange { user: current, status, .. } = change.user.ok_or(ActError::UserNotFound)?;
                let target = current.id;
                let known = named.ok_or_else(|| invalid("type", unknown_action(action)))?;
                if known == UserAction::Suspend && work.actor.is(target) {
                    return Err(invalid("type", "You cannot suspend yourself"));
                }
                if known.is_about_password() && status.api_key.is_some() {
                    return Err(invalid("type", OF_AN_API_KEY));
                }
                let mut changed = current.clone();
                known.apply(&mut changed, context.now()).map_err(|(field, message)| invalid(field, message))?;
                if known == UserAction::Unlock {
                    work.reset_address_lockouts(target)?;
                }
                if changed == current {
                    return Ok(Finish::Commit(()));
                }
                changed.modified = context.now();
                let stamp = (known == UserAction::Suspend).then(|| SecurityStamp(self.ids.next()));
                work.update_user(&current, &changed, &Credentials { stamp, ..Credentials::default() })?;
                let takes_administrator = known == UserAction::Suspend && status.system_administrator;
                if takes_administrator && !work.has_lasting_administrator()? {
                    return Err(invalid("type", "The last System Administrator cannot be suspended"));
                }
                let change = match known {
                    UserAction::Suspend => AdministratorsChange::UserSuspended,
                    UserAction::Unsuspend => AdministratorsChange::UserUnsuspended,
                    _ => return Ok(Finish::Commit(())),
                };
                work.note(AuditNote::of_user(change, Some(&status), target));
                Ok(Finish::Commit(()))
            },
        )
    }

    /// Forgets the wrong passwords that locked an account: also those from known addresses.
    pub fn unlock(&self, context: &Context, user: &UserIdentifier) -> Result<(), ActError> {
        self.change_one_user(
            context,
            (Turn::Any, Permission::ManageUsers),
            (user, Purpose::Change([None; 2])),
            |work, change| {
                let current = change.user.ok_or(ActError::UserNotFound)?.user;
                let mut user = User { modified: context.now(), ..current.clone() };
                UserAction::Unlock
                    .apply(&mut user, context.now())
                    .map_err(|(field, message)| invalid(field, message))?;
                work.reset_address_lockouts(current.id)?;
                work.update_user(&current, &user, &Credentials::default())?;
                Ok(Finish::Commit(()))
            },
        )
    }
}

fn unknown_action(name: &str) -> String {
    if name.is_empty() {
        return "The action type is required".to_owned();
    }
    format!("The action type '{}' is not valid", Truncated(name))
}

fn invalid(field: &str, message: impl Into<String>) -> ActError {
    ActError::Invalid(InvalidField::new(field, message))
}
