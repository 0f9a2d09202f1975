//! The rows and columns by which users and groups are searched and sorted. They change in the transaction that changes the user or
//! the group.

use std::collections::BTreeMap;

use diesel::backend::Backend;
use diesel::expression::{ValidGrouping, is_aggregate};
use diesel::prelude::*;
use diesel::query_builder::{AsChangeset, AstPass, QueryFragment};
use diesel::serialize::ToSql;
use diesel::sql_types::{Bool, HasSqlType, Nullable, Text};
use guildhall_domain::custom::Custom;
use guildhall_domain::group::Group;
use guildhall_domain::name::TextKey;
use guildhall_domain::search::{custom_text, names};
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::User;
use serde::Serialize;
use uuid::Uuid;

use crate::connection::AnyConnection;
use crate::prepared::prepared;
use crate::schema::{groups, user_search};
use crate::sql_types::{Json, Key, UuidSql};
use crate::together::{IfFirst, Part, Update, followed_by, run_together};
use crate::unit_of_work::Failure;

/// A row of `user_search`: the keys by which the texts of a user are searched and sorted.
#[derive(Queryable, Selectable, Insertable, AsChangeset, PartialEq, Serialize)]
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

impl SearchRow {
    /// Whose row it is.
    pub(super) fn user(&self) -> Key {
        self.user_id
    }
}

fn key(text: &str) -> String {
    TextKey::of(text).as_str().to_owned()
}

pub(crate) fn search_row(user: &User) -> SearchRow {
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
pub(crate) fn insert(user: &User) -> impl Part {
    diesel::insert_into(user_search::table).values(search_row(user))
}

/// Makes the search row of a user anew, whether there is one or not.
pub(super) fn replace(connection: &mut AnyConnection, user: &User) -> Result<(), Failure> {
    diesel::delete(user_search::table.filter(user_search::user_id.eq(Key(user.id.0)))).execute(connection)?;
    run_together(connection, &[&insert(user)])?;
    Ok(())
}

/// Replaces the search row of a user, if it changed. Text indexes are slow to update, and most updates (of sign-ins) change no text.
pub(crate) fn update(user: &User) -> impl Part {
    Update {
        table: "user_search",
        condition: followed_by(user_search::user_id.eq(Key(user.id.0)).and(Differs(search_row(user))), IfFirst),
        changes: search_row(user).as_changeset(),
    }
}

/// Whether a stored search row differs from this one.
struct Differs(SearchRow);

impl Expression for Differs {
    type SqlType = Bool;
}

impl ValidGrouping<()> for Differs {
    type IsAggregate = is_aggregate::No;
}

impl<DB> QueryFragment<DB> for Differs
where
    DB: Backend + HasSqlType<Text>,
    String: ToSql<Text, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        let row = &self.0;
        let nullable = [
            ("(email_key", &row.email_key),
            (" OR first_name_key", &row.first_name_key),
            (" OR last_name_key", &row.last_name_key),
        ];
        for (column, value) in nullable {
            out.push_sql(column);
            out.push_sql(" IS DISTINCT FROM ");
            out.push_bind_param::<Nullable<Text>, Option<String>>(value)?;
        }
        let others = [
            (" OR timezone_key <> ", &row.timezone_key),
            (" OR language_key <> ", &row.language_key),
            (" OR provider_name_key <> ", &row.provider_name_key),
            (" OR names_key <> ", &row.names_key),
            // PostgreSQL does not compare documents; both are written by this program.
            (" OR CAST(custom_keys AS text) <> ", &row.custom_keys.0),
        ];
        for (comparison, value) in others {
            out.push_sql(comparison);
            out.push_bind_param::<Text, String>(value)?;
        }
        out.push_sql(")");
        Ok(())
    }
}

/// Changes nothing, as an [`update`] of a user whose search row is not there.
pub(crate) fn update_of_nobody() -> impl Part {
    prepared("UPDATE user_search SET names_key = names_key WHERE user_id = $1").bind::<UuidSql, _>(Key(Uuid::nil()))
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

/// The columns of `groups` by which a group is searched and sorted, apart from its name.
#[derive(Queryable, Selectable, Insertable, AsChangeset, PartialEq, Serialize)]
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
