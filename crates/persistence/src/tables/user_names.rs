//! The names that identify a user: rows of `user_identifiers`, one for the key of the username and one for that of the email
//! address. If both keys are equal, it is one row.

use std::collections::BTreeSet;

use diesel::sql_types::{Bool, Text};
use guildhall_domain::ports::NameSource;
use guildhall_domain::user::{Email, User, UserId};

use crate::connection::AnyConnection;
use crate::dialect;
use crate::prepared::prepared;
use crate::sql_types::{Key, UuidSql};
use crate::together::{Part, run_together};
use crate::unit_of_work::Failure;

/// Selects the stored keys of a user.
pub(super) fn stored(user: Key) -> impl Part {
    prepared("SELECT identifier_key FROM user_identifiers WHERE user_id = $1").bind::<UuidSql, _>(user)
}

/// Adds the keys of a new user.
pub(super) fn insert(user: &User, source: NameSource) -> Vec<impl Part> {
    keys(user).into_iter().map(|key| insert_key(user.id, key, source)).collect()
}

/// Replaces the keys of `before` that changed, if any did. Keys that stay keep their source.
pub(super) fn update(
    connection: &mut AnyConnection,
    user: &User,
    before: &BTreeSet<String>,
    source: NameSource,
) -> Result<(), Failure> {
    let after = keys(user);
    if *before == after {
        return Ok(());
    }
    let removed: Vec<_> = before.difference(&after).map(|key| delete_key(user.id, key.clone())).collect();
    let added: Vec<_> = after.difference(before).map(|key| insert_key(user.id, key.clone(), source)).collect();
    // Cached listings that are sorted by username may be out of date.
    let (counted, noted) = (dialect::change_users(0), dialect::note_renamed(Key(user.id.0)));
    let mut changes: Vec<&dyn Part> = vec![&counted, &noted];
    changes.extend(removed.iter().map(|change| change as &dyn Part));
    changes.extend(added.iter().map(|change| change as &dyn Part));
    run_together(connection, &changes)?;
    Ok(())
}

fn keys(user: &User) -> BTreeSet<String> {
    let keys = [Some(user.username.key()), user.email.as_ref().map(Email::key)];
    keys.into_iter().flatten().map(|key| key.as_str().to_owned()).collect()
}

fn insert_key(user: UserId, key: String, source: NameSource) -> impl Part {
    prepared("INSERT INTO user_identifiers (identifier_key, user_id, by_authority) VALUES ($1, $2, $3)")
        .bind::<Text, _>(key)
        .bind::<UuidSql, _>(Key(user.0))
        .bind::<Bool, _>(source == NameSource::Authority)
}

fn delete_key(user: UserId, key: String) -> impl Part {
    prepared("DELETE FROM user_identifiers WHERE identifier_key = $1 AND user_id = $2")
        .bind::<Text, _>(key)
        .bind::<UuidSql, _>(Key(user.0))
}
