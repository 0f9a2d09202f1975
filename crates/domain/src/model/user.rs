//! Users (contract 3.3).

mod changes;
mod draft;
mod email;
mod locale;
mod lockout;
mod names;
mod recorded;
mod summary;

use std::collections::BTreeSet;
use std::fmt;

use uuid::Uuid;

use crate::api_key::ApiKey;
use crate::custom::Custom;
use crate::name::NameKey;
use crate::time::Timestamp;
use crate::version::Version;

use draft::{DEFAULT_LANGUAGE, DEFAULT_TIMEZONE};

pub use changes::UserChanges;
pub use draft::UserDraft;
pub(crate) use draft::{Account, DEFAULT_PASSWORD_CHANGE_FREQUENCY, is_name};
pub use email::{Email, EmailError};
pub use lockout::{Lockout, LockoutPolicy};
pub use names::{Username, UsernameError};
pub(crate) use recorded::differing_columns;
pub use summary::{ShownUser, UserSummary};

/// The id of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId(pub Uuid);

impl fmt::Display for UserId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// Changes whenever a user's tokens must stop working; a token carries the one it was issued under (contract 2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SecurityStamp(pub Uuid);

/// Who keeps a user's password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProviderKind {
    /// This service.
    Contensis,
    /// An external directory, through single sign-on.
    External,
}

/// Where a user's credentials are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    /// Who keeps the password.
    pub kind: ProviderKind,
    /// Its name; `contensis` for accounts of this service.
    pub name: String,
}

impl Provider {
    /// The provider of accounts whose password this service keeps.
    #[must_use]
    pub fn contensis() -> Self {
        Self { kind: ProviderKind::Contensis, name: "contensis".to_owned() }
    }
}

/// A user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// The name it signs in with; no two users share one.
    pub username: Username,
    /// Its address; no two users share one. Users of API keys have none.
    pub email: Option<Email>,
    /// Its first name.
    pub first_name: Option<String>,
    /// Its last name.
    pub last_name: Option<String>,
    /// Its time zone, as an IANA name.
    pub timezone: String,
    /// Its language: ISO 639-1, or that and ISO 3166-1.
    pub language: String,
    /// Custom properties, defined by the installation.
    pub custom: Custom,
    /// Days until the password must change. `Some(0)`: it never expires. `None`: it is managed elsewhere.
    pub password_change_frequency: Option<u32>,
    /// Where its credentials are kept.
    pub provider: Provider,
    /// Whether an administrator has suspended the account.
    pub suspended: bool,
    /// Wrong passwords from addresses that it does not usually sign in from.
    pub lockout: Lockout,
    /// Whether the password must be changed before anything else.
    pub password_reset_required: bool,
    /// When it was created.
    pub created: Timestamp,
    /// When its own properties last changed.
    pub modified: Timestamp,
    /// When it last signed in.
    pub last_login: Option<Timestamp>,
    /// When a sign-in last failed.
    pub last_failed_login: Option<Timestamp>,
    /// From when on it counts as suspended.
    pub expiry: Option<Timestamp>,
    /// When its password last changed.
    pub password_changed: Option<Timestamp>,
    /// Whether the user has opted out of notifications.
    pub opt_out_of_notifications: bool,
    /// Failed sign-ins, ever.
    pub failed_login_attempts: u32,
    /// Failed sign-ins since the last that succeeded.
    pub failed_login_attempts_since_last_success: u32,
    /// Successful sign-ins, ever.
    pub successful_login_attempts: u32,
    /// The version of the user, for conditional changes.
    pub version: Version,
}

impl User {
    /// A new user with a username and no password of this service.
    pub(crate) fn without_password(id: UserId, username: Username, provider: Provider, now: Timestamp) -> Self {
        Self {
            id,
            username,
            email: None,
            first_name: None,
            last_name: None,
            timezone: DEFAULT_TIMEZONE.to_owned(),
            language: DEFAULT_LANGUAGE.to_owned(),
            custom: Custom::new(),
            password_change_frequency: None,
            provider,
            suspended: false,
            lockout: Lockout::default(),
            password_reset_required: false,
            created: now,
            modified: now,
            last_login: None,
            last_failed_login: None,
            expiry: None,
            password_changed: None,
            opt_out_of_notifications: false,
            failed_login_attempts: 0,
            failed_login_attempts_since_last_success: 0,
            successful_login_attempts: 0,
            version: Version::FIRST,
        }
    }

    /// The user that an API key acts as (contract 2.2).
    pub(crate) fn of_api_key(key: &ApiKey) -> Self {
        let user = Self::without_password(key.user, key.name.clone(), Provider::contensis(), key.created);
        Self { suspended: !key.enabled, ..user }
    }

    /// The keys of the names that identify the user: of the username and of the email address.
    pub(crate) fn name_keys(&self) -> BTreeSet<NameKey> {
        [Some(self.username.key()), self.email.as_ref().map(Email::key)].into_iter().flatten().collect()
    }

    /// Whether the account is suspended by an administrator or has expired (contract 3.3).
    #[must_use]
    pub fn is_suspended(&self, now: Timestamp) -> bool {
        self.suspended || self.expiry.is_some_and(|expiry| expiry <= now)
    }

    /// Whether too many wrong passwords keep it from signing in with a password (contract 2.4).
    #[must_use]
    pub fn is_locked(&self, now: Timestamp) -> bool {
        self.lockout.is_locked(now)
    }

    /// Whether the password must be changed, because of a reset or its age (contract 7).
    #[must_use]
    pub fn must_reset_password(&self, now: Timestamp) -> bool {
        self.password_reset_required || password_is_stale(self.password_change_frequency, self.password_changed, now)
    }
}

/// Whether a password that changed at `changed` is older than `frequency` days (contract 7).
#[must_use]
pub fn password_is_stale(frequency: Option<u32>, changed: Option<Timestamp>, now: Timestamp) -> bool {
    match (frequency, changed) {
        (Some(days @ 1..), Some(changed)) => changed.plus_days(days) < now,
        _ => false,
    }
}
