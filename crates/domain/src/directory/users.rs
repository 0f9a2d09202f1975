//! Users: creating them.

use std::collections::BTreeSet;

use super::{Directory, is_taken};
use crate::access::{Caller, Denied, Permission};
use crate::group::SystemGroup;
use crate::identifier::UserIdentifier;
use crate::password::PasswordHash;
use crate::ports::{NameSource, PasswordsError, StoreError, Writer};
use crate::request::{AdministratorsChange, AuditNote};
use crate::user::{Account, DEFAULT_PASSWORD_CHANGE_FREQUENCY, SecurityStamp, User, UserDraft, UserId};
use crate::validation::InvalidField;

/// Why a user was not created.
#[derive(Debug, thiserror::Error)]
pub enum CreateUserError {
    /// The caller may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// Fields are not as they must be.
    #[error("there are validation errors")]
    Invalid(Vec<InvalidField>),
    /// Another user has this id.
    #[error("a user with the id '{0}' already exists")]
    IdTaken(UserId),
    /// Another user has this username, or has it as email address.
    #[error("a user with the username '{0}' already exists")]
    UsernameTaken(String),
    /// Another user has this email address, or has it as username.
    #[error("a user with the email '{0}' already exists")]
    EmailTaken(String),
    /// The password could not be hashed.
    #[error(transparent)]
    Passwords(#[from] PasswordsError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Directory {
    /// Creates a user, who joins `Everyone` and the groups of their email domain (contract 4.3).
    pub fn create_user(&self, caller: &Caller, draft: UserDraft) -> Result<User, CreateUserError> {
        let now = self.clock.now();
        self.authorise(caller, Permission::ManageUsers)??;
        let account = Account { id: UserId(self.ids.next()), now, email_required: true };
        let new = draft.check(account).map_err(CreateUserError::Invalid)?;
        let hash = self.passwords.hash(&new.password)?;
        let stamp = SecurityStamp(self.ids.next());
        let done = self.store.write(|directory| {
            let admitted = self.admit(directory, caller, now)??;
            admitted.may(Permission::ManageUsers)?;
            // Only System Administrators choose it (contract 3.3).
            if new.user.password_change_frequency != Some(DEFAULT_PASSWORD_CHANGE_FREQUENCY)
                && !admitted.is_system_administrator()
            {
                return Err(Denied::NotPermitted.into());
            }
            register(directory, &new.user, Some(&hash), stamp, admitted.name_source(None))?;
            // The groups of an email domain may make an administrator.
            admitted.may_touch_user(directory, Permission::ManageUsers, new.user.id)??;
            let status = directory.account_status(new.user.id)?;
            let note = AuditNote::of_user(AdministratorsChange::UsersAdded, status.as_ref(), new.user.id);
            Ok(((), note))
        });
        self.noted(done).map(|()| new.user)
    }
}

/// Adds an account under names that are free, to the groups that it joins by being created (contract 4.3 and 5.6).
pub(super) fn register(
    directory: &mut dyn Writer,
    user: &User,
    hash: Option<&PasswordHash>,
    stamp: SecurityStamp,
    names: NameSource,
) -> Result<(), CreateUserError> {
    if directory.user_id(&UserIdentifier::Id(user.id))?.is_some() {
        return Err(CreateUserError::IdTaken(user.id));
    }
    if is_taken(directory, user.username.key())? {
        return Err(CreateUserError::UsernameTaken(user.username.as_str().to_owned()));
    }
    let mut groups = BTreeSet::new();
    if let Some(email) = &user.email {
        if is_taken(directory, email.key())? {
            return Err(CreateUserError::EmailTaken(email.as_str().to_owned()));
        }
        groups = directory.groups_for_domain(&email.domain().to_lowercase())?;
    }
    groups.extend(directory.group_id(&SystemGroup::Everyone.identifier())?);
    directory.insert_user(user, hash, stamp, names)?;
    for group in groups {
        directory.insert_members(group, &BTreeSet::from([user.id]), user.created)?;
    }
    Ok(())
}
