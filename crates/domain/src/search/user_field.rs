//! Fields of users.

use super::field::{self, Field, Kind, Value, custom_value, moment, optional};
use crate::email_domain::EmailDomain;
use crate::name::TextKey;
use crate::time::Timestamp;
use crate::user::{Email, ProviderKind, User};

/// A field of a user (contract 8.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserField {
    /// `id`
    Id,
    /// `username`
    Username,
    /// `email`
    Email,
    /// `firstName`
    FirstName,
    /// `lastName`
    LastName,
    /// First and last name, username and address, one below the other.
    Names,
    /// `timezone`
    Timezone,
    /// `language`
    Language,
    /// `custom.` and this name
    Custom(String),
    /// `credentials.provider.type`
    ProviderType,
    /// `credentials.provider.name`
    ProviderName,
    /// `credentials.passwordChangeFrequency`
    PasswordChangeFrequency,
    /// `status.suspended`, also by expiry
    Suspended,
    /// `status.locked`
    Locked,
    /// `status.passwordResetRequired`, also by the age of the password
    PasswordResetRequired,
    /// `created`
    Created,
    /// `modified`
    Modified,
    /// `lastLogin`
    LastLogin,
    /// `lastFailedLogin`
    LastFailedLogin,
    /// `expiry`
    Expiry,
    /// `passwordChanged`
    PasswordChanged,
    /// `optOutOfNotifications`
    OptOutOfNotifications,
    /// `failedLoginAttempts`
    FailedLoginAttempts,
    /// `failedLoginAttemptsSinceLastSuccess`
    FailedLoginAttemptsSinceLastSuccess,
    /// `successfulLoginAttempts`
    SuccessfulLoginAttempts,
}

/// The names that clients use.
const NAMES: [(&str, UserField); 23] = [
    ("id", UserField::Id),
    ("username", UserField::Username),
    ("email", UserField::Email),
    ("firstName", UserField::FirstName),
    ("lastName", UserField::LastName),
    ("timezone", UserField::Timezone),
    ("language", UserField::Language),
    ("credentials.provider.type", UserField::ProviderType),
    ("credentials.provider.name", UserField::ProviderName),
    ("credentials.passwordChangeFrequency", UserField::PasswordChangeFrequency),
    ("status.suspended", UserField::Suspended),
    ("status.locked", UserField::Locked),
    ("status.passwordResetRequired", UserField::PasswordResetRequired),
    ("created", UserField::Created),
    ("modified", UserField::Modified),
    ("lastLogin", UserField::LastLogin),
    ("lastFailedLogin", UserField::LastFailedLogin),
    ("expiry", UserField::Expiry),
    ("passwordChanged", UserField::PasswordChanged),
    ("optOutOfNotifications", UserField::OptOutOfNotifications),
    ("failedLoginAttempts", UserField::FailedLoginAttempts),
    ("failedLoginAttemptsSinceLastSuccess", UserField::FailedLoginAttemptsSinceLastSuccess),
    ("successfulLoginAttempts", UserField::SuccessfulLoginAttempts),
];

impl UserField {
    /// Every field but custom properties, under the name that clients use.
    pub fn named_fields() -> impl Iterator<Item = (&'static str, Self)> {
        NAMES.iter().map(|(name, field)| (*name, field.clone()))
    }

    /// Whether it tells of nothing but what a [`UserSummary`](crate::user::UserSummary) shows.
    #[must_use]
    pub fn is_in_summary(&self) -> bool {
        matches!(self, Self::Id | Self::Username | Self::Email | Self::FirstName | Self::LastName | Self::Names)
    }

    /// The name that clients use.
    #[must_use]
    pub fn name(&self) -> String {
        if let Self::Custom(name) = self {
            return format!("custom.{name}");
        }
        NAMES.iter().find(|(_, field)| field == self).map_or("q", |(name, _)| *name).to_owned()
    }
}

impl Field for UserField {
    type Item = User;

    fn named(name: &str) -> Option<Self> {
        field::named(&NAMES, name, Self::Custom)
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Id => Kind::Id,
            Self::Username
            | Self::Email
            | Self::FirstName
            | Self::LastName
            | Self::Names
            | Self::Timezone
            | Self::Language
            | Self::Custom(_)
            | Self::ProviderType
            | Self::ProviderName => Kind::Text,
            Self::PasswordChangeFrequency
            | Self::FailedLoginAttempts
            | Self::FailedLoginAttemptsSinceLastSuccess
            | Self::SuccessfulLoginAttempts => Kind::Integer,
            Self::Suspended | Self::Locked | Self::PasswordResetRequired | Self::OptOutOfNotifications => Kind::Boolean,
            Self::Created
            | Self::Modified
            | Self::LastLogin
            | Self::LastFailedLogin
            | Self::Expiry
            | Self::PasswordChanged => Kind::Moment,
        }
    }

    fn value(&self, user: &User, now: Timestamp) -> Value {
        let text = |text: &str| Value::Text(TextKey::of(text));
        match self {
            Self::Id => Value::Id(user.id.0),
            Self::Username => Value::Text(user.username.key().into()),
            Self::Email => user.email.as_ref().map_or(Value::Null, |email| Value::Text(email.key().into())),
            Self::FirstName => optional(user.first_name.as_deref()),
            Self::LastName => optional(user.last_name.as_deref()),
            Self::Names => text(&names(user)),
            Self::Timezone => text(&user.timezone),
            Self::Language => text(&user.language),
            Self::Custom(name) => custom_value(&user.custom, name),
            Self::ProviderType => text(match user.provider.kind {
                ProviderKind::Contensis => "contensis",
                ProviderKind::External => "external",
            }),
            Self::ProviderName => text(&user.provider.name),
            Self::PasswordChangeFrequency => {
                user.password_change_frequency.map_or(Value::Null, |days| Value::Integer(days.into()))
            }
            Self::Suspended => Value::Boolean(user.is_suspended(now)),
            Self::Locked => Value::Boolean(user.is_locked(now)),
            Self::PasswordResetRequired => Value::Boolean(user.must_reset_password(now)),
            Self::Created => Value::Moment(user.created),
            Self::Modified => Value::Moment(user.modified),
            Self::LastLogin => moment(user.last_login),
            Self::LastFailedLogin => moment(user.last_failed_login),
            Self::Expiry => moment(user.expiry),
            Self::PasswordChanged => moment(user.password_changed),
            Self::OptOutOfNotifications => Value::Boolean(user.opt_out_of_notifications),
            Self::FailedLoginAttempts => Value::Integer(user.failed_login_attempts.into()),
            Self::FailedLoginAttemptsSinceLastSuccess => {
                Value::Integer(user.failed_login_attempts_since_last_success.into())
            }
            Self::SuccessfulLoginAttempts => Value::Integer(user.successful_login_attempts.into()),
        }
    }

    fn is_name(&self) -> bool {
        matches!(self, Self::Username | Self::Email)
    }

    fn is_custom(&self) -> bool {
        matches!(self, Self::Custom(_))
    }

    fn is_unique(&self) -> bool {
        matches!(self, Self::Id | Self::Username)
    }

    fn is_long(&self) -> bool {
        matches!(self, Self::Custom(_) | Self::Names)
    }

    fn id() -> Self {
        Self::Id
    }

    fn default_order() -> Self {
        Self::Username
    }

    fn names() -> Self {
        Self::Names
    }

    fn texts() -> Vec<Self> {
        field::texts(&NAMES)
    }
}

/// The names that people know a user by: first and last name in one line, then the username, then the address. An address whose
/// domain has two forms has a line for each, in this one text that `q` looks into.
#[must_use]
pub fn names(user: &User) -> String {
    let [first, last] = [&user.first_name, &user.last_name].map(|name| name.as_deref().unwrap_or_default());
    let (username, email) = (user.username.as_str(), user.email.as_ref().map_or("", Email::as_str));
    let mut lines = vec![format!("{first} {last}"), username.to_owned(), email.to_owned()];
    for name in [username, email] {
        for form in forms_of_address(name) {
            if !lines.iter().any(|line| line.eq_ignore_ascii_case(&form)) {
                lines.push(form);
            }
        }
    }
    lines.join("\n")
}

/// The address with its domain as people read it and in ASCII; nothing if `name` is no address.
fn forms_of_address(name: &str) -> Vec<String> {
    let Some((mailbox, domain)) = name.rsplit_once('@') else { return Vec::new() };
    let Ok(domain) = EmailDomain::try_from(domain) else { return Vec::new() };
    vec![format!("{mailbox}@{}", domain.to_unicode()), format!("{mailbox}@{}", domain.as_ascii())]
}
