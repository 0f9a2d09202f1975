//! A user as a row of `users`.

use std::collections::BTreeMap;

use diesel::prelude::*;
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::{Email, Provider, ProviderKind, User, UserId, Username};
use guildhall_domain::version::Version;
use serde::Serialize;

use super::{custom_properties, lockouts};
use crate::connection::AnyConnection;
use crate::schema::users;
use crate::sql_types::{Json, Key};
use crate::unit_of_work::Failure;

/// The columns of `users` that are part of [`User`].
#[derive(Queryable, Selectable, Insertable, AsChangeset, Serialize)]
#[diesel(table_name = users, treat_none_as_default_value = false, treat_none_as_null = true)]
pub(crate) struct UserRow {
    pub(super) id: Key,
    username: String,
    email: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    timezone: String,
    language: String,
    custom: Json,
    password_change_frequency: Option<i32>,
    provider_kind: String,
    provider_name: String,
    suspended: bool,
    password_reset_required: bool,
    created: i64,
    modified: i64,
    last_login: Option<i64>,
    last_failed_login: Option<i64>,
    expiry: Option<i64>,
    password_changed: Option<i64>,
    opt_out_of_notifications: bool,
    failed_login_attempts: i32,
    failed_login_attempts_since_last_success: i32,
    successful_login_attempts: i32,
    pub(super) version: i64,
    lock_failures: i32,
    locks: i32,
    locked_until: Option<i64>,
}

impl From<&User> for UserRow {
    fn from(user: &User) -> Self {
        let (lock_failures, locks, locked_until) = lockouts::columns(user.lockout);
        Self {
            id: Key(user.id.0),
            username: user.username.as_str().to_owned(),
            email: user.email.as_ref().map(|email| email.as_str().to_owned()),
            first_name: user.first_name.clone(),
            last_name: user.last_name.clone(),
            timezone: user.timezone.clone(),
            language: user.language.clone(),
            custom: custom_properties::write(&user.custom),
            password_change_frequency: user.password_change_frequency.map(count),
            provider_kind: kind(user.provider.kind).to_owned(),
            provider_name: user.provider.name.clone(),
            suspended: user.suspended,
            password_reset_required: user.password_reset_required,
            created: user.created.milliseconds(),
            modified: user.modified.milliseconds(),
            last_login: user.last_login.map(Timestamp::milliseconds),
            last_failed_login: user.last_failed_login.map(Timestamp::milliseconds),
            expiry: user.expiry.map(Timestamp::milliseconds),
            password_changed: user.password_changed.map(Timestamp::milliseconds),
            opt_out_of_notifications: user.opt_out_of_notifications,
            failed_login_attempts: count(user.failed_login_attempts),
            failed_login_attempts_since_last_success: count(user.failed_login_attempts_since_last_success),
            successful_login_attempts: count(user.successful_login_attempts),
            version: i64::try_from(user.version.0).unwrap_or(i64::MAX),
            lock_failures,
            locks,
            locked_until,
        }
    }
}

impl TryFrom<UserRow> for User {
    type Error = Failure;

    fn try_from(row: UserRow) -> Result<Self, Failure> {
        let id = UserId(row.id.0);
        let invalid = |what: &str| Failure::Data(format!("the {what} of user {id} is not valid"));
        Ok(Self {
            id,
            username: Username::stored(row.username),
            email: row.email.map(Email::stored),
            first_name: row.first_name,
            last_name: row.last_name,
            timezone: row.timezone,
            language: row.language,
            custom: custom_properties::read(&row.custom)?,
            password_change_frequency: row.password_change_frequency.map(i32::unsigned_abs),
            provider: Provider {
                kind: provider(&row.provider_kind).ok_or_else(|| invalid("provider"))?,
                name: row.provider_name,
            },
            suspended: row.suspended,
            lockout: lockouts::lockout((row.lock_failures, row.locks, row.locked_until)),
            password_reset_required: row.password_reset_required,
            created: Timestamp::from_milliseconds(row.created),
            modified: Timestamp::from_milliseconds(row.modified),
            last_login: row.last_login.map(Timestamp::from_milliseconds),
            last_failed_login: row.last_failed_login.map(Timestamp::from_milliseconds),
            expiry: row.expiry.map(Timestamp::from_milliseconds),
            password_changed: row.password_changed.map(Timestamp::from_milliseconds),
            opt_out_of_notifications: row.opt_out_of_notifications,
            failed_login_attempts: row.failed_login_attempts.unsigned_abs(),
            failed_login_attempts_since_last_success: row.failed_login_attempts_since_last_success.unsigned_abs(),
            successful_login_attempts: row.successful_login_attempts.unsigned_abs(),
            version: Version(row.version.unsigned_abs()),
        })
    }
}

/// The user with this id.
pub(super) fn find(connection: &mut AnyConnection, id: UserId) -> Result<Option<User>, Failure> {
    let row = users::table.find(Key(id.0)).select(UserRow::as_select()).first(connection).optional()?;
    row.map(User::try_from).transpose()
}

/// The user with this id, locked against changes. Others can still add memberships of the user.
///
/// PostgreSQL returns the row as it is when the lock is had; in SQLite there is one writer.
pub(super) fn find_and_lock(connection: &mut AnyConnection, id: UserId) -> Result<Option<User>, Failure> {
    let AnyConnection::Postgres(connection) = connection else { return find(connection, id) };
    let user = users::table.find(Key(id.0)).select(UserRow::as_select());
    let row = user.for_no_key_update().get_result(connection).optional()?;
    row.map(User::try_from).transpose()
}

/// The users with these ids, in the order of the ids.
pub(crate) fn users_in_order(connection: &mut AnyConnection, ids: &[Key]) -> Result<Vec<User>, Failure> {
    let rows: Vec<UserRow> =
        users::table.filter(users::id.eq_any(ids)).select(UserRow::as_select()).load(connection)?;
    let users = rows.into_iter().map(|row| User::try_from(row).map(|user| (Key(user.id.0), user)));
    let mut users = users.collect::<Result<BTreeMap<Key, User>, Failure>>()?;
    Ok(ids.iter().filter_map(|id| users.remove(id)).collect())
}

fn count(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

fn kind(kind: ProviderKind) -> &'static str {
    match kind {
        ProviderKind::Contensis => "contensis",
        ProviderKind::External => "external",
    }
}

fn provider(text: &str) -> Option<ProviderKind> {
    [ProviderKind::Contensis, ProviderKind::External].into_iter().find(|candidate| kind(*candidate) == text)
}
