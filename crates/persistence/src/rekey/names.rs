//! Replaces the keys of names. Nothing of the names is held in memory but those of a page, and those that clash.
//!
//! First, all keys that change are given up: a key may be the one of before of a name that was changed to make room for it. A key that
//! was given up stays where it was, behind a mark that no key begins with. Then the names whose keys are marked get their own.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel::sql_types::Text;
use guildhall_domain::name::NameKey;
use uuid::Uuid;

use super::PAGE;
use super::clashes::{Clashes, Entity};
use crate::connection::AnyConnection;
use crate::dialect;
use crate::schema::{groups, user_identifiers, users};
use crate::sql_types::Key;
use crate::together::run_together;
use crate::unit_of_work::Failure;

/// The mark of a key that was given up: a control character, which is in no name.
const MARK: &str = "\u{1}";
/// What follows all marked keys. No key is before them.
const AFTER_MARK: &str = "\u{2}";

/// The names of a user, and the keys that are stored for them.
struct UserNames {
    id: Key,
    username: String,
    email: Option<String>,
    username_key_before: String,
    /// The stored keys, and whether an authority gave them.
    before: BTreeMap<String, bool>,
}

impl UserNames {
    fn username_key(&self) -> String {
        key(&self.username)
    }

    /// The keys, and whether an authority gave them: each as before. Where two keys become one, it must have given both.
    fn keys(&self) -> BTreeMap<String, bool> {
        let of_username = self.before.get(&self.username_key_before).copied();
        let of_email = self.before.iter().find(|(key, _)| **key != self.username_key_before).map(|(_, given)| *given);
        let mut keys = BTreeMap::from([(self.username_key(), of_username.unwrap_or(false))]);
        if let Some(email) = &self.email {
            let given = of_email.or(of_username).unwrap_or(false);
            keys.entry(key(email)).and_modify(|both| *both &= given).or_insert(given);
        }
        keys
    }

    fn is_changed(&self) -> bool {
        self.username_key() != self.username_key_before || !self.keys().keys().eq(self.before.keys())
    }

    /// Which of the names has this key.
    fn text_of(&self, wanted: &str) -> &str {
        let email = self.email.as_deref().filter(|email| key(email) == wanted);
        email.filter(|_| self.username_key() != wanted).unwrap_or(&self.username)
    }
}

fn key(text: &str) -> String {
    NameKey::of(text).as_str().to_owned()
}

/// A user's id, username, email address and stored key.
type UserRow = (Key, String, Option<String>, String);

/// Replaces the keys of users.
pub(super) fn of_users(connection: &mut AnyConnection, clashes: &mut Clashes) -> Result<(), Failure> {
    give_up_users(connection, clashes)?;
    let mut after = String::new();
    let mut is_any_renamed = false;
    while clashes.has_room() {
        let rows: Vec<UserRow> = users::table
            .filter(users::username_key.gt(&after).and(users::username_key.lt(AFTER_MARK)))
            .order(users::username_key)
            .select((users::id, users::username, users::email, users::username_key))
            .limit(PAGE)
            .load(connection)?;
        let Some(last) = rows.last() else { break };
        after.clone_from(&last.3);
        is_any_renamed = true;
        for user in with_identifiers(connection, rows)? {
            rename_user(connection, &user, clashes)?;
        }
    }
    if is_any_renamed {
        run_together(connection, &[&dialect::change_users(0)])?;
    }
    Ok(())
}

fn give_up_users(connection: &mut AnyConnection, clashes: &mut Clashes) -> Result<(), Failure> {
    let mut after = Key(Uuid::nil());
    while clashes.has_room() {
        let rows: Vec<UserRow> = users::table
            .filter(users::id.gt(after))
            .order(users::id)
            .select((users::id, users::username, users::email, users::username_key))
            .limit(PAGE)
            .load(connection)?;
        let Some(last) = rows.last() else { break };
        after = last.0;
        for user in with_identifiers(connection, rows)? {
            let unusable =
                [Some(&user.username), user.email.as_ref()].into_iter().flatten().find(|name| is_unusable(name));
            if let Some(name) = unusable {
                clashes.add_unusable(Entity::User, user.id, name);
            } else if user.is_changed() {
                let marked = MARK.into_sql::<Text>().concat(user_identifiers::identifier_key);
                diesel::update(user_identifiers::table.filter(user_identifiers::user_id.eq(user.id)))
                    .set(user_identifiers::identifier_key.eq(marked))
                    .execute(connection)?;
                let marked = MARK.into_sql::<Text>().concat(users::username_key);
                diesel::update(users::table.find(user.id)).set(users::username_key.eq(marked)).execute(connection)?;
            }
        }
    }
    Ok(())
}

/// The users of these rows with their stored keys, without marks.
fn with_identifiers(connection: &mut AnyConnection, rows: Vec<UserRow>) -> Result<Vec<UserNames>, Failure> {
    let ids: Vec<Key> = rows.iter().map(|row| row.0).collect();
    let identifiers: Vec<(Key, String, bool)> = user_identifiers::table
        .filter(user_identifiers::user_id.eq_any(ids))
        .select((user_identifiers::user_id, user_identifiers::identifier_key, user_identifiers::by_authority))
        .load(connection)?;
    let mut stored: BTreeMap<Key, BTreeMap<String, bool>> = BTreeMap::new();
    for (user, key, given) in identifiers {
        stored.entry(user).or_default().insert(without_mark(key), given);
    }
    let named = |(id, username, email, key): UserRow| {
        let before = stored.remove(&id).unwrap_or_default();
        UserNames { id, username, email, username_key_before: without_mark(key), before }
    };
    Ok(rows.into_iter().map(named).collect())
}

fn without_mark(key: String) -> String {
    key.strip_prefix(MARK).map(str::to_owned).unwrap_or(key)
}

fn is_unusable(name: &str) -> bool {
    let key = NameKey::of(name);
    key.is_empty() || key.is_too_long()
}

/// Gives a user, whose keys were given up, the present ones, unless another user has one of them.
fn rename_user(connection: &mut AnyConnection, user: &UserNames, clashes: &mut Clashes) -> Result<(), Failure> {
    diesel::delete(user_identifiers::table.filter(user_identifiers::user_id.eq(user.id))).execute(connection)?;
    let mut is_free = true;
    for (key, by_authority) in user.keys() {
        let holder: Option<(Key, String, Option<String>)> = user_identifiers::table
            .inner_join(users::table)
            .filter(user_identifiers::identifier_key.eq(&key))
            .select((users::id, users::username, users::email))
            .first(connection)
            .optional()?;
        if let Some((id, username, email)) = holder {
            let names = UserNames { id, username, email, username_key_before: String::new(), before: BTreeMap::new() };
            let (holder, other) = ((id, names.text_of(&key)), (user.id, user.text_of(&key)));
            clashes.add(Entity::User, &key, [holder, other]);
            is_free = false;
        } else {
            diesel::insert_into(user_identifiers::table)
                .values((
                    user_identifiers::identifier_key.eq(&key),
                    user_identifiers::user_id.eq(user.id),
                    user_identifiers::by_authority.eq(by_authority),
                ))
                .execute(connection)?;
        }
    }
    if is_free {
        let key = user.username_key();
        diesel::update(users::table.find(user.id)).set(users::username_key.eq(key)).execute(connection)?;
        run_together(connection, &[&dialect::note_renamed(user.id)])?;
    }
    Ok(())
}

/// Replaces the keys of groups.
pub(super) fn of_groups(connection: &mut AnyConnection, clashes: &mut Clashes) -> Result<(), Failure> {
    give_up_groups(connection, clashes)?;
    let mut after = String::new();
    while clashes.has_room() {
        let rows: Vec<(Key, String, String)> = groups::table
            .filter(groups::name_key.gt(&after).and(groups::name_key.lt(AFTER_MARK)))
            .order(groups::name_key)
            .select((groups::id, groups::name, groups::name_key))
            .limit(PAGE)
            .load(connection)?;
        let Some(last) = rows.last() else { break };
        after.clone_from(&last.2);
        for (id, name, _) in rows {
            let key = key(&name);
            let holder: Option<(Key, String)> = groups::table
                .filter(groups::name_key.eq(&key))
                .select((groups::id, groups::name))
                .first(connection)
                .optional()?;
            if let Some((holder, theirs)) = holder {
                clashes.add(Entity::Group, &key, [(holder, &theirs), (id, &name)]);
            } else {
                diesel::update(groups::table.find(id)).set(groups::name_key.eq(key)).execute(connection)?;
            }
        }
    }
    Ok(())
}

fn give_up_groups(connection: &mut AnyConnection, clashes: &mut Clashes) -> Result<(), Failure> {
    let mut after = Key(Uuid::nil());
    while clashes.has_room() {
        let rows: Vec<(Key, String, String)> = groups::table
            .filter(groups::id.gt(after))
            .order(groups::id)
            .select((groups::id, groups::name, groups::name_key))
            .limit(PAGE)
            .load(connection)?;
        let Some(last) = rows.last() else { break };
        after = last.0;
        for (id, name, before) in rows {
            if is_unusable(&name) {
                clashes.add_unusable(Entity::Group, id, &name);
            } else if key(&name) != before {
                let marked = format!("{MARK}{before}");
                diesel::update(groups::table.find(id)).set(groups::name_key.eq(marked)).execute(connection)?;
            }
        }
    }
    Ok(())
}
