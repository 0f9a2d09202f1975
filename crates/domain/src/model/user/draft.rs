//! New users, and their validation.

use uuid::Uuid;

use super::locale::{is_language, is_timezone};
use super::{Email, Provider, User, UserId, Username};
use crate::custom::{self, Custom};
use crate::name::{NameKey, has_control};
use crate::password::{self, Password};
use crate::time::Timestamp;
use crate::validation::{Faults, InvalidField};

/// The password change frequency of a user for whom none is given, in days (contract 3.3).
pub(crate) const DEFAULT_PASSWORD_CHANGE_FREQUENCY: u32 = 180;

/// The longest password change frequency, in days: a signed 32-bit integer, which every store and client can represent.
const LONGEST_FREQUENCY: u32 = i32::MAX.unsigned_abs();

/// The time zone of a user for whom none is given.
pub(super) const DEFAULT_TIMEZONE: &str = "Etc/UTC";
/// The language of a user for whom none is given.
pub(super) const DEFAULT_LANGUAGE: &str = "en-GB";

/// The properties that a request gives a new user (contract 4.3). The values are not yet validated.
#[derive(Clone, Debug, Default)]
pub struct UserDraft {
    /// The id chosen by the client. If it is absent or nil, one is generated.
    pub id: Option<Uuid>,
    /// The username. If it is absent, the email address is used.
    pub username: Option<String>,
    /// The email address.
    pub email: Option<String>,
    /// The first name.
    pub first_name: Option<String>,
    /// The last name.
    pub last_name: Option<String>,
    /// The time zone. The default is `Etc/UTC`.
    pub timezone: Option<String>,
    /// The language. The default is `en-GB`.
    pub language: Option<String>,
    /// Custom properties.
    pub custom: Custom,
    /// The password.
    pub password: Option<String>,
    /// Days until the password must change. The default is 180.
    pub password_change_frequency: Option<i64>,
    /// When the account expires.
    pub expiry: Option<Timestamp>,
    /// Whether the user wants no notifications.
    pub opt_out_of_notifications: bool,
    /// Whether the account is created suspended.
    pub suspended: bool,
    /// Whether the user must change the password at the first sign-in.
    pub force_password_reset: bool,
}

/// A validated new user, with the password in clear.
#[derive(Debug)]
pub(crate) struct NewUser {
    pub(crate) user: User,
    pub(crate) password: Password,
}

/// The properties of a new account that the service decides.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Account {
    /// The id, unless the request chooses one.
    pub(crate) id: UserId,
    /// The moment of creation.
    pub(crate) now: Timestamp,
    /// Whether an account without an email address is refused.
    pub(crate) email_required: bool,
}

impl UserDraft {
    /// Validates all properties, and returns every fault (contract 4.3 and 7).
    pub(crate) fn check(self, account: Account) -> Result<NewUser, Vec<InvalidField>> {
        let mut faults = Faults::default();
        let now = account.now;
        let given_email = self.email.filter(|email| !email.trim().is_empty());
        let username = self.username.filter(|name| !name.trim().is_empty()).or_else(|| given_email.clone());
        let email = given_email.and_then(|email| faults.check("email", Email::try_from(email)));
        if email.is_none() && account.email_required && !faults.names("email") {
            faults.add("email", "The email address is required");
        }
        let username = if username.is_none() && faults.names("email") {
            None
        } else {
            faults.check("username", Username::try_from(username.unwrap_or_default()))
        };
        let timezone = self.timezone.unwrap_or_else(|| DEFAULT_TIMEZONE.to_owned());
        let language = self.language.unwrap_or_else(|| DEFAULT_LANGUAGE.to_owned());
        check_names(&mut faults, [self.first_name.as_deref(), self.last_name.as_deref()]);
        check_timezone(&mut faults, &timezone);
        check_language(&mut faults, &language);
        custom::check(&self.custom, &Custom::new(), &mut faults);
        if self.expiry.is_some_and(|expiry| expiry <= now) {
            faults.add("expiry", "The expiry date must be in the future");
        }
        let frequency = self.password_change_frequency.unwrap_or(i64::from(DEFAULT_PASSWORD_CHANGE_FREQUENCY));
        let frequency = check_frequency(&mut faults, frequency);
        let names = [self.first_name.as_deref(), self.last_name.as_deref()];
        let password = check_password(&mut faults, self.password, names);
        let id = self.id.filter(|id| !id.is_nil()).map_or(account.id, UserId);
        let user = username.map(|username| User {
            email,
            first_name: self.first_name,
            last_name: self.last_name,
            timezone,
            language,
            custom: self.custom,
            password_change_frequency: Some(frequency),
            suspended: self.suspended,
            password_reset_required: self.force_password_reset,
            expiry: self.expiry,
            password_changed: Some(now),
            opt_out_of_notifications: self.opt_out_of_notifications,
            ..User::without_password(id, username, Provider::contensis(), now)
        });
        faults.into_result(user.zip(password).map(|(user, password)| NewUser { user, password }))
    }
}

pub(super) fn check_names(faults: &mut Faults, [first, last]: [Option<&str>; 2]) {
    for (field, what, name) in [("firstName", "first", first), ("lastName", "last", last)] {
        if let Some(fault) = name.and_then(name_fault) {
            faults.add(field, format!("The {what} name {fault}"));
        }
    }
}

pub(super) fn check_timezone(faults: &mut Faults, timezone: &str) {
    if !is_timezone(timezone) {
        faults.add("timezone", "The time zone is not valid");
    }
}

pub(super) fn check_language(faults: &mut Faults, language: &str) {
    if !is_language(language) {
        faults.add("language", "The language code is not valid");
    }
}

pub(super) fn check_frequency(faults: &mut Faults, days: i64) -> u32 {
    const FIELD: &str = "credentials.passwordChangeFrequency";
    match u32::try_from(days) {
        Ok(days) if days <= LONGEST_FREQUENCY => return days,
        _ if days < 0 => faults.add(FIELD, "The password change frequency must be zero or greater"),
        _ => faults.add(FIELD, format!("The password change frequency must be at most {LONGEST_FREQUENCY}")),
    }
    0
}

fn check_password(faults: &mut Faults, text: Option<String>, names: [Option<&str>; 2]) -> Option<Password> {
    const FIELD: &str = "credentials.password";
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        faults.add(FIELD, "The password is required");
        return None;
    };
    let checked = password::check(&text, names);
    checked.map_err(|broken| broken.into_iter().for_each(|rule| faults.add(FIELD, rule.to_string()))).ok()
}

/// The most characters of a first or a last name.
const LONGEST_NAME: usize = 255;

/// Whether `text` can be a first or a last name: not too long, also as it is compared, and without control characters.
pub(crate) fn is_name(text: &str) -> bool {
    name_fault(text).is_none()
}

/// Why `text` can be neither a first nor a last name.
fn name_fault(text: &str) -> Option<String> {
    if text.chars().count() > LONGEST_NAME {
        return Some(format!("must have {LONGEST_NAME} or fewer characters"));
    }
    if has_control(text) {
        return Some("must not contain control characters".to_owned());
    }
    NameKey::of(text).is_too_long().then(|| "is too long when its characters are written out".to_owned())
}
