//! Users: listing, creating, reading, changing and deleting them (contract 4.1 and 4.3 to 4.8).

use super::Directory;
use super::opening::about_new_user;
use super::registration::check_names;
use super::unit_of_work::{Finish, Turn, Writing};
use crate::access::{Denied, On, Permission, Refused, Target, contains_refused};
use crate::audit::{AdministratorsChange, AuditNote};
use crate::context::Context;
use crate::identifier::UserIdentifier;
use crate::name::NameKey;
use crate::page::Paged;
use crate::ports::{
    AccountStatus, Credentials, PasswordsError, Purpose, Reader, StoreError, UserForUpdate, UserToChange,
};
use crate::search::UserListing;
use crate::user::{Account, DEFAULT_PASSWORD_CHANGE_FREQUENCY, SecurityStamp, User, UserChanges, UserDraft, UserId};
use crate::validation::InvalidField;
use crate::version::Precondition;

/// Why a user was not created.
#[derive(Debug, thiserror::Error)]
pub enum CreateUserError {
    /// Fields are invalid.
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
    /// The actor lacks the permission, or the store failed.
    #[error(transparent)]
    Refused(#[from] Refused),
}

/// Why a user was not read.
#[derive(Debug, thiserror::Error)]
pub enum ReadUserError {
    /// No user has this identifier.
    #[error("user not found")]
    UserNotFound,
    /// The actor lacks the permission, or the store failed.
    #[error(transparent)]
    Refused(#[from] Refused),
}

/// Why a user was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeUserError {
    /// No user has this identifier.
    #[error("user not found")]
    UserNotFound,
    /// The precondition does not hold for the present version of the user.
    #[error("the user has changed")]
    Stale,
    /// Fields are invalid.
    #[error("there are validation errors")]
    Invalid(Vec<InvalidField>),
    /// The actor lacks the permission, or the store failed.
    #[error(transparent)]
    Refused(#[from] Refused),
}

/// Why a user was not deleted.
#[derive(Debug, thiserror::Error)]
pub enum DeleteUserError {
    /// No user has this identifier.
    #[error("user not found")]
    UserNotFound,
    /// The precondition does not hold for the present version of the user.
    #[error("the user has changed")]
    Stale,
    /// It would remove the last active System Administrator (contract 10 row 12).
    #[error("the last System Administrator cannot be deleted")]
    LastAdministrator,
    /// The actor lacks the permission, or the store failed.
    #[error(transparent)]
    Refused(#[from] Refused),
}

contains_refused!(CreateUserError, ReadUserError, ChangeUserError, DeleteUserError);

impl Directory<'_> {
    /// A page of all users, by username (contract 4.1).
    pub fn users(&self, context: &Context, listing: &UserListing) -> Result<Paged<User>, ReadUserError> {
        self.read(context, |work| {
            work.authorise(Permission::ReadUsers, Target::All)?;
            Ok(work.users(listing)?)
        })
    }

    /// Creates a user, who joins `Everyone` and the groups of their email domain (contract 4.3).
    pub fn create_user(&self, context: &Context, draft: UserDraft) -> Result<User, CreateUserError> {
        // Before anything is hashed.
        self.authorise(context, Permission::CreateUsers, On::All)?;
        let account = Account { id: UserId(self.ids.next()), now: context.now(), email_required: true };
        let new = draft.check(account).map_err(CreateUserError::Invalid)?;
        let hash = self.passwords.hash(&new.password)?;
        let stamp = SecurityStamp(self.ids.next());
        let ask = about_new_user(&new.user);
        self.write_about(
            context,
            Turn::Once,
            |store, caller| ask(store, caller),
            |work, registration| {
                work.authorise(Permission::CreateUsers, Target::All)?;
                // Only System Administrators choose it (contract 3.3).
                if new.user.password_change_frequency != Some(DEFAULT_PASSWORD_CHANGE_FREQUENCY)
                    && !work.actor.is_system_administrator()
                {
                    return Err(Denied::NotPermitted.into());
                }
                check_names(&registration, &new.user)?;
                let status = registration.account(&new.user, stamp);
                // The groups of an email domain may make an administrator.
                work.authorise(Permission::CreateUsers, Target::Account(new.user.id, &status))?;
                let names = work.actor.name_source(None);
                let added = work.provenance(context);
                work.insert_member_of((&registration.groups, added), &new.user, Some(&hash), stamp, names)?;
                work.note(AuditNote::of_user(AdministratorsChange::UsersAdded, Some(&status), new.user.id));
                Ok(Finish::Commit(new.user.clone()))
            },
        )
    }

    /// Reads a user (contract 4.4).
    pub fn user(&self, context: &Context, user: &UserIdentifier) -> Result<User, ReadUserError> {
        let ask = |caller| self.store.user_for(context.cancellation(), caller, user);
        let (oneself, missing) = (|user: &User| Some(user.id), ReadUserError::UserNotFound);
        if let Some(user) = self.find(context, Permission::ReadUsers, ask, oneself, missing)? {
            return Ok(user);
        }
        self.read_user(context, Permission::ReadUsers, user, |work, user| {
            let user = user.ok_or(ReadUserError::UserNotFound)?;
            work.user(user.id)?.ok_or(ReadUserError::UserNotFound)
        })
    }

    /// Changes a user and returns them as they are then (contract 4.5 to 4.7).
    pub fn change_user(
        &self,
        context: &Context,
        user: &UserIdentifier,
        changes: &UserChanges,
        precondition: &Precondition,
    ) -> Result<User, ChangeUserError> {
        let change = |work: &mut Writing<'_>, change: UserForUpdate| {
            let UserToChange { user: current, status, is_linked, .. } =
                change.user.ok_or(ChangeUserError::UserNotFound)?;
            let target = current.id;
            if changes.needs_administrator(&current) || (changes.renames(&current) && is_linked) {
                work.authorise(Permission::ManageUsers, Target::Account(target, &status))?;
            }
            if changes
                .password_change_frequency
                .is_some_and(|days| days != current.password_change_frequency.map(i64::from))
                && !work.actor.is_system_administrator()
            {
                return Err(Denied::NotPermitted.into());
            }
            if !precondition.allows(current.version) {
                return Err(ChangeUserError::Stale);
            }
            let wanted = changes.clone().apply(&current, context.now()).map_err(ChangeUserError::Invalid)?;
            names_are_free(&current, &wanted, change.owners)?;
            if wanted == current {
                return Ok(Finish::Rollback(current));
            }
            let names = work.actor.name_source(Some(target));
            work.update_user(&current, &wanted, &Credentials { names, ..Credentials::default() })?;
            if closes_earlier(&current, &wanted) && is_last_administrator(work.store, &status)? {
                return Err(invalid("expiry", "The last System Administrator cannot expire"));
            }
            if wanted.expiry != current.expiry {
                work.note(AuditNote::of_user(AdministratorsChange::ExpiryChanged, Some(&status), target));
            }
            Ok(Finish::Commit(User { version: wanted.version.next(), ..wanted }))
        };
        // An expiry date may take the last administrator away.
        let turn = if changes.sets_expiry() { Turn::Alone } else { Turn::Once };
        let names = changes.name_keys();
        let purpose = Purpose::Change([names[0].as_ref(), names[1].as_ref()]);
        self.change_one_user(context, (turn, Permission::ChangeUsers), (user, purpose), change)
    }

    /// Deletes a user: an administrator anybody but themselves, others themselves alone (contract 4.8).
    pub fn delete_user(
        &self,
        context: &Context,
        user: &UserIdentifier,
        precondition: &Precondition,
    ) -> Result<(), DeleteUserError> {
        let kind = (Turn::Alone, Permission::ChangeUsers);
        self.change_one_user(context, kind, (user, Purpose::Deletion), |work, change| {
            let UserToChange { user: current, status, .. } = change.user.ok_or(DeleteUserError::UserNotFound)?;
            if work.actor.is(current.id) && status.system_administrator {
                return Err(Denied::NotPermitted.into());
            }
            if !precondition.allows(current.version) {
                return Err(DeleteUserError::Stale);
            }
            work.delete_user(current.id, context.now())?;
            if status.system_administrator && !work.has_lasting_administrator()? {
                return Err(DeleteUserError::LastAdministrator);
            }
            work.note(AuditNote::of_user(AdministratorsChange::UserDeleted, Some(&status), current.id));
            Ok(Finish::Commit(()))
        })
    }
}

/// Whether the change sets an expiry, or an earlier one.
fn closes_earlier(current: &User, wanted: &User) -> bool {
    wanted.expiry.is_some_and(|expiry| current.expiry.is_none_or(|before| expiry < before))
}

/// Whether the user administers the system, and nobody is left who always will.
fn is_last_administrator(store: &mut dyn Reader, status: &AccountStatus) -> Result<bool, StoreError> {
    Ok(status.system_administrator && !store.has_lasting_administrator()?)
}

/// Refuses a username or an address that one of the `owners` has who is another user (contract 10 row 22). Nobody else has those of before.
fn names_are_free(current: &User, user: &User, owners: [Option<UserId>; 2]) -> Result<(), ChangeUserError> {
    let (mut taken, own, [username_owner, email_owner]) = (Vec::new(), current.name_keys(), owners);
    let mut check = |field: &str, key: NameKey, owner: Option<UserId>, message: &str| {
        if !own.contains(&key) && owner.is_some_and(|owner| owner != user.id) {
            taken.push(InvalidField::new(field, message));
        }
    };
    check("username", user.username.key(), username_owner, "The username is already in use");
    if let Some(email) = &user.email {
        check("email", email.key(), email_owner, "The email address is already in use");
    }
    if taken.is_empty() { Ok(()) } else { Err(ChangeUserError::Invalid(taken)) }
}

fn invalid(field: &str, message: &str) -> ChangeUserError {
    ChangeUserError::Invalid(vec![InvalidField::new(field, message)])
}
