//! The keys that searching needs, beside every user and group.

use diesel::dsl::{exists, not};
use diesel::prelude::*;
use guildhall_domain::custom::Custom;
use guildhall_domain::group::Group;
use guildhall_domain::name::TextKey;
use guildhall_domain::search::{custom_text, names};
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::{Email, User, UserId};

use super::fragment::Fragment;
use crate::connection::AnyConnection;
use crate::dialect;
use crate::schema::{groups, user_search, users};
use crate::sql_types::{Json, Key, UuidSql};
use crate::store::Failure;

/// The texts of a user as they are searched and sorted.
#[derive(Queryable, Selectable, Insertable, AsChangeset, PartialEq)]
#[diesel(table_name = user_search, treat_none_as_default_value = false, treat_none_as_null = true)]
pub(in crate::store) struct SearchRow {
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

fn keys(user: &User) -> SearchRow {
    SearchRow {
        user_id: Key(user.id.0),
        email_key: user.email.as_ref().map(Email::as_str).map(key),
        first_name_key: user.first_name.as_deref().map(key),
        last_name_key: user.last_name.as_deref().map(key),
        timezone_key: key(&user.timezone),
        language_key: key(&user.language),
        provider_name_key: key(&user.provider.name),
        // The last two characters of a name are found too, by three at a time.
        names_key: format!("{}\n\n", key(&names(user))),
        custom_keys: custom_keys(&user.custom),
    }
}

/// Custom properties with the keys of their texts.
fn custom_keys(custom: &Custom) -> Json {
    let text = |(name, value)| custom_text(value).map(|text| (name, key(&text)));
    let keys: std::collections::BTreeMap<&String, String> = custom.iter().filter_map(text).collect();
    Json(serde_json::to_string(&keys).unwrap_or_else(|_| "{}".to_owned()))
}

/// When the user's password is due to change, by its age.
pub(in crate::store) fn password_due(user: &User) -> Option<i64> {
    let days = user.password_change_frequency.filter(|days| *days > 0)?;
    user.password_changed.map(|changed: Timestamp| changed.plus_days(days).milliseconds())
}

pub(in crate::store) fn insert(connection: &mut AnyConnection, user: &User) -> Result<(), Failure> {
    diesel::insert_into(user_search::table).values(keys(user)).execute(connection)?;
    Ok(())
}

/// Writes the keys anew, unless they are as they were: an index of texts is slow to change, and a sign-in changes none.
pub(in crate::store) fn update(connection: &mut AnyConnection, user: &User) -> Result<(), Failure> {
    let wanted = keys(user);
    if present(connection, user.id)?.as_ref() != Some(&wanted) {
        diesel::update(user_search::table.find(Key(user.id.0))).set(wanted).execute(connection)?;
    }
    Ok(())
}

/// The keys that a user has.
pub(in crate::store) fn present(connection: &mut AnyConnection, user: UserId) -> Result<Option<SearchRow>, Failure> {
    Ok(user_search::table.find(Key(user.0)).select(SearchRow::as_select()).first(connection).optional()?)
}

/// What a group is searched and sorted by, its name apart.
pub(in crate::store) fn of_group(group: &Group) -> (Option<String>, Json) {
    (group.description.as_deref().map(key), custom_keys(&group.custom))
}

/// How many get their keys at a time.
const AT_ONCE: i64 = 1000;

/// Gives keys to users and groups who came here without them: from before there were any. Users have them up to the one whose
/// id is `after`; the answer is up to whom they have them now, or nothing if that is all.
pub(in crate::store) fn catch_up(connection: &mut AnyConnection, after: Key) -> Result<Option<Key>, Failure> {
    dialect::gather_counts(connection)?;
    let keys = user_search::table.filter(user_search::user_id.eq(users::id));
    let without: Vec<Key> = users::table
        .filter(users::id.gt(after))
        .filter(not(exists(keys)))
        .order(users::id)
        .select(users::id)
        .limit(AT_ONCE)
        .load(connection)?;
    for user in crate::store::users::in_order(connection, &without)? {
        insert(connection, &user)?;
        let row = users::table.find(Key(user.id.0));
        diesel::update(row).set(users::password_due.eq(password_due(&user))).execute(connection)?;
    }
    let unkeyed =
        Fragment::of("SELECT g.id FROM groups g WHERE CAST(g.custom_keys AS text) = 'null' LIMIT ").number(AT_ONCE);
    let groups: Vec<Key> = unkeyed.query::<UuidSql>().load(connection)?;
    for group in crate::store::groups::in_order(connection, &groups)? {
        let (description, custom) = of_group(&group);
        let keys = (groups::description_key.eq(description), groups::custom_keys.eq(custom));
        diesel::update(groups::table.find(Key(group.id.0))).set(keys).execute(connection)?;
    }
    let is_all = without.is_empty() && groups.is_empty();
    Ok((!is_all).then(|| without.last().copied().unwrap_or(after)))
}
