//! Adding accounts, for users and API keys alike.

use std::collections::BTreeSet;

use super::{CreateUserError, is_taken};
use crate::group::SystemGroup;
use crate::identifier::UserIdentifier;
use crate::password::PasswordHash;
use crate::ports::{NameSource, Writer};
use crate::user::{SecurityStamp, User};

/// Adds an account, whose id and names must be free, with its initial memberships (contract 4.3 and 5.6).
pub(super) fn register(
    store: &mut dyn Writer,
    user: &User,
    hash: Option<&PasswordHash>,
    stamp: SecurityStamp,
    names: NameSource,
) -> Result<(), CreateUserError> {
    if store.user_id(&UserIdentifier::Id(user.id))?.is_some() {
        return Err(CreateUserError::IdTaken(user.id));
    }
    if is_taken(store, user.username.key())? {
        return Err(CreateUserError::UsernameTaken(user.username.as_str().to_owned()));
    }
    let mut groups = BTreeSet::new();
    if let Some(email) = &user.email {
        if is_taken(store, email.key())? {
            return Err(CreateUserError::EmailTaken(email.as_str().to_owned()));
        }
        if let Some(domain) = email.domain() {
            groups = store.groups_for_domain(&domain)?;
        }
    }
    groups.extend(store.group_id(&SystemGroup::Everyone.identifier())?);
    store.insert_user(user, hash, stamp, names)?;
    for group in groups {
        store.insert_members(group, &BTreeSet::from([user.id]), user.created)?;
    }
    Ok(())
}
