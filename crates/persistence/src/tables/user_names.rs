//! The names that identify a user: rows of `user_identifiers`, one for the key of the username and one for that of the email
//! address. If both keys are equal, it is one row.

use std::collections::BTreeSet;

use diesel::sql_types::{Bool, Text};
use guildhall_domain::ports::NameSource;
use guildhall_domain::user::{Email, User, UserId};

use crate::dialect;
use crate::prepared::prepared;
use crate::sql_types::{Key, UuidSql};
use crate::together::{IfFirst, Part, followed_by};

/// Adds the keys of a new user.
pub(super) fn insert(user: &User, source: NameSource) -> Vec<impl Part> {
    keys(user).into_iter().map(|key| insert_key(user.id, key, source)).collect()
}

/// Replaces the keys of the user who was `before`, if they changed. Keys that stay keep their source. The changes follow that of the user.
pub(super) fn update(before: &User, user: &User, source: NameSource) -> Vec<Box<dyn Part>> {
    let (before, after) = (keys(before), keys(user));
    if before == after {
        return Vec::new();
    }
    // Cached listings that are sorted by username may be out of date.
    let mut changes: Vec<Box<dyn Part>> =
        vec![Box::new(dialect::change_users(0)), Box::new(dialect::note_renamed(Key(user.id.0)))];
    changes.extend(before.difference(&after).map(|key| boxed(delete_key(user.id, key.clone()))));
    changes.extend(after.difference(&before).map(|key| boxed(replace_key(user.id, key.clone(), source))));
    changes
}

fn boxed(part: impl Part + 'static) -> Box<dyn Part> {
    Box::new(part)
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

fn replace_key(user: UserId, key: String, source: NameSource) -> impl Part {
    followed_by(
        prepared("INSERT INTO user_identifiers (identifier_key, user_id, by_authority) SELECT $1, $2, $3 WHERE true")
            .bind::<Text, _>(key)
            .bind::<UuidSql, _>(Key(user.0))
            .bind::<Bool, _>(source == NameSource::Authority),
        IfFirst,
    )
}

fn delete_key(user: UserId, key: String) -> impl Part {
    followed_by(
        prepared("DELETE FROM user_identifiers WHERE identifier_key = $1 AND user_id = $2")
            .bind::<Text, _>(key)
            .bind::<UuidSql, _>(Key(user.0)),
        IfFirst,
    )
}
