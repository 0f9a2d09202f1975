//! Rows of users.

use guildhall_domain::time::Timestamp;
use guildhall_domain::user::{Email, Provider, ProviderKind, User, UserId, Username};
use guildhall_domain::version::Version;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::rows::{CustomRow, LockoutRow, custom, custom_row};

/// What [`User`] holds.
#[derive(Serialize, Deserialize)]
pub(super) struct UserRow {
    id: Uuid,
    username: String,
    email: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    timezone: String,
    language: String,
    custom: CustomRow,
    password_change_frequency: Option<u32>,
    #[serde(with = "ProviderKindRow")]
    provider_kind: ProviderKind,
    provider_name: String,
    suspended: bool,
    lockout: LockoutRow,
    password_reset_required: bool,
    created: i64,
    modified: i64,
    last_login: Option<i64>,
    last_failed_login: Option<i64>,
    expiry: Option<i64>,
    password_changed: Option<i64>,
    opt_out_of_notifications: bool,
    failed_login_attempts: u32,
    failed_login_attempts_since_last_success: u32,
    successful_login_attempts: u32,
    version: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "ProviderKind")]
enum ProviderKindRow {
    Contensis,
    External,
}

impl From<&User> for UserRow {
    fn from(user: &User) -> Self {
        Self {
            id: user.id.0,
            username: user.username.as_str().to_owned(),
            email: user.email.as_ref().map(|email| email.as_str().to_owned()),
            first_name: user.first_name.clone(),
            last_name: user.last_name.clone(),
            timezone: user.timezone.clone(),
            language: user.language.clone(),
            custom: custom_row(&user.custom),
            password_change_frequency: user.password_change_frequency,
            provider_kind: user.provider.kind,
            provider_name: user.provider.name.clone(),
            suspended: user.suspended,
            lockout: user.lockout.into(),
            password_reset_required: user.password_reset_required,
            created: user.created.milliseconds(),
            modified: user.modified.milliseconds(),
            last_login: user.last_login.map(Timestamp::milliseconds),
            last_failed_login: user.last_failed_login.map(Timestamp::milliseconds),
            expiry: user.expiry.map(Timestamp::milliseconds),
            password_changed: user.password_changed.map(Timestamp::milliseconds),
            opt_out_of_notifications: user.opt_out_of_notifications,
            failed_login_attempts: user.failed_login_attempts,
            failed_login_attempts_since_last_success: user.failed_login_attempts_since_last_success,
            successful_login_attempts: user.successful_login_attempts,
            version: user.version.0,
        }
    }
}

impl From<UserRow> for User {
    fn from(row: UserRow) -> Self {
        Self {
            id: UserId(row.id),
            username: Username::stored(row.username),
            email: row.email.map(Email::stored),
            first_name: row.first_name,
            last_name: row.last_name,
            timezone: row.timezone,
            language: row.language,
            custom: custom(row.custom),
            password_change_frequency: row.password_change_frequency,
            provider: Provider { kind: row.provider_kind, name: row.provider_name },
            suspended: row.suspended,
            lockout: row.lockout.into(),
            password_reset_required: row.password_reset_required,
            created: Timestamp::from_milliseconds(row.created),
            modified: Timestamp::from_milliseconds(row.modified),
            last_login: row.last_login.map(Timestamp::from_milliseconds),
            last_failed_login: row.last_failed_login.map(Timestamp::from_milliseconds),
            expiry: row.expiry.map(Timestamp::from_milliseconds),
            password_changed: row.password_changed.map(Timestamp::from_milliseconds),
            opt_out_of_notifications: row.opt_out_of_notifications,
            failed_login_attempts: row.failed_login_attempts,
            failed_login_attempts_since_last_success: row.failed_login_attempts_since_last_success,
            successful_login_attempts: row.successful_login_attempts,
            version: Version(row.version),
        }
    }
}
