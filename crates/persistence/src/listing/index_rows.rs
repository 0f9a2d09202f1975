//! The rows and columns by which users and groups are searched and sorted. They change in the transaction that changes the user or
//! the group.

use std::collections::BTreeMap;

use diesel::prelude::*;
use guildhall_domain::custom::Custom;
use guildhall_domain::group::Group;
use guildhall_domain::name::TextKey;
use guildhall_domain::search::{custom_text, names};
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::{User, UserId};

use crate::connection::AnyConnection;
use crate::schema::{groups, user_search};
use crate::sql_types::{Json, Key};
use crate::unit_of_work::Failure;

/// A row of `user_search`: the keys by which the texts of a user are searched and sorted.
#[derive(Queryable, Selectable, Insertable, AsChangeset, PartialEq)]
#[diesel(table_name = user_search, treat_none_as_default_value = false, treat_none_as_null = true)]
pub(crate) struct SearchRow {
    user_id: Key,
    email_key: Option<String>,
    first_name_key: Option<String>,
    last_name_key: Option<String>,
    timezone_key: String,
    language_key: String,
    provider_name_key: String,
    names_key: String,
    custom_keys: Json,
}

fn key(text: &str) -> String {
    TextKey::of(text).as_str().to_owned()
}

fn search_row(user: &User) -> SearchRow {
    SearchRow {
        user_id: Key(user.id.0),
        email_key: user.email.as_ref().map(|email| email.key().as_str().to_owned()),
        first_name_key: user.first_name.as_deref().map(key),
        last_name_key: user.last_name.as_deref().map(key),
        timezone_key: key(&user.timezone),
        language_key: key(&user.language),
        provider_name_key: key(&user.provider.name),
        // With two more characters, the last two characters of the last name are part of trigrams too.
        names_key: format!("{}\n\n", key(&names(user))),
        custom_keys: custom_keys(&user.custom),
    }
}

/// The keys of custom properties, as a JSON object.
fn custom_keys(custom: &Custom) -> Json {
    let text = |(name, value)| custom_text(value).map(|text| (name, key(&text)));
    let keys: BTreeMap<&String, String> = custom.iter().filter_map(text).collect();
    Json(serde_json::to_string(&keys).unwrap_or_else(|_| "{}".to_owned()))
}

/// When the user must change the password because of its age (contract 7).
pub(crate) fn password_due(user: &User) -> Option<i64> {
    let days = user.password_change_frequency.filter(|days| *days > 0)?;
    user.password_changed.map(|changed: Timestamp| changed.plus_days(days).milliseconds())
}

/// Adds the search row of a new user.
pub(crate) fn insert(connection: &mut AnyConnection, user: &User) -> Result<(), Failure> {
    diesel::insert_into(user_search::table).values(search_row(user)).execute(connection)?;
    Ok(())
}

/// Replaces the search row of a user, if it changed. Text indexes are slow to update, and most updates (of sign-ins) change no text.
pub(crate) fn update(connection: &mut AnyConnection, user: &User) -> Result<(), Failure> {
    let row = search_row(user);
    if stored(connection, user.id)?.as_ref() != Some(&row) {
        diesel::update(user_search::table.find(Key(user.id.0))).set(row).execute(connection)?;
    }
    Ok(())
}

/// Replaces those search rows of the users that changed. Users without one do not get one.
pub(crate) fn update_all(connection: &mut AnyConnection, users: &[User]) -> Result<(), Failure> {
    let ids: Vec<Key> = users.iter().map(|user| Key(user.id.0)).collect();
    let stored: Vec<SearchRow> =
        user_search::table.filter(user_search::user_id.eq_any(ids)).select(SearchRow::as_select()).load(connection)?;
    let mut stored: BTreeMap<Key, SearchRow> = stored.into_iter().map(|row| (row.user_id, row)).collect();
    for user in users {
        let row = search_row(user);
        if stored.remove(&row.user_id).is_some_and(|before| before != row) {
            diesel::update(user_search::table.find(row.user_id)).set(row).execute(connection)?;
        }
    }
    Ok(())
}

/// The stored search row of a user.
pub(crate) fn stored(connection: &mut AnyConnection, user: UserId) -> Result<Option<SearchRow>, Failure> {
    Ok(user_search::table.find(Key(user.0)).select(SearchRow::as_select()).first(connection).optional()?)
}

/// The columns of `groups` by which a group is searched and sorted, apart from its name.
#[derive(Queryable, Selectable, Insertable, AsChangeset, PartialEq)]
#[diesel(table_name = groups, treat_none_as_default_value = false, treat_none_as_null = true)]
pub(crate) struct GroupKeys {
    description_key: Option<String>,
    custom_keys: Json,
}

/// The search columns of a group.
pub(crate) fn group_keys(group: &Group) -> GroupKeys {
    GroupKeys { description_key: group.description.as_deref().map(key), custom_keys: custom_keys(&group.custom) }
}

/// Replaces the search columns of those groups in which they changed.
pub(crate) fn update_groups(connection: &mut AnyConnection, groups: &[Group]) -> Result<(), Failure> {
    let ids: Vec<Key> = groups.iter().map(|group| Key(group.id.0)).collect();
    let stored: Vec<(Key, GroupKeys)> =
        groups::table.filter(groups::id.eq_any(ids)).select((groups::id, GroupKeys::as_select())).load(connection)?;
    let stored: BTreeMap<Key, GroupKeys> = stored.into_iter().collect();
    for group in groups {
        let (id, keys) = (Key(group.id.0), group_keys(group));
        if stored.get(&id) != Some(&keys) {
            diesel::update(groups::table.find(id)).set(keys).execute(connection)?;
        }
    }
    Ok(())
}
