//! Which names get other keys, and which of them would be the same.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;
use guildhall_domain::name::NameKey;
use uuid::Uuid;

use super::PAGE;
use super::clashes::{Clash, Entity, NameClashes};
use crate::connection::AnyConnection;
use crate::dialect::Dialect;
use crate::schema::{groups, user_identifiers, users};
use crate::sql_types::Key;
use crate::unit_of_work::Failure;

/// What is to change. It holds nothing of the many rows whose keys stay.
#[derive(Default)]
pub(super) struct Plan {
    pub(super) users: BTreeMap<Key, UserNames>,
    pub(super) groups: BTreeMap<Key, GroupNames>,
    unusable: Vec<Clash>,
}

/// The names of a user whose keys change.
pub(super) struct UserNames {
    username: String,
    email: Option<String>,
    pub(super) username_key_before: String,
    /// The stored keys, and whether an authority gave them.
    before: BTreeMap<String, bool>,
}

/// The name of a group whose key changes.
pub(super) struct GroupNames {
    name: String,
    pub(super) key: String,
}

impl UserNames {
    pub(super) fn username_key(&self) -> String {
        key(&self.username)
    }

    /// The keys, and whether an authority gave them: each as before. Where two keys become one, it must have given both.
    pub(super) fn keys(&self) -> BTreeMap<String, bool> {
        let of_username = self.before.get(&self.username_key_before).copied();
        let of_email = self.before.iter().find(|(key, _)| **key != self.username_key_before).map(|(_, given)| *given);
        let mut keys = BTreeMap::from([(self.username_key(), of_username.unwrap_or(false))]);
        if let Some(email) = &self.email {
            let given = of_email.or(of_username).unwrap_or(false);
            keys.entry(key(email)).and_modify(|both| *both &= given).or_insert(given);
        }
        keys
    }

    fn text_of(&self, wanted: &str) -> &str {
        let email = self.email.as_deref().filter(|email| key(email) == wanted);
        email.filter(|_| self.username_key() != wanted).unwrap_or(&self.username)
    }
}

fn key(text: &str) -> String {
    NameKey::of(text).as_str().to_owned()
}

impl Plan {
    pub(super) fn of(connection: &mut AnyConnection) -> Result<Self, Failure> {
        let mut plan = Self::default();
        plan.add_users(connection)?;
        plan.add_groups(connection)?;
        Ok(plan)
    }

    fn add_users(&mut self, connection: &mut AnyConnection) -> Result<(), Failure> {
        let mut after = Key(Uuid::nil());
        loop {
            let rows: Vec<(Key, String, Option<String>, String)> = users::table
                .filter(users::id.gt(after))
                .order(users::id)
                .select((users::id, users::username, users::email, users::username_key))
                .limit(PAGE)
                .load(connection)?;
            let Some(last) = rows.last() else { return Ok(()) };
            after = last.0;
            let ids: Vec<Key> = rows.iter().map(|row| row.0).collect();
            let mut stored: BTreeMap<Key, BTreeMap<String, bool>> = BTreeMap::new();
            let identifiers: Vec<(Key, String, bool)> = user_identifiers::table
                .filter(user_identifiers::user_id.eq_any(ids))
                .select((user_identifiers::user_id, user_identifiers::identifier_key, user_identifiers::by_authority))
                .load(connection)?;
            for (user, key, given) in identifiers {
                stored.entry(user).or_default().insert(key, given);
            }
            for (id, username, email, username_key_before) in rows {
                self.check(Entity::User, id, [Some(&username), email.as_ref()]);
                let before = stored.remove(&id).unwrap_or_default();
                let names = UserNames { username, email, username_key_before, before };
                let is_same =
                    names.username_key() == names.username_key_before && names.keys().keys().eq(names.before.keys());
                if !is_same {
                    self.users.insert(id, names);
                }
            }
        }
    }

    fn add_groups(&mut self, connection: &mut AnyConnection) -> Result<(), Failure> {
        let mut after = Key(Uuid::nil());
        loop {
            let rows: Vec<(Key, String, String)> = groups::table
                .filter(groups::id.gt(after))
                .order(groups::id)
                .select((groups::id, groups::name, groups::name_key))
                .limit(PAGE)
                .load(connection)?;
            let Some(last) = rows.last() else { return Ok(()) };
            after = last.0;
            for (id, name, before) in rows {
                self.check(Entity::Group, id, [Some(&name), None]);
                let key = key(&name);
                if key != before {
                    self.groups.insert(id, GroupNames { name, key });
                }
            }
        }
    }

    /// Notes names that can have no key of their own.
    fn check(&mut self, entity: Entity, id: Key, names: [Option<&String>; 2]) {
        for name in names.into_iter().flatten() {
            let key = NameKey::of(name);
            if key.is_empty() || key.is_too_long() {
                self.unusable.push(Clash { entity, named: vec![(id.0, name.clone())] });
            }
        }
    }

    /// The names that would be the same, if any are.
    pub(super) fn clashes(&self, connection: &mut AnyConnection) -> Result<Option<NameClashes>, Failure> {
        let mut clashes = self.unusable.clone();
        let claims = self.claims_of_users(connection)?;
        clashes.extend(contested(Entity::User, claims));
        let claims = self.claims_of_groups(connection)?;
        clashes.extend(contested(Entity::Group, claims));
        let dialect = Dialect::of(connection);
        Ok((!clashes.is_empty()).then_some(NameClashes { dialect, clashes }))
    }

    fn claims_of_users(&self, connection: &mut AnyConnection) -> Result<Claims, Failure> {
        let mut claims = Claims::new();
        for (id, names) in &self.users {
            for key in names.keys().into_keys() {
                claims.entry(key.clone()).or_default().insert(id.0, names.text_of(&key).to_owned());
            }
        }
        let keys: Vec<String> = claims.keys().cloned().collect();
        for keys in keys.chunks(1000) {
            let holders: Vec<(String, Key, String, Option<String>)> = user_identifiers::table
                .inner_join(users::table)
                .filter(user_identifiers::identifier_key.eq_any(keys))
                .select((user_identifiers::identifier_key, users::id, users::username, users::email))
                .load(connection)?;
            for (held, id, username, email) in holders.into_iter().filter(|(_, id, ..)| !self.users.contains_key(id)) {
                let text = if key(&username) == held { username } else { email.unwrap_or(username) };
                claims.entry(held).or_default().insert(id.0, text);
            }
        }
        Ok(claims)
    }

    fn claims_of_groups(&self, connection: &mut AnyConnection) -> Result<Claims, Failure> {
        let mut claims = Claims::new();
        for (id, names) in &self.groups {
            claims.entry(names.key.clone()).or_default().insert(id.0, names.name.clone());
        }
        let keys: Vec<String> = claims.keys().cloned().collect();
        for keys in keys.chunks(1000) {
            let holders: Vec<(String, Key, String)> = groups::table
                .filter(groups::name_key.eq_any(keys))
                .select((groups::name_key, groups::id, groups::name))
                .load(connection)?;
            for (held, id, name) in holders.into_iter().filter(|(_, id, _)| !self.groups.contains_key(id)) {
                claims.entry(held).or_default().insert(id.0, name);
            }
        }
        Ok(claims)
    }
}

/// Keys, and who would have them, by which name.
type Claims = BTreeMap<String, BTreeMap<Uuid, String>>;

fn contested(entity: Entity, claims: Claims) -> impl Iterator<Item = Clash> {
    // Two clashes between the same two users are one.
    let contested: BTreeSet<_> = claims.into_values().filter(|named| named.len() > 1).collect();
    contested.into_iter().map(move |named| Clash { entity, named: named.into_iter().collect() })
}
