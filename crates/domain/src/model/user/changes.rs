//! Changes of a user, and their validation.

use super::draft::{DEFAULT_LANGUAGE, DEFAULT_TIMEZONE, check_frequency, check_language, check_names, check_timezone};
use super::{Email, ProviderKind, User, Username};
use crate::custom::{self, CustomChange};
use crate::name::NameKey;
use crate::time::Timestamp;
use crate::validation::{Faults, InvalidField};

/// The changes that a request asks for (contract 4.5 and 4.7). `None` leaves a property as it is. The values are not yet
/// validated.
#[derive(Clone, Debug, Default)]
pub struct UserChanges {
    /// The username.
    pub username: Option<Option<String>>,
    /// The email address; only a user who has none may go on without.
    pub email: Option<Option<String>>,
    /// The first name.
    pub first_name: Option<Option<String>>,
    /// The last name.
    pub last_name: Option<Option<String>>,
    /// The time zone; without a value, the default.
    pub timezone: Option<Option<String>>,
    /// The language; without a value, the default.
    pub language: Option<Option<String>>,
    /// Custom properties.
    pub custom: Option<CustomChange>,
    /// Days until the password must change.
    pub password_change_frequency: Option<Option<i64>>,
    /// When the account expires; without a value, never.
    pub expiry: Option<Option<Timestamp>>,
    /// Whether the user wants no notifications.
    pub opt_out_of_notifications: Option<bool>,
}

impl UserChanges {
    /// Whether it changes a property that users may not change on their own account (contract 4.6). Clients send back
    /// what they read, so an equal value is no change.
    pub(crate) fn needs_administrator(&self, user: &User) -> bool {
        let frequency = user.password_change_frequency.map(i64::from);
        self.expiry.is_some_and(|expiry| expiry != user.expiry)
            || self.password_change_frequency.is_some_and(|days| days != frequency)
    }

    /// Whether it would change the username or the address. Users with an external identity may not change their own (contract
    /// 2.5).
    pub(crate) fn renames(&self, user: &User) -> bool {
        let differs = |wanted: &Option<Option<String>>, present: Option<&str>| {
            wanted.as_ref().is_some_and(|wanted| {
                wanted.as_deref().map(str::trim).unwrap_or_default() != present.unwrap_or_default()
            })
        };
        differs(&self.username, Some(user.username.as_str()))
            || differs(&self.email, user.email.as_ref().map(Email::as_str))
    }

    /// The keys of the username and of the address that it sets, where they are valid.
    pub(crate) fn name_keys(&self) -> [Option<NameKey>; 2] {
        let (username, email) = (self.username.clone().flatten(), self.email.clone().flatten());
        [
            username.and_then(|username| Username::try_from(username).ok()).map(|username| username.key()),
            email.and_then(|email| Email::try_from(email).ok()).map(|email| email.key()),
        ]
    }

    /// Whether it sets an expiry date.
    pub(crate) fn sets_expiry(&self) -> bool {
        self.expiry.flatten().is_some()
    }

    /// The user with the changes applied, or every invalid field. Clients send back what they read, so what does not change is not
    /// checked: the rules of before may have let it pass.
    pub(crate) fn apply(self, user: &User, now: Timestamp) -> Result<User, Vec<InvalidField>> {
        let mut faults = Faults::default();
        let mut changed = user.clone();
        let (is_name, is_address) = (
            |text: &str| text.trim() == user.username.as_str(),
            |text: &str| user.email.as_ref().is_some_and(|email| text.trim() == email.as_str()),
        );
        if let Some(username) = self.username.filter(|username| !username.as_deref().is_some_and(is_name)) {
            let username = faults.check("username", Username::try_from(username.unwrap_or_default()));
            changed.username = username.unwrap_or(changed.username);
        }
        if let Some(email) = self.email.filter(|email| !email.as_deref().is_some_and(is_address)) {
            change_email(&mut faults, &mut changed, email.filter(|email| !email.trim().is_empty()));
        }
        changed.first_name = self.first_name.unwrap_or(changed.first_name);
        changed.last_name = self.last_name.unwrap_or(changed.last_name);
        if let Some(timezone) = self.timezone {
            changed.timezone = timezone.unwrap_or_else(|| DEFAULT_TIMEZONE.to_owned());
        }
        if let Some(language) = self.language {
            changed.language = language.unwrap_or_else(|| DEFAULT_LANGUAGE.to_owned());
        }
        check_names(&mut faults, [changed.first_name.as_deref(), changed.last_name.as_deref()]);
        if changed.timezone != user.timezone {
            check_timezone(&mut faults, &changed.timezone);
        }
        if changed.language != user.language {
            check_language(&mut faults, &changed.language);
        }
        if let Some(custom) = self.custom {
            custom.apply(&mut changed.custom);
            if changed.custom != user.custom {
                custom::check(&changed.custom, &user.custom, &mut faults);
            }
        }
        if let Some(days) = self.password_change_frequency {
            change_frequency(&mut faults, &mut changed, days);
        }
        if let Some(expiry) = self.expiry.filter(|expiry| *expiry != user.expiry) {
            if expiry.is_some_and(|expiry| expiry <= now) {
                faults.add("expiry", "The expiry date must be in the future");
            }
            changed.expiry = expiry;
        }
        changed.opt_out_of_notifications = self.opt_out_of_notifications.unwrap_or(changed.opt_out_of_notifications);
        if changed != *user {
            changed.modified = now;
        }
        faults.into_result(Some(changed))
    }
}

fn change_email(faults: &mut Faults, user: &mut User, email: Option<String>) {
    match email {
        Some(email) => user.email = faults.check("email", Email::try_from(email)).or(user.email.take()),
        None if user.email.is_some() => faults.add("email", "The email address is required"),
        None => {}
    }
}

fn change_frequency(faults: &mut Faults, user: &mut User, days: Option<i64>) {
    const FIELD: &str = "credentials.passwordChangeFrequency";
    if days == user.password_change_frequency.map(i64::from) {
        return;
    }
    match days {
        _ if user.provider.kind == ProviderKind::External => {
            faults.add(FIELD, "The password change frequency of an external user cannot be changed");
        }
        Some(days) => user.password_change_frequency = Some(check_frequency(faults, days)),
        None => faults.add(FIELD, "The password change frequency is required; 0 is never"),
    }
}
