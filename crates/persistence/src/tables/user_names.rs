//! The names that identify a user: rows of `user_identifiers`, one for the key of the username and one for that of the email
//! address. If both keys are equal, it is one row.

use std::collections::BTreeSet;

use diesel::prelude::*;
use guildhall_domain::ports::NameSource;
use guildhall_domain::user::{Email, User, UserId};

use crate::connection::AnyConnection;
use crate::schema::user_identifiers;
use crate::sql_types::Key;
use crate::unit_of_work::Failure;

/// The stored keys of a user.
pub(super) fn stored(connection: &mut AnyConnection, id: UserId) -> Result<BTreeSet<String>, Failure> {
    let keys: Vec<String> = user_identifiers::table
        .filter(user_identifiers::user_id.eq(Key(id.0)))
        .select(user_identifiers::identifier_key)
        .load(connection)?;
    Ok(keys.into_iter().collect())
}

/// Adds the keys of a new user.
pub(super) fn insert(connection: &mut AnyConnection, user: &User, source: NameSource) -> Result<(), Failure> {
    insert_keys(connection, user.id, &keys(user), source)
}

/// Replaces the keys that changed, and returns whether any did. Keys that stay keep their source.
pub(super) fn update(connection: &mut AnyConnection, user: &User, source: NameSource) -> Result<bool, Failure> {
    let (before, after) = (stored(connection, user.id)?, keys(user));
    if before == after {
        return Ok(false);
    }
    let theirs = user_identifiers::table.filter(user_identifiers::user_id.eq(Key(user.id.0)));
    diesel::delete(theirs.filter(user_identifiers::identifier_key.eq_any(&before - &after))).execute(connection)?;
    insert_keys(connection, user.id, &(&after - &before), source)?;
    Ok(true)
}

fn keys(user: &User) -> BTreeSet<String> {
    let keys = [Some(user.username.key()), user.email.as_ref().map(Email::key)];
    keys.into_iter().flatten().map(|key| key.as_str().to_owned()).collect()
}

fn insert_keys(
    connection: &mut AnyConnection,
    user: UserId,
    keys: &BTreeSet<String>,
    source: NameSource,
) -> Result<(), Failure> {
    for key in keys {
        diesel::insert_into(user_identifiers::table)
            .values((
                user_identifiers::identifier_key.eq(key),
                user_identifiers::user_id.eq(Key(user.0)),
                user_identifiers::by_authority.eq(source == NameSource::Authority),
            ))
            .execute(connection)?;
    }
    Ok(())
}
