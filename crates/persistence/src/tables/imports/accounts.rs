//! Users who are imported.

use std::collections::BTreeSet;

use guildhall_domain::name::NameKey;
use guildhall_domain::ports::{ChangedAccount, NewAccount};
use guildhall_domain::provenance::Provenance;
use guildhall_domain::user::{Email, User};
use guildhall_domain::version::Version;
use serde::Serialize;

use super::rows::ColumnType::{Flag, Json, Number, Text, Uuid};
use super::rows::{Columns, Lazy, RowStatement};
use super::{Id, all_changed, counts};
use crate::connection::AnyConnection;
use crate::dialect;
use crate::listing::index_rows::{self, SearchRow};
use crate::sql_types::{Key, added_by};
use crate::tables::user_row::UserRow;
use crate::together::run_together;
use crate::unit_of_work::Failure;

/// The columns of `users`, without the version of before.
const USERS: Columns = &[
    ("id", Uuid),
    ("username", Text),
    ("username_key", Text),
    ("email", Text),
    ("first_name", Text),
    ("last_name", Text),
    ("timezone", Text),
    ("language", Text),
    ("custom", Json),
    ("password_hash", Text),
    ("password_change_frequency", Number),
    ("provider_kind", Text),
    ("provider_name", Text),
    ("suspended", Flag),
    ("password_reset_required", Flag),
    ("created", Number),
    ("modified", Number),
    ("last_login", Number),
    ("last_failed_login", Number),
    ("expiry", Number),
    ("password_changed", Number),
    ("opt_out_of_notifications", Flag),
    ("failed_login_attempts", Number),
    ("failed_login_attempts_since_last_success", Number),
    ("successful_login_attempts", Number),
    ("security_stamp", Uuid),
    ("version", Number),
    ("password_due", Number),
    ("lock_failures", Number),
    ("locks", Number),
    ("locked_until", Number),
];

/// A row of `users`.
#[derive(Serialize)]
struct AccountRow {
    #[serde(flatten)]
    user: UserRow,
    username_key: String,
    password_hash: Option<String>,
    password_due: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    security_stamp: Option<Key>,
}

/// The columns of `user_search`.
const SEARCHED: Columns = &[
    ("user_id", Uuid),
    ("email_key", Text),
    ("first_name_key", Text),
    ("last_name_key", Text),
    ("timezone_key", Text),
    ("language_key", Text),
    ("provider_name_key", Text),
    ("names_key", Text),
    ("custom_keys", Json),
];

/// A row of `user_identifiers`. An operator gave the name.
#[derive(Serialize)]
struct NameRow {
    identifier_key: String,
    user_id: Key,
    by_authority: bool,
}

const NAMES: Columns = &[("identifier_key", Text), ("user_id", Uuid), ("by_authority", Flag)];

/// A row of `group_users`.
#[derive(Serialize)]
struct JoinedRow {
    group_id: Key,
    user_id: Key,
    added: i64,
    added_by: Option<Key>,
}

fn row(user: &User, password_hash: Option<String>, security_stamp: Option<Key>) -> AccountRow {
    AccountRow {
        username_key: user.username.key().as_str().to_owned(),
        password_due: index_rows::password_due(user),
        user: UserRow::from(user),
        password_hash,
        security_stamp,
    }
}

fn names<'n>(user: &User, keys: impl IntoIterator<Item = &'n NameKey>) -> Vec<NameRow> {
    let row = |key: &NameKey| NameRow {
        identifier_key: key.as_str().to_owned(),
        user_id: Key(user.id.0),
        by_authority: true,
    };
    keys.into_iter().map(row).collect()
}

fn keys(user: &User) -> BTreeSet<NameKey> {
    [Some(user.username.key()), user.email.as_ref().map(Email::key)].into_iter().flatten().collect()
}

static INSERT_USERS: Lazy = Lazy::new(|| RowStatement::insert("users", USERS, ""));
static INSERT_SEARCHED: Lazy = Lazy::new(|| RowStatement::insert("user_search", SEARCHED, ""));
static INSERT_NAMES: Lazy = Lazy::new(|| RowStatement::insert("user_identifiers", NAMES, ""));

/// Adds users with their names, search rows and memberships.
pub(super) fn insert(
    connection: &mut AnyConnection,
    accounts: &[NewAccount],
    added: Provenance,
) -> Result<(), Failure> {
    static MEMBERSHIPS: Lazy = Lazy::new(|| {
        let columns = &[("group_id", Uuid), ("user_id", Uuid), ("added", Number), ("added_by", Uuid)];
        RowStatement::insert("group_users", columns, "")
    });
    let of_account = |account: &NewAccount| {
        row(&account.user, account.password.as_ref().map(|hash| hash.0.clone()), Some(Key(account.stamp.0)))
    };
    INSERT_USERS.execute(connection, &accounts.iter().map(of_account).collect::<Vec<_>>())?;
    let searched: Vec<SearchRow> = accounts.iter().map(|account| index_rows::search_row(&account.user)).collect();
    INSERT_SEARCHED.execute(connection, &searched)?;
    let named: Vec<NameRow> = accounts.iter().flat_map(|account| names(&account.user, &keys(&account.user))).collect();
    INSERT_NAMES.execute(connection, &named)?;
    let joined = |account: &NewAccount| {
        let user_id = Key(account.user.id.0);
        let row = move |group: &guildhall_domain::group::GroupId| JoinedRow {
            group_id: Key(group.0),
            user_id,
            added: added.at.milliseconds(),
            added_by: added_by(added),
        };
        account.groups.iter().map(row).collect::<Vec<_>>()
    };
    let joined: Vec<JoinedRow> = accounts.iter().flat_map(joined).collect();
    MEMBERSHIPS.execute(connection, &joined)?;
    let (groups, users) = counts(joined.iter().map(|row| row.group_id));
    let new = i64::try_from(accounts.len()).unwrap_or(i64::MAX);
    run_together(connection, &[&dialect::change_member_counts(&groups, &users, &users), &dialect::change_users(new)])?;
    // One statement of PostgreSQL does not change a row of counts twice.
    run_together(connection, &[&dialect::note_memberships()])?;
    Ok(())
}

/// Replaces users, with their names and search rows where those differ.
pub(super) fn update(connection: &mut AnyConnection, accounts: &[ChangedAccount]) -> Result<(), Failure> {
    static UPDATE_USERS: Lazy =
        Lazy::new(|| update_statement("users", "id", USERS, " AND users.version = wanted.version - 1"));
    static UPDATE_SEARCHED: Lazy = Lazy::new(|| update_statement("user_search", "user_id", SEARCHED, ""));
    static DELETE_NAMES: Lazy = Lazy::new(|| {
        let names = "(SELECT identifier_key, user_id FROM wanted)";
        RowStatement::of(NAMES, &format!("DELETE FROM user_identifiers WHERE (identifier_key, user_id) IN {names}"))
    });
    let of_account = |account: &ChangedAccount| {
        let next = User { version: Version(account.before.version.0 + 1), ..account.after.clone() };
        row(&next, account.password.as_ref().map(|hash| hash.0.clone()), account.stamp.map(|stamp| Key(stamp.0)))
    };
    let rows: Vec<AccountRow> = accounts.iter().map(of_account).collect();
    all_changed(UPDATE_USERS.execute(connection, &rows)?, accounts.len())?;
    let searched = |account: &ChangedAccount| {
        let [before, after] = [&account.before, &account.after].map(index_rows::search_row);
        (before != after).then_some(after)
    };
    UPDATE_SEARCHED.execute(connection, &accounts.iter().filter_map(searched).collect::<Vec<_>>())?;
    let (mut left, mut new, mut renamed) = (Vec::new(), Vec::new(), Vec::new());
    for ChangedAccount { before, after, .. } in accounts {
        let (of_before, of_after) = (keys(before), keys(after));
        if of_before != of_after {
            left.extend(names(before, of_before.difference(&of_after)));
            new.extend(names(after, of_after.difference(&of_before)));
            renamed.push(Key(after.id.0));
        }
    }
    DELETE_NAMES.execute(connection, &left)?;
    INSERT_NAMES.execute(connection, &new)?;
    note_renamed(connection, &renamed)
}

/// Listings that are sorted by username may be out of date.
fn note_renamed(connection: &mut AnyConnection, users: &[Key]) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct UserKey {
        user_id: Key,
    }
    static GROUPS: Lazy = Lazy::new(|| {
        RowStatement::of(
            &[("user_id", Uuid)],
            "SELECT DISTINCT m.group_id AS id FROM wanted CROSS JOIN group_users m WHERE m.user_id = wanted.user_id",
        )
    });
    if users.is_empty() {
        return Ok(());
    }
    let users: Vec<UserKey> = users.iter().map(|user_id| UserKey { user_id: *user_id }).collect();
    let groups: Vec<Id> = GROUPS.load(connection, &users)?;
    let groups: Vec<Key> = groups.into_iter().map(|row| row.id).collect();
    let (none, once) = (vec![0; groups.len()], vec![1; groups.len()]);
    run_together(connection, &[&dialect::change_member_counts(&groups, &none, &once), &dialect::change_users(0)])?;
    Ok(())
}

/// A statement that replaces rows found by `id`. A password and a stamp stay where none is told.
pub(super) fn update_statement(table: &str, id: &str, columns: Columns, condition: &str) -> RowStatement {
    let set = columns.iter().filter(|(name, _)| *name != id).map(|(name, _)| match *name {
        "password_hash" | "security_stamp" => format!("{name} = coalesce(wanted.{name}, {table}.{name})"),
        name => format!("{name} = wanted.{name}"),
    });
    let set = set.collect::<Vec<_>>().join(", ");
    RowStatement::of(
        columns,
        &format!("UPDATE {table} SET {set} FROM wanted WHERE {table}.{id} = wanted.{id}{condition}"),
    )
}

#[cfg(test)]
mod tests {
    use guildhall_domain::contract::user_named;
    use uuid::Uuid;

    use super::*;

    /// The keys of a row as JSON.
    fn told(row: &impl Serialize) -> BTreeSet<String> {
        let row = serde_json::to_value(row).unwrap();
        row.as_object().unwrap().keys().cloned().collect()
    }

    fn of(columns: Columns) -> BTreeSet<String> {
        columns.iter().map(|(name, _)| (*name).to_owned()).collect()
    }

    #[test]
    fn rows_have_every_column() {
        let user = user_named("marla", Uuid::from_u128(1));
        assert_eq!(told(&row(&user, None, Some(Key(Uuid::nil())))), of(USERS));
        assert_eq!(told(&index_rows::search_row(&user)), of(SEARCHED));
        assert_eq!(told(&names(&user, &keys(&user))[0]), of(NAMES));
    }
}
