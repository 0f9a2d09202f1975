//! Accounts: listing, reading, changing and deleting users (contract 4.1 and 4.4 to 4.8).

use super::{Directory, is_taken_by_another, user_id};
use crate::access::{Caller, Denied, Permission};
use crate::identifier::UserIdentifier;
use crate::name::NameKey;
use crate::page::Paged;
use crate::ports::{Credentials, Reader, StoreError, Writer};
use crate::request::{AdministratorsChange, AuditNote};
use crate::search::UserListing;
use crate::user::{User, UserChanges};
use crate::validation::InvalidField;
use crate::version::Precondition;

/// Why a user was not read.
#[derive(Debug, thiserror::Error)]
pub enum ReadUserError {
    /// The caller may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// No user has this identifier.
    #[error("user not found")]
    UserNotFound,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a user was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeUserError {
    /// The caller may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// No user has this identifier.
    #[error("user not found")]
    UserNotFound,
    /// The user is in another state than the caller wants to change.
    #[error("the user has changed")]
    Stale,
    /// Fields are not as they must be.
    #[error("there are validation errors")]
    Invalid(Vec<InvalidField>),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a user was not deleted.
#[derive(Debug, thiserror::Error)]
pub enum DeleteUserError {
    /// The caller may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// No user has this identifier.
    #[error("user not found")]
    UserNotFound,
    /// The user is in another state than the caller wants to delete.
    #[error("the user has changed")]
    Stale,
    /// Nobody could administer any more (contract 10 row 12).
    #[error("the last System Administrator cannot be deleted")]
    LastAdministrator,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Directory {
    /// A page of all users, by username (contract 4.1).
    pub fn users(&self, caller: &Caller, listing: &UserListing) -> Result<Paged<User>, ReadUserError> {
        let now = self.clock.now();
        self.read(|directory| {
            self.admit(directory, caller, now)??.may(Permission::ReadUsers)?;
            Ok(directory.users(listing)?)
        })
    }

    /// Reads a user (contract 4.4).
    pub fn user(&self, caller: &Caller, user: &UserIdentifier) -> Result<User, ReadUserError> {
        let now = self.clock.now();
        self.read(|directory| {
            let target = user_id(directory, caller, user)?;
            let admitted = self.admit(directory, caller, now)??;
            admitted.may_about_even_before_reset(Permission::ReadUsers, target)?;
            let target = target.ok_or(ReadUserError::UserNotFound)?;
            admitted.may_touch_user(directory, Permission::ReadUsers, target)??;
            directory.user(target)?.ok_or(ReadUserError::UserNotFound)
        })
    }

    /// Changes a user and says what they are like then (contract 4.5 to 4.7).
    pub fn change_user(
        &self,
        caller: &Caller,
        user: &UserIdentifier,
        changes: &UserChanges,
        precondition: &Precondition,
    ) -> Result<User, ChangeUserError> {
        let now = self.clock.now();
        let mut work = |directory: &mut dyn Writer| {
            let target = user_id(directory, caller, user)?;
            let admitted = self.admit(directory, caller, now)??;
            admitted.may_about(Permission::ManageUsers, target)?;
            let target = target.ok_or(ChangeUserError::UserNotFound)?;
            admitted.may_touch_user(directory, Permission::ManageUsers, target)??;
            let current = directory.user_to_change(target)?.ok_or(ChangeUserError::UserNotFound)?;
            if changes.needs_administrator(&current)
                || (changes.renames(&current) && !directory.identities_of(target)?.is_empty())
            {
                admitted.may(Permission::ManageUsers)?;
            }
            if changes
                .password_change_frequency
                .is_some_and(|days| days != current.password_change_frequency.map(i64::from))
                && !admitted.is_system_administrator()
            {
                return Err(Denied::NotPermitted.into());
            }
            if !precondition.allows(current.version) {
                return Err(ChangeUserError::Stale);
            }
            let wanted = changes.clone().apply(&current, now).map_err(ChangeUserError::Invalid)?;
            names_are_free(directory, &wanted)?;
            if wanted == current {
                return Ok((current, None));
            }
            let names = admitted.name_source(Some(target));
            directory.update_user(&wanted, &Credentials { names, ..Credentials::default() })?;
            if closes_earlier(&current, &wanted) && is_last_administrator(directory, &wanted)? {
                return Err(invalid("expiry", "The last System Administrator cannot expire"));
            }
            let status = if wanted.expiry == current.expiry { None } else { directory.account_status(target)? };
            let note = AuditNote::of_user(AdministratorsChange::ExpiryChanged, status.as_ref(), target);
            Ok((User { version: wanted.version.next(), ..wanted }, note))
        };
        let done = if changes.sets_expiry() { self.store.write_alone(&mut work) } else { self.store.write(&mut work) };
        self.noted(done)
    }

    /// Deletes a user: an administrator anybody but themselves, others themselves alone (contract 4.8).
    pub fn delete_user(
        &self,
        caller: &Caller,
        user: &UserIdentifier,
        precondition: &Precondition,
    ) -> Result<(), DeleteUserError> {
        let now = self.clock.now();
        let done = self.store.write_alone(|directory| {
            let target = user_id(directory, caller, user)?;
            let admitted = self.admit(directory, caller, now)??;
            admitted.may_about(Permission::ManageUsers, target)?;
            let target = target.ok_or(DeleteUserError::UserNotFound)?;
            admitted.may_touch_user(directory, Permission::ManageUsers, target)??;
            let status = directory.account_status(target)?;
            if admitted.is(Some(target)) && status.as_ref().is_some_and(|status| status.system_administrator) {
                return Err(Denied::NotPermitted.into());
            }
            let current = directory.user_to_change(target)?.ok_or(DeleteUserError::UserNotFound)?;
            if !precondition.allows(current.version) {
                return Err(DeleteUserError::Stale);
            }
            directory.delete_user(target)?;
            if !directory.has_active_administrator(now)? {
                return Err(DeleteUserError::LastAdministrator);
            }
            let note = AuditNote::of_user(AdministratorsChange::UserDeleted, status.as_ref(), target);
            Ok(((), note))
        });
        self.noted(done)
    }
}

/// Whether the account as it is wanted closes on a date, and before it would have.
fn closes_earlier(current: &User, wanted: &User) -> bool {
    wanted.expiry.is_some_and(|expiry| current.expiry.is_none_or(|before| expiry < before))
}

/// Whether nobody would administer on the day on which this account, an administrator's, closes.
fn is_last_administrator(directory: &mut dyn Reader, user: &User) -> Result<bool, StoreError> {
    let Some(expiry) = user.expiry else { return Ok(false) };
    let administers = directory.account_status(user.id)?.is_some_and(|status| status.system_administrator);
    Ok(administers && !directory.has_active_administrator(expiry)?)
}

/// Refuses a username or an address that another user has (contract 10 row 22).
fn names_are_free(directory: &mut dyn Writer, user: &User) -> Result<(), ChangeUserError> {
    let mut taken = Vec::new();
    let mut check = |field: &str, key: NameKey, message: &str| -> Result<(), StoreError> {
        if is_taken_by_another(directory, key, user.id)? {
            taken.push(InvalidField::new(field, message));
        }
        Ok(())
    };
    check("username", user.username.key(), "The username is already in use")?;
    if let Some(email) = &user.email {
        check("email", email.key(), "The email address is already in use")?;
    }
    if taken.is_empty() { Ok(()) } else { Err(ChangeUserError::Invalid(taken)) }
}

fn invalid(field: &str, message: &str) -> ChangeUserError {
    ChangeUserError::Invalid(vec![InvalidField::new(field, message)])
}
