//! Adding accounts, for users and API keys alike.

use super::CreateUserError;
use crate::password::PasswordHash;
use crate::ports::{NameSource, Registration, Writer};
use crate::provenance::Provenance;
use crate::user::{SecurityStamp, User};

/// Fails unless the id and the names of a new account are free.
pub(super) fn check_names(registration: &Registration, user: &User) -> Result<(), CreateUserError> {
    if registration.has_id {
        return Err(CreateUserError::IdTaken(user.id));
    }
    if registration.has_username {
        return Err(CreateUserError::UsernameTaken(user.username.as_str().to_owned()));
    }
    match &user.email {
        Some(email) if registration.has_email => Err(CreateUserError::EmailTaken(email.as_str().to_owned())),
        _ => Ok(()),
    }
}

/// Adds an account, whose id and names must be free, with its initial memberships (contract 4.3 and 5.6).
pub(super) fn register(
    store: &mut dyn Writer,
    registration: &Registration,
    user: &User,
    hash: Option<&PasswordHash>,
    (stamp, names): (SecurityStamp, NameSource),
    added: Provenance,
) -> Result<(), CreateUserError> {
    check_names(registration, user)?;
    store.insert_member_of((&registration.groups, added), user, hash, stamp, names)?;
    Ok(())
}
